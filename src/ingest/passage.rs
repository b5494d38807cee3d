//! What a document is cut into: [`Passage`], the unit that is searched, cited and shown. Plain data, with the two
//! readings of it that must agree everywhere. Knows nothing of how passages are cut ([`super::chunk`]) or found.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::lang::Language;

/// A retrievable stretch of a document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Passage {
    /// `{document}#{ordinal}`; stable while the document's text is.
    pub id: String,
    /// Id of the document, as in its head (`valuation-021-en`).
    pub document: String,
    /// The collection it belongs to: `valuation`, `general`, or a name the user gave.
    pub corpus: String,
    pub title: String,
    /// The headings above the passage, outermost first, joined by ` > `.
    pub heading: String,
    pub language: Language,
    /// Topic number where the document has one.
    pub topic: Option<u32>,
    /// Legal references of the document, machine-readable (`KR-CA-30(1)6`).
    pub refs: Vec<String>,
    /// `statute`, `decree`, `rule`, `notice`, `treaty`, `guide` or `document`.
    pub authority: String,
    /// The passage, exactly as it stands in the document.
    pub text: String,
    /// Where `text` stands in the document's text, in bytes.
    pub span: Range<usize>,
}

impl Passage {
    /// What the embedder reads: the text under its title and innermost heading, which say what it is about.
    pub fn embedded_text(&self) -> String {
        match self.heading.rsplit(" > ").next().filter(|heading| !heading.is_empty()) {
            Some(heading) => format!("{} - {heading}\n{}", self.title, self.text),
            None => format!("{}\n{}", self.title, self.text),
        }
    }

    /// What the passage is about, as far as ranking goes: twins in two languages are one subject, and each article of
    /// a law is one of its own.
    pub fn subject(&self) -> String {
        match self.topic {
            Some(topic) => format!("{}/{topic}", self.corpus),
            None if matches!(self.authority.as_str(), "guide" | "document") => {
                without_language(&self.document, self.language).to_owned()
            }
            None => format!("{} > {}", self.document, self.heading),
        }
    }
}

/// The id of a document without the language that tells it from its twin: `general-appeals` for `general-appeals-ko`.
pub fn without_language(document: &str, language: Language) -> &str {
    let stem = document.strip_suffix(language.code()).and_then(|stem| stem.strip_suffix('-'));
    stem.unwrap_or(document)
}
