//! What holds of every case.

use haetae::valuation::{Case, Exact, value};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::worksheet;

fn case(price: u64, rate: u64, duty: &str, additions: &[(usize, u64)]) -> Value {
    let mut case = json!({
        "declared": "2026-06-10", "currency": "USD", "nothing_else": true,
        "rates": [{ "currency": "USD", "rate": format!("{}.{:02}", rate / 100, rate % 100), "week": "2026-06-10" }],
        "goods": [{ "description": "goods", "price": price, "duty_percent": duty }],
        "sale": { "kind": "sale" }, "transport": { "incoterm": "CIF" }, "additions": {},
    });
    for (kind, amount) in additions {
        let (list, told) = match kind % 4 {
            0 => ("commissions", json!({ "kind": "selling", "amount": amount })),
            1 => ("containers", json!({ "amount": amount, "one_with_the_goods": true })),
            2 => ("packing", json!({ "labour": amount })),
            _ => ("proceeds", json!({ "amount": amount })),
        };
        let list = &mut case["additions"][list];
        if list.is_null() {
            *list = json!([]);
        }
        list.as_array_mut().unwrap().push(told);
    }
    case
}

fn customs_value(case: &Value) -> f64 {
    worksheet(case).1["customs_value"].as_f64().unwrap()
}

fn additions() -> impl Strategy<Value = Vec<(usize, u64)>> {
    proptest::collection::vec((0..4_usize, 0..100_000_u64), 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_higher_price_never_lowers_value_or_taxes(
        price in 1..1_000_000_u64, more in 0..1000_u64, rate in 50_000..200_000_u64, added in additions(),
    ) {
        let (_, low) = worksheet(&case(price, rate, "8", &added));
        let (_, high) = worksheet(&case(price + more, rate, "8", &added));
        for key in ["customs_value", "duty", "vat", "taxes"] {
            prop_assert!(high[key].as_f64().unwrap() >= low[key].as_f64().unwrap(), "{}", key);
        }
    }

    #[test]
    fn additions_may_come_in_any_order(
        (added, shuffled) in additions().prop_flat_map(|added| (Just(added.clone()), Just(added).prop_shuffle())),
        price in 1..1_000_000_u64, rate in 50_000..200_000_u64,
    ) {
        let (a, b) = (case(price, rate, "8", &added), case(price, rate, "8", &shuffled));
        prop_assert_eq!(customs_value(&a), customs_value(&b));
    }

    #[test]
    fn a_price_in_won_is_worth_what_it_is_in_dollars(price in 1..1_000_000_u64, rate in 50_000..200_000_u64) {
        let dollars = case(price, rate, "8", &[]);
        let mut won = dollars.clone();
        // Cents of a rate times whole dollars: two digits after the point.
        let amount = price * rate;
        won["goods"][0]["price"] = json!(format!("KRW {}.{:02}", amount / 100, amount % 100));
        prop_assert_eq!(worksheet(&dollars).1["taxes"].clone(), worksheet(&won).1["taxes"].clone());
        let there_and_back = |sheet: &Value| sheet["lines"][0]["home"].as_f64().unwrap() * 100.0 / rate as f64;
        prop_assert!((there_and_back(&worksheet(&won).1) - price as f64).abs() < 1e-6);
    }

    #[test]
    fn a_rate_of_zero_is_no_duty(price in 1..1_000_000_u64, rate in 50_000..200_000_u64, added in additions()) {
        let (_, sheet) = worksheet(&case(price, rate, "0", &added));
        prop_assert_eq!(sheet["duty"].clone(), json!(0));
    }

    #[test]
    fn the_values_of_the_goods_are_the_whole_but_for_a_won_each(
        prices in proptest::collection::vec(1..1_000_000_u64, 1..5), freight in 1..100_000_u64,
    ) {
        let goods: Vec<Value> = prices
            .iter()
            .map(|price| json!({ "description": "goods", "price": format!("KRW {price}"), "duty_percent": 8 }))
            .collect();
        let case = json!({
            "declared": "2026-06-10", "currency": "KRW", "nothing_else": true, "goods": goods, "sale": { "kind": "sale" },
            "transport": { "incoterm": "FOB", "insured": false, "costs": [{ "kind": "freight", "amount": freight }] },
        });
        let whole: u64 = prices.iter().sum::<u64>() + freight;
        let valid = Case::read(&case.to_string()).and_then(Case::valid).unwrap();
        let sum = value(&valid).totals.customs_value.unwrap();
        let short = Exact::from(i64::try_from(whole).unwrap()) - sum;
        prop_assert!(!short.is_negative() && short < Exact::from(i64::try_from(prices.len()).unwrap()));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in ".{0,200}") {
        let _ = Case::read(&text).and_then(Case::valid);
    }
}
