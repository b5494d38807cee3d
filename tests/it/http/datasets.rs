//! Datasets over the real router: begun, watched, reviewed, filled and downloaded, by a worker in the same process.

use std::time::Duration;

use axum::http::StatusCode;
use haetae::datasets::exports::Manifest;
use insta::assert_snapshot;
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use crate::support::{Script, TestApp};

/// Filters that search need an index.
fn alone() -> Value {
    json!({"round_trip": {"enabled": false, "limit": 0.1}, "answerable": {"enabled": false, "limit": 0}})
}

fn config(rows: usize) -> Value {
    json!({"rows": rows, "filters": alone()})
}

async fn wait(app: &TestApp, name: &str, state: &str) -> Value {
    for _ in 0..400 {
        let shown = app.get(&format!("/api/datasets/{name}")).await.json();
        if shown["job"]["state"] == state {
            return shown;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("`{name}` never was {state}: {}", app.get(&format!("/api/datasets/{name}")).await.body);
}

/// A dataset by templates, done.
async fn made(rows: usize) -> (TempDir, TestApp) {
    let home = tempdir().unwrap();
    let app = TestApp::with_datasets(home.path(), Script::default());
    let answer = app.post("/api/datasets", json!({"name": "probe", "config": config(rows)})).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    wait(&app, "probe", "done").await;
    (home, app)
}

fn ids(answer: &Value) -> Vec<i64> {
    answer["rows"].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn a_generation_is_previewed_begun_and_its_rows_are_found() {
    let home = tempdir().unwrap();
    let app = TestApp::with_datasets(home.path(), Script::default());
    let preview = app.post("/api/datasets/preview", json!({"rows": 3, "config": config(400)})).await.json();
    assert_eq!(preview["rows"].as_array().unwrap().len(), 3);
    assert!(preview["seconds_in_all"].as_f64().unwrap() > 0.0 && preview["num_items"].as_u64().unwrap() >= 400);
    assert_eq!(app.get("/api/datasets").await.json(), json!({"datasets": []}), "a preview leaves nothing");

    app.post("/api/datasets", json!({"name": "probe", "config": config(60)})).await;
    let shown = wait(&app, "probe", "done").await;
    assert_eq!((&shown["num_good"], &shown["job"]["num_good"]), (&json!(60), &json!(60)));

    let facets = app.get("/api/datasets/probe/facets?state=accepted,approved").await.json();
    let of_language: i64 = facets["language"].as_object().unwrap().values().map(|num| num.as_i64().unwrap()).sum();
    assert_eq!(of_language, 60);
    let first = app.get("/api/datasets/probe/rows?state=accepted&limit=40").await.json();
    let second = app.get(&format!("/api/datasets/probe/rows?state=accepted&limit=40&after={}", first["next"])).await;
    let mut all = [ids(&first), ids(&second.json())].concat();
    all.dedup();
    assert_eq!((all.len(), &first["num_found"]), (60, &json!(60)));
    let korean = app.get("/api/datasets/probe/rows?language=ko&text=%EA%B3%BC%EC%84%B8%EA%B0%80%EA%B2%A9").await.json();
    let row = &korean["rows"][0];
    assert!(format!("{}{}", row["question"], row["answer"]).contains("과세가격"), "{row}");
}

#[tokio::test]
async fn rows_are_edited_judged_by_two_and_given_to_others() {
    let (_home, app) = made(12).await;
    let rows = ids(&app.get("/api/datasets/probe/rows?state=accepted").await.json());
    let review = |body: Value| app.post("/api/datasets/probe/review", body);
    let one = rows[0];

    let first = review(json!({"by": "kim", "rows": [one], "act": "approve"})).await.json();
    assert_eq!(first, json!({"rows": [{"id": one, "state": "candidate"}]}));
    review(json!({"by": "lee", "rows": [one], "act": "approve"})).await;
    let row = app.get(&format!("/api/datasets/probe/rows/{one}")).await.json();
    assert_eq!((&row["state"], &row["reviewers"]), (&json!("approved"), &json!(["kim", "lee"])));
    assert!(row["judgements"][1]["made_at"].is_string() && row["lineage"]["generator"] == "templates");

    let path = format!("/api/datasets/probe/rows/{one}");
    let edited = app.patch(&path, json!({"by": "park", "answer": "다시 쓴 답입니다."})).await.json();
    assert_eq!((&edited["state"], &edited["judgements"]), (&json!("candidate"), &json!([])), "judged anew");
    assert_eq!(edited["edits"][0]["before"], row["answer"]);

    let many = &rows[1..4];
    review(json!({"by": "kim", "rows": many, "act": "assign", "to": "lee"})).await;
    let queue = async |by: &str| ids(&app.get(&format!("/api/datasets/probe/queue?by={by}")).await.json());
    let lees = queue("lee").await;
    assert_eq!(&lees[..4], [many, &[one]].concat(), "what is given comes first, then what waits anew");
    assert!(!queue("kim").await.iter().any(|id| many.contains(id)));

    let rejected = review(json!({"by": "lee", "rows": many, "act": "reject", "reason": "too easy"})).await.json();
    assert!(rejected["rows"].as_array().unwrap().iter().all(|row| row["state"] == "candidate"));
    review(json!({"by": "kim", "rows": many, "act": "reject", "reason": "vague"})).await;
    assert_eq!(app.get("/api/datasets/probe/facets").await.json()["state"]["rejected"], 3);
}

#[tokio::test]
async fn a_hole_of_the_map_is_filled_by_a_generation_of_its_own() {
    let (_home, app) = made(12).await;
    let map = app.get("/api/datasets/probe/coverage").await.json();
    let axes = ["topics", "types", "personas", "languages"].map(|axis| map[axis].as_array().unwrap().len());
    assert_eq!(axes, [90, 10, 5, 2]);
    assert_eq!(
        (&map["num_cells"], map["cells"].as_array().unwrap().len() as u64),
        (&json!(9000), map["num_filled"].as_u64().unwrap())
    );
    let cell = json!({"topic": "21", "type": "fact", "persona": "auditor", "language": "en"});
    let begun = app.post("/api/datasets/probe/coverage", cell.clone()).await;
    assert_eq!(begun.status, StatusCode::CREATED, "{}", begun.body);
    let shown = wait(&app, "probe", "done").await;
    assert_eq!((&shown["job"]["rows_wanted"], &shown["num_good"]), (&json!(1), &json!(13)));
    let filled = app.get("/api/datasets/probe/rows?topic=21&type=fact&persona=auditor&language=en").await.json();
    assert_eq!((&filled["num_found"], &filled["rows"][0]["version"]), (&json!(1), &json!(2)));
    // The settings that the dataset began with are still its own.
    let again = app.post("/api/datasets", json!({"name": "probe", "config": config(12)})).await;
    assert_eq!(again.status, StatusCode::CREATED, "{}", again.body);
}

#[tokio::test]
async fn a_generation_is_paused_resumed_and_cancelled_and_loses_nothing() {
    let home = tempdir().unwrap();
    let app = TestApp::with_datasets(
        home.path(),
        Script { tokens: vec!["{}"], delay: Duration::from_millis(30), ..Script::default() },
    );
    let slow = json!({"rows": 200, "generator": "model", "parallel": 1, "types": {"fact": 1}, "filters": alone()});
    app.post("/api/datasets", json!({"name": "slow", "config": slow})).await;
    let act = |act: &str| app.post("/api/datasets/slow/job", json!({ "act": act }));
    tokio::time::sleep(Duration::from_millis(300)).await;
    let paused = act("pause").await.json();
    assert_eq!(paused["job"]["state"], "paused");
    tokio::time::sleep(Duration::from_millis(200)).await;
    let done = app.get("/api/datasets/slow").await.json()["job"]["num_done"].clone();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let shown = app.get("/api/datasets/slow").await.json();
    assert_eq!((&shown["job"]["num_done"], &shown["job"]["run"]), (&done, &Value::Null), "it rests");
    assert_eq!(act("pause").await.status, StatusCode::CONFLICT);
    act("resume").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let shown = app.get("/api/datasets/slow").await.json();
    assert!(shown["job"]["num_done"].as_i64() > done.as_i64(), "it goes on: {shown}");
    assert!(shown["job"]["run"]["num_items"].as_i64().unwrap() > 0);
    assert_eq!(act("cancel").await.json()["job"]["state"], "cancelled");
    assert_eq!(act("resume").await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn what_a_killed_server_left_is_gone_on_with_at_the_next_start() {
    let home = tempdir().unwrap();
    let slow = Script { delay: Duration::from_secs(60), ..Script::default() };
    let app = TestApp::with_datasets(home.path(), slow);
    let config = json!({"rows": 1, "generator": "model", "types": {"fact": 1}, "max_attempts": 1, "filters": alone()});
    app.post("/api/datasets", json!({"name": "left", "config": config})).await;
    drop(app);
    let app = TestApp::with_datasets(home.path(), Script { tokens: vec!["{}"], ..Script::default() });
    wait(&app, "left", "done").await;
}

#[tokio::test]
async fn an_export_is_downloaded_whole() {
    let (home, app) = made(30).await;
    let name = "/api/datasets/probe/export?format=csv";
    let request = axum::http::Request::get(name).body(axum::body::Body::empty()).unwrap();
    let response = tower::ServiceExt::oneshot(app.router.clone(), request).await.unwrap();
    let disposition = response.headers()["content-disposition"].to_str().unwrap().to_owned();
    assert!(disposition.contains("probe-csv.zip"), "{disposition}");
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let folder = home.path().join("unzipped");
    zip::ZipArchive::new(std::io::Cursor::new(body)).unwrap().extract(&folder).unwrap();
    assert_eq!(Manifest::verified(&folder).unwrap().num_rows, 30);
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let (_home, app) = made(4).await;
    let mut told = String::new();
    let mut tell = |asked: &str, answer: crate::support::Answer| {
        let error = &answer.json()["error"];
        told += &format!("{asked}\n  {} {} {}: {}\n", answer.status, error["code"], error["param"], error["message"]);
    };
    for path in [
        "/api/datasets/none",
        "/api/datasets/none/rows",
        "/api/datasets/probe/rows/999",
        "/api/datasets/probe/rows/first",
        "/api/datasets/probe/rows?type=riddle",
        "/api/datasets/probe/rows?limit=0",
        "/api/datasets/probe/rows?colour=red",
        "/api/datasets/probe/facets?state=accepted,odd",
        "/api/datasets/probe/queue",
        "/api/datasets/probe/export?format=word",
    ] {
        tell(path, app.get(path).await);
    }
    for (path, body) in [
        ("", json!({"config": {}})),
        ("", json!({"name": "a b", "config": config(1)})),
        ("", json!({"name": "new", "config": {"rows": 0}})),
        ("", json!({"name": "new", "config": {"colour": 1}})),
        ("", json!({"name": "new", "config": {"rows": 5}})),
        ("", json!({"name": "new", "config": {"corpus": "none", "filters": alone()}})),
        ("", json!({"name": "probe", "config": config(5)})),
        ("/preview", json!({"rows": 100})),
        ("/probe/job", json!({"act": "stop"})),
        ("/probe/job", json!({"act": "pause"})),
        ("/probe/coverage", json!({"topic": "21", "type": "riddle", "persona": "auditor", "language": "en"})),
        ("/probe/coverage", json!({"topic": "21", "type": "multi_hop", "persona": "auditor", "language": "en"})),
        ("/probe/review", json!({"by": " ", "rows": [1], "act": "approve"})),
        ("/probe/review", json!({"by": "kim", "rows": [], "act": "approve"})),
        ("/probe/review", json!({"by": "kim", "rows": [1], "act": "reject"})),
        ("/probe/review", json!({"by": "kim", "rows": [1, 999], "act": "approve"})),
    ] {
        tell(&format!("POST {path} {body}"), app.post(&format!("/api/datasets{path}"), body).await);
    }
    for body in [json!({"by": "kim"}), json!({"by": "kim", "answer": " "}), json!({"question": "?"})] {
        tell(&format!("PATCH {body}"), app.patch("/api/datasets/probe/rows/1", body).await);
    }
    assert_snapshot!(told);
    let bare = TestApp::new().get("/api/datasets").await;
    assert_eq!((bare.status, &bare.json()["error"]["code"]), (StatusCode::NOT_FOUND, &json!("no_datasets")));
}
