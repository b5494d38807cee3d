//! What a training came to, in figures: written beside the model and printed.

use std::collections::BTreeMap;

use serde::Serialize;

use super::fairness::Sorted;
use super::mapping::Origin;
use super::metrics::{Estimate, auc, base_rate, brier, calibration_error, precision_at};
use super::revenue::{Captured, Figures};
use super::rivals::Rival;
use super::table::Refused;

/// All figures of a training.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Version of the model.
    pub model: String,
    pub mapping: String,
    pub trained_on: Origin,
    pub files: Vec<FileRead>,
    pub num_features: usize,
    pub num_trees: usize,
    pub valid: Measured,
    pub test: Measured,
    /// What findings among the test rows brought, and how much of it is found first; absent where amounts are not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revenue: Option<Figures>,
    /// Whether declarations of every sort among the test rows are treated alike.
    pub fairness: Vec<Sorted>,
    /// What a reader of the figures must know.
    pub warnings: Vec<String>,
    /// The hyper-parameters tried, with the log loss on the validation rows that chose among them.
    pub tried: Vec<Tried>,
    pub seconds: f64,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FileRead {
    /// `train`, `valid` or `test`.
    pub part: String,
    pub name: String,
    pub sha256: String,
    pub rows: usize,
    /// Rows that could not be used, each with its reason.
    pub refused: Vec<Refused>,
}

/// One set of hyper-parameters.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tried {
    pub max_leaves: usize,
    pub min_leaf_rows: u32,
    pub num_trees: usize,
    pub valid_log_loss: f64,
}

/// Figures over the rows of one part.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measured {
    pub rows: usize,
    pub base_rate: f64,
    #[serde(flatten)]
    pub ranking: Ranking,
    pub calibration_error: f64,
    pub brier: f64,
    /// Over the rows that have no twin among those learnt from or tuned on; absent where the mapping knows no twins.
    pub twin_free: Option<TwinFree>,
    /// A plain table of twins, without a model.
    pub lookup: Option<Ranking>,
    /// By the probabilities that the labels were drawn with: the best possible, known only of an invented world.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best_possible: Option<Ranking>,
    pub rivals: BTreeMap<Rival, Ranking>,
}

/// How well rows are put in order.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ranking {
    pub auc: Option<f64>,
    /// At 95%.
    pub auc_interval: Option<[f64; 2]>,
    pub precision_at_5pct: f64,
    pub precision_at_5pct_interval: [f64; 2],
    pub precision_at_10pct: f64,
    pub precision_at_10pct_interval: [f64; 2],
    /// Area over the rows without a twin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub twin_free_auc: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TwinFree {
    pub rows: usize,
    pub base_rate: f64,
    pub auc: Option<f64>,
    pub auc_interval: Option<[f64; 2]>,
}

/// Scores of the rows of one part, and what is known of the rows.
pub struct Scores<'a> {
    pub margins: &'a [f64],
    pub probabilities: &'a [f64],
    pub labels: &'a [bool],
    /// Whether each row has a twin among those learnt from or tuned on; empty where twins are not known.
    pub twins: &'a [bool],
    pub lookup: Option<&'a [f64]>,
    /// Empty unless the labels were drawn.
    pub truth: &'a [f64],
    pub rivals: &'a [(Rival, Vec<f64>)],
}

impl Scores<'_> {
    pub fn measure(&self) -> Measured {
        let ranking = |scores: &[f64]| self.ranking(scores);
        Measured {
            rows: self.labels.len(),
            base_rate: base_rate(self.labels),
            ranking: ranking(self.margins),
            calibration_error: calibration_error(self.probabilities, self.labels),
            brier: brier(self.probabilities, self.labels),
            twin_free: (!self.twins.is_empty()).then(|| self.twin_free()),
            lookup: self.lookup.map(ranking),
            best_possible: (!self.truth.is_empty()).then(|| ranking(self.truth)),
            rivals: self.rivals.iter().map(|(rival, scores)| (*rival, ranking(scores))).collect(),
        }
    }

    fn ranking(&self, scores: &[f64]) -> Ranking {
        let area = auc(scores, self.labels);
        let interval = |estimate: Estimate| [estimate.low, estimate.high];
        let [five, ten] = [0.05, 0.10].map(|share| precision_at(scores, self.labels, share));
        let (alone, labels) = self.without_twins(scores);
        Ranking {
            auc: area.map(|area| area.value),
            auc_interval: area.map(interval),
            precision_at_5pct: five.value,
            precision_at_5pct_interval: interval(five),
            precision_at_10pct: ten.value,
            precision_at_10pct_interval: interval(ten),
            twin_free_auc: auc(&alone, &labels).filter(|_| !self.twins.is_empty()).map(|area| area.value),
        }
    }

    fn twin_free(&self) -> TwinFree {
        let (scores, labels) = self.without_twins(self.margins);
        let area = auc(&scores, &labels);
        TwinFree {
            rows: labels.len(),
            base_rate: if labels.is_empty() { 0.0 } else { base_rate(&labels) },
            auc: area.map(|area| area.value),
            auc_interval: area.map(|area| [area.low, area.high]),
        }
    }

    fn without_twins(&self, scores: &[f64]) -> (Vec<f64>, Vec<bool>) {
        let rows = scores.iter().zip(self.labels).zip(self.twins).filter(|(_, has_twin)| !**has_twin);
        rows.map(|((score, label), _)| (*score, *label)).unzip()
    }
}

impl Report {
    /// A few lines for a terminal.
    pub fn in_words(&self) -> String {
        let Report { test, .. } = self;
        let mut text = format!(
            "model {}: {} trees on {} features, in {:.1} s\ntrained on {}\n\n",
            self.model,
            self.num_trees,
            self.num_features,
            self.seconds,
            self.trained_on.words().en
        );
        for file in &self.files {
            let refused =
                if file.refused.is_empty() { String::new() } else { format!(", {} not used", file.refused.len()) };
            text.push_str(&format!("{:5}  {:>9} rows{refused}  {}\n", file.part, file.rows, file.name));
        }
        text.push_str(&format!("\ntest, base rate {:.3}         AUC  [95%]             P@5%   P@10%", test.base_rate));
        text.push_str(if test.twin_free.is_some() { "  AUC without twins\n" } else { "\n" });
        text.push_str(&test.ranking.in_words("this model"));
        let rivals = test.rivals.iter().map(|(rival, ranking)| (rival.name(), ranking));
        let lookup = test.lookup.iter().map(|ranking| ("lookup of twins", ranking));
        let best = test.best_possible.iter().map(|ranking| ("best possible", ranking));
        for (name, ranking) in rivals.chain(lookup).chain(best) {
            text.push_str(&ranking.in_words(name));
        }
        text.push_str(&format!("calibration error {:.4}, Brier {:.4}\n", test.calibration_error, test.brier));
        if let Some(TwinFree { rows, base_rate, .. }) = &test.twin_free {
            text.push_str(&format!("without twins: {rows} rows, base rate {base_rate:.3}\n"));
        }
        if let Some(revenue) = &self.revenue {
            text.push_str(&revenue.in_words());
        }
        text
    }
}

impl Figures {
    fn in_words(&self) -> String {
        let [low, high] = self.told_of_found_interval;
        let mut text = format!(
            "\nadditional duty of {} findings, {:.0} in all; told {:.3} [{low:.3}, {high:.3}] of what was found\n\
             found among the first             5%      10%\n",
            self.findings, self.found, self.told_of_found
        );
        let (five, ten) = (&self.at_5pct, &self.at_10pct);
        for (name, five, ten) in [
            ("by expected revenue", five.by_revenue, ten.by_revenue),
            ("by probability alone", five.by_probability, ten.by_probability),
            ("by amount alone", five.by_amount, ten.by_amount),
            ("perfect foresight", five.perfect_foresight, ten.perfect_foresight),
        ] {
            text.push_str(&format!("  {name:28}  {five:.3}   {ten:.3}\n"));
        }
        let Captured { best_possible, of_best_possible, of_best_possible_interval, .. } = five;
        if let (Some(best), Some(own), Some([low, high]), Some(ten)) =
            (best_possible, of_best_possible, of_best_possible_interval, ten.best_possible)
        {
            text.push_str(&format!("  {:28}  {best:.3}   {ten:.3}\n", "best possible"));
            text.push_str(&format!("of the best possible at 5%: {own:.3} [{low:.3}, {high:.3}]\n"));
        }
        text
    }
}

impl Ranking {
    pub(super) fn in_words(&self, name: &str) -> String {
        let [low, high] = self.auc_interval.unwrap_or([f64::NAN; 2]);
        let alone = self.twin_free_auc.map_or(String::new(), |auc| format!("  {auc:.3}"));
        format!(
            "  {name:22}  {:.4}  [{low:.4}, {high:.4}]  {:.3}  {:.3}{alone}\n",
            self.auc.unwrap_or(f64::NAN),
            self.precision_at_5pct,
            self.precision_at_10pct,
        )
    }
}

impl Rival {
    pub fn name(self) -> &'static str {
        match self {
            Self::LogisticRegression => "logistic regression",
            Self::RandomForest => "random forest",
            Self::Svm => "linear SVM",
            Self::IsolationForest => "isolation forest",
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Eight rows, of which the last four have no twin.
    pub fn report(version: &str) -> Report {
        let labels = [true, false, true, false, true, false, false, true];
        let margins = [9.0, 1.0, 8.0, 2.0, 5.0, 6.0, 3.0, 4.0];
        let scores = Scores {
            margins: &margins,
            probabilities: &[0.5; 8],
            labels: &labels,
            twins: &[true, true, true, true, false, false, false, false],
            lookup: Some(&[1.0, 0.0, 1.0, 0.0, 0.5, 0.5, 0.5, 0.5]),
            truth: &[],
            rivals: &[(Rival::Svm, vec![0.0; 8])],
        };
        Report {
            model: version.into(),
            mapping: "kr-declarations".into(),
            trained_on: Origin::Customer,
            files: Vec::new(),
            num_features: 1,
            num_trees: 1,
            valid: scores.measure(),
            test: scores.measure(),
            revenue: None,
            fairness: Vec::new(),
            warnings: Vec::new(),
            tried: Vec::new(),
            seconds: 1.0,
        }
    }

    #[test]
    fn figures_with_and_without_twins_are_told_apart() {
        let Measured { ranking, twin_free, lookup, rivals, .. } = report("v1").test;
        // Of 16 pairs the positives at 5 and 4 lose to the negative at 6.
        assert_eq!(ranking.auc, Some(14.0 / 16.0));
        let twin_free = twin_free.unwrap();
        assert_eq!((twin_free.rows, twin_free.base_rate, twin_free.auc), (4, 0.5, Some(0.5)));
        let lookup = lookup.unwrap();
        assert_eq!((lookup.auc, lookup.twin_free_auc), (Some((4.0 + 4.0 + 4.0 + 2.0) / 16.0), Some(0.5)));
        assert_eq!(rivals[&Rival::Svm].auc, Some(0.5));
    }

    #[test]
    fn the_json_has_the_fields_that_other_programs_rely_on() {
        let json = serde_json::to_value(report("v1")).unwrap();
        assert_eq!(json["model"], "v1");
        let test = &json["test"];
        for field in ["auc", "precision_at_5pct", "precision_at_10pct", "base_rate"] {
            assert!(test[field].is_f64(), "{field} in {test}");
        }
        assert_eq!(test["twin_free"]["rows"], 4);
        assert!(test["twin_free"]["auc"].is_f64() && test["lookup"]["auc"].is_f64());
    }
}
