//! Files that several processes share: a lock that one holds at a time, and writes that are whole or not at all.

use std::fs::{File, TryLockError};
use std::path::Path;

use crate::durable;

/// Held until dropped; the system lets go of it when the process dies, so a kill leaves nothing to clear up.
pub struct Lock(#[expect(dead_code, reason = "held for its drop")] File);

impl Lock {
    /// Takes the lock of `folder`, calling `on_wait` once if another holds it.
    pub fn take(folder: &Path, on_wait: impl FnOnce()) -> std::io::Result<Self> {
        fs_err::create_dir_all(folder)?;
        let path = folder.join(".lock");
        let file = fs_err::OpenOptions::new().create(true).truncate(false).write(true).open(path)?.into_parts().0;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                on_wait();
                file.lock()?;
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        Ok(Self(file))
    }
}

/// Writes `bytes` beside `path`, then renames: a reader sees the old content or the new.
pub fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    durable::write(draft.as_ref(), bytes)?;
    fs_err::rename(draft, path)
}

/// Moves a finished file into place and sees to it that a power cut does not undo it.
pub fn place(from: &Path, to: &Path) -> std::io::Result<()> {
    fs_err::File::open(from)?.sync_all()?;
    fs_err::rename(from, to)?;
    #[cfg(unix)]
    if let Some(folder) = to.parent() {
        // A folder can be synced on Unix only; elsewhere the rename itself is durable enough.
        fs_err::File::open(folder)?.sync_all()?;
    }
    Ok(())
}
