//! Whether declarations still look as those did that the model learnt from.
//!
//! In: the rows learnt from, and later those of another file. Out: a [`Reference`], kept in the model, and [`Drift`]: for
//! every input, the unit price among its peers, and the score itself, the population stability index, the greatest
//! distance of the cumulated shares (Kolmogorov), and what is new. An index that chance alone would give is told beside,
//! and moves no verdict. Knows no labels: what moved need not be worse.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::features::{Encoder, Key};
use super::mapping::{Column, Mapping, Role, Words};
use super::table::{Categories, Table};

/// How the rows learnt from were distributed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    pub rows: usize,
    pub from: Date,
    pub to: Date,
    inputs: BTreeMap<String, Shape>,
    /// Log-odds of rows that no tree learnt from.
    score: Numbers,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Shape {
    Numbers(Numbers),
    Texts(Texts),
}

/// The distribution of numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Numbers {
    /// At equal steps of rank, ascending.
    quantiles: Vec<f64>,
    /// Bins of about a tenth each: above the cut before, and at most the own one.
    cuts: Vec<f64>,
    counts: Vec<u32>,
    missing: u32,
}

/// The distribution of texts: the most frequent by name, and all others together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Texts {
    frequent: Vec<(String, u32)>,
    others: u32,
    missing: u32,
}

/// What moved since.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Drift {
    pub rows: usize,
    pub reference_rows: usize,
    pub reference_from: Date,
    pub reference_to: Date,
    /// The worst of all.
    pub verdict: Verdict,
    pub score: Moved,
    /// In the order of the mapping.
    pub inputs: Vec<Moved>,
    pub thresholds: Thresholds,
}

/// One input, or the score.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Moved {
    pub name: String,
    pub en: String,
    pub ko: String,
    pub verdict: Verdict,
    pub psi: f64,
    /// The index to expect where nothing moved, for as many rows on either side.
    pub psi_by_chance: f64,
    /// Kolmogorov's distance; of numbers alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distance: Option<f64>,
    pub missing_then: f64,
    pub missing_now: f64,
    /// Share of rows with a text that was never seen in training; of texts alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unseen: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Stable,
    Moving,
    Drifted,
}

/// From which figures on something moves, and has drifted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Thresholds {
    pub psi: [f64; 2],
    pub distance: [f64; 2],
}

/// Customary for the index since credit scoring; distances of the same size on ten bins.
pub const THRESHOLDS: Thresholds = Thresholds { psi: [0.10, 0.25], distance: [0.10, 0.20] };
/// Kolmogorov's critical value at 1%, for the larger samples.
const CRITICAL: f64 = 1.63;
/// Indices below so many times what chance gives are chance.
const TIMES_CHANCE: f64 = 3.0;
const STEPS: usize = 100;
const BINS: usize = 10;
const FREQUENT: usize = 20;
/// The unit price among its peers, which no column holds.
const PRICE: &str = "unit_price";

impl Reference {
    /// # Panics
    /// No rows.
    pub fn of(mapping: &Mapping, train: &Table, prices: Option<&[f32]>, margins: &[f64]) -> Self {
        let mut inputs = BTreeMap::new();
        for column in mapping.inputs() {
            let shape = match train.categories.get(&column.name) {
                Some(_) => Shape::Texts(Texts::of(&as_watched(column, train))),
                None => Shape::Numbers(Numbers::of(&train.numbers[&column.name])),
            };
            inputs.insert(column.name.clone(), shape);
        }
        if let Some(prices) = prices {
            inputs.insert(PRICE.into(), Shape::Numbers(Numbers::of(&as_f64(prices))));
        }
        let days = || train.dates.iter().copied();
        let (from, to) = (days().min().unwrap_or(Date::ZERO), days().max().unwrap_or(Date::ZERO));
        Self { rows: train.num_rows(), from, to, inputs, score: Numbers::of(margins) }
    }

    /// What moved in the rows of `table`, whose unit prices among their peers and log-odds are given.
    pub fn drift(
        &self,
        mapping: &Mapping,
        encoder: &Encoder,
        table: &Table,
        prices: Option<&[f32]>,
        margins: &[f64],
    ) -> Drift {
        let words = |en: &str, ko: &str| Words { en: en.into(), ko: ko.into() };
        let mut inputs: Vec<Moved> = Vec::new();
        for column in mapping.inputs() {
            let moved = match (self.inputs.get(&column.name), table.categories.get(&column.name)) {
                (Some(Shape::Texts(then)), Some(texts)) => {
                    let is_known = |text: &str| encoder.rows_of(&column.name, text) > 0;
                    let unseen = texts.texts.iter().map(|text| !text.is_empty() && !is_known(text)).collect::<Vec<_>>();
                    let unseen = texts.codes.iter().filter(|code| unseen[**code as usize]).count();
                    then.moved(&as_watched(column, table), unseen)
                }
                (Some(Shape::Numbers(then)), None) => then.moved(&table.numbers[&column.name]),
                _ => continue,
            };
            inputs.push(moved.named(&column.name, &column.words));
        }
        if let (Some(Shape::Numbers(then)), Some(prices)) = (self.inputs.get(PRICE), prices) {
            let moved = then.moved(&as_f64(prices));
            inputs.push(moved.named(PRICE, &words("unit price among its peers", "동종 물품 대비 단가")));
        }
        let score = self.score.moved(margins).named("score", &words("score", "점수"));
        Drift {
            rows: table.num_rows(),
            reference_rows: self.rows,
            reference_from: self.from,
            reference_to: self.to,
            verdict: inputs.iter().chain([&score]).map(|moved| moved.verdict).max().unwrap_or(Verdict::Stable),
            score,
            inputs,
            thresholds: THRESHOLDS,
        }
    }
}

impl Numbers {
    fn of(values: &[f64]) -> Self {
        let mut sorted: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let missing = (values.len() - sorted.len()) as u32;
        if sorted.is_empty() {
            return Self { quantiles: Vec::new(), cuts: Vec::new(), counts: vec![0], missing };
        }
        let quantiles: Vec<f64> = (0..=STEPS).map(|step| sorted[(sorted.len() - 1) * step / STEPS]).collect();
        let mut cuts: Vec<f64> = (1..BINS).map(|bin| quantiles[STEPS * bin / BINS]).collect();
        cuts.dedup();
        let counts = counts(&sorted, &cuts);
        Self { quantiles, cuts, counts, missing }
    }

    fn moved(&self, values: &[f64]) -> Moved {
        let mut sorted: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let missing = (values.len() - sorted.len()) as u32;
        let with_missing = |counts: &[u32], missing: u32| counts.iter().copied().chain([missing]).collect::<Vec<u32>>();
        let (then, now) =
            (with_missing(&self.counts, self.missing), with_missing(&counts(&sorted, &self.cuts), missing));
        Moved::new(&then, &now, Some(self.distance(&sorted)))
    }

    /// The greatest difference between the cumulated shares, on either side of each quantile; to about a hundredth.
    fn distance(&self, sorted: &[f64]) -> f64 {
        if self.quantiles.is_empty() || sorted.is_empty() {
            return 0.0;
        }
        let share = |at: usize, of: usize| at as f64 / of as f64;
        let distances = self.quantiles.iter().map(|quantile| {
            let then = [
                self.quantiles.partition_point(|other| other < quantile),
                self.quantiles.partition_point(|other| other <= quantile),
            ];
            let now =
                [sorted.partition_point(|value| value < quantile), sorted.partition_point(|value| value <= quantile)];
            // A sample of the reference itself differs by up to a step.
            let apart = |side: usize| share(then[side], STEPS + 1) - share(now[side], sorted.len());
            apart(0).abs().max(apart(1).abs()) - 1.0 / STEPS as f64
        });
        distances.fold(0.0, f64::max)
    }
}

/// Values of each bin, and behind the last cut.
fn counts(sorted: &[f64], cuts: &[f64]) -> Vec<u32> {
    let up_to: Vec<usize> = cuts.iter().map(|cut| sorted.partition_point(|value| value <= cut)).collect();
    let ends = up_to.iter().copied().chain([sorted.len()]);
    let starts = [0].into_iter().chain(up_to.iter().copied());
    ends.zip(starts).map(|(end, start)| (end - start) as u32).collect()
}

impl Texts {
    fn of(column: &Categories) -> Self {
        let mut counts = vec![0_u32; column.texts.len()];
        column.codes.iter().for_each(|code| counts[*code as usize] += 1);
        let mut frequent: Vec<(String, u32)> = column.texts.iter().cloned().zip(counts).collect();
        let missing = frequent.iter().filter(|(text, _)| text.is_empty()).map(|(_, count)| count).sum();
        frequent.retain(|(text, count)| !text.is_empty() && *count > 0);
        frequent.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let others = frequent.iter().skip(FREQUENT).map(|(_, count)| count).sum();
        frequent.truncate(FREQUENT);
        Self { frequent, others, missing }
    }

    fn moved(&self, column: &Categories, unseen: usize) -> Moved {
        let place = |text: &String| match self.frequent.iter().position(|(known, _)| known == text) {
            Some(place) => place,
            None if text.is_empty() => self.frequent.len() + 1,
            None => self.frequent.len(),
        };
        let places: Vec<usize> = column.texts.iter().map(place).collect();
        let mut now = vec![0_u32; self.frequent.len() + 2];
        column.codes.iter().for_each(|code| now[places[*code as usize]] += 1);
        let then: Vec<u32> = self.frequent.iter().map(|(_, count)| *count).chain([self.others, self.missing]).collect();
        let moved = Moved::new(&then, &now, None);
        Moved { unseen: Some(unseen as f64 / column.codes.len().max(1) as f64), ..moved }
    }
}

impl Moved {
    /// By counts of the same bins, of which the last holds the missing ones.
    fn new(then: &[u32], now: &[u32], distance: Option<f64>) -> Self {
        // A bin that is empty on both sides tells nothing.
        let bins: Vec<(u32, u32)> =
            then.iter().copied().zip(now.iter().copied()).filter(|pair| *pair != (0, 0)).collect();
        let sums = bins.iter().fold((0.0, 0.0), |sum, pair| (sum.0 + f64::from(pair.0), sum.1 + f64::from(pair.1)));
        let (psi, chance) = if sums.0 == 0.0 || sums.1 == 0.0 {
            (0.0, 0.0)
        } else {
            // Half a row keeps an empty bin from being infinitely far.
            let share = |count: u32, sum: f64| (f64::from(count) + 0.5) / (sum + 0.5 * bins.len() as f64);
            let shares = bins.iter().map(|(then, now)| (share(*then, sums.0), share(*now, sums.1)));
            let psi = shares.map(|(then, now)| (now - then) * (now / then).ln()).sum();
            (psi, (bins.len() - 1) as f64 * (1.0 / sums.0 + 1.0 / sums.1))
        };
        let by_psi = verdict(psi, THRESHOLDS.psi, psi > TIMES_CHANCE * chance);
        let critical = CRITICAL * (1.0 / sums.0.max(1.0) + 1.0 / sums.1.max(1.0)).sqrt();
        let by_distance = distance.map(|distance| verdict(distance, THRESHOLDS.distance, distance > critical));
        let missing = |counts: &[u32], sum: f64| f64::from(counts[counts.len() - 1]) / sum.max(1.0);
        Self {
            name: String::new(),
            en: String::new(),
            ko: String::new(),
            verdict: by_distance.map_or(by_psi, |verdict| verdict.max(by_psi)),
            psi,
            psi_by_chance: chance,
            distance,
            missing_then: missing(then, sums.0),
            missing_now: missing(now, sums.1),
            unseen: None,
        }
    }

    fn named(self, name: &str, words: &Words) -> Self {
        Self { name: name.into(), en: words.en.clone(), ko: words.ko.clone(), ..self }
    }
}

fn verdict(figure: f64, [moving, drifted]: [f64; 2], is_more_than_chance: bool) -> Verdict {
    match figure {
        _ if !is_more_than_chance => Verdict::Stable,
        figure if figure >= drifted => Verdict::Drifted,
        figure if figure >= moving => Verdict::Moving,
        _ => Verdict::Stable,
    }
}

/// Goods are watched by chapter: whole codes are too many to compare.
fn as_watched(column: &Column, table: &Table) -> Categories {
    match column.role {
        Role::Hs => Key::digits(&column.name, 2).groups(table),
        _ => table.categories[&column.name].clone(),
    }
}

fn as_f64(numbers: &[f32]) -> Vec<f64> {
    numbers.iter().map(|number| f64::from(*number)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(rows: usize, power: f64) -> Vec<f64> {
        (0..rows).map(|row| (row as f64 / rows as f64).powf(power)).collect()
    }

    fn texts(counts: &[(&str, usize)]) -> Categories {
        let codes = counts.iter().enumerate().flat_map(|(at, (_, count))| vec![at as u32; *count]).collect();
        Categories { codes, texts: counts.iter().map(|(text, _)| (*text).to_owned()).collect() }
    }

    #[test]
    fn numbers_that_stay_are_stable_and_those_that_move_are_measured() {
        let then = Numbers::of(&ramp(10_000, 1.0));
        let same = then.moved(&ramp(4_000, 1.0));
        assert!(same.psi < 0.001 && same.distance.unwrap() < 0.01 && same.verdict == Verdict::Stable, "{same:?}");
        let moved = then.moved(&ramp(4_000, 2.0));
        // x² falls furthest behind x where 2 sqrt(x) = 1: by a quarter.
        assert!((moved.distance.unwrap() - 0.25).abs() < 0.02, "{moved:?}");
        assert_eq!(moved.verdict, Verdict::Drifted);
        let mut holes = ramp(1_000, 1.0);
        holes[..300].fill(f64::NAN);
        let holes = then.moved(&holes);
        assert_eq!((holes.missing_then, holes.missing_now), (0.0, 0.3));
        assert!(holes.psi > 0.25, "{holes:?}");
    }

    #[test]
    fn a_handful_of_rows_moves_no_verdict() {
        let then = Numbers::of(&ramp(10_000, 1.0));
        let few = then.moved(&[0.1, 0.2, 0.15, 0.3, 0.9]);
        assert!(few.psi > THRESHOLDS.psi[1] && few.verdict == Verdict::Stable, "{few:?}");
        assert_eq!(then.moved(&[]).verdict, Verdict::Stable);
    }

    #[test]
    fn texts_that_are_new_or_gone_are_seen() {
        let then = Texts::of(&texts(&[("CN", 600), ("US", 300), ("", 100)]));
        assert_eq!(then.moved(&texts(&[("US", 150), ("CN", 300), ("", 50)]), 0).verdict, Verdict::Stable);
        let moved = then.moved(&texts(&[("CN", 100), ("US", 300), ("VN", 100)]), 100);
        // Shares .6 .3 0 .1 became .2 .6 .2 0.
        assert!(moved.psi > 1.0 && moved.verdict == Verdict::Drifted, "{moved:?}");
        assert_eq!((moved.unseen, moved.missing_then, moved.missing_now), (Some(0.2), 0.1, 0.0));
    }
}
