//! Spans of time as people say them: "last quarter", "2024년 3분기", "since March 2025", "2025-01-01 to 2025-03-31".
//!
//! In: a request, and the day it is asked about. Out: a first and a last day, both included.

use std::sync::LazyLock;

use jiff::civil::Date;
use jiff::{Span, ToSpan};
use regex::Regex;

static DAY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(\d{4})\s*(?:[-./]|년)\s*(\d{1,2})\s*(?:[-./]|월)\s*(\d{1,2})일?").expect("a valid pattern")
});
static QUARTER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(\d{4})\s*년?\s*(?:q([1-4])|제?\s*([1-4])\s*(?:분기|quarter))|\bq([1-4])\s*(?:of\s*)?(\d{4})|\b([1-4])(?:st|nd|rd|th) quarter (?:of )?(\d{4})")
        .expect("a valid pattern")
});
static MONTH: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)(\d{4})\s*(?:-|년\s*)(\d{1,2})(?:월|\b)|(january|february|march|april|may|june|july|august|september|october|november|december)\s+(\d{4})")
        .expect("a valid pattern")
});
static YEAR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)(?:in|for|during|of|throughout)\s+(20\d{2})\b|(20\d{2})\s*년").expect("a valid pattern")
});
static LAST_DAYS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)(?:last|past|previous)\s+(\d{1,3})\s+(days|weeks|months|years)|(?:최근|지난)\s*(\d{1,3})\s*(일|주|개월|년)")
        .expect("a valid pattern")
});
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// The first day written out in `request`.
pub fn date(request: &str) -> Option<Date> {
    DAY.captures_iter(request).find_map(|found| day(&found[1], &found[2], &found[3]))
}

fn day(year: &str, month: &str, day: &str) -> Option<Date> {
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

/// The span of time that `request` names, seen from `today`.
pub fn period(request: &str, today: Date) -> Option<(Date, Date)> {
    let lower = request.to_lowercase();
    let days: Vec<Date> = DAY.captures_iter(request).filter_map(|found| day(&found[1], &found[2], &found[3])).collect();
    if let [from, to, ..] = days[..] {
        return Some((from.min(to), from.max(to)));
    }
    if let Some(found) = QUARTER.captures(&lower) {
        let year = found.get(1).or(found.get(5)).or(found.get(7))?;
        let quarter = found.get(2).or(found.get(3)).or(found.get(4)).or(found.get(6))?;
        let (year, quarter): (i16, i8) = (year.as_str().parse().ok()?, quarter.as_str().parse().ok()?);
        return quarter_of(Date::new(year, quarter * 3 - 2, 1).ok()?);
    }
    relative(&lower, today).or_else(|| month(&lower, today))
}

fn relative(lower: &str, today: Date) -> Option<(Date, Date)> {
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let back = |span: Span| today.checked_sub(span).ok();
    if says(&["last quarter", "previous quarter", "지난 분기", "전분기", "직전 분기", "지난분기"]) {
        return quarter_of(back(3.months())?);
    }
    if says(&["this quarter", "이번 분기", "당분기"]) {
        return quarter_of(today);
    }
    if says(&["last month", "previous month", "지난달", "지난 달", "전월"]) {
        let last = back(1.months())?;
        return Some((last.first_of_month(), last.last_of_month()));
    }
    if says(&["this month", "이번 달", "이번달", "금월"]) {
        return Some((today.first_of_month(), today));
    }
    if says(&["last year", "previous year", "작년", "지난해", "전년"]) {
        let last = back(1.years())?;
        return Some((last.first_of_year(), last.last_of_year()));
    }
    if says(&["this year", "올해", "금년"]) {
        return Some((today.first_of_year(), today));
    }
    let found = LAST_DAYS.captures(lower)?;
    let count: i64 = found.get(1).or(found.get(3))?.as_str().parse().ok()?;
    let span = match found.get(2).or(found.get(4))?.as_str() {
        "days" | "일" => count.days(),
        "weeks" | "주" => count.weeks(),
        "months" | "개월" => count.months(),
        _ => count.years(),
    };
    Some((back(span)?, today))
}

fn month(lower: &str, today: Date) -> Option<(Date, Date)> {
    // A single day is no month, though it begins like one.
    let without_days = DAY.replace_all(lower, " ");
    if let Some(found) = MONTH.captures(&without_days) {
        let first = match (found.get(1), found.get(2), found.get(3), found.get(4)) {
            (Some(year), Some(month), ..) => {
                Date::new(year.as_str().parse().ok()?, month.as_str().parse().ok()?, 1).ok()?
            }
            (_, _, Some(name), Some(year)) => {
                let month = MONTHS.iter().position(|month| *month == name.as_str())? as i8 + 1;
                Date::new(year.as_str().parse().ok()?, month, 1).ok()?
            }
            _ => return None,
        };
        let since = lower.contains("since ") || lower.contains("이후") || lower.contains("부터");
        return Some((first, if since { today.max(first) } else { first.last_of_month() }));
    }
    let found = YEAR.captures(&without_days)?;
    let year: i16 = found.get(1).or(found.get(2))?.as_str().parse().ok()?;
    Some((date_of(year, 1, 1)?, date_of(year, 12, 31)?))
}

fn date_of(year: i16, month: i8, day: i8) -> Option<Date> {
    Date::new(year, month, day).ok()
}

/// The quarter that holds a day.
fn quarter_of(day: Date) -> Option<(Date, Date)> {
    let first = Date::new(day.year(), (day.month() - 1) / 3 * 3 + 1, 1).ok()?;
    Some((first, first.checked_add(2.months()).ok()?.last_of_month()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_in_both_languages() {
        let today = Date::new(2025, 12, 30).unwrap();
        let read = |text: &str| period(text, today).map(|(from, to)| format!("{from}..{to}"));
        for (text, expected) in [
            ("Check its last quarter", "2025-07-01..2025-09-30"),
            ("Should we audit C000228? Check its last quarter", "2025-07-01..2025-09-30"),
            ("지난 분기 실적", "2025-07-01..2025-09-30"),
            ("2024년 3분기", "2024-07-01..2024-09-30"),
            ("Q1 2025", "2025-01-01..2025-03-31"),
            ("from 2025-01-05 to 2025-02-07", "2025-01-05..2025-02-07"),
            ("2025년 1월 5일부터 2025년 2월 7일까지", "2025-01-05..2025-02-07"),
            ("in March 2025", "2025-03-01..2025-03-31"),
            ("2025년 3월", "2025-03-01..2025-03-31"),
            ("in 2024", "2024-01-01..2024-12-31"),
            ("최근 6개월", "2025-06-30..2025-12-30"),
            ("the last 30 days", "2025-11-30..2025-12-30"),
        ] {
            assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(read("the rate on 2025-03-14"), None);
        assert_eq!(read("classify wireless earbuds"), None);
    }
}
