//! Tools for models whose chat template knows none: a system message tells of them, and calls and results that went
//! before are written out as text.

use crate::engine::Error;
use crate::engine::request::{Message, Role};
use crate::lang::Language;
use crate::prompts::{self, Prompts};

use super::{ARGUMENTS, CLOSE, NAME, OPEN, ToolCall, ToolChoice, Tools};

/// The conversation as one that needs no tools in its template: `tools` are told of in the system message.
///
/// # Errors
/// [`Error::Template`] where the prompt cannot be rendered.
pub fn plain(
    model: &str,
    messages: &[Message],
    tools: Option<&Tools>,
    prompts: &Prompts,
) -> Result<Vec<Message>, Error> {
    let mut plain: Vec<Message> = Vec::with_capacity(messages.len() + 1);
    for message in messages {
        let written = match message.role {
            Role::Tool => Message::user(format!("<tool_response>\n{}\n</tool_response>", message.content)),
            Role::Assistant if !message.tool_calls.is_empty() => Message::assistant(written(message)),
            _ => Message { tool_calls: Vec::new(), tool_call_id: None, ..message.clone() },
        };
        match plain.last_mut() {
            // Templates want the roles to take turns: results of one answer's calls are one message.
            Some(last) if message.role == Role::Tool && last.role == Role::User => {
                last.content = format!("{}\n{}", last.content, written.content);
            }
            _ => plain.push(written),
        }
    }
    if let Some(tools) = tools {
        let language = messages.iter().rev().find(|message| message.role == Role::User);
        let language = language.map_or(Language::En, |message| Language::detect(&message.content));
        let failed = |error: prompts::Error| Error::Template { model: model.into(), reason: error.to_string() };
        let told = prompts.render(&prompt(tools, language)).map_err(failed)?;
        match plain.first_mut() {
            Some(first) if first.role == Role::System => first.content = format!("{}\n\n{told}", first.content),
            _ => plain.insert(0, Message::system(told)),
        }
    }
    Ok(plain)
}

fn prompt(tools: &Tools, language: Language) -> prompts::Tools {
    let must_call = matches!(tools.choice, ToolChoice::Required | ToolChoice::Named(_));
    let signatures = tools.callable().iter().map(in_json).collect();
    prompts::Tools { language, signatures, must_call, parallel: tools.parallel }
}

fn in_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// An answer with its calls in the text form that the model writes them in.
fn written(message: &Message) -> String {
    let call = |call: &ToolCall| format!("{OPEN}{NAME}{}{ARGUMENTS}{}{CLOSE}", in_json(&call.name), call.arguments);
    let text = Some(message.content.clone()).filter(|text| !text.is_empty());
    text.into_iter().chain(message.tool_calls.iter().map(call)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::tools::Tool;

    #[test]
    fn calls_and_results_become_text_and_the_tools_stand_in_the_system_message() {
        let prompts = Prompts::load().unwrap();
        let call = |id: &str| ToolCall { id: id.into(), name: "rate".into(), arguments: "{\"code\": \"0901\"}".into() };
        let asked = Message { tool_calls: vec![call("a"), call("b")], ..Message::assistant("") };
        let result = |id: &str| Message { role: Role::Tool, tool_call_id: Some(id.into()), ..Message::user("8 %") };
        let messages = [Message::user("관세율은?"), asked, result("a"), result("b")];
        let tool = Tool { name: "rate".into(), description: Some("관세율".into()), parameters: None };
        let tools = Tools { list: vec![tool], parallel: true, ..Tools::default() };
        let plain = plain("m", &messages, Some(&tools), &prompts).unwrap();
        let roles: Vec<Role> = plain.iter().map(|message| message.role).collect();
        assert_eq!(roles, [Role::System, Role::User, Role::Assistant, Role::User]);
        insta::assert_snapshot!(plain.iter().map(|m| m.content.as_str()).collect::<Vec<_>>().join("\n---\n"));
    }
}
