//! Declarations of the demo world, one after another in time, each with the probability it was drawn with.
//!
//! What can be seen is drawn first, the probability of fraud follows from it, and the label is drawn by that: so the
//! planted probability is the best score there can be, and its area under the curve the best possible one.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal, Normal};

use super::DAYS;
use super::parties::{Company, Parties};
use super::words::{GOODS, Goods, HUBS, OFFICES, PREFERRED, price_level};

/// One declaration of one kind of goods.
#[derive(Clone, Debug)]
pub struct Declaration {
    /// Day of the world.
    pub day: i32,
    pub office: &'static str,
    pub broker: usize,
    pub importer: usize,
    pub seller: usize,
    pub is_related: bool,
    pub transport: &'static str,
    pub hs: &'static str,
    pub goods: usize,
    pub departure: &'static str,
    pub origin: &'static str,
    /// `A` general, `F` preferential.
    pub rate_type: &'static str,
    /// Percent.
    pub rate: f64,
    pub mass: f64,
    /// Won.
    pub value: f64,
    pub duty: f64,
    /// Days since the importer was founded.
    pub importer_age: i32,
    pub probability: f64,
    pub is_fraud: bool,
    /// Duty that a fraud keeps back, whether it is one or not.
    pub at_stake: f64,
    /// Duty that was kept back, if fraud.
    pub evaded: f64,
    pub effects: Effects,
}

/// Which planted effects a declaration shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Effects {
    /// Log of the price against the usual, below which it counts.
    pub undervaluation: f64,
    pub is_hidden: bool,
    pub is_routed: bool,
    pub is_young_phoenix: bool,
    pub is_related_low: bool,
}

/// Share of the general rate that is left under a preference.
pub const PREFERENCE: f64 = 0.25;
/// Log-odds of fraud where nothing is planted.
pub const BASE: f64 = -4.2;
/// For each standard deviation (of [`PRICE_SPREAD`]) that the price lies below the first one under the usual; three at most.
pub const UNDERVALUATION: f64 = 1.3;
/// Goods under the code of similar ones with a lower rate.
pub const HIDDEN: f64 = 2.6;
/// A preferential origin that departs from a hub.
pub const ROUTED: f64 = 2.2;
/// A phoenix in its first year.
pub const PHOENIX: f64 = 2.0;
/// A related seller below the usual price.
pub const RELATED_LOW: f64 = 1.2;
/// Spread of honest prices, in logarithms.
pub const PRICE_SPREAD: f64 = 0.25;
/// Share of declarations in which someone tries the price.
const LOW_SHARE: f64 = 0.10;
const WON_A_DOLLAR: f64 = 1_350.0;

/// Draws declarations in order of time.
pub struct Trade<'a> {
    parties: &'a Parties,
    /// Companies with their summed volumes, for drawing.
    ladder: Vec<f64>,
    num_declarations: usize,
    drawn: usize,
    rng: ChaCha8Rng,
}

impl<'a> Trade<'a> {
    pub fn new(parties: &'a Parties, num_declarations: usize, rng: ChaCha8Rng) -> Self {
        let mut sum = 0.0;
        let ladder = parties.companies.iter().map(|company| {
            sum += company.volume;
            sum
        });
        Self { parties, ladder: ladder.collect(), num_declarations, drawn: 0, rng }
    }

    /// A company that is in business on `day`.
    fn importer(&mut self, day: i32) -> usize {
        loop {
            let aimed = self.rng.random_range(0.0..self.ladder[self.ladder.len() - 1]);
            let at = self.ladder.partition_point(|sum| *sum <= aimed);
            let company = &self.parties.companies[at];
            if company.founded <= day && company.closed.is_none_or(|closed| day < closed) {
                return at;
            }
        }
    }

    fn declaration(&mut self, day: i32) -> Declaration {
        let importer = self.importer(day);
        let company = &self.parties.companies[importer];
        let rng = &mut self.rng;
        let at = company.goods[rng.random_range(0..company.goods.len())];
        let goods = &GOODS[at];
        let seller = company.sellers[rng.random_range(0..company.sellers.len())];
        let is_related = company.related_seller == Some(seller);
        let broker = (importer * 7 + rng.random_range(0..3)) % self.parties.brokers.len();
        let (origin, departure, mut effects) = route(goods, rng);
        let hs = match goods.hidden_as {
            Some(other) if rng.random_bool(0.12) => {
                effects.is_hidden = true;
                other
            }
            _ => goods.hs,
        };
        let is_preferred = PREFERRED.contains(&origin) && rng.random_bool(0.8);
        let general = GOODS.iter().find(|goods| goods.hs == hs).map_or(goods.duty, |goods| goods.duty);
        let rate = if is_preferred { general * PREFERENCE } else { general };
        let deviation = price_deviation(rng);
        let mass = goods.mass * LogNormal::new(0.0, 0.8).expect("the spread is positive").sample(rng);
        let usual = goods.price * price_level(origin) * WON_A_DOLLAR;
        let value = usual * mass * (deviation * PRICE_SPREAD).exp();
        effects.undervaluation = (-deviation - 1.0).clamp(0.0, 3.0);
        effects.is_related_low = is_related && deviation < -0.5;
        let importer_age = day - company.founded;
        effects.is_young_phoenix = company.phoenix_of.is_some() && importer_age < 365;
        let log_odds = log_odds(company, self.parties.brokers[broker], effects);
        let probability = 1.0 / (1.0 + (-log_odds).exp());
        let is_fraud = rng.random_bool(probability);
        let at_stake = (usual * mass * goods.duty / 100.0 - value * rate / 100.0).max(0.0);
        let evaded = if is_fraud { at_stake } else { 0.0 };
        Declaration {
            day,
            office: OFFICES[(importer + rng.random_range(0..2)) % OFFICES.len()],
            broker,
            importer,
            seller,
            is_related,
            transport: if mass / goods.mass < 0.3 { "40" } else { "10" },
            hs,
            goods: at,
            departure,
            origin,
            rate_type: if is_preferred { "F" } else { "A" },
            rate,
            mass,
            value,
            duty: value * rate / 100.0,
            importer_age,
            probability,
            is_fraud,
            at_stake,
            evaded,
            effects,
        }
    }
}

impl Iterator for Trade<'_> {
    type Item = Declaration;

    fn next(&mut self) -> Option<Declaration> {
        if self.drawn == self.num_declarations {
            return None;
        }
        let day = (self.drawn as u64 * DAYS as u64 / self.num_declarations as u64) as i32;
        self.drawn += 1;
        Some(self.declaration(day))
    }
}

/// Origin and departure: mostly the same, at times by way of a hub.
fn route(goods: &Goods, rng: &mut ChaCha8Rng) -> (&'static str, &'static str, Effects) {
    // The first origin of three is the commonest.
    let at = (rng.random_range(0.0..1.0_f64).powi(2) * goods.origins.len() as f64) as usize;
    let origin = goods.origins[at];
    let by_hub = rng.random_bool(0.08);
    let departure = if by_hub { HUBS[rng.random_range(0..HUBS.len())] } else { origin };
    let is_routed = by_hub && PREFERRED.contains(&origin);
    (origin, departure, Effects { is_routed, ..Effects::default() })
}

/// How many spreads a price lies above the usual.
fn price_deviation(rng: &mut ChaCha8Rng) -> f64 {
    let honest = Normal::new(0.0, 1.0).expect("the spread is positive");
    match rng.random_bool(LOW_SHARE) {
        true => -rng.random_range(1.0..4.0),
        false => honest.sample(rng),
    }
}

fn log_odds(company: &Company, broker: f64, effects: Effects) -> f64 {
    let flag = |is: bool, size: f64| if is { size } else { 0.0 };
    BASE + UNDERVALUATION * effects.undervaluation
        + flag(effects.is_hidden, HIDDEN)
        + flag(effects.is_routed, ROUTED)
        + flag(effects.is_young_phoenix, PHOENIX)
        + flag(effects.is_related_low, RELATED_LOW)
        + company.leaning
        + broker
}
