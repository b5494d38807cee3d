//! What is added to the price: commissions, containers, packing, assists, royalties, proceeds.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

use super::super::money::{Amount, Number};

/// Additions beside transport. A list that is left away is unknown; an empty one says that there is none.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Additions {
    pub commissions: Option<Vec<Commission>>,
    pub containers: Option<Vec<Container>>,
    pub packing: Option<Vec<Packing>>,
    pub assists: Option<Vec<Assist>>,
    pub royalties: Option<Vec<Royalty>>,
    pub proceeds: Option<Vec<Proceeds>>,
    /// A standard rate of addition that customs has set
    pub standard_rate: Option<StandardRate>,
    /// Set to false where an amount cannot rest on objective and quantifiable data
    pub objective_data: Option<bool>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Commission {
    pub kind: CommissionKind,
    /// What the buyer bears
    pub amount: Option<Amount>,
    /// Buying: the agent acts for the account and at the risk of the buyer
    pub for_the_buyers_account: Option<bool>,
    /// Buying: the agent owns the goods or has a similar right in them
    pub owns_the_goods: Option<bool>,
    /// Buying: the agent controls the deal or the price
    pub controls_the_price: Option<bool>,
    /// Buying: the part of the payment that is something else, where the parts can be told apart
    pub other_services: Option<Amount>,
    /// Buying: whether the parts can be told apart
    pub separable: Option<bool>,
    /// Confirming: the fee is paid for the benefit of the seller
    pub for_the_seller: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CommissionKind {
    Selling,
    Buying,
    Brokerage,
    Confirming,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Container {
    pub amount: Option<Amount>,
    /// It is classified with the goods as one (general rule 5)
    pub one_with_the_goods: Option<bool>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Packing {
    pub labour: Option<Amount>,
    pub material: Option<Amount>,
    /// The packing is done after importation
    #[serde(default)]
    pub after_import: bool,
}

/// Goods or services that the buyer supplies free or at a reduced price for the production of the goods.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Assist {
    pub kind: AssistKind,
    pub source: Option<AssistSource>,
    /// Purchase price or rent without value-added tax, or cost of production; of an affiliate, its cost and not its bill
    pub cost: Option<Amount>,
    /// Cost of elements such as a design that the assist contains and `cost` does not
    pub elements: Option<Amount>,
    /// Carriage to the place of production
    pub transport: Option<Amount>,
    /// What the producer pays for it
    pub charged: Option<Amount>,
    /// Design: where the work was done, a country code
    pub performed_in: Option<String>,
    /// Design: it comes inside a tangible assist such as a mould
    #[serde(default)]
    pub inside_a_tangible_assist: bool,
    /// A used tool: units of its whole life, and those made before
    pub life_units: Option<Number>,
    pub used_units: Option<Number>,
    pub allocation: Option<Allocation>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AssistKind {
    /// Materials, components and parts contained in the goods
    Materials,
    /// Tools, dies, moulds, paper patterns
    Tools,
    /// Consumed in the production
    Consumed,
    /// Technology, development, engineering, design, artwork
    Design,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AssistSource {
    /// Bought or leased from someone unrelated
    Bought,
    /// Made by the buyer
    Made,
    /// From a related person, at its cost
    Affiliate,
}

/// How an assist is spread.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Allocation {
    pub by: AllocationBy,
    /// For `quantity`: units of this import and of the whole production. For `price`: price of the goods concerned and
    /// of all goods
    pub part: Option<Number>,
    pub whole: Option<Number>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AllocationBy {
    /// All on this import, because it is the first and the importer so chooses, or because it is the only one
    ThisImport,
    Quantity,
    Price,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Royalty {
    pub right: Right,
    /// What the buyer pays; or a percentage of a base
    pub amount: Option<Amount>,
    pub percent: Option<Number>,
    pub of: Option<Amount>,
    /// Withholding tax that `amount` does not contain: an amount the buyer bears, or a rate on the gross royalty
    pub withheld: Option<Amount>,
    pub withheld_percent: Option<Number>,
    /// Payment for other business contained in the amount
    pub other_business: Option<Amount>,
    /// How the right relates to the goods
    pub relates: Option<RoyaltyRelation>,
    /// Why the royalty is a condition of the sale
    pub condition: Option<RoyaltyCondition>,
    /// Left away, all of it belongs to these goods
    pub share: Option<RoyaltyShare>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    Patent,
    UtilityModel,
    Design,
    Trademark,
    Copyright,
    /// Software, whichever medium it comes on
    Software,
    TradeSecret,
    /// To distribute or resell the goods
    Distribution,
    /// To reproduce the idea of the goods in other goods in Korea
    Reproduction,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoyaltyRelation {
    /// A patented article, or one made by a patented process
    PatentedArticle,
    /// A part or material that itself embodies the patent
    EmbodiedPart,
    /// Equipment made to carry out a patented process
    ProcessEquipment,
    /// The goods, or the part, show the design
    ShowsDesign,
    /// The mark is on the goods, or put on after minor processing
    BearsMark,
    /// Words, music, pictures or software are recorded on the goods
    Recorded,
    /// Software on a medium of heading 8523
    Medium8523,
    /// As near as one of these
    Alike,
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoyaltyCondition {
    /// Paid to the seller to buy the goods
    ToSeller,
    /// Paid to a third party by the terms between buyer and seller
    ToThirdParty,
    /// The buyer is licensed by a third party and lets the seller use the right
    UsedBySeller,
    /// Seller and licensor are related, or the licensor names the seller or controls beyond quality
    LicensorControls,
    /// The goods can be bought without it
    None,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoyaltyShare {
    pub by: RoyaltyShareBy,
    pub part: Option<Number>,
    pub whole: Option<Number>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoyaltyShareBy {
    Whole,
    /// Price of the imported parts in the cost of the finished goods, taxes and royalty left out
    FinishedGoods,
    /// Price of the imported equipment in that of the whole equipment
    Equipment,
    /// This import in all imports to which the royalty belongs, by price
    Imports,
}

/// What the seller gets of the resale, disposal or use.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Proceeds {
    pub amount: Option<Amount>,
    pub percent: Option<Number>,
    pub of: Option<Amount>,
    /// Whether an amount can be determined, now or later
    pub determinable: Option<bool>,
}

/// Past additions and the price they belonged to.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StandardRate {
    pub additions: Amount,
    pub price: Amount,
    #[schemars(with = "String")]
    pub issued: Date,
}
