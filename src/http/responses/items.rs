//! What a response is asked with: a text, or a list of items, to messages.
//!
//! In: the `input` field. Out: the items as they are shown again, and the [`Message`]s of plain text and tool calls that they
//! stand for. What this server itself did on the way (items of its own tools) and what models think are no messages, and are
//! passed over; what would change the answer and cannot be honoured is refused by its place.

use serde_json::{Value, json};

use crate::engine::{Message, Role, ToolCall};
use crate::http::error::{ApiError, Code};
use crate::http::{fields, messages};

/// Reads the `input` field: its items, and their messages.
///
/// # Errors
/// No item at all, or one that is none of ours.
pub fn read(input: Value) -> Result<(Vec<Value>, Vec<Message>), ApiError> {
    let items = match input {
        Value::String(text) => vec![json!({"role": "user", "content": text})],
        Value::Array(items) if items.is_empty() => {
            return Err(ApiError::invalid("input", "a text or at least one item", "an empty list"));
        }
        Value::Array(items) => items,
        other => return Err(ApiError::invalid("input", "a text or a list of items", other)),
    };
    let mut said: Vec<Message> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        read_item(&format!("input[{index}]"), item, &mut said)?;
    }
    Ok((items.into_iter().map(shown).collect(), said))
}

fn read_item(param: &str, item: &Value, said: &mut Vec<Message>) -> Result<(), ApiError> {
    match item.get("type").and_then(Value::as_str) {
        None | Some("message") => said.push(messages::read_message(param, item.clone())?),
        Some("function_call") => {
            let call = ToolCall {
                id: text(param, item, "call_id")?,
                name: text(param, item, "name")?,
                arguments: text(param, item, "arguments")?,
            };
            // Calls of one answer are one message, as they were when they were made.
            match said.last_mut() {
                Some(last) if last.role == Role::Assistant => last.tool_calls.push(call),
                _ => said.push(Message { tool_calls: vec![call], ..Message::assistant("") }),
            }
        }
        Some("function_call_output") => {
            let id = text(param, item, "call_id")?;
            let mut result = item.clone();
            result["role"] = json!("tool");
            result["tool_call_id"] = json!(id);
            result["content"] = item.get("output").cloned().unwrap_or_default();
            said.push(messages::read_message(param, result)?);
        }
        Some("reasoning" | "mcp_call" | "mcp_list_tools" | "mcp_approval_request") => {}
        Some("mcp_approval_response") => {
            let reason = "whoever approves gives a name; decide at `/api/agent/approvals/{id}`";
            return Err(ApiError::unsupported(param, reason));
        }
        Some(other) => {
            let reason = format!("items of type `{other}`; send messages, function calls and their outputs");
            return Err(ApiError::unsupported(param, &reason));
        }
    }
    Ok(())
}

fn text(param: &str, item: &Value, field: &str) -> Result<String, ApiError> {
    let at = format!("{param}.{field}");
    let missing = || ApiError::new(Code::MissingParameter, format!("`{at}` is missing")).on(at.clone());
    let value = item.get(field).filter(|value| !value.is_null()).ok_or_else(missing)?;
    fields::convert(&at, value.clone())
}

/// An item as it is listed: with an id and a type, and its text in parts.
fn shown(mut item: Value) -> Value {
    let Some(fields) = item.as_object_mut() else { return item };
    let kind = fields.get("type").and_then(Value::as_str).unwrap_or("message").to_owned();
    if kind == "message" {
        let part = if fields.get("role") == Some(&json!("assistant")) { "output_text" } else { "input_text" };
        if let Some(Value::String(text)) = fields.get("content") {
            let parts = json!([{"type": part, "text": text}]);
            fields.insert("content".into(), parts);
        }
        fields.entry("status").or_insert_with(|| json!("completed"));
    }
    let prefix = match kind.as_str() {
        "message" => "msg",
        "function_call" => "fc",
        "function_call_output" => "fco",
        _ => "item",
    };
    fields.insert("type".into(), json!(kind));
    fields.entry("id").or_insert_with(|| json!(super::new_id(prefix)));
    item
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_a_users_message_and_items_are_a_conversation() {
        let (items, said) = read(json!("Hello")).unwrap();
        assert_eq!(said, [Message::user("Hello")]);
        assert_eq!(items[0]["content"], json!([{"type": "input_text", "text": "Hello"}]));

        let (_, said) = read(json!([
            {"role": "developer", "content": "Be brief."},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "The rate?"}]},
            {"type": "reasoning", "id": "r", "summary": []},
            {"type": "function_call", "call_id": "a", "name": "rate", "arguments": "{}"},
            {"type": "function_call", "call_id": "b", "name": "rate", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "a", "output": "8 %"},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "8 %.", "annotations": []}]},
        ]))
        .unwrap();
        let roles: Vec<Role> = said.iter().map(|message| message.role).collect();
        assert_eq!(roles, [Role::System, Role::User, Role::Assistant, Role::Tool, Role::Assistant]);
        assert_eq!(said[2].tool_calls.len(), 2);
        assert_eq!((said[3].content.as_str(), said[3].tool_call_id.as_deref()), ("8 %", Some("a")));
    }

    #[test]
    fn what_cannot_be_honoured_is_refused_by_its_place() {
        let error = |input| read(input).unwrap_err().to_string();
        assert_eq!(error(json!([])), "`input` must be a text or at least one item, got an empty list");
        let file = json!([{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]);
        assert_eq!(error(file), "`input[0].content[0]` is not supported: parts of type `input_file`; send text");
        let nameless = json!([{"type": "function_call", "call_id": "a", "arguments": "{}"}]);
        assert_eq!(error(nameless), "`input[0].name` is missing");
        assert!(error(json!([{"type": "computer_call"}])).contains("items of type `computer_call`"));
        assert!(error(json!([{"type": "mcp_approval_response"}])).contains("/api/agent/approvals"));
    }
}
