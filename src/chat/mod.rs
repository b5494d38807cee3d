//! One turn of a conversation: find evidence where the model id asks for it, quote, let the model explain, check what
//! it says, and report all of it as [`Event`]s.
//!
//! Knows no wire format and keeps no conversation: callers bring the messages each time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::engine::{Choice, Engine, FinishReason, GenerateRequest, Message, Prompt, SamplingParams, Usage};
use crate::rag::{Citation, Quote};

/// Why a turn could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Engine(#[from] crate::engine::Error),
    #[error("the conversation has no message from the user")]
    NoQuestion,
    #[error("retrieval failed: {reason}")]
    Retrieval { reason: String },
}

/// What answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The language model alone.
    Bare,
    /// The language model bound to what is found in these corpora.
    Corpora(Vec<String>),
}

/// One turn as asked for.
#[derive(Clone, Debug)]
pub struct TurnRequest {
    pub target: Target,
    pub messages: Vec<Message>,
    pub sampling: SamplingParams,
    pub max_tokens: Option<usize>,
    pub logprobs: Option<usize>,
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

/// Something the reader must know about how the answer came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeCode {
    /// The model does not write the question's language: quoted sentences answer alone.
    LanguageNotWritten,
    /// All the model said disagreed with the quotation.
    ExplanationWithheld,
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
    /// It cites a passage that was not given.
    Citation,
    /// It is in another language than the question.
    Language,
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
    Notice {
        code: NoticeCode,
        text: String,
    },
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
    /// The next event; `None` after the terminal one. Cancel-safe.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }
}

/// Answers turns. Cheap to clone.
#[derive(Clone)]
pub struct Chat {
    engine: Arc<dyn Engine>,
}

impl Chat {
    pub fn new(engine: Arc<dyn Engine>) -> Self {
        Self { engine }
    }

    pub fn engine(&self) -> &Arc<dyn Engine> {
        &self.engine
    }

    /// Starts a turn.
    ///
    /// # Errors
    /// What the engine refuses at once: a bad parameter, a prompt over the context, a full queue.
    pub async fn turn(&self, request: TurnRequest) -> Result<EventStream, Error> {
        let (sender, events) = mpsc::channel(256);
        let mut stream = self
            .engine
            .submit(GenerateRequest {
                prompt: Prompt::Chat(request.messages),
                sampling: request.sampling,
                max_tokens: request.max_tokens,
                logprobs: request.logprobs,
            })
            .await?;
        tokio::spawn(async move {
            while let Some(event) = stream.next().await {
                let event = match event {
                    crate::engine::Event::Text { text, choices } => Event::Text { text, choices },
                    crate::engine::Event::Finished { reason, usage, .. } => Event::Finished { reason, usage },
                    crate::engine::Event::Failed(error) => Event::Failed(error.into()),
                };
                if sender.send(event).await.is_err() {
                    return;
                }
            }
        });
        Ok(EventStream { events })
    }
}
