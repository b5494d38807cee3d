//! The risk of a company's declarations over a period: how many of each level, and the riskiest with their reasons.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{day, percent};
use crate::agents::desk::{Desk, inner};
use crate::agents::tool::{Access, Both, Card, Cost, Failure, Finding, Hints, Outcome, Stance, Tool};
use crate::lang::grouped;
use crate::register::{Declaration, Query};
use crate::scoring::{Level, Scored};

pub struct RiskOfImports;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    /// Id of the importing company
    pub importer: String,
    /// First day, as in 2025-01-01
    #[serde(default)]
    pub from: Option<String>,
    /// Last day
    #[serde(default)]
    pub to: Option<String>,
}

/// Most declarations scored, the newest.
const MAX_DECLARATIONS: usize = 5_000;
/// Riskiest declarations told with their reasons.
const TOLD: usize = 5;
/// Shares of red declarations from which on the imports stand out; 5% of all are red.
const HIGH: f64 = 0.10;
const MIDDLE: f64 = 0.05;

impl Tool for RiskOfImports {
    type Arguments = Arguments;
    const CARD: Card = Card {
        name: "risk_of_imports",
        title_ko: "업체 수입 위험도",
        title_en: "Risk of a company's imports",
        purpose_ko: "한 업체의 기간 중 수입신고를 모두 채점하여 등급별 건수와 가장 위험한 신고를 보입니다.",
        purpose_en: "Scores all declarations of a company in a period: counts by level, and the riskiest with reasons.",
        hints: Hints::READ,
        cost: Cost::Medium,
        access: Access::Officer,
    };

    fn call(&self, desk: &Desk, arguments: Arguments) -> Result<Outcome, Failure> {
        let register = desk.register()?;
        let name = Self::CARD.name;
        let importer = &arguments.importer;
        let company = register.company(importer).map_err(|error| inner(name, &error))?;
        if company.is_none() {
            return Err(Failure::NotFound { name: importer.clone(), nearest: Vec::new() });
        }
        let query = Query {
            importer: Some(importer.clone()),
            from: day(name, "from", &arguments.from)?,
            to: day(name, "to", &arguments.to)?,
            limit: MAX_DECLARATIONS,
            ..Query::default()
        };
        let declarations = register.declarations(&query).map_err(|error| inner(name, &error))?;
        let period = in_words(&arguments);
        if declarations.is_empty() {
            let told = Both::new(
                format!("{}수입신고가 없습니다.", period.ko),
                format!("There are no declarations{}.", period.en),
            );
            let mut outcome = Outcome::new(&json!({ "importer": importer, "declarations": 0 }), told.clone());
            outcome.missing.push(told);
            return Ok(outcome);
        }
        let scored = desk.score(&declarations, 0)?;
        let count = |level: Level| scored.iter().filter(|scored| scored.level == level).count();
        let (red, yellow, green) = (count(Level::Red), count(Level::Yellow), count(Level::Green));
        let share = red as f64 / scored.len() as f64;
        let mut order: Vec<usize> = (0..scored.len()).collect();
        order.sort_by(|a, b| scored[*b].score.total_cmp(&scored[*a].score));
        let riskiest: Vec<Declaration> = order.iter().take(TOLD).map(|at| declarations[*at].clone()).collect();
        let told = desk.score(&riskiest, 2)?;
        let total: i64 = declarations.iter().map(|declaration| declaration.value_krw).sum();
        let (num, value, share_text) = (scored.len(), grouped(total), percent(share));
        let (mut ko, mut en) = (
            format!(
                "{}수입신고 {num}건 (과세가격 합계 {value}원): 적색 **{red}**, 황색 {yellow}, 녹색 {green}; 적색 비율 **{share_text}** (전체는 5.0%)\n",
                period.ko
            ),
            format!(
                "{num} declarations{} (customs value KRW {value} in all): **{red}** red, {yellow} yellow, {green} green; red share **{share_text}** (5.0% of all importers')\n",
                period.en
            ),
        );
        for (declaration, scored) in riskiest.iter().zip(&told) {
            let line = line(declaration, scored);
            ko.push_str(&line.ko);
            en.push_str(&line.en);
        }
        let stance = match share {
            share if share >= HIGH => Stance::High,
            share if share >= MIDDLE => Stance::Middle,
            _ => Stance::Low,
        };
        let result = json!({
            "importer": importer, "declarations": num, "value_krw": total, "red": red, "yellow": yellow, "green": green,
            "red_share": share, "riskiest": told, "capped": declarations.len() == MAX_DECLARATIONS,
        });
        let mut outcome = Outcome::new(&result, Both::new(ko.trim_end(), en.trim_end()));
        outcome.findings.push(Finding {
            matter: Both::new("수입 위험도", "risk of imports"),
            stance,
            words: Both::new(
                format!("{}수입신고 {num}건 중 {red}건이 적색으로, 비율은 {share_text}입니다 (전체 5.0%).", period.ko),
                format!("{red} of {num} declarations{} are red, {share_text} against 5.0% of all.", period.en),
            ),
        });
        outcome.demo = register.is_demo();
        Ok(outcome)
    }
}

fn in_words(arguments: &Arguments) -> Both {
    match (&arguments.from, &arguments.to) {
        (Some(from), Some(to)) => Both::new(format!("{from}부터 {to}까지 "), format!(" from {from} to {to}")),
        (Some(from), None) => Both::new(format!("{from}부터 "), format!(" since {from}")),
        (None, Some(to)) => Both::new(format!("{to}까지 "), format!(" up to {to}")),
        (None, None) => Both::default(),
    }
}

fn line(declaration: &Declaration, scored: &Scored) -> Both {
    let reasons = |pick: fn(&crate::scoring::Told) -> &String| {
        scored.reasons.iter().map(|reason| pick(reason).as_str()).collect::<Vec<_>>().join("; ")
    };
    let (id, date, hs) = (&declaration.id, declaration.date, &declaration.hs);
    let (share, value) = (percent(scored.score), grouped(declaration.value_krw));
    let item = |name: &Option<String>| name.clone().unwrap_or_default();
    Both::new(
        format!(
            "- {id} ({date}, HS {hs} {}, {value}원): {share} — {}\n",
            item(&declaration.item_ko),
            reasons(|told| &told.ko)
        ),
        format!(
            "- {id} ({date}, HS {hs} {}, KRW {value}): {share} — {}\n",
            item(&declaration.item_en),
            reasons(|told| &told.en)
        ),
    )
}
