//! The span of a generation, from its submission to its terminal event, whichever engine it runs on.

use std::future::Future;

use tracing::{Instrument, Span};

use super::{Error, Event, FinishReason, GenerateRequest, Prompt, TokenStream};
use crate::telemetry::spans;

/// Submits a request by `submission`, in a span that the stream keeps.
///
/// # Errors
/// The submission's.
pub async fn traced(
    span: Span,
    submission: impl Future<Output = Result<TokenStream, Error>>,
) -> Result<TokenStream, Error> {
    let submitted = submission.instrument(span.clone()).await;
    if let Err(error) = &submitted {
        spans::failed(&span, error);
    }
    submitted.map(|stream| stream.traced(span))
}

/// The span of a request to `model`.
pub fn span(model: &str, request: &GenerateRequest) -> Span {
    spans::generation(&spans::Asked {
        model,
        is_text: matches!(request.prompt, Prompt::Text(_)),
        lane: request.lane.name(),
        temperature: f64::from(request.sampling.temperature),
        max_tokens: request.max_tokens,
        seed: request.sampling.seed,
    })
}

/// Notes in a generation's span how it ended, if it has.
pub fn note(span: &Span, event: &Event) {
    match event {
        Event::Finished { reason, usage, timings } => spans::generated(
            span,
            &spans::Generated {
                reason: match reason {
                    FinishReason::Stop => "stop",
                    FinishReason::Length => "length",
                    FinishReason::ToolCalls => "tool_calls",
                },
                input_tokens: usage.prompt_tokens,
                output_tokens: usage.completion_tokens,
                cached_tokens: usage.cached_tokens,
                queued: timings.queued,
                prefill: timings.prefill,
                decode: timings.decode,
            },
        ),
        Event::Failed(error) => spans::failed(span, error),
        Event::Text { .. } | Event::ToolCall(_) => {}
    }
}
