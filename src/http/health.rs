//! What operators ask: is it up, can it answer, how is it doing.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::state::AppState;
use crate::engine::Lane;
use crate::telemetry::EngineSample;

/// The process is up; says nothing of the model.
pub async fn show_health() -> Json<Value> {
    Json(json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}))
}

/// Whether questions can be answered: 200, or 503 with what is missing.
pub async fn show_ready(State(state): State<AppState>) -> impl IntoResponse {
    let (engine, index) = (state.engine.is_ready(), state.documents.is_ready());
    let ready = engine && index;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let word = if ready { "ready" } else { "not ready" };
    (status, Json(json!({"status": word, "engine": engine, "index": index})))
}

pub async fn show_metrics(State(state): State<AppState>) -> impl IntoResponse {
    let load = state.engine.load();
    let sample = EngineSample {
        num_running: load.num_running,
        num_waiting: load.num_waiting,
        kv_cache_usage: load.kv_blocks_used as f64 / load.kv_blocks_total.max(1) as f64,
        prefix_tokens_queried: load.prefix_tokens_queried,
        prefix_tokens_hit: load.prefix_tokens_hit,
        prompt_tokens: load.prompt_tokens,
        generated_tokens: load.generated_tokens,
        kv_blocks_cached: load.kv_blocks_cached,
        kv_blocks_pinned: load.kv_blocks_pinned,
        kv_blocks_lost: load.kv_blocks_lost,
        kv_blocks_evicted: load.kv_blocks_evicted,
        guesses_run: load.guesses_run,
        guesses_accepted: load.guesses_accepted,
        num_preemptions: load.num_preemptions,
        lane_waiting: std::array::from_fn(|nth| (Lane::ALL[nth].name(), load.lane_waiting[nth])),
        lane_tokens: std::array::from_fn(|nth| (Lane::ALL[nth].name(), load.lane_tokens[nth])),
    };
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], state.metrics.render(&sample))
}
