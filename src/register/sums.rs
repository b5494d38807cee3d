//! Sums over rows: what profiles and networks are drawn from. Periods include both their days.

use jiff::civil::Date;
use rusqlite::{OptionalExtension, Row, params};
use serde::Serialize;

use super::lookup::date;
use super::{Error, Register};

/// Days from the first to the last, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Span {
    pub from: Date,
    pub to: Date,
}

/// Trade of a company with a seller or through a broker.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PartnerSum {
    pub importer: String,
    /// The seller or the broker.
    pub partner: String,
    pub declarations: i64,
    pub value_krw: i64,
    pub first: Date,
    pub last: Date,
}

/// What a company deals in.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GoodsSum {
    pub importer: String,
    pub hs: String,
    pub declarations: i64,
    pub value_krw: i64,
}

/// A company's industry: the HS chapter that most of its imports by value are of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Industry {
    pub company: String,
    /// Two digits.
    pub chapter: String,
    pub value_krw: i64,
    pub total_krw: i64,
}

/// A quarter of a company's trade.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Quarter {
    /// Its first day.
    pub start: Date,
    pub declarations: i64,
    pub value_krw: i64,
    pub mass_kg: f64,
    pub duty_krw: i64,
}

/// By what a company's trade is summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Dimension {
    Hs,
    Origin,
    Seller,
    Broker,
    Office,
}

impl Dimension {
    pub fn column(self) -> &'static str {
        match self {
            Self::Hs => "hs",
            Self::Origin => "origin",
            Self::Seller => "seller",
            Self::Broker => "broker",
            Self::Office => "office",
        }
    }
}

/// One of the greatest, such as a seller with what was bought there.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tally {
    pub key: String,
    /// What goods are called; parties are told by their tables.
    pub name_ko: Option<String>,
    pub name_en: Option<String>,
    pub declarations: i64,
    pub value_krw: i64,
    pub mass_kg: f64,
}

/// A company's trade in a period, as far as it is asked for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TradeSum {
    pub importer: String,
    pub value_krw: i64,
    pub mass_kg: f64,
}

/// How a company paid.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Payment {
    pub company: String,
    pub months: i64,
    /// Months paid more than 30 days late, or not.
    pub late_months: i64,
    pub arrears_krw: i64,
    /// Months with arrears.
    pub unpaid_months: i64,
    /// The last month with arrears, `YYYY-MM`.
    pub last_arrears: Option<String>,
}

impl Register {
    /// From the first declaration to the last; `None` without any.
    ///
    /// # Errors
    /// [`Error::Sqlite`], here and below.
    pub fn span(&self) -> Result<Option<Span>, Error> {
        let connection = self.connection.lock();
        let sql = "SELECT first, last FROM (SELECT MIN(date) AS first FROM declarations),
            (SELECT MAX(date) AS last FROM declarations) WHERE first IS NOT NULL";
        Ok(connection.query_row(sql, [], |row| Ok(Span { from: date(row, 0)?, to: date(row, 1)? })).optional()?)
    }

    /// Who buys from whom.
    pub fn partners(&self) -> Result<Vec<PartnerSum>, Error> {
        self.all("SELECT importer, seller, declarations, value_krw, first, last FROM partners", partner)
    }

    /// Who declares through whom.
    pub fn brokerage(&self) -> Result<Vec<PartnerSum>, Error> {
        self.all("SELECT importer, broker, declarations, value_krw, first, last FROM brokerage", partner)
    }

    /// What all companies deal in.
    pub fn goods(&self) -> Result<Vec<GoodsSum>, Error> {
        self.all("SELECT importer, hs, declarations, value_krw FROM goods", |row| {
            Ok(GoodsSum { importer: row.get(0)?, hs: row.get(1)?, declarations: row.get(2)?, value_krw: row.get(3)? })
        })
    }

    pub fn industry(&self, company: &str) -> Result<Option<Industry>, Error> {
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached(&format!("{INDUSTRY} WHERE company = ?"))?;
        Ok(statement.query_row([company], industry).optional()?)
    }

    /// Companies whose main chapter is that of `company`, itself among them, the greatest first.
    pub fn peers(&self, company: &str, limit: usize) -> Result<Vec<Industry>, Error> {
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached(&format!(
            "{INDUSTRY} WHERE chapter = (SELECT chapter FROM industries WHERE company = ?1)
            ORDER BY total_krw DESC, company LIMIT ?2"
        ))?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        Ok(statement.query_map(params![company, limit], industry)?.collect::<Result<_, _>>()?)
    }

    /// A company's trade by quarter, the oldest first; quarters without trade are absent.
    pub fn quarters(&self, company: &str, span: Span) -> Result<Vec<Quarter>, Error> {
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached(
            "SELECT substr(date, 1, 4) || '-' || printf('%02d', (CAST(substr(date, 6, 2) AS INTEGER) - 1) / 3 * 3 + 1)
                || '-01' AS start, COUNT(*), SUM(value_krw), COALESCE(SUM(mass_kg), 0.0), COALESCE(SUM(duty_krw), 0)
            FROM declarations WHERE importer = ? AND date BETWEEN ? AND ? GROUP BY start ORDER BY start",
        )?;
        let (from, to) = (span.from.to_string(), span.to.to_string());
        let quarters = statement.query_map(params![company, from, to], |row| {
            Ok(Quarter {
                start: date(row, 0)?,
                declarations: row.get(1)?,
                value_krw: row.get(2)?,
                mass_kg: row.get(3)?,
                duty_krw: row.get(4)?,
            })
        })?;
        Ok(quarters.collect::<Result<_, _>>()?)
    }

    /// The greatest by value of a company's goods, origins, sellers and so on in a period.
    pub fn top(&self, company: &str, by: Dimension, span: Span, limit: usize) -> Result<Vec<Tally>, Error> {
        let column = by.column();
        let names = match by {
            Dimension::Hs => "MAX(item_ko), MAX(item_en)",
            _ => "NULL, NULL",
        };
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached(&format!(
            "SELECT {column}, {names}, COUNT(*), SUM(value_krw) AS value, COALESCE(SUM(mass_kg), 0.0) FROM declarations
            WHERE importer = ? AND date BETWEEN ? AND ? AND {column} IS NOT NULL
            GROUP BY {column} ORDER BY value DESC, {column} LIMIT ?"
        ))?;
        let (from, to) = (span.from.to_string(), span.to.to_string());
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let tallies = statement.query_map(params![company, from, to, limit], |row| {
            Ok(Tally {
                key: row.get(0)?,
                name_ko: row.get(1)?,
                name_en: row.get(2)?,
                declarations: row.get(3)?,
                value_krw: row.get(4)?,
                mass_kg: row.get(5)?,
            })
        })?;
        Ok(tallies.collect::<Result<_, _>>()?)
    }

    /// What each company imported in a period under codes that begin with `hs_prefix`.
    pub fn trade_of(&self, hs_prefix: &str, span: Span) -> Result<Vec<TradeSum>, Error> {
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached(
            "SELECT importer, SUM(value_krw), COALESCE(SUM(mass_kg), 0.0) FROM declarations
            WHERE hs >= ? AND hs < ? AND date BETWEEN ? AND ? GROUP BY importer",
        )?;
        let end = format!("{hs_prefix}:");
        let (from, to) = (span.from.to_string(), span.to.to_string());
        let sums = statement.query_map(params![hs_prefix, end, from, to], |row| {
            Ok(TradeSum { importer: row.get(0)?, value_krw: row.get(1)?, mass_kg: row.get(2)? })
        })?;
        Ok(sums.collect::<Result<_, _>>()?)
    }

    /// How all companies with a ledger paid, up to a day.
    pub fn payments(&self, to: Date) -> Result<Vec<Payment>, Error> {
        self.payments_where("1 = ?2", to, 1)
    }

    /// How the companies of an industry paid, up to a day.
    pub fn payments_in(&self, chapter: &str, to: Date) -> Result<Vec<Payment>, Error> {
        self.payments_where("company IN (SELECT company FROM industries WHERE chapter = ?2)", to, chapter)
    }

    fn payments_where(&self, condition: &str, to: Date, value: impl rusqlite::ToSql) -> Result<Vec<Payment>, Error> {
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached(&format!(
            "SELECT company, COUNT(*), SUM(days_late > 30 OR arrears_krw > 0), SUM(arrears_krw),
                SUM(arrears_krw > 0),
                MAX(CASE WHEN arrears_krw > 0 THEN month END)
            FROM ledgers WHERE month <= ?1 AND {condition} GROUP BY company"
        ))?;
        let month = to.strftime("%Y-%m").to_string();
        let payments = statement.query_map(params![month, value], |row| {
            Ok(Payment {
                company: row.get(0)?,
                months: row.get(1)?,
                late_months: row.get(2)?,
                arrears_krw: row.get(3)?,
                unpaid_months: row.get(4)?,
                last_arrears: row.get(5)?,
            })
        })?;
        Ok(payments.collect::<Result<_, _>>()?)
    }

    /// How many of a company's declarations were looked into up to a day, and in how many fraud was found.
    pub fn inspections(&self, company: &str, to: Date) -> Result<(i64, i64), Error> {
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached(
            "SELECT COUNT(fraud), COALESCE(SUM(fraud), 0) FROM declarations WHERE importer = ? AND date <= ?",
        )?;
        Ok(statement.query_row(params![company, to.to_string()], |row| Ok((row.get(0)?, row.get(1)?)))?)
    }
}

const INDUSTRY: &str = "SELECT company, chapter, value_krw, total_krw FROM industries";

fn industry(row: &Row) -> rusqlite::Result<Industry> {
    Ok(Industry { company: row.get(0)?, chapter: row.get(1)?, value_krw: row.get(2)?, total_krw: row.get(3)? })
}

fn partner(row: &Row) -> rusqlite::Result<PartnerSum> {
    Ok(PartnerSum {
        importer: row.get(0)?,
        partner: row.get(1)?,
        declarations: row.get(2)?,
        value_krw: row.get(3)?,
        first: date(row, 4)?,
        last: date(row, 5)?,
    })
}
