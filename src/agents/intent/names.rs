//! The companies a request names: by id, by a name the register knows, or by a name it does not.
//!
//! In: a request and the register. Out: [`Company`] each, in the order they are said. Every run of up to five words is
//! looked up as it stands and without the particles that Korean puts behind a name; the longest that is known wins.

use std::sync::LazyLock;

use regex::Regex;

use super::super::desk::Desk;
use super::Company;

/// As long as ids are; what stands behind may be a particle.
static ID: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\bC\d{6}").expect("a valid pattern"));
static WORD: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"[\p{L}\p{N}()&.'’-]+").expect("a valid pattern"));
/// Names that look like a company's, in case the register knows none.
static LIKELY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"((?:[A-Z][\w&’'-]*\s+){1,4}(?:Trading|Industries|Industry|Commerce|Materials|Tech|Textiles|Foods|Chemicals|Electronics|",
        r"Motors|Logistics|International|Global|Corporation|Corp|Company|Co|Ltd|Inc|Holdings|Enterprises|Group|Systems|Steel))\b|",
        r"([가-힣A-Za-z]{2,12}(?:무역|상사|산업|상회|물산|통상|전자|화학|식품|섬유|테크|기계|물류|소재|철강|인터내셔널))|",
        r"((?:\(주\)|주식회사)\s?[가-힣A-Za-z]{2,12}|[가-힣A-Za-z]{2,12}\s?(?:\(주\)|주식회사))"
    ))
    .expect("a valid pattern")
});
/// Behind a Korean name; longer ones first.
const PARTICLES: &[&str] = &[
    "에서는",
    "에게서",
    "으로는",
    "이라는",
    "에 대한",
    "에 대해",
    "까지는",
    "부터는",
    "라는",
    "에는",
    "에서",
    "에게",
    "으로",
    "이나",
    "하고",
    "까지",
    "부터",
    "처럼",
    "보다",
    "의",
    "은",
    "는",
    "이",
    "가",
    "을",
    "를",
    "와",
    "과",
    "에",
    "도",
    "만",
    "로",
    "랑",
    "나",
];
/// Longest name in words.
const MAX_WORDS: usize = 5;

/// The companies that `request` names.
pub fn companies(request: &str, desk: &Desk) -> Vec<Company> {
    let mut found: Vec<(usize, Company)> = Vec::new();
    for id in ID.find_iter(request) {
        found.push((id.start(), Company { name: None, id: Some(id.as_str().to_owned()) }));
    }
    let words: Vec<_> = WORD.find_iter(request).collect();
    let mut at = 0;
    while at < words.len() {
        let longest: Option<(usize, String, Option<String>)> =
            (1..=MAX_WORDS.min(words.len() - at)).rev().find_map(|count| {
                let text = &request[words[at].start()..words[at + count - 1].end()];
                // It has been found, and its name may not be taken for another's.
                if ID.is_match(text) {
                    return None;
                }
                spellings(text).into_iter().find_map(|name| match &desk.companies_named(name)[..] {
                    [] => None,
                    [id] => Some((count, name.to_owned(), Some(id.clone()))),
                    // Whose name it is, only the person who asks can say.
                    _ => Some((count, name.to_owned(), None)),
                })
            });
        match longest {
            Some((count, name, id)) => {
                found.push((words[at].start(), Company { name: Some(name), id }));
                at += count;
            }
            None => at += 1,
        }
    }
    if found.is_empty() {
        found.extend(unknown(request));
    }
    found.sort_by_key(|(at, _)| *at);
    let mut companies: Vec<Company> = Vec::new();
    for (_, company) in found {
        if !companies.iter().any(|other| other.id == company.id && (company.id.is_some() || other.name == company.name))
        {
            companies.push(company);
        }
    }
    companies
}

/// As written, and without the particles that may stand behind.
fn spellings(text: &str) -> Vec<&str> {
    let text = text.trim_end_matches(['.', '\'', '’', '-']);
    let mut spellings = vec![text];
    if let Some(bare) = text.strip_suffix("'s").or(text.strip_suffix("’s")) {
        spellings.push(bare);
    }
    for particle in PARTICLES {
        if let Some(bare) = text.strip_suffix(particle)
            && bare.chars().count() >= 2
        {
            spellings.push(bare);
        }
    }
    spellings
}

/// What is written like a company's name and is none the register knows.
fn unknown(request: &str) -> Option<(usize, Company)> {
    let found = LIKELY.captures(request)?;
    let name = found.iter().skip(1).flatten().next()?;
    Some((name.start(), Company { name: Some(name.as_str().trim().to_owned()), id: None }))
}
