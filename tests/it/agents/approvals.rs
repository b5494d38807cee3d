//! What writes waits for a named person, and the decision outlives the process.

use std::process::Command;
use std::time::Duration;

use haetae::agents::State;
use serde_json::{Value, json};

use super::{MADE, agents_over, ask, rows};
use crate::support::{Server, home};

#[tokio::test]
async fn a_dossier_is_written_once_someone_grants_it() {
    let agents = agents_over(&MADE.home, "none");
    let id = &rows("declarations.csv")[2][0];
    let record = ask(&agents, &format!("Score the risk of {id} and export the report as a file.")).await;
    let approval = record.approvals[0].clone();
    let waits = agents.store().approval(&approval).unwrap();
    assert_eq!((waits.state, waits.arguments["run"].as_str()), (State::Pending, Some(record.id.as_str())));
    let file = MADE.home.join("dossiers").join(format!("{}.md", record.id));
    assert!(!file.exists(), "nothing is written before someone decides");
    assert!(agents.decide(&approval, true, "").is_err());
    let done = agents.decide(&approval, true, "Kim").unwrap();
    assert_eq!((done.state, done.decided_by.as_deref()), (State::Done, Some("Kim")));
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(id) && text.contains(&record.id) && text.contains("SHA-256"), "{text}");
    assert!(agents.decide(&approval, false, "Lee").is_err(), "a decision stands");
}

#[tokio::test]
async fn what_was_denied_is_never_written() {
    let agents = agents_over(&MADE.home, "none");
    let id = &rows("declarations.csv")[3][0];
    let record = ask(&agents, &format!("Score the risk of {id} and export the report as a file.")).await;
    let denied = agents.decide(&record.approvals[0], false, "Lee").unwrap();
    assert_eq!(denied.state, State::Denied);
    assert!(!MADE.home.join("dossiers").join(format!("{}.md", record.id)).exists());
}

#[tokio::test]
async fn what_was_granted_before_the_process_died_is_carried_out_at_the_next_start() {
    let agents = agents_over(&MADE.home, "none");
    let id = &rows("declarations.csv")[4][0];
    let record = ask(&agents, &format!("Score the risk of {id} and export the report as a file.")).await;
    // As if the process had been killed between the decision and the deed.
    agents.store().decide(&record.approvals[0], true, "Kim").unwrap();
    drop(agents);
    let file = MADE.home.join("dossiers").join(format!("{}.md", record.id));
    assert!(!file.exists());
    let agents = agents_over(&MADE.home, "none");
    assert_eq!(agents.store().approval(&record.approvals[0]).unwrap().state, State::Done);
    assert!(file.exists());
}

#[tokio::test]
async fn what_waits_is_there_after_the_server_was_killed() {
    // The first start of a home makes the world that the tools stand on.
    let mut tools = Command::new(env!("CARGO_BIN_EXE_haetae"));
    assert!(tools.arg("--home").arg(home::home()).args(["agent", "tools"]).output().unwrap().status.success());
    let server = Server::start(None);
    let client = reqwest::Client::new();
    let question = "Score the risk of D00000012 and export the report as a file.";
    let asked = json!({"model": "customs-agent", "messages": [{"role": "user", "content": question}]});
    let answer = client.post(format!("{}/v1/chat/completions", server.url)).header("x-haetae-events", "1").json(&asked);
    let answer: Value = answer.send().await.unwrap().json().await.unwrap();
    let events = answer["choices"][0]["message"]["haetae"]["agent"].as_array().unwrap();
    let approval = events.iter().find(|event| event["type"] == "approval").unwrap()["id"].as_str().unwrap().to_owned();
    // Dropped is killed: SIGKILL, and nothing has time to write anything.
    drop(server);
    let server = Server::start(None);
    let at = format!("{}/api/agent/approvals/{approval}", server.url);
    let waits: Value = client.get(&at).send().await.unwrap().json().await.unwrap();
    assert_eq!(waits["state"], "pending", "{waits}");
    let file = home::home().join("dossiers").join(format!("{}.md", waits["run"].as_str().unwrap()));
    assert!(!file.exists());
    let granted = client.post(&at).json(&json!({"decision": "grant", "by": "Kim"}));
    let done: Value = granted.timeout(Duration::from_secs(60)).send().await.unwrap().json().await.unwrap();
    assert_eq!((done["state"].as_str(), done["decided_by"].as_str()), (Some("done"), Some("Kim")), "{done}");
    assert!(std::fs::read_to_string(&file).unwrap().contains("D00000012"));
}
