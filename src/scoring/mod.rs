//! The traditional models: scores learnt from the administration's own tables.
//!
//! In: tables read through a [`Mapping`]. Out: a versioned [`Model`] on disk with its report and its card, and
//! [`Scored`] rows, each with the reasons. [`train`] tells the story of learning from top to bottom, [`Model::score`]
//! that of scoring. [`hs`] recommends codes for descriptions, [`delinquency`] says whether companies will pay; both stand
//! on the same [`Shelf`]. Knows nothing of the language model, nor of what is done with a score.

mod artefact;
mod boosting;
mod calibration;
mod capacity;
mod card;
mod changes;
pub mod delinquency;
mod drift;
mod fairness;
mod fast_track;
mod features;
mod groups;
pub mod hs;
mod leanings;
mod mapping;
mod matrix;
mod metrics;
mod model;
mod reasons;
mod report;
mod revenue;
mod review;
mod rivals;
mod sample;
mod shap;
mod split;
mod table;
mod train;

use jiff::civil::Date;

pub use artefact::{Shelf, version_at};
pub(crate) use artefact::{Version, hex_sha256};
pub use capacity::{Capacity, Level, Levels, Plan, Rank, Room};
pub use changes::{Change, Changes};
pub use groups::{GroupRisk, MIN_DECLARATIONS, riskiest};
pub use mapping::{Mapping, Origin};
pub use matrix::Matrix;
pub use model::{Judged, Model, Scored};
pub use reasons::Told;
pub use report::Report;
pub use review::Review;
pub use sample::Sample;
pub use table::{Encoding, Purpose, Reader, Reason, Refused, Table};
pub use train::{Files, HeldOut, Part, Trained, Training, train};

/// Why nothing could be learnt, kept or scored.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "there is no mapping `{name}`\n\nhint: those built in are `{known}`; one of your own is given as a path to its TOML file"
    )]
    UnknownMapping { name: String, known: String },
    #[error("mapping `{origin}`: {reason}")]
    Mapping { origin: String, reason: String },
    #[error("`{name}` could not be read: {source}")]
    Unreadable { name: String, source: std::io::Error },
    #[error("`{name}` is no CSV file\n\nhint: tables are comma-separated text in UTF-8 or CP949, or Parquet")]
    NotCsv { name: String },
    #[error("`{name}` is no Parquet file that can be read: {reason}")]
    BadParquet { name: String, reason: String },
    #[error("`{name}` has {found} in column `{column}`, and {wanted} is needed")]
    ColumnType { name: String, column: String, found: &'static str, wanted: &'static str },
    #[error("`{name}` line {line} is neither UTF-8 nor CP949")]
    Undecodable { name: String, line: u64 },
    #[error(
        "`{name}` mixes encodings: line {line} is {found}, the lines before are {before}\n\n\
         hint: convert all of the file to UTF-8"
    )]
    MixedEncodings { name: String, line: u64, before: Encoding, found: Encoding },
    #[error("`{name}` lacks columns that mapping `{mapping}` needs: {missing}\n\nhint: its headers are `{found}`")]
    MissingColumns { name: String, mapping: String, missing: String, found: String },
    #[error("`{name}` has column `{column}` twice: as `{first}` and as `{second}`")]
    ColumnTwice { name: String, column: String, first: String, second: String },
    #[error("`{name}` holds no rows, and at least 1 is needed")]
    NoRows { name: String },
    #[error(
        "{refused} of {rows} rows of `{name}` cannot be used, and at most {limit} may be\n{}\n\n\
         hint: mend them, or go on without them by `--max-bad-rows {refused}`",
        worst(.examples)
    )]
    BadRows { name: String, refused: usize, rows: usize, limit: usize, examples: Vec<Refused> },
    #[error("all {rows} usable rows of `{name}` have the label `{label}`, and both are needed")]
    OneClass { name: String, rows: usize, label: &'static str },
    #[error("declaration `{key}` stands in `{first}` and in `{second}`: what is tested must not have been learnt")]
    KeyAcross { key: String, first: String, second: String },
    #[error("all rows are of {day}: a split by time takes at least 3 days\n\nhint: give `--valid` and `--test`")]
    NoTime { day: Date },
    #[error(
        "there is no table `{table}` in `{given}`\n\nhint: tables are files of that name, such as `{table}.csv` or \
         `{table}.parquet`"
    )]
    TableMissing { table: &'static str, given: String },
    #[error("table `{table}` is there twice: as `{}` and as `{}`", .first.display(), .second.display())]
    TableTwice { table: &'static str, first: std::path::PathBuf, second: std::path::PathBuf },
    #[error(
        "`{name}` is no table that is known by its name\n\nhint: tables are called `ledgers`, `companies`, `declarations`, \
         `audits`, and end in `.csv` or `.parquet`"
    )]
    NoSuchTable { name: String },
    #[error("the ledgers run over {months} months, and at least {needed} are needed: {reason}")]
    ShortLedgers { months: i32, needed: i32, reason: &'static str },
    #[error("there is no {kind} model yet\n\nhint: `haetae train {kind}` makes one")]
    NoModel { kind: &'static str },
    #[error("model `{path}` cannot be used: {reason}\n\nhint: `haetae train {kind}` makes a new one")]
    BadModel { kind: &'static str, path: std::path::PathBuf, reason: String },
    #[error("`{name}` is neither UTF-8 nor CP949")]
    NeitherEncoding { name: String },
    #[error("`{name}` begins like a JSON object and is none from descriptions to codes: {source}")]
    NotReferences { name: String, source: serde_json::Error },
    #[error("`{name}` fits no known layout: its headers are `{found}`\n\nhint: those read are {known}")]
    UnknownLayout { name: String, found: String, known: String },
    #[error("{refused} of {rows} rows of `{name}` lack a description or an HS code: lines {lines}")]
    BadDescriptions { name: String, refused: usize, rows: usize, lines: String },
    #[error("{found} descriptions to learn from, and at least {needed} are needed")]
    TooFewDescriptions { found: usize, needed: usize },
    #[error("`{given}` is no answer, which is written `attribute=value`\n\nhint: there are `{known}`")]
    UnknownAnswer { given: String, known: String },
    #[error("a description could not be encoded: {reason}")]
    Encode { reason: String },
    #[error(
        "model `{version}` learnt with the encoder `{wanted}`, and `{found}` is there\n\nhint: set it as `models.embedder`, or \
         train anew"
    )]
    OtherEncoder { version: String, wanted: String, found: String },
    #[error("cannot {act} `{path}`: {source}")]
    Disk { act: &'static str, path: std::path::PathBuf, source: std::io::Error },
    #[error(
        "model `{version}` learnt of no amounts, so nothing can be put in order by revenue\n\nhint: train it on a table \
         with what findings brought, by a mapping with a column of the role `amount` and `revenue`"
    )]
    NoAmounts { version: String },
    #[error("capacity plan `{origin}`: {reason}")]
    Plan { origin: String, reason: String },
    #[error("`{flag}` is {value}, and must be {limit}")]
    Share { flag: &'static str, value: f64, limit: &'static str },
}

/// The first of the rows that cannot be used, a line each.
fn worst(examples: &[Refused]) -> String {
    let lines =
        examples.iter().take(MAX_EXAMPLES).map(|refused| format!("  line {}: {}", refused.line, refused.reason));
    let mut text = lines.collect::<Vec<_>>().join("\n");
    if examples.len() > MAX_EXAMPLES {
        text.push_str(&format!("\n  and {} more", examples.len() - MAX_EXAMPLES));
    }
    text
}

/// Rows named in an error; the report has them all.
const MAX_EXAMPLES: usize = 10;
