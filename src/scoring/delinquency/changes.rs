//! What a company could do: histories as they would stand had it done so.
//!
//! A change is made to the history and not to a number of it, so that all factors that hang together move together.

use serde::Serialize;

use super::history::{Due, History, Standing};
use super::scale::Grade;

/// Something that lies in a company's hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// All arrears are paid at the end of the as-of month.
    PayArrears,
    /// The last three months' dues were paid on their day, as they will have been after three such months.
    PayOnTime,
}

/// The change that helps most.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Helpful {
    /// Stable: `pay_arrears`, `pay_on_time`.
    pub code: &'static str,
    pub en: &'static str,
    pub ko: &'static str,
    pub probability: f64,
    pub score: u16,
    pub grade: Grade,
}

/// Months that [`Change::PayOnTime`] is about.
const MONTHS_ON_TIME: i32 = 3;

impl Change {
    pub const ALL: [Self; 2] = [Self::PayArrears, Self::PayOnTime];

    pub fn code(self) -> &'static str {
        match self {
            Self::PayArrears => "pay_arrears",
            Self::PayOnTime => "pay_on_time",
        }
    }

    pub fn words(self) -> [&'static str; 2] {
        match self {
            Self::PayArrears => ["pay all arrears now", "미납액을 지금 모두 납부"],
            Self::PayOnTime => ["pay three months' dues on the day they fall due", "3개월간 납부기한 당일까지 납부"],
        }
    }

    /// The history had it been so; `None` where there is nothing to change.
    pub fn apply(self, history: &History) -> Option<History> {
        let as_of = history.as_of;
        let changed = |due: &Due| match (self, due.standing(as_of)?) {
            (Self::PayArrears, Standing::Open { days, .. }) => Some(Due { paid: due.due, days_late: days, ..*due }),
            (Self::PayOnTime, standing) if as_of.since(due.month) <= MONTHS_ON_TIME && standing.days() > 0.0 => {
                Some(Due { paid: due.due, days_late: 0.0, ..*due })
            }
            _ => None,
        };
        let mut dues = history.dues.clone();
        let mut is_changed = false;
        for due in &mut dues {
            if let Some(other) = changed(due) {
                *due = other;
                is_changed = true;
            }
        }
        is_changed.then(|| History { dues, ..history.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scoring::delinquency::history::Firm;

    #[test]
    fn a_change_leaves_nothing_owed_and_nothing_else_touched() {
        let due = |text: &str, paid, days_late| Due { month: text.parse().unwrap(), due: 100.0, paid, days_late };
        let history = History {
            company: "A".into(),
            as_of: "2025-06".parse().unwrap(),
            dues: vec![
                due("2025-01", 40.0, 50.0),
                due("2025-04", 100.0, 9.0),
                due("2025-05", 100.0, 70.0),
                due("2025-07", 0.0, 0.0),
            ],
            trade: None,
            audits: None,
            firm: Firm::default(),
        };
        let paid = Change::PayArrears.apply(&history).unwrap();
        let standings: Vec<Standing> = paid.standings().map(|(_, standing, _)| standing).collect();
        assert_eq!(
            standings,
            [Standing::Paid { days: 30.0 }, Standing::Paid { days: 9.0 }, Standing::Paid { days: 150.0 }]
        );
        assert_eq!(paid.dues[3], history.dues[3]);
        let on_time = Change::PayOnTime.apply(&history).unwrap();
        assert_eq!(
            (on_time.dues[0], on_time.dues[1].days_late, on_time.dues[2].days_late),
            (history.dues[0], 0.0, 0.0)
        );
        assert_eq!(Change::PayOnTime.apply(&on_time), None, "there is nothing left to do");
    }
}
