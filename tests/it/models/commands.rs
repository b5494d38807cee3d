//! The commands as typed, by the real binary: exit codes, what goes where, and a kill in the middle.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::tempdir;

use super::server::{Served, Server, home_with, noise};

const SOURCE: &str = "{ hub = \"o/r\", file = \"m.bin\" }";
const PATH: &str = "/o/r/resolve/main/m.bin";

fn haetae(home: &Path, server: &Server, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_haetae"));
    command.arg("--home").arg(home).arg("models").args(args);
    command.env("HF_ENDPOINT", server.url("")).env("HAETAE_WHEEL_INDEX", server.url("/simple"));
    command.env("HF_HOME", home.join("hf")).env_remove("HF_HUB_CACHE").env_remove("HF_TOKEN");
    command
}

fn run(home: &Path, server: &Server, args: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = haetae(home, server, args).output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn a_killed_pull_goes_on_where_it_stopped() {
    let bytes = noise(2_000_000, 40);
    let home = tempdir().unwrap();
    home_with(home.path(), &bytes, SOURCE);
    let server = Server::start();
    server.serve(PATH, Served { bytes: bytes.clone(), stall_after: Some(700_000), ..Served::default() });
    let mut child =
        haetae(home.path(), &server, &["pull", "tiny"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let part = home.path().join("models/tiny/tiny.bin.part");
    let start = Instant::now();
    while fs_err::metadata(&part).map_or(0, |metadata| metadata.len()) < 700_000 {
        assert!(start.elapsed() < Duration::from_secs(20), "the first bytes never came");
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    server.alter(PATH, |file| file.stall_after = None);
    let (code, stdout, stderr) = run(home.path(), &server, &["pull", "tiny"]);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(fs_err::read(stdout.trim()).unwrap(), bytes);
    assert_eq!(server.ranges(PATH), [None, Some("bytes=700000-".into())]);
}

#[test]
fn verify_exits_with_1_where_something_is_broken_and_names_it() {
    let bytes = noise(1000, 41);
    let home = tempdir().unwrap();
    home_with(home.path(), &bytes, SOURCE);
    let server = Server::start();
    server.serve_bytes(PATH, &bytes);
    assert_eq!(run(home.path(), &server, &["pull", "tiny"]).0, 0);
    assert_eq!(run(home.path(), &server, &["verify"]).0, 0);
    fs_err::write(home.path().join("models/tiny/tiny.bin"), "else").unwrap();
    let (code, stdout, _) = run(home.path(), &server, &["verify"]);
    assert_eq!(code, 1);
    assert!(stdout.contains("broken") && stdout.contains("tiny.bin"), "{stdout}");
}

#[test]
fn offline_is_refused_with_a_hint_and_2() {
    let home = tempdir().unwrap();
    home_with(home.path(), &noise(10, 42), SOURCE);
    let server = Server::start();
    let mut command = haetae(home.path(), &server, &["pull", "tiny"]);
    let output = command.arg("--offline").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("tiny.bin") && stderr.contains("hint:"), "{stderr}");
    assert!(server.seen().is_empty());
}

#[test]
fn list_is_json_on_request() {
    let home = tempdir().unwrap();
    let server = Server::start();
    let (code, stdout, _) = run(home.path(), &server, &["list", "--json"]);
    assert_eq!(code, 0);
    let list: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    let models = list["models"].as_array().unwrap();
    let smollm = models.iter().find(|model| model["name"] == "smollm2-135m-instruct").unwrap();
    assert_eq!((smollm["state"].as_str(), smollm["bytes"].as_u64()), (Some("absent"), Some(98_362_432)));
}

#[test]
fn recommend_names_a_model_of_the_catalogue_on_stdout_and_the_reason_beside_it() {
    let home = tempdir().unwrap();
    let server = Server::start();
    let (code, stdout, stderr) = run(home.path(), &server, &["recommend"]);
    assert_eq!(code, 0, "{stderr}");
    let catalog = haetae::models::Catalog::built_in();
    assert!(catalog.get(stdout.trim()).is_some(), "{stdout}");
    assert!(stderr.contains("tokens/s"), "{stderr}");
}

#[test]
fn a_home_catalogue_with_an_unknown_key_stops_the_command() {
    let home = tempdir().unwrap();
    fs_err::write(home.path().join("catalog.toml"), "[[model]]\nnmae = \"a\"").unwrap();
    let (code, _, stderr) = run(home.path(), &Server::start(), &["list"]);
    assert!(code == 2 && stderr.contains("nmae") && stderr.contains("catalog.toml"), "{stderr}");
}
