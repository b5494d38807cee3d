//! Does a sentence affirm or deny? And which numbers does it state? In: a sentence in Korean or English. Out:
//! [`Polarity`] of its main clause. Used to prefer sentences that decide, and to check what a model says against what
//! was quoted. Rules over the main clause, not a parser: conditions ("unless", "없는 경우") must not count.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;
use serde::Serialize;

use crate::index::{Kind, terms};
use crate::lang::Language;

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Polarity {
    Affirmative,
    Negative,
}

impl Polarity {
    fn of(negative: bool) -> Self {
        if negative { Self::Negative } else { Self::Affirmative }
    }
}

/// A pattern written in this program.
///
/// # Panics
/// If it is none.
pub fn pattern(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a valid pattern")
}

static ENGLISH_NOT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:not|never|cannot|neither|nor|no longer)\b|n['’]t\b|^\W*no\s|\bthere (?:is|are) no\b|\bhas no\b|\bhave no\b|\bnothing\b",
    )
});
static ENGLISH_OUT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:exclud\w+|deduct\w*|subtract\w*|left out|leav\w+ out|remov\w+|exempt\w*|disregard\w*|outside the customs value|not part)\b",
    )
});
static ENGLISH_IN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:includ\w+|add(?:ed|s|itions?)?|part of|belongs?|dutiable|form\w* part|enters?|counts? (?:as|toward\w*))\b",
    )
});
static ENGLISH_VALUE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)\bdutiable (?:value|price|amount|base|goods|merchandise)\b"));
static ENGLISH_CONDITION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)(?:^|,?\s)(?:if|when|where|unless|until|even if|even though|although|though|because|provided that|",
        r"as long as|whether|while|once)\b[^,;.]*(?:[,;]|$|\.)"
    ))
});
static KOREAN_NOT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:지|하지|되지)(?:는|도)? ?(?:않|아니|못)|(?:이|가|은|는) ?아니(?:다|며|고|라|에요|ㅂ|ㄴ)|아닙니다|아니다|(?:수|것이|필요가|의무가|영향이|할) ?(?:는 )?없|없다|없습니다|없어요|못한다|못합니다|안 (?:됩|된|되|돼|합|한|해)|불가|아니한|아니하",
    )
});
static KOREAN_MUST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:지 ?않으면|아니하면|않고는|지 ?아니하고는) ?(?:안 ?(?:된|됩|되|돼)|아니 ?된)|수밖에 ?없|(?:예외가|다름이|차이가|변함이) ?없",
    )
});
static KOREAN_OUT: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"제외|공제|차감|빼|뺀|뺍|뺄|면제|배제|인정하지|인정되지"));
static KOREAN_IN: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"포함|가산|더하|더한|더해|더할|합산|산입|들어가|들어간|과세 ?대상"));

/// What a clause says of belonging.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Belonging {
    In,
    Out,
    Neither,
}

/// The predicate of a sentence: what it says, and whether it denies it.
struct Predicate {
    belonging: Belonging,
    negated: bool,
}

fn predicate(sentence: &str, language: Language) -> Predicate {
    match language {
        Language::En => {
            // The value that something is left out of is called dutiable, too.
            let sentence = &*ENGLISH_VALUE.replace_all(sentence, "customs value");
            let clause = ENGLISH_CONDITION.replace_all(sentence, " ");
            // A sentence that is one condition through and through is judged as it stands.
            let clause = if clause.split_whitespace().count() < 3 { sentence } else { &clause };
            let (belonging, at) = belonging(clause, &ENGLISH_IN, &ENGLISH_OUT);
            let negated = match at {
                // Only what stands close before the predicate denies it: "payments that do not relate … are added".
                Some(at) => {
                    let start = clause[..at].char_indices().rev().nth(22).map_or(0, |(start, _)| start);
                    ENGLISH_NOT.is_match(&clause[start..at]) || clause.trim_start().starts_with("No ")
                }
                None => ENGLISH_NOT.is_match(clause),
            };
            Predicate { belonging, negated }
        }
        Language::Ko => {
            let clause = last_clause(sentence);
            let negated = KOREAN_NOT.is_match(clause) && !KOREAN_MUST.is_match(clause);
            Predicate { belonging: belonging(clause, &KOREAN_IN, &KOREAN_OUT).0, negated }
        }
    }
}

/// What the last word of belonging says, and where it stands: "the freight that was added is deducted".
fn belonging(clause: &str, inside: &Regex, outside: &Regex) -> (Belonging, Option<usize>) {
    let last = |regex: &Regex| regex.find_iter(clause).last().map(|found| found.start());
    match (last(inside), last(outside)) {
        (Some(a), Some(b)) if a > b => (Belonging::In, Some(a)),
        (Some(a), None) => (Belonging::In, Some(a)),
        (_, Some(b)) => (Belonging::Out, Some(b)),
        (None, None) => (Belonging::Neither, None),
    }
}

/// The words around the final predicate of a Korean sentence: what stands before is conditions and nouns.
fn last_clause(sentence: &str) -> &str {
    let end = sentence.trim_end_matches(|c: char| !c.is_alphanumeric());
    let mut at = end.len();
    for _ in 0..4 {
        at = end[..at].trim_end().rfind(char::is_whitespace).unwrap_or_default();
        if at == 0 {
            break;
        }
    }
    let clause = &end[at..];
    // "…경우에는 더하지 않는다": the condition ends with its particle.
    clause.rfind("경우에는").or(clause.rfind("경우에 ")).map_or(clause, |cut| &clause[cut..])
}

/// Whether the main clause of `sentence` denies. Being left out is denial of belonging: "deducted" denies.
pub fn of(sentence: &str, language: Language) -> Polarity {
    let predicate = predicate(sentence, language);
    Polarity::of((predicate.belonging == Belonging::Out) != predicate.negated)
}

/// Whether `sentence` says yes or no to `question`; `None` where the question is no yes-no question.
pub fn answers(question: &str, sentence: &str, language: Language) -> Option<Polarity> {
    if !is_yes_no(question) {
        return None;
    }
    let asking = asking(question);
    let asked = predicate(asking, Language::detect(asking));
    let said = predicate(sentence, language);
    // "Is it deducted?" is answered yes by what says that it is out, and "May it be left undeclared?" by what denies. A
    // sentence that speaks of neither in nor out, "is not considered", denies whatever was asked.
    let against_class = match (asked.belonging, said.belonging) {
        (_, Belonging::Neither) => false,
        (Belonging::Out, said) => said == Belonging::In,
        (_, said) => said == Belonging::Out,
    };
    Some(Polarity::of(against_class ^ said.negated ^ asked.negated))
}

/// Whether a sentence speaks of belonging (is added, is deducted) or denies something: the stuff of a yes or no.
pub fn is_verdict(sentence: &str, language: Language) -> bool {
    let predicate = predicate(sentence, language);
    predicate.belonging != Belonging::Neither || predicate.negated
}

static CONDITIONAL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:if|when|where|unless|only|except)\b|(?:하|되|으|지|이|않|없|있|르|리|기|내|치|쓰|추)면\s|라면\s|다면\s|경우|다만|한하여|때에만|때만",
    )
});

/// Whether a sentence holds only under a condition it names.
pub fn is_conditional(sentence: &str) -> bool {
    CONDITIONAL.is_match(sentence)
}

/// The sentence of `question` that asks: people tell their case first, or add it after.
fn asking(question: &str) -> &str {
    let mut start = 0;
    let mut asking = question;
    for (at, c) in question.char_indices().filter(|(_, c)| matches!(c, '.' | '?' | '!')) {
        let sentence = &question[start..at + c.len_utf8()];
        if c == '?' {
            asking = sentence;
        }
        start = at + c.len_utf8();
    }
    asking.trim()
}

static AUXILIARY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)^\W*(?:and |so |then |but )?(?:is|are|was|were|do|does|did|can|could|may|must|should|shall|will|would|has|have|am|need)\b",
    )
});
static ASKS_WHAT: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"무엇|어떻게|어떤|어느|언제|어디|누가|누구|왜|얼마|며칠|몇|뭐|뭘|무슨"));
static YES_NO_KOREAN: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?:나요|까요|까|가요|은지요|는지요|되죠|하죠|지요|되요|돼요|해요|는지)\s*\??\s*$"));

/// Whether `question` can be answered by yes or no.
pub fn is_yes_no(question: &str) -> bool {
    let asking = asking(question);
    match Language::detect(asking) {
        // "If the freight is free, is it added?": the clause after the last comma may be the one that asks.
        Language::En => {
            AUXILIARY.is_match(asking)
                || asking.match_indices(", ").any(|(at, _)| AUXILIARY.is_match(&asking[at + 2..]))
        }
        Language::Ko => YES_NO_KOREAN.is_match(asking) && !ASKS_WHAT.is_match(asking),
    }
}

static SAID_YES: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)^\W*(?:yes|correct|right|네|예|그렇습니다|맞습니다)(?:\W|$)"));
static SAID_NO: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)^\W*(?:no|아니요|아니오|아닙니다|그렇지 않습니다)(?:\W|$)"));

/// The yes or no an answer opens with, where it does.
pub fn opening(answer: &str) -> Option<Polarity> {
    if SAID_YES.is_match(answer) {
        Some(Polarity::Affirmative)
    } else if SAID_NO.is_match(answer) {
        Some(Polarity::Negative)
    } else {
        None
    }
}

/// The numbers stated in `text`, normalised (`1,000` is `1000`, percents as `10%`).
pub fn numbers(text: &str) -> BTreeSet<String> {
    terms(text).into_iter().filter(|term| term.kind == Kind::Number).map(|term| term.text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn denials_in_korean_are_told_from_conditions() {
        for sentence in [
            "구매수수료는 과세가격에 포함되지 않는다.",
            "구매수수료는 과세가격에 더하지 아니한다.",
            "수입 후 운임은 과세가격에서 공제한다.",
            "자료가 없는 경우에는 제1방법을 적용할 수 없다.",
            "연불이자는 과세가격에서 제외된다.",
            "이 비용은 가산요소가 아니다.",
        ] {
            assert_eq!(of(sentence, Language::Ko), Polarity::Negative, "{sentence}");
        }
        for sentence in [
            "수입항까지의 운임은 과세가격에 포함된다.",
            "구분할 수 없는 경우에는 전액을 가산한다.",
            "신고하지 않으면 안 된다.",
            "대리인이 자기 계산으로 행동하면 수수료를 더한다.",
            "과세가격에서 제외하지 않는다.",
        ] {
            assert_eq!(of(sentence, Language::Ko), Polarity::Affirmative, "{sentence}");
        }
    }

    #[test]
    fn denials_in_english_are_told_from_conditions() {
        for sentence in [
            "A buying commission is not added to the customs value.",
            "Freight after importation is deducted from the price.",
            "Interest cannot be included where it is shown separately.",
            "No addition is made for it.",
            "The discount is excluded from the dutiable value.",
        ] {
            assert_eq!(of(sentence, Language::En), Polarity::Negative, "{sentence}");
        }
        for sentence in [
            "A selling commission is added to the customs value.",
            "If the amount cannot be separated, the whole price is dutiable.",
            "The freight is included unless it is not borne by the buyer.",
        ] {
            assert_eq!(of(sentence, Language::En), Polarity::Affirmative, "{sentence}");
        }
    }

    #[test]
    fn an_answer_is_weighed_against_what_was_asked() {
        let no =
            answers("구매수수료는 과세가격에 포함되나요?", "구매수수료는 과세가격에 포함되지 않는다.", Language::Ko);
        assert_eq!(no, Some(Polarity::Negative));
        let yes = answers("Can the installation cost be deducted?", "Installation cost is deducted.", Language::En);
        assert_eq!(yes, Some(Polarity::Affirmative));
        assert_eq!(answers("가산율은 얼마인가요?", "가산율은 10%이다.", Language::Ko), None);
        assert_eq!(answers("How is it added?", "It is added.", Language::En), None);
        let case_after = "환불액을 뺄 수 있나요? 약관은 없었습니다.";
        assert_eq!(answers(case_after, "환불액은 고려하지 않는다.", Language::Ko), Some(Polarity::Negative));
        let must = answers("Does customs have to explain how it valued goods?", "Customs must tell how.", Language::En);
        assert_eq!(must, Some(Polarity::Affirmative));
    }

    #[test]
    fn openings_and_numbers_are_read() {
        assert_eq!(opening("Yes, a buying commission is part of it."), Some(Polarity::Affirmative));
        assert_eq!(opening("아니요, 포함되지 않습니다."), Some(Polarity::Negative));
        assert_eq!(opening("Note that it depends."), None);
        assert_eq!(numbers("1,000원의 10퍼센트"), ["1000", "1000원", "10", "10%"].map(String::from).into());
    }
}
