//! `haetae value`: the worksheet of one import, from a file or a pipe.

use std::io::{Read, stdin};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use crate::lang::Language;
use crate::valuation::{Case, Status, value};

#[derive(Debug, Args)]
pub struct ValueArgs {
    /// The case in JSON or TOML, or `-` for standard input
    #[arg(required_unless_present = "schema")]
    pub file: Option<PathBuf>,
    /// Print the worksheet as one JSON object
    #[arg(long, conflicts_with_all = ["html", "markdown"])]
    pub json: bool,
    /// Print the worksheet as Markdown; the default
    #[arg(long)]
    pub markdown: bool,
    /// Print the worksheet as a page of HTML
    #[arg(long, conflicts_with = "markdown")]
    pub html: bool,
    /// Language of Markdown and HTML; JSON has both
    #[arg(long, default_value = "ko", value_name = "LANG")]
    pub lang: Language,
    /// Print the JSON Schema of a case instead
    #[arg(long, conflicts_with_all = ["file", "json", "markdown", "html"])]
    pub schema: bool,
}

/// Exits with 1 where facts are missing: the worksheet then lists them and has no totals.
pub(super) fn run(args: &ValueArgs) -> anyhow::Result<ExitCode> {
    let Some(file) = &args.file else {
        println!("{}", serde_json::to_string_pretty(&schemars::schema_for!(Case))?);
        return Ok(ExitCode::SUCCESS);
    };
    let sheet = value(&Case::read(&text(file)?)?.valid()?);
    if args.json {
        println!("{}", serde_json::to_string_pretty(&sheet)?);
    } else if args.html {
        print!("{}", sheet.html(args.lang));
    } else {
        print!("{}", sheet.markdown(args.lang));
    }
    Ok(if sheet.status == Status::Complete { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn text(file: &Path) -> anyhow::Result<String> {
    if file.as_os_str() != "-" {
        return Ok(fs_err::read_to_string(file)?);
    }
    let mut text = String::new();
    stdin().read_to_string(&mut text).context("standard input could not be read")?;
    Ok(text)
}
