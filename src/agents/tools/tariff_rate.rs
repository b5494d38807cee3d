//! The duty rates of an HS code on a day.

use schemars::JsonSchema;
use serde::Deserialize;

use super::day;
use crate::agents::desk::Desk;
use crate::agents::tool::{Access, Both, Card, Cost, Failure, Hints, Outcome, Tool};

pub struct TariffRate;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    /// HS code of 4 to 10 digits
    pub hs: String,
    /// Day of the declaration, as in 2025-03-14; the last known where absent
    #[serde(default)]
    pub date: Option<String>,
}

impl Tool for TariffRate {
    type Arguments = Arguments;
    const CARD: Card = Card {
        name: "tariff_rate",
        title_ko: "관세율",
        title_en: "Duty rates",
        purpose_ko: "품목번호의 관세율을 종류별로 찾습니다.",
        purpose_en: "Looks up the duty rates of an HS code, by type.",
        hints: Hints::READ,
        cost: Cost::Low,
        access: Access::Public,
    };

    fn call(&self, desk: &Desk, arguments: Arguments) -> Result<Outcome, Failure> {
        let rates = desk.rates()?;
        let day = day(Self::CARD.name, "date", &arguments.date)?.unwrap_or_else(|| desk.today());
        let hs = &arguments.hs;
        let found = rates.duties(hs, day);
        if found.is_empty() {
            return Err(Failure::NotFound { name: format!("HS {hs} ({day})"), nearest: Vec::new() });
        }
        let listed =
            found.iter().map(|duty| format!("{} **{}%**", duty.kind, duty.rate)).collect::<Vec<_>>().join(", ");
        let code = &found[0].hs;
        let mut outcome = Outcome::new(
            &found,
            Both::new(
                format!("HS {hs}의 {day} 관세율: {listed} (세율표 {code})"),
                format!("Duty rates of HS {hs} on {day}: {listed} (tariff line {code})"),
            ),
        );
        outcome.demo = desk.is_demo();
        Ok(outcome)
    }
}
