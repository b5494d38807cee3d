//! The texts in `prompts/`, each with its name and its variables. A template that is missing, or uses a variable
//! nobody gives, is an error at start-up, not in the middle of an answer.

use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use crate::assets;
use crate::lang::Language;

/// Why the prompts cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("prompt `{name}`: {reason}")]
    Prompt { name: &'static str, reason: String },
}

/// A passage as a prompt shows it.
#[derive(Clone, Debug, Serialize)]
pub struct Source<'a> {
    pub n: usize,
    pub title: &'a str,
    pub text: &'a str,
}

/// A quoted sentence as a prompt shows it.
#[derive(Clone, Debug, Serialize)]
pub struct QuotedSentence<'a> {
    pub n: usize,
    pub text: &'a str,
}

/// Rules for the explanation.
#[derive(Serialize)]
pub struct System {
    pub language: Language,
}

/// The question with its evidence.
#[derive(Serialize)]
pub struct Question<'a> {
    pub language: Language,
    pub sources: &'a [Source<'a>],
    pub quote: QuotedSentence<'a>,
    pub question: &'a str,
}

/// What is said where nothing was found.
#[derive(Serialize)]
pub struct Refusal<'a> {
    pub language: Language,
    pub looked_for: &'a [String],
    pub nearest: &'a [String],
    /// The country whose rules were asked for, where the documents tell of others only.
    pub foreign: Option<&'a str>,
    /// Whether a fact of one case was asked for.
    pub is_record: bool,
}

/// An answer of quoted sentences alone.
#[derive(Serialize)]
pub struct Quoted<'a> {
    pub quotes: &'a [QuotedSentence<'a>],
}

/// A word on how the answer came to be.
#[derive(Serialize)]
pub struct Notice<'a> {
    pub language: Language,
    pub code: &'a str,
    pub model: &'a str,
}

/// Who approved the answer that follows, and on which day.
#[derive(Serialize)]
pub struct ApprovedAnswer<'a> {
    pub language: Language,
    pub by: &'a [(&'a str, &'a str)],
}

/// The tools a model may call, for one whose chat template knows none.
#[derive(Serialize)]
pub struct Tools {
    pub language: Language,
    /// One tool each, in JSON.
    pub signatures: Vec<String>,
    pub must_call: bool,
    pub parallel: bool,
}

/// A tool as the gate before a model's calls is told of it.
#[derive(Clone, Debug, Serialize)]
pub struct GateTool<'a> {
    pub name: &'a str,
    pub purpose: &'a str,
    /// Names.
    pub parameters: Vec<&'a str>,
}

/// Whether a request is one for tools.
#[derive(Serialize)]
pub struct Gate<'a> {
    pub language: Language,
    pub tools: Vec<GateTool<'a>>,
    pub earlier: Vec<String>,
    pub request: &'a str,
}

/// A tool as the router is told of it.
#[derive(Clone, Debug, Serialize)]
pub struct RouteTool<'a> {
    pub name: &'a str,
    pub purpose: &'a str,
}

/// Which tool a request needs.
#[derive(Serialize)]
pub struct Route<'a> {
    pub language: Language,
    pub tools: Vec<RouteTool<'a>>,
}

/// What a chosen tool is to be called with.
#[derive(Serialize)]
pub struct Arguments<'a> {
    pub language: Language,
    pub name: &'a str,
    pub purpose: &'a str,
    /// JSON Schema.
    pub parameters: &'a str,
}

/// What tools have established, to be put in words.
#[derive(Serialize)]
pub struct Word<'a> {
    pub language: Language,
    pub findings: &'a [String],
    pub missing: &'a [String],
}

/// A passage that a row of a dataset is to be written from.
#[derive(Serialize)]
pub struct DatasetRow<'a> {
    pub language: Language,
    pub title: &'a str,
    pub passage: &'a str,
    /// `fact`, `condition` or `procedure`.
    pub kind: &'a str,
    pub persona: &'a str,
}

/// A row of a dataset that is to be graded.
#[derive(Serialize)]
pub struct DatasetJudge<'a> {
    pub language: Language,
    pub question: &'a str,
    pub answer: &'a str,
    pub quotes: &'a [&'a str],
}

/// A template's variables know its name.
pub trait Prompt: Serialize {
    const NAME: &'static str;
}

macro_rules! prompts {
    ($($variables:ty => $name:literal),* $(,)?) => {
        $(impl Prompt for $variables { const NAME: &'static str = $name; })*
        const NAMES: &[&str] = &[$($name),*];
    };
}

prompts! {
    System => "system",
    Question<'_> => "question",
    Refusal<'_> => "refusal",
    Quoted<'_> => "quoted",
    Notice<'_> => "notice",
    ApprovedAnswer<'_> => "approved_answer",
    Tools => "tools",
    Gate<'_> => "gate",
    Route<'_> => "route",
    Arguments<'_> => "arguments",
    Word<'_> => "word",
    DatasetRow<'_> => "dataset_row",
    DatasetJudge<'_> => "dataset_judge",
}

/// All prompts, compiled.
pub struct Prompts {
    environment: Environment<'static>,
}

impl Prompts {
    /// Compiles every template.
    ///
    /// # Errors
    /// [`Error::Prompt`] naming the one that is missing or broken.
    pub fn load() -> Result<Self, Error> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        for name in NAMES {
            let failed = |reason: String| Error::Prompt { name, reason };
            let source = assets::text::<assets::Prompts>(&format!("{name}.jinja"))
                .ok_or_else(|| failed("the file is missing".into()))?;
            environment.add_template_owned(*name, source).map_err(|error| failed(error.to_string()))?;
        }
        Ok(Self { environment })
    }

    /// The text of a prompt.
    ///
    /// # Errors
    /// [`Error::Prompt`] if the template uses a variable it is not given.
    pub fn render<P: Prompt>(&self, variables: &P) -> Result<String, Error> {
        let render = || self.environment.get_template(P::NAME)?.render(variables);
        render().map_err(|error| Error::Prompt { name: P::NAME, reason: format!("{error:#}") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prompt_renders_in_both_languages() {
        let prompts = Prompts::load().unwrap();
        let words = ["freight".to_owned()];
        for language in [Language::Ko, Language::En] {
            let quote = QuotedSentence { n: 1, text: "Freight is added." };
            let sources = [Source { n: 1, title: "Freight", text: "Freight is added. Storage is not." }];
            let question = Question { language, sources: &sources, quote: quote.clone(), question: "Is it?" };
            let refusal =
                |foreign, is_record| Refusal { language, looked_for: &words, nearest: &words, foreign, is_record };
            let texts = [
                prompts.render(&System { language }).unwrap(),
                prompts.render(&question).unwrap(),
                prompts.render(&refusal(None, true)).unwrap(),
                prompts.render(&refusal(Some("Peru"), false)).unwrap(),
                prompts.render(&Quoted { quotes: &[quote] }).unwrap(),
                prompts.render(&Notice { language, code: "language_not_written", model: "m" }).unwrap(),
                prompts.render(&Notice { language, code: "explanation_withheld", model: "m" }).unwrap(),
                prompts.render(&ApprovedAnswer { language, by: &[("kim", "2026-11-27")] }).unwrap(),
                prompts
                    .render(&Tools { language, signatures: words.to_vec(), must_call: false, parallel: true })
                    .unwrap(),
                prompts.render(&Route { language, tools: vec![RouteTool { name: "a", purpose: "b" }] }).unwrap(),
                prompts.render(&Arguments { language, name: "a", purpose: "b", parameters: "{}" }).unwrap(),
                prompts.render(&Word { language, findings: &words, missing: &words }).unwrap(),
                prompts
                    .render(&DatasetRow { language, title: "t", passage: "p", kind: "fact", persona: "broker" })
                    .unwrap(),
                prompts.render(&DatasetJudge { language, question: "q", answer: "a", quotes: &["e"] }).unwrap(),
            ];
            for text in texts {
                assert!(!text.trim().is_empty());
            }
        }
    }

    #[test]
    fn every_file_is_a_known_prompt() {
        for path in <assets::Prompts as rust_embed::Embed>::iter() {
            let name = path.strip_suffix(".jinja").unwrap_or(&path).to_owned();
            assert!(NAMES.contains(&name.as_str()), "`prompts/{path}` is used by nobody");
        }
    }
}
