//! `POST /v1/chat/completions`: a conversation in, an answer out, whole or as it is written.
//!
//! The model id decides whether the answer is the language model's own or rests on a corpus. Our additions to OpenAI's
//! format: `citations` on the message (streamed: on the last chunk), `approved` beside it where the answer was given and
//! approved before, and, for a client that sends
//! `X-Haetae-Events: 1`, `haetae` objects that tell how the answer comes to be. Without that header the quotation is
//! put into the text, because such a client would not see it otherwise.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures::future;
use serde_json::{Value, json};

use super::auth::Caller;
use super::error::ApiError;
use super::fields::{self, Fields};
use super::form::{self, Form};
use super::observe::RequestId;
use super::state::{AppState, ServedModel, blocking, unix_time};
use super::stream::{self, Wire};
use super::turn::{self, Keep, Record, Running};
use super::{FINGERPRINT, MAX_CHOICES, lane, logprobs, messages, sampling, tools};
use crate::access::Grant;
use crate::chat::{Event, Target, TurnRequest};
use crate::engine::{FinishReason, GenerateRequest, Lane, Message, Prompt, Role, Usage};

const EVENTS_HEADER: &str = "x-haetae-events";

/// OpenAI's bound.
const MAX_TOP_LOGPROBS: usize = 20;

/// A request that is known to be sound.
struct ChatRequest {
    model: ServedModel,
    turn: TurnRequest,
    /// The last message is the beginning of the answer, not a message before it (vLLM's `continue_final_message`).
    continues: bool,
    num_choices: usize,
    /// The field that binds the form of the answer.
    form: &'static str,
    stream: bool,
    include_usage: bool,
    conversation: Option<String>,
}

pub async fn create(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Extension(grant): Extension<Grant>,
    Extension(request_id): Extension<RequestId>,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, ApiError> {
    let events = headers.get(EVENTS_HEADER).is_some_and(|value| value == "1");
    let request = ChatRequest::read(&state, fields, lane::read(&headers)?, &caller, grant)?;
    let keep = keep(&state, &caller, &request).await?;
    let running = start(&state, &request, keep).await?;
    let wire = ChatWire {
        id: format!("chatcmpl-{}", uuid::Uuid::new_v4().simple()),
        created: unix_time(),
        model: request.model.id,
        events,
        include_usage: request.include_usage,
        logprobs: request.turn.logprobs.is_some(),
    };
    if request.stream {
        return Ok(stream::respond(wire, request_id.0, running));
    }
    let records = future::try_join_all(running.into_iter().map(Running::finish)).await?;
    Ok(Json(wire.whole(&records)).into_response())
}

impl ChatRequest {
    fn read(state: &AppState, mut fields: Fields, lane: Lane, caller: &Caller, grant: Grant) -> Result<Self, ApiError> {
        let model: String = fields.required("model")?;
        let model = state.models.find(&grant, &model)?.clone();
        refuse_what_we_lack(&fields)?;
        let messages = messages::read(fields.required("messages")?)?;
        let num_choices = fields.optional("n")?.unwrap_or(1);
        if !(1..=MAX_CHOICES).contains(&num_choices) {
            return Err(ApiError::invalid("n", &format!("between 1 and {MAX_CHOICES}"), num_choices));
        }
        let stream = fields.optional("stream")?.unwrap_or(false);
        let max_tokens = read_max_tokens(&mut fields, "max_tokens")?;
        let continues = fields.optional("continue_final_message")?.unwrap_or(false);
        if continues && (model.target != Target::Bare || messages.last().is_none_or(|m| m.role != Role::Assistant)) {
            let reason = "only the bare model continues an answer, and its last message must be the assistant's";
            return Err(ApiError::unsupported("continue_final_message", reason));
        }
        let form = Form::read(&mut fields)?;
        let tools = tools::read(&mut fields)?;
        refuse_beside(&model.target, form.constraint.is_some().then_some(form.field), tools.is_some())?;
        Ok(Self {
            continues,
            num_choices,
            form: form.field,
            stream,
            include_usage: read_include_usage(&mut fields, stream)?,
            conversation: read_conversation(&mut fields)?,
            turn: TurnRequest {
                target: model.target.clone(),
                lane,
                messages,
                sampling: sampling::read(&mut fields, default_temperature(&model.target))?,
                max_tokens: read_max_tokens(&mut fields, "max_completion_tokens")?.or(max_tokens),
                logprobs: read_logprobs(&mut fields, &model.target)?,
                constraint: form.constraint,
                tools,
                caller: caller.0.clone(),
                grant,
            },
            model,
        })
    }
}

/// The temperature where the client names none.
pub fn default_temperature(target: &Target) -> f32 {
    match target {
        Target::Bare => 1.0,
        // An officer who asks twice must not get two answers.
        Target::Corpora(_) | Target::Agent => 0.0,
    }
}

/// Refuses what only the bare model can do: `form` is the field that binds the form of the answer, where one does.
///
/// # Errors
/// `unsupported_parameter`.
pub fn refuse_beside(target: &Target, form: Option<&str>, has_tools: bool) -> Result<(), ApiError> {
    let reason = match target {
        Target::Bare => return Ok(()),
        Target::Agent => "the agent has tools of its own; the bare model calls those of a client",
        Target::Corpora(_) => "an answer from a corpus is checked sentence by sentence, and calls nothing",
    };
    match form.or(has_tools.then_some("tools")) {
        Some(field) => Err(ApiError::unsupported(field, reason)),
        None => Ok(()),
    }
}

/// Checked here, although the engine does too: it does not know which of its names the client used.
pub fn read_max_tokens(fields: &mut Fields, name: &str) -> Result<Option<usize>, ApiError> {
    match fields.optional(name)? {
        Some(0) => Err(ApiError::invalid(name, "at least 1", 0)),
        max_tokens => Ok(max_tokens),
    }
}

/// What would change the answer if it were honoured, and therefore must not be ignored.
fn refuse_what_we_lack(fields: &Fields) -> Result<(), ApiError> {
    fields.refuse("functions", fields::is_empty, "use `tools`")?;
    fields.refuse("function_call", |value| value == "none" || value == "auto", "use `tool_choice`")?;
    fields.refuse("audio", |_| false, "answers are text")?;
    fields.refuse("modalities", |value| *value == json!(["text"]), "answers are text")?;
    fields.refuse("logit_bias", fields::is_empty, "tokens cannot be weighted one by one")?;
    fields.refuse("prediction", |_| false, "answers are not predicted")?;
    fields.refuse("web_search_options", |_| false, "nothing outside the corpora is searched")
}

/// `stream_options.include_usage`, for `/v1/completions` too.
pub fn read_include_usage(fields: &mut Fields, stream: bool) -> Result<bool, ApiError> {
    let Some(options) = fields.optional::<Value>("stream_options")? else { return Ok(false) };
    if !stream {
        return Err(ApiError::invalid("stream_options", "absent where `stream` is not true", options));
    }
    match options.get("include_usage") {
        None | Some(Value::Null) => Ok(false),
        Some(value) => fields::convert("stream_options.include_usage", value.clone()),
    }
}

fn read_conversation(fields: &mut Fields) -> Result<Option<String>, ApiError> {
    match fields.optional::<Value>("metadata")?.as_ref().and_then(|metadata| metadata.get("conversation_id")) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => fields::convert("metadata.conversation_id", value.clone()),
    }
}

fn read_logprobs(fields: &mut Fields, target: &Target) -> Result<Option<usize>, ApiError> {
    let wanted = fields.optional("logprobs")?.unwrap_or(false);
    let top: Option<usize> = fields.optional("top_logprobs")?;
    match (wanted, top) {
        (false, None | Some(0)) => Ok(None),
        (false, Some(top)) => Err(ApiError::invalid("top_logprobs", "absent where `logprobs` is not true", top)),
        (true, Some(top)) if top > MAX_TOP_LOGPROBS => {
            Err(ApiError::invalid("top_logprobs", &format!("at most {MAX_TOP_LOGPROBS}"), top))
        }
        (true, _) if *target != Target::Bare => {
            Err(ApiError::unsupported("logprobs", "an answer from a corpus is checked sentence by sentence"))
        }
        (true, top) => Ok(Some(top.unwrap_or(0))),
    }
}

/// Stores the question, and tells where its answer belongs.
async fn keep(state: &AppState, caller: &Caller, request: &ChatRequest) -> Result<Option<Keep>, ApiError> {
    let Some(id) = request.conversation.clone() else { return Ok(None) };
    let (history, owner, model) = (state.history.clone(), caller.0.clone(), request.model.id.clone());
    let messages = request.turn.messages.clone();
    let place = blocking(move || {
        let place = history.begin_turn(&owner, &id, &model, &messages)?;
        place.ok_or_else(|| ApiError::conversation_not_found(&id))
    });
    Ok(Some(Keep { history: state.history.clone(), place: place.await?? }))
}

/// Submits every answer asked for; one refused, all are. The first is the one kept.
async fn start(state: &AppState, request: &ChatRequest, mut keep: Option<Keep>) -> Result<Vec<Running>, ApiError> {
    let mut running = Vec::new();
    for index in 0..request.num_choices {
        let sampling = sampling::for_choice(&request.turn.sampling, index);
        let turn = TurnRequest { sampling, ..request.turn.clone() };
        let here = |error: ApiError| error.instead_of(form::ANSWER, request.form);
        let events = if request.continues {
            continue_answer(state, turn).await.map_err(here)?
        } else {
            state.turns.turn(turn).await.map_err(|error| here(error.into()))?
        };
        running.push(Running::new(state, index, events, keep.take()));
    }
    Ok(running)
}

async fn continue_answer(state: &AppState, mut turn: TurnRequest) -> Result<super::state::Events, ApiError> {
    let answer = turn.messages.pop().map_or_else(String::new, |message: Message| message.content);
    let request = GenerateRequest {
        lane: turn.lane,
        sampling: turn.sampling,
        max_tokens: turn.max_tokens,
        logprobs: turn.logprobs,
        constraint: turn.constraint,
        tools: turn.tools,
        ..GenerateRequest::new(Prompt::Continue { messages: turn.messages, answer })
    };
    Ok(turn::engine_events(state.engine.submit(request).await?))
}

/// OpenAI's chat format.
struct ChatWire {
    id: String,
    created: u64,
    model: String,
    /// The client reads our events.
    events: bool,
    include_usage: bool,
    logprobs: bool,
}

impl ChatWire {
    fn whole(&self, records: &[Record]) -> Value {
        let choices: Vec<Value> = records
            .iter()
            .enumerate()
            .map(|(index, record)| {
                let text = if self.events { &record.text } else { &record.plain };
                let mut message = json!({"role": "assistant", "content": text, "refusal": null});
                if !record.tool_calls.is_empty() {
                    message["tool_calls"] = record.tool_calls.iter().map(tools::call).collect();
                    if text.is_empty() {
                        message["content"] = Value::Null;
                    }
                }
                if let Some(citations) = &record.citations {
                    message["citations"] = citations.clone();
                }
                if let Some(approved) = &record.approved {
                    message["approved"] = approved.clone();
                }
                if let Some(haetae) = record.haetae().filter(|_| self.events) {
                    message["haetae"] = haetae;
                }
                let logprobs = self.logprobs.then(|| logprobs::chat(&record.choices));
                json!({"index": index, "message": message, "logprobs": logprobs, "finish_reason": record.reason})
            })
            .collect();
        json!({
            "id": self.id,
            "object": "chat.completion",
            "created": self.created,
            "model": self.model,
            "system_fingerprint": FINGERPRINT,
            "choices": choices,
            "usage": turn::usage_json(turn::sum_choices(records.iter().map(|record| record.usage))),
        })
    }

    fn chunk(&self, choices: Value) -> Value {
        let mut chunk = json!({
            "id": self.id,
            "object": "chat.completion.chunk",
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

    fn delta(&self, index: usize, delta: Value, logprobs: Option<Value>, reason: Option<FinishReason>) -> Value {
        self.chunk(json!([{"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": reason}]))
    }
}

impl Wire for ChatWire {
    fn opening(&self, index: usize) -> Option<Value> {
        Some(self.delta(index, json!({"role": "assistant", "content": ""}), None, None))
    }

    fn chunks(&self, index: usize, event: &Event, record: &Record) -> Vec<Value> {
        match event {
            Event::Text { text, choices } => {
                let logprobs = self.logprobs.then(|| logprobs::chat(choices));
                vec![self.delta(index, json!({"content": text}), logprobs, None)]
            }
            Event::ToolCall(delta) => {
                vec![self.delta(index, json!({"tool_calls": [tools::delta(delta)]}), None, None)]
            }
            Event::Finished { reason, .. } => {
                let mut delta = record.citations.as_ref().map_or_else(|| json!({}), |list| json!({"citations": list}));
                if let Some(approved) = &record.approved {
                    delta["approved"] = approved.clone();
                }
                vec![self.delta(index, delta, None, Some(*reason))]
            }
            event if self.events => {
                let told = turn::told(event).map(|told| {
                    let mut chunk = self.delta(index, json!({}), None, None);
                    chunk["haetae"] = told;
                    chunk
                });
                told.into_iter().collect()
            }
            _ => {
                let text = record.added.as_ref();
                text.map(|text| self.delta(index, json!({"content": text}), None, None)).into_iter().collect()
            }
        }
    }

    fn closing(&self, usages: &[(usize, Usage)]) -> Option<Value> {
        self.include_usage.then(|| {
            let mut chunk = self.chunk(json!([]));
            chunk["usage"] = turn::usage_json(turn::sum_choices(usages.iter().map(|(_, usage)| *usage)));
            chunk
        })
    }
}
