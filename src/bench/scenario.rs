//! Two situations that tokens a second say nothing of: a prompt whose beginning is known, and a long prompt that
//! arrives while others are being answered.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use futures::future::select_all;
use serde::Serialize;

use super::words::{self, Words};
use super::{Error, Percentiles};
use crate::engine::{Engine, Event, GenerateRequest, Prompt, SamplingParams, Usage};

/// Tokens of a question after its passages.
const QUESTION_LEN: usize = 24;
/// Tokens between the start of the streams and the long prompt, of each stream: enough for a 95th percentile.
const UNDISTURBED_TOKENS: usize = 32;
/// Prompt lengths where none is asked for.
pub const SHARED_PREFIX_LEN: usize = 2000;
pub const LONG_PROMPT_LEN: usize = 4000;
/// Seeds of this module's texts, apart from those of the other measurements.
const FIRST_SEED: u64 = 1 << 40;

/// Two questions to the same passages: best of the rounds.
#[derive(Clone, Debug, Serialize)]
pub struct SharedPrefix {
    /// Tokens of the passages.
    pub prefix_len: usize,
    /// Time to the first token where nobody has asked about these passages.
    pub cold_ms: f64,
    /// The same for the second question.
    pub warm_ms: f64,
    /// Prompt tokens of the second question that were found in the cache.
    pub cached_tokens: usize,
    /// `cold_ms` over `warm_ms`.
    pub ratio: f64,
}

/// Times to the first token of a prompt whose first `prefix_len` tokens are new, and are not.
///
/// # Errors
/// The engine's.
pub async fn shared_prefix(engine: &dyn Engine, prefix_len: usize, rounds: usize) -> Result<SharedPrefix, Error> {
    let (mut cold, mut warm, mut cached_tokens) = (Duration::MAX, Duration::MAX, 0);
    for round in 0..rounds as u64 {
        let (passages, _) = words::prompt(engine, prefix_len, FIRST_SEED + round)?;
        let Prompt::Text(passages) = passages else { unreachable!("words are raw text") };
        let mut questions = Words::new(FIRST_SEED + (round << 20));
        let mut ask = async || {
            let text = format!("{passages}\n\nQuestion: {}", questions.text(QUESTION_LEN));
            let started = Instant::now();
            let usage = first_token(engine, Prompt::Text(text)).await?;
            Ok::<_, Error>((started.elapsed(), usage))
        };
        cold = cold.min(ask().await?.0);
        let (elapsed, usage) = ask().await?;
        warm = warm.min(elapsed);
        cached_tokens = usage.cached_tokens;
    }
    let (cold_ms, warm_ms) = (cold.as_secs_f64() * 1e3, warm.as_secs_f64() * 1e3);
    Ok(SharedPrefix { prefix_len, cold_ms, warm_ms, cached_tokens, ratio: cold_ms / warm_ms })
}

async fn first_token(engine: &dyn Engine, prompt: Prompt) -> Result<Usage, Error> {
    let request = GenerateRequest { max_tokens: Some(1), ..GenerateRequest::new(prompt) };
    Ok(engine.submit(request).await?.collect().await?.usage)
}

/// Gaps between the tokens of running streams, in milliseconds: of the round with the shortest 95th percentile.
#[derive(Clone, Debug, Serialize)]
pub struct Mixed {
    pub streams: usize,
    pub prompt_len: usize,
    /// While the streams run alone.
    pub alone: Percentiles,
    /// While the long prompt is read.
    pub disturbed: Percentiles,
    /// Time to the first token of the long prompt.
    pub first_token_ms: f64,
}

/// Runs `streams` answers, lets a prompt of `prompt_len` tokens in, and watches the streams' gaps before and meanwhile.
///
/// # Errors
/// The engine's.
pub async fn mixed(engine: &dyn Engine, streams: usize, prompt_len: usize, rounds: usize) -> Result<Mixed, Error> {
    let mut best: Option<Mixed> = None;
    for round in 0..rounds as u64 {
        let found = mixed_round(engine, streams, prompt_len, FIRST_SEED + (round << 30)).await?;
        if best.as_ref().is_none_or(|best| found.disturbed.p95 < best.disturbed.p95) {
            best = Some(found);
        }
    }
    Ok(best.expect("there is at least one round"))
}

/// What the streams and the long prompt of a round know of each other; all on one task.
#[derive(Default)]
struct Watch {
    /// Set while the long prompt is on its way.
    disturbed: Cell<bool>,
    alone: RefCell<Vec<Duration>>,
    meanwhile: RefCell<Vec<Duration>>,
    /// Streams that have not yet run undisturbed for long enough.
    num_to_settle: Cell<usize>,
}

async fn mixed_round(engine: &dyn Engine, streams: usize, prompt_len: usize, seed: u64) -> Result<Mixed, Error> {
    let (prompt, _) = words::prompt(engine, prompt_len, seed)?;
    let watch = Watch { num_to_settle: Cell::new(streams), ..Watch::default() };
    let settled = tokio::sync::Notify::new();
    let running = select_all((0..streams as u64).map(|nth| {
        let stream = endless(engine, seed + 1 + nth, &watch, &settled);
        Box::pin(stream)
    }));
    let long = async {
        settled.notified().await;
        watch.disturbed.set(true);
        let started = Instant::now();
        first_token(engine, prompt).await?;
        Ok::<_, Error>(started.elapsed())
    };
    // The streams have no end of their own: whatever ends first there is an error.
    let elapsed = tokio::select! {
        elapsed = long => elapsed?,
        (ended, ..) = running => match ended { Err(error) => return Err(error) },
    };
    let percentiles = |gaps: &RefCell<Vec<Duration>>| Percentiles::of_durations(&gaps.borrow()).unwrap_or_default();
    let (alone, disturbed) = (percentiles(&watch.alone), percentiles(&watch.meanwhile));
    Ok(Mixed { streams, prompt_len, alone, disturbed, first_token_ms: elapsed.as_secs_f64() * 1e3 })
}

/// Answers one prompt after another until dropped, noting the gaps between the tokens of an answer.
async fn endless(
    engine: &dyn Engine,
    seed: u64,
    watch: &Watch,
    settled: &tokio::sync::Notify,
) -> Result<std::convert::Infallible, Error> {
    let mut num_alone = 0;
    for turn in 0u64.. {
        let sampling = SamplingParams { temperature: 1.0, seed: Some(seed + turn), ..SamplingParams::default() };
        let (prompt, _) = words::prompt(engine, super::engine::DECODE_PROMPT_LEN, seed + (turn << 20))?;
        let request = GenerateRequest { sampling, ..GenerateRequest::new(prompt) };
        let mut stream = engine.submit(request).await?;
        let mut last: Option<Instant> = None;
        while let Some(event) = stream.next().await {
            if let Event::Failed(error) = event {
                return Err(error.into());
            }
            let now = Instant::now();
            let Some(gap) = last.replace(now).map(|last| now - last) else { continue };
            if watch.disturbed.get() {
                watch.meanwhile.borrow_mut().push(gap);
                continue;
            }
            // The first tokens come while other streams are still being let in.
            num_alone += 1;
            if num_alone > UNDISTURBED_TOKENS / 4 {
                watch.alone.borrow_mut().push(gap);
            }
            if num_alone == UNDISTURBED_TOKENS {
                watch.num_to_settle.set(watch.num_to_settle.get() - 1);
                if watch.num_to_settle.get() == 0 {
                    settled.notify_one();
                }
            }
        }
    }
    unreachable!("there are more numbers than turns")
}
