//! The few hits that are cited, and the titles that a refusal names.

use super::Citation;
use crate::index::Hit;
use crate::ingest::Passage;

/// Most passages cited.
const MAX_CITATIONS: usize = 6;
/// Most passages cited of one subject, so that a second opinion finds room.
const MAX_OF_SUBJECT: usize = 3;
/// A passage below this share of the best one's score is not cited: it would be read as evidence and is none.
const MIN_SHARE: f32 = 0.04;
/// The passages cited, numbered from 1.
pub(super) fn citations(hits: &[Hit]) -> Vec<Citation> {
    let Some(best) = hits.first() else { return Vec::new() };
    let mut cited: Vec<&Hit> = Vec::new();
    for hit in hits.iter().take_while(|hit| hit.score >= MIN_SHARE * best.score) {
        let of_subject = cited.iter().filter(|other| other.passage.subject() == hit.passage.subject()).count();
        if cited.len() < MAX_CITATIONS && of_subject < MAX_OF_SUBJECT {
            cited.push(hit);
        }
    }
    // A guide opens with its answer in short, which decides more often than what is nearest in words.
    let is_opening = |hit: &&Hit| {
        hit.passage.document == best.passage.document
            && hit.passage.heading.is_empty()
            && hit.passage.authority == "guide"
    };
    if let Some(opening) = hits.iter().find(is_opening)
        && !cited.iter().any(|hit| hit.passage.id == opening.passage.id)
    {
        cited.truncate(MAX_CITATIONS - 1);
        cited.insert(1, opening);
    }
    cited.into_iter().enumerate().map(|(at, hit)| citation(at + 1, &hit.passage, hit.score)).collect()
}

pub(super) fn citation(n: usize, passage: &Passage, score: f32) -> Citation {
    Citation {
        n,
        document: passage.document.clone(),
        passage: passage.id.clone(),
        title: passage.title.clone(),
        heading: passage.heading.clone(),
        corpus: passage.corpus.clone(),
        language: passage.language,
        authority: passage.authority.clone(),
        text: passage.text.clone(),
        span: passage.span.clone(),
        score,
        topic: passage.topic,
        refs: passage.refs.clone(),
    }
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
