//! Who stands behind a company: owners, officers, what it shares with others, the patterns it is in, and the risk that
//! reaches it.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::percent;
use crate::agents::desk::Desk;
use crate::agents::tool::{Access, Both, Card, Cost, Failure, Finding, Hints, Outcome, Stance, Tool};
use crate::network::{EdgeKind, EdgeView, Pattern};

pub struct NetworkAround;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    /// Id of a company
    pub company: String,
    /// Steps from it, 1 to 4
    #[serde(default = "two")]
    pub depth: usize,
}

fn two() -> usize {
    2
}

const MAX_DEPTH: usize = 4;
const MAX_NODES: usize = 60;
/// Edges told of each kind.
const TOLD: usize = 6;
/// Percentile of exposure from which on it stands out, and where it begins to.
const HIGH: f64 = 0.95;
const MIDDLE: f64 = 0.80;

impl Tool for NetworkAround {
    type Arguments = Arguments;
    const CARD: Card = Card {
        name: "network_around",
        title_ko: "배후와 관계망",
        title_en: "Who stands behind",
        purpose_ko: "업체의 주주, 임원, 주소·전화·계좌를 함께 쓰는 업체, 순환 출자와 재창업 유형, 번져 온 위험을 보입니다.",
        purpose_en: "Shows a company's owners and officers, what it shares with others, rings and phoenixes, and the risk that reaches it.",
        hints: Hints::READ,
        cost: Cost::Medium,
        access: Access::Audit,
    };

    fn call(&self, desk: &Desk, arguments: Arguments) -> Result<Outcome, Failure> {
        let network = desk.network()?;
        let id = &arguments.company;
        let centre = network.find(id).ok_or_else(|| Failure::NotFound { name: id.clone(), nearest: Vec::new() })?;
        if !(1..=MAX_DEPTH).contains(&arguments.depth) {
            let reason = format!("`depth` must be from 1 to {MAX_DEPTH}, got {}", arguments.depth);
            return Err(Failure::Arguments { tool: Self::CARD.name.into(), reason });
        }
        let view = network.around(centre, arguments.depth, MAX_NODES);
        let patterns: Vec<&Pattern> = network.survey().patterns.iter().filter(|pattern| pattern.involves(id)).collect();
        let exposure = network.exposure(&network.survey().spread, centre);
        let (mut ko, mut en) = (String::new(), String::new());
        let own = |edge: &&EdgeView| edge.from == view.centre || edge.to == view.centre;
        for kind in [EdgeKind::Owner, EdgeKind::Officer, EdgeKind::Address, EdgeKind::Phone, EdgeKind::Account] {
            for edge in view.edges.iter().filter(own).filter(|edge| edge.kind == kind).take(TOLD) {
                ko.push_str(&format!("- {}\n", edge.ko));
                en.push_str(&format!("- {}\n", edge.en));
            }
        }
        for pattern in &patterns {
            let (told_ko, told_en) = words(pattern);
            ko.push_str(&format!("- **유형**: {told_ko}\n"));
            en.push_str(&format!("- **Pattern**: {told_en}\n"));
        }
        let (share, rank) = (percent(exposure.exposure), percent(exposure.percentile));
        ko.push_str(&format!("- 관계망에서 번져 온 위험 {share}, 전체 업체의 {rank}보다 높음\n"));
        en.push_str(&format!("- Risk that reaches it over the network: {share}, above {rank} of all companies\n"));
        for inflow in exposure.inflows.iter().take(3) {
            let (amount, part) = (percent(inflow.amount), percent(inflow.share));
            ko.push_str(&format!("  - {amount} ({part}): {}\n", inflow.ko));
            en.push_str(&format!("  - {amount} ({part}): {}\n", inflow.en));
        }
        let stance = match exposure.percentile {
            _ if !patterns.is_empty() => Stance::High,
            rank if rank >= HIGH => Stance::High,
            rank if rank >= MIDDLE => Stance::Middle,
            _ => Stance::Low,
        };
        let result = json!({
            "view": view, "patterns": patterns, "exposure": exposure, "nodes": view.nodes.len(),
        });
        let mut outcome = Outcome::new(&result, Both::new(ko.trim_end(), en.trim_end()));
        let words = match patterns.first() {
            Some(pattern) => {
                let (ko, en) = words(pattern);
                Both::new(format!("관계망 유형이 있습니다: {ko}"), format!("There is a network pattern: {en}"))
            }
            None => Both::new(
                format!("관계망 유형은 없고, 번져 온 위험은 전체 업체의 {rank}보다 높습니다."),
                format!("There is no network pattern; the risk that reaches it is above {rank} of all companies."),
            ),
        };
        outcome.findings.push(Finding { matter: Both::new("관계망", "network"), stance, words });
        outcome.demo = network.is_demo();
        Ok(outcome)
    }
}

pub(super) fn words(pattern: &Pattern) -> (&str, &str) {
    match pattern {
        Pattern::Ring(ring) => (&ring.ko, &ring.en),
        Pattern::Phoenix(phoenix) => (&phoenix.ko, &phoenix.en),
    }
}
