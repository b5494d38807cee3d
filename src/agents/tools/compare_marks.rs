//! Two stamps or signatures held against each other.
//!
//! Pictures are named as files of `documents/inbox/` in the home folder, or as registered originals: a caller must not read
//! what else is on the machine.

use std::path::{Component, Path};

use schemars::JsonSchema;
use serde::Deserialize;

use super::percent;
use crate::agents::desk::{Desk, inner};
use crate::agents::tool::{Access, Both, Card, Cost, Failure, Finding, Hints, Outcome, Stance, Tool};
use crate::documents::{Kind, Mark, Page, Registry, Verdict};

pub struct CompareMarks;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    /// Picture in the inbox, or name of a registered original
    pub a: String,
    /// Another
    pub b: String,
    /// What is compared
    #[serde(default)]
    pub kind: Wanted,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Wanted {
    #[default]
    Stamp,
    Signature,
}

/// Where pictures are put for the tools, in the home folder.
const INBOX: &str = "documents/inbox";

impl Tool for CompareMarks {
    type Arguments = Arguments;
    const CARD: Card = Card {
        name: "compare_marks",
        title_ko: "인영·서명 비교",
        title_en: "Stamps and signatures",
        purpose_ko: "두 인영이나 서명이 같은 원본에서 나왔는지 비교합니다.",
        purpose_en: "Compares two stamps or signatures: similarity, probability of one original, verdict.",
        hints: Hints::READ,
        cost: Cost::Medium,
        access: Access::Officer,
    };

    fn call(&self, desk: &Desk, arguments: Arguments) -> Result<Outcome, Failure> {
        let kind = match arguments.kind {
            Wanted::Stamp => Kind::Stamp,
            Wanted::Signature => Kind::Signature,
        };
        let [a, b] = [mark(desk, &arguments.a, kind)?, mark(desk, &arguments.b, kind)?];
        let found = desk.documents()?.compare(&a, &b).map_err(|error| inner(Self::CARD.name, &error))?;
        let (similarity, probability) = (format!("{:.1}%", found.similarity), percent(found.probability));
        let (verdict_ko, verdict_en, stance) = match found.verdict {
            Verdict::Same => ("같은 원본", "the same original", Stance::Low),
            Verdict::Doubtful => ("판단 보류", "doubtful", Stance::Middle),
            Verdict::Different => ("다른 원본", "different originals", Stance::High),
        };
        let mut ko = format!("유사도 **{similarity}**, 같은 원본일 확률 **{probability}**: **{verdict_ko}**\n");
        let mut en =
            format!("Similarity **{similarity}**, probability of one original **{probability}**: **{verdict_en}**\n");
        for reason in &found.reasons {
            ko.push_str(&format!("- {}\n", reason.ko));
            en.push_str(&format!("- {}\n", reason.en));
        }
        let mut outcome = Outcome::new(&found, Both::new(ko.trim_end(), en.trim_end()));
        outcome.findings.push(Finding {
            matter: Both::new("인영·서명", "the marks"),
            stance,
            words: Both::new(
                format!("유사도는 {similarity}, 판정은 {verdict_ko}입니다."),
                format!("Their similarity is {similarity}, the verdict is {verdict_en}."),
            ),
        });
        outcome.demo = found.trained_on_demo;
        Ok(outcome)
    }
}

fn mark(desk: &Desk, name: &str, kind: Kind) -> Result<Mark, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::Bad { reason: error.to_string() };
    let path = Path::new(name);
    if path.components().any(|component| !matches!(component, Component::Normal(_))) {
        return Err(Failure::Bad {
            reason: format!("`{name}` must be the name of a file in `{INBOX}`, not a path out of it"),
        });
    }
    let file = desk.home().join(INBOX).join(path);
    if file.is_file() {
        let page = Page::read(&file).map_err(|error| failed(&error))?;
        return desk.documents()?.mark(&page, kind, name).map_err(|error| failed(&error));
    }
    let registry = Registry::new(desk.home());
    let known = registry.list().map_err(|error| failed(&error))?;
    match known.iter().find(|original| original.name == name && original.kind == kind) {
        Some(original) => registry.mark(original).map_err(|error| failed(&error)),
        None => {
            let nearest = known.iter().map(|original| original.name.clone()).collect();
            Err(Failure::NotFound { name: format!("{INBOX}/{name}"), nearest })
        }
    }
}
