//! What an export consists of, with the SHA-256 of every file.

use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Format;
use crate::datasets::{Error, row_hex};

/// Its name in the folder of an export.
pub const MANIFEST: &str = "manifest.json";

/// The files of an export.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    pub format: Format,
    pub dataset: String,
    pub corpus: String,
    pub num_rows: usize,
    pub files: Vec<FileEntry>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Within the folder.
    pub path: String,
    pub sha256: String,
    pub bytes: u64,
    pub num_rows: usize,
}

/// SHA-256 and size of a file.
pub(super) fn digest(path: &Path) -> Result<(String, u64), Error> {
    let failed = |source| Error::File { act: "reading", path: path.into(), source };
    let mut file = fs_err::File::open(path).map_err(failed)?;
    let (mut hash, mut num_bytes, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 16]);
    loop {
        let num_read = file.read(&mut buffer).map_err(failed)?;
        if num_read == 0 {
            return Ok((row_hex(&hash.finalize()), num_bytes));
        }
        hash.update(&buffer[..num_read]);
        num_bytes += num_read as u64;
    }
}

impl Manifest {
    /// Reads the manifest of a folder and holds every file against it.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Format`]; [`Error::Changed`] for a file that is not as it was written.
    pub fn verified(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(MANIFEST);
        let failed = |source| Error::File { act: "reading", path: path.clone(), source };
        let text = fs_err::read_to_string(&path).map_err(failed)?;
        let manifest: Self = serde_json::from_str(&text)
            .map_err(|error| Error::Format { path: path.clone(), reason: error.to_string() })?;
        for file in &manifest.files {
            let inside = Path::new(&file.path).components().all(|part| matches!(part, std::path::Component::Normal(_)));
            if !inside {
                let reason = format!("`{}` leads out of the folder", file.path);
                return Err(Error::Format { path, reason });
            }
            let full = folder.join(&file.path);
            let (found, _) = digest(&full)?;
            if found != file.sha256 {
                return Err(Error::Changed { path: full, found, expected: file.sha256.clone() });
            }
        }
        Ok(manifest)
    }
}
