//! What a company imported: by quarter with its trend, and the greatest of its goods, origins, sellers and brokers.

use jiff::ToSpan;
use jiff::civil::Date;
use serde::Serialize;

use super::period::quarter_of;
use super::{Error, Fact, Source};
use crate::register::{Dimension, PartyKind, Quarter, Register, Span, Tally};

/// A company's trade.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trade {
    /// Over all days up to the one asked for.
    pub total: Fact<Total>,
    pub last_quarter: Fact<QuarterTrend>,
    /// Full quarters, the oldest first; those without trade are there with nothing in them.
    pub quarters: Fact<Vec<QuarterTrend>>,
    /// Of the last four full quarters, the greatest first.
    pub goods: Fact<Vec<Slice>>,
    pub origins: Fact<Vec<Slice>>,
    pub sellers: Fact<Vec<Slice>>,
    pub brokers: Fact<Vec<Slice>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Total {
    pub declarations: i64,
    pub value_krw: i64,
    pub duty_krw: i64,
}

/// A quarter, beside those before.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QuarterTrend {
    /// Its first day.
    pub start: Date,
    pub declarations: i64,
    pub value_krw: i64,
    pub mass_kg: f64,
    pub duty_krw: i64,
    /// Value against the quarter before, as a share: 0.1 is a tenth more. Absent where there was none.
    pub on_quarter: Option<f64>,
    /// Against the same quarter of the year before.
    pub on_year: Option<f64>,
}

/// One of the greatest, with its share of the whole.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Slice {
    #[serde(flatten)]
    pub tally: Tally,
    /// Of the value of the four quarters.
    pub share: f64,
}

/// The greatest that are told.
const TOP: usize = 5;

pub fn trade(register: &Register, id: &str, all: Span, quarter: Span, year: Span) -> Result<Option<Trade>, Error> {
    let found = register.quarters(id, all)?;
    if found.is_empty() {
        return Ok(None);
    }
    let total = found.iter().fold(Total::default(), |sum, quarter| Total {
        declarations: sum.declarations + quarter.declarations,
        value_krw: sum.value_krw + quarter.value_krw,
        duty_krw: sum.duty_krw + quarter.duty_krw,
    });
    let full: Vec<Quarter> = found.into_iter().filter(|found| found.start <= quarter.from).collect();
    let quarters = trends(&full, all.from, quarter.from);
    let source = |span: Span| Source::within("declarations", "importer", id, span);
    let last = quarters.last().cloned().unwrap_or(trend(&[], quarter.from));
    let first_day = quarters.first().map_or(quarter.from, |first| first.start);
    let greatest = |by: Dimension| -> Result<Fact<Vec<Slice>>, Error> {
        let tallies = register.top(id, by, year, TOP)?;
        let of_year: i64 =
            full.iter().filter(|quarter| quarter.start >= year.from).map(|quarter| quarter.value_krw).sum();
        let mut slices = Vec::new();
        for mut tally in tallies {
            let kind = match by {
                Dimension::Seller => Some(PartyKind::Seller),
                Dimension::Broker => Some(PartyKind::Broker),
                _ => None,
            };
            if let Some(party) = kind.map(|kind| register.party_of(kind, &tally.key)).transpose()?.flatten() {
                (tally.name_ko, tally.name_en) = (party.name_ko, party.name_en);
            }
            slices.push(Slice { share: tally.value_krw as f64 / of_year.max(1) as f64, tally });
        }
        Ok(Fact { value: slices, source: source(year) })
    };
    Ok(Some(Trade {
        total: Fact { value: total, source: source(all) },
        last_quarter: Fact { value: last, source: source(quarter) },
        quarters: Fact { value: quarters, source: source(Span { from: first_day, to: quarter.to }) },
        goods: greatest(Dimension::Hs)?,
        origins: greatest(Dimension::Origin)?,
        sellers: greatest(Dimension::Seller)?,
        brokers: greatest(Dimension::Broker)?,
    }))
}

/// Every quarter from the one of `first` to the one that begins at `last`.
fn trends(found: &[Quarter], first: Date, last: Date) -> Vec<QuarterTrend> {
    let mut start = quarter_of(first).from;
    let mut trends = Vec::new();
    while start <= last {
        trends.push(trend(found, start));
        start = start.saturating_add(3.months());
    }
    trends
}

fn trend(found: &[Quarter], start: Date) -> QuarterTrend {
    let at = |start: Date| found.iter().find(|quarter| quarter.start == start);
    let value = |start: Date| at(start).map_or(0, |quarter| quarter.value_krw);
    let against = |before: i64| (before > 0).then(|| value(start) as f64 / before as f64 - 1.0);
    let quarter = at(start);
    QuarterTrend {
        start,
        declarations: quarter.map_or(0, |quarter| quarter.declarations),
        value_krw: value(start),
        mass_kg: quarter.map_or(0.0, |quarter| quarter.mass_kg),
        duty_krw: quarter.map_or(0, |quarter| quarter.duty_krw),
        on_quarter: against(value(start.saturating_sub(3.months()))),
        on_year: against(value(start.saturating_sub(12.months()))),
    }
}
