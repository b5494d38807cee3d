//! A company among those of its industry: what it pays for its goods, how it grows, how late it pays.

use std::collections::HashMap;

use jiff::civil::Date;
use serde::Serialize;

use super::period::year_before;
use super::{Error, Fact, Source, quoted};
use crate::register::{Dimension, Industry, Register, Span, TradeSum};

/// A company among its peers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Peers {
    /// The HS chapter that most of its imports by value are of, over all that the register holds.
    pub industry: Fact<Industry>,
    /// Companies of the same main chapter, itself not among them.
    pub num_peers: Fact<usize>,
    /// Won a kilogram, for each of its greatest goods that enough others import too.
    pub unit_values: Vec<Fact<UnitValue>>,
    /// Imports of the chapter in the last four quarters against the four before, as a share more or less.
    pub growth: Option<Fact<Rank>>,
    /// Share of months paid late or not.
    pub lateness: Option<Fact<Rank>>,
}

/// Where a company stands among others.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rank {
    pub own: f64,
    pub median: f64,
    /// Others that lie below, from 0 to 1; of equals, half.
    pub percentile: f64,
    /// Others compared with.
    pub others: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UnitValue {
    pub hs: String,
    pub name_ko: Option<String>,
    pub name_en: Option<String>,
    pub krw_per_kg: Rank,
}

/// Goods that are compared, and how many others there must be.
const GOODS: usize = 3;
const FEWEST: usize = 5;

pub fn peers(register: &Register, id: &str, as_of: Date, year: Span) -> Result<Option<Peers>, Error> {
    let Some(industry) = register.industry(id)? else { return Ok(None) };
    let chapter = industry.chapter.clone();
    let num_peers = register.peers(id, usize::MAX)?.len().saturating_sub(1);
    let mut unit_values = Vec::new();
    for goods in register.top(id, Dimension::Hs, year, GOODS)? {
        let sums = register.trade_of(&goods.key, year)?;
        let unit_value =
            |sum: &TradeSum| (sum.mass_kg > 0.0).then(|| (sum.importer.clone(), sum.value_krw as f64 / sum.mass_kg));
        let Some(krw_per_kg) = rank(id, sums.iter().filter_map(unit_value)) else { continue };
        unit_values.push(Fact {
            value: UnitValue { hs: goods.key.clone(), name_ko: goods.name_ko, name_en: goods.name_en, krw_per_kg },
            source: Source::Rows {
                table: "declarations",
                condition: format!("hs = {} AND date BETWEEN '{}' AND '{}'", quoted(&goods.key), year.from, year.to),
            },
        });
    }
    let before = year_before(year);
    let now: HashMap<String, i64> =
        register.trade_of(&chapter, year)?.into_iter().map(|sum| (sum.importer, sum.value_krw)).collect();
    // Whoever stopped is among them: it shrank by all.
    let growth = |past: TradeSum| {
        let now = now.get(&past.importer).copied().unwrap_or_default();
        (past.value_krw > 0).then(|| (past.importer, now as f64 / past.value_krw as f64 - 1.0))
    };
    let growth = rank(id, register.trade_of(&chapter, before)?.into_iter().filter_map(growth));
    let payments = register.payments_in(&chapter, as_of)?;
    let lateness = payments.iter().map(|of| (of.company.clone(), of.late_months as f64 / of.months.max(1) as f64));
    let lateness = rank(id, lateness);
    let of_chapter = format!("company IN (SELECT company FROM industries WHERE chapter = {})", quoted(&chapter));
    Ok(Some(Peers {
        num_peers: Fact {
            value: num_peers,
            source: Source::Rows {
                table: "industries",
                condition: format!("chapter = {} AND company <> {}", quoted(&chapter), quoted(id)),
            },
        },
        industry: Fact { value: industry, source: Source::of("industries", "company", id) },
        unit_values,
        growth: growth.map(|value| Fact {
            value,
            source: Source::Rows {
                table: "declarations",
                condition: format!(
                    "substr(hs, 1, 2) = {} AND date BETWEEN '{}' AND '{}'",
                    quoted(&chapter),
                    before.from,
                    year.to
                ),
            },
        }),
        lateness: lateness.map(|value| Fact {
            value,
            source: Source::Rows {
                table: "ledgers",
                condition: format!("{of_chapter} AND month <= '{}'", as_of.strftime("%Y-%m")),
            },
        }),
    }))
}

/// Where `id` stands among the others; `None` where it is not among them or they are too few.
fn rank(id: &str, values: impl Iterator<Item = (String, f64)>) -> Option<Rank> {
    let mut own = None;
    let mut others = Vec::new();
    for (company, value) in values {
        match company == id {
            true => own = Some(value),
            false => others.push(value),
        }
    }
    let own = own?;
    if others.len() < FEWEST {
        return None;
    }
    others.sort_by(f64::total_cmp);
    let below = others.partition_point(|other| *other < own);
    let equal = others.partition_point(|other| *other <= own) - below;
    let middle = others.len() / 2;
    let median = if others.len() % 2 == 1 { others[middle] } else { (others[middle - 1] + others[middle]) / 2.0 };
    let percentile = (below as f64 + equal as f64 / 2.0) / others.len() as f64;
    Some(Rank { own, median, percentile, others: others.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rank_counts_others_and_halves_equals() {
        let values = |own: f64| [("a", own), ("b", 1.0), ("c", 2.0), ("d", 2.0), ("e", 3.0), ("f", 4.0), ("g", 9.0)];
        let of = |own: f64| rank("a", values(own).into_iter().map(|(id, value)| (id.to_owned(), value))).unwrap();
        assert_eq!(of(2.0), Rank { own: 2.0, median: 2.5, percentile: 2.0 / 6.0, others: 6 });
        assert_eq!((of(0.0).percentile, of(10.0).percentile), (0.0, 1.0));
        assert!(rank("z", values(1.0).into_iter().map(|(id, value)| (id.to_owned(), value))).is_none());
        assert!(rank("a", values(1.0).into_iter().take(5).map(|(id, value)| (id.to_owned(), value))).is_none());
    }
}
