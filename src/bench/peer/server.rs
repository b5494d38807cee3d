//! `llama-server`, started for as long as it is measured.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::process::last_words;
use super::{Places, Task};
use crate::bench::Error;
use crate::engine::{Engine, GenerateRequest, Prompt, RemoteEngine};

/// Longest start: a model of several gigabytes from a slow disk.
const START_TIMEOUT: Duration = Duration::from_secs(300);
/// Lines of its log that are kept to say why it ended.
const KEPT_LINES: usize = 20;

/// A running server; stopped when dropped.
pub struct LlamaServer {
    child: Child,
    pub url: String,
    pub client: RemoteEngine,
}

impl LlamaServer {
    /// Starts one on a free port of loopback, with `slots` sequences of `slot_len` tokens each, and waits until it
    /// answers.
    ///
    /// # Errors
    /// [`Error::NoPeer`], [`Error::PeerNotRun`], [`Error::PeerFailed`], [`Error::PeerNotReady`].
    pub async fn start(places: &Places, task: &Task, slots: usize, slot_len: usize) -> Result<Self, Error> {
        let tool = Self::find(places)?;
        let not_run = |source| Error::PeerNotRun { tool: tool.clone(), source };
        // Freed again at once; nobody else asks for a port meanwhile, as a rule.
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).map_err(not_run)?.port();
        let threads = task.threads.to_string();
        let mut command = Command::new(&tool);
        command.arg("-m").arg(&task.model).args(["--host", "127.0.0.1", "--port", &port.to_string()]);
        command.args(["-np", &slots.to_string(), "-c", &(slots * slot_len).to_string(), "-cb", "-ngl", "0"]);
        command.args(["-t", &threads, "-tb", &threads]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(not_run)?;
        let log = keep_log(&mut child);
        let url = format!("http://127.0.0.1:{port}/v1");
        match wait_until_ready(&tool, &mut child, &url, &log).await {
            Ok(client) => Ok(Self { child, url, client }),
            Err(error) => {
                stop(&mut child);
                Err(error)
            }
        }
    }

    /// The program.
    ///
    /// # Errors
    /// [`Error::NoPeer`].
    pub fn find(places: &Places) -> Result<PathBuf, Error> {
        let alone = Places { node_llama_cpp: None, ..places.clone() };
        alone.tool("llama-server").ok_or_else(|| alone.missing(&["llama-server"]))
    }
}

impl Drop for LlamaServer {
    fn drop(&mut self) {
        stop(&mut self.child);
    }
}

fn stop(child: &mut Child) {
    // Either it runs and is stopped, or it has ended already.
    let _ = child.kill();
    let _ = child.wait();
}

type Log = Arc<Mutex<Vec<String>>>;

/// Reads what the server says, because a full pipe would stop it, and keeps the end.
fn keep_log(child: &mut Child) -> Log {
    let log = Log::default();
    let stderr = BufReader::new(child.stderr.take().expect("stderr is piped"));
    let kept = Arc::clone(&log);
    std::thread::spawn(move || {
        for line in stderr.lines().map_while(Result::ok) {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() == KEPT_LINES {
                kept.remove(0);
            }
            kept.push(line);
        }
    });
    log
}

async fn wait_until_ready(tool: &Path, child: &mut Child, url: &str, log: &Log) -> Result<RemoteEngine, Error> {
    let said = || last_words(&log.lock().unwrap_or_else(PoisonError::into_inner).join("\n"));
    let started = Instant::now();
    while started.elapsed() < START_TIMEOUT {
        if let Some(status) = child.try_wait().map_err(|source| Error::PeerNotRun { tool: tool.into(), source })? {
            return Err(Error::PeerFailed { tool: tool.into(), status, said: said() });
        }
        if let Ok(client) = RemoteEngine::connect(url, None, None).await {
            // Its list of models answers before the model is loaded; a token does not.
            let word = GenerateRequest { max_tokens: Some(1), ..GenerateRequest::new(Prompt::Text("Hello".into())) };
            if let Ok(stream) = client.submit(word).await
                && stream.collect().await.is_ok()
            {
                return Ok(client);
            }
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Err(Error::PeerNotReady { tool: tool.into(), seconds: START_TIMEOUT.as_secs(), said: said() })
}
