//! Exchange rates and duty rates of the invented world: a walk for each currency, and the rates that its declarations use.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal};

/// Currencies with the won for one unit at the beginning.
const CURRENCIES: [(&str, f64); 5] =
    [("USD", 1_290.0), ("EUR", 1_390.0), ("JPY", 9.6), ("CNY", 185.0), ("GBP", 1_590.0)];
/// Standard deviation of a week's change, in logarithms.
const WEEKLY: f64 = 0.008;

/// A currency's week, Sunday to Saturday.
pub struct Week {
    pub currency: &'static str,
    pub from: Date,
    pub to: Date,
    pub krw: f64,
}

/// Every week that touches the days from `first` to `last`.
pub fn weeks(first: Date, last: Date, rng: &mut ChaCha8Rng) -> Vec<Week> {
    let mut weeks = Vec::new();
    let step = Normal::new(0.0, WEEKLY).expect("a deviation above 0");
    for (currency, start) in CURRENCIES {
        let mut krw: f64 = start * (1.0 + 0.01 * (rng.random::<f64>() - 0.5));
        let mut from = first;
        while from.weekday() != Weekday::Sunday {
            from = from.saturating_sub(1.day());
        }
        while from <= last {
            weeks.push(Week { currency, from, to: from.saturating_add(6.days()), krw });
            krw *= step.sample(rng).exp();
            from = from.saturating_add(7.days());
        }
    }
    weeks
}
