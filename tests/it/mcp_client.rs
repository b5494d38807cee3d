//! The official MCP client in Python against the real server, over HTTP and over standard input and output.

use std::path::Path;
use std::process::Command;

use crate::support::{Server, home, python};

const KEY: &str = "a key of the test";

#[test]
fn the_official_client_lists_and_calls_every_tool_over_both_transports() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mcp");
    let python = python::environment("mcp-venv", &folder.join("requirements.txt"));
    // Its tools stand on the invented world, which it makes at its first start.
    let made =
        Command::new(env!("CARGO_BIN_EXE_haetae")).arg("--home").arg(home::home()).args(["agent", "tools"]).output();
    assert!(made.unwrap().status.success());
    let server = Server::start(Some(KEY));
    let ran = Command::new(python)
        .arg(folder.join("test_mcp.py"))
        .env("HAETAE_URL", &server.url)
        .env("HAETAE_API_KEY", KEY)
        .env("HAETAE", env!("CARGO_BIN_EXE_haetae"))
        .env("HAETAE_HOME", home::home())
        .status()
        .unwrap();
    assert!(ran.success(), "{ran}");
}
