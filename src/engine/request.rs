//! What a caller asks of an engine and what comes back: prompts, sampling parameters, events, usage. Wire formats
//! (OpenAI's JSON) are the edge's business; this module has only what an engine needs.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tracing::Span;

use super::guide::Constraint;
use super::tools::{ToolCall, ToolCallDelta, ToolReader, Tools};
use super::{Error, traced};

/// Who speaks in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    System,
    User,
    Assistant,
    Tool,
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    pub role: Role,
    pub content: String,
    /// The assistant's calls, whose results follow as messages of [`Role::Tool`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// The call whose result this is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
}

impl Message {
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self { role, content: content.into(), tool_calls: Vec::new(), tool_call_id: None }
    }

    pub fn system(content: impl Into<String>) -> Self {
        Self::new(Role::System, content)
    }

    pub fn user(content: impl Into<String>) -> Self {
        Self::new(Role::User, content)
    }

    pub fn assistant(content: impl Into<String>) -> Self {
        Self::new(Role::Assistant, content)
    }
}

/// The text a model continues.
#[derive(Clone, Debug, PartialEq)]
pub enum Prompt {
    /// A conversation, rendered by the model's own chat template.
    Chat(Vec<Message>),
    /// A conversation whose answer has begun: `answer` is appended after the template's assistant header.
    Continue { messages: Vec<Message>, answer: String },
    /// Raw text, taken as it is.
    Text(String),
}

/// How the next token is drawn. The defaults are greedy and unpenalised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SamplingParams {
    /// 0 is greedy; at most 2.
    pub temperature: f32,
    /// Nucleus mass kept, in (0, 1].
    pub top_p: f32,
    /// Number of likeliest tokens kept; 0 keeps all.
    pub top_k: usize,
    /// Tokens below this share of the likeliest one's probability are dropped, in [0, 1].
    pub min_p: f32,
    /// Divides (multiplies, where negative) the logits of tokens seen in prompt or answer; 1 is off. CTRL, section 4.1.
    pub repetition_penalty: f32,
    /// Subtracted once from the logit of a token in the answer; in [-2, 2].
    pub presence_penalty: f32,
    /// Subtracted from a logit for every occurrence in the answer; in [-2, 2].
    pub frequency_penalty: f32,
    /// Same seed, same request, same model: same answer. Drawn at random where absent.
    pub seed: Option<u64>,
    /// The answer ends before the first of these.
    pub stop: Vec<String>,
}

impl Default for SamplingParams {
    fn default() -> Self {
        Self {
            temperature: 0.0,
            top_p: 1.0,
            top_k: 0,
            min_p: 0.0,
            repetition_penalty: 1.0,
            presence_penalty: 0.0,
            frequency_penalty: 0.0,
            seed: None,
            stop: Vec::new(),
        }
    }
}

/// Whose a request is, which decides who waits when not all can be served at once. The most urgent first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lane {
    /// Someone sits before the screen.
    Officer,
    /// A program acts for someone who waits.
    #[default]
    Agent,
    /// Nobody waits.
    Job,
}

impl Lane {
    pub const ALL: [Self; 3] = [Self::Officer, Self::Agent, Self::Job];

    /// Its name in settings, headers and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Officer => "officer",
            Self::Agent => "agent",
            Self::Job => "job",
        }
    }

    /// The lane of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lane| lane.name() == name)
    }
}

/// One generation as asked for.
#[derive(Clone, Debug)]
pub struct GenerateRequest {
    pub prompt: Prompt,
    pub lane: Lane,
    pub sampling: SamplingParams,
    /// Most tokens to generate; what the context leaves where absent.
    pub max_tokens: Option<usize>,
    /// Report the chosen token's log-probability with this many alternatives (0 to 20).
    pub logprobs: Option<usize>,
    /// The form the answer must have; with tools the model may call, of the text it may write instead.
    pub constraint: Option<Constraint>,
    /// What the model may call; only in a [`Prompt::Chat`].
    pub tools: Option<Tools>,
}

impl GenerateRequest {
    /// A greedy request without limits, in the lane of programs.
    pub fn new(prompt: Prompt) -> Self {
        Self {
            prompt,
            lane: Lane::default(),
            sampling: SamplingParams::default(),
            max_tokens: None,
            logprobs: None,
            constraint: None,
            tools: None,
        }
    }

    /// Checks the parameters against their documented ranges.
    ///
    /// # Errors
    /// [`Error::BadParameter`], naming the first that is out of its range.
    pub fn validate(&self) -> Result<(), Error> {
        let check = |name, holds: bool, expected, value: String| {
            if holds { Ok(()) } else { Err(Error::BadParameter { name, expected, value }) }
        };
        let s = &self.sampling;
        let show = |value: f32| value.to_string();
        check("temperature", (0.0..=2.0).contains(&s.temperature), "between 0 and 2", show(s.temperature))?;
        check("top_p", s.top_p > 0.0 && s.top_p <= 1.0, "above 0 and at most 1", show(s.top_p))?;
        check("min_p", (0.0..=1.0).contains(&s.min_p), "between 0 and 1", show(s.min_p))?;
        let penalty = s.repetition_penalty;
        check("repetition_penalty", penalty > 0.0 && penalty <= 10.0, "above 0 and at most 10", show(penalty))?;
        for (name, value) in [("presence_penalty", s.presence_penalty), ("frequency_penalty", s.frequency_penalty)] {
            check(name, (-2.0..=2.0).contains(&value), "between -2 and 2", show(value))?;
        }
        check("stop", s.stop.iter().all(|stop| !stop.is_empty()), "strings that are not empty", "\"\"".into())?;
        check("max_tokens", self.max_tokens != Some(0), "at least 1", "0".into())?;
        let logprobs = self.logprobs;
        check("logprobs", logprobs.is_none_or(|n| n <= 20), "at most 20", logprobs.unwrap_or(0).to_string())?;
        let Some(tools) = &self.tools else { return Ok(()) };
        let may_call = matches!(self.prompt, Prompt::Chat(_)) || !tools.are_offered();
        check("tools", may_call, "absent where an answer or a text is continued", "some".into())?;
        tools.validate()
    }
}

/// Why a generation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model ended its turn, or a stop string was met.
    Stop,
    /// `max_tokens` or the context was used up.
    Length,
    /// The model waits for the results of its calls.
    ToolCalls,
}

/// Tokens read and written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    pub prompt_tokens: usize,
    pub completion_tokens: usize,
    /// Of the prompt's tokens, those found in the prefix cache.
    pub cached_tokens: usize,
}

/// A candidate at one position of the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TokenLogprob {
    /// The token's bytes, which need not be whole characters.
    pub bytes: Vec<u8>,
    /// Natural logarithm, of the distribution before temperature and cuts.
    pub logprob: f32,
}

/// The chosen token and its rivals, likeliest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    pub chosen: TokenLogprob,
    pub top: Vec<TokenLogprob>,
}

/// What a running generation reports. Every accepted request ends in exactly one `Finished` or `Failed`.
#[derive(Debug)]
pub enum Event {
    /// Text that is final; never splits a character. `choices` is empty unless log-probabilities were asked for.
    Text {
        text: String,
        choices: Vec<Choice>,
    },
    /// More of a call; only where tools were offered.
    ToolCall(ToolCallDelta),
    Finished {
        reason: FinishReason,
        usage: Usage,
        timings: Timings,
    },
    Failed(Error),
}

/// Where a generation's time went.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Timings {
    pub queued: Duration,
    pub prefill: Duration,
    pub decode: Duration,
}

/// The events of one generation, and its span. Dropping it cancels the request within one step.
pub struct TokenStream {
    events: mpsc::Receiver<Event>,
    /// Finds the calls in the text, where there may be some.
    reader: Option<ToolReader>,
    read: VecDeque<Event>,
    span: Span,
}

impl TokenStream {
    /// A stream and the end that feeds it.
    pub fn channel(capacity: usize) -> (mpsc::Sender<Event>, Self) {
        let (sender, events) = mpsc::channel(capacity);
        (sender, Self { events, reader: None, read: VecDeque::new(), span: Span::none() })
    }

    /// The same events, with the calls in their text told apart from it.
    pub fn with_tools(self) -> Self {
        Self { reader: Some(ToolReader::default()), ..self }
    }

    /// The same events, whose end ends `span`.
    pub fn traced(self, span: Span) -> Self {
        Self { span, ..self }
    }

    /// The next event; `None` after the terminal one. Cancel-safe.
    pub async fn next(&mut self) -> Option<Event> {
        while self.read.is_empty() {
            let event = self.events.recv().await?;
            self.take_in(event);
        }
        self.read.pop_front()
    }

    /// As [`Self::next`], for threads outside the async runtime.
    pub fn blocking_next(&mut self) -> Option<Event> {
        while self.read.is_empty() {
            let event = self.events.blocking_recv()?;
            self.take_in(event);
        }
        self.read.pop_front()
    }

    fn take_in(&mut self, event: Event) {
        traced::note(&self.span, &event);
        match &mut self.reader {
            Some(reader) => self.read.extend(reader.read(event)),
            None => self.read.push_back(event),
        }
    }

    /// Reads to the end.
    ///
    /// # Errors
    /// The engine's, where the generation failed; [`Error::Stopped`] where it ended without a terminal event.
    pub async fn collect(mut self) -> Result<Completion, Error> {
        let mut completion = Completion::default();
        while let Some(event) = self.next().await {
            match event {
                Event::Text { text, choices } => {
                    completion.text.push_str(&text);
                    completion.choices.extend(choices);
                }
                Event::ToolCall(delta) => delta.append_to(&mut completion.tool_calls),
                Event::Finished { reason, usage, timings } => {
                    return Ok(Completion { reason: Some(reason), usage, timings, ..completion });
                }
                Event::Failed(error) => return Err(error),
            }
        }
        Err(Error::Stopped)
    }
}

/// A generation read to its end.
#[derive(Debug, Default)]
pub struct Completion {
    pub text: String,
    pub tool_calls: Vec<ToolCall>,
    pub choices: Vec<Choice>,
    pub reason: Option<FinishReason>,
    pub usage: Usage,
    pub timings: Timings,
}
