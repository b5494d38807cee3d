//! Files that outlive a power cut. In: a path and bytes. Out: the bytes on the disk, not in its cache. Knows nothing of
//! what is written, nor of names that are swapped: whoever needs both writes under one name and renames.

use std::io::{Result, Write};
use std::path::Path;

/// Writes a file and waits until the disk has it.
///
/// # Errors
/// Those of creating, writing and syncing, with the path.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = fs_err::File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Has a folder's names reach the disk, a rename among them; where folders cannot be synced, the system does it in its
/// own time.
pub fn sync_folder(folder: &Path) {
    if let Ok(folder) = fs_err::File::open(folder) {
        let _ = folder.sync_all();
    }
}
