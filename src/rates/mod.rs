//! Exchange rates by the legal week and duty rates by HS code, as the administration publishes them.
//!
//! In: `exchange.csv` (`currency,from,to,krw`) and `tariff.csv` (`hs,type,rate,from,to`) of a folder; dates are ISO 8601,
//! both included, and may be empty in the tariff. Out: the rate of a day. A week that is not there is an absence and never
//! filled from another. Deliberately knows no law: which week and which type apply is the caller's business.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Serialize;

use crate::durable;

/// Why the tables cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("`{path}` cannot be read: {source}")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("`{path}` line {line}: `{column}` must be {expected}, got `{value}`")]
    Field { path: PathBuf, line: u64, column: &'static str, expected: &'static str, value: String },
    #[error("`{path}` has no column `{column}`; it has {found}")]
    Column { path: PathBuf, column: &'static str, found: String },
    #[error("`{path}` cannot be written: {source}")]
    Disk { path: PathBuf, source: std::io::Error },
    #[error("`{path}` line {line}: {reason}")]
    Row { path: PathBuf, line: u64, reason: String },
}

/// A currency's rate for a week.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Exchange {
    pub currency: String,
    pub from: Date,
    pub to: Date,
    /// Won for one unit.
    pub krw: Decimal,
}

/// A duty rate of a code.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Duty {
    /// Digits alone; the rate holds for all codes that begin so.
    pub hs: String,
    pub kind: String,
    /// Percent.
    pub rate: Decimal,
    pub from: Option<Date>,
    pub to: Option<Date>,
}

/// The tables. Read once, then only looked into.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rates {
    exchange: BTreeMap<String, Vec<Exchange>>,
    duties: BTreeMap<String, Vec<Duty>>,
}

/// The folder's name in the home folder.
pub const FOLDER: &str = "rates";

/// Copies the tables of `folder` into the home folder, each in place of the one before; those that are not there are left
/// as they are. Returns the names of those copied.
///
/// # Errors
/// Tables that cannot be used, and then none is copied; a disk that does not take them.
pub fn import(home: &Path, folder: &Path) -> Result<Vec<&'static str>, Error> {
    Rates::read(folder)?;
    let to = home.join(FOLDER);
    let mut copied = Vec::new();
    for name in ["exchange.csv", "tariff.csv"] {
        let from = folder.join(name);
        let Ok(bytes) = std::fs::read(&from) else { continue };
        let disk = |source| Error::Disk { path: to.join(name), source };
        std::fs::create_dir_all(&to).map_err(disk)?;
        let unfinished = to.join(format!(".{name}"));
        durable::write(&unfinished, &bytes).map_err(disk)?;
        std::fs::rename(&unfinished, to.join(name)).map_err(disk)?;
        copied.push(name);
    }
    Ok(copied)
}

impl Rates {
    /// The tables of a folder; those that are not there are empty.
    ///
    /// # Errors
    /// The file, line and column of what cannot be used.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let mut rates = Self::default();
        each_row(&folder.join("exchange.csv"), ["currency", "from", "to", "krw"], |row| {
            let exchange = Exchange {
                currency: row.text(0).to_uppercase(),
                from: row.parse(1, "a day such as 2025-03-31")?,
                to: row.parse(2, "a day such as 2025-03-31")?,
                krw: row.decimal(3)?,
            };
            rates.exchange.entry(exchange.currency.clone()).or_default().push(exchange);
            Ok(())
        })?;
        each_row(&folder.join("tariff.csv"), ["hs", "type", "rate", "from", "to"], |row| {
            let day = |at: usize| match row.text(at) {
                "" => Ok(None),
                _ => row.parse(at, "a day such as 2025-03-31, or empty").map(Some),
            };
            let duty = Duty {
                hs: row.text(0).chars().filter(char::is_ascii_digit).collect(),
                kind: row.text(1).to_owned(),
                rate: row.decimal(2)?,
                from: day(3)?,
                to: day(4)?,
            };
            rates.duties.entry(duty.hs.clone()).or_default().push(duty);
            Ok(())
        })?;
        for weeks in rates.exchange.values_mut() {
            weeks.sort_by_key(|week| week.from);
        }
        Ok(rates)
    }

    /// The rate of a currency in the week that holds `day`.
    pub fn exchange(&self, currency: &str, day: Date) -> Option<&Exchange> {
        let weeks = self.exchange.get(&currency.to_uppercase())?;
        let at = weeks.partition_point(|week| week.from <= day).checked_sub(1)?;
        Some(&weeks[at]).filter(|week| week.to >= day)
    }

    /// The currencies there are, with the days they are known for.
    pub fn currencies(&self) -> impl Iterator<Item = (&str, Date, Date)> {
        self.exchange
            .iter()
            .filter_map(|(currency, weeks)| Some((currency.as_str(), weeks.first()?.from, weeks.last()?.to)))
    }

    /// The rates of a code on a day: those of the longest code that `hs` begins with.
    pub fn duties(&self, hs: &str, day: Date) -> Vec<&Duty> {
        let digits: String = hs.chars().filter(char::is_ascii_digit).collect();
        let in_force = |duty: &&Duty| duty.from.is_none_or(|from| from <= day) && duty.to.is_none_or(|to| to >= day);
        (2..=digits.len())
            .rev()
            .map(|len| self.duties.get(&digits[..len]).map_or(&[][..], Vec::as_slice))
            .map(|duties| duties.iter().filter(in_force).collect::<Vec<_>>())
            .find(|duties| !duties.is_empty())
            .unwrap_or_default()
    }
}

/// A row of a table, by the columns asked for.
struct Row<'a> {
    path: &'a Path,
    line: u64,
    columns: &'a [&'static str],
    fields: Vec<String>,
}

impl Row<'_> {
    fn text(&self, at: usize) -> &str {
        self.fields[at].trim()
    }

    fn parse<T: FromStr>(&self, at: usize, expected: &'static str) -> Result<T, Error> {
        self.text(at).parse().map_err(|_| Error::Field {
            path: self.path.into(),
            line: self.line,
            column: self.columns[at],
            expected,
            value: self.text(at).to_owned(),
        })
    }

    fn decimal(&self, at: usize) -> Result<Decimal, Error> {
        let expected = "a number of at least 0";
        let value: Decimal = self.parse(at, expected)?;
        if value.is_sign_negative() {
            let (path, value) = (self.path.into(), self.text(at).to_owned());
            return Err(Error::Field { path, line: self.line, column: self.columns[at], expected, value });
        }
        Ok(value)
    }
}

fn each_row<const N: usize>(
    path: &Path,
    columns: [&'static str; N],
    mut take: impl FnMut(&Row<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(Error::Unreadable { path: path.into(), source }),
    };
    let broken = |error: csv::Error| Error::Row {
        path: path.into(),
        line: error.position().map_or(0, csv::Position::line),
        reason: error.to_string(),
    };
    let mut csv = csv::Reader::from_reader(file);
    let header = csv.headers().map_err(broken)?.clone();
    let mut places = [0; N];
    for (place, column) in places.iter_mut().zip(columns) {
        let found = header.iter().position(|name| name.trim().trim_start_matches('\u{feff}') == column);
        *place = found.ok_or_else(|| Error::Column {
            path: path.into(),
            column,
            found: header.iter().collect::<Vec<_>>().join(", "),
        })?;
    }
    for record in csv.records() {
        let record = record.map_err(broken)?;
        let line = record.position().map_or(0, csv::Position::line);
        let fields = places.iter().map(|place| record[*place].to_owned()).collect();
        take(&Row { path, line, columns: &columns, fields })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn folder(exchange: &str, tariff: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("exchange.csv"), exchange).unwrap();
        std::fs::write(folder.path().join("tariff.csv"), tariff).unwrap();
        folder
    }

    #[test]
    fn a_day_has_the_rate_of_its_week_and_no_other() {
        let folder = folder(
            "currency,from,to,krw\nUSD,2025-03-02,2025-03-08,1450.25\nUSD,2025-03-16,2025-03-22,1460\n",
            "hs,type,rate,from,to\n8414,A,8,,\n841430,FKR,0,2025-01-01,2025-12-31\n",
        );
        let rates = Rates::read(folder.path()).unwrap();
        assert_eq!(rates.exchange("usd", date(2025, 3, 8)).unwrap().krw.to_string(), "1450.25");
        assert!(rates.exchange("USD", date(2025, 3, 10)).is_none(), "a week that is missing has no rate");
        assert_eq!(rates.duties("8414.30.1000", date(2025, 6, 1))[0].kind, "FKR");
        assert_eq!(rates.duties("8414301000", date(2026, 6, 1))[0].kind, "A");
        assert!(rates.duties("0101", date(2025, 6, 1)).is_empty());
    }

    #[test]
    fn a_bad_row_is_named_with_its_line_and_column() {
        let folder = folder("currency,from,to,krw\nUSD,2025-03-02,2025-03-08,-1\n", "hs,type,rate,from,to\n");
        let error = Rates::read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("line 2: `krw` must be a number of at least 0, got `-1`"), "{error}");
    }
}
