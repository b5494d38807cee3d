//! Every stored file hashed anew and held against what it should be.

use std::path::PathBuf;

use super::catalog::{Entry, ModelFile};
use super::progress::{Event, Observer};
use super::receipt::Receipt;
use super::{Error, Store};

/// What a look at one file found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    pub model: String,
    pub path: PathBuf,
    pub outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Sound {
        bytes: u64,
    },
    Broken {
        expected: String,
        found: String,
    },
    /// Of a model whose other files are here.
    Missing,
}

impl Store {
    /// Looks at every file of every model of which something is here, and notes what it finds, so that a broken file
    /// is fetched anew the next time its model is asked for.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn verify(&self, observer: Observer<'_>) -> Result<Vec<Checked>, Error> {
        let mut checked = Vec::new();
        for entry in self.catalog.entries() {
            if entry.files.iter().any(|file| self.path(entry, file).is_file()) {
                for file in &entry.files {
                    checked.push(self.verify_file(entry, file, observer)?);
                }
            }
        }
        Ok(checked)
    }

    fn verify_file(&self, entry: &Entry, file: &ModelFile, observer: Observer<'_>) -> Result<Checked, Error> {
        let path = self.path(entry, file);
        let checked = |outcome| Checked { model: entry.name.clone(), path: path.clone(), outcome };
        if !path.is_file() {
            return Ok(checked(Outcome::Missing));
        }
        observer(Event::Checking { file: &file.path });
        // An unpinned file is held against what it was when it came.
        let expected = file.sha256.clone().or_else(|| Receipt::recorded_sha256(&path));
        let receipt = Receipt::make(&path).map_err(Error::disk("read", &path))?;
        match expected {
            Some(expected) if expected != receipt.sha256 => {
                // Size and time may be those of the sound file, and then the note would still vouch for it.
                let doubt = Receipt::doubt(expected.clone());
                doubt.keep(&path).map_err(Error::disk("write the note beside", &path))?;
                Ok(checked(Outcome::Broken { expected, found: receipt.sha256 }))
            }
            _ => {
                receipt.keep(&path).map_err(Error::disk("write the note beside", &path))?;
                Ok(checked(Outcome::Sound { bytes: receipt.bytes }))
            }
        }
    }
}
