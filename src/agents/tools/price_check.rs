//! Declared unit values beside those of other importers' declarations of the same goods.
//!
//! Likeness is the HS code and the origin, where enough others came from there, or the code alone. A low unit value is a
//! reason to ask, and no proof: quality and level of trade are not in the register.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{day, percent};
use crate::agents::desk::{Desk, inner};
use crate::agents::tool::{Access, Both, Card, Cost, Failure, Finding, Hints, Outcome, Stance, Tool};
use crate::register::{Declaration, Query};

pub struct PriceCheck;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    /// Id of the importing company
    #[serde(default)]
    pub importer: Option<String>,
    /// Words of the goods, as in "compressors"
    #[serde(default)]
    pub goods: Option<String>,
    /// HS code, or its first digits
    #[serde(default)]
    pub hs: Option<String>,
    /// First day, as in 2025-01-01
    #[serde(default)]
    pub from: Option<String>,
    /// Last day
    #[serde(default)]
    pub to: Option<String>,
}

#[derive(Serialize)]
struct Compared {
    hs: String,
    item_en: Option<String>,
    item_ko: Option<String>,
    origin: Option<String>,
    declarations: usize,
    /// KRW a kilogram: the middle one of the importer's, and the quartiles of the others'.
    unit_value: f64,
    others: usize,
    others_low: f64,
    others_median: f64,
    others_high: f64,
    /// Share of the others' declarations whose unit value is lower.
    rank: f64,
    ratio: f64,
    /// Ids of the importer's declarations that lie under a tenth of the others.
    lowest: Vec<String>,
}

const MAX_DECLARATIONS: usize = 5_000;
/// Fewer others say nothing.
const MIN_OTHERS: usize = 20;
const TOLD: usize = 6;
/// The middle unit value against the others' from which on it is low, and where it begins to be.
const LOW: f64 = 0.70;
const LOWISH: f64 = 0.85;

impl Tool for PriceCheck {
    type Arguments = Arguments;
    const CARD: Card = Card {
        name: "price_check",
        title_ko: "신고가격 비교",
        title_en: "Declared prices",
        purpose_ko: "업체의 신고 단가를 같은 물품을 수입한 다른 업체의 단가와 비교합니다.",
        purpose_en: "Compares a company's declared unit values with those of other importers of the same goods.",
        hints: Hints::READ,
        cost: Cost::Medium,
        access: Access::Officer,
    };

    fn call(&self, desk: &Desk, arguments: Arguments) -> Result<Outcome, Failure> {
        let register = desk.register()?;
        let name = Self::CARD.name;
        let Some(importer) = &arguments.importer else {
            let reason = "`importer` is missing: prices are compared between one importer and the others".into();
            return Err(Failure::Arguments { tool: name.into(), reason });
        };
        let (from, to) = (day(name, "from", &arguments.from)?, day(name, "to", &arguments.to)?);
        let query = |from, to| Query {
            importer: Some(importer.clone()),
            from,
            to,
            hs_prefix: arguments.hs.clone(),
            limit: MAX_DECLARATIONS,
            ..Query::default()
        };
        let of_goods = |declarations: Vec<Declaration>| -> Vec<Declaration> {
            let wanted =
                |declaration: &Declaration| arguments.goods.as_ref().is_none_or(|goods| is_of(declaration, goods));
            declarations.into_iter().filter(wanted).collect()
        };
        let find = |from, to| register.declarations(&query(from, to)).map_err(|error| inner(name, &error));
        let mut own = of_goods(find(from, to)?);
        let mut widened = false;
        if own.is_empty() && from.is_some() {
            // Nothing of the goods in the period: what came before is better than nothing, if it is said.
            own = of_goods(find(None, to)?);
            widened = !own.is_empty();
        }
        let goods = arguments.goods.clone().or_else(|| arguments.hs.clone()).unwrap_or_else(|| "-".into());
        if own.is_empty() {
            let mut outcome = Outcome::new(
                &json!({ "importer": importer, "goods": goods, "compared": [] }),
                Both::new(
                    format!("{importer}의 ‘{goods}’ 수입신고가 없습니다."),
                    format!("{importer} has no declarations of “{goods}”."),
                ),
            );
            outcome.missing.push(Both::new(
                format!("{importer}의 ‘{goods}’ 수입신고"),
                format!("declarations of “{goods}” by {importer}"),
            ));
            return Ok(outcome);
        }
        let mut keys: Vec<(String, Option<String>)> = Vec::new();
        for declaration in &own {
            let key = (declaration.hs.clone(), declaration.origin.clone());
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        let mut compared = Vec::new();
        let mut too_few = 0;
        for (hs, origin) in keys {
            let own: Vec<&Declaration> = own.iter().filter(|d| d.hs == hs && d.origin == origin).collect();
            let others = Query { hs_prefix: Some(hs.clone()), to, limit: MAX_DECLARATIONS, ..Query::default() };
            let others: Vec<Declaration> = register.declarations(&others).map_err(|error| inner(name, &error))?;
            match compare(hs, origin, &own, &others, importer) {
                Some(found) => compared.push(found),
                None => too_few += own.len(),
            }
        }
        compared.sort_by(|a, b| b.declarations.cmp(&a.declarations).then_with(|| a.hs.cmp(&b.hs)));
        let mut outcome = told(importer, &goods, &compared, widened);
        if too_few > 0 {
            outcome.missing.push(Both::new(
                format!("신고 {too_few}건의 비교 대상: 같은 물품의 다른 수입이 {MIN_OTHERS}건 미만"),
                format!("others to compare {too_few} declarations with: fewer than {MIN_OTHERS} of the same goods"),
            ));
        }
        outcome.demo = register.is_demo();
        Ok(outcome)
    }
}

/// Whether the goods' words stand in the item's name; an English plural means the singular too.
fn is_of(declaration: &Declaration, goods: &str) -> bool {
    let wanted = goods.to_lowercase();
    let singular = wanted.strip_suffix('s').unwrap_or(&wanted);
    let names = [&declaration.item_en, &declaration.item_ko];
    names.iter().filter_map(|name| name.as_ref()).any(|name| name.to_lowercase().contains(singular))
}

fn unit_value(declaration: &Declaration) -> Option<f64> {
    let mass = declaration.mass_kg.filter(|mass| *mass > 0.0)?;
    Some(declaration.value_krw as f64 / mass)
}

fn compare(
    hs: String,
    origin: Option<String>,
    own: &[&Declaration],
    others: &[Declaration],
    importer: &str,
) -> Option<Compared> {
    let values = |same_origin: bool| -> Vec<f64> {
        let is_other = |declaration: &&Declaration| {
            declaration.importer != importer && (!same_origin || declaration.origin == origin)
        };
        let mut values: Vec<f64> = others.iter().filter(is_other).filter_map(unit_value).collect();
        values.sort_unstable_by(f64::total_cmp);
        values
    };
    let of_origin = values(true);
    let (others, origin) = if of_origin.len() >= MIN_OTHERS { (of_origin, origin) } else { (values(false), None) };
    let mut own_values: Vec<f64> = own.iter().filter_map(|declaration| unit_value(declaration)).collect();
    own_values.sort_unstable_by(f64::total_cmp);
    if others.len() < MIN_OTHERS || own_values.is_empty() {
        return None;
    }
    let at = |values: &[f64], share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
    let unit_value_own = at(&own_values, 0.5);
    let median = at(&others, 0.5);
    let tenth = at(&others, 0.1);
    let lowest = own.iter().filter(|declaration| unit_value(declaration).is_some_and(|value| value < tenth));
    Some(Compared {
        item_en: own[0].item_en.clone(),
        item_ko: own[0].item_ko.clone(),
        hs,
        origin,
        declarations: own.len(),
        unit_value: unit_value_own,
        others: others.len(),
        others_low: at(&others, 0.25),
        others_median: median,
        others_high: at(&others, 0.75),
        rank: others.partition_point(|value| *value < unit_value_own) as f64 / others.len() as f64,
        ratio: unit_value_own / median,
        lowest: lowest.map(|declaration| declaration.id.clone()).collect(),
    })
}

fn told(importer: &str, goods: &str, compared: &[Compared], widened: bool) -> Outcome {
    let (mut ko, mut en) = (String::new(), String::new());
    if widened {
        ko.push_str("기간 안에 해당 물품의 신고가 없어 그 이전 신고를 비교했습니다.\n");
        en.push_str("There were none of these goods in the period; earlier declarations are compared.\n");
    }
    for found in compared.iter().take(TOLD) {
        let Compared { hs, item_en, item_ko, declarations, others, .. } = found;
        let name = |first: &Option<String>, second: &Option<String>| first.clone().or_else(|| second.clone());
        let (name_ko, name_en) =
            (name(item_ko, item_en).unwrap_or_default(), name(item_en, item_ko).unwrap_or_default());
        let from = found.origin.as_ref();
        let (own, median, ratio) =
            (format!("{:.0}", found.unit_value), format!("{:.0}", found.others_median), format!("{:.2}", found.ratio));
        let (low, high) = (format!("{:.0}", found.others_low), format!("{:.0}", found.others_high));
        let rank = percent(found.rank);
        let origin_ko = from.map_or_else(|| "원산지 구분 없음".to_owned(), |origin| format!("원산지 {origin}"));
        let origin_en = from.map_or_else(|| "any origin".to_owned(), |origin| format!("origin {origin}"));
        ko.push_str(&format!(
            "- HS {hs} {name_ko} ({origin_ko}): {declarations}건의 중앙 단가 **{own}**원/kg, 다른 수입 {others}건의 중앙값 {median} (사분위 {low}–{high}); 비율 **{ratio}**, 하위 {rank}\n"
        ));
        en.push_str(&format!(
            "- HS {hs} {name_en} ({origin_en}): middle unit value of {declarations} declarations **{own}** KRW/kg; of {others} others' {median} (quartiles {low}–{high}); ratio **{ratio}**, above {rank} of them\n"
        ));
        if !found.lowest.is_empty() {
            let ids = found.lowest.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
            let num = found.lowest.len();
            ko.push_str(&format!("  - 하위 10% 아래 신고 {num}건: {ids}\n"));
            en.push_str(&format!("  - below the lowest 10% of others: {num}, such as {ids}\n"));
        }
    }
    if compared.is_empty() {
        ko.push_str("비교할 만한 다른 수입이 없습니다.\n");
        en.push_str("There are too few others to compare with.\n");
    }
    let mut outcome = Outcome::new(
        &json!({ "importer": importer, "goods": goods, "compared": compared, "widened": widened }),
        Both::new(ko.trim_end(), en.trim_end()),
    );
    let total: usize = compared.iter().map(|found| found.declarations).sum();
    if total > 0 {
        // Weighed by declarations: one odd shipment does not speak for the rest.
        let ratio = compared.iter().map(|found| found.ratio * found.declarations as f64).sum::<f64>() / total as f64;
        let stance = match ratio {
            ratio if ratio < LOW => Stance::High,
            ratio if ratio < LOWISH => Stance::Middle,
            _ => Stance::Low,
        };
        let ratio = format!("{ratio:.2}");
        if let Some(result) = outcome.result.as_object_mut() {
            result.insert("ratio".into(), json!(ratio));
        }
        outcome.findings.push(Finding {
            matter: Both::new("신고가격", "declared value"),
            stance,
            words: Both::new(
                format!("‘{goods}’의 신고 단가는 다른 수입 중앙값의 {ratio}배입니다 (신고 {total}건)."),
                format!(
                    "The declared unit value of “{goods}” is {ratio} of the others' median ({total} declarations)."
                ),
            ),
        });
    }
    outcome
}
