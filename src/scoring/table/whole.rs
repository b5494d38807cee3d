//! A file read from its first row to its last, with its sha256: what a training learns from.

use std::io::{BufReader, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::{Purpose, Reader, Table};
use crate::scoring::Error;
use crate::scoring::mapping::Mapping;

/// All rows of a file, and its sha256.
pub fn read_whole(path: &Path, mapping: &Mapping, purpose: Purpose) -> Result<(Table, String), Error> {
    let name = path.display().to_string();
    // The source alone: fs_err would name the path a second time.
    let file = std::fs::File::open(path).map_err(|source| Error::Unreadable { name: name.clone(), source })?;
    let mut hashing = Hashing { inner: BufReader::with_capacity(1 << 20, file), sha: Sha256::new() };
    let table = Reader::open(&mut hashing, &name, mapping, purpose)?.read(usize::MAX)?;
    Ok((table, format!("{:x}", hashing.sha.finalize())))
}

/// The table, unless it has no rows or more than `max_bad_rows` that cannot be used.
pub fn usable(table: Table, name: &str, max_bad_rows: usize) -> Result<Table, Error> {
    let (refused, rows) = (table.refused.len(), table.num_rows() + table.refused.len());
    if refused > max_bad_rows {
        let (name, limit) = (name.into(), max_bad_rows);
        return Err(Error::BadRows { name, refused, rows, limit, examples: table.refused });
    }
    if table.num_rows() == 0 {
        return Err(Error::NoRows { name: name.into() });
    }
    Ok(table)
}

/// Takes the sha256 of what is read through it.
struct Hashing<R> {
    inner: R,
    sha: Sha256,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.sha.update(&buffer[..count]);
        Ok(count)
    }
}
