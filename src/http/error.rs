//! What clients are told when a request cannot be served: OpenAI's envelope, from one table of codes.
//!
//! In: errors of the engine, of a turn, of the edge itself. Out: `{"error": {"message", "type", "param", "code"}}`.
//! A failure of ours says no more than the request's id; its detail is logged once, by [`super::observe`], which
//! also writes the body, because it knows that id.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::form;
use crate::{chat, engine, history, responses};

/// Seconds after which a refused client should try again: about the time in which a short answer ends.
const RETRY_AFTER_S: u16 = 2;

/// Every code a client can see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    InvalidJson,
    InvalidValue,
    MissingParameter,
    UnsupportedParameter,
    InvalidSchema,
    ContextLengthExceeded,
    InvalidApiKey,
    PermissionDenied,
    HostNotAllowed,
    OriginNotAllowed,
    ModelNotFound,
    ConversationNotFound,
    DocumentNotFound,
    RunNotFound,
    ResponseNotFound,
    NoAgent,
    AlreadyDecided,
    DatasetNotFound,
    RowNotFound,
    NoDatasets,
    DatasetExists,
    WrongState,
    RouteNotFound,
    MethodNotAllowed,
    BodyTooLarge,
    UnsupportedMediaType,
    RateLimitExceeded,
    InternalError,
    EngineUnreachable,
    EngineStopped,
}

impl Code {
    /// The one table: code x type x status.
    #[rustfmt::skip]
    fn row(self) -> (&'static str, &'static str, StatusCode) {
        const INVALID: &str = "invalid_request_error";
        const OURS: &str = "server_error";
        match self {
            Self::InvalidJson           => ("invalid_json",             INVALID,            StatusCode::BAD_REQUEST),
            Self::InvalidValue          => ("invalid_value",            INVALID,            StatusCode::BAD_REQUEST),
            Self::MissingParameter      => ("missing_required_parameter", INVALID,          StatusCode::BAD_REQUEST),
            Self::UnsupportedParameter  => ("unsupported_parameter",    INVALID,            StatusCode::BAD_REQUEST),
            Self::InvalidSchema         => ("invalid_schema",           INVALID,            StatusCode::BAD_REQUEST),
            Self::ContextLengthExceeded => ("context_length_exceeded",  INVALID,            StatusCode::BAD_REQUEST),
            Self::InvalidApiKey         => ("invalid_api_key",          INVALID,            StatusCode::UNAUTHORIZED),
            Self::PermissionDenied      => ("permission_denied",        INVALID,            StatusCode::FORBIDDEN),
            Self::HostNotAllowed        => ("host_not_allowed",         INVALID,            StatusCode::FORBIDDEN),
            Self::OriginNotAllowed      => ("origin_not_allowed",       INVALID,            StatusCode::FORBIDDEN),
            Self::ModelNotFound         => ("model_not_found",          INVALID,            StatusCode::NOT_FOUND),
            Self::ConversationNotFound  => ("conversation_not_found",   INVALID,            StatusCode::NOT_FOUND),
            Self::DocumentNotFound      => ("document_not_found",       INVALID,            StatusCode::NOT_FOUND),
            Self::RunNotFound           => ("run_not_found",            INVALID,            StatusCode::NOT_FOUND),
            Self::ResponseNotFound      => ("response_not_found",       INVALID,            StatusCode::NOT_FOUND),
            Self::NoAgent               => ("no_agent",                 INVALID,            StatusCode::NOT_FOUND),
            Self::AlreadyDecided        => ("already_decided",          INVALID,            StatusCode::CONFLICT),
            Self::DatasetNotFound       => ("dataset_not_found",        INVALID,            StatusCode::NOT_FOUND),
            Self::RowNotFound           => ("row_not_found",            INVALID,            StatusCode::NOT_FOUND),
            Self::NoDatasets            => ("no_datasets",              INVALID,            StatusCode::NOT_FOUND),
            Self::DatasetExists         => ("dataset_exists",           INVALID,            StatusCode::CONFLICT),
            Self::WrongState            => ("wrong_state",              INVALID,            StatusCode::CONFLICT),
            Self::RouteNotFound         => ("route_not_found",          INVALID,            StatusCode::NOT_FOUND),
            Self::MethodNotAllowed      => ("method_not_allowed",       INVALID,            StatusCode::METHOD_NOT_ALLOWED),
            Self::BodyTooLarge          => ("body_too_large",           INVALID,            StatusCode::PAYLOAD_TOO_LARGE),
            Self::UnsupportedMediaType  => ("unsupported_media_type",   INVALID,            StatusCode::UNSUPPORTED_MEDIA_TYPE),
            Self::RateLimitExceeded     => ("rate_limit_exceeded",      "rate_limit_error", StatusCode::TOO_MANY_REQUESTS),
            Self::InternalError         => ("internal_error",           OURS,               StatusCode::INTERNAL_SERVER_ERROR),
            Self::EngineUnreachable     => ("engine_unreachable",       OURS,               StatusCode::BAD_GATEWAY),
            Self::EngineStopped         => ("engine_stopped",           OURS,               StatusCode::SERVICE_UNAVAILABLE),
        }
    }
}

/// A request that was not served.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    code: Code,
    message: String,
    param: Option<String>,
    /// What happened, for the log only.
    detail: Option<String>,
}

impl ApiError {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), param: None, detail: None }
    }

    /// Names the field at fault.
    pub fn on(self, param: impl Into<String>) -> Self {
        Self { param: Some(param.into()), ..self }
    }

    /// Calls the field at fault by the name it has at this endpoint.
    pub fn instead_of(self, param: &str, here: &str) -> Self {
        if self.param.as_deref() == Some(param) { self.on(here) } else { self }
    }

    /// A value that is not what it must be.
    pub fn invalid(param: &str, expected: &str, got: impl std::fmt::Display) -> Self {
        Self::new(Code::InvalidValue, format!("`{param}` must be {expected}, got {got}")).on(param)
    }

    /// A feature that this server lacks.
    pub fn unsupported(param: impl Into<String>, reason: &str) -> Self {
        let param = param.into();
        Self::new(Code::UnsupportedParameter, format!("`{param}` is not supported: {reason}")).on(param)
    }

    pub fn model_not_found(id: &str, known: &[&str]) -> Self {
        let message = format!("the model `{id}` does not exist; this server has `{}`", known.join("`, `"));
        Self::new(Code::ModelNotFound, message).on("model")
    }

    pub fn conversation_not_found(id: &str) -> Self {
        Self::new(Code::ConversationNotFound, format!("there is no conversation `{id}`"))
    }

    /// A failure of ours.
    pub fn internal(detail: &impl ToString) -> Self {
        Self::ours(Code::InternalError, "internal server error", detail)
    }

    fn ours(code: Code, message: &str, detail: &impl ToString) -> Self {
        Self { code, message: message.into(), param: None, detail: Some(detail.to_string()) }
    }

    pub fn status(&self) -> StatusCode {
        self.code.row().2
    }

    /// The envelope.
    pub fn body(&self, request_id: &str) -> Value {
        let (code, kind, status) = self.code.row();
        let message = if status.is_server_error() {
            format!("{} (request id: {request_id})", self.message)
        } else {
            self.message.clone()
        };
        json!({"error": {"message": message, "type": kind, "param": self.param, "code": code}})
    }

    /// Logs what the client is not told.
    pub fn log(&self, request_id: &str) {
        if let Some(detail) = &self.detail {
            tracing::error!(request.id = request_id, code = self.code.row().0, "{detail}");
        }
    }
}

impl IntoResponse for ApiError {
    /// A status, its headers, and the error itself for `observe` to write out.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        let headers = response.headers_mut();
        match self.code {
            Code::RateLimitExceeded | Code::EngineStopped => {
                headers.insert(header::RETRY_AFTER, RETRY_AFTER_S.into());
            }
            Code::InvalidApiKey => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            _ => {}
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<engine::Error> for ApiError {
    fn from(error: engine::Error) -> Self {
        use engine::Error as E;
        match error {
            E::PromptTooLong { .. } => Self::new(Code::ContextLengthExceeded, error.to_string()).on("messages"),
            E::BadParameter { name, .. } => Self::new(Code::InvalidValue, error.to_string()).on(name),
            E::BadConstraint { part, .. } => {
                let param = match part {
                    engine::Part::Answer => form::ANSWER.to_owned(),
                    engine::Part::Tool(index) => format!("tools[{index}].function.parameters"),
                };
                Self::new(Code::InvalidSchema, error.to_string()).on(param)
            }
            // Found out while it was answered: a grammar that takes more work than one mask may.
            E::Guide { .. } => Self::new(Code::InvalidSchema, error.to_string()).on(form::ANSWER),
            E::QueueFull { .. } => Self::new(Code::RateLimitExceeded, error.to_string()),
            // The template rejects what the client may have meant well: two questions in a row, a system message late.
            E::Template { .. } => Self::new(Code::InvalidValue, error.to_string()).on("messages"),
            E::Remote { .. } => Self::ours(Code::EngineUnreachable, "the remote engine failed", &error),
            E::Stopped => Self::ours(Code::EngineStopped, "the engine has stopped", &error),
            E::BadModel { .. } | E::UnsupportedArchitecture { .. } | E::Forward { .. } => Self::internal(&error),
        }
    }
}

impl From<chat::Error> for ApiError {
    fn from(error: chat::Error) -> Self {
        match error {
            chat::Error::Engine(error) => error.into(),
            chat::Error::NoQuestion => Self::new(Code::InvalidValue, error.to_string()).on("messages"),
            chat::Error::NoCorpora | chat::Error::NoAgent => {
                Self::new(Code::InvalidValue, error.to_string()).on("model")
            }
            chat::Error::Retrieval { .. } | chat::Error::Prompt(_) | chat::Error::Agent { .. } => {
                Self::internal(&error)
            }
        }
    }
}

impl From<responses::Error> for ApiError {
    fn from(error: responses::Error) -> Self {
        Self::internal(&error)
    }
}

impl From<history::Error> for ApiError {
    fn from(error: history::Error) -> Self {
        Self::internal(&error)
    }
}
