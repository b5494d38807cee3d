//! Legal references: `KR-CA-30(1)6` to [`LegalRef`] and back, in words of both languages, and the article mentions that
//! stand in prose ("관세법 제30조제1항제1호", "Article 30(1)1").
//!
//! Knows the grammar and the names of the instruments, not their texts: whether an article exists is checked by a test
//! against the law texts, not here.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::sync::LazyLock;

use regex::Regex;

use crate::lang::Language;

/// Why a reference could not be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("legal reference `{given}` names no known instrument\n\nhint: it begins with one of {}", known())]
    UnknownInstrument { given: String },
    #[error("legal reference `{given}`: `{rest}` is not {expected}")]
    Malformed { given: String, rest: String, expected: &'static str },
}

/// A law, a treaty, or a body of opinions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Instrument {
    CustomsAct,
    CustomsDecree,
    CustomsRule,
    ValuationNotice,
    VatAct,
    ConsumptionTaxAct,
    ConsumptionTaxDecree,
    LiquorTaxAct,
    LiquorTaxDecree,
    EducationTaxAct,
    RuralTaxAct,
    StateFundsAct,
    WtoAgreement,
    WtoDecision,
    WcoAdvisoryOpinion,
    WcoCommentary,
    WcoExplanatoryNote,
    WcoCaseStudy,
    WcoStudy,
    UsCode,
}

/// Code, English name, Korean name. A code that begins another one's would have to stand after it; none does.
const INSTRUMENTS: [(Instrument, &str, &str, &str); 20] = [
    (Instrument::CustomsAct, "KR-CA", "Customs Act", "관세법"),
    (Instrument::CustomsDecree, "KR-CD", "Customs Act Decree", "관세법 시행령"),
    (Instrument::CustomsRule, "KR-CR", "Customs Act Rule", "관세법 시행규칙"),
    (Instrument::ValuationNotice, "KR-VN", "Customs Valuation Notice", "관세평가 운영에 관한 고시"),
    (Instrument::VatAct, "KR-VAT", "Value-Added Tax Act", "부가가치세법"),
    (Instrument::ConsumptionTaxAct, "KR-ICT", "Individual Consumption Tax Act", "개별소비세법"),
    (Instrument::ConsumptionTaxDecree, "KR-ICD", "Individual Consumption Tax Decree", "개별소비세법 시행령"),
    (Instrument::LiquorTaxAct, "KR-LIQ", "Liquor Tax Act", "주세법"),
    (Instrument::LiquorTaxDecree, "KR-LQD", "Liquor Tax Decree", "주세법 시행령"),
    (Instrument::EducationTaxAct, "KR-EDU", "Education Tax Act", "교육세법"),
    (Instrument::RuralTaxAct, "KR-RST", "Rural Development Special Tax Act", "농어촌특별세법"),
    (Instrument::StateFundsAct, "KR-SFA", "State Funds Management Act", "국고금 관리법"),
    (Instrument::WtoAgreement, "WTO-VA", "WTO Valuation Agreement", "WTO 관세평가협정"),
    (Instrument::WtoDecision, "WTO-DEC", "WTO Valuation Committee Decision", "WTO 관세평가위원회 결정"),
    (Instrument::WcoAdvisoryOpinion, "WCO-AO", "WCO Advisory Opinion", "WCO 권고의견"),
    (Instrument::WcoCommentary, "WCO-COM", "WCO Commentary", "WCO 예해"),
    (Instrument::WcoExplanatoryNote, "WCO-EN", "WCO Explanatory Note", "WCO 해설"),
    (Instrument::WcoCaseStudy, "WCO-CS", "WCO Case Study", "WCO 사례연구"),
    (Instrument::WcoStudy, "WCO-ST", "WCO Study", "WCO 연구"),
    (Instrument::UsCode, "US", "19 USC", "미국 관세법(19 USC)"),
];

fn known() -> String {
    INSTRUMENTS.map(|(_, code, ..)| format!("`{code}-`")).join(", ")
}

impl Instrument {
    fn row(self) -> &'static (Instrument, &'static str, &'static str, &'static str) {
        INSTRUMENTS.iter().find(|row| row.0 == self).expect("every instrument has its row; a test counts them")
    }

    pub fn code(self) -> &'static str {
        self.row().1
    }

    pub fn name(self, language: Language) -> &'static str {
        match language {
            Language::En => self.row().2,
            Language::Ko => self.row().3,
        }
    }

    fn has_articles(self) -> bool {
        self.code().starts_with("KR-")
    }
}

/// A number with an optional branch: `38-3` is article 38의3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Number {
    pub base: u32,
    pub branch: Option<u32>,
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.branch {
            Some(branch) => write!(f, "{}-{branch}", self.base),
            None => write!(f, "{}", self.base),
        }
    }
}

impl Number {
    /// `조` to `제38조의3`.
    fn korean(self, unit: &str) -> String {
        match self.branch {
            Some(branch) => format!("제{}{unit}의{branch}", self.base),
            None => format!("제{}{unit}", self.base),
        }
    }
}

/// An article, as deep as it was named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Article {
    pub number: Number,
    pub paragraph: Option<Number>,
    pub item: Option<Number>,
}

impl Article {
    /// Whether the two agree as far as both go: `30` and `30(1)` do, `30(1)` and `30(2)` don't.
    pub fn agrees_with(&self, other: &Self) -> bool {
        fn same(a: Option<Number>, b: Option<Number>) -> bool {
            a.is_none() || b.is_none() || a == b
        }
        self.number == other.number && same(self.paragraph, other.paragraph) && same(self.item, other.item)
    }
}

impl fmt::Display for Article {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.number)?;
        match (self.paragraph, self.item) {
            (Some(paragraph), Some(item)) => write!(f, "({paragraph}){item}"),
            (Some(paragraph), None) => write!(f, "({paragraph})"),
            (None, Some(item)) => write!(f, ":{item}"),
            (None, None) => Ok(()),
        }
    }
}

/// Where in an instrument.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Provision {
    /// Korean law: article, paragraph, item.
    Article(Article),
    /// The instrument's own numbering: `8.1(b)`, `N8.1(c)`, `A3.6`, `1401A(b)(1)`.
    Clause(String),
}

/// A place in an instrument.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LegalRef {
    pub instrument: Instrument,
    pub provision: Provision,
}

static ARTICLE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(\d+)(?:-(\d+))?(?:\((\d+)(?:-(\d+))?\))?(?::?(\d+)(?:-(\d+))?)?$").expect("a valid pattern")
});
static CLAUSE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:[NA]?\d+(?:\.\d+)*|1401A)(?:\([A-Za-z]{1,4}\)|\(\d+\))*$").expect("a valid pattern")
});

fn number(base: Option<regex::Match<'_>>, branch: Option<regex::Match<'_>>) -> Option<Number> {
    let base = base?.as_str().parse().ok()?;
    Some(Number { base, branch: branch.and_then(|m| m.as_str().parse().ok()) })
}

impl FromStr for LegalRef {
    type Err = Error;

    fn from_str(given: &str) -> Result<Self, Error> {
        let found = INSTRUMENTS
            .iter()
            .find_map(|row| Some((row.0, given.strip_prefix(row.1)?.strip_prefix('-')?)))
            .ok_or_else(|| Error::UnknownInstrument { given: given.into() })?;
        let (instrument, rest) = found;
        let malformed = |expected| Error::Malformed { given: given.into(), rest: rest.into(), expected };
        if !instrument.has_articles() {
            if !CLAUSE.is_match(rest) {
                return Err(malformed("a clause such as `8.1(b)`, `N8.1(c)` or `1401A(b)(1)`"));
            }
            return Ok(Self { instrument, provision: Provision::Clause(rest.into()) });
        }
        let shape = "an article such as `30`, `38-3(1)`, `30(1)6` or `17:2`";
        let parts = ARTICLE.captures(rest).ok_or_else(|| malformed(shape))?;
        let paragraph = number(parts.get(3), parts.get(4));
        let item = number(parts.get(5), parts.get(6));
        // `17:2` has its colon because `172` would read as article 172.
        if item.is_some() && paragraph.is_some() == rest.contains(':') {
            return Err(malformed(shape));
        }
        let number = number(parts.get(1), parts.get(2)).ok_or_else(|| malformed(shape))?;
        Ok(Self { instrument, provision: Provision::Article(Article { number, paragraph, item }) })
    }
}

impl fmt::Display for LegalRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.provision {
            Provision::Article(article) => write!(f, "{}-{article}", self.instrument.code()),
            Provision::Clause(clause) => write!(f, "{}-{clause}", self.instrument.code()),
        }
    }
}

impl LegalRef {
    /// The reference as people write it: `Customs Act Article 30(1)1`, `관세법 제30조제1항제1호`.
    pub fn in_words(&self, language: Language) -> String {
        let name = self.instrument.name(language);
        match (&self.provision, language) {
            (Provision::Article(article), Language::En) => match (article.paragraph, article.item) {
                (None, Some(item)) => format!("{name} Article {} item {item}", article.number),
                _ => format!("{name} Article {article}"),
            },
            (Provision::Article(article), Language::Ko) => {
                let mut words = format!("{name} {}", article.number.korean("조"));
                words.extend(article.paragraph.map(|n| n.korean("항")));
                words.extend(article.item.map(|n| n.korean("호")));
                words
            }
            (Provision::Clause(clause), _) => format!("{name} {}", self.clause_in_words(clause, language)),
        }
    }

    fn clause_in_words(&self, clause: &str, language: Language) -> String {
        match (self.instrument, language) {
            (Instrument::WtoAgreement, Language::En) => match (clause.strip_prefix('N'), clause.strip_prefix('A')) {
                (Some(note), _) => format!("Interpretative Note to Article {note}"),
                (_, Some(annex)) => format!("Annex {annex}"),
                _ => format!("Article {clause}"),
            },
            (Instrument::WtoAgreement, Language::Ko) => match (clause.strip_prefix('N'), clause.strip_prefix('A')) {
                (Some(note), _) => format!("{} 주해", korean_clause(note)),
                (_, Some(annex)) => format!("부속서 {annex}"),
                _ => korean_clause(clause),
            },
            (Instrument::UsCode, _) => clause.replacen("1401A", "1401a", 1),
            _ => clause.into(),
        }
    }
}

/// `8.1(b)` to `제8조제1항(b)`.
fn korean_clause(clause: &str) -> String {
    let (numbers, letters) = clause.split_at(clause.find('(').unwrap_or(clause.len()));
    let mut units = ["조", "항", "호"].into_iter();
    let mut words = String::new();
    for part in numbers.split('.') {
        words.push_str(&match units.next() {
            Some(unit) => format!("제{part}{unit}"),
            None => format!(".{part}"),
        });
    }
    words + letters
}

/// An article named in prose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// The instrument, where the words before the article name it.
    pub instrument: Option<Instrument>,
    pub article: Article,
    /// Where it stands in the text, in bytes.
    pub span: Range<usize>,
}

impl Mention {
    /// Whether `reference` may be the place that is meant.
    pub fn is_covered_by(&self, reference: &LegalRef) -> bool {
        if self.instrument.is_some_and(|instrument| instrument != reference.instrument) {
            return false;
        }
        match &reference.provision {
            Provision::Article(article) => self.article.agrees_with(article),
            Provision::Clause(clause) => {
                let numbers = clause.trim_start_matches(['N', 'A']);
                let base = numbers.split(['.', '(']).next().and_then(|n| n.parse().ok());
                self.instrument == Some(reference.instrument) && base == Some(self.article.number.base)
            }
        }
    }
}

static KOREAN_MENTION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?:(시행령|시행규칙|고시|부가가치세법|개별소비세법|주세법|교육세법|협정|관세법)」?\s*)?",
        r"제\s?(\d+)조(?:의\s?(\d+))?(?:\s?제(\d+)항(?:의(\d+))?)?(?:\s?제(\d+)호(?:의(\d+))?)?"
    ))
    .expect("a valid pattern")
});
static ENGLISH_MENTION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)(?:(Decree|Rule|Notice|VAT Act|Value-Added Tax Act|Consumption Tax Act|Liquor Tax Act|Education Tax Act|",
        r"Agreement|Customs Act),?\s+)?(?:Articles?|Arts?\.)\s*(\d+)(?:-(\d+))?",
        r"(?:\.(\d+)|\((\d+)(?:-(\d+))?\)(?:(\d+)(?:-(\d+))?)?)?"
    ))
    .expect("a valid pattern")
});

fn named(instrument: &str) -> Option<Instrument> {
    Some(match instrument.to_lowercase().as_str() {
        "관세법" | "customs act" => Instrument::CustomsAct,
        "시행령" | "decree" => Instrument::CustomsDecree,
        "시행규칙" | "rule" => Instrument::CustomsRule,
        "고시" | "notice" => Instrument::ValuationNotice,
        "부가가치세법" | "vat act" | "value-added tax act" => Instrument::VatAct,
        "개별소비세법" | "consumption tax act" => Instrument::ConsumptionTaxAct,
        "주세법" | "liquor tax act" => Instrument::LiquorTaxAct,
        "교육세법" | "education tax act" => Instrument::EducationTaxAct,
        "협정" | "agreement" => Instrument::WtoAgreement,
        _ => return None,
    })
}

/// The articles `text` names, in order.
pub fn mentions(text: &str) -> Vec<Mention> {
    let mut found: Vec<Mention> = Vec::new();
    for parts in KOREAN_MENTION.captures_iter(text) {
        let Some(article) = number(parts.get(2), parts.get(3)) else { continue };
        found.push(Mention {
            instrument: parts.get(1).and_then(|m| named(m.as_str())),
            article: Article {
                number: article,
                paragraph: number(parts.get(4), parts.get(5)),
                item: number(parts.get(6), parts.get(7)),
            },
            span: parts.get(0).expect("group 0 is the match").range(),
        });
    }
    for parts in ENGLISH_MENTION.captures_iter(text) {
        let Some(article) = number(parts.get(2), parts.get(3)) else { continue };
        found.push(Mention {
            instrument: parts.get(1).and_then(|m| named(m.as_str())),
            article: Article {
                number: article,
                paragraph: number(parts.get(4), None).or(number(parts.get(5), parts.get(6))),
                item: number(parts.get(7), parts.get(8)),
            },
            span: parts.get(0).expect("group 0 is the match").range(),
        });
    }
    found.sort_by_key(|mention| mention.span.start);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instrument_has_its_row() {
        for (instrument, code, ..) in INSTRUMENTS {
            assert_eq!(instrument.code(), code);
        }
    }

    #[test]
    fn references_come_back_as_they_were_written() {
        let written = [
            "KR-CA-30(1)6",
            "KR-CA-38-3(2)",
            "KR-CD-17-2",
            "KR-VN-17:2",
            "KR-CD-16(1)2-3",
            "WTO-VA-8.1(b)(iii)",
            "WTO-VA-N8.1(c)",
            "WTO-VA-A3.6",
            "WTO-DEC-3.1",
            "WCO-AO-4.11",
            "US-1401A(b)(1)(B)",
            "US-1401A(b)(4)(A)",
        ];
        for text in written {
            assert_eq!(text.parse::<LegalRef>().map(|r| r.to_string()), Ok(text.into()));
        }
    }

    #[test]
    fn a_broken_reference_says_what_is_wrong() {
        for text in ["KR-CA-", "KR-CA-30(1", "KR-CA-30(1):6", "KR-XX-3", "WTO-VA-x", "30(1)", "KR-CA-30.1"] {
            assert!(text.parse::<LegalRef>().is_err(), "{text}");
        }
        let error = "KR-CA-30.1".parse::<LegalRef>().expect_err("not the grammar").to_string();
        assert!(error.contains("`30.1`"), "{error}");
    }

    #[test]
    fn references_are_spoken_in_both_languages() {
        let words = |text: &str, language| text.parse::<LegalRef>().map(|r| r.in_words(language));
        assert_eq!(words("KR-CA-30(1)1", Language::En), Ok("Customs Act Article 30(1)1".into()));
        assert_eq!(words("KR-CA-38-3(2)", Language::Ko), Ok("관세법 제38조의3제2항".into()));
        assert_eq!(words("KR-VN-17:2", Language::Ko), Ok("관세평가 운영에 관한 고시 제17조제2호".into()));
        assert_eq!(words("WTO-VA-8.1(b)", Language::Ko), Ok("WTO 관세평가협정 제8조제1항(b)".into()));
        assert_eq!(words("US-1401A(b)(1)", Language::En), Ok("19 USC 1401a(b)(1)".into()));
    }

    #[test]
    fn mentions_are_found_in_both_languages() {
        let text = "관세법 제30조제1항제1호와 시행령 제17조의2, Customs Act Article 30(2)4 and Article 38-3.";
        let found: Vec<_> = mentions(text).into_iter().map(|m| (m.instrument, m.article.to_string())).collect();
        let expected = [
            (Some(Instrument::CustomsAct), "30(1)1"),
            (Some(Instrument::CustomsDecree), "17-2"),
            (Some(Instrument::CustomsAct), "30(2)4"),
            (None, "38-3"),
        ];
        assert_eq!(found, expected.map(|(instrument, article)| (instrument, article.to_string())));
    }

    #[test]
    fn a_mention_is_covered_by_the_same_place_only() {
        let mention = &mentions("제30조제1항에 따라")[0];
        let covered = |text: &str| mention.is_covered_by(&text.parse().expect("a reference"));
        assert!(covered("KR-CA-30(1)6") && covered("KR-CA-30"));
        assert!(!covered("KR-CA-30(2)") && !covered("KR-CA-31(1)"));
    }
}
