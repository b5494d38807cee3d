//! Training, validation and test rows: cut by time, and looked at for what leaks between them.

use std::collections::HashSet;

use super::Error;
use super::features::Key;
use super::mapping::Mapping;
use super::table::Table;

/// Shares of the rows, about: days stay whole.
const TRAIN: f64 = 0.7;
const VALID: f64 = 0.85;

/// First, later and last days of a table.
///
/// # Errors
/// Fewer than three days.
pub fn by_time(table: &Table) -> Result<[Table; 3], Error> {
    let mut order: Vec<usize> = (0..table.num_rows()).collect();
    order.sort_by_key(|row| table.dates[*row]);
    let day = |place: usize| table.dates[order[place]];
    let changes: Vec<usize> = (1..order.len()).filter(|place| day(*place) != day(place - 1)).collect();
    let nearest = |changes: &[usize], share: f64| {
        let aimed = (order.len() as f64 * share) as usize;
        changes.iter().copied().min_by_key(|place| place.abs_diff(aimed))
    };
    // The first change leaves no room for two parts before it.
    let last = changes.get(1..).and_then(|changes| nearest(changes, VALID));
    let first = last.and_then(|last| nearest(&changes[..changes.partition_point(|place| *place < last)], TRAIN));
    let (Some(first), Some(last)) = (first, last) else { return Err(Error::NoTime { day: day(0) }) };
    Ok([table.pick(&order[..first]), table.pick(&order[first..last]), table.pick(&order[last..])])
}

/// What a reader of the figures should know of the three parts.
pub fn warnings([train, valid, test]: &[Table; 3]) -> Vec<String> {
    let mut warnings = Vec::new();
    for (name, part) in [("validation", valid), ("test", test)] {
        if let (Some(begins), Some(ends)) = (part.dates.iter().min(), train.dates.iter().max())
            && begins <= ends
        {
            warnings.push(format!("the {name} rows begin on {begins}, before the training rows end on {ends}"));
        }
    }
    warnings
}

/// Which rows have a twin among those learnt from or tuned on.
#[derive(Debug, Default)]
pub struct TwinRows {
    columns: Vec<String>,
    pub valid: Vec<bool>,
    pub test: Vec<bool>,
}

/// Looks for twins across the parts; finds none where the mapping does not say what twins are.
pub fn twins(mapping: &Mapping, [train, valid, test]: &[Table; 3]) -> TwinRows {
    let Some(twins) = &mapping.twins else { return TwinRows::default() };
    let key = Key::of(&twins.columns.iter().map(String::as_str).collect::<Vec<_>>());
    let groups = [train, valid, test].map(|table| key.groups(table));
    let mut known: HashSet<&str> = HashSet::new();
    let mut found = [Vec::new(), Vec::new(), Vec::new()];
    for (groups, found) in groups.iter().zip(&mut found) {
        found.extend(groups.codes.iter().map(|code| known.contains(groups.texts[*code as usize].as_str())));
        known.extend(groups.texts.iter().map(String::as_str));
    }
    let [_, valid, test] = found;
    TwinRows { columns: twins.columns.clone(), valid, test }
}

impl TwinRows {
    pub fn warning(&self) -> Option<String> {
        let num_twins = self.test.iter().filter(|has_twin| **has_twin).count();
        (num_twins > 0).then(|| {
            format!(
                "{num_twins} of {} test rows ({:.0}%) agree in `{}` with a row learnt from or tuned on: \
                 figures over all rows measure memory, those without twins do not",
                self.test.len(),
                100.0 * num_twins as f64 / self.test.len() as f64,
                self.columns.join("` and `"),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::Date;

    use super::*;

    fn dated(days: &[i8]) -> Table {
        Table {
            lines: (2..days.len() as u64 + 2).collect(),
            dates: days.iter().map(|day| Date::new(2026, 1, *day).unwrap()).collect(),
            labels: vec![true; days.len()],
            ..Table::default()
        }
    }

    fn sizes(days: &[i8]) -> [usize; 3] {
        by_time(&dated(days)).unwrap().map(|part| part.num_rows())
    }

    #[test]
    fn parts_follow_each_other_in_time_and_no_day_is_torn() {
        let days: Vec<i8> = (0..200).map(|row| (row * 7 % 20) as i8 + 1).collect();
        let [train, valid, test] = by_time(&dated(&days)).unwrap();
        assert_eq!([train.num_rows(), valid.num_rows(), test.num_rows()], [140, 30, 30]);
        assert!(train.dates.iter().max() < valid.dates.iter().min());
        assert!(valid.dates.iter().max() < test.dates.iter().min());
        assert_eq!(sizes(&[1, 2, 3]), [1, 1, 1]);
        assert_eq!(sizes(&[1, 2, 3, 3, 3, 3]), [1, 1, 4]);
        assert_eq!(sizes(&[1, 1, 1, 1, 2, 3]), [4, 1, 1]);
    }

    #[test]
    fn fewer_than_three_days_cannot_be_split() {
        for days in [&[5, 5, 5][..], &[5, 6, 6], &[5]] {
            assert!(matches!(by_time(&dated(days)), Err(Error::NoTime { .. })), "{days:?}");
        }
    }
}
