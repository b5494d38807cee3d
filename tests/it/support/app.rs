//! The real router without a socket: requests go in by `oneshot`, and answers come back as text fit for a snapshot.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use haetae::chat::Event;
use haetae::config::{ApiKey, Secret, ServerNames};
use haetae::datasets::{Place, Runner, Services};
use haetae::engine::Engine;
use haetae::history::History;
use haetae::http::{AppState, BoxError, DocumentView, Documents, Embeddings, Parts, Purpose, router};
use haetae::lang::Language;
use haetae::prompts::Prompts;
use haetae::responses::Responses;
use serde_json::Value;
use tower::ServiceExt;

use super::{Grounded, Script, ScriptedEngine, commission_answer};

/// A server under test.
pub struct TestApp {
    pub router: Router,
    pub engine: Arc<ScriptedEngine>,
}

impl TestApp {
    pub fn new() -> Self {
        Self::scripted(Script::default())
    }

    pub fn scripted(script: Script) -> Self {
        Self::build(script, commission_answer, &[])
    }

    /// One that answers questions to a corpus by `answer`.
    pub fn grounded(answer: fn() -> Vec<Event>) -> Self {
        Self::build(Script::default(), answer, &[])
    }

    /// One that asks for a key.
    pub fn locked(keys: &[&str]) -> Self {
        Self::build(Script::default(), commission_answer, keys)
    }

    /// One with the datasets of `home`, worked on by itself with a scripted model.
    pub fn with_datasets(home: &Path, script: Script) -> Self {
        Self::with_datasets_at(home, &Place::in_home(home), script)
    }

    /// The same with the datasets of another place.
    pub fn with_datasets_at(home: &Path, place: &Place, script: Script) -> Self {
        let engine = Arc::new(ScriptedEngine::new(script));
        let prompts = Some(Arc::new(Prompts::load().unwrap()));
        let services = Services { engine: Some(engine.clone()), prompts, rag: None };
        let datasets = Some(Runner::start(home, place, services).unwrap());
        let router = router(AppState::new(Parts {
            datasets,
            ..Self::parts(engine.clone(), commission_answer, Vec::new(), ServerNames::Any)
        }));
        Self { router, engine }
    }

    fn build(script: Script, answer: fn() -> Vec<Event>, keys: &[&str]) -> Self {
        let engine = Arc::new(ScriptedEngine::new(script));
        let router = Self::over(engine.clone(), answer, keys);
        Self { router, engine }
    }

    /// One that answers to this machine's own names only.
    pub fn guarded() -> Self {
        let engine = Arc::new(ScriptedEngine::new(Script::default()));
        let router = Self::named(engine.clone(), commission_answer, Vec::new(), ServerNames::Loopback);
        Self { router, engine }
    }

    /// One whose keys may differ in what they may.
    pub fn granted(keys: Vec<ApiKey>) -> Self {
        let engine = Arc::new(ScriptedEngine::new(Script::default()));
        let router = Self::named(engine.clone(), commission_answer, keys, ServerNames::Any);
        Self { router, engine }
    }

    /// The router over any engine.
    pub fn over(engine: Arc<dyn Engine>, answer: fn() -> Vec<Event>, keys: &[&str]) -> Router {
        let keys = keys.iter().copied().map(|key| ApiKey::plain(Secret::new(key))).collect();
        Self::named(engine, answer, keys, ServerNames::Any)
    }

    fn named(engine: Arc<dyn Engine>, answer: fn() -> Vec<Event>, api_keys: Vec<ApiKey>, names: ServerNames) -> Router {
        router(AppState::new(Self::parts(engine, answer, api_keys, names)))
    }

    fn parts(engine: Arc<dyn Engine>, answer: fn() -> Vec<Event>, api_keys: Vec<ApiKey>, names: ServerNames) -> Parts {
        Parts {
            turns: Arc::new(Grounded { engine: Arc::clone(&engine), answer }),
            engine,
            agents: None,
            datasets: None,
            history: History::in_memory().unwrap(),
            responses: Responses::in_memory().unwrap(),
            documents: Arc::new(TwoDocuments),
            embeddings: Arc::new(LetterCounts),
            user_corpora: vec!["rulings".into()],
            api_keys,
            names,
        }
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        Answer { status, headers, body: String::from_utf8(body.to_vec()).unwrap() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(json_request("POST", path, &body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(json_request("PATCH", path, &body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Request::delete(path).body(Body::empty()).unwrap()).await
    }
}

pub fn json_request(method: &str, path: &str, body: &Value) -> Request<Body> {
    let request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
    request.body(Body::from(body.to_string())).unwrap()
}

/// A response, read to its end.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {}", self.body))
    }

    /// The chunks of a stream, without `[DONE]`.
    pub fn chunks(&self) -> Vec<Value> {
        let payloads = self.body.lines().filter_map(|line| line.strip_prefix("data: "));
        payloads.filter(|payload| *payload != "[DONE]").map(|chunk| serde_json::from_str(chunk).unwrap()).collect()
    }

    /// Status and body, with ids and times replaced; JSON is laid out for reading.
    pub fn tidy(&self) -> String {
        let body = match serde_json::from_str::<Value>(&self.body) {
            Ok(json) => serde_json::to_string_pretty(&json).unwrap(),
            Err(_) => self.body.clone(),
        };
        let mut text = format!("{}\n{body}", self.status);
        for (pattern, name) in [
            (r"cmpl-[0-9a-f]{32}", "cmpl-ID"),
            (r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
            (r#""created": ?\d+"#, r#""created":0"#),
            (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "TIME"),
        ] {
            text = regex::Regex::new(pattern).unwrap().replace_all(&text, name).into_owned();
        }
        text
    }
}

struct TwoDocuments;

impl Documents for TwoDocuments {
    fn document(&self, id: &str) -> Result<Option<DocumentView>, BoxError> {
        if id == "broken" {
            return Err("the disk is on fire".into());
        }
        // The second is what `commission_answer` cites, with its passage where it says.
        let (title, language, text) = match id {
            "valuation-021-ko" => ("구매수수료", Language::Ko, "구매수수료는 과세가격에 포함되지 않는다.".into()),
            "valuation-021-en" => {
                let passage = "In short: A buying commission is not added to the price.";
                ("Buying commission", Language::En, format!("{:120}{passage}", "Rule"))
            }
            _ => return Ok(None),
        };
        Ok(Some(DocumentView {
            id: id.into(),
            title: title.into(),
            language,
            corpus: "valuation".into(),
            topic: Some(21),
            refs: vec!["KR-CA-30(1)1".into()],
            authority: "guide".into(),
            effective_from: Some("2026-01-01".into()),
            source: "Written for Haetae".into(),
            text,
        }))
    }

    fn is_ready(&self) -> bool {
        true
    }
}

/// Vectors that are easily foretold: the number of letters, and 1 for a query. A text `slow` takes its time.
struct LetterCounts;

impl Embeddings for LetterCounts {
    fn model_id(&self) -> &str {
        "letter-counts"
    }

    fn dim(&self) -> usize {
        2
    }

    fn max_len(&self) -> usize {
        5
    }

    fn count_tokens(&self, text: &str, _: Purpose) -> Result<usize, BoxError> {
        Ok(text.split_whitespace().count())
    }

    fn embed(&self, texts: &[String], purpose: Purpose) -> Result<Vec<Vec<f32>>, BoxError> {
        if texts.iter().any(|text| text == "slow") {
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
        let second = if purpose == Purpose::Query { 1.0 } else { 0.0 };
        Ok(texts.iter().map(|text| vec![text.chars().count() as f32, second]).collect())
    }
}
