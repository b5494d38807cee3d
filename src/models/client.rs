//! HTTP for model files: pages read whole, and big files streamed to disk and resumed where they broke off.
//!
//! Deliberately knows neither hub nor index nor checksum. Calls block; they run on a thread with a runtime of its own,
//! so they may be made from inside an async runtime (by `spawn_blocking`) as well as from none.

use std::future::Future;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_RANGE, HeaderMap, RANGE};
use reqwest::{Response, StatusCode, Url};

use super::progress::{Event, Observer};
use super::source::shown;
use super::{Error, SourceError};
use crate::config::Secret;

/// Whether connections may be opened; only `Allowed` holds something to open one with.
#[derive(Clone, Debug)]
pub enum Network {
    Allowed(Client),
    Forbidden,
}

impl Network {
    /// The network with the usual patience, or none at all.
    ///
    /// # Errors
    /// The system's certificates cannot be used.
    pub fn new(offline: bool) -> Result<Self, Error> {
        if offline { Ok(Self::Forbidden) } else { Ok(Self::Allowed(Client::new(Patience::default())?)) }
    }
}

/// How long to hope.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Failures in a row without one byte gained before a request is given up; a host that cannot be reached counts
    /// three.
    pub attempts: u32,
    /// Wait after the first failure; doubles with each further one.
    pub first_wait: Duration,
    /// Time to get a connection.
    pub connect: Duration,
    /// Time between two bytes.
    pub silence: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            attempts: 5,
            first_wait: Duration::from_millis(500),
            connect: Duration::from_secs(10),
            silence: Duration::from_secs(60),
        }
    }
}

/// No wait between two attempts is longer.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// A page that was read whole.
pub(super) struct Page {
    /// After redirects; relative links are relative to it.
    pub url: Url,
    pub content_type: String,
    pub body: String,
}

/// A file to stream to disk.
pub(super) struct Download<'a> {
    pub url: &'a Url,
    pub token: Option<&'a Secret>,
    /// Size, where it is known exactly.
    pub bytes: Option<u64>,
    /// Added to the position when progress is told: bytes of the whole that lie before this file.
    pub base: u64,
}

/// The one HTTP client.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    /// Redirects are handed back, as the hub's checksum stands in the headers of the redirect itself.
    unredirected: reqwest::Client,
    patience: Patience,
}

impl Client {
    /// A client that trusts the system's certificates and honours the proxy variables.
    ///
    /// # Errors
    /// The system's certificates cannot be used.
    pub fn new(patience: Patience) -> Result<Self, Error> {
        // Fails only if a provider is there already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = || {
            reqwest::Client::builder()
                .user_agent(concat!("haetae/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(patience.connect)
                .read_timeout(patience.silence)
                // Each call has its own runtime, and a connection does not outlive its runtime.
                .pool_max_idle_per_host(0)
        };
        let failed = |error: reqwest::Error| Error::Client { reason: root_cause(&error) };
        Ok(Self {
            http: builder().build().map_err(failed)?,
            unredirected: builder().redirect(reqwest::redirect::Policy::none()).build().map_err(failed)?,
            patience,
        })
    }

    /// Reads a page.
    pub(super) fn page(&self, url: &Url, accept: &str, observer: Observer<'_>) -> Result<Page, SourceError> {
        wait(self.patiently(
            url,
            observer,
            || 0,
            async || {
                let request = self.http.get(url.clone()).header(ACCEPT, accept);
                let response = accepted(request.send().await.map_err(|error| unreachable(url, &error))?)?;
                let content_type = header(response.headers(), "content-type").unwrap_or_default().to_ascii_lowercase();
                let final_url = response.url().clone();
                let body = response.text().await.map_err(|error| broken(url, 0, &error))?;
                Ok(Page { url: final_url, content_type, body })
            },
        ))
    }

    /// The headers of a file; a redirect within the host is followed, one to elsewhere is not.
    pub(super) fn headers(
        &self,
        url: &Url,
        token: Option<&Secret>,
        observer: Observer<'_>,
    ) -> Result<HeaderMap, SourceError> {
        const MAX_REDIRECTS: usize = 5;
        wait(self.patiently(
            url,
            observer,
            || 0,
            async || {
                let mut at = url.clone();
                for _ in 0..=MAX_REDIRECTS {
                    let mut request = self.unredirected.head(at.clone());
                    if let Some(token) = token {
                        request = request.bearer_auth(token.reveal());
                    }
                    let response = request.send().await.map_err(|error| unreachable(&at, &error))?;
                    if !response.status().is_redirection() {
                        return Ok(accepted(response)?.headers().clone());
                    }
                    let target = header(response.headers(), "location").and_then(|location| at.join(&location).ok());
                    match target {
                        Some(target) if target.origin() == url.origin() => at = target,
                        _ => return Ok(response.headers().clone()),
                    }
                }
                Err(SourceError::Broken { url: shown(url), received: 0, reason: "redirected in a circle".into() })
            },
        ))
    }

    /// Streams a file to `part`, going on after what `part` already holds.
    pub(super) fn download(&self, from: &Download<'_>, part: &Path, observer: Observer<'_>) -> Result<(), SourceError> {
        let len = || fs_err::metadata(part).map_or(0, |metadata| metadata.len());
        wait(self.patiently(from.url, observer, len, async || self.stream(from, part, observer).await))
    }

    async fn stream(&self, from: &Download<'_>, part: &Path, observer: Observer<'_>) -> Result<(), SourceError> {
        let disk = |act| SourceError::disk(act, part);
        let open = fs_err::OpenOptions::new().create(true).append(true).open(part);
        let mut file = open.map_err(disk("open"))?;
        let mut received = file.metadata().map_err(disk("read"))?.len();
        match from.bytes {
            Some(bytes) if received == bytes && bytes > 0 => return Ok(()),
            Some(bytes) if received > bytes => {
                file.set_len(0).map_err(disk("empty"))?;
                received = 0;
            }
            _ => {}
        }
        let mut request = self.http.get(from.url.clone());
        if received > 0 {
            request = request.header(RANGE, format!("bytes={received}-"));
        }
        if let Some(token) = from.token {
            request = request.bearer_auth(token.reveal());
        }
        let response = request.send().await.map_err(|error| unreachable(from.url, &error))?;
        let resumes = response.status() == StatusCode::PARTIAL_CONTENT
            && header(response.headers(), CONTENT_RANGE.as_str()).is_some_and(|range| starts_at(&range, received));
        if received > 0 && !resumes {
            // The server knows no ranges, or its file is shorter than what is here: all of it anew.
            file.set_len(0).map_err(disk("empty"))?;
            received = 0;
            if response.status() != StatusCode::OK {
                let reason = format!("it does not go on from where the file stopped ({})", response.status());
                return Err(SourceError::Broken { url: shown(from.url), received, reason });
            }
        }
        let mut response = accepted(response)?;
        let total = response.content_length().map(|rest| received + rest).or(from.bytes);
        while let Some(chunk) = response.chunk().await.map_err(|error| broken(from.url, received, &error))? {
            file.write_all(&chunk).map_err(disk("write"))?;
            received += chunk.len() as u64;
            observer(Event::Advanced { done: from.base + received });
        }
        match total {
            Some(total) if received < total => {
                let reason = format!("{total} were announced");
                Err(SourceError::Broken { url: shown(from.url), received, reason })
            }
            _ => Ok(()),
        }
    }

    /// Does `attempt` until it succeeds, fails for good, or has failed too often since `reached` last grew.
    async fn patiently<T, A>(
        &self,
        url: &Url,
        observer: Observer<'_>,
        reached: impl Fn() -> u64,
        mut attempt: impl FnMut() -> A,
    ) -> Result<T, SourceError>
    where
        A: Future<Output = Result<T, SourceError>>,
    {
        let mut furthest = reached();
        let (mut failures, mut waits) = (0, 0);
        loop {
            let error = match attempt().await {
                Err(error) if error.is_passing() => error,
                result => return result,
            };
            // Only new ground counts: a server that always breaks off at the same byte must not keep us for ever.
            if reached() > furthest {
                furthest = reached();
                (failures, waits) = (0, 0);
            }
            // Where there is no connection at all, the next source is a better hope than the same host again.
            failures += if matches!(error, SourceError::Unreachable { .. }) { 3 } else { 1 };
            if failures >= self.patience.attempts {
                return Err(error);
            }
            let wait = (self.patience.first_wait * 2u32.saturating_pow(waits)).min(MAX_WAIT);
            waits += 1;
            tracing::debug!(url = shown(url), %error, wait_ms = wait.as_millis(), "request failed, trying again");
            observer(Event::Retrying { reason: &error.to_string(), wait });
            tokio::time::sleep(wait).await;
        }
    }
}

/// Runs `work` to its end on a thread with a runtime of its own.
fn wait<T: Send>(work: impl Future<Output = Result<T, SourceError>> + Send) -> Result<T, SourceError> {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(SourceError::disk("open an event queue for", "network"))?.block_on(work)
    };
    std::thread::scope(|scope| scope.spawn(run).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
}

fn accepted(response: Response) -> Result<Response, SourceError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    Err(SourceError::Status { url: shown(response.url()), status: status.as_u16() })
}

fn unreachable(url: &Url, error: &reqwest::Error) -> SourceError {
    SourceError::Unreachable { host: url.origin().ascii_serialization(), reason: root_cause(error) }
}

fn broken(url: &Url, received: u64, error: &reqwest::Error) -> SourceError {
    SourceError::Broken { url: shown(url), received, reason: root_cause(error) }
}

/// The innermost reason; the outer ones only say "error sending request for url".
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

pub(super) fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

/// Whether a `Content-Range` begins at `start`.
fn starts_at(range: &str, start: u64) -> bool {
    let begin = range.strip_prefix("bytes ").and_then(|range| range.split('-').next());
    begin.and_then(|begin| begin.trim().parse().ok()) == Some(start)
}
