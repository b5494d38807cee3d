//! What only the history of a party tells: how much more, or less, of its declarations was found fraudulent than the rest
//! of each declaration gives reason to expect.
//!
//! In: rows with their labels and the log-odds that trees gave them which know nothing of parties. Out: [`Leanings`], one
//! addend to the log-odds for each party: normal random effects by penalised likelihood, their spread estimated along
//! with them (expectation-maximisation with Laplace's variances). A plain share of frauds would count a party's goods
//! against it twice, and a party seen twice would weigh as one seen a thousand times.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::boosting::sigmoid;
use super::table::Table;

/// The parties of all columns that name some.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Leanings {
    pub kinds: Vec<Kind>,
}

/// The parties that one column names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kind {
    pub column: String,
    /// Standard deviation of the leanings.
    pub spread: f64,
    pub parties: BTreeMap<String, Party>,
}

/// What is known of one party.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Party {
    /// Added to the log-odds.
    pub leaning: f64,
    pub positives: u32,
    pub rows: u32,
    /// Frauds to expect by all but the party.
    pub expected: f64,
}

/// Rows with the log-odds that all but the parties give them.
#[derive(Clone, Copy)]
pub struct History<'a> {
    pub table: &'a Table,
    pub margins: &'a [f64],
}

/// Rounds of estimation; spreads move by less than a hundredth after it.
const ROUNDS: usize = 40;
/// Rounds before the spreads are estimated, so that they do not follow leanings that are still on their way.
const ROUNDS_WITH_GIVEN_SPREAD: usize = 4;
const FIRST_VARIANCE: f64 = 0.25;
const LEAST_VARIANCE: f64 = 1e-4;

/// A column's parties in the making.
struct Draft {
    column: String,
    texts: Vec<String>,
    /// Place in `texts`, one a row.
    codes: Vec<u32>,
    leanings: Vec<f64>,
    variance: f64,
}

impl Leanings {
    pub fn fit(columns: &[String], histories: &[History<'_>]) -> Self {
        let labels: Vec<bool> = histories.iter().flat_map(|history| history.table.labels.iter().copied()).collect();
        let margins: Vec<f64> = histories.iter().flat_map(|history| history.margins.iter().copied()).collect();
        let mut drafts: Vec<Draft> = columns.iter().map(|column| Draft::of(column, histories)).collect();
        let mut sums = margins.clone();
        for round in 0..ROUNDS {
            for draft in &mut drafts {
                draft.step(&mut sums, &labels, round >= ROUNDS_WITH_GIVEN_SPREAD);
            }
        }
        let kinds = drafts.into_iter().map(|draft| draft.finish(&labels, &sums));
        Self { kinds: kinds.collect() }
    }

    /// What its parties add to each row's log-odds.
    pub fn add_to(&self, table: &Table, margins: &mut [f64]) {
        for kind in &self.kinds {
            let column = &table.categories[&kind.column];
            let known: Vec<f64> = column.texts.iter().map(|text| kind.party(text).leaning).collect();
            for (margin, code) in margins.iter_mut().zip(&column.codes) {
                *margin += known[*code as usize];
            }
        }
    }

    /// The parties of a row, one a kind.
    pub fn of<'a>(&'a self, table: &'a Table, row: usize) -> impl Iterator<Item = (&'a Kind, Party)> {
        self.kinds.iter().map(move |kind| (kind, kind.party(table.categories[&kind.column].text(row))))
    }

    /// Whether leanings read from a file name columns that are there, and add what can be added.
    pub fn is_sound(&self, is_category: impl Fn(&str) -> bool) -> bool {
        self.kinds
            .iter()
            .all(|kind| is_category(&kind.column) && kind.parties.values().all(|party| party.leaning.is_finite()))
    }
}

impl Kind {
    /// Nothing is known of a party that was never seen, nor of one without a name.
    pub fn party(&self, text: &str) -> Party {
        self.parties.get(text).copied().unwrap_or_default()
    }
}

impl Draft {
    fn of(column: &str, histories: &[History<'_>]) -> Self {
        let (mut texts, mut codes) = (Vec::new(), Vec::new());
        let mut known: HashMap<&str, u32> = HashMap::new();
        for history in histories {
            let categories = &history.table.categories[column];
            let places: Vec<u32> = categories
                .texts
                .iter()
                .map(|text| {
                    *known.entry(text).or_insert_with(|| {
                        texts.push(text.clone());
                        texts.len() as u32 - 1
                    })
                })
                .collect();
            codes.extend(categories.codes.iter().map(|code| places[*code as usize]));
        }
        Self { column: column.into(), leanings: vec![0.0; texts.len()], texts, codes, variance: FIRST_VARIANCE }
    }

    /// One step of Newton's for each party, all else as it is; `sums` are the log-odds with all that is known so far.
    fn step(&mut self, sums: &mut [f64], labels: &[bool], moves_variance: bool) {
        let precision = 1.0 / self.variance;
        let mut slopes: Vec<(f64, f64)> =
            self.leanings.iter().map(|leaning| (-leaning * precision, precision)).collect();
        let mut is_seen = vec![false; self.leanings.len()];
        for ((code, sum), label) in self.codes.iter().zip(&*sums).zip(labels) {
            let probability = sigmoid(*sum);
            let slope = &mut slopes[*code as usize];
            slope.0 += f64::from(u8::from(*label)) - probability;
            slope.1 += probability * (1.0 - probability);
            is_seen[*code as usize] = true;
        }
        // Rows without a name are no party.
        let nameless = self.texts.iter().position(String::is_empty);
        let mut steps: Vec<f64> = slopes.iter().map(|(gradient, hessian)| gradient / hessian).collect();
        if let Some(at) = nameless {
            (steps[at], is_seen[at]) = (0.0, false);
        }
        for (leaning, step) in self.leanings.iter_mut().zip(&steps) {
            *leaning += step;
        }
        for (code, sum) in self.codes.iter().zip(sums) {
            *sum += steps[*code as usize];
        }
        let seen = (0..self.leanings.len()).filter(|at| is_seen[*at]);
        let squares: Vec<f64> = seen.map(|at| self.leanings[at].powi(2) + 1.0 / slopes[at].1).collect();
        if moves_variance && !squares.is_empty() {
            self.variance = (squares.iter().sum::<f64>() / squares.len() as f64).max(LEAST_VARIANCE);
        }
    }

    fn finish(self, labels: &[bool], sums: &[f64]) -> Kind {
        let mut parties: Vec<Party> =
            self.leanings.iter().map(|leaning| Party { leaning: *leaning, ..Party::default() }).collect();
        for ((code, label), sum) in self.codes.iter().zip(labels).zip(sums) {
            let party = &mut parties[*code as usize];
            party.positives += u32::from(*label);
            party.rows += 1;
            party.expected += sigmoid(sum - party.leaning);
        }
        let parties = self.texts.into_iter().zip(parties).filter(|(text, _)| !text.is_empty()).collect();
        Kind { column: self.column, spread: self.variance.sqrt(), parties }
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use rand_distr::{Distribution, Normal};

    use super::*;
    use crate::scoring::table::Categories;

    #[test]
    fn planted_leanings_are_found_with_their_spread_and_shrink_where_little_is_known() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let normal = Normal::new(0.0, 0.6).unwrap();
        let planted: Vec<f64> = (0..300).map(|_| normal.sample(&mut rng)).collect();
        // The first 250 have 200 rows each, the others two.
        let codes: Vec<u32> = (0..250_u32).flat_map(|at| [at; 200]).chain((250..300).flat_map(|at| [at; 2])).collect();
        let margins: Vec<f64> = codes.iter().map(|_| rng.random_range(-3.0..1.0)).collect();
        let draw = |(code, margin): (&u32, &f64)| rng.random_bool(sigmoid(margin + planted[*code as usize]));
        let labels: Vec<bool> = codes.iter().zip(&margins).map(draw).collect();
        let brokers = Categories { codes: codes.iter().map(|code| code % 7).collect(), texts: names("b", 7) };
        let importers = Categories { codes, texts: names("i", 300) };
        let table = Table {
            lines: (0..labels.len() as u64).collect(),
            labels,
            categories: [("importer".to_owned(), importers), ("broker".to_owned(), brokers)].into(),
            ..Table::default()
        };
        let history = [History { table: &table, margins: &margins }];
        let fitted = Leanings::fit(&["importer".into(), "broker".into()], &history);
        let [importers, brokers] = &fitted.kinds[..] else { panic!("{} kinds", fitted.kinds.len()) };
        assert!((importers.spread - 0.6).abs() < 0.1, "{}", importers.spread);
        assert!(brokers.spread < 0.15, "brokers have no leaning: {}", brokers.spread);
        let of = |at: usize| importers.party(&format!("i{at}"));
        let distance = |range: std::ops::Range<usize>| {
            let squares = range.clone().map(|at| (of(at).leaning - planted[at]).powi(2));
            (squares.sum::<f64>() / range.len() as f64).sqrt()
        };
        assert!(distance(0..250) < 0.25, "{}", distance(0..250));
        assert!((250..300).all(|at| of(at).leaning.abs() < 0.6), "two rows say little");
        let sum = (0..250).map(of).fold((0.0, 0.0), |sum, p| (sum.0 + f64::from(p.positives), sum.1 + p.expected));
        assert!((sum.0 / sum.1 - 1.0).abs() < 0.15, "{sum:?}");
        let mut added = margins.clone();
        fitted.add_to(&table, &mut added);
        let told: f64 = fitted.of(&table, 77).map(|(_, party)| party.leaning).sum();
        assert!((added[77] - margins[77] - told).abs() < 1e-12);
        assert_eq!(importers.party("never seen"), Party::default());
    }

    fn names(letter: &str, count: usize) -> Vec<String> {
        (0..count).map(|at| format!("{letter}{at}")).collect()
    }
}
