//! Schemas made narrower where the grammar has no word for them: every value of the new schema is one of the old. What
//! cannot be made so stays, and is refused by the grammar.
//!
//! - `oneOf`: an option is kept with what sets it apart from each other one, a type, a constant, or a property that the
//!   other requires and this one then may not have; an option that nothing sets apart is left out.
//! - `dependencies` on names: what a property depends on is always there.
//! - Formats beside the checked ones: the plainest spelling of each, or none where validators do not know it either.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::grammar::children_mut;

/// Formats that the grammar has a word for.
const CHECKED: [&str; 10] =
    ["date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "time", "uri", "uuid"];
/// Formats that validators check, as others or as patterns.
const SPELLED: [(&str, &str, &str); 10] = [
    ("idn-email", "format", "email"),
    ("idn-hostname", "format", "hostname"),
    ("iri", "format", "uri"),
    ("uri-reference", "pattern", "^[A-Za-z0-9_./-]{1,60}$"),
    ("iri-reference", "pattern", "^[A-Za-z0-9_./-]{1,60}$"),
    ("uri-template", "pattern", "^[A-Za-z0-9_./-]{1,60}$"),
    ("json-pointer", "pattern", "^(/[A-Za-z0-9_-]{1,20}){0,6}$"),
    ("relative-json-pointer", "pattern", "^[0-9](/[A-Za-z0-9_-]{1,20}){0,6}$"),
    ("regex", "pattern", "^[A-Za-z0-9 _-]{1,60}$"),
    ("color", "pattern", "^#[0-9a-f]{6}$"),
];
/// Depth to which two options are compared.
const DEPTH: usize = 4;

/// Narrows `schema` in all its parts.
pub fn narrow(schema: &mut Value) {
    let root = schema.clone();
    narrow_in(schema, &root);
}

fn narrow_in(schema: &mut Value, root: &Value) {
    for (_, child) in children_mut(schema) {
        narrow_in(child, root);
    }
    let Value::Object(fields) = schema else { return };
    spell_format(fields);
    require_dependencies(fields);
    if let Some(Value::Array(options)) = fields.get("oneOf") {
        let kept = set_apart(options, root);
        if !kept.is_empty() {
            fields.remove("oneOf");
            also(fields, json!({"anyOf": kept}));
        }
    }
}

/// Adds a condition, whatever the schema says already.
fn also(fields: &mut Map<String, Value>, condition: Value) {
    if let Value::Array(all) = fields.entry("allOf").or_insert_with(|| json!([])) {
        all.push(condition);
    }
}

/// A property that is called `format` is no keyword, and never comes here.
fn spell_format(fields: &mut Map<String, Value>) {
    let Some(format) = fields.get("format").and_then(Value::as_str) else { return };
    if CHECKED.contains(&format) {
        return;
    }
    let spelled = SPELLED.iter().find(|(name, ..)| *name == format);
    fields.remove("format");
    if let Some((_, keyword, value)) = spelled {
        // Only texts have a format.
        let is_text = fields.get("type").is_some_and(|kind| kind == "string");
        if is_text {
            also(fields, json!({"type": "string", *keyword: value}));
        }
    }
}

fn require_dependencies(fields: &mut Map<String, Value>) {
    for keyword in ["dependencies", "dependentRequired"] {
        let Some(Value::Object(dependencies)) = fields.get(keyword) else { continue };
        let names: Option<Vec<Value>> = dependencies
            .values()
            .map(|names| match names {
                Value::Array(names) => Some(names.clone()),
                // The form of JSON Schema's third draft.
                Value::String(name) => Some(vec![name.as_str().into()]),
                _ => None,
            })
            .collect::<Option<Vec<_>>>()
            .map(|lists| lists.concat());
        if let Some(names) = names {
            fields.remove(keyword);
            also(fields, json!({"required": names}));
        }
    }
}

/// The options of a `oneOf` of which a value can match only one.
fn set_apart(options: &[Value], root: &Value) -> Vec<Value> {
    let mut kept = Vec::new();
    'options: for (index, option) in options.iter().enumerate() {
        let mut absent = BTreeSet::new();
        for (_, other) in options.iter().enumerate().filter(|(its, _)| *its != index) {
            if are_disjoint(option, other, root, DEPTH) {
                continue;
            }
            let own = required(option, root);
            match required(other, root).into_iter().find(|name| !own.contains(name)) {
                Some(name) => absent.insert(name),
                None => continue 'options,
            };
        }
        if absent.is_empty() {
            kept.push(option.clone());
        } else {
            let absent: Map<String, Value> = absent.into_iter().map(|name| (name, Value::Bool(false))).collect();
            kept.push(json!({"allOf": [option, {"type": "object", "properties": absent}]}));
        }
    }
    kept
}

/// What a reference within the document stands for; itself where it is none.
fn resolved<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    let mut at = schema;
    for _ in 0..DEPTH {
        let target = at.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#'));
        match target.and_then(|pointer| root.pointer(pointer)) {
            Some(found) => at = found,
            None => return at,
        }
    }
    at
}

/// Properties that a value cannot lack, if it is an object.
fn required(schema: &Value, root: &Value) -> BTreeSet<String> {
    let schema = resolved(schema, root);
    let own = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    let mut names: BTreeSet<String> = own.filter_map(|name| name.as_str().map(str::to_owned)).collect();
    for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        let part = resolved(part, root);
        let own = part.get("required").and_then(Value::as_array).into_iter().flatten();
        names.extend(own.filter_map(|name| name.as_str().map(str::to_owned)));
    }
    names
}

/// Whether no value can match both; `false` where that is not known.
fn are_disjoint(one: &Value, other: &Value, root: &Value, depth: usize) -> bool {
    let (one, other) = (resolved(one, root), resolved(other, root));
    if let (Some(of_one), Some(of_other)) = (kinds(one), kinds(other))
        && of_one.is_disjoint(&of_other)
    {
        return true;
    }
    if let (Some(of_one), Some(of_other)) = (values(one), values(other))
        && of_one.iter().all(|value| !of_other.contains(value))
    {
        return true;
    }
    let is_object = |schema: &Value| kinds(schema).is_some_and(|kinds| kinds == BTreeSet::from(["object"]));
    // One of them is enough: then both can only be matched by an object.
    if depth == 0 || !(is_object(one) || is_object(other)) {
        return false;
    }
    let needed: BTreeSet<String> = required(one, root).union(&required(other, root)).cloned().collect();
    needed.iter().any(|name| match (one["properties"].get(name), other["properties"].get(name)) {
        (Some(in_one), Some(in_other)) => are_disjoint(in_one, in_other, root, depth - 1),
        (None, _) => lacks(one),
        (_, None) => lacks(other),
    })
}

/// Whether an object of this schema has no properties but the declared ones.
fn lacks(schema: &Value) -> bool {
    schema.get("additionalProperties") == Some(&Value::Bool(false)) && schema.get("patternProperties").is_none()
}

/// The types a value can have, `None` for any. Whole numbers are numbers.
fn kinds(schema: &Value) -> Option<BTreeSet<&str>> {
    let name = |kind: &'_ str| match kind {
        "integer" => "number",
        "string" => "string",
        "number" => "number",
        "boolean" => "boolean",
        "object" => "object",
        "array" => "array",
        _ => "null",
    };
    match schema.get("type") {
        Some(Value::String(kind)) => Some(BTreeSet::from([name(kind)])),
        Some(Value::Array(kinds)) => Some(kinds.iter().filter_map(Value::as_str).map(name).collect()),
        _ => Some(values(schema)?.into_iter().map(kind_of).collect()),
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The values that are all there are.
fn values(schema: &Value) -> Option<Vec<&Value>> {
    match (schema.get("const"), schema.get("enum")) {
        (Some(value), _) => Some(vec![value]),
        (None, Some(Value::Array(values))) => Some(values.iter().collect()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn narrowed(mut schema: Value) -> Value {
        narrow(&mut schema);
        schema
    }

    /// A value passes the narrow schema only if it passes the wide one; `passing` ones pass both.
    fn assert_narrower(schema: &Value, passing: &[Value], failing: &[Value]) {
        let narrow = narrowed(schema.clone());
        let (wide, narrow) = (jsonschema::validator_for(schema).unwrap(), jsonschema::validator_for(&narrow).unwrap());
        for value in passing {
            assert!(wide.is_valid(value) && narrow.is_valid(value), "{schema}: {value}");
        }
        for value in failing {
            assert!(!wide.is_valid(value) && !narrow.is_valid(value), "{schema}: {value}");
        }
    }

    #[test]
    fn options_are_set_apart_by_type_constant_and_required_property() {
        let kinds = json!({"oneOf": [{"type": "string"}, {"type": "integer"}]});
        assert_narrower(&kinds, &[json!("a"), json!(1)], &[json!(null)]);
        let tagged = json!({"oneOf": [{"$ref": "#/definitions/a"}, {"$ref": "#/definitions/b"}], "definitions": {
            "a": {"type": "object", "properties": {"kind": {"const": "a"}}, "required": ["kind"]},
            "b": {"type": "object", "properties": {"kind": {"enum": ["b", "c"]}}, "required": ["kind"]},
        }});
        assert_narrower(&tagged, &[json!({"kind": "a"}), json!({"kind": "c"})], &[json!({"kind": "d"})]);
        let either = json!({"oneOf": [{"required": ["a"]}, {"required": ["b"]}]});
        assert_narrower(&either, &[json!({"a": 1}), json!({"b": 1})], &[json!({"a": 1, "b": 1}), json!({})]);
        let closed = json!({"oneOf": [
            {"type": "object", "properties": {"a": {}}, "additionalProperties": false},
            {"type": "object", "properties": {"a": {}, "b": {}}, "required": ["b"]},
        ]});
        assert_narrower(&closed, &[json!({"a": 1}), json!({"b": 1})], &[json!(1)]);
    }

    #[test]
    fn an_option_that_nothing_sets_apart_is_left_out_or_all_stay() {
        let number = json!({"oneOf": [{"type": "number"}, {"type": "integer"}, {"type": "null"}]});
        assert_narrower(&number, &[json!(null)], &[json!(1), json!("a")]);
        let same = json!({"oneOf": [{"type": "string", "maxLength": 3}, {"type": "string", "minLength": 2}]});
        assert_eq!(narrowed(same.clone()), same);
    }

    #[test]
    fn what_a_property_depends_on_is_always_there() {
        let schema = json!({"type": "object", "dependencies": {"a": ["b"]}});
        assert_narrower(&schema, &[json!({"a": 1, "b": 2}), json!({"b": 1})], &[json!({"a": 1})]);
        let nested = json!({"dependencies": {"a": {"required": ["b"]}}});
        assert_eq!(narrowed(nested.clone()), nested, "a schema there is not ours to understand");
    }

    #[test]
    fn formats_are_spelled_or_dropped_and_a_property_of_that_name_is_none() {
        let schema = json!({"format": "x-custom", "properties": {"format": {"type": "string", "format": "date"}}});
        let expected = json!({"properties": {"format": {"type": "string", "format": "date"}}});
        assert_eq!(narrowed(schema), expected);
        let schema = narrowed(json!({"type": "string", "format": "regex"}));
        assert_eq!(schema["allOf"][0]["pattern"], "^[A-Za-z0-9 _-]{1,60}$");
    }
}
