//! `haetae bench`: figures to stdout, as a table or as JSON.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use super::BenchCommand;
use crate::bench;
use crate::config::{Config, EngineChoice};
use crate::engine::LocalEngine;

/// Runs the measurement asked for.
///
/// # Errors
/// If the model is missing or the engine is a remote one, whose speed is measured there.
pub fn run(command: BenchCommand, config: &Config) -> anyhow::Result<ExitCode> {
    let BenchCommand::Engine { json } = command;
    let EngineChoice::Local { model } = &config.engine else {
        anyhow::bail!("`bench engine` measures the local engine; unset `--remote-url`");
    };
    let path = PathBuf::from(model);
    let engine = LocalEngine::start(model, &[], &path, config.limits).context("loading the model")?;
    let runtime = tokio::runtime::Runtime::new()?;
    let report = runtime.block_on(bench::run(&engine, 512, 128, &[1, 4, 16]))?;
    if json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        println!("{} on {} threads", report.model, report.threads);
        for figure in &report.results {
            println!(
                "{:<8} {:>5} tokens, {:>2} at once: {:>8.1} tokens/s",
                figure.name, figure.tokens, figure.batch, figure.tokens_per_s
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}
