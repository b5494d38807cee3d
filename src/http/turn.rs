//! One answer being received: its events, what they add up to, its clock, and its place in the history.
//!
//! In: the events of a turn or of a bare completion. Out: the same events, one by one, while [`Record`] grows. Dropped
//! before its end (the client went away), it still stores what was shown.

use std::sync::Arc;

use futures::StreamExt;
use serde::Serialize;
use serde_json::{Value, json};

use super::error::ApiError;
use super::state::{AppState, Events};
use crate::chat::{self, Event};
use crate::engine::{self, Choice, FinishReason, TokenStream, ToolCall, Usage};
use crate::history::{History, TurnPlace};
use crate::rag::Quote;
use crate::telemetry::{GenerationTimer, Outcome};

/// What an answer has come to so far.
#[derive(Debug, Default)]
pub struct Record {
    /// The explanation alone, as the page shows it under the quotation.
    pub text: String,
    /// The whole answer in one text, for clients that know nothing of our events.
    pub plain: String,
    /// What the latest event added to `plain`.
    pub added: Option<String>,
    pub choices: Vec<Choice>,
    pub tool_calls: Vec<ToolCall>,
    /// Absent where nothing was retrieved for.
    pub citations: Option<Value>,
    quotes: Vec<Value>,
    refused: Option<Value>,
    checked: Option<Value>,
    notices: Vec<Value>,
    /// Who approved it, where it was given before.
    pub approved: Option<Value>,
    stages: Vec<Value>,
    /// What the agent did on the way.
    agent: Vec<Value>,
    pub reason: Option<FinishReason>,
    pub usage: Usage,
}

impl Record {
    fn note(&mut self, event: &Event) {
        self.added = plain(event, self.plain.is_empty());
        self.plain.push_str(self.added.as_deref().unwrap_or_default());
        let told = told(event);
        match event {
            Event::Text { text, choices } => {
                self.text.push_str(text);
                self.choices.extend_from_slice(choices);
            }
            Event::ToolCall(delta) => delta.append_to(&mut self.tool_calls),
            Event::Stage { .. } => self.stages.extend(told),
            Event::Agent(_) => self.agent.extend(told),
            Event::Notice { .. } => self.notices.extend(told),
            Event::Approved { approval, .. } => self.approved = Some(as_json(approval)),
            Event::Evidence(citations) => self.citations = Some(as_json(citations)),
            Event::Quotes(quotes) => self.quotes = quotes.iter().map(as_json).collect(),
            Event::Refused { .. } => self.refused = told,
            Event::Checked { .. } => self.checked = told,
            Event::Finished { reason, usage } => (self.reason, self.usage) = (Some(*reason), *usage),
            Event::Failed(_) => {}
        }
    }

    /// What the answer rests on, as the page reads it from the history; `None` for a bare answer.
    pub fn haetae(&self) -> Option<Value> {
        let rests = self.citations.is_some() || self.refused.is_some() || !self.notices.is_empty();
        (rests || !self.agent.is_empty()).then(|| {
            let mut haetae = json!({
                "citations": self.citations.clone().unwrap_or_else(|| json!([])),
                "quotes": self.quotes,
                "refused": self.refused,
                "checked": self.checked,
                "notices": self.notices,
                "stages": self.stages,
            });
            if let Some(approved) = &self.approved {
                haetae["approved"] = approved.clone();
            }
            if !self.agent.is_empty() {
                haetae["agent"] = json!(self.agent);
            }
            haetae
        })
    }

    fn is_empty(&self) -> bool {
        self.text.is_empty() && self.quotes.is_empty()
    }
}

/// What an event adds to the one text of a client that knows no events; `first` where the text is still empty.
fn plain(event: &Event, first: bool) -> Option<String> {
    match event {
        Event::Text { text, .. } => Some(text.clone()),
        Event::Quotes(quotes) => Some(block_quote(quotes)),
        Event::Approved { text, .. } => Some(format!("{text}\n\n")),
        Event::Notice { text, .. } => Some(if first { text.clone() } else { format!("\n\n{text}") }),
        _ => None,
    }
}

/// The deciding sentences as a Markdown block quote, each with its mark.
fn block_quote(quotes: &[Quote]) -> String {
    let lines: Vec<String> =
        quotes.iter().map(|quote| format!("> {} [{}]", quote.text.trim().replace('\n', "\n> "), quote.n)).collect();
    lines.join("\n>\n") + "\n\n"
}

/// An event as the `haetae` object of a chunk; `None` for what OpenAI's own fields say.
pub fn told(event: &Event) -> Option<Value> {
    Some(match event {
        Event::Stage { stage, elapsed } => {
            // Tenths are what a reader can make use of.
            let ms = (elapsed.as_secs_f64() * 1e4).round() / 10.0;
            json!({"type": "stage", "stage": stage, "ms": ms})
        }
        Event::Agent(event) => as_json(event),
        Event::Evidence(citations) => json!({"type": "evidence", "citations": as_json(citations)}),
        Event::Quotes(quotes) => json!({"type": "quote", "quotes": quotes}),
        Event::Refused { looked_for, nearest } => {
            json!({"type": "refused", "looked_for": looked_for, "nearest": nearest})
        }
        Event::Approved { approval, text } => {
            let mut told = as_json(approval);
            told["type"] = "approved".into();
            told["text"] = text.clone().into();
            told
        }
        Event::Notice { code, text } => json!({"type": "notice", "code": code, "text": text}),
        Event::Checked { kept, withheld, reasons } => {
            json!({"type": "checked", "kept": kept, "withheld": withheld, "reasons": reasons})
        }
        Event::Text { .. } | Event::ToolCall(_) | Event::Finished { .. } | Event::Failed(_) => return None,
    })
}

/// As JSON by way of its text, which keeps a 32-bit 0.71 from becoming 0.7099999785423279.
pub fn as_json<T: Serialize + ?Sized>(value: &T) -> Value {
    let text = serde_json::to_string(value).expect("plain structs with string keys always serialise");
    serde_json::from_str(&text).expect("it was just written as JSON")
}

/// Where an answer is kept when it ends.
pub struct Keep {
    pub history: History,
    pub place: TurnPlace,
}

/// An answer on its way.
pub struct Running {
    pub index: usize,
    pub record: Record,
    events: Events,
    timer: GenerationTimer,
    keep: Option<Keep>,
    ended: bool,
}

impl Running {
    pub fn new(state: &AppState, index: usize, events: Events, keep: Option<Keep>) -> Self {
        let timer = GenerationTimer::start(Arc::clone(&state.metrics));
        Self { index, record: Record::default(), events, timer, keep, ended: false }
    }

    /// The next event; `None` after `Finished` or an error.
    ///
    /// # Errors
    /// The turn's own failure, or the engine's silence.
    pub async fn next(&mut self) -> Option<Result<Event, ApiError>> {
        if self.ended {
            return None;
        }
        let event = self.events.next().await.unwrap_or(Event::Failed(engine::Error::Stopped.into()));
        self.record.note(&event);
        let outcome = match &event {
            Event::Text { .. } | Event::ToolCall(_) => {
                self.timer.text();
                return Some(Ok(event));
            }
            Event::Finished { reason: FinishReason::Stop | FinishReason::ToolCalls, .. } => Outcome::Stop,
            Event::Finished { reason: FinishReason::Length, .. } => Outcome::Length,
            Event::Failed(_) => Outcome::Error,
            _ => return Some(Ok(event)),
        };
        self.ended = true;
        self.timer.finish(outcome);
        if let Some(store) = self.store()
            && let Err(error) = tokio::task::spawn_blocking(store).await
        {
            tracing::error!("storing an answer panicked: {error}");
        }
        match event {
            Event::Failed(error) => Some(Err(error.into())),
            event => Some(Ok(event)),
        }
    }

    /// Reads to the end.
    ///
    /// # Errors
    /// As [`Self::next`].
    pub async fn finish(mut self) -> Result<Record, ApiError> {
        while let Some(event) = self.next().await {
            event?;
        }
        Ok(std::mem::take(&mut self.record))
    }

    /// The work of keeping the answer; `None` where there is nothing to keep, or it has been done.
    fn store(&mut self) -> Option<impl FnOnce() + Send + 'static> {
        let Keep { history, place } = self.keep.take()?;
        if self.record.is_empty() {
            return None;
        }
        let (text, haetae) = (self.record.text.clone(), self.record.haetae());
        Some(move || {
            // The reader has the answer already: a history that cannot be written must not take it away.
            if let Err(error) = history.end_turn(&place, &text, haetae.as_ref()) {
                tracing::error!("an answer was not kept: {error}");
            }
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(store) = self.store() {
            match tokio::runtime::Handle::try_current() {
                Ok(runtime) => drop(runtime.spawn_blocking(store)),
                Err(_) => store(),
            }
        }
    }
}

/// The events of a bare generation as those of a turn.
pub fn engine_events(stream: TokenStream) -> Events {
    let next = |mut stream: TokenStream| async {
        let event = match stream.next().await? {
            engine::Event::Text { text, choices } => Event::Text { text, choices },
            engine::Event::ToolCall(delta) => Event::ToolCall(delta),
            engine::Event::Finished { reason, usage, .. } => Event::Finished { reason, usage },
            engine::Event::Failed(error) => Event::Failed(chat::Error::Engine(error)),
        };
        Some((event, stream))
    };
    futures::stream::unfold(stream, next).boxed()
}

/// Tokens of several answers to one prompt, which is counted once.
pub fn sum_choices(usages: impl IntoIterator<Item = Usage>) -> Usage {
    usages.into_iter().fold(Usage::default(), |sum, usage| Usage {
        prompt_tokens: sum.prompt_tokens.max(usage.prompt_tokens),
        completion_tokens: sum.completion_tokens + usage.completion_tokens,
        cached_tokens: sum.cached_tokens.max(usage.cached_tokens),
    })
}

/// OpenAI's `usage` object.
pub fn usage_json(usage: Usage) -> Value {
    json!({
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
    })
}
