//! Whether a text is too vague to be classified. In: a text and how it was judged. Out: how vague, and the limit.
//!
//! Boosted trees learn to tell vague texts from clear ones by the confidence of the judgement, by how far the nearest
//! texts disagree, by the words and by how they are written. The vague ones are the administration's own list where it
//! has one in a language; where it has none, they are made of clear descriptions cut to a last word that many headings
//! share ([`cut_short`]). Where even those are too few, a text is refused for its confidence alone. Each limit is set
//! so that few clear texts are refused.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::base::{Base, Evidence};
use super::features::{Grams, Space, Vector, grams, normalised};
use super::linear::{Example, Linear, Rivals};
use super::meanings::{Meanings, feature};
use super::neighbours::Neighbours;
use crate::lang::Language;
use crate::scoring::boosting::{self, Boosting, Ensemble, Growth, Labelled};
use crate::scoring::matrix::Matrix;

/// Share of clear texts that may be refused; below what is allowed, to leave room for chance.
const MAX_CLEAR_REFUSED: f64 = 0.085;

/// What vagueness shows in, see [`marks`].
pub type Marks = [f32; NUM_MARKS];
const NUM_MARKS: usize = 34;
/// Place of the probability of the first heading.
const FIRST_HEADING: usize = 1;

/// How texts of one language are refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// By the mean of trees over the marks, one ensemble a rotation.
    Learnt { rotations: Vec<Ensemble>, limit: f64 },
    /// By the probability of the first heading.
    Unsure { limit: f64 },
}

impl Rule {
    /// Learns from disjoint lots in rotation: trees grow on all but one, end by that one, and what they say of it sets
    /// the limit.
    pub fn learn(lots: &[Vec<(Marks, bool)>], seed: u64) -> Self {
        let growth = Growth {
            max_leaves: 15,
            max_depth: 6,
            min_leaf_rows: 20,
            min_leaf_hessian: 1.0,
            l2: 5.0,
            features_per_split: None,
        };
        let boosting = Boosting {
            max_trees: 500,
            learning_rate: 0.05,
            patience: 30,
            row_share: 0.8,
            feature_share: 0.6,
            features: None,
            growth,
            seed,
        };
        let (mut rotations, mut clear) = (Vec::new(), Vec::new());
        for out in 0..lots.len() {
            let grown: Vec<(Marks, bool)> =
                lots.iter().enumerate().filter(|(at, _)| *at != out).flat_map(|(_, lot)| lot.iter().copied()).collect();
            let [(grown, grown_labels), (watched, watched_labels)] = [columns(&grown), columns(&lots[out])];
            let trees = boosting::boost(
                Labelled { features: &grown, labels: &grown_labels },
                Labelled { features: &watched, labels: &watched_labels },
                &boosting,
            );
            let margins = trees.margins(&watched).into_iter().zip(watched_labels);
            clear.extend(margins.filter(|(_, is_vague)| !is_vague).map(|(margin, _)| margin));
            rotations.push(trees);
        }
        Self::Learnt { rotations, limit: limit(clear) }
    }

    /// Sets the limit by clear texts alone.
    pub fn unsure(clear: &[Marks]) -> Self {
        Self::Unsure { limit: limit(clear.iter().map(doubt).collect()) }
    }

    /// How vague, and from where on a text is refused.
    pub fn vagueness(&self, marks: &Marks) -> (f64, f64) {
        match self {
            Self::Learnt { rotations, limit } => {
                let (row, _) = columns(&[(*marks, false)]);
                let sum: f64 = rotations.iter().map(|trees| trees.margins(&row)[0]).sum();
                (sum / rotations.len().max(1) as f64, *limit)
            }
            Self::Unsure { limit } => (doubt(marks), *limit),
        }
    }

    /// Whether its trees lead anywhere, for one read from a file.
    pub fn is_sound(&self) -> bool {
        match self {
            Self::Learnt { rotations, .. } => rotations
                .iter()
                .all(|trees| trees.base.is_finite() && trees.trees.iter().all(|tree| tree.is_sound(NUM_MARKS))),
            Self::Unsure { limit } => limit.is_finite(),
        }
    }
}

fn doubt(marks: &Marks) -> f64 {
    1.0 - f64::from(marks[FIRST_HEADING])
}

/// What at most the allowed share of clear texts exceeds.
fn limit(mut clear: Vec<f64>) -> f64 {
    clear.sort_unstable_by(f64::total_cmp);
    let place = (clear.len() as f64 * (1.0 - MAX_CLEAR_REFUSED)).ceil() as usize;
    clear.get(place.max(1) - 1).copied().unwrap_or(0.0)
}

fn columns(rows: &[(Marks, bool)]) -> (Matrix, Vec<bool>) {
    let columns = (0..NUM_MARKS).map(|at| rows.iter().map(|(marks, _)| marks[at]).collect()).collect();
    (Matrix::new(rows.len(), columns), rows.iter().map(|(_, is_vague)| *is_vague).collect())
}

/// Of a judgement: probability of the first chapter, heading and subheading, lead over the second heading, entropy over
/// chapters and headings, probability of the first heading by the linear model alone. Of the nearest texts: first,
/// second, fifth and tenth cosine, headings among the first ten, share of the votes for the first heading, whether the
/// likest heading is the likeliest. Of the nearest by meaning: first and fifth cosine, headings among the first ten, share of
/// the votes for the first heading. Of the words: share known, least, mean and greatest rarity, their number. Of how
/// they are written: length, mean length of a word, shares of digits, capitals and other signs, words of one letter,
/// whether it is cut within a word as old systems do. Then [`Words::marks`].
pub fn marks(base: &Base, levels: &[Vec<(u32, f32)>; 3], evidence: &Evidence, text: &str, vague: WordMarks) -> Marks {
    let p = |level: usize, place: usize| levels[level].get(place).map_or(0.0, |(_, p)| *p);
    let entropy =
        |level: usize| -> f32 { levels[level].iter().filter(|(_, p)| *p > 0.0).map(|(_, p)| -p * p.ln()).sum() };
    let cosine = |nearest: &[(u32, f32)], place: usize| nearest.get(place).map_or(0.0, |(_, cosine)| *cosine);
    let (worded, meant) = (&evidence.nearest, &evidence.nearest_meant);
    let num_headings = |nearest: &[(u32, f32)]| {
        nearest.iter().take(10).filter_map(|(at, _)| base.heading_of(*at)).collect::<BTreeSet<u32>>().len() as f32
    };
    // The share of the cosines that speak for the heading most speak for.
    let agreement = |nearest: &[(u32, f32)]| {
        let mut votes: BTreeMap<u32, f32> = BTreeMap::new();
        for (at, cosine) in nearest {
            if let Some(heading) = base.heading_of(*at) {
                *votes.entry(heading).or_default() += cosine;
            }
        }
        let all: f32 = votes.values().sum();
        if all > 0.0 { votes.values().copied().fold(0.0, f32::max) / all } else { 0.0 }
    };
    let agree = evidence.nearest_class[1].is_some_and(|class| levels[1].first().is_some_and(|first| first.0 == class));
    let [least, mean, greatest] = evidence.rarity;
    let signs: Vec<char> = text.trim().chars().collect();
    let length = signs.len().max(1) as f32;
    let share = |is: fn(&char) -> bool| signs.iter().filter(|sign| is(sign)).count() as f32 / length;
    let split = normalised(text);
    let of_words: Vec<usize> = split.split(' ').map(|word| word.chars().count()).collect();
    let num_words = of_words.len() as f32;
    let is_cut = (28..=32).contains(&signs.len());
    [
        p(0, 0),
        p(1, 0),
        p(2, 0),
        p(1, 0) - p(1, 1),
        entropy(0),
        entropy(1),
        evidence.linear_heading,
        cosine(worded, 0),
        cosine(worded, 1),
        cosine(worded, 4),
        cosine(worded, 9),
        num_headings(worded),
        agreement(worded),
        f32::from(u8::from(agree)),
        cosine(meant, 0),
        cosine(meant, 4),
        num_headings(meant),
        agreement(meant),
        evidence.known,
        least,
        mean,
        greatest,
        num_words,
        length,
        of_words.iter().sum::<usize>() as f32 / num_words,
        share(char::is_ascii_digit),
        share(|sign| sign.is_uppercase()),
        share(|sign| !sign.is_alphanumeric() && *sign != ' '),
        of_words.iter().filter(|letters| **letters == 1).count() as f32,
        f32::from(u8::from(is_cut)),
        vague.worded.odds,
        vague.worded.nearer,
        vague.meant.odds,
        vague.meant.nearer,
    ]
}

/// Headings that a last word must be shared by to say too little alone.
const MIN_HEADINGS: usize = 4;

/// Clear descriptions cut to a last word that texts of many headings end with, which then says too little. `described`
/// are texts with their headings; none of those given back is one of them.
pub fn cut_short<'a>(described: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let mut headings: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let mut whole: BTreeSet<String> = BTreeSet::new();
    for (text, heading) in described {
        let text = normalised(text);
        if let Some((_, last)) = text.rsplit_once(' ') {
            headings.entry(last.to_owned()).or_default().insert(heading);
        }
        whole.insert(text);
    }
    let shared = headings.into_iter().filter(|(last, of)| of.len() >= MIN_HEADINGS && !whole.contains(last));
    shared.map(|(last, _)| last).collect()
}

/// How like vague texts a text is, in one way.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct VagueLike {
    /// Log-odds of vague over clear.
    odds: f32,
    /// How much nearer the nearest vague text is than the nearest clear one, in cosines. One figure for both: trees
    /// compare a mark with a number, not with another mark.
    nearer: f32,
}

/// How like vague texts a text is by its words and by its meaning.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct WordMarks {
    worded: VagueLike,
    meant: VagueLike,
}

/// Words and meanings of vague texts, beside those of clear ones.
#[derive(Clone, Debug)]
pub struct Words {
    space: Space,
    linear: Linear,
    neighbours: Neighbours,
    meanings: Meanings,
    /// None where nothing encodes.
    linear_meant: Option<Linear>,
    is_vague: Vec<bool>,
}

impl Words {
    /// Learns from texts and whether they are vague; `meanings` are theirs.
    pub fn fit(texts: &[(&str, bool)], meanings: Meanings, seed: u64) -> Self {
        let (mut words, vectors) = Self::skeleton(texts, meanings);
        let examples = words.examples(&vectors);
        words.linear = words.linear.fitted(&examples, seed);
        let vectors = words.meanings.features();
        let examples = words.examples(&vectors);
        words.linear_meant = words.linear_meant.take().map(|linear| linear.fitted(&examples, seed));
        words
    }

    /// Builds it again from the texts, their meanings and [`Self::weights`]; `None` where they do not belong together.
    pub fn with_weights(
        texts: &[(&str, bool)],
        meanings: Meanings,
        learnt: &mut impl Iterator<Item = f32>,
    ) -> Option<Self> {
        let (mut words, _) = Self::skeleton(texts, meanings);
        words.linear = words.linear.with_weights(learnt)?;
        if let Some(linear) = words.linear_meant.take() {
            words.linear_meant = Some(linear.with_weights(learnt)?);
        }
        Some(words)
    }

    fn skeleton(texts: &[(&str, bool)], meanings: Meanings) -> (Self, Vec<Vector>) {
        let all: Vec<Grams> = texts.iter().map(|(text, _)| grams(text)).collect();
        let space = Space::fit(&all);
        let vectors: Vec<Vector> = all.iter().map(|grams| space.vector(grams).0).collect();
        let neighbours = Neighbours::new(space.len(), &vectors);
        let is_vague: Vec<bool> = texts.iter().map(|(_, is_vague)| *is_vague).collect();
        let linear = Linear::empty(space.len(), Rivals::all(2), &examples(&vectors, &is_vague));
        let linear_meant = (meanings.dim() > 0).then(|| Linear::dense(meanings.dim(), Rivals::all(2)));
        (Self { space, linear, neighbours, meanings, linear_meant, is_vague }, vectors)
    }

    fn examples<'a>(&self, vectors: &'a [Vector]) -> Vec<Example<'a>> {
        examples(vectors, &self.is_vague)
    }

    pub fn weights(&self) -> impl Iterator<Item = f32> {
        self.linear.weights().chain(self.linear_meant.iter().flat_map(Linear::weights))
    }

    /// The vectors of the texts.
    pub fn meanings(&self) -> &Meanings {
        &self.meanings
    }

    /// How like vague texts a text is; `meaning` is its vector by the encoder of the others.
    pub fn marks(&self, text: &str, meaning: Option<&[f32]>) -> WordMarks {
        let vector = self.space.vector(&grams(text)).0;
        let worded = self.like(&self.linear, &vector, self.neighbours.cosines(&vector));
        let meant = self.linear_meant.as_ref().zip(meaning).map(|(linear, meaning)| {
            let vector = self.meanings.centred(meaning, Language::detect(text));
            self.like(linear, &feature(&vector), self.meanings.cosines(&vector))
        });
        WordMarks { worded, meant: meant.unwrap_or_default() }
    }

    fn like(&self, linear: &Linear, vector: &Vector, cosines: Vec<f32>) -> VagueLike {
        let odds = linear.log_odds(vector);
        let mut greatest = [0.0_f32; 2];
        for (cosine, is_vague) in cosines.into_iter().zip(&self.is_vague) {
            let best = &mut greatest[usize::from(!is_vague)];
            *best = best.max(cosine);
        }
        VagueLike { odds: odds[1] - odds[0], nearer: greatest[0] - greatest[1] }
    }
}

fn examples<'a>(vectors: &'a [Vector], is_vague: &[bool]) -> Vec<Example<'a>> {
    let example =
        |(vector, is_vague): (&'a Vector, &bool)| Example { vector, class: u32::from(*is_vague), weight: 1.0 };
    vectors.iter().zip(is_vague).map(example).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(p: f32) -> Marks {
        std::array::from_fn(|at| if at < 7 { p } else { 0.0 })
    }

    #[test]
    fn the_limit_leaves_at_most_the_share_of_clear_texts() {
        let clear: Vec<Marks> = (1..=100).map(|at| marks(at as f32 / 100.0)).collect();
        let rule = Rule::unsure(&clear);
        let refused = clear
            .iter()
            .filter(|marks| {
                let (vague, limit) = rule.vagueness(marks);
                vague > limit
            })
            .count();
        assert_eq!(refused, 8, "of a hundred");
        assert!(rule.is_sound());
    }

    #[test]
    fn what_vague_texts_show_is_learnt() {
        // Vague below .5 and clear above, one in ten the other way round.
        let lot: Vec<(Marks, bool)> =
            (0..1000).map(|at| (marks((at % 100) as f32 / 100.0), (at % 100 < 50) != (at % 10 == at / 100))).collect();
        let rule = Rule::learn(&[lot.clone(), lot.clone(), lot.clone()], 1);
        let refused = |p| {
            let (vague, limit) = rule.vagueness(&marks(p));
            vague > limit
        };
        let margin = |p| rule.vagueness(&marks(p)).0;
        assert!(margin(0.1) > margin(0.9) + 2.0);
        assert!(!refused(0.9));
        let clear: Vec<_> = lot.iter().filter(|(_, is_vague)| !is_vague).collect();
        assert!(
            clear.iter().filter(|(marks, _)| refused(marks[0])).count() as f64
                <= MAX_CLEAR_REFUSED * clear.len() as f64
        );
    }

    #[test]
    fn words_speak() {
        let texts: Vec<(&str, bool)> = (0..30).flat_map(|_| [("gift set", true), ("steel bolts", false)]).collect();
        let words = Words::fit(&texts, Meanings::default(), 1);
        let odds = |text| words.marks(text, None).worded.odds;
        assert!(odds("a gift") > 0.5 && odds("steel nuts") < -0.5);
        let again = Words::with_weights(&texts, Meanings::default(), &mut words.weights()).unwrap();
        assert_eq!(again.marks("a gift", None), words.marks("a gift", None));
        let nearer = words.marks("gift set", None).worded.nearer;
        assert!(nearer > 0.8, "{nearer}");
    }

    #[test]
    fn a_last_word_that_many_headings_share_says_too_little() {
        let described = [
            ("desk lamp", "9405"),
            ("uv lamp", "8539"),
            ("solder lamp", "8205"),
            ("head lamp", "8512"),
            ("green tea", "0902"),
            ("lamp oil", "2710"),
        ];
        assert_eq!(cut_short(described.into_iter()), ["lamp"]);
        let with_it = described.into_iter().chain([("Lamp", "9405")]);
        assert!(cut_short(with_it).is_empty(), "someone classified it");
    }
}
