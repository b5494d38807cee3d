//! A transaction as stated, in the form the calculator takes.
//!
//! In: what the request states, the day, and the rate table. Out: a case in JSON. Only what was said goes in; an exchange
//! rate that was not said is taken from the table of the week, because the law names it.

use jiff::civil::Date;
use serde_json::{Value, json};

use super::amounts::{Item, Money, Stated};
use crate::rates::Rates;

/// What is known beside what was stated.
pub struct Around<'a> {
    pub declared: Date,
    pub hs: Option<&'a str>,
    pub goods: Option<&'a str>,
    pub rates: Option<&'a Rates>,
}

/// The case.
pub fn case(stated: &Stated, around: &Around<'_>) -> Value {
    let price = stated.items.iter().find(|(item, _)| *item == Item::Price).map(|(_, money)| money);
    let currency = price.and_then(|money| money.currency.clone()).unwrap_or_else(|| "KRW".into());
    let mut goods = json!({ "description": around.goods.unwrap_or("goods") });
    if let Some(price) = price {
        goods["price"] = amount(price);
    }
    if let Some(hs) = around.hs {
        goods["hs"] = json!(hs);
    }
    if let Some(duty) = stated.duty {
        goods["duty_percent"] = json!(duty.to_string());
    }
    let mut case = json!({
        "declared": around.declared.to_string(),
        "currency": currency,
        "goods": [goods],
        "sale": { "kind": "sale" },
        "rates": rates(stated, &currency, around),
    });
    if let Some(incoterm) = &stated.incoterm {
        case["transport"]["incoterm"] = json!(incoterm);
    }
    let of = |wanted: Item| stated.items.iter().filter(move |(item, _)| *item == wanted).map(|(_, money)| money);
    let mut costs = Vec::new();
    for (item, kind) in
        [(Item::Freight, "freight"), (Item::Insurance, "insurance"), (Item::InlandFreight, "inland_after_arrival")]
    {
        costs.extend(of(item).map(|money| json!({ "kind": kind, "amount": amount(money) })));
    }
    if !costs.is_empty() {
        case["transport"]["costs"] = json!(costs);
    }
    if of(Item::Insurance).next().is_some() {
        case["transport"]["insured"] = json!(true);
    }
    let mut commissions = Vec::new();
    for (item, kind) in [(Item::SellingCommission, "selling"), (Item::BuyingCommission, "buying")] {
        commissions.extend(of(item).map(|money| json!({ "kind": kind, "amount": amount(money) })));
    }
    for (list, found) in [
        ("commissions", commissions),
        ("royalties", of(Item::Royalty).map(|money| json!({ "right": "other", "amount": amount(money) })).collect()),
        ("packing", of(Item::Packing).map(|money| json!({ "material": amount(money) })).collect()),
        ("assists", of(Item::Assist).map(|money| json!({ "kind": "tools", "cost": amount(money) })).collect()),
        ("proceeds", of(Item::Proceeds).map(|money| json!({ "amount": amount(money) })).collect()),
    ] {
        if !found.is_empty() {
            case["additions"][list] = json!(found);
        }
    }
    let discounts: Vec<Value> =
        of(Item::Discount).map(|money| json!({ "kind": "other", "amount": amount(money) })).collect();
    if !discounts.is_empty() {
        case["payments"]["discounts"] = json!(discounts);
    }
    case
}

/// As the calculator reads it: `USD 2000`, or a number in the currency of the case.
fn amount(money: &Money) -> Value {
    match &money.currency {
        Some(currency) => json!(format!("{currency} {}", money.amount)),
        None => json!(money.amount.to_string()),
    }
}

/// The rates of all currencies that the statement uses.
fn rates(stated: &Stated, currency: &str, around: &Around<'_>) -> Vec<Value> {
    let mut used: Vec<&str> = vec![currency];
    for (_, money) in &stated.items {
        if let Some(currency) = &money.currency
            && !used.contains(&currency.as_str())
        {
            used.push(currency);
        }
    }
    let rate = |code: &&str| -> Option<Value> {
        if *code == "KRW" {
            return None;
        }
        if let (Some(rate), true) = (stated.exchange, *code == currency) {
            return Some(json!({ "currency": code, "rate": rate.to_string(), "week": around.declared.to_string() }));
        }
        let week = around.rates?.exchange(code, around.declared)?;
        Some(json!({ "currency": code, "rate": week.krw.to_string(), "week": week.from.to_string() }))
    };
    used.iter().filter_map(rate).collect()
}
