//! Recall and rank of the right subjects: topics, or documents of a corpus that has none. Twins in two languages count as
//! one; a question is answered by any of its subjects.

use std::collections::BTreeMap;
use std::time::Instant;

use serde::Serialize;

use super::{Asked, Error, Report, corpus_of, read, share};
use crate::ingest::{Passage, without_language};
use crate::rag::Rag;

/// Least recall within the first five subjects, and least mean reciprocal rank within ten.
const MIN_RECALL: f64 = 0.95;
const MIN_MRR: f64 = 0.85;
/// Passages looked at for ten subjects.
const NUM_HITS: usize = 60;

/// Figures over some questions.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Figures {
    pub n: usize,
    pub recall_at_5: f64,
    pub mrr_at_10: f64,
}

/// A question whose right subject was not within the first five.
#[derive(Clone, Debug, Serialize)]
pub struct Miss {
    pub id: String,
    pub question: String,
    pub expected: Vec<String>,
    pub rank: Option<usize>,
    pub found: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct RetrievalReport {
    pub suite: String,
    #[serde(flatten)]
    pub overall: Figures,
    pub by_language: BTreeMap<String, Figures>,
    pub min_recall_at_5: f64,
    pub min_mrr_at_10: f64,
    pub mean_ms: f64,
    pub misses: Vec<Miss>,
}

impl Report for RetrievalReport {
    fn passed(&self) -> bool {
        self.overall.recall_at_5 >= MIN_RECALL && self.overall.mrr_at_10 >= MIN_MRR
    }

    fn in_words(&self) -> String {
        let line = |name: &str, f: &Figures| {
            format!("{name:>8}  n {:>4}  recall@5 {:.3}  MRR@10 {:.3}\n", f.n, f.recall_at_5, f.mrr_at_10)
        };
        let mut words = line(&self.suite, &self.overall);
        words.extend(self.by_language.iter().map(|(language, figures)| line(language, figures)));
        words.push_str(&format!(
            "wanted    recall@5 {MIN_RECALL}  MRR@10 {MIN_MRR}; {:.0} ms a question\n",
            self.mean_ms
        ));
        for miss in &self.misses {
            words.push_str(&format!(
                "missed {}: {} (wanted {:?}, rank {:?}, found {:?})\n",
                miss.id, miss.question, miss.expected, miss.rank, miss.found
            ));
        }
        words
    }
}

/// Runs the suite.
///
/// # Errors
/// An unknown or malformed suite; those of retrieval.
pub fn run(rag: &Rag, suite: &str, limit: Option<usize>) -> Result<RetrievalReport, Error> {
    let questions: Vec<Asked> = read("retrieval", suite, limit)?;
    let corpora = corpus_of(suite);
    let mut ranks: Vec<(String, Option<usize>)> = Vec::new();
    let mut misses = Vec::new();
    let started = Instant::now();
    for asked in &questions {
        let expected: Vec<String> =
            asked.topics.iter().map(ToString::to_string).chain(asked.documents.iter().cloned()).collect();
        let found = subjects(rag, &asked.question, &corpora)?;
        let rank = found.iter().position(|subject| expected.contains(subject)).map(|at| at + 1);
        ranks.push((asked.language.to_string(), rank));
        if rank.is_none_or(|rank| rank > 5) {
            misses.push(Miss {
                id: asked.id.clone(),
                question: asked.question.clone(),
                expected,
                rank,
                found: found.into_iter().take(5).collect(),
            });
        }
    }
    let mut languages: BTreeMap<String, Vec<Option<usize>>> = BTreeMap::new();
    for (language, rank) in &ranks {
        languages.entry(language.clone()).or_default().push(*rank);
    }
    let all: Vec<Option<usize>> = ranks.into_iter().map(|(_, rank)| rank).collect();
    Ok(RetrievalReport {
        suite: suite.into(),
        overall: figures(&all),
        by_language: languages.into_iter().map(|(language, ranks)| (language, figures(&ranks))).collect(),
        min_recall_at_5: MIN_RECALL,
        min_mrr_at_10: MIN_MRR,
        mean_ms: started.elapsed().as_secs_f64() * 1000.0 / questions.len().max(1) as f64,
        misses,
    })
}

/// The subjects found, best first, each once, at most ten.
fn subjects(rag: &Rag, question: &str, corpora: &[String]) -> Result<Vec<String>, Error> {
    let mut subjects = Vec::new();
    for hit in rag.retrieve(question, corpora, NUM_HITS)? {
        let subject = subject(&hit.passage);
        if !subjects.contains(&subject) {
            subjects.push(subject);
        }
    }
    subjects.truncate(10);
    Ok(subjects)
}

/// What a passage is about, as suites name it: the number of its topic, or its document without the language.
fn subject(passage: &Passage) -> String {
    let document = || without_language(&passage.document, passage.language).to_owned();
    passage.topic.map_or_else(document, |topic| topic.to_string())
}

fn figures(ranks: &[Option<usize>]) -> Figures {
    let recalled = ranks.iter().filter(|rank| rank.is_some_and(|rank| rank <= 5)).count();
    let reciprocal: f64 = ranks.iter().flatten().map(|rank| 1.0 / *rank as f64).sum();
    Figures {
        n: ranks.len(),
        recall_at_5: share(recalled, ranks.len()),
        mrr_at_10: if ranks.is_empty() { 0.0 } else { reciprocal / ranks.len() as f64 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_count_what_they_say() {
        let figures = figures(&[Some(1), Some(2), Some(6), None]);
        assert_eq!(figures.recall_at_5, 0.5);
        assert!((figures.mrr_at_10 - (1.0 + 0.5 + 1.0 / 6.0) / 4.0).abs() < 1e-9);
    }
}
