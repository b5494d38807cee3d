//! The evidence gate: can the passages found carry an answer? In: the question and its hits. Out: a confidence, and the
//! features it was made of.
//!
//! Nearness alone cannot tell: E5 finds any question near to something. So the gate asks what the question is nearer to:
//! the corpus, or questions that people bring and no corpus here answers (`elsewhere.txt`). A logistic sum of a few such
//! features; coverage of the question's words and agreement of the two indexes were tried and added nothing.

use std::collections::HashSet;

use serde::Serialize;

use super::jurisdiction::{self, Country};
use super::record;
use crate::index::embed::cosine;
use crate::index::{Error, Hit, Index, Kind, terms};

/// What the gate looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Features {
    /// Cosine of the nearest passage.
    pub passage: f32,
    /// Mean of the three nearest passages, taken from the corpus's centre.
    pub centred: f32,
    /// Cosine of the nearest question that a document answers (its title is one); and the mean of three.
    pub asked: f32,
    pub askeds: f32,
    /// Cosine of the nearest question of elsewhere; and the mean of three.
    pub elsewhere: f32,
    pub elsewheres: f32,
    /// Share of the question's words, weighted by rarity, that no passage of the index has.
    pub unknown: f32,
}

/// The gate's word.
#[derive(Clone, Copy, Debug)]
pub struct Judgement {
    /// In [0, 1].
    pub confidence: f32,
    pub features: Features,
    pub beyond: Option<Beyond>,
}

/// What a question asks for that no document here tells of, however near it comes to some.
#[derive(Clone, Copy, Debug)]
pub enum Beyond {
    /// The rules of another country.
    Jurisdiction(&'static Country),
    /// A fact of one case, where only rules were found.
    Record,
}

impl Judgement {
    pub fn is_answerable(&self) -> bool {
        self.beyond.is_none() && self.confidence >= THRESHOLD
    }
}

/// Confidence from which a question is answered.
const THRESHOLD: f32 = 0.5;

/// Fitted on `eval/abstention/valuation-dev.jsonl` alone, without its questions that are [`Beyond`]: 720 questions,
/// logistic regression on standardised features, C 0.3, weights brought back to the features' own scale, the bias moved
/// so that ten-fold cross validation refuses 0.93 of the unanswerable and 0.02 of the answerable (area under the curve
/// 0.986).
const BIAS: f32 = -30.4;
const WEIGHTS: [f32; 7] = [40.9, -0.1, 41.1, 70.9, -57.9, -59.7, -1.3];

/// The file of questions asked elsewhere.
const ELSEWHERE: &str = include_str!("elsewhere.txt");

/// The corpus whose neighbouring matters the file lists; for other corpora these may well be the matter itself.
const FIELD: &str = "valuation";

/// Questions that no corpus here answers, embedded.
pub(super) struct Elsewhere {
    /// Of the field, but another matter.
    neighbouring: Vec<Vec<f32>>,
    /// Of another field.
    far: Vec<Vec<f32>>,
}

impl Elsewhere {
    pub fn embed(index: &Index) -> Result<Self, Error> {
        let (mut neighbouring, mut far) = (Vec::new(), Vec::new());
        let mut is_far = false;
        for line in ELSEWHERE.lines().map(str::trim).filter(|line| !line.is_empty()) {
            match line.strip_prefix('#') {
                Some(heading) if heading.contains("another field") => is_far = true,
                Some(heading) if heading.contains("the field") => is_far = false,
                Some(_) => {}
                None if is_far => far.push(line),
                None => neighbouring.push(line),
            }
        }
        Ok(Self { neighbouring: index.embed_fixed(&neighbouring)?, far: index.embed_fixed(&far)? })
    }

    /// Cosines of the nearest questions, nearest first.
    fn nearest(&self, vector: &[f32], corpora: &[String]) -> Vec<f32> {
        let has_neighbours = corpora.iter().all(|corpus| corpus == FIELD) && !corpora.is_empty();
        let neighbouring = if has_neighbours { &self.neighbouring[..] } else { &[] };
        let mut nearest: Vec<f32> = self.far.iter().chain(neighbouring).map(|other| cosine(other, vector)).collect();
        nearest.sort_by(|a, b| b.total_cmp(a));
        nearest
    }
}

/// A question as the gate needs it.
pub(super) struct Asked<'a> {
    pub question: &'a str,
    pub vector: &'a [f32],
    pub corpora: &'a [String],
}

/// Judges a question by its hits.
pub(super) fn judge(index: &Index, elsewhere: &Elsewhere, asked: &Asked<'_>, hits: &[Hit]) -> Result<Judgement, Error> {
    let features = features(index, elsewhere, asked, hits)?;
    let f = &features;
    let values = [f.passage, f.centred, f.asked, f.askeds, f.elsewhere, f.elsewheres, f.unknown];
    let sum: f32 = BIAS + WEIGHTS.iter().zip(values).map(|(weight, value)| weight * value).sum::<f32>();
    let confidence = if hits.is_empty() { 0.0 } else { 1.0 / (1.0 + (-sum).exp()) };
    let beyond = match jurisdiction::foreign(asked.question, hits) {
        Some(country) => Some(Beyond::Jurisdiction(country)),
        None => record::is_missing(asked.question, hits).then_some(Beyond::Record),
    };
    Ok(Judgement { confidence, features, beyond })
}

/// The content words of a question, as they are searched for, each once.
pub(super) fn looked_for(question: &str) -> Vec<String> {
    let mut seen = HashSet::new();
    let words = terms(question).into_iter().filter(|term| term.kind != Kind::Pair).map(|term| term.surface);
    words.filter(|word| seen.insert(word.to_lowercase())).collect()
}

fn features(index: &Index, elsewhere: &Elsewhere, asked: &Asked<'_>, hits: &[Hit]) -> Result<Features, Error> {
    let mut centred: Vec<f32> = hits.iter().map(|hit| hit.centred).collect();
    centred.sort_by(|a, b| b.total_cmp(a));
    let questions = index.nearest_questions(asked.vector, asked.corpora, 3)?;
    let others = elsewhere.nearest(asked.vector, asked.corpora);
    Ok(Features {
        passage: hits.iter().filter_map(|hit| hit.cosine).fold(0.0, f32::max),
        centred: mean_of_three(&centred),
        asked: questions.first().copied().unwrap_or(0.0),
        askeds: mean_of_three(&questions),
        elsewhere: others.first().copied().unwrap_or(0.0),
        elsewheres: mean_of_three(&others),
        unknown: unknown(index, asked.question)?,
    })
}

fn mean_of_three(values: &[f32]) -> f32 {
    values.iter().take(3).sum::<f32>() / values.len().clamp(1, 3) as f32
}

/// Rarity-weighted share of the question's words that no passage has. A Korean compound that nobody wrote so is known
/// where all its pairs of syllables are.
fn unknown(index: &Index, question: &str) -> Result<f32, Error> {
    let terms = terms(question);
    // What no text can contain is as rare as a term gets.
    let never = index.idf("\u{0}")?;
    let (mut rarity, mut missing) = (0.0, 0.0);
    let mut seen = HashSet::new();
    for term in terms.iter().filter(|term| term.kind != Kind::Pair) {
        if !seen.insert(&term.text) {
            continue;
        }
        let idf = index.idf(&term.text)?;
        rarity += idf;
        if idf < never {
            continue;
        }
        let pairs = terms.iter().filter(|pair| pair.kind == Kind::Pair && pair.surface == term.surface);
        let mut num_pairs = 0;
        let mut all_known = true;
        for pair in pairs {
            num_pairs += 1;
            all_known &= index.idf(&pair.text)? < never;
        }
        if num_pairs == 0 || !all_known {
            missing += idf;
        }
    }
    Ok(if rarity > 0.0 { missing / rarity } else { 1.0 })
}
