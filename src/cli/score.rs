//! `haetae score`: scores for the rows of a file or a pipe, one line each, as they come.

use std::io::{BufWriter, Read, Write, stdin, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use crate::config::Config;
use crate::scoring::{Capacity, Error, Purpose, Reader, Scored, Shelf};

#[derive(Debug, Subcommand)]
pub enum ScoreCommand {
    /// How likely each import declaration is fraudulent, and why
    Risk(ScoreRiskArgs),
}

#[derive(Debug, Args)]
pub struct ScoreRiskArgs {
    /// CSV of declarations, or `-` for standard input
    pub file: PathBuf,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
    /// Reasons for each row: 3 unless said, all without a number, 0 for the fastest scores
    #[arg(long, value_name = "N", num_args = 0..=1, default_value = "3", default_missing_value = "1000")]
    pub reasons: usize,
    /// Share of declarations that can be inspected: the riskiest are red
    #[arg(long, default_value_t = 0.05, value_name = "SHARE")]
    pub red: f64,
    /// Share of declarations whose documents can be looked at beside: the next are yellow
    #[arg(long, default_value_t = 0.15, value_name = "SHARE")]
    pub yellow: f64,
}

/// Rows scored together: enough for all processors, few enough for a pipe to flow.
const BATCH: usize = 4096;

pub(super) fn run(command: ScoreCommand, config: &Config) -> anyhow::Result<ExitCode> {
    let ScoreCommand::Risk(args) = command;
    let capacity = Capacity::new(args.red, args.yellow)?;
    let model = Shelf::risk(&config.home).current()?;
    let (source, name) = open(&args.file)?;
    let mut reader = Reader::open(source, &name, &model.mapping, Purpose::Score)?;
    let mut output = BufWriter::new(stdout().lock());
    let mut all_scored = true;
    loop {
        let table = reader.read(BATCH)?;
        if table.num_rows() + table.refused.len() == 0 {
            break;
        }
        for scored in model.score(&table, capacity, args.reasons) {
            if args.json {
                serde_json::to_writer(&mut output, &scored)?;
                writeln!(output)?;
            } else {
                writeln!(output, "{}", in_words(&scored))?;
            }
        }
        for refused in &table.refused {
            all_scored = false;
            eprintln!("{name} line {}: {}", refused.line, refused.reason);
            if args.json {
                let reason = refused.reason.to_string();
                writeln!(output, "{}", json!({ "row": refused.line, "error": reason, "reason": refused.reason }))?;
            }
        }
        output.flush()?;
    }
    Ok(if all_scored { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// The rows, and what they are called.
fn open(file: &Path) -> Result<(Box<dyn Read>, String), Error> {
    let name = file.display().to_string();
    if name == "-" {
        return Ok((Box::new(stdin().lock()), "standard input".into()));
    }
    match std::fs::File::open(file) {
        Ok(file) => Ok((Box::new(file), name)),
        Err(source) => Err(Error::Unreadable { name, source }),
    }
}

fn in_words(scored: &Scored) -> String {
    let level = format!("{:?}", scored.level).to_lowercase();
    let reasons: Vec<String> =
        scored.reasons.iter().map(|reason| format!("\n    {:+.2}  {}", reason.contribution, reason.en)).collect();
    format!("{:.4}  {level:6}  {} (line {}){}", scored.score, scored.id, scored.row, reasons.concat())
}
