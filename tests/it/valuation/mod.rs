//! Customs values: the worked cases of `eval/value`, to the won; another computation in Python; refusals; laws.

mod cases;
mod independent;
mod properties;
mod refusals;

use haetae::valuation::{Case, Worksheet, value};
use serde_json::Value;

/// The worksheet of a case, as JSON.
#[track_caller]
fn worksheet(case: &Value) -> (Worksheet, Value) {
    let valid = Case::read(&case.to_string()).and_then(Case::valid);
    let sheet = value(&valid.unwrap_or_else(|error| panic!("{case}: {error}")));
    let json = serde_json::to_value(&sheet).unwrap();
    (sheet, json)
}
