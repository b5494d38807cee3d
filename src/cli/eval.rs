//! `haetae eval`: the question suites against the index of the home folder.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use serde::Serialize;

use super::{AgentsSuiteArgs, EvalCommand, FunctionsArgs, ask};
use crate::app;
use crate::config::Config;
use crate::eval::{Report, abstention, agents, answers, functions, injection, retrieval};
use crate::rag::Rag;

pub(super) fn run(command: EvalCommand, config: &Config) -> anyhow::Result<ExitCode> {
    match command {
        EvalCommand::Retrieval(args) => finish(&retrieval::run(&rag(config)?, &args.suite, args.limit)?, args.json),
        EvalCommand::Abstention(args) => finish(&abstention::run(&rag(config)?, &args.suite, args.limit)?, args.json),
        EvalCommand::Agents(AgentsSuiteArgs { suite, json, limit }) => {
            let runtime = tokio::runtime::Runtime::new()?;
            let report = runtime.block_on(async {
                let world = tempfile::tempdir()?;
                let agents = app::agents_over_demo(config, world.path()).await?;
                anyhow::Ok(agents::run(&agents, &suite, limit).await?)
            })?;
            finish(&report, json)
        }
        EvalCommand::Injection(AgentsSuiteArgs { suite, json, limit }) => {
            let runtime = tokio::runtime::Runtime::new()?;
            let report = runtime.block_on(async {
                let world = tempfile::tempdir()?;
                let mut planted = injection::Planted::read(&suite, limit)?;
                planted.into_corpus(world.path())?;
                let edit = &mut |folder: &Path| Ok(planted.into_world(folder)?);
                let agents = app::agents_over_edited(config, world.path(), edit).await?;
                anyhow::Ok(injection::run(&agents, &planted).await?)
            })?;
            finish(&report, json)
        }
        EvalCommand::Answers(args) => {
            let runtime = tokio::runtime::Runtime::new()?;
            let report = runtime.block_on(async {
                let chat = ask::chat(config).await?;
                anyhow::Ok(answers::run(&chat, &args.suite, args.limit).await?)
            })?;
            finish(&report, args.json)
        }
        EvalCommand::Functions(FunctionsArgs { data, kinds, limit, bound_only, json }) => {
            let kinds = if kinds.is_empty() { functions::Kind::ALL.to_vec() } else { kinds };
            let plan = functions::Plan { folder: data, kinds, limit, compare: !bound_only };
            let runtime = tokio::runtime::Runtime::new()?;
            let report = runtime.block_on(async {
                let engine = app::start_engine(config).await?;
                anyhow::Ok(functions::run(engine.as_ref(), &plan).await?)
            })?;
            finish(&report, json)
        }
    }
}

/// Retrieval over an index that is up to date, so that a report never speaks of yesterday's corpus.
fn rag(config: &Config) -> anyhow::Result<Rag> {
    let index = app::open_index(config)?;
    app::update_index(&index, &config.home)?;
    Ok(Rag::new(Arc::new(index)))
}

fn finish<R: Report + Serialize>(report: &R, json: bool) -> anyhow::Result<ExitCode> {
    if json {
        println!("{}", serde_json::to_string_pretty(report)?);
    } else {
        print!("{}", report.in_words());
    }
    Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
