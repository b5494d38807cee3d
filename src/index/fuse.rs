//! Candidates to ranked hits. In: the passages of each candidate subject, with their cosines and BM25 scores. Out: the
//! passages, best first.
//!
//! Subjects are ranked, not passages: that a topic matches in several places, and that its twin in the other language
//! matches too, says more than one good passage. A linear score over a few features, fitted as a softmax over subjects;
//! a scaled sum of the two scores of single passages stayed 0.06 behind in MRR on the dev suite.

use std::sync::Arc;

use super::sparse::Matches;
use super::{Hit, Passage};
use crate::lang::Language;

/// A passage of a candidate subject.
pub(super) struct Candidate {
    pub passage: Arc<Passage>,
    pub matches: Matches,
    /// As the embedder has it.
    pub cosine: f32,
    /// The same, taken from the centres of questions and passages.
    pub centred: f32,
}

/// A subject with its passages.
pub(super) struct Subject {
    pub passages: Vec<Candidate>,
    /// Nearness of the question to those that the subject's documents answer, taken from the centre of questions; the
    /// best of the question's language, and the best of the other.
    pub asked: f32,
    pub asked_twin: f32,
}

/// What a subject is ranked by. BM25 scores are shares of the best passage's total.
const NUM_FEATURES: usize = 12;

/// Fitted on `eval/retrieval/valuation-dev.jsonl` and the answerable half of `eval/abstention/valuation-dev.jsonl` (110
/// questions) by gradient descent on the softmax likelihood of the right topics, non-negative, L2 0.03, then rounded;
/// articles and numbers (the two `places`) are too rare there to be trusted and were cut back. Five-fold cross validation
/// over those questions: recall@5 0.97, MRR@10 0.89. In the order of [`features`].
const WEIGHTS: [f32; NUM_FEATURES] = [3.3, 1.8, 1.8, 5.5, 0.35, 2.2, 0.9, 8.0, 2.0, 3.9, 5.6, 11.0];

/// What a passage in no better place than another of its subject loses for each unit of its own evidence.
const WITHIN: f32 = 1.0;

/// Nearness and shared terms of a subject's passages.
fn features(subject: &Subject, language: Language, best_total: f32) -> [f32; NUM_FEATURES] {
    let passages = &subject.passages;
    let own = |c: &&Candidate| c.passage.language == language;
    let sorted = |values: &mut dyn Iterator<Item = f32>| {
        let mut values: Vec<f32> = values.collect();
        values.sort_by(|a, b| b.total_cmp(a));
        values
    };
    let mean = |values: &[f32], n: usize| {
        let n = n.min(values.len());
        if n == 0 { None } else { Some(values[..n].iter().sum::<f32>() / n as f32) }
    };
    let near = sorted(&mut passages.iter().filter(own).map(|c| c.centred));
    let twin = sorted(&mut passages.iter().filter(|c| c.passage.language != language).map(|c| c.centred));
    let share = |value: f32| value / best_total.max(1e-6);
    let max = |value: fn(&Matches) -> f32| share(passages.iter().map(|c| value(&c.matches)).fold(0.0, f32::max));
    let sum = |value: fn(&Matches) -> f32| share(passages.iter().map(|c| value(&c.matches)).sum());
    // A subject in one language only is taken to be as near in the other.
    let near_mean = mean(&near, 3).or(mean(&twin, 3)).unwrap_or(0.0);
    [
        near.first().or(twin.first()).copied().unwrap_or(0.0),
        near_mean,
        mean(&twin, 2).unwrap_or(near_mean),
        max(|m| m.words),
        // Sums grow with the length of a document; beyond a few passages they say nothing more.
        sum(|m| m.words).min(4.0),
        max(|m| m.pairs),
        sum(|m| m.pairs).min(4.0),
        max(|m| m.places),
        sum(|m| m.places).min(4.0),
        max(|m| m.asked),
        subject.asked,
        subject.asked_twin,
    ]
}

/// Ranks the passages of all subjects; those in `language` stand for a subject that has any.
pub(super) fn rank(subjects: Vec<Subject>, language: Language) -> Vec<Hit> {
    let totals = subjects.iter().flat_map(|subject| &subject.passages).map(|candidate| candidate.matches.total());
    let best_total = totals.fold(0.0, f32::max);
    let score = |subject: &Subject| -> f32 {
        features(subject, language, best_total).iter().zip(WEIGHTS).map(|(value, weight)| value * weight).sum()
    };
    let scored: Vec<(f32, Subject)> = subjects.into_iter().map(|subject| (score(&subject), subject)).collect();
    let best = scored.iter().map(|(score, _)| *score).fold(f32::MIN, f32::max);
    let mut hits = Vec::new();
    for (score, Subject { mut passages, .. }) in scored {
        if passages.iter().any(|candidate| candidate.passage.language == language) {
            passages.retain(|candidate| candidate.passage.language == language);
        }
        let own = |c: &Candidate| {
            let words = c.matches.total() / best_total.max(1e-6);
            c.centred * WEIGHTS[0] + words * WEIGHTS[3]
        };
        let first = passages.iter().map(own).fold(f32::MIN, f32::max);
        hits.extend(passages.into_iter().map(|candidate| {
            // The best passage of a subject stands where the subject does, the others behind it.
            let behind = WITHIN * (first - own(&candidate));
            let total = candidate.matches.total();
            Hit {
                score: (score - best - behind).exp(),
                bm25: (total > 0.0).then_some(total),
                cosine: Some(candidate.cosine),
                centred: candidate.centred,
                passage: candidate.passage,
            }
        }));
    }
    hits.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.passage.id.cmp(&b.passage.id)));
    hits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(id: &str, language: Language, words: f32, centred: f32) -> Subject {
        let passage = Passage {
            id: format!("{id}#0"),
            document: id.into(),
            corpus: "test".into(),
            title: id.into(),
            heading: String::new(),
            language,
            topic: None,
            refs: Vec::new(),
            authority: "guide".into(),
            text: String::new(),
            span: 0..0,
        };
        let matches = Matches { words, ..Matches::default() };
        let candidate = Candidate { passage: Arc::new(passage), matches, cosine: centred, centred };
        Subject { passages: vec![candidate], asked: centred, asked_twin: centred }
    }

    #[test]
    fn a_subject_better_in_everything_comes_first_and_scores_one() {
        let subjects = vec![
            subject("far", Language::En, 1.0, 0.1),
            subject("near", Language::En, 9.0, 0.5),
            subject("middle", Language::En, 4.0, 0.3),
        ];
        let hits = rank(subjects, Language::En);
        let order: Vec<&str> = hits.iter().map(|hit| hit.passage.document.as_str()).collect();
        assert_eq!(order, ["near", "middle", "far"]);
        assert!((hits[0].score - 1.0).abs() < 1e-6 && hits[2].score > 0.0);
    }

    #[test]
    fn passages_in_the_questions_language_stand_for_their_twins() {
        let mut both = subject("ko", Language::Ko, 3.0, 0.4);
        both.passages.extend(subject("en", Language::En, 1.0, 0.3).passages);
        let hits = rank(vec![both, subject("only-ko", Language::Ko, 1.0, 0.1)], Language::En);
        let order: Vec<&str> = hits.iter().map(|hit| hit.passage.document.as_str()).collect();
        assert_eq!(order, ["en", "only-ko"], "a subject without a twin is not lost");
    }
}
