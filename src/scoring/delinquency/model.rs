//! A delinquency model as it serves: a history in, a score with its reasons, rules and the most helpful change out.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::card;
use super::changes::{Change, Helpful};
use super::factors::{self, FACTORS, NUM_FACTORS};
use super::history::History;
use super::month::Month;
use super::reasons::{self, Told};
use super::report::Report;
use super::rules::{self, Applied};
use super::scale::{Grade, points};
use super::tables::Tables;
use crate::scoring::artefact::{Version, json};
use crate::scoring::boosting::Ensemble;
use crate::scoring::calibration::Calibration;
use crate::scoring::{Error, Origin, Shelf, shap};

/// Everything that a score hangs on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    pub version: String,
    pub trained_on: Origin,
    /// The tables it learnt from, and the floors of grades, which may be set anew.
    pub tables: Tables,
    /// Names of its factors, in the order of its columns.
    pub(super) factors: Vec<String>,
    pub(super) ensemble: Ensemble,
    pub(super) calibration: Calibration,
}

/// A company with its score.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scored {
    pub company: String,
    pub as_of: Month,
    /// Of a due more than 30 days late within the next six months.
    pub probability: f64,
    /// 0 to 1000, greater for those likelier to pay; follows from the probability alone.
    pub score: u16,
    /// By the probability, but no better than the floors of the rules that apply.
    pub grade: Grade,
    pub grade_by_probability: Grade,
    /// Log-odds before calibration: `base` and all contributions add up to it.
    pub margin: f64,
    pub base: f64,
    /// The weightiest first.
    pub reasons: Vec<Told>,
    /// Conditions of the law that are met, beside the model.
    pub rules: Vec<Applied>,
    /// Parts of the history that were not there.
    pub missing: Vec<&'static str>,
    /// Absent where none lowers the probability.
    pub what_would_change: Option<Helpful>,
    pub model: String,
    pub trained_on: Origin,
    pub trained_on_demo: bool,
}

/// The files of a version.
const MODEL: &str = "model.json";

impl Model {
    /// The model that serves.
    ///
    /// # Errors
    /// None was trained yet, or its files are not what was written.
    pub fn current(shelf: &Shelf) -> Result<Self, Error> {
        let (folder, [bytes]) = shelf.read_current([MODEL])?;
        let model: Self = serde_json::from_slice(&bytes).map_err(|error| shelf.bad(&folder, error.to_string()))?;
        model.check().map_err(|reason| shelf.bad(&folder, reason))?;
        Ok(model)
    }

    /// Writes the model with its report and cards, and makes it the one that serves.
    ///
    /// # Errors
    /// A disk that does not take it; the model of before still serves then.
    pub fn put(&self, shelf: &Shelf, report: &Report) -> Result<PathBuf, Error> {
        let tables = toml::to_string_pretty(&self.tables).expect("tables came from TOML");
        shelf.put_version(&Version {
            name: &self.version,
            trained_on: self.trained_on,
            data: report.files.iter().map(|file| file.sha256.clone()).collect(),
            files: vec![
                (MODEL, json(serde_json::to_vec(self))),
                ("tables.toml", tables.into_bytes()),
                ("metrics.json", json(serde_json::to_vec_pretty(report))),
                ("card.en.md", card::english(self, report).into_bytes()),
                ("card.ko.md", card::korean(self, report).into_bytes()),
            ],
        })
    }

    /// Scores a company as it stood at the end of its as-of month.
    pub fn score(&self, history: &History) -> Scored {
        let numbers = factors::of(history);
        let margin = self.ensemble.margin(&numbers);
        let probability = self.calibration.probability(margin);
        let rules = rules::applied(history, &self.tables.floors);
        let grade_by_probability = Grade::of(probability);
        Scored {
            company: history.company.clone(),
            as_of: history.as_of,
            probability,
            score: points(probability),
            grade: held_down(grade_by_probability, &rules),
            grade_by_probability,
            margin,
            base: shap::expected(&self.ensemble),
            reasons: reasons::tell(&numbers, &shap::contributions(&self.ensemble, &numbers)),
            rules,
            missing: factors::missing(history),
            what_would_change: self.most_helpful(history, margin),
            model: self.version.clone(),
            trained_on: self.trained_on,
            trained_on_demo: self.trained_on == Origin::Demo,
        }
    }

    /// The probability alone.
    pub fn probability(&self, numbers: &[f32; NUM_FACTORS]) -> f64 {
        self.calibration.probability(self.ensemble.margin(numbers))
    }

    fn most_helpful(&self, history: &History, margin: f64) -> Option<Helpful> {
        let tried = Change::ALL.into_iter().filter_map(|change| {
            let history = change.apply(history)?;
            let changed = self.ensemble.margin(&factors::of(&history));
            (changed < margin).then_some((change, history, changed))
        });
        let (change, history, margin) = tried.min_by(|a, b| a.2.total_cmp(&b.2))?;
        let probability = self.calibration.probability(margin);
        let [en, ko] = change.words();
        let grade = held_down(Grade::of(probability), &rules::applied(&history, &self.tables.floors));
        Some(Helpful { code: change.code(), en, ko, probability, score: points(probability), grade })
    }

    /// Whether the parts of a model read from a file belong together, and why not.
    fn check(&self) -> Result<(), &'static str> {
        if !self.factors.iter().map(String::as_str).eq(FACTORS.iter().map(|factor| factor.name)) {
            return Err("its factors are not those of this program");
        }
        if !self.ensemble.base.is_finite() || !self.ensemble.trees.iter().all(|tree| tree.is_sound(NUM_FACTORS)) {
            return Err("one of its trees leads nowhere");
        }
        if !self.calibration.is_sound() {
            return Err("its calibration is no rising curve");
        }
        Ok(())
    }
}

/// The grade, but no better than the floors of the rules that apply.
fn held_down(grade: Grade, rules: &[Applied]) -> Grade {
    rules.iter().filter_map(|rule| rule.floor).fold(grade, Grade::max)
}
