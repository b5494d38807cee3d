//! Drafts on a document as a whole: what it says in short, since when it holds, what it lists, and what no document
//! says.

use std::sync::LazyLock;

use regex::Regex;

use super::material::{Material, Section, Sentence};
use super::wording::with_particle;
use super::{Draft, say};
use crate::datasets::{Difficulty, QuestionType};
use crate::ingest::Date;
use crate::lang::Language;

/// Most items told of a list.
const MAX_LISTED: usize = 6;

pub(super) fn drafts(material: &Material<'_>, drafts: &mut Vec<Draft>) {
    opening(material, drafts);
    lists(material, drafts);
    dates(material, drafts);
}

fn opening(material: &Material<'_>, drafts: &mut Vec<Draft>) {
    let Some(span) = material.opening() else { return };
    let (title, language) = (material.title(), material.language());
    let questions = match language {
        Language::Ko => [
            format!("{} 어떻게 다루는지 요점만 알려 주세요.", with_particle(&format!("‘{title}’"), "을", "를")),
            format!("‘{title}’에 관한 기준을 한마디로 말하면 무엇인가요?"),
        ],
        Language::En => [
            format!("In short, how is the subject “{title}” treated?"),
            format!("What is the gist of the guidance on “{title}”?"),
        ],
    };
    let quote = &material.document.text[span.clone()];
    // One of the two, by topic, so that the same question does not open every topic.
    let question = questions[material.topic.bytes().map(usize::from).sum::<usize>() % 2].clone();
    let kind = (QuestionType::Fact, Difficulty::Easy);
    drafts.push(material.draft("opening", kind, question, quote.to_owned(), vec![material.evidence(span.clone())]));
    mistake(material, drafts);
}

/// What people get wrong, in the words of the section on it.
fn mistake(material: &Material<'_>, drafts: &mut Vec<Draft>) {
    let told: Vec<&Sentence<'_>> =
        material.sentences.iter().filter(|sentence| sentence.section == Section::Mistake).take(2).collect();
    let [first, .., last] = told[..] else { return };
    let span = first.span.start..last.span.end;
    let quote = &material.document.text[span.clone()];
    if quote.contains("\n\n") || quote.chars().count() > 420 {
        return;
    }
    let title = material.title();
    let question = match material.language() {
        Language::Ko => format!("‘{title}’에서 사람들이 자주 틀리는 점은 무엇이고 무엇이 맞나요?"),
        Language::En => format!("What do people often get wrong about “{title}”, and what is right?"),
    };
    let kind = (QuestionType::Fact, Difficulty::Medium);
    drafts.push(material.draft("mistake", kind, question, quote.replace('\n', " "), vec![material.evidence(span)]));
}

static DUTY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)\b(?:must|submit\w*|declare[sd]?|files?|filed|request(?:s|ed)?|appl(?:y|ies) (?:for|to customs)|keeps?|proves?|documents?|evidence)\b",
        r"|제출|신고하|신고한|신청|요청|증명|증빙|보관|확인하|확인한|(?:하|어|아)야 한다"
    ))
    .expect("a valid pattern")
});

/// The lists of a document: its conditions, and what has to be done.
fn lists(material: &Material<'_>, drafts: &mut Vec<Draft>) {
    let (title, language) = (material.title(), material.language());
    let items: Vec<&Sentence<'_>> = material
        .sentences
        .iter()
        .filter(|s| s.section == Section::Conditions && s.is_item && s.text.ends_with('.'))
        .collect();
    if items.len() >= 3 {
        let question = match language {
            Language::Ko => format!(
                "{} 관련하여 문서가 든 요건이나 확인 사항에는 어떤 것이 있나요?",
                with_particle(&format!("‘{title}’"), "과", "와")
            ),
            Language::En => format!("Which conditions or points does the guidance on “{title}” list?"),
        };
        let kind = (QuestionType::Condition, Difficulty::Medium);
        drafts.push(list(material, "conditions", kind, question, &items));
    }
    let duties: Vec<&Sentence<'_>> = material
        .sentences
        .iter()
        .filter(|s| s.section.states_rules() && s.stands_alone() && DUTY.is_match(s.text))
        .collect();
    if duties.len() >= 2 {
        let question = match language {
            Language::Ko => {
                format!("{} 관련하여 신고나 증명은 어떻게 하나요?", with_particle(&format!("‘{title}’"), "과", "와"))
            }
            Language::En => format!("How does one go about “{title}”: what has to be declared, filed or proved?"),
        };
        let kind = (QuestionType::Procedure, Difficulty::Medium);
        drafts.push(list(material, "duties", kind, question, &duties));
    }
}

fn list(
    material: &Material<'_>,
    template: &str,
    kind: (QuestionType, Difficulty),
    question: String,
    items: &[&Sentence<'_>],
) -> Draft {
    let items = &items[..items.len().min(MAX_LISTED)];
    let lines: Vec<String> = items.iter().map(|item| format!("- {}", item.text.replace('\n', " "))).collect();
    let evidence = items.iter().map(|item| material.evidence(item.span.clone())).collect();
    material.draft(template, kind, question, lines.join("\n"), evidence)
}

/// A day as people say it.
fn day(date: Date, language: Language) -> String {
    let text = date.to_string();
    let mut parts = text.split('-').map(|part| part.trim_start_matches('0'));
    let (Some(year), Some(month), Some(day)) = (parts.next(), parts.next(), parts.next()) else { return text };
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    match language {
        Language::Ko => format!("{year}년 {month}월 {day}일"),
        Language::En => {
            let month = month.parse().ok().and_then(|month: usize| MONTHS.get(month.wrapping_sub(1))).copied();
            format!("{day} {} {year}", month.unwrap_or_default())
        }
    }
}

/// Moves a date by whole months, to the 15th.
fn months_from(date: Date, months: i32) -> Option<Date> {
    let text = date.to_string();
    let (year, month): (i32, i32) = (text.get(..4)?.parse().ok()?, text.get(5..7)?.parse().ok()?);
    let at = year * 12 + month - 1 + months;
    format!("{:04}-{:02}-15", at.div_euclid(12), at.rem_euclid(12) + 1).parse().ok()
}

/// Questions as of a day before and days after the first on which the document holds.
fn dates(material: &Material<'_>, drafts: &mut Vec<Draft>) {
    let (Some(from), Some(span)) = (material.document.effective_from, material.opening()) else { return };
    let (title, language) = (material.title(), material.language());
    let offset = material.topic.bytes().map(i32::from).sum::<i32>();
    let quote = &material.document.text[span.clone()];
    let since = day(from, language);
    let kind = |difficulty| (QuestionType::AsOfDate, difficulty);
    if let Some(later) = months_from(from, 1 + offset % 11) {
        let later_day = day(later, language);
        let (question, answer) = match language {
            Language::Ko => (
                format!("{later_day} 현재 ‘{title}’에 관한 기준은 무엇인가요?"),
                format!("{since}부터 시행되는 기준이 그날에도 적용됩니다. {quote}"),
            ),
            Language::En => (
                format!("As of {later_day}, what is the rule on “{title}”?"),
                format!("The guidance that holds from {since} applies on that day. {quote}"),
            ),
        };
        let evidence = vec![material.evidence(span.clone())];
        drafts.push(material.draft("in_force", kind(Difficulty::Medium), question, answer, evidence));
    }
    if let Some(earlier) = months_from(from, -(2 + offset % 13)) {
        let earlier_day = day(earlier, language);
        let (question, answer) = match language {
            Language::Ko => (
                format!(
                    "{earlier_day}에 수입신고한 건인데, ‘{title}’ 문서의 설명을 그날의 기준으로 그대로 써도 되나요?"
                ),
                format!(
                    "문서만으로는 그렇게 말할 수 없습니다. 이 문서는 {since}부터의 기준을 담고 있고, {earlier_day}의 기준은 등록된 문서에 없습니다."
                ),
            ),
            Language::En => (
                format!(
                    "An entry was filed on {earlier_day}; may the guidance on “{title}” be taken as the rule of that day?"
                ),
                format!(
                    "The documents do not allow that. This guidance states the rules from {since} on, and the documents hold none for {earlier_day}."
                ),
            ),
        };
        let evidence = vec![material.evidence(span)];
        drafts.push(material.draft("not_yet_in_force", kind(Difficulty::Hard), question, answer, evidence));
    }
}

/// Countries that people trade with and that no document need speak of; those that one does are left out.
const ELSEWHERE: [(&str, &str); 24] = [
    ("브라질", "Brazil"),
    ("칠레", "Chile"),
    ("페루", "Peru"),
    ("케냐", "Kenya"),
    ("이집트", "Egypt"),
    ("튀르키예", "Türkiye"),
    ("노르웨이", "Norway"),
    ("우크라이나", "Ukraine"),
    ("카자흐스탄", "Kazakhstan"),
    ("몽골", "Mongolia"),
    ("캄보디아", "Cambodia"),
    ("방글라데시", "Bangladesh"),
    ("스리랑카", "Sri Lanka"),
    ("뉴질랜드", "New Zealand"),
    ("아르헨티나", "Argentina"),
    ("콜롬비아", "Colombia"),
    ("나이지리아", "Nigeria"),
    ("모로코", "Morocco"),
    ("이스라엘", "Israel"),
    ("파키스탄", "Pakistan"),
    ("네팔", "Nepal"),
    ("우즈베키스탄", "Uzbekistan"),
    ("에콰도르", "Ecuador"),
    ("파나마", "Panama"),
];

/// Questions that name what no document holds: another country's rules, and facts of one case.
pub(super) fn unanswerable(materials: &[Material<'_>], drafts: &mut Vec<Draft>) {
    let named = |words: (&str, &str)| {
        materials.iter().any(|m| m.document.text.contains(words.0) || m.document.text.contains(words.1))
    };
    let free: Vec<(&str, &str)> = ELSEWHERE.into_iter().filter(|words| !named(*words)).collect();
    for (at, material) in materials.iter().enumerate() {
        let (title, language) = (material.title(), material.language());
        // Twins in two languages take different countries, because they stand next to each other.
        for turn in 0..2 {
            let Some((korean, english)) = free.get((at * 2 + turn * 5) % free.len().max(1)) else { continue };
            let country = say(language, korean, english);
            let (question, answer) = match (language, turn) {
                (Language::Ko, 0) => (
                    format!("{country} 관세법에서는 ‘{title}’에 해당하는 문제를 어떻게 규정하나요?"),
                    format!("등록된 문서로는 답할 수 없습니다. 문서에는 {country}의 규정이 없습니다."),
                ),
                (Language::Ko, _) => (
                    format!("{country}에 수출하는데, 그 나라 세관은 ‘{title}’에 관하여 어떤 서류를 요구하나요?"),
                    format!("근거를 찾을 수 없습니다. {country} 세관의 요구사항은 등록된 문서에 나오지 않습니다."),
                ),
                (Language::En, 0) => (
                    format!("How does the customs law of {country} deal with “{title}”?"),
                    format!("The documents cannot answer this: they hold no rules of {country}."),
                ),
                (Language::En, _) => (
                    format!("We export to {country}; which papers does its customs office want on “{title}”?"),
                    format!(
                        "No basis was found. What the customs office of {country} asks for is not in the documents."
                    ),
                ),
            };
            let kind = (QuestionType::Unanswerable, if turn == 0 { Difficulty::Easy } else { Difficulty::Medium });
            drafts.push(material.draft("elsewhere", kind, question, answer, Vec::new()));
        }
        let number = 1000 + (at * 37) % 9000;
        let (question, answer) = match language {
            Language::Ko => (
                format!("접수번호 {number}번으로 처리된 ‘{title}’ 관련 심사 건은 누가 맡았고 언제 결정되었나요?"),
                "등록된 문서로는 답할 수 없습니다. 문서는 규정을 설명할 뿐 개별 심사 건의 기록을 담고 있지 않습니다."
                    .to_owned(),
            ),
            Language::En => (
                format!("Who decided case file {number} on “{title}”, and on which day was it closed?"),
                "The documents cannot answer this: they explain rules and hold no records of single cases.".to_owned(),
            ),
        };
        let kind = (QuestionType::Unanswerable, Difficulty::Hard);
        drafts.push(material.draft("record", kind, question, answer, Vec::new()));
    }
}
