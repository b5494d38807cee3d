//! What companies owe and when they pay, month by month, and the audits that found something.
//!
//! Planted: a company is late by its weakness, more often in February and August, and more and more towards its closing if
//! it closes in debt. As in `trade`, the probability comes first and the payment is drawn by it.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::DAYS;
use super::parties::Company;

/// One month of one company.
#[derive(Clone, Debug, PartialEq)]
pub struct Month {
    pub company: usize,
    /// Months since the world began.
    pub month: i32,
    /// Won.
    pub due: f64,
    pub paid: f64,
    pub days_late: i32,
    /// Of being late by more than 30 days or not paying at all.
    pub probability: f64,
}

/// An inspection of a company's books.
#[derive(Clone, Debug, PartialEq)]
pub struct Audit {
    pub company: usize,
    pub day: i32,
    pub finding: &'static str,
    /// Won claimed afterwards.
    pub claimed: f64,
}

/// Log-odds of being late where nothing is planted.
pub const BASE: f64 = -3.6;
/// For each spread of weakness.
pub const WEAKNESS: f64 = 1.0;
/// In February and August.
pub const SEASON: f64 = 0.9;
/// In the last six months of a company that closes in debt.
pub const CLOSING: f64 = 3.0;
pub const MONTHS: i32 = DAYS / 30;
/// Share of companies that are audited, and of those in which it finds what there is.
const AUDITED: f64 = 0.10;

/// All months in which `company` was in business, for duties of `due[month]`.
pub fn months(at: usize, company: &Company, due: &[f64], rng: &mut ChaCha8Rng) -> Vec<Month> {
    let first = (company.founded.max(0) + 29) / 30;
    let last = company.closed.map_or(MONTHS, |day| day / 30).min(MONTHS);
    let month = |month: i32| {
        let in_year = month % 12;
        let is_season = in_year == 1 || in_year == 7;
        let is_closing = company.closed.is_some_and(|day| month >= day / 30 - 6);
        let flag = |is: bool, size: f64| if is { size } else { 0.0 };
        let log_odds = BASE + WEAKNESS * company.weakness + flag(is_season, SEASON) + flag(is_closing, CLOSING);
        let probability = 1.0 / (1.0 + (-log_odds).exp());
        let due = due[month as usize].max(100_000.0);
        let is_late = rng.random_bool(probability);
        let days_late = if is_late { rng.random_range(31..180) } else { rng.random_range(0..5) };
        let is_unpaid = is_late && (is_closing || rng.random_bool(0.2));
        Month { company: at, month, due, paid: if is_unpaid { 0.0 } else { due }, days_late, probability }
    };
    (first..last).map(month).collect()
}

/// Audits of some companies, which find three quarters of what they kept back (`evaded`).
pub fn audit(at: usize, evaded: f64, rng: &mut ChaCha8Rng) -> Option<Audit> {
    if !rng.random_bool(AUDITED) {
        return None;
    }
    let claimed = (evaded * 0.75).round();
    let finding = if claimed > 0.0 { "undeclared value" } else { "none" };
    Some(Audit { company: at, day: rng.random_range(DAYS / 2..DAYS), finding, claimed })
}
