//! What is built into the binary is sound: texts are UTF-8, documents load, twins agree, suites name what there is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use haetae::assets;
use haetae::ingest::{self, Document, source_files};
use haetae::lang::Language;
use rust_embed::Embed;
use serde_json::Value;

/// Folders of `eval/` that ask no questions of the documents: tasks, worked cases, sentences.
const NO_QUESTIONS: [&str; 4] = ["agents/", "injection/", "value/", "masking/"];

/// The question suites.
fn suites() -> impl Iterator<Item = std::borrow::Cow<'static, str>> {
    let asks = |path: &str| path.ends_with(".jsonl") && !NO_QUESTIONS.iter().any(|folder| path.starts_with(folder));
    <assets::Suites as Embed>::iter().filter(move |path| asks(path))
}

/// The built-in corpora, read as an index build reads them.
fn documents() -> Vec<Document> {
    let files = source_files(Path::new("no home folder")).unwrap();
    assert!(files.len() > 200, "only {} files are built in", files.len());
    let read = |file: &ingest::SourceFile| {
        let documents = ingest::documents(&file.shown(), &file.corpus, &file.read().unwrap());
        documents.unwrap_or_else(|error| panic!("{error}"))
    };
    files.iter().flat_map(read).collect()
}

#[test]
fn every_embedded_file_is_utf8() {
    fn check<A: Embed>(folder: &str) {
        assert!(A::iter().next().is_some(), "nothing of `{folder}` is built in");
        for path in A::iter() {
            let file = A::get(&path).unwrap();
            assert!(std::str::from_utf8(&file.data).is_ok(), "`{folder}/{path}` is not UTF-8");
        }
    }
    check::<assets::Corpora>("corpora");
    check::<assets::Prompts>("prompts");
    check::<assets::Suites>("eval");
    check::<assets::Models>("models");
}

#[test]
fn every_document_has_a_sound_head_and_its_name_in_its_id() {
    let mut ids = BTreeSet::new();
    for document in documents() {
        let Document { id, corpus, language, text, .. } = &document;
        assert!(id.starts_with(&format!("{corpus}-")), "`{id}` does not begin with its corpus `{corpus}`");
        assert!(id.ends_with(&format!("-{language}")), "`{id}` does not end with its language");
        assert_eq!(Language::detect(text), *language, "`{id}` is written in another language than its head says");
        assert!(text.starts_with(&format!("# {}\n", document.title)), "`{id}` does not open with its title");
        assert!(ids.insert(id.clone()), "`{id}` is used twice");
    }
}

#[test]
fn every_document_has_a_twin_with_the_same_topic_and_references() {
    let mut twins: BTreeMap<String, Vec<Document>> = BTreeMap::new();
    for document in documents() {
        twins.entry(without_language(&document.id).to_owned()).or_default().push(document);
    }
    for (id, twins) in twins {
        let [a, b] = twins.as_slice() else { panic!("`{id}` has {} languages", twins.len()) };
        let refs = |document: &Document| document.refs.iter().cloned().collect::<BTreeSet<_>>();
        assert_ne!(a.language, b.language, "{id}");
        assert_eq!(refs(a), refs(b), "the references of `{id}` differ");
        let rest =
            |document: &Document| (document.topic, document.authority, document.effective_from, document.effective_to);
        assert_eq!(rest(a), rest(b), "the heads of `{id}` differ");
    }
}

fn without_language(id: &str) -> &str {
    id.rsplit_once('-').map_or(id, |(stem, _)| stem)
}

#[test]
fn no_document_knows_a_question_of_a_suite() {
    let folded =
        |text: &str| text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
    let documents = documents();
    let known: BTreeSet<String> =
        documents.iter().flat_map(|document| &document.asked).map(|asked| folded(asked)).collect();
    assert!(!known.is_empty());
    for path in suites() {
        for line in assets::text::<assets::Suites>(&path).unwrap().lines() {
            let question: Value = serde_json::from_str(line).unwrap();
            let asked = question["question"].as_str().unwrap();
            assert!(!known.contains(&folded(asked)), "eval/{path}: a document's head holds `{asked}`");
        }
    }
}

/// The fields of each kind of suite: those that must be there, and those that may.
const KINDS: &[(&str, &[&str], &[&str])] = &[
    ("retrieval", &["id", "language", "question"], &["topics", "documents"]),
    ("abstention", &["id", "language", "question", "answerable"], &["kind", "topics", "documents"]),
    ("approved", &["id", "language", "question", "same", "other"], &[]),
    ("answers", &["id", "language", "question", "topics", "must", "must_not"], &["polarity"]),
];

#[test]
fn every_line_of_every_suite_asks_for_what_there_is() {
    let documents = documents();
    let topics: BTreeSet<u64> = documents.iter().filter_map(|document| document.topic.map(u64::from)).collect();
    let stems: BTreeSet<&str> = documents.iter().map(|document| without_language(&document.id)).collect();
    for path in suites() {
        let (kind, _) = path.split_once('/').unwrap_or_else(|| panic!("`eval/{path}` is of no kind"));
        let (_, must, may) =
            KINDS.iter().find(|(name, ..)| *name == kind).unwrap_or_else(|| panic!("`{kind}` is no kind of suite"));
        let mut ids = BTreeSet::new();
        let text = assets::text::<assets::Suites>(&path).unwrap();
        for (at, line) in text.lines().enumerate() {
            let at = format!("eval/{path} line {}", at + 1);
            let question: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{at}: {error}"));
            let fields: BTreeSet<&str> = question.as_object().unwrap().keys().map(String::as_str).collect();
            assert!(must.iter().all(|field| fields.contains(field)), "{at}: a field is missing");
            assert!(fields.iter().all(|field| must.contains(field) || may.contains(field)), "{at}: an unknown field");
            assert!(ids.insert(question["id"].as_str().unwrap().to_owned()), "{at}: its id is used twice");
            let language: Language = serde_json::from_value(question["language"].clone()).unwrap();
            let asked = question["question"].as_str().unwrap();
            assert_eq!(Language::detect(asked), language, "{at}: {asked}");
            for topic in question["topics"].as_array().into_iter().flatten() {
                assert!(topics.contains(&topic.as_u64().unwrap()), "{at}: there is no topic {topic}");
            }
            for document in question["documents"].as_array().into_iter().flatten() {
                assert!(stems.contains(document.as_str().unwrap()), "{at}: there is no document {document}");
            }
            if kind == "retrieval" {
                let num_right =
                    [&question["topics"], &question["documents"]].map(|list| list.as_array().map_or(0, Vec::len));
                assert!(num_right.iter().sum::<usize>() > 0, "{at}: nothing would be right");
            }
        }
        assert!(!ids.is_empty(), "`eval/{path}` is empty");
    }
}
