//! Whether the question gives its answer away.

use std::collections::BTreeSet;

use super::super::{QuestionType, Row};
use super::shingles;

/// The share of what the answer says, beyond citing its sources, that stands in the question already. A verdict on a
/// statement, the figure for a gap and a refusal repeat the question by their nature and are not judged.
pub(super) fn easiness(row: &Row) -> Option<f64> {
    let repeats = matches!(
        row.kind,
        QuestionType::Counterfactual
            | QuestionType::FalsePremise
            | QuestionType::Unanswerable
            | QuestionType::Calculation
    );
    if repeats {
        return None;
    }
    // What follows the answer as its source is not the answer.
    let stated = ["원문: “", "The text reads: “"].iter().filter_map(|mark| row.answer.find(mark)).min();
    let answer: BTreeSet<u64> = shingles(&row.answer[..stated.unwrap_or(row.answer.len())]);
    if answer.is_empty() {
        return None;
    }
    let question = shingles(&row.question);
    Some(answer.intersection(&question).count() as f64 / answer.len() as f64)
}
