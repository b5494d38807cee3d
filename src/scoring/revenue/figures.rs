//! How much of what could be found is found among the few declarations that can be looked at.
//!
//! In: an order of the rows and what each brought. Out: shares of all that was brought, each beside two ideals: the best
//! possible order, by the probabilities and amounts that an invented world was drawn with, and perfect foresight, by what
//! was found in the end, which nobody has.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Poisson};
use serde::Serialize;

/// Figures over the rows of one part.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// Findings with an amount.
    pub findings: usize,
    /// What they brought in all.
    pub found: f64,
    pub at_5pct: Captured,
    pub at_10pct: Captured,
    /// What was expected of the findings, as a share of what they brought: 1 where amounts are unbiased.
    pub told_of_found: f64,
    /// At 95%.
    pub told_of_found_interval: [f64; 2],
}

/// Shares of all that was brought, among the first rows of each order.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Captured {
    /// By probability times amount: the order of this model.
    pub by_revenue: f64,
    pub by_probability: f64,
    /// By what a finding would bring, whatever its probability.
    pub by_amount: f64,
    /// By what was found in the end.
    pub perfect_foresight: f64,
    /// By the probabilities and amounts that an invented world was drawn with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best_possible: Option<f64>,
    /// `by_revenue` as a share of `best_possible`, with its interval at 95%.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of_best_possible: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of_best_possible_interval: Option<[f64; 2]>,
}

/// What is known and told of the rows of one part.
pub struct Rows<'a> {
    pub probabilities: &'a [f64],
    /// Breaks ties among probabilities, which are flat at their ends.
    pub margins: &'a [f64],
    /// What a finding would bring, as told.
    pub told: &'a [f64],
    pub labels: &'a [bool],
    /// What was brought.
    pub amounts: &'a [f64],
    /// Empty unless the labels were drawn.
    pub truth: &'a [f64],
    /// What a finding would bring, as drawn; empty as `truth` is.
    pub amount_truth: &'a [f64],
}

/// Resamples of an interval.
const RESAMPLES: usize = 200;
const SEED: u64 = 0x0048_4145_5441_4501;

impl Rows<'_> {
    /// `None` where nothing was brought.
    pub fn measure(&self) -> Option<Figures> {
        let brought = self.brought();
        let found: f64 = brought.iter().sum();
        let is_finding = |row: &usize| self.labels[*row] && !self.amounts[*row].is_nan() && !self.told[*row].is_nan();
        let findings: Vec<usize> = (0..brought.len()).filter(is_finding).collect();
        if found <= 0.0 || findings.is_empty() {
            return None;
        }
        let mut rng = ChaCha8Rng::seed_from_u64(SEED);
        let ratio = |weights: &dyn Fn(usize) -> f64| {
            let sum = |of: &[f64]| findings.iter().map(|row| weights(*row) * of[*row]).sum::<f64>();
            sum(self.told) / sum(self.amounts)
        };
        let drawn = interval(|| {
            let weights = copies(&mut rng, brought.len());
            ratio(&|row| weights[row])
        });
        Some(Figures {
            findings: findings.len(),
            found,
            at_5pct: self.captured(&brought, 0.05),
            at_10pct: self.captured(&brought, 0.10),
            told_of_found: ratio(&|_| 1.0),
            told_of_found_interval: drawn,
        })
    }

    /// What each row brought: nothing unless it was found fraudulent.
    fn brought(&self) -> Vec<f64> {
        let brought = |(label, amount): (&bool, &f64)| if *label && !amount.is_nan() { *amount } else { 0.0 };
        self.labels.iter().zip(self.amounts).map(brought).collect()
    }

    fn captured(&self, brought: &[f64], share: f64) -> Captured {
        let own = order(&product(self.probabilities, self.told));
        let first = |scores: &[f64]| captured(&order(scores), brought, share, |_| 1.0);
        let by_revenue = captured(&own, brought, share, |_| 1.0);
        let ideal = (!self.truth.is_empty() && !self.amount_truth.is_empty())
            .then(|| order(&product(self.truth, self.amount_truth)));
        let best_possible = ideal.as_ref().map(|ideal| captured(ideal, brought, share, |_| 1.0));
        let of_best_possible_interval = ideal.as_ref().map(|ideal| {
            let mut rng = ChaCha8Rng::seed_from_u64(SEED);
            interval(|| {
                let weights = copies(&mut rng, brought.len());
                let [own, ideal] = [&own, ideal].map(|order| captured(order, brought, share, |row| weights[row]));
                own / ideal
            })
        });
        Captured {
            by_revenue,
            by_probability: first(self.margins),
            by_amount: first(self.told),
            perfect_foresight: first(brought),
            best_possible,
            of_best_possible: best_possible.map(|best| by_revenue / best),
            of_best_possible_interval,
        }
    }
}

fn product(probabilities: &[f64], amounts: &[f64]) -> Vec<f64> {
    probabilities.iter().zip(amounts).map(|(probability, amount)| probability * amount).collect()
}

/// Rows from the greatest score down; those without one come last.
fn order(scores: &[f64]) -> Vec<usize> {
    let key = |row: usize| if scores[row].is_nan() { f64::NEG_INFINITY } else { scores[row] };
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| key(*b).total_cmp(&key(*a)));
    order
}

/// Share of all that was brought among the first `share` of the rows, each counted as often as `weight` says.
fn captured(order: &[usize], brought: &[f64], share: f64, weight: impl Fn(usize) -> f64) -> f64 {
    let rows: f64 = order.iter().map(|row| weight(*row)).sum();
    let whole: f64 = order.iter().map(|row| weight(*row) * brought[*row]).sum();
    let (mut left, mut found) = (rows * share, 0.0);
    for row in order {
        let part = weight(*row).min(left);
        found += part * brought[*row];
        left -= part;
        if left <= 0.0 {
            break;
        }
    }
    found / whole
}

/// How often each row is drawn where as many are drawn with replacement: about a Poisson number of times.
fn copies(rng: &mut ChaCha8Rng, rows: usize) -> Vec<f64> {
    let one = Poisson::new(1.0).expect("the mean is positive");
    (0..rows).map(|_| one.sample(rng)).collect()
}

/// The 2.5th and 97.5th of a hundred of what `draw` gives.
fn interval(draw: impl FnMut() -> f64) -> [f64; 2] {
    let mut values: Vec<f64> = std::iter::repeat_with(draw).take(RESAMPLES).filter(|value| value.is_finite()).collect();
    values.sort_unstable_by(f64::total_cmp);
    match values.len() {
        0 => [f64::NAN; 2],
        len => [values[len * 25 / 1000], values[len - 1 - len * 25 / 1000]],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_a_hand_counted_part() {
        // Twenty rows, of which three are frauds that brought 60, 30 and 10; one row in twenty can be looked at.
        let mut rows = vec![(0.1, 5.0, false, 0.0); 20];
        rows[3] = (0.2, 90.0, true, 60.0);
        rows[7] = (0.6, 20.0, true, 30.0);
        rows[9] = (0.9, 10.0, true, 10.0);
        let column = |pick: fn(&(f64, f64, bool, f64)) -> f64| rows.iter().map(pick).collect::<Vec<f64>>();
        let (probabilities, told, amounts) = (column(|row| row.0), column(|row| row.1), column(|row| row.3));
        let labels: Vec<bool> = rows.iter().map(|row| row.2).collect();
        let truth = vec![0.5; 20];
        let measured = |truth: &[f64], amount_truth: &[f64]| {
            let (probabilities, told, amounts, labels) = (&probabilities, &told, &amounts, &labels);
            Rows { probabilities, margins: probabilities, told, labels, amounts, truth, amount_truth }.measure()
        };
        let figures = measured(&truth, &amounts).unwrap();
        assert_eq!((figures.findings, figures.found, figures.told_of_found), (3, 100.0, 1.2));
        let Captured {
            by_revenue, by_probability, by_amount, perfect_foresight, best_possible, of_best_possible, ..
        } = figures.at_5pct;
        // 0.2 times 90 comes before 0.6 times 20 and 0.9 times 10.
        assert_eq!([by_revenue, by_probability, by_amount, perfect_foresight], [0.6, 0.1, 0.6, 0.6]);
        assert_eq!((best_possible, of_best_possible), (Some(0.6), Some(1.0)));
        assert_eq!(figures.at_10pct.by_revenue, 0.9);
        assert_eq!(measured(&[], &[]).unwrap().at_5pct.best_possible, None);
    }

    #[test]
    fn where_nothing_was_brought_there_is_nothing_to_measure() {
        let rows = Rows {
            probabilities: &[0.5; 2],
            margins: &[0.0; 2],
            told: &[1.0; 2],
            labels: &[false, true],
            amounts: &[9.0, f64::NAN],
            truth: &[],
            amount_truth: &[],
        };
        assert_eq!(rows.measure(), None, "an amount without a finding brought nothing");
    }
}
