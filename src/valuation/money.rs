//! Amounts as they are written in a case: a number in the case's currency, or a text such as `"KRW 40000000"`.
//!
//! Knows no exchange rates. A number with a fraction is taken by its shortest decimal form, so 0.1 is a tenth; what has
//! more digits than a number of JSON can hold is written as a text.

use std::fmt;

use rust_decimal::Decimal;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The largest amount that is read; ten thousand times the country's yearly imports in won.
pub const LARGEST_AMOUNT: i64 = 10_000_000_000_000_000;
/// Digits of a number of JSON or TOML that survive its binary form.
const SAFE_DIGITS: usize = 15;

/// An ISO 4217 code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency([u8; 3]);

impl Currency {
    pub const KRW: Self = Self(*b"KRW");
    pub const USD: Self = Self(*b"USD");

    fn parse(text: &str) -> Option<Self> {
        let code: [u8; 3] = text.as_bytes().try_into().ok()?;
        code.iter().all(u8::is_ascii_uppercase).then_some(Self(code))
    }

    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).expect("letters of ASCII are UTF-8")
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| de::Error::custom(format!("currency `{text}` is no code of three capital letters")))
    }
}

impl JsonSchema for Currency {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Currency".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[A-Z]{3}$", "description": "ISO 4217 code" })
    }
}

/// A number that is at least zero: a quantity, a rate, a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Number(pub Decimal);

/// An amount of money that is at least zero; without a currency it is in the case's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount {
    pub value: Decimal,
    pub currency: Option<Currency>,
}

fn number_from_text(text: &str) -> Result<Decimal, String> {
    let number: Decimal =
        Decimal::from_str_exact(text).map_err(|_| format!("`{text}` is no decimal number of at most 28 digits"))?;
    within_limits(number)
}

fn number_from_float(float: f64) -> Result<Decimal, String> {
    if !float.is_finite() {
        return Err(format!("`{float}` is not a finite number"));
    }
    let text = float.to_string();
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if digits.trim_matches('0').len() > SAFE_DIGITS {
        return Err(format!("`{text}` has more than {SAFE_DIGITS} digits: write it as a text, in quotes"));
    }
    number_from_text(&text)
}

fn within_limits(number: Decimal) -> Result<Decimal, String> {
    if number.is_sign_negative() && !number.is_zero() {
        return Err(format!("`{number}` is negative, and the least is 0"));
    }
    if number > Decimal::from(LARGEST_AMOUNT) {
        return Err(format!("`{number}` is too large, and the most is {LARGEST_AMOUNT}"));
    }
    Ok(number)
}

struct AmountVisitor;

impl Visitor<'_> for AmountVisitor {
    type Value = Amount;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an amount such as 1000.50 or \"KRW 40000000\"")
    }

    fn visit_i64<E: de::Error>(self, whole: i64) -> Result<Amount, E> {
        Ok(Amount { value: within_limits(whole.into()).map_err(E::custom)?, currency: None })
    }

    fn visit_u64<E: de::Error>(self, whole: u64) -> Result<Amount, E> {
        Ok(Amount { value: within_limits(whole.into()).map_err(E::custom)?, currency: None })
    }

    fn visit_f64<E: de::Error>(self, float: f64) -> Result<Amount, E> {
        Ok(Amount { value: number_from_float(float).map_err(E::custom)?, currency: None })
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Amount, E> {
        let (currency, number) = match text.split_once(' ') {
            Some((code, number)) => {
                let currency = Currency::parse(code)
                    .ok_or_else(|| E::custom(format!("currency `{code}` is no code of three capital letters")))?;
                (Some(currency), number)
            }
            None => (None, text),
        };
        Ok(Amount { value: number_from_text(number).map_err(E::custom)?, currency })
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AmountVisitor)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let amount = Amount::deserialize(deserializer)?;
        match amount.currency {
            None => Ok(Self(amount.value)),
            Some(currency) => {
                Err(de::Error::custom(format!("a number without a currency is expected, not `{currency}`")))
            }
        }
    }
}

impl JsonSchema for Amount {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Amount".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "a number in the currency of the case, or a text with another one: \"KRW 40000000\"",
            "anyOf": [
                { "type": "number", "minimum": 0 },
                { "type": "string", "pattern": r"^([A-Z]{3} )?[0-9]+(\.[0-9]+)?$" },
            ],
        })
    }
}

impl JsonSchema for Number {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Number".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [{ "type": "number", "minimum": 0 }, { "type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?$" }],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(json: &str) -> Result<Amount, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn amounts_are_read_without_loss() {
        assert_eq!(amount("0.1").map(|a| a.value), Ok(Decimal::new(1, 1)));
        assert_eq!(amount("1234567890123.45").map(|a| a.value), Ok(Decimal::new(123_456_789_012_345, 2)));
        let won = amount("\"KRW 40000000\"").map(|a| (a.value, a.currency));
        assert_eq!(won, Ok((Decimal::from(40_000_000), Some(Currency::KRW))));
    }

    #[test]
    fn amounts_beyond_the_limits_are_refused_with_the_limit() {
        for (json, said) in [
            ("-1", "the least is 0"),
            ("1e17", "the most is 10000000000000000"),
            ("\"krw 5\"", "three capital letters"),
            ("\"12,000\"", "no decimal number"),
            ("12345678901234.5678", "more than 15 digits"),
        ] {
            let error = amount(json).expect_err(json);
            assert!(error.contains(said), "{json}: {error}");
        }
        let error = toml::from_str::<std::collections::BTreeMap<String, Amount>>("a = nan").expect_err("no number");
        assert!(error.to_string().contains("not a finite number"), "{error}");
    }
}
