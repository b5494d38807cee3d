//! A trained model: it finds marks and compares them, and it says what it learnt from.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::align::{Laid, lay};
use super::compare::{By, Comparison};
use super::find::{Finder, Found};
use super::mark::Mark;
use super::network::Network;
use super::page::Page;
use super::report::Report;
use super::verdict::{Judge, Measured};
use super::{Error, Kind, card};
use crate::scoring::{Origin, Shelf, Version, hex_sha256};

#[derive(Clone, Debug)]
pub struct Model {
    pub(super) stored: Stored,
    /// In the order of [`Kind::ALL`].
    pub(super) networks: [Network; 2],
}

/// All but the networks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Stored {
    pub version: String,
    pub seed: u64,
    /// sha256 of the marks learnt from, in their standard forms.
    pub data_sha256: String,
    pub trained_on_demo: bool,
    pub finder: Finder,
    /// In the order of [`Kind::ALL`].
    pub judges: [Judge; 2],
}

const FILES: [&str; 3] = ["model.json", "stamp.safetensors", "signature.safetensors"];

impl Model {
    /// The model that serves.
    ///
    /// # Errors
    /// None was trained yet, or its files are not what was written.
    pub fn current(shelf: &Shelf) -> Result<Self, Error> {
        let (folder, [stored, stamp, signature]) = shelf.read_current(FILES)?;
        let stored = serde_json::from_slice(&stored).map_err(|error| shelf.bad(&folder, error.to_string()))?;
        let network = |kind, bytes: &[u8]| {
            Network::from_bytes(kind, bytes).map_err(|error| shelf.bad(&folder, error.to_string()))
        };
        let networks = [network(Kind::Stamp, &stamp)?, network(Kind::Signature, &signature)?];
        Ok(Self { stored, networks })
    }

    /// Writes it with its report and cards, and makes it the one that serves.
    ///
    /// # Errors
    /// A disk that does not take it; the model of before still serves then.
    pub fn put(&self, shelf: &Shelf, report: &Report) -> Result<PathBuf, Error> {
        let json = |written: serde_json::Result<Vec<u8>>| written.expect("models and reports are plain figures");
        let [stamp, signature] = &self.networks;
        let version = Version {
            name: &self.stored.version,
            trained_on: if self.stored.trained_on_demo { Origin::Demo } else { Origin::Customer },
            data: vec![self.stored.data_sha256.clone()],
            files: vec![
                (FILES[0], json(serde_json::to_vec(&self.stored))),
                (FILES[1], stamp.to_bytes()?),
                (FILES[2], signature.to_bytes()?),
                ("metrics.json", json(serde_json::to_vec_pretty(report))),
                ("card.en.md", card::english(report).into_bytes()),
                ("card.ko.md", card::korean(report).into_bytes()),
            ],
        };
        Ok(shelf.put_version(&version)?)
    }

    pub fn version(&self) -> &str {
        &self.stored.version
    }

    pub fn trained_on_demo(&self) -> bool {
        self.stored.trained_on_demo
    }

    /// Stamps and signatures of a page, the surest first.
    pub fn find(&self, page: &Page) -> Vec<Found> {
        self.stored.finder.find(page)
    }

    /// The mark of a picture that shows one: the surest of its kind, or all of the picture if it is no page.
    ///
    /// # Errors
    /// A page without a mark of the kind, a picture without ink.
    pub fn mark(&self, page: &Page, kind: Kind, name: &str) -> Result<Mark, Error> {
        Mark::cut(page, &self.area(page, kind, name)?, kind, name)
    }

    /// Where [`Model::mark`] cuts, in pixels of the page.
    pub(super) fn area(&self, page: &Page, kind: Kind, name: &str) -> Result<super::Area, Error> {
        let found = self.find(page).into_iter().find(|found| found.kind == kind);
        match found {
            Some(found) => Ok(found.area.divided(page.reduction).grown(2.0)),
            None if page.width.max(page.height) <= LARGEST_MARK => Ok(page.area()),
            None => Err(Error::NothingFound { name: name.into(), what: kind.word() }),
        }
    }

    /// # Errors
    /// Marks of two kinds.
    pub fn compare(&self, first: &Mark, second: &Mark) -> Result<Comparison, Error> {
        Ok(self.compare_laid(first, second)?.0)
    }

    /// The comparison, and how the marks lie on each other.
    ///
    /// # Errors
    /// Marks of two kinds.
    pub fn compare_laid(&self, first: &Mark, second: &Mark) -> Result<(Comparison, Laid), Error> {
        if first.kind != second.kind {
            return Err(Error::TwoKinds);
        }
        let laid = lay(first, second);
        let at = index(first.kind);
        let measured = measure(&self.networks[at], first, &laid)?;
        let judge = &self.stored.judges[at];
        let probability = judge.probability(&measured.row());
        let verdict = judge.verdict(probability);
        let by = By { model: &self.stored.version, trained_on_demo: self.stored.trained_on_demo };
        Ok((Comparison::new([first, second], &laid, &measured, probability, verdict, &by), laid))
    }
}

/// A picture with longer sides is a page, not a mark: 90 millimetres at 150 dpi.
const LARGEST_MARK: usize = 540;

/// Where a kind stands in pairs of things.
pub(super) fn index(kind: Kind) -> usize {
    usize::from(kind == Kind::Signature)
}

/// What the network and the ink say of a mark and another that lies on it.
pub(super) fn measure(network: &Network, first: &Mark, laid: &Laid) -> candle_core::Result<Measured> {
    let vectors = network.embed(&[&first.levels[1], &laid.second[1]])?;
    let likeness: f32 = vectors[0].iter().zip(&vectors[1]).map(|(a, b)| a * b).sum();
    Ok(Measured::new(likeness.into(), laid))
}

/// sha256 of marks in their standard forms.
pub(super) fn hash<'a>(marks: impl Iterator<Item = &'a Mark>) -> String {
    let bytes: Vec<u8> =
        marks.flat_map(|mark| mark.levels[0].values.iter().map(|value| (value * 255.0) as u8)).collect();
    hex_sha256(&bytes)
}
