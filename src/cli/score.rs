//! `haetae score`: scores for the rows of a file or a pipe, one line each, as they come.

use std::io::{BufRead, BufReader, BufWriter, Read, Write, stdin, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::json;

use crate::config::Config;
use crate::scoring::{Capacity, Error, Purpose, Reader, Scored, Shelf, hs};

#[derive(Debug, Subcommand)]
pub enum ScoreCommand {
    /// How likely each import declaration is fraudulent, and why
    Risk(ScoreRiskArgs),
    /// Which HS codes a description of goods may have, and why
    Hs(ScoreHsArgs),
}

#[derive(Debug, Args)]
pub struct ScoreHsArgs {
    /// Descriptions, one a line, or `-` for standard input
    #[arg(required_unless_present = "text", conflicts_with = "text")]
    pub file: Option<PathBuf>,
    /// One description
    #[arg(long)]
    pub text: Option<String>,
    /// Codes named at each level
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub top: usize,
    /// Answer to a question that a recommendation asked, such as `material=cotton`; may be given more than once
    #[arg(long = "answer", value_name = "ATTRIBUTE=VALUE", requires = "text")]
    pub answers: Vec<String>,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
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
    match command {
        ScoreCommand::Risk(args) => risk(&args, config),
        ScoreCommand::Hs(args) => hs(&args, config),
    }
}

fn hs(args: &ScoreHsArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let answers = args.answers.iter().map(|answer| hs::Answer::parse(answer)).collect::<Result<Vec<_>, _>>()?;
    let model = hs::Model::current(&Shelf::hs(&config.home))?;
    let mut output = BufWriter::new(stdout().lock());
    let mut write = |text: &str| -> anyhow::Result<()> {
        let recommended = model.recommend(text, args.top, &answers);
        write_line(&mut output, &recommended, args.json, codes_in_words)?;
        // Whoever pipes texts in one by one waits for each.
        Ok(output.flush()?)
    };
    if let Some(text) = &args.text {
        write(text)?;
    }
    if let Some(file) = &args.file {
        let (source, name) = open(file)?;
        for line in BufReader::new(source).lines() {
            let line = line.map_err(|source| Error::Unreadable { name: name.clone(), source })?;
            if !line.trim().is_empty() {
                write(line.trim())?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn codes_in_words(recommended: &hs::Recommendation) -> String {
    let mut text = recommended.text.clone();
    if recommended.refused {
        text.push_str("\n    too vague to be classified; the codes are guesses");
    }
    for hs::Ranked { code, probability, en, ko } in recommended.hs4.iter().chain(&recommended.hs6) {
        let name = en.as_ref().or(ko.as_ref()).map_or("", String::as_str);
        text.push_str(&format!("\n    {probability:.3}  {code:6}  {name}"));
    }
    for hs::Line { code, en, ko, .. } in &recommended.national {
        let name = ko.as_ref().or(en.as_ref()).map_or("", String::as_str);
        text.push_str(&format!("\n    line   {code}  {name}"));
    }
    if let Some(hs::Question { en, options, expected_set_size, .. }) = &recommended.next_question {
        text.push_str(&format!("\n    {en} It would leave about {expected_set_size:.1} codes:"));
        for hs::Choice { value, en, codes, .. } in options {
            text.push_str(&format!("\n        --answer {value}  {en} ({} codes)", codes.len()));
        }
    }
    for hs::Similar { text: other, code, cosine, .. } in &recommended.similar {
        text.push_str(&format!("\n    like {cosine:.2}  {code}  {other}"));
    }
    text
}

fn risk(args: &ScoreRiskArgs, config: &Config) -> anyhow::Result<ExitCode> {
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
            write_line(&mut output, &scored, args.json, in_words)?;
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

/// One object a line, or words for a person.
fn write_line<T: Serialize>(
    output: &mut impl Write,
    told: &T,
    as_json: bool,
    in_words: fn(&T) -> String,
) -> anyhow::Result<()> {
    if !as_json {
        return Ok(writeln!(output, "{}", in_words(told))?);
    }
    serde_json::to_writer(&mut *output, told)?;
    Ok(writeln!(output)?)
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
