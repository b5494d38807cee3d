//! Whose rules does a question ask about? In: a question. Out: the foreign country whose own customs rules are asked
//! for, if one is. A country named as where goods or people are ("a supplier in Germany", "중국에서 수입한") is none.
//!
//! Nearness in meaning cannot tell this: "How does Peru value imported cars?" is as near to a passage on valuing cars as
//! the question without Peru. Patterns over the words beside the country's name, not a parser; in doubt nothing is found,
//! and the question goes its usual way.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::polarity::pattern;
use crate::index::Hit;
use crate::lang::Language;

/// The country of this house: who names it asks about its rules, whatever else is named.
const HOME: &str = "KR";

/// A country, with its names.
#[derive(Debug)]
pub struct Country {
    /// ISO 3166 code, or `EU`; also what the references to its law begin with.
    code: &'static str,
    english: Vec<&'static str>,
    korean: Vec<&'static str>,
    authorities: Vec<&'static str>,
}

impl Country {
    pub fn name(&self, language: Language) -> &'static str {
        match language {
            Language::En => self.english[0],
            Language::Ko => self.korean[0],
        }
    }

    /// Whether what was found tells of this country's rules: refers to its law, or names it in a title.
    fn is_told_of(&self, hits: &[Hit]) -> bool {
        let refers = |reference: &String| reference.split('-').next() == Some(self.code);
        let names = |title: &str| self.english.iter().chain(&self.korean).any(|name| title.contains(name));
        hits.iter().any(|hit| hit.passage.refs.iter().any(refers) || names(&hit.passage.title))
    }
}

static COUNTRIES: LazyLock<Vec<Country>> = LazyLock::new(|| {
    let lines = include_str!("countries.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let names = |part: &'static str| part.split(',').map(str::trim).collect();
    let country = |line: &'static str| {
        let mut parts = line.split('|').map(str::trim);
        let mut part = || parts.next().expect("a line has three parts");
        let (code, english, korean) = (part(), names(part()), names(part()));
        Country { code, english, korean, authorities: parts.next().map(names).unwrap_or_default() }
    };
    lines.map(country).collect()
});

/// Every name in lower case, with its country's place.
static NAMES: LazyLock<HashMap<String, usize>> = LazyLock::new(|| {
    let names = COUNTRIES.iter().enumerate().flat_map(|(nth, country)| {
        country.english.iter().chain(&country.korean).map(move |name| (name.to_lowercase(), nth))
    });
    names.collect()
});

/// Any name, the longest first, so that no Guinea is found in Equatorial Guinea. Korean names must begin a word: "가나"
/// ends many a question.
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    let alternatives = |of: fn(&Country) -> &Vec<&'static str>| {
        let mut names: Vec<&str> = COUNTRIES.iter().flat_map(|country| of(country).iter().copied()).collect();
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        names.into_iter().map(regex::escape).collect::<Vec<_>>().join("|")
    };
    let (english, korean) = (alternatives(|country| &country.english), alternatives(|country| &country.korean));
    pattern(&format!(r"(?i)(?P<before>^|[^\p{{L}}\p{{N}}])(?P<name>(?:{english})\b|(?:{korean}))"))
});

/// How a question asks for the rules of a country, whose name is `@`.
static ASKS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let patterns = [
        // "@ customs", "@'s valuation rules".
        concat!(
            r"@(?:['’]s?)?\s+(?:(?:general\s+)?\w+\s+(?:of\s+)?)?(?:customs|tariff (?:law|act)|(?:import|valuation|customs|duty|tax) (?:laws?|rules?|",
            r"regulations?|provisions?|declarations?|regime|procedures?|dut(?:y|ies)|tax(?:es)?)|authorit(?:y|ies)|legislation)\b",
        ),
        r"@['’]s\s+(?:\w+\s+){0,2}(?:laws?|rules?|regulations?|provisions?|regime|procedures?|practice|system)\b",
        r"^\W*@\s*:",
        // "the customs law of @", "the rules in @".
        r"\b(?:customs|law|act|code|rules?|regulations?|legislation|authorit(?:y|ies)|regime)\s+(?:of|in|for)\s+(?:the\s+)?@",
        // "imported into @", "when I ship to @".
        r"\b(?:import|ship|export|send|sell|bring|clear|enter|arriv|deliver|com)\w*\b[^.?!,]{0,40}?\b(?:into|to|at)\s+(?:the\s+)?@",
        r"\bimport(?:s|ed|ing|ation)?\s+(?:\w+\s+){0,2}in\s+(?:the\s+)?@",
        // "does @ tax freight", "how do the @ value".
        concat!(
            r"\b(?:does|do|did|will|can|would|must|may|has|have)\s+(?:the\s+)?@\s+(?:also\s+|still\s+)?(?:value|assess|determine|",
            r"tax|charge|levy|calculate|compute|treat|apply|require|allow|use|accept|impose|include|exclude|set|handle|define|",
            r"add|demand|permit|recogni[sz]e|classify|count|deduct|follow|have)\b",
        ),
        // "@ requires".
        r"@\s+(?:requires|allows|applies|uses|accepts|imposes|levies|charges|treats|includes|values|taxes|follows)\b",
        r"\b(?:under|according to)\s+(?:the\s+)?@",
        // "@ 세관은", "@의 관세법".
        concat!(
            r"@(?:의)? ?(?:세관|관세청|관세법|관세 ?당국|해관|법령|세법|관세평가|과세가격|수입 ?신고|",
            r"(?:수입 ?)?통관 ?(?:규정|절차|제도))",
        ),
        // "@로 수입할 때".
        r"@(?:으로|로|에) ?(?:[가-힣]+[을를] ?)?(?:수입|수출|보내|보낼|들여|반입|통관)",
        // "@ 공장에 보낼 때 현지에서 내는".
        r"@[^.?!]*현지(?:에서|의)? ?(?:내|낼|세관|관세|수입|통관|신고)|@ 수입 ?(?:관세|GST|VAT|부가세|세금)",
        r"@ (?:수입|수출|통관)(?:할|하려|하는데|하면|시|은|는)|@ 기준(?:으로|에)",
        // "@는 운임을 어떻게 매기나".
        r"@(?:은|는|도) [^.?!]*(?:어떻게|매기|매겨|부과|과세|정하|정합|인정|적용|요구|따르|허용)",
    ];
    patterns.into_iter().map(|text| pattern(&format!("(?i){text}"))).collect()
});

/// "How is duty calculated in @?", "@에서는 관세를 어떻게": only where nobody is said to be there, and nothing to be done
/// there.
static WITHIN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)\bin\s+(?:the\s+)?@\s*(?:[,?.!]|$|(?:when|if|before|after|do|does|how|what|must|can|is|are)\b)",
        r"|@(?:에서는?|에선|의 경우)[^.?!]*(?:과세|관세|세금|통관|평가|신고|부과|가산|포함|감정|GST|VAT|부가세|면세|조사|심사)",
    ))
});
static THERE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)\b(?:suppliers?|sellers?|buyers?|factor(?:y|ies)|compan(?:y|ies)|firms?|affiliates?|subsidiar(?:y|ies)|parents?|",
        r"plants?|agents?|warehouses?|ports?|makers?|manufacturers?|producers?|exporters?|offices?|banks?|brokers?|designers?|",
        r"engineers?|studios?|laborator(?:y|ies)|lessors?|licensors?|headquarters|partners?|dealers?|traders?|shops?|stores?|wholesalers?|vendors?|mills?|farms?|yards?|branch(?:es)?|owners?|brands?|customers?|made|produced|",
        r"designed|developed|done|drawn|bought|purchased|paid|assembled|packed|loaded|performed|carried out|incurred|built|",
        r"undertaken|manufactured|sold|machines?|stored|borrowed|repaired|tested|based|located|established|work)\s+",
        r"(?:\w+\s+){0,2}in\s+(?:the\s+)?@",
        r"|@(?:에서는?|에선) ?(?:[가-힣A-Za-z0-9·,%]+ ?){0,4}?(?:수입|들여|들어|사 ?온|사서|사는|샀|구매|구입|매입|생산|제조|제작|",
        r"만든|만들|보낸|보내|선적|수출|출발|개발|디자인|설계|작업|가공|조립|공급|판매자|포장|수행|발송|실은|실어|오는|온 |가져|조달|",
        r"시험|수리|부담|탄 |타던|쓰던|쓴 |살던|빌린|받은)",
    ))
});

/// The foreign country whose own rules `question` asks for and `hits` tell nothing of.
pub(super) fn foreign(question: &str, hits: &[Hit]) -> Option<&'static Country> {
    asked_for(question).filter(|country| !country.is_told_of(hits))
}

/// The foreign country whose own rules `question` asks for.
fn asked_for(question: &str) -> Option<&'static Country> {
    let named: Vec<usize> = NAMED.captures_iter(question).map(|found| place(&found)).collect();
    if named.iter().any(|nth| COUNTRIES[*nth].code == HOME) {
        return None;
    }
    let found = named.into_iter().find(|nth| asks_for(&masked(question, *nth))).map(|nth| &COUNTRIES[nth]);
    found.or_else(|| COUNTRIES.iter().find(|country| country.authorities.iter().any(|name| names(question, name))))
}

/// Whether `text` has `name` as a word: in Latin letters, which Korean particles may follow.
fn names(text: &str, name: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphanumeric();
    text.match_indices(name)
        .any(|(at, _)| !text[..at].ends_with(is_letter) && !text[at + name.len()..].starts_with(is_letter))
}

/// The place of the country that was found by name.
fn place(found: &Captures<'_>) -> usize {
    NAMES[&found["name"].to_lowercase()]
}

/// `question` with `@` for a country's names.
fn masked(question: &str, nth: usize) -> String {
    let mask = |found: &Captures<'_>| match place(found) == nth {
        true => format!("{}@", &found["before"]),
        false => found[0].to_owned(),
    };
    NAMED.replace_all(question, mask).into_owned()
}

fn asks_for(masked: &str) -> bool {
    ASKS.iter().any(|pattern| pattern.is_match(masked)) || (WITHIN.is_match(masked) && !THERE.is_match(masked))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(question: &str) -> Option<&'static str> {
        asked_for(question).map(|country| country.code)
    }

    #[test]
    fn a_country_whose_rules_are_asked_for_is_found() {
        for (question, expected) in [
            ("How does Peru value imported used cars?", "PE"),
            ("What is the customs value of a gift in Switzerland?", "CH"),
            ("Does Indian customs accept transfer prices between affiliates?", "IN"),
            ("Under Chilean law, is inland freight dutiable?", "CL"),
            ("When goods are imported into South Africa, who pays the duty?", "ZA"),
            ("인도네시아에서는 과세가격을 어떻게 정하나요?", "ID"),
            ("멕시코 세관은 로열티를 과세가격에 더하나요?", "MX"),
            ("호주로 수출할 때 운임도 과세되나요?", "AU"),
            ("Which form does HMRC want for method 1?", "GB"),
            ("HMRC에 내는 서식은 무엇인가요?", "GB"),
        ] {
            assert_eq!(code(question), Some(expected), "{question}");
        }
    }

    #[test]
    fn a_country_where_goods_come_from_is_none() {
        for question in [
            "Our supplier in Germany pays for the mould. Is it an assist?",
            "We import chairs from Vietnam; is the freight part of the value?",
            "The design was drawn in Italy. Is its cost added?",
            "Does Korean customs accept an invoice issued by a seller in Japan?",
            "중국에서 수입한 의자의 운임은 과세가격에 포함되나요?",
            "일본 본사에 낸 로열티를 더해야 하나요?",
            "베트남에서 제조하면서 쓴 금형비는 과세되나요?",
            "과세가격이란 무엇인가요?",
            "보험료도 과세가격에 들어가나요?",
            "물품을 인도받는 날이 기준인가요?",
        ] {
            assert_eq!(code(question), None, "{question}");
        }
    }

    #[test]
    fn every_country_has_a_code_and_both_names_of_its_own() {
        for (nth, country) in COUNTRIES.iter().enumerate() {
            assert_eq!(country.code.len(), 2, "{country:?}");
            for language in [Language::En, Language::Ko] {
                assert_eq!(NAMES[&country.name(language).to_lowercase()], nth, "{country:?}");
            }
        }
    }
}
