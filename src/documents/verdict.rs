//! From what was measured of two marks to a probability and a verdict.
//!
//! The probability is that of a world with as many same as different pairs, half of the different ones skilled forgeries:
//! it puts pairs in order and is no share of forgeries in the field. Between two thresholds nothing is decided; they stand
//! where, among pairs that nothing was learnt from, [`STATED`] of each side would be taken for the other.

use serde::{Deserialize, Serialize};

use super::align::Laid;
use super::logistic::Logistic;

/// The error rate that either threshold is set for.
pub const STATED: f64 = 0.02;

/// What is said of two marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Same,
    Doubtful,
    Different,
}

/// What is measured of two marks, one laid over the other.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// Cosine of the network's vectors.
    pub likeness: f64,
    pub correlation: f64,
    /// Shares of ink without a counterpart, the greater first.
    pub stray: [f64; 2],
    /// How much more ink one has than the other, as a logarithm without its sign.
    pub weight: f64,
}

impl Measured {
    pub fn new(likeness: f64, laid: &Laid) -> Self {
        let [ours, theirs] = laid.stray.map(f64::from);
        Self {
            likeness,
            correlation: laid.correlation.into(),
            stray: [ours.max(theirs), ours.min(theirs)],
            weight: laid.weight.abs().into(),
        }
    }

    /// All of it.
    pub fn row(&self) -> Vec<f64> {
        let mut row = self.registration();
        row.push(self.likeness);
        row
    }

    /// What does without the network.
    pub fn registration(&self) -> Vec<f64> {
        vec![self.correlation, self.stray[0], self.stray[1], self.weight]
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judge {
    weights: Logistic,
    /// From here on two marks are said to be the same.
    same_from: f64,
    /// Below, they are said to differ.
    different_below: f64,
}

impl Judge {
    /// Learns from pairs that no network learnt from; `None` without both sorts.
    pub fn learn(rows: &[Vec<f64>], is_same: &[bool]) -> Option<Self> {
        if !is_same.contains(&true) || !is_same.contains(&false) {
            return None;
        }
        let classes: Vec<usize> = is_same.iter().map(|same| usize::from(*same)).collect();
        let weights = Logistic::fit(rows, &classes, 2);
        let of = |same: bool| -> Vec<f64> {
            let held = rows.iter().zip(is_same).filter(|(_, is_same)| **is_same == same);
            let mut values: Vec<f64> = held.map(|(row, _)| weights.probabilities(row)[1]).collect();
            values.sort_by(f64::total_cmp);
            values
        };
        let (same, different) = (of(true), of(false));
        let above = different[((different.len() - 1) as f64 * (1.0 - STATED)).round() as usize];
        let below = same[((same.len() - 1) as f64 * STATED).round() as usize];
        // Where both are apart by more than asked, one border between them keeps both rates.
        let (same_from, different_below) =
            if above < below { ((above + below) / 2.0, (above + below) / 2.0) } else { (above, below) };
        Some(Self { weights, same_from, different_below })
    }

    pub fn probability(&self, row: &[f64]) -> f64 {
        self.weights.probabilities(row)[1]
    }

    pub fn verdict(&self, probability: f64) -> Verdict {
        if probability > self.same_from {
            Verdict::Same
        } else if probability < self.different_below {
            Verdict::Different
        } else {
            Verdict::Doubtful
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_keep_the_stated_rates_where_pairs_overlap() {
        let rows: Vec<Vec<f64>> =
            (0..2000).map(|at| vec![f64::from((at * 7919) % 1000) + f64::from(at % 2) * 700.0]).collect();
        let is_same: Vec<bool> = (0..2000).map(|at| at % 2 == 1).collect();
        let judge = Judge::learn(&rows, &is_same).unwrap();
        let said = |same: bool, verdict: Verdict| {
            let held = rows.iter().zip(&is_same).filter(|(_, is)| **is == same);
            let told = held.filter(|(row, _)| judge.verdict(judge.probability(row)) == verdict).count();
            told as f64 / 1000.0
        };
        assert!(said(false, Verdict::Same) <= STATED && said(true, Verdict::Different) <= STATED);
        assert!(said(true, Verdict::Doubtful) > 0.05 && said(true, Verdict::Same) > 0.5);
        assert!(Judge::learn(&rows, &[true; 2000]).is_none());
    }
}
