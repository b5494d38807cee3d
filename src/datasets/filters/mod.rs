//! What a row must pass. Each filter gives a score in [0, 1], which is kept with the row whether it passes or not, so
//! that a limit can be judged by what it would have let through.
//!
//! Filters that look at the row alone come first, for they cost microseconds; those that search the index follow, and
//! the model's judgement comes last. A filter that does not apply to a row (there is no evidence to search for where a
//! question cannot be answered) gives no score. The first that refuses ends the matter.

mod duplicates;
mod easiness;
mod evidence;
mod judge;
mod language;
mod retrieval;

use std::time::Instant;

use super::{Error, FilterSetting, FilterSettings, Row};
use crate::ingest::Document;
use crate::masking;

pub use duplicates::{Near, jaccard, near_duplicates, shingles};
pub use evidence::support;
pub use judge::judge;
pub use language::purity;
pub use retrieval::Retrieval;

/// A filter's finding on one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    pub filter: &'static str,
    pub score: f64,
    /// Why the row is refused, where it is.
    pub refusal: Option<String>,
    pub micros: u64,
}

/// The score of a filter against its limit, timed by `measure`.
fn scored(
    filter: &'static str,
    setting: FilterSetting,
    at_least: bool,
    measure: impl FnOnce() -> Result<Option<(f64, String)>, Error>,
) -> Result<Option<Score>, Error> {
    if !setting.enabled {
        return Ok(None);
    }
    let started = Instant::now();
    let Some((score, why)) = measure()? else { return Ok(None) };
    let passes = if at_least { score >= setting.limit } else { score <= setting.limit };
    let bound = if at_least { "at least" } else { "at most" };
    let refusal = (!passes).then(|| format!("{filter}: {score:.3}, and {bound} {} is asked; {why}", setting.limit));
    Ok(Some(Score { filter, score, refusal, micros: started.elapsed().as_micros() as u64 }))
}

/// Longest texts, in characters.
const MAX_QUESTION: usize = 1200;
const MAX_ANSWER: usize = 4000;

/// Whether the fields are sound, and what is wrong with them.
fn schema(row: &Row) -> Option<String> {
    let (question, answer) = (row.question.trim(), row.answer.trim());
    let (question_len, answer_len) = (question.chars().count(), answer.chars().count());
    if !(8..=MAX_QUESTION).contains(&question_len) {
        return Some(format!("the question has {question_len} characters"));
    }
    if !(2..=MAX_ANSWER).contains(&answer_len) {
        return Some(format!("the answer has {answer_len} characters"));
    }
    if row.evidence.is_empty() && !row.kind.is_unanswerable() {
        return Some("an answer without evidence".into());
    }
    if question.contains('\u{fffd}') || answer.contains('\u{fffd}') {
        return Some("a character that could not be read".into());
    }
    None
}

/// Runs the filters that look at the row alone. `documents` are those its evidence names.
///
/// # Errors
/// None in practice.
pub fn alone(row: &Row, documents: &[&Document], settings: &FilterSettings) -> Result<Vec<Score>, Error> {
    let mut scores = Vec::new();
    let mut refused = |score: Option<Score>| {
        let refuses = score.as_ref().is_some_and(|score| score.refusal.is_some());
        scores.extend(score);
        refuses
    };
    let flag = |wrong: Option<String>| Ok(Some((if wrong.is_none() { 1.0 } else { 0.0 }, wrong.unwrap_or_default())));
    if refused(scored("schema", settings.schema, true, || flag(schema(row)))?) {
        return Ok(scores);
    }
    let language = || Ok(Some((purity(row), format!("letters of `{}`", row.language))));
    if refused(scored("language", settings.language, true, language)?) {
        return Ok(scores);
    }
    let personal = || {
        let text = format!("{}\n{}", row.question, row.answer);
        flag(masking::find(&text).first().map(|found| format!("it holds {}", found.kind.name())))
    };
    if refused(scored("personal", settings.personal, true, personal)?) {
        return Ok(scores);
    }
    let held = || Ok(Some(evidence::support(row, documents)));
    if refused(scored("evidence", settings.evidence, true, held)?) {
        return Ok(scores);
    }
    let told = || Ok(easiness::easiness(row).map(|score| (score, "the question tells the answer".into())));
    refused(scored("easiness", settings.easiness, false, told)?);
    Ok(scores)
}

/// Runs the filters that search the index.
///
/// # Errors
/// The index's.
pub fn searching(row: &Row, retrieval: &Retrieval, settings: &FilterSettings) -> Result<Vec<Score>, Error> {
    let mut scores = Vec::new();
    let round_trip = scored("round_trip", settings.round_trip, true, || {
        Ok(retrieval.round_trip(row)?.map(|score| (score, "searching the question does not find its passage".into())))
    })?;
    let refused = round_trip.as_ref().is_some_and(|score| score.refusal.is_some());
    scores.extend(round_trip);
    if refused {
        return Ok(scores);
    }
    scores.extend(scored("answerable", settings.answerable, true, || {
        Ok(retrieval.gain(row)?.map(|score| (score, "other documents answer it as well as its own".into())))
    })?);
    Ok(scores)
}

/// Whether a question comes near one that was kept.
///
/// # Errors
/// None in practice.
pub fn duplicate(row: &Row, near: &Near, settings: &FilterSettings) -> Result<Option<Score>, Error> {
    scored("duplicates", settings.duplicates, false, || {
        Ok(Some(match near.nearest(&row.question) {
            Some((similarity, id)) => (similarity, format!("as row {id} asks")),
            None => (0.0, String::new()),
        }))
    })
}

/// The judge's score against its limit.
pub(super) fn judged(setting: FilterSetting, score: f64, reason: &str, micros: u64) -> Score {
    let refusal = (score < setting.limit)
        .then(|| format!("judge: {score:.3}, and at least {} is asked; {reason}", setting.limit));
    Score { filter: "judge", score, refusal, micros }
}

#[cfg(test)]
mod tests;
