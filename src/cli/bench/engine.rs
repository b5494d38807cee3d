//! `haetae bench engine`.

use std::process::ExitCode;

use super::{EngineArgs, Scenario};
use crate::app;
use crate::bench::engine::{self, DECODE_PROMPT_LEN, Figure, Plan, Report};
use crate::bench::machine::Machine;
use crate::bench::peer::{Rival, Task, Tools};
use crate::bench::roofline::{Bound, Costs};
use crate::bench::scenario::{self, LONG_PROMPT_LEN, SHARED_PREFIX_LEN};
use crate::config::{Config, EngineLimits};
use crate::kernels;

/// Room beyond the lengths asked for: prompts come out a little longer, and questions follow prefixes.
const SLACK: usize = 128;

pub(super) fn run(args: &EngineArgs, config: &Config) -> anyhow::Result<ExitCode> {
    if args.peer.vs.is_some() && !args.scenario.contains(&Scenario::Plain) {
        anyhow::bail!(
            "`--vs` compares the scenario `plain`, which is not among those asked for\n\nhint: `bench server --vs` compares latencies"
        );
    }
    // Known before anything is loaded.
    let tools = args.peer.vs.map(|_| Tools::find(&args.places())).transpose()?;
    let config = Config { limits: widened(config.limits, args), ..config.clone() };
    let model = app::local_model(&config)?;
    let threads = kernels::pool().num_threads();
    let rival = match tools {
        Some(tools) => Some(Rival { tools, task: Task::new(&model.path, threads)? }),
        None => None,
    };
    let engine = app::start_local_engine(&config)?;
    let runtime = tokio::runtime::Runtime::new()?;
    let report = runtime.block_on(async {
        let mut report = Report::new(&engine, args.rounds);
        if args.scenario.contains(&Scenario::Plain) {
            let mut rival = rival;
            report.results = engine::run(&engine, &plan(args), rival.as_mut()).await?;
            if let Some(costs) = Costs::of(&model.path) {
                report.add_roofline(Machine::measure(threads), &costs, config.limits.step_tokens);
            }
        }
        if args.scenario.contains(&Scenario::SharedPrefix) {
            let len = args.prompt_len.unwrap_or(SHARED_PREFIX_LEN);
            report.shared_prefix = Some(scenario::shared_prefix(&engine, len, args.rounds).await?);
        }
        if args.scenario.contains(&Scenario::Mixed) {
            let len = args.prompt_len.unwrap_or(LONG_PROMPT_LEN);
            report.mixed = Some(scenario::mixed(&engine, args.streams, len, args.rounds).await?);
        }
        anyhow::Ok(report)
    })?;
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print!("{}", in_words(&report));
    }
    Ok(ExitCode::SUCCESS)
}

fn plan(args: &EngineArgs) -> Plan {
    Plan { prefill: args.prefill.clone(), decode_len: args.decode, batches: args.batch.clone(), rounds: args.rounds }
}

/// The limits of the settings, wide enough for what is asked: a batch that had to wait would be another measurement.
fn widened(limits: EngineLimits, args: &EngineArgs) -> EngineLimits {
    let batch = args.batch.iter().copied().max().unwrap_or(1);
    let longest = args.prefill.iter().copied().chain(args.prompt_len).max().unwrap_or(0);
    let longest = longest.max(if args.prompt_len.is_none() { LONG_PROMPT_LEN } else { 0 }) + SLACK;
    let decoding = args.decode + DECODE_PROMPT_LEN + SLACK;
    let context_len = limits.context_len.max(longest).max(decoding);
    EngineLimits {
        max_running: limits.max_running.max(batch).max(args.streams + 1),
        max_waiting: limits.max_waiting.max(batch),
        context_len,
        kv_tokens: limits.kv_tokens.max(batch * decoding).max(context_len + args.streams * SLACK),
        ..limits
    }
}

fn in_words(report: &Report) -> String {
    let mut text = format!("{} on {} threads, best of {} rounds\n", report.model, report.threads, report.rounds);
    for figure in &report.results {
        text += &line(figure);
    }
    if let Some(machine) = &report.machine {
        let (read, ops) = (machine.read_bytes_per_s / 1e9, machine.ops_per_s / 1e12);
        text += &format!("machine: reads {read:.1} GB/s, {ops:.2} Tops/s ({})\n", machine.kernel);
    }
    if let Some(found) = &report.shared_prefix {
        let (cold, warm, ratio) = (found.cold_ms, found.warm_ms, found.ratio);
        text += &format!(
            "shared prefix of {} tokens, first token after {cold:.0} ms cold, {warm:.0} ms warm ({} tokens cached): \
             {ratio:.1} times sooner\n",
            found.prefix_len, found.cached_tokens
        );
    }
    if let Some(found) = &report.mixed {
        let (alone, disturbed) = (&found.alone, &found.disturbed);
        text += &format!(
            "mixed, gaps between tokens of {} streams in ms:\n  alone                      p50 {:>7.1}  p95 {:>7.1}  max {:>7.1}\n  \
             beside a {:>5}-token prompt p50 {:>7.1}  p95 {:>7.1}  max {:>7.1}; its first token after {:.0} ms\n",
            found.streams,
            alone.p50,
            alone.p95,
            alone.max,
            found.prompt_len,
            disturbed.p50,
            disturbed.p95,
            disturbed.max,
            found.first_token_ms
        );
    }
    text
}

fn line(figure: &Figure) -> String {
    let Figure { name, tokens, batch, tokens_per_s, .. } = figure;
    let mut text = format!("{name:<8} {tokens:>5} tokens, {batch:>2} at once: {tokens_per_s:>8.1} tokens/s");
    if let (Some(peer), Some(ratio)) = (&figure.peer, figure.ratio) {
        text += &format!(" | llama.cpp {:>8.1} ({}), ratio {ratio:.2}", peer.tokens_per_s, peer.via);
    }
    if let Some(share) = figure.roofline {
        let bound = match share.bound_by {
            Bound::Memory => "memory",
            Bound::Compute => "compute",
        };
        let (weights, ops) = (share.weight_bytes as f64 / 1e6, share.ops_per_token as f64 / 1e9);
        text += &format!(
            "\n         {:.0} % of the {bound} bound of {:.0} tokens/s ({weights:.0} MB of weights, {ops:.2} Gops a token)",
            share.share * 100.0,
            share.bound_tokens_per_s
        );
    }
    text + "\n"
}
