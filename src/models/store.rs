//! The models on this machine, under `<home>/models/<name>/`.
//!
//! [`Store::ensure`] is what others call: afterwards the files are there and were checked, or the error says what to
//! do. A lock per model lets one process fetch while others wait. Calls block; from async code use `spawn_blocking`.

use std::path::{Path, PathBuf};

use super::catalog::{Catalog, Entry, ModelFile};
use super::client::Network;
use super::fetch::Fetch;
use super::lock::Lock;
use super::progress::{Event, Observer};
use super::receipt::Receipt;
use super::{Endpoints, Error};
use crate::config::Config;

/// The models on this machine and the ways to get more.
#[derive(Clone, Debug)]
pub struct Store {
    pub(super) home: PathBuf,
    pub(super) catalog: Catalog,
    network: Network,
    endpoints: Endpoints,
}

/// A model whose files are there and checked.
#[derive(Clone, Debug)]
pub struct Stored {
    pub entry: Entry,
    pub folder: PathBuf,
    /// In the order of the catalogue: the weights first.
    pub files: Vec<PathBuf>,
}

impl Stored {
    /// The file that holds the weights.
    pub fn weights(&self) -> &Path {
        &self.files[0]
    }

    /// The file of this name, such as `tokenizer.json`.
    pub fn file(&self, name: &str) -> Option<&Path> {
        self.files.iter().map(PathBuf::as_path).find(|path| path.file_name().is_some_and(|other| other == name))
    }
}

/// How much of a model is on this machine; sizes only, nothing is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Every file is there, as it was checked.
    Stored,
    /// A fetch was begun, or a file changed since it was checked.
    Partial,
    Absent,
}

impl Store {
    /// The store of the settings' home folder, with the servers that the environment names.
    ///
    /// # Errors
    /// A home catalogue that is not one; an environment variable that is not a URL.
    pub fn open(config: &Config) -> Result<Self, Error> {
        Self::with(&config.home, Network::new(config.offline)?, Endpoints::from_env()?)
    }

    /// The store under `home`, with everything said.
    ///
    /// # Errors
    /// A home catalogue that is not one.
    pub fn with(home: &Path, network: Network, endpoints: Endpoints) -> Result<Self, Error> {
        // Absolute, so that paths handed out stay right wherever the process goes.
        let home = std::path::absolute(home).map_err(Error::disk("find", home))?;
        Ok(Self { catalog: Catalog::load(&home)?, home, network, endpoints })
    }

    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The files of model `name`, fetched if they are not there.
    ///
    /// # Errors
    /// A name the catalogue lacks; a file that no source has, with what each said; a
    /// full disk; a file that is missing while connections are forbidden.
    pub fn ensure(&self, name: &str, observer: Observer<'_>) -> Result<Stored, Error> {
        let entry = self.entry(name)?;
        let stored = Stored {
            entry: entry.clone(),
            folder: self.folder(name),
            files: entry.files.iter().map(|file| self.path(entry, file)).collect(),
        };
        if entry.files.iter().all(|file| self.is_checked(entry, file)) {
            return Ok(stored);
        }
        let waiting = || observer(Event::Waiting { model: name });
        let _lock = Lock::take(&stored.folder, waiting).map_err(Error::disk("lock", &stored.folder))?;
        for file in &entry.files {
            // Looked at again under the lock: another process may have fetched it meanwhile.
            if self.is_checked(entry, file) || self.check_unnoted(entry, file, observer)? {
                continue;
            }
            Fetch {
                home: &self.home,
                folder: &stored.folder,
                entry,
                file,
                network: &self.network,
                endpoints: &self.endpoints,
                observer,
            }
            .run()?;
        }
        Ok(stored)
    }

    /// How much of `entry` is here.
    pub fn state(&self, entry: &Entry) -> State {
        if entry.files.iter().all(|file| self.is_checked(entry, file)) {
            return State::Stored;
        }
        let names = fs_err::read_dir(self.folder(&entry.name)).into_iter().flatten().filter_map(Result::ok);
        let mut begun = names.filter_map(|found| found.file_name().into_string().ok());
        let is_of_a_file = |name: &String| entry.files.iter().any(|file| name.starts_with(&file.path));
        if begun.any(|name| is_of_a_file(&name)) { State::Partial } else { State::Absent }
    }

    /// Where the files of a model lie.
    pub fn folder(&self, name: &str) -> PathBuf {
        self.home.join("models").join(name)
    }

    pub(super) fn entry(&self, name: &str) -> Result<&Entry, Error> {
        self.catalog.get(name).ok_or_else(|| Error::UnknownModel { name: name.into() })
    }

    pub(super) fn path(&self, entry: &Entry, file: &ModelFile) -> PathBuf {
        self.folder(&entry.name).join(&file.path)
    }

    /// Whether the file is there, unchanged since it was found to be right.
    fn is_checked(&self, entry: &Entry, file: &ModelFile) -> bool {
        Receipt::of(&self.path(entry, file))
            .is_some_and(|receipt| file.sha256.as_ref().is_none_or(|sha256| *sha256 == receipt.sha256))
    }

    /// Hashes a file that lies there without a note that holds: put there by hand, or touched since.
    fn check_unnoted(&self, entry: &Entry, file: &ModelFile, observer: Observer<'_>) -> Result<bool, Error> {
        let path = self.path(entry, file);
        let Some(expected) = file.sha256.clone().or_else(|| Receipt::recorded_sha256(&path)) else { return Ok(false) };
        if !path.is_file() {
            return Ok(false);
        }
        observer(Event::Checking { file: &file.path });
        let receipt = Receipt::make(&path).map_err(Error::disk("read", &path))?;
        if receipt.sha256 != expected {
            tracing::warn!(path = %path.display(), "the file is not what it was when it came; fetching it anew");
            return Ok(false);
        }
        receipt.keep(&path).map_err(Error::disk("write the note beside", &path))?;
        Ok(true)
    }
}
