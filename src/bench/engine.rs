//! Tokens a second of the engine: prefill of prompts nobody has seen, decode of several sequences at once.
//!
//! The best of the rounds counts, because what disturbs a measurement only ever slows it. A rival is measured within
//! the same rounds, after us in each, so that what the machine does in those minutes meets both.

use std::cell::Cell;
use std::time::Instant;

use futures::future::try_join_all;
use serde::Serialize;

use super::machine::Machine;
use super::peer::Rival;
use super::roofline::{Costs, Share};
use super::scenario::{Mixed, SharedPrefix};
use super::{Error, words};
use crate::engine::{Engine, Event, GenerateRequest, SamplingParams};
use crate::kernels;

/// Tokens of the prompts that decode begins from.
pub const DECODE_PROMPT_LEN: usize = 8;
/// Times a sequence that its model ended is begun anew before the rest of its tokens is given up.
const MAX_RESTARTS: usize = 100;

/// What is measured.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Prompt lengths.
    pub prefill: Vec<usize>,
    /// Tokens that each sequence generates, at least 2: the first is the prefill's.
    pub decode_len: usize,
    /// Sequences at once.
    pub batches: Vec<usize>,
    pub rounds: usize,
}

/// One line of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    Prefill { len: usize },
    Decode { len: usize, batch: usize },
}

impl Plan {
    pub fn cases(&self) -> Vec<Case> {
        let prefill = self.prefill.iter().map(|len| Case::Prefill { len: *len });
        let decode = self.batches.iter().map(|batch| Case::Decode { len: self.decode_len, batch: *batch });
        prefill.chain(decode).collect()
    }
}

/// One figure.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    pub name: &'static str,
    /// Tokens of each sequence.
    pub tokens: usize,
    /// Sequences at once.
    pub batch: usize,
    /// Of all sequences together.
    pub tokens_per_s: f64,
    /// Against what the hardware would allow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roofline: Option<Share>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<PeerFigure>,
    /// Ours over the peer's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio: Option<f64>,
}

/// The peer's best for the same line.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PeerFigure {
    pub tokens_per_s: f64,
    /// The tool that measured it.
    pub via: &'static str,
}

/// What `haetae bench engine --json` prints.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    pub model: String,
    pub threads: usize,
    pub rounds: usize,
    pub results: Vec<Figure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub machine: Option<Machine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shared_prefix: Option<SharedPrefix>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mixed: Option<Mixed>,
}

impl Report {
    pub fn new(engine: &dyn Engine, rounds: usize) -> Self {
        let (model, threads) = (engine.info().id.clone(), kernels::pool().num_threads());
        Self { model, threads, rounds, ..Self::default() }
    }

    /// Sets every figure against what `machine` allows a model of `costs`, read in steps of `step_tokens`.
    pub fn add_roofline(&mut self, machine: Machine, costs: &Costs, step_tokens: usize) {
        for figure in &mut self.results {
            figure.roofline = Some(costs.share(&machine, figure, step_tokens));
        }
        self.machine = Some(machine);
    }
}

/// Measures every case of `plan`, and the rival's, round by round.
///
/// # Errors
/// The engine's; the rival's, where it gave no figure at all.
pub async fn run(engine: &dyn Engine, plan: &Plan, mut rival: Option<&mut Rival>) -> Result<Vec<Figure>, Error> {
    let cases = plan.cases();
    let mut best = vec![0.0f64; cases.len()];
    let mut theirs: Vec<Option<PeerFigure>> = vec![None; cases.len()];
    let mut seeds = 1u64..;
    for round in 0..plan.rounds {
        tracing::info!("round {} of {}", round + 1, plan.rounds);
        for (case, best) in cases.iter().zip(&mut best) {
            let speed = match *case {
                Case::Prefill { len } => prefill(engine, len, &mut seeds).await?,
                Case::Decode { len, batch } => decode(engine, len, batch, &mut seeds).await?,
            };
            *best = best.max(speed);
        }
        if let Some(rival) = &mut rival {
            for (case, figure) in rival.round(plan)? {
                let Some(at) = cases.iter().position(|known| *known == case) else { continue };
                let known = theirs[at].as_ref().map_or(0.0, |known| known.tokens_per_s);
                if figure.tokens_per_s > known {
                    theirs[at] = Some(figure);
                }
            }
        }
    }
    Ok(cases.iter().zip(best).zip(theirs).map(|((case, best), peer)| figure(*case, best, peer)).collect())
}

fn figure(case: Case, tokens_per_s: f64, peer: Option<PeerFigure>) -> Figure {
    let (name, tokens, batch) = match case {
        Case::Prefill { len } => ("prefill", len, 1),
        Case::Decode { len, batch } => ("decode", len, batch),
    };
    let ratio = peer.as_ref().map(|peer| tokens_per_s / peer.tokens_per_s);
    Figure { name, tokens, batch, tokens_per_s, roofline: None, peer, ratio }
}

/// A seed that no earlier prompt was drawn by.
fn next_seed(seeds: &mut impl Iterator<Item = u64>) -> u64 {
    seeds.next().expect("there are more numbers than prompts")
}

async fn prefill(engine: &dyn Engine, len: usize, seeds: &mut impl Iterator<Item = u64>) -> Result<f64, Error> {
    let (prompt, num_tokens) = words::prompt(engine, len, next_seed(seeds))?;
    let request = GenerateRequest { max_tokens: Some(1), ..GenerateRequest::new(prompt) };
    let started = Instant::now();
    engine.submit(request).await?.collect().await?;
    Ok(num_tokens as f64 / started.elapsed().as_secs_f64())
}

/// The time in which every sequence decodes: from the moment the last of them has its first token.
struct Clock {
    num_to_begin: Cell<usize>,
    started: Cell<Option<Instant>>,
    /// Tokens that came before.
    early: Cell<usize>,
}

impl Clock {
    /// A token of a sequence that had `generated` before it.
    fn token(&self, generated: usize) {
        if self.started.get().is_some() {
            return;
        }
        self.early.set(self.early.get() + 1);
        if generated == 0 {
            self.num_to_begin.set(self.num_to_begin.get() - 1);
            if self.num_to_begin.get() == 0 {
                self.started.set(Some(Instant::now()));
            }
        }
    }
}

/// Tokens a second of all sequences together.
async fn decode(
    engine: &dyn Engine,
    len: usize,
    batch: usize,
    seeds: &mut impl Iterator<Item = u64>,
) -> Result<f64, Error> {
    let clock = Clock { num_to_begin: Cell::new(batch), started: Cell::new(None), early: Cell::new(0) };
    let first_seeds: Vec<u64> = (0..batch).map(|_| next_seed(seeds)).collect();
    let lanes = first_seeds.into_iter().map(|seed| lane(engine, len, seed, &clock));
    let generated: usize = try_join_all(lanes).await?.into_iter().sum();
    let elapsed = clock.started.get().map_or(0.0, |started| started.elapsed().as_secs_f64());
    Ok(generated.saturating_sub(clock.early.get()) as f64 / elapsed.max(1e-9))
}

/// Generates `len` tokens and says how many it came to. A model may end its answer early; the lane then begins
/// another, so that the batch stays as large as it is said to be.
async fn lane(engine: &dyn Engine, len: usize, seed: u64, clock: &Clock) -> Result<usize, Error> {
    let mut generated = 0;
    for restart in 0..MAX_RESTARTS as u64 {
        // Drawn, not greedy: a small model that repeats itself would end the sooner.
        let sampling = SamplingParams { temperature: 1.0, seed: Some(seed + restart), ..SamplingParams::default() };
        let (prompt, _) = words::prompt(engine, DECODE_PROMPT_LEN, seed + (restart << 32))?;
        let request = GenerateRequest { sampling, max_tokens: Some(len - generated), ..GenerateRequest::new(prompt) };
        let mut stream = engine.submit(request).await?;
        let mut seen = generated;
        while let Some(event) = stream.next().await {
            match event {
                Event::Text { .. } | Event::ToolCall(_) => {
                    clock.token(seen);
                    seen += 1;
                }
                Event::Finished { usage, .. } => generated += usage.completion_tokens,
                Event::Failed(error) => return Err(error.into()),
            }
        }
        if generated >= len {
            break;
        }
    }
    Ok(generated)
}
