use axum::body::Body;
use axum::http::{Request, StatusCode};
use insta::assert_snapshot;

use crate::support::{Answer, TestApp};

async fn send(app: &TestApp, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = if method == "POST" { Body::from(r#"{"model": "general"}"#) } else { Body::empty() };
    app.send(request.body(body).unwrap()).await
}

#[tokio::test]
async fn a_name_that_is_not_this_machines_is_refused_everywhere() {
    let app = TestApp::guarded();
    let refused = send(&app, "GET", "/v1/models", &[("host", "evil.example:8080")]).await;
    assert_snapshot!("host_not_allowed", refused.tidy());
    for path in ["/", "/ui/app.js", "/docs", "/health", "/openapi.json", "/metrics", "/api/conversations", "/nowhere"] {
        let refused = send(&app, "GET", path, &[("host", "evil.example")]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(app.get("/v1/models").await.status, StatusCode::FORBIDDEN, "no host at all");
    let twice = send(&app, "GET", "/v1/models", &[("host", "localhost"), ("host", "evil.example")]).await;
    assert_eq!(twice.status, StatusCode::FORBIDDEN);
    // The target's name counts as much as the header's.
    let absolute = send(&app, "GET", "http://evil.example/v1/models", &[("host", "localhost")]).await;
    assert_eq!(absolute.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_names_of_this_machine_are_served_on_any_port() {
    let app = TestApp::guarded();
    for host in ["localhost", "localhost:8080", "127.0.0.1:9", "127.1.2.3:80", "[::1]:8080"] {
        assert_eq!(send(&app, "GET", "/v1/models", &[("host", host)]).await.status, StatusCode::OK, "{host}");
    }
    let absolute = send(&app, "GET", "http://localhost:8080/v1/models", &[]).await;
    assert_eq!(absolute.status, StatusCode::OK);
}

#[tokio::test]
async fn a_page_of_another_site_changes_nothing() {
    let app = TestApp::guarded();
    let host = ("host", "127.0.0.1:8080");
    let create = async |headers: &[(&str, &str)]| {
        let headers: Vec<_> = [host].iter().chain(headers).copied().collect();
        send(&app, "POST", "/api/conversations", &headers).await
    };
    let refused = create(&[("origin", "https://evil.example")]).await;
    assert_snapshot!("origin_not_allowed", refused.tidy());
    for elsewhere in [
        &[("origin", "null")][..],
        // Another server of the same machine is another site.
        &[("origin", "http://127.0.0.1:9090")],
        &[("origin", "http://localhost:8080")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site"), ("origin", "http://127.0.0.1:8080")],
    ] {
        assert_eq!(create(elsewhere).await.status, StatusCode::FORBIDDEN, "{elsewhere:?}");
    }
    for ours in [
        &[][..],
        &[("origin", "http://127.0.0.1:8080")],
        &[("sec-fetch-site", "same-origin"), ("origin", "http://127.0.0.1:8080")],
        &[("sec-fetch-site", "none")],
    ] {
        assert_eq!(create(ours).await.status, StatusCode::CREATED, "{ours:?}");
    }
    let read = send(&app, "GET", "/api/conversations", &[host, ("origin", "https://evil.example")]).await;
    assert_eq!(read.status, StatusCode::OK, "the browser keeps what it reads from the page");
    assert!(!read.headers.contains_key("access-control-allow-origin"));
    for method in ["PATCH", "DELETE"] {
        let refused = send(&app, method, "/api/conversations/x", &[host, ("origin", "https://evil.example")]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{method}");
    }
}

#[tokio::test]
async fn a_trusted_network_gives_any_name_and_keys_need_no_guard() {
    let open = TestApp::new();
    assert_eq!(send(&open, "GET", "/v1/models", &[("host", "haetae.intra")]).await.status, StatusCode::OK);
    let foreign = [("host", "haetae.intra"), ("origin", "https://evil.example")];
    assert_eq!(send(&open, "POST", "/api/conversations", &foreign).await.status, StatusCode::FORBIDDEN);
    // A proxy that gives the server a name of its own: the browser knows better.
    let proxied = [("host", "127.0.0.1:8080"), ("origin", "https://haetae.intra"), ("sec-fetch-site", "same-origin")];
    assert_eq!(send(&open, "POST", "/api/conversations", &proxied).await.status, StatusCode::CREATED);
    let locked = TestApp::locked(&["alpha"]);
    let keyed = [("host", "haetae.intra"), ("origin", "https://portal.intra"), ("authorization", "Bearer alpha")];
    assert_eq!(send(&locked, "POST", "/api/conversations", &keyed).await.status, StatusCode::CREATED);
}
