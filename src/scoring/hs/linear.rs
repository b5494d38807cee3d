//! Multinomial logistic regression over very many classes. In: unit vectors with their classes. Out: log-odds of each.
//!
//! A class has weights only for features that one of its own texts has: that keeps thousands of classes over hundreds of
//! thousands of features small, and which weights there are follows from the texts, so a model on disk is the weights
//! alone. Classes compete within a [`Rivals`] group: all with all, or the subheadings of one heading with each other,
//! which is fast for thousands and leaves what they have in common to the level above. Features that very many classes of
//! one group share tell them apart little and cost most; they have no weights.

use std::ops::Range;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::features::Vector;

/// A text to learn from.
#[derive(Clone, Copy, Debug)]
pub struct Example<'a> {
    pub vector: &'a Vector,
    pub class: u32,
    /// How much it counts beside others.
    pub weight: f32,
}

/// Which classes a class is told apart from: runs of classes, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Rivals {
    groups: Vec<Range<u32>>,
    /// Group of each class.
    of_class: Vec<u32>,
}

impl Rivals {
    /// All of `num_classes` with each other.
    pub fn all(num_classes: usize) -> Self {
        Self { groups: std::iter::once(0..num_classes as u32).collect(), of_class: vec![0; num_classes] }
    }

    /// Those with the same class above; `above` ascends.
    pub fn within(above: impl Iterator<Item = u32>) -> Self {
        let above: Vec<u32> = above.collect();
        let mut rivals = Self { groups: Vec::new(), of_class: Vec::new() };
        for group in above.chunk_by(|a, b| a == b) {
            let start = rivals.of_class.len() as u32;
            rivals.of_class.extend(group.iter().map(|_| rivals.groups.len() as u32));
            rivals.groups.push(start..start + group.len() as u32);
        }
        rivals
    }

    fn of(&self, class: u32) -> Range<u32> {
        self.groups[self.of_class[class as usize] as usize].clone()
    }
}

#[derive(Clone, Debug)]
pub struct Linear {
    rivals: Rivals,
    /// Where the weights of each feature begin; one more at the end.
    starts: Vec<u32>,
    classes: Vec<u32>,
    weights: Vec<f32>,
    bias: Vec<f32>,
}

/// Classes a feature may be shared by and still have weights.
const MAX_CLASSES: usize = 150;
const EPOCHS: usize = 5;
/// Of AdaGrad, whose steps shrink by themselves.
const RATE: f32 = 0.5;
/// Classes less likely than this learn nothing from a text that is not theirs.
const MIN_GRADIENT: f32 = 2e-4;

impl Linear {
    /// All weights zero.
    pub fn empty(num_features: usize, rivals: Rivals, examples: &[Example<'_>]) -> Self {
        let mut pairs: Vec<u64> = examples
            .iter()
            .flat_map(|example| {
                example.vector.iter().map(|(feature, _)| u64::from(*feature) << 32 | u64::from(example.class))
            })
            .collect();
        pairs.sort_unstable();
        pairs.dedup();
        let mut starts = vec![0_u32; num_features + 1];
        let mut classes = Vec::new();
        for of_feature in pairs.chunk_by(|a, b| a >> 32 == b >> 32) {
            let group = |pair: &u64| rivals.of_class[*pair as u32 as usize];
            for of_group in of_feature.chunk_by(|a, b| group(a) == group(b)).filter(|of| of.len() <= MAX_CLASSES) {
                starts[(of_feature[0] >> 32) as usize + 1] += of_group.len() as u32;
                classes.extend(of_group.iter().map(|pair| *pair as u32));
            }
        }
        for at in 0..num_features {
            starts[at + 1] += starts[at];
        }
        let bias = vec![0.0; rivals.of_class.len()];
        Self { rivals, starts, weights: vec![0.0; classes.len()], classes, bias }
    }

    /// All weights zero, where every class has each of the few features.
    pub fn dense(num_features: usize, rivals: Rivals) -> Self {
        let num_classes = rivals.of_class.len();
        Self {
            starts: (0..=num_features).map(|at| (at * num_classes) as u32).collect(),
            classes: (0..num_features).flat_map(|_| 0..num_classes as u32).collect(),
            weights: vec![0.0; num_features * num_classes],
            bias: vec![0.0; num_classes],
            rivals,
        }
    }

    /// Learns from texts, those it was made for.
    pub fn fitted(self, examples: &[Example<'_>], seed: u64) -> Self {
        let mut linear = self;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut order: Vec<usize> = (0..examples.len()).collect();
        let mut squares = vec![1e-2_f32; linear.weights.len()];
        let mut bias_squares = vec![1.0_f32; linear.bias.len()];
        let mut places: Vec<Range<usize>> = Vec::new();
        let mut gradient: Vec<f32> = Vec::new();
        for _ in 0..EPOCHS {
            order.shuffle(&mut rng);
            for at in &order {
                let Example { vector, class, weight } = examples[*at];
                let group = linear.rivals.of(class);
                if group.len() < 2 {
                    continue;
                }
                let first = group.start as usize;
                places.clear();
                places.extend(vector.iter().map(|(feature, _)| linear.places(*feature, &group)));
                gradient.clear();
                gradient.extend_from_slice(&linear.bias[first..group.end as usize]);
                for ((_, x), places) in vector.iter().zip(&places) {
                    for at in places.clone() {
                        gradient[linear.classes[at] as usize - first] += x * linear.weights[at];
                    }
                }
                softmax(&mut gradient);
                gradient[class as usize - first] -= 1.0;
                gradient.iter_mut().for_each(|g| *g = if g.abs() < MIN_GRADIENT { 0.0 } else { *g * weight });
                for (class, g) in gradient.iter().enumerate().filter(|(_, g)| **g != 0.0) {
                    let square = &mut bias_squares[first + class];
                    *square += g * g;
                    linear.bias[first + class] -= RATE * g / square.sqrt();
                }
                for ((_, x), places) in vector.iter().zip(&places) {
                    for at in places.clone() {
                        let g = gradient[linear.classes[at] as usize - first] * x;
                        if g != 0.0 {
                            squares[at] += g * g;
                            linear.weights[at] -= RATE * g / squares[at].sqrt();
                        }
                    }
                }
            }
        }
        linear
    }

    /// Where the weights of a feature for the classes of a group lie.
    fn places(&self, feature: u32, group: &Range<u32>) -> Range<usize> {
        let list = self.starts[feature as usize] as usize..self.starts[feature as usize + 1] as usize;
        let classes = &self.classes[list.clone()];
        let from = classes.partition_point(|class| *class < group.start);
        let to = from + classes[from..].partition_point(|class| *class < group.end);
        list.start + from..list.start + to
    }

    /// One a class.
    pub fn log_odds(&self, vector: &Vector) -> Vec<f32> {
        let mut odds = self.bias.clone();
        for (feature, x) in vector {
            let list = self.starts[*feature as usize] as usize..self.starts[*feature as usize + 1] as usize;
            for (class, weight) in self.classes[list.clone()].iter().zip(&self.weights[list]) {
                odds[*class as usize] += x * weight;
            }
        }
        odds
    }

    /// Log-probability of each class among its rivals.
    pub fn log_probabilities(&self, vector: &Vector) -> Vec<f32> {
        let mut found = self.log_odds(vector);
        for group in &self.rivals.groups {
            softmax(&mut found[group.start as usize..group.end as usize]);
        }
        found.iter_mut().for_each(|p| *p = p.max(1e-9).ln());
        found
    }

    /// All that was learnt, in one order.
    pub fn weights(&self) -> impl Iterator<Item = f32> {
        self.bias.iter().chain(&self.weights).copied()
    }

    /// Takes back what [`Self::weights`] gave; `None` where there are too few.
    pub fn with_weights(mut self, learnt: &mut impl Iterator<Item = f32>) -> Option<Self> {
        for weight in self.bias.iter_mut().chain(&mut self.weights) {
            *weight = learnt.next().filter(|weight| weight.is_finite())?;
        }
        Some(self)
    }
}

/// Log-odds to probabilities, in place.
pub fn softmax(odds: &mut [f32]) {
    let greatest = odds.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    odds.iter_mut().for_each(|odds| *odds = (*odds - greatest).exp());
    let sum: f32 = odds.iter().sum();
    odds.iter_mut().for_each(|odds| *odds /= sum);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_those_of_the_odds() {
        let mut odds = [0.0, 3.0_f32.ln()];
        softmax(&mut odds);
        assert!((odds[0] - 0.25).abs() < 1e-6 && (odds[1] - 0.75).abs() < 1e-6);
    }

    #[test]
    fn a_feature_of_one_class_speaks_for_it_and_survives_the_disk() {
        let [tea, cup, both] = [vec![(0, 1.0)], vec![(1, 1.0)], vec![(0, 0.8), (1, 0.6)]];
        let example = |vector, class| Example { vector, class, weight: 1.0 };
        let examples: Vec<_> = (0..40).flat_map(|_| [example(&tea, 0), example(&cup, 1), example(&both, 0)]).collect();
        let linear = Linear::empty(2, Rivals::all(2), &examples).fitted(&examples, 1);
        // Feature 0 belongs to class 0 alone, feature 1 to both.
        assert_eq!((linear.starts.as_slice(), linear.classes.as_slice()), (&[0, 1, 3][..], &[0, 0, 1][..]));
        let leads = |vector| {
            let odds = linear.log_odds(vector);
            odds[0] - odds[1]
        };
        assert!(leads(&tea) > 2.0 && leads(&cup) < -2.0 && leads(&both) > 0.5);
        let again = Linear::empty(2, Rivals::all(2), &examples).with_weights(&mut linear.weights()).unwrap();
        assert_eq!(again.log_odds(&both), linear.log_odds(&both));
        assert!(Linear::empty(2, Rivals::all(2), &examples).with_weights(&mut linear.weights().take(3)).is_none());
    }

    #[test]
    fn of_dense_features_each_class_has_weights_for_all() {
        let [tea, cup] = [vec![(0, 0.8), (1, -0.6)], vec![(0, -0.8), (1, 0.6)]];
        let example = |vector, class| Example { vector, class, weight: 1.0 };
        let examples: Vec<_> = (0..40).flat_map(|_| [example(&tea, 0), example(&cup, 1)]).collect();
        let linear = Linear::dense(2, Rivals::all(2)).fitted(&examples, 1);
        assert_eq!(linear.weights().count(), 2 + 2 * 2);
        let odds = linear.log_odds(&tea);
        assert!(odds[0] - odds[1] > 2.0, "{odds:?}");
    }

    #[test]
    fn classes_compete_within_their_group() {
        let rivals = Rivals::within([0, 0, 1].into_iter());
        assert_eq!(rivals.groups, [0..2, 2..3]);
        let [tea, cup] = [vec![(0, 1.0)], vec![(1, 1.0)]];
        let example = |vector, class| Example { vector, class, weight: 1.0 };
        let examples: Vec<_> = (0..40).flat_map(|_| [example(&tea, 0), example(&cup, 1), example(&tea, 2)]).collect();
        let linear = Linear::empty(2, rivals, &examples).fitted(&examples, 1);
        let said: Vec<f32> = linear.log_probabilities(&tea).into_iter().map(f32::exp).collect();
        assert!((said[0] + said[1] - 1.0).abs() < 1e-5 && said[0] > 0.9, "{said:?}");
        assert!((said[2] - 1.0).abs() < 1e-6, "it stands alone");
    }
}
