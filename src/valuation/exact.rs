//! Numbers that lose nothing: shares such as a third of a freight stay a third until the law says where to cut.
//!
//! In and out at the edges: [`Decimal`]. A decimal type alone would not do, because a share that was cut at its 28th
//! digit can end a won lower when the whole is put together again.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, Div, Mul, Neg, Sub};

use num_bigint::BigInt;
use num_rational::BigRational;
use rust_decimal::Decimal;

/// A fraction of whole numbers of any length.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exact(BigRational);

impl Exact {
    pub fn zero() -> Self {
        Self::from(0)
    }

    pub fn one() -> Self {
        Self::from(1)
    }

    /// `percent` of one: 8 becomes 0.08.
    pub fn percent(percent: Decimal) -> Self {
        Self::from(percent) / Self::from(100)
    }

    pub fn is_zero(&self) -> bool {
        *self == Self::zero()
    }

    pub fn is_negative(&self) -> bool {
        *self < Self::zero()
    }

    /// Whole units of `unit`, what is below dropped: 1,239 in tens is 1,230.
    pub fn floor_to(&self, unit: i64) -> Self {
        let unit = Self::from(unit);
        Self((&self.0 / &unit.0).floor() * unit.0)
    }

    /// Rounded at `digits` after the point, halves up.
    pub fn round(&self, digits: u32) -> Self {
        let scale = BigRational::from_integer(BigInt::from(10).pow(digits));
        let half = BigRational::new(BigInt::from(1), BigInt::from(2));
        Self((&self.0 * &scale + half).floor() / scale)
    }

    /// Cut at `digits` after the point.
    pub fn cut(&self, digits: u32) -> Self {
        let scale = BigRational::from_integer(BigInt::from(10).pow(digits));
        Self((&self.0 * &scale).floor() / scale)
    }

    /// Multiplied by itself `times` times.
    pub fn power(&self, times: u32) -> Self {
        let mut power = Self::one();
        for bit in (0..u32::BITS - times.leading_zeros()).rev() {
            power = power.clone() * power;
            if times >> bit & 1 == 1 {
                power = power * self.clone();
            }
        }
        power
    }

    pub fn min(self, other: Self) -> Self {
        if other < self { other } else { self }
    }

    pub fn max(self, other: Self) -> Self {
        if other > self { other } else { self }
    }

    pub fn distance(&self, other: &Self) -> Self {
        let difference = self.clone() - other.clone();
        if difference.is_negative() { -difference } else { difference }
    }

    /// Written out with at most `digits` after the point, zeros at the end left away.
    pub fn plain(&self, digits: u32) -> String {
        let scaled = self.round(digits).0 * BigRational::from_integer(BigInt::from(10).pow(digits));
        let number = scaled.to_integer();
        let negative = number < BigInt::from(0);
        let text = number.magnitude().to_string();
        let digits = digits as usize;
        let text = format!("{text:0>width$}", width = digits + 1);
        let (whole, part) = text.split_at(text.len() - digits);
        let part = part.trim_end_matches('0');
        let sign = if negative { "-" } else { "" };
        if part.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
    }

    /// The same with commas between thousands.
    pub fn grouped(&self, digits: u32) -> String {
        let plain = self.plain(digits);
        let (whole, part) = plain.split_once('.').map_or((plain.as_str(), ""), |(whole, part)| (whole, part));
        let (sign, whole) = whole.strip_prefix('-').map_or(("", whole), |whole| ("-", whole));
        let mut grouped = String::new();
        for (at, digit) in whole.chars().enumerate() {
            if at > 0 && (whole.len() - at) % 3 == 0 {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        if part.is_empty() { format!("{sign}{grouped}") } else { format!("{sign}{grouped}.{part}") }
    }
}

impl From<i64> for Exact {
    fn from(whole: i64) -> Self {
        Self(BigRational::from_integer(BigInt::from(whole)))
    }
}

impl From<Decimal> for Exact {
    fn from(decimal: Decimal) -> Self {
        let scale = BigInt::from(10).pow(decimal.scale());
        Self(BigRational::new(BigInt::from(decimal.mantissa()), scale))
    }
}

impl Add for Exact {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Exact {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Mul for Exact {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        Self(self.0 * other.0)
    }
}

/// Panics on a division by zero: whoever divides has checked that the whole is more than nothing.
impl Div for Exact {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        Self(self.0 / other.0)
    }
}

impl Neg for Exact {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl Sum for Exact {
    fn sum<I: Iterator<Item = Self>>(terms: I) -> Self {
        terms.fold(Self::zero(), |sum, term| sum + term)
    }
}

impl<'a> Sum<&'a Exact> for Exact {
    fn sum<I: Iterator<Item = &'a Self>>(terms: I) -> Self {
        terms.cloned().sum()
    }
}

impl fmt::Debug for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_thirds_are_one() {
        let third = Exact::one() / Exact::from(3);
        let whole: Exact = [third.clone(), third.clone(), third].iter().sum();
        assert_eq!(whole.floor_to(1), Exact::one());
    }

    #[test]
    fn tens_are_cut_and_never_rounded() {
        assert_eq!(Exact::from(1239).floor_to(10), Exact::from(1230));
        assert_eq!(Exact::from(9).floor_to(10), Exact::zero());
    }

    #[test]
    fn numbers_are_written_as_people_write_them() {
        let number = Exact::from(Decimal::new(123_456_789, 2));
        assert_eq!((number.plain(4), number.grouped(4)), ("1234567.89".into(), "1,234,567.89".into()));
        assert_eq!((-number).grouped(0), "-1,234,568");
        assert_eq!(Exact::percent(Decimal::new(5, 1)).plain(4), "0.005");
        assert_eq!(Exact::zero().plain(2), "0");
    }

    #[test]
    fn powers_are_repeated_products() {
        let (mut product, base) = (Exact::one(), Exact::from(Decimal::new(11, 1)));
        for times in 0..20 {
            assert_eq!(base.power(times), product);
            product = product * base.clone();
        }
    }

    #[test]
    fn halves_go_up() {
        assert_eq!(Exact::from(Decimal::new(30865, 4)).round(3), Exact::from(Decimal::new(3087, 3)));
        assert_eq!(Exact::from(Decimal::new(30869, 4)).cut(3), Exact::from(Decimal::new(3086, 3)));
    }
}
