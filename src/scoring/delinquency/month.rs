//! A month of the calendar, in which dues fall due. In and out: `2026-01`.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::scoring::table::days_since_1970;

/// Counted from January of the year 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Month(i32);

/// A text that is no month.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no month such as 2026-01")]
pub struct NotAMonth(String);

impl Month {
    pub fn of(date: Date) -> Self {
        Self(i32::from(date.year()) * 12 + i32::from(date.month()) - 1)
    }

    /// From a count of months since January of the year 0, within the calendar's years.
    pub(super) fn from_count(count: i32) -> Self {
        Self(count.clamp(0, 9_998 * 12 + 11))
    }

    pub fn year(self) -> i32 {
        self.0.div_euclid(12)
    }

    /// 1 to 12.
    pub fn in_year(self) -> i32 {
        self.0.rem_euclid(12) + 1
    }

    #[must_use]
    pub fn plus(self, months: i32) -> Self {
        Self::from_count(self.0 + months)
    }

    /// Months from `earlier` to this one.
    pub fn since(self, earlier: Self) -> i32 {
        self.0 - earlier.0
    }

    /// Its last day, in days since 1970.
    pub fn last_day(self) -> i32 {
        let first = Date::new(self.year() as i16, self.in_year() as i8, 1).expect("months lie within the calendar");
        days_since_1970(first.last_of_month())
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year(), self.in_year())
    }
}

/// Characters of a month as text: `2025-06`.
const LEN: usize = 7;

impl FromStr for Month {
    type Err = NotAMonth;

    fn from_str(text: &str) -> Result<Self, NotAMonth> {
        // The library takes a month of one digit, too.
        let date = Date::strptime("%Y-%m-%d", format!("{text}-01")).ok().filter(|_| text.len() == LEN);
        date.map(Self::of).ok_or_else(|| NotAMonth(text.into()))
    }
}

impl TryFrom<String> for Month {
    type Error = NotAMonth;

    fn try_from(text: String) -> Result<Self, NotAMonth> {
        text.parse()
    }
}

impl From<Month> for String {
    fn from(month: Month) -> Self {
        month.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_count_on_over_the_year_and_know_their_last_day() {
        let december: Month = "2025-12".parse().unwrap();
        assert_eq!(december.plus(2).to_string(), "2026-02");
        assert_eq!(december.plus(2).since(december), 2);
        assert_eq!(december.plus(2).last_day(), days_since_1970(Date::constant(2026, 2, 28)));
        assert_eq!((december.year(), december.in_year()), (2025, 12));
        for text in ["2025", "2025-13", "2025-1x", "", "2025-12-01"] {
            assert_eq!(text.parse::<Month>(), Err(NotAMonth(text.into())));
        }
    }
}
