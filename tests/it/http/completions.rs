use axum::http::StatusCode;
use haetae::engine::Prompt;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::TestApp;

const PATH: &str = "/v1/completions";

fn body(fields: Value) -> Value {
    let mut body = json!({"model": "scripted", "prompt": "Once upon"});
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

#[tokio::test]
async fn raw_text_is_continued_by_at_most_16_tokens() {
    let app = TestApp::new();
    assert_snapshot!(app.post(PATH, body(json!({}))).await.tidy());
    let request = app.engine.requests().remove(0);
    assert_eq!(request.prompt, Prompt::Text("Once upon".into()));
    assert_eq!(request.max_tokens, Some(16));
}

#[tokio::test]
async fn a_continuation_streams() {
    let fields = json!({"stream": true, "stream_options": {"include_usage": true}, "max_tokens": 2});
    assert_snapshot!(TestApp::new().post(PATH, body(fields)).await.tidy());
}

#[tokio::test]
async fn answers_to_several_prompts_are_numbered_prompt_by_prompt() {
    let app = TestApp::new();
    let answer = app.post(PATH, body(json!({"prompt": ["One", "Two or three"], "n": 2}))).await.json();
    let prompts: Vec<_> = app.engine.requests().into_iter().map(|request| request.prompt).collect();
    let text = |text: &str| Prompt::Text(text.into());
    assert_eq!(prompts, [text("One"), text("One"), text("Two or three"), text("Two or three")]);
    assert_eq!(answer["choices"][3]["index"], 3);
    assert_eq!(answer["usage"]["prompt_tokens"], 4, "each prompt is counted once");
    assert_eq!(answer["usage"]["completion_tokens"], 16);
}

#[tokio::test]
async fn log_probabilities_have_the_older_shape_whole_and_streamed() {
    let app = TestApp::new();
    let whole = app.post(PATH, body(json!({"logprobs": 2}))).await.json();
    assert_snapshot!(serde_json::to_string_pretty(&whole["choices"][0]["logprobs"]).unwrap());
    let chunks = app.post(PATH, body(json!({"logprobs": 2, "stream": true}))).await.chunks();
    let offsets: Vec<Value> =
        chunks[..4].iter().map(|chunk| chunk["choices"][0]["logprobs"]["text_offset"][0].clone()).collect();
    assert_eq!(json!(offsets), whole["choices"][0]["logprobs"]["text_offset"]);
}

#[tokio::test]
async fn every_complaint_names_its_field() {
    let app = TestApp::new();
    let mut complaints = String::new();
    for fields in [
        json!({"model": "general"}),
        json!({"model": "gpt-9"}),
        json!({"prompt": []}),
        json!({"prompt": [1, 2]}),
        json!({"prompt": {"text": 1}}),
        json!({"prompt": null}),
        json!({"echo": true}),
        json!({"suffix": "end"}),
        json!({"best_of": 2}),
        json!({"logprobs": 6}),
        json!({"n": 5, "prompt": ["a", "b"]}),
        json!({"prompt": "word ".repeat(200)}),
    ] {
        let answer = app.post(PATH, body(fields)).await;
        assert_ne!(answer.status, StatusCode::OK);
        let error = answer.json()["error"].take();
        let (code, param) = (error["code"].as_str().unwrap(), error["param"].as_str().unwrap_or("-"));
        let message = error["message"].as_str().unwrap();
        complaints += &format!("{} {code} {param}\n    {message}\n", answer.status.as_u16());
    }
    assert_snapshot!(complaints);
}
