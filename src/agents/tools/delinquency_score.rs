//! How likely a company is to fall into arrears, with reasons, the law's own conditions, and what would help most.

use std::collections::BTreeMap;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

use super::percent;
use crate::agents::desk::{Desk, inner};
use crate::agents::tool::{Access, Both, Card, Cost, Failure, Finding, Hints, Outcome, Stance, Tool};
use crate::network::Pattern;
use crate::register::{LedgerMonth, Query, Register};
use crate::scoring::delinquency::{Audit, Due, Firm, History, Month, Predecessor, Trade};

pub struct DelinquencyScore;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    /// Id of a company
    pub company: String,
}

/// Most declarations looked at, the newest.
const MAX_DECLARATIONS: usize = 20_000;
const NUM_REASONS: usize = 4;
/// Probabilities of a default from which on it stands out, and where it begins to.
const HIGH: f64 = 0.30;
const MIDDLE: f64 = 0.15;

impl Tool for DelinquencyScore {
    type Arguments = Arguments;
    const CARD: Card = Card {
        name: "delinquency_score",
        title_ko: "체납 위험 점수",
        title_en: "Delinquency score",
        purpose_ko: "업체가 6개월 안에 체납할 확률을 0–1000점과 01–10등급으로, 이유와 법정 요건과 함께 보입니다.",
        purpose_en: "Scores how likely a company is to fall into arrears within six months: 0–1000, grade 01–10, reasons, legal conditions.",
        hints: Hints::READ,
        cost: Cost::Low,
        access: Access::Audit,
    };

    fn call(&self, desk: &Desk, arguments: Arguments) -> Result<Outcome, Failure> {
        let register = desk.register()?;
        let failed = |error: &dyn std::fmt::Display| inner(Self::CARD.name, error);
        let id = &arguments.company;
        let company = register.company(id).map_err(|error| failed(&error))?;
        let company = company.ok_or_else(|| Failure::NotFound { name: id.clone(), nearest: Vec::new() })?;
        let model = desk.delinquency()?;
        let risen_from = predecessor(desk, register, id)?;
        let history = History {
            company: id.clone(),
            as_of: month(desk.today()).map_err(|error| failed(&error))?,
            dues: dues(&register.ledger(id).map_err(|error| failed(&error))?).map_err(|error| failed(&error))?,
            trade: Some(trade(register, id)?),
            audits: Some(audits(register, id)?),
            firm: Firm { founded: company.founded, closed: company.closed, risen_from },
        };
        let mut scored = model.score(&history);
        scored.reasons.truncate(NUM_REASONS);
        let (share, score, grade) = (percent(scored.probability), scored.score, scored.grade.to_string());
        let mut ko = format!(
            "6개월 안에 체납할 확률 **{share}**, 점수 **{score}**/1000, 등급 **{grade}** ({} 기준)\n",
            scored.as_of
        );
        let mut en = format!(
            "Probability of arrears within six months **{share}**, score **{score}** of 1000, grade **{grade}** (as of {})\n",
            scored.as_of
        );
        for reason in &scored.reasons {
            ko.push_str(&format!("- {} ({:+.2})\n", reason.ko, reason.contribution));
            en.push_str(&format!("- {} ({:+.2})\n", reason.en, reason.contribution));
        }
        for rule in &scored.rules {
            let references = rule.references.join(", ");
            ko.push_str(&format!("- **법정 요건**: {} ({references})\n", rule.ko));
            en.push_str(&format!("- **Legal condition**: {} ({references})\n", rule.en));
        }
        if let Some(change) = &scored.what_would_change {
            let (after, grade) = (percent(change.probability), change.grade.to_string());
            ko.push_str(&format!("- 가장 도움이 될 것: {} → 확률 {after}, 등급 {grade}\n", change.ko));
            en.push_str(&format!("- What would help most: {} → probability {after}, grade {grade}\n", change.en));
        }
        let stance = match scored.probability {
            _ if !scored.rules.is_empty() => Stance::High,
            probability if probability >= HIGH => Stance::High,
            probability if probability >= MIDDLE => Stance::Middle,
            _ => Stance::Low,
        };
        let mut outcome = Outcome::new(&scored, Both::new(ko.trim_end(), en.trim_end()));
        outcome.findings.push(Finding {
            matter: Both::new("체납 위험", "arrears"),
            stance,
            words: Both::new(
                format!("체납 확률은 {share}, 점수는 {score}, 등급은 {grade}입니다."),
                format!("The probability of arrears is {share}, the score {score}, the grade {grade}."),
            ),
        });
        outcome.demo = scored.trained_on_demo || register.is_demo();
        Ok(outcome)
    }
}

fn month(day: Date) -> Result<Month, impl std::fmt::Display> {
    format!("{:04}-{:02}", day.year(), day.month()).parse::<Month>()
}

fn dues(ledger: &[LedgerMonth]) -> Result<Vec<Due>, String> {
    let due = |row: &LedgerMonth| {
        let month = month(row.month).map_err(|error| error.to_string())?;
        Ok(Due { month, due: row.due_krw as f64, paid: row.paid_krw as f64, days_late: row.days_late as f64 })
    };
    ledger.iter().map(due).collect()
}

fn trade(register: &Register, id: &str) -> Result<Vec<Trade>, Failure> {
    let failed = |error: &dyn std::fmt::Display| inner(DelinquencyScore::CARD.name, error);
    let query = Query { importer: Some(id.to_owned()), limit: MAX_DECLARATIONS, ..Query::default() };
    let mut months: BTreeMap<(i16, i8), (Trade, BTreeMap<String, f64>)> = BTreeMap::new();
    for declaration in register.declarations(&query).map_err(|error| failed(&error))? {
        let month = month(declaration.date).map_err(|error| failed(&error))?;
        let (trade, goods) = months.entry((declaration.date.year(), declaration.date.month())).or_insert_with(|| {
            (Trade { month, declarations: 0, value: 0.0, duty: 0.0, goods: Vec::new() }, BTreeMap::new())
        });
        trade.declarations += 1;
        trade.value += declaration.value_krw as f64;
        trade.duty += declaration.duty_krw.unwrap_or_default() as f64;
        let heading = declaration.hs.get(..4).unwrap_or(&declaration.hs).to_owned();
        *goods.entry(heading).or_default() += declaration.value_krw as f64;
    }
    let with_goods =
        |(trade, goods): (Trade, BTreeMap<String, f64>)| Trade { goods: goods.into_iter().collect(), ..trade };
    Ok(months.into_values().map(with_goods).collect())
}

fn audits(register: &Register, id: &str) -> Result<Vec<Audit>, Failure> {
    let found = register.audits(id).map_err(|error| inner(DelinquencyScore::CARD.name, &error))?;
    Ok(found.into_iter().map(|audit| Audit { date: audit.date, claimed: audit.claimed_krw as f64 }).collect())
}

/// The company in arrears that the network shows it to have risen from.
fn predecessor(desk: &Desk, register: &Register, id: &str) -> Result<Option<Predecessor>, Failure> {
    let risen = desk.network()?.survey().patterns.iter().find_map(|pattern| match pattern {
        Pattern::Phoenix(phoenix) if phoenix.successor.id == id => Some(phoenix.predecessor.id.clone()),
        _ => None,
    });
    let Some(company) = risen else { return Ok(None) };
    let failed = |error: &dyn std::fmt::Display| inner(DelinquencyScore::CARD.name, error);
    let ledger = register.ledger(&company).map_err(|error| failed(&error))?;
    Ok(Some(Predecessor { dues: dues(&ledger).map_err(|error| failed(&error))?, company }))
}
