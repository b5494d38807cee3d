//! A file that was carried here by hand: one of the catalogue's, known by its sha256, or a GGUF model of one's own.
//!
//! A file of one's own gets an entry in `<home>/catalog.toml`, made from its GGUF header. The header and the extent of
//! every tensor are checked, so that a file cut short is refused here and not when the engine loads it.

use std::path::{Path, PathBuf};

use candle_core::quantized::gguf_file::Value;

use super::catalog::{Entry, HOME_CATALOG, ModelFile, ModelRole, is_file_name};
use super::fetch::{Taken, link_or_copy};
use super::lock::{self, Lock};
use super::progress::{Event, Observer};
use super::receipt::Receipt;
use super::{Error, Store};
use crate::engine::Calls;
use crate::engine::arch::{Architecture, read_header};
use crate::lang::Language;

/// A file that was taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Name of its model from now on.
    pub name: String,
    pub path: PathBuf,
    /// Whether it is a model of one's own, which the catalogue did not know.
    pub is_own: bool,
}

impl Store {
    /// Takes over `file`. It is linked where the disk allows it, and copied otherwise; the original stays.
    ///
    /// # Errors
    /// A file that is neither the catalogue's nor sound GGUF, has an architecture the engine lacks, or would get a name
    /// that another model has; a disk that cannot be written.
    pub fn import(&self, file: &Path, observer: Observer<'_>) -> Result<Imported, Error> {
        observer(Event::Checking { file: &file.display().to_string() });
        let original = fs_err::canonicalize(file).map_err(Error::disk("read", file))?;
        let receipt = Receipt::make(&original).map_err(Error::disk("read", file))?;
        if let Some((entry, known)) = self.catalog.by_sha256(&receipt.sha256) {
            let path = self.take_over(&original, &entry.name, &known.path, receipt)?;
            return Ok(Imported { name: entry.name.clone(), path, is_own: false });
        }
        let entry = describe(file, &original, &receipt)?;
        if self.catalog.get(&entry.name).is_some() {
            return Err(Error::NameTaken { path: file.into(), name: entry.name });
        }
        let path = self.take_over(&original, &entry.name, &entry.files[0].path, receipt)?;
        self.enter(&entry)?;
        Ok(Imported { name: entry.name, path, is_own: true })
    }

    fn take_over(&self, original: &Path, model: &str, name: &str, receipt: Receipt) -> Result<PathBuf, Error> {
        let folder = self.folder(model);
        let _lock = Lock::take(&folder, || {}).map_err(Error::disk("lock", &folder))?;
        let target = folder.join(name);
        if fs_err::canonicalize(&target).is_ok_and(|target| target == original) {
            receipt.keep(&target).map_err(Error::disk("write the note beside", &target))?;
            return Ok(target);
        }
        let part = folder.join(format!("{name}.copy"));
        let taken = link_or_copy(original, &part).map_err(|error| match error.kind() {
            std::io::ErrorKind::StorageFull => {
                Error::DiskFull { model: model.into(), file: name.into(), path: part.clone(), bytes: receipt.bytes }
            }
            _ => Error::disk("write", &part)(error),
        })?;
        lock::place(&part, &target).map_err(Error::disk("move into place", &target))?;
        // A copy has a time of its own, and is read back once to know that it is a true one.
        let receipt = match taken {
            Taken::Linked => receipt,
            Taken::Copied => Receipt::make(&target).map_err(Error::disk("read", &target))?,
        };
        receipt.keep(&target).map_err(Error::disk("write the note beside", &target))?;
        Ok(target)
    }

    /// Adds `entry` to the home catalogue, leaving what a person wrote there as it is.
    fn enter(&self, entry: &Entry) -> Result<(), Error> {
        #[derive(serde::Serialize)]
        struct Addition<'a> {
            model: [&'a Entry; 1],
        }
        let path = self.home.join(HOME_CATALOG);
        let _lock = Lock::take(&self.home.join("models"), || {}).map_err(Error::disk("lock", &self.home))?;
        let mut text = match fs_err::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(Error::disk("read", &path)(error)),
        };
        let addition = toml::to_string(&Addition { model: [entry] }).expect("an entry is plain data");
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&addition);
        lock::write_whole(&path, text.as_bytes()).map_err(Error::disk("write", &path))
    }
}

/// The entry of a GGUF file that no catalogue knows.
fn describe(shown: &Path, file: &Path, receipt: &Receipt) -> Result<Entry, Error> {
    let bad = |reason: String| Error::BadGguf { path: shown.into(), reason };
    let reader = fs_err::File::open(file).map_err(Error::disk("read", shown))?;
    let content = read_header(reader).map_err(bad)?;
    let text = |key: &str| content.metadata.get(key).and_then(|value| value.to_string().ok());
    let architecture = text("general.architecture").ok_or_else(|| bad("it names no architecture".into()))?.clone();
    if Architecture::parse(&architecture).is_none() {
        return Err(Error::UnsupportedFile { path: shown.into(), architecture, supported: Architecture::SUPPORTED });
    }
    let number = |key: &str| {
        let value = content.metadata.get(&format!("{architecture}.{key}"))?;
        value.to_u64().ok().or_else(|| integer(value))
    };
    let need = |key: &str| number(key).ok_or_else(|| bad(format!("it does not say `{architecture}.{key}`")));
    let heads = need("attention.head_count")?.max(1);
    let head_len = number("attention.key_length").unwrap_or(need("embedding_length")? / heads);
    let kv_heads = number("attention.head_count_kv").unwrap_or(heads);
    let name =
        name_of(shown).ok_or_else(|| bad("a model needs a name, and the file's has no letter or digit".into()))?;
    Ok(Entry {
        roles: vec![ModelRole::Chat],
        licence: text("general.license").cloned().unwrap_or_else(|| "unknown".into()),
        // Not in the header. Both, so that a model of one's own is not kept from answering in either.
        languages: vec![Language::Ko, Language::En],
        parameters: content.tensor_infos.values().map(|tensor| tensor.shape.elem_count() as u64).sum(),
        context_len: usize::try_from(need("context_length")?).unwrap_or(usize::MAX),
        memory_bytes: receipt.bytes,
        kv_values: 2 * need("block_count")? * kv_heads * head_len,
        calls: Calls::default(),
        pinned: true,
        tests_only: false,
        note: Some("Imported.".into()),
        files: vec![ModelFile {
            path: format!("{name}.gguf"),
            bytes: receipt.bytes,
            sha256: Some(receipt.sha256.clone()),
            sources: Vec::new(),
        }],
        name,
        architecture,
    })
}

fn integer(value: &Value) -> Option<u64> {
    match value {
        Value::I32(number) => u64::try_from(*number).ok(),
        Value::I64(number) => u64::try_from(*number).ok(),
        _ => None,
    }
}

/// The file's stem, in letters a name may have.
fn name_of(file: &Path) -> Option<String> {
    let stem = file.file_stem()?.to_string_lossy().to_lowercase();
    let name: String =
        stem.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_') { c } else { '-' }).collect();
    let name = name.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned();
    is_file_name(&name).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_becomes_a_model_name() {
        let name = |file: &str| name_of(Path::new(file));
        assert_eq!(name("/x/My Model (v2).Q4_K_M.gguf").as_deref(), Some("my-model--v2-.q4_k_m"));
        assert_eq!(name("모델.gguf"), None);
    }
}
