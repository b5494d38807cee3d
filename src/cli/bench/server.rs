//! `haetae bench server`.

use std::process::ExitCode;

use serde::Serialize;

use super::super::Settings;
use super::{OwnServer, ServerArgs};
use crate::app;
use crate::bench::Percentiles;
use crate::bench::peer::{LlamaServer, Places, Task};
use crate::bench::server::{self, Load, Outcome};
use crate::config::{Config, EngineChoice, EngineLimits, Secret};
use crate::engine::RemoteEngine;
use crate::kernels;

/// What is printed.
#[derive(Debug, Serialize)]
struct Report {
    url: String,
    rounds: usize,
    load: Load,
    result: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<PeerReport>,
}

#[derive(Debug, Serialize)]
struct PeerReport {
    name: &'static str,
    result: Outcome,
    ratio: Ratio,
}

/// Ours against the peer's, above 1 where we are the better.
#[derive(Debug, Serialize)]
struct Ratio {
    tokens_per_s: f64,
    total_tokens_per_s: f64,
    first_token_p50: f64,
    first_token_p95: f64,
    inter_token_p50: f64,
    inter_token_p95: f64,
}

impl Ratio {
    fn of(ours: &Outcome, theirs: &Outcome) -> Self {
        Self {
            tokens_per_s: ours.tokens_per_s / theirs.tokens_per_s,
            total_tokens_per_s: ours.total_tokens_per_s / theirs.total_tokens_per_s,
            first_token_p50: theirs.first_token_ms.p50 / ours.first_token_ms.p50,
            first_token_p95: theirs.first_token_ms.p95 / ours.first_token_ms.p95,
            inter_token_p50: theirs.inter_token_ms.p50 / ours.inter_token_ms.p50,
            inter_token_p95: theirs.inter_token_ms.p95 / ours.inter_token_ms.p95,
        }
    }
}

pub(super) fn run(args: &ServerArgs, settings: &Settings, config: &Config) -> anyhow::Result<ExitCode> {
    let places = Places { llama_cpp: args.peer.llama_cpp.clone(), node_llama_cpp: None };
    if args.peer.vs.is_some() {
        // Known before anything is loaded.
        LlamaServer::find(&places)?;
    }
    let runtime = tokio::runtime::Runtime::new()?;
    let report = runtime.block_on(async {
        match &args.url {
            Some(url) => {
                let key = settings.remote_key.clone().map(Secret::new);
                let client = RemoteEngine::connect(url, key, settings.model.as_deref()).await?;
                measure(args, url, &client, None).await
            }
            None => own(args, &places, config).await,
        }
    })?;
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print!("{}", in_words(&report));
    }
    let errors = report.result.errors + report.peer.as_ref().map_or(0, |peer| peer.result.errors);
    Ok(if errors == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// A server of ours, and the peer's on the same file where it is asked for.
async fn own(args: &ServerArgs, places: &Places, config: &Config) -> anyhow::Result<Report> {
    if matches!(config.engine, EngineChoice::Remote { .. }) {
        anyhow::bail!("the settings choose a remote engine; measure it by `--url`, or unset `--remote-url`");
    }
    // Of any length drawn, and with room for a tokenizer that takes more than a token a word.
    let slot_len = (2 * (args.prompt_len + args.output_len)).next_multiple_of(256);
    let mut config = config.clone();
    config.limits.max_waiting = config.limits.max_waiting.max(args.clients);
    let peer = match args.peer.vs {
        Some(_) => {
            // The same room for both.
            config.limits = EngineLimits {
                max_running: args.clients,
                context_len: slot_len,
                kv_tokens: args.clients * slot_len,
                ..config.limits
            };
            let blocking = config.clone();
            let model = tokio::task::spawn_blocking(move || app::local_model(&blocking)).await??;
            let task = Task::new(&model.path, kernels::pool().num_threads())?;
            Some(LlamaServer::start(places, &task, args.clients, slot_len).await?)
        }
        None => None,
    };
    let server = OwnServer::start(&config).await?;
    let id = server.engine.info().id.clone();
    let client = RemoteEngine::connect(&server.url, None, Some(&id)).await?;
    measure(args, &server.url, &client, peer.as_ref()).await
}

/// Round by round, in turn.
async fn measure(
    args: &ServerArgs,
    url: &str,
    client: &RemoteEngine,
    peer: Option<&LlamaServer>,
) -> anyhow::Result<Report> {
    let load = Load {
        clients: args.clients,
        requests: args.requests,
        prompt_len: args.prompt_len,
        output_len: args.output_len,
        seed: args.seed,
    };
    let better = |best: Option<Outcome>, found: Outcome| {
        Some(match best {
            Some(best) => best.best_of(found),
            None => found,
        })
    };
    let (mut ours, mut theirs) = (None, None);
    for round in 0..args.rounds as u64 {
        tracing::info!("round {} of {}", round + 1, args.rounds);
        // Other requests each time: none shall be found in a prefix cache.
        let drawn = Load { seed: load.seed + round, ..load };
        ours = better(ours, server::run(client, url, &drawn).await?);
        if let Some(peer) = peer {
            theirs = better(theirs, server::run(&peer.client, &peer.url, &drawn).await?);
        }
    }
    let result = ours.expect("there is at least one round");
    let peer =
        theirs.map(|theirs| PeerReport { name: "llama.cpp", ratio: Ratio::of(&result, &theirs), result: theirs });
    Ok(Report { url: url.into(), rounds: args.rounds, load, result, peer })
}

fn in_words(report: &Report) -> String {
    let Load { clients, requests, prompt_len, output_len, seed } = report.load;
    let mut text = format!(
        "{requests} requests by {clients} clients, about {prompt_len} tokens in and {output_len} out, seed {seed}, \
         best of {} rounds\n",
        report.rounds
    );
    text += &outcome_in_words(&report.result.model, &report.result);
    if let Some(peer) = &report.peer {
        text += &outcome_in_words(peer.name, &peer.result);
        let ratio = &peer.ratio;
        text += &format!(
            "ratio, above 1 where we are better: tokens/s {:.2}, with prompts {:.2}; first token p50 {:.2}, p95 {:.2}; \
             between tokens p50 {:.2}, p95 {:.2}\n",
            ratio.tokens_per_s,
            ratio.total_tokens_per_s,
            ratio.first_token_p50,
            ratio.first_token_p95,
            ratio.inter_token_p50,
            ratio.inter_token_p95
        );
    }
    text
}

fn outcome_in_words(name: &str, outcome: &Outcome) -> String {
    let row = |label: &str, p: &Percentiles| {
        format!("  {label:<24} p50 {:>8.1}  p95 {:>8.1}  p99 {:>8.1}\n", p.p50, p.p95, p.p99)
    };
    let mut text = format!(
        "{name}: {:.1} tokens/s generated, {:.1} with prompts; {} generated, {} read, {} of them cached, {} errors\n",
        outcome.tokens_per_s,
        outcome.total_tokens_per_s,
        outcome.completion_tokens,
        outcome.prompt_tokens,
        outcome.cached_tokens,
        outcome.errors
    );
    text += &row("first token, ms", &outcome.first_token_ms);
    text += &row("between tokens, ms", &outcome.inter_token_ms);
    text += &row("whole request, ms", &outcome.request_ms);
    text += &row("one answer, tokens/s", &outcome.answer_tokens_per_s);
    if let Some(error) = &outcome.first_error {
        text += &format!("  first error: {error}\n");
    }
    text
}
