//! An engine elsewhere, spoken to by the OpenAI API: vLLM, SGLang, llama.cpp's server, another Haetae.
//!
//! In: the same requests the local engine takes. Out: the same events. The tokenizer stays over there, so counts of
//! tokens are estimates here until the answer's usage tells them. Dropping a stream closes its connection, on which
//! such servers cancel the request.

mod wire;

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Once};
use std::time::{Duration, Instant};

use futures::StreamExt;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use tokio::sync::mpsc;
use tracing::Span;

use super::{
    BoxFuture, Constraint, Engine, Error, Event, FinishReason, GenerateRequest, Lane, Load, ModelInfo, Part, Prompt,
    SamplingParams, Timings, TokenStream, Usage, traced,
};
use crate::config::Secret;
use crate::lang::Language;
use crate::telemetry::spans;

/// Heeded where the other side is a Haetae too; others ignore it.
const LANE_HEADER: &str = "x-haetae-lane";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest silence: a long prompt before its first token, on a busy server.
const READ_TIMEOUT: Duration = Duration::from_secs(300);
/// Context assumed of a server that does not tell it (OpenAI's list of models does not; vLLM's, llama.cpp's and ours do).
const DEFAULT_CONTEXT_LEN: usize = 8192;
/// Events kept for a reader that is slower than the network.
const EVENTS_CAPACITY: usize = 256;
/// Characters of a remote complaint worth repeating.
const MAX_REASON_CHARS: usize = 500;

/// A language model behind an OpenAI-compatible API.
pub struct RemoteEngine {
    info: ModelInfo,
    dialect: wire::Dialect,
    shared: Arc<Shared>,
}

/// What the engine and its running requests share.
struct Shared {
    client: Client,
    /// Base URL with its `/v1`, without a slash at the end.
    url: String,
    key: Option<Secret>,
    reachable: AtomicBool,
    num_running: AtomicUsize,
    prompt_tokens: AtomicU64,
    cached_tokens: AtomicU64,
    generated_tokens: AtomicU64,
}

impl RemoteEngine {
    /// Connects to the server at `url` (with its `/v1`) and finds `model` there, or takes its first one.
    ///
    /// # Errors
    /// [`Error::Remote`] if it does not answer, or serves no such model.
    pub async fn connect(url: &str, key: Option<Secret>, model: Option<&str>) -> Result<Self, Error> {
        install_crypto();
        let url = url.trim_end_matches('/').to_owned();
        // A connection each: llama.cpp promises to keep one and closes it after a stream, so that the next request on
        // it would fail unsent; others close theirs after a few idle seconds. Connecting costs less than a token.
        let builder = Client::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT);
        let client = builder.pool_max_idle_per_host(0).build();
        let client = client.map_err(|error| Error::Remote { url: url.clone(), reason: describe(&error) })?;
        let shared = Shared {
            client,
            url,
            key,
            reachable: AtomicBool::new(true),
            num_running: AtomicUsize::new(0),
            prompt_tokens: AtomicU64::new(0),
            cached_tokens: AtomicU64::new(0),
            generated_tokens: AtomicU64::new(0),
        };
        let response = shared.send(shared.client.get(format!("{}/models", shared.url))).await?;
        if !response.status().is_success() {
            return Err(shared.failed(complaint(response).await.message));
        }
        let list: wire::ModelList =
            response.json().await.map_err(|error| shared.failed(format!("no list of models: {}", describe(&error))))?;
        let ids: Vec<&str> = list.data.iter().map(|model| model.id.as_str()).collect();
        let known = ids.join("`, `");
        let found = match model {
            Some(wanted) => list.data.iter().find(|model| model.id == wanted),
            None => list.data.first(),
        };
        let found = found.ok_or_else(|| {
            shared.failed(format!("it has no model `{}`, but `{known}`", model.unwrap_or("of any name")))
        })?;
        let info = ModelInfo {
            id: found.id.clone(),
            context_len: found.context_len().unwrap_or(DEFAULT_CONTEXT_LEN),
            // Whoever configures a remote engine has chosen a model that writes both.
            languages: vec![Language::Ko, Language::En],
        };
        Ok(Self { info, dialect: found.dialect(), shared: Arc::new(shared) })
    }
}

impl Engine for RemoteEngine {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn count_tokens(&self, prompt: &Prompt) -> Result<usize, Error> {
        Ok(match prompt {
            Prompt::Text(text) => estimate_tokens(text),
            Prompt::Chat(messages) => messages.iter().map(|message| 4 + estimate_tokens(&message.content)).sum(),
            Prompt::Continue { messages, answer } => {
                let before: usize = messages.iter().map(|message| 4 + estimate_tokens(&message.content)).sum();
                before + 4 + estimate_tokens(answer)
            }
        })
    }

    fn submit(&self, request: GenerateRequest) -> BoxFuture<'_, Result<TokenStream, Error>> {
        Box::pin(traced::traced(traced::span(&self.info.id, &request), self.send(request)))
    }

    /// The other side's queue cannot be asked: a full one shows when the request is submitted.
    fn admits(&self, lane: Lane, sampling: &SamplingParams, max_tokens: Option<usize>) -> Result<(), Error> {
        let sampling = sampling.clone();
        GenerateRequest { lane, sampling, max_tokens, ..GenerateRequest::new(Prompt::Text(String::new())) }.validate()
    }

    fn load(&self) -> Load {
        let shared = &self.shared;
        Load {
            num_running: shared.num_running.load(Ordering::Relaxed),
            prompt_tokens: shared.prompt_tokens.load(Ordering::Relaxed),
            prefix_tokens_queried: shared.prompt_tokens.load(Ordering::Relaxed),
            prefix_tokens_hit: shared.cached_tokens.load(Ordering::Relaxed),
            generated_tokens: shared.generated_tokens.load(Ordering::Relaxed),
            ..Load::default()
        }
    }

    fn is_ready(&self) -> bool {
        self.shared.reachable.load(Ordering::Relaxed)
    }
}

impl RemoteEngine {
    async fn send(&self, request: GenerateRequest) -> Result<TokenStream, Error> {
        request.validate()?;
        if matches!(request.constraint, Some(Constraint::Quotes(_))) {
            let reason = "an engine elsewhere cannot bind quotations".into();
            return Err(Error::BadConstraint { part: Part::Answer, place: String::new(), reason });
        }
        let path = match request.prompt {
            Prompt::Text(_) => "completions",
            Prompt::Chat(_) | Prompt::Continue { .. } => "chat/completions",
        };
        let running = Running::new(Arc::clone(&self.shared));
        let shared = &self.shared;
        let body = wire::body(&self.info.id, self.dialect, &request);
        let post = shared.client.post(format!("{}/{path}", shared.url)).header(LANE_HEADER, request.lane.name());
        let post =
            spans::headers(&Span::current()).into_iter().fold(post, |post, (name, value)| post.header(name, value));
        let response = shared.send(post.json(&body)).await?;
        let status = response.status();
        if !status.is_success() {
            return Err(self.refusal(status, complaint(response).await, &request));
        }
        let (events, stream) = TokenStream::channel(EVENTS_CAPACITY);
        tokio::spawn(async move {
            let closed = events.clone();
            tokio::select! {
                () = running.read(response, &events) => {}
                // At once, not with the next token: the server is to stop working on it.
                () = closed.closed() => {}
            }
        });
        Ok(stream)
    }

    /// The engine's word for a status that is not success.
    fn refusal(&self, status: StatusCode, complaint: wire::Complaint, request: &GenerateRequest) -> Error {
        if status == StatusCode::TOO_MANY_REQUESTS {
            // The other side's queue is not ours to see: what we know is how many of ours it has taken.
            let waiting = self.shared.num_running.load(Ordering::Relaxed);
            return Error::QueueFull { waiting, limit: waiting };
        }
        if status == StatusCode::BAD_REQUEST && complaint.is_too_long {
            let estimate = || self.count_tokens(&request.prompt).unwrap_or(0).max(self.info.context_len);
            let prompt_len = complaint.prompt_len.unwrap_or_else(estimate);
            return Error::PromptTooLong { model: self.info.id.clone(), prompt_len, max_len: self.info.context_len };
        }
        if status == StatusCode::BAD_REQUEST && (request.constraint.is_some() || request.tools.is_some()) {
            // Nothing else of what we send can be refused for what it says, and its reason says what it was.
            return Error::BadConstraint { part: Part::Answer, place: String::new(), reason: complaint.message };
        }
        self.shared.failed(format!("{status}: {}", complaint.message))
    }
}

impl Shared {
    fn failed(&self, reason: String) -> Error {
        Error::Remote { url: self.url.clone(), reason }
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, Error> {
        let request = match &self.key {
            Some(key) => request.bearer_auth(key.reveal()),
            None => request,
        };
        let answered = request.send().await;
        self.reachable.store(answered.is_ok(), Ordering::Relaxed);
        answered.map_err(|error| self.failed(describe(&error)))
    }
}

/// A request on its way; counted as running until dropped.
struct Running {
    shared: Arc<Shared>,
    started: Instant,
}

impl Running {
    fn new(shared: Arc<Shared>) -> Self {
        shared.num_running.fetch_add(1, Ordering::Relaxed);
        Self { shared, started: Instant::now() }
    }

    /// Passes the answer on, and ends with exactly one terminal event.
    async fn read(&self, response: Response, events: &mpsc::Sender<Event>) {
        let last = match self.pass_on(response, events).await {
            Ok((reason, usage, timings)) => Event::Finished { reason, usage, timings },
            Err(reason) => Event::Failed(self.shared.failed(reason)),
        };
        // Nobody reads any more: then nobody misses the end either.
        let _ = events.send(last).await;
    }

    async fn pass_on(
        &self,
        response: Response,
        events: &mpsc::Sender<Event>,
    ) -> Result<(FinishReason, Usage, Timings), String> {
        let mut body = response.bytes_stream();
        let mut lines = wire::Lines::default();
        let mut answer = wire::Answer::default();
        let mut first_text = None;
        'answer: while let Some(bytes) = body.next().await {
            lines.push(&bytes.map_err(|error| describe(&error))?);
            while let Some(line) = lines.next() {
                match answer.read(&line)? {
                    wire::Piece::Text { text, choices, calls } => {
                        first_text.get_or_insert_with(Instant::now);
                        let said = !text.is_empty() || !choices.is_empty();
                        let text = said.then_some(Event::Text { text, choices });
                        for event in text.into_iter().chain(calls.into_iter().map(Event::ToolCall)) {
                            if events.send(event).await.is_err() {
                                return Err("the reader went away".into());
                            }
                        }
                    }
                    wire::Piece::Nothing => {}
                    wire::Piece::Done => break 'answer,
                }
            }
        }
        let reason = answer.reason.ok_or("the answer broke off")?;
        let usage = answer.usage;
        self.shared.prompt_tokens.fetch_add(usage.prompt_tokens as u64, Ordering::Relaxed);
        self.shared.cached_tokens.fetch_add(usage.cached_tokens as u64, Ordering::Relaxed);
        self.shared.generated_tokens.fetch_add(usage.completion_tokens as u64, Ordering::Relaxed);
        let now = Instant::now();
        let first_text = first_text.unwrap_or(now);
        let timings = Timings { queued: Duration::ZERO, prefill: first_text - self.started, decode: now - first_text };
        Ok((reason, usage, timings))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.num_running.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What an error response says.
async fn complaint(response: Response) -> wire::Complaint {
    let status = response.status();
    let text = match response.text().await {
        Ok(text) => text,
        Err(error) => return wire::Complaint { message: describe(&error), ..wire::Complaint::default() },
    };
    let said = wire::read_error(&text);
    let mut said = said.unwrap_or_else(|| wire::Complaint { message: text, ..wire::Complaint::default() });
    said.message = said.message.chars().take(MAX_REASON_CHARS).collect();
    if said.message.is_empty() {
        said.message = status.to_string();
    }
    said
}

/// An error with what caused it: reqwest's own text is only "error sending request".
fn describe(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// About a token for four Latin letters and one for a character of any other script; Korean tokenizers do better than
/// that, so the estimate errs on the safe side.
fn estimate_tokens(text: &str) -> usize {
    let latin = text.chars().filter(char::is_ascii).count();
    let other = text.chars().count() - latin;
    latin.div_ceil(4) + other
}

/// Chooses ring for TLS, once a process; reqwest is built without a provider of its own.
fn install_crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Refused only where one is installed already, which then serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}
