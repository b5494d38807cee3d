//! OpenAI's `tools`, `tool_choice` and `parallel_tool_calls` to the engine's [`Tools`], and its calls back onto the wire.

use serde_json::{Value, json};

use super::error::{ApiError, Code};
use super::fields::{self, Fields};
use crate::engine::{Tool, ToolCall, ToolCallDelta, ToolChoice, Tools};

/// Takes the fields on tools; `None` where there are none.
///
/// # Errors
/// A field of another shape, a kind of tool other than functions.
pub fn read(fields: &mut Fields) -> Result<Option<Tools>, ApiError> {
    read_as(fields, Shape::Nested)
}

/// The same where a function's fields stand beside its `type`, as at `/v1/responses`.
///
/// # Errors
/// As [`read`].
pub fn read_flat(fields: &mut Fields) -> Result<Option<Tools>, ApiError> {
    read_as(fields, Shape::Flat)
}

/// Where the fields of a function stand.
#[derive(Clone, Copy)]
enum Shape {
    /// Under `function`.
    Nested,
    Flat,
}

fn read_as(fields: &mut Fields, shape: Shape) -> Result<Option<Tools>, ApiError> {
    let list: Vec<Value> = fields.optional("tools")?.unwrap_or_default();
    let parallel = fields.optional("parallel_tool_calls")?.unwrap_or(true);
    let choice = fields.optional::<Value>("tool_choice")?.map(|choice| read_choice(choice, shape)).transpose()?;
    if list.is_empty() && matches!(choice, None | Some(ToolChoice::None | ToolChoice::Auto)) {
        return Ok(None);
    }
    let list = list.into_iter().enumerate().map(|(index, tool)| read_tool(&format!("tools[{index}]"), tool, shape));
    Ok(Some(Tools {
        list: list.collect::<Result<_, _>>()?,
        choice: choice.unwrap_or_default(),
        parallel,
        unbound: false,
    }))
}

fn read_tool(param: &str, tool: Value, shape: Shape) -> Result<Tool, ApiError> {
    match tool.get("type").and_then(Value::as_str) {
        Some("function") => {}
        Some(other) => return Err(ApiError::unsupported(param, &format!("tools of type `{other}`"))),
        None => {
            let at = format!("{param}.type");
            return Err(ApiError::new(Code::MissingParameter, format!("`{at}` is missing")).on(at));
        }
    }
    if let Shape::Flat = shape {
        return fields::convert(param, tool);
    }
    let at = format!("{param}.function");
    let function = tool.get("function").filter(|function| !function.is_null());
    let function =
        function.ok_or_else(|| ApiError::new(Code::MissingParameter, format!("`{at}` is missing")).on(at.clone()))?;
    fields::convert(&at, function.clone())
}

fn read_choice(choice: Value, shape: Shape) -> Result<ToolChoice, ApiError> {
    let field = "tool_choice";
    let known = "`none`, `auto`, `required` or a function";
    match choice.as_str() {
        Some("none") => Ok(ToolChoice::None),
        Some("auto") => Ok(ToolChoice::Auto),
        Some("required") => Ok(ToolChoice::Required),
        Some(other) => Err(ApiError::invalid(field, known, format!("`{other}`"))),
        None => match choice
            .pointer(match shape {
                Shape::Nested => "/function/name",
                Shape::Flat => "/name",
            })
            .and_then(Value::as_str)
        {
            Some(name) if choice["type"] == "function" => Ok(ToolChoice::Named(name.to_owned())),
            _ => Err(ApiError::invalid(field, known, choice)),
        },
    }
}

/// A whole call.
pub fn call(call: &ToolCall) -> Value {
    json!({"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}})
}

/// A piece of a call.
pub fn delta(delta: &ToolCallDelta) -> Value {
    let mut piece = json!({"index": delta.index, "function": {"arguments": delta.arguments}});
    if let Some(id) = &delta.id {
        piece["id"] = json!(id);
        piece["type"] = json!("function");
    }
    if let Some(name) = &delta.name {
        piece["function"] = json!({"name": name, "arguments": delta.arguments});
    }
    piece
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_body(body: Value) -> Result<Option<Tools>, ApiError> {
        read(&mut Fields::parse(body.to_string().as_bytes()).unwrap())
    }

    #[test]
    fn every_choice_is_understood() {
        let tools =
            json!([{"type": "function", "function": {"name": "f", "strict": true, "parameters": {"type": "object"}}}]);
        let choice = |choice: Value| read_body(json!({"tools": tools, "tool_choice": choice})).unwrap().unwrap().choice;
        assert_eq!(choice(Value::Null), ToolChoice::Auto);
        assert_eq!(choice(json!("required")), ToolChoice::Required);
        assert_eq!(choice(json!({"type": "function", "function": {"name": "f"}})), ToolChoice::Named("f".into()));
        let read = read_body(json!({"tools": tools, "parallel_tool_calls": false})).unwrap().unwrap();
        assert!(!read.parallel && read.list[0].parameters == Some(json!({"type": "object"})));
        assert_eq!(read_body(json!({"tools": [], "tool_choice": "auto"})).unwrap(), None);
    }

    #[test]
    fn other_kinds_are_refused_with_their_place() {
        let error = |body| read_body(body).unwrap_err().to_string();
        let search = json!({"tools": [{"type": "web_search"}]});
        assert_eq!(error(search), "`tools[0]` is not supported: tools of type `web_search`");
        let nameless = json!({"tools": [{"type": "function", "function": {}}]});
        assert_eq!(error(nameless), "`tools[0].function`: missing field `name`");
        let odd = json!({"tools": [], "tool_choice": "maybe"});
        assert_eq!(error(odd), "`tool_choice` must be `none`, `auto`, `required` or a function, got `maybe`");
    }
}
