//! Where documents come from: the corpora built into the binary, and the user's own under `<home>/corpora/<name>/`.
//! Out: files to be read; what they hold is the business of the other modules here.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::is_supported;
use crate::assets;

/// A file of a corpus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    pub corpus: String,
    /// Its name within the corpus.
    pub name: String,
    /// Where it lies; `None` for what is built in.
    pub path: Option<PathBuf>,
}

impl SourceFile {
    /// The bytes of the file.
    ///
    /// # Errors
    /// Those of reading it; they name the path.
    pub fn read(&self) -> std::io::Result<Cow<'static, [u8]>> {
        match &self.path {
            Some(path) => fs_err::read(path).map(Cow::Owned),
            None => {
                assets::Corpora::get(&format!("{}/{}", self.corpus, self.name)).map(|file| file.data).ok_or_else(|| {
                    std::io::Error::new(std::io::ErrorKind::NotFound, format!("{} is not built in", self.name))
                })
            }
        }
    }

    /// The name errors speak of.
    pub fn shown(&self) -> PathBuf {
        self.path.clone().unwrap_or_else(|| Path::new("corpora").join(&self.corpus).join(&self.name))
    }
}

/// Every file of every corpus, in a fixed order. A missing home folder has no corpora.
///
/// # Errors
/// Those of listing the folders.
pub fn source_files(home: &Path) -> std::io::Result<Vec<SourceFile>> {
    let mut files = Vec::new();
    for embedded in assets::Corpora::iter() {
        if let Some((corpus, name)) = embedded.split_once('/')
            && is_document(Path::new(name))
        {
            files.push(SourceFile { corpus: corpus.into(), name: name.into(), path: None });
        }
    }
    let folder = home.join("corpora");
    if folder.is_dir() {
        for entry in fs_err::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                let corpus = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                walk(&path, &path, &corpus, &mut files)?;
            }
        }
    }
    files.sort_by(|a, b| (&a.corpus, &a.name).cmp(&(&b.corpus, &b.name)));
    Ok(files)
}

fn walk(root: &Path, folder: &Path, corpus: &str, files: &mut Vec<SourceFile>) -> std::io::Result<()> {
    for entry in fs_err::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(root, &path, corpus, files)?;
        } else if is_document(&path) {
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            files.push(SourceFile { corpus: corpus.into(), name, path: Some(path) });
        }
    }
    Ok(())
}

/// Hidden files and readmes speak of the corpus, not of its matter.
fn is_document(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    is_supported(path) && !name.starts_with('.') && !name.eq_ignore_ascii_case("readme.md")
}
