//! Rings and phoenixes among all companies.

use schemars::JsonSchema;
use serde::Deserialize;

use super::network_around::words;
use crate::agents::desk::Desk;
use crate::agents::tool::{Access, Both, Card, Cost, Failure, Hints, Outcome, Tool};
use crate::network::Pattern;

pub struct NetworkPatterns;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arguments {}

/// Patterns of each kind told; the result holds all.
const TOLD: usize = 5;

impl Tool for NetworkPatterns {
    type Arguments = Arguments;
    const CARD: Card = Card {
        name: "network_patterns",
        title_ko: "순환 출자와 재창업",
        title_en: "Rings and phoenixes",
        purpose_ko: "서로 돌려 가며 소유하는 업체들과, 체납 상태로 폐업한 뒤 다시 세워진 것으로 보이는 업체를 찾습니다.",
        purpose_en: "Finds companies that own each other in a circle, and those that closed in debt and rose again.",
        hints: Hints::READ,
        cost: Cost::Medium,
        access: Access::Audit,
    };

    fn call(&self, desk: &Desk, _arguments: Arguments) -> Result<Outcome, Failure> {
        let network = desk.network()?;
        let patterns = &network.survey().patterns;
        let is_ring = |pattern: &&Pattern| matches!(pattern, Pattern::Ring(_));
        let (rings, phoenixes): (Vec<&Pattern>, Vec<&Pattern>) = patterns.iter().partition(is_ring);
        let (mut ko, mut en) = (
            format!("순환 출자 {}건, 재창업 의심 {}건\n", rings.len(), phoenixes.len()),
            format!("{} rings, {} phoenixes\n", rings.len(), phoenixes.len()),
        );
        for pattern in rings.iter().take(TOLD).chain(phoenixes.iter().take(TOLD)) {
            let (told_ko, told_en) = words(pattern);
            ko.push_str(&format!("- {told_ko}\n"));
            en.push_str(&format!("- {told_en}\n"));
        }
        let mut outcome = Outcome::new(patterns, Both::new(ko.trim_end(), en.trim_end()));
        outcome.demo = network.is_demo();
        Ok(outcome)
    }
}
