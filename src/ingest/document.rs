//! A document: its head and its text. In: a file's text with its YAML head, or what is known without one. Out:
//! [`Document`], every value checked. Spans everywhere else are byte offsets into [`Document::text`].

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Error, statute};
use crate::lang::Language;
use crate::legal::LegalRef;

/// How binding a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Authority {
    Statute,
    Decree,
    Rule,
    Notice,
    Treaty,
    /// Written for Haetae from the instruments it names.
    Guide,
    /// Anything else that a user brought.
    Document,
}

impl Authority {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Statute => "statute",
            Self::Decree => "decree",
            Self::Rule => "rule",
            Self::Notice => "notice",
            Self::Treaty => "treaty",
            Self::Guide => "guide",
            Self::Document => "document",
        }
    }

    /// Whether passages are articles.
    pub fn is_law(self) -> bool {
        !matches!(self, Self::Guide | Self::Document)
    }
}

/// A day, ISO 8601.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl FromStr for Date {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a date such as 2026-01-01");
        let mut parts = text.split('-');
        let (Some(year), Some(month), Some(day), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(wrong());
        };
        if (year.len(), month.len(), day.len()) != (4, 2, 2) {
            return Err(wrong());
        }
        let date = Self {
            year: year.parse().map_err(|_| wrong())?,
            month: month.parse().map_err(|_| wrong())?,
            day: day.parse().map_err(|_| wrong())?,
        };
        let leap = date.year.is_multiple_of(4) && (!date.year.is_multiple_of(100) || date.year.is_multiple_of(400));
        let days = match date.month {
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            1..=12 => 31,
            _ => 0,
        };
        if (1..=days).contains(&date.day) { Ok(date) } else { Err(wrong()) }
    }
}

impl TryFrom<String> for Date {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Date> for String {
    fn from(date: Date) -> Self {
        date.to_string()
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// A text with what is known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// Unique over all corpora.
    pub id: String,
    pub title: String,
    pub language: Language,
    pub topic: Option<u32>,
    /// Machine-readable references, checked against the grammar of [`crate::legal`].
    pub refs: Vec<String>,
    /// Questions it answers, as people ask them. They help to find the document and are never shown or quoted.
    #[serde(default)]
    pub asked: Vec<String>,
    pub effective_from: Option<Date>,
    pub effective_to: Option<Date>,
    pub authority: Authority,
    /// Where the text comes from, in words.
    pub source: String,
    pub corpus: String,
    /// Markdown without the head.
    pub text: String,
}

/// The head of a document of ours, as typed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    id: String,
    title: String,
    language: Language,
    topic: Option<u32>,
    #[serde(default)]
    refs: Vec<String>,
    #[serde(default)]
    asked: Vec<String>,
    effective_from: Option<Date>,
    effective_to: Option<Date>,
    authority: Authority,
    source: String,
}

impl Document {
    /// Reads Markdown with or without a head. `path` names the file in errors and, without a head, the document.
    ///
    /// # Errors
    /// [`Error::Head`] and its kin, where there is a head and it is broken.
    pub fn parse(path: &Path, corpus: &str, content: &str) -> Result<Self, Error> {
        let content = content.strip_prefix('\u{feff}').unwrap_or(content);
        let Some((head, text)) = split_head(path, content)? else {
            return Ok(Self::without_head(path, corpus, content.to_owned()));
        };
        if statute::is_statute_head(head) {
            return statute::from_head(path, corpus, head, text);
        }
        let head: Head = serde_yaml_ng::from_str(head).map_err(|error| {
            // The head's first line is the file's second.
            let line = error.location().map_or(1, |location| location.line() + 1);
            Error::Head { path: path.into(), line, reason: error.to_string() }
        })?;
        let bad_id = |c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
        if head.id.is_empty() || head.id.contains(bad_id) {
            let expected = "letters, digits, `-`, `_` and `.` only";
            return Err(Error::HeadValue { path: path.into(), key: "id", given: head.id, expected });
        }
        for reference in &head.refs {
            reference.parse::<LegalRef>().map_err(|source| Error::Reference { path: path.into(), source })?;
        }
        Ok(Self {
            id: head.id,
            title: head.title,
            language: head.language,
            topic: head.topic,
            refs: head.refs,
            asked: head.asked,
            effective_from: head.effective_from,
            effective_to: head.effective_to,
            authority: head.authority,
            source: head.source,
            corpus: corpus.into(),
            text: text.to_owned(),
        })
    }

    /// A document that brought no head: the title is its first heading or its file name, the language is detected.
    pub fn without_head(path: &Path, corpus: &str, text: String) -> Self {
        let stem = path.file_stem().map_or_else(|| "document".into(), |stem| stem.to_string_lossy().into_owned());
        let heading = text.lines().find_map(|line| line.strip_prefix("# ")).map(|title| title.trim().to_owned());
        Self {
            id: document_id(corpus, &stem),
            title: heading.filter(|title| !title.is_empty()).unwrap_or(stem),
            language: Language::detect(&text),
            topic: None,
            refs: Vec::new(),
            asked: Vec::new(),
            effective_from: None,
            effective_to: None,
            authority: Authority::Document,
            source: path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
            corpus: corpus.into(),
            text,
        }
    }
}

/// An id made of the corpus and a name, fit for a URL.
pub(super) fn document_id(corpus: &str, name: &str) -> String {
    let mut id = format!("{corpus}-");
    for c in name.chars() {
        match c {
            c if c.is_alphanumeric() => id.extend(c.to_lowercase()),
            _ if id.ends_with('-') => {}
            _ => id.push('-'),
        }
    }
    id.trim_end_matches('-').to_owned()
}

/// The head and the text after it; `None` where the file does not open with a head.
fn split_head<'a>(path: &Path, content: &'a str) -> Result<Option<(&'a str, &'a str)>, Error> {
    let Some(rest) = content.strip_prefix("---\n").or_else(|| content.strip_prefix("---\r\n")) else {
        return Ok(None);
    };
    let mut offset = 0;
    for line in rest.split_inclusive('\n') {
        if line.trim_end() == "---" {
            return Ok(Some((&rest[..offset], &rest[offset + line.len()..])));
        }
        offset += line.len();
    }
    // A rule (`---`) may open a plain Markdown file; only what looks like a key makes it a head.
    if rest.lines().next().is_some_and(|line| line.contains(": ") || line.ends_with(':')) {
        return Err(Error::OpenHead { path: path.into() });
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "id: valuation-021-en\ntitle: \"Buying commission\"\nlanguage: en\ntopic: 21\n\
        refs: [\"KR-CA-30(1)1\"]\neffective_from: 2026-01-01\nauthority: guide\nsource: \"ours\"\n";

    fn parse(head: &str) -> Result<Document, Error> {
        Document::parse(Path::new("021.md"), "valuation", &format!("---\n{head}---\n# Buying commission\n\nText.\n"))
    }

    #[test]
    fn a_head_is_read_and_the_text_begins_after_it() {
        let document = parse(HEAD).expect("a sound head");
        assert_eq!((document.topic, document.authority), (Some(21), Authority::Guide));
        assert_eq!(document.effective_from.map(|d| d.to_string()), Some("2026-01-01".into()));
        assert!(document.text.starts_with("# Buying"));
    }

    #[test]
    fn a_broken_head_names_file_line_and_key() {
        let unknown = parse(&format!("{HEAD}colour: red\n")).expect_err("unknown key").to_string();
        assert!(unknown.contains("021.md") && unknown.contains("colour"), "{unknown}");
        let missing = parse(&HEAD.replace("source: \"ours\"\n", "")).expect_err("no source").to_string();
        assert!(missing.contains("source"), "{missing}");
        let yaml = parse(&HEAD.replace("topic: 21", "topic: [21")).expect_err("not YAML").to_string();
        assert!(yaml.contains("line "), "{yaml}");
        let reference = parse(&HEAD.replace("30(1)1", "30(1")).expect_err("bad reference").to_string();
        assert!(reference.contains("KR-CA-30(1"), "{reference}");
        let date = parse(&HEAD.replace("01-01", "02-30")).expect_err("no such day").to_string();
        assert!(date.contains("2026-02-30"), "{date}");
        let open = Document::parse(Path::new("021.md"), "valuation", "---\nid: x\n# Text").expect_err("never closed");
        assert!(open.to_string().contains("never closes"), "{open}");
    }

    #[test]
    fn a_text_without_a_head_gets_one() {
        let document =
            Document::parse(Path::new("내 문서.md"), "documents", "# 운임\n\n운임은 더한다.").expect("no head");
        assert_eq!(document.id, "documents-내-문서");
        assert_eq!((document.title.as_str(), document.language), ("운임", Language::Ko));
    }
}
