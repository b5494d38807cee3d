//! Several workers on one generation, in a PostgreSQL database: killed or not, they give the rows of one that worked in
//! peace, in a file.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use haetae::chat::Approved;
use haetae::datasets::jobs::{self, Ended, Tools, Worker};
use haetae::datasets::store::{Filter, Job};
use haetae::datasets::{Error, GenerationConfig, Place, State, Store, StoredRow};
use haetae::ingest::Document;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;
use tempfile::tempdir;

use super::{ALONE, command, generate, store};
use crate::support::postgres::Database;
use crate::support::{Script, TestApp};

const NUM_ROWS: usize = 1200;
const NUM_KILLS: usize = 24;
const NUM_WORKERS: usize = 3;

/// All rows in the order they were made, without what differs from one database to another.
fn contents(store: &Store) -> Vec<StoredRow> {
    let mut rows = Vec::new();
    let read = store.for_each::<Error>(&store.dataset("probe").unwrap(), &Filter::default(), |row| {
        rows.push(StoredRow { id: 0, ..row });
        Ok(())
    });
    read.unwrap();
    rows
}

fn job(store: &Store) -> Option<Job> {
    store.dataset("probe").ok().and_then(|dataset| store.job(&dataset).unwrap())
}

/// Items done so far; none before the plan is written down.
fn num_done(store: &Store) -> i64 {
    job(store).map_or(0, |job| job.num_done + job.num_spare)
}

#[test]
fn twenty_four_kills_among_three_workers_lose_no_row_and_double_none() {
    let Some(database) = Database::new() else { return };
    let peaceful = tempdir().unwrap();
    generate(peaceful.path(), "probe", NUM_ROWS);
    let peaceful = store(peaceful.path());
    let expected = contents(&peaceful);
    assert!(expected.len() >= NUM_ROWS);

    let home = tempdir().unwrap();
    let config = home.path().join("alone.toml");
    fs_err::write(&config, ALONE).unwrap();
    let num_rows = NUM_ROWS.to_string();
    let work = || -> Child {
        let args = ["generate", "--name", "probe", "--rows", &num_rows, "--config", config.to_str().unwrap()];
        let mut command = command(home.path(), &args);
        command.env("HAETAE_DATASETS_URL", database.url()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    };
    let store = Place::Server(database.parsed()).open().unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(std::process::id().into());
    let mut workers: Vec<Child> = (0..NUM_WORKERS).map(|_| work()).collect();
    let (mut num_kills, mut num_finished) = (0, 0);
    while num_kills < NUM_KILLS && num_finished == 0 {
        // The first kills fall into the start and the planning, the others into the work, at any point of a commit.
        if num_kills < 4 {
            std::thread::sleep(Duration::from_millis(random.random_range(0..200)));
        } else {
            let (before, more) = (num_done(&store), random.random_range(1..20));
            let begun = Instant::now();
            while num_done(&store) < before + more && begun.elapsed() < Duration::from_secs(20) {
                std::thread::sleep(Duration::from_micros(500));
            }
            std::thread::sleep(Duration::from_micros(random.random_range(0..5000)));
        }
        let nth = random.random_range(0..NUM_WORKERS);
        workers[nth].kill().unwrap();
        match workers[nth].wait().unwrap().code() {
            None => num_kills += 1,
            Some(_) => num_finished += 1,
        }
        workers[nth] = work();
    }
    assert!(num_kills >= 20, "only {num_kills} kills before the end");
    assert!(num_done(&store) > 0 && contents(&store).len() < expected.len(), "the kills fell into the work");
    for mut worker in workers {
        assert!(worker.wait().unwrap().success());
    }
    let found = contents(&store);
    assert_eq!(found.len(), expected.len());
    assert_eq!(found, expected);
    let (job, peaceful) = (job(&store).unwrap(), job(&peaceful).unwrap());
    assert_eq!((job.num_good, job.num_pending, job.num_failed), (NUM_ROWS as i64, 0, 0));
    assert_eq!((job.num_done, job.num_spare), (peaceful.num_done, peaceful.num_spare));
}

fn valuation() -> Vec<Document> {
    haetae::datasets::documents(std::path::Path::new("/nowhere"), "valuation").unwrap()
}

fn config(rows: usize) -> GenerationConfig {
    GenerationConfig { rows, ..GenerationConfig::parse(ALONE).unwrap() }
}

#[tokio::test]
async fn two_workers_share_the_items_and_what_one_leaves_the_other_takes_up() {
    let Some(database) = Database::new() else { return };
    let folder = tempdir().unwrap();
    let documents = valuation();
    let alone = Place::in_home(folder.path()).open().unwrap();
    let (dataset, _) = jobs::begin(&alone, "probe", &config(150), &documents).unwrap();
    let worker = Worker::new(alone.work_on("probe").unwrap(), &dataset, Tools::default(), documents.clone()).unwrap();
    assert_eq!(worker.run(|_, _| {}).await.unwrap(), Ended::Done);

    let store = Place::Server(database.parsed()).open().unwrap();
    let (dataset, _) = jobs::begin(&store, "probe", &config(150), &documents).unwrap();
    let worker = || {
        let store = store.another().unwrap();
        Worker::new(store.work_on("probe").unwrap(), &dataset, Tools::default(), documents.clone()).unwrap()
    };
    // One is stopped in the middle of its work, with items in its hands.
    let stopped = worker();
    let (left, is_left) = tokio::sync::oneshot::channel();
    let mut left = Some(left);
    tokio::select! {
        ended = stopped.run(|num_items, _| {
            if num_items == 20 && let Some(left) = left.take() {
                left.send(()).unwrap();
            }
        }) => panic!("it ran to its end: {ended:?}"),
        told = is_left => told.unwrap(),
    }
    drop(stopped);
    let (one, another) = (worker(), worker());
    let (mut num_one, mut num_another) = (0, 0);
    let both = tokio::join!(one.run(|num, _| num_one = num), another.run(|num, _| num_another = num));
    assert_eq!((both.0.unwrap(), both.1.unwrap()), (Ended::Done, Ended::Done));
    assert!(num_one > 0 && num_another > 0, "{num_one} and {num_another}");
    assert_eq!(job(&store).unwrap().num_good, 150);
    assert_eq!(contents(&store), contents(&alone));
}

#[tokio::test]
async fn the_routes_and_the_approved_answers_work_on_a_server() {
    let Some(database) = Database::new() else { return };
    let home = tempdir().unwrap();
    let place = Place::Server(database.parsed());
    let app = TestApp::with_datasets_at(home.path(), &place, Script::default());
    let filters = json!({"round_trip": {"enabled": false, "limit": 0.1}, "answerable": {"enabled": false, "limit": 0}});
    let made = app.post("/api/datasets", json!({"name": "probe", "config": {"rows": 40, "filters": filters}})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let begun = Instant::now();
    let shown = loop {
        let shown = app.get("/api/datasets/probe").await.json();
        if shown["job"]["state"] == "done" {
            break shown;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{shown}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(shown["num_good"], 40);
    let korean = app.get("/api/datasets/probe/rows?language=ko&text=%EA%B3%BC%EC%84%B8%EA%B0%80%EA%B2%A9").await.json();
    let row = &korean["rows"][0];
    assert!(format!("{}{}", row["question"], row["answer"]).contains("과세가격"), "{row}");
    let state = "/api/datasets/probe/facets?state=accepted";
    assert_eq!(app.get(state).await.json()["num_found"], 40);

    let rows = app.get("/api/datasets/probe/rows?state=accepted&limit=40").await.json();
    let rows: Vec<_> = rows["rows"].as_array().unwrap().iter().filter(|row| row["type"] == "fact").cloned().collect();
    let row = rows.choose(&mut ChaCha8Rng::seed_from_u64(1)).unwrap();
    for by in ["kim", "lee"] {
        let judged = json!({"by": by, "rows": [row["id"]], "act": "approve"});
        assert_eq!(app.post("/api/datasets/probe/review", judged).await.status, StatusCode::OK);
    }
    let approved = Approved::open(&place).unwrap().unwrap();
    let asked = row["question"].as_str().unwrap().to_owned();
    let found = approved.find::<Error>(&asked, &["valuation".into()], |_, _| Ok(1.0)).unwrap().unwrap();
    assert_eq!((found.row.state, found.approval.by.len()), (State::Approved, 2));
    assert!(!home.path().join("datasets.sqlite").exists(), "no file is made beside the server");
}
