//! `POST /v1/completions`: raw text in, its continuation out. OpenAI's older API, which the bare model serves as it is.
//!
//! Several prompts and `n` answers each are numbered prompt by prompt, as OpenAI numbers them.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures::future;
use serde_json::{Value, json};

use super::chat_completions::read_include_usage;
use super::error::ApiError;
use super::fields::{self, Fields};
use super::form::{self, Form};
use super::observe::RequestId;
use super::state::{AppState, unix_time};
use super::stream::{self, Wire};
use super::turn::{self, Record, Running};
use super::{FINGERPRINT, MAX_CHOICES, lane, logprobs, sampling};
use crate::access::Grant;
use crate::chat::{Event, Target};
use crate::engine::{FinishReason, GenerateRequest, Lane, Prompt, SamplingParams, Usage};

/// OpenAI's default here, unlike in chat.
const DEFAULT_MAX_TOKENS: usize = 16;
/// OpenAI's bound here, unlike in chat.
const MAX_LOGPROBS: usize = 5;

/// A request that is known to be sound.
struct CompletionRequest {
    model: String,
    prompts: Vec<String>,
    lane: Lane,
    num_choices: usize,
    sampling: SamplingParams,
    max_tokens: usize,
    logprobs: Option<usize>,
    form: Form,
    stream: bool,
    include_usage: bool,
}

pub async fn create(
    State(state): State<AppState>,
    Extension(request_id): Extension<RequestId>,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, ApiError> {
    let request = CompletionRequest::read(&state, fields, lane::read(&headers)?)?;
    let running = start(&state, &request).await?;
    let wire = CompletionWire {
        id: format!("cmpl-{}", uuid::Uuid::new_v4().simple()),
        created: unix_time(),
        num_choices: request.num_choices,
        logprobs: request.logprobs.is_some(),
        include_usage: request.include_usage,
        model: request.model,
    };
    if request.stream {
        return Ok(stream::respond(wire, request_id.0, running));
    }
    let records = future::try_join_all(running.into_iter().map(Running::finish)).await?;
    Ok(Json(wire.whole(&records)).into_response())
}

impl CompletionRequest {
    fn read(state: &AppState, mut fields: Fields, lane: Lane) -> Result<Self, ApiError> {
        let model: String = fields.required("model")?;
        // Of the others it is only said that they chat, to whomever it is.
        if state.models.find(&Grant::everything(), &model)?.target != Target::Bare {
            let bare = &state.engine.info().id;
            return Err(ApiError::invalid("model", &format!("`{bare}` for raw text; the others chat"), model));
        }
        fields.refuse("echo", |value| value == false, "the prompt is not repeated")?;
        fields.refuse("suffix", |value| value == "", "text is continued, not filled in")?;
        fields.refuse("best_of", |value| *value == 1, "use `n`")?;
        fields.refuse("logit_bias", fields::is_empty, "tokens cannot be weighted one by one")?;
        let prompts = read_prompts(fields.required("prompt")?)?;
        let num_choices = fields.optional("n")?.unwrap_or(1);
        let num_answers = prompts.len().saturating_mul(num_choices);
        if num_choices == 0 || num_answers > MAX_CHOICES {
            let expected = format!("at least 1, and at most {MAX_CHOICES} over all prompts");
            return Err(ApiError::invalid("n", &expected, num_answers));
        }
        let logprobs: Option<usize> = fields.optional("logprobs")?;
        if let Some(wanted) = logprobs.filter(|wanted| *wanted > MAX_LOGPROBS) {
            return Err(ApiError::invalid("logprobs", &format!("at most {MAX_LOGPROBS}"), wanted));
        }
        let stream = fields.optional("stream")?.unwrap_or(false);
        Ok(Self {
            model,
            prompts,
            lane,
            num_choices,
            logprobs,
            stream,
            form: Form::read(&mut fields)?,
            include_usage: read_include_usage(&mut fields, stream)?,
            max_tokens: fields.optional("max_tokens")?.unwrap_or(DEFAULT_MAX_TOKENS),
            sampling: sampling::read(&mut fields, 1.0)?,
        })
    }
}

fn read_prompts(value: Value) -> Result<Vec<String>, ApiError> {
    let prompts = match value {
        Value::String(prompt) => vec![prompt],
        Value::Array(list) if list.first().is_some_and(|first| first.is_number() || first.is_array()) => {
            return Err(ApiError::unsupported("prompt", "send text, not token ids"));
        }
        list => fields::convert("prompt", list)?,
    };
    if prompts.is_empty() {
        return Err(ApiError::invalid("prompt", "at least one text", "an empty list"));
    }
    Ok(prompts)
}

async fn start(state: &AppState, request: &CompletionRequest) -> Result<Vec<Running>, ApiError> {
    let mut running = Vec::new();
    for prompt in &request.prompts {
        for index in 0..request.num_choices {
            let submitted = state.engine.submit(GenerateRequest {
                lane: request.lane,
                sampling: sampling::for_choice(&request.sampling, index),
                max_tokens: Some(request.max_tokens),
                logprobs: request.logprobs,
                constraint: request.form.constraint.clone(),
                ..GenerateRequest::new(Prompt::Text(prompt.clone()))
            });
            let here = |error| {
                let error = ApiError::from(error).instead_of("messages", "prompt");
                error.instead_of(form::ANSWER, request.form.field)
            };
            let stream = submitted.await.map_err(here)?;
            running.push(Running::new(state, running.len(), turn::engine_events(stream), None));
        }
    }
    Ok(running)
}

/// OpenAI's older format.
struct CompletionWire {
    id: String,
    created: u64,
    model: String,
    num_choices: usize,
    logprobs: bool,
    include_usage: bool,
}

impl CompletionWire {
    fn whole(&self, records: &[Record]) -> Value {
        let choices: Vec<Value> = records
            .iter()
            .enumerate()
            .map(|(index, record)| {
                let logprobs = self.logprobs.then(|| logprobs::completion(&record.choices, 0));
                json!({"index": index, "text": record.text, "logprobs": logprobs, "finish_reason": record.reason})
            })
            .collect();
        let mut body = self.chunk(json!(choices));
        body["usage"] = self.usage(records.iter().map(|record| record.usage).enumerate());
        body
    }

    fn chunk(&self, choices: Value) -> Value {
        let mut chunk = json!({
            "id": self.id,
            "object": "text_completion",
            "created": self.created,
            "model": self.model,
            "system_fingerprint": FINGERPRINT,
            "choices": choices,
        });
        if self.include_usage {
            chunk["usage"] = Value::Null;
        }
        chunk
    }

    fn text(&self, index: usize, text: &str, logprobs: Option<Value>, reason: Option<FinishReason>) -> Value {
        self.chunk(json!([{"index": index, "text": text, "logprobs": logprobs, "finish_reason": reason}]))
    }

    /// Each prompt is counted once, however many answers it had.
    fn usage(&self, usages: impl Iterator<Item = (usize, Usage)>) -> Value {
        let mut prompts: Vec<Vec<Usage>> = Vec::new();
        for (index, usage) in usages {
            let prompt = index / self.num_choices;
            if prompts.len() <= prompt {
                prompts.resize_with(prompt + 1, Vec::new);
            }
            prompts[prompt].push(usage);
        }
        let sum = prompts.into_iter().map(turn::sum_choices).fold(Usage::default(), |sum, usage| Usage {
            prompt_tokens: sum.prompt_tokens + usage.prompt_tokens,
            completion_tokens: sum.completion_tokens + usage.completion_tokens,
            cached_tokens: sum.cached_tokens + usage.cached_tokens,
        });
        turn::usage_json(sum)
    }
}

impl Wire for CompletionWire {
    fn opening(&self, _: usize) -> Option<Value> {
        None
    }

    fn chunks(&self, index: usize, event: &Event, record: &Record) -> Vec<Value> {
        match event {
            Event::Text { text, choices } => {
                let offset = record.text.chars().count() - text.chars().count();
                let logprobs = self.logprobs.then(|| logprobs::completion(choices, offset));
                vec![self.text(index, text, logprobs, None)]
            }
            Event::Finished { reason, .. } => vec![self.text(index, "", None, Some(*reason))],
            _ => Vec::new(),
        }
    }

    fn closing(&self, usages: &[(usize, Usage)]) -> Option<Value> {
        self.include_usage.then(|| {
            let mut chunk = self.chunk(json!([]));
            chunk["usage"] = self.usage(usages.iter().copied());
            chunk
        })
    }
}
