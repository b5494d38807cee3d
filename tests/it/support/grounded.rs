//! Turns: bare ones go to the engine, those of a corpus play a script.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use haetae::chat::{self, Disagreement, Event, NoticeCode, Stage, Target, TurnRequest};
use haetae::engine::{self, BoxFuture, Engine, FinishReason, GenerateRequest, Prompt, TokenStream, Usage};
use haetae::http::{Events, Turns};
use haetae::lang::Language;
use haetae::rag::{Citation, Quote};

/// Turns over a scripted engine and a scripted corpus.
pub struct Grounded {
    pub engine: Arc<dyn Engine>,
    pub answer: fn() -> Vec<Event>,
}

impl Turns for Grounded {
    fn turn(&self, request: TurnRequest) -> BoxFuture<'_, Result<Events, chat::Error>> {
        Box::pin(async move {
            if request.target != Target::Bare {
                return Ok(stream::iter((self.answer)()).boxed());
            }
            let request = GenerateRequest {
                prompt: Prompt::Chat(request.messages),
                lane: request.lane,
                sampling: request.sampling,
                max_tokens: request.max_tokens,
                logprobs: request.logprobs,
                constraint: request.constraint,
                tools: request.tools,
            };
            let next = |mut stream: TokenStream| async {
                let event = match stream.next().await? {
                    engine::Event::Text { text, choices } => Event::Text { text, choices },
                    engine::Event::ToolCall(delta) => Event::ToolCall(delta),
                    engine::Event::Finished { reason, usage, .. } => Event::Finished { reason, usage },
                    engine::Event::Failed(error) => Event::Failed(error.into()),
                };
                Some((event, stream))
            };
            Ok(stream::unfold(self.engine.submit(request).await?, next).boxed())
        })
    }
}

fn text(text: &str) -> Event {
    Event::Text { text: text.into(), choices: Vec::new() }
}

/// A cited answer of which one sentence was withheld.
pub fn commission_answer() -> Vec<Event> {
    let sentence = "A buying commission is not added to the price.";
    vec![
        Event::Stage { stage: Stage::Retrieve, elapsed: Duration::from_micros(12_340) },
        Event::Evidence(vec![Citation {
            n: 1,
            document: "valuation-021-en".into(),
            passage: "valuation-021-en#2".into(),
            title: "Buying commission".into(),
            heading: "Buying commission > Rule".into(),
            corpus: "valuation".into(),
            language: Language::En,
            authority: "guide".into(),
            text: format!("In short: {sentence}"),
            span: 120..176,
            score: 0.71,
            topic: Some(21),
            refs: vec!["KR-CA-30(1)1".into()],
        }]),
        Event::Quotes(vec![Quote { n: 1, text: sentence.into(), span: 130..176, language: Language::En, score: 1.0 }]),
        text("No. "),
        text("It is excluded [1]."),
        Event::Notice { code: NoticeCode::ExplanationWithheld, text: "One sentence was withheld.".into() },
        Event::Checked { kept: 2, withheld: 1, reasons: vec![Disagreement::Polarity] },
        Event::Finished {
            reason: FinishReason::Stop,
            usage: Usage { prompt_tokens: 40, completion_tokens: 9, cached_tokens: 16 },
        },
    ]
}

/// A question that no passage answers.
pub fn refused_answer() -> Vec<Event> {
    vec![
        Event::Refused { looked_for: vec!["Brazil".into()], nearest: vec!["Buying commission".into()] },
        text("I found no passage that answers this."),
        Event::Finished { reason: FinishReason::Stop, usage: Usage::default() },
    ]
}
