//! `haetae train`: models from the administration's own tables.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::app;
use crate::config::Config;
use crate::documents;
use crate::scoring::{self, Files, HeldOut, Mapping, Part, Shelf, Trained, Training, delinquency, version_at};

#[derive(Debug, Subcommand)]
pub enum TrainCommand {
    /// Learn which import declarations are likely fraudulent
    Risk(TrainRiskArgs),
    /// Learn which HS codes descriptions of goods have
    Hs(TrainHsArgs),
    /// Learn which companies will be late with what they owe
    Delinquency(TrainDelinquencyArgs),
    /// Learn to find and compare stamps and signatures, from drawn ones
    Documents(TrainDocumentsArgs),
}

#[derive(Debug, Args)]
pub struct TrainDelinquencyArgs {
    /// Which column is what: a built-in mapping, or the path of a TOML file
    #[arg(long, default_value = "demo", value_name = "NAME|FILE.toml")]
    pub mapping: String,
    /// Folder of the tables, or their files: `ledgers`, `companies`, `declarations`, `audits`, as CSV or Parquet
    #[arg(long, value_name = "DIR|FILE", num_args = 1.., required = true)]
    pub data: Vec<PathBuf>,
    /// Rows of a table that may be left out because they cannot be used
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub max_bad_rows: usize,
    /// Seed of all that is drawn
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
    /// Print the report as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct TrainDocumentsArgs {
    /// Seed of all that is drawn
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
    /// About how long two free processors may take; the counts follow from it, so it is no clock
    #[arg(long, default_value_t = 5.0, value_name = "M")]
    pub minutes: f64,
    /// Print the report as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct TrainHsArgs {
    /// CSV or JSON of descriptions with codes, nomenclatures, national tariffs; known by their headers. Without any, the
    /// built-in descriptions of the headings are all there is, and codes end at four digits
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub data: Vec<PathBuf>,
    /// CSV whose first column holds texts too vague to be classified; without it, texts are refused by confidence alone
    #[arg(long, value_name = "FILE")]
    pub vague: Option<PathBuf>,
    /// Learn from words alone, without the embedder that tells what texts mean
    #[arg(long)]
    pub words_only: bool,
    /// How often a set of codes is to hold the true one
    #[arg(long, default_value_t = 0.9, value_name = "SHARE")]
    pub coverage: f64,
    /// Seed of all that is drawn
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
    /// Print the report as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct TrainRiskArgs {
    /// Which column is what: a built-in mapping, or the path of a TOML file
    #[arg(long, default_value = "kr-declarations", value_name = "NAME|FILE.toml")]
    pub mapping: String,
    /// CSV or Parquet to learn from; without `--valid` and `--test` its later days are held out
    #[arg(long, value_name = "FILE")]
    pub data: PathBuf,
    /// CSV or Parquet that ends the boosting and calibrates
    #[arg(long, value_name = "FILE", requires = "test")]
    pub valid: Option<PathBuf>,
    /// CSV or Parquet that is looked at for the report alone
    #[arg(long, value_name = "FILE", requires = "valid")]
    pub test: Option<PathBuf>,
    /// Rows of a file that may be left out because they cannot be used
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub max_bad_rows: usize,
    /// Leave out logistic regression, random forest, SVM and anomaly detector, which are measured beside the model
    #[arg(long)]
    pub alone: bool,
    /// Write features and labels of all parts as CSV into this folder, to compare other programs on the very same
    #[arg(long, value_name = "DIR")]
    pub export_features: Option<PathBuf>,
    /// Seed of all that is drawn
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
    /// Print the report as JSON
    #[arg(long)]
    pub json: bool,
}

pub(super) fn run(command: TrainCommand, config: &Config) -> anyhow::Result<ExitCode> {
    match command {
        TrainCommand::Risk(args) => risk(&args, config),
        TrainCommand::Hs(args) => hs(args, config),
        TrainCommand::Delinquency(args) => delinquency(args, config),
        TrainCommand::Documents(args) => documents(&args, config),
    }
}

fn delinquency(args: TrainDelinquencyArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let TrainDelinquencyArgs { mapping, data, max_bad_rows, seed, json } = args;
    let now = jiff::Timestamp::now();
    let tables = delinquency::Tables::load(&mapping)?;
    let training = delinquency::Training { tables, data, max_bad_rows, today: today(now), seed };
    let (model, report) = delinquency::train(&training, version_at(now), &|line| eprintln!("{line}"))?;
    let folder = model.put(&Shelf::delinquency(&config.home), &report)?;
    tell(&report.model, &folder, json.then_some(&report), || report.in_words())
}

fn documents(args: &TrainDocumentsArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let training = documents::Training { seed: args.seed, effort: documents::Effort::minutes(args.minutes)? };
    let version = version_at(jiff::Timestamp::now());
    let (model, report) = documents::train(&training, version, &|line| eprintln!("{line}"))?;
    let folder = model.put(&Shelf::documents(&config.home), &report)?;
    tell(&report.model, &folder, args.json.then_some(&report), || report.in_words())
}

fn hs(args: TrainHsArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let TrainHsArgs { data, vague, words_only, coverage, seed, json } = args;
    let version = version_at(jiff::Timestamp::now());
    let encoder = if words_only { None } else { Some(app::open_embedder(config)?) };
    let training = scoring::hs::Training { files: data, vague, seed, coverage, encoder };
    let (model, report) = scoring::hs::train(&training, version, &|line| eprintln!("{line}"))?;
    let folder = model.put(&Shelf::hs(&config.home), &report)?;
    tell(&report.model, &folder, json.then_some(&report), || report.in_words())
}

/// Says which model serves, and what its training came to: as JSON where there is a report to be told so, or in words.
fn tell<R: Serialize>(
    version: &str,
    folder: &Path,
    as_json: Option<&R>,
    in_words: impl FnOnce() -> String,
) -> anyhow::Result<ExitCode> {
    eprintln!("model {version} serves now, at {}", folder.display());
    match as_json {
        Some(report) => println!("{}", serde_json::to_string_pretty(report)?),
        None => print!("{}", in_words()),
    }
    Ok(ExitCode::SUCCESS)
}

/// It is today somewhere until the day has ended on the last island, 14 hours ahead.
pub(super) fn today(now: jiff::Timestamp) -> jiff::civil::Date {
    now.to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(14))).date()
}

fn risk(args: &TrainRiskArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let now = jiff::Timestamp::now();
    let held_out = args.valid.clone().zip(args.test.clone()).map(|(valid, test)| HeldOut { valid, test });
    let training = Training {
        mapping: Mapping::load(&args.mapping)?,
        files: Files { train: args.data.clone(), held_out },
        max_bad_rows: args.max_bad_rows,
        today: today(now),
        seed: args.seed,
        compare: !args.alone,
    };
    let Trained { model, report, parts } = scoring::train(&training, version_at(now), &|line| eprintln!("{line}"))?;
    if let Some(folder) = &args.export_features {
        export(folder, &model.feature_names(), &parts)?;
    }
    let folder = Shelf::risk(&config.home).put(&model, &report)?;
    tell(&model.version, &folder, args.json.then_some(&report), || report.in_words())
}

/// One CSV a part; an empty field is a missing value, as elsewhere in CSV.
fn export(folder: &Path, names: &[&str], parts: &[Part]) -> anyhow::Result<()> {
    fs_err::create_dir_all(folder)?;
    for Part { name, features, labels, twins } in parts {
        let path = folder.join(format!("{name}.csv"));
        let mut file = std::io::BufWriter::new(fs_err::File::create(&path)?);
        let mut write = || -> std::io::Result<()> {
            writeln!(file, "{},has_twin,label", names.join(","))?;
            for (row, label) in labels.iter().enumerate() {
                for column in features.columns() {
                    if !column[row].is_nan() {
                        write!(file, "{}", column[row])?;
                    }
                    write!(file, ",")?;
                }
                let has_twin = twins.get(row).is_some_and(|has_twin| *has_twin);
                writeln!(file, "{},{}", u8::from(has_twin), u8::from(*label))?;
            }
            file.flush()
        };
        write().with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    Ok(())
}
