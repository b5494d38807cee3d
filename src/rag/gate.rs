//! The evidence gate: can the passages found carry an answer? In: the question and its hits. Out: a confidence, and the
//! features it was made of.
//!
//! A logistic sum of a few features, because each alone fails: cosines of E5 are high for anything, words of the field
//! stand in questions that the corpus does not answer, and good questions use words it never does.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use crate::index::{Error, Hit, Index, Kind, Term, terms};

/// What the gate looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Features {
    /// Cosine of the nearest passage.
    pub best_cosine: f32,
    /// How far the nearest passages (mean of three) stand out from the field (the thirtieth).
    pub cosine_lift: f32,
    /// Share of the question's words, weighted by rarity, that the best passage has.
    pub best_coverage: f32,
    /// The same for the first five passages together.
    pub coverage: f32,
    /// Best BM25 score for each unit of the question's rarity.
    pub bm25_density: f32,
    /// Share of the question's words, weighted by rarity, that no passage of the index has.
    pub unknown: f32,
    /// Share of the five nearest subjects that are among the five best by words.
    pub agreement: f32,
}

/// The gate's word.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Judgement {
    /// In [0, 1].
    pub confidence: f32,
    pub features: Features,
}

impl Judgement {
    pub fn is_answerable(&self) -> bool {
        self.confidence >= THRESHOLD
    }
}

/// Confidence from which a question is answered.
const THRESHOLD: f32 = 0.5;
const BIAS: f32 = 0.0;
const WEIGHTS: [f32; 7] = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];

/// Judges a question by its hits, best first.
pub(super) fn judge(index: &Index, question: &str, hits: &[Hit]) -> Result<Judgement, Error> {
    let features = features(index, question, hits)?;
    let f = &features;
    let values =
        [f.best_cosine, f.cosine_lift, f.best_coverage, f.coverage, f.bm25_density, f.unknown, f.agreement];
    let sum: f32 = BIAS + WEIGHTS.iter().zip(values).map(|(weight, value)| weight * value).sum::<f32>();
    let confidence = if hits.is_empty() { 0.0 } else { 1.0 / (1.0 + (-sum).exp()) };
    Ok(Judgement { confidence, features })
}

/// The content words of a question, as they are searched for, each once.
pub(super) fn looked_for(question: &str) -> Vec<String> {
    let mut seen = HashSet::new();
    let words = terms(question).into_iter().filter(|term| term.kind != Kind::Pair).map(|term| term.surface);
    words.filter(|word| seen.insert(word.to_lowercase())).collect()
}

/// A word of the question with its rarity, and the pairs of a Korean one.
struct Wanted {
    term: String,
    pairs: Vec<String>,
    idf: f32,
    is_known: bool,
}

fn wanted(index: &Index, question: &str) -> Result<Vec<Wanted>, Error> {
    let all = terms(question);
    let mut pairs: HashMap<&str, Vec<String>> = HashMap::new();
    for term in all.iter().filter(|term| term.kind == Kind::Pair) {
        pairs.entry(&term.surface).or_default().push(term.text.clone());
    }
    let mut seen = HashSet::new();
    let mut wanted = Vec::new();
    let never = index.idf("\u{0}")?;
    for Term { text, kind, surface } in &all {
        if *kind == Kind::Pair || !seen.insert(text) {
            continue;
        }
        let pairs = pairs.get(surface.as_str()).cloned().unwrap_or_default();
        let idf = index.idf(text)?;
        let mut is_known = idf < never;
        if !is_known && !pairs.is_empty() {
            // A compound that nobody wrote so may be made of known parts.
            let mut known = 0;
            for pair in &pairs {
                known += usize::from(index.idf(pair)? < never);
            }
            is_known = known == pairs.len();
        }
        wanted.push(Wanted { term: text.clone(), pairs, idf, is_known });
    }
    Ok(wanted)
}

/// Rarity-weighted share of `wanted` in `present`.
fn coverage(wanted: &[Wanted], present: &HashSet<String>) -> f32 {
    let total: f32 = wanted.iter().map(|word| word.idf).sum();
    let found: f32 = wanted
        .iter()
        .map(|word| {
            let whole = present.contains(&word.term);
            let pairs = word.pairs.iter().filter(|pair| present.contains(*pair)).count();
            let parts = if word.pairs.is_empty() { 0.0 } else { pairs as f32 / word.pairs.len() as f32 };
            // Pairs occur by chance; half of them say nothing.
            word.idf * if whole { 1.0 } else { (parts * 1.6 - 0.8).max(0.0) }
        })
        .sum();
    if total > 0.0 { found / total } else { 0.0 }
}

fn present(hit: &Hit, into: &mut HashSet<String>) {
    let passage = &hit.passage;
    for text in [&passage.text, &passage.title, &passage.heading] {
        into.extend(terms(text).into_iter().map(|term| term.text));
    }
}

fn features(index: &Index, question: &str, hits: &[Hit]) -> Result<Features, Error> {
    let wanted = wanted(index, question)?;
    let mut cosines: Vec<f32> = hits.iter().filter_map(|hit| hit.cosine).collect();
    cosines.sort_by(|a, b| b.total_cmp(a));
    let nearest = cosines.iter().take(3).sum::<f32>() / cosines.len().clamp(1, 3) as f32;
    let field = cosines.get(29).or(cosines.last()).copied().unwrap_or(0.0);
    let (mut all, mut best_coverage) = (HashSet::new(), 0.0_f32);
    for hit in hits.iter().take(5) {
        let mut words = HashSet::new();
        present(hit, &mut words);
        best_coverage = best_coverage.max(coverage(&wanted, &words));
        all.extend(words);
    }
    let rarity: f32 = wanted.iter().map(|word| word.idf).sum();
    let best_bm25 = hits.iter().filter_map(|hit| hit.bm25).fold(0.0, f32::max);
    let unknown: f32 = wanted.iter().filter(|word| !word.is_known).map(|word| word.idf).sum();
    Ok(Features {
        best_cosine: cosines.first().copied().unwrap_or(0.0),
        cosine_lift: nearest - field,
        best_coverage,
        coverage: coverage(&wanted, &all),
        bm25_density: if rarity > 0.0 { best_bm25 / rarity } else { 0.0 },
        unknown: if rarity > 0.0 { unknown / rarity } else { 1.0 },
        agreement: agreement(hits),
    })
}

/// Share of the five nearest subjects that are among the five best by words.
fn agreement(hits: &[Hit]) -> f32 {
    let first_five = |score: fn(&Hit) -> Option<f32>| {
        let mut ranked: Vec<(f32, _)> = hits.iter().filter_map(|hit| Some((score(hit)?, hit.passage.subject()))).collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut subjects = Vec::new();
        for (_, subject) in ranked {
            if subjects.len() < 5 && !subjects.contains(&subject) {
                subjects.push(subject);
            }
        }
        subjects
    };
    let (dense, sparse) = (first_five(|hit| hit.cosine), first_five(|hit| hit.bm25));
    dense.iter().filter(|subject| sparse.contains(subject)).count() as f32 / 5.0
}
