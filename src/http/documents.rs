//! `GET /api/documents/{id}`: the whole document that a citation points into.

use axum::extract::{Path, State};
use axum::{Extension, Json};

use super::error::{ApiError, Code};
use super::state::{AppState, DocumentView, blocking};
use crate::access::Grant;

pub async fn show(
    State(state): State<AppState>,
    Extension(grant): Extension<Grant>,
    Path(id): Path<String>,
) -> Result<Json<DocumentView>, ApiError> {
    let (documents, wanted) = (state.documents, id.clone());
    let document = blocking(move || documents.document(&wanted)).await?.map_err(|error| ApiError::internal(&error))?;
    let missing = || ApiError::new(Code::DocumentNotFound, format!("there is no document `{id}`"));
    // Of what the caller may not read it is not even told that it is there.
    let document = document.filter(|document| grant.may_read(&document.corpus));
    document.map(Json).ok_or_else(missing)
}
