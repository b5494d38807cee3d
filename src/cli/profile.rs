//! `haetae profile`: the page of one company.

use std::process::ExitCode;

use clap::Args;
use jiff::civil::Date;

use super::register::{open, resolve};
use crate::config::Config;
use crate::lang::Language;
use crate::network::Network;
use crate::profile::{Scope, profile};

#[derive(Debug, Args)]
pub struct ProfileArgs {
    /// Id or name, in Korean or English
    pub company: String,
    /// Day as of which it is drawn, as in 2025-09-30 [default: the last day of the declarations]
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<Date>,
    #[arg(long, default_value = "en")]
    pub lang: Language,
    /// Print it as JSON, with the source of each fact
    #[arg(long)]
    pub json: bool,
}

pub(super) fn run(args: &ProfileArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let register = open(&config.home)?;
    let company = resolve(&register, &args.company)?;
    let network = Network::read(&register)?;
    let scope = Scope { as_of: args.as_of, mentions: Vec::new() };
    let profile = profile(&register, &network, &company.id, scope)?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&profile)?);
    } else {
        print!("{}", profile.markdown(args.lang));
    }
    Ok(ExitCode::SUCCESS)
}
