use axum::http::StatusCode;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::TestApp;

const PATH: &str = "/v1/embeddings";

fn body(fields: Value) -> Value {
    let mut body = json!({"model": "letter-counts", "input": "three"});
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

#[tokio::test]
async fn texts_become_vectors_in_their_order() {
    assert_snapshot!(TestApp::new().post(PATH, body(json!({"input": ["three", "six"], "dimensions": 2}))).await.tidy());
}

#[tokio::test]
async fn base64_holds_little_endian_floats() {
    let answer = TestApp::new().post(PATH, body(json!({"encoding_format": "base64"}))).await.json();
    // Python: base64.b64encode(struct.pack("<2f", 5, 0))
    assert_eq!(answer["data"][0]["embedding"], "AACgQAAAAAA=");
}

#[tokio::test]
async fn a_query_is_embedded_as_one() {
    let answer = TestApp::new().post(PATH, body(json!({"input_type": "query"}))).await.json();
    assert_eq!(answer["data"][0]["embedding"], json!([5.0, 1.0]));
}

#[tokio::test]
async fn one_request_too_many_is_told_to_come_back() {
    let app = TestApp::new();
    let requests = (0..9).map(|_| app.post(PATH, body(json!({"input": "slow"}))));
    let answers = futures::future::join_all(requests).await;
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status != StatusCode::OK).collect();
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].headers["retry-after"], "2");
    assert_snapshot!(refused[0].tidy());
}

#[tokio::test]
async fn every_complaint_names_its_field() {
    let app = TestApp::new();
    let mut complaints = String::new();
    for fields in [
        json!({"model": "scripted"}),
        json!({"input": []}),
        json!({"input": ""}),
        json!({"input": ["a", ""]}),
        json!({"input": [1, 2]}),
        json!({"input": [[1, 2]]}),
        json!({"input": {"text": "a"}}),
        json!({"input": vec!["a"; 2049]}),
        json!({"input": ["a", "one two three four five six"]}),
        json!({"dimensions": 3}),
        json!({"encoding_format": "hex"}),
        json!({"input_type": "title"}),
    ] {
        let answer = app.post(PATH, body(fields)).await;
        let error = answer.json()["error"].take();
        let (code, param) = (error["code"].as_str().unwrap(), error["param"].as_str().unwrap_or("-"));
        let message = error["message"].as_str().unwrap();
        complaints += &format!("{} {code} {param}\n    {message}\n", answer.status.as_u16());
    }
    assert_snapshot!(complaints);
}
