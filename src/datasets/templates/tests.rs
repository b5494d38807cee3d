use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::cited::without_citation;
use super::flip::{opposite, other_number};
use super::*;
use crate::ingest::{documents, source_files};

fn valuation() -> Vec<Document> {
    let files = source_files(Path::new("/nowhere")).unwrap().into_iter().filter(|file| file.corpus == "valuation");
    files.flat_map(|file| documents(&file.shown(), &file.corpus, &file.read().unwrap()).unwrap()).collect()
}

#[test]
fn the_valuation_corpus_yields_every_type_in_both_languages() {
    let documents = valuation();
    let drafts = drafts(&documents, |topic| topic.parse::<usize>().unwrap() / 9);
    let mut counts: BTreeMap<(QuestionType, Language), usize> = BTreeMap::new();
    for draft in &drafts {
        *counts.entry((draft.kind, draft.language)).or_default() += 1;
    }
    for kind in QuestionType::ALL.iter().filter(|kind| **kind != QuestionType::Other) {
        for language in [Language::Ko, Language::En] {
            let count = counts.get(&(*kind, language)).copied().unwrap_or(0);
            assert!(count >= 60, "{kind} in {language}: {count} of {counts:?}");
        }
    }
    let distinct: BTreeSet<&str> = drafts.iter().map(|draft| &*draft.question).collect();
    assert!(distinct.len() * 1000 >= drafts.len() * 998, "{} of {} questions differ", distinct.len(), drafts.len());
}

#[test]
fn every_quote_stands_in_its_document_where_it_is_said_to() {
    let documents = valuation();
    for draft in &drafts(&documents, |_| 0) {
        for evidence in &draft.evidence {
            let document = documents.iter().find(|document| document.id == evidence.document).unwrap();
            assert_eq!(document.text[evidence.start..evidence.end], evidence.quote, "{}", draft.question);
        }
        assert_eq!(draft.evidence.is_empty(), draft.kind.is_unanswerable(), "{}", draft.question);
    }
}

#[test]
fn drafts_are_the_same_every_time_and_pairs_stay_within_their_group() {
    let documents = valuation();
    let group = |topic: &str| topic.parse::<usize>().unwrap() / 9;
    let first = drafts(&documents, group);
    assert_eq!(first, drafts(&documents, group));
    let topics: BTreeMap<&str, u32> = documents.iter().filter_map(|d| Some((&*d.id, d.topic?))).collect();
    for draft in &first {
        let groups: BTreeSet<usize> =
            draft.evidence.iter().map(|evidence| group(&topics[&*evidence.document].to_string())).collect();
        assert!(groups.len() <= 1, "{}", draft.question);
    }
}

#[test]
fn a_sentence_is_flipped_in_one_place_or_not_at_all() {
    let english = [
        (
            "A buying commission is not added to the customs value.",
            Some("A buying commission is added to the customs value."),
        ),
        (
            "The place of payment does not matter under Notice Article 21(1).",
            Some("The place of payment matters under Notice Article 21(1)."),
        ),
        ("A royalty is added only when two tests are met.", None),
        ("A fee that is not related to the goods is not added.", None),
    ];
    for (text, expected) in english {
        assert_eq!(opposite(text, Language::En).as_deref(), expected, "{text}");
    }
    let korean = [
        ("구매수수료는 과세가격에 포함되지 않는다.", Some("구매수수료는 과세가격에 포함된다.")),
        (
            "그 수수료는 과세가격에 가산한다(시행령 제17조의2제2항).",
            Some("그 수수료는 과세가격에 가산하지 않는다(시행령 제17조의2제2항)."),
        ),
        ("자료를 제출하여야 한다.", None),
        ("다른 나라의 예도 있다고 한다.", None),
        ("두 요건을 갖춘 경우에만 가산한다.", None),
        ("세관장은 자료의 제출을 요청할 수 있다.", Some("세관장은 자료의 제출을 요청할 수 없다.")),
    ];
    for (text, expected) in korean {
        assert_eq!(opposite(text, Language::Ko).as_deref(), expected, "{text}");
    }
    let text = "Customs answers within 15 days of the request.";
    assert_eq!(other_number(text, Language::En).as_deref(), Some("Customs answers within 30 days of the request."));
    assert_eq!(other_number("Method 4 is used within Article 30.", Language::En), None);
}

#[test]
fn a_citation_is_taken_out_where_a_sentence_is_left() {
    let bare = |text: &str, citation: &str| {
        let start = text.find(citation).unwrap();
        without_citation(text, start..start + citation.len())
    };
    assert_eq!(
        bare("The difference is collected or refunded (Customs Act Article 28(4)).", "Customs Act Article 28(4)")
            .as_deref(),
        Some("The difference is collected or refunded.")
    );
    assert_eq!(
        bare("자료를 낼 수 있다(시행령 제20조제6항).", "시행령 제20조제6항").as_deref(),
        Some("자료를 낼 수 있다.")
    );
    assert_eq!(bare("Article 30 governs it.", "Article 30"), None);
}
