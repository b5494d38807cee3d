//! Measuring on a folder of pictures: the way to learn how good a model is on real documents.
//!
//! In: `IDENTITY/genuine/` and `IDENTITY/forged/` with pictures of one kind of mark, or a folder as `demo certificates`
//! writes it: `stamp/` and `signature/` of that form, `pages/` and `truth.csv`. Out: error rates, and how many marks were
//! found. Pictures that cannot be used are counted and named.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fs_err as fs;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::draw::{Origin, Placed};
use super::find::{Finding, Looked, judge_finding};
use super::measure::{Figure, share};
use super::model::{Model, index};
use super::page::Page;
use super::report::{Compared, shown};
use super::sample::Sample;
use super::train::weigh;
use super::{Area, Error, Kind, disk};

/// What was measured of a folder.
#[derive(Clone, Debug, Serialize)]
pub struct Measurement {
    pub model: String,
    pub marks: BTreeMap<Kind, OfMarks>,
    pub pages: BTreeMap<Kind, Finding>,
    pub not_used: Vec<String>,
}

/// What was measured of single marks.
#[derive(Clone, Debug, Serialize)]
pub struct OfMarks {
    pub pictures: usize,
    /// Share of pictures in which a mark of the kind was found; the others were taken whole.
    pub found: Option<Figure>,
    #[serde(flatten)]
    pub compared: Compared,
}

/// A row of `truth.csv`.
#[derive(Debug, Deserialize)]
struct Row {
    page: String,
    kind: Kind,
    state: String,
    #[serde(flatten)]
    area: Area,
}

/// Measures `model` on a folder; `kind` says what its pictures show, where the folder itself does not.
///
/// # Errors
/// A folder of no known form or without identities, a disk that cannot be read.
pub fn measure(model: &Model, folder: &Path, kind: Option<Kind>) -> Result<Measurement, Error> {
    let mut measurement = Measurement {
        model: model.version().to_owned(),
        marks: BTreeMap::new(),
        pages: BTreeMap::new(),
        not_used: Vec::new(),
    };
    let sorted: Vec<(Kind, PathBuf)> = match kind {
        Some(kind) => vec![(kind, folder.to_owned())],
        None => {
            let of_kind = Kind::ALL.map(|kind| (kind, folder.join(kind.word())));
            of_kind.into_iter().filter(|(_, path)| path.is_dir()).collect()
        }
    };
    for (kind, path) in sorted {
        let measured = marks(model, &path, kind, &mut measurement.not_used)?;
        measurement.marks.insert(kind, measured);
    }
    let truth = folder.join("truth.csv");
    if kind.is_none() && truth.is_file() {
        let judged = pages(model, folder, &truth)?;
        measurement.pages = Kind::ALL.into_iter().map(|kind| (kind, judge_finding(kind, &judged))).collect();
    }
    if measurement.marks.is_empty() && measurement.pages.is_empty() {
        return Err(Error::UnknownFolder { path: folder.into() });
    }
    Ok(measurement)
}

fn marks(model: &Model, folder: &Path, kind: Kind, not_used: &mut Vec<String>) -> Result<OfMarks, Error> {
    let mut pictures: Vec<(usize, Origin, PathBuf)> = Vec::new();
    let mut num_identities = 0;
    for identity in entries(folder)?.into_iter().filter(|path| path.is_dir()) {
        for (name, origin) in [("genuine", Origin::Genuine), ("forged", Origin::Forged(0))] {
            let state = identity.join(name);
            if state.is_dir() {
                pictures.extend(entries(&state)?.into_iter().map(|path| (num_identities, origin, path)));
            }
        }
        num_identities += 1;
    }
    let read = |(identity, origin, path): &(usize, Origin, PathBuf)| {
        let name = path.display().to_string();
        let page = Page::read(path)?;
        let is_found = model.find(&page).iter().any(|found| found.kind == kind);
        let mark = model.mark(&page, kind, &name)?;
        Ok((Sample { mark, identity: *identity, origin: *origin }, is_found))
    };
    let read: Vec<Result<(Sample, bool), Error>> = pictures.par_iter().map(read).collect();
    let mut samples: Vec<Vec<Sample>> = vec![Vec::new(); num_identities];
    let (mut num_read, mut num_found) = (0, 0);
    for result in read {
        match result {
            Ok((sample, is_found)) => {
                num_read += 1;
                num_found += usize::from(is_found);
                samples[sample.identity].push(sample);
            }
            Err(error) => not_used.push(error.to_string()),
        }
    }
    samples.retain(|own| own.iter().any(|sample| sample.origin == Origin::Genuine));
    if samples.len() < 2 {
        return Err(Error::TooFewIdentities { path: folder.into(), found: samples.len() });
    }
    let at = index(kind);
    let weighed = weigh(&model.networks[at], &samples, 0)?;
    let compared = Compared::new(&weighed, &model.stored.judges[at], None);
    Ok(OfMarks { pictures: num_read, found: share(num_found, num_read), compared })
}

/// What was found on each page beside its truth.
fn pages(model: &Model, folder: &Path, truth: &Path) -> Result<Vec<Looked>, Error> {
    let bad = |error: csv::Error| Error::BadTruth { path: truth.into(), reason: error.to_string() };
    let mut of: BTreeMap<String, Vec<Placed>> = BTreeMap::new();
    for path in entries(&folder.join("pages"))? {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        of.insert(name.unwrap_or_default(), Vec::new());
    }
    for row in csv::Reader::from_path(truth).map_err(bad)?.deserialize() {
        let Row { page, kind, state, area } = row.map_err(bad)?;
        let placed = Placed { kind, identity: 0, is_genuine: state == "genuine", area };
        let held = of.get_mut(&page);
        let reason = format!("it names the page `{page}`, which is not in `pages/`");
        held.ok_or(Error::BadTruth { path: truth.into(), reason })?.push(placed);
    }
    let look = |(name, placed): (String, Vec<Placed>)| {
        let page = Page::read(&folder.join("pages").join(name))?;
        Ok(Looked { found: model.find(&page), placed, has_colour: page.has_colour })
    };
    of.into_par_iter().map(look).collect()
}

/// What is in a folder, by name.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let read = fs::read_dir(folder).map_err(disk("read", folder))?;
    let mut paths: Vec<PathBuf> = read.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    Ok(paths)
}

impl Measurement {
    pub fn in_words(&self) -> String {
        let mut text = String::new();
        for (kind, of) in &self.marks {
            text.push_str(&of.compared.in_words(*kind));
            text.push_str(&format!("  {:40} {}\n", "pictures in which a mark was found", shown(of.found)));
        }
        for (kind, finding) in &self.pages {
            text.push_str(&format!("pages: {} marks of kind {}\n", finding.marks, kind.word()));
            text.push_str(&format!("  {:40} {}\n", "found (recall)", shown(finding.recall)));
            text.push_str(&format!("  {:40} {}\n", "of them on grey scans", shown(finding.recall_without_colour)));
            text.push_str(&format!("  {:40} {}\n", "boxes that hold one (precision)", shown(finding.precision)));
        }
        text
    }
}
