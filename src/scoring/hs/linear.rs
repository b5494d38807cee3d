//! Multinomial logistic regression over very many classes. In: unit vectors with their classes. Out: log-odds of each.
//!
//! A class has weights only for features that one of its own texts has: that keeps thousands of classes over hundreds of
//! thousands of features small, and which weights there are follows from the texts, so a model on disk is the weights
//! alone. Features that very many classes share tell them apart little and cost most; they have none.

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

#[derive(Clone, Debug)]
pub struct Linear {
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
    pub fn empty(num_features: usize, num_classes: usize, examples: &[Example<'_>]) -> Self {
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
        for of_feature in pairs.chunk_by(|a, b| a >> 32 == b >> 32).filter(|of| of.len() <= MAX_CLASSES) {
            starts[(of_feature[0] >> 32) as usize + 1] = of_feature.len() as u32;
            classes.extend(of_feature.iter().map(|pair| *pair as u32));
        }
        for at in 0..num_features {
            starts[at + 1] += starts[at];
        }
        Self { starts, weights: vec![0.0; classes.len()], classes, bias: vec![0.0; num_classes] }
    }

    pub fn fit(num_features: usize, num_classes: usize, examples: &[Example<'_>], seed: u64) -> Self {
        let mut linear = Self::empty(num_features, num_classes, examples);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut order: Vec<usize> = (0..examples.len()).collect();
        let mut squares = vec![1e-2_f32; linear.weights.len()];
        let mut bias_squares = vec![1.0_f32; num_classes];
        for _ in 0..EPOCHS {
            order.shuffle(&mut rng);
            for at in &order {
                let Example { vector, class, weight } = examples[*at];
                let mut gradient = linear.log_odds(vector);
                softmax(&mut gradient);
                gradient[class as usize] -= 1.0;
                gradient.iter_mut().for_each(|g| *g = if g.abs() < MIN_GRADIENT { 0.0 } else { *g * weight });
                for (bias, (square, g)) in linear.bias.iter_mut().zip(bias_squares.iter_mut().zip(&gradient)) {
                    *square += g * g;
                    *bias -= RATE * g / square.sqrt();
                }
                for (feature, x) in vector {
                    for at in linear.starts[*feature as usize] as usize..linear.starts[*feature as usize + 1] as usize {
                        let g = gradient[linear.classes[at] as usize] * x;
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
        let linear = Linear::fit(2, 2, &examples, 1);
        // Feature 0 belongs to class 0 alone, feature 1 to both.
        assert_eq!((linear.starts.as_slice(), linear.classes.as_slice()), (&[0, 1, 3][..], &[0, 0, 1][..]));
        let leads = |vector| {
            let odds = linear.log_odds(vector);
            odds[0] - odds[1]
        };
        assert!(leads(&tea) > 2.0 && leads(&cup) < -2.0 && leads(&both) > 0.5);
        let again = Linear::empty(2, 2, &examples).with_weights(&mut linear.weights()).unwrap();
        assert_eq!(again.log_odds(&both), linear.log_odds(&both));
        assert!(Linear::empty(2, 2, &examples).with_weights(&mut linear.weights().take(3)).is_none());
    }
}
