//! What the server counts: plain atomics, printed in Prometheus' text format.
//!
//! The only place that knows a metric's name. Where vLLM has the same quantity the name is vLLM's with another prefix,
//! so that its dashboards need one replacement. Knows nothing of engines or HTTP: the numbers are handed in.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Upper bounds in seconds: from one decoded token of a small model to a long prompt on a slow machine.
const TOKEN_BOUNDS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5];
const WAIT_BOUNDS: &[f64] = &[0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0];

/// The state of the engine at the moment of printing.
#[derive(Clone, Copy, Debug, Default)]
pub struct EngineSample {
    pub num_running: usize,
    pub num_waiting: usize,
    /// Share of the KV cache in use, in [0, 1].
    pub kv_cache_usage: f64,
    pub prefix_tokens_queried: u64,
    pub prefix_tokens_hit: u64,
    pub prompt_tokens: u64,
    pub generated_tokens: u64,
    pub kv_blocks_cached: usize,
    pub kv_blocks_pinned: usize,
    /// Blocks neither used nor to be had; 0, or there is a bug.
    pub kv_blocks_lost: usize,
    pub kv_blocks_evicted: u64,
    /// Tokens guessed by prompt lookup, and those of them that were right.
    pub guesses_run: u64,
    pub guesses_accepted: u64,
    pub num_preemptions: u64,
    /// Requests that wait, by lane.
    pub lane_waiting: [(&'static str, usize); 3],
    /// Tokens computed by lane.
    pub lane_tokens: [(&'static str, u64); 3],
}

/// How a generation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Stop,
    Length,
    /// The client went away.
    Abort,
    Error,
}

impl Outcome {
    const ALL: [Self; 4] = [Self::Stop, Self::Length, Self::Abort, Self::Error];

    fn label(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::Abort => "abort",
            Self::Error => "error",
        }
    }
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct HttpLabels {
    method: String,
    route: String,
    status: u16,
}

/// Everything counted since the start.
pub struct Metrics {
    http: Mutex<BTreeMap<HttpLabels, u64>>,
    http_seconds: Histogram,
    outcomes: [AtomicU64; Outcome::ALL.len()],
    time_to_first_token: Histogram,
    inter_token: Histogram,
    end_to_end: Histogram,
    embedded_texts: AtomicU64,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            http: Mutex::default(),
            http_seconds: Histogram::new(WAIT_BOUNDS),
            outcomes: Default::default(),
            time_to_first_token: Histogram::new(WAIT_BOUNDS),
            inter_token: Histogram::new(TOKEN_BOUNDS),
            end_to_end: Histogram::new(WAIT_BOUNDS),
            embedded_texts: AtomicU64::new(0),
        }
    }
}

impl Metrics {
    /// Counts a request whose headers have been answered. `route` is the route's pattern, never the path: a label
    /// that clients choose would grow without end.
    pub fn record_http(&self, method: &str, route: &str, status: u16, elapsed: Duration) {
        let labels = HttpLabels { method: method.into(), route: route.into(), status };
        *self.http.lock().unwrap_or_else(PoisonError::into_inner).entry(labels).or_default() += 1;
        self.http_seconds.record(elapsed);
    }

    /// Counts texts turned into vectors on request.
    pub fn record_embeddings(&self, num_texts: usize) {
        self.embedded_texts.fetch_add(num_texts as u64, Ordering::Relaxed);
    }

    /// All metrics as Prometheus reads them (text format 0.0.4).
    pub fn render(&self, engine: &EngineSample) -> String {
        let mut page = Page(String::with_capacity(8192));
        page.gauge("haetae_build_info", "Version of the server.", &format!("{{version=\"{VERSION}\"}}"), 1.0);
        page.gauge("haetae_num_requests_running", "Sequences being generated.", "", engine.num_running as f64);
        page.gauge("haetae_num_requests_waiting", "Requests in the queue.", "", engine.num_waiting as f64);
        page.gauge("haetae_kv_cache_usage_ratio", "Share of KV-cache blocks in use.", "", engine.kv_cache_usage);
        let queried = engine.prefix_tokens_queried;
        page.counter("haetae_prefix_cache_queries_total", "Prompt tokens looked up in the prefix cache.", queried);
        page.counter("haetae_prefix_cache_hits_total", "Prompt tokens found there.", engine.prefix_tokens_hit);
        page.counter("haetae_prompt_tokens_total", "Prompt tokens processed.", engine.prompt_tokens);
        page.counter("haetae_generation_tokens_total", "Tokens generated.", engine.generated_tokens);
        page.counter(
            "haetae_num_preemptions_total",
            "Sequences computed again after giving way.",
            engine.num_preemptions,
        );
        let (run, accepted) = (engine.guesses_run, engine.guesses_accepted);
        page.counter("haetae_spec_decode_num_draft_tokens_total", "Tokens guessed by prompt lookup.", run);
        page.counter("haetae_spec_decode_num_accepted_tokens_total", "Of these, those that were right.", accepted);
        page.gauge("haetae_kv_cache_cached_blocks", "Unused blocks that are kept.", "", engine.kv_blocks_cached as f64);
        page.gauge("haetae_kv_cache_pinned_blocks", "Blocks of pinned prefixes.", "", engine.kv_blocks_pinned as f64);
        page.gauge("haetae_kv_cache_lost_blocks", "0, or there is a bug.", "", engine.kv_blocks_lost as f64);
        page.counter(
            "haetae_kv_cache_evicted_blocks_total",
            "Kept blocks dropped for others.",
            engine.kv_blocks_evicted,
        );
        page.head("haetae_lane_requests_waiting", "Requests in the queue by lane.", "gauge");
        for (lane, waiting) in engine.lane_waiting {
            page.sample("haetae_lane_requests_waiting", &format!("{{lane=\"{lane}\"}}"), waiting as f64);
        }
        page.head("haetae_lane_tokens_total", "Tokens computed by lane.", "counter");
        for (lane, tokens) in engine.lane_tokens {
            page.sample("haetae_lane_tokens_total", &format!("{{lane=\"{lane}\"}}"), tokens as f64);
        }
        page.counter("haetae_embedded_texts_total", "Texts embedded.", self.embedded_texts.load(Ordering::Relaxed));

        page.head("haetae_request_success_total", "Generations by how they ended.", "counter");
        for (outcome, count) in Outcome::ALL.iter().zip(&self.outcomes) {
            let labels = format!("{{finished_reason=\"{}\"}}", outcome.label());
            page.sample("haetae_request_success_total", &labels, count.load(Ordering::Relaxed) as f64);
        }
        page.histogram(
            "haetae_time_to_first_token_seconds",
            "From a request's arrival to its first text.",
            &self.time_to_first_token,
        );
        page.histogram("haetae_inter_token_latency_seconds", "Between two texts of an answer.", &self.inter_token);
        page.histogram("haetae_e2e_request_latency_seconds", "From arrival to the end of an answer.", &self.end_to_end);

        page.head("haetae_http_requests_total", "Requests by route and status.", "counter");
        for (labels, count) in &*self.http.lock().unwrap_or_else(PoisonError::into_inner) {
            let HttpLabels { method, route, status } = labels;
            let labels = format!("{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}}");
            page.sample("haetae_http_requests_total", &labels, *count as f64);
        }
        page.histogram("haetae_http_request_seconds", "From a request to its response head.", &self.http_seconds);
        page.0
    }
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The clock of one generation. Dropped before it is finished, it counts the generation as aborted.
pub struct GenerationTimer {
    metrics: Arc<Metrics>,
    started: Instant,
    last_text: Option<Instant>,
    finished: bool,
}

impl GenerationTimer {
    pub fn start(metrics: Arc<Metrics>) -> Self {
        Self { metrics, started: Instant::now(), last_text: None, finished: false }
    }

    /// Text has arrived.
    pub fn text(&mut self) {
        let now = Instant::now();
        match self.last_text.replace(now) {
            None => self.metrics.time_to_first_token.record(now - self.started),
            Some(last) => self.metrics.inter_token.record(now - last),
        }
    }

    /// The generation has ended; further calls do nothing.
    pub fn finish(&mut self, outcome: Outcome) {
        if std::mem::replace(&mut self.finished, true) {
            return;
        }
        self.metrics.outcomes[outcome as usize].fetch_add(1, Ordering::Relaxed);
        self.metrics.end_to_end.record(self.started.elapsed());
    }
}

impl Drop for GenerationTimer {
    fn drop(&mut self) {
        self.finish(Outcome::Abort);
    }
}

/// Durations sorted into fixed buckets.
struct Histogram {
    bounds: &'static [f64],
    /// One per bound, and one for what is above them all; not cumulative.
    counts: Vec<AtomicU64>,
    sum_micros: AtomicU64,
}

impl Histogram {
    fn new(bounds: &'static [f64]) -> Self {
        Self { bounds, counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(), sum_micros: AtomicU64::new(0) }
    }

    fn record(&self, elapsed: Duration) {
        let bucket = self.bounds.partition_point(|bound| *bound < elapsed.as_secs_f64());
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum_micros.fetch_add(elapsed.as_micros() as u64, Ordering::Relaxed);
    }
}

/// The text being written.
struct Page(String);

impl Page {
    fn head(&mut self, name: &str, help: &str, kind: &str) {
        writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}").expect("writing to a string cannot fail");
    }

    fn sample(&mut self, name: &str, labels: &str, value: f64) {
        writeln!(self.0, "{name}{labels} {value}").expect("writing to a string cannot fail");
    }

    fn gauge(&mut self, name: &str, help: &str, labels: &str, value: f64) {
        self.head(name, help, "gauge");
        self.sample(name, labels, value);
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.head(name, help, "counter");
        self.sample(name, "", value as f64);
    }

    fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) {
        self.head(name, help, "histogram");
        let mut cumulative = 0;
        for (index, count) in histogram.counts.iter().enumerate() {
            cumulative += count.load(Ordering::Relaxed);
            let bound = histogram.bounds.get(index).map_or_else(|| "+Inf".to_string(), f64::to_string);
            self.sample(&format!("{name}_bucket"), &format!("{{le=\"{bound}\"}}"), cumulative as f64);
        }
        let sum_micros = histogram.sum_micros.load(Ordering::Relaxed);
        self.sample(&format!("{name}_sum"), "", sum_micros as f64 / 1e6);
        self.sample(&format!("{name}_count"), "", cumulative as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(metrics: &Metrics, start: &str) -> String {
        let text = metrics.render(&EngineSample::default());
        text.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("no {start} in\n{text}")).into()
    }

    #[test]
    fn a_duration_on_a_bound_falls_into_its_bucket() {
        let metrics = Metrics::default();
        metrics.time_to_first_token.record(Duration::from_millis(50));
        let bucket = |bound| line(&metrics, &format!("haetae_time_to_first_token_seconds_bucket{{le=\"{bound}\"}}"));
        assert!(bucket("0.01").ends_with(" 0"));
        assert!(bucket("0.05").ends_with(" 1"));
        assert!(bucket("+Inf").ends_with(" 1"));
    }

    #[test]
    fn a_timer_dropped_early_counts_as_aborted_and_a_finished_one_only_once() {
        let metrics = Arc::new(Metrics::default());
        drop(GenerationTimer::start(Arc::clone(&metrics)));
        GenerationTimer::start(Arc::clone(&metrics)).finish(Outcome::Stop);
        assert!(line(&metrics, "haetae_request_success_total{finished_reason=\"abort\"}").ends_with(" 1"));
        assert!(line(&metrics, "haetae_request_success_total{finished_reason=\"stop\"}").ends_with(" 1"));
    }

    #[test]
    fn every_sample_stands_under_its_head() {
        let metrics = Metrics::default();
        metrics.record_http("GET", "/health", 200, Duration::from_millis(1));
        let mut name = String::new();
        for line in metrics.render(&EngineSample::default()).lines() {
            match line.strip_prefix("# TYPE ") {
                Some(head) => name = head.split(' ').next().unwrap().into(),
                None if line.starts_with('#') => {}
                None => assert!(line.starts_with(&name), "{line} under {name}"),
            }
        }
    }
}
