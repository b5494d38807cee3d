//! The same invoices by `tests/value/independent.py`, which was written from the rules and not from our code.

use std::io::Write;
use std::process::{Command, Stdio};

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use super::worksheet;

const NUM_INVOICES: usize = 200;
const SEED: u64 = 20_260_610;

/// Draws invoices in which every fact is told.
struct Draw(ChaCha8Rng);

impl Draw {
    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of.choose(&mut self.0).unwrap().clone()
    }

    fn chance(&mut self, share: f64) -> bool {
        self.0.random_bool(share)
    }

    /// A number with up to two digits after the point, as a text.
    fn number(&mut self, most: u64) -> String {
        let cents = self.0.random_range(1..=most * 100);
        match self.one(&[0, 1, 2]) {
            0 => (cents / 100 + 1).to_string(),
            1 => format!("{}.{}", cents / 100, self.0.random_range(1..10)),
            _ => format!("{}.{:02}", cents / 100, cents % 100),
        }
    }

    /// An amount in the invoice's currency, in won, or in euros.
    fn amount(&mut self, most: u64) -> Value {
        let number = self.number(most);
        match self.one(&[0, 0, 0, 1, 2]) {
            0 => json!(number),
            1 => json!(format!("KRW {}", self.0.random_range(1..=most * 1000))),
            _ => json!(format!("EUR {number}")),
        }
    }

    fn list(&mut self, most: usize, mut one: impl FnMut(&mut Self) -> Value) -> Value {
        let len = self.0.random_range(0..=most);
        (0..len).map(|_| one(self)).collect()
    }

    fn share(&mut self, by: &[&str]) -> Value {
        let by = self.one(by);
        let whole = self.0.random_range(1..100_000_u32);
        json!({ "by": by, "part": self.0.random_range(0..=whole), "whole": whole })
    }

    fn goods(&mut self) -> Value {
        let mut goods = json!({
            "description": "goods",
            "quantity": self.0.random_range(1..500),
            "duty_percent": self.one(&[json!(0), json!(3), json!(8), json!("6.5"), json!(13), json!("27.3")]),
        });
        if self.chance(0.5) {
            goods["weight"] = json!(self.number(9000));
        }
        if self.chance(0.2) {
            goods["duty_per_unit"] = json!(format!("KRW {}", self.0.random_range(1..5000)));
        }
        if self.chance(0.1) {
            goods["additional_duty_percent"] = json!("17.43");
        }
        match self.one(&[0, 0, 0, 0, 1, 2]) {
            1 => {
                let class = self.one(&["gambling_machines", "hunting_guns", "cars", "jewellery", "watches", "bags"]);
                goods["excise"] = json!({ "class": class });
                if class == "cars" && self.chance(0.5) {
                    goods["excise"]["rate"] = json!("3.5");
                }
            }
            2 => {
                let class = self.one(&["wine", "distilled", "yakju", "beer"]);
                goods["liquor"] = json!({ "class": class, "litres": self.number(2000) });
            }
            _ => {}
        }
        if self.chance(0.1) {
            goods["vat_exempt"] = json!(true);
        }
        goods
    }

    fn priced(&mut self) -> Value {
        let mut goods = self.goods();
        if self.chance(0.3) {
            goods["price"] = json!(self.number(900_000));
        } else {
            goods["unit_price"] = json!(self.number(3000));
        }
        goods
    }

    fn rates(&mut self) -> Value {
        // The declaration is of 2026-06-10; the week before begins on Monday the 1st.
        let dollar = match self.chance(0.5) {
            true => {
                json!({ "currency": "USD", "rate": self.one(&["1400", "1387.25", "1421.9"]), "week": "2026-06-07" })
            }
            false => {
                let quotations: Vec<String> = (0..5)
                    .map(|_| format!("{}.{}", self.0.random_range(1380..1420), self.0.random_range(0..10)))
                    .collect();
                json!({ "currency": "USD", "quotations": quotations, "quoted_from": "2026-06-01" })
            }
        };
        json!([dollar, { "currency": "EUR", "rate": "1611.37", "week": "2026-06-13" },
               { "currency": "JPY", "per": 100, "rate": "931.45", "week": "2026-06-10" }])
    }

    fn commission(&mut self) -> Value {
        let kind = self.one(&["selling", "buying", "brokerage", "confirming"]);
        json!({ "kind": kind, "amount": self.amount(5000), "for_the_buyers_account": self.chance(0.8),
                "owns_the_goods": self.chance(0.2), "controls_the_price": self.chance(0.2),
                "for_the_seller": self.chance(0.5), "other_services": self.number(1).clone(),
                "separable": self.chance(0.5) })
    }

    fn assist(&mut self) -> Value {
        let mut assist = json!({
            "kind": self.one(&["materials", "tools", "consumed", "design"]),
            "source": self.one(&["bought", "made", "affiliate"]),
            "cost": self.amount(50_000), "transport": self.amount(900),
            "performed_in": self.one(&["KR", "IT", "US"]), "inside_a_tangible_assist": self.chance(0.2),
            "allocation": self.share(&["this_import", "quantity", "price"]),
        });
        if self.chance(0.3) {
            let life = self.0.random_range(1000..500_000);
            assist["life_units"] = json!(life);
            assist["used_units"] = json!(self.0.random_range(0..=life));
        }
        if self.chance(0.3) {
            assist["charged"] = self.amount(20_000);
            assist["elements"] = self.amount(5000);
        }
        assist
    }

    fn royalty(&mut self) -> Value {
        let (right, relates) = self.one(&[
            ("patent", "patented_article"),
            ("patent", "none"),
            ("trademark", "bears_mark"),
            ("design", "shows_design"),
            ("copyright", "recorded"),
            ("software", "medium8523"),
            ("reproduction", "alike"),
        ]);
        let condition = self.one(&["to_seller", "to_third_party", "used_by_seller", "licensor_controls", "none"]);
        let mut royalty = json!({ "right": right, "relates": relates, "condition": condition });
        if self.chance(0.5) {
            royalty["amount"] = self.amount(9000);
        } else {
            royalty["percent"] = json!(self.one(&["3", "4.5", "7.25"]));
            royalty["of"] = self.amount(200_000);
        }
        match self.one(&[0, 1, 2, 3]) {
            1 => royalty["withheld_percent"] = json!(self.one(&["15", "16.5"])),
            2 => royalty["withheld"] = self.amount(900),
            _ => {}
        }
        if self.chance(0.3) {
            royalty["other_business"] = self.amount(500);
        }
        if self.chance(0.5) {
            royalty["share"] = self.share(&["whole", "finished_goods", "equipment", "imports"]);
        }
        royalty
    }

    fn transport(&mut self) -> Value {
        let incoterm = self.one(&["EXW", "FCA", "FOB", "CFR", "CIF", "DAP"]);
        let mut costs = vec![json!({ "kind": "freight", "amount": self.amount(20_000) })];
        let mut transport = json!({ "incoterm": incoterm });
        if self.chance(0.7) {
            costs.push(json!({ "kind": "insurance", "amount": self.amount(900) }));
        } else {
            transport["insured"] = json!(false);
        }
        for kind in [
            "export_side",
            "container_hire",
            "storage_in_transit",
            "demurrage_at_loading",
            "despatch_at_loading",
            "demurrage_at_import",
            "despatch_at_import",
            "unloading_at_import",
            "pilotage_at_import",
            "inland_after_arrival",
        ] {
            if self.chance(0.2) {
                let inside = kind != "demurrage_at_loading" && self.chance(0.3);
                costs.push(json!({ "kind": kind, "amount": self.amount(1), "inside_freight": inside,
                                   "proved": self.chance(0.5) }));
            }
        }
        transport["costs"] = json!(costs);
        if self.chance(0.2) {
            let ground = self.one(&["own_carrier", "voyage_charter", "war_or_disaster", "market_level", "free"]);
            transport["usual"] = json!({ "ground": ground, "differs_markedly": self.chance(0.7),
                                         "freight": self.amount(15_000), "insurance": self.amount(500) });
        }
        if self.chance(0.1) {
            transport["laytime"] = json!({ "allowed_days": "7.5", "loading_days": self.0.random_range(1..9),
                                           "demurrage_per_day": self.amount(900) });
        }
        transport
    }

    fn sold(&mut self) -> Value {
        let num_goods = self.0.random_range(1..=4);
        let goods: Vec<Value> = (0..num_goods).map(|_| self.priced()).collect();
        json!({
            "declared": "2026-06-10", "arrived": "2026-06-05", "currency": self.one(&["USD", "USD", "JPY", "KRW"]),
            "nothing_else": true, "rates": self.rates(), "goods": goods, "sale": { "kind": "sale" },
            "payments": {
                "indirect": self.list(2, |draw| json!({
                    "kind": draw.one(&["set_off", "sellers_debt", "third_party", "warranty", "training", "research",
                        "sellers_finance", "buyers_activity", "unrelated", "maintenance", "earlier_credit", "charge"]),
                    "amount": draw.amount(9000), "condition_of_sale": draw.chance(0.5),
                })),
                "discounts": self.list(2, |draw| match draw.chance(0.5) {
                    true => json!({ "kind": "cash", "percent": draw.one(&["2", "3.5"]), "earned": draw.chance(0.7) }),
                    false => json!({ "kind": "quantity", "amount": draw.number(1), "earned": draw.chance(0.7) }),
                }),
                "adjustments": self.list(1, |draw| json!({
                    "direction": draw.one(&["increase", "reduction"]), "amount": draw.number(1),
                    "agreed": draw.one(&["2026-05-01", "2026-06-05", "2026-07-01"]),
                    "clause": { "formula_fixed_before_import": true, "depends_on_later_facts": true,
                        "beyond_the_parties_control": draw.chance(0.5) },
                })),
            },
            "additions": {
                "commissions": self.list(2, Self::commission),
                "containers": self.list(1, |draw| json!({ "amount": draw.amount(900),
                    "one_with_the_goods": draw.chance(0.5) })),
                "packing": self.list(2, |draw| json!({ "labour": draw.amount(300), "material": draw.amount(300),
                    "after_import": draw.chance(0.3) })),
                "assists": self.list(2, Self::assist),
                "royalties": self.list(2, Self::royalty),
                "proceeds": self.list(1, |draw| match draw.chance(0.5) {
                    true => json!({ "amount": draw.amount(5000) }),
                    false => json!({ "percent": "4.5", "of": draw.amount(90_000) }),
                }),
            },
            "transport": self.transport(),
            "deductions": self.list(1, |draw| match draw.chance(0.5) {
                true => json!({ "kind": "work_after_import", "amount": draw.number(1), "separable": draw.chance(0.7) }),
                false => json!({ "kind": "deferred_interest", "amount": draw.number(1), "separable": draw.chance(0.8),
                    "written": draw.chance(0.8), "sold_at_declared_price": draw.chance(0.8),
                    "interest_percent": draw.one(&["4", "5", "6"]), "usual_interest_percent": "5" }),
            }),
        })
    }

    fn comparable(&mut self) -> Value {
        let day = self.one(&["2026-03-20", "2026-03-21", "2026-05-20", "2026-07-19", "2026-07-20"]);
        json!({ "unit_value": self.amount(900), "accepted": self.chance(0.8), "same_country": self.chance(0.8),
                "shipped": day, "same_producer": self.chance(0.5),
                "differences": self.list(2, |draw| json!({ "of": draw.one(&["level", "quantity", "mode"]),
                    "add": draw.number(9) })) })
    }

    /// Not sold: methods 2 to 5.
    fn not_sold(&mut self) -> Value {
        let num_goods = self.0.random_range(1..=2);
        let mut goods = Vec::new();
        for _ in 0..num_goods {
            let mut one = json!({ "description": "goods", "quantity": self.0.random_range(1..500),
                "duty_percent": self.one(&["0", "8", "6.5"]) });
            one["identical"] = self.list(2, Self::comparable);
            one["similar"] = self.list(2, Self::comparable);
            let sales: Vec<Value> = (0..self.0.random_range(1..5)).map(|_| json!({
                "unit_price": format!("KRW {}", self.0.random_range(20..24) * 10_000),
                "quantity": self.0.random_range(1..5) * 10, "related": self.chance(0.3), "first": self.chance(0.8),
                "date": self.one(&["2026-06-20", "2026-09-08", "2026-09-09"]),
            })).collect();
            one["deductive"] = json!({ "sales": sales, "processed": false,
                "own_percent": self.one(&["20", "24", "24.1", "31"]), "industry_percent": "20",
                "inland_cost": format!("KRW {}", self.number(900)) });
            one["computed"] = json!({ "materials": self.amount(90), "processing": self.amount(40),
                "packing": self.amount(5), "profit": self.amount(30), "transport": self.amount(20), "verifiable": true });
            goods.push(one);
        }
        json!({ "declared": "2026-06-10", "shipped": "2026-05-20", "currency": "USD", "nothing_else": true,
                "computed_first": self.chance(0.3), "rates": self.rates(), "goods": goods,
                "sale": { "kind": "free_of_charge" } })
    }
}

#[test]
fn two_hundred_invoices_come_out_as_the_independent_computation_says() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/value/independent.py");
    let mut draw = Draw(ChaCha8Rng::seed_from_u64(SEED));
    let invoices: Vec<Value> =
        (0..NUM_INVOICES).map(|at| if at % 4 == 3 { draw.not_sold() } else { draw.sold() }).collect();
    let python = Command::new("python3").arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut python = match python {
        Ok(python) => python,
        Err(error) => {
            eprintln!("skipped: python3 does not start ({error})");
            return;
        }
    };
    let mut input = python.stdin.take().unwrap();
    let text: String = invoices.iter().map(|invoice| format!("{invoice}\n")).collect();
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()).unwrap());
    let output = python.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success(), "the script has failed");
    let told = String::from_utf8(output.stdout).unwrap();
    let told: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(told.len(), invoices.len());
    let mut methods = [0; 7];
    for (invoice, told) in invoices.iter().zip(&told) {
        let (_, ours) = worksheet(invoice);
        assert_eq!(ours["status"], "complete", "{invoice}\n{:#}", ours["missing"]);
        for key in ["customs_value", "duty", "excise", "liquor", "education", "vat"] {
            assert_eq!(ours[key], told[key], "{key} of {invoice}\n{:#}", ours["lines"]);
        }
        for (goods, method) in ours["goods"].as_array().unwrap().iter().zip(told["methods"].as_array().unwrap()) {
            assert_eq!(goods["method"], *method, "{invoice}");
            methods[usize::try_from(method.as_u64().unwrap()).unwrap()] += 1;
        }
    }
    assert!((1..=5).all(|method| methods[method] > 0), "not every method was drawn: {methods:?}");
}
