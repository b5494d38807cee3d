//! Full load by well and badly behaved clients, and a look at what they leave behind.
//!
//! A soak passes if every request came to its end, the queue and the KV cache are empty afterwards, and the process
//! holds hardly more memory than it did once the cache had been filled. Requests go over HTTP, as users' do; the
//! engine behind is looked at directly.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use futures::future::join_all;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::Error;
use super::words::Words;
use crate::engine::{
    Engine, Error as EngineError, Event, GenerateRequest, Load, Message, Prompt, RemoteEngine, SamplingParams,
};

/// Longest time of a request before it counts as stuck; all clients' longest prompts together take less.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(300);
/// Longest time the engine may take to notice that everyone has gone.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// How often the KV cache is filled before memory is first read: its pages are only then the process's own.
const WARM_UP_FILLS: f64 = 1.5;
/// Longest warm-up, for models that would take an hour to fill their cache.
const MAX_WARM_UP: Duration = Duration::from_secs(300);
/// Different beginnings that short prompts share, so that cached prefixes are found, held and evicted.
const NUM_PREFIXES: u64 = 6;

/// What is done.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub duration: Duration,
    pub clients: usize,
    pub seed: u64,
    /// Tokens the KV cache holds.
    pub kv_tokens: usize,
    /// Tokens of prompt and answer together.
    pub context_len: usize,
    /// Growth of resident memory that is forgiven.
    pub max_growth_bytes: u64,
}

/// The server under load: the engine behind it, and two ways in.
pub struct Subject<'a> {
    pub engine: &'a dyn Engine,
    /// To the language model itself.
    pub bare: RemoteEngine,
    /// To a corpus.
    pub corpus: RemoteEngine,
}

/// How a client behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Short,
    Long,
    /// Goes away after a few tokens.
    DroppedMidStream,
    /// Goes away before the first.
    Cancelled,
    /// Asks for more than the context holds.
    TooLong,
    /// Asks a corpus.
    Question,
}

/// Of 100 requests.
const MIX: [(Kind, u32); 6] = [
    (Kind::Short, 46),
    (Kind::Long, 14),
    (Kind::DroppedMidStream, 16),
    (Kind::Cancelled, 14),
    (Kind::TooLong, 4),
    (Kind::Question, 6),
];

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub model: String,
    pub clients: usize,
    pub duration_s: f64,
    /// Requests by kind.
    requests: BTreeMap<Kind, usize>,
    pub failed: usize,
    pub stuck: usize,
    pub generated_tokens: u64,
    pub resident_before_bytes: u64,
    pub resident_after_bytes: u64,
    pub growth_bytes: u64,
    pub kv_blocks_total: usize,
    pub kv_blocks_used: usize,
    /// What is wrong, in words; empty where the soak passed.
    pub complaints: Vec<String>,
}

impl Report {
    pub fn passed(&self) -> bool {
        self.complaints.is_empty()
    }

    /// Requests of all kinds.
    pub fn num_requests(&self) -> usize {
        self.requests.values().sum()
    }
}

/// Runs the load for as long as planned, after a warm-up of the same load.
///
/// # Errors
/// Where memory cannot be read; whatever else goes wrong stands in the report.
pub async fn run(subject: &Subject<'_>, plan: &Plan) -> Result<Report, Error> {
    let tally = Tally::default();
    // One request, so that the engine has said how many blocks it has.
    tally.count(Kind::Short, attempt(subject, plan, Kind::Short, plan.seed).await);
    let total_before = subject.engine.load().kv_blocks_total;

    let started = Instant::now();
    tracing::info!("warming up until {} tokens have gone through the KV cache", plan.kv_tokens);
    press(subject, plan, plan.seed, &tally, || {
        let Load { prompt_tokens, generated_tokens, .. } = subject.engine.load();
        let filled = (prompt_tokens + generated_tokens) as f64 > WARM_UP_FILLS * plan.kv_tokens as f64;
        filled || started.elapsed() > MAX_WARM_UP
    })
    .await;
    let resident_before_bytes = resident_bytes()?;

    let started = Instant::now();
    tracing::info!("full load for {:.1} minutes", plan.duration.as_secs_f64() / 60.0);
    press(subject, plan, plan.seed + 1, &tally, || started.elapsed() > plan.duration).await;
    let duration_s = started.elapsed().as_secs_f64();
    let load = until_idle(subject.engine).await;
    let resident_after_bytes = resident_bytes()?;

    let seen = tally.seen.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut report = Report {
        model: subject.engine.info().id.clone(),
        clients: plan.clients,
        duration_s,
        requests: seen.requests,
        failed: seen.failures.len(),
        stuck: seen.stuck,
        generated_tokens: load.generated_tokens,
        resident_before_bytes,
        resident_after_bytes,
        growth_bytes: resident_after_bytes.saturating_sub(resident_before_bytes),
        kv_blocks_total: load.kv_blocks_total,
        kv_blocks_used: load.kv_blocks_used,
        complaints: Vec::new(),
    };
    report.complaints = complaints(&report, &load, total_before, seen.failures.first(), plan.max_growth_bytes);
    Ok(report)
}

fn complaints(
    report: &Report,
    load: &Load,
    total_before: usize,
    first_failure: Option<&String>,
    max_growth_bytes: u64,
) -> Vec<String> {
    let mut complaints = Vec::new();
    if report.stuck > 0 {
        complaints.push(format!("{} requests had no end after {} s", report.stuck, REQUEST_TIMEOUT.as_secs()));
    }
    if let Some(failure) = first_failure {
        complaints.push(format!("{} requests failed, the first with: {failure}", report.failed));
    }
    if (load.num_running, load.num_waiting) != (0, 0) {
        let (running, waiting) = (load.num_running, load.num_waiting);
        complaints.push(format!("{running} sequences run and {waiting} wait although everyone has gone"));
    }
    if load.kv_blocks_used > 0 || load.kv_blocks_total != total_before {
        let (used, total) = (load.kv_blocks_used, load.kv_blocks_total);
        complaints.push(format!("{used} of {total} KV blocks are in use when idle; there were {total_before} in all"));
    }
    if report.growth_bytes > max_growth_bytes {
        let (grown, limit) = (report.growth_bytes >> 20, max_growth_bytes >> 20);
        complaints.push(format!("resident memory grew by {grown} MiB, the limit is {limit} MiB"));
    }
    complaints
}

/// Keeps `plan.clients` requests under way until `is_over`, and then lets them end.
async fn press(subject: &Subject<'_>, plan: &Plan, seed: u64, tally: &Tally, is_over: impl Fn() -> bool) {
    let client = |nth: u64| {
        let is_over = &is_over;
        async move {
            let mut rng = ChaCha8Rng::seed_from_u64(seed ^ (nth << 32));
            while !is_over() {
                let kind = draw_kind(rng.random_range(0..100));
                tally.count(kind, attempt(subject, plan, kind, rng.random()).await);
            }
        }
    };
    join_all((0..plan.clients as u64).map(client)).await;
}

fn draw_kind(mut drawn: u32) -> Kind {
    for (kind, share) in MIX {
        if drawn < share {
            return kind;
        }
        drawn -= share;
    }
    Kind::Short
}

/// How a request ended, as far as that is wrong.
enum Wrong {
    Stuck,
    Failed(String),
}

async fn attempt(subject: &Subject<'_>, plan: &Plan, kind: Kind, seed: u64) -> Result<(), Wrong> {
    match tokio::time::timeout(REQUEST_TIMEOUT, behave(subject, plan, kind, seed)).await {
        Ok(ended) => ended.map_err(|error| Wrong::Failed(format!("{kind:?}: {error}"))),
        Err(_) => Err(Wrong::Stuck),
    }
}

async fn behave(subject: &Subject<'_>, plan: &Plan, kind: Kind, seed: u64) -> Result<(), EngineError> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let long_len = plan.context_len / 3;
    match kind {
        Kind::Short => drain(&subject.bare, request(&mut rng, 40, 24)).await,
        Kind::Long => drain(&subject.bare, request(&mut rng, long_len, 16)).await,
        Kind::DroppedMidStream => {
            let num_heard = rng.random_range(1..8);
            let mut stream = subject.bare.submit(request(&mut rng, 60, 200)).await?;
            for _ in 0..num_heard {
                if let Some(Event::Failed(error)) = stream.next().await {
                    return Err(error);
                }
            }
            Ok(())
        }
        Kind::Cancelled => {
            let patience = Duration::from_millis(rng.random_range(1..200));
            let asked = request(&mut rng, long_len, 16);
            // Whichever the client was waiting for, the head of the answer or its first token.
            match tokio::time::timeout(patience, drain(&subject.bare, asked)).await {
                Ok(ended) => ended,
                Err(_) => Ok(()),
            }
        }
        Kind::TooLong => {
            let asked = request(&mut rng, 4 * plan.context_len, 16);
            match drain(&subject.bare, asked).await {
                Err(EngineError::PromptTooLong { .. }) => Ok(()),
                Err(error) => Err(error),
                Ok(()) => Err(EngineError::Remote {
                    url: "the server".into(),
                    reason: "a prompt of several times the context was answered".into(),
                }),
            }
        }
        Kind::Question => {
            let questions = ["Is a buying commission part of the customs value?", "운임은 과세가격에 포함되나요?"];
            let question = questions[rng.random_range(0..questions.len())];
            let prompt = Prompt::Chat(vec![Message::user(question)]);
            let asked = GenerateRequest { max_tokens: Some(32), ..GenerateRequest::new(prompt) };
            drain(&subject.corpus, asked).await
        }
    }
}

/// About `prompt_len` and `output_len` tokens, with one of a few beginnings.
fn request(rng: &mut ChaCha8Rng, prompt_len: usize, output_len: usize) -> GenerateRequest {
    let beginning = Words::new(rng.random_range(0..NUM_PREFIXES)).text(20);
    let rest = Words::new(rng.random()).text(rng.random_range(prompt_len / 2..=prompt_len));
    let sampling = SamplingParams { temperature: 0.8, seed: Some(rng.random()), ..SamplingParams::default() };
    let prompt = Prompt::Text(format!("{beginning} {rest}"));
    GenerateRequest { sampling, max_tokens: Some(output_len), ..GenerateRequest::new(prompt) }
}

async fn drain(server: &RemoteEngine, request: GenerateRequest) -> Result<(), EngineError> {
    server.submit(request).await?.collect().await.map(|_| ())
}

/// Waits until nothing runs, or for as long as that may take.
async fn until_idle(engine: &dyn Engine) -> Load {
    let started = Instant::now();
    loop {
        let load = engine.load();
        let is_idle = (load.num_running, load.num_waiting, load.kv_blocks_used) == (0, 0, 0);
        if is_idle || started.elapsed() > IDLE_TIMEOUT {
            return load;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[derive(Default)]
struct Tally {
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    requests: BTreeMap<Kind, usize>,
    failures: Vec<String>,
    stuck: usize,
}

impl Tally {
    fn count(&self, kind: Kind, ended: Result<(), Wrong>) {
        let mut seen = self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *seen.requests.entry(kind).or_default() += 1;
        match ended {
            Ok(()) => {}
            Err(Wrong::Stuck) => seen.stuck += 1,
            Err(Wrong::Failed(reason)) => seen.failures.push(reason),
        }
    }
}

/// Memory of this process that is in RAM.
fn resident_bytes() -> Result<u64, Error> {
    let pid = sysinfo::get_current_pid().map_err(|_| Error::NoMemoryReading)?;
    let mut system = sysinfo::System::new();
    system.refresh_processes(sysinfo::ProcessesToUpdate::Some(&[pid]), false);
    system.process(pid).map(sysinfo::Process::memory).filter(|bytes| *bytes > 0).ok_or(Error::NoMemoryReading)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        Report {
            model: "m".into(),
            clients: 1,
            duration_s: 1.0,
            requests: BTreeMap::new(),
            failed: 0,
            stuck: 0,
            generated_tokens: 0,
            resident_before_bytes: 0,
            resident_after_bytes: 0,
            growth_bytes: 0,
            kv_blocks_total: 8,
            kv_blocks_used: 0,
            complaints: Vec::new(),
        }
    }

    #[test]
    fn the_mix_is_of_a_hundred_and_every_kind_is_drawn() {
        assert_eq!(MIX.iter().map(|(_, share)| share).sum::<u32>(), 100);
        for (kind, share) in MIX {
            assert_eq!((0..100).filter(|drawn| draw_kind(*drawn) == kind).count(), share as usize);
        }
    }

    #[test]
    fn a_clean_end_is_not_complained_of() {
        let load = Load { kv_blocks_total: 8, ..Load::default() };
        assert_eq!(complaints(&report(), &load, 8, None, 0), Vec::<String>::new());
    }

    #[test]
    fn whatever_is_left_behind_is_named() {
        let load = Load { num_running: 1, kv_blocks_used: 3, kv_blocks_total: 7, ..Load::default() };
        let left = Report { stuck: 2, failed: 1, growth_bytes: 5 << 20, ..report() };
        let complaints = complaints(&left, &load, 8, Some(&"Short: x".to_owned()), 4 << 20);
        assert_eq!(
            complaints,
            [
                "2 requests had no end after 300 s",
                "1 requests failed, the first with: Short: x",
                "1 sequences run and 0 wait although everyone has gone",
                "3 of 7 KV blocks are in use when idle; there were 8 in all",
                "resident memory grew by 5 MiB, the limit is 4 MiB",
            ]
        );
    }
}
