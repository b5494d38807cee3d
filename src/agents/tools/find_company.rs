//! The company that a name means.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::agents::desk::{Desk, inner};
use crate::agents::tool::{Access, Both, Card, Cost, Failure, Hints, Outcome, Tool};
use crate::register::{Candidate, Likeness};

pub struct FindCompany;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    /// Name of a company in Korean or English, or its id
    pub name: String,
}

const MAX_CANDIDATES: usize = 5;

impl Tool for FindCompany {
    type Arguments = Arguments;
    const CARD: Card = Card {
        name: "find_company",
        title_ko: "업체 찾기",
        title_en: "Find a company",
        purpose_ko: "이름이 뜻하는 업체와 그 번호를 찾습니다.",
        purpose_en: "Finds the company that a name means, with its id.",
        hints: Hints::READ,
        cost: Cost::Low,
        access: Access::Audit,
    };

    fn call(&self, desk: &Desk, arguments: Arguments) -> Result<Outcome, Failure> {
        let register = desk.register()?;
        let found =
            register.find_companies(&arguments.name, MAX_CANDIDATES).map_err(|error| inner(Self::CARD.name, &error))?;
        let exact: Vec<&Candidate> =
            found.iter().filter(|found| matches!(found.matched, Likeness::Exact | Likeness::Id)).collect();
        if exact.is_empty() {
            return Err(Failure::NotFound { name: arguments.name, nearest: found.iter().map(title).collect() });
        }
        let names = exact.iter().map(|found| title(found)).collect::<Vec<_>>().join(", ");
        let mut outcome = Outcome::new(&exact, Both::new(names.clone(), names));
        if exact.len() > 1 {
            let name = &arguments.name;
            outcome.missing.push(Both::new(
                format!("‘{name}’이라는 이름의 업체가 {}곳입니다. 업체번호가 필요합니다", exact.len()),
                format!("{} companies are called “{name}”: the company's id is needed", exact.len()),
            ));
        }
        outcome.demo = register.is_demo();
        Ok(outcome)
    }
}

/// `C000007 한빛무역 (Hanbit Trading)`.
fn title(candidate: &Candidate) -> String {
    let mut title = candidate.id.clone();
    if let Some(ko) = &candidate.name_ko {
        title.push_str(&format!(" {ko}"));
    }
    if let Some(en) = &candidate.name_en {
        title.push_str(&format!(" ({en})"));
    }
    title
}
