//! Rows written by a model that is scripted: what it may say is bound by a schema, and what it says wrongly is refused.

use std::path::Path;
use std::sync::Arc;

use haetae::datasets::filters::purity;
use haetae::datasets::jobs::{self, Ended, Tools, Worker};
use haetae::datasets::store::Filter;
use haetae::datasets::{GenerationConfig, Generator, QuestionType, State, Store, StoredRow, Writers};
use haetae::engine::{Constraint, Error, Lane};
use haetae::ingest::Document;
use haetae::lang::Language;
use haetae::prompts::Prompts;
use tempfile::tempdir;

use crate::support::{Script, ScriptedEngine};

const SENTENCES: &str = "세관장은 확정가격 신고를 받은 날부터 15일 안에 그 가격을 확인한다. 납세의무자는 확정가격을 신고할 때 계약서와 송금 자료를 낸다. \
    잠정가격과 확정가격의 세액 차이는 더 받거나 돌려준다.";
const GOOD: &str = "{\"question\": \"확정가격을 신고하면 세관은 며칠 안에 확인하나요?\", \
    \"quote\": \"세관장은 확정가격 신고를 받은 날부터 15일 안에 그 가격을 확인한다.\", \"answer\": \"15일 안에 확인합니다.\"}";
const WRONG_NUMBER: &str = "{\"question\": \"확정가격을 신고하면 세관은 며칠 안에 확인하나요?\", \
    \"quote\": \"세관장은 확정가격 신고를 받은 날부터 15일 안에 그 가격을 확인한다.\", \"answer\": \"30일 안에 확인합니다.\"}";

fn document() -> Document {
    let head = "---\nid: refunds-ko\ntitle: 확정가격\nlanguage: ko\nauthority: guide\nsource: s\n---\n";
    Document::parse(Path::new("x.md"), "own", &format!("{head}# 확정가격\n\n{SENTENCES}\n")).unwrap()
}

fn config() -> GenerationConfig {
    let settings = format!(
        "generator = \"model\"\nrows = 1\nreserve = 0\nmax_attempts = 1\n[types]\nfact = 1\n[languages]\nko = 1\n{}",
        super::ALONE
    );
    GenerationConfig { corpus: "own".into(), ..GenerationConfig::parse(&settings).unwrap() }
}

async fn rows_of(script: Script) -> (Arc<ScriptedEngine>, Vec<StoredRow>, i64) {
    let folder = tempdir().unwrap();
    let store = Store::open(&Store::file(folder.path())).unwrap();
    let engine = Arc::new(ScriptedEngine::new(script));
    let (dataset, _) = jobs::begin(&store, "own", &config(), &[document()]).unwrap();
    let tools =
        Tools { engine: Some(engine.clone()), prompts: Some(Arc::new(Prompts::load().unwrap())), retrieval: None };
    let worker = Worker::new(store.work_on(&dataset.name).unwrap(), &dataset, tools, vec![document()]).unwrap();
    assert_eq!(worker.run(|_, _| {}).await.unwrap(), Ended::Done);
    let failed = store.job(&dataset).unwrap().unwrap().num_failed;
    let rows = store.list(&dataset, &Filter::default(), 0, 10).unwrap().rows;
    (engine, rows, failed)
}

#[tokio::test]
async fn the_model_writes_under_a_schema_in_the_lane_of_jobs() {
    let (engine, rows, failed) = rows_of(Script { tokens: vec![GOOD], ..Script::default() }).await;
    let [row] = &rows[..] else { panic!("one row, and {failed} failed") };
    assert_eq!((row.state, row.row.kind, row.row.language), (State::Accepted, QuestionType::Fact, Language::Ko));
    assert_eq!(row.row.lineage.generator, Generator::Model);
    assert_eq!(row.row.lineage.model.as_deref(), Some("scripted"));
    assert!(row.row.lineage.seed.is_some() && row.row.lineage.scores["evidence"] == 1.0);
    let evidence = &row.row.evidence[0];
    assert_eq!(document().text[evidence.start..evidence.end], evidence.quote);
    assert_eq!(purity(&row.row), 1.0);
    let request = &engine.requests()[0];
    assert_eq!(request.lane, Lane::Job);
    let Some(Constraint::JsonSchema(schema)) = &request.constraint else { panic!("a schema binds it") };
    assert_eq!(schema["properties"]["quote"]["enum"].as_array().unwrap().len(), 3, "the passage's own sentences");
}

#[tokio::test]
async fn what_the_evidence_does_not_hold_is_refused_and_kept_with_the_reason() {
    let (_, rows, _) = rows_of(Script { tokens: vec![WRONG_NUMBER], ..Script::default() }).await;
    assert_eq!(rows[0].state, State::Rejected);
    assert!(rows[0].reason.as_ref().unwrap().contains("30"), "{:?}", rows[0].reason);
}

#[tokio::test]
async fn an_engine_that_fails_fails_the_item_and_not_the_job() {
    let refusal = Some(Error::Stopped);
    let (_, rows, failed) = rows_of(Script { refusal, ..Script::default() }).await;
    assert_eq!((rows.len(), failed), (0, 1));
    assert_eq!(config().generator, Writers::Model);
}
