//! Margins to probabilities that mean what they say.
//!
//! In: margins and labels of rows that no tree learnt from. Out: [`Calibration`], monotone: isotonic regression (pool
//! adjacent violators), joined by straight lines so that two margins stay apart. Where there are too few rows for steps,
//! a logistic curve in Platt's form. Rank by the margin, not by the probability: beyond the ends it is flat.

use serde::{Deserialize, Serialize};

use super::boosting::sigmoid;

/// A monotone curve from margin to probability.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Calibration {
    /// Points with both coordinates ascending.
    Isotonic { margins: Vec<f64>, probabilities: Vec<f64> },
    /// sigmoid(slope * margin + offset)
    Logistic { slope: f64, offset: f64 },
}

/// Positives below which isotonic steps would be noise; then two parameters must do.
const MIN_POSITIVES: usize = 200;
/// Fewest rows of a step: one with fewer would call a handful of rows certain.
const MIN_STEP_ROWS: f64 = 50.0;

impl Calibration {
    /// # Panics
    /// No rows.
    pub fn fit(margins: &[f64], labels: &[bool]) -> Self {
        let positives = labels.iter().filter(|label| **label).count();
        if positives.min(labels.len() - positives) < MIN_POSITIVES {
            return Self::logistic(margins, labels);
        }
        let mut order: Vec<usize> = (0..margins.len()).collect();
        order.sort_unstable_by(|a, b| margins[*a].total_cmp(&margins[*b]));
        let mut steps: Vec<Step> = Vec::new();
        for equal in order.chunk_by(|a, b| margins[*a] == margins[*b]) {
            let positives = equal.iter().filter(|at| labels[**at]).count() as f64;
            let mut step = Step { margin: margins[equal[0]], positives, rows: equal.len() as f64 };
            while let Some(last) = steps.pop_if(|last| last.rate() >= step.rate() || last.rows < MIN_STEP_ROWS) {
                step = last.joined(step);
            }
            steps.push(step);
        }
        // The last step may be short of rows: it goes to the one before.
        if let Some(last) = steps.pop_if(|last| last.rows < MIN_STEP_ROWS) {
            let joined = match steps.pop() {
                Some(before) => before.joined(last),
                None => last,
            };
            steps.push(joined);
        }
        // Half a row keeps the ends from being certain.
        let floor = 0.5 / (steps[0].rows + 1.0);
        let ceiling = 1.0 - 0.5 / (steps[steps.len() - 1].rows + 1.0);
        Self::Isotonic {
            margins: steps.iter().map(|step| step.margin).collect(),
            probabilities: steps.iter().map(|step| step.rate().clamp(floor, ceiling)).collect(),
        }
    }

    /// A logistic curve whatever the number of rows: it rises throughout, and two parameters catch little chance.
    ///
    /// # Panics
    /// No rows.
    pub fn logistic(margins: &[f64], labels: &[bool]) -> Self {
        logistic(margins, labels)
    }

    pub fn probability(&self, margin: f64) -> f64 {
        match self {
            Self::Logistic { slope, offset } => sigmoid(slope * margin + offset),
            Self::Isotonic { margins, probabilities } => {
                let above = margins.partition_point(|m| *m < margin);
                if above == 0 {
                    return probabilities[0];
                }
                if above == margins.len() {
                    return probabilities[above - 1];
                }
                let (low, high) = (above - 1, above);
                let part = (margin - margins[low]) / (margins[high] - margins[low]);
                probabilities[low] + part * (probabilities[high] - probabilities[low])
            }
        }
    }

    /// Whether the curve rises throughout and stays within 0 and 1, as one read from a file must.
    pub fn is_sound(&self) -> bool {
        match self {
            Self::Logistic { slope, offset } => slope.is_finite() && *slope > 0.0 && offset.is_finite(),
            Self::Isotonic { margins, probabilities } => {
                !margins.is_empty()
                    && margins.len() == probabilities.len()
                    && margins.windows(2).all(|pair| pair[0] < pair[1])
                    && probabilities.windows(2).all(|pair| pair[0] <= pair[1])
                    && probabilities.iter().all(|probability| (0.0..=1.0).contains(probability))
            }
        }
    }
}

/// Rows pooled: their mean margin, and how many are positive.
struct Step {
    margin: f64,
    positives: f64,
    rows: f64,
}

impl Step {
    fn rate(&self) -> f64 {
        self.positives / self.rows
    }

    fn joined(self, other: Self) -> Self {
        let rows = self.rows + other.rows;
        let margin = (self.margin * self.rows + other.margin * other.rows) / rows;
        Self { margin, positives: self.positives + other.positives, rows }
    }
}

/// Newton's method on two parameters; targets as Platt has them, away from 0 and 1.
fn logistic(margins: &[f64], labels: &[bool]) -> Calibration {
    let positives = labels.iter().filter(|label| **label).count() as f64;
    let negatives = labels.len() as f64 - positives;
    let targets = [1.0 / (negatives + 2.0), (positives + 1.0) / (positives + 2.0)];
    let (mut slope, mut offset) = (1.0, 0.0);
    for _ in 0..100 {
        let (mut g, mut h) = ([0.0; 2], [1e-9, 0.0, 1e-9]);
        for (margin, label) in margins.iter().zip(labels) {
            let probability = sigmoid(slope * margin + offset);
            let (error, weight) = (probability - targets[usize::from(*label)], probability * (1.0 - probability));
            g = [g[0] + error * margin, g[1] + error];
            h = [h[0] + weight * margin * margin, h[1] + weight * margin, h[2] + weight];
        }
        let determinant = h[0] * h[2] - h[1] * h[1];
        let step = [(h[2] * g[0] - h[1] * g[1]) / determinant, (h[0] * g[1] - h[1] * g[0]) / determinant];
        if !step.iter().all(|part| part.is_finite()) {
            break;
        }
        // A curve that falls would turn the ranking round.
        slope = (slope - step[0]).max(1e-3);
        offset -= step[1];
        if step[0].abs() + step[1].abs() < 1e-9 {
            break;
        }
    }
    Calibration::Logistic { slope, offset }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::scoring::metrics::calibration_error;

    /// Margins whose true log-odds are `2 m - 1`.
    fn drawn(rows: usize, seed: u64) -> (Vec<f64>, Vec<bool>) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..rows)
            .map(|_| {
                let margin = rng.random_range(-2.0..2.0);
                (margin, rng.random_bool(sigmoid(2.0 * margin - 1.0)))
            })
            .unzip()
    }

    #[test]
    fn either_curve_is_sound_and_tells_the_truth_about_fresh_rows() {
        let (fresh, fresh_labels) = drawn(20_000, 9);
        for (rows, is_isotonic, limit) in [(20_000, true, 0.015), (400, false, 0.04)] {
            let (margins, labels) = drawn(rows, 1);
            let calibration = Calibration::fit(&margins, &labels);
            assert_eq!(matches!(calibration, Calibration::Isotonic { .. }), is_isotonic);
            assert!(calibration.is_sound(), "{calibration:?}");
            let said: Vec<f64> = fresh.iter().map(|margin| calibration.probability(*margin)).collect();
            let error = calibration_error(&said, &fresh_labels);
            assert!(error < limit, "{error} after {rows} rows");
            let raw: Vec<f64> = fresh.iter().map(|margin| sigmoid(*margin)).collect();
            assert!(calibration_error(&raw, &fresh_labels) > 0.05, "there was something to put right");
        }
    }

    #[test]
    fn the_curve_never_falls_and_is_never_certain() {
        let (margins, labels) = drawn(5_000, 3);
        let calibration = Calibration::fit(&margins, &labels);
        let said: Vec<f64> = (-60..60).map(|i| calibration.probability(f64::from(i) / 10.0)).collect();
        assert!(said.windows(2).all(|pair| pair[0] <= pair[1]));
        assert!(said[0] > 0.0 && said[said.len() - 1] < 1.0);
    }

    #[test]
    fn margins_that_tell_nothing_become_the_base_rate() {
        let labels: Vec<bool> = (0..4_000).map(|i| i % 4 == 0).collect();
        let calibration = Calibration::fit(&vec![0.3; 4_000], &labels);
        assert!((calibration.probability(0.3) - 0.25).abs() < 1e-3);
    }

    #[test]
    fn a_curve_that_falls_is_not_sound() {
        let falling = Calibration::Isotonic { margins: vec![0.0, 1.0], probabilities: vec![0.6, 0.4] };
        assert!(!falling.is_sound());
        assert!(!Calibration::Isotonic { margins: vec![], probabilities: vec![] }.is_sound());
        assert!(!Calibration::Logistic { slope: -1.0, offset: 0.0 }.is_sound());
    }
}
