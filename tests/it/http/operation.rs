//! What operators ask.

use axum::http::StatusCode;
use haetae::engine::Error;
use serde_json::json;

use crate::support::{Script, TestApp};

#[tokio::test]
async fn a_process_that_is_up_is_healthy_even_if_its_engine_is_not() {
    let app = TestApp::scripted(Script { refusal: Some(Error::Stopped), ..Script::default() });
    assert_eq!(app.get("/health").await.json(), json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}));
    let ready = app.get("/ready").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ready.json(), json!({"status": "not ready", "engine": false, "index": true}));
    assert_eq!(TestApp::new().get("/ready").await.status, StatusCode::OK);
}

#[tokio::test]
async fn metrics_count_requests_by_route_and_generations_by_end() {
    let app = TestApp::new();
    let body = json!({"model": "scripted", "messages": [{"role": "user", "content": "Hi"}]});
    app.post("/v1/chat/completions", body).await;
    app.get("/v1/models/a").await;
    app.get("/secret/path").await;
    let metrics = app.get("/metrics").await;
    assert_eq!(metrics.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    for line in [
        r#"haetae_http_requests_total{method="POST",route="/v1/chat/completions",status="200"} 1"#,
        r#"haetae_http_requests_total{method="GET",route="/v1/models/{*id}",status="404"} 1"#,
        r#"haetae_http_requests_total{method="GET",route="unmatched",status="404"} 1"#,
        r#"haetae_request_success_total{finished_reason="stop"} 1"#,
        "haetae_time_to_first_token_seconds_count 1",
        "haetae_inter_token_latency_seconds_count 3",
        "haetae_kv_cache_usage_ratio 0.25",
        "haetae_prompt_tokens_total 7",
        "haetae_spec_decode_num_draft_tokens_total 0",
        "haetae_kv_cache_lost_blocks 0",
        r#"haetae_lane_tokens_total{lane="officer"} 0"#,
        r#"haetae_lane_requests_waiting{lane="job"} 0"#,
    ] {
        assert!(metrics.body.lines().any(|its| its == line), "{line} is not in\n{}", metrics.body);
    }
    assert!(!metrics.body.contains("secret"));
}

#[tokio::test]
async fn the_description_asks_for_a_key_only_where_the_server_does() {
    let path = "/paths/~1v1~1models/get/security";
    assert!(TestApp::new().get("/openapi.json").await.json().pointer(path).is_none());
    assert!(TestApp::locked(&["alpha"]).get("/openapi.json").await.json().pointer(path).is_some());
}

#[tokio::test]
async fn every_described_path_is_routed() {
    let app = TestApp::new();
    let description = app.get("/openapi.json").await.json();
    assert_eq!(description["openapi"], "3.1.0");
    for (path, methods) in description["paths"].as_object().unwrap() {
        if methods.get("get").is_some() {
            let answer = app.get(&path.replace("{id}", "none")).await;
            assert!(!answer.body.contains("route_not_found"), "{path}");
        }
    }
}

#[tokio::test]
async fn the_documentation_page_needs_nothing_from_elsewhere() {
    let page = TestApp::new().get("/docs").await;
    assert!(page.headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'self'"));
    assert!(!page.body.contains("http://") && !page.body.contains("https://"));
}
