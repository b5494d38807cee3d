//! Tools a model may call: what a caller offers, how the calls are written, and how they are read back.
//!
//! One form of text carries a call, the one of Qwen and Hermes. A model whose chat template knows it renders the tools
//! itself; others are told of it in the system message ([`render`]). Nothing is called here: a call is an event, and
//! the caller brings the result as a message of [`super::Role::Tool`].

pub mod gate;
mod reader;
pub mod render;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Error;

pub use reader::ToolReader;

/// Opens a call.
pub const OPEN: &str = "<tool_call>";
/// Stands before the name, which is in JSON.
pub const NAME: &str = "\n{\"name\": ";
/// Stands between the name and the arguments.
pub const ARGUMENTS: &str = ", \"arguments\": ";
/// Stands after the arguments.
pub const CLOSE: &str = "}\n</tool_call>";

/// OpenAI's bound.
pub const MAX_TOOLS: usize = 128;
/// OpenAI's bound.
const MAX_NAME_LEN: usize = 64;

/// A function that a model may ask to be called.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    /// Letters, digits, `_` and `-`, at most 64.
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// JSON Schema of an object; no parameters where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Value>,
}

/// Whether a model calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ToolChoice {
    /// As if no tools had been offered.
    None,
    #[default]
    Auto,
    /// At least one call.
    Required,
    /// A call of this tool.
    Named(String),
}

/// How a model comes to call a tool, where it may choose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Calls {
    /// It writes the call where it wants one.
    #[default]
    Own,
    /// It is asked first ([`gate`]): left to itself it calls whatever is there, or writes calls as text.
    Asked,
}

/// The tools offered with a request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tools {
    pub list: Vec<Tool>,
    pub choice: ToolChoice,
    /// Whether one answer may hold several calls.
    pub parallel: bool,
    /// Leaves the answer free, calls and all in its text, as an engine does that cannot bind them; to be compared with.
    pub unbound: bool,
}

/// A call that a model has made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    pub id: String,
    pub name: String,
    /// A JSON object as text; whole unless the answer was cut off.
    pub arguments: String,
}

/// What a running answer adds to its calls: first `id` and `name`, then pieces of `arguments`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolCallDelta {
    /// The call's place among those of the answer.
    pub index: usize,
    pub id: Option<String>,
    pub name: Option<String>,
    pub arguments: String,
}

impl ToolCallDelta {
    /// Adds itself to `calls`.
    pub fn append_to(&self, calls: &mut Vec<ToolCall>) {
        if calls.len() <= self.index {
            calls.resize_with(self.index + 1, ToolCall::default);
        }
        let call = &mut calls[self.index];
        call.id.push_str(self.id.as_deref().unwrap_or_default());
        call.name.push_str(self.name.as_deref().unwrap_or_default());
        call.arguments.push_str(&self.arguments);
    }
}

impl Tool {
    /// The schema its arguments are held to: an object, and without parameters nobody has declared.
    pub fn schema(&self) -> Value {
        let Some(parameters) = &self.parameters else {
            return json!({"type": "object", "properties": {}, "additionalProperties": false});
        };
        let mut schema = parameters.clone();
        if let Value::Object(fields) = &mut schema {
            fields.entry("type").or_insert_with(|| "object".into());
            if fields.contains_key("properties") {
                fields.entry("additionalProperties").or_insert(Value::Bool(false));
            }
        }
        schema
    }
}

impl Tools {
    /// Whether the model is told of the tools at all.
    pub fn are_offered(&self) -> bool {
        !self.list.is_empty() && self.choice != ToolChoice::None
    }

    /// Whether the calls are held to their schemas, and told apart from the text.
    pub fn are_bound(&self) -> bool {
        self.are_offered() && !self.unbound
    }

    /// The tools that may be called.
    pub fn callable(&self) -> Vec<&Tool> {
        match &self.choice {
            ToolChoice::None => Vec::new(),
            ToolChoice::Auto | ToolChoice::Required => self.list.iter().collect(),
            ToolChoice::Named(name) => self.list.iter().filter(|tool| tool.name == *name).collect(),
        }
    }

    /// Checks names, number and choice; schemas are checked when their grammar is made.
    ///
    /// # Errors
    /// [`Error::BadParameter`].
    pub fn validate(&self) -> Result<(), Error> {
        let bad = |name, expected, value: String| Err(Error::BadParameter { name, expected, value });
        if self.list.len() > MAX_TOOLS {
            return bad("tools", "at most 128", self.list.len().to_string());
        }
        for (index, tool) in self.list.iter().enumerate() {
            let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
            if tool.name.is_empty() || tool.name.len() > MAX_NAME_LEN || !tool.name.chars().all(fits) {
                let expected = "named with letters, digits, `_` and `-`, 64 at most";
                return bad("tools", expected, format!("`{}`", tool.name));
            }
            if self.list[..index].iter().any(|other| other.name == tool.name) {
                return bad("tools", "of different names", format!("`{}` twice", tool.name));
            }
            if !matches!(tool.parameters, None | Some(Value::Object(_))) {
                return bad(
                    "tools",
                    "with a JSON schema as `parameters`",
                    format!("another value for `{}`", tool.name),
                );
            }
        }
        match &self.choice {
            ToolChoice::Required if self.list.is_empty() => {
                bad("tool_choice", "`none` or `auto` where there are no `tools`", "`required`".into())
            }
            ToolChoice::Named(name) if self.callable().is_empty() => {
                bad("tool_choice", "one of `tools`", format!("`{name}`"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tools(names: &[&str], choice: ToolChoice) -> Tools {
        let tool = |name: &&str| Tool { name: (*name).into(), description: None, parameters: None };
        Tools { list: names.iter().map(tool).collect(), choice, parallel: true, unbound: false }
    }

    #[test]
    fn a_wrong_list_is_refused_with_its_reason() {
        let refusal = |tools: Tools| tools.validate().unwrap_err().to_string();
        assert!(tools(&["get_weather", "a-1"], ToolChoice::Auto).validate().is_ok());
        assert_eq!(refusal(tools(&["a", "a"], ToolChoice::Auto)), "`tools` must be of different names, got `a` twice");
        let bad_name = "`tools` must be named with letters, digits, `_` and `-`, 64 at most, got `a b`";
        assert_eq!(refusal(tools(&["a b"], ToolChoice::Auto)), bad_name);
        let unknown = refusal(tools(&["a"], ToolChoice::Named("b".into())));
        assert_eq!(unknown, "`tool_choice` must be one of `tools`, got `b`");
        assert!(tools(&[], ToolChoice::Required).validate().is_err());
    }

    #[test]
    fn arguments_are_an_object_of_declared_parameters() {
        let tool = |parameters| Tool { name: "f".into(), description: None, parameters }.schema();
        assert_eq!(tool(None)["additionalProperties"], false);
        assert_eq!(tool(Some(json!({})))["type"], "object");
        assert_eq!(tool(Some(json!({"properties": {"a": {}}})))["additionalProperties"], false);
        let open = json!({"type": "object", "properties": {}, "additionalProperties": true});
        assert_eq!(tool(Some(open.clone())), open);
    }
}
