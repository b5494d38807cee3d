//! What a tool is: a card that says what it does and what it may, typed arguments whose JSON Schema derives from their
//! type, and an outcome that a program reads, a person reads, and the lock on numbers reads.
//!
//! Knows no loop and no language model. [`Tool`] is what one writes; [`AnyTool`] is what a registry keeps.

use std::sync::LazyLock;

use regex::Regex;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::desk::Desk;
pub use crate::access::Access;
use crate::lang::Language;

/// Text in both languages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Both {
    pub ko: String,
    pub en: String,
}

impl Both {
    pub fn new(ko: impl Into<String>, en: impl Into<String>) -> Self {
        Self { ko: ko.into(), en: en.into() }
    }

    pub fn get(&self, language: Language) -> &str {
        match language {
            Language::Ko => &self.ko,
            Language::En => &self.en,
        }
    }
}

/// What a call may do to the world, as MCP's tool annotations have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Hints {
    /// Changes nothing. What does waits for a named person's approval.
    pub read_only: bool,
    /// May take something away.
    pub destructive: bool,
    /// Called twice with the same arguments, it does no more than called once.
    pub idempotent: bool,
}

impl Hints {
    pub const READ: Self = Self { read_only: true, destructive: false, idempotent: true };
    pub const WRITE: Self = Self { read_only: false, destructive: false, idempotent: false };
}

/// How long a call takes, for whoever plans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Cost {
    /// Milliseconds.
    Low,
    /// Up to a second.
    Medium,
    /// Longer.
    High,
}

/// What the registry shows of a tool.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Card<S = &'static str> {
    /// As called: letters, digits and `_`.
    pub name: S,
    pub title_ko: S,
    pub title_en: S,
    pub purpose_ko: S,
    pub purpose_en: S,
    pub hints: Hints,
    pub cost: Cost,
    pub access: Access,
}

impl<S: AsRef<str>> Card<S> {
    pub fn title(&self, language: Language) -> &str {
        match language {
            Language::Ko => self.title_ko.as_ref(),
            Language::En => self.title_en.as_ref(),
        }
    }

    pub fn purpose(&self, language: Language) -> &str {
        match language {
            Language::Ko => self.purpose_ko.as_ref(),
            Language::En => self.purpose_en.as_ref(),
        }
    }

    /// The same card with texts of another kind.
    pub fn map<'a, T>(&'a self, text: impl Fn(&'a str) -> T) -> Card<T> {
        Card {
            name: text(self.name.as_ref()),
            title_ko: text(self.title_ko.as_ref()),
            title_en: text(self.title_en.as_ref()),
            purpose_ko: text(self.purpose_ko.as_ref()),
            purpose_en: text(self.purpose_en.as_ref()),
            hints: self.hints,
            cost: self.cost,
            access: self.access,
        }
    }
}

/// How a result stands to a matter, so that no sentence may say the contrary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stance {
    /// Grounds for concern.
    High,
    /// Neither.
    Middle,
    /// No grounds for concern.
    Low,
}

/// A matter that a result has decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What it is about, in words that the finding stands under.
    pub matter: Both,
    pub stance: Stance,
    /// The finding as a sentence with its figures.
    pub words: Both,
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The result for programs.
    pub result: Value,
    /// The result for people, in Markdown; every figure that an answer may use stands here or in `result`.
    pub told: Both,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// What was not known, and would be needed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Both>,
    /// Whether the result rests on invented demo data.
    #[serde(default)]
    pub demo: bool,
}

impl Outcome {
    pub fn new(result: &impl Serialize, told: Both) -> Self {
        let result = serde_json::to_value(result).unwrap_or_else(|error| json!({ "error": error.to_string() }));
        Self { result, told, findings: Vec::new(), missing: Vec::new(), demo: false }
    }
}

/// Why a call gave no result. The text is for the reader of the answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Failure {
    #[error("there is no tool `{name}`; there are {known}")]
    UnknownTool { name: String, known: String },
    #[error("the arguments of `{tool}` are not as its schema says: {reason}")]
    Arguments { tool: String, reason: String },
    #[error("`{tool}` is not for this caller: {needed}")]
    Access { tool: String, needed: String },
    #[error("nothing is known under `{name}`{}", nearest_in_words(nearest))]
    NotFound { name: String, nearest: Vec<String> },
    #[error("`{what}` is not set up here\n\nhint: {hint}")]
    NotSetUp { what: String, hint: String },
    #[error("{reason}")]
    Bad { reason: String },
    #[error("`{tool}` failed: {reason}")]
    Inner { tool: String, reason: String },
}

fn nearest_in_words(nearest: &[String]) -> String {
    if nearest.is_empty() { String::new() } else { format!("; nearest are {}", nearest.join(", ")) }
}

/// One tool. Calls block: they are made off the async threads.
pub trait Tool: Send + Sync + 'static {
    /// What it takes, checked before it is called.
    type Arguments: DeserializeOwned + JsonSchema;
    const CARD: Card;

    /// # Errors
    /// Why there is no result, in words for the reader.
    fn call(&self, desk: &Desk, arguments: Self::Arguments) -> Result<Outcome, Failure>;
}

/// A tool without its types.
pub trait AnyTool: Send + Sync {
    fn card(&self) -> Card<&str>;

    /// Why it cannot be called just now.
    fn unavailable(&self) -> Option<String> {
        None
    }

    /// JSON Schema of the arguments; what is not in it is refused.
    fn schema(&self) -> Value;

    /// # Errors
    /// [`Failure::Arguments`], and the tool's own.
    fn call(&self, desk: &Desk, arguments: &Value) -> Result<Outcome, Failure>;
}

impl<T: Tool> AnyTool for T {
    fn card(&self) -> Card<&str> {
        T::CARD
    }

    fn schema(&self) -> Value {
        // Inlined, because small models and some clients do not follow references.
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.inline_subschemas = true;
            settings.meta_schema = None;
        });
        let mut schema = settings.into_generator().into_root_schema_for::<T::Arguments>().to_value();
        if let Some(object) = schema.as_object_mut() {
            object.remove("title");
            object.entry("properties").or_insert_with(|| json!({}));
            object.insert("additionalProperties".into(), json!(false));
        }
        schema
    }

    fn call(&self, desk: &Desk, arguments: &Value) -> Result<Outcome, Failure> {
        let arguments = serde_json::from_value(arguments.clone())
            .map_err(|error| Failure::Arguments { tool: T::CARD.name.into(), reason: error.to_string() })?;
        Tool::call(self, desk, arguments)
    }
}

static NUMBER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?").expect("a valid pattern"));

/// The numbers written in `text`, each in one form: no separators, no needless zeros.
pub fn numbers(text: &str) -> impl Iterator<Item = String> + '_ {
    NUMBER.find_iter(text).map(|found| plain_number(found.as_str()))
}

/// A number without separators and needless zeros.
fn plain_number(text: &str) -> String {
    let text = text.replace(',', "");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { whole.into() } else { format!("{whole}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_of_one_form_however_they_are_written() {
        let found: Vec<String> = numbers("KRW 1,250,000 and 007, 3.50 of D00000012 (2025-03)").collect();
        assert_eq!(found, ["1250000", "7", "3.5", "12", "2025", "3"]);
    }
}
