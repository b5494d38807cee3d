//! The rows as they come out. Amounts are whole won. What a table may leave empty is an `Option`.

use jiff::civil::Date;
use serde::Serialize;

/// A company of the importing country.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Company {
    pub id: String,
    pub name_ko: Option<String>,
    pub name_en: Option<String>,
    pub founded: Option<Date>,
    pub closed: Option<Date>,
    pub address_ko: Option<String>,
    pub address_en: Option<String>,
    pub phone: Option<String>,
    pub account: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Person {
    pub id: String,
    pub name_ko: Option<String>,
    pub name_en: Option<String>,
}

/// What someone is to a company.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RoleKind {
    Officer,
    Owner,
}

/// Who has a role: a person, or another company.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Holder {
    Person(String),
    Company(String),
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Role {
    pub company: String,
    pub kind: RoleKind,
    pub holder: Holder,
    /// Of 1; owners only.
    pub share: Option<f64>,
}

/// Two people of one family.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Family {
    pub person: String,
    pub relative: String,
    /// As the table says it, such as `spouse`.
    pub relation: Option<String>,
}

/// A seller abroad.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Seller {
    pub id: String,
    pub name: Option<String>,
    pub country: Option<String>,
    /// Companies that belong together with it.
    pub related_to: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Broker {
    pub id: String,
    pub name_ko: Option<String>,
    pub name_en: Option<String>,
}

/// An import declaration of one kind of goods.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Declaration {
    pub id: String,
    pub date: Date,
    pub office: Option<String>,
    pub broker: Option<String>,
    pub importer: String,
    pub seller: Option<String>,
    /// Whether importer and seller are declared to be related.
    pub related: Option<bool>,
    pub transport: Option<String>,
    /// Four to ten digits.
    pub hs: String,
    pub item_en: Option<String>,
    pub item_ko: Option<String>,
    pub departure: Option<String>,
    pub origin: Option<String>,
    pub rate_type: Option<String>,
    /// Percent.
    pub rate: Option<f64>,
    pub mass_kg: Option<f64>,
    pub value_krw: i64,
    pub duty_krw: Option<i64>,
    /// What an inspection found; `None` where there was none.
    pub fraud: Option<bool>,
}

/// Which declarations are asked for; what is `None` does not narrow. The newest come first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Query {
    pub importer: Option<String>,
    /// First day, included.
    pub from: Option<Date>,
    /// Last day, included.
    pub to: Option<Date>,
    /// Leading digits of the HS code.
    pub hs_prefix: Option<String>,
    pub seller: Option<String>,
    pub limit: usize,
}

impl Default for Query {
    fn default() -> Self {
        Self { importer: None, from: None, to: None, hs_prefix: None, seller: None, limit: 100 }
    }
}

/// What a company owed for a month; a table may hold several for one, such as one a tax.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LedgerMonth {
    pub company: String,
    /// Its first day.
    pub month: Date,
    pub due_krw: i64,
    pub paid_krw: i64,
    pub days_late: i64,
    /// Still unpaid of this month.
    pub arrears_krw: i64,
}

/// An audit of a company's books.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Audit {
    pub company: String,
    pub date: Date,
    pub finding: String,
    pub claimed_krw: i64,
}

/// What kind of party an id is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PartyKind {
    Company,
    Person,
    Seller,
    Broker,
}

/// Whoever has an id, with what it is called.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Party {
    pub kind: PartyKind,
    pub id: String,
    pub name_ko: Option<String>,
    pub name_en: Option<String>,
}
