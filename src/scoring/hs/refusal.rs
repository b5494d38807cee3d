//! Whether a text is too vague to be classified. In: a text and how it was judged. Out: how vague, and the limit.
//!
//! Where the administration has a list of vague texts in a language, boosted trees learn to tell them from clear ones by
//! the confidence of the judgement and by the words themselves. Where it has none, a text is refused for its confidence
//! alone. Either limit is set so that few clear texts are refused.

use serde::{Deserialize, Serialize};

use super::features::{Grams, Space, grams};
use super::linear::{Example, Linear};
use super::neighbours::Neighbours;
use crate::scoring::boosting::{self, Boosting, Ensemble, Growth, Labelled};
use crate::scoring::matrix::Matrix;

/// Share of clear texts that may be refused; below what is allowed, to leave room for chance.
const MAX_CLEAR_REFUSED: f64 = 0.08;

/// What vagueness shows in: probability of the first chapter, heading and subheading; greatest and fifth cosine; share of
/// known words; number of words; share of digits; then [`Words::marks`].
pub type Marks = [f32; NUM_MARKS];
const NUM_MARKS: usize = 11;

/// How texts of one language are refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// By trees over the marks.
    Learnt { trees: Ensemble, limit: f64 },
    /// By the probability of the first heading.
    Unsure { limit: f64 },
}

impl Rule {
    /// Learns from three disjoint lots: trees grow on the first, end by the second, and the third sets the limit.
    pub fn learn(lots: &[Vec<(Marks, bool)>; 3], seed: u64) -> Self {
        let [grown, watched, limiting] = lots;
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
            feature_share: 0.9,
            growth,
            seed,
        };
        let [(grown, grown_labels), (watched, watched_labels)] = [grown, watched].map(|lot| columns(lot));
        let trees = boosting::boost(
            Labelled { features: &grown, labels: &grown_labels },
            Labelled { features: &watched, labels: &watched_labels },
            &boosting,
        );
        let (rows, labels) = columns(limiting);
        let margins = trees.margins(&rows);
        let clear =
            margins.iter().zip(&labels).filter(|(_, is_vague)| !**is_vague).map(|(margin, _)| *margin).collect();
        Self::Learnt { trees, limit: limit(clear) }
    }

    /// Sets the limit by clear texts alone.
    pub fn unsure(clear: &[Marks]) -> Self {
        Self::Unsure { limit: limit(clear.iter().map(doubt).collect()) }
    }

    /// How vague, and from where on a text is refused.
    pub fn vagueness(&self, marks: &Marks) -> (f64, f64) {
        match self {
            Self::Learnt { trees, limit } => (trees.margins(&columns(&[(*marks, false)]).0)[0], *limit),
            Self::Unsure { limit } => (doubt(marks), *limit),
        }
    }

    /// Whether its trees lead anywhere, for one read from a file.
    pub fn is_sound(&self) -> bool {
        match self {
            Self::Learnt { trees, .. } => {
                trees.base.is_finite() && trees.trees.iter().all(|tree| tree.is_sound(NUM_MARKS))
            }
            Self::Unsure { limit } => limit.is_finite(),
        }
    }
}

fn doubt(marks: &Marks) -> f64 {
    1.0 - f64::from(marks[1])
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

/// Words that vague texts are made of, beside those of clear ones.
#[derive(Clone, Debug)]
pub struct Words {
    space: Space,
    linear: Linear,
    neighbours: Neighbours,
    is_vague: Vec<bool>,
}

impl Words {
    pub fn fit(texts: &[(&str, bool)], seed: u64) -> Self {
        Self::made(texts, |num_features, examples| Some(Linear::fit(num_features, 2, examples, seed)))
            .expect("fitting gives a model")
    }

    /// Builds it again from the texts and [`Self::weights`]; `None` where they do not belong together.
    pub fn with_weights(texts: &[(&str, bool)], learnt: &mut impl Iterator<Item = f32>) -> Option<Self> {
        Self::made(texts, |num_features, examples| Linear::empty(num_features, 2, examples).with_weights(learnt))
    }

    fn made(texts: &[(&str, bool)], linear: impl FnOnce(usize, &[Example<'_>]) -> Option<Linear>) -> Option<Self> {
        let all: Vec<Grams> = texts.iter().map(|(text, _)| grams(text)).collect();
        let space = Space::fit(&all);
        let vectors: Vec<_> = all.iter().map(|grams| space.vector(grams).0).collect();
        let example =
            |(vector, (_, is_vague)): (_, &(&str, bool))| Example { vector, class: u32::from(*is_vague), weight: 1.0 };
        let examples: Vec<Example<'_>> = vectors.iter().zip(texts).map(example).collect();
        let linear = linear(space.len(), &examples)?;
        let neighbours = Neighbours::new(space.len(), &vectors);
        Some(Self { space, linear, neighbours, is_vague: texts.iter().map(|(_, is_vague)| *is_vague).collect() })
    }

    pub fn weights(&self) -> impl Iterator<Item = f32> {
        self.linear.weights()
    }

    /// Log-odds of vague over clear; greatest cosine to a vague text and to a clear one.
    pub fn marks(&self, text: &str) -> [f32; 3] {
        let vector = self.space.vector(&grams(text)).0;
        let odds = self.linear.log_odds(&vector);
        let mut greatest = [0.0_f32; 2];
        for (cosine, is_vague) in self.neighbours.cosines(&vector).into_iter().zip(&self.is_vague) {
            let best = &mut greatest[usize::from(!is_vague)];
            *best = best.max(cosine);
        }
        [odds[1] - odds[0], greatest[0], greatest[1]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(p: f32) -> Marks {
        [p, p, p, p, p, 1.0, 2.0, 0.0, 0.0, 0.0, 0.0]
    }

    #[test]
    fn the_limit_leaves_eight_in_a_hundred_clear_texts() {
        let clear: Vec<Marks> = (1..=100).map(|at| marks(at as f32 / 100.0)).collect();
        let rule = Rule::unsure(&clear);
        let refused = clear
            .iter()
            .filter(|marks| {
                let (vague, limit) = rule.vagueness(marks);
                vague > limit
            })
            .count();
        assert_eq!(refused, 8);
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
        let words = Words::fit(&texts, 1);
        assert!(words.marks("a gift")[0] > 0.5 && words.marks("steel nuts")[0] < -0.5);
        let again = Words::with_weights(&texts, &mut words.weights()).unwrap();
        assert_eq!(again.marks("a gift"), words.marks("a gift"));
        let [_, vague, clear] = words.marks("gift set");
        assert!((vague - 1.0).abs() < 1e-5 && clear < 0.2, "{vague} {clear}");
    }
}
