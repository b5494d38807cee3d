//! Unanswerable questions refused, answerable ones not.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Asked, Error, Report, corpus_of, read, share};
use crate::rag::{Features, Rag};

/// Least share of unanswerable questions refused, and most of answerable ones.
const MIN_REFUSED: f64 = 0.9;
const MAX_WRONGLY_REFUSED: f64 = 0.05;

#[derive(Deserialize)]
struct Question {
    #[serde(flatten)]
    asked: Asked,
    answerable: bool,
    kind: Option<String>,
}

/// A question the gate judged wrongly.
#[derive(Clone, Debug, Serialize)]
pub struct Misjudged {
    pub id: String,
    pub question: String,
    pub answerable: bool,
    pub kind: Option<String>,
    pub confidence: f32,
}

/// What the gate saw of a question; from these its constants are fitted.
#[derive(Clone, Debug, Serialize)]
pub struct Sample {
    pub id: String,
    pub answerable: bool,
    pub confidence: f32,
    #[serde(flatten)]
    pub features: Features,
}

#[derive(Clone, Debug, Serialize)]
pub struct AbstentionReport {
    pub suite: String,
    pub n: usize,
    /// Unanswerable questions refused.
    pub refused: f64,
    /// Answerable questions refused.
    pub wrongly_refused: f64,
    pub refused_by_kind: BTreeMap<String, f64>,
    pub wrongly_refused_by_language: BTreeMap<String, f64>,
    pub min_refused: f64,
    pub max_wrongly_refused: f64,
    pub misjudged: Vec<Misjudged>,
    pub samples: Vec<Sample>,
}

impl Report for AbstentionReport {
    fn passed(&self) -> bool {
        self.refused >= MIN_REFUSED && self.wrongly_refused <= MAX_WRONGLY_REFUSED
    }

    fn in_words(&self) -> String {
        let mut words = format!(
            "{}  n {}  refused {:.3} (wanted {MIN_REFUSED})  wrongly refused {:.3} (at most {MAX_WRONGLY_REFUSED})\n",
            self.suite, self.n, self.refused, self.wrongly_refused
        );
        for (kind, refused) in &self.refused_by_kind {
            words.push_str(&format!("  {kind}: refused {refused:.3}\n"));
        }
        for (language, refused) in &self.wrongly_refused_by_language {
            words.push_str(&format!("  {language}: wrongly refused {refused:.3}\n"));
        }
        for one in &self.misjudged {
            let verdict = if one.answerable { "wrongly refused" } else { "not refused" };
            words.push_str(&format!("{verdict} {} ({:.2}): {}\n", one.id, one.confidence, one.question));
        }
        words
    }
}

/// Counts of refusals by a name.
#[derive(Default)]
struct Tally(BTreeMap<String, (usize, usize)>);

impl Tally {
    fn add(&mut self, name: &str, refused: bool) {
        let counts = self.0.entry(name.to_owned()).or_default();
        counts.0 += usize::from(refused);
        counts.1 += 1;
    }

    fn shares(self) -> BTreeMap<String, f64> {
        self.0.into_iter().map(|(name, (refused, n))| (name, share(refused, n))).collect()
    }

    fn overall(&self) -> f64 {
        let (refused, n) = self.0.values().fold((0, 0), |sum, counts| (sum.0 + counts.0, sum.1 + counts.1));
        share(refused, n)
    }
}

/// Runs the suite.
///
/// # Errors
/// An unknown or malformed suite; those of retrieval.
pub fn run(rag: &Rag, suite: &str, limit: Option<usize>) -> Result<AbstentionReport, Error> {
    let questions: Vec<Question> = read("abstention", suite, limit)?;
    let corpora = corpus_of(suite);
    let (mut by_kind, mut by_language) = (Tally::default(), Tally::default());
    let (mut misjudged, mut samples) = (Vec::new(), Vec::new());
    for question in &questions {
        let judgement = rag.judge(&question.asked.question, &corpora)?;
        let refused = !judgement.is_answerable();
        if question.answerable {
            by_language.add(question.asked.language.code(), refused);
        } else {
            by_kind.add(question.kind.as_deref().unwrap_or("unknown"), refused);
        }
        if refused == question.answerable {
            misjudged.push(Misjudged {
                id: question.asked.id.clone(),
                question: question.asked.question.clone(),
                answerable: question.answerable,
                kind: question.kind.clone(),
                confidence: judgement.confidence,
            });
        }
        samples.push(Sample {
            id: question.asked.id.clone(),
            answerable: question.answerable,
            confidence: judgement.confidence,
            features: judgement.features,
        });
    }
    Ok(AbstentionReport {
        suite: suite.into(),
        n: questions.len(),
        refused: by_kind.overall(),
        wrongly_refused: by_language.overall(),
        refused_by_kind: by_kind.shares(),
        wrongly_refused_by_language: by_language.shares(),
        min_refused: MIN_REFUSED,
        max_wrongly_refused: MAX_WRONGLY_REFUSED,
        misjudged,
        samples,
    })
}
