//! What the buyer pays: beside the invoice, less than it, and what is contained in it and does not belong.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

use super::super::money::{Amount, Number};

/// Payments beside the invoice price. A list that is left away is unknown; an empty one says that there is none.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Payments {
    /// One price for all goods, whose own prices are list prices
    pub package_price: Option<Amount>,
    /// The amount settled in another currency, where papers prove it: it is taken instead of the invoice price
    pub settled: Option<Amount>,
    pub discounts: Option<Vec<Discount>>,
    pub indirect: Option<Vec<Indirect>>,
    /// Changes of the price after the contract
    pub adjustments: Option<Vec<Adjustment>>,
}

/// A discount that the invoice price does not yet show.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Discount {
    pub kind: DiscountKind,
    pub amount: Option<Amount>,
    pub percent: Option<Number>,
    /// Cash discount: the buyer has paid in time. Quantity discount: the quantity was ordered
    pub earned: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DiscountKind {
    Cash,
    Quantity,
    Other,
}

/// A payment for the goods that the invoice price does not contain, or one that only looks like it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Indirect {
    pub kind: IndirectKind,
    pub amount: Option<Amount>,
    /// The payment is a condition of the sale; needed for training, research, warranty, finance and other
    pub condition_of_sale: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IndirectKind {
    /// A debt of the seller that was set off against the price
    SetOff,
    /// A credit for an earlier delivery that was taken off this invoice
    EarlierCredit,
    /// A debt of the seller that the buyer pays
    SellersDebt,
    /// A part of the price paid to a third party at the seller's request
    ThirdParty,
    Warranty,
    Training,
    Research,
    /// Finance that a seller usually bears
    SellersFinance,
    /// A charge that the seller demands with the goods
    Charge,
    /// Another payment to the seller or for its benefit
    Other,
    /// The buyer's own activity: marketing, inspection, a fair
    BuyersActivity,
    /// Dividends and payments that have nothing to do with the goods
    Unrelated,
    /// Maintenance after importation under a contract of its own
    Maintenance,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Adjustment {
    pub direction: Direction,
    pub amount: Option<Amount>,
    #[schemars(with = "Option<String>")]
    pub agreed: Option<Date>,
    /// A price review clause, where one was in force before the goods arrived
    pub clause: Option<ReviewClause>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Increase,
    Reduction,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewClause {
    pub formula_fixed_before_import: Option<bool>,
    pub depends_on_later_facts: Option<bool>,
    pub beyond_the_parties_control: Option<bool>,
}

/// An amount that the price contains and that does not belong to the customs value.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deduction {
    pub kind: DeductionKind,
    /// Left away for `duties_and_taxes`, it is computed from the rates
    pub amount: Option<Amount>,
    /// The amount can be clearly told apart from the price
    pub separable: Option<bool>,
    /// For `deferred_interest`: the finance contract is in writing
    pub written: Option<bool>,
    /// For `deferred_interest`: the goods are sold at the declared price
    pub sold_at_declared_price: Option<bool>,
    /// For `deferred_interest`: the agreed rate and the usual one where the finance is given
    pub interest_percent: Option<Number>,
    pub usual_interest_percent: Option<Number>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeductionKind {
    /// Construction, assembly, maintenance or technical help after importation
    WorkAfterImport,
    TransportAfterImport,
    DutiesAndTaxes,
    DeferredInterest,
}

/// A price that is not final.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Provisional {
    pub ground: ProvisionalGround,
    /// Months that customs has set for the final price
    pub months: Option<u32>,
    /// Months by which customs has extended them
    pub extended_by: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProvisionalGround {
    /// Crude oil, grain, ore and the like, priced later by trade usage
    PrimaryProducts,
    /// An addition becomes known later
    LaterAdditions,
    /// A ruling for related parties is asked for
    RulingPending,
    /// A transfer price will be adjusted
    TransferPricing,
    /// Figures of method 4, a turnkey plant, a price formula, or another unavoidable case
    Unavoidable,
}
