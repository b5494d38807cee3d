//! The worked cases: their figures were reckoned by hand from the examples of the topics, or by arithmetic beside ours.

use std::collections::{BTreeMap, BTreeSet};

use haetae::lang::Language;
use haetae::legal::LegalRef;
use serde::Deserialize;
use serde_json::Value;

use super::worksheet;
use crate::corpora::assert_in_the_law;

const CASES: &str = include_str!("../../../eval/value/cases.jsonl");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Worked {
    id: String,
    topic: u32,
    ko: String,
    en: String,
    input: Value,
    expected: Expected,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    status: String,
    method: Option<u64>,
    /// Totals
    customs_value: Option<f64>,
    duty: Option<f64>,
    excise: Option<f64>,
    liquor: Option<f64>,
    transport_energy: Option<f64>,
    education: Option<f64>,
    rural: Option<f64>,
    vat: Option<f64>,
    /// Customs value of each kind of goods
    #[serde(default)]
    goods: Vec<f64>,
    /// Sums of the lines of a key, in the country's currency
    #[serde(default)]
    lines: BTreeMap<String, f64>,
    /// Keys of the missing facts
    #[serde(default)]
    missing: Vec<String>,
    /// Words that stand in the worksheet of either language
    #[serde(default)]
    labels: BTreeMap<Language, String>,
    /// References of notes
    #[serde(default)]
    notes: Vec<String>,
    /// Methods that do not apply
    #[serde(default)]
    against: Vec<u64>,
}

fn cases() -> Vec<Worked> {
    CASES.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// What is wrong with the worksheet of a case.
fn faults(case: &Worked) -> Vec<String> {
    let (sheet, json) = worksheet(&case.input);
    let expected = &case.expected;
    let mut faults = Vec::new();
    let mut same = |what: &str, given: &Value, expected: Value| {
        if *given != expected && given.as_f64().zip(expected.as_f64()).is_none_or(|(a, b)| a != b) {
            faults.push(format!("{what} is {given}, not {expected}"));
        }
    };
    same("status", &json["status"], expected.status.clone().into());
    if let Some(method) = expected.method {
        same("method", &json["method"], method.into());
    }
    for (key, total) in [
        ("customs_value", expected.customs_value),
        ("duty", expected.duty),
        ("excise", expected.excise),
        ("liquor", expected.liquor),
        ("transport_energy", expected.transport_energy),
        ("education", expected.education),
        ("rural", expected.rural),
        ("vat", expected.vat),
    ] {
        if let Some(total) = total {
            same(key, &json[key], total.into());
        }
    }
    for (at, value) in expected.goods.iter().enumerate() {
        same("value of the goods", &json["goods"][at]["customs_value"], (*value).into());
    }
    let lines = json["lines"].as_array().unwrap();
    for (key, sum) in &expected.lines {
        let lines = lines.iter().filter(|line| line["key"] == key.as_str());
        let signed = lines.map(|line| match line["effect"].as_str().unwrap() {
            "add" => line["home"].as_f64().unwrap(),
            "deduct" => -line["home"].as_f64().unwrap(),
            _ => 0.0,
        });
        same(key, &signed.sum::<f64>().into(), (*sum).into());
    }
    let missing: Vec<&str> = sheet.missing.iter().map(|missing| missing.key.as_str()).collect();
    same("missing", &missing.into(), expected.missing.clone().into());
    let against = json["steps"].as_array().unwrap().iter().filter(|step| step["outcome"] == "does_not_apply");
    let against: Vec<&Value> = against.map(|step| &step["method"]).collect();
    if !expected.against.is_empty() {
        same("methods that do not apply", &serde_json::json!(against), expected.against.clone().into());
    }
    for (language, label) in &expected.labels {
        for printed in [sheet.markdown(*language), sheet.html(*language)] {
            same(&format!("`{label}` in print"), &printed.contains(label.as_str()).into(), true.into());
        }
    }
    for reference in &expected.notes {
        let noted = sheet.notes.iter().any(|note| note.refs.contains(&reference.as_str()));
        same(&format!("a note on {reference}"), &noted.into(), true.into());
    }
    faults
}

#[test]
fn every_worked_case_comes_out_to_the_won() {
    let mut wrong = Vec::new();
    for case in cases() {
        wrong.extend(faults(&case).into_iter().map(|fault| format!("{}: {fault}", case.id)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_cases_cover_every_topic_in_both_languages() {
    let cases = cases();
    assert!(cases.len() >= 150, "only {} cases", cases.len());
    let topics: BTreeSet<u32> = cases.iter().map(|case| case.topic).collect();
    assert_eq!(topics, (1..=90).collect());
    let ids: BTreeSet<&str> = cases.iter().map(|case| case.id.as_str()).collect();
    assert_eq!(ids.len(), cases.len(), "an id is used twice");
    for case in &cases {
        assert!(case.id.starts_with(&format!("{:03}-", case.topic)), "{}", case.id);
        assert!(
            Language::detect(&case.ko) == Language::Ko && Language::detect(&case.en) == Language::En,
            "{}",
            case.id
        );
    }
}

#[test]
fn every_line_and_reason_names_its_law_in_both_languages() {
    let hangul = |text: &str| Language::detect(text) == Language::Ko;
    for case in cases() {
        let (sheet, json) = worksheet(&case.input);
        let with_refs = ["lines", "missing", "notes"].map(|key| json[key].as_array().unwrap().clone()).concat();
        let reasons = json["steps"].as_array().unwrap().iter().flat_map(|step| step["reasons"].as_array().unwrap());
        for told in with_refs.iter().chain(reasons) {
            let refs = told["refs"].as_array().unwrap();
            assert!(!refs.is_empty(), "{}: {told}", case.id);
            for reference in refs {
                let text = reference.as_str().unwrap();
                let parsed: Result<LegalRef, _> = text.parse();
                assert_eq!(parsed.map(|parsed| parsed.to_string()), Ok(text.to_owned()), "{}", case.id);
            }
            let label = if told["label"].is_object() { &told["label"] } else { told };
            assert!(hangul(label["ko"].as_str().unwrap()) && !hangul(label["en"].as_str().unwrap()), "{told}");
        }
        assert!(hangul(&sheet.markdown(Language::Ko)) && hangul(&sheet.html(Language::Ko)), "{}", case.id);
        let english = sheet.markdown(Language::En);
        assert!(english.starts_with("# Valuation worksheet") && !english.contains("과세"), "{}", case.id);
    }
}

#[test]
fn every_reference_of_every_worksheet_exists_in_the_law() {
    fn references(json: &Value, found: &mut BTreeSet<String>) {
        match json {
            Value::Object(fields) => {
                for (key, field) in fields {
                    if key == "refs" {
                        found.extend(field.as_array().unwrap().iter().map(|r| r.as_str().unwrap().to_owned()));
                    }
                    references(field, found);
                }
            }
            Value::Array(entries) => entries.iter().for_each(|entry| references(entry, found)),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    for case in cases() {
        references(&worksheet(&case.input).1, &mut found);
    }
    assert!(found.len() > 100, "only {} references", found.len());
    assert_in_the_law(found.iter().map(|reference| ("a worksheet", reference.as_str())));
}

#[test]
fn the_example_of_the_readme_comes_out_as_it_says() {
    let readme = include_str!("../../../README.md");
    let section = readme.split("## How do I compute a customs value?").nth(1).unwrap();
    let example = section.split("```json").nth(1).unwrap().split("```").next().unwrap();
    let (sheet, _) = worksheet(&serde_json::from_str(example).unwrap());
    let value = sheet.totals.customs_value.unwrap().grouped(0);
    assert_eq!(value, "149,800,000");
    assert!(section.split("\n## ").next().unwrap().contains(&value));
}
