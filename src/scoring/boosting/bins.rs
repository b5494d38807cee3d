//! Numbers cut into at most 255 bins a feature, so that a row takes one byte a feature and a split is looked for among
//! bins, not among values. Bin 0 holds the missing ones.

use rayon::prelude::*;

use crate::scoring::matrix::Matrix;

/// Bins of present values in one feature; with bin 0 they fill a byte.
const MAX_BINS: usize = 255;
/// Values that are looked at to place the cuts; more change the cuts by less than a bin.
const MAX_SAMPLE: usize = 200_000;

/// Where each feature is cut: bin `b` holds what is above `cuts[b - 2]` and at most `cuts[b - 1]`.
#[derive(Debug)]
pub struct Bins {
    cuts: Vec<Vec<f32>>,
}

/// Bin numbers, one column a feature.
#[derive(Debug)]
pub struct Binned {
    pub columns: Vec<Vec<u8>>,
}

impl Bins {
    pub fn of(matrix: &Matrix) -> Self {
        Self { cuts: matrix.columns().par_iter().map(|column| cuts(column)).collect() }
    }

    /// Bins of a feature, the one of missing values included.
    pub fn num_bins(&self, feature: usize) -> usize {
        self.cuts[feature].len() + 2
    }

    /// The greatest value of a bin of present values that is not the last.
    pub fn upper(&self, feature: usize, bin: usize) -> f32 {
        self.cuts[feature][bin - 1]
    }

    pub fn apply(&self, matrix: &Matrix) -> Binned {
        let bin = |(column, cuts): (&Vec<f32>, &Vec<f32>)| column.iter().map(|value| bin(*value, cuts)).collect();
        Binned { columns: matrix.columns().par_iter().zip(&self.cuts).map(bin).collect() }
    }
}

fn bin(value: f32, cuts: &[f32]) -> u8 {
    if value.is_nan() { 0 } else { cuts.partition_point(|cut| *cut < value) as u8 + 1 }
}

fn cuts(column: &[f32]) -> Vec<f32> {
    let stride = column.len().div_ceil(MAX_SAMPLE).max(1);
    let mut values: Vec<f32> = column.iter().step_by(stride).copied().filter(|value| !value.is_nan()).collect();
    values.sort_unstable_by(f32::total_cmp);
    let mut distinct: Vec<(f32, usize)> = Vec::new();
    for value in &values {
        match distinct.last_mut() {
            Some((last, count)) if last == value => *count += 1,
            _ => distinct.push((*value, 1)),
        }
    }
    if distinct.len() <= MAX_BINS {
        return distinct.windows(2).map(|pair| between(pair[0].0, pair[1].0)).collect();
    }
    equal_cuts(&distinct, values.len())
}

/// Cuts that leave about as many rows in every bin; a value with more rows than that has a bin of its own.
fn equal_cuts(distinct: &[(f32, usize)], num_values: usize) -> Vec<f32> {
    let mut cuts = Vec::with_capacity(MAX_BINS - 1);
    let (mut left, mut held) = (num_values, 0);
    for (at, (value, count)) in distinct.iter().enumerate() {
        let bins_left = MAX_BINS - cuts.len();
        let fair = left as f64 / bins_left as f64;
        held += count;
        let next = distinct.get(at + 1);
        let is_full = held as f64 >= fair || next.is_some_and(|(_, next)| *next as f64 >= fair.max(1.0) * 1.5);
        if let (Some((above, _)), true, true) = (next, is_full, bins_left > 1) {
            cuts.push(between(*value, *above));
            left -= held;
            held = 0;
        }
    }
    cuts
}

/// A number that is at least `low` and below `high`.
fn between(low: f32, high: f32) -> f32 {
    let middle = low + (high - low) / 2.0;
    if middle < high && middle >= low { middle } else { low }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bins_of(column: Vec<f32>) -> (Vec<f32>, Vec<u8>) {
        let matrix = Matrix::new(column.len(), vec![column]);
        let bins = Bins::of(&matrix);
        let binned = bins.apply(&matrix);
        (bins.cuts[0].clone(), binned.columns[0].clone())
    }

    #[test]
    fn few_values_have_a_bin_each_and_missing_ones_bin_0() {
        let (cuts, bins) = bins_of(vec![3.0, f32::NAN, 1.0, 3.0, 2.0]);
        assert_eq!(cuts, [1.5, 2.5]);
        assert_eq!(bins, [3, 0, 1, 3, 2]);
    }

    #[test]
    fn a_feature_that_says_nothing_has_one_bin() {
        assert_eq!(bins_of(vec![f32::NAN; 3]), (vec![], vec![0, 0, 0]));
        assert_eq!(bins_of(vec![7.0; 3]), (vec![], vec![1, 1, 1]));
    }

    #[test]
    fn many_values_fill_the_bins_evenly_and_a_frequent_one_stands_alone() {
        let mut column: Vec<f32> = (0..10_000).map(|i| i as f32).collect();
        column.extend([5_000.5; 5_000]);
        let (cuts, bins) = bins_of(column.clone());
        assert!((250..MAX_BINS).contains(&cuts.len()), "{}", cuts.len());
        let alone = bins[10_000];
        let together = column.iter().zip(&bins).filter(|(value, bin)| **bin == alone && **value != 5_000.5).count();
        assert_eq!(together, 0, "values that share the frequent one's bin");
    }

    proptest! {
        #[test]
        fn a_bin_lies_left_of_its_upper_value_exactly_as_its_values_do(
            column in prop::collection::vec(prop_oneof![-1e9_f32..1e9, (-5..5).prop_map(|i| i as f32)], 1..600),
        ) {
            let (cuts, bins) = bins_of(column.clone());
            prop_assert!(cuts.windows(2).all(|pair| pair[0] < pair[1]));
            for (value, bin) in column.iter().zip(&bins) {
                for (at, cut) in cuts.iter().enumerate() {
                    prop_assert_eq!(usize::from(*bin) <= at + 1, value <= cut);
                }
            }
        }
    }
}
