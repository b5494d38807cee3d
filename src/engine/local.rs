//! The engine on this machine: a model on its own thread behind a bounded queue.
//!
//! The thread repeats three calls, `Scheduler::schedule`, [`Decoder::forward`], `Scheduler::complete`, as long as
//! there is work: requests join and leave the batch between two steps.

use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use super::arch::Decoder;
use super::arch::decoder::Batch;
use super::guide::{Guide, Guides, MaskTimes};
use super::kv_cache::BLOCK_LEN;
use super::loader::Model;
use super::request::{GenerateRequest, Lane, Message, Prompt, Role, TokenStream};
use super::sampler::Sampler;
use super::scheduler::{self, Plan, Scheduler};
use super::sequence::{Sequence, ValidRequest};
use super::template::ChatTemplate;
use super::tokenizer::Tokenizer;
use super::tools::{Calls, Tools, gate, render};
use super::traced;
use super::warm_up::warm_up;
use super::{BoxFuture, Engine, Error, Load, ModelInfo, SamplingParams};
use crate::config::EngineLimits;
use crate::kernels::{KvStore, Segment};
use crate::lang::Language;
use crate::prompts::Prompts;

/// A loaded model. Dropping it ends the thread after the current step.
pub struct LocalEngine {
    info: ModelInfo,
    text: Arc<TextSide>,
    guides: Arc<Guides>,
    limits: EngineLimits,
    calls: Calls,
    queue: mpsc::Sender<Sequence>,
    pins: mpsc::Sender<Vec<u32>>,
    shared: Arc<Shared>,
}

/// What turns requests into tokens, on the caller's side of the queue.
struct TextSide {
    tokenizer: Arc<Tokenizer>,
    template: Option<ChatTemplate>,
    /// For tools where the template knows none.
    prompts: Prompts,
    model: String,
}

/// What the thread tells its callers.
#[derive(Default)]
struct Shared {
    load: Mutex<Load>,
    /// Requests on their way to the thread; those it has taken in are counted in `load`.
    in_channel: [AtomicUsize; Lane::ALL.len()],
    stopped: AtomicBool,
}

impl LocalEngine {
    /// Loads the model at `path` and starts its thread.
    ///
    /// # Errors
    /// [`Error::BadModel`], [`Error::UnsupportedArchitecture`]; [`Error::BadParameter`] for limits that let nothing run.
    pub fn start(id: &str, languages: &[Language], path: &Path, limits: EngineLimits) -> Result<Self, Error> {
        check_limits(&limits)?;
        let num_blocks = limits.kv_tokens / BLOCK_LEN;
        // In whole blocks, so that the longest sequence always fits when it is alone.
        let mut model = Model::load(path, limits.context_len.min(num_blocks * BLOCK_LEN))?;
        let info = ModelInfo { id: id.into(), context_len: model.context_len, languages: languages.into() };
        let config = model.decoder.config();
        let mut store =
            KvStore::new(limits.kv_type, config.num_layers, num_blocks, config.num_kv_heads, config.head_dim);
        let max_rows = model.context_len.min(num_blocks * BLOCK_LEN);
        let (cost, lookback) = warm_up(&mut model.decoder, &mut store, max_rows)
            .map_err(|error| Error::BadModel { path: path.display().to_string(), reason: error.to_string() })?;
        let tokenizer = Arc::new(model.tokenizer);
        let prompts =
            Prompts::load().map_err(|error| Error::Template { model: id.into(), reason: error.to_string() })?;
        let guides = Guides::new(Arc::clone(&tokenizer));
        let text = TextSide { tokenizer: Arc::clone(&tokenizer), template: model.template, prompts, model: id.into() };
        let shared = Arc::new(Shared::default());
        let (queue, arrivals) = mpsc::channel();
        let (pins, new_pins) = mpsc::channel();
        let (mixed_tokens, lone_tokens) = cost.chunks(limits.step_tokens);
        let sizes = scheduler::Limits {
            num_blocks,
            max_running: limits.max_running,
            step_tokens: limits.step_tokens,
            mixed_tokens: limits.mixed_tokens.map_or(mixed_tokens, |tokens| tokens.min(limits.step_tokens)),
            lone_tokens,
            lookback,
            max_pins: limits.max_pins,
        };
        tracing::debug!(?cost, ?sizes, "the steps of `{id}` were timed");
        let worker = Worker {
            decoder: model.decoder,
            store,
            tokenizer,
            scheduler: Scheduler::new(sizes, limits.prompt_lookup.then_some(cost)),
            arrivals,
            new_pins,
            shared: Arc::clone(&shared),
            prompt_tokens: 0,
        };
        let reason = |error: std::io::Error| Error::Forward { reason: error.to_string() };
        std::thread::Builder::new().name("model".into()).spawn(move || worker.run()).map_err(reason)?;
        Ok(Self { info, text: Arc::new(text), guides, limits, calls: Calls::Own, queue, pins, shared })
    }

    /// The same, deciding by `calls` whether to call a tool.
    pub fn with_calls(self, calls: Calls) -> Self {
        Self { calls, ..self }
    }

    /// Settles whether tools are called, for a model that does not by itself.
    async fn settle(&self, request: &mut GenerateRequest) -> Result<(), Error> {
        if self.calls == Calls::Own {
            return Ok(());
        }
        let failed =
            |error: crate::prompts::Error| Error::Template { model: self.info.id.clone(), reason: error.to_string() };
        let Some(question) = gate::question(request, &self.text.prompts).map_err(failed)? else { return Ok(()) };
        let answer = self.submit(question).await?.collect().await?;
        if let Some(tools) = &mut request.tools {
            tools.choice = gate::choice(&answer.text);
        }
        Ok(())
    }
}

/// Refuses sizes with which a request would wait for ever.
fn check_limits(limits: &EngineLimits) -> Result<(), Error> {
    let checked = [
        ("max_running", limits.max_running, 1, "at least 1"),
        ("step_tokens", limits.step_tokens, 1, "at least 1"),
        ("context_len", limits.context_len, 2, "at least 2"),
        ("kv_tokens", limits.kv_tokens, BLOCK_LEN, "at least 16"),
        ("mixed_tokens", limits.mixed_tokens.unwrap_or(1), 1, "at least 1"),
    ];
    match checked.into_iter().find(|(_, value, least, _)| value < least) {
        Some((name, value, _, expected)) => Err(Error::BadParameter { name, expected, value: value.to_string() }),
        None => Ok(()),
    }
}

impl LocalEngine {
    /// How long the masks of constrained answers took.
    pub fn mask_times(&self) -> &MaskTimes {
        self.guides.times()
    }

    /// Requests that a new one of `lane` would wait behind, were its share spent: those of its lane and of more urgent
    /// ones. Jobs that wait shut nobody out.
    fn num_waiting(&self, lane: Lane) -> usize {
        let in_channel = self.shared.in_channel.iter().map(|count| count.load(Ordering::Acquire));
        in_channel.zip(self.load().lane_waiting).take(lane as usize + 1).map(|(sent, waiting)| sent + waiting).sum()
    }

    async fn take(&self, mut request: GenerateRequest) -> Result<TokenStream, Error> {
        request.validate()?;
        if !self.is_ready() {
            return Err(Error::Stopped);
        }
        self.settle(&mut request).await?;
        let (text, guides) = (Arc::clone(&self.text), Arc::clone(&self.guides));
        // A long prompt or a large schema takes milliseconds, which would hold up other connections.
        let prepared = tokio::task::spawn_blocking(move || {
            let guide = guides.guide(request.constraint.as_ref(), request.tools.as_ref())?;
            Ok((text.encode(&request.prompt, request.tools.as_ref())?, guide, request))
        });
        let (prompt, guide, request) =
            prepared.await.map_err(|error| Error::Forward { reason: error.to_string() })??;
        let has_tools = request.tools.as_ref().is_some_and(Tools::are_bound);
        let stream = self.enqueue(prompt, guide, request)?;
        Ok(if has_tools { stream.with_tools() } else { stream })
    }

    async fn encode(&self, prompt: Prompt) -> Result<Vec<u32>, Error> {
        let text = Arc::clone(&self.text);
        // A long prompt takes milliseconds to encode, which would hold up other connections.
        tokio::task::spawn_blocking(move || text.encode(&prompt, None))
            .await
            .map_err(|error| Error::Forward { reason: error.to_string() })?
    }

    /// Puts a request with its prompt's tokens into the queue.
    fn enqueue(&self, prompt: Vec<u32>, guide: Option<Guide>, request: GenerateRequest) -> Result<TokenStream, Error> {
        let (prompt_len, max_len) = (prompt.len(), self.info.context_len);
        if prompt_len == 0 {
            return Err(Error::BadParameter { name: "prompt", expected: "at least one token", value: "none".into() });
        }
        if prompt_len >= max_len {
            return Err(Error::PromptTooLong { model: self.info.id.clone(), prompt_len, max_len });
        }
        let limit = self.limits.max_waiting;
        let waiting = self.num_waiting(request.lane);
        let in_channel = &self.shared.in_channel[request.lane as usize];
        in_channel.fetch_add(1, Ordering::AcqRel);
        if waiting >= limit {
            in_channel.fetch_sub(1, Ordering::AcqRel);
            return Err(Error::QueueFull { waiting, limit });
        }
        let max_tokens = request.max_tokens.unwrap_or(usize::MAX).min(max_len - prompt_len);
        let (events, stream) = TokenStream::channel(max_tokens + 2);
        let sequence = Sequence::new(ValidRequest {
            sampler: Sampler::new(request.sampling.clone(), &prompt),
            prompt,
            lane: request.lane,
            max_tokens,
            stop: request.sampling.stop,
            logprobs: request.logprobs,
            guide,
            events,
        });
        self.queue.send(sequence).map_err(|_| Error::Stopped)?;
        Ok(stream)
    }
}

impl Engine for LocalEngine {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn count_tokens(&self, prompt: &Prompt) -> Result<usize, Error> {
        Ok(self.text.encode(prompt, None)?.len())
    }

    fn submit(&self, request: GenerateRequest) -> BoxFuture<'_, Result<TokenStream, Error>> {
        Box::pin(traced::traced(traced::span(&self.info.id, &request), self.take(request)))
    }

    fn pin<'a>(&'a self, messages: &'a [Message]) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let mut encoded = Vec::new();
            // What two conversations share that begin alike and go on differently.
            for next in ["1", "x"] {
                let messages = messages.iter().cloned().chain([Message::user(next)]).collect();
                encoded.push(self.encode(Prompt::Chat(messages)).await?);
            }
            let shared = encoded[0].iter().zip(&encoded[1]).take_while(|(a, b)| a == b).count();
            let prefix = encoded[0][..shared].to_vec();
            if prefix.len() < BLOCK_LEN {
                return Ok(());
            }
            self.pins.send(prefix.clone()).map_err(|_| Error::Stopped)?;
            let read = GenerateRequest { max_tokens: Some(1), ..GenerateRequest::new(Prompt::Text(String::new())) };
            self.enqueue(prefix, None, read)?.collect().await.map(|_| ())
        })
    }

    fn admits(&self, lane: Lane, sampling: &SamplingParams, max_tokens: Option<usize>) -> Result<(), Error> {
        let request = GenerateRequest {
            sampling: sampling.clone(),
            max_tokens,
            ..GenerateRequest::new(Prompt::Text(String::new()))
        };
        request.validate()?;
        let (waiting, limit) = (self.num_waiting(lane), self.limits.max_waiting);
        match (self.is_ready(), waiting >= limit) {
            (false, _) => Err(Error::Stopped),
            (true, true) => Err(Error::QueueFull { waiting, limit }),
            (true, false) => Ok(()),
        }
    }

    fn locks_quotes(&self) -> bool {
        true
    }

    fn load(&self) -> Load {
        *self.shared.load.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_ready(&self) -> bool {
        !self.shared.stopped.load(Ordering::Acquire)
    }
}

impl TextSide {
    fn encode(&self, prompt: &Prompt, tools: Option<&Tools>) -> Result<Vec<u32>, Error> {
        let tools = tools.filter(|tools| tools.are_offered());
        let chat = |messages: &[Message]| -> Result<String, Error> {
            let failed = |reason| Error::Template { model: self.model.clone(), reason };
            let template = self
                .template
                .as_ref()
                .ok_or_else(|| failed("the model has none, it is a base model: use `/v1/completions`".into()))?;
            let has_calls = messages.iter().any(|message| message.role == Role::Tool || !message.tool_calls.is_empty());
            if template.knows_tools() || (tools.is_none() && !has_calls) {
                return template.render(messages, tools).map_err(failed);
            }
            let plain = render::plain(&self.model, messages, tools, &self.prompts)?;
            template.render(&plain, None).map_err(failed)
        };
        match prompt {
            Prompt::Chat(messages) => self.tokenizer.encode(&chat(messages)?),
            Prompt::Continue { messages, answer } => self.tokenizer.encode(&(chat(messages)? + answer)),
            Prompt::Text(text) => self.tokenizer.encode_document(text),
        }
    }
}

/// The thread that owns the model.
struct Worker {
    decoder: Decoder,
    store: KvStore,
    tokenizer: Arc<Tokenizer>,
    scheduler: Scheduler,
    arrivals: mpsc::Receiver<Sequence>,
    /// Prefixes to be pinned; each is sent before the request that reads it.
    new_pins: mpsc::Receiver<Vec<u32>>,
    shared: Arc<Shared>,
    prompt_tokens: u64,
}

impl Worker {
    fn run(mut self) {
        while self.receive() {
            self.scheduler.drop_cancelled();
            let plan = self.scheduler.schedule();
            self.publish();
            if plan.works.is_empty() {
                continue;
            }
            // A panic in a kernel must reach those who wait as an error; state may be torn, so the thread ends.
            match std::panic::catch_unwind(AssertUnwindSafe(|| self.step(&plan))) {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::error!(%error, "forward pass failed");
                    let error = Error::Forward { reason: error.to_string() };
                    self.scheduler.end_all(|sequence| sequence.fail(error.clone()));
                }
                Err(_) => {
                    tracing::error!("the model thread panicked; the engine stops");
                    break;
                }
            }
            self.publish();
        }
        self.shared.stopped.store(true, Ordering::Release);
        self.scheduler.end_all(|sequence| sequence.fail(Error::Stopped));
        while let Ok(mut sequence) = self.arrivals.try_recv() {
            sequence.fail(Error::Stopped);
        }
    }

    /// Takes in what has arrived, waiting if there is nothing else to do; `false` when no more can arrive.
    fn receive(&mut self) -> bool {
        if self.scheduler.is_idle() {
            match self.arrivals.recv() {
                Ok(sequence) => self.take_in(sequence),
                Err(_) => return false,
            }
        }
        loop {
            match self.arrivals.try_recv() {
                Ok(sequence) => self.take_in(sequence),
                Err(mpsc::TryRecvError::Empty) => return true,
                // The handle is gone, and with it everyone who could read.
                Err(mpsc::TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn take_in(&mut self, sequence: Sequence) {
        while let Ok(prefix) = self.new_pins.try_recv() {
            self.scheduler.pin(&prefix);
        }
        let lane = sequence.lane();
        self.scheduler.add(sequence);
        let mut load = self.shared.load.lock().unwrap_or_else(PoisonError::into_inner);
        load.num_waiting = self.scheduler.num_waiting();
        load.lane_waiting = self.scheduler.lane_waiting();
        self.shared.in_channel[lane as usize].fetch_sub(1, Ordering::AcqRel);
    }

    fn step(&mut self, plan: &Plan) -> candle_core::Result<()> {
        for &(from, to) in &plan.copies {
            self.store.copy_block(from, to);
        }
        let running = self.scheduler.running();
        let mut tokens = Vec::new();
        let mut segments = Vec::with_capacity(plan.works.len());
        let mut logit_rows = Vec::new();
        for work in &plan.works {
            let sequence = &running[work.sequence];
            let start = sequence.num_computed();
            let first = tokens.len();
            tokens.extend_from_slice(&sequence.tokens()[start..start + work.len]);
            tokens.extend_from_slice(&sequence.guessed_tokens()[..work.num_guesses]);
            if !sequence.is_decoding() {
                self.prompt_tokens += work.len as u64;
            }
            let rows = first..tokens.len();
            if work.samples {
                // The last token's that is known, and those of the guesses after it.
                logit_rows.extend((rows.end - work.num_guesses - 1..rows.end).map(|row| row as u32));
            }
            segments.push(Segment { rows, start, blocks: sequence.table.blocks() });
        }
        if logit_rows.is_empty() {
            // The last row's logits cost little and spare a second path through the model.
            logit_rows.push(tokens.len() as u32 - 1);
        }
        let batch = Batch { tokens, segments, logit_rows };
        let rows = self.decoder.forward(&batch, &mut self.store)?;
        let tokenizer = &self.tokenizer;
        let mut first = 0;
        self.scheduler.complete(plan, |work, sequence| {
            let taken = sequence.take(work.num_guesses, |sequence, nth| {
                let row = rows.clone().nth(first + nth).expect("a row was asked for each token that may be drawn");
                sequence.push(row, tokenizer)
            });
            first += work.num_guesses + 1;
            taken
        });
        Ok(())
    }

    fn publish(&self) {
        let blocks = self.scheduler.blocks();
        let cache = self.scheduler.cache();
        let counts = self.scheduler.counts();
        let mut load = self.shared.load.lock().unwrap_or_else(PoisonError::into_inner);
        let mut kv_blocks_lost = load.kv_blocks_lost;
        if self.scheduler.is_idle() {
            kv_blocks_lost = cache.num_lost();
            debug_assert_eq!(kv_blocks_lost, 0, "an idle engine has every block free or cached");
        }
        *load = Load {
            num_running: self.scheduler.running().len(),
            num_waiting: self.scheduler.num_waiting(),
            kv_blocks_used: blocks.used,
            kv_blocks_total: blocks.used + blocks.cached + blocks.free,
            kv_blocks_cached: blocks.cached,
            kv_blocks_pinned: cache.num_pinned(),
            kv_blocks_lost,
            kv_blocks_evicted: cache.num_evicted(),
            prefix_tokens_queried: counts.prefix_tokens_queried,
            prefix_tokens_hit: counts.prefix_tokens_hit,
            prompt_tokens: self.prompt_tokens,
            generated_tokens: counts.generated_tokens,
            guesses_run: counts.guesses_run,
            guesses_accepted: counts.guesses_accepted,
            num_preemptions: counts.num_preemptions,
            lane_waiting: self.scheduler.lane_waiting(),
            lane_tokens: self.scheduler.lane_tokens(),
        };
    }
}
