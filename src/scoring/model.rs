//! A model as it serves: rows in, scores with levels and reasons out.

use std::collections::BTreeSet;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::Error;
use super::boosting::Ensemble;
use super::calibration::Calibration;
use super::capacity::{Capacity, Level, Levels, Rank};
use super::changes::{Changes, Search};
use super::drift::{Drift, Reference};
use super::features::Encoder;
use super::leanings::Leanings;
use super::mapping::{Mapping, Origin, Role};
use super::matrix::Matrix;
use super::reasons::{Reasons, Told};
use super::revenue::Revenue;
use super::sample::Drawn;
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
    /// What parties add to what the trees say.
    #[serde(default)]
    pub(super) leanings: Leanings,
    pub(super) calibration: Calibration,
    /// Margins of the validation rows at equal steps of rank, ascending: where a row stands among usual ones.
    pub(super) ranks: Vec<f64>,
    /// What a finding brings; absent where the table does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) revenue: Option<Revenue>,
    /// Revenues expected of the validation rows, as `ranks`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) revenue_ranks: Vec<f64>,
    /// What the rows learnt from looked like; absent of models from before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reference: Option<Reference>,
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
    /// Additional duty to expect of it, should it be fraud; absent where the model learnt of no amounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub additional_duty: Option<f64>,
    /// That times the probability.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_revenue: Option<f64>,
    pub model: String,
    pub trained_on: Origin,
    /// Log-odds before calibration: `base` and all contributions add up to it.
    pub margin: f64,
    pub base: f64,
    /// The weightiest first.
    pub reasons: Vec<Told>,
    /// Inputs that the row leaves empty.
    pub missing: Vec<String>,
    /// Of red rows with reasons.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what_would_change: Option<Changes>,
    /// Of rows that were drawn to be inspected whatever their risk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub random: Option<Drawn>,
}

/// Rows with all numbers of their scores.
pub struct Judged {
    pub(super) matrix: Matrix,
    pub margins: Vec<f64>,
    pub probabilities: Vec<f64>,
    /// Additional duty, should it be fraud; empty where the model learnt of no amounts, missing where the row's value is.
    pub amounts: Vec<f64>,
}

impl Judged {
    /// What rows are put in order by.
    pub fn ranks(&self, by: Rank) -> Vec<f64> {
        match by {
            Rank::Probability => self.margins.clone(),
            Rank::Revenue => self.probabilities.iter().zip(&self.amounts).map(|(p, amount)| p * amount).collect(),
        }
    }
}

/// Steps of rank that a model remembers; a level is then exact to a thousandth of the rows.
const RANK_STEPS: usize = 1000;

/// Margins at equal steps of rank.
pub(super) fn ranks(margins: &[f64]) -> Vec<f64> {
    if margins.is_empty() {
        return Vec::new();
    }
    let mut sorted = margins.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    (0..=RANK_STEPS).map(|step| sorted[(sorted.len() - 1) * step / RANK_STEPS]).collect()
}

impl Model {
    /// Scores all rows of `table`, levelled by their places among usual ones; each with at most `num_reasons` reasons, and
    /// none are worked out for 0.
    pub fn score(&self, table: &Table, capacity: Capacity, num_reasons: usize) -> Vec<Scored> {
        let judged = self.judge(table);
        let levels = self.levels(&judged, capacity);
        self.tell(table, &judged, &levels, capacity.by, num_reasons)
    }

    /// The numbers of all rows, without levels and reasons.
    pub fn judge(&self, table: &Table) -> Judged {
        let matrix = self.encoder.apply(table);
        let mut margins = self.ensemble.margins(&matrix);
        self.leanings.add_to(table, &mut margins);
        let probabilities = margins.iter().map(|margin| self.calibration.probability(*margin)).collect();
        let amounts = self.revenue.as_ref().map_or(Vec::new(), |revenue| revenue.amounts(table, &matrix));
        Judged { matrix, margins, probabilities, amounts }
    }

    /// Levels by the place of each row among usual ones.
    pub fn levels(&self, judged: &Judged, capacity: Capacity) -> Levels {
        let ranks = judged.ranks(capacity.by);
        let levels = ranks.iter().map(|rank| self.level(*rank, capacity)).collect();
        Levels { levels, red_from: vec![self.red_from(capacity); ranks.len()] }
    }

    /// The scores of rows whose numbers and levels are known.
    pub fn tell(&self, table: &Table, judged: &Judged, levels: &Levels, by: Rank, num_reasons: usize) -> Vec<Scored> {
        let base = shap::expected(&self.ensemble);
        let reasons = Reasons::new(&self.mapping, &self.encoder, &self.leanings, table);
        let search = Search::new(self, table, by);
        let score = |row: usize| {
            let (contributions, changes) = match num_reasons {
                0 => (Vec::new(), None),
                _ => {
                    let mut contributions = shap::contributions(&self.ensemble, &judged.matrix.row(row));
                    contributions.extend(self.leanings.of(table, row).map(|(_, party)| party.leaning));
                    let is_red = levels.levels[row] == Level::Red;
                    (contributions, is_red.then(|| search.of(row, levels.red_from[row])).flatten())
                }
            };
            let amount = judged.amounts.get(row).copied().filter(|amount| !amount.is_nan());
            let probability = judged.probabilities[row];
            Scored {
                row: table.lines[row],
                id: table.keys[row].clone(),
                score: probability,
                level: levels.levels[row],
                additional_duty: amount.map(f64::round),
                expected_revenue: amount.map(|amount| (amount * probability).round()),
                model: self.version.clone(),
                trained_on: self.trained_on,
                margin: judged.margins[row],
                base,
                reasons: reasons.tell(row, &contributions, num_reasons),
                missing: self.missing(table, row),
                what_would_change: changes,
                random: None,
            }
        };
        (0..table.num_rows()).into_par_iter().map(score).collect()
    }

    /// What moved since the model learnt.
    pub(super) fn drift(&self, table: &Table, judged: &Judged) -> Option<Drift> {
        let prices = self.encoder.position().map(|at| judged.matrix.column(at));
        Some(self.reference.as_ref()?.drift(&self.mapping, &self.encoder, table, prices, &judged.margins))
    }

    /// # Errors
    /// Rows that are to be put in order by a revenue that the model learnt nothing of.
    pub fn check_rank(&self, by: Rank) -> Result<(), Error> {
        match (by, &self.revenue) {
            (Rank::Revenue, None) => Err(Error::NoAmounts { version: self.version.clone() }),
            _ => Ok(()),
        }
    }

    /// Names of the features, in the order of the matrix.
    pub fn feature_names(&self) -> Vec<&str> {
        self.encoder.features.iter().map(|feature| feature.name.as_str()).collect()
    }

    /// By the share of usual rows that lie below; of those of the same rank, half.
    fn level(&self, rank: f64, capacity: Capacity) -> Level {
        let ranks = self.usual(capacity.by);
        let (under, up_to) =
            (ranks.partition_point(|usual| *usual < rank), ranks.partition_point(|usual| *usual <= rank));
        capacity.level((under + up_to) as f64 / (2 * ranks.len()) as f64)
    }

    /// The least rank that is red.
    fn red_from(&self, capacity: Capacity) -> f64 {
        let ranks = self.usual(capacity.by);
        let is_red = |below: usize| capacity.level(below as f64 / ranks.len() as f64) == Level::Red;
        match (0..=ranks.len()).find(|below| is_red(*below)) {
            None => f64::INFINITY,
            Some(0) => f64::NEG_INFINITY,
            Some(below) => {
                let last = ranks[below - 1];
                if self.level(last, capacity) == Level::Red { last } else { last.next_up() }
            }
        }
    }

    fn usual(&self, by: Rank) -> &[f64] {
        match by {
            Rank::Probability => &self.ranks,
            Rank::Revenue => &self.revenue_ranks,
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
        let is = |name: &str, fits: fn(&Role) -> bool| {
            self.mapping.column(name).is_some_and(|column| column.is_input() && fits(&column.role))
        };
        if !self.leanings.is_sound(|name| is(name, |role| matches!(role, Role::Category))) {
            return Err("its parties do not fit its mapping");
        }
        let is_number = |name: &str| is(name, |role| matches!(role, Role::Number { .. }));
        if self.revenue.as_ref().is_some_and(|revenue| !revenue.is_sound(num_features, is_number))
            || self.revenue.is_some() == self.revenue_ranks.is_empty()
        {
            return Err("what it says of amounts does not fit its mapping");
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
            leanings: Leanings::default(),
            calibration: Calibration::Logistic { slope: 1.0, offset: 0.0 },
            ranks: (0..=100).map(f64::from).map(|rank| rank / 10.0 - 5.0).collect(),
            revenue: None,
            revenue_ranks: Vec::new(),
            reference: None,
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
