//! Speed of the local engine, measured the way a caller meets it: through [`Engine`], sampling included.
//!
//! In: a loaded engine. Out: a [`Report`]. Never run as a test: a busy machine would make it fail.

use std::time::Instant;

use serde::Serialize;

use crate::engine::{Engine, Error, Event, GenerateRequest, Prompt, SamplingParams};

/// Rounds of which the best counts, because what disturbs a measurement only ever slows it.
const ROUNDS: usize = 3;

/// One figure.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    pub name: &'static str,
    /// Tokens of each sequence.
    pub tokens: usize,
    /// Sequences at once.
    pub batch: usize,
    pub tokens_per_s: f64,
}

/// What `haetae bench engine --json` prints.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub model: String,
    pub threads: usize,
    pub results: Vec<Figure>,
}

/// Prefill of `prefill_len` tokens and decode of `decode_len`, for each batch size.
///
/// # Errors
/// The engine's.
pub async fn run(
    engine: &dyn Engine,
    prefill_len: usize,
    decode_len: usize,
    batches: &[usize],
) -> Result<Report, Error> {
    let mut results = Vec::new();
    let mut best = 0.0f64;
    for round in 0..ROUNDS {
        best = best.max(prefill(engine, prefill_len, round).await?);
    }
    results.push(Figure { name: "prefill", tokens: prefill_len, batch: 1, tokens_per_s: best });
    for &batch in batches {
        let mut best = 0.0f64;
        for round in 0..ROUNDS {
            best = best.max(decode(engine, decode_len, batch, round).await?);
        }
        results.push(Figure { name: "decode", tokens: decode_len, batch, tokens_per_s: best });
    }
    Ok(Report { model: engine.info().id.clone(), threads: rayon::current_num_threads(), results })
}

/// A text of about `len` tokens that no earlier round has put into the prefix cache, and its true length.
fn prompt(engine: &dyn Engine, len: usize, salt: usize) -> Result<(Prompt, usize), Error> {
    let word =
        |i: usize| ["value", "price", "duty", "goods", "buyer", "seller", "freight", "notice"][(i * 7 + salt) % 8];
    let mut words = vec![format!("Round {salt}:")];
    loop {
        let prompt = Prompt::Text(words.join(" "));
        let num_tokens = engine.count_tokens(&prompt)?;
        if num_tokens >= len {
            return Ok((prompt, num_tokens));
        }
        let said = words.len();
        words.extend((0..(len - num_tokens).div_ceil(2)).map(|i| word(i * i + said).to_owned()));
    }
}

async fn prefill(engine: &dyn Engine, len: usize, round: usize) -> Result<f64, Error> {
    let (prompt, num_tokens) = prompt(engine, len, 1000 + round)?;
    let request = GenerateRequest { max_tokens: Some(1), ..GenerateRequest::new(prompt) };
    let started = Instant::now();
    engine.submit(request).await?.collect().await?;
    Ok(num_tokens as f64 / started.elapsed().as_secs_f64())
}

/// Tokens a second of all sequences together, from the moment each has its first token.
async fn decode(engine: &dyn Engine, len: usize, batch: usize, round: usize) -> Result<f64, Error> {
    let mut streams = Vec::new();
    for sequence in 0..batch {
        let (prompt, _) = prompt(engine, 8, 10_000 * (round + 1) + sequence)?;
        // Drawn, not greedy, and never ended by the model: every sequence must run to its full length.
        let sampling = SamplingParams { temperature: 1.0, seed: Some(sequence as u64), ..SamplingParams::default() };
        let request = GenerateRequest { sampling, max_tokens: Some(len), ..GenerateRequest::new(prompt) };
        streams.push(engine.submit(request).await?);
    }
    let mut started = None;
    let mut num_tokens = 0;
    for stream in &mut streams {
        while let Some(event) = stream.next().await {
            match event {
                Event::Text { .. } | Event::ToolCall(_) => started = started.or_else(|| Some(Instant::now())),
                Event::Finished { usage, .. } => num_tokens += usage.completion_tokens,
                Event::Failed(error) => return Err(error),
            }
        }
    }
    let elapsed = started.map_or(0.0, |started| started.elapsed().as_secs_f64());
    Ok((num_tokens.saturating_sub(batch)) as f64 / elapsed.max(1e-9))
}
