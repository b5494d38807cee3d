//! `haetae bench`: figures to stdout, as tables or as JSON.

mod args;
mod engine;
mod server;
mod soak;

use std::process::ExitCode;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use args::{BenchCommand, EngineArgs, Scenario, ServerArgs, SoakArgs};

use super::Settings;
use crate::app;
use crate::config::Config;
use crate::engine::Engine;
use crate::http;

/// Runs the measurement asked for. `settings` are what was typed, for servers of others.
///
/// # Errors
/// If the model is missing, the engine is a remote one, whose speed is measured there, or the peer is not installed.
pub fn run(command: BenchCommand, settings: &Settings, config: &Config) -> anyhow::Result<ExitCode> {
    match command {
        BenchCommand::Engine(args) => engine::run(&args, config),
        BenchCommand::Server(args) => server::run(&args, settings, config),
        BenchCommand::Soak(args) => soak::run(&args, config),
    }
}

/// The whole server, as `haetae serve` runs it, on a free port of loopback; stopped when dropped.
struct OwnServer {
    /// With its `/v1`.
    url: String,
    engine: Arc<dyn Engine>,
    task: JoinHandle<std::io::Result<()>>,
}

impl OwnServer {
    async fn start(config: &Config) -> anyhow::Result<Self> {
        let state = app::build_state(&Config { api_keys: Vec::new(), ..config.clone() }).await?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/v1", listener.local_addr()?);
        let engine = Arc::clone(&state.engine);
        let task = tokio::spawn(async move { axum::serve(http::undelayed(listener), http::router(state)).await });
        Ok(Self { url, engine, task })
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
