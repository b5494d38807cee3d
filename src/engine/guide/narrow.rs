//! Schemas said in other words where the grammar has none for theirs: every value of the new schema is one of the old.
//! What cannot be said so stays, and is refused by the grammar. Nothing a client may expect is made impossible: where only
//! that would help, refusing is better.
//!
//! - `oneOf`: each option with what sets it apart from every other, a type, a constant, or a property that the other
//!   requires and this one then may not have.
//! - `dependencies`: a property is absent, or there with what it asks for.
//! - `not` of required properties: one of them is absent.
//! - `minProperties`: as many of the declared properties are required.
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
/// Dependencies of one schema that are spelled out.
const MAX_DEPENDENCIES: usize = 4;
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
    meet_dependencies(fields);
    leave_out_one(fields);
    require_enough(fields);
    if let Some(Value::Array(options)) = fields.get("oneOf")
        && let Some(apart) = set_apart(options, root, is_object(fields))
    {
        fields.remove("oneOf");
        also(fields, json!({"anyOf": apart}));
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

fn meet_dependencies(fields: &mut Map<String, Value>) {
    for keyword in ["dependencies", "dependentRequired", "dependentSchemas"] {
        let Some(Value::Object(dependencies)) = fields.get(keyword) else { continue };
        let met: Option<Vec<Value>> = dependencies
            .iter()
            .map(|(name, asked)| match asked {
                Value::Array(names) => Some((name, json!({"required": names}))),
                // The form of JSON Schema's third draft.
                Value::String(other) => Some((name, json!({"required": [other]}))),
                Value::Object(_) => Some((name, asked.clone())),
                _ => None,
            })
            .map(|asked| asked.map(|(name, asked)| absent_or(name, &asked)))
            .collect();
        // Each doubles the ways an object can be.
        if let Some(met) = met.filter(|met| met.len() <= MAX_DEPENDENCIES) {
            fields.remove(keyword);
            met.into_iter().for_each(|condition| also(fields, condition));
        }
    }
}

fn absent_or(name: &str, asked: &Value) -> Value {
    json!({"anyOf": [absent(name), {"allOf": [{"required": [name]}, asked]}]})
}

fn absent(name: &str) -> Value {
    json!({"properties": {name: false}})
}

fn leave_out_one(fields: &mut Map<String, Value>) {
    let Some(Value::Object(denied)) = fields.get("not") else { return };
    let only_names = denied.iter().all(|(keyword, value)| {
        keyword == "required" || (keyword == "type" && value == "object") || keyword == "description"
    });
    // A value that is no object has no required properties to lack.
    let applies = only_names && is_object(fields);
    let Some(Value::Array(names)) = denied.get("required").filter(|_| applies) else { return };
    let options: Option<Vec<Value>> = names.iter().map(|name| name.as_str().map(absent)).collect();
    if let Some(options) = options.filter(|options| !options.is_empty()) {
        fields.remove("not");
        also(fields, json!({"anyOf": options}));
    }
}

/// Where no properties are declared, the grammar counts them itself.
fn require_enough(fields: &mut Map<String, Value>) {
    let (Some(least), Some(Value::Object(declared))) =
        (fields.get("minProperties").and_then(Value::as_u64), fields.get("properties"))
    else {
        return;
    };
    let mut names: Vec<&str> =
        fields.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    for name in declared.keys() {
        if (names.len() as u64) < least && !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    if names.len() as u64 >= least {
        let names = json!(names);
        fields.remove("minProperties");
        fields.insert("required".into(), names);
    }
}

/// The options of a `oneOf`, each with what sets it apart from the others; `None` where something is not. `of_object`:
/// only objects come to be judged.
fn set_apart(options: &[Value], root: &Value, of_object: bool) -> Option<Vec<Value>> {
    let mut apart = Vec::new();
    for (index, option) in options.iter().enumerate() {
        let (mut denied, mut demanded) = (BTreeSet::new(), BTreeSet::new());
        for (_, other) in options.iter().enumerate().filter(|(its, _)| *its != index) {
            if are_disjoint(option, other, root, of_object, DEPTH) {
                continue;
            }
            let own = required(option, root);
            match required(other, root).into_iter().find(|name| !own.contains(name)) {
                Some(name) => denied.insert(name),
                // An object without that property matches both, so that nothing is lost where it must be there.
                None => demanded.insert(told_apart_by(option, other, root)?),
            };
        }
        apart.push(if denied.is_empty() && demanded.is_empty() {
            option.clone()
        } else {
            let denied: Map<String, Value> = denied.into_iter().map(|name| (name, Value::Bool(false))).collect();
            json!({"allOf": [option, {"type": "object", "properties": denied, "required": demanded}]})
        });
    }
    Some(apart)
}

/// A property whose value matches one of them at most.
fn told_apart_by(one: &Value, other: &Value, root: &Value) -> Option<String> {
    let (one, other) = (resolved(one, root), resolved(other, root));
    let declared = one.get("properties")?.as_object()?;
    let found = declared.iter().find(|(name, in_one)| {
        let in_other = other.get("properties").and_then(|properties| properties.get(name.as_str()));
        in_other.is_some_and(|in_other| are_disjoint(in_one, in_other, root, false, DEPTH))
    });
    found.map(|(name, _)| name.clone())
}

fn is_object(fields: &Map<String, Value>) -> bool {
    fields.get("type").is_some_and(|kind| kind == "object")
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
fn are_disjoint(one: &Value, other: &Value, root: &Value, of_object: bool, depth: usize) -> bool {
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
    let is_only = |schema: &Value, kind| kinds(schema).is_some_and(|kinds| kinds == BTreeSet::from([kind]));
    // One of them is enough: then only such a value can match both.
    let both_are = |kind| is_only(one, kind) || is_only(other, kind);
    let exceeds = |more: &Value, less: &Value| {
        let (least, most) =
            (more.get("minItems").and_then(Value::as_u64), less.get("maxItems").and_then(Value::as_u64));
        least.zip(most).is_some_and(|(least, most)| least > most)
    };
    if both_are("array") && (exceeds(one, other) || exceeds(other, one)) {
        return true;
    }
    if depth == 0 || !(of_object || both_are("object")) {
        return false;
    }
    let needed: BTreeSet<String> = required(one, root).union(&required(other, root)).cloned().collect();
    needed.iter().any(|name| match (one["properties"].get(name), other["properties"].get(name)) {
        (Some(in_one), Some(in_other)) => are_disjoint(in_one, in_other, root, false, depth - 1),
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
    fn a_property_that_tells_options_apart_is_demanded_and_lists_are_told_by_their_length() {
        let shape = |name: &str| json!({"properties": {"shape": {"enum": [name]}}});
        let shapes = json!({"type": "object", "oneOf": [shape("square"), shape("circle")]});
        assert_narrower(&shapes, &[json!({"shape": "square"})], &[json!({}), json!({"shape": "cube"})]);
        assert!(narrowed(shapes).get("oneOf").is_none());
        let lists = json!({"oneOf": [{"type": "array", "maxItems": 0}, {"type": "array", "minItems": 1}]});
        assert!(narrowed(lists).get("oneOf").is_none());
    }

    #[test]
    fn options_that_nothing_sets_apart_stay() {
        for options in [
            json!([{"type": "number"}, {"type": "integer"}, {"type": "null"}]),
            json!([{"type": "string", "maxLength": 3}, {"type": "string", "minLength": 2}]),
            json!([{"type": "object", "required": ["a"]}, {"type": "object", "required": ["a", "b"]}]),
        ] {
            let schema = json!({"oneOf": options});
            assert_eq!(narrowed(schema.clone()), schema);
        }
    }

    #[test]
    fn what_a_property_depends_on_is_there_with_it() {
        for asked in [json!(["b"]), json!({"required": ["b"]})] {
            let schema = json!({"type": "object", "dependencies": {"a": asked}});
            assert_narrower(&schema, &[json!({"a": 1, "b": 2}), json!({"b": 1}), json!({})], &[json!({"a": 1})]);
            assert!(narrowed(schema).get("dependencies").is_none());
        }
    }

    #[test]
    fn properties_that_may_not_be_together_are_not() {
        let schema = json!({"type": "object", "not": {"required": ["a", "b"]}});
        assert_narrower(&schema, &[json!({"a": 1}), json!({"b": 1}), json!({})], &[json!({"a": 1, "b": 2})]);
        assert!(narrowed(schema).get("not").is_none());
        let other = json!({"type": "object", "not": {"properties": {"a": {"const": 1}}}});
        assert_eq!(narrowed(other.clone()), other);
    }

    #[test]
    fn enough_of_the_declared_properties_are_required() {
        let schema = json!({"minProperties": 2, "properties": {"a": {}, "b": {}, "c": {}}, "required": ["c"]});
        assert_eq!(narrowed(schema)["required"], json!(["c", "a"]));
        let map = json!({"minProperties": 1, "additionalProperties": {"type": "string"}});
        assert_eq!(narrowed(map.clone()), map);
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
