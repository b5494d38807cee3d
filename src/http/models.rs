//! `GET /v1/models` and `GET /v1/models/{id}`: the ids that requests may name.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde_json::{Value, json};

use super::error::ApiError;
use super::state::AppState;
use crate::access::Grant;
use crate::chat::Target;

pub async fn list(State(state): State<AppState>, Extension(grant): Extension<Grant>) -> Json<Value> {
    Json(json!({"object": "list", "data": models(&state, &grant)}))
}

pub async fn show(
    State(state): State<AppState>,
    Extension(grant): Extension<Grant>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let models = models(&state, &grant);
    match models.iter().find(|model| model["id"] == id.as_str()) {
        Some(model) => Ok(Json(model.clone())),
        None => {
            let known: Vec<&str> = models.iter().filter_map(|model| model["id"].as_str()).collect();
            Err(ApiError::model_not_found(&id, &known))
        }
    }
}

/// Chat models with the context they share (vLLM's `max_model_len`), then the embedding model.
fn models(state: &AppState, grant: &Grant) -> Vec<Value> {
    let model = |id: &str, max_len: usize| {
        json!({
            "id": id,
            "object": "model",
            "created": state.started_at,
            "owned_by": "haetae",
            "max_model_len": max_len,
        })
    };
    let context_len = state.engine.info().context_len;
    let mut models: Vec<Value> = state
        .models
        .readable(grant)
        .map(|served| {
            let mut model = model(&served.id, context_len);
            if let Target::Corpora(corpora) = &served.target {
                model["corpora"] = json!(corpora);
            }
            model
        })
        .collect();
    let mut embedder = model(state.embeddings.model_id(), state.embeddings.max_len());
    // Tells the page, and whoever else offers a choice, that it does not chat.
    embedder["haetae"] = json!({ "role": "embed" });
    models.push(embedder);
    models
}
