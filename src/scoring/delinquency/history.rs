//! What is known of one company, and how its debts stood on a day.
//!
//! Tables, pipes and other modules all come down to a [`History`]. It may reach beyond its `as_of`: whatever became known
//! later is left out by [`Due::standing`] and by the factors, so one history serves every month that a training looks
//! back from.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::month::Month;
use crate::scoring::table::days_since_1970;

/// A company as a score sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct History {
    pub company: String,
    /// Seen from the last day of this month.
    pub as_of: Month,
    /// One a month, in order of time.
    pub dues: Vec<Due>,
    /// Months with declarations, in order of time; absent where nothing is known of them.
    #[serde(default)]
    pub trade: Option<Vec<Trade>>,
    /// Absent where nothing is known of them.
    #[serde(default)]
    pub audits: Option<Vec<Audit>>,
    #[serde(default)]
    pub firm: Firm,
}

/// What fell due at the end of a month, and how it was paid.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Due {
    pub month: Month,
    /// Won.
    pub due: f64,
    /// Won paid in all; what is less than `due` is open to this day.
    pub paid: f64,
    /// Days after the end of the month on which it was paid.
    pub days_late: f64,
}

/// The declarations of a month.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trade {
    pub month: Month,
    pub declarations: u32,
    /// Won.
    pub value: f64,
    pub duty: f64,
    /// Value by heading of the goods.
    #[serde(default)]
    pub goods: Vec<(String, f64)>,
}

/// An audit of the books.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    pub date: Date,
    /// Won; 0 where nothing was found.
    pub claimed: f64,
}

/// The company itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Firm {
    pub founded: Option<Date>,
    pub closed: Option<Date>,
    /// A company that closed within the year before this one was founded, and with which it has something in common.
    pub risen_from: Option<Predecessor>,
}

/// The company that another rose from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Predecessor {
    pub company: String,
    pub dues: Vec<Due>,
}

/// How a due stands, by what is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Standing {
    /// Paid, so many days late.
    Paid { days: f64 },
    /// Open for so many days.
    Open { days: f64, amount: f64 },
}

/// A line that is no history.
#[derive(Debug, thiserror::Error)]
pub enum NotAHistory {
    #[error("it is no history in JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("`{part}` is not in order of time, or has {month} twice")]
    Order { part: &'static str, month: Month },
    #[error("{what} of {month} is {value}, and at least 0 is possible")]
    Amount { what: &'static str, month: Month, value: f64 },
}

/// Days after which a due that is not paid counts as a default.
pub const DEFAULT_DAYS: f64 = 30.0;
/// Dues of so many months after the as-of month are looked at.
pub const HORIZON: i32 = 6;
/// Months after which the last of them is known to be in default or not.
pub const KNOWN_AFTER: i32 = HORIZON + 2;

impl Due {
    /// How it stood at the end of `as_of`. Of what fell due on that very day nothing is known yet.
    pub fn standing(&self, as_of: Month) -> Option<Standing> {
        if self.month >= as_of {
            return None;
        }
        let days = f64::from(as_of.last_day() - self.month.last_day());
        let was_paid_by_then = self.days_late <= days;
        Some(match self.is_open() {
            false if was_paid_by_then => Standing::Paid { days: self.days_late },
            // What was paid in part, or is paid later, was open.
            _ => Standing::Open { days, amount: if was_paid_by_then { self.due - self.paid } else { self.due } },
        })
    }

    /// Whether it was in default in the end.
    pub fn defaulted(&self) -> bool {
        self.is_open() || self.days_late > DEFAULT_DAYS
    }

    fn is_open(&self) -> bool {
        // Half a won is rounding.
        self.paid < self.due - 0.5
    }
}

impl Standing {
    /// In default, or open for a month: a due that is paid at all is paid before that.
    pub fn is_late(self) -> bool {
        match self {
            Self::Paid { days } => days > DEFAULT_DAYS,
            Self::Open { .. } => true,
        }
    }

    pub fn days(self) -> f64 {
        match self {
            Self::Paid { days } | Self::Open { days, .. } => days,
        }
    }

    /// Won still owed.
    pub fn owed(self) -> f64 {
        match self {
            Self::Paid { .. } => 0.0,
            Self::Open { amount, .. } => amount,
        }
    }
}

impl History {
    /// A history from one line of JSON.
    ///
    /// # Errors
    /// Other JSON, months out of order, amounts below 0.
    pub fn parse(line: &str) -> Result<Self, NotAHistory> {
        let history: Self = serde_json::from_str(line)?;
        let predecessor = history.firm.risen_from.iter().flat_map(|from| &from.dues);
        for Due { month, due, paid, days_late } in history.dues.iter().chain(predecessor) {
            for (what, value) in [("`due`", *due), ("`paid`", *paid), ("`days_late`", *days_late)] {
                if value < 0.0 {
                    return Err(NotAHistory::Amount { what, month: *month, value });
                }
            }
        }
        let trade: Vec<Month> = history.trade.iter().flatten().map(|trade| trade.month).collect();
        let dues = |dues: &[Due]| dues.iter().map(|due| due.month).collect::<Vec<_>>();
        let from = history.firm.risen_from.as_ref().map_or(Vec::new(), |from| dues(&from.dues));
        for (part, months) in [("dues", dues(&history.dues)), ("trade", trade), ("firm.risen_from.dues", from)] {
            if let Some(pair) = months.windows(2).find(|pair| pair[0] >= pair[1]) {
                return Err(NotAHistory::Order { part, month: pair[1] });
            }
        }
        Ok(history)
    }

    /// How many months ago each due fell due, how it stands, and its amount; the latest first.
    pub fn standings(&self) -> impl Iterator<Item = (i32, Standing, f64)> {
        standings(&self.dues, self.as_of)
    }

    /// Whether the company had closed by then.
    pub fn had_closed(&self) -> bool {
        self.firm.closed.is_some_and(|closed| days_since_1970(closed) <= self.as_of.last_day())
    }

    /// Whether a due of the months that a score looks ahead to was in default; `None` if `last`, the last month of the
    /// ledgers, is too early to know.
    pub fn defaults_ahead(&self, last: Month) -> Option<bool> {
        if self.as_of.plus(KNOWN_AFTER) > last {
            return None;
        }
        let ahead = self.dues.iter().filter(|due| (1..=HORIZON).contains(&due.month.since(self.as_of)));
        Some(ahead.into_iter().any(Due::defaulted))
    }
}

/// The same of any dues.
pub fn standings(dues: &[Due], as_of: Month) -> impl Iterator<Item = (i32, Standing, f64)> {
    dues.iter().rev().filter_map(move |due| Some((as_of.since(due.month), due.standing(as_of)?, due.due)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn month(text: &str) -> Month {
        text.parse().unwrap()
    }

    #[test]
    fn a_due_stands_as_it_was_known_and_not_as_it_came_out() {
        let paid_late = Due { month: month("2025-01"), due: 100.0, paid: 100.0, days_late: 40.0 };
        assert_eq!(paid_late.standing(month("2025-01")), None, "it has only just fallen due");
        assert_eq!(paid_late.standing(month("2025-02")), Some(Standing::Open { days: 28.0, amount: 100.0 }));
        assert_eq!(paid_late.standing(month("2025-03")), Some(Standing::Paid { days: 40.0 }));
        let in_part = Due { paid: 60.0, ..paid_late };
        assert_eq!(in_part.standing(month("2025-02")), Some(Standing::Open { days: 28.0, amount: 100.0 }));
        assert_eq!(in_part.standing(month("2025-03")), Some(Standing::Open { days: 59.0, amount: 40.0 }));
        assert!(in_part.defaulted() && paid_late.defaulted());
        assert!(!Due { days_late: 30.0, ..paid_late }.defaulted());
    }

    #[test]
    fn a_line_that_is_no_history_says_why() {
        let line = |dues: &str| format!(r#"{{"company":"A","as_of":"2025-06","dues":[{dues}]}}"#);
        let due = r#"{"month":"2025-01","due":10,"paid":10,"days_late":3}"#;
        let history = History::parse(&line(due)).unwrap();
        assert_eq!(History::parse(&serde_json::to_string(&history).unwrap()).unwrap(), history);
        let error = |text: &str| History::parse(text).unwrap_err().to_string();
        assert!(error(&line(&format!("{due},{due}"))).contains("`dues` is not in order of time, or has 2025-01 twice"));
        assert!(error(&line(&due.replace("\"paid\":10", "\"paid\":-1"))).contains("`paid` of 2025-01 is -1"));
        assert!(error(&line(&due.replace("2025-01", "2025-1"))).contains("`2025-1` is no month"));
        assert!(error(&line(&due.replace("paid", "payed"))).contains("payed"));
    }

    #[test]
    fn what_lies_ahead_is_six_months_and_known_two_months_later() {
        let due = |text: &str, days_late| Due { month: month(text), due: 9.0, paid: 9.0, days_late };
        let mut history = History {
            company: "A".into(),
            as_of: month("2025-01"),
            dues: vec![due("2025-01", 99.0), due("2025-07", 3.0), due("2025-08", 99.0)],
            trade: None,
            audits: None,
            firm: Firm::default(),
        };
        assert_eq!(history.defaults_ahead(month("2025-08")), None);
        assert_eq!(history.defaults_ahead(month("2025-09")), Some(false));
        history.as_of = month("2025-02");
        assert_eq!(history.defaults_ahead(month("2025-12")), Some(true));
    }
}
