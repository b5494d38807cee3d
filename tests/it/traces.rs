//! Spans as a collector gets them: the real server, real bytes over a real socket.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::{self, Next};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::json;

use crate::support::{Script, Server, TestApp};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";
const QUESTION: &str = "Is a buying commission part of the customs value?";

#[derive(Clone, Default)]
struct Collected {
    bytes: Arc<Mutex<Vec<u8>>>,
    spans: Arc<Mutex<Vec<Span>>>,
}

impl Collected {
    /// Waits for a span whose name begins so, within the caller's trace or outside it.
    async fn span(&self, name: &str, in_trace: bool) -> Span {
        let is_it = |span: &&Span| span.name.starts_with(name) && (hex(&span.trace_id) == TRACE) == in_trace;
        let started = Instant::now();
        loop {
            let found = self.spans.lock().unwrap().iter().find(is_it).cloned();
            if let Some(span) = found {
                return span;
            }
            let names: Vec<String> = self.spans.lock().unwrap().iter().map(|span| span.name.clone()).collect();
            assert!(started.elapsed() < Duration::from_secs(30), "no span `{name}` among {names:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn collect(State(collected): State<Collected>, body: Bytes) {
    let request = ExportTraceServiceRequest::decode(body.clone()).unwrap();
    let scopes = request.resource_spans.into_iter().flat_map(|resource| {
        let name = resource.resource.unwrap().attributes.into_iter().find(|attribute| attribute.key == "service.name");
        assert_eq!(text(&name.unwrap().value.unwrap().value.unwrap()), "haetae");
        resource.scope_spans
    });
    collected.spans.lock().unwrap().extend(scopes.flat_map(|scope| scope.spans));
    collected.bytes.lock().unwrap().extend(body);
}

fn text(value: &Value) -> String {
    match value {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        Value::BoolValue(truth) => truth.to_string(),
        other => format!("{other:?}"),
    }
}

fn attribute(span: &Span, name: &str) -> String {
    let found = span.attributes.iter().find(|attribute| attribute.key == name);
    let found = found.unwrap_or_else(|| panic!("`{}` has no `{name}`: {:?}", span.name, span.attributes));
    text(found.value.as_ref().unwrap().value.as_ref().unwrap())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An engine elsewhere that says something, with the `traceparent` of each request to it.
async fn engine() -> (String, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    let app = TestApp::scripted(Script { context_len: 100_000, ..Script::default() });
    let noting = middleware::from_fn(move |request: Request, next: Next| {
        let parent = request.headers().get("traceparent").map(|value| value.to_str().unwrap().to_owned());
        noted.lock().unwrap().extend(parent);
        next.run(request)
    });
    (format!("{}/v1", serve(app.router.clone().layer(noting)).await), seen)
}

async fn ask(server: &Server, model: &str, question: &str, traceparent: Option<String>) {
    let body = json!({ "model": model, "messages": [{ "role": "user", "content": question }] });
    let request = reqwest::Client::new().post(format!("{}/v1/chat/completions", server.url));
    let request = request.header(header::CONTENT_TYPE, "application/json").body(body.to_string());
    let request = traceparent.into_iter().fold(request, |request, value| request.header("traceparent", value));
    let response = request.send().await.unwrap();
    assert!(response.status().is_success(), "{}", response.text().await.unwrap());
    response.text().await.unwrap();
}

async fn start(engine: String, collector: String) -> Server {
    let settings = move |command: &mut std::process::Command| {
        command.args(["--remote-url", &engine]);
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", collector).env("OTEL_BSP_SCHEDULE_DELAY", "100");
    };
    tokio::task::spawn_blocking(|| Server::with(settings)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_traced_from_its_caller_to_the_engine_and_nothing_that_was_said_is_sent() {
    let collected = Collected::default();
    let collector = serve(Router::new().route("/v1/traces", post(collect)).with_state(collected.clone())).await;
    let (engine, seen) = engine().await;
    let server = start(engine, collector).await;
    ask(&server, "customs-valuation", QUESTION, Some(format!("00-{TRACE}-{CALLER}-01"))).await;

    let request = collected.span("POST /v1/chat/completions", true).await;
    assert_eq!((hex(&request.trace_id), hex(&request.parent_span_id)), (TRACE.into(), CALLER.into()));
    assert_eq!(attribute(&request, "http.response.status_code"), "200");
    let (turn, retrieval, chat) = (
        collected.span("turn", true).await,
        collected.span("retrieval", true).await,
        collected.span("chat ", true).await,
    );
    assert_eq!(turn.parent_span_id, request.span_id);
    assert_eq!((&retrieval.parent_span_id, &chat.parent_span_id), (&turn.span_id, &turn.span_id));
    assert_eq!(attribute(&retrieval, "haetae.answerable"), "true");
    assert_eq!((chat.name.as_str(), attribute(&chat, "gen_ai.request.model")), ("chat scripted", "scripted".into()));
    assert_eq!(attribute(&chat, "gen_ai.usage.output_tokens"), "4");
    assert_eq!(attribute(&chat, "gen_ai.response.finish_reasons"), "stop");
    let passed_on = format!("00-{TRACE}-{}-01", hex(&chat.span_id));
    assert!(seen.lock().unwrap().contains(&passed_on), "{passed_on} is not among {seen:?}");

    ask(&server, "customs-agent", "What is the risk of declaration D00000012?", None).await;
    let (agent, tool) = (
        collected.span("invoke_agent customs-agent", false).await,
        collected.span("execute_tool risk_score", false).await,
    );
    assert_eq!(tool.parent_span_id, agent.span_id);
    assert!(attribute(&agent, "haetae.run").starts_with('R'));

    server.stop();
    let bytes = collected.bytes.lock().unwrap().clone();
    for said in [QUESTION, "buying commission", "D00000012", "Hello"] {
        assert!(!bytes.windows(said.len()).any(|window| window == said.as_bytes()), "`{said}` was sent");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_never_answers_holds_nothing_up() {
    // Connections are taken by the kernel, and that is all.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (engine, _) = engine().await;
    let server = start(engine, format!("http://{}", silent.local_addr().unwrap())).await;
    // The first batch is on its way, and stuck, when the second request comes.
    for _ in 0..2 {
        let started = Instant::now();
        ask(&server, "scripted", "Say hello.", None).await;
        assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let stopped = server.stop();
    assert!(stopped < Duration::from_secs(8), "{stopped:?}");
}
