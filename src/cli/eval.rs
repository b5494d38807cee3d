//! `haetae eval`: the question suites against the index of the home folder.

use std::process::ExitCode;
use std::sync::Arc;

use serde::Serialize;

use super::{EvalCommand, SuiteArgs, corpora};
use crate::config::Config;
use crate::eval::{Report, abstention, retrieval};
use crate::rag::Rag;

pub(super) fn run(command: EvalCommand, config: &Config) -> anyhow::Result<ExitCode> {
    match command {
        EvalCommand::Retrieval(args) => finish(&retrieval::run(&rag(config)?, &args.suite, args.limit)?, &args),
        EvalCommand::Abstention(args) => finish(&abstention::run(&rag(config)?, &args.suite, args.limit)?, &args),
        EvalCommand::Answers(_) => anyhow::bail!("not built yet"),
    }
}

/// Retrieval over an index that is up to date, so that a report never speaks of yesterday's corpus.
fn rag(config: &Config) -> anyhow::Result<Rag> {
    let index = corpora::open(config)?;
    corpora::update(&index, &config.home)?;
    Ok(Rag::new(Arc::new(index)))
}

fn finish<R: Report + Serialize>(report: &R, args: &SuiteArgs) -> anyhow::Result<ExitCode> {
    if args.json {
        println!("{}", serde_json::to_string_pretty(report)?);
    } else {
        print!("{}", report.in_words());
    }
    Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
