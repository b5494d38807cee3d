//! What a number must satisfy to be what it looks like.

/// The digits of a text.
pub(super) fn digits(text: &str) -> Vec<u32> {
    text.chars().filter_map(|c| c.to_digit(10)).collect()
}

/// Whether the digits are a payment card's: they pass Luhn's check and open as a card network's numbers do (3 to 6, 9 for
/// domestic Korean cards, 2221 to 2720). A number of one digit throughout passes the check too and is no card.
pub(super) fn card(digits: &[u32]) -> bool {
    let [a, b, c, d, ..] = *digits else { return false };
    let opens = matches!(a, 3..=6 | 9) || (2221..=2720).contains(&(a * 1000 + b * 100 + c * 10 + d));
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| match at % 2 {
            0 => *digit,
            _ if *digit > 4 => digit * 2 - 9,
            _ => digit * 2,
        })
        .sum();
    opens
        && (13..=19).contains(&digits.len())
        && sum.is_multiple_of(10)
        && digits.iter().any(|digit| *digit != digits[0])
}

/// Whether thirteen digits open with a day and go on with a digit for century and sex: 1 to 4 for residents, 5 to 8 for
/// foreigners; which of the two. The last digit checks the others only in numbers issued before October 2020, so it is
/// not looked at: a number with a wrong one may be a new number.
pub(super) fn registration(digits: &[u32]) -> Option<Registered> {
    let [a, b, c, d, e, f, sex, ..] = digits[..] else { return None };
    if digits.len() != 13 {
        return None;
    }
    let century = match sex {
        1 | 2 | 5 | 6 => 1900,
        3 | 4 | 7 | 8 => 2000,
        _ => return None,
    };
    let (year, month, day) = (century + a * 10 + b, c * 10 + d, e * 10 + f);
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let num_days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => 0,
    };
    let registered = if sex <= 4 { Registered::Resident } else { Registered::Foreigner };
    (1..=num_days).contains(&day).then_some(registered)
}

/// Who has a registration number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Registered {
    Resident,
    Foreigner,
}
