//! Documents made findable: passages in a full-text index (tantivy) and a vector index (Qdrant), searched together.
//!
//! In: files of documents; a query. Out: hits with both scores and a fused one. Knows nothing of prompts, models that
//! write, or what a hit is used for. Everything here blocks; callers on an async thread use `spawn_blocking`.
//!
//! A build writes a new generation and swaps it in (`manifest`); an open [`Index`] notices at its next search.

mod analysis;
mod build;
mod catalogue;
mod centre;
mod dense;
mod edge;
pub mod embed;
mod fuse;
mod in_force;
mod korean;
mod manifest;
mod open;
mod server;
mod sparse;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use crate::ingest::{Authority, Date, Passage, without_language};
use crate::lang::Language;

pub use analysis::{Kind, Term, terms};
pub use build::{BuildReport, Progress};
pub use dense::{DenseIndex, Exact, Point};
pub use open::Index;

/// Why an index could not be built, opened or searched.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no index yet\n\nhint: `haetae corpora build` makes one")]
    NotBuilt,
    #[error(
        "the disk is full: `{path}` could not be written\n\nhint: the index of before still serves; free some space and build again"
    )]
    DiskFull { path: PathBuf },
    #[error("index file `{path}`: {reason}")]
    Storage { path: PathBuf, reason: String },
    #[error("the vector index failed to {act}: {reason}")]
    Dense { act: &'static str, reason: String },
    #[error(
        "the index was made by embedder `{found}`, and this is `{expected}`\n\nhint: `haetae corpora build` makes it anew"
    )]
    OtherEmbedder { found: String, expected: String },
    #[error("`{path}` could not be read: {source}")]
    Source { path: PathBuf, source: std::io::Error },
    #[error("document id `{id}` is used twice: by `{first}` and by `{second}`")]
    DuplicateId { id: String, first: String, second: String },
    #[error(transparent)]
    Ingest(#[from] crate::ingest::Error),
    #[error(transparent)]
    Embed(#[from] embed::Error),
}

impl Error {
    /// An error of writing or reading `path`; a full disk is told apart, whoever reports it.
    fn storage(path: &Path, error: &(dyn std::error::Error + 'static)) -> Self {
        let mut reason = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            reason = format!("{reason}: {error}");
            source = error.source();
        }
        let no_room = error.downcast_ref::<rusqlite::Error>().is_some_and(cannot_share_memory);
        if no_room || is_disk_full(&reason) {
            Self::DiskFull { path: path.into() }
        } else {
            Self::Storage { path: path.into(), reason }
        }
    }
}

/// Whether SQLite could not grow the file beside a database that its connections share, and that it writes before all
/// else: of a full disk it says no more there.
fn cannot_share_memory(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE)
}

/// The words of the system, of SQLite, and of what passes them on as text.
fn is_disk_full(reason: &str) -> bool {
    let signs = ["No space left on device", "disk is full", "StorageFull", "os error 28", "os error 122"];
    signs.iter().any(|sign| reason.contains(sign))
}

/// Where vectors are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DenseChoice {
    /// In this process, under the home folder.
    Edge,
    /// In a Qdrant server, by its gRPC URL.
    Server { url: String, key: Option<String> },
}

impl DenseChoice {
    fn name(&self) -> &str {
        match self {
            Self::Edge => "edge",
            Self::Server { url, .. } => url,
        }
    }

    /// The collection that holds a generation on a server.
    fn collection(generation: &str) -> String {
        format!("haetae-{generation}")
    }
}

/// The subject of a document whose passages are of one; see [`Passage::subject`].
fn subject_of(document: &crate::ingest::Document) -> String {
    match document.topic {
        Some(topic) => format!("{}/{topic}", document.corpus),
        None => without_language(&document.id, document.language).to_owned(),
    }
}

/// A document, without its text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DocumentSummary {
    pub id: String,
    pub title: String,
    pub corpus: String,
    pub language: Language,
    pub topic: Option<u32>,
    pub refs: Vec<String>,
    pub authority: Authority,
    pub effective_from: Option<Date>,
    pub effective_to: Option<Date>,
    /// Whether it holds today; its passages are found only then.
    pub in_force: bool,
    pub source: String,
    pub num_passages: usize,
}

/// What is looked for.
#[derive(Clone, Debug)]
pub struct Query<'a> {
    pub text: &'a str,
    /// Corpora searched; all where empty.
    pub corpora: &'a [String],
    pub limit: usize,
}

/// A passage found, with the evidence of each index.
#[derive(Clone, Debug)]
pub struct Hit {
    pub passage: Arc<Passage>,
    /// Fused score in (0, 1], 1 for the best; comparable within one search only.
    pub score: f32,
    /// BM25 score of the full-text index, where it found the passage.
    pub bm25: Option<f32>,
    /// Cosine similarity of the embeddings.
    pub cosine: Option<f32>,
    /// The same, taken from the corpus's centre: about 0 for what has nothing to do with the question.
    pub centred: f32,
}
