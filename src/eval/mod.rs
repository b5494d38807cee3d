//! Question suites run through retrieval and the gate, as users' questions are; reports with thresholds.
//!
//! In: a suite under `eval/`, JSON Lines. Out: a report that serialises to JSON, speaks in words, and knows whether it
//! passed. What a threshold is, is decided here and nowhere else.

pub mod abstention;
pub mod agents;
pub mod answers;
pub mod functions;
pub mod injection;
pub mod retrieval;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::assets;
use crate::lang::Language;

/// Why a suite could not be run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no suite `{path}`\n\nhint: suites of this kind are {known}")]
    UnknownSuite { path: String, known: String },
    #[error("suite `{path}` line {line}: {reason}")]
    Malformed { path: String, line: usize, reason: String },
    #[error(transparent)]
    Rag(#[from] crate::rag::Error),
    #[error(transparent)]
    Chat(#[from] crate::chat::Error),
    #[error("a run of the agent failed: {reason}")]
    Agent { reason: String },
}

/// What each kind of report can do.
pub trait Report {
    fn passed(&self) -> bool;

    /// A few lines for a terminal.
    fn in_words(&self) -> String;
}

/// What every question has.
#[derive(Clone, Debug, Deserialize)]
pub struct Asked {
    pub id: String,
    pub language: Language,
    pub question: String,
    /// Topics that rightly answer.
    #[serde(default)]
    pub topics: Vec<u32>,
    /// Documents that rightly answer, without the language at the end of their ids; for corpora without topics.
    #[serde(default)]
    pub documents: Vec<String>,
}

/// The corpus a suite is about: its name without the `-dev` of the tuning half or the `-fresh` of the held-out one.
fn corpus_of(suite: &str) -> Vec<String> {
    let corpus = ["-dev", "-fresh", "-sealed"].iter().find_map(|of| suite.strip_suffix(of)).unwrap_or(suite);
    vec![corpus.to_owned()]
}

/// Reads `eval/{kind}/{suite}.jsonl`.
fn read<T: DeserializeOwned>(kind: &str, suite: &str, limit: Option<usize>) -> Result<Vec<T>, Error> {
    let path = format!("{kind}/{suite}.jsonl");
    let Some(text) = assets::text::<assets::Suites>(&path) else {
        let prefix = format!("{kind}/");
        let known: Vec<String> = <assets::Suites as rust_embed::Embed>::iter()
            .filter_map(|file| Some(format!("`{}`", file.strip_prefix(&prefix)?.strip_suffix(".jsonl")?)))
            .collect();
        return Err(Error::UnknownSuite { path, known: known.join(", ") });
    };
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .take(limit.unwrap_or(usize::MAX))
        .map(|(at, line)| {
            serde_json::from_str(line).map_err(|error| Error::Malformed {
                path: path.clone(),
                line: at + 1,
                reason: error.to_string(),
            })
        })
        .collect()
}

/// `part` of `whole`, 0 where there is nothing.
fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
