//! A unit price against its peers: the same goods (or item) from the same origin, and wider circles where those are few.
//!
//! Prices are compared by their logarithms. Each circle's mean and spread lean on the next wider one's as on a handful of
//! rows, so a price that is the only one of its kind is held against its heading, not against itself. No label is
//! looked at; a training row is left out of its own peers all the same, so that it meets the same odds as a later one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::key::Key;
use crate::scoring::mapping::UnitPrice;
use crate::scoring::table::{Categories, Table};

/// The history of unit prices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Peers {
    pub columns: UnitPrice,
    /// From the widest circle, which holds all rows, to the closest.
    circles: Vec<Circle>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Circle {
    key: Key,
    groups: BTreeMap<String, Moments>,
}

/// Rows of a group, the sum of their logarithms, and of the squares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Moments(f64, f64, f64);

/// What is usual among peers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usual {
    /// Mean and standard deviation of the logarithm.
    pub mean: f64,
    pub spread: f64,
}

/// Rows of the next wider circle that a circle leans on.
const LEAN: f64 = 5.0;
/// Least standard deviation: prices within a fifth of each other are the same to a customs officer.
const MIN_SPREAD: f64 = 0.2;
/// Circles that give a feature each: the closest, and the heading.
pub const LEVELS: [&str; 2] = ["closest", "heading"];

impl Peers {
    /// The history in `table`, and each row's positions (see [`Peers::apply`]) among the others.
    pub fn fit(columns: &UnitPrice, table: &Table) -> (Self, Vec<Vec<f32>>) {
        let goods = &columns.goods;
        let mut keys = vec![
            Key { parts: vec![] },
            Key::digits(goods, 2),
            Key::digits(goods, 4),
            Key::digits(goods, 6),
            Key::of(&[goods]),
            Key::of(&[goods, &columns.origin]),
        ];
        if let Some(item) = &columns.item {
            keys.extend([Key::of(&[item]), Key::of(&[item, &columns.origin])]);
        }
        let prices = logarithms(columns, table);
        let circles = keys.into_iter().map(|key| {
            let groups = key.groups(table);
            let mut moments = vec![Moments::default(); groups.texts.len()];
            for (group, price) in groups.codes.iter().zip(&prices) {
                if !price.is_nan() {
                    moments[*group as usize].add(*price, 1.0);
                }
            }
            Circle { key, groups: groups.texts.into_iter().zip(moments).collect() }
        });
        let peers = Self { columns: columns.clone(), circles: circles.collect() };
        let positions = peers.positions(table, 1.0);
        (peers, positions)
    }

    /// How many standard deviations each row's logarithm lies above the usual, at each of [`LEVELS`]; missing where the
    /// price is.
    pub fn apply(&self, table: &Table) -> Vec<Vec<f32>> {
        self.positions(table, 0.0)
    }

    /// `own` is the weight that each row has in its circles already, which is taken off.
    fn positions(&self, table: &Table, own: f64) -> Vec<Vec<f32>> {
        let prices = logarithms(&self.columns, table);
        let circles: Vec<(Categories, Vec<Moments>)> = self
            .circles
            .iter()
            .map(|circle| {
                let groups = circle.key.groups(table);
                let known = groups.texts.iter().map(|text| circle.groups.get(text).copied().unwrap_or_default());
                let known = known.collect();
                (groups, known)
            })
            .collect();
        let mut positions = vec![Vec::with_capacity(prices.len()); LEVELS.len()];
        for (row, price) in prices.iter().enumerate() {
            let moments = circles.iter().map(|(groups, known)| {
                let mut moments = known[groups.codes[row] as usize];
                if !price.is_nan() {
                    moments.add(*price, -own);
                }
                moments
            });
            for (at, usual) in usual(moments).into_iter().enumerate() {
                positions[at].push(((price - usual.mean) / usual.spread) as f32);
            }
        }
        positions
    }

    /// The unit price of a row, and what is usual for it at each of [`LEVELS`].
    pub fn usual(&self, table: &Table, row: usize) -> (f64, [Usual; LEVELS.len()]) {
        let moments = self
            .circles
            .iter()
            .map(|circle| circle.groups.get(&circle.key.text(table, row)).copied().unwrap_or_default());
        (unit_price(&self.columns, table, row), usual(moments))
    }
}

impl Moments {
    fn add(&mut self, price: f64, weight: f64) {
        self.0 += weight;
        self.1 += weight * price;
        self.2 += weight * price * price;
    }
}

/// Each circle leans on the wider one before it.
fn usual(circles: impl Iterator<Item = Moments>) -> [Usual; LEVELS.len()] {
    let (mut mean, mut square) = (0.0, 0.0);
    let mut heading = None;
    for (at, Moments(rows, sum, squares)) in circles.enumerate() {
        let lean = if at == 0 { 0.0 } else { LEAN };
        let weight = rows + lean;
        if weight > 0.5 {
            mean = (sum + lean * mean) / weight;
            square = (squares + lean * square) / weight;
        }
        if at == HEADING {
            heading = Some(spread(mean, square));
        }
    }
    let closest = spread(mean, square);
    [closest, heading.unwrap_or(closest)]
}

/// Place of the heading's circle.
const HEADING: usize = 2;

fn spread(mean: f64, square: f64) -> Usual {
    Usual { mean, spread: (square - mean * mean).max(0.0).sqrt().max(MIN_SPREAD) }
}

/// Value for one unit of quantity; missing where either is, or the quantity is 0.
pub fn unit_price(columns: &UnitPrice, table: &Table, row: usize) -> f64 {
    let (value, quantity) = (table.numbers[&columns.value][row], table.numbers[&columns.quantity][row]);
    if quantity > 0.0 { value / quantity } else { f64::NAN }
}

/// A free sample costs nothing, so logarithms start at one thousandth of a unit of money.
fn logarithms(columns: &UnitPrice, table: &Table) -> Vec<f64> {
    let logarithm = |price: f64| if price.is_nan() { price } else { price.max(1e-3).ln() };
    (0..table.num_rows()).map(|row| logarithm(unit_price(columns, table, row))).collect()
}
