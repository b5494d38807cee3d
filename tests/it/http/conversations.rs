use axum::http::StatusCode;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::TestApp;

async fn create(app: &TestApp) -> String {
    let answer = app.post("/api/conversations", json!({"model": "customs-valuation"})).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    answer.json()["id"].as_str().unwrap().to_owned()
}

async fn ask(app: &TestApp, conversation: &str, model: &str, questions: &[&str], stream: bool) {
    let messages: Vec<Value> = questions.iter().map(|text| json!({"role": "user", "content": text})).collect();
    let metadata = json!({"conversation_id": conversation});
    let body = json!({"model": model, "messages": messages, "metadata": metadata, "stream": stream});
    assert_eq!(app.post("/v1/chat/completions", body).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_conversation_keeps_question_answer_and_grounds() {
    let app = TestApp::new();
    let id = create(&app).await;
    ask(&app, &id, "customs-valuation", &["Is a buying commission\npart of the customs value?"], true).await;
    assert_snapshot!(app.get(&format!("/api/conversations/{id}")).await.tidy());
}

#[tokio::test]
async fn a_bare_answer_is_kept_without_grounds() {
    let app = TestApp::new();
    let id = create(&app).await;
    ask(&app, &id, "scripted", &["Say hello"], false).await;
    let stored = app.get(&format!("/api/conversations/{id}")).await.json();
    assert_eq!(stored["model"], "scripted", "the conversation goes on with the model last used");
    assert_eq!(stored["messages"][1], json!({"role": "assistant", "content": "Hello, world."}));
}

#[tokio::test]
async fn conversations_are_listed_latest_first_with_the_first_question_as_title() {
    let app = TestApp::new();
    let (first, second) = (create(&app).await, create(&app).await);
    ask(&app, &second, "general", &["What is a bonded area?"], false).await;
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    ask(&app, &first, "general", &["Who may appeal?"], false).await;
    ask(&app, &first, "general", &["Who may appeal?", "Until when?"], false).await;
    let list = app.get("/api/conversations").await.json();
    let titles: Vec<_> = list["conversations"].as_array().unwrap().iter().map(|it| it["title"].clone()).collect();
    assert_eq!(titles, ["Who may appeal?", "What is a bonded area?"]);
}

#[tokio::test]
async fn a_conversation_is_renamed_and_deleted() {
    let app = TestApp::new();
    let id = create(&app).await;
    let path = format!("/api/conversations/{id}");
    assert_eq!(app.patch(&path, json!({"title": " 수수료 "})).await.status, StatusCode::NO_CONTENT);
    assert_eq!(app.get(&path).await.json()["title"], "수수료");
    assert_eq!(app.delete(&path).await.status, StatusCode::NO_CONTENT);
    assert_eq!(app.get(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(app.get("/api/conversations").await.json(), json!({"conversations": []}));
}

#[tokio::test]
async fn what_is_not_there_is_said_so() {
    let app = TestApp::new();
    assert_snapshot!("unknown_conversation", app.get("/api/conversations/none").await.tidy());
    assert_eq!(app.delete("/api/conversations/none").await.status, StatusCode::NOT_FOUND);
    assert_eq!(app.patch("/api/conversations/none", json!({"title": "x"})).await.status, StatusCode::NOT_FOUND);
    let untitled = app.patch("/api/conversations/none", json!({"title": " "})).await;
    assert_snapshot!("empty_title", untitled.tidy());
    assert_eq!(app.post("/api/conversations", json!({"model": "x"})).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_document_is_shown_whole() {
    let app = TestApp::new();
    assert_snapshot!("document", app.get("/api/documents/valuation-021-ko").await.tidy());
    assert_snapshot!("unknown_document", app.get("/api/documents/none").await.tidy());
}
