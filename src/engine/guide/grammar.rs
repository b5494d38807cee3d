//! Constraints as grammars of `llguidance`, and where in a schema the trouble is when there is none.

use std::time::{Duration, Instant};

use llguidance::api::{GrammarWithLexer, TopLevelGrammar};
use serde_json::{Map, Value, json};

use super::Constraint;
use super::narrow::narrow;

/// Blanks between the parts of a JSON value: a space, or a new line with its indent. Bounded, because a model that is
/// free to may write blanks for ever.
const BLANKS: &str = r"\x20|\x0A[\x20\x09]{0,24}";
/// Longest search for the part of a schema that is at fault.
const SEARCH_TIME: Duration = Duration::from_millis(500);
/// Keywords whose value is a schema.
const SCHEMA: [&str; 12] = [
    "additionalItems",
    "additionalProperties",
    "contains",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
    "contentSchema",
];
/// Keywords whose value is a list of schemas.
const LIST: [&str; 5] = ["allOf", "anyOf", "items", "oneOf", "prefixItems"];
/// Keywords whose value has schemas by name.
const NAMED: [&str; 5] = ["$defs", "definitions", "dependentSchemas", "patternProperties", "properties"];

/// The grammar of a constraint; `None` for a quote lock, which is no grammar.
pub fn of(constraint: &Constraint) -> Option<TopLevelGrammar> {
    Some(TopLevelGrammar::from_grammar(match constraint {
        Constraint::JsonObject => json(&json!({"type": "object"})),
        Constraint::JsonSchema(schema) => json(schema),
        Constraint::Regex(expression) => GrammarWithLexer::from_regex(expression),
        Constraint::Lark(grammar) => GrammarWithLexer::from_lark(grammar.clone()),
        Constraint::Quotes(_) => return None,
    }))
}

/// The grammar of the JSON values that `schema` admits.
pub fn json(schema: &Value) -> GrammarWithLexer {
    let mut schema = schema.clone();
    narrow(&mut schema);
    if let Value::Object(fields) = &mut schema {
        // Whatever the client wrote there: these are settings of the library, not of the schema.
        fields.insert("x-guidance".into(), json!({"whitespace_pattern": BLANKS}));
    }
    GrammarWithLexer::from_json_schema(schema)
}

/// The schemas directly in a schema, each with its place.
pub fn children_mut(schema: &mut Value) -> Vec<(String, &mut Value)> {
    let Value::Object(fields) = schema else { return Vec::new() };
    let mut children = Vec::new();
    for (keyword, value) in fields {
        let keyword = keyword.as_str();
        if LIST.contains(&keyword) && value.is_array() {
            let places = value.as_array_mut().into_iter().flatten().enumerate();
            children.extend(places.map(|(index, child)| (format!("/{keyword}/{index}"), child)));
        } else if NAMED.contains(&keyword) && value.is_object() {
            let places = value.as_object_mut().into_iter().flatten();
            children.extend(places.map(|(name, child)| (format!("/{keyword}/{}", escaped(name)), child)));
        } else if SCHEMA.contains(&keyword) {
            children.push((format!("/{keyword}"), value));
        }
    }
    // Definitions first: a reference fails for the reason of what it points to.
    children.sort_by_key(|(place, _)| !place.starts_with("/$defs/") && !place.starts_with("/definitions/"));
    children
}

/// A name as part of a JSON pointer (RFC 6901, section 3).
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The smallest part of `schema` that is refused for the same `reason` as the whole, as a JSON pointer: empty for the
/// whole. `refusal` gives the reason for which a schema is refused.
pub fn locate(schema: &Value, reason: &str, refusal: impl Fn(&Value) -> Option<String>) -> String {
    let deadline = Instant::now() + SEARCH_TIME;
    // What a reference points to must stay reachable from a part.
    let shared: Map<String, Value> = ["$defs", "definitions", "$schema"]
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), schema.get(*name)?.clone())))
        .collect();
    let mut place = String::new();
    let mut part = schema.clone();
    'down: loop {
        for (step, child) in children_mut(&mut part) {
            if Instant::now() > deadline {
                return place;
            }
            let mut alone = child.clone();
            if let Value::Object(fields) = &mut alone {
                for (name, value) in &shared {
                    fields.entry(name.clone()).or_insert_with(|| value.clone());
                }
            }
            if refusal(&alone).is_some_and(|its| reason.contains(&its) || its.contains(reason)) {
                place.push_str(&step);
                part = child.clone();
                continue 'down;
            }
        }
        return place;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fault_is_found_where_it_is() {
        let schema = json!({"properties": {"a/b": {"anyOf": [{"type": "null"}, {"bad": 1}]}}});
        let refusal = |part: &Value| part.to_string().contains("bad").then(|| "bad".to_owned());
        assert_eq!(locate(&schema, "bad", refusal), "/properties/a~1b/anyOf/1");
        assert_eq!(locate(&schema, "other", |_| None), "");
    }
}
