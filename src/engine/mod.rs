//! The language model as a service: [`Engine`] takes a request and gives a stream of text.
//!
//! Two implementations: [`local`] (candle, on this machine) and [`remote`] (any OpenAI-compatible server). Callers
//! cannot tell them apart. Knows nothing of documents, citations or HTTP status codes.

pub mod arch;
pub mod guide;
mod kv_cache;
mod loader;
pub mod local;
mod lookup;
pub mod remote;
mod request;
mod sampler;
mod scheduler;
mod sequence;
mod step_cost;
mod template;
mod tokenizer;
pub mod tokenizer_gguf;
pub mod tools;
mod traced;
mod warm_up;

use std::future::Future;
use std::pin::Pin;

pub use guide::{Constraint, Part, QuoteLock};
pub use local::LocalEngine;
pub use remote::RemoteEngine;
pub use request::{
    Choice, Completion, Event, FinishReason, GenerateRequest, Lane, Message, Prompt, Role, SamplingParams, Timings,
    TokenLogprob, TokenStream, Usage,
};
pub use tokenizer::Tokenizer;
pub use tools::{Calls, Tool, ToolCall, ToolCallDelta, ToolChoice, Tools};

use crate::lang::Language;

/// Why a generation could not be done.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    #[error("the prompt has {prompt_len} tokens but the context of `{model}` holds {max_len}")]
    PromptTooLong { model: String, prompt_len: usize, max_len: usize },
    #[error("`{name}` must be {expected}, got {value}")]
    BadParameter { name: &'static str, expected: &'static str, value: String },
    #[error("{waiting} requests are waiting, the limit is {limit}")]
    QueueFull { waiting: usize, limit: usize },
    #[error("{}: {reason}", where_in(*part, place))]
    BadConstraint {
        part: Part,
        /// JSON pointer into its schema; empty for the whole, and for what is no schema.
        place: String,
        reason: String,
    },
    #[error("the answer cannot be held to its form: {reason}")]
    Guide { reason: String },
    #[error("the chat template of `{model}` failed: {reason}")]
    Template { model: String, reason: String },
    #[error("model file `{path}`: {reason}")]
    BadModel { path: String, reason: String },
    #[error("the model of `{path}` has architecture `{architecture}`, which is not supported (supported: {supported})")]
    UnsupportedArchitecture { path: String, architecture: String, supported: &'static str },
    #[error("the forward pass failed: {reason}")]
    Forward { reason: String },
    #[error("engine `{url}` answered: {reason}")]
    Remote { url: String, reason: String },
    #[error("the engine has stopped")]
    Stopped,
}

fn where_in(part: Part, place: &str) -> String {
    let part = match part {
        Part::Answer => "the form of the answer cannot be held to".to_owned(),
        Part::Tool(index) => format!("the parameters of `tools[{index}]` cannot be held to"),
    };
    if place.is_empty() { part } else { format!("{part}, at `{place}` of the schema") }
}

/// What a model is, as far as its users must know.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelInfo {
    /// The id it is called by, as in `/v1/models`.
    pub id: String,
    /// Most tokens of prompt and answer together.
    pub context_len: usize,
    /// The languages it writes well enough to explain in.
    pub languages: Vec<Language>,
}

/// State of an engine at one moment, for `/metrics` and back-pressure.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Load {
    pub num_running: usize,
    pub num_waiting: usize,
    pub kv_blocks_used: usize,
    pub kv_blocks_total: usize,
    /// Blocks that nobody uses and whose contents are kept.
    pub kv_blocks_cached: usize,
    /// Blocks of pinned prefixes.
    pub kv_blocks_pinned: usize,
    /// Blocks that nobody uses and nobody can have, as counted when the engine last was idle: 0, or there is a bug.
    pub kv_blocks_lost: usize,
    pub kv_blocks_evicted: u64,
    pub prefix_tokens_queried: u64,
    pub prefix_tokens_hit: u64,
    pub prompt_tokens: u64,
    pub generated_tokens: u64,
    /// Tokens that were guessed and computed, and those of them that were right.
    pub guesses_run: u64,
    pub guesses_accepted: u64,
    /// Times that a sequence gave way to another and was computed again.
    pub num_preemptions: u64,
    /// Requests that wait in each lane, in the order of [`Lane::ALL`].
    pub lane_waiting: [usize; Lane::ALL.len()],
    /// Tokens computed for each lane.
    pub lane_tokens: [u64; Lane::ALL.len()],
}

/// A boxed future, so that the trait can be an object.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A language model behind a queue.
pub trait Engine: Send + Sync {
    fn info(&self) -> &ModelInfo;

    /// Number of tokens `prompt` takes, template included. An estimate where the tokenizer is elsewhere.
    ///
    /// # Errors
    /// [`Error::Template`] if the chat template rejects the messages.
    fn count_tokens(&self, prompt: &Prompt) -> Result<usize, Error>;

    /// Accepts a request, or refuses it at once; an accepted one ends in exactly one terminal event.
    ///
    /// # Errors
    /// [`Error::BadParameter`], [`Error::BadConstraint`], [`Error::PromptTooLong`], [`Error::QueueFull`],
    /// [`Error::Stopped`]; [`Error::Remote`] where the engine is elsewhere.
    fn submit(&self, request: GenerateRequest) -> BoxFuture<'_, Result<TokenStream, Error>>;

    /// Refuses at once what [`Self::submit`] would refuse whatever the prompt: parameters out of range, a full queue
    /// for `lane`.
    /// For callers that have other work to do before the prompt is known.
    ///
    /// # Errors
    /// [`Error::BadParameter`], [`Error::QueueFull`], [`Error::Stopped`].
    fn admits(&self, lane: Lane, sampling: &SamplingParams, max_tokens: Option<usize>) -> Result<(), Error> {
        let _ = (lane, sampling, max_tokens);
        if self.is_ready() { Ok(()) } else { Err(Error::Stopped) }
    }

    /// Whether [`Constraint::Quotes`] is held here; no API carries it elsewhere.
    fn locks_quotes(&self) -> bool {
        false
    }

    /// Keeps the beginning that all conversations opening with `messages` share, so that it is read but once. A hint:
    /// engines may ignore it.
    ///
    /// # Errors
    /// [`Error::Template`] if the chat template rejects the messages; [`Error::Stopped`].
    fn pin<'a>(&'a self, messages: &'a [Message]) -> BoxFuture<'a, Result<(), Error>> {
        let _ = messages;
        Box::pin(async { Ok(()) })
    }

    fn load(&self) -> Load;

    /// Whether requests are answered.
    fn is_ready(&self) -> bool;
}
