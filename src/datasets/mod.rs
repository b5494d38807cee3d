//! Datasets of questions and answers: planned, generated, filtered, kept, reviewed, exported.
//!
//! In: the documents of a corpus and a [`GenerationConfig`]; files of rows; logged conversations. Out: rows in one
//! database ([`Store`]), and files that other programs read ([`exports`]). What a generation still has to do is kept
//! beside what it did, and one transaction writes both: a process killed at any moment loses nothing and doubles nothing.
//! Knows no HTTP and no command line.

pub mod bench;
mod config;
pub mod exports;
pub mod filters;
mod imports;
pub mod jobs;
mod model;
mod plan;
mod refresh;
mod review;
mod row;
mod runner;
mod split;
mod stats;
pub mod store;
pub mod templates;

use std::path::PathBuf;

pub use config::{FilterSetting, FilterSettings, GenerationConfig, MAX_ROWS, Writers};
pub use imports::{ImportReport, import, import_history};
pub use plan::{Note, Plan, Work, WorkItem, plan, topic_of};
pub use refresh::{RefreshReport, refresh};
pub use review::{Agreement, agreement};
use row::hex as row_hex;
pub use row::{
    Difficulty, Evidence, Generator, Lineage, Persona, QuestionType, Row, Split, State, StoredRow, text_version,
};
pub use runner::{MAX_PREVIEW, Preview, Run, Runner, Services, documents};
pub use split::{assign_splits, complete_splits};
pub use stats::{Stats, stats};
pub use store::{Place, Store};
pub use templates::without_opening;

/// Why a dataset could not be made, read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("datasets `{place}` could not be opened: {failure}")]
    Open { place: String, failure: store::Failure },
    #[error(
        "datasets `{place}` has format {version}, this program knows {known}\n\nhint: another version of haetae wrote it"
    )]
    TooNew { place: String, version: i64, known: i64 },
    #[error("datasets: {0}")]
    Database(store::Failure),
    #[error(
        "the connection that showed this process to be at work on a dataset is lost\n\nhint: begin again, nothing of it is lost"
    )]
    LostLock,
    #[error("row {row} holds JSON that cannot be read: {source}")]
    Corrupt { row: i64, source: serde_json::Error },
    #[error("there is no dataset `{name}`\n\nhint: `haetae dataset list` names them all")]
    Unknown { name: String },
    #[error("dataset name `{name}`: 1 to 64 letters, digits, `-`, `_` and `.` only, a letter or digit first")]
    BadName { name: String },
    #[error("dataset `{name}` exists and was made with other settings\n\nhint: give the new one another name")]
    OtherSettings { name: String },
    #[error("dataset `{name}` exists already\n\nhint: give the new one another name")]
    Exists { name: String },
    #[error("dataset `{name}` has no generation that could be {act}")]
    NoJob { name: String, act: &'static str },
    #[error("dataset `{name}` is being worked on")]
    Busy { name: String },
    #[error("dataset `{name}` has no row {row}")]
    UnknownRow { name: String, row: i64 },
    #[error("settings: {reason}")]
    Config { reason: String },
    #[error("corpus `{corpus}` holds no documents that questions could be made of\n\nhint: `haetae corpora list`")]
    EmptyCorpus { corpus: String },
    #[error("the documents give nothing to ask about {hole}")]
    NothingToAsk { hole: String },
    #[error("{act} failed for `{path}`: {source}")]
    File { act: &'static str, path: PathBuf, source: std::io::Error },
    #[error("`{path}` line {line}: {reason}")]
    Import { path: PathBuf, line: usize, reason: String },
    #[error("`{path}`: {reason}")]
    Format { path: PathBuf, reason: String },
    #[error("`{path}` has sha256 {found}, and its manifest says {expected}")]
    Changed { path: PathBuf, found: String, expected: String },
    #[error("review: {reason}")]
    Review { reason: String },
    #[error("row {row} says the same already")]
    SaysTheSame { row: i64 },
    #[error("dataset `{name}` has a generation that is not finished\n\nhint: let it end, or cancel it")]
    Unfinished { name: String },
    #[error(transparent)]
    Ingest(#[from] crate::ingest::Error),
    #[error(transparent)]
    Rag(#[from] crate::rag::Error),
    #[error(transparent)]
    Engine(#[from] crate::engine::Error),
    #[error(transparent)]
    Prompt(#[from] crate::prompts::Error),
    #[error(transparent)]
    History(#[from] crate::history::Error),
}

impl From<store::Failure> for Error {
    fn from(failure: store::Failure) -> Self {
        Self::Database(failure)
    }
}

impl Error {
    /// Whether nothing was wrong but the way to the database.
    pub fn is_outage(&self) -> bool {
        match self {
            Self::LostLock => true,
            Self::Database(failure) | Self::Open { failure, .. } => failure.is_outage(),
            _ => false,
        }
    }
}

/// Checks the name of a dataset: it becomes part of file names and URLs.
///
/// # Errors
/// [`Error::BadName`].
pub fn check_name(name: &str) -> Result<(), Error> {
    let fits = (1..=64).contains(&name.chars().count())
        && name.starts_with(|c: char| c.is_alphanumeric())
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if fits { Ok(()) } else { Err(Error::BadName { name: name.into() }) }
}
