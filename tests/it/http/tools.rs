//! Forms of answers and tool calls on the wire; what the engine does with them is its own tests' business.

use axum::http::StatusCode;
use haetae::engine::{Constraint, Error, Message, Part, Prompt, Role, Tool, ToolCall, ToolChoice, Tools};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{Script, TestApp};

const PATH: &str = "/v1/chat/completions";

/// Two calls after a word, in tokens that split them awkwardly.
fn calling() -> TestApp {
    let tokens = vec![
        "I look. ",
        "\n<tool",
        "_call>\n{\"name\": \"ra",
        "te\", \"arguments\": {\"code\": ",
        "\"0901\"}",
        "}\n</tool_call>\n<tool_call>\n{\"name\": \"today\", \"arguments\": {}}",
        "\n</tool_call>",
    ];
    TestApp::scripted(Script { tokens, ..Script::default() })
}

fn tools() -> Value {
    json!([
        {"type": "function", "function": {"name": "rate", "description": "Duty rate", "parameters": {"type": "object"}}},
        {"type": "function", "function": {"name": "today"}},
    ])
}

fn asked(fields: Value) -> Value {
    let mut body = json!({
        "model": "scripted",
        "messages": [{"role": "user", "content": "Which rate?"}],
        "tools": tools(),
    });
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

/// With ids replaced.
fn tidy(text: &str) -> String {
    regex::Regex::new("call_[0-9a-f]{24}").unwrap().replace_all(text, "call_ID").into_owned()
}

#[tokio::test]
async fn calls_come_whole() {
    let answer = calling().post(PATH, asked(json!({}))).await;
    assert_snapshot!(tidy(&answer.tidy()));
}

#[tokio::test]
async fn calls_stream_in_openais_form() {
    let answer = calling().post(PATH, asked(json!({"stream": true}))).await;
    assert_snapshot!(tidy(&answer.tidy()));
}

#[tokio::test]
async fn a_choice_of_none_leaves_the_text_alone() {
    let app = calling();
    let answer = app.post(PATH, asked(json!({"tool_choice": "none"}))).await.json();
    assert!(answer["choices"][0]["message"]["content"].as_str().unwrap().contains("<tool_call>"));
    assert!(!app.engine.requests().remove(0).tools.unwrap().are_offered());
}

#[tokio::test]
async fn tools_calls_and_results_reach_the_engine() {
    let app = calling();
    let call = json!({"id": "call_1", "type": "function", "function": {"name": "rate", "arguments": "{}"}});
    let messages = json!([
        {"role": "user", "content": "Which rate?"},
        {"role": "assistant", "content": null, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "8 %"},
    ]);
    let named = json!({"type": "function", "function": {"name": "today"}});
    let fields = json!({"messages": messages, "tool_choice": named, "parallel_tool_calls": false});
    assert_eq!(app.post(PATH, asked(fields)).await.status, StatusCode::OK);
    let request = app.engine.requests().remove(0);
    let call = ToolCall { id: "call_1".into(), name: "rate".into(), arguments: "{}".into() };
    let expected = Prompt::Chat(vec![
        Message::user("Which rate?"),
        Message { tool_calls: vec![call], ..Message::assistant("") },
        Message { tool_call_id: Some("call_1".into()), ..Message::new(Role::Tool, "8 %") },
    ]);
    assert_eq!(request.prompt, expected);
    let rate = Tool {
        name: "rate".into(),
        description: Some("Duty rate".into()),
        parameters: Some(json!({"type": "object"})),
    };
    let today = Tool { name: "today".into(), description: None, parameters: None };
    let choice = ToolChoice::Named("today".into());
    assert_eq!(request.tools, Some(Tools { list: vec![rate, today], choice, parallel: false, unbound: false }));
}

#[tokio::test]
async fn the_form_of_an_answer_reaches_the_engine() {
    let app = TestApp::new();
    let schema = json!({"type": "object", "properties": {"z": {}, "a": {}}});
    let format = json!({"type": "json_schema", "json_schema": {"name": "n", "strict": true, "schema": schema}});
    app.post(PATH, asked(json!({"tools": [], "response_format": format}))).await;
    app.post("/v1/completions", json!({"model": "scripted", "prompt": "a", "guided_regex": "a+"})).await;
    let constraints: Vec<_> = app.engine.requests().into_iter().map(|request| request.constraint.unwrap()).collect();
    assert_eq!(constraints, [Constraint::JsonSchema(schema), Constraint::Regex("a+".into())]);
}

#[tokio::test]
async fn a_schema_that_cannot_be_held_to_is_refused_with_its_field_and_place() {
    let refused = |part| Script {
        refusal: Some(Error::BadConstraint { part, place: "/properties/a".into(), reason: "unknown type".into() }),
        ..Script::default()
    };
    let mut told = String::new();
    for (part, fields) in [
        (Part::Answer, json!({"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}})),
        (Part::Answer, json!({"structured_outputs": {"json": {}}})),
        (Part::Tool(1), json!({})),
    ] {
        let answer = TestApp::scripted(refused(part)).post(PATH, asked(fields)).await;
        told += &format!("{}\n", answer.tidy());
    }
    assert_snapshot!(told);
}
