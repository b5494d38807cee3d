//! What a request asks for: wishes, and the things they are about, read from its words by rules.
//!
//! In: the user's words, and the register for the names in them. Out: an [`Intent`]. Knows no tool: that a wish becomes calls
//! is the plan's business. What is not understood is left to others; nothing is guessed.

mod amounts;
mod case;
mod goods;
mod names;
mod period;
mod wishes;

#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use jiff::civil::Date;
use regex::Regex;
use serde_json::Value;

use super::desk::Desk;
use crate::lang::Language;

pub use wishes::{Group, Premise, Wish};

/// A request as understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Intent {
    pub language: Language,
    /// In the order they are said; none where the request is none of the common ones.
    pub wishes: Vec<Wish>,
    pub entities: Entities,
    /// What the request takes for granted, to be held to the results.
    pub premises: Vec<Premise>,
}

/// What a request is about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entities {
    pub companies: Vec<Company>,
    pub declarations: Vec<String>,
    /// Digits alone.
    pub hs: Vec<String>,
    /// First and last day.
    pub period: Option<(Date, Date)>,
    pub date: Option<Date>,
    pub currency: Option<String>,
    /// The goods whose price is meant.
    pub goods: Option<String>,
    /// The goods to classify, as described.
    pub description: Option<String>,
    /// A transaction to value, as the calculator takes it.
    pub case: Option<Value>,
    pub images: Vec<String>,
    /// A dataset by name, and what is to become of its generation.
    pub dataset: Option<(String, &'static str)>,
    pub group: Option<Group>,
    /// The request itself, where it is a question on rules.
    pub question: Option<String>,
}

/// A company as named.
#[derive(Clone, Debug, PartialEq)]
pub struct Company {
    /// As written; absent where its id was.
    pub name: Option<String>,
    /// Absent where no company has the name.
    pub id: Option<String>,
}

impl Company {
    /// Whether an audit of it should look at prices: always, and at the named goods where there are some.
    pub fn goods_matter(&self, entities: &Entities) -> bool {
        self.id.is_some() && (entities.goods.is_some() || !entities.hs.is_empty())
    }
}

impl Entities {
    /// The first company that is known.
    pub fn known_company(&self) -> Option<&str> {
        self.companies.iter().find_map(|company| company.id.as_deref())
    }
}

impl Intent {
    /// Whether a wish is about companies.
    pub fn needs_company(&self) -> bool {
        use Wish::{Audit, Delinquency, Network, Path, Price, Profile, Risk};
        self.wishes.iter().any(|wish| matches!(wish, Audit | Profile | Network | Delinquency | Path | Price | Risk))
    }
}

static DECLARATION: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\bD\d{6,12}").expect("a valid pattern"));
static HS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)(?:\bhs(?:\s*code)?|heading|subheading|품목번호|세번|호)\s*(\d{4}(?:[.-]?\d{2}){0,3})|\b(\d{4}\.\d{2}(?:[.-]?\d{2,4}){0,2})\b|\b(\d{6}|\d{10})(?:[^\d,.원]|$)")
        .expect("a valid pattern")
});
static IMAGE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)[^\s,'\x22()]+\.(?:png|jpe?g)\b").expect("a valid pattern"));
static CURRENCY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b(USD|EUR|JPY|CNY|GBP|AUD|CAD|CHF|HKD|SGD|VND|THB|INR|TWD)\b").expect("a valid pattern")
});
const CURRENCY_WORDS: &[(&str, &str)] = &[
    ("달러", "USD"),
    ("dollar", "USD"),
    ("유로", "EUR"),
    ("euro", "EUR"),
    ("엔화", "JPY"),
    ("yen", "JPY"),
    ("위안", "CNY"),
    ("yuan", "CNY"),
    ("renminbi", "CNY"),
    ("파운드", "GBP"),
    ("pound sterling", "GBP"),
];

/// Words that stand for a company of an earlier message.
static BACKWARDS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:it|its|they|their|them|this company|that company|the company|this importer|the importer|the same)\b|그 (?:업체|회사|기업)|이 (?:업체|회사|기업)|해당 (?:업체|회사|기업)|동사|거기|그곳|같은 업체")
        .expect("a valid pattern")
});

/// Reads a request; `earlier` are the user's messages before it, the oldest first.
pub fn read(request: &str, earlier: &[String], desk: &Desk) -> Intent {
    let language = Language::detect(request);
    let today = desk.today();
    let declarations: Vec<String> = unique(DECLARATION.find_iter(request).map(|found| found.as_str().to_owned()));
    let images = unique(IMAGE.find_iter(request).map(|found| found.as_str().to_owned()));
    let hs = unique(HS.captures_iter(request).filter_map(|found| {
        let code = found.get(1).or(found.get(2)).or(found.get(3))?.as_str();
        Some(code.chars().filter(char::is_ascii_digit).collect())
    }));
    let mut companies = names::companies(request, desk);
    if companies.is_empty() && BACKWARDS.is_match(request) {
        let named = earlier.iter().rev().map(|message| names::companies(message, desk));
        companies = named.into_iter().find(|found| !found.is_empty()).unwrap_or_default();
    }
    let mut entities = Entities {
        companies,
        declarations,
        hs,
        period: period::period(request, today),
        date: period::date(request),
        currency: currency(request),
        goods: goods::priced(request),
        description: goods::described(request),
        case: None,
        images,
        dataset: dataset(request),
        group: wishes::group(request),
        question: None,
    };
    if let Some(stated) = amounts::stated(request) {
        let around = case::Around {
            declared: entities.date.unwrap_or(today),
            hs: entities.hs.first().map(String::as_str),
            goods: goods::valued(request),
            rates: desk.rates().ok(),
        };
        entities.case = Some(case::case(&stated, &around));
    }
    let wishes = wishes::wishes(request, &entities);
    if wishes.contains(&Wish::Explain) {
        entities.question = Some(request.trim().to_owned());
    }
    let premises = wishes::premises(request);
    Intent { language, wishes, entities, premises }
}

static DATASET: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\bdataset\s+[`“\x22]?([A-Za-z0-9][\w.-]*)|데이터셋\s*[`“\x22]?([A-Za-z0-9][\w.-]*)|[`“\x22]?([A-Za-z0-9][\w.-]*)[`”\x22]?\s*(?:dataset\b|데이터셋)")
        .expect("a valid pattern")
});
const ACTIONS: [(&str, &[&str]); 3] = [
    ("cancel", &["cancel", "취소"]),
    ("resume", &["resume", "continue", "재개", "다시 시작"]),
    ("pause", &["pause", "stop", "멈", "중지"]),
];

/// The dataset a request names, with what is to become of its generation.
fn dataset(request: &str) -> Option<(String, &'static str)> {
    let lower = request.to_lowercase();
    let (action, _) = ACTIONS.iter().find(|(_, words)| words.iter().any(|word| lower.contains(word)))?;
    let found = DATASET.captures(request)?;
    let name = found.iter().skip(1).flatten().next()?;
    Some((name.as_str().to_owned(), action))
}

fn currency(request: &str) -> Option<String> {
    if let Some(found) = CURRENCY.find(request) {
        return Some(found.as_str().to_owned());
    }
    let lower = request.to_lowercase();
    CURRENCY_WORDS.iter().find(|(word, _)| lower.contains(word)).map(|(_, code)| (*code).to_owned())
}

fn unique(found: impl Iterator<Item = String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for text in found {
        if !kept.contains(&text) {
            kept.push(text);
        }
    }
    kept
}
