//! `haetae network`: who stands by whom, in words, as JSON or as a picture.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};

use super::register::{DEMO, open, resolve};
use crate::config::Config;
use crate::lang::Language;
use crate::network::{Network, Pattern};
use crate::register::Register;

#[derive(Debug, Subcommand)]
pub enum NetworkCommand {
    /// Show the closest way from one party to another; the exit code is 1 where there is none
    Path(PathArgs),
    /// Show who stands around a company, and what risk reached it
    Around(AroundArgs),
    /// List rings of companies that own each other, and companies that closed in debt and rose again
    Patterns(PatternsArgs),
}

#[derive(Debug, Args)]
pub struct PathArgs {
    /// Id of a company, person, seller or broker, or the name of a company
    pub from: String,
    pub to: String,
    #[arg(long, default_value = "en")]
    pub lang: Language,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct AroundArgs {
    /// Id or name, in Korean or English
    pub company: String,
    /// Steps from the company; one address or person between two companies makes two steps
    #[arg(long, default_value_t = 3, value_name = "N")]
    pub depth: usize,
    /// Most parties shown, the closest first
    #[arg(long, default_value_t = 40, value_name = "N")]
    pub limit: usize,
    /// Draw it into this file
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub svg: Option<PathBuf>,
    #[arg(long, default_value = "en")]
    pub lang: Language,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct PatternsArgs {
    #[arg(long, default_value = "en")]
    pub lang: Language,
    #[arg(long)]
    pub json: bool,
}

pub(super) fn run(command: NetworkCommand, config: &Config) -> anyhow::Result<ExitCode> {
    let register = open(&config.home)?;
    let network = Network::read(&register)?;
    let code = match command {
        NetworkCommand::Path(args) => path(&args, &register, &network)?,
        NetworkCommand::Around(args) => around(&args, &register, &network)?,
        NetworkCommand::Patterns(args) => patterns(&args, &network)?,
    };
    if network.is_demo() {
        eprintln!("{DEMO}");
    }
    Ok(code)
}

/// The id that was typed: of any party, or of the company of that name.
fn party(register: &Register, typed: &str) -> anyhow::Result<String> {
    match register.party(typed)? {
        Some(party) => Ok(party.id),
        None => Ok(resolve(register, typed)?.id),
    }
}

fn path(args: &PathArgs, register: &Register, network: &Network) -> anyhow::Result<ExitCode> {
    let ids = [party(register, &args.from)?, party(register, &args.to)?];
    let [from, to] = ids.map(|id| network.find(&id));
    let (Some(from), Some(to)) = (from, to) else { bail!("the network lacks one of the parties") };
    let path = network.path(from, to);
    if args.json {
        println!("{}", serde_json::to_string_pretty(&path)?);
    } else if let Some(path) = &path {
        for step in &path.steps {
            println!("{:.2}  {}", step.strength, if args.lang == Language::Ko { &step.ko } else { &step.en });
        }
        println!("distance {:.2}", path.distance);
    } else {
        println!("no way leads from one to the other");
    }
    Ok(ExitCode::from(u8::from(path.is_none())))
}

fn around(args: &AroundArgs, register: &Register, network: &Network) -> anyhow::Result<ExitCode> {
    let company = resolve(register, &args.company)?;
    let at = network.company(&company.id).with_context(|| format!("the network lacks `{}`", company.id))?;
    let view = network.around(at, args.depth, args.limit);
    if let Some(file) = &args.svg {
        write(file, &view.svg(args.lang))?;
        return Ok(ExitCode::SUCCESS);
    }
    let exposure = network.exposure(&network.survey().spread, at);
    if args.json {
        println!("{}", serde_json::to_string_pretty(&serde_json::json!({ "view": view, "exposure": exposure }))?);
        return Ok(ExitCode::SUCCESS);
    }
    let is_korean = args.lang == Language::Ko;
    println!("{}", network.name(at, args.lang));
    for edge in &view.edges {
        println!("    {:.2}  {}", edge.strength, if is_korean { &edge.ko } else { &edge.en });
    }
    if view.is_cut {
        println!("    and more; `--limit N` shows them");
    }
    println!("exposure {:.4}, more than {:.0}% of companies", exposure.exposure, exposure.percentile * 100.0);
    for inflow in exposure.inflows.iter().take(3).filter(|inflow| inflow.amount > 0.0) {
        println!("    {:3.0}%  {}", inflow.share * 100.0, if is_korean { &inflow.ko } else { &inflow.en });
    }
    Ok(ExitCode::SUCCESS)
}

fn patterns(args: &PatternsArgs, network: &Network) -> anyhow::Result<ExitCode> {
    let patterns = &network.survey().patterns;
    if args.json {
        println!(
            "{}",
            serde_json::to_string_pretty(&serde_json::json!({ "demo": network.is_demo(), "patterns": patterns }))?
        );
        return Ok(ExitCode::SUCCESS);
    }
    for pattern in patterns {
        let (en, ko) = match pattern {
            Pattern::Ring(ring) => (&ring.en, &ring.ko),
            Pattern::Phoenix(phoenix) => (&phoenix.en, &phoenix.ko),
        };
        println!("{}", if args.lang == Language::Ko { ko } else { en });
    }
    Ok(ExitCode::SUCCESS)
}

fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    fs_err::write(file, text).with_context(|| format!("cannot write `{}`", file.display()))
}
