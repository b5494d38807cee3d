//! Sentences turned into their opposite: counterfactual twins, whose one changed word changes the verdict, and questions
//! whose premise is false. Flips a sentence in one place only, and only where the opposite contradicts it: a sentence
//! with "only", "unless" or a second negation is left alone.

use std::sync::LazyLock;

use regex::Regex;

use super::Draft;
use super::cited::{citations, quantity};
use super::material::{Material, Sentence};
use crate::datasets::{Difficulty, QuestionType};
use crate::lang::Language;

/// What is said, and the opposite.
const ENGLISH: [(&str, &str); 26] = [
    (" is not added", " is added"),
    (" are not added", " are added"),
    (" is not deducted", " is deducted"),
    (" are not deducted", " are deducted"),
    (" is not included", " is included"),
    (" are not included", " are included"),
    (" is not part of", " is part of"),
    (" are not part of", " are part of"),
    (" is not a ", " is a "),
    (" is not required", " is required"),
    (" is not accepted", " is accepted"),
    (" is not used", " is used"),
    (" are not used", " are used"),
    (" is not allowed", " is allowed"),
    (" is not excluded", " is excluded"),
    (" is not rejected", " is rejected"),
    (" is not related", " is related"),
    (" are not related", " are related"),
    (" is not determined", " is determined"),
    (" is not applied", " is applied"),
    (" may not ", " may "),
    (" cannot ", " can "),
    (" does not change ", " changes "),
    (" does not matter", " matters"),
    (" does not exclude ", " excludes "),
    (" does not make ", " makes "),
];

static ENGLISH_TRICKY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:only|unless|except|neither|nor|either|but|while|although|whereas|no|never|without|even|merely|always|not because|alone|just|otherwise|such as|may or|any|regardless|first|so|whether)\b|;").expect("a valid pattern")
});

/// Endings; the longer stand before those that they end in.
const KOREAN: [(&str, &str); 10] = [
    ("할 수 없다", "할 수 있다"),
    ("될 수 없다", "될 수 있다"),
    ("을 수 없다", "을 수 있다"),
    ("하지 않는다", "한다"),
    ("되지 않는다", "된다"),
    ("하지 아니한다", "한다"),
    ("할 수 있다", "할 수 없다"),
    ("될 수 있다", "될 수 없다"),
    ("한다", "하지 않는다"),
    ("된다", "되지 않는다"),
];

/// "하여야 한다" is denied by another word than "한다", "고 한다" reports, "하면 된다" permits.
const KOREAN_OTHERWISE: [&str; 9] =
    ["야 한다", "고 한다", "려고 한다", "면 된다", "도 된다", "게 된다", "도록 한다", "기로 한다", "여야 된다"];

static KOREAN_TRICKY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"에만|만 |만을|뿐|외에|제외하고|다만|라도|더라도|아니라|거나 말|원칙적으로|항상|언제나|모두|전부|무조건|반드시|관계없이|상관없이|므로 |말한다|설명한다|다룬다|오해|착각|걱정").expect("a valid pattern")
});

static KOREAN_TAIL: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?:\([^()]*(?:\([^()]*\)[^()]*)*\))?\.$").expect("a valid pattern"));

/// The opposite of a sentence, where there is one beyond doubt.
pub(super) fn opposite(text: &str, language: Language) -> Option<String> {
    match language {
        Language::En => english(text),
        Language::Ko => korean(text),
    }
}

fn english(text: &str) -> Option<String> {
    if ENGLISH_TRICKY.is_match(text) {
        return None;
    }
    let mut flips = Vec::new();
    for (denied, affirmed) in ENGLISH {
        if let Some(at) = text.find(denied) {
            flips.push((at, denied, affirmed));
        } else if let Some(at) = text.find(affirmed)
            // "is a" and "may" are too common to be the point of the sentence, "matters" is a noun.
            && !matches!(affirmed, " is a " | " may " | " matters" | " changes " | " makes " | " can ")
        {
            flips.push((at, affirmed, denied));
        }
    }
    let num_negations = text.matches(" not ").count() + text.matches("cannot").count() + text.matches("n't").count();
    let [(at, from, to)] = flips[..] else { return None };
    let is_denied = from.contains("not");
    if text.matches(from).count() != 1 || num_negations != usize::from(is_denied) {
        return None;
    }
    Some(format!("{}{to}{}", &text[..at], &text[at + from.len()..]))
}

fn korean(text: &str) -> Option<String> {
    if KOREAN_TRICKY.is_match(text) {
        return None;
    }
    let tail = KOREAN_TAIL.find(text)?;
    let (body, tail) = text.split_at(tail.start());
    if KOREAN_OTHERWISE.iter().any(|ending| body.ends_with(ending)) {
        return None;
    }
    let (from, to) = KOREAN.into_iter().find(|(from, _)| body.ends_with(from))?;
    let stem = body.strip_suffix(from)?;
    // Two clauses side by side would be denied by halves.
    if ["고, ", "며 ", "며, ", "지만 ", "으나 ", "는데 ", "이고 "].iter().any(|join| stem.contains(join)) {
        return None;
    }
    // "반영한다" has the verb's "하" fused into "한": the stem is the same before both endings.
    Some(format!("{stem}{to}{tail}"))
}

/// The sentence with another number in the place of its only one.
pub(super) fn other_number(text: &str, language: Language) -> Option<String> {
    if ["약 ", "about ", "or more", "at least", "이상", "이내", "within", "at most", "up to", "이하", "초과"]
        .iter()
        .all(|word| !text.contains(word))
    {
        return None;
    }
    let span = quantity(text, language, &citations(text))?;
    let quantity = &text[span.clone()];
    let start = quantity.find(|c: char| c.is_ascii_digit())?;
    let len = quantity[start..].find(|c: char| !c.is_ascii_digit()).unwrap_or(quantity.len() - start);
    // Thousands and decimals are left alone: they read oddly when multiplied.
    if quantity[start + len..].starts_with([',', '.']) {
        return None;
    }
    let number: u64 = quantity[start..start + len].parse().ok()?;
    let other = match number {
        0 => return None,
        1..=9 => number * 3,
        10..=99 => number * 2,
        _ => number + number / 2,
    };
    let plural = if number == 1 && language == Language::En { "s" } else { "" };
    let rest = &quantity[start + len..];
    let unit =
        if rest.is_empty() || !rest.ends_with(char::is_alphabetic) || rest.ends_with("cent") { "" } else { plural };
    Some(format!("{}{}{other}{rest}{unit}{}", &text[..span.start], &quantity[..start], &text[span.end..]))
}

pub(super) fn drafts(material: &Material<'_>, drafts: &mut Vec<Draft>) {
    let language = material.language();
    let sentences = material.sentences.iter().filter(|s| s.section.states_rules() && s.stands_alone());
    let mut turn = material.topic.bytes().map(usize::from).sum::<usize>();
    for sentence in sentences {
        let flipped = opposite(sentence.text, language).or_else(|| other_number(sentence.text, language));
        let Some(flipped) = flipped else { continue };
        // What the document itself says elsewhere is no false premise.
        if material.document.text.contains(flipped.trim_end_matches('.')) {
            continue;
        }
        turn += 1;
        if turn.is_multiple_of(3) {
            premise(material, sentence, &flipped, turn, drafts);
        } else {
            twins(material, sentence, &flipped, turn, drafts);
        }
    }
}

/// A pair of questions, one on the sentence and one on its opposite, in different words.
fn twins(material: &Material<'_>, sentence: &Sentence<'_>, flipped: &str, turn: usize, drafts: &mut Vec<Draft>) {
    let (title, text) = (material.title(), sentence.text);
    let (right, wrong, yes, no) = match material.language() {
        Language::Ko => (
            match turn % 2 {
                0 => format!("‘{title}’에 관한 다음 설명은 맞나요? “{text}”"),
                _ => format!("동료가 “{text}”라고 적어 두었는데, 문서와 일치하나요?"),
            },
            match turn % 2 {
                0 => format!("거래 상대방은 “{flipped}”라고 주장합니다. 문서에 비추어 옳은 주장인가요?"),
                _ => format!("“{flipped}” 이 문장을 ‘{title}’ 안내문에 그대로 실어도 되나요?"),
            },
            format!("맞습니다. 문서는 “{text}”라고 합니다."),
            format!("아닙니다. 문서는 반대로 “{text}”라고 합니다."),
        ),
        Language::En => (
            match turn % 2 {
                0 => format!("Is this statement on “{title}” correct? “{text}”"),
                _ => format!("A colleague noted: “{text}” Does that agree with the documents?"),
            },
            match turn % 2 {
                0 => format!("The other party claims the following. Do the documents bear it out? “{flipped}”"),
                _ => format!("“{flipped}” May this sentence go into a leaflet about “{title}” as it stands?"),
            },
            format!("Yes. The documents say: “{text}”"),
            format!("No. The documents say otherwise: “{text}”"),
        ),
    };
    let twin = format!("{}:{}", material.document.id, sentence.span.start);
    for (template, question, answer) in [("twin_right", right, yes), ("twin_wrong", wrong, no)] {
        let kind = (QuestionType::Counterfactual, Difficulty::Medium);
        let draft = material.draft(template, kind, question, answer, vec![material.evidence(sentence.span.clone())]);
        drafts.push(Draft { twin: Some(twin.clone()), ..draft });
    }
}

fn premise(material: &Material<'_>, sentence: &Sentence<'_>, flipped: &str, turn: usize, drafts: &mut Vec<Draft>) {
    let (title, text) = (material.title(), sentence.text);
    let (question, answer) = match material.language() {
        Language::Ko => (
            match turn % 2 {
                0 => format!(
                    "“{flipped}” 이 점은 알고 있습니다. 그렇다면 ‘{title}’에 대해 신고할 때 무엇을 준비해야 하나요?"
                ),
                _ => format!("‘{title}’에 대해서는 “{flipped}”라고 들었습니다. 그에 맞추어 처리하면 되나요?"),
            },
            format!("전제가 문서와 다릅니다. 문서는 “{text}”라고 합니다."),
        ),
        Language::En => (
            match turn % 2 {
                0 => format!("Given that “{flipped}”, what should I prepare for “{title}”?"),
                _ => format!("I was told about “{title}”: “{flipped}” Shall I proceed on that basis?"),
            },
            format!("The premise does not agree with the documents. They say: “{text}”"),
        ),
    };
    let kind = (QuestionType::FalsePremise, Difficulty::Hard);
    drafts.push(material.draft("premise", kind, question, answer, vec![material.evidence(sentence.span.clone())]));
}
