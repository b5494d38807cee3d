//! Models on disk, and which of them serves.
//!
//! `<home>/scoring/<kind>/` holds one folder a version and the file `CURRENT` with the name of one. A version is written
//! under a name that nothing reads, synced and renamed whole, and `CURRENT` is swapped as the last act, so a training
//! killed at any point leaves the old model serving. What a killed training left behind goes with the next one.

use std::path::{Path, PathBuf};

use fs_err as fs;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::mapping::Origin;
use super::{Error, Model, Report, card};
use crate::durable;

/// The name of a version made at `now`; names sort by time.
pub fn version_at(now: jiff::Timestamp) -> String {
    now.strftime("%Y%m%dT%H%M%S%3fZ").to_string()
}

/// Counts up whenever the files of a version are laid out otherwise.
const FORMAT: u32 = 1;
/// How names of versions in the making begin; no version's does.
const UNFINISHED: &str = ".unfinished-";

/// What stands in a version's folder, with each file's sha256.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    format: u32,
    version: String,
    trained_on: Origin,
    /// sha256 of the files learnt from.
    data: Vec<String>,
    files: Vec<(String, String)>,
}

/// The versions of one kind of model.
#[derive(Clone, Debug)]
pub struct Shelf {
    root: PathBuf,
    /// As it is typed: `risk`, `hs`, `delinquency`, `documents`.
    kind: &'static str,
}

/// A version about to be written.
pub(crate) struct Version<'a> {
    pub name: &'a str,
    pub trained_on: Origin,
    /// sha256 of the files learnt from.
    pub data: Vec<String>,
    pub files: Vec<(&'static str, Vec<u8>)>,
}

impl Shelf {
    pub fn risk(home: &Path) -> Self {
        Self { root: home.join("scoring").join("risk"), kind: "risk" }
    }

    pub fn hs(home: &Path) -> Self {
        Self { root: home.join("scoring").join("hs"), kind: "hs" }
    }

    pub fn delinquency(home: &Path) -> Self {
        Self { root: home.join("scoring").join("delinquency"), kind: "delinquency" }
    }

    pub fn documents(home: &Path) -> Self {
        Self { root: home.join("scoring").join("documents"), kind: "documents" }
    }

    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// Whether a version was put here and made the one that serves.
    pub fn has_version(&self) -> bool {
        self.root.join("CURRENT").is_file()
    }

    /// Whether the version that serves learnt from files; yes, where that cannot be told.
    pub fn learnt_from_tables(&self) -> bool {
        let manifest = self.serving().ok().and_then(|version| manifest(&self.root.join(version)).ok());
        manifest.is_none_or(|manifest| !manifest.data.is_empty())
    }

    /// The name of the version that serves.
    ///
    /// # Errors
    /// None was trained yet, or what should name it names none.
    pub fn serving(&self) -> Result<String, Error> {
        let name = fs::read_to_string(self.root.join("CURRENT")).map_err(|_| Error::NoModel { kind: self.kind })?;
        let name = name.trim();
        if name.is_empty() || name.starts_with('.') || name.contains(['/', '\\']) {
            return Err(self.bad(&self.root.join(name), "`CURRENT` names no version"));
        }
        Ok(name.to_owned())
    }

    /// Writes a model with its report and cards, and makes it the one that serves.
    ///
    /// # Errors
    /// A disk that does not take it; the model of before still serves then.
    pub fn put(&self, model: &Model, report: &Report) -> Result<PathBuf, Error> {
        self.put_version(&version(model, report))
    }

    /// The model that serves.
    ///
    /// # Errors
    /// None was trained yet, or its files are not what was written.
    pub fn current(&self) -> Result<Model, Error> {
        let (folder, [bytes]) = self.read_current([MODEL])?;
        let model: Model = serde_json::from_slice(&bytes).map_err(|error| self.bad(&folder, error.to_string()))?;
        model.check().map_err(|reason| self.bad(&folder, reason))?;
        Ok(model)
    }

    /// Writes a version and makes it the one that serves.
    ///
    /// # Errors
    /// A disk that does not take it; the version of before still serves then.
    pub(crate) fn put_version(&self, version: &Version<'_>) -> Result<PathBuf, Error> {
        fs::create_dir_all(&self.root).map_err(disk("create", &self.root))?;
        self.sweep();
        let unfinished = self.root.join(format!("{UNFINISHED}{}-{}", std::process::id(), version.name));
        let folder = self.root.join(version.name);
        let written = write(&unfinished, version);
        let named = written.and_then(|()| fs::rename(&unfinished, &folder).map_err(disk("name", &folder)));
        if named.is_err() {
            // Half a model is of no use to anyone; that it could not be written is what must be told.
            let _ = fs::remove_dir_all(&unfinished);
        }
        named?;
        self.point_to(version.name)?;
        Ok(folder)
    }

    /// The folder of the version that serves and these files of it, each held to its sha256.
    ///
    /// # Errors
    /// None was trained yet, or its files are not what was written.
    pub(crate) fn read_current<const N: usize>(&self, names: [&str; N]) -> Result<(PathBuf, [Vec<u8>; N]), Error> {
        let folder = self.root.join(self.serving()?);
        let bad = |reason: String| self.bad(&folder, reason);
        let manifest = manifest(&folder).map_err(|error| bad(error.to_string()))?;
        if manifest.format != FORMAT {
            return Err(bad(format!("it has format {}, and this is {FORMAT}", manifest.format)));
        }
        let mut read = [const { Vec::new() }; N];
        for (bytes, name) in read.iter_mut().zip(names) {
            *bytes = fs::read(folder.join(name)).map_err(|error| bad(error.to_string()))?;
            let recorded = manifest.files.iter().find(|(file, _)| file == name);
            if recorded.is_none_or(|(_, sha256)| *sha256 != hex_sha256(bytes)) {
                return Err(bad(format!("`{name}` is not what was written, by its sha256")));
            }
        }
        Ok((folder, read))
    }

    pub(crate) fn bad(&self, folder: &Path, reason: impl Into<String>) -> Error {
        Error::BadModel { kind: self.kind, path: folder.into(), reason: reason.into() }
    }

    fn point_to(&self, version: &str) -> Result<(), Error> {
        let (next, current) = (self.root.join(format!("{UNFINISHED}CURRENT")), self.root.join("CURRENT"));
        write_durably(&next, version.as_bytes())?;
        fs::rename(&next, &current).map_err(disk("swap", &current))?;
        durable::sync_folder(&self.root);
        Ok(())
    }

    /// Removes what killed trainings left. One that is still running under another process is left alone.
    fn sweep(&self) {
        let Ok(entries) = fs::read_dir(&self.root) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_old = entry
                .metadata()
                .and_then(|data| data.modified())
                .is_ok_and(|time| time.elapsed().is_ok_and(|age| age > std::time::Duration::from_secs(600)));
            if name.starts_with(UNFINISHED) && is_old {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }
}

fn version<'a>(model: &'a Model, report: &Report) -> Version<'a> {
    let schema = toml::to_string_pretty(&model.mapping).expect("a mapping came from TOML");
    Version {
        name: &model.version,
        trained_on: model.trained_on,
        data: report.files.iter().map(|file| file.sha256.clone()).collect(),
        files: vec![
            (MODEL, json(serde_json::to_vec(model))),
            ("schema.toml", schema.into_bytes()),
            ("metrics.json", json(serde_json::to_vec_pretty(report))),
            ("card.en.md", card::english(model, report).into_bytes()),
            ("card.ko.md", card::korean(model, report).into_bytes()),
        ],
    }
}

fn manifest(folder: &Path) -> std::io::Result<Manifest> {
    Ok(serde_json::from_slice(&fs::read(folder.join("manifest.json"))?)?)
}

fn write(folder: &Path, version: &Version<'_>) -> Result<(), Error> {
    fs::create_dir(folder).map_err(disk("create", folder))?;
    let Version { name, trained_on, data, files } = version;
    let manifest = Manifest {
        format: FORMAT,
        version: (*name).to_owned(),
        trained_on: *trained_on,
        data: data.clone(),
        files: files.iter().map(|(name, bytes)| ((*name).to_owned(), hex_sha256(bytes))).collect(),
    };
    for (name, bytes) in files {
        write_durably(&folder.join(name), bytes)?;
    }
    write_durably(&folder.join("manifest.json"), &json(serde_json::to_vec_pretty(&manifest)))?;
    durable::sync_folder(folder);
    Ok(())
}

pub(super) fn json(written: serde_json::Result<Vec<u8>>) -> Vec<u8> {
    written.expect("models and reports have nothing JSON cannot hold")
}

/// The file that scores hang on.
const MODEL: &str = "model.json";

/// Hex sha256.
pub(crate) fn hex_sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

fn write_durably(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    durable::write(path, bytes).map_err(disk("write", path))
}

fn disk(act: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    move |source| Error::Disk { act, path: path.into(), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scoring::mapping::Mapping;
    use crate::scoring::model::tests::model;
    use crate::scoring::report::tests::report;

    fn put(shelf: &Shelf, version: &str) -> PathBuf {
        shelf.put(&model(version), &report(version)).unwrap()
    }

    #[test]
    fn the_last_one_put_serves_and_the_others_stay() {
        let home = tempfile::tempdir().unwrap();
        let shelf = Shelf::risk(home.path());
        assert!(matches!(shelf.current(), Err(Error::NoModel { kind: "risk" })));
        let first = put(&shelf, "v1");
        put(&shelf, "v2");
        assert_eq!(shelf.current().unwrap(), model("v2"));
        assert!(first.join("model.json").exists());
        let names: Vec<String> = ["card.en.md", "card.ko.md", "manifest.json", "metrics.json", "schema.toml"]
            .iter()
            .map(|name| fs::read_to_string(first.join(name)).unwrap())
            .collect();
        assert!(names.iter().all(|text| text.contains("v1") || text.contains("kr-declarations")));
        assert_eq!(Mapping::parse(&names[4], "schema.toml").unwrap(), model("v1").mapping);
    }

    #[test]
    fn what_a_killed_training_leaves_changes_nothing() {
        let home = tempfile::tempdir().unwrap();
        let shelf = Shelf::risk(home.path());
        put(&shelf, "v1");
        // Killed while writing: half a model under a name that nothing reads.
        let half = shelf.root.join(format!("{UNFINISHED}99-v2"));
        fs::create_dir(&half).unwrap();
        fs::write(half.join(MODEL), "{\"version\":").unwrap();
        // Killed between the two renames: a whole version that is not current, and half a pointer.
        write(&shelf.root.join("v3"), &version(&model("v3"), &report("v3"))).unwrap();
        fs::write(shelf.root.join(format!("{UNFINISHED}CURRENT")), "v").unwrap();
        assert_eq!(shelf.current().unwrap().version, "v1");
        put(&shelf, "v4");
        assert_eq!(shelf.current().unwrap().version, "v4");
    }

    #[test]
    fn a_version_that_cannot_be_written_leaves_the_old_one_and_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        let shelf = Shelf::risk(home.path());
        put(&shelf, "v1");
        // The name is taken by a folder that is not empty, so the rename fails.
        fs::create_dir_all(shelf.root.join("v2/x")).unwrap();
        let error = shelf.put(&model("v2"), &report("v2")).unwrap_err();
        assert!(matches!(error, Error::Disk { act: "name", .. }), "{error}");
        assert_eq!(shelf.current().unwrap().version, "v1");
        let left = fs::read_dir(&shelf.root)
            .unwrap()
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(UNFINISHED));
        assert_eq!(left.count(), 0);
    }

    #[test]
    fn a_model_that_was_touched_is_not_served() {
        let home = tempfile::tempdir().unwrap();
        let shelf = Shelf::risk(home.path());
        let folder = put(&shelf, "v1");
        let reason = || match shelf.current() {
            Err(Error::BadModel { reason, .. }) => reason,
            other => panic!("{other:?}"),
        };
        let text = fs::read_to_string(folder.join(MODEL)).unwrap();
        fs::write(folder.join(MODEL), text.replace("0.5", "0.6")).unwrap();
        assert!(reason().contains("sha256"));
        fs::remove_file(folder.join(MODEL)).unwrap();
        assert!(reason().contains("model.json"));
        fs::write(shelf.root.join("CURRENT"), "../elsewhere").unwrap();
        assert!(reason().contains("names no version"));
    }
}
