//! The spans of a request on its way: HTTP, turn, retrieval, generation, agent run, tool call.
//!
//! Names and attributes follow OpenTelemetry's semantic conventions for HTTP and for generative AI; ours begin with
//! `haetae.`. No span holds what anyone wrote or was told: no question, no answer, no argument, no path, no caller. Where no
//! collector is configured every span is off, and costs a comparison.

use std::collections::HashMap;
use std::fmt::Debug;
use std::time::Duration;

use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TraceContextExt;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::field::Empty;
use tracing::{Span, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// By which these spans are told from what is logged. No module's path begins so.
pub(super) const TARGET: &str = "otlp";
/// The headers by which a trace goes from one program to the next.
pub const HEADERS: [&str; 2] = ["traceparent", "tracestate"];

/// A request, named by its route's pattern. It goes on with the trace that `headers` name, if they do.
pub fn request(method: &str, route: &str, headers: &HashMap<String, String>) -> Span {
    let span = info_span!(
        target: TARGET,
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
    );
    if !span.is_disabled() {
        let before = TraceContextPropagator::new().extract(headers);
        if before.span().span_context().is_valid() {
            let _ = span.set_parent(before);
        }
    }
    span
}

/// A request has been answered.
pub fn answered(span: &Span, status: u16) {
    span.record("http.response.status_code", status);
    if status >= 500 {
        span.record("otel.status_code", "ERROR");
    }
}

/// The headers by which another program goes on with the trace of `span`; none where nothing is traced.
pub fn headers(span: &Span) -> HashMap<String, String> {
    let mut headers = HashMap::new();
    TraceContextPropagator::new().inject_context(&span.context(), &mut headers);
    headers.retain(|_, value| !value.is_empty());
    headers
}

/// A turn, bound to corpora or to none.
pub fn turn(corpora: &[String]) -> Span {
    info_span!(target: TARGET, "turn", haetae.corpora = corpora.join(","))
}

/// A search for evidence.
pub fn retrieval(corpora: &[String]) -> Span {
    info_span!(
        target: TARGET,
        "retrieval",
        gen_ai.operation.name = "retrieval",
        gen_ai.data_source.id = corpora.join(","),
        haetae.answerable = Empty,
        haetae.passages = Empty,
        otel.status_code = Empty,
        "error.type" = Empty,
    )
}

/// What a search came to.
pub fn retrieved(span: &Span, answerable: bool, num_passages: usize) {
    span.record("haetae.answerable", answerable);
    span.record("haetae.passages", num_passages);
}

/// What is asked of a language model.
pub struct Asked<'a> {
    pub model: &'a str,
    /// Whether the answer goes on with a text, and not with a conversation.
    pub is_text: bool,
    pub lane: &'static str,
    pub temperature: f64,
    pub max_tokens: Option<usize>,
    pub seed: Option<u64>,
}

/// A generation.
pub fn generation(asked: &Asked<'_>) -> Span {
    let operation = if asked.is_text { "text_completion" } else { "chat" };
    info_span!(
        target: TARGET,
        "generation",
        otel.name = format!("{operation} {}", asked.model),
        otel.kind = "client",
        otel.status_code = Empty,
        gen_ai.operation.name = operation,
        gen_ai.provider.name = "haetae",
        gen_ai.request.model = asked.model,
        gen_ai.request.temperature = asked.temperature,
        gen_ai.request.max_tokens = asked.max_tokens,
        gen_ai.request.seed = asked.seed,
        gen_ai.response.finish_reasons = Empty,
        gen_ai.usage.input_tokens = Empty,
        gen_ai.usage.output_tokens = Empty,
        gen_ai.usage.cache_read.input_tokens = Empty,
        haetae.lane = asked.lane,
        haetae.queued_ms = Empty,
        haetae.prefill_ms = Empty,
        haetae.decode_ms = Empty,
        "error.type" = Empty,
    )
}

/// What a generation came to.
pub struct Generated {
    pub reason: &'static str,
    pub input_tokens: usize,
    pub output_tokens: usize,
    pub cached_tokens: usize,
    pub queued: Duration,
    pub prefill: Duration,
    pub decode: Duration,
}

/// A generation has ended.
pub fn generated(span: &Span, came_to: &Generated) {
    span.record("gen_ai.response.finish_reasons", came_to.reason);
    span.record("gen_ai.usage.input_tokens", came_to.input_tokens);
    span.record("gen_ai.usage.output_tokens", came_to.output_tokens);
    span.record("gen_ai.usage.cache_read.input_tokens", came_to.cached_tokens);
    for (name, took) in [
        ("haetae.queued_ms", came_to.queued),
        ("haetae.prefill_ms", came_to.prefill),
        ("haetae.decode_ms", came_to.decode),
    ] {
        span.record(name, took.as_millis() as u64);
    }
}

/// A run of the agent.
pub fn agent(name: &str) -> Span {
    info_span!(
        target: TARGET,
        "agent",
        otel.name = format!("invoke_agent {name}"),
        otel.status_code = Empty,
        gen_ai.operation.name = "invoke_agent",
        gen_ai.provider.name = "haetae",
        gen_ai.agent.name = name,
        haetae.run = Empty,
        "error.type" = Empty,
    )
}

/// A run has its id.
pub fn run(span: &Span, id: &str) {
    span.record("haetae.run", id);
}

/// A tool's call.
pub fn tool(name: &str) -> Span {
    info_span!(
        target: TARGET,
        "tool",
        otel.name = format!("execute_tool {name}"),
        otel.status_code = Empty,
        gen_ai.operation.name = "execute_tool",
        gen_ai.tool.name = name,
        "gen_ai.tool.type" = "function",
        "error.type" = Empty,
    )
}

/// What `span` stands for has failed; of the error only its kind is told, as its text may hold what someone wrote.
pub fn failed(span: &Span, error: &impl Debug) {
    span.record("otel.status_code", "ERROR");
    span.record("error.type", kind(error));
}

/// The name of an enumeration's variant.
fn kind(error: &impl Debug) -> String {
    format!("{error:?}").chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_error_only_the_kind_is_told() {
        #[derive(Debug)]
        #[expect(dead_code, reason = "only printed")]
        enum Failure {
            NotFound { name: String },
        }
        assert_eq!(kind(&Failure::NotFound { name: "Hanbit".into() }), "NotFound");
    }

    #[test]
    fn without_a_collector_nothing_is_traced_and_no_header_is_sent() {
        let span = request("GET", "/health", &HashMap::from([("traceparent".into(), "00-1-1-01".into())]));
        assert!(span.is_disabled() && headers(&span).is_empty());
    }
}
