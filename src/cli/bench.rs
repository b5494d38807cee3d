//! `haetae bench`: figures to stdout, as a table or as JSON.

use std::process::ExitCode;

use super::BenchCommand;
use crate::app;
use crate::bench;
use crate::config::Config;

/// Runs the measurement asked for.
///
/// # Errors
/// If the model is missing or the engine is a remote one, whose speed is measured there.
pub fn run(command: BenchCommand, config: &Config) -> anyhow::Result<ExitCode> {
    let BenchCommand::Engine { json } = command;
    let engine = app::start_local_engine(config)?;
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
