//! Tools of other servers: the official Python server, as a child process and over HTTP.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::{Duration, Instant};

use haetae::access::{Access, Grant};
use haetae::agents::{Agents, Desk, Failure, Registry, Shown, Source, State};
use haetae::chat::Chat;
use haetae::config::{McpPlace, McpServer, Secret};
use haetae::engine::{BoxFuture, Constraint, Engine, Error, GenerateRequest, Load, ModelInfo, Prompt, TokenStream};
use haetae::mcp::client::Client;
use haetae::prompts::Prompts;
use serde_json::json;

use super::{ask, called};
use crate::support::{Script, ScriptedEngine, python};

fn interpreter() -> PathBuf {
    python::environment("mcp-venv", &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mcp/requirements.txt"))
}

fn script() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mcp/lab.py").display().to_string()
}

fn server(place: McpPlace) -> McpServer {
    McpServer {
        name: "lab".into(),
        place,
        access: Access::Officer,
        purpose_ko: Some("세관 분석실".into()),
        purpose_en: None,
        trusted_read_only: ["lookup", "slow", "planted-text", "fails", "environment", "leave", "moved"]
            .map(Into::into)
            .into(),
        timeout: Duration::from_secs(2),
    }
}

fn program(book: &Path) -> McpPlace {
    let command = vec![interpreter().display().to_string(), script(), "stdio".into()];
    McpPlace::Program { command, env: BTreeMap::from([("LAB_BOOK".into(), Secret::new(book.display().to_string()))]) }
}

/// A language model that chooses `tool`, and fills in `arguments`.
struct Chooser {
    tool: ScriptedEngine,
    arguments: ScriptedEngine,
}

impl Chooser {
    fn new(tool: &'static str, arguments: &'static str) -> Self {
        let says =
            |words| ScriptedEngine::new(Script { tokens: vec![words], context_len: 10_000, ..Script::default() });
        Self { tool: says(tool), arguments: says(arguments) }
    }
}

impl Engine for Chooser {
    fn info(&self) -> &ModelInfo {
        self.tool.info()
    }

    fn count_tokens(&self, prompt: &Prompt) -> Result<usize, Error> {
        self.tool.count_tokens(prompt)
    }

    fn submit(&self, request: GenerateRequest) -> BoxFuture<'_, Result<TokenStream, Error>> {
        match request.constraint {
            Some(Constraint::JsonSchema(_)) => self.arguments.submit(request),
            _ => self.tool.submit(request),
        }
    }

    fn load(&self) -> Load {
        self.tool.load()
    }

    fn is_ready(&self) -> bool {
        true
    }
}

struct Lab {
    agents: Agents,
    client: Arc<Client>,
    home: tempfile::TempDir,
}

/// An agent of an empty home that knows one server of foreign tools.
async fn lab(place: impl FnOnce(&Path) -> McpPlace, engine: Chooser) -> Lab {
    let home = tempfile::tempdir().unwrap();
    let client = Arc::new(Client::start(server(place(&home.path().join("book")))));
    client.tried().await;
    let prompts = Arc::new(Prompts::load().unwrap());
    let chat = Chat::new(Arc::new(engine), None, Arc::clone(&prompts));
    let registry = Registry::with_sources(vec![Arc::clone(&client) as Arc<dyn Source>]);
    let desk = Arc::new(Desk::new(home.path(), None));
    let agents = Agents::with_registry(home.path(), chat, desk, prompts, registry).unwrap();
    Lab { agents, client, home }
}

impl Lab {
    fn shown(&self, name: &str) -> Shown {
        self.agents.registry().shown(&Grant::everything()).into_iter().find(|shown| shown.card.name == name).unwrap()
    }

    async fn call(&self, tool: &'static str, arguments: serde_json::Value) -> Result<serde_json::Value, Failure> {
        let agents = self.agents.clone();
        let called = tokio::task::spawn_blocking(move || agents.call_or_ask(&Grant::everything(), tool, &arguments))
            .await
            .unwrap();
        called.map(|outcome| outcome.result)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_tool_is_listed_chosen_called_and_quoted_under_the_rules_of_our_own() {
    let request = "Please look up S-17 for me.";
    let lab = lab(program, Chooser::new("lab_lookup", "{\"sample\": \"S-17\"}")).await;
    assert_eq!(lab.client.status().unavailable, None);

    let lookup = lab.shown("lab_lookup");
    assert_eq!(
        (lookup.source.as_deref(), lookup.card.access, lookup.unavailable.clone()),
        (Some("lab"), Access::Officer, None)
    );
    assert_eq!((lookup.card.title_en.as_str(), lookup.card.hints.read_only), ("Laboratory result", true));
    assert_eq!(lookup.card.purpose_ko, format!("세관 분석실: {}", lookup.card.purpose_en));
    assert!(lookup.card.purpose_en.starts_with("Looks up what") && !lookup.card.purpose_en.contains("export_dossier"));
    let public = lab.agents.registry().shown(&Grant::new(Access::Public, None, None));
    assert!(public.iter().all(|shown| shown.source.is_none()), "an officer's tools are not shown to everyone");
    let left_out = lab.client.status().left_out.join("\n");
    assert!(left_out.contains("at most 64") && left_out.contains("`moved`, which is not there"), "{left_out}");

    let record = ask(&lab.agents, request).await;
    assert_eq!(called(&record), ["lab_lookup"]);
    assert!(record.answer.contains("62.5") && record.answer.contains("foreign server `lab`"), "{}", record.answer);
    assert!(record.versions["mcp lab"].starts_with("customs-lab "), "{:?}", record.versions);

    let wrong = lab.call("lab_lookup", json!({ "sample": 17 })).await.unwrap_err();
    assert!(matches!(&wrong, Failure::Arguments { reason, .. } if reason.contains("sample")), "{wrong}");
    let fails = lab.call("lab_fails", json!({ "sample": "S-1" })).await.unwrap_err();
    assert!(fails.to_string().contains("no sample S-1"), "{fails}");
    let given = lab.call("lab_environment", json!({})).await.unwrap().to_string();
    assert!(given.contains("LAB_BOOK") && !given.contains("CARGO"), "{given}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_foreign_tool_writes_waits_for_a_person_whatever_it_says_of_itself() {
    let lab = lab(program, Chooser::new("none", "{}")).await;
    let book = lab.home.path().join("book");
    assert!(!lab.shown("lab_claims_to_be_harmless").card.hints.read_only);
    let harmless = lab.call("lab_claims_to_be_harmless", json!({})).await.unwrap();
    assert_eq!(harmless["state"], "pending");
    let waits = lab.call("lab_record", json!({ "sample": "S-17", "note": "seen" })).await.unwrap();
    assert_eq!(waits["state"], "pending");
    assert!(!book.exists());
    let (agents, id) = (lab.agents.clone(), waits["approval"].as_str().unwrap().to_owned());
    let done = tokio::task::spawn_blocking(move || agents.decide(&id, true, "Kim")).await.unwrap().unwrap();
    assert_eq!(done.state, State::Done, "{done:?}");
    assert_eq!(std::fs::read_to_string(&book).unwrap(), "S-17: seen\n");

    // Granted, and then the process was killed: whoever has the tool carries it out, and whoever has not leaves it.
    let waits = lab.call("lab_record", json!({ "sample": "S-18", "note": "late" })).await.unwrap();
    let id = waits["approval"].as_str().unwrap().to_owned();
    lab.agents.store().decide(&id, true, "Kim").unwrap();
    super::agents_over(lab.home.path(), "none").finish_foreign().unwrap();
    assert_eq!(lab.agents.store().approval(&id).unwrap().state, State::Granted);
    let agents = lab.agents.clone();
    tokio::task::spawn_blocking(move || agents.finish_foreign()).await.unwrap().unwrap();
    assert_eq!(lab.agents.store().approval(&id).unwrap().state, State::Done);
    assert!(std::fs::read_to_string(&book).unwrap().ends_with("S-18: late\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_in_a_foreign_answer_are_shown_and_not_followed() {
    let lab = lab(program, Chooser::new("lab_planted_text", "{\"sample\": \"S-17\"}")).await;
    let record = ask(&lab.agents, "Which remarks are there on S-17?").await;
    assert_eq!(called(&record), ["lab_planted_text"]);
    assert!(record.approvals.is_empty());
    assert!(record.seen.iter().any(|seen| seen.text.contains("Ignore all")), "{:?}", record.seen);
    assert!(record.answer.contains("17 fibres") && record.answer.contains("Counted twice"), "{}", record.answer);
    assert!(!record.answer.contains("Ignore all"), "{}", record.answer);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_slow_gone_or_never_there_gives_a_reason_and_comes_back() {
    let lab = lab(program, Chooser::new("none", "{}")).await;
    let started = Instant::now();
    let slow = lab.call("lab_slow", json!({})).await.unwrap_err();
    assert!(slow.to_string().contains("no answer within 2 s"), "{slow}");
    assert!(started.elapsed() < Duration::from_secs(10));
    // It ends itself: the call fails, the tool stays in sight with the reason, and a new process takes over.
    lab.call("lab_leave", json!({})).await.unwrap_err();
    let gone = Instant::now();
    while lab.shown("lab_lookup").unavailable.is_none() {
        assert!(gone.elapsed() < Duration::from_secs(5), "nobody noticed");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let failed = lab.call("lab_lookup", json!({ "sample": "S-17" })).await.unwrap_err();
    assert!(failed.to_string().contains("not at hand"), "{failed}");
    while lab.shown("lab_lookup").unavailable.is_some() {
        assert!(gone.elapsed() < Duration::from_secs(30), "{:?}", lab.client.status());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    lab.call("lab_lookup", json!({ "sample": "S-17" })).await.unwrap();

    let command = vec![interpreter().display().to_string(), "-c".into(), "raise SystemExit('no licence')".into()];
    let never = self::lab(|_| McpPlace::Program { command, env: BTreeMap::new() }, Chooser::new("none", "{}")).await;
    let reason = never.client.status().unavailable.unwrap();
    assert!(reason.contains("server `lab` is not at hand") && reason.contains("no licence"), "{reason}");
    let failed = never.call("lab_lookup", json!({})).await.unwrap_err();
    assert!(failed.to_string().contains("no licence"), "{failed}");
    // Not known, and not trusted: not even then is it called without asking.
    assert_eq!(never.call("lab_record", json!({})).await.unwrap()["state"], "pending");
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_over_http_is_found_when_it_comes_and_missed_when_it_goes() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}/mcp");
    let lab = lab(|_| McpPlace::Url { url, key: None }, Chooser::new("none", "{}")).await;
    let reason = lab.client.status().unavailable.unwrap();
    assert!(reason.contains("not at hand"), "{reason}");
    let start = || Running(Command::new(interpreter()).args([script(), port.to_string()]).spawn().unwrap());
    let running = start();
    let started = Instant::now();
    while lab.client.status().unavailable.is_some() {
        assert!(started.elapsed() < Duration::from_secs(60), "{:?}", lab.client.status());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let result = lab.call("lab_lookup", json!({ "sample": "S-17", "digits": 0 })).await.unwrap();
    assert_eq!(result, json!({ "sample": "S-17", "cotton_percent": 62.0 }));
    drop(running);
    let failed = lab.call("lab_lookup", json!({ "sample": "S-17" })).await.unwrap_err();
    assert!(failed.to_string().contains("lab"), "{failed}");
    let _running = start();
    let started = Instant::now();
    while lab.call("lab_lookup", json!({ "sample": "S-17" })).await.is_err() {
        assert!(started.elapsed() < Duration::from_secs(60), "{:?}", lab.client.status());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
