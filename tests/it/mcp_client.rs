//! MCP clients against the real server, over HTTP and over standard input and output: the official one in Python, and our
//! own, which another Haetae would use.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use haetae::access::{Access, Grant};
use haetae::agents::{Desk, Registry, Source, Status};
use haetae::config::{McpPlace, McpServer, Secret};
use haetae::mcp::client::Client;
use serde_json::json;

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

/// What our own client finds at `place`, with the tool it calls.
async fn reach(place: McpPlace) -> (Status, Result<String, String>, usize) {
    let server = McpServer {
        name: "other".into(),
        place,
        access: Access::Audit,
        purpose_ko: None,
        purpose_en: None,
        trusted_read_only: vec!["search_corpora".into()],
        timeout: Duration::from_secs(60),
    };
    let client = std::sync::Arc::new(Client::start(server));
    client.tried().await;
    let status = client.status();
    let num_tools = client.tools().len();
    let told = tokio::task::spawn_blocking(move || {
        let registry = Registry::with_sources(vec![client]);
        let (desk, arguments) = (
            Desk::new(&home::home(), None),
            json!({ "question": "Is a buying commission part of the customs value?" }),
        );
        let called = registry.call(&desk, "other_search_corpora", &arguments);
        called.map(|outcome| outcome.told.en).map_err(|failure| failure.to_string())
    });
    (status, told.await.unwrap(), num_tools)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_haetae_calls_the_tools_of_another() {
    let server = tokio::task::spawn_blocking(|| Server::start(Some(KEY))).await.unwrap();
    let url = format!("{}/mcp", server.url);
    let own = Registry::default().shown(&Grant::everything()).len();
    let command =
        [env!("CARGO_BIN_EXE_haetae"), "--home", home::home().to_str().unwrap(), "mcp"].map(Into::into).into();
    for place in [
        McpPlace::Program { command, env: BTreeMap::new() },
        McpPlace::Url { url: url.clone(), key: Some(Secret::new(KEY)) },
    ] {
        let (status, told, num_tools) = reach(place.clone()).await;
        assert_eq!((status.unavailable, num_tools), (None, own), "{place:?}: {:?}", status.left_out);
        assert_eq!(status.version.unwrap(), format!("haetae {}", env!("CARGO_PKG_VERSION")));
        assert!(told.as_ref().is_ok_and(|told| told.contains("buying commission")), "{place:?}: {told:?}");
    }
    let (status, told, _) = reach(McpPlace::Url { url, key: Some(Secret::new("another key")) }).await;
    assert!(status.unavailable.is_some() && told.is_err(), "{status:?} {told:?}");
}
