//! Cases that cannot be computed: each says what is wrong, where, and what the limit is.

use haetae::valuation::{Case, Status, value};
use serde_json::{Value, json};

use super::worksheet;

fn plain() -> Value {
    json!({
        "declared": "2026-06-10", "currency": "USD", "nothing_else": true,
        "rates": [{ "currency": "USD", "rate": 1400, "week": "2026-06-10" }],
        "goods": [{ "description": "goods", "quantity": 10, "unit_price": 100, "duty_percent": 8 }],
        "sale": { "kind": "sale" }, "transport": { "incoterm": "CIF" },
    })
}

/// The plain case with `told` at `pointer`.
fn with(pointer: &str, told: Value) -> Value {
    let mut case = plain();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    case.pointer_mut(parent).unwrap()[key] = told;
    case
}

#[track_caller]
fn refused(case: &Value, words: &[&str]) {
    let error = Case::read(&case.to_string()).and_then(Case::valid).expect_err("a refusal").to_string();
    for word in words {
        assert!(error.contains(word), "no `{word}` in: {error}");
    }
}

#[test]
fn an_unknown_key_is_refused_with_its_place() {
    refused(&with("/goods/0/prise", json!(5)), &["goods[0]", "prise", "unit_price"]);
    refused(&with("/assists", json!([])), &["assists", "additions"]);
    refused(&with("/additions", json!({ "royalties": [{ "right": "patent", "rate": 3 }] })), &["royalties[0]", "rate"]);
    let toml = "declared = \"2026-06-10\"\ncurrency = \"USD\"\n[[goods]]\ndescription = \"x\"\nprise = 5\n";
    let error = Case::read(toml).unwrap_err().to_string();
    assert!(error.contains("goods") && error.contains("prise"), "{error}");
}

#[test]
fn an_unknown_word_is_refused_with_those_that_are_known() {
    refused(&with("/sale/kind", json!("gift")), &["sale.kind", "gift", "free_of_charge"]);
    refused(&with("/transport/incoterm", json!("fob")), &["transport.incoterm", "fob", "FOB"]);
}

#[test]
fn amounts_that_are_no_amounts_are_refused() {
    refused(&with("/goods/0/unit_price", json!(-1)), &["goods[0].unit_price", "`-1` is negative", "the least is 0"]);
    refused(&with("/goods/0/unit_price", json!(2e16)), &["goods[0].unit_price", "the most is 10000000000000000"]);
    refused(&with("/goods/0/unit_price", json!("ten")), &["goods[0].unit_price", "`ten`"]);
    refused(&with("/goods/0/quantity", json!("KRW 5")), &["goods[0].quantity", "without a currency", "KRW"]);
    for text in ["nan", "inf", "-inf"] {
        let toml =
            format!("declared = \"2026-06-10\"\ncurrency = \"USD\"\n[[goods]]\ndescription = \"x\"\nprice = {text}\n");
        let error = Case::read(&toml).unwrap_err().to_string();
        assert!(error.contains("price") && error.contains("not a finite number"), "{error}");
    }
}

#[test]
fn a_currency_without_a_rate_is_named_with_its_place() {
    let words = ["`EUR`", "goods[0].unit_price", "`rates`", "2026-06-10"];
    refused(&with("/goods/0/unit_price", json!("EUR 5")), &words);
    refused(&with("/rates", json!([])), &["`USD`", "goods[0].unit_price"]);
    refused(
        &with("/payments", json!({ "indirect": [{ "kind": "set_off", "amount": "JPY 5" }] })),
        &["`JPY`", "payments.indirect[0].amount"],
    );
}

#[test]
fn a_rate_of_another_week_is_refused_with_both_weeks() {
    for week in ["2026-06-06", "2026-06-14"] {
        let rates = json!([{ "currency": "USD", "rate": 1400, "week": week }]);
        refused(&with("/rates", rates), &["rates[0]", "2026-06-07", "2026-06-13", "2026-06-10"]);
    }
    for week in ["2026-06-07", "2026-06-13"] {
        worksheet(&with("/rates", json!([{ "currency": "USD", "rate": 1400, "week": week }])));
    }
    let rates = json!([{ "currency": "USD", "quotations": [1400], "quoted_from": "2026-06-08" }]);
    refused(&with("/rates", rates), &["rates[0].quoted_from", "2026-06-08", "2026-06-01"]);
    refused(&with("/rates", json!([{ "currency": "USD", "rate": 1400 }])), &["rates[0]", "`week`"]);
}

#[test]
fn numbers_beyond_their_limits_are_refused_with_the_limit() {
    let quotations = json!([{ "currency": "USD", "quotations": [1, 2, 3, 4, 5, 6], "quoted_from": "2026-06-01" }]);
    refused(&with("/rates", quotations), &["rates[0].quotations", "6 days", "the most is 5 days"]);
    refused(&with("/rates/0/rate", json!(2_000_000)), &["rates[0].rate", "2000000", "1000000"]);
    refused(&with("/rates/0/rate", json!(0)), &["rates[0].rate", "is 0"]);
    refused(&with("/goods/0/duty_percent", json!(1200)), &["goods[0].duty_percent", "1200 percent", "1000 percent"]);
    let excise = json!({ "class": "cars", "rate": 7 });
    refused(&with("/goods/0/excise", excise), &["goods[0].excise.rate", "7 percent", "6.5 percent"]);
    let excise = json!({ "class": "petrol", "rate": 300, "quantity": 1 });
    refused(&with("/goods/0/excise", excise), &["goods[0].excise.rate", "300 won", "the least is 332.5 won"]);
    let provisional = json!({ "ground": "later_additions", "months": 25 });
    refused(&with("/provisional", provisional), &["provisional.months", "25 months", "24 months"]);
    let assist = json!({ "assists": [{ "kind": "tools", "allocation": { "by": "quantity", "part": 6, "whole": 5 } }] });
    refused(&with("/additions", assist), &["additions.assists[0].allocation.part", "6", "5"]);
    let assist = json!({ "assists": [{ "kind": "tools", "allocation": { "by": "quantity", "part": 0, "whole": 0 } }] });
    refused(&with("/additions", assist), &["additions.assists[0].allocation.whole", "is 0"]);
    let discount = json!({ "discounts": [{ "kind": "cash", "percent": 101, "earned": true }] });
    refused(&with("/payments", discount), &["payments.discounts[0].percent", "101 percent", "100 percent"]);
    let by_air = json!({ "incoterm": "FOB", "by_air": { "class": 13 } });
    refused(&with("/transport", by_air), &["transport.by_air.class", "13", "12"]);
    refused(&with("/goods", json!([])), &["`goods` holds nothing"]);
    let many: Vec<Value> = (0..1000).map(|_| json!({ "description": "x" })).collect();
    refused(&with("/goods", json!(many)), &["1000 lines", "999"]);
}

#[test]
fn contradictions_are_refused() {
    refused(&with("/goods/0/price", json!(1000)), &["goods[0].price", "goods[0].unit_price", "twice"]);
    let royalty = json!({ "royalties": [{ "right": "trademark", "relates": "shows_design" }] });
    refused(&with("/additions", royalty), &["additions.royalties[0].relates", "trademark"]);
    let rates = json!([{ "currency": "USD", "rate": 1400, "week": "2026-06-10" }, { "currency": "KRW", "rate": 1 }]);
    refused(&with("/rates", rates), &["rates[1]", "KRW", "own currency"]);
    let mut us = with("/system", json!("us"));
    us["rates"] = json!([]);
    us["goods"][0]["liquor"] = json!({ "class": "wine" });
    refused(&us, &["goods[0].liquor", "law of Korea"]);
}

#[test]
fn what_is_left_away_is_missing_and_never_assumed() {
    let bare = json!({
        "declared": "2026-06-10", "currency": "KRW",
        "goods": [{ "description": "goods", "price": 1000, "duty_percent": 8 }],
    });
    let (sheet, json) = worksheet(&bare);
    assert_eq!(sheet.status, Status::Incomplete);
    let missing: Vec<&str> = sheet.missing.iter().map(|missing| missing.key.as_str()).collect();
    let expected = [
        "sale.kind",
        "payments.discounts",
        "payments.indirect",
        "payments.adjustments",
        "sale.restrictions",
        "sale.conditions",
        "sale.relations",
        "deductions",
        "additions.commissions",
        "additions.containers",
        "additions.packing",
        "additions.assists",
        "additions.royalties",
        "additions.proceeds",
        "transport.incoterm",
    ];
    assert_eq!(missing, expected);
    assert_eq!((&json["customs_value"], &json["so_far"]), (&Value::Null, &json!(1000)));
}

#[test]
fn json_and_toml_say_the_same() {
    let toml = r#"
        declared = "2026-06-10"
        currency = "USD"
        nothing_else = true
        rates = [{ currency = "USD", rate = 1400, week = "2026-06-10" }]
        goods = [{ description = "goods", quantity = 10, unit_price = 100, duty_percent = 8 }]
        sale.kind = "sale"
        transport.incoterm = "CIF"
    "#;
    let sheet = value(&Case::read(toml).unwrap().valid().unwrap());
    assert_eq!(serde_json::to_value(sheet).unwrap(), worksheet(&plain()).1);
}

#[test]
fn the_schema_takes_the_cases_and_refuses_unknown_keys() {
    let schema = serde_json::to_value(schemars::schema_for!(Case)).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for line in include_str!("../../../eval/value/cases.jsonl").lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let errors: Vec<String> = validator.iter_errors(&case["input"]).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", case["id"]);
    }
    assert!(!validator.is_valid(&with("/goods/0/prise", json!(5))));
    assert!(!validator.is_valid(&with("/goods/0/unit_price", json!(-5))));
}
