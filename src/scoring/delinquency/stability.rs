//! Whether scores hold for every sort of company, and stay what they were: cohorts by year, age and size, and grades.
//!
//! In: rows with probabilities, of the months watched and of those tested. Out: figures a cohort, with the population
//! stability index of its scores against those of the same cohort, and the defaults a grade.

use serde::Serialize;

use super::factors::FACTORS;
use super::report::Rows;
use super::scale::Grade;
use crate::scoring::metrics::{Estimate, auc, base_rate};

/// Companies of one sort.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cohort {
    /// `year`, `age`, `size`.
    pub dimension: &'static str,
    pub band: String,
    /// Tested rows.
    pub rows: usize,
    pub base_rate: f64,
    pub mean_probability: f64,
    pub auc: Option<f64>,
    pub auc_interval: Option<[f64; 2]>,
    /// Population stability index: below 0.1 little has moved, above 0.25 much; absent where either side is too small.
    pub psi: Option<f64>,
}

/// What became of the companies of a grade.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Graded {
    pub grade: Grade,
    pub from: f64,
    pub below: f64,
    pub rows: usize,
    pub defaults: f64,
}

/// Rows from which on a band is measured.
const MIN_ROWS: usize = 100;
/// Bins of a stability index, as is customary.
const BINS: usize = 10;
/// Days of age, and won of mean dues, that part the bands.
const AGES: [f64; 3] = [365.0, 3.0 * 365.0, 10.0 * 365.0];
const AGE_BANDS: [&str; 4] = ["under 1 year", "1 to 3 years", "3 to 10 years", "over 10 years"];
const SIZES: [f64; 3] = [1e6, 1e7, 1e8];
const SIZE_BANDS: [&str; 4] = ["dues under KRW 1M a month", "KRW 1M to 10M", "KRW 10M to 100M", "over KRW 100M"];

/// Figures of every band of the tested rows, against the watched ones.
pub fn cohorts(watched: (&Rows, &[f64]), tested: (&Rows, &[f64])) -> Vec<Cohort> {
    let all = |_: &Rows, _: usize| Some("all".to_owned());
    let year = |rows: &Rows, row: usize| Some(rows.months[row].year().to_string());
    let age = |rows: &Rows, row: usize| band(rows, row, "age", AGES, AGE_BANDS);
    let size = |rows: &Rows, row: usize| band(rows, row, "dues_mean", SIZES, SIZE_BANDS);
    type Band<'a> = &'a dyn Fn(&Rows, usize) -> Option<String>;
    let dimensions: [(&'static str, Band<'_>); 4] = [("all", &all), ("year", &year), ("age", &age), ("size", &size)];
    let mut cohorts = Vec::new();
    for (dimension, band) in dimensions {
        let bands_of = |rows: &Rows| (0..rows.labels.len()).map(|row| band(rows, row)).collect::<Vec<_>>();
        let [before, now] = [watched.0, tested.0].map(bands_of);
        let mut names: Vec<&String> = now.iter().flatten().collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let pick = |bands: &[Option<String>], values: &[f64]| -> Vec<f64> {
                bands
                    .iter()
                    .zip(values)
                    .filter(|(band, _)| band.as_ref() == Some(name))
                    .map(|(_, value)| *value)
                    .collect()
            };
            let probabilities = pick(&now, tested.1);
            let labels = now.iter().zip(&tested.0.labels).filter(|(band, _)| band.as_ref() == Some(name));
            let labels: Vec<bool> = labels.map(|(_, label)| *label).collect();
            // Other years were not watched: theirs are held against all that was.
            let reference = if dimension == "year" { watched.1.to_vec() } else { pick(&before, watched.1) };
            let area = auc(&probabilities, &labels);
            cohorts.push(Cohort {
                dimension,
                band: name.clone(),
                rows: labels.len(),
                base_rate: base_rate(&labels),
                mean_probability: probabilities.iter().sum::<f64>() / probabilities.len() as f64,
                auc: area.map(|area| area.value),
                auc_interval: area.map(|Estimate { low, high, .. }| [low, high]),
                psi: psi(&reference, &probabilities),
            });
        }
    }
    cohorts
}

/// The rows of each grade, and how many of them defaulted.
pub fn grades(probabilities: &[f64], labels: &[bool]) -> Vec<Graded> {
    let graded = Grade::all().map(|grade| {
        let of_grade = probabilities.iter().zip(labels).filter(|(p, _)| Grade::of(**p) == grade);
        let labels: Vec<bool> = of_grade.map(|(_, label)| *label).collect();
        let (from, below) = grade.band();
        let defaults = if labels.is_empty() { 0.0 } else { base_rate(&labels) };
        Graded { grade, from, below, rows: labels.len(), defaults }
    });
    graded.collect()
}

fn band(rows: &Rows, row: usize, factor: &str, limits: [f64; 3], bands: [&str; 4]) -> Option<String> {
    let column = FACTORS.iter().position(|known| known.name == factor)?;
    let number = f64::from(rows.features.column(column)[row]);
    (!number.is_nan()).then(|| bands[limits.partition_point(|limit| *limit <= number)].to_owned())
}

/// Sum over the reference's tenths of (share now - share then) ln(share now / share then).
fn psi(reference: &[f64], now: &[f64]) -> Option<f64> {
    if reference.len().min(now.len()) < MIN_ROWS {
        return None;
    }
    let mut sorted = reference.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let cuts: Vec<f64> = (1..BINS).map(|bin| sorted[sorted.len() * bin / BINS]).collect();
    let shares = |values: &[f64]| {
        let mut counts = [0.5; BINS];
        values.iter().for_each(|value| counts[cuts.partition_point(|cut| cut <= value)] += 1.0);
        let all: f64 = counts.iter().sum();
        counts.map(|count| count / all)
    };
    let (then, now) = (shares(reference), shares(now));
    Some(then.iter().zip(now).map(|(then, now)| (now - then) * (now / then).ln()).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_did_not_move_has_an_index_of_nothing_and_what_moved_has_not() {
        let then: Vec<f64> = (0..1000).map(|i| f64::from(i) / 1000.0).collect();
        let moved: Vec<f64> = then.iter().map(|p| p * p).collect();
        assert!(psi(&then, &then).unwrap().abs() < 1e-12);
        let index = psi(&then, &moved).unwrap();
        // The first tenth holds 316 of 1000 now, the last 52: (.216)(1.15) + (-.048)(-.65) and what lies between.
        assert!((0.25..0.40).contains(&index), "{index}");
        assert_eq!(psi(&then[..99], &then), None);
    }

    #[test]
    fn defaults_are_counted_by_grade() {
        let graded = grades(&[0.001, 0.001, 0.9, 0.7], &[false, true, true, true]);
        assert_eq!((graded[0].rows, graded[0].defaults, graded[9].rows, graded[9].defaults), (2, 0.5, 2, 1.0));
        assert_eq!(graded.iter().map(|graded| graded.rows).sum::<usize>(), 4);
    }
}
