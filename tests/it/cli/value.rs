//! Customs values by the built binary: files and pipes, JSON and print, and what the exit code says.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::tempdir;

use super::haetae;

const CASE: &str = r#"{
    "declared": "2026-06-10", "currency": "USD", "nothing_else": true,
    "rates": [{ "currency": "USD", "rate": 1400, "week": "2026-06-10" }],
    "goods": [{ "description": "<b>machine</b>", "price": 1000, "duty_percent": 8 }],
    "sale": { "kind": "sale" }, "transport": { "incoterm": "CIF" }
}"#;

#[test]
fn a_case_is_printed_in_three_forms_and_two_languages() {
    let home = tempdir().unwrap();
    let file = home.path().join("case.json");
    fs_err::write(&file, CASE).unwrap();
    let run = |args: &[&str]| {
        let ran = haetae(home.path(), &[&["value", file.to_str().unwrap()], args].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.stdout
    };
    let json: Value = serde_json::from_str(&run(&["--json"])).unwrap();
    let totals = ["customs_value", "duty", "vat"].map(|key| json[key].as_u64().unwrap());
    assert_eq!(totals, [1_400_000, 112_000, 151_200]);
    let price = &json["lines"][0];
    assert_eq!((price["amount"].as_u64(), price["currency"].as_str()), (Some(1000), Some("USD")));
    assert_eq!(price["refs"][0], "KR-CA-30(1)");
    assert!(
        run(&[]).contains("과세가격 1,400,000원") && run(&["--lang", "en"]).contains("Customs value KRW 1,400,000")
    );
    let html = run(&["--html", "--lang", "en"]);
    assert!(html.starts_with("<!doctype html>") && html.contains("1,400,000") && !html.contains("<b>machine"));
}

#[test]
fn missing_facts_are_listed_and_exit_with_one() {
    let home = tempdir().unwrap();
    let mut case: Value = serde_json::from_str(CASE).unwrap();
    case["transport"] = serde_json::json!({});
    let mut child = Command::new(env!("CARGO_BIN_EXE_haetae"))
        .args(["--home", home.path().to_str().unwrap(), "value", "-", "--lang", "en"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(case.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("Missing facts") && text.contains("`transport.incoterm`"), "{text}");
}

#[test]
fn a_case_that_cannot_be_computed_is_refused_with_the_place() {
    let home = tempdir().unwrap();
    let file = home.path().join("case.json");
    fs_err::write(&file, CASE.replace("\"price\"", "\"prise\"")).unwrap();
    haetae(home.path(), &["value", file.to_str().unwrap()]).assert_refused(&["goods[0]", "prise"]);
    haetae(home.path(), &["value", "no-such-file.json"]).assert_refused(&["no-such-file.json"]);
}

#[test]
fn the_schema_of_a_case_is_printed() {
    let home = tempdir().unwrap();
    let ran = haetae(home.path(), &["value", "--schema"]);
    let schema: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((ran.code, &schema["additionalProperties"]), (0, &Value::Bool(false)));
}
