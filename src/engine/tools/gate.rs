//! Whether a request is one for the tools offered, put to the model as a question of its own.
//!
//! In: a conversation and tools that may be called or not. Out: the question, bound to yes or no. For models that would call
//! some tool whatever is asked, or write the call as text: asked outright, the same models know better. Where results of
//! calls have come last there is nothing to ask: what follows from them is for the model to say.

use super::{ToolChoice, Tools};
use crate::engine::guide::Constraint;
use crate::engine::request::{GenerateRequest, Message, Prompt, Role};
use crate::lang::Language;
use crate::prompts::{self, Gate, GateTool, Prompts};

/// Messages before the request that are told.
const NUM_EARLIER: usize = 3;
/// Characters of each that are.
const MAX_EARLIER: usize = 300;

/// The question; `None` where the choice is not the model's, or nothing is asked.
///
/// # Errors
/// A template that fails.
pub fn question(request: &GenerateRequest, prompts: &Prompts) -> Result<Option<GenerateRequest>, prompts::Error> {
    let (Some(tools), Prompt::Chat(messages)) = (&request.tools, &request.prompt) else { return Ok(None) };
    let Some((last, before)) = messages.split_last() else { return Ok(None) };
    if !tools.are_bound() || tools.choice != ToolChoice::Auto || last.role != Role::User {
        return Ok(None);
    }
    let language = Language::detect(&last.content);
    let spoken = before.iter().filter(|message| matches!(message.role, Role::User | Role::Assistant));
    let said: Vec<String> = spoken.map(|message| message.content.chars().take(MAX_EARLIER).collect()).collect();
    let shown = Gate {
        language,
        tools: told(tools),
        earlier: said[said.len().saturating_sub(NUM_EARLIER)..].to_vec(),
        request: &last.content,
    };
    let system = match language {
        Language::Ko => "함수가 사용자의 요청을 해낼 수 있는지 판단하십시오.",
        Language::En => "You decide whether a function can do what a user asks for.",
    };
    let messages = vec![Message::system(system), Message::user(prompts.render(&shown)?)];
    Ok(Some(GenerateRequest {
        lane: request.lane,
        max_tokens: Some(MAX_TOKENS),
        constraint: Some(Constraint::Regex("Yes|No|예|아니요".into())),
        ..GenerateRequest::new(Prompt::Chat(messages))
    }))
}

/// What the answer to [`question`] chooses.
pub fn choice(answer: &str) -> ToolChoice {
    if matches!(answer.trim(), "Yes" | "예") { ToolChoice::Required } else { ToolChoice::None }
}

const MAX_TOKENS: usize = 8;

fn told(tools: &Tools) -> Vec<GateTool<'_>> {
    let told = tools.list.iter().map(|tool| {
        let properties = tool.parameters.as_ref().and_then(|schema| schema.get("properties"));
        let parameters = properties.and_then(|properties| properties.as_object());
        GateTool {
            name: &tool.name,
            purpose: tool.description.as_deref().unwrap_or_default(),
            parameters: parameters.map(|fields| fields.keys().map(String::as_str).collect()).unwrap_or_default(),
        }
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::engine::tools::Tool;

    fn request(messages: Vec<Message>, choice: ToolChoice) -> GenerateRequest {
        let parameters = json!({"type": "object", "properties": {"code": {"type": "string"}}});
        let tool = Tool { name: "rate".into(), description: Some("Duty rate".into()), parameters: Some(parameters) };
        let tools = Some(Tools { list: vec![tool], choice, parallel: false, unbound: false });
        GenerateRequest { tools, ..GenerateRequest::new(Prompt::Chat(messages)) }
    }

    #[test]
    fn the_model_is_asked_where_the_choice_is_its_own_and_a_request_stands_last() {
        let prompts = Prompts::load().unwrap();
        let asked = |messages, choice| question(&request(messages, choice), &prompts).unwrap();
        let said = vec![Message::user("Coffee?"), Message::assistant("Which code?"), Message::user("0901.21")];
        let question = asked(said.clone(), ToolChoice::Auto).unwrap();
        let Prompt::Chat(messages) = &question.prompt else { panic!("a conversation") };
        let text = &messages[1].content;
        assert!(text.contains("- rate: Duty rate Parameters: code"), "{text}");
        assert!(text.contains("Said before: Coffee?") && text.contains("Request: 0901.21"), "{text}");
        assert!(asked(said.clone(), ToolChoice::Required).is_none());
        assert!(asked(said, ToolChoice::None).is_none());
        let result = Message { role: Role::Tool, tool_call_id: Some("a".into()), ..Message::user("8 %") };
        assert!(asked(vec![Message::user("Coffee?"), result], ToolChoice::Auto).is_none());
        let korean = asked(vec![Message::user("커피의 관세율은 얼마입니까?")], ToolChoice::Auto).unwrap();
        let Prompt::Chat(messages) = &korean.prompt else { panic!("a conversation") };
        assert!(messages[1].content.contains("매개변수: code"), "{}", messages[1].content);
    }

    #[test]
    fn yes_is_a_call_and_all_else_is_none() {
        assert_eq!((choice("Yes"), choice("예")), (ToolChoice::Required, ToolChoice::Required));
        assert_eq!((choice("No"), choice("아니요")), (ToolChoice::None, ToolChoice::None));
    }
}
