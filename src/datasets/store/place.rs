//! Where datasets are kept.

use std::fmt;
use std::path::{Path, PathBuf};

use super::Store;
use crate::config::{Config, DatabaseUrl};
use crate::datasets::Error;

/// A SQLite file, or a PostgreSQL server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "a process has a handful of them")]
pub enum Place {
    File(PathBuf),
    Server(DatabaseUrl),
}

impl Place {
    /// The file of a home folder.
    pub fn in_home(home: &Path) -> Self {
        Self::File(Store::file(home))
    }

    /// Whether anything was kept there yet; of a server it is taken for granted.
    pub fn is_there(&self) -> bool {
        match self {
            Self::File(path) => path.is_file(),
            Self::Server(_) => true,
        }
    }

    /// # Errors
    /// As [`Store::open`] and [`Store::connect`].
    pub fn open(&self) -> Result<Store, Error> {
        match self {
            Self::File(path) => Store::open(path),
            Self::Server(url) => Store::connect(url),
        }
    }
}

impl From<&Config> for Place {
    /// The server where one is set, else the file of the home folder.
    fn from(config: &Config) -> Self {
        match &config.datasets_url {
            Some(url) => Self::Server(url.clone()),
            None => Self::in_home(&config.home),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Server(url) => url.fmt(f),
        }
    }
}
