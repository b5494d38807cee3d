//! The official Python client against the real server: `tests/openai/`, in an environment made once.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Server, home};

const KEY: &str = "a key of the test";

/// The Python of an environment that has what the test requires.
fn python(folder: &Path) -> PathBuf {
    let environment = home::home().join("openai-venv");
    let python = environment.join("bin/python");
    if !python.exists() {
        run(Command::new("python3").arg("-m").arg("venv").arg(&environment));
    }
    let requirements = folder.join("requirements.txt");
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "-r"]).arg(requirements));
    python
}

fn run(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?}: {status}");
}

#[test]
fn the_official_client_gets_what_it_expects() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openai");
    let python = python(&folder);
    let server = Server::start(Some(KEY));
    let test = folder.join("test_openai.py");
    run(Command::new(python).arg(test).env("HAETAE_URL", &server.url).env("HAETAE_API_KEY", KEY));
}
