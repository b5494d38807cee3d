//! HS codes: digits alone, and the places above them. In: what a table holds. Out: a [`Code`] of 2 to 10 digits.

use serde::{Deserialize, Serialize};

/// Digits of a chapter, a heading, a subheading or a national line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Code(String);

impl Code {
    /// Spreadsheets eat a leading zero, and chapters have two digits, so an odd number of digits lacks one.
    pub fn parse(text: &str) -> Option<Self> {
        let mut digits: String = text.trim().chars().filter(|c| !matches!(c, '.' | '-' | ' ')).collect();
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) || !(1..=10).contains(&digits.len()) {
            return None;
        }
        if digits.len() % 2 == 1 {
            digits.insert(0, '0');
        }
        Some(Self(digits))
    }

    /// The first `digits` digits, where there are as many.
    pub fn prefix(&self, digits: usize) -> Option<&str> {
        self.0.get(..digits)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_zero_comes_back_and_points_go() {
        let code = |text| Code::parse(text).map(|code| code.as_str().to_owned());
        assert_eq!(code("101.21"), Some("010121".into()));
        assert_eq!(code(" 8517.62-0000 "), Some("8517620000".into()));
        assert_eq!((code("TOTAL"), code(""), code("12345678901")), (None, None, None));
        assert_eq!(Code::parse("0101").and_then(|code| code.prefix(6).map(str::to_owned)), None);
    }
}
