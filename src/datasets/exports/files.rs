//! The files of an export while they are written: hashed as they grow, on the disk before the manifest names them.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Format;
use super::manifest::{FileEntry, MANIFEST, Manifest};
use crate::datasets::store::Dataset;
use crate::datasets::{Error, row_hex};
use crate::durable;

struct Open {
    writer: BufWriter<fs_err::File>,
    hash: Sha256,
    num_bytes: u64,
    num_rows: usize,
}

/// Files under one folder, opened when first written to.
pub(super) struct Files {
    folder: PathBuf,
    open: BTreeMap<String, Open>,
    done: Vec<FileEntry>,
}

impl Files {
    pub fn create(folder: &Path) -> Result<Self, Error> {
        let failed = |source| Error::File { act: "exporting", path: folder.into(), source };
        fs_err::create_dir_all(folder).map_err(failed)?;
        if fs_err::read_dir(folder).map_err(failed)?.next().is_some() {
            return Err(Error::Format { path: folder.into(), reason: "the folder is not empty".into() });
        }
        Ok(Self { folder: folder.into(), open: BTreeMap::new(), done: Vec::new() })
    }

    fn failed(&self, path: &str) -> impl Fn(std::io::Error) -> Error + use<> {
        let path = self.folder.join(path);
        move |source| Error::File { act: "exporting", path: path.clone(), source }
    }

    fn make_folder_of(&self, path: &str) -> Result<PathBuf, Error> {
        let full = self.folder.join(path);
        if let Some(parent) = full.parent() {
            fs_err::create_dir_all(parent).map_err(self.failed(path))?;
        }
        Ok(full)
    }

    fn append(&mut self, path: &str, bytes: &[u8], num_rows: usize) -> Result<(), Error> {
        let failed = self.failed(path);
        if !self.open.contains_key(path) {
            let full = self.make_folder_of(path)?;
            let writer = BufWriter::new(fs_err::File::create(full).map_err(&failed)?);
            self.open.insert(path.into(), Open { writer, hash: Sha256::new(), num_bytes: 0, num_rows: 0 });
        }
        if let Some(file) = self.open.get_mut(path) {
            file.writer.write_all(bytes).map_err(&failed)?;
            file.hash.update(bytes);
            file.num_bytes += bytes.len() as u64;
            file.num_rows += num_rows;
        }
        Ok(())
    }

    /// Whether nothing was written to that file yet.
    pub fn is_new(&self, path: &str) -> bool {
        !self.open.contains_key(path)
    }

    /// Appends a row.
    pub fn line(&mut self, path: &str, line: &str) -> Result<(), Error> {
        self.append(path, format!("{line}\n").as_bytes(), 1)
    }

    /// Appends text that is no row of its own, or several.
    pub fn text(&mut self, path: &str, text: &str, num_rows: usize) -> Result<(), Error> {
        self.append(path, text.as_bytes(), num_rows)
    }

    /// Appends a row of JSON.
    pub fn json(&mut self, path: &str, value: &impl Serialize) -> Result<(), Error> {
        let line = serde_json::to_string(value).map_err(|source| Error::Corrupt { row: 0, source })?;
        self.line(path, &line)
    }

    /// Writes a file at once.
    pub fn whole(&mut self, path: &str, bytes: &[u8]) -> Result<(), Error> {
        self.append(path, bytes, 0)
    }

    /// A file that something else writes; [`Self::written`] takes it in afterwards.
    pub fn elsewhere(&self, path: &str) -> Result<PathBuf, Error> {
        self.make_folder_of(path)
    }

    pub fn written(&mut self, path: &str, num_rows: usize) -> Result<(), Error> {
        let full = self.folder.join(path);
        let (sha256, num_bytes) = super::manifest::digest(&full)?;
        self.done.push(FileEntry { path: path.into(), sha256, bytes: num_bytes, num_rows });
        Ok(())
    }

    /// Brings every file to the disk and writes the manifest.
    pub fn finish(mut self, dataset: &Dataset, format: Format, num_rows: usize) -> Result<Manifest, Error> {
        for (path, file) in std::mem::take(&mut self.open) {
            let failed = self.failed(&path);
            let written = file.writer.into_inner().map_err(|error| failed(error.into_error()))?;
            written.sync_all().map_err(&failed)?;
            self.done.push(FileEntry {
                path,
                sha256: row_hex(&file.hash.finalize()),
                bytes: file.num_bytes,
                num_rows: file.num_rows,
            });
        }
        self.done.sort_by(|a, b| a.path.cmp(&b.path));
        let manifest = Manifest {
            format,
            dataset: dataset.name.clone(),
            corpus: dataset.corpus.clone(),
            num_rows,
            files: std::mem::take(&mut self.done),
        };
        let text = serde_json::to_string_pretty(&manifest).map_err(|source| Error::Corrupt { row: 0, source })?;
        durable::write(&self.folder.join(MANIFEST), format!("{text}\n").as_bytes()).map_err(self.failed(MANIFEST))?;
        durable::sync_folder(&self.folder);
        Ok(manifest)
    }
}
