//! What a finding would bring: the additional duty of a declaration, should it be fraud.
//!
//! In: the features of rows that were found fraudulent, with what was assessed on each. Out: [`Revenue`], which tells the
//! mean, not the likely, amount: boosted by least squares on the amount as a share of the declared value, which is alike
//! for a crate and for a shipload, and scaled so that the watched findings add up. Times the probability of fraud it is
//! the revenue to expect of an inspection. Knows nothing of that probability.

mod figures;

use serde::{Deserialize, Serialize};

use super::boosting::{self, Boosting, Ensemble, Growth, Valued};
use super::matrix::Matrix;
use super::table::Table;

pub use figures::{Captured, Figures, Rows};

/// A model of the amount.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Revenue {
    /// The column that amounts are shares of.
    of: String,
    /// Tells the share.
    pub(super) ensemble: Ensemble,
    /// What all shares are multiplied with so that the watched findings add up.
    factor: f64,
}

/// Findings with an amount below which nothing is learnt of amounts, and of those that watch.
const MIN_FINDINGS: usize = 100;
const MIN_WATCHED: usize = 30;

impl Revenue {
    /// Learns from the findings of `train`, watched by those of `watched`; `None` where too few have an amount.
    pub fn fit(of: &str, train: (&Table, &Matrix), watched: (&Table, &Matrix), seed: u64) -> Option<Self> {
        let [learnt, seen] = [train, watched].map(|(table, matrix)| Findings::of(of, table, matrix));
        if learnt.shares.len() < MIN_FINDINGS || seen.shares.len() < MIN_WATCHED {
            return None;
        }
        let growth = Growth {
            max_leaves: 15,
            max_depth: 8,
            min_leaf_rows: 10,
            min_leaf_hessian: 1.0,
            l2: 1.0,
            features_per_split: None,
        };
        let boosting = Boosting {
            max_trees: 1000,
            learning_rate: 0.05,
            patience: 50,
            row_share: 0.8,
            feature_share: 0.9,
            features: None,
            growth,
            seed,
        };
        let ensemble = boosting::boost_mean(learnt.valued(), seen.valued(), &boosting);
        let mut revenue = Self { of: of.into(), ensemble, factor: 1.0 };
        let told: f64 = revenue.amounts(&watched.0.pick(&seen.rows), &seen.features).iter().sum();
        let found: f64 = seen.rows.iter().map(|row| watched.0.amounts[*row]).sum();
        if told > 0.0 && found > 0.0 {
            revenue.factor = found / told;
        }
        Some(revenue)
    }

    /// The additional duty of each row, should it be fraud; missing where the value is.
    pub fn amounts(&self, table: &Table, matrix: &Matrix) -> Vec<f64> {
        let values = &table.numbers[&self.of];
        let shares = self.ensemble.margins(matrix);
        values.iter().zip(shares).map(|(value, share)| value * share.max(0.0) * self.factor).collect()
    }

    /// Whether a model read from a file can be used with so many features, and this column.
    pub fn is_sound(&self, num_features: usize, is_number: impl Fn(&str) -> bool) -> bool {
        is_number(&self.of)
            && self.factor.is_finite()
            && self.factor > 0.0
            && self.ensemble.base.is_finite()
            && self.ensemble.trees.iter().all(|tree| tree.is_sound(num_features))
    }
}

/// Rows that were found fraudulent with an amount and a value.
struct Findings {
    rows: Vec<usize>,
    features: Matrix,
    shares: Vec<f64>,
}

impl Findings {
    fn of(of: &str, table: &Table, matrix: &Matrix) -> Self {
        let values = &table.numbers[of];
        let is_told = |row: &usize| table.labels[*row] && !table.amounts[*row].is_nan() && values[*row] > 0.0;
        let all = if table.amounts.is_empty() { 0 } else { table.num_rows() };
        let rows: Vec<usize> = (0..all).filter(is_told).collect();
        let shares = rows.iter().map(|row| table.amounts[*row] / values[*row]).collect();
        let columns = matrix.columns().iter().map(|column| rows.iter().map(|row| column[*row]).collect()).collect();
        Self { features: Matrix::new(rows.len(), columns), rows, shares }
    }

    fn valued(&self) -> Valued<'_> {
        Valued { features: &self.features, values: &self.shares }
    }
}
