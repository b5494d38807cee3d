//! `haetae bench soak`.

use std::process::ExitCode;
use std::time::Duration;

use super::{OwnServer, SoakArgs};
use crate::bench::soak::{self, Plan, Report, Subject};
use crate::config::{Config, EngineChoice, EngineLimits};
use crate::engine::RemoteEngine;

/// Small, so that the cache is full and contended within a short run.
fn limits() -> EngineLimits {
    EngineLimits { context_len: 2048, kv_tokens: 6144, ..EngineLimits::default() }
}

pub(super) fn run(args: &SoakArgs, config: &Config) -> anyhow::Result<ExitCode> {
    if matches!(config.engine, EngineChoice::Remote { .. }) {
        anyhow::bail!("the settings choose a remote engine; unset `--remote-url`");
    }
    let limits = EngineLimits { max_waiting: args.clients.max(256), ..limits() };
    let plan = Plan {
        duration: Duration::from_secs_f64(args.minutes * 60.0),
        clients: args.clients,
        seed: args.seed,
        kv_tokens: limits.kv_tokens,
        context_len: limits.context_len,
        max_growth_bytes: args.max_growth << 20,
    };
    let config = Config { limits, ..config.clone() };
    let report = tokio::runtime::Runtime::new()?.block_on(async {
        let server = OwnServer::start(&config).await?;
        let id = server.engine.info().id.clone();
        let subject = Subject {
            engine: &*server.engine,
            bare: RemoteEngine::connect(&server.url, None, Some(&id)).await?,
            corpus: RemoteEngine::connect(&server.url, None, Some("customs-valuation")).await?,
        };
        anyhow::Ok(soak::run(&subject, &plan).await?)
    })?;
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print!("{}", in_words(&report));
    }
    Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn in_words(report: &Report) -> String {
    let mib = |bytes: u64| bytes >> 20;
    let mut text = format!(
        "{}: {} requests by {} clients, {:.0} s of full load, {} tokens generated\n\
         {} failed, {} stuck; {} of {} KV blocks in use when idle; resident {} MiB, {} MiB afterwards\n",
        report.model,
        report.num_requests(),
        report.clients,
        report.duration_s,
        report.generated_tokens,
        report.failed,
        report.stuck,
        report.kv_blocks_used,
        report.kv_blocks_total,
        mib(report.resident_before_bytes),
        mib(report.resident_after_bytes)
    );
    for complaint in &report.complaints {
        text += &format!("wrong: {complaint}\n");
    }
    text + if report.passed() { "passed\n" } else { "failed\n" }
}
