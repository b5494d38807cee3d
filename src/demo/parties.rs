//! Who trades in the demo world: companies with their people, addresses, phones and accounts; sellers; brokers.
//!
//! Planted here: phoenix companies, which rise from one that closed in debt and keep one of its people and its phone or
//! address; and rings, companies that own each other in a circle.

use rand::Rng;
use rand::seq::IteratorRandom;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal, Normal};

use super::innocent::Family;
use super::words::{FAMILY_NAMES, FIRM_FIRST, FIRM_LAST, GIVEN_NAMES, GOODS, SELLER_WORDS, STREETS};
use super::{DAYS, Size};

/// A company of the importing country. Ids count from 0.
#[derive(Clone, Debug)]
pub struct Company {
    pub name_ko: String,
    pub name_en: String,
    /// Day of the world on which it was founded; those before day 0 are older than the world.
    pub founded: i32,
    pub closed: Option<i32>,
    /// The day on which it closed without debt: after its last declaration, so that nothing else hangs on it.
    pub wound_up: Option<i32>,
    pub address: String,
    pub address_en: String,
    pub phone: String,
    pub account: String,
    /// Places in [`GOODS`] that it deals in.
    pub goods: Vec<usize>,
    /// Its share of trade, before division by all.
    pub volume: f64,
    pub officers: Vec<usize>,
    /// People who own it, with their shares.
    pub owners: Vec<(usize, f64)>,
    /// Companies that own a part of it, with their shares.
    pub holders: Vec<(usize, f64)>,
    /// The company it rose from.
    pub phoenix_of: Option<usize>,
    pub ring: Option<usize>,
    /// Sellers it buys from.
    pub sellers: Vec<usize>,
    /// The seller that belongs to it.
    pub related_seller: Option<usize>,
    /// Effect on the log-odds of fraud that no column tells, only its history.
    pub leaning: f64,
    /// Effect on the log-odds of late payment.
    pub weakness: f64,
}

#[derive(Clone, Debug)]
pub struct Person {
    pub name_ko: String,
    pub name_en: String,
}

#[derive(Clone, Debug)]
pub struct Seller {
    pub name: String,
    pub country: &'static str,
}

/// All of them.
pub struct Parties {
    pub companies: Vec<Company>,
    pub people: Vec<Person>,
    pub families: Vec<Family>,
    pub sellers: Vec<Seller>,
    /// Effect of each broker on the log-odds of fraud.
    pub brokers: Vec<f64>,
}

/// Share of companies that close in debt and rise again.
pub const PHOENIX_SHARE: f64 = 0.03;
/// Companies in rings, as a share of all.
pub const RING_SHARE: f64 = 0.02;
/// Rings of which one holding stands in the name of a person.
pub const VEILED_SHARE: f64 = 0.4;
/// Spread of what only a company's or a broker's history tells, in log-odds.
pub const LEANING_SPREAD: f64 = 0.6;
pub const BROKER_SPREAD: f64 = 0.3;

impl Parties {
    pub fn draw(size: &Size, rng: &mut ChaCha8Rng) -> Self {
        let sellers: Vec<Seller> = (0..size.sellers).map(|_| seller(rng)).collect();
        let normal = Normal::new(0.0, BROKER_SPREAD).expect("the spread is positive");
        let brokers = (0..size.brokers).map(|_| normal.sample(rng)).collect();
        let mut world = Self { companies: Vec::new(), people: Vec::new(), families: Vec::new(), sellers, brokers };
        for _ in 0..size.companies {
            let company = world.company(rng);
            world.companies.push(company);
        }
        world.plant_phoenixes(rng);
        world.plant_rings(rng);
        world
    }

    fn company(&mut self, rng: &mut ChaCha8Rng) -> Company {
        let (first, last) = (pick(rng, FIRM_FIRST), pick(rng, FIRM_LAST));
        let number = self.companies.len();
        let (street, street_en) = pick(rng, STREETS);
        let house = rng.random_range(1..400);
        let officers: Vec<usize> = (0..rng.random_range(1..=3)).map(|_| self.person(rng)).collect();
        let share = rng.random_range(0.5..1.0);
        let mut owners = vec![(officers[0], share)];
        if share < 0.95 {
            owners.push((self.person(rng), 1.0 - share));
        }
        let num_goods = rng.random_range(1..=4);
        let goods = (0..num_goods).map(|_| rng.random_range(0..GOODS.len())).collect();
        let sellers: Vec<usize> =
            (0..rng.random_range(2..=6)).map(|_| rng.random_range(0..self.sellers.len())).collect();
        let related_seller = rng.random_bool(0.15).then(|| sellers[0]);
        Company {
            name_ko: format!("{}{} {number}", first.0, last.0),
            name_en: format!("{} {} {number}", first.1, last.1),
            founded: rng.random_range(-6_000..DAYS / 2),
            closed: None,
            wound_up: None,
            address: format!("{street} {house}"),
            address_en: format!("{house} {street_en}"),
            phone: phone(rng),
            account: account(rng),
            goods,
            volume: LogNormal::new(0.0, 1.2).expect("the spread is positive").sample(rng),
            officers,
            owners,
            holders: Vec::new(),
            phoenix_of: None,
            ring: None,
            sellers,
            related_seller,
            leaning: Normal::new(0.0, LEANING_SPREAD).expect("the spread is positive").sample(rng),
            weakness: Normal::new(0.0, 1.0).expect("the spread is positive").sample(rng),
        }
    }

    pub(super) fn person(&mut self, rng: &mut ChaCha8Rng) -> usize {
        let (family, given) = (pick(rng, FAMILY_NAMES), pick(rng, GIVEN_NAMES));
        self.people
            .push(Person { name_ko: format!("{}{}", family.0, given.0), name_en: format!("{} {}", given.1, family.1) });
        self.people.len() - 1
    }

    /// Closes some companies and founds one anew from each.
    fn plant_phoenixes(&mut self, rng: &mut ChaCha8Rng) {
        let count = ((self.companies.len() as f64 * PHOENIX_SHARE).round() as usize).max(1);
        for parent in rand::seq::index::sample(rng, self.companies.len(), count) {
            let closed = rng.random_range(DAYS / 10..DAYS * 7 / 10);
            let old = &mut self.companies[parent];
            old.founded = old.founded.min(closed - 300);
            old.closed = Some(closed);
            old.weakness += 2.5;
            let old = old.clone();
            let mut child = self.company(rng);
            child.founded = closed + rng.random_range(20..120);
            child.phoenix_of = Some(parent);
            child.goods = old.goods;
            child.volume = old.volume;
            child.sellers = old.sellers;
            child.weakness = old.weakness;
            // One of its people comes along, as officer or as owner, and its phone or its address.
            match rng.random_bool(0.5) {
                true => child.officers[0] = old.officers[0],
                false => child.owners[0].0 = old.owners[0].0,
            }
            match rng.random_bool(0.5) {
                true => child.phone = old.phone,
                false => (child.address, child.address_en) = (old.address, old.address_en),
            }
            self.companies.push(child);
        }
    }

    /// Has some companies own each other in circles of three to six.
    fn plant_rings(&mut self, rng: &mut ChaCha8Rng) {
        let wanted = ((self.companies.len() as f64 * RING_SHARE) as usize).max(3);
        let mut free =
            rand::seq::index::sample(rng, self.companies.len(), (wanted + 6).min(self.companies.len())).into_vec();
        let mut ring = 0;
        while free.len() >= 6 {
            let len = rng.random_range(3..=6);
            let members: Vec<usize> = free.drain(..len).collect();
            for (at, member) in members.iter().enumerate() {
                let holder = members[(at + 1) % members.len()];
                let share = rng.random_range(0.1..0.3);
                let company = &mut self.companies[*member];
                company.ring = Some(ring);
                company.held_by(holder, share);
            }
            ring += 1;
        }
    }

    /// Has one holding of some rings stand in the name of an officer of the company that holds. Drawn after the trade,
    /// which does not hang on it.
    pub(super) fn veil_rings(&mut self, rng: &mut ChaCha8Rng) {
        let num_rings = self.companies.iter().filter_map(|company| company.ring).max().map_or(0, |last| last + 1);
        for ring in 0..num_rings {
            if !rng.random_bool(VEILED_SHARE) {
                continue;
            }
            let Some(at) = (0..self.companies.len()).filter(|at| self.companies[*at].ring == Some(ring)).choose(rng)
            else {
                continue;
            };
            if let Some((holder, share)) = self.companies[at].holders.pop() {
                let officer = self.companies[holder].officers[0];
                self.companies[at].owners.push((officer, share));
            }
        }
    }
}

impl Company {
    /// Another company takes a share of it; those who own it give in proportion.
    pub(super) fn held_by(&mut self, holder: usize, share: f64) {
        self.owners.iter_mut().chain(&mut self.holders).for_each(|owner| owner.1 *= 1.0 - share);
        self.holders.push((holder, share));
    }
}

fn seller(rng: &mut ChaCha8Rng) -> Seller {
    let goods = &GOODS[rng.random_range(0..GOODS.len())];
    let number = rng.random_range(100..1000);
    Seller {
        name: format!("{} {} Co {number}", pick(rng, SELLER_WORDS), pick(rng, SELLER_WORDS)),
        country: goods.origins[rng.random_range(0..goods.origins.len())],
    }
}

pub(super) fn phone(rng: &mut ChaCha8Rng) -> String {
    format!("02-{:04}-{:04}", rng.random_range(5000..5600), rng.random_range(0..10_000))
}

pub(super) fn account(rng: &mut ChaCha8Rng) -> String {
    format!(
        "{:03}-{:06}-{:05}",
        rng.random_range(900..999),
        rng.random_range(0..1_000_000),
        rng.random_range(0..100_000)
    )
}

pub(super) fn pick<'a, T>(rng: &mut ChaCha8Rng, from: &'a [T]) -> &'a T {
    &from[rng.random_range(0..from.len())]
}
