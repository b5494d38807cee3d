//! What a generation of the index was built of, and which generation is current.
//!
//! `<home>/index/` holds one folder a generation and the file `CURRENT` with the name of one. A build writes a new folder
//! and renames a new `CURRENT` over the old as its last act, so a build killed at any point leaves the old index as it
//! was. What a killed build left behind goes with the next build.

use std::path::{Path, PathBuf};

use fs_err as fs;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Error;
use super::analysis::ANALYSER_VERSION;
use crate::durable;
use crate::ingest::CHUNKER_VERSION;

/// Counts up whenever the files of a generation are laid out otherwise.
const FORMAT_VERSION: u32 = 5;

/// A file read into the index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SourceEntry {
    pub corpus: String,
    pub name: String,
    /// sha256 of the file.
    pub hash: String,
}

/// Everything that decides what an index holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub format: u32,
    pub chunker: u32,
    pub analyser: u32,
    pub embedder: String,
    pub dim: usize,
    /// `edge`, or the URL of the server.
    pub dense: String,
    pub sources: Vec<SourceEntry>,
}

impl Manifest {
    pub fn new(embedder: &str, dim: usize, dense: &str, sources: Vec<SourceEntry>) -> Self {
        Self {
            format: FORMAT_VERSION,
            chunker: CHUNKER_VERSION,
            analyser: ANALYSER_VERSION,
            embedder: embedder.into(),
            dim,
            dense: dense.into(),
            sources,
        }
    }

    /// Reads a generation's manifest; `None` where there is none or it is of another format.
    pub fn read(generation: &Path) -> Option<Self> {
        let text = fs::read_to_string(generation.join("manifest.json")).ok()?;
        serde_json::from_str::<Self>(&text).ok().filter(|manifest| manifest.format == FORMAT_VERSION)
    }

    pub fn write(&self, generation: &Path) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(self).expect("a manifest has nothing JSON cannot hold");
        write_durably(&generation.join("manifest.json"), text.as_bytes())
    }
}

/// Hex sha256.
pub(super) fn hash(parts: &[&[u8]]) -> String {
    let mut sha = Sha256::new();
    for part in parts {
        sha.update((part.len() as u64).to_le_bytes());
        sha.update(part);
    }
    format!("{:x}", sha.finalize())
}

pub(super) fn write_durably(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    durable::write(path, bytes).map_err(|error| Error::storage(path, &error))
}

/// The folder of generations.
#[derive(Clone, Debug)]
pub(super) struct Generations {
    root: PathBuf,
}

impl Generations {
    pub fn new(home: &Path) -> Self {
        Self { root: home.join("index") }
    }

    pub fn folder(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The cache of vectors, which serves all generations.
    pub fn vectors(&self) -> PathBuf {
        self.root.join("vectors.db")
    }

    /// Name of the current generation; `None` before the first build.
    pub fn current(&self) -> Option<String> {
        let name = fs::read_to_string(self.root.join("CURRENT")).ok()?;
        let name = name.trim();
        (!name.is_empty() && !name.contains(['/', '\\'])).then(|| name.to_owned())
    }

    /// Creates the folder of the next generation; the caller holds the build lock.
    pub fn begin(&self) -> Result<String, Error> {
        let last = self.names()?.iter().filter_map(|name| name.strip_prefix("gen-")?.parse::<u64>().ok()).max();
        let name = format!("gen-{:06}", last.unwrap_or(0) + 1);
        let folder = self.folder(&name);
        fs::create_dir_all(&folder).map_err(|error| Error::storage(&folder, &error))?;
        Ok(name)
    }

    /// Makes a complete generation the current one.
    pub fn commit(&self, name: &str) -> Result<(), Error> {
        let (next, current) = (self.root.join("CURRENT.next"), self.root.join("CURRENT"));
        write_durably(&next, name.as_bytes())?;
        fs::rename(&next, &current).map_err(|error| Error::storage(&current, &error))?;
        durable::sync_folder(&self.root);
        Ok(())
    }

    /// Removes generations other than the current one and `keep`, unless a reader holds them; returns the removed ones'
    /// names. What cannot be removed now is left to the next build.
    pub fn sweep(&self, keep: Option<&str>) -> Result<Vec<String>, Error> {
        let current = self.current();
        let mut removed = Vec::new();
        for name in self.names()? {
            if Some(&name) == current.as_ref() || Some(name.as_str()) == keep {
                continue;
            }
            let folder = self.folder(&name);
            let is_read = fs::File::open(folder.join("LOCK")).is_ok_and(|lock| lock.file().try_lock().is_err());
            if !is_read && fs::remove_dir_all(&folder).is_ok() {
                removed.push(name);
            }
        }
        Ok(removed)
    }

    fn names(&self) -> Result<Vec<String>, Error> {
        let Ok(entries) = fs::read_dir(&self.root) else { return Ok(Vec::new()) };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| Error::storage(&self.root, &error))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with("gen-") && entry.path().is_dir() {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// The lock that one build at a time holds, over all processes.
    pub fn lock(&self) -> Result<std::fs::File, Error> {
        fs::create_dir_all(&self.root).map_err(|error| Error::storage(&self.root, &error))?;
        let path = self.root.join("LOCK");
        let file = fs::File::create(&path).map_err(|error| Error::storage(&path, &error))?.into_parts().0;
        file.lock().map_err(|error| Error::storage(&path, &error))?;
        Ok(file)
    }
}
