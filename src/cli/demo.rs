//! `haetae demo`: an invented world to learn from.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::demo::{Format, World};

#[derive(Debug, Subcommand)]
pub enum DemoCommand {
    /// Write companies, declarations, ledgers and audits with planted effects, and a README that tells them
    Generate(GenerateArgs),
}

#[derive(Debug, Args)]
pub struct GenerateArgs {
    /// The same seed and scale give the same bytes
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// 1 is 100,000 declarations of 2,000 companies
    #[arg(long, default_value_t = 1.0)]
    pub scale: f64,
    /// New folder for the files
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// What tables are written as
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Print what was made as JSON
    #[arg(long)]
    pub json: bool,
}

pub(super) fn run(command: &DemoCommand) -> anyhow::Result<ExitCode> {
    let DemoCommand::Generate(args) = command;
    let made = World { seed: args.seed, scale: args.scale }.write_as(args.format, &args.out)?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&made)?);
    } else {
        println!("{} declarations, {} of them fraud, in {}", made.declarations, made.frauds, args.out.display());
    }
    Ok(ExitCode::SUCCESS)
}
