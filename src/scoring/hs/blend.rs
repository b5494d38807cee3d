//! Signals to probabilities: a conditional logit, whose few weights are learnt on texts that the signals did not see.
//!
//! In: [`Evidence`]. Out: a probability for each candidate; a softmax of weighted signals, so they sum to 1 and are
//! calibrated by the same fit that orders them. That the true one is none of the candidates is an outcome of its own,
//! with odds that do not depend on the text. The places above get the sum of what lies beneath them.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::base::{Evidence, NUM_SIGNALS, Signals};
use super::linear::softmax;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Blend {
    /// One a signal, and last the log-odds that it is none of the candidates.
    pub weights: Vec<f32>,
}

/// Signals and the one that says that it is none of the candidates.
const NUM_WEIGHTS: usize = NUM_SIGNALS + 1;

/// Newton steps; a dozen weights are found in fewer.
const STEPS: usize = 30;
/// Pulls the weights to 0, in texts.
const RIDGE: f64 = 1.0;

impl Blend {
    /// Learns from texts with their true subheading.
    pub fn fit(texts: &[(&Evidence, Option<u32>)]) -> Self {
        let known: Vec<(&Evidence, usize)> = texts
            .iter()
            .map(|(evidence, truth)| {
                let place = evidence.candidates.iter().position(|(class, _)| Some(*class) == *truth);
                (*evidence, place.unwrap_or(evidence.candidates.len()))
            })
            .collect();
        let mut weights = vec![0.0_f32; NUM_WEIGHTS];
        for _ in 0..STEPS {
            let blend = Self { weights };
            let (gradient, hessian) = known
                .par_iter()
                .map(|(evidence, place)| blend.slopes(evidence, *place))
                .reduce(Slopes::default, |a, b| (add(a.0, b.0), std::array::from_fn(|row| add(a.1[row], b.1[row]))));
            weights = blend.weights;
            let mut gradient = gradient;
            let mut hessian = hessian;
            for (at, weight) in weights.iter().enumerate() {
                gradient[at] += RIDGE * f64::from(*weight);
                hessian[at][at] += RIDGE;
            }
            let step = solve(hessian, gradient);
            // A step in doubt is cut: the loss is convex, so smaller ones arrive as well.
            let longest = step.iter().fold(0.0_f64, |longest, part| longest.max(part.abs()));
            let scale = (2.0 / longest.max(1e-12)).min(1.0);
            weights.iter_mut().zip(step).for_each(|(weight, part)| *weight -= (scale * part) as f32);
            if longest < 1e-4 {
                break;
            }
        }
        Self { weights }
    }

    /// Candidates with their probabilities, likeliest first.
    pub fn probabilities(&self, evidence: &Evidence) -> Vec<(u32, f32)> {
        let odds = self.outcomes(evidence);
        let mut found: Vec<(u32, f32)> = evidence.candidates.iter().map(|(class, _)| *class).zip(odds).collect();
        found.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        found
    }

    pub fn is_sound(&self) -> bool {
        self.weights.len() == NUM_WEIGHTS && self.weights.iter().all(|weight| weight.is_finite())
    }

    /// Probability of each candidate, and last of none.
    fn outcomes(&self, evidence: &Evidence) -> Vec<f32> {
        let odds = |signals: &Signals| self.weights.iter().zip(signals).map(|(weight, signal)| weight * signal).sum();
        let mut outcomes: Vec<f32> = evidence.candidates.iter().map(|(_, signals)| odds(signals)).collect();
        outcomes.push(self.weights.get(NUM_SIGNALS).copied().unwrap_or(0.0));
        softmax(&mut outcomes);
        outcomes
    }

    /// First and second derivatives of the negative log-likelihood of one text.
    fn slopes(&self, evidence: &Evidence, place: usize) -> Slopes {
        let outcomes = self.outcomes(evidence);
        let signals = |outcome: usize| -> [f64; NUM_WEIGHTS] {
            let candidate = evidence.candidates.get(outcome);
            std::array::from_fn(|at| match candidate {
                Some((_, signals)) => signals.get(at).map_or(0.0, |signal| f64::from(*signal)),
                None => f64::from(u8::from(at == NUM_SIGNALS)),
            })
        };
        let mut mean = [0.0_f64; NUM_WEIGHTS];
        for (outcome, p) in outcomes.iter().enumerate() {
            mean.iter_mut().zip(signals(outcome)).for_each(|(mean, signal)| *mean += f64::from(*p) * signal);
        }
        let mut hessian = [[0.0_f64; NUM_WEIGHTS]; NUM_WEIGHTS];
        for (outcome, p) in outcomes.iter().enumerate().filter(|(_, p)| **p > 1e-7) {
            let signals = signals(outcome);
            let apart: [f64; NUM_WEIGHTS] = std::array::from_fn(|at| signals[at] - mean[at]);
            for (row, of_row) in hessian.iter_mut().zip(apart) {
                row.iter_mut().zip(apart).for_each(|(cell, of_column)| *cell += f64::from(*p) * of_row * of_column);
            }
        }
        let truth = signals(place);
        (std::array::from_fn(|at| mean[at] - truth[at]), hessian)
    }
}

type Slopes = ([f64; NUM_WEIGHTS], [[f64; NUM_WEIGHTS]; NUM_WEIGHTS]);

fn add<const N: usize>(a: [f64; N], b: [f64; N]) -> [f64; N] {
    std::array::from_fn(|at| a[at] + b[at])
}

/// Gauss's elimination of a positive definite system.
fn solve<const N: usize>(mut matrix: [[f64; N]; N], mut right: [f64; N]) -> [f64; N] {
    for pivot in 0..N {
        for row in pivot + 1..N {
            let above = matrix[pivot];
            let factor = matrix[row][pivot] / above[pivot];
            for (cell, above) in matrix[row].iter_mut().zip(above).skip(pivot) {
                *cell -= factor * above;
            }
            right[row] -= factor * right[pivot];
        }
    }
    for row in (0..N).rev() {
        let known: f64 = (row + 1..N).map(|column| matrix[row][column] * right[column]).sum();
        right[row] = (right[row] - known) / matrix[row][row];
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_solved() {
        assert_eq!(solve([[2.0, 1.0], [1.0, 3.0]], [5.0, 10.0]), [1.0, 3.0]);
    }

    #[test]
    fn a_signal_gets_the_log_odds_it_deserves() {
        // Of texts with two candidates half have their truth elsewhere; of the others the signal points at the true one in
        // four of five: ln 4 for a lead of 1. The candidates have odds of 4 and 1, so none of them has 5: ln 5.
        let evidence = |leads: usize| {
            let signals = |on| std::array::from_fn(|at| if at == 0 && on { 1.0 } else { 0.0 });
            Evidence {
                candidates: vec![(0, signals(leads == 0)), (1, signals(leads == 1))],
                nearest: vec![],
                nearest_meant: vec![],
                nearest_class: [None; 3],
                known: 1.0,
                rarity: [1.0; 3],
                linear_heading: 0.5,
            }
        };
        let texts: Vec<Evidence> = (0..1000).map(|at| evidence(usize::from(at % 5 == 0))).collect();
        let texts: Vec<_> = texts.iter().flat_map(|evidence| [(evidence, Some(0)), (evidence, Some(7))]).collect();
        let blend = Blend::fit(&texts);
        assert!((blend.weights[0] - 4.0_f32.ln()).abs() < 0.02, "{:?}", blend.weights);
        assert!((blend.weights[NUM_SIGNALS] - 5.0_f32.ln()).abs() < 0.02, "{:?}", blend.weights);
        let said = blend.probabilities(&evidence(1));
        assert!(said.len() == 2 && said[0].0 == 1 && (said[0].1 - 0.4).abs() < 0.01);
    }
}
