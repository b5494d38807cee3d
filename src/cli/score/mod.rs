//! `haetae score`: scores for the rows of a file or a pipe, one line each, as they come.

mod risk;

use std::io::{BufRead, BufReader, BufWriter, Read, Write, stdin, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::json;

use super::train::today;
use crate::app;
use crate::config::Config;
use crate::scoring::{Error, Shelf, delinquency, hs};
use risk::ScoreRiskArgs;

#[derive(Debug, Subcommand)]
pub enum ScoreCommand {
    /// How likely each import declaration is fraudulent, and why
    Risk(ScoreRiskArgs),
    /// Which HS codes a description of goods may have, and why
    Hs(ScoreHsArgs),
    /// How likely each company is to be late with what it owes, and why
    Delinquency(ScoreDelinquencyArgs),
}

#[derive(Debug, Args)]
pub struct ScoreDelinquencyArgs {
    /// Folder of tables as for training, or a file of histories, one JSON object a line, or `-` for standard input
    pub file: PathBuf,
    /// Month whose last day the tables are seen from [default: the last one of the ledgers]
    #[arg(long, value_name = "YYYY-MM")]
    pub as_of: Option<delinquency::Month>,
    /// Grade that is the best one left where a rule applies, such as `exit_ban=09`; more than one by commas
    #[arg(long, value_name = "RULE=GRADE", value_delimiter = ',', value_parser = floor)]
    pub floor: Vec<(delinquency::Rule, delinquency::Grade)>,
    /// Rows of a table that may be left out because they cannot be used
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub max_bad_rows: usize,
    /// Reasons for each company: 3 unless said, all without a number
    #[arg(long, value_name = "N", num_args = 0..=1, default_value = "3", default_missing_value = "1000")]
    pub reasons: usize,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
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

pub(super) fn run(command: ScoreCommand, config: &Config) -> anyhow::Result<ExitCode> {
    match command {
        ScoreCommand::Risk(args) => risk::run(&args, config),
        ScoreCommand::Hs(args) => hs(&args, config),
        ScoreCommand::Delinquency(args) => delinquency(&args, config),
    }
}

fn floor(typed: &str) -> Result<(delinquency::Rule, delinquency::Grade), String> {
    let (rule, grade) = typed.split_once('=').ok_or("a floor is a rule and a grade, such as `exit_ban=09`")?;
    let rule = serde_json::from_value(rule.into()).map_err(|error| error.to_string())?;
    Ok((rule, grade.parse().map_err(|error: delinquency::NotAGrade| error.to_string())?))
}

fn delinquency(args: &ScoreDelinquencyArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let mut model = delinquency::Model::current(&Shelf::delinquency(&config.home))?;
    model.tables.floors.extend(args.floor.iter().copied());
    let mut output = BufWriter::new(stdout().lock());
    let write = |output: &mut BufWriter<_>, history: &delinquency::History| -> anyhow::Result<()> {
        let mut scored = model.score(history);
        scored.reasons.truncate(args.reasons);
        write_line(output, &scored, args.json, company_in_words)
    };
    if args.file.is_dir() {
        let (today, data) = (today(jiff::Timestamp::now()), [args.file.clone()]);
        let (mut histories, files) = delinquency::histories(&data, &model.tables, today, args.max_bad_rows)?;
        for history in &mut histories {
            history.as_of = args.as_of.unwrap_or(history.as_of);
            write(&mut output, history)?;
        }
        output.flush()?;
        let all_used = files.iter().all(|file| file.refused.is_empty());
        return Ok(if all_used { ExitCode::SUCCESS } else { ExitCode::from(1) });
    }
    let (source, name) = open(&args.file)?;
    let mut all_scored = true;
    for (at, line) in BufReader::new(source).lines().enumerate() {
        let line = line.map_err(|source| Error::Unreadable { name: name.clone(), source })?;
        match delinquency::History::parse(&line) {
            _ if line.trim().is_empty() => {}
            Ok(mut history) => {
                history.as_of = args.as_of.unwrap_or(history.as_of);
                write(&mut output, &history)?;
            }
            Err(error) => {
                all_scored = false;
                eprintln!("{name} line {}: {error}", at + 1);
                if args.json {
                    writeln!(output, "{}", json!({ "row": at + 1, "error": error.to_string() }))?;
                }
            }
        }
        output.flush()?;
    }
    Ok(if all_scored { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn company_in_words(scored: &delinquency::Scored) -> String {
    let delinquency::Scored { company, as_of, probability, score, grade, reasons, rules, .. } = scored;
    let mut text = format!("{score:4}  grade {grade}  {probability:.4}  {company} as of {as_of}");
    for reason in reasons {
        text.push_str(&format!("\n    {:+.2}  {} {}", reason.contribution, reason.code, reason.en));
    }
    for rule in rules {
        text.push_str(&format!("\n    rule   {}: {}", rule.references.join(", "), rule.en));
    }
    if let Some(change) = &scored.what_would_change {
        text.push_str(&format!("\n    would be {} with grade {}: {}", change.score, change.grade, change.en));
    }
    text
}

fn hs(args: &ScoreHsArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let answers = args.answers.iter().map(|answer| hs::Answer::parse(answer)).collect::<Result<Vec<_>, _>>()?;
    let model = open_hs(config)?;
    let mut output = BufWriter::new(stdout().lock());
    let mut write = |text: &str| -> anyhow::Result<()> {
        let recommended = model.recommend(text, args.top, &answers)?;
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

/// The model that serves, with the embedder where it learnt with one.
fn open_hs(config: &Config) -> anyhow::Result<hs::Model> {
    // Why there is no embedder is told in its own words.
    let mut failure = None;
    let opened = hs::Model::current(&Shelf::hs(&config.home), || {
        app::open_embedder(config).map_err(|error| {
            let reason = error.to_string();
            failure = Some(error);
            Error::Encode { reason }
        })
    });
    match failure {
        Some(failure) => Err(failure),
        None => Ok(opened?),
    }
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
