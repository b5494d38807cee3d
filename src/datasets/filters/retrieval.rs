//! Whether the index leads from a question to the passage it was made of, and whether it would do without it.

use std::sync::Arc;

use super::super::{Error, Row};
use crate::rag::Rag;

/// Passages looked through.
const NUM_HITS: usize = 10;

/// The index, as filters ask it. Blocks.
pub struct Retrieval {
    rag: Arc<Rag>,
    corpora: Vec<String>,
}

impl Retrieval {
    pub fn new(rag: Arc<Rag>, corpus: &str) -> Self {
        Self { rag, corpora: vec![corpus.to_owned()] }
    }

    /// One over the rank of the first passage found that overlaps the evidence, 0 where none of ten does. `None` for a
    /// question without evidence.
    ///
    /// # Errors
    /// The index's.
    pub fn round_trip(&self, row: &Row) -> Result<Option<f64>, Error> {
        if row.evidence.is_empty() || row.kind.is_unanswerable() {
            return Ok(None);
        }
        let hits = self.rag.retrieve(&row.question, &self.corpora, NUM_HITS)?;
        let rank = hits.iter().position(|hit| {
            row.evidence.iter().any(|evidence| {
                hit.passage.document == evidence.document
                    && hit.passage.span.start < evidence.end
                    && evidence.start < hit.passage.span.end
            })
        });
        Ok(Some(rank.map_or(0.0, |rank| 1.0 / (rank as f64 + 1.0))))
    }

    /// How much surer the gate is that the question can be answered with the row's documents than without them, below 0
    /// where it is less sure. For a question that cannot be answered, how sure the gate is of that.
    ///
    /// # Errors
    /// The index's.
    pub fn gain(&self, row: &Row) -> Result<Option<f64>, Error> {
        let with = self.rag.judge(&row.question, &self.corpora)?;
        if row.kind.is_unanswerable() {
            let refused = if with.is_answerable() { 1.0 - f64::from(with.confidence) } else { 1.0 };
            return Ok(Some(refused));
        }
        let own: Vec<&str> = row.evidence.iter().map(|evidence| &*evidence.document).collect();
        let without = self.rag.judge_without(&row.question, &self.corpora, &own)?;
        Ok(Some(f64::from(with.confidence) - f64::from(without.confidence)))
    }
}
