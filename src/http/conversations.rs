//! `/api/conversations`: the page's history. Each caller sees its own.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::Serialize;
use serde_json::{Value, json};

use super::auth::Caller;
use super::error::ApiError;
use super::fields::Fields;
use super::state::{AppState, blocking};
use crate::access::Grant;
use crate::history::{Conversation, StoredMessage};

const MAX_TITLE_CHARS: usize = 200;

/// A conversation with its messages.
#[derive(Serialize)]
pub struct ConversationView {
    #[serde(flatten)]
    conversation: Conversation,
    messages: Vec<StoredMessage>,
}

pub async fn list(
    State(state): State<AppState>,
    Extension(Caller(owner)): Extension<Caller>,
) -> Result<Json<Value>, ApiError> {
    let conversations = blocking(move || state.history.list(&owner)).await??;
    Ok(Json(json!({"conversations": conversations})))
}

pub async fn create(
    State(state): State<AppState>,
    Extension(Caller(owner)): Extension<Caller>,
    Extension(grant): Extension<Grant>,
    mut fields: Fields,
) -> Result<(StatusCode, Json<Conversation>), ApiError> {
    let model: String = fields.required("model")?;
    state.models.find(&grant, &model)?;
    let conversation = blocking(move || state.history.create(&owner, &model)).await??;
    Ok((StatusCode::CREATED, Json(conversation)))
}

pub async fn show(
    State(state): State<AppState>,
    Extension(Caller(owner)): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<ConversationView>, ApiError> {
    let wanted = id.clone();
    let found = blocking(move || state.history.read(&owner, &wanted)).await??;
    let (conversation, messages) = found.ok_or_else(|| ApiError::conversation_not_found(&id))?;
    Ok(Json(ConversationView { conversation, messages }))
}

pub async fn rename(
    State(state): State<AppState>,
    Extension(Caller(owner)): Extension<Caller>,
    Path(id): Path<String>,
    mut fields: Fields,
) -> Result<StatusCode, ApiError> {
    let title: String = fields.required("title")?;
    let title = title.trim().to_owned();
    let title_len = title.chars().count();
    if !(1..=MAX_TITLE_CHARS).contains(&title_len) {
        return Err(ApiError::invalid("title", &format!("1 to {MAX_TITLE_CHARS} characters long"), title_len));
    }
    let wanted = id.clone();
    let renamed = blocking(move || state.history.rename(&owner, &wanted, &title)).await??;
    if renamed { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::conversation_not_found(&id)) }
}

pub async fn delete(
    State(state): State<AppState>,
    Extension(Caller(owner)): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let wanted = id.clone();
    let deleted = blocking(move || state.history.delete(&owner, &wanted)).await??;
    if deleted { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::conversation_not_found(&id)) }
}
