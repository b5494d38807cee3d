//! The note that a file was checked: its sha256 with the size and time it had then, kept beside it.
//!
//! Hashing gigabytes at every start would cost seconds; a file whose size and time are those of the note is taken as
//! checked. `haetae models verify` is for those who want to know anew.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::lock;

/// What was found when the file was last hashed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    pub sha256: String,
    pub bytes: u64,
    modified_ns: u128,
}

impl Receipt {
    /// Hashes `file` now; nothing is written.
    pub fn make(file: &Path) -> std::io::Result<Self> {
        let metadata = fs_err::metadata(file)?;
        let sha256 = sha256_of(file)?;
        Ok(Self { sha256, bytes: metadata.len(), modified_ns: modified_ns(&metadata) })
    }

    /// A note that holds for no file, and keeps what the sha256 should be.
    pub fn doubt(sha256: String) -> Self {
        Self { sha256, bytes: 0, modified_ns: 0 }
    }

    /// The note beside `file`, if `file` still has the size and time it had then.
    pub fn of(file: &Path) -> Option<Self> {
        let metadata = fs_err::metadata(file).ok()?;
        let receipt: Self = serde_json::from_slice(&fs_err::read(note(file)).ok()?).ok()?;
        (receipt.bytes == metadata.len() && receipt.modified_ns == modified_ns(&metadata)).then_some(receipt)
    }

    /// The sha256 in the note beside `file`, whatever became of the file since.
    pub fn recorded_sha256(file: &Path) -> Option<String> {
        let receipt: Self = serde_json::from_slice(&fs_err::read(note(file)).ok()?).ok()?;
        Some(receipt.sha256)
    }

    /// Lays the note beside `file`.
    pub fn keep(&self, file: &Path) -> std::io::Result<()> {
        lock::write_whole(&note(file), &serde_json::to_vec(self).expect("three plain fields serialise"))
    }
}

fn note(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".verified");
    name.into()
}

fn modified_ns(metadata: &std::fs::Metadata) -> u128 {
    metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).map_or(0, |age| age.as_nanos())
}

/// The sha256 of a file, in lower-case hexadecimal.
pub fn sha256_of(file: &Path) -> std::io::Result<String> {
    let mut file = fs_err::File::open(file)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => hasher.update(&buffer[..read]),
        }
    }
    Ok(format!("{:x}", hasher.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_holds_until_the_file_changes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("m.gguf");
        fs_err::write(&file, "abc").unwrap();
        let receipt = Receipt::make(&file).unwrap();
        assert_eq!(receipt.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        receipt.keep(&file).unwrap();
        assert_eq!(Receipt::of(&file), Some(receipt.clone()));
        fs_err::write(&file, "abcd").unwrap();
        assert_eq!(Receipt::of(&file), None);
        assert_eq!(Receipt::recorded_sha256(&file), Some(receipt.sha256));
    }
}
