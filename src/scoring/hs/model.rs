//! The learnt model, and what it recommends for a text. In: a description in either language. Out: [`Recommendation`].
//!
//! A text is always judged; whether it is too vague stands beside, and whoever shows it decides what to do with that.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use half::f16;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::base::{Base, Evidence, LEVELS, item_grams};
use super::blend::Blend;
use super::card;
use super::features::Grams;
use super::meanings::{Encoder, Meanings, encode};
use super::question::{Answer, Question, Questions};
use super::refusal::{Marks, Rule, WordMarks, Words, marks};
use super::report::Report;
use super::sets::Sets;
use super::source::{Item, Kind};
use crate::index::embed::Embedder;
use crate::lang::Language;
use crate::scoring::artefact::{Version, json};
use crate::scoring::{Error, Origin, Shelf};

/// What is kept of a training, beside the weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Learnt {
    pub version: String,
    /// None where the words alone speak.
    pub encoder: Option<Encoder>,
    pub items: Vec<Item>,
    /// Vague texts that were learnt from.
    pub vague: Vec<String>,
    pub blends: BTreeMap<Language, Blend>,
    pub sets: BTreeMap<Language, Sets>,
    pub rules: BTreeMap<Language, Rule>,
}

pub struct Model {
    pub learnt: Learnt,
    pub(super) base: Base,
    pub(super) words: Option<Words>,
    encoder: Option<Arc<Embedder>>,
    /// Items that name each code, and national lines beneath each subheading.
    names: HashMap<String, Vec<u32>>,
    lines: HashMap<String, Vec<u32>>,
    questions: Questions,
}

/// What a text was judged to be.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recommendation {
    pub text: String,
    pub model: String,
    /// Too vague: what is recommended is a guess.
    pub refused: bool,
    /// Greater is vaguer; refused above the limit.
    pub vagueness: f64,
    pub limit: f64,
    /// Share of the words that the model has seen.
    pub known: f32,
    pub hs2: Vec<Ranked>,
    pub hs4: Vec<Ranked>,
    pub hs6: Vec<Ranked>,
    /// National lines beneath the subheadings above, most alike first; their order is no probability.
    pub national: Vec<Line>,
    pub sets: Option<Stated>,
    /// Answers that were taken into account.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<String>,
    /// What would narrow the set of subheadings most.
    pub next_question: Option<Question>,
    /// Nearest texts learnt from: the reasons.
    pub similar: Vec<Similar>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ranked {
    pub code: String,
    pub probability: f32,
    /// Its names, where the nomenclatures learnt from have any.
    pub en: Option<String>,
    pub ko: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    pub code: String,
    pub cosine: f32,
    pub en: Option<String>,
    pub ko: Option<String>,
}

/// Codes that hold the true one as often as stated; absent where that would take all there are. Answers leave those that
/// they allow: a statement about texts cannot vouch for what was answered.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stated {
    pub coverage: f64,
    pub hs2: Option<Vec<String>>,
    pub hs4: Option<Vec<String>>,
    pub hs6: Option<Vec<String>>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Similar {
    pub text: String,
    pub code: String,
    pub kind: Kind,
    pub cosine: f32,
}

/// A text weighed: probabilities at each level, and the marks of vagueness.
pub(super) struct Judged {
    pub levels: [Vec<(u32, f32)>; 3],
    pub marks: Marks,
}

pub(super) fn judge(base: &Base, blend: &Blend, evidence: &Evidence, text: &str, words: WordMarks) -> Judged {
    let subheadings = blend.probabilities(evidence);
    let levels = [0, 1, 2].map(|level| base.at_level(level, &subheadings));
    let marks = marks(base, &levels, evidence, text, words);
    Judged { levels, marks }
}

/// What was learnt for a language, or else for the other.
pub(super) fn of<T>(learnt: &BTreeMap<Language, T>, language: Language) -> Option<&T> {
    learnt.get(&language).or_else(|| learnt.values().next())
}

/// Texts that show what is clear and what is vague.
pub(super) fn vague_and_clear<'a>(items: &'a [Item], vague: &'a [String]) -> Vec<(&'a str, bool)> {
    let clear = items.iter().filter(|item| item.kind == Kind::Past).map(|item| (item.text.as_str(), false));
    clear.chain(vague.iter().map(|text| (text.as_str(), true))).collect()
}

/// Most texts named as reasons.
const SIMILAR: usize = 3;
/// Subheadings that a question is about where the set would be all there are.
const ASKED_ON: usize = 30;

impl Model {
    pub fn new(learnt: Learnt, base: Base, words: Option<Words>, encoder: Option<Arc<Embedder>>) -> Self {
        let mut names: HashMap<String, Vec<u32>> = HashMap::new();
        let mut lines: HashMap<String, Vec<u32>> = HashMap::new();
        for (at, item) in learnt.items.iter().enumerate().filter(|(_, item)| item.kind != Kind::Past) {
            names.entry(item.code.as_str().to_owned()).or_default().push(at as u32);
            if let (Kind::National, Some(subheading)) = (item.kind, item.code.prefix(6)) {
                lines.entry(subheading.to_owned()).or_default().push(at as u32);
            }
        }
        let headings = base.above.iter().map(|above| above[1]).collect();
        let questions = Questions::new(&learnt.items, &base.classes[2], headings);
        Self { learnt, base, words, encoder, names, lines, questions }
    }

    /// When it was trained, which is its name.
    pub fn version(&self) -> &str {
        &self.learnt.version
    }

    /// The codes that `text` may mean, at most `top` a level, after what was answered to questions about it.
    ///
    /// # Errors
    /// [`Error::Encode`].
    pub fn recommend(&self, text: &str, top: usize, answers: &[Answer]) -> Result<Recommendation, Error> {
        let Learnt { version, items, blends, sets, rules, .. } = &self.learnt;
        let language = Language::detect(text);
        let meaning = self.encoder.as_deref().map(|encoder| encode(encoder, text)).transpose()?;
        let evidence = self.base.evidence(text, meaning.as_deref());
        let words = self.words.as_ref().map_or_else(WordMarks::default, |words| words.marks(text, meaning.as_deref()));
        let none = Blend { weights: Vec::new() };
        let Judged { levels: judged, marks } =
            judge(&self.base, of(blends, language).unwrap_or(&none), &evidence, text, words);
        let allowed = self.allowed(&judged, answers);
        let refined = self.questions.refine(&judged[2], answers);
        let levels = [0, 1, 2].map(|level| self.base.at_level(level, &refined));
        let (vagueness, limit) = of(rules, language).map_or((0.0, 0.0), |rule| rule.vagueness(&marks));
        let code = |level: usize, class: u32| self.base.classes[level][class as usize].clone();
        let ranked = |level: usize| -> Vec<Ranked> {
            let ranked = levels[level].iter().take(top);
            ranked
                .map(|(class, probability)| {
                    let code = code(level, *class);
                    let [en, ko] = self.named(&code);
                    Ranked { code, probability: *probability, en, ko }
                })
                .collect()
        };
        let hs6 = ranked(2);
        let sets = of(sets, language);
        let set = |level: usize| -> Option<Vec<(u32, f32)>> {
            let num = sets?.num(level, &judged[level])?;
            let set = &judged[level][..num];
            let left: Vec<(u32, f32)> =
                set.iter().filter(|(class, _)| allowed[level].contains(class)).copied().collect();
            // Answers that leave nothing contradict the text; the set stands as it was.
            Some(if left.is_empty() { set.to_vec() } else { left })
        };
        let named = |level: usize| Some(set(level)?.into_iter().map(|(class, _)| code(level, class)).collect());
        let stated = sets.map(|sets| Stated { coverage: sets.coverage, hs2: named(0), hs4: named(1), hs6: named(2) });
        let asked_on = set(2).unwrap_or_else(|| levels[2].iter().take(ASKED_ON).copied().collect());
        let similar = evidence.nearest.iter().take(SIMILAR).map(|(at, cosine)| {
            let Item { text, code, kind, .. } = &items[*at as usize];
            Similar { text: text.clone(), code: code.as_str().into(), kind: *kind, cosine: *cosine }
        });
        Ok(Recommendation {
            text: text.into(),
            model: version.clone(),
            // No word in common with anything: there is nothing to go by.
            refused: vagueness > limit || evidence.nearest.is_empty(),
            vagueness,
            limit,
            known: evidence.known,
            hs2: ranked(0),
            hs4: ranked(1),
            national: self.national(&hs6, &evidence, top),
            hs6,
            sets: stated,
            answers: answers.iter().map(Answer::typed).collect(),
            next_question: self.questions.next(&asked_on, answers, &self.base.classes[2]),
            similar: similar.collect(),
        })
    }

    /// What the texts of a subheading would answer.
    pub(super) fn answer_of(&self, subheading: &str, question: &Question) -> Option<Answer> {
        let class = self.base.classes[2].binary_search_by(|name| name.as_str().cmp(subheading)).ok()?;
        self.questions.answer_of(class as u32, question)
    }

    /// Classes of each level that answers leave.
    fn allowed(&self, judged: &[Vec<(u32, f32)>; 3], answers: &[Answer]) -> [HashSet<u32>; 3] {
        let allowed = self.questions.allowed(&judged[2], answers);
        let left = || judged[2].iter().zip(&allowed).filter(|(_, is_allowed)| **is_allowed);
        [0, 1, 2].map(|level| left().map(|((class, _), _)| self.base.above[*class as usize][level]).collect())
    }

    /// English and Korean name of a code.
    fn named(&self, code: &str) -> [Option<String>; 2] {
        [Language::En, Language::Ko].map(|language| {
            let names = self.names.get(code)?.iter().map(|at| &self.learnt.items[*at as usize].text);
            names.into_iter().find(|name| Language::detect(name) == language).cloned()
        })
    }

    fn national(&self, hs6: &[Ranked], evidence: &Evidence, top: usize) -> Vec<Line> {
        let cosines: HashMap<u32, f32> = evidence.nearest.iter().copied().collect();
        let mut found: BTreeMap<&str, f32> = BTreeMap::new();
        for at in hs6.iter().filter_map(|ranked| self.lines.get(&ranked.code)).flatten() {
            let best = found.entry(self.learnt.items[*at as usize].code.as_str()).or_insert(0.0);
            *best = best.max(cosines.get(at).copied().unwrap_or(0.0));
        }
        let mut found: Vec<(&str, f32)> = found.into_iter().filter(|(_, cosine)| *cosine > 0.0).collect();
        found.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
        found
            .into_iter()
            .take(top)
            .map(|(code, cosine)| {
                let [en, ko] = self.named(code);
                Line { code: code.into(), cosine, en, ko }
            })
            .collect()
    }

    /// Writes it with its report and cards, and makes it the one that serves.
    ///
    /// # Errors
    /// A disk that does not take it; the model of before still serves then.
    pub fn put(&self, shelf: &Shelf, report: &Report) -> Result<PathBuf, Error> {
        let words = self.words.iter().flat_map(Words::weights);
        let meanings = self.words.iter().map(Words::meanings).chain([self.base.meanings()]);
        let meanings: Vec<u8> = meanings.flat_map(Meanings::halves).flat_map(f16::to_le_bytes).collect();
        let weights: Vec<u8> = self.base.weights().chain(words).flat_map(f32::to_le_bytes).collect();
        shelf.put_version(&Version {
            name: &self.learnt.version,
            trained_on: Origin::Unstated,
            data: report.files.iter().map(|file| file.sha256.clone()).collect(),
            files: vec![
                (MODEL, json(serde_json::to_vec(&self.learnt))),
                (WEIGHTS, weights),
                (MEANINGS, meanings),
                ("metrics.json", json(serde_json::to_vec_pretty(report))),
                ("card.en.md", card::english(report).into_bytes()),
                ("card.ko.md", card::korean(report).into_bytes()),
            ],
        })
    }

    /// The model that serves; `encoder` opens what tells meanings, and is asked only by a model that learnt with one.
    ///
    /// # Errors
    /// None was trained yet, its files are not what was written, or it learnt with another encoder.
    pub fn current(shelf: &Shelf, encoder: impl FnOnce() -> Result<Arc<Embedder>, Error>) -> Result<Self, Error> {
        let (folder, [model, weights, meanings]) = shelf.read_current([MODEL, WEIGHTS, MEANINGS])?;
        let learnt: Learnt = serde_json::from_slice(&model).map_err(|error| shelf.bad(&folder, error.to_string()))?;
        let encoder = learnt.encoder.as_ref().map(|wanted| opened(&learnt.version, wanted, encoder)).transpose()?;
        let grams: Vec<Grams> = learnt.items.par_iter().map(item_grams).collect();
        let (items, grams): (Vec<&Item>, Vec<&Grams>) = (learnt.items.iter().collect(), grams.iter().collect());
        let mut weights = weights.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        let mut halves = meanings.chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]));
        let mut meanings = |num_texts: usize| match &learnt.encoder {
            Some(encoder) => Meanings::from_halves(encoder.dim, num_texts, &mut halves),
            None => Some(Meanings::default()),
        };
        let astray = || shelf.bad(&folder, "its weights do not fit its items");
        let texts = vague_and_clear(&learnt.items, &learnt.vague);
        let of_words = match learnt.vague.as_slice() {
            [] => None,
            _ => Some(meanings(texts.len()).ok_or_else(astray)?),
        };
        let of_items = meanings(items.len()).ok_or_else(astray)?;
        let base = Base::with_weights(&items, &grams, of_items, &mut weights).ok_or_else(astray)?;
        let read = |meanings| Words::with_weights(&texts, meanings, &mut weights).ok_or_else(astray);
        let words = of_words.map(read).transpose()?;
        let num_signals_fit = learnt.blends.values().all(|blend| blend.is_sound());
        let sets_fit = learnt.sets.values().all(|sets| sets.num_levels() == LEVELS.len());
        let is_used_up = weights.next().is_none() && halves.next().is_none();
        if !is_used_up || !num_signals_fit || !sets_fit || !learnt.rules.values().all(Rule::is_sound) {
            return Err(astray());
        }
        Ok(Self::new(learnt, base, words, encoder))
    }
}

/// The encoder, if it is the one that the model learnt with.
fn opened(
    version: &str,
    wanted: &Encoder,
    open: impl FnOnce() -> Result<Arc<Embedder>, Error>,
) -> Result<Arc<Embedder>, Error> {
    let embedder = open()?;
    let found = Encoder::of(&embedder);
    if found != *wanted {
        return Err(Error::OtherEncoder { version: version.into(), wanted: wanted.name.clone(), found: found.name });
    }
    Ok(embedder)
}

/// The files that scores hang on.
const MODEL: &str = "model.json";
const WEIGHTS: &str = "weights.bin";
const MEANINGS: &str = "meanings.bin";
