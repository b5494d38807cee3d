//! The lock on numbers and scores: what a language model says about results is held to the results.
//!
//! In: sentences of the model's. Out: those whose every figure stands in a result, in a quoted passage or in the request,
//! and whose words do not say the contrary of a finding; the others with the reason. Like the check of an explanation it is
//! made of rules that can be read: a right sentence may be lost to it, a wrong figure may not pass.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::tool::{Finding, Outcome, Stance, numbers};
use crate::index::{Kind, Term, terms};
use crate::ingest::sentence;

/// Why a sentence was struck out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Struck {
    /// A figure that no result, passage or request holds.
    Figure { sentence: String, figure: String },
    /// It says the contrary of a finding.
    Contrary { sentence: String, matter: String },
    /// It takes the decision that is the officer's.
    Decision { sentence: String },
    /// It rests on no finding: its words, or its figures together, stand in none.
    Unfounded { sentence: String },
}

/// What may be said.
#[derive(Clone, Debug, Default)]
pub struct Lock {
    request: String,
    figures: HashSet<String>,
    findings: Vec<Finding>,
}

/// Words of no concern, and of concern; in lower case.
const CALM: &[&str] = &[
    "low risk",
    "low-risk",
    "no risk",
    "no concern",
    "no sign",
    "no reason to audit",
    "not suspicious",
    "is plausible",
    "are plausible",
    "unremarkable",
    "nothing unusual",
    "safe to release",
    "위험이 낮",
    "위험도가 낮",
    "저위험",
    "위험이 없",
    "문제가 없",
    "문제 없",
    "이상이 없",
    "이상 없",
    "의심할 이유가 없",
    "타당한 가격",
    "정상적인 가격",
];
const ALARM: &[&str] = &[
    "high risk",
    "high-risk",
    "serious risk",
    "very risky",
    "suspicious",
    "implausible",
    "strong grounds",
    "fraudulent",
    "위험이 높",
    "위험도가 높",
    "고위험",
    "매우 위험",
    "의심스",
    "심각한 위험",
    "비정상적",
    "타당하지 않",
];
/// Words of a decision; in lower case.
const DECISIONS: &[&str] = &[
    "should audit",
    "must audit",
    "should be audited",
    "must be audited",
    "need to audit",
    "needs to be audited",
    "recommend an audit",
    "recommend auditing",
    "should not audit",
    "no need to audit",
    "should be released",
    "should be investigated",
    "심사해야",
    "심사하여야",
    "심사할 필요",
    "심사가 필요",
    "조사해야",
    "조사가 필요",
    "감사해야",
    "통과시켜야",
    "심사 대상입니다",
];
/// Share of a sentence's words that a finding must hold to bear it.
const SUPPORT: f64 = 0.5;
/// Before an alarm these turn it round.
const DENIALS: &[&str] = &["not ", "no ", "n't ", "nothing "];
const DENIALS_AFTER: &[&str] = &["지 않", "하지 않", "은 아니", "는 아니", "이 아니", "가 아니"];

impl Lock {
    pub fn new(request: &str) -> Self {
        Self { request: request.to_owned(), figures: numbers(request).collect(), findings: Vec::new() }
    }

    /// Lets the figures of a result be said, and holds what is said to its findings.
    pub fn admit(&mut self, outcome: &Outcome) {
        self.admit_text(&outcome.told.ko);
        self.admit_text(&outcome.told.en);
        self.admit_value(&outcome.result);
        for both in outcome.missing.iter().chain(outcome.findings.iter().map(|finding| &finding.words)) {
            self.admit_text(&both.ko);
            self.admit_text(&both.en);
        }
        self.findings.extend(outcome.findings.iter().cloned());
    }

    /// Lets the figures of a text be said.
    pub fn admit_text(&mut self, text: &str) {
        self.figures.extend(numbers(text));
    }

    fn admit_value(&mut self, value: &Value) {
        match value {
            Value::Number(number) => self.admit_text(&number.to_string()),
            Value::String(text) => self.admit_text(text),
            Value::Array(values) => values.iter().for_each(|value| self.admit_value(value)),
            Value::Object(fields) => fields.values().for_each(|value| self.admit_value(value)),
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// The first figure of `text` that may not be said.
    pub fn foreign_figure(&self, text: &str) -> Option<String> {
        numbers(text).find(|number| !self.figures.contains(number))
    }

    /// The sentences of `text` that may be said, and why the others may not.
    pub fn hold(&self, text: &str) -> (Vec<String>, Vec<Struck>) {
        let (mut kept, mut struck) = (Vec::new(), Vec::new());
        for span in sentence::sentences(text) {
            let sentence = text[span].trim().to_owned();
            if sentence.is_empty() {
                continue;
            }
            let lower = sentence.to_lowercase();
            if DECISIONS.iter().any(|decision| lower.contains(decision)) {
                struck.push(Struck::Decision { sentence });
            } else if let Some(figure) = self.foreign_figure(&sentence) {
                struck.push(Struck::Figure { sentence, figure });
            } else if let Some(matter) = self.contradicted(&sentence) {
                struck.push(Struck::Contrary { sentence, matter });
            } else if !self.is_founded(&sentence) {
                struck.push(Struck::Unfounded { sentence });
            } else {
                kept.push(sentence);
            }
        }
        (kept, struck)
    }

    /// Whether a finding holds most of a sentence's words and all of its figures: figures of two findings in one sentence
    /// say what neither does.
    fn is_founded(&self, sentence: &str) -> bool {
        let said = words(sentence);
        let asked = words(&self.request);
        let asked_figures: HashSet<String> = numbers(&self.request).collect();
        self.findings.iter().any(|finding| {
            let text = [&finding.words, &finding.matter].map(|both| format!("{} {}", both.ko, both.en)).join(" ");
            let (known, figures) = (words(&text), numbers(&text).collect::<HashSet<String>>());
            let own = said.iter().filter(|word| known.contains(*word)).count();
            let shared = said.iter().filter(|word| known.contains(*word) || asked.contains(*word)).count();
            // The request's own words alone say nothing back.
            own > 0
                && shared as f64 >= SUPPORT * said.len() as f64
                && numbers(sentence).all(|figure| figures.contains(&figure) || asked_figures.contains(&figure))
        })
    }

    /// The matter that a sentence says the contrary of. Where findings differ, both words may be right of some, and
    /// only a sentence that names one matter is held to that.
    fn contradicted(&self, sentence: &str) -> Option<String> {
        let lower = sentence.to_lowercase();
        let (calm, alarm) = (says(&lower, CALM), says(&lower, ALARM));
        let named: Vec<&Finding> = self
            .findings
            .iter()
            .filter(|finding| {
                [&finding.matter.ko, &finding.matter.en].iter().any(|matter| lower.contains(&matter.to_lowercase()))
            })
            .collect();
        let all: Vec<&Finding> = self.findings.iter().collect();
        let held = if named.is_empty() { &all } else { &named };
        let agreed = |stance: Stance| !held.is_empty() && held.iter().all(|finding| finding.stance == stance);
        let contrary = (calm && agreed(Stance::High)) || (alarm && agreed(Stance::Low));
        contrary.then(|| held[0].matter.en.clone())
    }
}

/// The words of a text as the index has them, and the pairs that Korean words are matched by.
fn words(text: &str) -> HashSet<String> {
    let is_word = |term: &Term| matches!(term.kind, Kind::Word | Kind::Pair);
    terms(text).into_iter().filter(is_word).map(|term| term.text).collect()
}

/// Whether `lower` holds one of `phrases` that no denial turns round.
fn says(lower: &str, phrases: &[&str]) -> bool {
    phrases.iter().any(|phrase| {
        lower.match_indices(phrase).any(|(at, _)| {
            let before: String = lower[..at].chars().rev().take(12).collect::<Vec<_>>().into_iter().rev().collect();
            let after: String = lower[at + phrase.len()..].chars().take(8).collect();
            !DENIALS.iter().any(|denial| before.contains(denial))
                && !DENIALS_AFTER.iter().any(|denial| after.contains(denial))
        })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tool::Both;
    use super::*;

    fn lock(stance: Stance) -> Lock {
        let mut lock = Lock::new("Should we audit the 12 declarations of C000007?");
        let mut outcome =
            Outcome::new(&json!({ "score": 0.8125, "level": "red" }), Both::new("점수 81.3%", "score 81.3%"));
        let words = Both::new("위험 점수는 81.3%입니다.", "The risk score is 81.3%.");
        outcome.findings.push(Finding { matter: Both::new("위험", "risk"), stance, words });
        lock.admit(&outcome);
        lock
    }

    #[test]
    fn a_figure_from_nowhere_is_struck_out_and_the_rest_is_kept() {
        let (kept, struck) = lock(Stance::High).hold("The score is 81.3%. Of 12 declarations 9 are red.");
        assert_eq!(kept, ["The score is 81.3%."]);
        assert!(matches!(&struck[..], [Struck::Figure { figure, .. }] if figure == "9"), "{struck:?}");
    }

    #[test]
    fn words_may_not_contradict_a_score() {
        let (kept, struck) =
            lock(Stance::High).hold("The company is low risk. 이 업체는 위험이 낮습니다. It is high risk.");
        assert_eq!(kept, ["It is high risk."]);
        assert!(
            struck.iter().all(|struck| matches!(struck, Struck::Contrary { .. })) && struck.len() == 2,
            "{struck:?}"
        );
        let (_, struck) = lock(Stance::Low).hold("The risk score is suspicious.");
        assert!(matches!(&struck[..], [Struck::Contrary { .. }]), "{struck:?}");
    }

    #[test]
    fn the_decision_is_the_officers_and_words_of_no_finding_stay_out() {
        let (kept, struck) = lock(Stance::High).hold(
            "We should audit it. 이 업체는 심사해야 합니다. The weather in Busan was fine. The risk score is 81.3%.",
        );
        assert_eq!(kept, ["The risk score is 81.3%."]);
        assert!(matches!(struck[2], Struck::Unfounded { .. }), "{struck:?}");
    }
}
