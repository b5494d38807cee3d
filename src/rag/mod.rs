//! A question to the passages that answer it: retrieve, gate, find the deciding sentence.
//!
//! In: a question. Out: [`Evidence`], or a refusal that says what was looked for. No language model takes part here:
//! what counts as evidence is decided before one speaks. Blocks; callers on an async thread use `spawn_blocking`.

mod gate;
mod jurisdiction;
pub mod polarity;
mod quote;
mod record;
mod retrieve;

use std::collections::HashSet;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use serde::Serialize;

use crate::index::{Hit, Index, Query};
use crate::lang::Language;
use crate::telemetry::spans;

pub use gate::{Beyond, Features, Judgement};
pub use jurisdiction::Country;

/// Why evidence could not be looked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the question is empty")]
    EmptyQuestion,
    #[error(transparent)]
    Index(#[from] crate::index::Error),
}

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
    /// Topic number where the document has one.
    pub topic: Option<u32>,
    pub authority: String,
    pub text: String,
    /// Where the passage stands in the document, in bytes.
    pub span: Range<usize>,
    /// Fused retrieval score.
    pub score: f32,
    pub refs: Vec<String>,
}

/// Passages with the sentences quoted from them.
pub type Cited = (Vec<Citation>, Vec<Quote>);

/// A sentence quoted word for word.
#[derive(Clone, Debug, Serialize)]
pub struct Quote {
    /// The citation it stands in.
    pub n: usize,
    pub text: String,
    /// Where the sentence stands in the document, in bytes.
    pub span: Range<usize>,
    pub language: Language,
    /// How well it decides the question; comparable within one finding only, so no one outside is told.
    #[serde(skip)]
    pub score: f32,
}

/// What was found for a question that can be answered.
#[derive(Clone, Debug)]
pub struct Evidence {
    pub citations: Vec<Citation>,
    /// The sentences that decide the question, most decisive first; at least one.
    pub quotes: Vec<Quote>,
    pub hits: Vec<Hit>,
    /// How sure the gate was, in [0, 1].
    pub confidence: f32,
}

/// The outcome of looking for evidence.
#[derive(Clone, Debug)]
pub enum Finding {
    Answerable(Evidence),
    /// Nothing found carries an answer.
    Refused(Refusal),
}

/// Why a question is not answered.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The terms searched.
    pub looked_for: Vec<String>,
    /// Titles that came closest.
    pub nearest: Vec<String>,
    pub beyond: Option<Beyond>,
}

/// Passages retrieved for one question.
const NUM_HITS: usize = 60;

/// Looks for evidence in an index. Share it by [`Arc`].
pub struct Rag {
    index: Arc<Index>,
    elsewhere: OnceLock<gate::Elsewhere>,
    sentences: quote::SentenceVectors,
}

impl Rag {
    pub fn new(index: Arc<Index>) -> Self {
        Self { index, elsewhere: OnceLock::new(), sentences: quote::SentenceVectors::default() }
    }

    pub fn index(&self) -> &Arc<Index> {
        &self.index
    }

    /// Passages for a question, best first.
    ///
    /// # Errors
    /// [`Error::EmptyQuestion`], and the index's.
    pub fn retrieve(&self, question: &str, corpora: &[String], limit: usize) -> Result<Vec<Hit>, Error> {
        let vector = self.vector(question)?;
        Ok(self.index.search_by(&Query { text: question, corpora, limit }, &vector)?)
    }

    /// Does now what the first question would have to wait for.
    ///
    /// # Errors
    /// As [`Self::retrieve`].
    pub fn warm_up(&self) -> Result<(), Error> {
        self.judge("?", &[]).map(|_| ())
    }

    /// How near two questions are, 1 being the same.
    ///
    /// # Errors
    /// The embedder's.
    pub fn nearness(&self, a: &str, b: &str) -> Result<f32, Error> {
        let (a, b) = (self.vector(a)?, self.vector(b)?);
        Ok(a.iter().zip(&b).map(|(a, b)| a * b).sum())
    }

    /// Citations of stretches of documents, each given with its words, and those words as quotes. `None` where one does
    /// not stand there any more, or its document is not in force.
    ///
    /// # Errors
    /// Those of the index.
    pub fn cite(&self, places: &[(&str, Range<usize>, &str)]) -> Result<Option<Cited>, Error> {
        let (mut citations, mut quotes): (Vec<Citation>, Vec<Quote>) = (Vec::new(), Vec::new());
        for (document, span, words) in places {
            if self.index.document_text(document)?.is_none_or(|text| text.get(span.clone()) != Some(*words)) {
                return Ok(None);
            }
            let Some(passage) = self.index.passage_at(document, span.start)? else { return Ok(None) };
            let n = match citations.iter().find(|citation| citation.passage == passage.id) {
                Some(citation) => citation.n,
                None => {
                    citations.push(retrieve::citation(citations.len() + 1, &passage, 1.0));
                    citations.len()
                }
            };
            let language = passage.language;
            quotes.push(Quote { n, text: (*words).to_owned(), span: span.clone(), language, score: 1.0 });
        }
        Ok((!quotes.is_empty()).then_some((citations, quotes)))
    }

    /// What the gate makes of a question.
    ///
    /// # Errors
    /// As [`Self::retrieve`].
    pub fn judge(&self, question: &str, corpora: &[String]) -> Result<Judgement, Error> {
        let vector = self.vector(question)?;
        let hits = self.index.search_by(&Query { text: question, corpora, limit: NUM_HITS }, &vector)?;
        self.gate(question, &vector, corpora, &hits)
    }

    /// What the gate would make of a question if these documents, in either language, were not among those found.
    ///
    /// # Errors
    /// As [`Self::retrieve`].
    pub fn judge_without(&self, question: &str, corpora: &[String], documents: &[&str]) -> Result<Judgement, Error> {
        let vector = self.vector(question)?;
        let mut hits = self.index.search_by(&Query { text: question, corpora, limit: NUM_HITS }, &vector)?;
        let subjects: HashSet<String> = hits
            .iter()
            .filter(|hit| documents.contains(&&*hit.passage.document))
            .map(|hit| hit.passage.subject())
            .collect();
        hits.retain(|hit| !subjects.contains(&hit.passage.subject()));
        self.gate(question, &vector, corpora, &hits)
    }

    /// Evidence for a question from `corpora` (all where empty), or the refusal to answer.
    ///
    /// # Errors
    /// As [`Self::retrieve`].
    pub fn find(&self, question: &str, corpora: &[String]) -> Result<Finding, Error> {
        let span = spans::retrieval(corpora);
        let found = span.in_scope(|| self.look(question, corpora));
        match &found {
            Ok(Finding::Answerable(evidence)) => spans::retrieved(&span, true, evidence.citations.len()),
            Ok(Finding::Refused(_)) => spans::retrieved(&span, false, 0),
            Err(error) => spans::failed(&span, error),
        }
        found
    }

    fn look(&self, question: &str, corpora: &[String]) -> Result<Finding, Error> {
        let vector = self.vector(question)?;
        let hits = self.index.search_by(&Query { text: question, corpora, limit: NUM_HITS }, &vector)?;
        let judgement = self.gate(question, &vector, corpora, &hits)?;
        let citations = retrieve::citations(&hits);
        if judgement.is_answerable() {
            let quotes = quote::deciding(&self.index, &self.sentences, question, &vector, &citations)?;
            // A passage may hold no sentence at all, a bare table; nothing could be quoted from it.
            if !quotes.is_empty() {
                return Ok(Finding::Answerable(Evidence { citations, quotes, hits, confidence: judgement.confidence }));
            }
        }
        Ok(Finding::Refused(Refusal {
            looked_for: gate::looked_for(question),
            nearest: retrieve::titles(&hits, 3),
            beyond: judgement.beyond,
        }))
    }

    fn gate(&self, question: &str, vector: &[f32], corpora: &[String], hits: &[Hit]) -> Result<Judgement, Error> {
        let elsewhere = match self.elsewhere.get() {
            Some(elsewhere) => elsewhere,
            None => {
                let embedded = gate::Elsewhere::embed(&self.index)?;
                self.elsewhere.get_or_init(|| embedded)
            }
        };
        Ok(gate::judge(&self.index, elsewhere, &gate::Asked { question, vector, corpora }, hits)?)
    }

    fn vector(&self, question: &str) -> Result<Vec<f32>, Error> {
        if question.trim().is_empty() {
            return Err(Error::EmptyQuestion);
        }
        Ok(self.index.embedder().embed_query(question).map_err(crate::index::Error::from)?)
    }
}
