//! How the goods came: who pays by the terms, what was paid for, and what stands in its place.

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::money::{Amount, Number};

/// Transport to the port of importation and beyond it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Transport {
    pub incoterm: Option<Incoterm>,
    pub place: Option<String>,
    /// The goods are insured; a premium is added only then
    pub insured: Option<bool>,
    pub costs: Option<Vec<Cost>>,
    /// One freight for several goods of which this case holds a part
    pub lump: Option<Lump>,
    /// Laytime that is not split between the ports
    pub laytime: Option<Laytime>,
    /// The freight differs markedly from the usual one
    pub usual: Option<Usual>,
    /// Goods carried by air and valued as if they were not
    pub by_air: Option<ByAir>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Incoterm {
    Exw,
    Fca,
    Fas,
    Fob,
    Cfr,
    Cpt,
    Cif,
    Cip,
    Dap,
    Dpu,
    Ddp,
}

/// A cost of transport that the buyer pays beside the price of the goods.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    pub kind: CostKind,
    pub amount: Option<Amount>,
    /// The amount is contained in the freight named beside it, and shown apart there; else it is billed on its own
    #[serde(default)]
    pub inside_freight: bool,
    /// For despatch at the loading port: it was taken off the freight, and can be proved at import
    pub proved: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CostKind {
    Freight,
    Insurance,
    /// Carriage, loading and handling in the country of export
    ExportSide,
    ContainerHire,
    /// Storage that belongs to the carriage
    StorageInTransit,
    ShipPreparation,
    EmptyPositioning,
    DemurrageAtLoading,
    DespatchAtLoading,
    DemurrageAtImport,
    DespatchAtImport,
    UnloadingAtImport,
    PilotageAtImport,
    StorageAfterArrival,
    InlandAfterArrival,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lump {
    pub freight: Amount,
    pub part_weight: Option<Number>,
    pub whole_weight: Option<Number>,
    /// Where weights are unknown or clearly unfit
    pub part_price: Option<Number>,
    pub whole_price: Option<Number>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Laytime {
    pub allowed_days: Number,
    pub loading_days: Number,
    pub demurrage_per_day: Amount,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Usual {
    pub ground: UsualGround,
    pub differs_markedly: Option<bool>,
    pub freight: Option<Amount>,
    pub insurance: Option<Amount>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UsualGround {
    /// The importer's own means of transport or a related carrier's
    OwnCarrier,
    VoyageCharter,
    SpecialTerms,
    /// War, disaster or the like forced another route or schedule
    WarOrDisaster,
    /// Carried free of charge
    Free,
    /// The whole market is high
    MarketLevel,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ByAir {
    /// 1 to 12, the item of Rule Article 4-3(2)
    pub class: u8,
    pub air_freight: Option<Amount>,
    /// Parcel tariff by sea for classes 1 to 9, usual freight of a shipping company for 10 to 12
    pub sea_freight: Option<Amount>,
    pub sea_insurance: Option<Amount>,
}
