//! Around every request: its id, a span in the log and one for a collector, the count in the metrics, the body of an error, and the one place
//! where a panic of a handler ends.
//!
//! Never logs a path with its query, a body or a header: questions are confidential.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::Json;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use tracing::Instrument;

use super::error::ApiError;
use super::state::AppState;
use crate::telemetry::spans;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_ID_BYTES: usize = 64;

/// The id of a request: the client's own where it sends a reasonable one.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

impl RequestId {
    fn of(request: &Request) -> Self {
        let own = request.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok());
        let plain = |id: &&str| {
            (1..=MAX_ID_BYTES).contains(&id.len())
                && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        Self(own.filter(plain).map_or_else(|| uuid::Uuid::new_v4().to_string(), Into::into))
    }
}

pub async fn observe(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = RequestId::of(&request);
    let method = request.method().clone();
    // The pattern, not the path: see `Metrics::record_http`.
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!("request", request.id = id.0, %method, route);
    let traced = spans::request(method_label(&method), &route, &trace_headers(&request));
    request.extensions_mut().insert(id.clone());

    let answered =
        AssertUnwindSafe(next.run(request)).catch_unwind().instrument(traced.clone()).instrument(span.clone()).await;
    let _entered = span.enter();
    let mut response = answered.unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
        ApiError::internal(&format!("a handler panicked: {}", message.unwrap_or("no message"))).into_response()
    });
    if let Some(error) = response.extensions_mut().remove::<ApiError>() {
        error.log(&id.0);
        let body = Json(error.body(&id.0)).into_response();
        let mut headers = std::mem::take(response.headers_mut());
        headers.extend(body.headers().clone());
        response = (response.status(), body).into_response();
        *response.headers_mut() = headers;
    }
    if let Ok(value) = HeaderValue::try_from(&id.0) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let (status, elapsed) = (response.status().as_u16(), started.elapsed());
    spans::answered(&traced, status);
    state.metrics.record_http(method_label(&method), &route, status, elapsed);
    tracing::debug!(status, duration_ms = elapsed.as_millis() as u64, "answered");
    response
}

/// The headers by which a caller's trace goes on here.
fn trace_headers(request: &Request) -> HashMap<String, String> {
    let value = |name: &str| Some((name.to_owned(), request.headers().get(name)?.to_str().ok()?.to_owned()));
    spans::HEADERS.iter().filter_map(|name| value(name)).collect()
}

/// A method as a metric's label; clients may send any word.
fn method_label(method: &axum::http::Method) -> &str {
    match method.as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PATCH" | "DELETE" | "PUT" | "OPTIONS") => known,
        _ => "other",
    }
}
