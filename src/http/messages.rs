//! OpenAI's messages to the engine's.
//!
//! In: the `messages` field. Out: [`Message`]s of plain text and tool calls, or an error that names the part at fault.
//! Images, sound and files are refused, never dropped.

use serde_json::{Map, Value};

use super::error::{ApiError, Code};
use super::fields;
use crate::engine::{Message, Role, ToolCall};

/// Reads the `messages` field.
///
/// # Errors
/// No message at all, an unknown role, content that is not text.
pub fn read(value: Value) -> Result<Vec<Message>, ApiError> {
    let Value::Array(list) = value else {
        return Err(ApiError::invalid("messages", "a list of messages", kind(&value)));
    };
    if list.is_empty() {
        return Err(ApiError::invalid("messages", "at least one message", "an empty list"));
    }
    list.into_iter().enumerate().map(|(index, value)| read_message(&format!("messages[{index}]"), value)).collect()
}

/// Reads one message; `param` is where it stands.
///
/// # Errors
/// As [`read`].
pub fn read_message(param: &str, value: Value) -> Result<Message, ApiError> {
    let mut fields: Map<String, Value> = fields::convert(param, value)?;
    let at = |field: &str| format!("{param}.{field}");
    let role = match fields.get("role").and_then(Value::as_str) {
        Some("system" | "developer") => Role::System,
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        Some("tool") => Role::Tool,
        Some(other) => {
            let got = format!("`{other}`");
            let roles = "`system`, `developer`, `user`, `assistant` or `tool`";
            return Err(ApiError::invalid(&at("role"), roles, got));
        }
        None => {
            let message = format!("`{}` is missing", at("role"));
            return Err(ApiError::new(Code::MissingParameter, message).on(at("role")));
        }
    };
    for name in ["function_call", "audio"] {
        if fields.get(name).is_some_and(|value| !value.is_null() && !fields::is_empty(value)) {
            return Err(ApiError::unsupported(at(name), "messages carry text and tool calls only"));
        }
    }
    let tool_calls = match fields.remove("tool_calls") {
        Some(Value::Array(calls)) if role == Role::Assistant => {
            let calls = calls.into_iter().enumerate();
            calls
                .map(|(index, call)| read_call(&at(&format!("tool_calls[{index}]")), call))
                .collect::<Result<_, _>>()?
        }
        Some(calls) if !calls.is_null() && !fields::is_empty(&calls) => {
            return Err(ApiError::invalid(&at("tool_calls"), "a list, and the assistant's", kind(&calls)));
        }
        _ => Vec::new(),
    };
    let tool_call_id = match fields.remove("tool_call_id").filter(|id| !id.is_null()) {
        Some(id) => Some(fields::convert(&at("tool_call_id"), id)?),
        None if role == Role::Tool => {
            let message = format!("`{}` is missing", at("tool_call_id"));
            return Err(ApiError::new(Code::MissingParameter, message).on(at("tool_call_id")));
        }
        None => None,
    };
    let content = match fields.remove("content") {
        Some(Value::String(text)) => text,
        Some(Value::Array(parts)) => read_parts(&at("content"), &parts)?,
        // What OpenAI itself sends for an answer that only refused or called a tool.
        None | Some(Value::Null) if role == Role::Assistant => String::new(),
        None | Some(Value::Null) => {
            let message = format!("`{}` is missing", at("content"));
            return Err(ApiError::new(Code::MissingParameter, message).on(at("content")));
        }
        Some(other) => return Err(ApiError::invalid(&at("content"), "a string or a list of parts", kind(&other))),
    };
    Ok(Message { role, content, tool_calls, tool_call_id })
}

fn read_call(param: &str, call: Value) -> Result<ToolCall, ApiError> {
    match call.get("type").and_then(Value::as_str) {
        None | Some("function") => {}
        Some(other) => return Err(ApiError::unsupported(param, &format!("calls of type `{other}`"))),
    }
    let text = |value: Option<&Value>, field: &str| {
        let at = format!("{param}.{field}");
        let value = value.filter(|value| !value.is_null());
        let value =
            value.ok_or_else(|| ApiError::new(Code::MissingParameter, format!("`{at}` is missing")).on(at.clone()))?;
        fields::convert::<String>(&at, value.clone())
    };
    Ok(ToolCall {
        id: text(call.get("id"), "id")?,
        name: text(call.pointer("/function/name"), "function.name")?,
        arguments: text(call.pointer("/function/arguments"), "function.arguments")?,
    })
}

fn read_parts(param: &str, parts: &[Value]) -> Result<String, ApiError> {
    let mut text = String::new();
    for (index, part) in parts.iter().enumerate() {
        let param = format!("{param}[{index}]");
        let field = match part.get("type").and_then(Value::as_str) {
            Some("text" | "input_text" | "output_text") => "text",
            Some("refusal") => "refusal",
            Some(other) => {
                return Err(ApiError::unsupported(param, &format!("parts of type `{other}`; send text")));
            }
            None => return Err(ApiError::invalid(&param, "a part with a `type`", kind(part))),
        };
        let Some(piece) = part.get(field).and_then(Value::as_str) else {
            return Err(ApiError::invalid(&param, "a part with a text", kind(part)));
        };
        text.push_str(piece);
    }
    Ok(text)
}

/// What a JSON value is, in words.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_parts_are_joined_and_developers_are_system() {
        let messages = read(json!([
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "One, "}, {"type": "text", "text": "two."}]},
        ]));
        assert_eq!(messages.unwrap(), [Message::system("Be brief."), Message::user("One, two.")]);
    }

    #[test]
    fn calls_and_their_results_are_read() {
        let call = json!({"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}});
        let messages = read(json!([
            {"role": "assistant", "content": null, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c", "content": "8 %"},
        ]));
        let [asked, result] = &messages.unwrap()[..] else { panic!("two messages") };
        assert_eq!(asked.tool_calls, [ToolCall { id: "c".into(), name: "f".into(), arguments: "{}".into() }]);
        assert_eq!((result.role, result.tool_call_id.as_deref()), (Role::Tool, Some("c")));

        let error = |message| read(json!([message])).unwrap_err().to_string();
        let bare = json!({"role": "tool", "content": "8 %"});
        assert_eq!(error(bare), "`messages[0].tool_call_id` is missing");
        let nameless = json!({"role": "assistant", "tool_calls": [{"id": "c", "function": {"arguments": "{}"}}]});
        assert_eq!(error(nameless), "`messages[0].tool_calls[0].function.name` is missing");
    }

    #[test]
    fn an_image_is_refused_with_its_place() {
        let part = json!({"type": "image_url", "image_url": {"url": "https://example.com/a.png"}});
        let error = read(json!([{"role": "user", "content": [part]}])).unwrap_err();
        let expected = "`messages[0].content[0]` is not supported: parts of type `image_url`; send text";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn a_message_without_role_or_content_names_what_is_missing() {
        let error = |message| read(json!([message])).unwrap_err().to_string();
        assert_eq!(error(json!({"content": "x"})), "`messages[0].role` is missing");
        assert_eq!(error(json!({"role": "user"})), "`messages[0].content` is missing");
    }
}
