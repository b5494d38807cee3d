//! A row of a dataset: a question, its answer, the evidence, and how it came to be. Plain data; where rows are kept is
//! the store's business, and whether one is good the filters'.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::lang::Language;

/// An enum whose values have names, the same in TOML, JSON, the database and on the command line.
macro_rules! named {
    ($(#[$meta:meta])* $name:ident { $($(#[$value_meta:meta])* $value:ident => $text:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, clap::ValueEnum)]
        pub enum $name {
            $($(#[$value_meta])* #[serde(rename = $text)] #[value(name = $text)] $value),*
        }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$value),*];

            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$value => $text),*
                }
            }

            /// The value of that name.
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.name() == name)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

named! {
    /// What a question asks for.
    QuestionType {
        Fact => "fact",
        Condition => "condition",
        Calculation => "calculation",
        Comparison => "comparison",
        MultiHop => "multi_hop",
        Procedure => "procedure",
        /// One of two questions that a single changed fact tells apart, and their answers with them.
        Counterfactual => "counterfactual",
        Unanswerable => "unanswerable",
        FalsePremise => "false_premise",
        AsOfDate => "as_of_date",
        /// Brought from elsewhere, without a type.
        Other => "other",
    }
}

impl QuestionType {
    /// Whether the documents hold no answer.
    pub fn is_unanswerable(self) -> bool {
        self == Self::Unanswerable
    }
}

named! {
    /// Who asks.
    Persona {
        Importer => "importer",
        Broker => "broker",
        Officer => "officer",
        Auditor => "auditor",
        Citizen => "citizen",
    }
}

named! {
    Difficulty {
        Easy => "easy",
        Medium => "medium",
        Hard => "hard",
    }
}

named! {
    /// Who wrote a row.
    Generator {
        Templates => "templates",
        Model => "model",
        Import => "import",
        History => "history",
    }
}

named! {
    /// How far a row has come.
    State {
        /// Waits for a person.
        Candidate => "candidate",
        /// Passed the filters.
        Accepted => "accepted",
        /// Found good by two persons.
        Approved => "approved",
        /// Refused by a filter or by persons.
        Rejected => "rejected",
        /// The text it rests on has changed.
        Stale => "stale",
    }
}

impl State {
    /// Whether rows in it are exported.
    pub fn is_good(self) -> bool {
        matches!(self, Self::Accepted | Self::Approved)
    }
}

named! {
    /// The part of a dataset that a row is for.
    Split {
        Train => "train",
        Validation => "validation",
        Test => "test",
    }
}

/// A stretch of a document, word for word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    pub document: String,
    /// Hash of the document's text, as [`text_version`] makes it.
    pub version: String,
    /// Where `quote` stands in the document's text, in bytes.
    pub start: usize,
    pub end: usize,
    pub quote: String,
}

/// How a row came to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lineage {
    pub generator: Generator,
    /// The template, the prompt, or the file it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The arithmetic behind the answer, as `terms = result`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calculation: Option<String>,
    /// What this row and its twin share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub twin: Option<String>,
    /// What each filter found, by its name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scores: BTreeMap<String, f64>,
}

impl Lineage {
    pub fn of(generator: Generator) -> Self {
        Self {
            generator,
            prompt: None,
            model: None,
            seed: None,
            calculation: None,
            twin: None,
            scores: BTreeMap::new(),
        }
    }
}

/// A question with its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    pub question: String,
    pub answer: String,
    pub language: Language,
    #[serde(rename = "type")]
    pub kind: QuestionType,
    pub persona: Persona,
    pub difficulty: Difficulty,
    /// What it is about: the topic number of the document, or its name.
    pub topic: String,
    pub evidence: Vec<Evidence>,
    pub lineage: Lineage,
}

impl Row {
    /// What makes two rows the same: question, answer, language and evidence. Who asks, and how it was scored, does
    /// not.
    pub fn hash(&self) -> String {
        let mut hash = Sha256::new();
        for text in [&self.question, &self.answer, self.language.code()] {
            hash.update(text.as_bytes());
            hash.update([0]);
        }
        for evidence in &self.evidence {
            let place = format!("{}\0{}\0{}\0{}\0", evidence.document, evidence.version, evidence.start, evidence.end);
            hash.update(place.as_bytes());
        }
        hex(&hash.finalize()[..16])
    }
}

/// A row as the store keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredRow {
    pub id: i64,
    pub hash: String,
    /// The version of the dataset that brought it.
    pub version: i64,
    pub state: State,
    /// Why it is rejected or stale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<Split>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Who found it good, in the order they said so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reviewers: Vec<String>,
    #[serde(flatten)]
    pub row: Row,
}

/// The version of a text: the beginning of its SHA-256.
pub fn text_version(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes())[..8])
}

/// Bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        Row {
            question: "Is a buying commission added?".into(),
            answer: "No.".into(),
            language: Language::En,
            kind: QuestionType::Fact,
            persona: Persona::Importer,
            difficulty: Difficulty::Easy,
            topic: "21".into(),
            evidence: vec![Evidence {
                document: "valuation-021-en".into(),
                version: text_version("text"),
                start: 0,
                end: 4,
                quote: "text".into(),
            }],
            lineage: Lineage::of(Generator::Templates),
        }
    }

    #[test]
    fn a_row_is_known_by_what_it_says_and_rests_on() {
        let base = row();
        let scored = Row {
            persona: Persona::Broker,
            lineage: Lineage { scores: [("schema".to_owned(), 1.0)].into(), ..Lineage::of(Generator::Model) },
            ..row()
        };
        assert_eq!(base.hash(), scored.hash());
        let mut moved = row();
        moved.evidence[0].end = 3;
        assert_ne!(base.hash(), moved.hash());
        assert_ne!(base.hash(), Row { answer: "Yes.".into(), ..row() }.hash());
    }

    #[test]
    fn names_come_back() {
        for kind in QuestionType::ALL {
            assert_eq!(QuestionType::named(kind.name()), Some(*kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
        assert_eq!(QuestionType::named("riddle"), None);
    }
}
