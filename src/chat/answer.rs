//! A turn read to its end: for the terminal and for the suites, which want the whole.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Approval, Chat, Disagreement, Error, Event, TurnRequest};
use crate::rag::{Citation, Quote};

/// What a turn came to.
#[derive(Debug, Default, Serialize)]
pub struct Answer {
    /// What the model, or the refusal, said.
    pub answer: String,
    pub refused: bool,
    /// Who approved it, where it was given before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approved: Option<Approval>,
    pub quotes: Vec<Quote>,
    pub citations: Vec<Citation>,
    /// Sentences of the explanation that were shown.
    pub kept: usize,
    /// Why each of the others was withheld.
    pub withheld: Vec<Disagreement>,
    /// When each stage ended, or how long it took, in milliseconds, as its event says.
    pub timings_ms: BTreeMap<String, u64>,
}

impl Answer {
    /// Reads the turn; `observe` sees each event as it comes.
    ///
    /// # Errors
    /// The turn's.
    pub async fn read(chat: &Chat, request: TurnRequest, mut observe: impl FnMut(&Event)) -> Result<Self, Error> {
        let mut answer = Self::default();
        let mut events = chat.turn(request).await?;
        while let Some(event) = events.next().await {
            observe(&event);
            match event {
                Event::Stage { stage, elapsed } => {
                    answer.timings_ms.insert(stage.name().into(), elapsed.as_millis() as u64);
                }
                Event::Evidence(citations) => answer.citations = citations,
                Event::Quotes(quotes) => answer.quotes = quotes,
                Event::Refused { .. } => answer.refused = true,
                Event::Approved { approval, .. } => answer.approved = Some(approval),
                Event::Text { text, .. } => answer.answer.push_str(&text),
                Event::Checked { kept, reasons, .. } => {
                    answer.kept = kept;
                    answer.withheld = reasons;
                }
                Event::Notice { .. } | Event::ToolCall(_) | Event::Agent(_) | Event::Finished { .. } => {}
                Event::Failed(error) => return Err(error),
            }
        }
        Ok(answer)
    }
}
