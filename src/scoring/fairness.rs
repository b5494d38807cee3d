//! Whether declarations of every sort are treated alike: how many of each are selected, how many of those are found
//! fraudulent, and whether the probabilities mean the same for all.
//!
//! In: rows with their levels and probabilities, and the findings where they are known. Out: a [`Sorted`] for each of the
//! mapping's `fairness`, with intervals at 95% (Wilson's). A group that is selected more often than others may well be so
//! for good reason; one whose probabilities are too high is not. Of twenty groups one lies outside its interval by chance.

use std::collections::BTreeMap;

use serde::Serialize;

use super::capacity::Level;
use super::features::Encoder;
use super::mapping::{Mapping, Sorting, Words};
use super::metrics::{Estimate, share};
use super::model::Judged;
use super::table::Table;

/// Groups by one thing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sorted {
    pub column: String,
    pub en: String,
    pub ko: String,
    /// The largest first; bands in their order.
    pub groups: Vec<Group>,
    /// Groups that are too small to be told, and their rows.
    pub small_groups: usize,
    pub small_rows: usize,
}

/// Rows of one sort.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group {
    pub name: String,
    pub rows: usize,
    /// Share that is red.
    pub selected: Estimate,
    /// That share against the share of all rows.
    pub selected_ratio: f64,
    /// Mean probability of those whose findings are known.
    pub expected: f64,
    /// Share found fraudulent, where findings are known.
    pub found: Option<Estimate>,
    /// The same of the red ones.
    pub precision: Option<Estimate>,
    /// Whether `expected` lies within the interval of `found`.
    pub calibration: Option<Calibrated>,
}

/// How probabilities stand to what was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Calibrated {
    TooHigh,
    Right,
    TooLow,
}

/// Smaller groups are chance.
const MIN_ROWS: usize = 100;
/// Groups told of each sorting.
const MAX_GROUPS: usize = 30;

#[derive(Default)]
struct Sum {
    rows: usize,
    red: usize,
    known: usize,
    expected: f64,
    found: usize,
    known_red: usize,
    found_red: usize,
}

/// Rows of one or more tables, in one go.
pub struct Fairness<'a> {
    mapping: &'a Mapping,
    encoder: &'a Encoder,
    /// By the sorting's place and the group.
    sums: BTreeMap<(usize, Band), Sum>,
    rows: usize,
    red: usize,
}

/// A band of numbers by its place, or a text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Band {
    Place(usize),
    Text(String),
}

impl<'a> Fairness<'a> {
    pub fn new(mapping: &'a Mapping, encoder: &'a Encoder) -> Self {
        Self { mapping, encoder, sums: BTreeMap::new(), rows: 0, red: 0 }
    }

    /// Adds rows with their levels; `finding` says what was found of each.
    pub fn add(&mut self, table: &Table, judged: &Judged, levels: &[Level], finding: impl Fn(usize) -> Option<bool>) {
        self.rows += table.num_rows();
        self.red += levels.iter().filter(|level| **level == Level::Red).count();
        for (at, sorting) in self.mapping.fairness.iter().enumerate() {
            for (row, band) in self.bands(sorting, table).into_iter().enumerate() {
                let is_red = levels[row] == Level::Red;
                let sum = self.sums.entry((at, band)).or_default();
                sum.rows += 1;
                sum.red += usize::from(is_red);
                let Some(is_fraud) = finding(row) else { continue };
                sum.known += 1;
                sum.expected += judged.probabilities[row];
                sum.found += usize::from(is_fraud);
                sum.known_red += usize::from(is_red);
                sum.found_red += usize::from(is_fraud && is_red);
            }
        }
    }

    pub fn finish(mut self) -> Vec<Sorted> {
        let overall = self.red as f64 / self.rows.max(1) as f64;
        let sums = std::mem::take(&mut self.sums);
        let sorted = self.mapping.fairness.iter().enumerate().map(|(at, sorting)| {
            let words = self.mapping.column(&sorting.column).map_or_else(
                || Words { en: sorting.column.clone(), ko: sorting.column.clone() },
                |column| column.words.clone(),
            );
            let Words { en, ko } = match sorting.rows.is_empty() {
                true => words,
                false => Words {
                    en: format!("earlier declarations of the {}", words.en),
                    ko: format!("{}의 과거 신고 건수", words.ko),
                },
            };
            let own = sums.iter().filter(|((sorted, _), _)| *sorted == at);
            let mut told: Vec<(&Band, &Sum)> = own.map(|((_, band), sum)| (band, sum)).collect();
            let all_rows: usize = told.iter().map(|(_, sum)| sum.rows).sum();
            let num_groups = told.len();
            told.retain(|(_, sum)| sum.rows >= MIN_ROWS);
            if matches!(told.first(), Some((Band::Text(_), _))) {
                told.sort_by_key(|(_, sum)| std::cmp::Reverse(sum.rows));
            }
            told.truncate(MAX_GROUPS);
            let small_rows = all_rows - told.iter().map(|(_, sum)| sum.rows).sum::<usize>();
            let small_groups = num_groups - told.len();
            let groups = told.into_iter().map(|(band, sum)| sum.told(band.name(sorting), overall)).collect();
            Sorted { column: sorting.column.clone(), en, ko, groups, small_groups, small_rows }
        });
        sorted.collect()
    }

    fn bands(&self, Sorting { column, cuts, rows }: &Sorting, table: &Table) -> Vec<Band> {
        let Some(texts) = table.categories.get(column) else {
            let numbers = table.numbers[column].iter();
            // A missing number is a sort of its own, behind all bands.
            let place = |number: &f64| match number.is_nan() {
                true => cuts.len() + 1,
                false => cuts.partition_point(|cut| cut <= number),
            };
            return numbers.map(|number| Band::Place(place(number))).collect();
        };
        let band = |text: &String| match rows.is_empty() {
            true => Band::Text(text.clone()),
            false => {
                let seen = self.encoder.rows_of(column, text);
                Band::Place(rows.partition_point(|cut| *cut <= seen))
            }
        };
        let bands: Vec<Band> = texts.texts.iter().map(band).collect();
        texts.codes.iter().map(|code| bands[*code as usize].clone()).collect()
    }
}

impl Band {
    fn name(&self, Sorting { cuts, rows, .. }: &Sorting) -> String {
        let limits: Vec<String> =
            cuts.iter().map(f64::to_string).chain(rows.iter().map(|limit| limit.to_string())).collect();
        match self {
            Self::Text(text) if text.is_empty() => "-".into(),
            Self::Text(text) => text.clone(),
            Self::Place(0) => format!("< {}", limits[0]),
            Self::Place(place) if *place < limits.len() => format!("{}–{}", limits[place - 1], limits[*place]),
            Self::Place(place) if *place == limits.len() => format!("≥ {}", limits[place - 1]),
            Self::Place(_) => "-".into(),
        }
    }
}

impl Sum {
    fn told(&self, name: String, overall: f64) -> Group {
        let expected = self.expected / self.known.max(1) as f64;
        let found = share(self.found, self.known);
        let calibration = found.map(|found| match expected {
            expected if expected > found.high => Calibrated::TooHigh,
            expected if expected < found.low => Calibrated::TooLow,
            _ => Calibrated::Right,
        });
        let selected = share(self.red, self.rows).expect("groups that are told have rows");
        Group {
            name,
            rows: self.rows,
            selected,
            selected_ratio: if overall > 0.0 { selected.value / overall } else { f64::NAN },
            expected,
            found,
            precision: share(self.found_red, self.known_red),
            calibration,
        }
    }
}
