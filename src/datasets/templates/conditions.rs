//! Drafts on sentences that say what follows from what: "If the agent owns the goods, its fee is added."

use std::sync::LazyLock;

use regex::Regex;

use super::Draft;
use super::material::{Material, Sentence};
use crate::datasets::{Difficulty, QuestionType};
use crate::lang::Language;

static IF_FIRST: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?P<word>If|When|Where|Unless) (?P<condition>[^,]{12,}), (?P<result>[^.]{10,}(?:\.\d[^.]*)*)\.$")
        .expect("a valid pattern")
});
static IF_LAST: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^(?P<result>[^,]{12,}?) (?P<word>only if|only when|only where|if|when|unless) (?P<condition>.{12,})\.$",
    )
    .expect("a valid pattern")
});
/// A clause that ends in a conditional ending, and the main clause after it.
static KOREAN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?P<condition>.{8,}?(?:(?P<ending>[가-힣]*(?:하|되|이|으|지|치|내|주|오|가|쓰|크|두|보|리|르)면)|(?:하는|되는|인|한|된|은|는|을|없는|있는) (?:경우에는|경우에|때에는|때에|때에만|경우에만))),? (?P<result>.{8,}다(?:\([^)]*(?:\([^)]*\))?[^)]*\))?)\.$").expect("a valid pattern")
});

/// Nouns that end as the conditional does.
const NOUNS: [&str; 12] =
    ["도면", "서면", "측면", "반면", "화면", "표면", "전면", "국면", "장면", "이면", "지면", "하면적"];

/// Words that a condition with a subject of its own begins with.
const SUBJECTS: [&str; 19] = [
    "the", "a", "an", "no", "any", "both", "all", "one", "each", "goods", "customs", "method", "payment", "several",
    "two", "part", "some", "other", "only",
];

pub(super) fn drafts(material: &Material<'_>, drafts: &mut Vec<Draft>) {
    for sentence in material.sentences.iter().filter(|s| s.section.states_rules() && s.stands_alone()) {
        match material.language() {
            Language::Ko => korean(material, sentence, drafts),
            Language::En => english(material, sentence, drafts),
        }
    }
}

fn difficulty(condition: &str) -> Difficulty {
    let joined = [" and ", " or ", "이고", "하고 ", "거나 ", "이나 ", ", "]
        .iter()
        .filter(|word| condition.contains(**word))
        .count();
    if joined >= 2 { Difficulty::Hard } else { Difficulty::Medium }
}

fn english(material: &Material<'_>, sentence: &Sentence<'_>, drafts: &mut Vec<Draft>) {
    let title = material.title();
    let evidence = || vec![material.evidence(sentence.span.clone())];
    if let Some(found) = IF_FIRST.captures(sentence.text) {
        let (word, condition) = (found["word"].to_lowercase(), &found["condition"]);
        let question = format!("On “{title}”: what follows {word} {condition}?");
        let kind = (QuestionType::Condition, difficulty(condition));
        drafts.push(material.draft("if_first", kind, question, sentence.text.into(), evidence()));
        return;
    }
    let Some(found) = IF_LAST.captures(sentence.text) else { return };
    let (word, condition, result) = (&found["word"], &found["condition"], &found["result"]);
    // A second condition word leaves it open what belongs to what, and a colon begins a list.
    let is_doubtful = [" if ", " when ", " unless ", " where ", " whether ", " even", " while ", ": "]
        .iter()
        .any(|word| condition.contains(word) || result.contains(word));
    // "when clearly separable", "when it arrives": what it speaks of stands before it.
    let names_subject = condition.split(' ').next().is_some_and(|word| SUBJECTS.contains(&word));
    if is_doubtful || !names_subject {
        return;
    }
    if word.starts_with("only") || material.sentences.iter().filter(|s| s.text.starts_with(result)).count() == 1 {
        let question = format!("When does this hold on the subject of “{title}”: “{result}”?");
        let word = capital(word);
        let answer = format!("{word} {condition}. The text reads: “{}”", sentence.text);
        let kind = (QuestionType::Condition, difficulty(condition));
        drafts.push(material.draft("when", kind, question, answer, evidence()));
    } else {
        let question = format!("Take “{title}”. What is the consequence {word} {condition}?");
        let kind = (QuestionType::Condition, difficulty(condition));
        drafts.push(material.draft("if_last", kind, question, sentence.text.into(), evidence()));
    }
}

fn korean(material: &Material<'_>, sentence: &Sentence<'_>, drafts: &mut Vec<Draft>) {
    let Some(found) = KOREAN.captures(sentence.text) else { return };
    if let Some(ending) = found.name("ending")
        && NOUNS.iter().any(|noun| ending.as_str().ends_with(noun) && ending.as_str().chars().count() <= 3)
    {
        return;
    }
    let (condition, title) = (&found["condition"], material.title());
    let only = condition.ends_with("에만");
    // Several clauses, or the customs office as the one that acts: "what happens" would ask about too much or too little.
    let is_doubtful =
        ["고, ", "며, ", "지만 "].iter().any(|join| condition.contains(join)) || condition.starts_with("세관장은");
    if is_doubtful || (only && found["result"].chars().count() < 14) {
        return;
    }
    let condition = condition.strip_suffix('만').unwrap_or(condition);
    let question = if only {
        format!("‘{title}’ 문서에서 다음은 언제 적용되나요? “{}.”", &found["result"])
    } else {
        format!("‘{title}’에서, {condition} 어떻게 되나요?")
    };
    let kind = (QuestionType::Condition, difficulty(condition));
    let template = if only { "when" } else { "if_first" };
    let evidence = vec![material.evidence(sentence.span.clone())];
    drafts.push(material.draft(template, kind, question, sentence.text.into(), evidence));
}

/// With a capital first letter.
fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
