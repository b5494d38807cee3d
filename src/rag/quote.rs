//! The sentence that decides a question, word for word. In: the question and the passages cited. Out: a few sentences
//! with their place in the document, the most decisive first.
//!
//! Sentences are weighed by nearness in meaning, by shared words, and by what they are: a rule decides, an example or a
//! list of documents does not. Few are embedded, because the reader waits; their vectors are remembered.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Mutex;

use super::polarity::is_yes_no;
use super::{Citation, Quote};
use crate::index::embed::cosine;
use crate::index::{Error, Index, Kind, terms};
use crate::ingest::sentence::sentences;
use crate::lang::Language;

/// Sentences embedded for one question.
const MAX_EMBEDDED: usize = 14;
/// Sentences quoted.
const MAX_QUOTES: usize = 3;
/// A further sentence is quoted only if it decides almost as much.
const MIN_SHARE: f32 = 0.93;
/// Longest sentence quoted, in characters; a longer one is a list, and no reader takes it for the answer.
const MAX_CHARS: usize = 420;
/// Vectors remembered: 20 000 of 384 floats are 30 MB.
const MAX_REMEMBERED: usize = 20_000;

/// Weights of the parts of a sentence's score, by hand on the dev questions.
const NEARNESS: f32 = 1.0;
const OVERLAP: f32 = 0.35;
const RULE: f32 = 0.12;
const RANK: f32 = 0.25;

/// Vectors of sentences met before.
#[derive(Default)]
pub(super) struct SentenceVectors(Mutex<HashMap<String, Vec<f32>>>);

impl SentenceVectors {
    /// The vectors of `texts`, in order; only unknown ones are computed.
    fn of(&self, index: &Index, texts: &[String]) -> Result<Vec<Vec<f32>>, Error> {
        let unknown: Vec<&str> = {
            let known = self.0.lock().expect("no holder panics");
            texts.iter().filter(|text| !known.contains_key(*text)).map(String::as_str).collect()
        };
        // Embedded without the lock: another question may do the same work, but none waits.
        let embedded = index.embedder().embed_passages(&unknown)?;
        let mut known = self.0.lock().expect("no holder panics");
        if known.len() + unknown.len() > MAX_REMEMBERED {
            known.clear();
        }
        let mut fresh: HashMap<&str, Vec<f32>> = unknown.into_iter().zip(embedded).collect();
        let vectors = texts
            .iter()
            .map(|text| match known.get(text) {
                Some(vector) => vector.clone(),
                // Cleared meanwhile by another question, or met twice in this one.
                None => fresh.get(text.as_str()).cloned().unwrap_or_default(),
            })
            .collect();
        for (text, vector) in fresh.drain() {
            known.insert(text.to_owned(), vector);
        }
        Ok(vectors)
    }
}

/// A sentence that may decide.
struct Candidate {
    n: usize,
    text: String,
    span: Range<usize>,
    language: Language,
    /// Everything but the nearness.
    prior: f32,
}

/// The sentences that decide `question`, from the passages cited.
pub(super) fn deciding(
    index: &Index,
    remembered: &SentenceVectors,
    question: &str,
    vector: &[f32],
    citations: &[Citation],
) -> Result<Vec<Quote>, Error> {
    let mut candidates = candidates(index, question, citations)?;
    candidates.sort_by(|a, b| b.prior.total_cmp(&a.prior));
    candidates.truncate(MAX_EMBEDDED);
    let texts: Vec<String> = candidates.iter().map(|candidate| candidate.text.clone()).collect();
    let vectors = remembered.of(index, &texts)?;
    let cosines: Vec<f32> = vectors.iter().map(|sentence| cosine(sentence, vector)).collect();
    let nearest = cosines.iter().copied().fold(f32::MIN, f32::max);
    let farthest = cosines.iter().copied().fold(f32::MAX, f32::min);
    let spread = (nearest - farthest).max(0.02);
    let mut quotes: Vec<Quote> = candidates
        .into_iter()
        .zip(cosines)
        .map(|(candidate, cosine)| Quote {
            n: candidate.n,
            text: candidate.text,
            span: candidate.span,
            language: candidate.language,
            score: candidate.prior + NEARNESS * (cosine - farthest) / spread,
        })
        .collect();
    quotes.sort_by(|a, b| b.score.total_cmp(&a.score));
    let best = quotes.first().map_or(0.0, |quote| quote.score);
    let mut seen = HashSet::new();
    quotes.retain(|quote| quote.score >= MIN_SHARE * best && seen.insert(quote.text.clone()));
    quotes.truncate(MAX_QUOTES);
    Ok(quotes)
}

fn candidates(index: &Index, question: &str, citations: &[Citation]) -> Result<Vec<Candidate>, Error> {
    let asked: HashMap<String, f32> = {
        let mut asked = HashMap::new();
        for term in terms(question) {
            let weight = if term.kind == Kind::Pair { 0.3 } else { 1.0 };
            let idf = index.idf(&term.text)?;
            asked.insert(term.text, weight * idf);
        }
        asked
    };
    let total: f32 = asked.values().sum::<f32>().max(1e-6);
    let language = Language::detect(question);
    let yes_no = is_yes_no(question);
    let best_score = citations.first().map_or(1.0, |citation| citation.score).max(1e-6);
    let mut candidates = Vec::new();
    for citation in citations {
        for span in sentences(&citation.text) {
            let text = &citation.text[span.clone()];
            if text.chars().count() > MAX_CHARS || text.ends_with('?') {
                continue;
            }
            let present: HashSet<String> = terms(text).into_iter().map(|term| term.text).collect();
            let overlap: f32 = asked.iter().filter(|(term, _)| present.contains(*term)).map(|(_, w)| w).sum();
            let mut prior = OVERLAP * overlap / total + RANK * citation.score / best_score;
            prior += RULE * decisiveness(text, &citation.heading, yes_no);
            if citation.language != language {
                prior -= 0.3;
            }
            candidates.push(Candidate {
                n: citation.n,
                text: text.to_owned(),
                span: citation.span.start + span.start..citation.span.start + span.end,
                language: citation.language,
                prior,
            });
        }
    }
    Ok(candidates)
}

/// How much a sentence looks like a rule, from -1 to 1.
fn decisiveness(text: &str, heading: &str, yes_no: bool) -> f32 {
    let section = heading.rsplit(" > ").next().unwrap_or("");
    let section = match section {
        "" | "Rule" | "원칙" => 0.6,
        "Conditions" | "요건" => 0.3,
        "Example" | "사례" => -1.0,
        "Common mistake" | "흔한 실수" => -0.3,
        _ => 0.2,
    };
    // A sum is worked out in an example; a rule states it in words or percents.
    let has_sum = ["KRW", "USD", "원이", "달러", " x ", " = "].iter().any(|sign| text.contains(sign));
    let mistaken =
        ["mistake", "wrongly", "often", "착각", "오해", "흔히", "잘못"].iter().any(|sign| text.contains(sign));
    let fragment = !text.ends_with(['.', '。', '다', '요']) && yes_no;
    section - 0.5 * f32::from(has_sum as u8) - 0.5 * f32::from(mistaken as u8) - 0.4 * f32::from(fragment as u8)
}
