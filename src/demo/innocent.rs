//! What innocent companies share, so that what is planted among companies does not stand alone: business centres,
//! accountants, families, small holdings in a circle, and companies that closed without debt and went on under another
//! name.
//!
//! All of it is drawn after the parties and after the trade, from chance of its own: what is declared, and with what
//! probability, is the same with and without.

use rand::Rng;
use rand::seq::IteratorRandom;
use rand_chacha::ChaCha8Rng;

use super::DAYS;
use super::parties::{Parties, account, phone, pick};
use super::words::STREETS;

/// Two people of one family. Places in [`Parties::people`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    pub person: usize,
    pub relative: usize,
    pub relation: &'static str,
}

/// One business centre, one accountant and one circle of small holdings for so many companies.
pub const COMPANIES_A_CENTRE: usize = 80;
pub const COMPANIES_AN_ACCOUNTANT: usize = 100;
pub const COMPANIES_A_CIRCLE: usize = 100;
/// One pair of companies of one family for so many.
pub const COMPANIES_A_FAMILY: usize = 25;
/// Largest share of an innocent circle.
pub const SMALL_SHARE: f64 = 0.03;
/// Share of companies that closed in debt near whom an innocent one was founded.
pub const DECOY_SHARE: f64 = 0.5;

impl Parties {
    /// Has innocent companies share addresses, phones, accounts, officers, families and small holdings.
    pub fn mix(&mut self, rng: &mut ChaCha8Rng) {
        let num_companies = self.companies.len();
        let mut in_centre = vec![false; num_companies];
        for _ in 0..(num_companies / COMPANIES_A_CENTRE).max(1) {
            self.open_centre(&mut in_centre, rng);
        }
        for _ in 0..(num_companies / COMPANIES_AN_ACCOUNTANT).max(1) {
            let accountant = self.person(rng);
            let num_clients = rng.random_range(8..25);
            for company in (0..num_companies).choose_multiple(rng, num_clients) {
                self.companies[company].officers.push(accountant);
            }
        }
        for _ in 0..(num_companies / COMPANIES_A_FAMILY).max(1) {
            self.join_by_family(rng);
        }
        for _ in 0..(num_companies / COMPANIES_A_CIRCLE).max(1) {
            let num_members = rng.random_range(2..=4);
            let members = (0..num_companies).choose_multiple(rng, num_members);
            // Two that own each other may do so with more: that is no circle.
            let most = if members.len() == 2 { 0.3 } else { SMALL_SHARE };
            for (at, member) in members.iter().enumerate() {
                let share = rng.random_range(0.005..most);
                self.companies[*member].held_by(members[(at + 1) % members.len()], share);
            }
        }
        self.place_decoys(rng);
    }

    /// A house in which many companies sit, some of them behind one switchboard.
    fn open_centre(&mut self, in_centre: &mut [bool], rng: &mut ChaCha8Rng) {
        let (street, street_en) = pick(rng, STREETS);
        // No single company sits at so high a number.
        let house = rng.random_range(400..10_000);
        let (address, address_en) = (format!("{street} {house}"), format!("{house} {street_en}"));
        let switchboard = phone(rng);
        let num_tenants = rng.random_range(8..30);
        for tenant in (0..self.companies.len()).choose_multiple(rng, num_tenants) {
            if in_centre[tenant] {
                continue;
            }
            let (old_address, old_phone) =
                (self.companies[tenant].address.clone(), self.companies[tenant].phone.clone());
            let takes_phone = rng.random_bool(0.4);
            // Whoever sat with it moves with it: a phoenix stays where its ashes are.
            for (company, is_in) in self.companies.iter_mut().zip(in_centre.iter_mut()) {
                if company.address == old_address {
                    *is_in = true;
                    (company.address, company.address_en) = (address.clone(), address_en.clone());
                }
                if takes_phone && company.phone == old_phone {
                    company.phone.clone_from(&switchboard);
                }
            }
        }
    }

    /// Two companies led by one family, which at times share a phone, an account or an address.
    fn join_by_family(&mut self, rng: &mut ChaCha8Rng) {
        let pair = (0..self.companies.len()).choose_multiple(rng, 2);
        let [a, b] = pair[..] else { return };
        let (person, relative) = (self.companies[a].officers[0], self.companies[b].officers[0]);
        if person == relative {
            return;
        }
        let relation = ["spouse", "parent", "sibling"][rng.random_range(0..3)];
        self.families.push(Family { person, relative, relation });
        // What one of a phoenix has must stay what the other has.
        let is_free = |at: usize| {
            self.companies[at].phoenix_of.is_none()
                && self.companies.iter().all(|company| company.phoenix_of != Some(at))
        };
        if !is_free(b) {
            return;
        }
        let from = self.companies[a].clone();
        let to = &mut self.companies[b];
        match rng.random_range(0..4) {
            0 => to.phone = from.phone,
            1 => to.account = from.account,
            2 => (to.address, to.address_en) = (from.address, from.address_en),
            _ => to.account = account(rng),
        }
    }

    /// Near companies that closed in debt, others are founded by chance that sit in the same house or have the same
    /// accountant, and deal in other goods.
    fn place_decoys(&mut self, rng: &mut ChaCha8Rng) {
        let closed: Vec<(usize, i32)> =
            self.companies.iter().enumerate().filter_map(|(at, company)| Some((at, company.closed?))).collect();
        for (old, day) in closed {
            if !rng.random_bool(DECOY_SHARE) {
                continue;
            }
            let near = |at: &usize| {
                let company = &self.companies[*at];
                company.phoenix_of.is_none() && company.closed.is_none() && (0..300).contains(&(company.founded - day))
            };
            let Some(decoy) = (0..self.companies.len()).filter(near).choose(rng) else { continue };
            let kind = rng.random_range(0..3);
            if kind != 1 {
                let from = self.companies[old].clone();
                let to = &mut self.companies[decoy];
                (to.address, to.address_en) = (from.address, from.address_en);
            }
            if kind != 0 {
                let accountant = self.person(rng);
                self.companies[old].officers.push(accountant);
                self.companies[decoy].officers.push(accountant);
                for client in (0..self.companies.len()).choose_multiple(rng, 6) {
                    self.companies[client].officers.push(accountant);
                }
            }
        }
    }

    /// Winds up companies that declared nothing any more, without debt of a planted kind; where another in the same
    /// goods was founded shortly after, it goes on as that one, with its officer and its phone or address. `last_days`
    /// are those of their last declarations.
    pub fn wind_up(&mut self, last_days: &[Option<i32>], rng: &mut ChaCha8Rng) {
        for (at, last_day) in last_days.iter().enumerate() {
            let company = &self.companies[at];
            let from = last_day.unwrap_or(company.founded).max(company.founded).max(0) + 30;
            let is_free = company.phoenix_of.is_none() && company.closed.is_none() && from < DAYS / 2;
            if !is_free || !rng.random_bool(0.8) {
                continue;
            }
            let day = rng.random_range(from..DAYS / 2 + 30);
            self.companies[at].wound_up = Some(day);
            let goods = self.companies[at].goods.clone();
            let follows = |other: &usize| {
                let other = &self.companies[*other];
                let is_free = other.phoenix_of.is_none() && other.closed.is_none() && other.wound_up.is_none();
                is_free
                    && (10..150).contains(&(other.founded - day))
                    && other.goods.iter().any(|one| goods.contains(one))
            };
            let Some(next) = (0..self.companies.len()).filter(follows).choose(rng) else { continue };
            let old = self.companies[at].clone();
            let new = &mut self.companies[next];
            new.officers.push(old.officers[0]);
            match rng.random_bool(0.5) {
                true => new.phone = old.phone,
                false => (new.address, new.address_en) = (old.address, old.address_en),
            }
        }
    }
}
