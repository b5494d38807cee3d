use axum::body::Body;
use axum::http::{Request, StatusCode};
use haetae::access::{Access, Grant};
use haetae::config::{ApiKey, Secret};
use insta::assert_snapshot;
use serde_json::json;

use crate::support::{Answer, TestApp, json_request};

async fn get_with(app: &TestApp, path: &str, authorization: &str) -> Answer {
    app.send(Request::get(path).header("authorization", authorization).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn without_keys_nobody_is_asked_for_one() {
    assert_eq!(TestApp::new().get("/v1/models").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_missing_key_and_an_unknown_one_are_told_apart() {
    let app = TestApp::locked(&["alpha", "beta"]);
    let missing = app.get("/v1/models").await;
    assert_eq!(missing.headers["www-authenticate"], "Bearer");
    assert_snapshot!("missing_key", missing.tidy());
    assert_snapshot!("unknown_key", get_with(&app, "/v1/models", "Bearer gamma").await.tidy());
    assert_eq!(get_with(&app, "/v1/models", "Basic alpha").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn every_configured_key_opens() {
    let app = TestApp::locked(&["alpha", "beta"]);
    assert_eq!(get_with(&app, "/v1/models", "Bearer alpha").await.status, StatusCode::OK);
    assert_eq!(get_with(&app, "/metrics", "bearer beta").await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_operators_and_readers_need_stays_open() {
    let app = TestApp::locked(&["alpha"]);
    for path in ["/", "/health", "/ready", "/openapi.json", "/docs", "/docs/docs.js", "/docs/docs.css"] {
        assert_eq!(app.get(path).await.status, StatusCode::OK, "{path}");
    }
    assert_eq!(app.get("/metrics").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_key_sees_no_conversation_of_another() {
    let app = TestApp::locked(&["alpha", "beta"]);
    let create = Request::post("/api/conversations")
        .header("authorization", "Bearer alpha")
        .header("content-type", "application/json")
        .body(Body::from(r#"{"model": "general"}"#))
        .unwrap();
    let id = app.send(create).await.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/api/conversations/{id}");
    assert_eq!(get_with(&app, &path, "Bearer alpha").await.status, StatusCode::OK);
    assert_eq!(get_with(&app, &path, "Bearer beta").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_role_reads_the_corpora_it_lists_and_no_other_is_there_for_it() {
    let key = |key: &str, grant| ApiKey { key: Secret::new(key), grant };
    let clerk = Grant::new(Access::Public, None, Some(vec!["rulings".into()]));
    let app = TestApp::granted(vec![key("clerk", clerk), key("chief", Grant::everything())]);
    let listed = get_with(&app, "/v1/models", "Bearer clerk").await.json();
    let ids: Vec<&str> = listed["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
    assert!(ids.contains(&"rulings") && !ids.contains(&"general") && !ids.contains(&"customs-valuation"), "{ids:?}");
    let document = "/api/documents/valuation-021-en";
    assert_eq!(get_with(&app, document, "Bearer clerk").await.status, StatusCode::NOT_FOUND);
    assert_eq!(get_with(&app, document, "Bearer chief").await.status, StatusCode::OK);
    let datasets = get_with(&app, "/api/datasets", "Bearer clerk").await;
    assert_eq!(
        (datasets.status, datasets.json()["error"]["code"].clone()),
        (StatusCode::FORBIDDEN, json!("permission_denied"))
    );
    for path in ["/v1/chat/completions", "/v1/responses"] {
        let asked = |key: &str| {
            let mut request = json_request(
                "POST",
                path,
                &json!({"model": "general", "messages": [{"role": "user", "content": "?"}], "input": "?"}),
            );
            request.headers_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
            app.send(request)
        };
        let refused = asked("clerk").await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND, "{path}");
        assert!(refused.body.contains("this server has") && !refused.body.contains("customs-valuation"), "{path}");
        assert_eq!(asked("chief").await.status, StatusCode::OK, "{path}");
    }
}
