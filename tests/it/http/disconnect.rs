//! Clients that go away.

use std::time::Duration;

use futures::StreamExt;
use serde_json::json;
use tower::ServiceExt;

use crate::support::{Script, TestApp, json_request};

fn slow() -> TestApp {
    let tokens = vec!["word "; 1000];
    TestApp::scripted(Script { tokens, delay: Duration::from_millis(10), ..Script::default() })
}

#[tokio::test]
async fn a_stream_that_is_dropped_cancels_every_answer_and_keeps_what_was_shown() {
    let app = slow();
    let id = app.post("/api/conversations", json!({"model": "scripted"})).await.json()["id"].clone();
    let body = json!({
        "model": "scripted", "stream": true, "n": 3, "metadata": {"conversation_id": id},
        "messages": [{"role": "user", "content": "Go on for ever"}],
    });
    let response = app.router.clone().oneshot(json_request("POST", "/v1/chat/completions", &body)).await.unwrap();
    let mut frames = response.into_body().into_data_stream();
    for _ in 0..12 {
        frames.next().await.unwrap().unwrap();
    }
    drop(frames);
    app.engine.wait_for_cancelled(3).await;

    let path = format!("/api/conversations/{}", id.as_str().unwrap());
    for _ in 0..100 {
        let stored = app.get(&path).await.json();
        if let Some(answer) = stored["messages"].get(1) {
            assert!(answer["content"].as_str().unwrap().starts_with("word "));
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the stopped answer was not kept");
}

#[tokio::test]
async fn a_whole_answer_that_nobody_waits_for_is_cancelled() {
    let app = slow();
    let body = json!({"model": "scripted", "messages": [{"role": "user", "content": "Go on for ever"}]});
    let request = app.router.clone().oneshot(json_request("POST", "/v1/chat/completions", &body));
    assert!(tokio::time::timeout(Duration::from_millis(100), request).await.is_err());
    app.engine.wait_for_cancelled(1).await;
}

#[tokio::test]
async fn an_aborted_answer_is_counted_as_such() {
    let app = slow();
    let body = json!({"model": "scripted", "stream": true, "messages": [{"role": "user", "content": "Go on"}]});
    drop(app.router.clone().oneshot(json_request("POST", "/v1/chat/completions", &body)).await.unwrap());
    app.engine.wait_for_cancelled(1).await;
    let metrics = app.get("/metrics").await.body;
    assert!(metrics.contains("haetae_request_success_total{finished_reason=\"abort\"} 1"), "{metrics}");
}
