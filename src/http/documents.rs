//! `GET /api/documents/{id}`: the whole document that a citation points into.

use axum::Json;
use axum::extract::{Path, State};

use super::error::{ApiError, Code};
use super::state::{AppState, DocumentView, blocking};

pub async fn show(State(state): State<AppState>, Path(id): Path<String>) -> Result<Json<DocumentView>, ApiError> {
    let (documents, wanted) = (state.documents, id.clone());
    let document = blocking(move || documents.document(&wanted)).await?.map_err(|error| ApiError::internal(&error))?;
    let missing = || ApiError::new(Code::DocumentNotFound, format!("there is no document `{id}`"));
    document.map(Json).ok_or_else(missing)
}
