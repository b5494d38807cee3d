//! Errors that any route can give.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use haetae::chat::{self, Event};
use haetae::engine::Error;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{Answer, Script, TestApp};

const PATH: &str = "/v1/chat/completions";

fn question() -> Value {
    json!({"model": "scripted", "messages": [{"role": "user", "content": "Say hello"}]})
}

async fn post_text(app: &TestApp, kind: &str, text: impl Into<Body>) -> Answer {
    app.send(Request::post(PATH).header("content-type", kind).body(text.into()).unwrap()).await
}

/// What a client is told when the engine refuses.
async fn refused(refusal: Error) -> Answer {
    TestApp::scripted(Script { refusal: Some(refusal), ..Script::default() }).post(PATH, question()).await
}

#[tokio::test]
async fn malformed_json_is_located() {
    let app = TestApp::new();
    assert_snapshot!("malformed_json", post_text(&app, "application/json", "{\n  \"model\": }").await.tidy());
    assert_snapshot!("no_json_object", post_text(&app, "application/json", "[]").await.tidy());
    assert_eq!(post_text(&app, "application/json; charset=utf-8", "").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn another_content_type_is_refused() {
    assert_snapshot!(post_text(&TestApp::new(), "text/plain", question().to_string()).await.tidy());
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_with_the_limit() {
    let answer = post_text(&TestApp::new(), "application/json", vec![b' '; 4 * 1024 * 1024 + 1]).await;
    assert_snapshot!(answer.tidy());
}

#[tokio::test]
async fn unknown_routes_and_wrong_methods_get_the_envelope_too() {
    let app = TestApp::new();
    assert_snapshot!("unknown_route", app.get("/v1/images?prompt=secret").await.tidy());
    let wrong = app.get(PATH).await;
    assert_eq!(wrong.headers["allow"], "POST");
    assert_snapshot!("wrong_method", wrong.tidy());
}

#[tokio::test]
async fn a_prompt_over_the_context_gives_limit_and_length() {
    let mut body = question();
    body["messages"][0]["content"] = "word ".repeat(500).into();
    assert_snapshot!(TestApp::new().post(PATH, body).await.tidy());
}

#[tokio::test]
async fn a_full_queue_says_when_to_come_back() {
    let answer = refused(Error::QueueFull { waiting: 64, limit: 64 }).await;
    assert_eq!(answer.headers["retry-after"], "2");
    assert_snapshot!(answer.tidy());
}

#[tokio::test]
async fn a_template_that_rejects_the_messages_is_the_clients_business() {
    let error = Error::Template { model: "scripted".into(), reason: "roles must alternate".into() };
    assert_snapshot!(refused(error).await.tidy());
}

#[tokio::test]
async fn failures_of_ours_say_no_more_than_the_request_id() {
    assert_snapshot!("failure_internal", refused(Error::Forward { reason: "secret".into() }).await.tidy());
    let remote = Error::Remote { url: "http://10.0.0.1/v1".into(), reason: "secret".into() };
    assert_snapshot!("failure_remote", refused(remote).await.tidy());
    assert_snapshot!("failure_stopped", refused(Error::Stopped).await.tidy());
    assert_snapshot!("failure_document", TestApp::new().get("/api/documents/broken").await.tidy());
}

#[tokio::test]
async fn the_request_id_is_the_clients_own_where_it_is_reasonable() {
    let app = TestApp::new();
    let get = |id: &str| Request::get("/api/documents/broken").header("x-request-id", id).body(Body::empty()).unwrap();
    let own = app.send(get("trace-7")).await;
    assert_eq!(own.headers["x-request-id"], "trace-7");
    assert!(own.body.contains("trace-7"));
    let long = app.send(get(&"x".repeat(65))).await;
    assert_eq!(long.headers["x-request-id"].len(), 36);
}

#[tokio::test]
async fn a_failure_before_the_end_fails_a_whole_answer() {
    let failure = Some(Error::Forward { reason: "secret".into() });
    let app = TestApp::scripted(Script { failure, ..Script::default() });
    assert_eq!(app.post(PATH, question()).await.status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn a_failure_in_a_stream_is_its_last_event() {
    let failure = Some(Error::Forward { reason: "secret".into() });
    let app = TestApp::scripted(Script { tokens: vec!["Hel"], failure, ..Script::default() });
    let mut body = question();
    body["stream"] = true.into();
    assert_snapshot!(app.post(PATH, body).await.tidy());
}

#[tokio::test]
async fn an_answer_that_ends_without_a_word_is_an_error() {
    let body = json!({"model": "general", "messages": [{"role": "user", "content": "Hi"}]});
    let silent = TestApp::grounded(Vec::new).post(PATH, body.clone()).await;
    assert_eq!(silent.status, StatusCode::SERVICE_UNAVAILABLE);
    let app = TestApp::grounded(|| vec![Event::Failed(chat::Error::NoQuestion)]);
    assert_snapshot!(app.post(PATH, body).await.tidy());
}
