//! Who may ask: `Authorization: Bearer` against the configured keys. Without keys, everyone who reaches the port.
//!
//! In: a request. Out: the same with a [`Caller`], or 401. Keys are compared as SHA-256 digests over the whole list, so
//! that the time taken says nothing of a key.

use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;
use sha2::{Digest, Sha256};

use super::error::{ApiError, Code};
use super::state::AppState;
use crate::config::Secret;

/// The configured keys, as digests.
pub struct ApiKeys(Vec<[u8; 32]>);

impl ApiKeys {
    pub fn new(keys: &[Secret]) -> Self {
        Self(keys.iter().map(|key| digest(key.reveal())).collect())
    }

    /// Whether anyone may ask.
    pub fn is_open(&self) -> bool {
        self.0.is_empty()
    }

    fn find(&self, presented: &str) -> Option<Caller> {
        let presented = digest(presented);
        let mut found = None;
        for key in &self.0 {
            let difference = key.iter().zip(presented).fold(0, |difference, (a, b)| difference | (a ^ b));
            if difference == 0 {
                found = Some(key);
            }
        }
        let name: String = found?.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Some(Caller(name))
    }
}

/// Whose conversations a request sees: the start of its key's digest, or nothing where no key is needed.
#[derive(Clone, Debug)]
pub struct Caller(pub String);

/// Lets a request through with its [`Caller`].
pub async fn require_key(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let caller = if state.api_keys.is_open() {
        Caller(String::new())
    } else {
        let presented = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some((scheme, key)) = presented.and_then(|value| value.split_once(' ')) else {
            let message = "an API key is needed: send it as `Authorization: Bearer KEY`";
            return Err(ApiError::new(Code::InvalidApiKey, message));
        };
        let known = if scheme.eq_ignore_ascii_case("bearer") { state.api_keys.find(key.trim()) } else { None };
        known.ok_or_else(|| ApiError::new(Code::InvalidApiKey, "this API key is not known here"))?
    };
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

fn digest(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_is_another_caller_and_a_prefix_is_none() {
        let keys = ApiKeys::new(&[Secret::new("alpha"), Secret::new("beta")]);
        let (alpha, beta) = (keys.find("alpha").unwrap(), keys.find("beta").unwrap());
        assert_ne!(alpha.0, beta.0);
        assert!(keys.find("alph").is_none());
        assert!(keys.find("").is_none());
    }
}
