//! Drafts over two documents: what each says in short, and what they say of a provision that both cite.

use std::collections::BTreeMap;

use super::Draft;
use super::cited::{citations, without_citation};
use super::material::{Material, Sentence};
use super::wording::with_particle;
use crate::datasets::{Difficulty, QuestionType};
use crate::lang::Language;

/// Most drafts over the same two documents that rest on a shared provision.
const MAX_SHARED: usize = 2;

pub(super) fn drafts(materials: &[Material<'_>], group_of: impl Fn(&str) -> usize, drafts: &mut Vec<Draft>) {
    for (at, first) in materials.iter().enumerate() {
        for second in &materials[at + 1..] {
            let is_pair = first.language() == second.language()
                && first.topic != second.topic
                && group_of(&first.topic) == group_of(&second.topic);
            if is_pair {
                comparison(first, second, drafts);
                shared_provision(first, second, drafts);
            }
        }
    }
}

fn comparison(first: &Material<'_>, second: &Material<'_>, drafts: &mut Vec<Draft>) {
    let (Some(first_span), Some(second_span)) = (first.opening(), second.opening()) else { return };
    let (a, b) = (first.title(), second.title());
    let (first_text, second_text) =
        (&first.document.text[first_span.clone()], &second.document.text[second_span.clone()]);
    let turn = (first.topic.len() + second.topic.bytes().map(usize::from).sum::<usize>()) % 3;
    let (question, answer) = match first.language() {
        Language::Ko => (
            match turn {
                0 => format!("{} ‘{b}’의 기준을 견주어 설명해 주세요.", with_particle(&format!("‘{a}’"), "과", "와")),
                1 => format!("두 주제의 취급은 어떻게 다른가요? ‘{a}’, 그리고 ‘{b}’."),
                _ => format!("‘{a}’ 쪽과 ‘{b}’ 쪽은 각각 무엇을 요점으로 하나요?"),
            },
            format!("- {a}: {first_text}\n- {b}: {second_text}"),
        ),
        Language::En => (
            match turn {
                0 => format!("Compare the treatment of “{a}” with that of “{b}”."),
                1 => format!("How do the rules on “{a}” and the rules on “{b}” differ in substance?"),
                _ => format!("Set side by side, what are the main points of “{a}” and of “{b}”?"),
            },
            format!("- {a}: {first_text}\n- {b}: {second_text}"),
        ),
    };
    let evidence = vec![first.evidence(first_span), second.evidence(second_span)];
    drafts.push(first.draft("comparison", (QuestionType::Comparison, Difficulty::Hard), question, answer, evidence));
}

/// Each provision that exactly one sentence of rules cites, with that sentence and the place of the citation.
fn singly_cited<'a>(material: &'a Material<'_>) -> BTreeMap<&'a str, (&'a Sentence<'a>, std::ops::Range<usize>)> {
    let mut found: BTreeMap<&str, Option<(&Sentence<'_>, std::ops::Range<usize>)>> = BTreeMap::new();
    for sentence in &material.sentences {
        for citation in citations(sentence.text) {
            let usable = sentence.section.states_rules() && sentence.stands_alone();
            let place = usable.then(|| (sentence, citation.clone()));
            found.entry(&sentence.text[citation]).and_modify(|known| *known = None).or_insert(place);
        }
    }
    found.into_iter().filter_map(|(provision, place)| Some((provision, place?))).collect()
}

/// From a sentence of one document to the provision behind it, and on to what the other document says of that.
fn shared_provision(first: &Material<'_>, second: &Material<'_>, drafts: &mut Vec<Draft>) {
    let (firsts, seconds) = (singly_cited(first), singly_cited(second));
    let mut num_made = 0;
    for (provision, (sentence, citation)) in &firsts {
        let Some((other, _)) = seconds.get(provision) else { continue };
        let Some(bare) = without_citation(sentence.text, citation.clone()) else { continue };
        if num_made == MAX_SHARED || sentence.text == other.text {
            continue;
        }
        num_made += 1;
        let (a, b) = (first.title(), second.title());
        let (question, answer) = match first.language() {
            Language::Ko => (
                format!(
                    "‘{a}’ 문서의 “{bare}”라는 설명은 어떤 규정에 근거하며, ‘{b}’ 문서는 같은 규정을 들어 무엇이라고 하나요?"
                ),
                format!("근거 규정은 {provision}입니다. ‘{b}’ 문서는 “{}”라고 합니다.", other.text),
            ),
            Language::En => (
                format!(
                    "On which provision does this statement on “{a}” rest, “{bare}”, and what does the guidance on “{b}” say with reference to the same one?"
                ),
                format!("It rests on {provision}. The guidance on “{b}” says: “{}”", other.text),
            ),
        };
        let evidence = vec![first.evidence(sentence.span.clone()), second.evidence(other.span.clone())];
        drafts.push(first.draft(
            "shared_provision",
            (QuestionType::MultiHop, Difficulty::Hard),
            question,
            answer,
            evidence,
        ));
    }
}
