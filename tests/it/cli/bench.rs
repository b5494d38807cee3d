//! `haetae bench` at sizes of seconds: the form of what it prints and its exit codes, not its figures.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use haetae::engine::Error;
use haetae::http::undelayed;
use serde_json::Value;
use tempfile::tempdir;

use super::{Ran, SMALL, haetae};
use crate::support::{Script, TestApp, home};

#[track_caller]
fn report(ran: &Ran) -> Value {
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.stdout))
}

/// Runs `haetae --model SMALL bench ARGS` over the tests' home.
fn bench(args: &[&str]) -> Ran {
    home::model(SMALL);
    haetae(&home::home(), &[&["--model", SMALL, "bench"], args].concat())
}

#[track_caller]
fn is_above_zero(value: &Value) {
    assert!(value.as_f64().is_some_and(|number| number > 0.0 && number.is_finite()), "{value}");
}

#[test]
fn the_engine_is_measured_case_by_case_against_the_machine() {
    let sizes = ["engine", "--prefill", "16,40", "--decode", "4", "--batch", "1,20", "--rounds", "1", "--json"];
    let report = report(&bench(&sizes));
    assert_eq!((&report["model"], &report["rounds"]), (&SMALL.into(), &1.into()));
    let cases: Vec<_> = report["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| {
            is_above_zero(&result["tokens_per_s"]);
            let roofline = &result["roofline"];
            is_above_zero(&roofline["share"]);
            is_above_zero(&roofline["bound_tokens_per_s"]);
            // The file has 98 MB, all but its vocabulary's texts weights.
            let weight_bytes = roofline["weight_bytes"].as_u64().unwrap();
            assert!((90_000_000..98_362_432).contains(&weight_bytes), "{weight_bytes}");
            assert!(result.get("peer").is_none());
            (result["name"].as_str().unwrap(), result["tokens"].as_u64().unwrap(), result["batch"].as_u64().unwrap())
        })
        .collect();
    assert_eq!(cases, [("prefill", 16, 1), ("prefill", 40, 1), ("decode", 4, 1), ("decode", 4, 20)]);
    is_above_zero(&report["machine"]["read_bytes_per_s"]);
}

#[test]
fn a_known_prefix_and_a_long_prompt_among_streams_are_scenarios() {
    let wanted = ["engine", "--scenario", "shared-prefix,mixed", "--prompt-len", "300", "--streams", "2"];
    let report = report(&bench(&[&wanted[..], &["--rounds", "1", "--json"]].concat()));
    assert_eq!(report["results"].as_array().unwrap().len(), 0);
    let shared = &report["shared_prefix"];
    assert!((256..330).contains(&shared["cached_tokens"].as_u64().unwrap()), "{shared}");
    for name in ["cold_ms", "warm_ms", "ratio"] {
        is_above_zero(&shared[name]);
    }
    let mixed = &report["mixed"];
    assert_eq!((&mixed["streams"], &mixed["prompt_len"]), (&2.into(), &300.into()));
    for name in ["alone", "disturbed"] {
        is_above_zero(&mixed[name]["p50"]);
        assert!(mixed[name]["p95"].as_f64() <= mixed[name]["max"].as_f64(), "{mixed}");
    }
}

/// A program that prints `printed` whatever it is told.
fn put_tool(folder: &Path, name: &str, printed: &str) {
    let path = folder.join(name);
    fs_err::write(&path, format!("#!/bin/sh\necho '{printed}'\n")).unwrap();
    fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn the_better_of_the_peers_figures_stands_beside_ours() {
    let folder = tempdir().unwrap();
    let tests = r#"[{"n_prompt": 16, "n_gen": 0, "avg_ts": 1e9}, {"n_prompt": 0, "n_gen": 4, "avg_ts": 0.5}]"#;
    put_tool(folder.path(), "llama-bench", tests);
    put_tool(folder.path(), "llama-batched-bench", r#"{"pp": 8, "tg": 4, "pl": 1, "speed_tg": 0.25}"#);
    let sizes = ["engine", "--prefill", "16", "--decode", "4", "--batch", "1,2", "--rounds", "2", "--json"];
    let vs = ["--vs", "llama.cpp", "--llama-cpp", folder.path().to_str().unwrap()];
    let report = report(&bench(&[&sizes[..], &vs].concat()));
    let [prefill, one, two] = &report["results"].as_array().unwrap()[..] else { panic!("{report}") };
    assert_eq!(prefill["peer"], serde_json::json!({"tokens_per_s": 1e9, "via": "llama-bench"}));
    assert!(prefill["ratio"].as_f64().unwrap() < 1.0);
    assert_eq!(one["peer"], serde_json::json!({"tokens_per_s": 0.5, "via": "llama-bench"}));
    assert!(one["ratio"].as_f64().unwrap() > 1.0);
    assert!(two.get("peer").is_none() && two.get("ratio").is_none(), "{two}");
}

#[test]
fn a_peer_that_is_not_installed_is_named_with_how_to_get_it() {
    let folder = tempdir().unwrap();
    let empty = folder.path().to_str().unwrap();
    let vs = ["--vs", "llama.cpp", "--llama-cpp", empty];
    haetae(folder.path(), &[&["bench", "engine"][..], &vs, &["--node-llama-cpp", empty]].concat()).assert_refused(&[
        "llama-bench",
        empty,
        "no node-llama-cpp",
        "hint: ",
        "HAETAE_LLAMA_CPP",
        "npm i",
    ]);
    haetae(folder.path(), &[&["bench", "server"][..], &vs].concat()).assert_refused(&["llama-server", empty, "hint: "]);
}

#[test]
fn sizes_that_measure_nothing_are_refused_by_their_flag() {
    let folder = tempdir().unwrap();
    for wrong in [["--decode", "1"], ["--batch", "1,0"], ["--prefill", "x"], ["--rounds", "0"], ["--scenario", "none"]]
    {
        haetae(folder.path(), &[&["bench", "engine"][..], &wrong].concat()).assert_refused(&wrong[..1]);
    }
    let unpaired = ["bench", "engine", "--scenario", "mixed", "--vs", "llama.cpp"];
    haetae(folder.path(), &unpaired).assert_refused(&["`plain`", "bench server --vs"]);
    haetae(folder.path(), &["bench", "soak", "--minutes", "0"]).assert_refused(&["--minutes"]);
}

/// The report of `bench server --url` on a server that follows `script`, and the run itself.
async fn served(script: Script, args: &'static [&'static str]) -> Ran {
    let app = TestApp::scripted(script);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let router = app.router.clone();
    tokio::spawn(async move { axum::serve(undelayed(listener), router).await });
    tokio::task::spawn_blocking(move || {
        let folder = tempdir().unwrap();
        haetae(folder.path(), &[&["bench", "server", "--url", &url, "--json"], args].concat())
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_elsewhere_is_measured_by_its_url() {
    let script = Script { delay: Duration::from_millis(5), ..Script::default() };
    let sizes = &["--clients", "3", "--requests", "7", "--prompt-len", "10", "--output-len", "8", "--rounds", "2"];
    let report = report(&served(script, sizes).await);
    let result = &report["result"];
    assert_eq!((&result["model"], &result["errors"]), (&"scripted".into(), &0.into()));
    // It says four tokens, or what is left of them by the length drawn.
    assert!((7..=28).contains(&result["completion_tokens"].as_u64().unwrap()), "{result}");
    for name in ["first_token_ms", "inter_token_ms", "request_ms"] {
        // A token each 5 ms must come as such: neither before it was said nor, by the kernel's delay, with the others.
        let p50 = result[name]["p50"].as_f64().unwrap();
        assert!(p50 >= if name == "inter_token_ms" { 1.0 } else { 5.0 }, "{name}: {result}");
    }
    is_above_zero(&result["tokens_per_s"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_refuses_everyone_is_no_measurement() {
    let script = Script { refusal: Some(Error::QueueFull { waiting: 9, limit: 9 }), ..Script::default() };
    let ran = served(script, &["--clients", "2", "--requests", "3"]).await;
    ran.assert_refused(&["every one of the 3 requests", "are waiting"]);
}

#[test]
fn a_server_of_its_own_is_started_and_measured() {
    home::indexed();
    let sizes = ["server", "--clients", "2", "--requests", "4", "--prompt-len", "20", "--output-len", "6", "--json"];
    let report = report(&bench(&sizes));
    let result = &report["result"];
    assert_eq!((&result["model"], &result["errors"]), (&SMALL.into(), &0.into()));
    assert!((40..=200).contains(&result["prompt_tokens"].as_u64().unwrap()), "{result}");
    assert_eq!(report["load"]["clients"], 2);
    is_above_zero(&result["first_token_ms"]["p95"]);
}

#[test]
fn a_short_soak_leaves_nothing_behind() {
    home::indexed();
    let report = report(&bench(&["soak", "--minutes", "0.1", "--clients", "12", "--json"]));
    assert_eq!(report["complaints"], serde_json::json!([]));
    assert_eq!((&report["failed"], &report["stuck"]), (&0.into(), &0.into()));
    assert_eq!((&report["kv_blocks_used"], &report["kv_blocks_total"]), (&0.into(), &384.into()));
    for kind in ["short", "long", "dropped_mid_stream", "cancelled"] {
        assert!(report["requests"][kind].as_u64().unwrap() > 0, "no {kind}: {report}");
    }
    is_above_zero(&report["generated_tokens"]);
}
