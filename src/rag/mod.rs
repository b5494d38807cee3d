//! A question to the passages that answer it: retrieve, gate, find the deciding sentence.
//!
//! In: a question. Out: [`Evidence`], or a refusal that says what was looked for. No language model takes part here:
//! what counts as evidence is decided before one speaks.

use std::ops::Range;

use serde::Serialize;

use crate::index::Hit;
use crate::lang::Language;

/// A passage numbered for an answer.
#[derive(Clone, Debug, Serialize)]
pub struct Citation {
    /// The `n` of its `[n]` mark, from 1.
    pub n: usize,
    pub document: String,
    pub passage: String,
    pub title: String,
    pub heading: String,
    pub corpus: String,
    pub language: Language,
    pub authority: String,
    pub text: String,
    /// Where the passage stands in the document, in bytes.
    pub span: Range<usize>,
    /// Fused retrieval score.
    pub score: f32,
    pub refs: Vec<String>,
}

/// A sentence quoted word for word.
#[derive(Clone, Debug, Serialize)]
pub struct Quote {
    /// The citation it stands in.
    pub n: usize,
    pub text: String,
    /// Where the sentence stands in the document, in bytes.
    pub span: Range<usize>,
    pub language: Language,
}

/// What was found for a question that can be answered.
#[derive(Clone, Debug)]
pub struct Evidence {
    pub citations: Vec<Citation>,
    /// The sentences that decide the question, most decisive first; at least one.
    pub quotes: Vec<Quote>,
    pub hits: Vec<Hit>,
}

/// The outcome of looking for evidence.
#[derive(Clone, Debug)]
pub enum Finding {
    Answerable(Evidence),
    /// Nothing found carries an answer. `looked_for`: the terms searched; `nearest`: titles that came closest.
    Refused {
        looked_for: Vec<String>,
        nearest: Vec<String>,
    },
}
