//! A conversation to prompt text, by the chat template in the model's own files.
//!
//! Templates are Jinja as transformers runs it (`apply_chat_template`): Python's string methods, `raise_exception`,
//! `strftime_now`, trimmed blocks.

use minijinja::value::Kwargs;
use minijinja::{Environment, ErrorKind, Value, context};
use serde::Serialize;
use serde_json::json;
use serde_json::ser::{PrettyFormatter, Serializer};

use super::request::{Message, Role};
use super::tools::{OPEN, ToolCall, Tools};

/// A compiled chat template.
pub struct ChatTemplate {
    environment: Environment<'static>,
    /// Whether it renders tools, and calls in the form that is read here.
    knows_tools: bool,
    bos: String,
    eos: String,
}

impl ChatTemplate {
    /// Compiles `source`; `bos` and `eos` are the tokens a template may spell out.
    ///
    /// # Errors
    /// Where the template is no Jinja, with the line.
    pub fn new(source: String, bos: String, eos: String) -> Result<Self, String> {
        let mut environment = Environment::new();
        environment.set_trim_blocks(true);
        environment.set_lstrip_blocks(true);
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", |message: String| -> Result<String, minijinja::Error> {
            Err(minijinja::Error::new(ErrorKind::InvalidOperation, message))
        });
        // The date is fixed on purpose: an answer must not change with the day it was asked on.
        environment.add_function("strftime_now", |_format: String| String::from("26 Jul 2024"));
        environment.add_filter("tojson", tojson);
        let knows_tools = source.contains("tools") && source.contains(OPEN);
        environment.add_template_owned("chat", source).map_err(|error| error.to_string())?;
        Ok(Self { environment, knows_tools, bos, eos })
    }

    pub fn knows_tools(&self) -> bool {
        self.knows_tools
    }

    /// The prompt for `messages`, ending where the assistant's answer begins. `tools` only where it knows them.
    ///
    /// # Errors
    /// What the template says, as when it rejects a role.
    pub fn render(&self, messages: &[Message], tools: Option<&Tools>) -> Result<String, String> {
        let tools: Option<Vec<_>> = tools.map(|tools| {
            let functions = tools.callable().into_iter();
            functions.map(|tool| json!({"type": "function", "function": tool})).collect()
        });
        let messages: Vec<_> = messages
            .iter()
            .map(|message| {
                let role = match message.role {
                    Role::System => "system",
                    Role::User => "user",
                    Role::Assistant => "assistant",
                    Role::Tool => "tool",
                };
                let calls =
                    (!message.tool_calls.is_empty()).then(|| message.tool_calls.iter().map(call).collect::<Vec<_>>());
                let id = &message.tool_call_id;
                let content = &message.content;
                match (calls, id) {
                    (Some(tool_calls), _) => context! { role, content, tool_calls },
                    (None, Some(tool_call_id)) => context! { role, content, tool_call_id },
                    (None, None) => context! { role, content },
                }
            })
            .collect();
        let template = self.environment.get_template("chat").expect("added by `new`");
        template
            .render(context! {
                messages,
                tools,
                add_generation_prompt => true,
                // Qwen3 thinks aloud unless told not to; an answer that must be checked sentence by sentence cannot.
                enable_thinking => false,
                bos_token => self.bos,
                eos_token => self.eos,
            })
            .map_err(|error| error.to_string())
    }
}

/// A call as templates expect it: arguments as an object, not as the text they are on the wire.
fn call(call: &ToolCall) -> serde_json::Value {
    let arguments: serde_json::Value =
        serde_json::from_str(&call.arguments).unwrap_or_else(|_| call.arguments.as_str().into());
    json!({"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}})
}

/// JSON as Python's `json.dumps` writes it, which the models were trained on: blanks after `:` and `,`, and no escapes
/// for the sake of HTML.
fn tojson(value: &Value, options: Kwargs) -> Result<Value, minijinja::Error> {
    let indent: Option<usize> = options.get("indent")?;
    let failed = |error: serde_json::Error| minijinja::Error::new(ErrorKind::InvalidOperation, error.to_string());
    let mut out = Vec::new();
    match indent {
        Some(indent) => {
            let blanks = " ".repeat(indent);
            let formatter = PrettyFormatter::with_indent(blanks.as_bytes());
            value.serialize(&mut Serializer::with_formatter(&mut out, formatter)).map_err(failed)?;
        }
        None => value.serialize(&mut Serializer::with_formatter(&mut out, Spaced)).map_err(failed)?,
    }
    Ok(Value::from_safe_string(String::from_utf8_lossy(&out).into_owned()))
}

/// `{"a": 1, "b": [2, 3]}`
struct Spaced;

impl serde_json::ser::Formatter for Spaced {
    fn begin_array_value<W: std::io::Write + ?Sized>(&mut self, out: &mut W, first: bool) -> std::io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_key<W: std::io::Write + ?Sized>(&mut self, out: &mut W, first: bool) -> std::io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_value<W: std::io::Write + ?Sized>(&mut self, out: &mut W) -> std::io::Result<()> {
        out.write_all(b": ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::tools::Tool;

    fn render(source: &str, messages: &[Message]) -> Result<String, String> {
        ChatTemplate::new(source.into(), "<s>".into(), "</s>".into())?.render(messages, None)
    }

    #[test]
    fn tools_and_calls_are_rendered_as_python_would() {
        let source = "{% for tool in tools %}{{ tool | tojson }}{% endfor %}|<tool_call>\
                      {% for m in messages %}{% for call in m.tool_calls %}{{ call.function.arguments | tojson }}\
                      {% endfor %}{% endfor %}";
        let template = ChatTemplate::new(source.into(), String::new(), String::new()).unwrap();
        assert!(template.knows_tools());
        let parameters = json!({"type": "object", "properties": {"z": {"enum": ["<a>", "관세"]}, "b": {}}});
        let tool = Tool { name: "f".into(), description: Some("It's".into()), parameters: Some(parameters) };
        let tools = Tools { list: vec![tool], ..Tools::default() };
        let calls = vec![ToolCall { id: "1".into(), name: "f".into(), arguments: "{\"z\":1,\"b\":[2,3]}".into() }];
        let message = Message { tool_calls: calls, ..Message::assistant("") };
        let expected = "{\"type\": \"function\", \"function\": {\"name\": \"f\", \"description\": \"It's\", \
                        \"parameters\": {\"type\": \"object\", \"properties\": {\"z\": {\"enum\": [\"<a>\", \"관세\"]}, \
                        \"b\": {}}}}}|<tool_call>{\"z\": 1, \"b\": [2, 3]}";
        assert_eq!(template.render(&[message], Some(&tools)).unwrap(), expected);
    }

    #[test]
    fn python_methods_and_both_special_tokens_work() {
        let source = "{{ bos_token }}{% for m in messages %}[{{ m.role.upper() }}] {{ m['content'].strip() }}{{ eos_token }}{% endfor %}";
        assert_eq!(render(source, &[Message::user(" hi ")]).unwrap(), "<s>[USER] hi</s>");
    }

    #[test]
    fn a_template_may_refuse_a_conversation() {
        let source = "{{ raise_exception('roles must alternate') }}";
        assert!(render(source, &[]).unwrap_err().contains("roles must alternate"));
    }
}
