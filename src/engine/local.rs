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
use super::guide::{Guides, MaskTimes};
use super::kv_cache::{BLOCK_LEN, BlockId};
use super::loader::Model;
use super::request::{GenerateRequest, Message, Prompt, Role, TokenStream};
use super::sampler::Sampler;
use super::scheduler::{Scheduler, Work};
use super::sequence::{Sequence, ValidRequest};
use super::template::ChatTemplate;
use super::tokenizer::Tokenizer;
use super::tools::{Tools, render};
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
    queue: mpsc::Sender<Sequence>,
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
    in_channel: AtomicUsize,
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
        warm_up(&mut model.decoder, &mut store)
            .map_err(|error| Error::BadModel { path: path.display().to_string(), reason: error.to_string() })?;
        let tokenizer = Arc::new(model.tokenizer);
        let prompts =
            Prompts::load().map_err(|error| Error::Template { model: id.into(), reason: error.to_string() })?;
        let guides = Guides::new(Arc::clone(&tokenizer));
        let text = TextSide { tokenizer: Arc::clone(&tokenizer), template: model.template, prompts, model: id.into() };
        let shared = Arc::new(Shared::default());
        let (queue, arrivals) = mpsc::channel();
        let worker = Worker {
            decoder: model.decoder,
            store,
            tokenizer,
            scheduler: Scheduler::new(num_blocks, limits.max_running, limits.step_tokens),
            arrivals,
            shared: Arc::clone(&shared),
            prompt_tokens: 0,
            generated_tokens: 0,
        };
        let reason = |error: std::io::Error| Error::Forward { reason: error.to_string() };
        std::thread::Builder::new().name("model".into()).spawn(move || worker.run()).map_err(reason)?;
        Ok(Self { info, text: Arc::new(text), guides, limits, queue, shared })
    }
}

/// Refuses sizes with which a request would wait for ever.
fn check_limits(limits: &EngineLimits) -> Result<(), Error> {
    let checked = [
        ("max_running", limits.max_running, 1, "at least 1"),
        ("step_tokens", limits.step_tokens, 1, "at least 1"),
        ("context_len", limits.context_len, 2, "at least 2"),
        ("kv_tokens", limits.kv_tokens, BLOCK_LEN, "at least 16"),
    ];
    match checked.into_iter().find(|(_, value, least, _)| value < least) {
        Some((name, value, _, expected)) => Err(Error::BadParameter { name, expected, value: value.to_string() }),
        None => Ok(()),
    }
}

/// Runs two tokens through the model, so that the first user does not wait for threads to start and memory to be
/// mapped. The block they are written to is not recorded, so nobody finds them there.
fn warm_up(decoder: &mut Decoder, store: &mut KvStore) -> candle_core::Result<()> {
    let blocks = [BlockId(0)];
    let segments = vec![Segment { rows: 0..2, start: 0, blocks: &blocks }];
    decoder.forward(&Batch { tokens: vec![0, 1], segments, logit_rows: vec![1] }, store).map(|_| ())
}

impl LocalEngine {
    /// How long the masks of constrained answers took.
    pub fn mask_times(&self) -> &MaskTimes {
        self.guides.times()
    }

    fn num_waiting(&self) -> usize {
        self.shared.in_channel.load(Ordering::Acquire) + self.load().num_waiting
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
        Box::pin(async move {
            request.validate()?;
            if !self.is_ready() {
                return Err(Error::Stopped);
            }
            let (text, guides) = (Arc::clone(&self.text), Arc::clone(&self.guides));
            // A long prompt or a large schema takes milliseconds, which would hold up other connections.
            let prepared = tokio::task::spawn_blocking(move || {
                let guide = guides.guide(request.constraint.as_ref(), request.tools.as_ref())?;
                Ok((text.encode(&request.prompt, request.tools.as_ref())?, guide, request))
            });
            let (prompt, guide, request) =
                prepared.await.map_err(|error| Error::Forward { reason: error.to_string() })??;
            let (prompt_len, max_len) = (prompt.len(), self.info.context_len);
            if prompt_len == 0 {
                return Err(Error::BadParameter {
                    name: "prompt",
                    expected: "at least one token",
                    value: "none".into(),
                });
            }
            if prompt_len >= max_len {
                return Err(Error::PromptTooLong { model: self.info.id.clone(), prompt_len, max_len });
            }
            let limit = self.limits.max_waiting;
            let waiting = self.num_waiting();
            self.shared.in_channel.fetch_add(1, Ordering::AcqRel);
            if waiting >= limit {
                self.shared.in_channel.fetch_sub(1, Ordering::AcqRel);
                return Err(Error::QueueFull { waiting, limit });
            }
            let max_tokens = request.max_tokens.unwrap_or(usize::MAX).min(max_len - prompt_len);
            let (events, stream) = TokenStream::channel(max_tokens + 2);
            let sequence = Sequence::new(ValidRequest {
                sampler: Sampler::new(request.sampling.clone(), &prompt),
                prompt,
                max_tokens,
                stop: request.sampling.stop,
                logprobs: request.logprobs,
                guide,
                events,
            });
            self.queue.send(sequence).map_err(|_| Error::Stopped)?;
            Ok(if request.tools.is_some_and(|tools| tools.are_offered()) { stream.with_tools() } else { stream })
        })
    }

    fn admits(&self, sampling: &SamplingParams, max_tokens: Option<usize>) -> Result<(), Error> {
        let request = GenerateRequest {
            sampling: sampling.clone(),
            max_tokens,
            ..GenerateRequest::new(Prompt::Text(String::new()))
        };
        request.validate()?;
        let (waiting, limit) = (self.num_waiting(), self.limits.max_waiting);
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
    shared: Arc<Shared>,
    prompt_tokens: u64,
    generated_tokens: u64,
}

impl Worker {
    fn run(mut self) {
        while self.receive() {
            self.scheduler.drop_cancelled();
            let plan = self.scheduler.schedule();
            self.publish();
            if plan.is_empty() {
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
        self.scheduler.add(sequence);
        let mut load = self.shared.load.lock().unwrap_or_else(PoisonError::into_inner);
        load.num_waiting = self.scheduler.num_waiting();
        self.shared.in_channel.fetch_sub(1, Ordering::AcqRel);
    }

    fn step(&mut self, plan: &[Work]) -> candle_core::Result<()> {
        let running = self.scheduler.running();
        let mut tokens = Vec::new();
        let mut segments = Vec::with_capacity(plan.len());
        let mut logit_rows = Vec::new();
        for work in plan {
            let sequence = &running[work.sequence];
            let start = sequence.num_computed();
            let rows = tokens.len()..tokens.len() + work.len;
            tokens.extend_from_slice(&sequence.tokens()[start..start + work.len]);
            if !sequence.is_decoding() {
                self.prompt_tokens += work.len as u64;
            }
            if work.samples {
                logit_rows.push(rows.end as u32 - 1);
            }
            segments.push(Segment { rows, start, blocks: sequence.table.blocks() });
        }
        let num_sampled = logit_rows.len();
        if num_sampled == 0 {
            // The last row's logits cost little and spare a second path through the model.
            logit_rows.push(tokens.len() as u32 - 1);
        }
        self.generated_tokens += num_sampled as u64;
        let batch = Batch { tokens, segments, logit_rows };
        let mut rows = self.decoder.forward(&batch, &mut self.store)?;
        let tokenizer = &self.tokenizer;
        self.scheduler.complete(plan, |_, sequence| {
            let logits = rows.next().expect("a row was asked for each sequence that samples");
            sequence.push(logits, tokenizer)
        });
        Ok(())
    }

    fn publish(&self) {
        let blocks = self.scheduler.blocks();
        let (prefix_tokens_queried, prefix_tokens_hit) = self.scheduler.prefix_tokens();
        let num_waiting = self.scheduler.num_waiting();
        *self.shared.load.lock().unwrap_or_else(PoisonError::into_inner) = Load {
            num_running: self.scheduler.running().len(),
            num_waiting,
            kv_blocks_used: blocks.used,
            kv_blocks_total: blocks.used + blocks.cached + blocks.free,
            prefix_tokens_queried,
            prefix_tokens_hit,
            prompt_tokens: self.prompt_tokens,
            generated_tokens: self.generated_tokens,
        };
    }
}
