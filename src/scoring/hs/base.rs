//! What is known of a text before judgement: its likeness to every item, and the log-odds of three linear models.
//!
//! In: items. Out: [`Evidence`], for each subheading that may be meant one row of signals, which [`super::blend`] weighs.
//! Everything but the linear weights follows from the items, so a model on disk is its items and those weights.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::code::Code;
use super::features::{Grams, Space, Vector, grams, in_context};
use super::linear::{Example, Linear, Rivals};
use super::meanings::{Meanings, feature};
use super::neighbours::Neighbours;
use super::source::{Item, Kind};
use crate::lang::Language;

/// Digits of a chapter, a heading and a subheading.
pub const LEVELS: [usize; 3] = [2, 4, 6];
/// Signals for one subheading by one sort of likeness, see [`Likeness`].
const NUM_LIKE: usize = 11;
/// Signals for one subheading, see [`Base::evidence`].
pub const NUM_SIGNALS: usize = 2 * NUM_LIKE + 1;
pub type Signals = [f32; NUM_SIGNALS];

/// Subheadings worth weighing: the true one is among as many for nearly all that have words in common with anything.
const MAX_CANDIDATES: usize = 300;
/// Texts that vote.
const VOTERS: usize = 40;
/// How much more a text votes that is nearer in meaning.
const SHARPNESS: f32 = 12.0;
/// How much the text of the law and the tariff counts beside a trader's words when learning.
const NOMENCLATURE_WEIGHT: f32 = 0.5;
/// Characters of what stands above a name that it is encoded with.
const MAX_CONTEXT: usize = 100;

/// What speaks for which subheading.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// Class at the level of subheadings, and its signals.
    pub candidates: Vec<(u32, Signals)>,
    /// The nearest items by words, nearest first, with their cosines.
    pub nearest: Vec<(u32, f32)>,
    /// Class of the nearest item at each level.
    pub nearest_class: [Option<u32>; 3],
    /// The nearest items by meaning, nearest first, with their cosines.
    pub nearest_meant: Vec<(u32, f32)>,
    /// Share of the words that any item has.
    pub known: f32,
    /// Least, mean and greatest rarity of the words.
    pub rarity: [f32; 3],
    /// Probability of the first heading by the linear model over words alone.
    pub linear_heading: f32,
}

#[derive(Clone, Debug, Default)]
pub struct Base {
    space: Space,
    neighbours: Neighbours,
    meanings: Meanings,
    /// Over words, one a level.
    linear: Vec<Linear>,
    /// Over vectors of meaning, one a level; none where nothing encodes.
    linear_meant: Vec<Linear>,
    /// Names of the classes of each level, ascending.
    pub classes: Vec<Vec<String>>,
    /// Class of each item at each level; none where its code is shorter.
    of_item: Vec<[Option<u32>; 3]>,
    is_past: Vec<bool>,
    /// Class of each subheading at each level.
    pub above: Vec<[u32; 3]>,
    /// ln(1 + past items) of each subheading.
    prior: Vec<f32>,
}

/// How alike a text is to what lies in each class, in one way: by words, or by meaning.
struct Likeness {
    /// Greatest cosine by level, to past items and to names and law, by class.
    greatest: [[Vec<f32>; 2]; LEVELS.len()],
    /// Sum of the votes of the nearest by level and class.
    votes: [Vec<f32>; LEVELS.len()],
    /// Log-probabilities by the linear models, by level and class.
    log: Vec<Vec<f32>>,
    /// The nearest items, nearest first, with their cosines.
    nearest: Vec<(u32, f32)>,
}

impl Likeness {
    /// Greatest cosine within the subheading among past items, then among names and law; the same of its heading; of its
    /// chapter over all; log-probability of the subheading within its heading, of heading and chapter; votes of
    /// subheading, heading and chapter.
    fn signals(&self, above: [u32; 3]) -> [f32; NUM_LIKE] {
        let [chapter, heading, class] = above.map(|class| class as usize);
        let [of_chapter, of_heading, of_class] = &self.greatest;
        [
            of_class[0][class],
            of_class[1][class],
            of_heading[0][heading],
            of_heading[1][heading],
            of_chapter[0][chapter].max(of_chapter[1][chapter]),
            self.log[2][class],
            self.log[1][heading],
            self.log[0][chapter],
            (self.votes[2][class] + 1e-3).ln(),
            (self.votes[1][heading] + 1e-3).ln(),
            (self.votes[0][chapter] + 1e-3).ln(),
        ]
    }
}

/// Everything that follows from the items.
fn skeleton(items: &[&Item], item_grams: &[&Grams], meanings: Meanings) -> (Base, Vec<Vector>) {
    let divided: BTreeSet<&str> = items.iter().filter_map(|item| item.code.prefix(6)?.get(..4)).collect();
    // A heading whose subheadings nobody told us stands for itself.
    let name = |item: &Item, level: usize| match item.code.prefix(LEVELS[level]) {
        None if level == 2 => item.code.prefix(4).filter(|heading| !divided.contains(heading)).map(str::to_owned),
        found => found.map(str::to_owned),
    };
    let names: Vec<Vec<String>> = (0..LEVELS.len())
        .map(|level| {
            let found: BTreeSet<String> = items.iter().filter_map(|item| name(item, level)).collect();
            found.into_iter().collect()
        })
        .collect();
    let class = |level: usize, name: &str| class(&names[level], name);
    let of_item: Vec<[Option<u32>; 3]> =
        items.iter().map(|item| [0, 1, 2].map(|level| class(level, &name(item, level)?))).collect();
    let above = names[2]
        .iter()
        .map(|name| {
            let place = |level: usize| &name[..LEVELS[level].min(name.len())];
            [0, 1, 2].map(|level| class(level, place(level)).expect("a subheading has its places above"))
        })
        .collect();
    let mut counts = vec![0.0_f32; names[2].len()];
    for (item, of_item) in items.iter().zip(&of_item) {
        if let (Kind::Past, Some(class)) = (item.kind, of_item[2]) {
            counts[class as usize] += 1.0;
        }
    }
    let space = Space::fit(item_grams.iter().copied());
    let vectors: Vec<Vector> = item_grams.par_iter().map(|grams| space.vector(grams).0).collect();
    let neighbours = Neighbours::new(space.len(), &vectors);
    let is_past = items.iter().map(|item| item.kind == Kind::Past).collect();
    let prior = counts.iter().map(|count| count.ln_1p()).collect();
    let base = Base { space, neighbours, meanings, classes: names, of_item, is_past, above, prior, ..Base::default() };
    (base, vectors)
}

impl Base {
    /// Learns from items; `item_grams` are theirs, by [`item_grams`], and so are `meanings`, by [`encoded_text`].
    pub fn fit(items: &[&Item], item_grams: &[&Grams], meanings: Meanings, seed: u64) -> Self {
        let (mut base, vectors) = skeleton(items, item_grams, meanings);
        let meant = base.meanings.features();
        let fit = |level: usize| {
            let examples = base.examples(&vectors, level);
            let linear = base.over_words(level, &examples).fitted(&examples, seed);
            let linear_meant = base.over_meanings(level);
            (linear, linear_meant.map(|linear| linear.fitted(&base.examples(&meant, level), seed)))
        };
        let fitted: Vec<(Linear, Option<Linear>)> = (0..LEVELS.len()).into_par_iter().map(fit).collect();
        for (linear, linear_meant) in fitted {
            base.linear.push(linear);
            base.linear_meant.extend(linear_meant);
        }
        base
    }

    /// Builds it again from items, their meanings and [`Self::weights`]; `None` where there are too few.
    pub fn with_weights(
        items: &[&Item],
        item_grams: &[&Grams],
        meanings: Meanings,
        learnt: &mut impl Iterator<Item = f32>,
    ) -> Option<Self> {
        let (mut base, vectors) = skeleton(items, item_grams, meanings);
        for level in 0..LEVELS.len() {
            let linear = base.over_words(level, &base.examples(&vectors, level));
            base.linear.push(linear.with_weights(learnt)?);
        }
        for level in 0..LEVELS.len() {
            if let Some(linear) = base.over_meanings(level) {
                base.linear_meant.push(linear.with_weights(learnt)?);
            }
        }
        Some(base)
    }

    /// Chapters and headings are told apart from all others, subheadings from those of their heading.
    fn over_words(&self, level: usize, examples: &[Example<'_>]) -> Linear {
        let rivals = match level {
            2 => self.within_headings(),
            _ => Rivals::all(self.classes[level].len()),
        };
        Linear::empty(self.space.len(), rivals, examples)
    }

    /// Each class is told apart from those of its place above: all with all would be a thousand weights a feature, at every
    /// text. None where there are no meanings.
    fn over_meanings(&self, level: usize) -> Option<Linear> {
        let rivals = match level {
            0 => Rivals::all(self.classes[0].len()),
            1 => {
                let mut chapters = vec![0; self.classes[1].len()];
                self.above.iter().for_each(|[chapter, heading, _]| chapters[*heading as usize] = *chapter);
                Rivals::within(chapters.into_iter())
            }
            _ => self.within_headings(),
        };
        (self.meanings.dim() > 0).then(|| Linear::dense(self.meanings.dim(), rivals))
    }

    fn within_headings(&self) -> Rivals {
        Rivals::within(self.above.iter().map(|above| above[1]))
    }

    /// Only what tells the classes apart; it can find nothing more.
    pub fn names_alone(self) -> Self {
        let Self { classes, above, prior, of_item, .. } = self;
        Self { classes, above, prior, of_item, ..Self::default() }
    }

    /// Class of an item's heading.
    pub fn heading_of(&self, item: u32) -> Option<u32> {
        self.of_item[item as usize][1]
    }

    pub fn weights(&self) -> impl Iterator<Item = f32> {
        self.linear.iter().chain(&self.linear_meant).flat_map(Linear::weights)
    }

    fn examples<'a>(&self, vectors: &'a [Vector], level: usize) -> Vec<Example<'a>> {
        let example = |(at, vector): (usize, &'a Vector)| {
            let weight = if self.is_past[at] { 1.0 } else { NOMENCLATURE_WEIGHT };
            self.of_item[at][level].map(|class| Example { vector, class, weight })
        };
        vectors.iter().enumerate().filter_map(example).collect()
    }

    /// The vectors of the items.
    pub fn meanings(&self) -> &Meanings {
        &self.meanings
    }

    pub fn num_features(&self) -> usize {
        self.space.len()
    }

    /// What speaks for the codes that `text` may have; `meaning` is its vector by the encoder of the items. Signals: those
    /// of likeness by words, the log of past items, and those of likeness by meaning, zeros where there is none.
    pub fn evidence(&self, text: &str, meaning: Option<&[f32]>) -> Evidence {
        let grams = grams(text);
        let (vector, known) = self.space.vector(&grams);
        let worded =
            self.likeness(&self.neighbours.cosines(&vector), &self.linear, &vector, |cosine, _| cosine.powi(3));
        let meant = meaning.filter(|_| !self.linear_meant.is_empty()).map(|meaning| {
            let vector = self.meanings.centred(meaning, Language::detect(text));
            let vote = |cosine: f32, nearest: f32| (SHARPNESS * (cosine - nearest)).exp();
            self.likeness(&self.meanings.cosines(&vector), &self.linear_meant, &feature(&vector), vote)
        });
        let signals = |class: usize| -> Signals {
            let mut signals = [0.0; NUM_SIGNALS];
            signals[..NUM_LIKE].copy_from_slice(&worded.signals(self.above[class]));
            signals[NUM_LIKE] = self.prior[class];
            if let Some(meant) = &meant {
                signals[NUM_LIKE + 1..].copy_from_slice(&meant.signals(self.above[class]));
            }
            signals
        };
        let mut candidates: Vec<(u32, Signals)> =
            (0..self.classes[2].len()).map(|class| (class as u32, signals(class))).collect();
        // Equal parts of what the blend always finds useful; only the far end is cut by it.
        let cosines = |s: &[f32]| s[0].max(s[1]) + s[2].max(s[3]);
        let rough = |s: &Signals| s[5] + s[6] + 6.0 * (cosines(s) + cosines(&s[NUM_LIKE + 1..]));
        if candidates.len() > MAX_CANDIDATES {
            candidates.select_nth_unstable_by(MAX_CANDIDATES, |a, b| rough(&b.1).total_cmp(&rough(&a.1)));
            candidates.truncate(MAX_CANDIDATES);
        }
        candidates.sort_unstable_by_key(|(class, _)| *class);
        // A heading's own text has no subheading: the nearest that has one speaks for it.
        let class_of = |level: usize| worded.nearest.iter().find_map(|(at, _)| self.of_item[*at as usize][level]);
        Evidence {
            candidates,
            nearest_class: [0, 1, 2].map(class_of),
            linear_heading: worded.log[1].iter().copied().fold(f32::NEG_INFINITY, f32::max).exp(),
            nearest: worded.nearest,
            nearest_meant: meant.map_or_else(Vec::new, |meant| meant.nearest),
            known,
            rarity: self.space.rarity(&grams),
        }
    }

    /// Gathers cosines to the items by class; `vote` is what an item counts by its cosine and that of the nearest.
    fn likeness(
        &self,
        cosines: &[f32],
        linear: &[Linear],
        vector: &Vector,
        vote: impl Fn(f32, f32) -> f32,
    ) -> Likeness {
        let zeros: [Vec<f32>; LEVELS.len()] = std::array::from_fn(|level| vec![0.0; self.classes[level].len()]);
        let mut greatest = zeros.clone().map(|of_level| [of_level.clone(), of_level]);
        let mut votes = zeros;
        let mut order: Vec<u32> = (0..cosines.len() as u32).filter(|at| cosines[*at as usize] > 0.0).collect();
        for at in &order {
            let cosine = cosines[*at as usize];
            for (of_level, class) in greatest.iter_mut().zip(self.of_item[*at as usize]) {
                if let Some(class) = class {
                    let best = &mut of_level[usize::from(!self.is_past[*at as usize])][class as usize];
                    *best = best.max(cosine);
                }
            }
        }
        let by_cosine = |a: &u32, b: &u32| cosines[*b as usize].total_cmp(&cosines[*a as usize]).then(a.cmp(b));
        if order.len() > VOTERS {
            order.select_nth_unstable_by(VOTERS, by_cosine);
            order.truncate(VOTERS);
        }
        order.sort_unstable_by(by_cosine);
        let nearest: Vec<(u32, f32)> = order.into_iter().map(|at| (at, cosines[at as usize])).collect();
        let most = nearest.first().map_or(0.0, |(_, cosine)| *cosine);
        for (at, cosine) in &nearest {
            for (of_level, class) in votes.iter_mut().zip(self.of_item[*at as usize]) {
                if let Some(class) = class {
                    of_level[class as usize] += vote(*cosine, most);
                }
            }
        }
        let log = linear.iter().map(|linear| linear.log_probabilities(vector)).collect();
        Likeness { greatest, votes, log, nearest }
    }

    /// Probabilities of subheadings summed at a level, likeliest first.
    pub fn at_level(&self, level: usize, subheadings: &[(u32, f32)]) -> Vec<(u32, f32)> {
        let mut sums = std::collections::BTreeMap::new();
        for (class, p) in subheadings {
            *sums.entry(self.above[*class as usize][level]).or_insert(0.0_f32) += p;
        }
        let mut ranked: Vec<(u32, f32)> = sums.into_iter().collect();
        ranked.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        ranked
    }

    /// Class of a code at a level, where any item lies there.
    pub fn class(&self, level: usize, code: &Code) -> Option<u32> {
        let name = code.prefix(LEVELS[level]).or_else(|| code.prefix(4).filter(|_| level == 2))?;
        class(&self.classes[level], name)
    }
}

/// Features of an item: its own words, and weaker what stands above it.
pub fn item_grams(item: &Item) -> Grams {
    if item.is_residual() { grams(&item.context) } else { in_context(&item.text, &item.context) }
}

/// What an item is encoded by: its own words, and what stands above it.
pub fn encoded_text(item: &Item) -> String {
    let context: String = item.context.chars().take(MAX_CONTEXT).collect();
    match (item.is_residual(), context.is_empty()) {
        (_, true) => item.text.clone(),
        (true, false) => context,
        (false, false) => format!("{}, {context}", item.text),
    }
}

/// Place of a class among ascending names.
fn class(names: &[String], name: &str) -> Option<u32> {
    names.binary_search_by(|known| known.as_str().cmp(name)).ok().map(|at| at as u32)
}
