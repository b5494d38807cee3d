//! The sale: whether there is one, what it depends on, and who stands on both sides.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

use super::super::money::{Amount, Number};

/// Facts for the tests of method 1. A list that is left away is unknown; an empty one says that there is none.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sale {
    pub kind: Option<SaleKind>,
    /// Sales one after another, the first one first; the last that brought the goods to the country decides
    pub chain: Option<Vec<Link>>,
    pub restrictions: Option<Vec<Restriction>>,
    pub conditions: Option<Vec<Condition>>,
    /// The ways in which buyer and seller are related
    pub relations: Option<Vec<Relation>>,
    /// What shows that a relation has not influenced the price
    pub influence: Option<Influence>,
    /// A request of customs for proof of the declared price
    pub doubt: Option<Doubt>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SaleKind {
    Sale,
    /// Goods for goods with no price agreed
    Barter,
    FreeOfCharge,
    Consignment,
    /// Stock that the exporter sells in the country at its own risk
    ExporterStock,
    /// From a branch that is no legal person of its own
    Branch,
    Lease,
    FreeLoan,
    /// Waste to be destroyed at the exporter's cost
    Waste,
}

/// A sale of a chain.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Link {
    pub price: Amount,
    /// The goods moved to the country of importation because of this sale
    pub brought_the_goods: Option<bool>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Restriction {
    pub kind: RestrictionKind,
    /// It affects the price substantially
    pub affects_price: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RestrictionKind {
    /// Imposed or required by law
    Law,
    /// The territory where the goods may be resold
    Territory,
    /// Use for exhibition, charity, education or another named purpose only
    Purpose,
    /// Resale or lease to named persons only
    Persons,
    /// Usual in the branch of industry
    Usual,
    Other,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    pub kind: ConditionKind,
    /// What the condition is worth, where that can be determined
    pub value: Option<Amount>,
    /// Whether a value can be determined at all
    pub has_value: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConditionKind {
    /// The buyer also buys other goods in a certain quantity
    OtherGoodsBought,
    /// The price depends on the price at which the buyer sells other goods to the seller
    OtherGoodsSold,
    /// Semi-finished goods are supplied for a quantity of the finished goods
    FinishedGoodsReturned,
    /// About the production or the marketing of the goods
    ProductionOrMarketing,
    Other,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Relation {
    pub kind: RelationKind,
    /// For `stock`: share of the buyer's and of the seller's voting stock that one person holds
    pub buyer_percent: Option<Number>,
    pub seller_percent: Option<Number>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RelationKind {
    Officers,
    Partners,
    Employment,
    Stock,
    Control,
    CommonControl,
    JointControl,
    Family,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Influence {
    /// One of the situations 1 to 10 of Notice Article 28(2) holds, with the adjustments that it asks for
    pub circumstances: Option<Vec<Circumstance>>,
    pub test_values: Option<Vec<TestValue>>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Circumstance {
    /// 1 to 10, the item of Notice Article 28(2)
    pub item: u8,
    pub holds: Option<bool>,
    /// Prices differ in quantity, level or market, and the adjustment can be made (items 1 to 3 and 7)
    pub adjustable: Option<bool>,
    /// For item 5: full cost of one unit and the firm's profit on it in percent
    pub unit_cost: Option<Amount>,
    pub profit_percent: Option<Number>,
}

/// A value with which the price is only compared.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TestValue {
    pub unit_value: Amount,
    /// Price of one unit of the goods on the same footing; else the unit price of the first goods
    pub unit_price: Option<Amount>,
    /// Customs has accepted it as a customs value
    pub accepted: Option<bool>,
    /// A value by method 4 or 5 of the very goods
    #[serde(default)]
    pub of_the_goods: bool,
    /// What customs finds against the 10 percent: reasonable above, or unreasonable below
    pub customs_finds: Option<Finding>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    Reasonable,
    Unreasonable,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Doubt {
    #[schemars(with = "String")]
    pub requested: Date,
    #[schemars(with = "Option<String>")]
    pub answered: Option<Date>,
    /// The day on which the case is looked at; needed as long as there is no answer
    #[schemars(with = "Option<String>")]
    pub as_of: Option<Date>,
    pub accounting_sound: Option<bool>,
    pub shows_the_transaction: Option<bool>,
    /// A reasonable doubt remains
    pub doubt_remains: Option<bool>,
}
