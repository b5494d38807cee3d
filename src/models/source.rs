//! Why one source of a file failed. Whether another is tried is [`super::fetch`]'s business.

use std::path::PathBuf;

use reqwest::Url;

/// Why a file could not be had from one source.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("no such file")]
    Absent,
    #[error("connections are forbidden (`--offline`)")]
    Forbidden,
    #[error("{host} cannot be reached: {reason}")]
    Unreachable { host: String, reason: String },
    #[error("{url} answered {status}{}", access_hint(*status))]
    Status { url: String, status: u16 },
    #[error("{url} broke off after {received} bytes: {reason}")]
    Broken { url: String, received: u64, reason: String },
    #[error("{url} is no package index page: {reason}")]
    BadIndex { url: String, reason: String },
    #[error("{url} holds no wheel of {package} {version}")]
    NotInIndex { url: String, package: String, version: String },
    #[error("wheel {wheel}: {reason}")]
    BadWheel { wheel: String, reason: String },
    #[error("`{what}` has sha256 {found}, not {expected}; it was thrown away")]
    Mismatch { what: String, expected: String, found: String },
    #[error("cannot {act} `{path}`: {source}")]
    Disk { act: &'static str, path: PathBuf, source: std::io::Error },
}

fn access_hint(status: u16) -> &'static str {
    match status {
        401 | 403 => " (is the licence accepted and `HF_TOKEN` set, or the index's user name and password?)",
        _ => "",
    }
}

impl SourceError {
    pub(super) fn disk(act: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Disk { act, path, source }
    }

    /// Whether the same request may do better a moment later.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Broken { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 425 | 429 | 500..=599),
            _ => false,
        }
    }
}

/// The URL as it may be shown: without credentials, and without the query, where CDNs keep signatures.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    // Fails only for URLs that cannot have credentials at all.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shown_url_keeps_no_secret() {
        let url = Url::parse("https://user:pass@example.org/simple/a?X-Signature=abc").unwrap();
        assert_eq!(shown(&url), "https://example.org/simple/a");
    }
}
