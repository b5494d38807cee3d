//! The official Python client against the real server: `tests/openai/`, in an environment made once.

use std::path::Path;
use std::process::Command;

use crate::support::{Server, python};

const KEY: &str = "a key of the test";

#[test]
fn the_official_client_gets_what_it_expects() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openai");
    let python = python::environment("openai-venv", &folder.join("requirements.txt"));
    let server = Server::start(Some(KEY));
    let test = folder.join("test_openai.py");
    python::run(Command::new(python).arg(test).env("HAETAE_URL", &server.url).env("HAETAE_API_KEY", KEY));
}
