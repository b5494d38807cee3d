//! Writes the drawn world into a folder: pages with a table of what was planted, and single marks sorted by identity.

use std::path::{Path, PathBuf};

use fs_err as fs;
use image::RgbImage;
use rayon::prelude::*;
use serde::Serialize;

use super::{Drawn, Identities, Origin, certificate, patch, readme, stream};
use crate::documents::{Error, Kind, disk};

/// What is written: so many pages, and marks of a number of identities that follows from it.
#[derive(Clone, Copy, Debug)]
pub struct Certificates {
    pub seed: u64,
    pub count: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Made {
    pub pages: usize,
    pub stamps: usize,
    pub signatures: usize,
    pub forged: usize,
    /// Identities of each kind with single marks.
    pub identities: usize,
}

pub const MAX_PAGES: usize = 100_000;
/// Marks of an identity among the single ones.
pub const GENUINE: usize = 6;
pub const FORGED: usize = 4;

impl Certificates {
    /// Writes into `folder`, which is made if it is not there.
    ///
    /// # Errors
    /// A number of pages out of range, a folder that holds something, a disk that does not take it.
    pub fn write(&self, folder: &Path) -> Result<Made, Error> {
        if !(1..=MAX_PAGES).contains(&self.count) {
            return Err(Error::Count { count: self.count, most: MAX_PAGES });
        }
        let pages = folder.join("pages");
        fs::create_dir_all(&pages).map_err(disk("create", &pages))?;
        if fs::read_dir(folder).map_err(disk("read", folder))?.flatten().count() > 1 {
            return Err(Error::NotEmpty { path: folder.into() });
        }
        let identities = Identities { seed: self.seed, first: 0, count: self.count.clamp(8, 400) / 2 };
        let drawn: Vec<Vec<[String; 8]>> = (0..self.count)
            .into_par_iter()
            .map(|page| {
                let certificate = certificate(&identities, &mut stream(self.seed, page as u64));
                let name = format!("{page:05}.png");
                save(&certificate.scan, &pages.join(&name))?;
                let row = |mark: &super::Placed| {
                    let area = mark.area;
                    let [left, top, right, bottom] =
                        [area.left, area.top, area.right, area.bottom].map(|at| format!("{at:.1}"));
                    let state = if mark.is_genuine { "genuine" } else { "forged" };
                    let identity = format!("{}-{:04}", mark.kind.word(), mark.identity);
                    [name.clone(), mark.kind.word().into(), identity, state.into(), left, top, right, bottom]
                };
                Ok(certificate.marks.iter().map(row).collect())
            })
            .collect::<Result<_, Error>>()?;
        let rows: Vec<[String; 8]> = drawn.into_iter().flatten().collect();
        let truth = folder.join("truth.csv");
        let mut csv = csv::Writer::from_path(&truth).map_err(|error| disk("write", &truth)(error.into()))?;
        let mut write = |row: &[&str]| csv.write_record(row).map_err(|error| disk("write", &truth)(error.into()));
        write(&["page", "kind", "identity", "state", "left", "top", "right", "bottom"])?;
        for row in &rows {
            write(&row.each_ref().map(String::as_str))?;
        }
        csv.flush().map_err(disk("write", &truth))?;
        for kind in Kind::ALL {
            self.write_marks(&folder.join(kind.word()), kind, &identities)?;
        }
        let count = |column: usize, word: &str| rows.iter().filter(|row| row[column] == word).count();
        let made = Made {
            pages: self.count,
            stamps: count(1, "stamp"),
            signatures: count(1, "signature"),
            forged: count(3, "forged"),
            identities: identities.count,
        };
        let path = folder.join("README.md");
        fs::write(&path, readme::text(self, &made)).map_err(disk("write", &path))?;
        Ok(made)
    }

    fn write_marks(&self, folder: &Path, kind: Kind, identities: &Identities) -> Result<(), Error> {
        (0..identities.count).into_par_iter().try_for_each(|identity| {
            let mut rng = stream(self.seed, 1 << 40 | (identity as u64) << 1 | u64::from(kind == Kind::Stamp));
            for at in 0..GENUINE + FORGED {
                let (state, origin) = match at.checked_sub(GENUINE) {
                    None => ("genuine", Origin::Genuine),
                    Some(forged) => ("forged", Origin::Forged(forged as u64 / 2)),
                };
                let path: PathBuf = folder.join(format!("{}-{identity:04}", kind.word())).join(state);
                fs::create_dir_all(&path).map_err(disk("create", &path))?;
                let drawn = Drawn::new(kind, self.seed, identity, origin, &mut rng);
                let (image, _) = patch(&drawn, &mut rng);
                save(&image, &path.join(format!("{at:02}.png")))?;
            }
            Ok(())
        })
    }
}

fn save(image: &RgbImage, path: &Path) -> Result<(), Error> {
    image.save(path).map_err(|source| Error::Unwritable { path: path.into(), source })
}
