//! A document as templates see it: its sentences, each in the section it stands in.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::Draft;
use crate::datasets::{Difficulty, Evidence, QuestionType, text_version};
use crate::ingest::sentence::sentences;
use crate::ingest::{Document, without_language};
use crate::lang::Language;

/// What part of a document a sentence stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    /// Before the first section: the whole in a sentence or two.
    Opening,
    Rule,
    Conditions,
    Example,
    Mistake,
    Other,
}

impl Section {
    fn named(heading: &str) -> Self {
        match heading.trim().to_lowercase().as_str() {
            "rule" | "원칙" => Self::Rule,
            "conditions" | "요건" => Self::Conditions,
            "example" | "사례" => Self::Example,
            "common mistake" | "흔한 실수" => Self::Mistake,
            _ => Self::Other,
        }
    }

    /// Whether its sentences state rules, and not a case or what people get wrong.
    pub fn states_rules(self) -> bool {
        !matches!(self, Self::Example | Self::Mistake)
    }
}

/// A sentence, word for word.
#[derive(Clone, Debug)]
pub(super) struct Sentence<'a> {
    pub section: Section,
    pub span: Range<usize>,
    pub text: &'a str,
    /// Whether it is an item of a list.
    pub is_item: bool,
}

static LEANING: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"^(?i:it|its|they|their|this|that|these|those|such|he|she|both|neither|the same|the latter|the former|the other|the two|",
        r"the first|the second|the third|here|there|then|so|also|however|instead|otherwise|therefore|but|and|or|in that|in this|",
        r"for this|as a result|case|if so|each of|the following|another|all (?:of )?(?:these|those|three|four|five))\b",
        r"|^(?:이는|이를|이러한|이 |이에|이때|이와|그 |그는|그것|그러나|그러므로|그런|그리고|그중|다만|또한|또는|따라서|다음|위 |위의|앞의|해당 |이들|",
        r"반대로|반면|예를|즉|첫째|둘째|셋째|넷째|다섯째|여섯째|두 |세 |네 |나머지|같은|어느|모두|이상|여기|\(|어떤)"
    ))
    .expect("a valid pattern")
});

impl Sentence<'_> {
    /// Whether it can be understood by itself.
    pub fn stands_alone(&self) -> bool {
        let num_chars = self.text.chars().count();
        let is_whole =
            self.text.ends_with('.') && !self.text.contains('\n') && !self.text.contains(['“', '”', '*', '`', '|']);
        // A pair of straight quotation marks would be mixed up with the ones that the templates put around it.
        is_whole && (18..=260).contains(&num_chars) && !self.text.contains('"') && !LEANING.is_match(self.text)
    }
}

/// A document taken apart.
pub(super) struct Material<'a> {
    pub document: &'a Document,
    pub version: String,
    pub topic: String,
    pub sentences: Vec<Sentence<'a>>,
}

impl<'a> Material<'a> {
    pub fn of(document: &'a Document) -> Self {
        let text = &document.text;
        let mut headings: Vec<(usize, Section)> = vec![(0, Section::Opening)];
        let mut offset = 0;
        for line in text.split_inclusive('\n') {
            if let Some(heading) = line.strip_prefix("## ") {
                headings.push((offset, Section::named(heading)));
            }
            offset += line.len();
        }
        let section = |at: usize| headings.iter().rev().find(|(start, _)| *start <= at).map_or(Section::Other, |h| h.1);
        let is_item = |at: usize| {
            let line = text[..at].rsplit('\n').next().unwrap_or_default();
            line.trim_start().starts_with(['-', '*', '•']) && line.trim().chars().count() <= 2
        };
        let sentences = sentences(text)
            .into_iter()
            .map(|span| Sentence {
                section: section(span.start),
                text: &text[span.clone()],
                is_item: is_item(span.start),
                span,
            })
            .collect();
        let topic = match document.topic {
            Some(topic) => topic.to_string(),
            None => without_language(&document.id, document.language).to_owned(),
        };
        Self { document, version: text_version(text), topic, sentences }
    }

    pub fn language(&self) -> Language {
        self.document.language
    }

    pub fn title(&self) -> &str {
        &self.document.title
    }

    pub fn evidence(&self, span: Range<usize>) -> Evidence {
        Evidence {
            document: self.document.id.clone(),
            version: self.version.clone(),
            quote: self.document.text[span.clone()].to_owned(),
            start: span.start,
            end: span.end,
        }
    }

    /// The opening, from its first sentence to its last.
    pub fn opening(&self) -> Option<Range<usize>> {
        let mut opening = self.sentences.iter().filter(|sentence| sentence.section == Section::Opening);
        let first = opening.next()?;
        let last = opening.next_back().unwrap_or(first);
        let span = first.span.start..last.span.end;
        let text = &self.document.text[span.clone()];
        (!text.contains('\n') && text.chars().count() <= 420).then_some(span)
    }

    /// A draft on this document, without calculation or twin.
    pub fn draft(
        &self,
        template: &str,
        (kind, difficulty): (QuestionType, Difficulty),
        question: String,
        answer: String,
        evidence: Vec<Evidence>,
    ) -> Draft {
        Draft {
            template: template.into(),
            language: self.language(),
            kind,
            difficulty,
            topic: self.topic.clone(),
            question,
            answer,
            evidence,
            calculation: None,
            twin: None,
        }
    }
}
