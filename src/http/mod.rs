//! The HTTP edge: OpenAI's API, the page's own API, and what operators need, over one [`AppState`].
//!
//! In: requests. Out: turns of [`crate::chat`], generations of [`crate::engine`], and their answers on the wire. Knows
//! no model, no index and no socket: [`router`] is driven by a listener or by a test alike.
//!
//! A request's way: `observe` (id, span, metrics, error bodies) > `guard` > `auth` > a handler > `turn` and `stream`.

mod agents;
mod auth;
mod chat_completions;
mod completions;
mod conversations;
mod datasets;
mod documents;
mod embeddings;
mod error;
mod fields;
mod form;
mod guard;
mod health;
mod lane;
mod logprobs;
mod messages;
mod models;
mod observe;
mod openapi;
mod responses;
mod sampling;
mod state;
mod stream;
mod tools;
mod turn;
pub mod ui;

use std::net::SocketAddr;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{self, MethodRouter};
use axum::serve::{Listener, ListenerExt};
use tokio::net::{TcpListener, TcpStream};

use crate::mcp;

pub use error::{ApiError, Code};
pub use state::{
    AppState, BoxError, DocumentView, Documents, Embeddings, Events, ModelTable, Parts, Purpose, ServedModel, Turns,
};

/// Largest request body: a context full of text many times over.
pub const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// Most answers to one request (`n`); each takes a place in the batch.
const MAX_CHOICES: usize = 8;

/// Changes where the same seed may give another answer.
const FINGERPRINT: &str = concat!("haetae-", env!("CARGO_PKG_VERSION"));

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    /// Everyone.
    Open,
    /// Holders of a key, where keys are configured.
    Keyed,
    /// The same, but for roles that may not read every corpus: what is given quotes documents of any.
    Whole,
}

/// A line of the route table.
struct Route {
    access: Access,
    /// In lower case, as OpenAPI has it.
    method: &'static str,
    path: &'static str,
    handler: MethodRouter<AppState>,
}

fn open(method: &'static str, path: &'static str, handler: MethodRouter<AppState>) -> Route {
    Route { access: Access::Open, method, path, handler }
}

fn keyed(method: &'static str, path: &'static str, handler: MethodRouter<AppState>) -> Route {
    Route { access: Access::Keyed, method, path, handler }
}

fn whole(method: &'static str, path: &'static str, handler: MethodRouter<AppState>) -> Route {
    Route { access: Access::Whole, method, path, handler }
}

/// The API: what [`openapi`] describes, line by line (a test holds the two together).
#[rustfmt::skip]
fn routes() -> Vec<Route> {
    use routing::{delete, get, patch, post};
    vec![
        keyed("post",   "/v1/chat/completions",    post(chat_completions::create)),
        keyed("post",   "/v1/completions",         post(completions::create)),
        keyed("post",   "/v1/responses",           post(responses::create)),
        keyed("get",    "/v1/responses/{id}",      get(responses::show)),
        keyed("delete", "/v1/responses/{id}",      delete(responses::delete)),
        keyed("get",    "/v1/responses/{id}/input_items", get(responses::input_items)),
        keyed("post",   "/v1/embeddings",          post(embeddings::create)),
        keyed("get",    "/v1/models",              get(models::list)),
        // A wildcard, because ids of the hub hold a slash.
        keyed("get",    "/v1/models/{*id}",        get(models::show)),
        keyed("get",    "/api/conversations",      get(conversations::list)),
        keyed("post",   "/api/conversations",      post(conversations::create)),
        keyed("get",    "/api/conversations/{id}", get(conversations::show)),
        keyed("patch",  "/api/conversations/{id}", patch(conversations::rename)),
        keyed("delete", "/api/conversations/{id}", delete(conversations::delete)),
        keyed("get",    "/api/documents/{id}",     get(documents::show)),
        keyed("get",    "/api/agent/tools",        get(agents::tools)),
        keyed("get",    "/api/agent/runs",         get(agents::runs)),
        keyed("get",    "/api/agent/runs/{id}",    get(agents::run)),
        keyed("get",    "/api/agent/runs/{id}/dossier", get(agents::show_dossier)),
        keyed("get",    "/api/agent/approvals",    get(agents::approvals)),
        keyed("get",    "/api/agent/approvals/{id}", get(agents::approval)),
        keyed("post",   "/api/agent/approvals/{id}", post(agents::decide)),
        whole("get",    "/api/datasets",           get(datasets::list)),
        whole("post",   "/api/datasets",           post(datasets::create)),
        whole("post",   "/api/datasets/preview",   post(datasets::preview)),
        whole("get",    "/api/datasets/{name}",    get(datasets::show)),
        whole("post",   "/api/datasets/{name}/job", post(datasets::job)),
        whole("get",    "/api/datasets/{name}/coverage", get(datasets::coverage)),
        whole("post",   "/api/datasets/{name}/coverage", post(datasets::fill)),
        whole("get",    "/api/datasets/{name}/export", get(datasets::download)),
        whole("get",    "/api/datasets/{name}/facets", get(datasets::rows::facets)),
        whole("get",    "/api/datasets/{name}/queue", get(datasets::rows::queue)),
        whole("post",   "/api/datasets/{name}/review", post(datasets::rows::review)),
        whole("get",    "/api/datasets/{name}/rows", get(datasets::rows::list)),
        whole("get",    "/api/datasets/{name}/rows/{row}", get(datasets::rows::show)),
        whole("patch",  "/api/datasets/{name}/rows/{row}", patch(datasets::rows::edit)),
        keyed("get",    "/metrics",                get(health::show_metrics)),
        open ("get",    "/health",                 get(health::show_health)),
        open ("get",    "/ready",                  get(health::show_ready)),
        open ("get",    "/openapi.json",           get(openapi::show)),
    ]
}

/// A listener whose connections send every token at once. Left alone, the kernel holds a small packet back until the
/// one before is acknowledged, which the other side puts off for 40 ms: tokens would arrive in bursts.
pub fn undelayed(listener: TcpListener) -> impl Listener<Io = TcpStream, Addr = SocketAddr> {
    listener.tap_io(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            // Slower, and still right.
            tracing::debug!(%error, "a connection keeps its delay");
        }
    })
}

/// Everything that is served.
pub fn router(state: AppState) -> Router {
    let mut keyed = Router::new();
    let mut open = Router::new();
    for Route { access, path, handler, .. } in routes() {
        match access {
            Access::Keyed => keyed = keyed.route(path, handler),
            Access::Whole => {
                keyed = keyed.route(path, handler.route_layer(middleware::from_fn(auth::refuse_narrowed)));
            }
            Access::Open => open = open.route(path, handler),
        }
    }
    if let Some(agents) = state.agents.clone() {
        keyed = keyed.route_service("/mcp", mcp::service(agents));
    }
    keyed
        .route_layer(middleware::from_fn_with_state(state.clone(), auth::require_key))
        .merge(open)
        .merge(openapi::page())
        .merge(ui::routes())
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(middleware::from_fn_with_state(state.clone(), guard::refuse_strangers))
        .layer(middleware::from_fn_with_state(state.clone(), observe::observe))
        .with_state(state)
}

async fn no_route(uri: axum::http::Uri) -> ApiError {
    ApiError::new(Code::RouteNotFound, format!("there is nothing at `{}`; see `/docs`", uri.path()))
}

async fn no_method(method: axum::http::Method, uri: axum::http::Uri) -> ApiError {
    ApiError::new(Code::MethodNotAllowed, format!("`{}` does not take {method}; see `/docs`", uri.path()))
}
