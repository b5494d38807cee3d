//! When a call is right: the leaderboard's own rules over the values of its arguments.
//!
//! In: the calls made, and for each wanted call the values that each argument may have. Out: yes or no. A text counts as
//! another where they differ in blanks, case and punctuation alone; an argument that may be left out has the empty text
//! among its values. The calls of one answer are right in any order.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::engine::Tool;

/// A call as it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Call {
    pub name: String,
    pub arguments: Map<String, Value>,
}

/// A function of the set as a tool: names without dots, and the set's Python types in JSON Schema's words.
pub fn offered(function: Tool) -> Tool {
    let parameters = function.parameters.map(|mut parameters| {
        to_json_schema(&mut parameters);
        parameters
    });
    Tool { name: name_of(&function.name), parameters, ..function }
}

fn name_of(name: &str) -> String {
    name.replace('.', "_")
}

fn to_json_schema(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if let Some(Value::String(kind)) = fields.get_mut("type") {
                match kind.as_str() {
                    "dict" => *kind = "object".into(),
                    "float" => *kind = "number".into(),
                    "tuple" => *kind = "array".into(),
                    "any" => drop(fields.remove("type")),
                    _ => {}
                }
            }
            // `optional` and `format` carry words here, and no format of JSON Schema's.
            fields.retain(|name, value| !(name == "format" && value.is_string()));
            fields.values_mut().for_each(to_json_schema);
        }
        Value::Array(values) => values.iter_mut().for_each(to_json_schema),
        _ => {}
    }
}

/// Whether the call can be carried out: the function is offered, and its schema admits the arguments.
pub fn is_well_formed(offered: &[Tool], call: &Call) -> bool {
    let Some(tool) = offered.iter().find(|tool| tool.name == call.name) else { return false };
    jsonschema::is_valid(&tool.schema(), &json!(call.arguments))
}

/// Whether the calls are the wanted ones, in any order: each an object of one function's name and its arguments' values.
pub fn are_right(wanted: &[Value], calls: &[Call]) -> bool {
    if wanted.len() != calls.len() {
        return false;
    }
    let mut left: Vec<&Call> = calls.iter().collect();
    wanted.iter().all(|wanted| {
        let found = left.iter().position(|call| is_right(wanted, call));
        found.map(|at| left.remove(at)).is_some()
    })
}

fn is_right(wanted: &Value, call: &Call) -> bool {
    let Some((name, Value::Object(options))) = wanted.as_object().and_then(|wanted| wanted.iter().next()) else {
        return false;
    };
    name_of(name) == call.name && fields_fit(options, &call.arguments)
}

/// Whether each value is among its field's options, and what is left out may be.
fn fields_fit(options: &Map<String, Value>, values: &Map<String, Value>) -> bool {
    let options_of = |name: &String| options.get(name).and_then(Value::as_array);
    let may_be_absent = |options: &Value| options.as_array().is_some_and(|options| options.contains(&json!("")));
    values.iter().all(|(name, value)| options_of(name).is_some_and(|options| options.iter().any(|o| fits(o, value))))
        && options.iter().all(|(name, options)| values.contains_key(name) || may_be_absent(options))
}

fn fits(option: &Value, value: &Value) -> bool {
    match (option, value) {
        (Value::String(option), Value::String(value)) => plain(option) == plain(value),
        (Value::Number(option), Value::Number(value)) => option.as_f64() == value.as_f64(),
        (Value::Array(option), Value::Array(value)) => {
            option.len() == value.len() && option.iter().zip(value).all(|(option, value)| fits(option, value))
        }
        (Value::Object(options), Value::Object(values)) => fields_fit(options, values),
        _ => option == value,
    }
}

/// A text without what the leaderboard's `standardize_string` takes off.
fn plain(text: &str) -> String {
    let text = text.replace('\'', "\"").to_lowercase();
    text.chars().filter(|c| !matches!(c, ' ' | ',' | '.' | '/' | '-' | '_' | '*' | '^')).collect()
}

/// A wanted call with the first of the values that each argument may have.
#[cfg(test)]
pub fn written_out(wanted: &Value) -> Call {
    fn first(options: &Map<String, Value>) -> Map<String, Value> {
        let chosen = options.iter().filter_map(|(name, options)| {
            let value = options.as_array()?.first()?;
            (*value != json!("")).then(|| (name.clone(), written(value)))
        });
        chosen.collect()
    }
    fn written(value: &Value) -> Value {
        match value {
            Value::Object(options) => Value::Object(first(options)),
            Value::Array(values) => values.iter().map(written).collect(),
            value => value.clone(),
        }
    }
    let (name, options) = wanted.as_object().and_then(|wanted| wanted.iter().next()).expect("one function");
    Call { name: name_of(name), arguments: first(options.as_object().expect("arguments by name")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(name: &str, arguments: Value) -> Call {
        let Value::Object(arguments) = arguments else { panic!("arguments are an object") };
        Call { name: name.into(), arguments }
    }

    #[test]
    fn a_call_is_right_by_its_values_and_not_by_its_spelling() {
        let wanted = [json!({"a.f": {"city": ["New York, NY"], "unit": ["m", ""], "size": [{"w": [2], "h": [3, 4]}]}})];
        let right = |arguments| are_right(&wanted, &[call("a_f", arguments)]);
        assert!(right(json!({"city": "new york NY", "size": {"w": 2.0, "h": 4}})));
        assert!(right(json!({"city": "New York, NY", "unit": "M", "size": {"w": 2, "h": 3}})));
        assert!(!right(json!({"city": "Boston", "size": {"w": 2, "h": 3}})), "another value");
        assert!(!right(json!({"size": {"w": 2, "h": 3}})), "a missing argument");
        assert!(!right(json!({"city": "New York, NY", "colour": "red", "size": {"w": 2, "h": 3}})), "one more");
        assert!(!are_right(&wanted, &[]), "no call");
    }

    #[test]
    fn several_calls_are_right_in_any_order_and_each_once() {
        let wanted = [json!({"f": {"n": [1]}}), json!({"f": {"n": [2]}})];
        assert!(are_right(&wanted, &[call("f", json!({"n": 2})), call("f", json!({"n": 1}))]));
        assert!(!are_right(&wanted, &[call("f", json!({"n": 2})), call("f", json!({"n": 2}))]));
    }

    #[test]
    fn a_call_that_cannot_be_carried_out_is_malformed() {
        let parameters = json!({"type": "dict", "properties": {"x": {"type": "float"}, "l": {"type": "tuple", "items": {"type": "any"}}}, "required": ["x"]});
        let tools = [offered(Tool { name: "m.f".into(), description: None, parameters: Some(parameters) })];
        let well = |name, arguments| is_well_formed(&tools, &call(name, arguments));
        assert!(well("m_f", json!({"x": 1.5, "l": [1, "a"]})));
        assert!(!well("m_g", json!({"x": 1.5})), "no such function");
        assert!(!well("m_f", json!({"x": "1.5"})), "a text for a number");
        assert!(!well("m_f", json!({})), "without what is required");
        assert!(!well("m_f", json!({"x": 1, "y": 2})), "an argument nobody declared");
    }
}
