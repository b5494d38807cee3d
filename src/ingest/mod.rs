//! Files to documents to passages: extraction, heads, sentences, chunks.
//!
//! In: the bytes of a file and its name. Out: [`Document`]s with clean text, and the byte ranges of that text that are
//! passages ([`chunk::passages`]) or sentences ([`sentence::sentences`]). Knows nothing of indexes or of where the
//! files came from.

pub mod chunk;
mod corpora;
mod document;
mod docx;
mod extract;
mod passage;
pub mod sentence;
mod statute;

use std::path::PathBuf;

pub use chunk::CHUNKER_VERSION;
pub use corpora::{SourceFile, source_files};
pub use document::{Authority, Date, Document};
pub use extract::{SUPPORTED, documents, is_supported};
pub use passage::{Passage, without_language};

/// Why a file did not become a document.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("`{path}` line {line}: broken head: {reason}")]
    Head { path: PathBuf, line: usize, reason: String },
    #[error("`{path}` line 1: the head opens with `---` and never closes")]
    OpenHead { path: PathBuf },
    #[error("`{path}`: key `refs` of the head: {source}")]
    Reference { path: PathBuf, source: crate::legal::Error },
    #[error("`{path}`: key `{key}` of the head: `{given}` is not {expected}")]
    HeadValue { path: PathBuf, key: &'static str, given: String, expected: &'static str },
    #[error("`{path}`: file type `{found}` is not supported\n\nhint: supported are {}", SUPPORTED.join(", "))]
    Unsupported { path: PathBuf, found: String },
    #[error("`{path}` is not UTF-8 text (first bad byte at {offset})")]
    NotText { path: PathBuf, offset: usize },
    #[error("`{path}` could not be read as {format}: {reason}")]
    Unreadable { path: PathBuf, format: &'static str, reason: String },
    #[error("`{path}` holds no text{}", if *scanned { "\n\nhint: a scanned PDF has pictures of text; run OCR first" } else { "" })]
    Empty { path: PathBuf, scanned: bool },
}
