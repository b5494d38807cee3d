//! Currencies into the country's own, by the customs rate of the week of the declaration.
//!
//! Korea (Customs Act 18, Rule 1-2, Notice 3): the rate is the mean of the first quotations of Monday to Friday of the
//! week before, with as many digits as they have, and holds from Sunday to Saturday. A rate of another week is an error
//! and never used. Knows nothing of where rates come from.

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use rust_decimal::Decimal;

use super::case::{Case, Rate, System};
use super::error::Error;
use super::exact::Exact;
use super::money::{Amount, Currency};

/// Working days of a week, which is the most quotations there can be.
const MOST_QUOTATIONS: usize = 5;
/// One unit of any currency is worth less than this; the Kuwaiti dinar is near 4,500 won.
const LARGEST_RATE: i64 = 1_000_000;

/// The rates of a case, all of the right week.
#[derive(Clone, Debug)]
pub struct Exchange {
    home: Currency,
    invoice: Currency,
    rates: BTreeMap<Currency, Used>,
}

/// A rate as it was used.
#[derive(Clone, Debug)]
pub struct Used {
    /// Own currency for one unit
    pub rate: Exact,
    /// Units for which it is quoted
    pub per: Exact,
    pub week: Option<(Date, Date)>,
    pub is_mean: bool,
}

/// Sunday and Saturday of the week of `day`.
pub fn week_of(day: Date) -> (Date, Date) {
    let since_sunday = i64::from(day.weekday().since(Weekday::Sunday));
    let sunday = day.saturating_sub(since_sunday.days());
    (sunday, sunday.saturating_add(6.days()))
}

impl Exchange {
    pub fn new(case: &Case) -> Result<Self, Error> {
        let home = match case.system {
            System::Kr => Currency::KRW,
            System::Us => Currency::USD,
        };
        let mut rates = BTreeMap::new();
        for (at, rate) in case.rates.iter().enumerate() {
            let place = format!("rates[{at}]");
            if rate.currency == home {
                return Err(Error::OwnCurrency { place, currency: home });
            }
            let used = match case.system {
                System::Kr => korean(rate, &place, case.declared)?,
                System::Us => given(rate, &place)?,
            };
            if rates.insert(rate.currency, used).is_some() {
                return Err(Error::Twice { place, other: format!("another rate of {}", rate.currency) });
            }
        }
        Ok(Self { home, invoice: case.currency, rates })
    }

    pub fn home(&self) -> Currency {
        self.home
    }

    pub fn currency(&self, amount: &Amount) -> Currency {
        amount.currency.unwrap_or(self.invoice)
    }

    pub fn has(&self, currency: Currency) -> bool {
        currency == self.home || self.rates.contains_key(&currency)
    }

    pub fn rates(&self) -> impl Iterator<Item = (&Currency, &Used)> {
        self.rates.iter()
    }

    /// `amount` in the country's currency.
    pub fn home_value(&self, amount: &Amount) -> Exact {
        Exact::from(amount.value) * self.factor(self.currency(amount))
    }

    /// Home currency for one unit of `currency`.
    pub fn factor(&self, currency: Currency) -> Exact {
        if currency == self.home {
            return Exact::one();
        }
        let used = self.rates.get(&currency).expect("a valid case has a rate for each of its currencies");
        used.rate.clone() / used.per.clone()
    }
}

fn korean(rate: &Rate, place: &str, declared: Date) -> Result<Used, Error> {
    let (from, to) = week_of(declared);
    let used = match (&rate.quotations, &rate.rate) {
        (Some(_), Some(_)) => {
            return Err(Error::Twice { place: format!("{place}.rate"), other: format!("{place}.quotations") });
        }
        (None, _) => {
            let week = rate.week.ok_or_else(|| Error::Needs { place: place.into(), needed: "week" })?;
            let (given_from, given_to) = week_of(week);
            if given_from != from {
                let place = place.to_owned();
                return Err(Error::WrongWeek { place, given_from, given_to, declared, from, to });
            }
            given(rate, place)?
        }
        (Some(quotations), None) => {
            let monday = rate.quoted_from.ok_or_else(|| Error::Needs { place: place.into(), needed: "quoted_from" })?;
            let needed = from.saturating_sub(6.days());
            if monday != needed {
                return Err(Error::WrongQuotations { place: format!("{place}.quoted_from"), given: monday, needed });
            }
            if quotations.len() > MOST_QUOTATIONS {
                return Err(Error::AboveLimit {
                    place: format!("{place}.quotations"),
                    given: quotations.len().to_string(),
                    limit: MOST_QUOTATIONS.to_string(),
                    unit: "days",
                });
            }
            if quotations.is_empty() {
                return Err(Error::Zero { place: format!("{place}.quotations") });
            }
            // Notice Article 3(1): as many digits as the quotations have, rounded below them.
            let digits = quotations.iter().map(|quotation| quotation.0.scale()).max().unwrap_or(0);
            let sum: Exact = quotations.iter().map(|quotation| Exact::from(quotation.0)).sum();
            let days = i64::try_from(quotations.len()).expect("a week is short");
            let mean = (sum / Exact::from(days)).round(digits);
            limited(Used { rate: mean, per: per(rate, place)?, week: None, is_mean: true }, place)?
        }
    };
    Ok(Used { week: Some((from, to)), ..used })
}

fn given(rate: &Rate, place: &str) -> Result<Used, Error> {
    let number = rate.rate.ok_or_else(|| Error::Needs { place: place.into(), needed: "rate" })?;
    limited(Used { rate: Exact::from(number.0), per: per(rate, place)?, week: None, is_mean: false }, place)
}

fn per(rate: &Rate, place: &str) -> Result<Exact, Error> {
    let per = rate.per.map_or(Decimal::ONE, |per| per.0);
    if per.is_zero() {
        return Err(Error::Zero { place: format!("{place}.per") });
    }
    Ok(Exact::from(per))
}

fn limited(used: Used, place: &str) -> Result<Used, Error> {
    let place = format!("{place}.rate");
    if used.rate.is_zero() {
        return Err(Error::Zero { place });
    }
    if used.rate > Exact::from(LARGEST_RATE) {
        let given = used.rate.plain(4);
        return Err(Error::AboveLimit { place, given, limit: LARGEST_RATE.to_string(), unit: "won" });
    }
    Ok(used)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_week_begins_on_sunday() {
        let week = (date(2026, 1, 11), date(2026, 1, 17));
        for day in 11..=17 {
            assert_eq!(week_of(date(2026, 1, day)), week);
        }
        assert_eq!(week_of(date(2026, 1, 18)).0, date(2026, 1, 18));
    }
}
