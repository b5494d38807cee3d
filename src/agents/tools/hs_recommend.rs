//! The HS codes that a description may have.

use schemars::JsonSchema;
use serde::Deserialize;

use super::percent;
use crate::agents::desk::{Desk, inner};
use crate::agents::tool::{Access, Both, Card, Cost, Failure, Hints, Outcome, Tool};
use crate::scoring::hs::{Answer, Choice, Ranked};

pub struct HsRecommend;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    /// Description of the goods, in Korean or English
    pub text: String,
    /// Codes to name at each level, at most 10
    #[serde(default = "five")]
    pub top: usize,
    /// Answers to questions that an earlier call asked, such as `material=cotton`
    #[serde(default)]
    pub answers: Vec<String>,
}

fn five() -> usize {
    5
}

const MAX_TOP: usize = 10;
/// Characters of a code's name that are told: the nomenclature's run over several lines.
const NAME: usize = 90;

impl Tool for HsRecommend {
    type Arguments = Arguments;
    const CARD: Card = Card {
        name: "hs_recommend",
        title_ko: "품목번호 추천",
        title_en: "HS codes",
        purpose_ko: "물품 설명에 맞는 HS 4단위와 6단위 품목번호를 확률과 함께 추천합니다.",
        purpose_en: "Recommends HS headings and subheadings for a description of goods, with probabilities.",
        hints: Hints::READ,
        cost: Cost::Low,
        access: Access::Public,
    };

    fn call(&self, desk: &Desk, arguments: Arguments) -> Result<Outcome, Failure> {
        let text = arguments.text.trim();
        if text.is_empty() {
            return Err(Failure::Arguments { tool: Self::CARD.name.into(), reason: "`text` is empty".into() });
        }
        let read = |answer: &String| Answer::parse(answer).map_err(|error| Failure::Bad { reason: error.to_string() });
        let answers = arguments.answers.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let found = desk.hs()?.recommend(text, arguments.top.clamp(1, MAX_TOP), &answers);
        let found = found.map_err(|error| inner(Self::CARD.name, &error))?;
        let (mut ko, mut en) = (String::new(), String::new());
        if found.refused {
            ko.push_str("설명이 분류하기에 너무 막연합니다. 아래 번호는 추측입니다.\n");
            en.push_str("The description is too vague to be classified; the codes below are guesses.\n");
        }
        for (digits, ranked) in [(4, &found.hs4), (6, &found.hs6)] {
            ko.push_str(&format!("{digits}단위:\n"));
            en.push_str(&format!("{digits} digits:\n"));
            for ranked in ranked {
                ko.push_str(&line(ranked, ranked.ko.as_ref().or(ranked.en.as_ref())));
                en.push_str(&line(ranked, ranked.en.as_ref().or(ranked.ko.as_ref())));
            }
            ko.push('\n');
            en.push('\n');
        }
        if let Some(question) = &found.next_question {
            let options = |word: fn(&Choice) -> &String| {
                question.options.iter().map(word).cloned().collect::<Vec<_>>().join(", ")
            };
            ko.push_str(&format!("다음 질문: {} ({})\n", question.ko, options(|choice| &choice.ko)));
            en.push_str(&format!("Next question: {} ({})\n", question.en, options(|choice| &choice.en)));
        }
        let mut outcome = Outcome::new(&found, Both::new(ko.trim_end(), en.trim_end()));
        if found.refused {
            outcome.missing.push(Both::new(
                "물품의 재질, 용도, 상태처럼 품목번호를 가르는 설명",
                "what decides the code: material, use, form of the goods",
            ));
        }
        Ok(outcome)
    }
}

fn line(ranked: &Ranked, name: Option<&String>) -> String {
    let name = name.map_or("", String::as_str);
    let short: String = name.chars().take(NAME).collect();
    let rest = if short.len() < name.len() { "…" } else { "" };
    format!("- **{}** {}: {short}{rest}\n", ranked.code, percent(f64::from(ranked.probability)))
}
