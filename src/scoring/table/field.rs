//! One field of a row: text to a number, a goods code, a day, a label; or the reason why it is none.

use jiff::civil::Date;
use serde::Serialize;

/// A row that cannot be used.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Refused {
    pub line: u64,
    pub reason: Reason,
}

/// Why a row cannot be used.
#[derive(Clone, Debug, PartialEq, Serialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reason {
    #[error("{found} fields under {expected} headers")]
    Fields { expected: usize, found: usize },
    #[error("`{column}` holds `{value}`, which is no number")]
    NotANumber { column: String, value: String },
    #[error("`{column}` is {value}, and at least {limit} is possible")]
    TooSmall { column: String, value: f64, limit: f64 },
    #[error("`{column}` holds `{value}`, which is no HS code of 2 to 10 digits")]
    NotAnHsCode { column: String, value: String },
    #[error("`{column}` holds `{value}`, which is no date such as 2026-01-31 or 20260131")]
    NotADate { column: String, value: String },
    #[error("`{column}` holds `{value}`, which is no month such as 2026-01 or 202601")]
    NotAMonth { column: String, value: String },
    #[error("`{column}` is {date}, which lies after today, {today}")]
    FutureDate { column: String, date: Date, today: Date },
    #[error("`{column}` holds `{value}`, and the label is one of {expected}")]
    NotALabel { column: String, value: String, expected: String },
    #[error("`{column}` is empty")]
    Empty { column: String },
    #[error("`{column}` is `{key}`, the key of line {first} already")]
    DuplicateKey { column: String, key: String, first: u64 },
}

/// A field with the header it stands under.
pub(super) struct Field<'a> {
    pub header: &'a str,
    pub text: &'a str,
}

impl Field<'_> {
    /// A missing number is NaN.
    pub fn number(&self, at_least: Option<f64>) -> Result<f64, Reason> {
        if self.text.is_empty() {
            return Ok(f64::NAN);
        }
        let number = self.text.parse().ok().filter(|number: &f64| number.is_finite());
        let value = number.ok_or_else(|| Reason::NotANumber { column: self.header.into(), value: self.text.into() })?;
        match at_least {
            Some(limit) if value < limit => Err(Reason::TooSmall { column: self.header.into(), value, limit }),
            _ => Ok(value),
        }
    }

    /// Digits alone. Spreadsheets eat a leading zero, and chapters have two digits, so an odd number of them lacks one.
    pub fn hs(&self) -> Result<String, Reason> {
        let digits: String = self.text.chars().filter(|c| !matches!(c, '.' | '-' | ' ')).collect();
        if digits.is_empty() {
            return Ok(digits);
        }
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) || !(2..=10).contains(&digits.len()) {
            return Err(Reason::NotAnHsCode { column: self.header.into(), value: self.text.into() });
        }
        Ok(if digits.len() % 2 == 1 { format!("0{digits}") } else { digits })
    }

    pub fn date(&self, today: Date) -> Result<Date, Reason> {
        let date = self.calendar_date();
        let date = date.ok_or_else(|| Reason::NotADate { column: self.header.into(), value: self.text.into() })?;
        self.not_after(date, Some(today))
    }

    /// Days since 1970-01-01; a missing one is NaN.
    pub fn day(&self, today: Option<Date>) -> Result<f64, Reason> {
        if self.text.is_empty() {
            return Ok(f64::NAN);
        }
        let date = self.calendar_date();
        let date = date.ok_or_else(|| Reason::NotADate { column: self.header.into(), value: self.text.into() })?;
        Ok(f64::from(days_since_1970(self.not_after(date, today)?)))
    }

    /// Months since the year 0, of a month or of a day in it.
    pub fn month(&self, today: Option<Date>) -> Result<f64, Reason> {
        let first = ["-01", "01"].iter().zip(["%Y-%m-%d", "%Y%m%d"]);
        let of_month = first.filter_map(|(day, format)| Date::strptime(format, format!("{}{day}", self.text)).ok());
        let date = self.calendar_date().or_else(|| of_month.into_iter().next());
        let date = date.ok_or_else(|| Reason::NotAMonth { column: self.header.into(), value: self.text.into() })?;
        let date = self.not_after(date, today)?;
        Ok(f64::from(i32::from(date.year()) * 12 + i32::from(date.month()) - 1))
    }

    fn calendar_date(&self) -> Option<Date> {
        ["%Y-%m-%d", "%Y%m%d"].iter().find_map(|format| Date::strptime(format, self.text).ok())
    }

    fn not_after(&self, date: Date, today: Option<Date>) -> Result<Date, Reason> {
        match today {
            Some(today) if date > today => Err(Reason::FutureDate { column: self.header.into(), date, today }),
            _ => Ok(date),
        }
    }

    pub fn label(&self, positive: &[String], negative: &[String]) -> Result<bool, Reason> {
        let is_one_of = |texts: &[String]| texts.iter().any(|text| text == self.text);
        match (is_one_of(positive), is_one_of(negative)) {
            (true, _) => Ok(true),
            (_, true) => Ok(false),
            _ => Err(Reason::NotALabel {
                column: self.header.into(),
                value: self.text.into(),
                expected: [positive, negative].concat().join(", "),
            }),
        }
    }
}

/// Days from 1970-01-01 to `date`.
pub fn days_since_1970(date: Date) -> i32 {
    date.duration_since(Date::constant(1970, 1, 1)).as_hours() as i32 / 24
}
