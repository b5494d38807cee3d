//! HS codes: digits alone, and the places above them. In: what a table holds. Out: a [`Code`] of 2 to 10 digits.

use serde::{Deserialize, Serialize};

/// Digits of a chapter, a heading, a subheading or a national line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Code(String);

impl Code {
    /// `None` where there are other signs than digits, or fewer than 2 or more than 10.
    pub fn parse(text: &str, zeros: Zeros) -> Option<Self> {
        let mut digits = digits(text);
        if zeros == Zeros::Lost && digits.len() % 2 == 1 {
            digits.insert(0, '0');
        }
        let is_code = digits.bytes().all(|byte| byte.is_ascii_digit()) && (2..=10).contains(&digits.len());
        is_code.then_some(Self(digits))
    }

    /// The first `digits` digits, where there are as many.
    pub fn prefix(&self, digits: usize) -> Option<&str> {
        self.0.get(..digits)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether codes begin with the zeros they were given. A spreadsheet eats them, and as chapters have two digits, an odd
/// number of digits then lacks one; a tariff has places of 7 and 9 digits of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zeros {
    Kept,
    Lost,
}

impl Zeros {
    /// One code with a leading zero shows that a file has kept them.
    pub fn of<'a>(mut codes: impl Iterator<Item = &'a str>) -> Self {
        if codes.any(|code| digits(code).starts_with('0')) { Self::Kept } else { Self::Lost }
    }
}

fn digits(text: &str) -> String {
    text.trim().chars().filter(|c| !matches!(c, '.' | '-' | ' ')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_zero_comes_back_and_points_go() {
        let code = |text| Code::parse(text, Zeros::Lost).map(|code| code.as_str().to_owned());
        assert_eq!(code("101.21"), Some("010121".into()));
        assert_eq!(code(" 8517.62-0000 "), Some("8517620000".into()));
        assert_eq!((code("TOTAL"), code(""), code("12345678901")), (None, None, None));
        assert_eq!(Code::parse("0101", Zeros::Kept).and_then(|code| code.prefix(6).map(str::to_owned)), None);
    }

    #[test]
    fn where_zeros_are_kept_places_of_seven_digits_stay() {
        assert_eq!(Zeros::of(["3824992", "0101211000"].into_iter()), Zeros::Kept);
        assert_eq!(Zeros::of(["101211000", "3824"].into_iter()), Zeros::Lost);
        let code = Code::parse("3824992", Zeros::Kept).unwrap();
        assert_eq!(code.prefix(4), Some("3824"));
    }
}
