//! The other models that stand in the same report, so that nobody has to believe that boosting is the right choice.
//!
//! In: the matrices that the boosted model sees. Out: a score a row, greater for riskier; nothing of them is kept or
//! served. Small and plain on purpose: each is its textbook's, without tuning, and the crates that have them bring 18 to
//! 57 others along for what takes a page here.

mod isolation;
mod linear;

use super::boosting::{self, Growth, Labelled};
use super::matrix::Matrix;

/// What boosting is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rival {
    LogisticRegression,
    RandomForest,
    /// Linear.
    Svm,
    /// Learns without labels.
    IsolationForest,
}

impl Rival {
    pub const ALL: [Self; 4] = [Self::LogisticRegression, Self::RandomForest, Self::Svm, Self::IsolationForest];

    /// Learns from `train` once and scores each of `parts`.
    pub fn scores(self, train: Labelled<'_>, parts: [&Matrix; 2], seed: u64) -> [Vec<f64>; 2] {
        match self {
            Self::LogisticRegression => linear::logistic(train, parts),
            Self::Svm => linear::svm(train, parts, seed),
            Self::IsolationForest => isolation::scores(train.features, parts, seed),
            Self::RandomForest => {
                let drawn = (train.features.num_columns() as f64).sqrt().ceil() as usize;
                let growth = Growth {
                    max_leaves: 1024,
                    max_depth: 32,
                    min_leaf_rows: 3,
                    min_leaf_hessian: 0.0,
                    l2: 0.0,
                    features_per_split: Some(drawn),
                };
                let forest = boosting::bag(train, FOREST_TREES, &growth, seed);
                parts.map(|rows| forest.margins(rows))
            }
        }
    }
}

/// More change no figure of a report by a thousandth.
const FOREST_TREES: usize = 100;

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::scoring::metrics::auc;

    /// Rows whose label is likelier the greater the first feature is; the second says nothing and is missing at times.
    fn drawn(rows: usize, seed: u64) -> (Matrix, Vec<bool>) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let first: Vec<f32> = (0..rows).map(|_| rng.random_range(-3.0..3.0)).collect();
        let second = (0..rows).map(|row| if row % 5 == 0 { f32::NAN } else { rng.random_range(0.0..1e6) }).collect();
        let labels = first.iter().map(|x| rng.random_bool(boosting::sigmoid(2.0 * f64::from(*x)))).collect();
        (Matrix::new(rows, vec![first, second]), labels)
    }

    #[test]
    fn each_that_learns_from_labels_finds_a_plain_slope() {
        let (train, labels) = drawn(3_000, 1);
        let (fresh, fresh_labels) = drawn(2_000, 2);
        for rival in [Rival::LogisticRegression, Rival::RandomForest, Rival::Svm] {
            let [scores, _] = rival.scores(Labelled { features: &train, labels: &labels }, [&fresh, &train], 3);
            let area = auc(&scores, &fresh_labels).unwrap().value;
            // The best possible here is the first feature itself, about .96.
            let best =
                auc(&fresh.column(0).iter().map(|x| f64::from(*x)).collect::<Vec<_>>(), &fresh_labels).unwrap().value;
            assert!(area > best - 0.02, "{rival:?}: {area} of {best}");
        }
    }

    #[test]
    fn what_lies_apart_is_an_anomaly_though_no_label_says_so() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut column = || {
            let mut column: Vec<f32> = (0..990).map(|_| rng.random_range(-1.0..1.0)).collect();
            column.extend((0..10).map(|_| rng.random_range(4.0..6.0)));
            column
        };
        let rows = Matrix::new(1000, vec![column(), column()]);
        let apart: Vec<bool> = (0..1000).map(|row| row >= 990).collect();
        let train = Labelled { features: &rows, labels: &[false; 1000] };
        let [scores, _] = Rival::IsolationForest.scores(train, [&rows, &rows], 2);
        let area = auc(&scores, &apart).unwrap();
        assert!(area.value > 0.99, "{area:?}");
    }
}
