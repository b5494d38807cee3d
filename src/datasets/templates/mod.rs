//! Rows made from the corpus by rule, without a model: true by construction, because every answer is a quoted sentence,
//! a number that stands in one, a sum that was worked, or the verdict on a sentence that was flipped.
//!
//! In: documents. Out: [`Draft`]s, in a fixed order; who asks is added later ([`wording`]). Templates read what the
//! corpus's documents share: a head with references and dates, an opening that says it all, sections of rules,
//! conditions, worked examples and mistakes. A document without them yields fewer drafts and no wrong ones.

mod calculation;
mod cited;
mod conditions;
mod flip;
mod material;
mod pairs;
mod whole;
pub mod wording;

pub use calculation::{evaluate, holds};

use serde::{Deserialize, Serialize};

use super::{Difficulty, Evidence, QuestionType};
use crate::ingest::Document;
use crate::lang::Language;
use material::Material;
pub use wording::without_opening;

/// A row before it is known who asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// The template that made it.
    pub template: String,
    pub language: Language,
    pub kind: QuestionType,
    pub difficulty: Difficulty,
    pub topic: String,
    pub question: String,
    pub answer: String,
    pub evidence: Vec<Evidence>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calculation: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub twin: Option<String>,
}

/// All drafts of `documents`. Drafts over two documents stay within one group of topics, so that a split by documents
/// still finds groups to part; `group_of` names the group of a topic.
pub fn drafts(documents: &[Document], group_of: impl Fn(&str) -> usize) -> Vec<Draft> {
    let materials: Vec<Material<'_>> = documents.iter().map(Material::of).collect();
    let mut drafts = Vec::new();
    for material in &materials {
        whole::drafts(material, &mut drafts);
        cited::drafts(material, &mut drafts);
        conditions::drafts(material, &mut drafts);
        calculation::drafts(material, &mut drafts);
        flip::drafts(material, &mut drafts);
    }
    whole::unanswerable(&materials, &mut drafts);
    pairs::drafts(&materials, group_of, &mut drafts);
    drafts
}

/// The text in the language asked.
fn say<'a>(language: Language, korean: &'a str, english: &'a str) -> &'a str {
    match language {
        Language::Ko => korean,
        Language::En => english,
    }
}

#[cfg(test)]
mod tests;
