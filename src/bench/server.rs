//! A served load: clients that ask one request after another over HTTP and read the answers as they stream.
//!
//! The client is the remote engine, so it speaks to any OpenAI-compatible server, and a peer is measured by the same
//! code. Requests are drawn by a seed: the same seed puts the same requests in the same order to whoever serves.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::future::join_all;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::words::Words;
use super::{Error, Percentiles};
use crate::engine::{Engine, Error as EngineError, Event, GenerateRequest, Prompt, RemoteEngine, Usage};

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Load {
    /// Requests under way at once.
    pub clients: usize,
    /// In all.
    pub requests: usize,
    /// Words of a prompt on average, about as many tokens; each is drawn from half to one and a half of it.
    pub prompt_len: usize,
    /// Most tokens of an answer on average, drawn likewise.
    pub output_len: usize,
    pub seed: u64,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    pub model: String,
    pub errors: usize,
    /// The first error's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_error: Option<String>,
    pub prompt_tokens: usize,
    /// Of them, those the server had in its prefix cache, where it tells.
    pub cached_tokens: usize,
    pub completion_tokens: usize,
    pub duration_s: f64,
    /// Tokens generated a second, of all clients together.
    pub tokens_per_s: f64,
    /// Prompts and answers a second.
    pub total_tokens_per_s: f64,
    /// From sending a request to its first text.
    pub first_token_ms: Percentiles,
    /// Between two texts of an answer.
    pub inter_token_ms: Percentiles,
    /// From sending a request to the end of its answer.
    pub request_ms: Percentiles,
    /// Tokens a second of single answers after their first token: 95 of 100 reach `p95`.
    pub answer_tokens_per_s: Percentiles,
}

impl Outcome {
    /// The better of two rounds, figure by figure; errors of both.
    #[must_use]
    pub fn best_of(self, other: Self) -> Self {
        Self {
            errors: self.errors + other.errors,
            first_error: self.first_error.or(other.first_error),
            duration_s: self.duration_s.min(other.duration_s),
            tokens_per_s: self.tokens_per_s.max(other.tokens_per_s),
            total_tokens_per_s: self.total_tokens_per_s.max(other.total_tokens_per_s),
            first_token_ms: self.first_token_ms.min(other.first_token_ms),
            inter_token_ms: self.inter_token_ms.min(other.inter_token_ms),
            request_ms: self.request_ms.min(other.request_ms),
            answer_tokens_per_s: self.answer_tokens_per_s.max_of(other.answer_tokens_per_s),
            ..self
        }
    }
}

/// The requests of `load`, in the order they are sent.
fn requests(load: &Load) -> Vec<GenerateRequest> {
    let mut lengths = ChaCha8Rng::seed_from_u64(load.seed);
    let mut around = |len: usize| lengths.random_range(len.div_ceil(2)..=(len + len / 2)).max(1);
    let mut words = Words::new(load.seed);
    let draw = |_| {
        let prompt = Prompt::Text(words.text(around(load.prompt_len)));
        // Greedy, so that two servers of one model say much the same, and as much of it.
        GenerateRequest { max_tokens: Some(around(load.output_len)), ..GenerateRequest::new(prompt) }
    };
    (0..load.requests).map(draw).collect()
}

/// Puts `load` to `server`.
///
/// # Errors
/// [`Error::AllFailed`]; requests that fail among others are counted.
pub async fn run(server: &RemoteEngine, url: &str, load: &Load) -> Result<Outcome, Error> {
    let requests = requests(load);
    let next = AtomicUsize::new(0);
    let started = Instant::now();
    let client = || async {
        let mut answers = Vec::new();
        while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
            answers.push(answer(server, request.clone()).await);
        }
        answers
    };
    let answers = join_all((0..load.clients).map(|_| client())).await.concat();
    let duration = started.elapsed();
    let (answered, failed): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    let answered: Vec<Answer> = answered.into_iter().flatten().collect();
    let first_error = failed.iter().find_map(|failed| failed.as_ref().err()).map(EngineError::to_string);
    if answered.is_empty() {
        let reason = first_error.unwrap_or_default();
        return Err(Error::AllFailed { requests: load.requests, url: url.into(), reason });
    }
    let mut outcome = summary(&answered, duration);
    outcome.model.clone_from(&server.info().id);
    (outcome.errors, outcome.first_error) = (failed.len(), first_error);
    Ok(outcome)
}

/// One answer's clock.
#[derive(Clone, Debug, Default)]
struct Answer {
    usage: Usage,
    first_token: Duration,
    gaps: Vec<Duration>,
    whole: Duration,
}

async fn answer(server: &RemoteEngine, request: GenerateRequest) -> Result<Answer, EngineError> {
    let started = Instant::now();
    let mut stream = server.submit(request).await?;
    let mut answer = Answer::default();
    let mut last: Option<Instant> = None;
    while let Some(event) = stream.next().await {
        let now = Instant::now();
        match event {
            Event::Text { .. } | Event::ToolCall(_) => match last.replace(now) {
                None => answer.first_token = now - started,
                Some(last) => answer.gaps.push(now - last),
            },
            Event::Finished { usage, .. } => {
                answer.usage = usage;
                answer.whole = now - started;
                // A server that counts nothing has sent a token a text.
                if usage.completion_tokens == 0 && last.is_some() {
                    answer.usage.completion_tokens = answer.gaps.len() + 1;
                }
                return Ok(answer);
            }
            Event::Failed(error) => return Err(error),
        }
    }
    Err(EngineError::Stopped)
}

fn summary(answers: &[Answer], duration: Duration) -> Outcome {
    let sum = |of: fn(&Usage) -> usize| answers.iter().map(|answer| of(&answer.usage)).sum::<usize>();
    let (prompt_tokens, completion_tokens) = (sum(|usage| usage.prompt_tokens), sum(|usage| usage.completion_tokens));
    let seconds = duration.as_secs_f64();
    // An answer may be empty; it then has no first token.
    let spoken: Vec<&Answer> = answers.iter().filter(|answer| !answer.first_token.is_zero()).collect();
    let firsts: Vec<Duration> = spoken.iter().map(|answer| answer.first_token).collect();
    let gaps: Vec<Duration> = spoken.iter().flat_map(|answer| answer.gaps.iter().copied()).collect();
    let wholes: Vec<Duration> = answers.iter().map(|answer| answer.whole).collect();
    let speeds = spoken.iter().filter(|answer| !answer.gaps.is_empty()).map(|answer| {
        let decoding: Duration = answer.gaps.iter().sum();
        answer.usage.completion_tokens.saturating_sub(1) as f64 / decoding.as_secs_f64().max(1e-9)
    });
    Outcome {
        model: String::new(),
        errors: 0,
        first_error: None,
        prompt_tokens,
        cached_tokens: sum(|usage| usage.cached_tokens),
        completion_tokens,
        duration_s: seconds,
        tokens_per_s: completion_tokens as f64 / seconds,
        total_tokens_per_s: (prompt_tokens + completion_tokens) as f64 / seconds,
        first_token_ms: Percentiles::of_durations(&firsts).unwrap_or_default(),
        inter_token_ms: Percentiles::of_durations(&gaps).unwrap_or_default(),
        request_ms: Percentiles::of_durations(&wholes).unwrap_or_default(),
        answer_tokens_per_s: Percentiles::of_speeds(&speeds.collect::<Vec<_>>()).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOAD: Load = Load { clients: 2, requests: 20, prompt_len: 40, output_len: 10, seed: 7 };

    #[test]
    fn a_seed_asks_the_same_of_everyone() {
        let asked = |load: &Load| -> Vec<(Prompt, Option<usize>)> {
            requests(load).into_iter().map(|request| (request.prompt, request.max_tokens)).collect()
        };
        assert_eq!(asked(&LOAD), asked(&LOAD));
        assert_ne!(asked(&LOAD), asked(&Load { seed: 8, ..LOAD }));
        for (prompt, max_tokens) in asked(&LOAD) {
            let Prompt::Text(text) = prompt else { panic!("raw text is asked") };
            assert!((20..=60).contains(&text.split(' ').count()), "{text}");
            assert!((5..=15).contains(&max_tokens.unwrap()));
        }
    }

    #[test]
    fn a_summary_counts_tokens_and_gaps() {
        let ms = Duration::from_millis;
        let usage = Usage { prompt_tokens: 10, completion_tokens: 3, cached_tokens: 4 };
        let spoken = Answer { usage, first_token: ms(100), gaps: vec![ms(10), ms(30)], whole: ms(150) };
        let silent = Answer { whole: ms(50), ..Answer::default() };
        let found = summary(&[spoken, silent], Duration::from_secs(2));
        assert_eq!((found.prompt_tokens, found.completion_tokens, found.cached_tokens), (10, 3, 4));
        assert_eq!((found.tokens_per_s, found.total_tokens_per_s), (1.5, 6.5));
        assert_eq!((found.first_token_ms.p50, found.first_token_ms.max), (100.0, 100.0));
        assert_eq!((found.inter_token_ms.p50, found.inter_token_ms.p99), (10.0, 30.0));
        assert_eq!((found.request_ms.p50, found.request_ms.max), (50.0, 150.0));
        assert_eq!(found.answer_tokens_per_s.p50, 50.0);
    }
}
