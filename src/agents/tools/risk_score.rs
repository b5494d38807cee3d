//! The risk of one declaration, with the reasons.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{level_en, level_ko, percent};
use crate::agents::desk::{Desk, inner};
use crate::agents::tool::{Access, Both, Card, Cost, Failure, Finding, Hints, Outcome, Stance, Tool};
use crate::lang::grouped;
use crate::scoring::Level;

pub struct RiskScore;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    /// Number of an import declaration
    pub declaration: String,
}

const NUM_REASONS: usize = 4;

impl Tool for RiskScore {
    type Arguments = Arguments;
    const CARD: Card = Card {
        name: "risk_score",
        title_ko: "수입신고 위험도",
        title_en: "Risk of a declaration",
        purpose_ko: "수입신고 한 건의 위험 확률, 등급과 그 이유, 기대 세수를 보입니다.",
        purpose_en: "Scores one import declaration: probability, level, the reasons, and the revenue to expect.",
        hints: Hints::READ,
        cost: Cost::Low,
        access: Access::Officer,
    };

    fn call(&self, desk: &Desk, arguments: Arguments) -> Result<Outcome, Failure> {
        let register = desk.register()?;
        let id = &arguments.declaration;
        let declaration = register.declaration(id).map_err(|error| inner(Self::CARD.name, &error))?;
        let declaration = declaration.ok_or_else(|| Failure::NotFound { name: id.clone(), nearest: Vec::new() })?;
        let scored = desk.score(std::slice::from_ref(&declaration), NUM_REASONS)?;
        let scored = scored.into_iter().next().ok_or_else(|| inner(Self::CARD.name, &"no score came back"))?;
        let share = percent(scored.score);
        let value = grouped(declaration.value_krw);
        let item = |name: &Option<String>| name.clone().unwrap_or_default();
        let (mut ko, mut en) = (
            format!(
                "신고 {id} ({}, HS {}, {}, {value}원): 위험 확률 **{share}**, **{}**\n",
                declaration.date,
                declaration.hs,
                item(&declaration.item_ko),
                level_ko(scored.level)
            ),
            format!(
                "Declaration {id} ({}, HS {}, {}, KRW {value}): probability of fraud **{share}**, **{}**\n",
                declaration.date,
                declaration.hs,
                item(&declaration.item_en),
                level_en(scored.level)
            ),
        );
        for reason in &scored.reasons {
            ko.push_str(&format!("- {} ({:+.2})\n", reason.ko, reason.contribution));
            en.push_str(&format!("- {} ({:+.2})\n", reason.en, reason.contribution));
        }
        if let (Some(duty), Some(revenue)) = (scored.additional_duty, scored.expected_revenue) {
            let [duty, revenue] = [duty, revenue].map(|amount| grouped(amount as i64));
            ko.push_str(&format!("- 기대 세수 {revenue}원 (부정인 경우 추징세액 {duty}원)\n"));
            en.push_str(&format!("- revenue to expect KRW {revenue} (KRW {duty} of additional duty if fraud)\n"));
        }
        if let Some(changes) = scored.what_would_change.as_ref().filter(|changes| !changes.changes.is_empty()) {
            ko.push_str(&format!("\n적색을 벗어나는 가장 작은 변화 ({})\n", changes.ko));
            en.push_str(&format!("\nSmallest changes that leave the red ({})\n", changes.en));
            for change in &changes.changes {
                ko.push_str(&format!("- {}\n", change.ko));
                en.push_str(&format!("- {}\n", change.en));
            }
        }
        let finding = Finding {
            matter: Both::new(format!("신고 {id}"), format!("declaration {id}")),
            stance: stance(scored.level),
            words: Both::new(
                format!("신고 {id}의 위험 확률은 {share}, 등급은 {}입니다.", level_ko(scored.level)),
                format!("Declaration {id} has a probability of fraud of {share} and is {}.", level_en(scored.level)),
            ),
        };
        let mut outcome = Outcome::new(
            &json!({ "declaration": declaration, "scored": scored }),
            Both::new(ko.trim_end(), en.trim_end()),
        );
        outcome.findings.push(finding);
        outcome.demo = register.is_demo();
        Ok(outcome)
    }
}

fn stance(level: Level) -> Stance {
    match level {
        Level::Green => Stance::Low,
        Level::Yellow => Stance::Middle,
        Level::Red => Stance::High,
    }
}
