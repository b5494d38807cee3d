//! The groups of declarations in a period that hold the most risk.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{day, percent};
use crate::agents::desk::{Desk, inner};
use crate::agents::intent::Group;
use crate::agents::tool::{Access, Both, Card, Cost, Failure, Hints, Outcome, Tool};
use crate::lang::grouped;
use crate::register::{Declaration, Query};
use crate::scoring::{GroupRisk, MIN_DECLARATIONS, riskiest};

pub struct HighRiskGroups;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    /// What declarations are grouped by
    pub by: Group,
    /// First day, as in 2025-01-01; 90 days before the last where absent
    #[serde(default)]
    pub from: Option<String>,
    /// Last day; the last the register knows where absent
    #[serde(default)]
    pub to: Option<String>,
}

/// A group with the value of its declarations.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    sum: &'a GroupRisk,
    value_krw: i64,
}

/// Most declarations scored, the newest.
const MAX_DECLARATIONS: usize = 50_000;
const TOLD: usize = 10;
const DAYS: i64 = 90;

impl Tool for HighRiskGroups {
    type Arguments = Arguments;
    const CARD: Card = Card {
        name: "high_risk_groups",
        title_ko: "고위험 수입 묶음",
        title_en: "High-risk groups",
        purpose_ko: "기간 중 수입신고를 모두 채점하여 위험이 가장 높은 업체, 원산지, 품목, 관세사 또는 판매자를 보입니다.",
        purpose_en: "Scores all declarations of a period and names the importers, origins, goods, brokers or sellers of highest risk.",
        hints: Hints::READ,
        cost: Cost::High,
        access: Access::Officer,
    };

    fn call(&self, desk: &Desk, arguments: Arguments) -> Result<Outcome, Failure> {
        let register = desk.register()?;
        let name = Self::CARD.name;
        let to = day(name, "to", &arguments.to)?.unwrap_or_else(|| desk.today());
        let from = match day(name, "from", &arguments.from)? {
            Some(from) => from,
            None => to.saturating_sub(jiff::Span::new().days(DAYS)),
        };
        let query = Query { from: Some(from), to: Some(to), limit: MAX_DECLARATIONS, ..Query::default() };
        let declarations = register.declarations(&query).map_err(|error| inner(name, &error))?;
        let scored = desk.score(&declarations, 0)?;
        let rows = declarations.iter().map(|declaration| group(arguments.by, declaration));
        let groups = riskiest(rows.zip(&scored), TOLD);
        let mut values: BTreeMap<String, i64> = BTreeMap::new();
        for declaration in &declarations {
            if let Some(group) = group(arguments.by, declaration) {
                *values.entry(group).or_default() += declaration.value_krw;
            }
        }
        let num = declarations.len();
        let (mut ko, mut en) = (
            format!("{from}부터 {to}까지 {num}건 중 {MIN_DECLARATIONS}건 이상인 묶음, 평균 위험이 높은 순:\n"),
            format!(
                "Of {num} declarations from {from} to {to}, groups of at least {MIN_DECLARATIONS}, by mean risk:\n"
            ),
        );
        for sum in &groups {
            let GroupRisk { group, declarations, red, .. } = sum;
            let (mean, value) = (percent(sum.mean), grouped(values[group]));
            ko.push_str(&format!("- **{group}**: {declarations}건, 적색 {red}, 평균 {mean}, {value}원\n"));
            en.push_str(&format!("- **{group}**: {declarations} declarations, {red} red, mean {mean}, KRW {value}\n"));
        }
        let told: Vec<_> = groups.iter().map(|sum| Told { sum, value_krw: values[&sum.group] }).collect();
        let result = json!({
            "by": arguments.by, "from": from, "to": to, "declarations": num, "groups": told,
            "capped": num == MAX_DECLARATIONS,
        });
        let mut outcome = Outcome::new(&result, Both::new(ko.trim_end(), en.trim_end()));
        outcome.demo = register.is_demo();
        Ok(outcome)
    }
}

fn group(by: Group, declaration: &Declaration) -> Option<String> {
    match by {
        Group::Importer => Some(declaration.importer.clone()),
        Group::Origin => declaration.origin.clone(),
        Group::Hs => declaration.hs.get(..4).map(ToOwned::to_owned),
        Group::Broker => declaration.broker.clone(),
        Group::Seller => declaration.seller.clone(),
    }
}
