//! Quarters of the calendar.

use jiff::ToSpan;
use jiff::civil::Date;

use crate::register::Span;

/// The quarter a day lies in.
pub fn quarter_of(day: Date) -> Span {
    let from = Date::constant(day.year(), (day.month() - 1) / 3 * 3 + 1, 1);
    Span { from, to: from.saturating_add(3.months()).saturating_sub(1.day()) }
}

/// The last quarter that has ended by the end of a day.
pub fn last_full_quarter(day: Date) -> Span {
    let current = quarter_of(day);
    if current.to == day { current } else { quarter_of(current.from.saturating_sub(1.day())) }
}

/// A quarter and the three before it.
pub fn four_quarters(last: Span) -> Span {
    Span { from: last.from.saturating_sub(9.months()), to: last.to }
}

/// The same days a year before.
pub fn year_before(span: Span) -> Span {
    Span { from: span.from.saturating_sub(12.months()), to: span.from.saturating_sub(1.day()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_is_full_on_its_last_day() {
        let span = |from: &str, to: &str| Span { from: from.parse().unwrap(), to: to.parse().unwrap() };
        let full = |day: &str| last_full_quarter(day.parse().unwrap());
        assert_eq!(full("2025-12-31"), span("2025-10-01", "2025-12-31"));
        assert_eq!(full("2025-12-30"), span("2025-07-01", "2025-09-30"));
        assert_eq!(full("2025-01-01"), span("2024-10-01", "2024-12-31"));
        assert_eq!(four_quarters(full("2024-04-01")), span("2023-04-01", "2024-03-31"));
        assert_eq!(year_before(span("2024-04-01", "2025-03-31")), span("2023-04-01", "2024-03-31"));
    }
}
