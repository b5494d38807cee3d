//! Drafts on sentences that cite a provision or state a number: from the provision to what is said, from what is said to
//! the provision, and the number that belongs into a gap.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::Draft;
use super::material::{Material, Sentence};
use super::wording::with_particle;
use crate::datasets::{Difficulty, QuestionType};
use crate::lang::Language;
use crate::legal;

/// What the laws' own articles are not: opinions of the WCO, the Code of the United States.
static OTHER_CITATION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"WCO (?:예해|권고의견|해설|사례연구|Commentary|Advisory Opinion|Explanatory Note|Case Study) \d+\.\d+",
        r"|19 USC 1401a(?:\([a-zA-Z0-9]{1,4}\))*",
        r"|WTO 관세평가협정 제\d+조(?:제\d+항)?(?:\([a-z]+\))*",
        r"|WTO Valuation Agreement Article \d+(?:\.\d+)?(?:\([a-z]+\))*"
    ))
    .expect("a valid pattern")
});

/// Where `text` cites a provision with the name of its instrument, in order, none within another.
pub(super) fn citations(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = OTHER_CITATION.find_iter(text).map(|found| found.range()).collect();
    let named = legal::mentions(text).into_iter().filter(|mention| mention.instrument.is_some());
    for span in named.map(|mention| mention.span) {
        // Only a name that is written out can be asked for, and "제30조" inside "WTO 관세평가협정 제30조" is that one.
        if !found.iter().any(|other| other.start < span.end && span.start < other.end) {
            found.push(span);
        }
    }
    found.sort_by_key(|span| span.start);
    found
}

pub(super) fn drafts(material: &Material<'_>, drafts: &mut Vec<Draft>) {
    let rules: Vec<&Sentence<'_>> =
        material.sentences.iter().filter(|s| s.section.states_rules() && s.stands_alone()).collect();
    let mut times_cited: HashMap<&str, usize> = HashMap::new();
    for sentence in &material.sentences {
        for citation in citations(sentence.text) {
            *times_cited.entry(&sentence.text[citation]).or_default() += 1;
        }
    }
    for sentence in rules {
        let cited = citations(sentence.text);
        if let [citation] = &cited[..] {
            // A provision that the document cites twice does not single out one sentence.
            if times_cited.get(&sentence.text[citation.clone()]) == Some(&1) {
                from_provision(material, sentence, citation.clone(), drafts);
            }
            to_provision(material, sentence, citation.clone(), drafts);
        }
        gap(material, sentence, &cited, drafts);
    }
}

fn from_provision(material: &Material<'_>, sentence: &Sentence<'_>, citation: Range<usize>, drafts: &mut Vec<Draft>) {
    let (title, provision) = (material.title(), &sentence.text[citation]);
    let question = match material.language() {
        Language::Ko => format!("‘{title}’ 문서는 {} 들어 무엇이라고 하나요?", with_particle(provision, "을", "를")),
        Language::En => format!("What does the guidance on “{title}” say with reference to {provision}?"),
    };
    let kind = (QuestionType::Fact, Difficulty::Medium);
    let evidence = vec![material.evidence(sentence.span.clone())];
    drafts.push(material.draft("from_provision", kind, question, sentence.text.into(), evidence));
}

/// The sentence without the words that cite, where they can be taken out and leave a sentence.
pub(super) fn without_citation(text: &str, citation: Range<usize>) -> Option<String> {
    let (before, after) = (&text[..citation.start], &text[citation.end..]);
    // "(시행령 제17조의2제2항)", "(Customs Act Article 28(4))": brackets around nothing but the citation.
    if let (Some(before), Some(after)) = (before.strip_suffix('('), after.strip_prefix(')')) {
        return Some(format!("{}{after}", before.trim_end()));
    }
    // "… under Decree Article 17-2(2)." at the end.
    if after == "." {
        let before = before.strip_suffix("the proviso to ").unwrap_or(before);
        let before = before.strip_suffix(" under ")?;
        return Some(format!("{}.", before.trim_end_matches(',')));
    }
    // "시행령 제20조제6항에 따라 …" within.
    if let Some(after) = after.strip_prefix("에 따라 ").or_else(|| after.strip_prefix(" 단서에 따라 ")) {
        return Some(format!("{before}{after}"));
    }
    None
}

fn to_provision(material: &Material<'_>, sentence: &Sentence<'_>, citation: Range<usize>, drafts: &mut Vec<Draft>) {
    let Some(bare) = without_citation(sentence.text, citation.clone()) else { return };
    if bare.chars().count() < 20 {
        return;
    }
    let provision = &sentence.text[citation];
    let (question, answer) = match material.language() {
        Language::Ko => (
            format!("“{bare}”라는 설명의 근거로 문서가 든 규정은 무엇인가요?"),
            format!("근거로 든 규정은 {}입니다. 원문: “{}”", provision, sentence.text),
        ),
        Language::En => (
            format!("Which provision do the documents give as the basis for this: “{bare}”"),
            format!("The provision given is {provision}. The text reads: “{}”", sentence.text),
        ),
    };
    let kind = (QuestionType::Fact, Difficulty::Medium);
    let evidence = vec![material.evidence(sentence.span.clone())];
    drafts.push(material.draft("to_provision", kind, question, answer, evidence));
}

/// A number with its unit.
static QUANTITY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?P<ko>\d[\d,.]*(?:퍼센트|%|일|개월|년|주일|만원|달러|원|시간|킬로그램))(?P<ko_after>[가-힣]{0,2})",
        r"|(?P<en>(?:USD |KRW |EUR )?\d[\d,]*(?:\.\d+)?(?: ?%| percent| per cent| days?| months?| years?| hours?| weeks?)?)\b"
    ))
    .expect("a valid pattern")
});

static PERIOD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"days?|months?|years?|hours?|weeks?|\d(?:일|개월|년|주일|시간)").expect("a valid pattern")
});

/// Where a sentence states its one quantity; numbers of provisions and of calendar days are none.
pub(super) fn quantity(text: &str, language: Language, cited: &[Range<usize>]) -> Option<Range<usize>> {
    let mentioned: Vec<Range<usize>> =
        legal::mentions(text).into_iter().map(|m| m.span).chain(cited.iter().cloned()).collect();
    let mut numbers = DIGITS
        .find_iter(text)
        .map(|found| found.range())
        .filter(|span| !mentioned.iter().any(|mention| mention.start <= span.start && span.end <= mention.end));
    let only = numbers.next()?;
    if numbers.next().is_some() {
        return None;
    }
    let before = text[..only.start].trim_end();
    // "Article", "method 4", "item 8", "제6방법", "case 2", a year.
    let is_name = before.ends_with('제')
        || [
            "method",
            "methods",
            "item",
            "items",
            "case",
            "Article",
            "Articles",
            "Note",
            "step",
            "Opinion",
            "Commentary",
            "Study",
        ]
        .iter()
        .any(|word| before.to_lowercase().ends_with(&word.to_lowercase()));
    if is_name {
        return None;
    }
    let found = QUANTITY
        .captures_iter(text)
        .find(|found| found.get(0).is_some_and(|m| m.start() <= only.start && only.start < m.end()))?;
    let span = match language {
        Language::Ko => found.name("ko")?.range(),
        Language::En => {
            let span = found.name("en")?.range();
            let has_unit = text[span.clone()].contains(|c: char| c.is_alphabetic() || c == '%');
            has_unit.then_some(span)?
        }
    };
    // A calendar day is no period.
    let is_year = text[only.clone()].len() == 4 && text[span.clone()].ends_with('년');
    (!is_year).then_some(span)
}

static DIGITS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\d[\d,]*(?:\.\d+)?").expect("a valid pattern"));

fn gap(material: &Material<'_>, sentence: &Sentence<'_>, cited: &[Range<usize>], drafts: &mut Vec<Draft>) {
    let language = material.language();
    let Some(span) = quantity(sentence.text, language, cited) else { return };
    let quantity = &sentence.text[span.clone()];
    let gapped = format!("{}____{}", &sentence.text[..span.start], &sentence.text[span.end..]);
    let title = material.title();
    let (question, answer) = match language {
        Language::Ko => (
            format!("‘{title}’ 설명의 빈칸에 들어갈 숫자와 단위는 무엇인가요? “{gapped}”"),
            format!("{quantity}입니다. 원문: “{}”", sentence.text),
        ),
        Language::En => (
            format!("Which figure belongs in the gap of this statement on “{title}”? “{gapped}”"),
            format!("{quantity}. The text reads: “{}”", sentence.text),
        ),
    };
    // A period within which something is to be done is part of a procedure.
    let kind = if PERIOD.is_match(quantity) { QuestionType::Procedure } else { QuestionType::Fact };
    let evidence = vec![material.evidence(sentence.span.clone())];
    drafts.push(material.draft("gap", (kind, Difficulty::Easy), question, answer, evidence));
}
