//! The language model as a chooser of tools, where the rules know no plan.
//!
//! In: the request and the tools. Out: one call, or none. Two questions, each bound token by token: which tool (a name from
//! the list, or `none`), then its arguments under its schema. A malformed call cannot come about. What can is a made-up
//! argument, so every text in the arguments must stand in the request; else there is no call.

use std::sync::Arc;

use serde_json::Value;

use super::plan::Step;
use super::registry::Shown;
use super::tool::{Both, numbers};
use super::trace::{Purpose, Spoken};
use crate::chat;
use crate::engine::{Constraint, Engine, GenerateRequest, Lane, Message, Prompt};
use crate::lang::Language;
use crate::prompts::{Arguments, Prompts, Route, RouteTool};

/// Chooses.
pub struct Router<'a> {
    pub engine: &'a Arc<dyn Engine>,
    pub prompts: &'a Prompts,
    pub tools: Vec<Shown>,
    pub lane: Lane,
}

/// Most tokens of a tool's arguments.
const MAX_ARGUMENTS: usize = 200;
const NONE: &str = "none";

/// Characters of a schema that a small model can still fill in; a case for the calculator takes a hundred thousand.
const MAX_SCHEMA: usize = 4_000;

/// The tools that a model may choose among: those whose arguments it can be told of.
pub fn choosable(tools: Vec<Shown>) -> Vec<Shown> {
    tools.into_iter().filter(|shown| shown.parameters.to_string().len() <= MAX_SCHEMA).collect()
}

impl Router<'_> {
    /// The call the request needs, if it needs one.
    ///
    /// # Errors
    /// The engine's, and the prompts'.
    pub async fn choose(
        &self,
        request: &str,
        language: Language,
        spoken: &mut Vec<Spoken>,
    ) -> Result<Option<Step>, chat::Error> {
        let tools = self.tools.iter().map(|shown| RouteTool {
            name: shown.card.name,
            purpose: match language {
                Language::Ko => shown.card.purpose_ko,
                Language::En => shown.card.purpose_en,
            },
        });
        let system = self.prompts.render(&Route { language, tools: tools.collect() })?;
        let names = self.tools.iter().map(|shown| shown.card.name).chain([NONE]).collect::<Vec<_>>().join("|");
        let messages = vec![Message::system(system), Message::user(request)];
        let name = self.say(messages, Constraint::Regex(names), 16, spoken).await?;
        let Some(shown) = self.tools.iter().find(|shown| shown.card.name == name) else { return Ok(None) };
        let parameters = shown.parameters.to_string();
        let purpose = match language {
            Language::Ko => shown.card.purpose_ko,
            Language::En => shown.card.purpose_en,
        };
        let system = self.prompts.render(&Arguments { language, name: &name, purpose, parameters: &parameters })?;
        let messages = vec![Message::system(system), Message::user(request)];
        let schema = Constraint::JsonSchema(shown.parameters.clone());
        let text = self.say(messages, schema, MAX_ARGUMENTS, spoken).await?;
        let Ok(arguments) = serde_json::from_str::<Value>(&text) else { return Ok(None) };
        if !is_grounded(&arguments, request) {
            return Ok(None);
        }
        let why = Both::new(shown.card.purpose_ko, shown.card.purpose_en);
        Ok(Some(Step::new(&name, arguments, why)))
    }

    async fn say(
        &self,
        messages: Vec<Message>,
        constraint: Constraint,
        max_tokens: usize,
        spoken: &mut Vec<Spoken>,
    ) -> Result<String, chat::Error> {
        let request = GenerateRequest {
            lane: self.lane,
            max_tokens: Some(max_tokens),
            constraint: Some(constraint),
            ..GenerateRequest::new(Prompt::Chat(messages.clone()))
        };
        let sampling = request.sampling.clone();
        let said = self.engine.submit(request).await?.collect().await?.text;
        spoken.push(Spoken { purpose: Purpose::Route, messages, sampling, said: said.clone(), struck: Vec::new() });
        Ok(said)
    }
}

/// Whether all texts and numbers of the arguments stand in the request. One of a few fixed words may not: an enumeration's
/// value is the schema's word.
fn is_grounded(arguments: &Value, request: &str) -> bool {
    let lower = request.to_lowercase();
    match arguments {
        Value::String(text) => {
            let text = text.trim().to_lowercase();
            !text.is_empty() && lower.contains(&text)
        }
        Value::Number(number) => numbers(request).any(|known| numbers(&number.to_string()).any(|told| told == known)),
        Value::Array(values) => values.iter().all(|value| is_grounded(value, request)),
        Value::Object(fields) => {
            fields.values().filter(|value| !value.is_null()).all(|value| is_grounded(value, request))
        }
        Value::Null | Value::Bool(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arguments_that_the_request_does_not_hold_are_made_up() {
        let request = "Open the document valuation-021-en, please.";
        assert!(is_grounded(&json!({ "id": "valuation-021-en" }), request));
        assert!(!is_grounded(&json!({ "id": "valuation-022-en" }), request));
        assert!(!is_grounded(&json!({ "id": "" }), request));
    }
}
