//! Whose a request is, as its header says.

use axum::http::StatusCode;
use haetae::engine::Lane;
use serde_json::json;

use crate::support::{Answer, TestApp, json_request};

async fn post(app: &TestApp, path: &str, lane: Option<&str>) -> Answer {
    let chat = json!({"model": "scripted", "messages": [{"role": "user", "content": "Hi"}]});
    let body = if path.contains("chat") { chat } else { json!({"model": "scripted", "prompt": "Hi"}) };
    let mut request = json_request("POST", path, &body);
    if let Some(lane) = lane {
        request.headers_mut().insert("x-haetae-lane", lane.parse().unwrap());
    }
    app.send(request).await
}

#[tokio::test]
async fn a_lane_reaches_the_engine_and_programs_that_name_none_are_agents() {
    for path in ["/v1/chat/completions", "/v1/completions"] {
        let app = TestApp::new();
        for lane in [None, Some("officer"), Some("job")] {
            assert_eq!(post(&app, path, lane).await.status, StatusCode::OK, "{path} {lane:?}");
        }
        let lanes: Vec<Lane> = app.engine.requests().iter().map(|request| request.lane).collect();
        assert_eq!(lanes, [Lane::Agent, Lane::Officer, Lane::Job], "{path}");
    }
}

#[tokio::test]
async fn a_lane_that_there_is_not_is_refused_with_those_there_are() {
    let answer = post(&TestApp::new(), "/v1/chat/completions", Some("boss")).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let error = &answer.json()["error"];
    assert_eq!(error["message"], "`X-Haetae-Lane` must be one of `officer`, `agent`, `job`, got boss");
    assert_eq!((&error["param"], &error["code"]), (&json!("X-Haetae-Lane"), &json!("invalid_value")));
}
