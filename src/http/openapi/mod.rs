//! The API described: OpenAPI 3.1 at `/openapi.json`, and a page at `/docs` that renders it.
//!
//! The paths come from the route table, so none can be forgotten; [`operations`] and [`schemas`] say what each takes
//! and gives, and a test holds them to the table.

mod datasets;
mod operations;
mod schemas;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Map, Value, json};

use super::state::AppState;
use super::{Access, Route, routes};

pub async fn show(State(state): State<AppState>) -> Json<Value> {
    Json(document(&routes(), !state.api_keys.is_open()))
}

/// The whole description; `needs_key` where the server has keys.
fn document(routes: &[Route], needs_key: bool) -> Value {
    let mut paths = Map::new();
    for route in routes {
        let mut operation = operations::describe(route.method, route.path);
        operation["parameters"] = parameters(route.path, operation["parameters"].take());
        if needs_key && route.access != Access::Open {
            operation["security"] = json!([{"key": []}]);
            operation["responses"]["401"] = operations::error("The API key is missing or unknown");
        }
        let path = paths.entry(route.path.replace("{*", "{")).or_insert_with(|| json!({}));
        path[route.method] = operation;
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Haetae",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Answers with citations that hold. The paths under /v1 are OpenAI's API; what Haetae adds \
                            to it is marked.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas::all(),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    })
}

/// The parameters in the path, then those an operation names itself.
fn parameters(path: &str, named: Value) -> Value {
    let in_path = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters: Vec<Value> = in_path
        .map(|name| {
            let name = name.trim_start_matches('*');
            json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}})
        })
        .collect();
    if let Value::Array(named) = named {
        parameters.extend(named);
    }
    Value::Array(parameters)
}

/// `/docs` and its two files.
pub fn page() -> Router<AppState> {
    let file = |kind: &'static str, text: &'static str| get(async move || serve(kind, text));
    Router::new()
        .route("/docs", file("text/html; charset=utf-8", include_str!("docs.html")))
        .route("/docs/docs.css", file("text/css; charset=utf-8", include_str!("docs.css")))
        .route("/docs/docs.js", file("text/javascript; charset=utf-8", include_str!("docs.js")))
}

fn serve(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, "default-src 'self'; base-uri 'none'; frame-ancestors 'none'"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, text).into_response()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_route_is_described_and_nothing_else() {
        let routed: BTreeSet<_> = routes().iter().map(|route| (route.method, route.path)).collect();
        let described: BTreeSet<_> = operations::all().into_iter().map(|(method, path, _)| (method, path)).collect();
        assert_eq!(routed, described);
    }

    #[test]
    fn every_schema_that_is_referred_to_exists_and_every_schema_is_referred_to() {
        let document = document(&routes(), true);
        let text = document.to_string();
        let used: BTreeSet<&str> =
            text.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let defined: BTreeSet<&str> =
            document["components"]["schemas"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(used, defined);
    }
}
