//! `/api/agent/…`: the tools, the runs of the agent with their traces, and the calls that wait for a named person.
//!
//! In: ids and decisions. Out: records, dossiers, approvals. Asking the agent is not here: it is a model id of chat
//! completions.

use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};

use super::auth::Caller;
use super::error::{ApiError, Code};
use super::fields::Fields;
use super::state::{AppState, blocking};
use crate::access::Grant;
use crate::agents::{Agents, Approval, Error, Record, dossier};

const MAX_LISTED: usize = 100;

/// How a dossier is asked for.
#[derive(Deserialize)]
pub struct Wanted {
    format: Option<String>,
}

pub async fn tools(State(state): State<AppState>, Extension(grant): Extension<Grant>) -> Result<Json<Value>, ApiError> {
    let registry = agents(&state)?.registry();
    Ok(Json(json!({"tools": registry.shown(&grant), "sources": registry.sources()})))
}

pub async fn runs(
    State(state): State<AppState>,
    Extension(Caller(owner)): Extension<Caller>,
) -> Result<Json<Value>, ApiError> {
    let store = agents(&state)?.store().clone();
    let runs = blocking(move || store.runs(&owner, MAX_LISTED)).await?.map_err(|error| failed(error.into()))?;
    Ok(Json(json!({"runs": runs})))
}

pub async fn run(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Record>, ApiError> {
    Ok(Json(record(&state, caller, id).await?))
}

pub async fn show_dossier(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, ApiError> {
    let record = record(&state, caller, id).await?;
    let (kind, text) = match wanted.format.as_deref() {
        None | Some("markdown") => ("text/markdown; charset=utf-8", dossier::whole(&record)),
        Some("html") => ("text/html; charset=utf-8", dossier::html(&record)),
        Some(other) => return Err(ApiError::invalid("format", "`markdown` or `html`", format!("`{other}`"))),
    };
    // Data of the register stands in it: it may style itself, and run nothing.
    let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_SECURITY_POLICY, policy)], text).into_response())
}

pub async fn approvals(
    State(state): State<AppState>,
    Extension(grant): Extension<Grant>,
) -> Result<Json<Value>, ApiError> {
    let (agents, store) = (agents(&state)?, agents(&state)?.store().clone());
    let pending = blocking(move || store.pending()).await?.map_err(|error| failed(error.into()))?;
    let pending: Vec<Approval> =
        pending.into_iter().filter(|approval| agents.registry().check(&grant, &approval.tool).is_ok()).collect();
    Ok(Json(json!({"approvals": pending})))
}

pub async fn approval(
    State(state): State<AppState>,
    Extension(grant): Extension<Grant>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    Ok(Json(json!(visible(&state, &grant, id).await?)))
}

pub async fn decide(
    State(state): State<AppState>,
    Extension(grant): Extension<Grant>,
    Path(id): Path<String>,
    mut fields: Fields,
) -> Result<Json<Value>, ApiError> {
    let decision: String = fields.required("decision")?;
    if !matches!(decision.as_str(), "grant" | "deny") {
        return Err(ApiError::invalid("decision", "`grant` or `deny`", format!("`{decision}`")));
    }
    let by: String = fields.required("by")?;
    visible(&state, &grant, id.clone()).await?;
    let (agents, grant) = (agents(&state)?.clone(), decision == "grant");
    let decided = blocking(move || agents.decide(&id, grant, &by)).await?.map_err(failed)?;
    Ok(Json(json!(decided)))
}

/// A call that waits, where the caller may call such a tool: whoever may not, may not decide on it either.
async fn visible(state: &AppState, grant: &Grant, id: String) -> Result<Approval, ApiError> {
    let agents = agents(state)?;
    let (store, wanted) = (agents.store().clone(), id.clone());
    let found = blocking(move || store.approval(&wanted)).await?.map_err(|error| failed(error.into()))?;
    match agents.registry().check(grant, &found.tool) {
        Ok(()) => Ok(found),
        Err(_) => Err(failed(crate::agents::StoreError::NoApproval { id }.into())),
    }
}

async fn record(state: &AppState, Caller(owner): Caller, id: String) -> Result<Record, ApiError> {
    let (store, wanted) = (agents(state)?.store().clone(), id.clone());
    let found = blocking(move || store.run(&wanted, Some(&owner))).await?.map_err(|error| failed(error.into()))?;
    found.ok_or_else(|| failed(Error::NoRun { id }))
}

fn agents(state: &AppState) -> Result<&Agents, ApiError> {
    state.agents.as_ref().ok_or_else(|| ApiError::new(Code::NoAgent, "the agent is not at hand here"))
}

fn failed(error: Error) -> ApiError {
    use crate::agents::StoreError as S;
    match error {
        Error::NoRun { .. } | Error::Store(S::NoApproval { .. }) => ApiError::new(Code::RunNotFound, error.to_string()),
        Error::Store(S::Decided { .. }) => ApiError::new(Code::AlreadyDecided, error.to_string()),
        Error::Store(S::Nameless) => ApiError::new(Code::InvalidValue, error.to_string()).on("by"),
        Error::Turn(error) => error.into(),
        Error::Store(_) | Error::Panicked { .. } => ApiError::internal(&error),
    }
}
