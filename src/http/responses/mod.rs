//! `/v1/responses`: OpenAI's newer API, in which the server remembers what was said.
//!
//! In: new items, and where they go on from (`previous_response_id`). Out: a response with its output items, whole or as it
//! comes about. The model id decides, as at chat completions, whether the model itself, a corpus or the agent answers.
//! [`items`] reads what is asked with, [`output`] writes what comes of it; what is remembered is in [`crate::responses`].

mod items;
mod output;

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures::stream::{self, StreamExt};
use serde_json::{Map, Value, json};

use super::auth::Caller;
use super::chat_completions::{default_temperature, read_max_tokens, refuse_beside};
use super::error::{ApiError, Code};
use super::fields::Fields;
use super::form::{self, Form};
use super::observe::RequestId;
use super::state::{AppState, ServedModel, blocking, unix_time};
use super::turn::Running;
use super::{lane, sampling, tools};
use crate::access::Grant;
use crate::chat::{Event, TurnRequest};
use crate::engine::{FinishReason, Lane, Message, Tools, Usage};
use crate::responses::Kept;
use output::Output;

/// As for chat completions: proxies cut silent connections.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// The field that a complaint about `response_format` is about here.
const FORMAT: &str = "text.format";

/// A request that is known to be sound.
struct Asked {
    model: ServedModel,
    turn: TurnRequest,
    /// The items it came with.
    items: Vec<Value>,
    /// The messages among them, without instructions and what was said before.
    said: Vec<Message>,
    previous: Option<String>,
    store: bool,
    stream: bool,
    /// What is given back as it was sent.
    echo: Map<String, Value>,
}

pub async fn create(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Extension(grant): Extension<Grant>,
    Extension(request_id): Extension<RequestId>,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, ApiError> {
    let asked = Asked::read(&state, fields, lane::read(&headers)?, &caller, grant).await?;
    let here = |error: ApiError| error.instead_of(form::ANSWER, FORMAT).instead_of("messages", "input");
    let events = state.turns.turn(asked.turn.clone()).await.map_err(|error| here(error.into()))?;
    let running = Running::new(&state, 0, events, None);
    let answer = Answer::new(state, caller, asked, running);
    if answer.asked.stream {
        return Ok(answer.stream(request_id.0));
    }
    Ok(Json(answer.whole().await?).into_response())
}

pub async fn show(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    Ok(Json(kept(&state, caller, id).await?.body))
}

pub async fn input_items(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let mut items = match kept(&state, caller, id).await?.items {
        Value::Array(items) => items,
        _ => Vec::new(),
    };
    // The latest first, as OpenAI lists them where no order is asked for.
    items.reverse();
    let (first, last) = (items.first().map(|item| item["id"].clone()), items.last().map(|item| item["id"].clone()));
    Ok(Json(json!({"object": "list", "data": items, "first_id": first, "last_id": last, "has_more": false})))
}

pub async fn delete(
    State(state): State<AppState>,
    Extension(Caller(owner)): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let (responses, wanted) = (state.responses.clone(), id.clone());
    if !blocking(move || responses.delete(&owner, &wanted)).await?? {
        return Err(not_found(&id));
    }
    Ok(Json(json!({"id": id, "object": "response", "deleted": true})))
}

async fn kept(state: &AppState, Caller(owner): Caller, id: String) -> Result<Kept, ApiError> {
    let (responses, wanted) = (state.responses.clone(), id.clone());
    blocking(move || responses.get(&owner, &wanted)).await??.ok_or_else(|| not_found(&id))
}

fn not_found(id: &str) -> ApiError {
    ApiError::new(Code::ResponseNotFound, format!("there is no response `{id}`; they are kept for 30 days"))
}

/// An id as OpenAI's look.
fn new_id(prefix: &str) -> String {
    format!("{prefix}_{}", uuid::Uuid::new_v4().simple())
}

impl Asked {
    async fn read(
        state: &AppState,
        mut fields: Fields,
        lane: Lane,
        caller: &Caller,
        grant: Grant,
    ) -> Result<Self, ApiError> {
        let model: String = fields.required("model")?;
        let model = state.models.find(&grant, &model)?.clone();
        refuse_what_we_lack(&fields)?;
        let (items, said) = items::read(fields.required("input")?)?;
        let instructions: Option<String> = fields.optional("instructions")?;
        let previous: Option<String> = fields.optional("previous_response_id")?;
        let mut messages: Vec<Message> = instructions.iter().map(Message::system).collect();
        if let Some(id) = previous.clone() {
            let (responses, owner) = (state.responses.clone(), caller.0.clone());
            let wanted = id.clone();
            let before = blocking(move || responses.conversation(&owner, &wanted)).await??;
            messages.extend(before.ok_or_else(|| not_found(&id).on("previous_response_id"))?);
        }
        messages.extend(said.iter().cloned());
        let text: Option<Value> = fields.optional("text")?;
        let form = Form::of(text.as_ref().and_then(|text| text.get("format")).cloned())
            .map_err(|error| error.instead_of(form::ANSWER, FORMAT))?;
        let mut echo = Map::new();
        for (name, absent) in
            [("tools", json!([])), ("tool_choice", json!("auto")), ("parallel_tool_calls", json!(true))]
        {
            echo.insert(name.into(), fields.peek(name).cloned().unwrap_or(absent));
        }
        let tools: Option<Tools> = tools::read_flat(&mut fields)?;
        refuse_beside(&model.target, form.constraint.is_some().then_some(FORMAT), tools.is_some())?;
        let max_tokens = read_max_tokens(&mut fields, "max_output_tokens")?;
        let sampling = sampling::read(&mut fields, default_temperature(&model.target))?;
        let metadata: Option<Value> = fields.optional("metadata")?;
        let store = fields.optional("store")?.unwrap_or(true);
        for (name, value) in [
            ("instructions", json!(instructions)),
            ("max_output_tokens", json!(max_tokens)),
            ("metadata", metadata.unwrap_or_else(|| json!({}))),
            ("previous_response_id", json!(previous)),
            ("reasoning", json!({"effort": null, "summary": null})),
            ("store", json!(store)),
            ("temperature", super::turn::as_json(&sampling.temperature)),
            ("text", text.unwrap_or_else(|| json!({"format": {"type": "text"}}))),
            ("top_p", super::turn::as_json(&sampling.top_p)),
            ("truncation", json!("disabled")),
        ] {
            echo.insert(name.into(), value);
        }
        Ok(Self {
            turn: TurnRequest {
                target: model.target.clone(),
                lane,
                messages,
                sampling,
                max_tokens,
                logprobs: None,
                constraint: form.constraint,
                tools,
                caller: caller.0.clone(),
                grant,
            },
            model,
            items,
            said,
            previous,
            store,
            stream: fields.optional("stream")?.unwrap_or(false),
            echo,
        })
    }
}

/// What would change the answer, or what the client waits for, and therefore must not be ignored.
fn refuse_what_we_lack(fields: &Fields) -> Result<(), ApiError> {
    fields.refuse("background", |value| *value == json!(false), "answers are given while the client waits")?;
    fields.refuse("conversation", |_| false, "go on with `previous_response_id`")?;
    fields.refuse("prompt", |_| false, "prompts are not stored here; send `instructions`")?;
    fields.refuse("truncation", |value| value == "disabled", "nothing said is left out; a long prompt is refused")?;
    fields.refuse("top_logprobs", |value| *value == json!(0), "log-probabilities are given by chat completions")?;
    fields.refuse("max_tool_calls", |_| false, "the client makes the calls of its tools itself")
}

/// A response on its way.
struct Answer {
    state: AppState,
    caller: Caller,
    asked: Asked,
    running: Running,
    id: String,
    created_at: u64,
    output: Output,
    ended: bool,
    num_sent: u64,
}

impl Answer {
    fn new(state: AppState, caller: Caller, asked: Asked, running: Running) -> Self {
        let (id, created_at) = (new_id("resp"), unix_time());
        Self { state, caller, asked, running, id, created_at, output: Output::default(), ended: false, num_sent: 0 }
    }

    /// The response object as it stands.
    fn body(&self, status: &str) -> Value {
        let mut body = json!({
            "id": self.id,
            "object": "response",
            "created_at": self.created_at,
            "status": status,
            "error": null,
            "incomplete_details": null,
            "model": self.asked.model.id,
            "output": self.output.items,
            "usage": null,
        });
        if let Some(body) = body.as_object_mut() {
            body.extend(self.asked.echo.clone());
        }
        body
    }

    /// The whole response, once it has ended, and kept where that is wanted.
    async fn end(&mut self) -> Result<Value, ApiError> {
        let record = &self.running.record;
        let is_cut = record.reason == Some(FinishReason::Length);
        let mut body = self.body(if is_cut { "incomplete" } else { "completed" });
        if is_cut {
            body["incomplete_details"] = json!({"reason": "max_output_tokens"});
        }
        body["usage"] = usage(record.usage);
        if let Some(citations) = &record.citations {
            body["citations"] = citations.clone();
        }
        if self.asked.store {
            let answer = Message { tool_calls: record.tool_calls.clone(), ..Message::assistant(record.plain.clone()) };
            let kept = Kept {
                id: self.id.clone(),
                previous: self.asked.previous.clone(),
                messages: self.asked.said.iter().cloned().chain([answer]).collect(),
                items: json!(self.asked.items),
                body: body.clone(),
            };
            let (responses, owner) = (self.state.responses.clone(), self.caller.0.clone());
            blocking(move || responses.keep(&owner, &kept)).await??;
        }
        Ok(body)
    }

    async fn whole(mut self) -> Result<Value, ApiError> {
        while let Some(event) = self.running.next().await {
            self.output.take(&event?, &self.running.record);
        }
        self.end().await
    }

    fn stream(self, request_id: String) -> Response {
        let body = self.body("in_progress");
        let opening = ["response.created", "response.in_progress"].map(|kind| json!({"type": kind, "response": body}));
        let events = stream::unfold((self, Some(opening.to_vec())), move |(mut answer, opening)| {
            let request_id = request_id.clone();
            async move {
                let told = match opening {
                    Some(opening) => opening,
                    None => answer.next(&request_id).await?,
                };
                let lines: Vec<_> = told.into_iter().map(|event| Ok::<_, Infallible>(answer.line(event))).collect();
                Some((stream::iter(lines), (answer, None)))
            }
        });
        Sse::new(events.flatten()).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
    }

    /// What the next event of the turn adds to the stream; `None` after the end.
    async fn next(&mut self, request_id: &str) -> Option<Vec<Value>> {
        if self.ended {
            return None;
        }
        let failed = |answer: &mut Self, error: ApiError| {
            answer.ended = true;
            error.log(request_id);
            let mut body = answer.body("failed");
            let told = error.body(request_id);
            body["error"] = json!({"code": "server_error", "message": told["error"]["message"]});
            Some(vec![json!({"type": "response.failed", "response": body})])
        };
        match self.running.next().await {
            None => None,
            Some(Err(error)) => failed(self, error),
            Some(Ok(event)) => {
                let mut told = self.output.take(&event, &self.running.record);
                if matches!(event, Event::Finished { .. }) {
                    // Kept before the client hears of the end: it may go on from here at once.
                    match self.end().await {
                        Ok(body) => {
                            self.ended = true;
                            let status = body["status"].as_str().unwrap_or("completed").to_owned();
                            told.push(json!({"type": format!("response.{status}"), "response": body}));
                        }
                        Err(error) => return failed(self, error),
                    }
                }
                Some(told)
            }
        }
    }

    fn line(&mut self, mut event: Value) -> sse::Event {
        event["sequence_number"] = json!(self.num_sent);
        self.num_sent += 1;
        let kind = event["type"].as_str().unwrap_or_default().to_owned();
        sse::Event::default().event(kind).data(event.to_string())
    }
}

fn usage(usage: Usage) -> Value {
    json!({
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens},
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
    })
}
