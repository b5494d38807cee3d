//! What connects two parties, step by step.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::agents::desk::Desk;
use crate::agents::tool::{Access, Both, Card, Cost, Failure, Hints, Outcome, Tool};

pub struct NetworkPath;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    /// Id of a company, person, seller or broker
    pub a: String,
    /// Id of another
    pub b: String,
}

impl Tool for NetworkPath {
    type Arguments = Arguments;
    const CARD: Card = Card {
        name: "network_path",
        title_ko: "연결 관계",
        title_en: "What connects two parties",
        purpose_ko: "두 당사자를 잇는 가장 가까운 연결을 단계별로 보입니다.",
        purpose_en: "Shows the closest connection between two parties, step by step.",
        hints: Hints::READ,
        cost: Cost::Medium,
        access: Access::Audit,
    };

    fn call(&self, desk: &Desk, arguments: Arguments) -> Result<Outcome, Failure> {
        let network = desk.network()?;
        let find =
            |id: &String| network.find(id).ok_or_else(|| Failure::NotFound { name: id.clone(), nearest: Vec::new() });
        let Some(path) = network.path(find(&arguments.a)?, find(&arguments.b)?) else {
            let told = Both::new(
                format!("{}와(과) {}을(를) 잇는 연결이 없습니다.", arguments.a, arguments.b),
                format!("Nothing connects {} and {}.", arguments.a, arguments.b),
            );
            return Ok(Outcome::new(&serde_json::json!({ "connected": false }), told));
        };
        let (mut ko, mut en) = (String::new(), String::new());
        for (at, step) in path.steps.iter().enumerate() {
            ko.push_str(&format!("{}. {}\n", at + 1, step.ko));
            en.push_str(&format!("{}. {}\n", at + 1, step.en));
        }
        let num = path.steps.len();
        ko.insert_str(0, &format!("{num}단계로 이어집니다 (거리 {:.2}).\n\n", path.distance));
        en.insert_str(0, &format!("They are connected in {num} steps (distance {:.2}).\n\n", path.distance));
        let mut outcome = Outcome::new(&path, Both::new(ko.trim_end(), en.trim_end()));
        outcome.demo = network.is_demo();
        Ok(outcome)
    }
}
