//! A plan: which tools are called with what, and why, as the reader sees it before anything is called.
//!
//! In: an [`Intent`]. Out: a [`Plan`] made by rules alone, or none where the request is none of the common ones. The same
//! words give the same plan, and only the user's words take part: nothing that a document or a table says can add a call.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::intent::{Company, Entities, Intent, Wish};
use super::tool::Both;

/// Most calls of one run.
pub const MAX_STEPS: usize = 12;

/// Who made a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Planner {
    /// The rules of this module.
    Rules,
    /// The language model, bound to the tools' schemas.
    Model,
    /// There was nothing to call.
    Nobody,
}

/// A call to be made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    pub tool: String,
    pub arguments: Value,
    pub why: Both,
}

impl Step {
    pub fn new(tool: &str, arguments: Value, why: Both) -> Self {
        Self { tool: tool.into(), arguments, why }
    }
}

/// What will be called, and what could not be planned for want of a fact.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Plan {
    pub steps: Vec<Step>,
    pub missing: Vec<Both>,
}

impl Plan {
    fn call(&mut self, tool: &str, arguments: Value, ko: impl Into<String>, en: impl Into<String>) {
        let step = Step::new(tool, arguments, Both::new(ko, en));
        let known = |other: &Step| other.tool == step.tool && other.arguments == step.arguments;
        if self.steps.len() < MAX_STEPS && !self.steps.iter().any(known) {
            self.steps.push(step);
        }
    }

    fn lacks(&mut self, ko: impl Into<String>, en: impl Into<String>) {
        let missing = Both::new(ko, en);
        if !self.missing.contains(&missing) {
            self.missing.push(missing);
        }
    }
}

/// The plan for a request that the rules understand; empty where they do not.
pub fn plan(intent: &Intent) -> Plan {
    let mut plan = Plan::default();
    let entities = &intent.entities;
    for company in &entities.companies {
        // A name is looked up in sight of the reader, because another may be meant.
        if let (Some(name), true) = (&company.name, intent.needs_company()) {
            plan.call(
                "find_company",
                json!({ "name": name }),
                format!("‘{name}’이(가) 어느 업체인지 찾습니다"),
                format!("find which company “{name}” is"),
            );
        }
    }
    for wish in &intent.wishes {
        fulfil(*wish, entities, &mut plan);
    }
    plan
}

fn fulfil(wish: Wish, entities: &Entities, plan: &mut Plan) {
    match wish {
        Wish::Audit => each_company(entities, plan, |plan, id, company| {
            profile(plan, id, entities);
            imports_risk(plan, id, entities);
            network(plan, id);
            delinquency(plan, id);
            if company.goods_matter(entities) {
                prices(plan, Some(id), entities);
            }
        }),
        Wish::Profile => each_company(entities, plan, |plan, id, _| profile(plan, id, entities)),
        Wish::Network => each_company(entities, plan, |plan, id, _| network(plan, id)),
        Wish::Delinquency => each_company(entities, plan, |plan, id, _| delinquency(plan, id)),
        Wish::Path => path(entities, plan),
        Wish::Patterns => plan.call(
            "network_patterns",
            json!({}),
            "순환 출자와 재창업 유형을 찾습니다",
            "look for ring and phoenix patterns",
        ),
        Wish::Risk => risk(entities, plan),
        Wish::Price => match entities.known_company() {
            Some(id) => prices(plan, Some(id), entities),
            None if entities.goods.is_some() || !entities.hs.is_empty() => prices(plan, None, entities),
            None => plan.lacks(
                "어느 업체나 품목의 가격인지가 없습니다",
                "whose price, or the price of which goods, is not said",
            ),
        },
        Wish::Classify => match &entities.description {
            Some(text) => plan.call(
                "hs_recommend",
                json!({ "text": text }),
                format!("‘{text}’의 품목번호를 찾습니다"),
                format!("look for the HS code of “{text}”"),
            ),
            None => plan.lacks("분류할 물품의 설명이 없습니다", "the description of the goods to classify is not said"),
        },
        Wish::Value => match &entities.case {
            Some(case) => plan.call(
                "customs_value",
                json!({ "case": case }),
                "과세가격과 세액을 계산합니다",
                "work out the customs value and the taxes",
            ),
            None => plan.lacks(
                "계산할 거래의 금액과 통화가 없습니다",
                "the amount and the currency of the transaction to value are not said",
            ),
        },
        Wish::Rate => match (&entities.currency, entities.date) {
            (Some(currency), date) => plan.call(
                "exchange_rate",
                match date {
                    Some(date) => json!({ "currency": currency, "date": date.to_string() }),
                    None => json!({ "currency": currency }),
                },
                format!("{currency} 과세환율을 찾습니다"),
                format!("look up the customs rate of {currency}"),
            ),
            (None, _) => plan.lacks("어느 통화의 환율인지가 없습니다", "the currency is not said"),
        },
        Wish::Tariff => match entities.hs.first() {
            Some(hs) => plan.call(
                "tariff_rate",
                json!({ "hs": hs }),
                format!("{hs}의 관세율을 찾습니다"),
                format!("look up the duty rates of {hs}"),
            ),
            None => plan.lacks("어느 품목번호의 세율인지가 없습니다", "the HS code is not said"),
        },
        Wish::Marks => match &entities.images[..] {
            [a, b, ..] => plan.call(
                "compare_marks",
                json!({ "a": a, "b": b }),
                "두 인영·서명을 비교합니다",
                "compare the two stamps or signatures",
            ),
            _ => plan.lacks("비교할 그림 두 개가 없습니다", "the two images to compare are not said"),
        },
        Wish::Export => plan.call(
            "export_dossier",
            json!({ "format": "markdown" }),
            "조사 보고서를 파일로 내보냅니다 (승인 필요)",
            "export the dossier as a file (needs approval)",
        ),
        Wish::Dataset => match &entities.dataset {
            Some((name, action)) => plan.call(
                "dataset_job",
                json!({ "name": name, "action": action }),
                format!("데이터셋 {name}의 생성 작업을 바꿉니다 (승인 필요)"),
                format!("change the generation of dataset {name} (needs approval)"),
            ),
            None => plan.lacks("어느 데이터셋인지가 없습니다", "which dataset is meant is not said"),
        },
        Wish::Explain => {
            if let Some(question) = &entities.question {
                plan.call(
                    "search_corpora",
                    json!({ "question": question }),
                    "규정 문서에서 근거를 찾습니다",
                    "look for the rule in the documents",
                );
            }
        }
    }
}

fn each_company(entities: &Entities, plan: &mut Plan, mut act: impl FnMut(&mut Plan, &str, &Company)) {
    if entities.companies.is_empty() {
        plan.lacks("어느 업체인지가 없습니다", "which company is meant is not said");
    }
    for company in &entities.companies {
        if let Some(id) = &company.id {
            act(plan, id, company);
        }
    }
}

fn profile(plan: &mut Plan, id: &str, entities: &Entities) {
    let mut arguments = json!({ "company": id });
    if let Some((_, to)) = entities.period {
        arguments["as_of"] = json!(to.to_string());
    }
    plan.call(
        "company_profile",
        arguments,
        format!("{id}의 현황과 거래 실적을 봅니다"),
        format!("see the facts and the trade of {id}"),
    );
}

fn network(plan: &mut Plan, id: &str) {
    plan.call(
        "network_around",
        json!({ "company": id }),
        format!("{id}의 배후와 관계망을 봅니다"),
        format!("see who stands behind {id}"),
    );
}

fn delinquency(plan: &mut Plan, id: &str) {
    plan.call(
        "delinquency_score",
        json!({ "company": id }),
        format!("{id}의 체납 위험을 점수로 봅니다"),
        format!("score how likely {id} is to fall into arrears"),
    );
}

fn imports_risk(plan: &mut Plan, id: &str, entities: &Entities) {
    let mut arguments = json!({ "importer": id });
    with_period(&mut arguments, entities);
    plan.call(
        "risk_of_imports",
        arguments,
        format!("{id}의 수입신고 위험도를 봅니다"),
        format!("score the risk of the declarations of {id}"),
    );
}

fn prices(plan: &mut Plan, id: Option<&str>, entities: &Entities) {
    let mut arguments = json!({});
    if let Some(id) = id {
        arguments["importer"] = json!(id);
    }
    if let Some(goods) = &entities.goods {
        arguments["goods"] = json!(goods);
    }
    if let Some(hs) = entities.hs.first() {
        arguments["hs"] = json!(hs);
    }
    with_period(&mut arguments, entities);
    plan.call(
        "price_check",
        arguments,
        "신고 단가를 같은 물품의 다른 수입과 비교합니다",
        "compare the declared unit values with other imports of the same goods",
    );
}

fn with_period(arguments: &mut Value, entities: &Entities) {
    if let Some((from, to)) = entities.period {
        arguments["from"] = json!(from.to_string());
        arguments["to"] = json!(to.to_string());
    }
}

fn risk(entities: &Entities, plan: &mut Plan) {
    for id in &entities.declarations {
        plan.call(
            "risk_score",
            json!({ "declaration": id }),
            format!("신고 {id}의 위험도를 봅니다"),
            format!("score the risk of declaration {id}"),
        );
    }
    if !entities.declarations.is_empty() {
        return;
    }
    if !entities.companies.is_empty() {
        for company in &entities.companies {
            if let Some(id) = &company.id {
                imports_risk(plan, id, entities);
            }
        }
        return;
    }
    if let Some(by) = entities.group {
        let mut arguments = json!({ "by": by });
        with_period(&mut arguments, entities);
        plan.call(
            "high_risk_groups",
            arguments,
            "기간 중 위험이 높은 묶음을 찾습니다",
            "find the groups of highest risk in the period",
        );
        return;
    }
    plan.lacks(
        "어느 신고 또는 업체의 위험인지가 없습니다 (신고번호 또는 업체명)",
        "which declaration or company is meant is not said (a declaration number or a company's name)",
    );
}

fn path(entities: &Entities, plan: &mut Plan) {
    let known: Vec<&String> = entities.companies.iter().filter_map(|company| company.id.as_ref()).collect();
    match known[..] {
        [a, b, ..] => plan.call(
            "network_path",
            json!({ "a": a, "b": b }),
            format!("{a}와(과) {b}의 연결을 찾습니다"),
            format!("look for what connects {a} and {b}"),
        ),
        _ if entities.companies.len() < 2 => {
            plan.lacks("연결을 찾을 두 업체가 모두 있어야 합니다", "two companies are needed to look for a connection")
        }
        // One of the names is not known; the lookup has said so.
        _ => {}
    }
}
