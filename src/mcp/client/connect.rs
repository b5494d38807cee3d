//! Reaching a server: the process or the socket, and the greeting.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rmcp::handler::client::ClientHandler;
use rmcp::model::{ClientConfig, Implementation};
use rmcp::service::{NotificationContext, RunningService};
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::transport::{StreamableHttpClientTransport, TokioChildProcess};
use rmcp::{RoleClient, ServiceExt};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Command;
use tokio::sync::Notify;

use super::link::{Peer, describe};
use super::result::MAX_RESULT_BYTES;
use crate::config::{McpPlace, McpServer, Secret};

/// Longest for a greeting, and for a list of tools.
const LIMIT: Duration = Duration::from_secs(20);
/// What a child process inherits of our environment: keys of ours are none of its business.
const INHERITED: [&str; 9] = ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "TMPDIR", "LANG", "LC_ALL"];
/// Characters of a line that a failed process said last.
const MAX_LAST_WORDS: usize = 300;

/// A server that has been greeted.
pub struct Connected {
    pub peer: Peer,
    pub running: RunningService<RoleClient, Handler>,
    /// Its tools have changed.
    pub changed: Arc<Notify>,
    pub said: LastWords,
}

/// The last line that a process wrote on its standard error.
pub type LastWords = Arc<Mutex<String>>;

/// What we answer a server: who we are, and nothing that it might ask.
pub struct Handler {
    changed: Arc<Notify>,
}

impl ClientHandler for Handler {
    fn get_info(&self) -> ClientConfig {
        let mut config = ClientConfig::default();
        config.client_info = Implementation::new("haetae", env!("CARGO_PKG_VERSION"));
        config
    }

    async fn on_tool_list_changed(&self, _context: NotificationContext<RoleClient>) {
        self.changed.notify_one();
    }
}

/// Reaches a server and greets it.
///
/// # Errors
/// Why it is not at hand, in words.
pub async fn connect(server: &McpServer) -> Result<Connected, String> {
    let changed = Arc::new(Notify::new());
    let handler = Handler { changed: Arc::clone(&changed) };
    let said = LastWords::default();
    let greeted = match &server.place {
        McpPlace::Program { command, env } => {
            let child = start(&server.name, command, env, &said)?;
            within("greet us", handler.serve(child)).await
        }
        McpPlace::Url { url, key } => {
            let transport = StreamableHttpClientTransport::from_config(http(url, key.as_ref()));
            within("greet us", handler.serve(transport)).await
        }
    };
    let greeted = greeted.and_then(|greeted| greeted.map_err(|error| describe(&error)));
    let running = greeted.map_err(|reason| with_last_words(reason, &said))?;
    Ok(Connected { peer: running.peer().clone(), running, changed, said })
}

fn start(
    name: &str,
    command: &[String],
    env: &BTreeMap<String, Secret>,
    said: &LastWords,
) -> Result<TokioChildProcess, String> {
    let (program, arguments) = command.split_first().ok_or("its command is empty")?;
    let mut command = Command::new(program);
    command.args(arguments).env_clear().kill_on_drop(true);
    command.envs(INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command.envs(env.iter().map(|(name, value)| (name, value.reveal())));
    let spawned = TokioChildProcess::builder(command).stderr(Stdio::piped()).spawn();
    let (child, stderr) = spawned.map_err(|error| format!("`{program}` cannot be started: {error}"))?;
    if let Some(stderr) = stderr {
        tokio::spawn(listen(name.to_owned(), stderr, Arc::clone(said)));
    }
    Ok(child)
}

/// Passes on what a process says of itself, and keeps its last line.
async fn listen(server: String, stderr: impl AsyncRead + Unpin, said: LastWords) {
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        tracing::debug!(server, "{line}");
        if !line.trim().is_empty() {
            *said.lock().unwrap_or_else(PoisonError::into_inner) = line.trim().chars().take(MAX_LAST_WORDS).collect();
        }
    }
}

fn http(url: &str, key: Option<&Secret>) -> StreamableHttpClientTransportConfig {
    // TLS by ring; refused only where a provider is installed already, which then serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = StreamableHttpClientTransportConfig::with_uri(url)
        .max_json_response_size(MAX_RESULT_BYTES)
        .max_sse_event_size(MAX_RESULT_BYTES);
    match key {
        Some(key) => config.auth_header(key.reveal()),
        None => config,
    }
}

/// Waits for a server to do something, not for ever.
///
/// # Errors
/// If it took too long.
pub async fn within<T>(what: &str, work: impl Future<Output = T>) -> Result<T, String> {
    let done = tokio::time::timeout(LIMIT, work).await;
    done.map_err(|_| format!("it did not {what} within {} s", LIMIT.as_secs()))
}

/// A reason with what the process said last, which is mostly why.
pub fn with_last_words(reason: String, said: &LastWords) -> String {
    let said = said.lock().unwrap_or_else(PoisonError::into_inner);
    if said.is_empty() { reason } else { format!("{reason}; it said last: {said}") }
}
