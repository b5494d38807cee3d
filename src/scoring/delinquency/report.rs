//! What a training came to, in figures: written beside the model and printed.

use serde::Serialize;

use super::month::Month;
use super::stability::{Cohort, Graded};
use crate::scoring::Origin;
use crate::scoring::matrix::Matrix;
use crate::scoring::report::{FileRead, Measured, Tried};

/// All figures of a training.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Version of the model.
    pub model: String,
    pub mapping: String,
    pub trained_on: Origin,
    pub files: Vec<FileRead>,
    pub companies: usize,
    pub learnt: Span,
    pub watched: Span,
    pub tested: Span,
    pub num_features: usize,
    pub num_trees: usize,
    /// Of the companies that were watched to end the boosting and to calibrate.
    pub valid: Measured,
    /// Of all companies, in months that lie after all that was known when the model learnt.
    pub test: Measured,
    /// How far the tested area lies below the best possible one; known only of an invented world.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gap_to_best: Option<f64>,
    /// Of those of them that were neither learnt from nor watched.
    pub new_companies: Measured,
    pub grades: Vec<Graded>,
    pub stability: Vec<Cohort>,
    /// What a reader of the figures must know.
    pub warnings: Vec<String>,
    /// The hyper-parameters tried, with the log loss on the watched rows that chose among them.
    pub tried: Vec<Tried>,
    pub seconds: f64,
}

/// Months that were looked back from, and how many rows that made.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Span {
    pub from: Month,
    pub to: Month,
    pub rows: usize,
}

impl Span {
    pub fn of((from, to): (Month, Month), rows: usize) -> Self {
        Self { from, to, rows }
    }
}

/// Companies as seen from months.
pub struct Rows {
    pub features: Matrix,
    pub labels: Vec<bool>,
    /// The probabilities that the labels were drawn with; empty where they are not known.
    pub planted: Vec<f64>,
    /// How many of the last six dues were late.
    pub late_of_six: Vec<usize>,
    pub months: Vec<Month>,
    /// Whether the company was neither learnt from nor watched.
    pub is_new: Vec<bool>,
}

impl Rows {
    /// The rows of which `is_wanted` says so.
    pub fn pick(&self, is_wanted: impl Fn(usize) -> bool) -> Self {
        let rows: Vec<usize> = (0..self.labels.len()).filter(|row| is_wanted(*row)).collect();
        fn pick<T: Copy>(values: &[T], rows: &[usize]) -> Vec<T> {
            if values.is_empty() { Vec::new() } else { rows.iter().map(|row| values[*row]).collect() }
        }
        let columns = self.features.columns().iter().map(|column| pick(column, &rows)).collect();
        Self {
            features: Matrix::new(rows.len(), columns),
            labels: pick(&self.labels, &rows),
            planted: pick(&self.planted, &rows),
            late_of_six: pick(&self.late_of_six, &rows),
            months: pick(&self.months, &rows),
            is_new: pick(&self.is_new, &rows),
        }
    }
}

impl Report {
    /// A few lines for a terminal.
    pub fn in_words(&self) -> String {
        let Report { test, learnt, tested, .. } = self;
        let mut text = format!(
            "model {}: {} trees on {} factors of {} companies, in {:.1} s\ntrained on {}\n\n",
            self.model,
            self.num_trees,
            self.num_features,
            self.companies,
            self.seconds,
            self.trained_on.words().en
        );
        for file in &self.files {
            let refused =
                if file.refused.is_empty() { String::new() } else { format!(", {} not used", file.refused.len()) };
            text.push_str(&format!("{:12}  {:>9} rows{refused}  {}\n", file.part, file.rows, file.name));
        }
        text.push_str(&format!(
            "\nlearnt looking back from {} to {}, tested from {} to {}\n",
            learnt.from, learnt.to, tested.from, tested.to
        ));
        text.push_str(&format!(
            "\ntest, base rate {:.3}         AUC  [95%]             P@5%   P@10%\n",
            test.base_rate
        ));
        text.push_str(&test.ranking.in_words("this model"));
        let rivals = test.rivals.iter().map(|(rival, ranking)| (rival.name(), ranking));
        let lookup = test.lookup.iter().map(|ranking| ("lookup of 6 months", ranking));
        let best = test.best_possible.iter().map(|ranking| ("best possible", ranking));
        for (name, ranking) in rivals.chain(lookup).chain(best) {
            text.push_str(&ranking.in_words(name));
        }
        text.push_str(&self.new_companies.ranking.in_words("this model, new ones"));
        if let Some(gap) = self.gap_to_best {
            text.push_str(&format!("{gap:.4} below the best possible\n"));
        }
        text.push_str(&format!("calibration error {:.4}, Brier {:.4}\n\n", test.calibration_error, test.brier));
        for Graded { grade, rows, defaults, .. } in &self.grades {
            text.push_str(&format!("grade {grade}  {rows:>7} rows  {defaults:.3} in default\n"));
        }
        text.push('\n');
        for cohort in &self.stability {
            text.push_str(&format!(
                "{:26} {:>7} rows  default {:.3} said {:.3}  AUC {}  PSI {}\n",
                cohort.band,
                cohort.rows,
                cohort.base_rate,
                cohort.mean_probability,
                number(cohort.auc),
                number(cohort.psi),
            ));
        }
        text
    }
}

/// Three digits, or a dash.
pub fn number(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.3}"))
}
