//! Parses, starts logging, dispatches; the only place that exits.

use std::process::ExitCode;

use clap::Parser;
use haetae::cli::{self, Cli};

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("HAETAE_LOG")
                .unwrap_or_else(|_| "haetae=info,warn,qdrant_edge=error".into()),
        )
        .init();
    match cli::run(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}
