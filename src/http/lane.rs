//! `X-Haetae-Lane`: whose a request is, which decides who waits when not all can be served at once. The page says
//! `officer`; programs that say nothing are `agent`.

use axum::http::HeaderMap;

use super::error::ApiError;
use crate::engine::Lane;

/// As sent by clients.
pub const HEADER: &str = "x-haetae-lane";

/// The lane a request asks for.
pub fn read(headers: &HeaderMap) -> Result<Lane, ApiError> {
    let Some(value) = headers.get(HEADER) else { return Ok(Lane::default()) };
    value.to_str().ok().and_then(Lane::named).ok_or_else(|| {
        let names = Lane::ALL.map(Lane::name).join("`, `");
        ApiError::invalid("X-Haetae-Lane", &format!("one of `{names}`"), String::from_utf8_lossy(value.as_bytes()))
    })
}
