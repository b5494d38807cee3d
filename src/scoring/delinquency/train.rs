//! Learning who will not pay, told from top to bottom by [`train`]: read, look back from every month, boost, calibrate,
//! measure.
//!
//! In: tables. Out: a [`Model`] and its [`Report`], both still in memory. Rows are companies seen from the end of a month.
//! They are cut by time, so that whatever is learnt was known before the first tested month ([`Months`]), and by company:
//! some are learnt from, some watched to end the boosting and to calibrate, and some seen in the test alone.

use std::path::PathBuf;
use std::time::Instant;

use jiff::civil::Date;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::factors::{self, FACTORS, NUM_FACTORS};
use super::history::{HORIZON, KNOWN_AFTER};
use super::model::Model;
use super::month::Month;
use super::report::{Report, Rows, Span};
use super::source::{self, Known, Reading, World};
use super::stability;
use super::tables::Tables;
use crate::scoring::Error;
use crate::scoring::boosting::Labelled;
use crate::scoring::calibration::Calibration;
use crate::scoring::matrix::Matrix;
use crate::scoring::report::Scores;
use crate::scoring::rivals::Rival;
use crate::scoring::train::{Search, Setting, check_classes, choose};

/// How to learn.
#[derive(Clone, Debug)]
pub struct Training {
    pub tables: Tables,
    /// A folder of tables, or their files.
    pub data: Vec<PathBuf>,
    /// Rows of a table that may be left out.
    pub max_bad_rows: usize,
    /// No row may be dated later.
    pub today: Date,
    pub seed: u64,
}

/// The months that are looked back from, first and last of each.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Months {
    pub learnt: (Month, Month),
    pub tested: (Month, Month),
}

/// Which companies are whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Group {
    Learnt,
    Watched,
    /// Neither learnt from nor watched.
    New,
}

/// Months of history before the first that is looked back from: as many as factors look back on.
const BEFORE: i32 = factors::YEAR;
/// One of so many months is tested, the last ones.
const TESTED: i32 = 4;
/// Shares of the companies that are learnt from, and that are learnt from or watched.
const LEARNT: f64 = 0.6;
const WATCHED: f64 = 0.8;
/// Few leaves: of some thousand companies, more would tell chance; and contributions are exact at a cost that grows with
/// the square of the depth.
const SETTINGS: [Setting; 4] = [
    Setting { max_leaves: 2, max_depth: 1, min_leaf_rows: 50 },
    Setting { max_leaves: 4, max_depth: 4, min_leaf_rows: 50 },
    Setting { max_leaves: 8, max_depth: 6, min_leaf_rows: 50 },
    Setting { max_leaves: 15, max_depth: 6, min_leaf_rows: 100 },
];

impl Months {
    /// Cuts what lies between the first and the last month of the ledgers.
    ///
    /// # Errors
    /// Ledgers too short to learn, to wait until what was learnt is known, and to test.
    pub fn cut(first: Month, last: Month) -> Result<Self, Error> {
        let (from, to) = (first.plus(BEFORE), last.plus(-KNOWN_AFTER));
        let num_tested = ((to.since(from) + 1) / TESTED).max(1);
        let tested = (to.plus(1 - num_tested), to);
        let learnt = (from, tested.0.plus(-KNOWN_AFTER));
        if learnt.1 < learnt.0 {
            return Err(Error::ShortLedgers {
                months: last.since(first) + 1,
                needed: SHORTEST,
                reason: "twelve to look back on, one to learn from, seven until its outcome is known, two to test, and eight \
                         until theirs is",
            });
        }
        Ok(Self { learnt, tested })
    }
}

/// Fewest months that [`Months::cut`] can cut; a test finds out.
const SHORTEST: i32 = 30;

/// Learns a delinquency model, and calls `progress` with a line for each step.
///
/// # Errors
/// Tables that cannot be read or learnt from; nothing is written in any case.
pub fn train(training: &Training, version: String, progress: &dyn Fn(&str)) -> Result<(Model, Report), Error> {
    let started = Instant::now();
    let Training { tables, today, max_bad_rows, seed, .. } = training;
    let reading = Reading { tables, today: *today, max_bad_rows: *max_bad_rows };
    let World { companies, first, last, files, warnings } = source::read(&training.data, &reading)?;
    warnings.iter().for_each(|warning| progress(&format!("warning: {warning}")));
    let months = Months::cut(first, last)?;
    progress(&format!("looking back on {} companies from {} to {}", companies.len(), months.learnt.0, months.tested.1));
    let groups = groups(companies.len(), *seed);
    let name = &files[0].name;
    let part = |span: (Month, Month), is_in: fn(Group) -> bool, words: &str| -> Result<Rows, Error> {
        let of: Vec<(&Known, bool)> = companies
            .iter()
            .zip(&groups)
            .filter(|(_, group)| is_in(**group))
            .map(|(known, group)| (known, *group == Group::New))
            .collect();
        let rows = rows(&of, span, last);
        check_classes(&rows.labels, &format!("{name} ({words})"))?;
        Ok(rows)
    };
    let train = part(months.learnt, |group| group == Group::Learnt, "learnt from")?;
    let valid = part(months.learnt, |group| group == Group::Watched, "watched")?;
    let test = part(months.tested, |_| true, "tested")?;

    let learnt = Labelled { features: &train.features, labels: &train.labels };
    let watched = Labelled { features: &valid.features, labels: &valid.labels };
    let (ensemble, tried) =
        choose(learnt, watched, &Search { settings: &SETTINGS, features: None, seed: *seed }, progress);
    let [valid_margins, test_margins] = [&valid, &test].map(|rows| ensemble.margins(&rows.features));
    let calibration = Calibration::logistic(&valid_margins, &valid.labels);
    let rival = Rival::LogisticRegression;
    progress(&format!("comparing with {}", rival.name()));
    let [valid_rival, test_rival] = rival.scores(learnt, [&valid.features, &test.features], *seed);
    let table = Lookup::of(&train);
    let probabilities =
        |margins: &[f64]| margins.iter().map(|margin| calibration.probability(*margin)).collect::<Vec<f64>>();
    let measure = |rows: &Rows, margins: &[f64], rival_scores: Vec<f64>| {
        let probabilities = probabilities(margins);
        let lookup = table.scores(rows);
        let (labels, truth, rivals) = (&rows.labels, &rows.planted, [(rival, rival_scores)]);
        let (lookup, rivals) = (Some(lookup.as_slice()), rivals.as_slice());
        Scores { margins, probabilities: &probabilities, labels, twins: &[], lookup, truth, rivals }.measure()
    };
    let of_new = test.pick(|row| test.is_new[row]);
    let new_margins: Vec<f64> =
        (0..test.labels.len()).filter(|row| test.is_new[*row]).map(|row| test_margins[row]).collect();
    let new_rival = (0..test.labels.len()).filter(|row| test.is_new[*row]).map(|row| test_rival[row]).collect();
    let [reference, tested] = [&valid_margins, &test_margins].map(|margins| probabilities(margins));
    let model = Model {
        version: version.clone(),
        trained_on: tables.origin,
        tables: tables.clone(),
        factors: FACTORS.iter().map(|factor| factor.name.to_owned()).collect(),
        ensemble,
        calibration: calibration.clone(),
    };
    let test_figures = measure(&test, &test_margins, test_rival);
    let best = test_figures.best_possible.as_ref().and_then(|best| best.auc);
    let report = Report {
        model: version,
        mapping: tables.name.clone(),
        trained_on: tables.origin,
        files,
        companies: companies.len(),
        learnt: Span::of(months.learnt, train.labels.len()),
        watched: Span::of(months.learnt, valid.labels.len()),
        tested: Span::of(months.tested, test.labels.len()),
        num_features: NUM_FACTORS,
        num_trees: model.ensemble.trees.len(),
        valid: measure(&valid, &valid_margins, valid_rival),
        gap_to_best: best.zip(test_figures.ranking.auc).map(|(best, ours)| best - ours),
        test: test_figures,
        new_companies: measure(&of_new, &new_margins, new_rival),
        grades: stability::grades(&tested, &test.labels),
        stability: stability::cohorts((&valid, &reference), (&test, &tested)),
        warnings,
        tried,
        seconds: started.elapsed().as_secs_f64(),
    };
    Ok((model, report))
}

/// Each company's group, drawn by the seed.
fn groups(num_companies: usize, seed: u64) -> Vec<Group> {
    let mut order: Vec<usize> = (0..num_companies).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let mut groups = vec![Group::New; num_companies];
    for (place, company) in order.into_iter().enumerate() {
        let share = place as f64 / num_companies as f64;
        groups[company] = match share {
            _ if share < LEARNT => Group::Learnt,
            _ if share < WATCHED => Group::Watched,
            _ => Group::New,
        };
    }
    groups
}

/// The companies as seen from each month of the span in which they were in business.
fn rows(companies: &[(&Known, bool)], span: (Month, Month), last: Month) -> Rows {
    let months: Vec<Month> = (0..=span.1.since(span.0)).map(|at| span.0.plus(at)).collect();
    let seen = companies.par_iter().flat_map_iter(|(known, is_new)| {
        let mut history = known.history.clone();
        let rows = months.iter().filter_map(move |month| {
            history.as_of = *month;
            let began = history.dues.first().is_some_and(|due| due.month <= *month);
            let label = history.defaults_ahead(last).filter(|_| began && !history.had_closed())?;
            let planted = known.planted.get(month).copied();
            Some((factors::of(&history), label, planted, factors::late_of_six(&history), *month, *is_new))
        });
        rows.collect::<Vec<_>>()
    });
    let seen: Vec<_> = seen.collect();
    let column = |at: usize| seen.iter().map(|row| row.0[at]).collect();
    let features = Matrix::new(seen.len(), (0..NUM_FACTORS).map(column).collect());
    let planted: Vec<f64> = seen.iter().filter_map(|row| row.2).collect();
    Rows {
        features,
        labels: seen.iter().map(|row| row.1).collect(),
        // Of no use unless every row has one.
        planted: if planted.len() == seen.len() { planted } else { Vec::new() },
        late_of_six: seen.iter().map(|row| row.3).collect(),
        months: seen.iter().map(|row| row.4).collect(),
        is_new: seen.iter().map(|row| row.5).collect(),
    }
}

/// A plain table: how often those defaulted who were late so often in the last six months.
struct Lookup {
    rates: [f64; HORIZON as usize + 1],
}

impl Lookup {
    fn of(train: &Rows) -> Self {
        let mut counts = [(0.0, 0.0); HORIZON as usize + 1];
        for (late, label) in train.late_of_six.iter().zip(&train.labels) {
            let (defaults, rows) = &mut counts[*late];
            *defaults += f64::from(u8::from(*label));
            *rows += 1.0;
        }
        // One of two more keeps an empty line of the table from saying anything.
        Self { rates: counts.map(|(defaults, rows)| (defaults + 1.0) / (rows + 2.0)) }
    }

    fn scores(&self, rows: &Rows) -> Vec<f64> {
        rows.late_of_six.iter().map(|late| self.rates[*late]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_learnt_was_known_before_the_first_tested_month() {
        let first: Month = "2023-01".parse().unwrap();
        for months in 1..120 {
            let last = first.plus(months - 1);
            let Ok(cut) = Months::cut(first, last) else {
                assert!(months < SHORTEST, "{months}");
                continue;
            };
            assert!(months >= SHORTEST, "{months}");
            assert!(cut.learnt.0 == first.plus(BEFORE) && cut.learnt.0 <= cut.learnt.1);
            assert!(cut.learnt.1.plus(KNOWN_AFTER) <= cut.tested.0 && cut.tested.0 <= cut.tested.1);
            assert_eq!(cut.tested.1.plus(KNOWN_AFTER), last);
        }
    }

    #[test]
    fn every_company_has_one_group_and_the_seed_says_which() {
        let drawn = groups(1_000, 7);
        let count = |group| drawn.iter().filter(|drawn| **drawn == group).count();
        assert_eq!([Group::Learnt, Group::Watched, Group::New].map(count), [600, 200, 200]);
        assert!(drawn == groups(1_000, 7) && drawn != groups(1_000, 8));
    }
}
