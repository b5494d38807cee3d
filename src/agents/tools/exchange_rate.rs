//! The rate at which a currency is converted for customs on a day.

use schemars::JsonSchema;
use serde::Deserialize;

use super::day;
use crate::agents::desk::Desk;
use crate::agents::tool::{Access, Both, Card, Cost, Failure, Hints, Outcome, Tool};

pub struct ExchangeRate;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    /// Currency code, such as USD
    pub currency: String,
    /// Day of the declaration, as in 2025-03-14; the last known where absent
    #[serde(default)]
    pub date: Option<String>,
}

impl Tool for ExchangeRate {
    type Arguments = Arguments;
    const CARD: Card = Card {
        name: "exchange_rate",
        title_ko: "과세환율",
        title_en: "Exchange rate",
        purpose_ko: "그날이 속한 주의 과세환율을 찾습니다.",
        purpose_en: "Looks up the customs exchange rate of the week that holds a day.",
        hints: Hints::READ,
        cost: Cost::Low,
        access: Access::Public,
    };

    fn call(&self, desk: &Desk, arguments: Arguments) -> Result<Outcome, Failure> {
        let rates = desk.rates()?;
        let day = day(Self::CARD.name, "date", &arguments.date)?.unwrap_or_else(|| desk.today());
        let currency = arguments.currency.trim().to_uppercase();
        let Some(found) = rates.exchange(&currency, day) else {
            let known: Vec<String> =
                rates.currencies().map(|(currency, from, to)| format!("{currency} ({from} – {to})")).collect();
            return Err(Failure::NotFound { name: format!("{currency} {day}"), nearest: known });
        };
        let (from, to, krw) = (found.from, found.to, found.krw);
        let mut outcome = Outcome::new(
            found,
            Both::new(
                format!("{day}의 {currency} 과세환율은 **{krw}**원입니다 (적용 기간 {from} – {to})."),
                format!("The customs rate of {currency} on {day} is **{krw}** KRW (week of {from} to {to})."),
            ),
        );
        outcome.demo = desk.is_demo();
        Ok(outcome)
    }
}
