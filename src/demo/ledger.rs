//! What companies owe and when they pay, month by month, and the audits that found something.
//!
//! Planted: what weakens a company (see the constants), how its payments slip while it is still in time, and the six
//! months that follow each month: as in `trade`, the probability comes first and the payment is drawn by it. A late month
//! makes the next ones likelier to be late, so a probability of six months is not made of six of one month: it is worked
//! out here, by the months in which nothing happens.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal};

use super::parties::Company;
use super::{DAYS, FIRST_DAY, date_of_month, month_of};

/// One month of one company.
#[derive(Clone, Debug, PartialEq)]
pub struct Month {
    pub company: usize,
    /// Months since the world began; its dues fall due on its last day.
    pub month: i32,
    /// Won.
    pub due: f64,
    pub paid: f64,
    pub days_late: i32,
    /// Of being late by more than 30 days or not paying at all, drawn by what happened before.
    pub probability: f64,
    /// Of being so in any of the six months that follow, when this month's payment is not known yet.
    pub six_months: f64,
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
pub const BASE: f64 = -4.8;
/// For each spread of weakness.
pub const WEAKNESS: f64 = 1.3;
/// Height of the wave of good and bad times that every company has of its own, in log-odds, and its length in months.
pub const WAVE: f64 = 0.5;
pub const WAVE_MONTHS: std::ops::Range<f64> = 36.0..72.0;
/// In January and February.
pub const SEASON: f64 = 0.9;
/// For each spread of size (of the logarithm of its share of trade): the larger, the less.
pub const SIZE: f64 = 0.3;
/// A company that deals in one kind of goods.
pub const NARROW: f64 = 0.6;
/// In the six months after an audit that claimed something.
pub const CLAIM: f64 = 1.0;
/// In the last month of a company that closes in debt; it grows to this over the last year.
pub const CLOSING: f64 = 3.5;
/// In the month after a late one; halved with every further month.
pub const RECENT: f64 = 1.2;
/// Mean days late of what is paid in time, where nothing is planted, and for each unit of log-odds; and their spread.
pub const HABIT: f64 = 8.0;
pub const HABIT_SLOPE: f64 = 4.0;
pub const HABIT_SPREAD: f64 = 3.0;
/// Months in the world, and in a year.
pub const MONTHS: i32 = 36;
const YEAR: i32 = 12;
/// Months that a probability looks ahead.
const AHEAD: i32 = 6;
/// Spread of the logarithm of a company's share of trade, as `parties` draws it.
const SIZE_SPREAD: f64 = 1.2;
/// Share of companies that are audited, and of those in which it finds what there is.
const AUDITED: f64 = 0.10;

/// What a company's payments follow.
struct Course<'a> {
    company: &'a Company,
    /// Length of its wave in months, and where in it the world begins.
    wave: (f64, f64),
    closed: Option<i32>,
    claim: Option<i32>,
}

impl Course<'_> {
    /// Log-odds of being late in a month, if the last late one was so many months before.
    fn log_odds(&self, month: i32, since_late: Option<i32>) -> f64 {
        let Self { company, wave, closed, claim } = self;
        let flag = |is: bool, size: f64| if is { size } else { 0.0 };
        let turn = std::f64::consts::TAU * (f64::from(month) / wave.0 + wave.1);
        let months_left = closed.map(|closed| closed - month).filter(|left| (0..YEAR).contains(left));
        BASE + WEAKNESS * company.weakness + WAVE * turn.sin() - SIZE * company.volume.ln() / SIZE_SPREAD
            + flag(month % YEAR < 2, SEASON)
            + flag(company.goods.len() == 1, NARROW)
            + flag(claim.is_some_and(|claim| (1..=AHEAD).contains(&(month - claim))), CLAIM)
            + months_left.map_or(0.0, |left| CLOSING * f64::from(YEAR - left) / f64::from(YEAR))
            + since_late.map_or(0.0, |since| RECENT * 0.5_f64.powi(since - 1))
    }

    /// Of no late month from `from` until `to`, if the last late one was `late`.
    fn none_late(&self, from: i32, to: i32, late: Option<i32>) -> f64 {
        (from..to).map(|month| 1.0 - sigmoid(self.log_odds(month, late.map(|late| month - late)))).product()
    }
}

/// All months in which `company` was in business, for duties of `due[month]`; `claim` is the month of an audit that
/// claimed something.
pub fn months(at: usize, company: &Company, due: &[f64], claim: Option<i32>, rng: &mut ChaCha8Rng) -> Vec<Month> {
    let slip = Normal::new(0.0, HABIT_SPREAD).expect("the spread is positive");
    let closed = company.closed.map(month_of);
    let wave = (rng.random_range(WAVE_MONTHS), rng.random_range(0.0..1.0));
    let course = Course { company, wave, closed, claim };
    let first = month_of(company.founded.max(0)) + i32::from(company.founded > 0);
    let last = closed.map_or(MONTHS, |closed| closed.min(MONTHS));
    let mut late = None;
    let mut months = Vec::new();
    for month in first..last {
        let log_odds = course.log_odds(month, late.map(|late| month - late));
        let probability = sigmoid(log_odds);
        let (next, end) = (month + 1, (month + 1 + AHEAD).min(last));
        let none_late = probability * course.none_late(next, end, Some(month))
            + (1.0 - probability) * course.none_late(next, end, late);
        let is_late = rng.random_bool(probability);
        let habit = HABIT + HABIT_SLOPE * (log_odds - BASE) + slip.sample(rng);
        let is_closing = closed.is_some_and(|closed| month >= closed - AHEAD);
        let is_unpaid = is_late && (is_closing || rng.random_bool(0.2));
        let days_to_end = DAYS - last_day(month);
        let days_late = match (is_late, is_unpaid) {
            (true, true) => days_to_end.max(31),
            (true, false) => rng.random_range(31..180),
            (false, _) => habit.clamp(0.0, 29.0).round() as i32,
        };
        let due = due[month as usize].max(100_000.0).round();
        let paid = if is_unpaid { 0.0 } else { due };
        months.push(Month { company: at, month, due, paid, days_late, probability, six_months: 1.0 - none_late });
        if is_late {
            late = Some(month);
        }
    }
    months
}

/// Audits of some companies, which find three quarters of what they kept back (`evaded`).
pub fn audit(at: usize, evaded: f64, rng: &mut ChaCha8Rng) -> Option<Audit> {
    if !rng.random_bool(AUDITED) {
        return None;
    }
    let claimed = (evaded * 0.75).round();
    let finding = if claimed > 0.0 { "undeclared value" } else { "none" };
    Some(Audit { company: at, day: rng.random_range(DAYS / 12..DAYS), finding, claimed })
}

/// The last day of a month, in days of the world.
fn last_day(month: i32) -> i32 {
    date_of_month(month + 1).duration_since(FIRST_DAY).as_hours() as i32 / 24 - 1
}

fn sigmoid(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}
