//! HS codes by the built binary: learnt from descriptions, recommended for texts, files and pipes.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::{TempDir, tempdir};

use super::haetae;
use crate::support::home;

/// Goods with a heading each, and words that say nothing of them.
const GOODS: [(&str, &str); 6] = [
    ("wireless earbuds", "851830"),
    ("green tea", "090210"),
    ("cotton shirt", "610510"),
    ("ceramic mug", "691200"),
    ("steel bolt", "731815"),
    ("무선 이어폰", "851830"),
];
const WORDS: [&str; 10] = ["new", "pack", "blue", "large", "two", "boxed", "plain", "export", "model", "series"];

/// A home folder with a table of descriptions beside it.
struct Descriptions(TempDir);

impl Descriptions {
    fn new() -> Self {
        let folder = tempdir().unwrap();
        let mut text = String::from("description,code\n");
        for (at, first) in WORDS.iter().enumerate() {
            for second in &WORDS[..at] {
                for (goods, code) in GOODS {
                    writeln!(text, "{first} {goods} {second},{code}").unwrap();
                }
            }
        }
        fs_err::write(folder.path().join("past.csv"), text).unwrap();
        Self(folder)
    }

    fn home(&self) -> PathBuf {
        self.0.path().join("home")
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn train(&self) -> super::Ran {
        haetae(&self.home(), &["train", "hs", "--data", &self.path("past.csv"), "--words-only", "--json"])
    }
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_trained_model_recommends_codes_for_texts_and_files() {
    let descriptions = Descriptions::new();
    let ran = descriptions.train();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let rows = ["past", "past_korean"].map(|part| report[part]["rows"].as_u64().unwrap());
    assert_eq!(rows.iter().sum::<u64>(), 54, "a fifth of 270 descriptions");
    assert!(report["past"]["hs6"]["top1"].as_f64().unwrap() > 0.9, "{}", report["past"]);

    let scored =
        haetae(&descriptions.home(), &["score", "hs", "--text", "red wireless earbuds", "--top", "2", "--json"]);
    assert_eq!(scored.code, 0, "{}", scored.stderr);
    let scored = &lines(&scored.stdout)[0];
    assert_eq!((scored["hs6"][0]["code"].as_str(), scored["hs4"][0]["code"].as_str()), (Some("851830"), Some("8518")));
    assert_eq!((scored["hs6"].as_array().unwrap().len(), &scored["model"]), (2, &report["model"]));
    assert!(scored["similar"][0]["text"].as_str().unwrap().contains("earbuds"), "{scored}");
    let (heading, subheading) = (&scored["hs4"][0]["probability"], &scored["hs6"][0]["probability"]);
    assert!(heading.as_f64().unwrap() >= subheading.as_f64().unwrap() - 1e-6, "a heading holds its subheadings");

    fs_err::write(descriptions.path("texts"), "green tea\n\n무선 이어폰을\nzzzz\n").unwrap();
    let scored = haetae(&descriptions.home(), &["score", "hs", &descriptions.path("texts"), "--json"]);
    assert_eq!(scored.code, 0, "{}", scored.stderr);
    let scored = lines(&scored.stdout);
    let codes: Vec<&str> = scored.iter().map(|line| line["hs6"][0]["code"].as_str().unwrap()).collect();
    assert_eq!(codes[..2], ["090210", "851830"]);
    assert_eq!((scored.len(), &scored[2]["refused"]), (3, &Value::Bool(true)), "nothing is known of `zzzz`");
}

#[test]
fn an_answer_narrows_what_a_question_was_asked_about() {
    let descriptions = Descriptions::new();
    let law = "section,hscode,description,parent,level\n\
         XI,61,Knitted apparel,TOTAL,2\n\
         XI,6105,Shirts; men's or boys' (knitted or crocheted),61,4\n\
         XI,610510,\"Shirts; men's or boys', of cotton, knitted or crocheted\",6105,6\n\
         XI,610520,\"Shirts; men's or boys', of man-made fibres, synthetic, knitted or crocheted\",6105,6\n";
    fs_err::write(descriptions.path("law.csv"), law).unwrap();
    let home = descriptions.home();
    let data = ["past.csv", "law.csv"].map(|name| descriptions.path(name));
    let coverage = ["--coverage", "0.95"];
    let ran = haetae(
        &home,
        &["train", "hs", "--data", &data[0], &data[1], coverage[0], coverage[1], "--words-only", "--json"],
    );
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let score = |answers: &[&str]| {
        let mut args = vec!["score", "hs", "--text", "knitted shirts for men", "--json"];
        answers.iter().for_each(|answer| args.extend(["--answer", answer]));
        let ran = haetae(&home, &args);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        lines(&ran.stdout).remove(0)
    };
    let probability = |scored: &Value, code: &str| {
        let ranked = scored["hs6"].as_array().unwrap();
        ranked.iter().find(|found| found["code"] == code).map_or(0.0, |found| found["probability"].as_f64().unwrap())
    };
    let (before, after) = (score(&[]), score(&["material=synthetic"]));
    assert!(probability(&after, "610520") > probability(&before, "610520"), "{before} {after}");
    assert!(probability(&after, "610510") < probability(&before, "610510"), "{before} {after}");
    assert_eq!(after["answers"][0], "material=synthetic");
    haetae(&home, &["score", "hs", "--text", "shirts", "--answer", "material=moon"])
        .assert_refused(&["`material=moon` is no answer", "`cotton`"]);
}

/// A home folder whose settings name the embedder.
fn home_with_embedder() -> TempDir {
    let home = tempdir().unwrap();
    let embedder = home::model("multilingual-e5-small").weights().display().to_string();
    fs_err::write(home.path().join("haetae.toml"), format!("[models]\nembedder = {embedder:?}\n")).unwrap();
    home
}

#[test]
fn without_tables_the_built_in_headings_are_learnt_by_what_they_mean() {
    let home = home_with_embedder();
    let ran = haetae(home.path(), &["train", "hs", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    for part in ["past", "past_korean"] {
        // By words alone it is 0.09 and 0.11.
        let top3 = report[part]["hs4"]["top3"].as_f64().unwrap();
        assert!(top3 > 0.25, "{part}: {top3}");
    }
    for (text, heading) in [("wireless headphones", "8518"), ("냉동 새우", "0306")] {
        let scored = haetae(home.path(), &["score", "hs", "--text", text, "--json"]);
        let scored = lines(&scored.stdout).remove(0);
        let first: Vec<&str> =
            scored["hs4"].as_array().unwrap().iter().map(|found| found["code"].as_str().unwrap()).collect();
        assert!(first[..3].contains(&heading), "{text}: {first:?}");
        assert_eq!(scored["hs6"][0]["code"].as_str().unwrap().len(), 4, "no subheading was ever told");
    }
    fs_err::write(home.path().join("haetae.toml"), "[models]\nembedder = \"nowhere.bin\"\n").unwrap();
    haetae(home.path(), &["score", "hs", "--text", "tea"]).assert_refused(&["nowhere.bin"]);
}

#[test]
fn scoring_without_a_model_says_how_to_get_one() {
    let home = tempdir().unwrap();
    haetae(home.path(), &["score", "hs", "--text", "tea"])
        .assert_refused(&["there is no hs model yet", "hint: `haetae train hs`"]);
}

#[test]
fn a_bad_table_is_named_and_leaves_nothing_behind() {
    let descriptions = Descriptions::new();
    let refused = |text: &[u8], words: &[&str]| {
        fs_err::write(descriptions.path("past.csv"), text).unwrap();
        descriptions.train().assert_refused(words);
        assert!(!descriptions.home().join("scoring").exists(), "an artefact was left behind");
    };
    refused(b"goods,hs\ntea,0902\n", &["past.csv` fits no known layout", "`goods`, `hs`", "`code` and `description`"]);
    refused(b"description,code\ntea,x\ncup,6912\n", &["1 of 2 rows of", "lack a description or an HS code: lines 2"]);
    refused(b"description,code\n", &["past.csv` holds no rows"]);
    refused(b"description,code\ntea,0902\n", &["1 descriptions to learn from, and at least 50 are needed"]);
    refused(b"{\"tea\": 1}", &["begins like a JSON object and is none from descriptions to codes"]);
    refused(b"description,code\n\xff\xff\xff,0902\n", &["is neither UTF-8 nor CP949"]);
}

#[test]
fn a_model_that_was_touched_is_not_served() {
    let descriptions = Descriptions::new();
    assert_eq!(descriptions.train().code, 0);
    let shelf = descriptions.home().join("scoring/hs");
    let version = fs_err::read_to_string(shelf.join("CURRENT")).unwrap();
    let weights = shelf.join(version).join("weights.bin");
    let mut bytes = fs_err::read(&weights).unwrap();
    bytes[0] ^= 1;
    fs_err::write(&weights, bytes).unwrap();
    haetae(&descriptions.home(), &["score", "hs", "--text", "tea"])
        .assert_refused(&["`weights.bin` is not what was written, by its sha256", "hint: `haetae train hs`"]);
}

/// The public descriptions: what is asked of them. `HAETAE_TEST_HS` names their folder.
#[test]
#[ignore = "not reached yet: of the vague texts 0.63 are refused, and 0.8 is asked"]
fn the_public_descriptions_are_recommended_as_well_as_asked() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/hs");
    let folder = std::env::var_os("HAETAE_TEST_HS").map_or(beside, PathBuf::from);
    if !folder.is_dir() {
        eprintln!("skipped: the public descriptions are not here (../shared/data/hs)");
        return;
    }
    let home = home_with_embedder();
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let files =
        ["search_references.json", "extra_references.csv", "harmonized-system.csv", "kr-hs10-2025.csv"].map(path);
    let vague = path("vague_terms.csv");
    let mut args = vec!["train", "hs", "--data"];
    args.extend(files.iter().map(String::as_str));
    args.extend(["--vague", &vague, "--json"]);
    let ran = haetae(home.path(), &args);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let figure = |pointer: &str| report.pointer(pointer).and_then(Value::as_f64).unwrap();
    for (pointer, least) in [
        ("/past/hs4/top1", 0.54),
        ("/past/hs4/top3", 0.74),
        ("/past/hs6/top1", 0.38),
        ("/past/hs6/top3", 0.58),
        ("/past/hs6/top5", 0.67),
        ("/refusal/vague_refused", 0.8),
        ("/national/hs4/top3", 0.8),
    ] {
        assert!(figure(pointer) >= least, "{pointer} is {}, and {least} is asked", figure(pointer));
    }
    assert!(figure("/refusal/clear_refused") <= 0.1, "{}", report["refusal"]);
    for level in ["hs2", "hs4", "hs6"] {
        let [met, stated] = ["coverage", "coverage_stated"].map(|name| figure(&format!("/past/{level}/{name}")));
        assert!((met - stated).abs() <= 0.02, "{level}: {met} of {stated}");
    }
    assert!(figure("/ms_per_text") < 10.0);
}
