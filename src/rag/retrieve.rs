//! Hits ordered for answering, and the few of them that are cited.

use std::collections::HashMap;

use super::Citation;
use crate::index::{Error, Hit, Index, Query};

/// Most passages cited.
const MAX_CITATIONS: usize = 6;
/// Most passages cited of one subject, so that a second opinion finds room.
const MAX_OF_SUBJECT: usize = 3;
/// A passage below this share of the best one's score is not cited: it would be read as evidence and is none.
const MIN_SHARE: f32 = 0.55;
/// What the next passages of the same subject add to each of its passages' scores: a topic found in several places is
/// likelier meant than one found in one. Chosen on `eval/retrieval/valuation-dev.jsonl`.
const SUPPORT: f32 = 0.15;

/// The best passages, where passages of one subject support each other.
pub(super) fn hits(index: &Index, question: &str, vector: &[f32], corpora: &[String], limit: usize) -> Result<Vec<Hit>, Error> {
    let mut hits = index.search_by(&Query { text: question, corpora, limit: limit.max(40) }, vector)?;
    let mut by_subject: HashMap<(String, Option<u32>), Vec<f32>> = HashMap::new();
    for hit in &hits {
        // Hits come best first, so each list is sorted.
        by_subject.entry(hit.passage.subject()).or_default().push(hit.score);
    }
    for hit in &mut hits {
        let scores = &by_subject[&hit.passage.subject()];
        hit.score += SUPPORT * scores.iter().skip(1).take(2).sum::<f32>();
    }
    hits.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.passage.id.cmp(&b.passage.id)));
    hits.truncate(limit);
    Ok(hits)
}

/// The passages cited, numbered from 1.
pub(super) fn citations(hits: &[Hit]) -> Vec<Citation> {
    let Some(best) = hits.first() else { return Vec::new() };
    let mut of_subject: HashMap<(String, Option<u32>), usize> = HashMap::new();
    let mut citations = Vec::new();
    for hit in hits {
        let count = of_subject.entry(hit.passage.subject()).or_default();
        if hit.score < MIN_SHARE * best.score || citations.len() == MAX_CITATIONS {
            break;
        }
        if *count == MAX_OF_SUBJECT {
            continue;
        }
        *count += 1;
        let passage = &hit.passage;
        citations.push(Citation {
            n: citations.len() + 1,
            document: passage.document.clone(),
            passage: passage.id.clone(),
            title: passage.title.clone(),
            heading: passage.heading.clone(),
            corpus: passage.corpus.clone(),
            language: passage.language,
            authority: passage.authority.clone(),
            text: passage.text.clone(),
            span: passage.span.clone(),
            score: hit.score,
            refs: passage.refs.clone(),
        });
    }
    citations
}

/// The first `limit` different titles.
pub(super) fn titles(hits: &[Hit], limit: usize) -> Vec<String> {
    let mut titles: Vec<String> = Vec::new();
    for hit in hits {
        if titles.len() == limit {
            break;
        }
        if !titles.contains(&hit.passage.title) {
            titles.push(hit.passage.title.clone());
        }
    }
    titles
}
