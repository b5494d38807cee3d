//! How often rows of a group were found fraudulent: a category made a number.
//!
//! In training a row must not see its own label, nor may the numbers of training rows be surer than those of rows to
//! come. Both hold by folds: a training row's rate comes from the rows of the other folds; a later row's from all.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::key::Key;
use crate::scoring::table::Table;

/// Rates of all groups of a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    pub key: Key,
    /// Share of positives over all rows.
    pub overall: f64,
    /// Positives and rows of each group.
    pub groups: BTreeMap<String, (u32, u32)>,
}

/// Rows at the overall rate that every group starts with, so that one row makes no certainty.
const PRIOR_ROWS: f64 = 5.0;

impl Rates {
    /// Rates by all rows of `table`, and each row's rate and count by the rows of other folds.
    pub fn fit(key: Key, table: &Table, folds: &[u8]) -> (Self, [Vec<f32>; 2]) {
        let groups = key.groups(table);
        let num_folds = folds.iter().max().map_or(0, |fold| usize::from(*fold) + 1);
        let mut inside = vec![(0_u32, 0_u32); groups.texts.len() * num_folds];
        let mut totals = vec![(0_u32, 0_u32); groups.texts.len()];
        let mut fold_totals = vec![(0_u32, 0_u32); num_folds];
        for ((group, label), fold) in groups.codes.iter().zip(&table.labels).zip(folds) {
            let (group, fold) = (*group as usize, usize::from(*fold));
            for counts in [&mut inside[group * num_folds + fold], &mut totals[group], &mut fold_totals[fold]] {
                counts.0 += u32::from(*label);
                counts.1 += 1;
            }
        }
        let whole = fold_totals.iter().fold((0, 0), |sum, fold| (sum.0 + fold.0, sum.1 + fold.1));
        let share = |(positives, rows): (u32, u32)| f64::from(positives) / f64::from(rows.max(1));
        let others: Vec<f64> = fold_totals.iter().map(|fold| share(minus(whole, *fold))).collect();
        let numbers = groups.codes.iter().zip(folds).map(|(group, fold)| {
            let (group, fold) = (*group as usize, usize::from(*fold));
            numbers(minus(totals[group], inside[group * num_folds + fold]), others[fold])
        });
        let (rates, counts) = numbers.unzip();
        let groups = groups.texts.into_iter().zip(totals).collect();
        (Self { key, overall: share(whole), groups }, [rates, counts])
    }

    /// Rate and count of each row's group; none known is a missing rate.
    pub fn apply(&self, table: &Table) -> [Vec<f32>; 2] {
        let groups = self.key.groups(table);
        let known: Vec<(f32, f32)> = groups.texts.iter().map(|text| numbers(self.counts(text), self.overall)).collect();
        let (rates, counts) = groups.codes.iter().map(|group| known[*group as usize]).unzip();
        [rates, counts]
    }

    /// Positives and rows of a group.
    pub fn counts(&self, group: &str) -> (u32, u32) {
        self.groups.get(group).copied().unwrap_or_default()
    }
}

fn minus(whole: (u32, u32), part: (u32, u32)) -> (u32, u32) {
    (whole.0 - part.0, whole.1 - part.1)
}

fn numbers((positives, rows): (u32, u32), overall: f64) -> (f32, f32) {
    if rows == 0 {
        return (f32::NAN, 0.0);
    }
    let rate = (f64::from(positives) + PRIOR_ROWS * overall) / (f64::from(rows) + PRIOR_ROWS);
    (rate as f32, rows as f32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scoring::table::Categories;

    fn table(rows: &[(u32, bool)]) -> Table {
        let texts = (0..4).map(|code| format!("g{code}")).collect();
        let column = Categories { codes: rows.iter().map(|row| row.0).collect(), texts };
        Table {
            lines: (0..rows.len() as u64).collect(),
            labels: rows.iter().map(|row| row.1).collect(),
            categories: [("c".to_owned(), column)].into(),
            ..Table::default()
        }
    }

    #[test]
    fn rates_of_hand_counted_groups() {
        let table = table(&[(0, true), (0, true), (0, false), (1, false)]);
        let (rates, [fitted, counts]) = Rates::fit(Key::of(&["c"]), &table, &[0, 1, 1, 0]);
        assert_eq!((rates.overall, rates.counts("g0"), rates.counts("g9")), (0.5, (2, 3), (0, 0)));
        // Row 0 sees rows 1 and 2 of its group and their overall rate, 1/2; row 3 sees nothing of its group.
        assert_eq!((fitted[0], counts[0]), (((1.0 + 5.0 * 0.5) / 7.0) as f32, 2.0));
        assert!(fitted[3].is_nan() && counts[3] == 0.0);
        let [applied, _] = rates.apply(&table);
        assert_eq!(applied[0], ((2.0 + 5.0 * 0.5) / 8.0) as f32);
    }

    proptest! {
        #[test]
        fn a_row_never_sees_a_label_of_its_own_fold(
            rows in prop::collection::vec((0..4_u32, any::<bool>(), 0..3_u8), 1..40),
            turned in any::<prop::sample::Index>(),
        ) {
            let folds: Vec<u8> = rows.iter().map(|row| row.2).collect();
            let mut labels: Vec<(u32, bool)> = rows.iter().map(|row| (row.0, row.1)).collect();
            let at = turned.index(rows.len());
            let (_, before) = Rates::fit(Key::of(&["c"]), &table(&labels), &folds);
            labels[at].1 = !labels[at].1;
            let (_, after) = Rates::fit(Key::of(&["c"]), &table(&labels), &folds);
            for row in (0..rows.len()).filter(|row| folds[*row] == folds[at]) {
                prop_assert_eq!(before[0][row].to_bits(), after[0][row].to_bits());
            }
        }
    }
}
