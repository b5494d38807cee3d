//! The sentence that decides a question, word for word. In: the question and the passages cited. Out: a few sentences
//! with their place in the document, the most decisive first.
//!
//! Sentences are weighed by nearness in meaning, by shared words, and by what they are: a rule decides, an example or a
//! list of documents does not. Few are embedded, because the reader waits; their vectors are remembered.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Mutex;

use super::polarity::{is_conditional, is_verdict, is_yes_no};
use super::{Citation, Quote};
use crate::index::embed::cosine;
use crate::index::{Error, Index, Kind, terms};
use crate::ingest::sentence::sentences;
use crate::lang::Language;

/// Sentences embedded for one question.
const MAX_EMBEDDED: usize = 10;
/// Sentences quoted.
const MAX_QUOTES: usize = 3;
/// A further sentence is quoted only if it decides almost as much.
const MIN_SHARE: f32 = 0.93;
/// Longest sentence quoted, in characters; a longer one is a list, and no reader takes it for the answer.
const MAX_CHARS: usize = 420;
/// Vectors remembered: 20 000 of 384 floats are 30 MB.
const MAX_REMEMBERED: usize = 20_000;

/// Weights of the parts of a sentence's score, by hand. Nearness runs from 0 to 1 over the candidates, overlap is the
/// rarity-weighted share of the question's words, the others count single signs.
const NEARNESS: f32 = 0.7;
const OVERLAP: f32 = 0.6;
const RULE: f32 = 0.15;
const RANK: f32 = 0.35;
const FITTING: f32 = 0.2;

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
    let wants = Wanted::of(question);
    let best = citations.first();
    let best_score = best.map_or(1.0, |citation| citation.score).max(1e-6);
    let mut candidates = Vec::new();
    for citation in citations {
        // The passages of the best subject stand together; the others as far behind as their scores.
        let is_best = best.is_some_and(|best| best.topic.is_some() && best.topic == citation.topic);
        let rank = if is_best { 1.0 } else { citation.score / best_score };
        for (position, span) in sentences(&citation.text).into_iter().enumerate() {
            let text = &citation.text[span.clone()];
            if text.chars().count() > MAX_CHARS || text.ends_with('?') {
                continue;
            }
            let present: HashSet<String> = terms(text).into_iter().map(|term| term.text).collect();
            let overlap: f32 = asked.iter().filter(|(term, _)| present.contains(*term)).map(|(_, w)| w).sum();
            let mut prior = OVERLAP * overlap / total + RANK * rank;
            prior += RULE * decisiveness(text, &citation.heading, position);
            prior += FITTING * wants.fit(text, &present, citation.language);
            if citation.language != language {
                prior -= 0.5;
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

/// What an answer to the question must have.
struct Wanted {
    verdict: bool,
    condition: bool,
    number: bool,
    /// The unit asked for, as it ends a number's term (`30일`).
    unit: Option<&'static str>,
}

/// How a question names the unit it asks for.
const UNITS: [(&str, &[&str]); 5] = [
    ("일", &["며칠", "몇 일", "how many days", "what deadline", "how many days"]),
    ("개", &["몇 개월", "몇 달", "how many months"]),
    ("년", &["몇 년", "how many years"]),
    (
        "%",
        &[
            "몇 퍼센트",
            "몇 %",
            "몇 프로",
            "what percentage",
            "how many percent",
            "비율은 얼마",
            "what share",
            "what rate",
        ],
    ),
    (
        "",
        &["얼마", "how much", "how many", "up to what", "몇", "언제까지", "how long", "when must", "기한", "deadline"],
    ),
];

impl Wanted {
    fn of(question: &str) -> Self {
        let lower = question.to_lowercase();
        let unit = UNITS.iter().find(|(_, names)| names.iter().any(|name| lower.contains(name))).map(|(unit, _)| *unit);
        let verdict = is_yes_no(question);
        Self {
            verdict,
            condition: is_conditional(question),
            number: unit.is_some() && !verdict,
            unit: unit.filter(|unit| !unit.is_empty()),
        }
    }

    /// How well a sentence can answer, from -1 to 2.
    fn fit(&self, text: &str, present: &HashSet<String>, language: Language) -> f32 {
        let mut fit = 0.0;
        if self.verdict {
            fit += if is_verdict(text, language) { 1.0 } else { 0.0 };
            // The rule answers before its exceptions do, unless the question itself names a case.
            fit += if is_conditional(text) && !self.condition { -0.8 } else { 0.3 };
            fit -= if text.ends_with(['.', '。']) { 0.0 } else { 0.8 };
        }
        if self.number {
            let is_figure = |term: &String| term.starts_with(|c: char| c.is_ascii_digit());
            let has_unit = |unit: &str| present.iter().any(|term| is_figure(term) && term.ends_with(unit));
            fit += match self.unit {
                Some(unit) if has_unit(unit) => 1.5,
                Some(_) => -0.5,
                None if present.iter().any(is_figure) => 0.7,
                None => 0.0,
            };
        }
        fit
    }
}

/// How much a sentence looks like a rule, from -2 to 1.
fn decisiveness(text: &str, heading: &str, position: usize) -> f32 {
    let section = match heading.rsplit(" > ").next().unwrap_or("") {
        "" => 0.7,
        "Rule" | "원칙" => 0.6,
        "Conditions" | "요건" => 0.2,
        "Example" | "사례" => -1.0,
        "Common mistake" | "흔한 실수" => -0.5,
        _ => 0.2,
    };
    // Guides say the rule first and its exceptions after it.
    let place = match position {
        0 => 0.5,
        1 => 0.3,
        _ => 0.0,
    };
    // A sum is worked out in an example; a rule states it in words or percents.
    let has_sum = ["KRW", "USD", "000원", "달러", " x ", " = "].iter().any(|sign| text.contains(sign));
    let signs = ["mistake", "wrongly", "often", "착각", "오해", "흔히", "잘못", "경우가 많다"];
    let mistaken = signs.iter().any(|sign| text.contains(sign));
    section + place - 0.5 * f32::from(u8::from(has_sum)) - 0.8 * f32::from(u8::from(mistaken))
}
