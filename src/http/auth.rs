//! Who may ask: `Authorization: Bearer` against the configured keys. Without keys, everyone who reaches the port.
//!
//! In: a request. Out: the same with a [`Caller`] and what it may ([`Grant`]), or 401. Keys are compared as SHA-256 digests over the whole list, so
//! that the time taken says nothing of a key.

use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;
use sha2::{Digest, Sha256};

use super::error::{ApiError, Code};
use super::state::AppState;
use crate::access::Grant;
use crate::config::ApiKey;

/// The configured keys, as digests.
pub struct ApiKeys(Vec<([u8; 32], Grant)>);

impl ApiKeys {
    pub fn new(keys: &[ApiKey]) -> Self {
        Self(keys.iter().map(|ApiKey { key, grant }| (digest(key.reveal()), grant.clone())).collect())
    }

    /// Whether anyone may ask.
    pub fn is_open(&self) -> bool {
        self.0.is_empty()
    }

    fn find(&self, presented: &str) -> Option<(Caller, Grant)> {
        let presented = digest(presented);
        let mut found = None;
        for (key, grant) in &self.0 {
            let difference = key.iter().zip(presented).fold(0, |difference, (a, b)| difference | (a ^ b));
            if difference == 0 {
                found = Some((key, grant));
            }
        }
        let (key, grant) = found?;
        let name: String = key.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Some((Caller(name), grant.clone()))
    }
}

/// Whose conversations a request sees: the start of its key's digest, or nothing where no key is needed.
#[derive(Clone, Debug)]
pub struct Caller(pub String);

/// Lets a request through with its [`Caller`] and its [`Grant`].
pub async fn require_key(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let (caller, grant) = if state.api_keys.is_open() {
        (Caller(String::new()), Grant::everything())
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
    request.extensions_mut().insert(grant);
    Ok(next.run(request).await)
}

/// Refuses those whose role may not read every corpus.
pub async fn refuse_narrowed(request: Request, next: Next) -> Result<Response, ApiError> {
    let grant = request.extensions().get::<Grant>();
    if grant.is_none_or(|grant| grant.corpora().is_some()) {
        let message = "rows of datasets quote documents of any corpus, and this key's role may not read all of them";
        return Err(ApiError::new(Code::PermissionDenied, message));
    }
    Ok(next.run(request).await)
}

fn digest(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    #[test]
    fn each_key_is_another_caller_and_a_prefix_is_none() {
        let key = |key: &str| ApiKey::plain(Secret::new(key));
        let keys = ApiKeys::new(&[key("alpha"), key("beta")]);
        let ((alpha, _), (beta, _)) = (keys.find("alpha").unwrap(), keys.find("beta").unwrap());
        assert_ne!(alpha.0, beta.0);
        assert!(keys.find("alph").is_none());
        assert!(keys.find("").is_none());
    }
}
