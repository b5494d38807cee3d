//! The typed worksheet: which method applies and why no earlier one does, each amount with its law, what is missing,
//! and the totals.
//!
//! Built by the methods and the taxes through [`Draft`]; printed as JSON (serde), Markdown and HTML ([`mod@print`]).
//! Knows no rules.

mod print;
mod versions;

use std::borrow::Cow;

use jiff::civil::Date;
use serde::{Serialize, Serializer};

use super::case::System;
use super::exact::Exact;
use super::money::Currency;

pub use versions::{REROUTING_FROM, Version, in_force};

/// Digits after the point that amounts are shown with; the computation itself cuts nowhere before the totals.
const SHOWN_DIGITS: u32 = 4;
/// Whole numbers up to here are the same in every JSON reader.
const SAFE_INTEGER: i64 = 9_007_199_254_740_991;

/// Words in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Words {
    pub ko: Cow<'static, str>,
    pub en: Cow<'static, str>,
}

/// The same said in Korean and in English.
pub fn words(ko: impl Into<Cow<'static, str>>, en: impl Into<Cow<'static, str>>) -> Words {
    Words { ko: ko.into(), en: en.into() }
}

/// The law a line or a reason rests on, as [`crate::legal::LegalRef`] writes it.
pub type Refs = Vec<&'static str>;

/// A valuation, or as much of one as the facts allow.
#[derive(Clone, Debug, Serialize)]
pub struct Worksheet {
    pub system: System,
    pub declared: Date,
    /// Currency of the totals
    pub currency: Currency,
    pub status: Status,
    /// The method of all goods; none where they differ or nothing is decided
    pub method: Option<u8>,
    /// The price is not final
    pub provisional: bool,
    pub steps: Vec<Step>,
    pub lines: Vec<Line>,
    pub missing: Vec<Missing>,
    pub goods: Vec<Valued>,
    pub rates: Vec<RateUsed>,
    pub notes: Vec<Reason>,
    #[serde(flatten)]
    pub totals: Totals,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Complete,
    /// Facts are missing: there are no totals, and `so_far` is what can be said
    Incomplete,
}

/// What became of a method.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    pub method: u8,
    pub label: Words,
    /// Position of the goods, from 0; none where it is about all of them
    pub goods: Option<usize>,
    pub outcome: Outcome,
    pub reasons: Vec<Reason>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Applies,
    DoesNotApply,
    /// A fact is missing
    Undecided,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    #[serde(flatten)]
    pub words: Words,
    pub refs: Refs,
}

pub fn reason(ko: impl Into<Cow<'static, str>>, en: impl Into<Cow<'static, str>>, refs: &[&'static str]) -> Reason {
    Reason { words: words(ko, en), refs: refs.to_vec() }
}

/// A fact that decides and was not given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Missing {
    pub method: u8,
    /// Place of the key in the case
    pub key: String,
    #[serde(flatten)]
    pub words: Words,
    pub refs: Refs,
}

/// An amount of the computation.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// What kind of amount it is: `price`, `freight`, `royalty`
    pub key: &'static str,
    pub label: Words,
    pub effect: Effect,
    #[serde(serialize_with = "number")]
    pub amount: Exact,
    pub currency: Currency,
    /// The amount in the currency of the totals
    #[serde(serialize_with = "number", rename = "home")]
    pub home: Exact,
    pub goods: Option<usize>,
    pub refs: Refs,
    /// The text in force on the day of the declaration, where it has changed
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<&'static Version>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    Add,
    Deduct,
    /// Looked at and left out
    None,
    /// A tax on the value
    Tax,
}

/// What one kind of goods comes to.
#[derive(Clone, Debug, Serialize)]
pub struct Valued {
    pub description: String,
    pub hs: Option<String>,
    pub method: u8,
    #[serde(flatten)]
    pub taxes: Taxes,
}

/// Value and taxes, in the law's order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Taxes {
    #[serde(serialize_with = "number")]
    pub customs_value: Exact,
    #[serde(serialize_with = "number")]
    pub duty: Exact,
    #[serde(serialize_with = "number")]
    pub excise: Exact,
    #[serde(serialize_with = "number")]
    pub liquor: Exact,
    #[serde(serialize_with = "number")]
    pub transport_energy: Exact,
    #[serde(serialize_with = "number")]
    pub education: Exact,
    #[serde(serialize_with = "number")]
    pub rural: Exact,
    #[serde(serialize_with = "number")]
    pub vat: Exact,
}

/// The totals; empty as long as facts are missing.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Totals {
    #[serde(serialize_with = "maybe_number")]
    pub customs_value: Option<Exact>,
    #[serde(serialize_with = "maybe_number")]
    pub duty: Option<Exact>,
    #[serde(serialize_with = "maybe_number")]
    pub excise: Option<Exact>,
    #[serde(serialize_with = "maybe_number")]
    pub liquor: Option<Exact>,
    #[serde(serialize_with = "maybe_number")]
    pub transport_energy: Option<Exact>,
    #[serde(serialize_with = "maybe_number")]
    pub education: Option<Exact>,
    #[serde(serialize_with = "maybe_number")]
    pub rural: Option<Exact>,
    #[serde(serialize_with = "maybe_number")]
    pub vat: Option<Exact>,
    /// Duty and taxes together
    #[serde(serialize_with = "maybe_number")]
    pub taxes: Option<Exact>,
    /// The sum of the lines as far as they are known
    #[serde(serialize_with = "maybe_number")]
    pub so_far: Option<Exact>,
}

#[derive(Clone, Debug, Serialize)]
pub struct RateUsed {
    pub currency: Currency,
    #[serde(serialize_with = "number")]
    pub rate: Exact,
    #[serde(serialize_with = "number")]
    pub per: Exact,
    pub from: Option<Date>,
    pub to: Option<Date>,
    /// The mean of the quotations of the week before
    pub mean: bool,
    pub refs: Refs,
}

/// A number of JSON where every reader gets the same one, a text beyond.
fn number<S: Serializer>(exact: &Exact, serializer: S) -> Result<S::Ok, S::Error> {
    let text = exact.plain(SHOWN_DIGITS);
    if let Ok(whole) = text.parse::<i64>()
        && whole.abs() <= SAFE_INTEGER
    {
        return serializer.serialize_i64(whole);
    }
    match text.parse::<f64>() {
        Ok(float) if float.to_string() == text => serializer.serialize_f64(float),
        _ => serializer.serialize_str(&text),
    }
}

fn maybe_number<S: Serializer>(exact: &Option<Exact>, serializer: S) -> Result<S::Ok, S::Error> {
    match exact {
        Some(exact) => number(exact, serializer),
        None => serializer.serialize_none(),
    }
}

/// Lines and gaps of one method as it is worked through.
#[derive(Clone, Debug)]
pub struct Draft {
    pub method: u8,
    pub lines: Vec<Line>,
    pub missing: Vec<Missing>,
    /// Why the method does not apply
    pub against: Vec<Reason>,
    pub notes: Vec<Reason>,
}

impl Draft {
    pub fn new(method: u8) -> Self {
        Self { method, lines: Vec::new(), missing: Vec::new(), against: Vec::new(), notes: Vec::new() }
    }

    pub fn miss(
        &mut self,
        key: impl Into<String>,
        ko: impl Into<Cow<'static, str>>,
        en: impl Into<Cow<'static, str>>,
        refs: &[&'static str],
    ) {
        let missing = Missing { method: self.method, key: key.into(), words: words(ko, en), refs: refs.to_vec() };
        if !self.missing.contains(&missing) {
            self.missing.push(missing);
        }
    }

    pub fn reject(
        &mut self,
        ko: impl Into<Cow<'static, str>>,
        en: impl Into<Cow<'static, str>>,
        refs: &[&'static str],
    ) {
        self.against.push(reason(ko, en, refs));
    }

    pub fn note(&mut self, ko: impl Into<Cow<'static, str>>, en: impl Into<Cow<'static, str>>, refs: &[&'static str]) {
        self.notes.push(reason(ko, en, refs));
    }
}

impl Default for Exact {
    fn default() -> Self {
        Self::zero()
    }
}
