//! The goods of a case, the taxes on each, and what else is known of their value for methods 2 to 6.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

use super::super::money::{Amount, Number};

/// A kind of goods of the declaration.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Goods {
    pub description: String,
    /// Code of the Harmonized System
    pub hs: Option<String>,
    pub quantity: Option<Number>,
    /// Price of one unit by the invoice
    pub unit_price: Option<Amount>,
    /// Price of the whole line by the invoice; with `package_price`, the list price
    pub price: Option<Amount>,
    /// Any unit, the same for all goods; freight is shared by it
    pub weight: Option<Number>,
    /// Ad valorem duty, in percent of the customs value
    pub duty_percent: Option<Number>,
    /// Specific duty for one unit of quantity; with `duty_percent`, the greater of both is taken
    pub duty_per_unit: Option<Amount>,
    /// Anti-dumping, countervailing and other duty on top, in percent of the customs value
    #[serde(default)]
    pub additional_duty_percent: Option<Number>,
    pub excise: Option<Excise>,
    pub liquor: Option<Liquor>,
    pub transport_energy: Option<TransportEnergy>,
    pub rural: Option<Rural>,
    /// The import is exempt from value-added tax
    #[serde(default)]
    pub vat_exempt: bool,
    /// Accepted values of identical goods (method 2)
    pub identical: Option<Vec<Comparable>>,
    /// Accepted values of similar goods (method 3)
    pub similar: Option<Vec<Comparable>>,
    pub deductive: Option<Deductive>,
    pub computed: Option<Computed>,
    pub fallback: Option<Fallback>,
}

/// Individual consumption tax.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Excise {
    pub class: ExciseClass,
    /// The rate in force where a Decree has moved it from the Act's: percent, or won for a litre or kilogram
    pub rate: Option<Number>,
    /// Articles for goods with a base price, litres or kilograms for fuel; else the quantity of the goods
    pub quantity: Option<Number>,
    /// Carpets: square metres of one
    pub square_metres: Option<Number>,
}

/// What the Individual Consumption Tax Act Article 1(2) taxes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExciseClass {
    GamblingMachines,
    HuntingGuns,
    Jewellery,
    PreciousMetal,
    Watches,
    Carpets,
    Bags,
    Furs,
    FurniturePieces,
    FurnitureSets,
    Cars,
    ElectricCars,
    Petrol,
    Diesel,
    Kerosene,
    HeavyOil,
    Propane,
    Butane,
    NaturalGasForPower,
    NaturalGas,
    ByproductOil,
    BituminousCoal,
}

/// Liquor tax.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Liquor {
    pub class: LiquorClass,
    /// Needed for spirit alcohol, takju and beer
    pub litres: Option<Number>,
    /// Degrees of alcohol; needed for spirit alcohol
    pub degrees: Option<Number>,
    /// The rate in force where a Decree has moved it from the Act's: won a kilolitre, for takju and beer
    pub rate: Option<Number>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LiquorClass {
    SpiritAlcohol,
    Takju,
    /// Yakju
    Yakju,
    /// Fruit wine and cheongju
    Wine,
    Beer,
    /// Beer in containers of at least 8 litres for a separate tap
    KegBeer,
    /// Whisky, brandy, soju, general distilled liquor, liqueur
    Distilled,
    /// Other liquor at 72 percent
    Other,
    /// Other liquor of the Act's schedule 4(b), at 30 percent
    OtherFermented,
    /// Other liquor with at least 30 degrees of non-volatile matter, at 10 percent
    Extract,
}

/// Transport, energy and environment tax, by quantity.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TransportEnergy {
    pub litres: Number,
    pub won_per_litre: Number,
}

/// Special tax for rural development.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rural {
    pub percent: Number,
    pub base: RuralBase,
    /// The tax that was reduced, where that is the base
    pub reduced: Option<Amount>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RuralBase {
    Excise,
    ReducedDuty,
}

/// A value of identical or similar goods, on a CIF footing, for one unit.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Comparable {
    pub name: Option<String>,
    pub unit_value: Amount,
    /// Customs has accepted the value as a customs value
    pub accepted: Option<bool>,
    /// Made in the country where the goods were made
    pub same_country: Option<bool>,
    #[schemars(with = "Option<String>")]
    pub shipped: Option<Date>,
    pub same_producer: Option<bool>,
    /// For `us`, whose law names no days: exported at or about the same time
    pub same_time: Option<bool>,
    /// There is a reason to doubt that the value is true
    #[serde(default)]
    pub doubtful: bool,
    /// In what the sale differs; an empty list says that it does in nothing
    pub differences: Option<Vec<Difference>>,
}

/// A difference between the sales, and its effect on the price of one unit.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    pub of: DifferenceOf,
    /// To be added to the other value
    pub add: Option<Amount>,
    /// To be taken off the other value
    pub subtract: Option<Amount>,
    /// For the distance: freight of one unit of the other goods, and both distances
    pub freight: Option<Amount>,
    pub their_distance: Option<Number>,
    pub our_distance: Option<Number>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DifferenceOf {
    Level,
    Quantity,
    Distance,
    Mode,
}

/// What is known for method 4, for one unit.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deductive {
    pub sales: Vec<Resale>,
    /// The goods are processed in Korea before they are sold
    pub processed: Option<bool>,
    /// The importer has asked for method 4 on processed goods
    pub processing_requested: Option<bool>,
    pub processing_value: Option<Amount>,
    /// Usual commission on the sale in Korea, instead of profit and general expenses
    pub commission: Option<Amount>,
    /// Profit and general expenses by the importer's own accounts, in percent of the sale price
    pub own_percent: Option<Number>,
    /// The same of the industry, as customs has notified it
    pub industry_percent: Option<Number>,
    /// For `us`: the importer's own profit is consistent with that of the industry
    pub own_consistent: Option<bool>,
    /// For `us`: international freight and insurance
    pub international_cost: Option<Amount>,
    /// Usual transport, insurance and related cost after arrival
    pub inland_cost: Option<Amount>,
    /// Duties and taxes, where they do not follow from ad valorem rates
    pub taxes: Option<Amount>,
    /// The sale price is suspiciously low beside that of identical or similar goods
    #[serde(default)]
    pub doubtful: bool,
}

/// Sales in Korea at one price.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Resale {
    pub unit_price: Amount,
    pub quantity: Number,
    #[schemars(with = "Option<String>")]
    pub date: Option<Date>,
    /// The buyer is related to the seller or the exporter
    pub related: Option<bool>,
    /// The first sale after importation
    pub first: Option<bool>,
    /// The buyer has supplied assists for the goods
    #[serde(default)]
    pub supplied_assists: bool,
    #[serde(default)]
    pub of: ResaleOf,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResaleOf {
    #[default]
    TheGoods,
    Identical,
    Similar,
}

/// What is known for method 5, for one unit.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Computed {
    pub materials: Option<Amount>,
    pub processing: Option<Amount>,
    /// Containers and packing, where processing does not contain them
    pub packing: Option<Amount>,
    /// Assists of the buyer
    pub assists: Option<Amount>,
    /// Engineering and design done in Korea that the producer has paid
    pub korean_design: Option<Amount>,
    /// Usual profit and general expenses of producers in the country of export
    pub profit: Option<Amount>,
    /// Freight, insurance and related cost to the port of importation
    pub transport: Option<Amount>,
    /// The producer's accounts allow the figures to be checked
    pub verifiable: Option<bool>,
}

/// What is known for method 6.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fallback {
    pub basis: FallbackBasis,
    /// Value or price of the whole line
    pub value: Option<Amount>,
    /// For damaged goods: appraised loss, cost of repair or compensation. For leased goods: upkeep contained in the rent
    pub less: Option<Amount>,
    /// For leased goods: rent of a period, periods, and the interest of a year in percent
    pub rent: Option<Amount>,
    pub periods: Option<u32>,
    pub interest_percent: Option<Number>,
    pub periods_per_year: Option<Number>,
    pub paid_in_advance: Option<bool>,
    /// For leased goods with an option: the price of the purchase at the end
    pub option_price: Option<Amount>,
    /// For mixed goods of a bonded factory: value of the foreign and of the domestic goods used
    pub foreign: Option<Amount>,
    pub domestic: Option<Amount>,
    /// For domestic wholesale prices, travellers' and used goods: the factor that leads back to a customs value
    pub factor: Option<Number>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FallbackBasis {
    /// Methods 2 and 3 with 90 days and other countries of production, method 4 with 180 days and processed goods
    Widened,
    /// A price agreed anew, or the price less the loss
    Damaged,
    /// The price on which the rent was computed
    LeasePrice,
    /// The present value of the rents of the economic life
    LeaseRents,
    Used,
    Traveller,
    BondedMix,
    BondedOil,
    /// International market price or price surveyed at the place of production, adjusted
    MarketPrice,
    /// An earlier value of identical or similar goods by method 4 or 5
    EarlierValue,
    /// Forbidden: the price of goods made in the country of importation
    DomesticGoods,
    /// Forbidden: the higher of two values
    HigherOfTwo,
    /// Forbidden: the price on the market of the country of export
    ExportersHomePrice,
    /// Forbidden: cost of production other than by method 5
    OtherCost,
    /// Forbidden: the price of exports to another country
    ThirdCountryPrice,
    /// Forbidden: a minimum value
    MinimumValue,
    /// Forbidden: an arbitrary or fictitious value
    Arbitrary,
}
