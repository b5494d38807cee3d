//! Originals that marks of documents are held to.
//!
//! Under `documents/` of the home folder: a PNG an original, and `registry.json`, which is swapped whole as the last act
//! of a change, so that a change killed at any point leaves the registry of before. Changes wait for each other.

use std::path::{Path, PathBuf};

use fs_err as fs;
use image::RgbImage;
use serde::{Deserialize, Serialize};

use super::mark::Mark;
use super::model::Model;
use super::page::Page;
use super::{Area, Error, Kind, disk};
use crate::durable;

/// An original.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Original {
    /// Also the name of its picture.
    pub id: String,
    /// Whose it is; one may have several originals.
    pub name: String,
    pub kind: Kind,
    /// Where the mark lies in its picture.
    pub area: Area,
    pub registered: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Written {
    originals: Vec<Original>,
}

#[derive(Clone, Debug)]
pub struct Registry {
    folder: PathBuf,
}

/// Paper kept around an original, in pixels of the file.
const MARGIN: f32 = 14.0;
const MAX_NAME: usize = 200;

impl Registry {
    pub fn new(home: &Path) -> Self {
        Self { folder: home.join("documents") }
    }

    /// All of them, in the order they were registered.
    ///
    /// # Errors
    /// A registry that cannot be read.
    pub fn list(&self) -> Result<Vec<Original>, Error> {
        let path = self.folder.join(REGISTRY);
        match fs::read(&path) {
            Ok(bytes) => {
                let written: Written =
                    serde_json::from_slice(&bytes).map_err(|source| Error::BadRegistry { path, source })?;
                Ok(written.originals)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(disk("read", &path)(error)),
        }
    }

    /// Takes over the mark of a picture: the surest of its kind, or all of a picture that is no page.
    ///
    /// # Errors
    /// A name that is empty or too long, a picture without such a mark, a disk that does not take it.
    pub fn register(&self, model: &Model, name: &str, kind: Kind, picture: &Path) -> Result<Original, Error> {
        let (name, shown) = (name.trim(), picture.display().to_string());
        if name.is_empty() || name.len() > MAX_NAME {
            return Err(Error::Name { length: name.len(), most: MAX_NAME });
        }
        let bytes = fs::read(picture).map_err(disk("read", picture))?;
        let page = Page::parse(&bytes, &shown)?;
        let area = model.area(&page, kind, &shown)?;
        Mark::cut(&page, &area, kind, &shown)?;
        let whole = image::load_from_memory(&bytes)
            .map_err(|error| Error::NotImage { name: shown, reason: error.to_string() })?;
        let (cut, area) = cut(&whole.into_rgb8(), &area.multiplied(page.reduction));
        let original = Original {
            id: uuid::Uuid::new_v4().to_string(),
            name: name.to_owned(),
            kind,
            area,
            registered: jiff::Timestamp::now().to_string(),
        };
        let mut png = std::io::Cursor::new(Vec::new());
        let path = self.picture(&original);
        cut.write_to(&mut png, image::ImageFormat::Png)
            .map_err(|source| Error::Unwritable { path: path.clone(), source })?;
        self.change(|originals| {
            durable::write(&path, png.get_ref()).map_err(disk("write", &path))?;
            originals.push(original.clone());
            Ok(())
        })?;
        Ok(original)
    }

    /// Takes all originals of a name out.
    ///
    /// # Errors
    /// There is none of that name; a disk that does not take the change.
    pub fn remove(&self, name: &str) -> Result<Vec<Original>, Error> {
        let mut removed = Vec::new();
        self.change(|originals| {
            let (gone, kept): (Vec<Original>, Vec<Original>) =
                originals.drain(..).partition(|original| original.name == name);
            *originals = kept;
            removed = gone;
            if removed.is_empty() { Err(unknown(name, originals)) } else { Ok(()) }
        })?;
        for original in &removed {
            // A picture that nothing names any more does no harm.
            let _ = fs::remove_file(self.picture(original));
        }
        Ok(removed)
    }

    /// Those of a name, or all.
    ///
    /// # Errors
    /// There is none of that name, or none at all.
    pub fn named(&self, name: Option<&str>) -> Result<Vec<Original>, Error> {
        let mut originals = self.list()?;
        if originals.is_empty() {
            return Err(Error::NoOriginals);
        }
        if let Some(name) = name {
            let known = originals.clone();
            originals.retain(|original| original.name == name);
            if originals.is_empty() {
                return Err(unknown(name, &known));
            }
        }
        Ok(originals)
    }

    /// # Errors
    /// A picture that is gone or was touched.
    pub fn mark(&self, original: &Original) -> Result<Mark, Error> {
        let page = Page::read(&self.picture(original))?;
        Mark::cut(&page, &original.area.divided(page.reduction), original.kind, &original.name)
    }

    fn picture(&self, original: &Original) -> PathBuf {
        self.folder.join(PICTURES).join(format!("{}.png", original.id))
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Original>) -> Result<(), Error>) -> Result<(), Error> {
        let pictures = self.folder.join(PICTURES);
        fs::create_dir_all(&pictures).map_err(disk("create", &pictures))?;
        let lock = self.folder.join("lock");
        // Two changes at once would each swap in a registry without the other's original.
        let held = std::fs::File::create(&lock).map_err(disk("create", &lock))?;
        held.lock().map_err(disk("lock", &lock))?;
        let mut written = Written { originals: self.list()? };
        change(&mut written.originals)?;
        let json = serde_json::to_vec_pretty(&written).expect("originals are plain text and figures");
        let (next, path) = (self.folder.join(format!("{REGISTRY}.next")), self.folder.join(REGISTRY));
        durable::sync_folder(&pictures);
        durable::write(&next, &json).map_err(disk("write", &next))?;
        fs::rename(&next, &path).map_err(disk("swap", &path))?;
        durable::sync_folder(&self.folder);
        Ok(())
    }
}

const REGISTRY: &str = "registry.json";
const PICTURES: &str = "originals";

fn unknown(name: &str, originals: &[Original]) -> Error {
    let mut known: Vec<String> = originals.iter().map(|original| format!("`{}`", original.name)).collect();
    known.sort();
    known.dedup();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Error::UnknownName { name: name.into(), known }
}

/// The mark with some paper around it, and where it lies there.
fn cut(picture: &RgbImage, area: &Area) -> (RgbImage, Area) {
    let grown = area.grown(MARGIN);
    let (left, top) = (grown.left.max(0.0) as u32, grown.top.max(0.0) as u32);
    let right = (grown.right.ceil() as u32).min(picture.width());
    let bottom = (grown.bottom.ceil() as u32).min(picture.height());
    let cut = image::imageops::crop_imm(picture, left, top, right - left, bottom - top).to_image();
    let (x, y) = (left as f32, top as f32);
    (cut, Area { left: area.left - x, top: area.top - y, right: area.right - x, bottom: area.bottom - y })
}
