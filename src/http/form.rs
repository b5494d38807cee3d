//! The fields that bind the form of an answer, to [`Constraint`]: OpenAI's `response_format`, vLLM's
//! `structured_outputs` and the older `guided_*` it replaced.
//!
//! Only shapes are checked here; whether a schema or grammar can be held to is the engine's to know, and
//! [`Form::field`] is the field it is then said of.

use serde_json::{Value, json};

use super::error::{ApiError, Code};
use super::fields::{self, Fields};
use crate::engine::Constraint;

/// The field a complaint of the engine names until the endpoint says which one it was.
pub const ANSWER: &str = "response_format";
const SCHEMA: &str = "response_format.json_schema.schema";

/// What an answer is bound to, and by which field.
#[derive(Clone, Debug)]
pub struct Form {
    pub constraint: Option<Constraint>,
    pub field: &'static str,
}

impl Form {
    /// Takes the fields that bind the form of an answer; at most one of them may.
    ///
    /// # Errors
    /// A field of another shape, or two that bind.
    pub fn read(fields: &mut Fields) -> Result<Self, ApiError> {
        let mut forms = Vec::new();
        if let Some(format) = fields.optional::<Value>(ANSWER)? {
            forms.extend(response_format(format)?);
        }
        if let Some(Value::Object(outputs)) = fields.optional("structured_outputs")? {
            for (name, field) in [
                ("json", "structured_outputs.json"),
                ("json_object", "structured_outputs.json_object"),
                ("regex", "structured_outputs.regex"),
                ("choice", "structured_outputs.choice"),
                ("grammar", "structured_outputs.grammar"),
            ] {
                let value = outputs.get(name).filter(|value| !value.is_null());
                forms.extend(value.map(|value| structured(name, field, value.clone())).transpose()?.flatten());
            }
            if outputs.get("structural_tag").is_some_and(|tag| !tag.is_null()) {
                return Err(ApiError::unsupported("structured_outputs.structural_tag", "use `grammar`"));
            }
        }
        for (name, field) in [
            ("json", "guided_json"),
            ("regex", "guided_regex"),
            ("choice", "guided_choice"),
            ("grammar", "guided_grammar"),
        ] {
            let value = fields.optional::<Value>(field)?;
            forms.extend(value.map(|value| structured(name, field, value)).transpose()?.flatten());
        }
        match forms.len() {
            0 => Ok(Self { constraint: None, field: ANSWER }),
            1 => Ok(forms.remove(0)),
            _ => Err(ApiError::invalid(forms[1].field, &format!("absent beside `{}`", forms[0].field), "both")),
        }
    }
}

impl Form {
    /// The form that a `response_format` names, or what has its shape at another endpoint.
    ///
    /// # Errors
    /// Another shape; said of `response_format`.
    pub fn of(format: Option<Value>) -> Result<Self, ApiError> {
        let bound = format.map(response_format).transpose()?.flatten();
        Ok(bound.unwrap_or(Self { constraint: None, field: ANSWER }))
    }
}

fn response_format(format: Value) -> Result<Option<Form>, ApiError> {
    let bound = |constraint, field| Ok(Some(Form { constraint: Some(constraint), field }));
    let text = |name: &'static str, at: &'static str| {
        let value = format.get(name).cloned().ok_or_else(|| missing(at))?;
        fields::convert::<String>(at, value)
    };
    match format.get("type").and_then(Value::as_str) {
        Some("text") => Ok(None),
        Some("json_object") => bound(Constraint::JsonObject, ANSWER),
        Some("json_schema") => {
            // Beside OpenAI's place for it, the one that some servers had before.
            let schema = format.pointer("/json_schema/schema").or_else(|| format.get("schema"));
            bound(Constraint::JsonSchema(schema.cloned().ok_or_else(|| missing(SCHEMA))?), SCHEMA)
        }
        Some("regex") => {
            bound(Constraint::Regex(text("pattern", "response_format.pattern")?), "response_format.pattern")
        }
        Some("grammar") => {
            bound(Constraint::Lark(text("grammar", "response_format.grammar")?), "response_format.grammar")
        }
        Some(other) => {
            let known = "`text`, `json_object`, `json_schema`, `regex` or `grammar`";
            Err(ApiError::invalid("response_format.type", known, format!("`{other}`")))
        }
        None => Err(missing("response_format.type")),
    }
}

/// vLLM's kinds. A schema may also come as text.
fn structured(kind: &str, field: &'static str, value: Value) -> Result<Option<Form>, ApiError> {
    let constraint = match kind {
        "json" => match value {
            Value::String(text) => {
                let read = serde_json::from_str(&text);
                Constraint::JsonSchema(read.map_err(|error| ApiError::invalid(field, "a JSON schema", error))?)
            }
            schema => Constraint::JsonSchema(schema),
        },
        "json_object" if value == Value::Bool(false) => return Ok(None),
        "json_object" => Constraint::JsonObject,
        "regex" => Constraint::Regex(fields::convert(field, value)?),
        "choice" => {
            let choices: Vec<String> = fields::convert(field, value)?;
            if choices.is_empty() || choices.iter().any(String::is_empty) {
                return Err(ApiError::invalid(field, "a list of texts that are not empty", json!(choices)));
            }
            let spelled: Vec<String> = choices.iter().map(|choice| json!(choice).to_string()).collect();
            Constraint::Lark(format!("start: {}", spelled.join(" | ")))
        }
        _ => Constraint::Lark(fields::convert(field, value)?),
    };
    Ok(Some(Form { constraint: Some(constraint), field }))
}

fn missing(field: &str) -> ApiError {
    ApiError::new(Code::MissingParameter, format!("`{field}` is missing")).on(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: Value) -> Result<Form, ApiError> {
        Form::read(&mut Fields::parse(body.to_string().as_bytes()).unwrap())
    }

    #[test]
    fn each_way_to_say_it_is_understood() {
        let schema = json!({"type": "integer"});
        let named = json!({"name": "n", "strict": true, "schema": schema});
        let as_schema = Some(Constraint::JsonSchema(schema.clone()));
        for (body, constraint) in [
            (json!({}), None),
            (json!({"response_format": {"type": "text"}}), None),
            (json!({"response_format": {"type": "json_object"}}), Some(Constraint::JsonObject)),
            (json!({"response_format": {"type": "json_schema", "json_schema": named}}), as_schema.clone()),
            (json!({"structured_outputs": {"json": schema, "regex": null}}), as_schema.clone()),
            (json!({"guided_json": schema.to_string()}), as_schema),
            (json!({"guided_regex": "a+"}), Some(Constraint::Regex("a+".into()))),
            (json!({"structured_outputs": {"grammar": "start: \"a\""}}), Some(Constraint::Lark("start: \"a\"".into()))),
            (
                json!({"guided_choice": ["yes", "say \"no\""]}),
                Some(Constraint::Lark(r#"start: "yes" | "say \"no\"""#.into())),
            ),
        ] {
            assert_eq!(read(body.clone()).unwrap().constraint, constraint, "{body}");
        }
    }

    #[test]
    fn two_forms_at_once_and_wrong_shapes_are_refused_by_name() {
        let error = |body| read(body).unwrap_err().to_string();
        let both = json!({"response_format": {"type": "json_object"}, "guided_regex": "a"});
        assert_eq!(error(both), "`guided_regex` must be absent beside `response_format`, got both");
        let nameless = json!({"response_format": {"type": "json_schema", "json_schema": {"name": "n"}}});
        assert_eq!(error(nameless), "`response_format.json_schema.schema` is missing");
        assert!(
            error(json!({"response_format": {"type": "xml"}})).starts_with("`response_format.type` must be `text`")
        );
        assert!(error(json!({"guided_json": "{"})).starts_with("`guided_json` must be a JSON schema"));
        assert!(error(json!({"guided_choice": []})).starts_with("`guided_choice` must be a list"));
    }
}
