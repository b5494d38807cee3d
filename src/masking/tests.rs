use std::collections::BTreeMap;

use serde::Deserialize;

use super::*;
use crate::assets;

#[derive(Deserialize)]
struct Sentence {
    language: String,
    text: String,
    spans: Vec<Found>,
}

fn sentences() -> Vec<Sentence> {
    let text = assets::text::<assets::Suites>("masking/sentences.jsonl").unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn precision_and_recall_are_098_at_least_in_each_language() {
    let sentences = sentences();
    assert_eq!(sentences.len(), 500);
    for language in ["ko", "en"] {
        let (mut right, mut found_in_all, mut meant_in_all) = (0, 0, 0);
        let mut wrong = Vec::new();
        for sentence in sentences.iter().filter(|sentence| sentence.language == language) {
            let found = find(&sentence.text);
            right += found.iter().filter(|found| sentence.spans.contains(found)).count();
            found_in_all += found.len();
            meant_in_all += sentence.spans.len();
            if found != sentence.spans {
                wrong.push(format!(
                    "{} {:?}",
                    sentence.text,
                    found.iter().map(|f| (f.kind, &sentence.text[f.span.clone()])).collect::<Vec<_>>()
                ));
            }
        }
        let precision = right as f64 / found_in_all as f64;
        let recall = right as f64 / meant_in_all as f64;
        eprintln!("{language}: precision {precision:.4}, recall {recall:.4}, {meant_in_all} pieces");
        assert!(precision >= 0.98 && recall >= 0.98, "{language}: {precision:.4} {recall:.4}\n{}", wrong.join("\n"));
    }
}

#[test]
fn the_sentences_cover_every_kind_and_half_of_them_hold_nothing() {
    let sentences = sentences();
    let mut kinds: BTreeMap<Kind, usize> = BTreeMap::new();
    for span in sentences.iter().flat_map(|sentence| &sentence.spans) {
        *kinds.entry(span.kind).or_default() += 1;
    }
    assert!(kinds.len() == 8 && kinds.values().all(|num| *num >= 10), "{kinds:?}");
    assert!(sentences.iter().filter(|sentence| sentence.spans.is_empty()).count() >= 220);
}

#[test]
fn a_masked_text_comes_back_by_its_mapping_only() {
    let text = "김민수 010-1234-5678, 다시 010-1234-5678, 집 02-312-4567, a@b.kr";
    let masked = mask(text);
    assert_eq!(masked.text, "김민수 ⟦전화-1⟧, 다시 ⟦전화-1⟧, 집 ⟦전화-2⟧, ⟦메일-1⟧");
    assert_eq!(unmask(&masked.text, &masked.mapping), text);
    assert_eq!(find(&masked.text), []);
}
