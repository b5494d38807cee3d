//! The customs value of an import with its duty and taxes, by the calculator.
//!
//! What the case does not say is listed and never assumed. Where only lists are left away, the sums are told as well under
//! the condition, in so many words, that there is nothing else.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::agents::desk::Desk;
use crate::agents::tool::{Access, Both, Card, Cost, Failure, Finding, Hints, Outcome, Stance, Tool};
use crate::lang::Language;
use crate::valuation::{Case, Status, Worksheet, value};

pub struct CustomsValue;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    /// The import
    pub case: Case,
}

impl Tool for CustomsValue {
    type Arguments = Arguments;
    const CARD: Card = Card {
        name: "customs_value",
        title_ko: "과세가격과 세액",
        title_en: "Customs value and taxes",
        purpose_ko: "거래 사실로 과세가격, 관세, 내국세를 법에 따라 원 단위까지 계산하고 빠진 사실을 보입니다.",
        purpose_en: "Works out customs value, duty and taxes of an import by law, to the won, and lists the facts that are missing.",
        hints: Hints::READ,
        cost: Cost::Low,
        access: Access::Public,
    };

    fn call(&self, _desk: &Desk, arguments: Arguments) -> Result<Outcome, Failure> {
        let compute = |case: Case| -> Result<Worksheet, Failure> {
            let valid = case.valid().map_err(|error| Failure::Bad { reason: error.to_string() })?;
            Ok(value(&valid))
        };
        let case = arguments.case;
        let known = compute(case.clone())?;
        if known.status == Status::Complete {
            let told = Both::new(known.markdown(Language::Ko), known.markdown(Language::En));
            let mut outcome = Outcome::new(&known, told);
            outcome.findings = summed(&known, &Both::default());
            return Ok(outcome);
        }
        let given = compute(Case { nothing_else: true, ..case })?;
        let missing = known
            .missing
            .iter()
            .map(|missing| Both::new(missing.words.ko.clone().into_owned(), missing.words.en.clone().into_owned()));
        let missing: Vec<Both> = missing.collect();
        let mut outcome = if given.status == Status::Complete {
            let condition = Both::new(
                "아래에 적은 빠진 사실이 모두 없다면: ",
                "If there is nothing of what is listed below as missing: ",
            );
            let told = Both::new(
                format!("**{}**\n\n{}", condition.ko.trim_end(), given.markdown(Language::Ko)),
                format!("**{}**\n\n{}", condition.en.trim_end(), given.markdown(Language::En)),
            );
            let mut outcome = Outcome::new(&json!({ "known": known, "if_nothing_else": given }), told);
            outcome.findings = summed(&given, &condition);
            outcome
        } else {
            Outcome::new(&known, Both::new(known.markdown(Language::Ko), known.markdown(Language::En)))
        };
        outcome.missing = missing;
        Ok(outcome)
    }
}

/// The totals as a sentence.
fn summed(sheet: &Worksheet, condition: &Both) -> Vec<Finding> {
    let totals = &sheet.totals;
    let plain =
        |exact: &Option<crate::valuation::Exact>| exact.as_ref().map_or_else(|| "-".to_owned(), |exact| exact.plain(2));
    let (value, duty, vat) = (plain(&totals.customs_value), plain(&totals.duty), plain(&totals.vat));
    let currency = sheet.currency;
    vec![Finding {
        matter: Both::new("과세가격", "customs value"),
        stance: Stance::Middle,
        words: Both::new(
            format!("{}과세가격 {value} {currency}, 관세 {duty}, 부가가치세 {vat}.", condition.ko),
            format!("{}customs value {value} {currency}, duty {duty}, VAT {vat}.", condition.en),
        ),
    }]
}
