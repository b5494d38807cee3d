//! One turn of a conversation: find evidence where the model id asks for it, quote, let the model explain, check what
//! it says, and report all of it as [`Event`]s.
//!
//! Knows no wire format and keeps no conversation: callers bring the messages each time.

mod answer;
mod approved;
mod check;
mod sentences;
mod turn;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tracing::Instrument;

use crate::access::Grant;
use crate::engine::{
    self, Choice, Constraint, Engine, FinishReason, GenerateRequest, Lane, Message, Prompt, Role, SamplingParams,
    ToolCallDelta, Tools, Usage,
};
use crate::prompts::{Prompts, System};
use crate::rag::{Citation, Quote, Rag};
use crate::telemetry::spans;
use turn::CorpusTurn;

pub use answer::Answer;
pub use approved::{Approval, Approved, Approver, Found, MIN_NEARNESS};

/// Why a turn could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Engine(#[from] crate::engine::Error),
    #[error("the conversation has no message from the user")]
    NoQuestion,
    #[error("retrieval failed: {reason}")]
    Retrieval { reason: String },
    #[error(transparent)]
    Prompt(#[from] crate::prompts::Error),
    #[error("no corpora are loaded, only the language model answers")]
    NoCorpora,
    #[error("the agent is not at hand, only the language model and the corpora answer")]
    NoAgent,
    #[error("the agent failed: {reason}")]
    Agent { reason: String },
}

/// What answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The language model alone.
    Bare,
    /// The language model bound to what is found in these corpora.
    Corpora(Vec<String>),
    /// The agent, which calls tools and answers from their results.
    Agent,
}

/// One turn as asked for.
#[derive(Clone, Debug)]
pub struct TurnRequest {
    pub target: Target,
    pub lane: Lane,
    pub messages: Vec<Message>,
    pub sampling: SamplingParams,
    pub max_tokens: Option<usize>,
    pub logprobs: Option<usize>,
    /// The form of the answer; [`Target::Bare`] only, as are tools.
    pub constraint: Option<Constraint>,
    pub tools: Option<Tools>,
    /// Who asks, by an opaque name; [`Target::Agent`] keeps its runs under it.
    pub caller: String,
    /// What the caller may see and call; [`Target::Agent`] heeds it, corpora are refused before a turn.
    pub grant: Grant,
}

impl TurnRequest {
    /// One question of an officer's to be answered from `corpora`, greedily.
    pub fn question(question: &str, corpora: Vec<String>) -> Self {
        Self {
            target: Target::Corpora(corpora),
            lane: Lane::Officer,
            messages: vec![Message::user(question)],
            sampling: SamplingParams::default(),
            max_tokens: None,
            logprobs: None,
            constraint: None,
            tools: None,
            caller: String::new(),
            grant: Grant::everything(),
        }
    }
}

/// A step of a turn whose time is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    Retrieve,
    Quote,
    Queue,
    Prefill,
    Generate,
}

impl Stage {
    /// As on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Retrieve => "retrieve",
            Self::Quote => "quote",
            Self::Queue => "queue",
            Self::Prefill => "prefill",
            Self::Generate => "generate",
        }
    }
}

/// Something the reader must know about how the answer came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeCode {
    /// The model does not write the question's language: quoted sentences answer alone.
    LanguageNotWritten,
    /// All the model said disagreed with the quotation.
    ExplanationWithheld,
}

impl NoticeCode {
    /// As on the wire and in the prompt.
    pub fn name(self) -> &'static str {
        match self {
            Self::LanguageNotWritten => "language_not_written",
            Self::ExplanationWithheld => "explanation_withheld",
        }
    }
}

/// Why a sentence of the explanation was withheld.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Disagreement {
    /// It affirms what the quotation denies, or the reverse.
    Polarity,
    /// It holds a number that no cited passage holds.
    Number,
    /// It names an article that no cited passage names.
    Article,
    /// It rests on no passage that was given.
    Citation,
    /// It is in another language than the question.
    Language,
}

/// A call that the agent means to make.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct PlannedStep {
    /// From 1: the `[n]` of the answer.
    pub n: usize,
    pub tool: String,
    pub arguments: serde_json::Value,
    /// In the language of the request.
    pub why: String,
}

/// What the agent does on the way to its answer.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AgentEvent {
    /// The plan, before anything is called.
    Planned { run: String, steps: Vec<PlannedStep> },
    /// A call has ended; `failure` says why there is no result.
    Returned { n: usize, tool: String, failure: Option<String>, hash: String, elapsed_ms: u64 },
    /// A call waits for a named person.
    Approval { id: String, tool: String, expires_at: String },
    /// An instruction stood in the data, and was not followed.
    Seen { source: String, text: String },
}

/// What a running turn reports, in this order: stages as they end; evidence and quotes, or a refusal; text; notices
/// and the check; one `Finished` or `Failed`.
#[derive(Debug)]
pub enum Event {
    Stage {
        stage: Stage,
        elapsed: Duration,
    },
    Evidence(Vec<Citation>),
    Quotes(Vec<Quote>),
    Refused {
        looked_for: Vec<String>,
        nearest: Vec<String>,
    },
    /// Text to show, final. Log-probabilities only from [`Target::Bare`].
    Text {
        text: String,
        choices: Vec<Choice>,
    },
    /// More of a call that the caller is asked to make; only from [`Target::Bare`].
    ToolCall(ToolCallDelta),
    Notice {
        code: NoticeCode,
        text: String,
    },
    /// The answer that follows was given before, and approved; `text` says so in the question's language.
    Approved {
        approval: Approval,
        text: String,
    },
    /// What the agent does on the way; only from [`Target::Agent`].
    Agent(AgentEvent),
    /// Sentences of the explanation that were shown and withheld.
    Checked {
        kept: usize,
        withheld: usize,
        reasons: Vec<Disagreement>,
    },
    Finished {
        reason: FinishReason,
        usage: Usage,
    },
    Failed(Error),
}

/// The events of one turn. Dropping it cancels the turn.
pub struct EventStream {
    events: mpsc::Receiver<Event>,
}

impl EventStream {
    /// The events that someone else sends.
    pub fn new(events: mpsc::Receiver<Event>) -> Self {
        Self { events }
    }

    /// The next event; `None` after the terminal one. Cancel-safe.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }
}

/// Answers turns. Cheap to clone.
#[derive(Clone)]
pub struct Chat {
    engine: Arc<dyn Engine>,
    rag: Option<Arc<Rag>>,
    prompts: Arc<Prompts>,
    approved: Option<Arc<Approved>>,
}

impl Chat {
    /// `rag` is absent where no index is to be had; turns bound to corpora are refused then.
    pub fn new(engine: Arc<dyn Engine>, rag: Option<Arc<Rag>>, prompts: Arc<Prompts>) -> Self {
        Self { engine, rag, prompts, approved: None }
    }

    /// One that gives approved answers first.
    #[must_use]
    pub fn with_approved(self, approved: Option<Approved>) -> Self {
        Self { approved: approved.map(Arc::new), ..self }
    }

    pub fn engine(&self) -> &Arc<dyn Engine> {
        &self.engine
    }

    /// Whether turns bound to corpora are answered.
    pub fn has_corpora(&self) -> bool {
        self.rag.is_some()
    }

    /// Has the engine read and keep what it is told before every explanation.
    ///
    /// # Errors
    /// The engine's; [`Error::Prompt`] if a template fails.
    pub async fn read_rules(&self) -> Result<(), Error> {
        for &language in &self.engine.info().languages {
            self.engine.pin(&[Message::system(self.prompts.render(&System { language })?)]).await?;
        }
        Ok(())
    }

    /// Starts a turn.
    ///
    /// # Errors
    /// What is refused at once: no question, a bad parameter, a prompt over the context, a full queue.
    pub async fn turn(&self, request: TurnRequest) -> Result<EventStream, Error> {
        let span = match &request.target {
            Target::Corpora(corpora) => spans::turn(corpora),
            Target::Bare | Target::Agent => spans::turn(&[]),
        };
        self.begin(request).instrument(span).await
    }

    async fn begin(&self, request: TurnRequest) -> Result<EventStream, Error> {
        let (sender, events) = mpsc::channel(256);
        let corpora = match request.target.clone() {
            Target::Corpora(corpora) => corpora,
            Target::Bare => {
                self.turn_bare(request, sender).await?;
                return Ok(EventStream { events });
            }
            Target::Agent => return Err(Error::NoAgent),
        };
        let rag = self.rag.clone().ok_or(Error::NoCorpora)?;
        if !request.messages.iter().any(|message| message.role == Role::User) {
            return Err(Error::NoQuestion);
        }
        self.engine.admits(request.lane, &request.sampling, request.max_tokens)?;
        let turn = CorpusTurn {
            engine: Arc::clone(&self.engine),
            rag,
            prompts: Arc::clone(&self.prompts),
            approved: self.approved.clone(),
            corpora,
            request,
            events: sender,
        };
        tokio::spawn(turn.run().in_current_span());
        Ok(EventStream { events })
    }

    async fn turn_bare(&self, request: TurnRequest, sender: mpsc::Sender<Event>) -> Result<(), Error> {
        let mut stream = self
            .engine
            .submit(GenerateRequest {
                prompt: Prompt::Chat(request.messages),
                lane: request.lane,
                sampling: request.sampling,
                max_tokens: request.max_tokens,
                logprobs: request.logprobs,
                constraint: request.constraint,
                tools: request.tools,
            })
            .await?;
        let passing_on = async move {
            while let Some(event) = stream.next().await {
                let event = match event {
                    engine::Event::Text { text, choices } => Event::Text { text, choices },
                    engine::Event::ToolCall(delta) => Event::ToolCall(delta),
                    engine::Event::Finished { reason, usage, .. } => Event::Finished { reason, usage },
                    engine::Event::Failed(error) => Event::Failed(error.into()),
                };
                // A reader that left drops our end, and with it the generation.
                if sender.send(event).await.is_err() {
                    return;
                }
            }
        };
        tokio::spawn(passing_on.in_current_span());
        Ok(())
    }
}
