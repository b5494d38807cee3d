//! How good a ranking and its probabilities are, each with an interval.
//!
//! In: a score and a label a row. Out: [`Quality`]. Intervals are at 95%: DeLong's for the area under the curve, a
//! bootstrap with a fixed seed for the rest. Equal scores share their places, so no figure hangs on the order of rows.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Poisson};
use serde::{Deserialize, Serialize};

/// A figure with its interval at 95%.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

/// Area under the ROC curve with DeLong's interval (DeLong 1988, in Sun and Xu's form of 2014); `None` where one class
/// is absent.
pub fn auc(scores: &[f64], labels: &[bool]) -> Option<Estimate> {
    let positives: Vec<f64> = pick(scores, labels, true);
    let negatives: Vec<f64> = pick(scores, labels, false);
    let (m, n) = (positives.len() as f64, negatives.len() as f64);
    if positives.is_empty() || negatives.is_empty() {
        return None;
    }
    let joint = mid_ranks(scores);
    let joint_positives = pick(&joint, labels, true);
    let joint_negatives = pick(&joint, labels, false);
    let value = (joint_positives.iter().sum::<f64>() / m - (m + 1.0) / 2.0) / n;
    // Share of the other class that each row beats.
    let beaten: Vec<f64> = joint_positives.iter().zip(mid_ranks(&positives)).map(|(j, own)| (j - own) / n).collect();
    let kept: Vec<f64> =
        joint_negatives.iter().zip(mid_ranks(&negatives)).map(|(j, own)| 1.0 - (j - own) / m).collect();
    let spread = 1.96 * (variance(&beaten) / m + variance(&kept) / n).sqrt();
    Some(Estimate { value, low: (value - spread).max(0.0), high: (value + spread).min(1.0) })
}

/// Share of positives among the `share` of rows with the greatest scores, with a bootstrap interval. Where rows of one
/// score straddle the border they count in part.
pub fn precision_at(scores: &[f64], labels: &[bool], share: f64) -> Estimate {
    let groups = groups(scores, labels);
    let wanted = ((scores.len() as f64 * share).floor()).max(1.0);
    let value = precision(groups.iter().map(|group| (group.0 as f64, group.1 as f64)), wanted);
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let resampled = bootstrap(|| {
        // Drawing with replacement gives each row about a Poisson number of copies.
        let copies: Vec<(f64, f64)> = groups
            .iter()
            .map(|(positives, rows)| {
                let positive_copies = poisson(&mut rng, *positives);
                (positive_copies, positive_copies + poisson(&mut rng, rows - positives))
            })
            .collect();
        let num_copies: f64 = copies.iter().map(|(_, rows)| rows).sum();
        precision(copies.into_iter(), (num_copies * share).max(1.0))
    });
    Estimate { value, low: resampled.0, high: resampled.1 }
}

/// A share with Wilson's interval; `None` of nothing.
pub fn share(part: usize, whole: usize) -> Option<Estimate> {
    if whole == 0 {
        return None;
    }
    let (value, rows, z2) = (part as f64 / whole as f64, whole as f64, 1.96 * 1.96);
    let middle = (value + z2 / (2.0 * rows)) / (1.0 + z2 / rows);
    let spread = (z2 * (value * (1.0 - value) / rows + z2 / (4.0 * rows * rows))).sqrt() / (1.0 + z2 / rows);
    Some(Estimate { value, low: (middle - spread).max(0.0), high: (middle + spread).min(1.0) })
}

/// Expected calibration error: in ten bins of about equally many rows, how far the mean probability is from the share of
/// positives, weighed by rows.
pub fn calibration_error(probabilities: &[f64], labels: &[bool]) -> f64 {
    let mut rows: Vec<(f64, bool)> = probabilities.iter().copied().zip(labels.iter().copied()).collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut error = 0.0;
    let mut start = 0;
    for bin in 1..=CALIBRATION_BINS {
        let mut end = (rows.len() * bin / CALIBRATION_BINS).max(start);
        // Equal probabilities stay together.
        while end > 0 && end < rows.len() && rows[end].0 == rows[end - 1].0 {
            end += 1;
        }
        let held = &rows[start..end];
        let expected: f64 = held.iter().map(|row| row.0).sum();
        let found = held.iter().filter(|row| row.1).count() as f64;
        error += (expected - found).abs();
        start = end;
    }
    error / rows.len() as f64
}

/// Mean squared distance of the probabilities from what happened.
pub fn brier(probabilities: &[f64], labels: &[bool]) -> f64 {
    let squares = probabilities.iter().zip(labels).map(|(p, label)| (p - f64::from(u8::from(*label))).powi(2));
    squares.sum::<f64>() / labels.len() as f64
}

pub fn base_rate(labels: &[bool]) -> f64 {
    labels.iter().filter(|label| **label).count() as f64 / labels.len() as f64
}

const CALIBRATION_BINS: usize = 10;
/// Resamples of a bootstrap: the ends of an interval at 95% then rest on 12 of them each.
const RESAMPLES: usize = 500;
const SEED: u64 = 0x0048_4145_5441_4500;

fn pick(values: &[f64], labels: &[bool], label: bool) -> Vec<f64> {
    values.iter().zip(labels).filter(|(_, l)| **l == label).map(|(value, _)| *value).collect()
}

/// Ranks from 1, equal values sharing the mean of theirs.
fn mid_ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    for equal in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let first = order.partition_point(|at| values[*at] < values[equal[0]]);
        let rank = first as f64 + (equal.len() as f64 + 1.0) / 2.0;
        equal.iter().for_each(|at| ranks[*at] = rank);
    }
    ranks
}

fn variance(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64
}

/// Positives and rows of each score, from the greatest down.
fn groups(scores: &[f64], labels: &[bool]) -> Vec<(u32, u32)> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_unstable_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    let group = |equal: &[usize]| (equal.iter().filter(|at| labels[**at]).count() as u32, equal.len() as u32);
    order.chunk_by(|a, b| scores[*a] == scores[*b]).map(group).collect()
}

/// Precision among the first `wanted` rows of groups of (positives, rows).
fn precision(groups: impl Iterator<Item = (f64, f64)>, wanted: f64) -> f64 {
    let (mut found, mut taken) = (0.0, 0.0);
    for (positives, rows) in groups {
        let part = ((wanted - taken) / rows).min(1.0);
        if rows > 0.0 {
            found += positives * part;
            taken += rows * part;
        }
        if taken >= wanted {
            break;
        }
    }
    found / wanted
}

fn poisson(rng: &mut ChaCha8Rng, mean: u32) -> f64 {
    if mean == 0 { 0.0 } else { Poisson::new(f64::from(mean)).map_or(0.0, |poisson| poisson.sample(rng)) }
}

/// The 2.5th and 97.5th of a hundred of what `draw` gives.
fn bootstrap(draw: impl FnMut() -> f64) -> (f64, f64) {
    let mut values: Vec<f64> = std::iter::repeat_with(draw).take(RESAMPLES).collect();
    values.sort_unstable_by(f64::total_cmp);
    (values[RESAMPLES * 25 / 1000], values[RESAMPLES - 1 - RESAMPLES * 25 / 1000])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_area_of_a_hand_computed_ranking() {
        // Positives .8 and .4 against negatives .6, .4, .2: pairs won 3 + 1.5 of 6.
        let area = auc(&[0.8, 0.4, 0.6, 0.4, 0.2], &[true, true, false, false, false]).unwrap();
        assert!((area.value - 4.5 / 6.0).abs() < 1e-12, "{area:?}");
        // Shares beaten: 1 and 1/2; shares kept: 1/2, 3/4, 1. Variances 1/8 and 1/16, over 2 and 3.
        let spread = 1.96 * (0.125_f64 / 2.0 + 0.0625 / 3.0).sqrt();
        assert!((area.low - (0.75 - spread)).abs() < 1e-12 && area.high == 1.0, "{area:?}");
    }

    #[test]
    fn a_share_has_wilsons_interval() {
        let estimate = share(10, 100).unwrap();
        assert!((estimate.low - 0.0552).abs() < 1e-4 && (estimate.high - 0.1744).abs() < 1e-4, "{estimate:?}");
        let none = share(0, 50).unwrap();
        assert!(none.value == 0.0 && none.low == 0.0 && (none.high - 0.0713).abs() < 1e-4, "{none:?}");
        assert_eq!(share(0, 0), None);
    }

    #[test]
    fn one_class_has_no_area() {
        assert_eq!(auc(&[0.1, 0.2], &[true, true]), None);
        assert_eq!(auc(&[], &[]), None);
    }

    #[test]
    fn precision_counts_rows_on_the_border_in_part() {
        let scores = [0.9, 0.5, 0.5, 0.5, 0.1, 0.1, 0.1, 0.1];
        let labels = [true, true, false, false, false, false, false, true];
        assert_eq!(precision_at(&scores, &labels, 0.125).value, 1.0);
        // Two rows: the first, and one of three of which one is positive.
        assert!((precision_at(&scores, &labels, 0.25).value - (1.0 + 1.0 / 3.0) / 2.0).abs() < 1e-12);
        assert!((precision_at(&scores, &labels, 1.0).value - 3.0 / 8.0).abs() < 1e-12);
        assert_eq!(precision_at(&scores, &labels, 0.001).value, 1.0, "at least one row");
    }

    #[test]
    fn a_precision_lies_in_its_interval_and_more_rows_narrow_it() {
        let make = |rows: usize| {
            let scores: Vec<f64> = (0..rows).map(|i| i as f64).collect();
            let labels: Vec<bool> = (0..rows).map(|i| i % 3 == 0).collect();
            precision_at(&scores, &labels, 0.5)
        };
        let (few, many) = (make(100), make(10_000));
        for estimate in [few, many] {
            assert!(estimate.low < estimate.value && estimate.value < estimate.high, "{estimate:?}");
        }
        // The binomial's spread: 1.96 sqrt(1/3 * 2/3 / 5000) = .0131 on either side.
        assert!((many.high - many.low - 0.0262).abs() < 0.006, "{many:?}");
        assert!(many.high - many.low < (few.high - few.low) / 5.0);
    }

    #[test]
    fn calibration_error_and_brier_of_hand_computed_rows() {
        let probabilities = [0.25, 0.25, 0.25, 0.25, 0.75, 0.75];
        let labels = [true, false, false, false, true, true];
        // The first group is right; the second says .75 where 1 happens, for two of six rows.
        assert!((calibration_error(&probabilities, &labels) - 0.5 / 6.0).abs() < 1e-12);
        assert!((brier(&probabilities, &labels) - (0.5625 + 3.0 * 0.0625 + 2.0 * 0.0625) / 6.0).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn the_area_is_the_share_of_pairs_in_order(rows in prop::collection::vec((0..8_u8, any::<bool>()), 2..60)) {
            let scores: Vec<f64> = rows.iter().map(|row| f64::from(row.0)).collect();
            let labels: Vec<bool> = rows.iter().map(|row| row.1).collect();
            let mut won = (0.0, 0.0);
            for (a, is_positive) in scores.iter().zip(&labels) {
                for (b, is_other) in scores.iter().zip(&labels) {
                    if *is_positive && !is_other {
                        won.0 += if a > b { 1.0 } else if a == b { 0.5 } else { 0.0 };
                        won.1 += 1.0;
                    }
                }
            }
            match auc(&scores, &labels) {
                Some(area) => prop_assert!((area.value - won.0 / won.1).abs() < 1e-9),
                None => prop_assert_eq!(won.1, 0.0),
            }
        }
    }
}
