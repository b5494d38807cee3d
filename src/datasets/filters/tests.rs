use std::path::Path;

use super::*;
use crate::datasets::{Difficulty, Evidence, Generator, Lineage, Persona, QuestionType, text_version};
use crate::lang::Language;

fn document() -> Document {
    let text = "---\nid: doc-en\ntitle: Refunds\nlanguage: en\nrefs: [\"KR-CA-28(4)\"]\nauthority: guide\nsource: s\n---\n\
        Customs answers within 15 days of the request. Freight of USD 500 is added.\n";
    Document::parse(Path::new("x.md"), "valuation", text).unwrap()
}

fn row(question: &str, answer: &str) -> Row {
    let document = document();
    let quote = "Customs answers within 15 days of the request.";
    let start = document.text.find(quote).unwrap();
    Row {
        question: question.into(),
        answer: answer.into(),
        language: Language::En,
        kind: QuestionType::Fact,
        persona: Persona::Broker,
        difficulty: Difficulty::Easy,
        topic: "1".into(),
        evidence: vec![Evidence {
            version: text_version(&document.text),
            document: document.id,
            start,
            end: start + quote.len(),
            quote: quote.into(),
        }],
        lineage: Lineage::of(Generator::Templates),
    }
}

/// The filter that refuses the row, if one does.
fn refuser(row: &Row) -> Option<&'static str> {
    let document = document();
    let scores = alone(row, &[&document], &FilterSettings::default()).unwrap();
    scores.iter().find(|score| score.refusal.is_some()).map(|score| score.filter)
}

#[test]
fn each_filter_refuses_what_it_is_there_for() {
    let question = "How soon does customs reply to a request?";
    assert_eq!(refuser(&row(question, "Within 15 days.")), None);
    assert_eq!(refuser(&row("How?", "Within 15 days.")), Some("schema"));
    assert_eq!(refuser(&Row { evidence: Vec::new(), ..row(question, "Within 15 days.") }), Some("schema"));
    assert_eq!(refuser(&row(question, "요청을 받은 날부터 십오 일 안에 답합니다.")), Some("language"));
    assert_eq!(refuser(&row(question, "Ask 010-1234-5678 within 15 days.")), Some("personal"));
    assert_eq!(refuser(&row(question, "Within 30 days.")), Some("evidence"));
    assert_eq!(refuser(&row(question, "It says: “Customs never answers.”")), Some("evidence"));
    assert_eq!(refuser(&row(question, "By Customs Act Article 99, within 15 days.")), Some("evidence"));
    assert_eq!(refuser(&row(question, "By Customs Act Article 28(4), within 15 days.")), None, "the head names it");
    assert_eq!(
        refuser(&row("Is it within 15 days of the request?", "Within 15 days of the request.")),
        Some("easiness")
    );
}

#[test]
fn evidence_must_stand_where_it_says_and_a_calculation_must_hold() {
    let document = document();
    let mut moved = row("How soon does customs reply?", "Within 15 days.");
    moved.evidence[0].start += 1;
    assert!(support(&moved, &[&document]).0 < 1.0);
    let mut worked = row("What is 500 more than 15?", "515.");
    assert!(support(&worked, &[&document]).0 < 1.0, "515 stands nowhere");
    worked.lineage.calculation = Some("500 + 15 = 515".into());
    assert_eq!(support(&worked, &[&document]).0, 1.0);
    worked.lineage.calculation = Some("500 + 15 = 516".into());
    assert!(support(&worked, &[&document]).0 < 1.0);
}

#[test]
fn a_filter_that_is_switched_off_gives_no_score() {
    let mut settings = FilterSettings::default();
    settings.evidence.enabled = false;
    let document = document();
    let scores = alone(&row("How soon does customs reply?", "Within 99 days."), &[&document], &settings).unwrap();
    assert!(scores.iter().all(|score| score.filter != "evidence" && score.refusal.is_none()));
}

#[test]
fn near_duplicates_are_found_whatever_the_case_and_the_stops() {
    let questions = [
        (1, "Is the freight paid to the carrier added to the customs value of the goods?"),
        (2, "IS THE FREIGHT, paid to the carrier, added to the customs value of the goods"),
        (3, "Which documents prove that a buying commission was paid to an agent?"),
        (4, "운송인에게 지급한 해상운임은 수입물품의 과세가격에 가산하나요?"),
        (5, "운송인에게 지급한 해상운임을 수입물품의 과세가격에 가산하나요?"),
    ];
    let pairs = near_duplicates(questions, 0.7);
    assert_eq!(pairs, [(1, 2), (4, 5)]);
    let mut near = Near::default();
    near.add(1, questions[0].1);
    assert_eq!(near.nearest(questions[1].1), Some((1.0, 1)));
}

#[test]
fn purity_knows_what_belongs_to_a_language() {
    let purity_of = |language, text: &str| purity(&Row { language, ..row(text, text) });
    assert_eq!(purity_of(Language::Ko, "CIF 조건의 USD 500은 제8조제1항(b)(iii)에 따라 가산한다."), 1.0);
    assert!(purity_of(Language::Ko, "invoice price는 과세가격이다.") < 0.6);
    assert!(purity_of(Language::Ko, "운임은 加算한다.") < 0.8);
    assert_eq!(purity_of(Language::En, "Freight is added under Article 8.1(b)."), 1.0);
    assert!(purity_of(Language::En, "A mould (금형) is an assist.") < 0.95);
}
