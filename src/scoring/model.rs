//! A model as it serves: rows in, scores with levels and reasons out.

use std::collections::BTreeSet;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::Error;
use super::boosting::Ensemble;
use super::calibration::Calibration;
use super::features::Encoder;
use super::mapping::{Mapping, Origin};
use super::reasons::{Reasons, Told};
use super::shap;
use super::table::Table;

/// Everything that a score hangs on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    pub version: String,
    pub trained_on: Origin,
    pub mapping: Mapping,
    pub(super) encoder: Encoder,
    pub(super) ensemble: Ensemble,
    pub(super) calibration: Calibration,
    /// Margins of the validation rows at equal steps of rank, ascending: where a row stands among usual ones.
    pub(super) ranks: Vec<f64>,
}

/// How many declarations can be looked at, as shares of all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Capacity {
    red: f64,
    yellow: f64,
}

/// What to do with a declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Release.
    Green,
    /// Look at the documents.
    Yellow,
    /// Inspect.
    Red,
}

/// A row with its score.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scored {
    /// Line of the row in its file.
    pub row: u64,
    pub id: String,
    /// Probability of fraud.
    pub score: f64,
    pub level: Level,
    pub model: String,
    pub trained_on: Origin,
    /// Log-odds before calibration: `base` and all contributions add up to it.
    pub margin: f64,
    pub base: f64,
    /// The weightiest first.
    pub reasons: Vec<Told>,
    /// Inputs that the row leaves empty.
    pub missing: Vec<String>,
}

/// Steps of rank that a model remembers; a level is then exact to a thousandth of the rows.
const RANK_STEPS: usize = 1000;

impl Capacity {
    /// # Errors
    /// Shares outside 0 to 1, or above 1 together.
    pub fn new(red: f64, yellow: f64) -> Result<Self, Error> {
        let limit = "a share from 0 to 1, and `--red` and `--yellow` at most 1 together";
        for (flag, value) in [("--red", red), ("--yellow", yellow)] {
            if !(0.0..=1.0).contains(&value) || red + yellow > 1.0 {
                return Err(Error::Share { flag, value, limit });
            }
        }
        Ok(Self { red, yellow })
    }
}

/// Margins at equal steps of rank.
pub(super) fn ranks(margins: &[f64]) -> Vec<f64> {
    let mut sorted = margins.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    (0..=RANK_STEPS).map(|step| sorted[(sorted.len() - 1) * step / RANK_STEPS]).collect()
}

impl Model {
    /// Scores all rows of `table`; each with at most `num_reasons` reasons, and none are worked out for 0.
    pub fn score(&self, table: &Table, capacity: Capacity, num_reasons: usize) -> Vec<Scored> {
        if table.num_rows() == 0 {
            return Vec::new();
        }
        let matrix = self.encoder.apply(table);
        let margins = self.ensemble.margins(&matrix);
        let base = shap::expected(&self.ensemble);
        let reasons = Reasons::new(&self.mapping, &self.encoder, table);
        let score = |row: usize| {
            let contributions = match num_reasons {
                0 => Vec::new(),
                _ => shap::contributions(&self.ensemble, &matrix.row(row)),
            };
            Scored {
                row: table.lines[row],
                id: table.keys[row].clone(),
                score: self.calibration.probability(margins[row]),
                level: self.level(margins[row], capacity),
                model: self.version.clone(),
                trained_on: self.trained_on,
                margin: margins[row],
                base,
                reasons: reasons.tell(row, &contributions, num_reasons),
                missing: self.missing(table, row),
            }
        };
        (0..table.num_rows()).into_par_iter().map(score).collect()
    }

    /// Names of the features, in the order of the matrix.
    pub fn feature_names(&self) -> Vec<&str> {
        self.encoder.features.iter().map(|feature| feature.name.as_str()).collect()
    }

    /// By the share of usual rows that lie below; of those of the same margin, half.
    fn level(&self, margin: f64, capacity: Capacity) -> Level {
        let (under, up_to) =
            (self.ranks.partition_point(|rank| *rank < margin), self.ranks.partition_point(|rank| *rank <= margin));
        let below = (under + up_to) as f64 / (2 * self.ranks.len()) as f64;
        if below >= 1.0 - capacity.red {
            Level::Red
        } else if below >= 1.0 - capacity.red - capacity.yellow {
            Level::Yellow
        } else {
            Level::Green
        }
    }

    fn missing(&self, table: &Table, row: usize) -> Vec<String> {
        let is_missing = |name: &&String| match table.categories.get(*name) {
            Some(column) => column.text(row).is_empty(),
            None => table.numbers[*name][row].is_nan(),
        };
        self.mapping.inputs().map(|column| &column.name).filter(is_missing).cloned().collect()
    }

    /// Whether the parts of a model read from a file belong together, and why not.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let names: BTreeSet<&String> = self.encoder.features.iter().map(|feature| &feature.name).collect();
        let num_features = self.encoder.features.len();
        if !self.encoder.is_sound(&self.mapping) || names.len() != num_features {
            return Err("its features do not fit its mapping");
        }
        if !self.ensemble.base.is_finite() || !self.ensemble.trees.iter().all(|tree| tree.is_sound(num_features)) {
            return Err("one of its trees leads nowhere");
        }
        if !self.calibration.is_sound() {
            return Err("its calibration is no rising curve");
        }
        if self.ranks.is_empty() || !self.ranks.windows(2).all(|pair| pair[0] <= pair[1]) {
            return Err("its ranks do not rise");
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::scoring::boosting::{Node, Tree};
    use crate::scoring::table::{Purpose, Reader};

    const ROWS: &str = "Declaration ID,Date,Office ID,Process Type,Import Type,Import Use,Payment Type,Mode of Transport,\
        HS6 Code,Country of Departure,Country of Origin,Tax Rate,Tax Type,Country of Origin Indicator,Net Mass,Item Price,\
        Fraud\nA,2025-01-01,10,B,11,21,11,10,850110,CN,CN,8,A,G,10,100,0\nB,2025-01-02,10,B,11,21,11,10,850110,CN,,8,A,G,,900,1\n";

    /// One tree that asks whether the duty rate is above 5, over an encoder of two rows.
    pub fn model(version: &str) -> Model {
        let mapping = Mapping::load("kr-declarations").unwrap();
        let purpose = Purpose::Learn { today: jiff::civil::Date::constant(2026, 1, 1) };
        let table = Reader::open(ROWS.as_bytes(), "-", &mapping, purpose).unwrap().read(9).unwrap();
        let (encoder, _) = Encoder::fit(&mapping, &table, 1);
        let split = Node::Split { feature: 0, at: 5.0, missing_left: true, left: 1, right: 2, cover: 4 };
        let [left, right] = [-1.0, 3.0].map(|value| Node::Leaf { value, cover: 2 });
        Model {
            version: version.into(),
            trained_on: Origin::Customer,
            mapping,
            encoder,
            ensemble: Ensemble { base: 0.5, trees: vec![Tree { nodes: vec![split, left, right] }] },
            calibration: Calibration::Logistic { slope: 1.0, offset: 0.0 },
            ranks: (0..=100).map(f64::from).map(|rank| rank / 10.0 - 5.0).collect(),
        }
    }

    fn scored(model: &Model, capacity: Capacity) -> Vec<Scored> {
        let table = Reader::open(ROWS.as_bytes(), "-", &model.mapping, Purpose::Score).unwrap().read(9).unwrap();
        model.score(&table, capacity, 1)
    }

    #[test]
    fn a_score_says_where_it_comes_from_and_what_was_missing() {
        let scored = scored(&model("v1"), Capacity::new(0.05, 0.15).unwrap());
        let Scored { row, id, score, margin, base, reasons, missing, model, trained_on, .. } = &scored[1];
        assert_eq!((*row, id.as_str(), model.as_str(), *trained_on), (3, "B", "v1", Origin::Customer));
        assert_eq!((*margin, *base), (3.5, 1.5));
        assert!((score - 1.0 / (1.0 + (-3.5_f64).exp())).abs() < 1e-12);
        assert_eq!(*missing, ["origin", "mass"]);
        assert_eq!((reasons[0].columns.as_slice(), reasons[0].contribution), (&["rate".to_owned()][..], 2.0));
        assert_eq!((reasons[0].en.as_str(), reasons[0].ko.as_str()), ("duty rate 8.00", "관세율 8.00"));
    }

    #[test]
    fn levels_follow_the_capacity() {
        // A margin of 3.5 lies above 85 of 101 remembered ranks.
        for (red, yellow, level) in [(0.2, 0.0, Level::Red), (0.1, 0.1, Level::Yellow), (0.05, 0.05, Level::Green)] {
            assert_eq!(scored(&model("v1"), Capacity::new(red, yellow).unwrap())[0].level, level);
        }
        for (red, yellow) in [(-0.1, 0.1), (0.6, 0.6), (f64::NAN, 0.1)] {
            assert!(matches!(Capacity::new(red, yellow), Err(Error::Share { .. })));
        }
    }

    #[test]
    fn a_model_whose_parts_do_not_belong_together_is_found_out() {
        assert_eq!(model("v1").check(), Ok(()));
        let mut astray = model("v1");
        astray.ensemble.trees[0].nodes.pop();
        assert!(astray.check().is_err());
        let mut other = model("v1");
        other.mapping.columns.retain(|column| column.name != "rate");
        assert!(other.check().is_err());
        let mut unranked = model("v1");
        unranked.ranks.clear();
        assert!(unranked.check().is_err());
    }
}
