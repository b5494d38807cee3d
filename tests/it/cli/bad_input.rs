//! Commands that cannot do what was asked, and one that does the rest.

use std::net::TcpListener;

use tempfile::tempdir;

use super::{SMALL, haetae, haetae_with};
use crate::support::home;

#[test]
fn a_port_that_is_taken_is_known_before_anything_is_loaded() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let home = tempdir().unwrap();
    let ran = haetae(home.path(), &["--offline", "serve", "--addr", &addr]);
    ran.assert_refused(&["cannot listen on", &addr, "in use"]);
    let hint = ran.stderr.split_once("\n\nhint: ").expect("a hint in a paragraph of its own").1;
    assert!(hint.contains("--addr HOST:PORT"), "{hint}");
}

#[test]
fn an_address_that_is_none_is_refused_by_its_flag() {
    let home = tempdir().unwrap();
    haetae(home.path(), &["serve", "--addr", "localhost"]).assert_refused(&["--addr", "localhost"]);
}

#[test]
fn an_open_address_without_a_key_is_refused() {
    let home = tempdir().unwrap();
    haetae(home.path(), &["serve", "--addr", "0.0.0.0:0"]).assert_refused(&["0.0.0.0:0", "HAETAE_API_KEYS"]);
}

#[test]
fn an_unknown_model_is_named_with_a_way_to_find_those_that_are_known() {
    let home = tempdir().unwrap();
    let ran = haetae(home.path(), &["--model", "gpt-9", "ask", "What is the customs value?"]);
    ran.assert_refused(&["no model is called `gpt-9`", "hint: ", "haetae models list"]);
    haetae(home.path(), &["models", "pull", "gpt-9"]).assert_refused(&["no model is called `gpt-9`"]);
}

#[test]
fn a_missing_model_is_named_where_connections_are_forbidden() {
    let home = tempdir().unwrap();
    let ran = haetae(home.path(), &["--offline", "--model", SMALL, "ask", "What is the customs value?"]);
    ran.assert_refused(&[SMALL, "smollm2-135m-instruct-q4_1.gguf", "--offline", "haetae models import FILE"]);
    haetae(home.path(), &["--offline", "corpora", "build"]).assert_refused(&["multilingual-e5-small", "--offline"]);
}

#[test]
fn instructions_that_do_not_exist_are_refused() {
    let home = tempdir().unwrap();
    let ran = haetae_with(home.path(), &["corpora", "list"], &[("HAETAE_ISA", "avx513")]);
    ran.assert_refused(&["HAETAE_ISA", "`avx513`", "`avx2`"]);
}

#[test]
fn a_corrupt_model_file_is_named() {
    let home = tempdir().unwrap();
    let file = home.path().join("broken.gguf");
    fs_err::write(&file, b"GGUF\x03\0\0\0 and no more").unwrap();
    let shown = file.to_str().unwrap();
    let ran = haetae(home.path(), &["--offline", "--model", shown, "bench", "engine"]);
    ran.assert_refused(&[shown, "not a GGUF file"]);
    haetae(home.path(), &["models", "import", shown]).assert_refused(&["broken.gguf"]);
}

#[test]
fn a_settings_file_with_an_unknown_key_is_refused_by_line_and_key() {
    let home = tempdir().unwrap();
    fs_err::write(home.path().join("haetae.toml"), "[engine]\nmodell = \"x\"\n").unwrap();
    haetae(home.path(), &["models", "list"]).assert_refused(&["haetae.toml", "line 2", "modell"]);
}

#[test]
fn a_broken_head_is_reported_by_file_and_line_and_the_rest_is_indexed() {
    let folder = tempdir().unwrap();
    home::furnish(folder.path());
    let corpus = folder.path().join("corpora/rulings");
    fs_err::create_dir_all(&corpus).unwrap();
    let head = |id: &str, authority: &str| {
        format!("---\nid: {id}\ntitle: Pallet hire\nlanguage: en\nauthority: {authority}\nsource: a test\n---\n\n")
    };
    let text = "# Pallet hire\n\nThe hire of returnable pallets named zorblax is shown apart on the invoice.\n";
    fs_err::write(corpus.join("good.md"), head("rulings-good", "document") + text).unwrap();
    let no_authority = head("rulings-bad", "hearsay") + text;
    fs_err::write(corpus.join("bad.md"), no_authority).unwrap();
    fs_err::write(corpus.join("open.md"), "---\nid: rulings-open\n# Never closed\n").unwrap();
    let ran = haetae(folder.path(), &["--offline", "corpora", "build"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    for words in ["bad.md` line 5", "hearsay", "open.md` line 1", "never closes"] {
        assert!(ran.stderr.contains(words), "no `{words}` in: {}", ran.stderr);
    }
    assert!(!ran.stderr.contains("good.md"), "{}", ran.stderr);
    let found =
        haetae(folder.path(), &["--offline", "corpora", "search", "zorblax pallets", "--corpus", "rulings", "--json"]);
    assert_eq!(found.code, 0, "{}", found.stderr);
    let found: serde_json::Value = serde_json::from_str(&found.stdout).unwrap();
    assert_eq!(found["hits"][0]["passage"]["document"], "rulings-good");
    let listed = haetae(folder.path(), &["--offline", "corpora", "list"]);
    assert!(listed.stdout.contains("valuation: 180 documents"), "{}", listed.stdout);
}

#[test]
fn a_document_that_cannot_be_read_is_not_added() {
    let folder = tempdir().unwrap();
    home::furnish(folder.path());
    let carried = folder.path().join("carried.md");
    fs_err::write(&carried, "---\nid: [\n---\ntext\n").unwrap();
    let ran = haetae(folder.path(), &["--offline", "corpora", "add", carried.to_str().unwrap()]);
    ran.assert_refused(&["carried.md` line", "broken head"]);
    assert!(!folder.path().join("corpora").exists());
    haetae(folder.path(), &["--offline", "corpora", "add", "/nowhere/x.md"]).assert_refused(&["/nowhere/x.md"]);
}

#[test]
fn a_question_to_a_corpus_that_is_empty_is_refused_in_its_language() {
    let shared = home::indexed();
    for (question, words) in [("What is the customs value?", "What is"), ("과세가격은 무엇인가요?", "과세가격")]
    {
        let ran = haetae(shared, &["--model", SMALL, "ask", question, "--corpus", "nothing-here", "--json"]);
        assert_eq!(ran.code, 1, "{}", ran.stderr);
        let answer: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(answer["refused"], true, "{answer}");
        assert_eq!(answer["citations"].as_array().unwrap().len(), 0, "{answer}");
        let said = answer["answer"].as_str().unwrap();
        let is_korean = said.chars().any(|c| ('가'..='힣').contains(&c));
        assert_eq!(is_korean, words == "과세가격", "{said}");
    }
}
