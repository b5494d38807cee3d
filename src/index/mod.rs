//! Documents made findable: passages in a full-text index (tantivy) and a vector index (Qdrant), searched together.
//!
//! In: passages with their place in a document; a query. Out: hits with both ranks and a fused score. Knows nothing of
//! prompts, models that write, or what a hit is used for.

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::lang::Language;

/// A retrievable stretch of a document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Passage {
    /// `{document}#{ordinal}`; stable while the document's text is.
    pub id: String,
    /// Id of the document, as in its head (`valuation-021-en`).
    pub document: String,
    /// The collection it belongs to: `valuation`, `general`, or a name the user gave.
    pub corpus: String,
    pub title: String,
    /// The headings above the passage, outermost first, joined by ` > `.
    pub heading: String,
    pub language: Language,
    /// Topic number where the document has one.
    pub topic: Option<u32>,
    /// Legal references of the document, machine-readable (`KR-CA-30(1)6`).
    pub refs: Vec<String>,
    /// `statute`, `decree`, `rule`, `notice`, `treaty`, `guide` or `document`.
    pub authority: String,
    /// The passage, exactly as it stands in the document.
    pub text: String,
    /// Where `text` stands in the document's text, in bytes.
    pub span: Range<usize>,
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
    /// Fused score; higher is better; comparable within one search only.
    pub score: f32,
    /// BM25 score of the full-text index, where it found the passage.
    pub bm25: Option<f32>,
    /// Cosine similarity of the embeddings, where the vector index found the passage.
    pub cosine: Option<f32>,
}
