//! The language model as a chooser of tools, where the rules know no plan.
//!
//! In: the request and the tools. Out: one call, or none. Two questions, each bound token by token: which tool (a name from
//! the list, or `none`), then its arguments under its schema. A malformed call cannot come about. What can is a made-up
//! argument, so every text in the arguments must stand in the request; else it is asked once more with the reason, and then there
//! is no call.

use std::sync::Arc;

use serde_json::Value;

use super::plan::Step;
use super::registry::Shown;
use super::tool::{Both, numbers};
use super::trace::{Purpose, Spoken};
use crate::chat;
use crate::engine::{self, Constraint, Engine, GenerateRequest, Lane, Message, Prompt};
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
/// Times that a model may write arguments; each after the first with the reason why the last were refused.
const MAX_ROUNDS: usize = 2;

/// Characters of a schema that a small model can still fill in; a case for the calculator takes a hundred thousand.
const MAX_SCHEMA: usize = 4_000;

/// The tools that a model may choose among: those at hand whose arguments it can be told of.
pub fn choosable(tools: Vec<Shown>) -> Vec<Shown> {
    let at_hand = tools.into_iter().filter(|shown| shown.unavailable.is_none());
    at_hand.filter(|shown| shown.parameters.to_string().len() <= MAX_SCHEMA).collect()
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
        let tools =
            self.tools.iter().map(|shown| RouteTool { name: &shown.card.name, purpose: shown.card.purpose(language) });
        let system = self.prompts.render(&Route { language, tools: tools.collect() })?;
        let names = self.tools.iter().map(|shown| shown.card.name.as_str()).chain([NONE]).collect::<Vec<_>>().join("|");
        let messages = vec![Message::system(system), Message::user(request)];
        let name = self.say(messages, Constraint::Regex(names), 16, spoken).await?;
        let Some(shown) = self.tools.iter().find(|shown| shown.card.name == name) else { return Ok(None) };
        let parameters = shown.parameters.to_string();
        let purpose = shown.card.purpose(language);
        let system = self.prompts.render(&Arguments { language, name: &name, purpose, parameters: &parameters })?;
        let mut messages = vec![Message::system(system), Message::user(request)];
        for _ in 0..MAX_ROUNDS {
            let schema = Constraint::JsonSchema(shown.parameters.clone());
            let text = match self.say(messages.clone(), schema, MAX_ARGUMENTS, spoken).await {
                // A foreign schema may ask for what cannot be bound; arguments that are not bound are not called with.
                Err(chat::Error::Engine(engine::Error::BadConstraint { .. })) => return Ok(None),
                said => said?,
            };
            let Ok(arguments) = serde_json::from_str::<Value>(&text) else { return Ok(None) };
            let Some(made_up) = made_up(&arguments, request) else {
                let why = Both::new(&shown.card.purpose_ko, &shown.card.purpose_en);
                return Ok(Some(Step::new(&name, arguments, why)));
            };
            messages.push(Message::assistant(text));
            messages.push(Message::user(complaint(&made_up, language)));
        }
        Ok(None)
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

/// The first text or number of the arguments that does not stand in the request. Truth values may be the model's own.
fn made_up(arguments: &Value, request: &str) -> Option<String> {
    match arguments {
        Value::String(text) => {
            let plain = text.trim().to_lowercase();
            let stands = !plain.is_empty() && request.to_lowercase().contains(&plain);
            (!stands).then(|| text.clone())
        }
        Value::Number(number) => {
            let told: Vec<String> = numbers(&number.to_string()).collect();
            (!numbers(request).any(|known| told.contains(&known))).then(|| number.to_string())
        }
        Value::Array(values) => values.iter().find_map(|value| made_up(value, request)),
        Value::Object(fields) => fields.values().find_map(|value| made_up(value, request)),
        Value::Null | Value::Bool(_) => None,
    }
}

fn complaint(made_up: &str, language: Language) -> String {
    match language {
        Language::Ko => format!("‘{made_up}’은(는) 요청에 없습니다. 요청에 적힌 값만 써서 다시 적으십시오."),
        Language::En => {
            format!("'{made_up}' does not stand in the request. Write the arguments again with values that do.")
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arguments_that_the_request_does_not_hold_are_made_up() {
        let request = "Open the document valuation-021-en, please.";
        assert_eq!(made_up(&json!({ "id": "valuation-021-en", "whole": true, "part": null }), request), None);
        assert_eq!(made_up(&json!({ "id": "valuation-022-en" }), request).as_deref(), Some("valuation-022-en"));
        assert_eq!(made_up(&json!({ "id": "" }), request).as_deref(), Some(""));
        assert_eq!(made_up(&json!({ "at": [21, 22] }), request).as_deref(), Some("22"));
    }
}
