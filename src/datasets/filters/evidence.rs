//! Whether an answer is held by its evidence: what it quotes, the numbers it states and the provisions it names.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use super::super::templates::holds;
use super::super::{Evidence, Row, text_version};
use crate::ingest::Document;
use crate::legal::{LegalRef, mentions};

static QUOTED: LazyLock<Regex> = LazyLock::new(|| Regex::new("“([^”]{4,})”").expect("a valid pattern"));
static NUMBER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\d[\d,]*(?:\.\d+)?").expect("a valid pattern"));

/// Runs of blanks made one, so that a line break within a sentence makes no difference.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn numbers(text: &str) -> BTreeSet<String> {
    NUMBER.find_iter(text).map(|found| found.as_str().replace(',', "").trim_end_matches('.').to_owned()).collect()
}

/// Whether the quote stands at its place in the document, in the version it names.
fn stands(evidence: &Evidence, documents: &[&Document]) -> bool {
    documents.iter().any(|document| {
        document.id == evidence.document
            && text_version(&document.text) == evidence.version
            && document.text.get(evidence.start..evidence.end) == Some(&*evidence.quote)
    })
}

/// The share of claims that are held, and the first that is not. Claims are: each evidence stands where it says; each
/// text in quotation marks is in the evidence; each number is in the evidence, the question, the head of a document, or
/// a calculation that holds; each provision named is in the evidence or the head.
pub fn support(row: &Row, documents: &[&Document]) -> (f64, String) {
    let quotes = flat(&row.evidence.iter().map(|evidence| &*evidence.quote).collect::<Vec<_>>().join("\n"));
    let heads: Vec<&&Document> =
        documents.iter().filter(|document| row.evidence.iter().any(|e| e.document == document.id)).collect();
    let mut known = numbers(&quotes);
    known.extend(numbers(&row.question));
    for head in &heads {
        known.extend(numbers(&head.title));
        for date in [head.effective_from, head.effective_to].into_iter().flatten() {
            known.extend(date.to_string().split('-').map(|part| part.trim_start_matches('0').to_owned()));
        }
    }
    let mut num_claims = 0;
    let mut missing: Vec<String> = Vec::new();
    let mut claim = |held: bool, what: String| {
        num_claims += 1;
        if !held {
            missing.push(what);
        }
    };
    for evidence in &row.evidence {
        claim(stands(evidence, documents), format!("the quote at {} of `{}`", evidence.start, evidence.document));
    }
    if let Some(calculation) = &row.lineage.calculation {
        let right = holds(calculation);
        claim(right, format!("the calculation {calculation}"));
        if right {
            known.extend(numbers(calculation));
        }
    }
    for quoted in QUOTED.captures_iter(&row.answer) {
        // The title of a document may stand in quotation marks, too.
        let held = quotes.contains(&flat(&quoted[1])) || heads.iter().any(|head| head.title == quoted[1]);
        claim(held, format!("the quote “{}”", &quoted[1]));
    }
    // The numbers of provisions are judged with their provisions.
    let named = mentions(&row.answer);
    let mut stated = row.answer.clone();
    for mention in named.iter().rev() {
        stated.replace_range(mention.span.clone(), " ");
    }
    for number in numbers(&stated) {
        let held = known.contains(&number);
        claim(held, format!("the number {number}"));
    }
    let quoted_places = mentions(&quotes);
    for mention in named {
        let in_quotes = quoted_places.iter().any(|other| other.article == mention.article);
        let in_heads = || {
            let mut refs = heads.iter().flat_map(|head| &head.refs).filter_map(|text| text.parse::<LegalRef>().ok());
            refs.any(|reference| mention.is_covered_by(&reference))
        };
        claim(in_quotes || in_heads(), format!("the provision {}", &row.answer[mention.span.clone()]));
    }
    let share = if num_claims == 0 { 1.0 } else { 1.0 - missing.len() as f64 / f64::from(num_claims) };
    (share, missing.into_iter().next().map_or_else(String::new, |what| format!("its evidence does not hold {what}")))
}
