//! A case as it is written: one import, in JSON or TOML.
//!
//! In: text. Out: a [`Case`], and by [`Case::valid`] a [`ValidCase`] that the computation takes. Every fact may be left
//! away; what a step then misses is listed in the worksheet and never assumed. Amounts that are given count as proved by
//! papers, unless the case says that they are not.

mod additions;
mod goods;
mod price;
mod sale;
mod transport;
mod valid;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

pub use additions::*;
pub use goods::*;
pub use price::*;
pub use sale::*;
pub use transport::*;
pub use valid::ValidCase;

use super::Error;
use super::money::{Amount, Currency, Number};

/// One import to be valued.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Day of the import declaration
    #[schemars(with = "String")]
    pub declared: Date,
    /// Whose law: `kr` counts freight to the port of importation (CIF), `us` leaves it out (FOB)
    #[serde(default)]
    pub system: System,
    /// Currency of the invoice
    pub currency: Currency,
    #[schemars(with = "Option<String>")]
    pub shipped: Option<Date>,
    /// Day on which the goods arrived in the country
    #[schemars(with = "Option<String>")]
    pub arrived: Option<Date>,
    /// The declarant states that lists which are left away are empty
    #[serde(default)]
    pub nothing_else: bool,
    /// Farm, forest and livestock products and others whose price moves with the season
    #[serde(default)]
    pub seasonal: bool,
    /// The importer asks for method 5 before method 4
    #[serde(default)]
    pub computed_first: bool,
    #[serde(default)]
    pub rates: Vec<Rate>,
    pub goods: Vec<Goods>,
    #[serde(default)]
    pub sale: Sale,
    #[serde(default)]
    pub payments: Payments,
    #[serde(default)]
    pub additions: Additions,
    #[serde(default)]
    pub transport: Transport,
    pub deductions: Option<Vec<Deduction>>,
    pub provisional: Option<Provisional>,
}

/// A customs valuation law.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum System {
    #[default]
    Kr,
    Us,
}

/// What one unit of a foreign currency is worth: the customs rate, or the quotations of which it is the mean.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    pub currency: Currency,
    /// Units for which the rate is quoted: 100 for yen
    pub per: Option<Number>,
    /// The customs rate in won (in dollars for `us`)
    pub rate: Option<Number>,
    /// Any day of the week, Sunday to Saturday, for which the customs rate is in force
    #[schemars(with = "Option<String>")]
    pub week: Option<Date>,
    /// First quotations of Monday to Friday
    pub quotations: Option<Vec<Number>>,
    /// The Monday of the quotations
    #[schemars(with = "Option<String>")]
    pub quoted_from: Option<Date>,
}

impl Case {
    /// Reads JSON, or TOML where the text does not begin like JSON.
    ///
    /// # Errors
    /// Anything that is no case, with the place of the key.
    pub fn read(text: &str) -> Result<Self, Error> {
        let is_json = text.trim_start().starts_with('{');
        if is_json {
            let mut deserializer = serde_json::Deserializer::from_str(text);
            let case = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| Error::Malformed {
                place: error.path().to_string(),
                reason: error.into_inner().to_string(),
            })?;
            deserializer
                .end()
                .map_err(|error| Error::Malformed { place: "the end".into(), reason: error.to_string() })?;
            return Ok(case);
        }
        let deserializer = toml::Deserializer::parse(text)
            .map_err(|error| Error::Malformed { place: "the file".into(), reason: error.message().into() })?;
        serde_path_to_error::deserialize(deserializer).map_err(|error| Error::Malformed {
            place: error.path().to_string(),
            reason: error.into_inner().message().into(),
        })
    }

    /// The case checked as a whole: quantities, limits, currencies and their weeks.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place and the limit.
    pub fn valid(self) -> Result<ValidCase, Error> {
        ValidCase::new(self)
    }
}

impl Amount {
    /// Whether it is nothing.
    pub fn is_zero(&self) -> bool {
        self.value.is_zero()
    }
}
