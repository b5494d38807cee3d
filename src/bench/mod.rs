//! Speed and steadiness, measured the way a caller meets them: through [`Engine`](crate::engine::Engine), sampling
//! included, or over HTTP.
//!
//! - [`engine`]: tokens a second of prefill and decode; [`scenario`]: a shared prefix, a long prompt among streams.
//! - [`server`]: latencies of a served load, the same client for any OpenAI-compatible server.
//! - [`soak`]: whether a server that was used badly is as it was before.
//! - [`peer`]: llama.cpp measured in turn with us; [`roofline`] and [`machine`]: what the hardware would allow.
//!
//! In: a loaded engine or the URL of a server. Out: reports, which the command prints. Never run as a test of speed:
//! a busy machine would make it fail.

pub mod engine;
pub mod machine;
pub mod peer;
pub mod roofline;
pub mod scenario;
pub mod server;
pub mod soak;
mod stats;
mod words;

use std::path::PathBuf;

pub use stats::Percentiles;

/// Why a measurement could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Engine(#[from] crate::engine::Error),
    #[error("llama.cpp is not to be found: no {wanted} {place}\n\nhint: {hint}")]
    NoPeer { wanted: String, place: String, hint: &'static str },
    #[error("`{tool}` could not be run")]
    PeerNotRun { tool: PathBuf, source: std::io::Error },
    #[error("`{tool}` ended with {status}: {said}")]
    PeerFailed { tool: PathBuf, status: std::process::ExitStatus, said: String },
    #[error("what `{tool}` printed is not understood: {reason}")]
    PeerOutput { tool: PathBuf, reason: String },
    #[error("`{tool}` was not ready after {seconds} s: {said}")]
    PeerNotReady { tool: PathBuf, seconds: u64, said: String },
    #[error("llama.cpp runs GGUF files, and `{model}` is none")]
    PeerNeedsGguf { model: PathBuf },
    #[error("none of the tools of llama.cpp gave a figure; what each said is above")]
    PeerSilent,
    #[error("every one of the {requests} requests to `{url}` failed, the first with: {reason}")]
    AllFailed { requests: usize, url: String, reason: String },
    #[error("the memory of this process cannot be read")]
    NoMemoryReading,
}
