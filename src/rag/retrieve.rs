//! The few hits that are cited, and the titles that a refusal names.

use std::collections::HashMap;

use super::Citation;
use crate::index::Hit;

/// Most passages cited.
const MAX_CITATIONS: usize = 6;
/// Most passages cited of one subject, so that a second opinion finds room.
const MAX_OF_SUBJECT: usize = 3;
/// A passage below this share of the best one's score is not cited: it would be read as evidence and is none.
const MIN_SHARE: f32 = 0.04;
/// The passages cited, numbered from 1.
pub(super) fn citations(hits: &[Hit]) -> Vec<Citation> {
    let Some(best) = hits.first() else { return Vec::new() };
    let mut of_subject: HashMap<String, usize> = HashMap::new();
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
            topic: passage.topic,
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
