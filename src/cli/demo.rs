//! `haetae demo`: an invented world to learn from.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::demo::{Format, World};
use crate::documents::draw::Certificates;

#[derive(Debug, Subcommand)]
pub enum DemoCommand {
    /// Write companies, declarations, ledgers and audits with planted effects, and a README that tells them
    Generate(GenerateArgs),
    /// Draw scanned certificates with genuine and forged stamps and signatures, and a table of what was planted
    Certificates(CertificatesArgs),
}

#[derive(Debug, Args)]
pub struct CertificatesArgs {
    /// The same seed and count give the same pictures
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Pages
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub count: usize,
    /// New folder for the files
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Print what was made as JSON
    #[arg(long)]
    pub json: bool,
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
    match command {
        DemoCommand::Generate(args) => generate(args),
        DemoCommand::Certificates(args) => certificates(args),
    }
}

fn certificates(args: &CertificatesArgs) -> anyhow::Result<ExitCode> {
    let made = Certificates { seed: args.seed, count: args.count }.write(&args.out)?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&made)?);
    } else {
        println!(
            "{} pages with {} stamps and {} signatures, {} of them forged, in {}",
            made.pages,
            made.stamps,
            made.signatures,
            made.forged,
            args.out.display()
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn generate(args: &GenerateArgs) -> anyhow::Result<ExitCode> {
    let made = World { seed: args.seed, scale: args.scale }.write_as(args.format, &args.out)?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&made)?);
    } else {
        println!("{} declarations, {} of them fraud, in {}", made.declarations, made.frauds, args.out.display());
    }
    Ok(ExitCode::SUCCESS)
}
