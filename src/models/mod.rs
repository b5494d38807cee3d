//! Model files on this machine: which there are, where they come from, and that they are what they should be.
//!
//! In: a name from the [`Catalog`]. Out: paths of files whose sha256 was checked. [`Store::ensure`] is the way in; it
//! tries the sources of a file in order (a local path, the Hugging Face hub, Python wheels), resumes what an earlier
//! run began, and moves a file into place only when it is whole. Knows nothing of what the files mean to an engine, save
//! which architectures it runs.
//!
//! Whether connections may be opened is a value, [`Network`]: the only HTTP client there is lives inside
//! `Network::Allowed`, so code that was handed `Network::Forbidden` has nothing to open a connection with.

mod catalog;
mod client;
mod endpoints;
mod fetch;
mod hub;
mod import;
mod lock;
mod machine;
mod progress;
mod receipt;
mod recommend;
mod source;
mod store;
mod verify;
mod wheel;
mod wheel_index;

use std::path::PathBuf;

pub use catalog::{Catalog, Entry, HubFile, ModelFile, ModelRole, Source, WheelPart};
pub use client::{Client, Network, Patience};
pub use endpoints::Endpoints;
pub use import::Imported;
pub use machine::Machine;
pub use progress::{Event, Observer, TerminalProgress, silent};
pub use recommend::{Recommendation, recommend};
pub use source::SourceError;
pub use store::{State, Store, Stored};
pub use verify::{Checked, Outcome};

/// Why a model could not be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("model catalogue `{origin}`: {reason}")]
    Catalog { origin: String, reason: String },
    #[error(
        "no model is called `{name}`\n\nhint: `haetae models list` names those that are known; a file is taken over by \
         `haetae models import FILE`"
    )]
    UnknownModel { name: String },
    #[error(
        "`{file}` of model `{model}` is not on this machine and connections are forbidden (`--offline`)\n\n\
         hint: fetch it on a connected machine, carry it here and run `haetae models import FILE`"
    )]
    Offline { model: String, file: String },
    #[error(
        "`{file}` of model `{model}` could be had from none of its sources\n{}\n\n\
         hint: what was fetched so far is kept, so run the command again; or carry the file here and run \
         `haetae models import FILE`",
        attempts.iter().map(Attempt::to_string).collect::<Vec<_>>().join("\n")
    )]
    NoSource { model: String, file: String, attempts: Vec<Attempt> },
    #[error(
        "the disk that holds `{path}` is full; `{file}` of model `{model}` takes {bytes} bytes\n\n\
         hint: free space or choose another `--home`, then run the command again; it goes on where it stopped"
    )]
    DiskFull { model: String, file: String, path: PathBuf, bytes: u64 },
    #[error("cannot {act} `{path}`")]
    Disk { act: &'static str, path: PathBuf, source: std::io::Error },
    #[error("`{path}` is neither a file of the catalogue nor a sound GGUF file: {reason}")]
    BadGguf { path: PathBuf, reason: String },
    #[error("`{path}` has architecture `{architecture}`, which the engine does not run (it runs: {supported})")]
    UnsupportedFile { path: PathBuf, architecture: String, supported: &'static str },
    #[error("`{path}` would be called `{name}`, a name another model has\n\nhint: rename the file")]
    NameTaken { path: PathBuf, name: String },
    #[error("the setting `{name}` does not hold a URL: {reason}")]
    BadEndpoint { name: &'static str, reason: String },
    #[error("the HTTP client could not be set up: {reason}")]
    Client { reason: String },
}

/// One source that was tried in vain.
#[derive(Debug)]
pub struct Attempt {
    pub source: String,
    pub error: SourceError,
}

impl std::fmt::Display for Attempt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "  {}: {}", self.source, self.error)
    }
}

impl Error {
    fn disk(act: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Disk { act, path, source }
    }
}
