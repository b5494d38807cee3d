//! The corpora and suites that ship: heads read, twins complete, references exist in the law.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use haetae::ingest::{self, Document};
use haetae::lang::Language;
use haetae::legal::{Instrument, LegalRef, Provision};

fn shipped() -> Vec<Document> {
    let nowhere = Path::new("/nonexistent");
    let files = ingest::source_files(nowhere).unwrap();
    let read = files.iter().flat_map(|file| {
        ingest::documents(&file.shown(), &file.corpus, &file.read().unwrap()).unwrap_or_else(|error| panic!("{error}"))
    });
    read.collect()
}

#[test]
fn every_topic_has_its_twins_with_the_same_references() {
    let mut topics: BTreeMap<u32, Vec<Document>> = BTreeMap::new();
    for document in shipped().into_iter().filter(|document| document.corpus == "valuation") {
        topics.entry(document.topic.unwrap()).or_default().push(document);
    }
    assert_eq!(topics.keys().copied().collect::<Vec<_>>(), (1..=90).collect::<Vec<_>>());
    for (topic, twins) in topics {
        let languages: BTreeSet<Language> = twins.iter().map(|twin| twin.language).collect();
        assert_eq!((twins.len(), languages.len()), (2, 2), "topic {topic}");
        assert_eq!(twins[0].refs, twins[1].refs, "topic {topic}");
        assert!(twins.iter().all(|twin| twin.asked.len() >= 3), "topic {topic}");
    }
}

#[test]
fn no_asked_question_stands_in_a_suite() {
    let asked: BTreeSet<String> = shipped().into_iter().flat_map(|document| document.asked).collect();
    // Tasks, worked cases and sentences ask nothing of the documents.
    let asks = |name: &str| {
        name.ends_with(".jsonl")
            && !["agents/", "injection/", "value/", "masking/"].iter().any(|folder| name.starts_with(folder))
    };
    for suite in <haetae::assets::Suites as rust_embed::Embed>::iter().filter(|name| asks(name)) {
        let text = haetae::assets::text::<haetae::assets::Suites>(&suite).unwrap();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            let question = row["question"].as_str().unwrap();
            assert!(!asked.contains(question), "{suite}: {question}");
        }
    }
}

/// Which paragraphs and items an article has: `("38-3", "2", "1")`; the empty string stands for none.
type Places = BTreeSet<(String, String, String)>;

#[test]
fn every_korean_reference_exists_in_the_law() {
    let documents = shipped();
    let told = documents
        .iter()
        .flat_map(|document| document.refs.iter().map(|reference| (document.id.as_str(), reference.as_str())));
    assert_in_the_law(told);
}

/// Fails unless each Korean reference, told with where it stands, exists; says so where the law texts are not here.
#[track_caller]
pub fn assert_in_the_law<'a>(told: impl Iterator<Item = (&'a str, &'a str)>) {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    if !data.join("law-ko").is_dir() {
        eprintln!("skipped: the law texts are not here (../shared/data/law-ko)");
        return;
    }
    let mut laws: BTreeMap<Instrument, Places> = BTreeMap::new();
    let mut missing = BTreeSet::new();
    for (whose, reference) in told {
        let reference: LegalRef = reference.parse().unwrap();
        let Provision::Article(article) = &reference.provision else { continue };
        // These two are not among the texts.
        if matches!(reference.instrument, Instrument::RuralTaxAct | Instrument::StateFundsAct) {
            continue;
        }
        let places = laws.entry(reference.instrument).or_insert_with(|| places(&data, reference.instrument));
        let text = |number: Option<haetae::legal::Number>| number.map(|n| n.to_string()).unwrap_or_default();
        let place = (article.number.to_string(), text(article.paragraph), text(article.item));
        if !places.contains(&place) {
            missing.insert(format!("{whose}: {reference}"));
        }
    }
    assert!(missing.is_empty(), "{} of the references are not in the law: {missing:#?}", missing.len());
}

fn places(data: &Path, instrument: Instrument) -> Places {
    let law = |name: &str| -> PathBuf { data.join("law-ko").join(name) };
    let path = match instrument {
        Instrument::CustomsAct => law("관세법__법률.md"),
        Instrument::CustomsDecree => law("관세법__시행령.md"),
        Instrument::CustomsRule => law("관세법__시행규칙.md"),
        Instrument::VatAct => law("부가가치세법__법률.md"),
        Instrument::ConsumptionTaxAct => law("개별소비세법__법률.md"),
        Instrument::ConsumptionTaxDecree => law("개별소비세법__시행령.md"),
        Instrument::LiquorTaxAct => law("주세법__법률.md"),
        Instrument::LiquorTaxDecree => law("주세법__시행령.md"),
        Instrument::EducationTaxAct => law("교육세법__법률(법률).md"),
        Instrument::ValuationNotice => data.join("valuation-notice/customs_investigation.json"),
        other => panic!("{other:?} has no articles"),
    };
    let documents = ingest::documents(&path, "law", &fs_err::read(&path).unwrap()).unwrap();
    let is_notice = instrument == Instrument::ValuationNotice;
    let document =
        documents.into_iter().find(|document| !is_notice || document.title.contains("관세평가 운영")).unwrap();
    read_places(&document.text)
}

fn read_places(text: &str) -> Places {
    let mut places = Places::new();
    let (mut article, mut paragraph) = (String::new(), String::new());
    for line in text.lines() {
        let line = line.trim();
        if let Some(heading) = line.strip_prefix('#').map(|rest| rest.trim_start_matches('#').trim())
            && let Some(number) = heading.strip_prefix('제').and_then(|rest| rest.split_once('조'))
        {
            article = branch(number.0, number.1);
            paragraph.clear();
            places.insert((article.clone(), String::new(), String::new()));
            continue;
        }
        let line = match line.chars().next() {
            Some(mark @ '\u{2460}'..='\u{2473}') => {
                paragraph = (mark as u32 - 0x2460 + 1).to_string();
                places.insert((article.clone(), paragraph.clone(), String::new()));
                line[mark.len_utf8()..].trim_start()
            }
            _ => line,
        };
        let digits = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let rest = &line[digits..];
        if digits > 0 && (rest.starts_with('.') || rest.starts_with('의')) {
            let item = branch(&line[..digits], rest);
            places.insert((article.clone(), paragraph.clone(), item));
        }
    }
    places
}

/// `38` and `의3(…` to `38-3`.
fn branch(number: &str, rest: &str) -> String {
    let digits: String = rest.strip_prefix('의').unwrap_or("").chars().take_while(|c| c.is_ascii_digit()).collect();
    if digits.is_empty() { number.into() } else { format!("{number}-{digits}") }
}
