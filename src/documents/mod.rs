//! Stamps and signatures on scanned documents: found, compared with each other and with registered originals.
//!
//! In: pictures of pages, and of single marks. Out: [`Found`] marks with their boxes, and [`Comparison`]s of two marks with
//! a probability that they come from one original, a verdict at stated error rates, reasons and a picture of what
//! differs. [`train`] learns all of it from the drawn world of [`draw`]; a trained [`Model`] stands on
//! [`Shelf`](crate::scoring::Shelf). Decides nothing: "different" is a reason to look at the paper, not a finding. Knows
//! nothing of what a document says.
//!
//! `page` reads pictures, `region` and `find` look for marks, `mark` brings one into its standard form, `align` lays two
//! over each other, `network` makes vectors, `verdict` weighs what was measured.

mod align;
mod area;
mod card;
mod compare;
pub mod draw;
mod find;
mod folder;
mod learn;
mod logistic;
mod mark;
mod measure;
mod model;
mod network;
mod page;
mod plane;
mod region;
mod registry;
mod report;
mod sample;
mod train;
mod verdict;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use area::Area;
pub use compare::{Comparison, Words, heat_map};
pub use find::Found;
pub use folder::{Measurement, measure};
pub use mark::Mark;
pub use model::Model;
pub use page::Page;
pub use registry::{Original, Registry};
pub use report::Report;
pub use train::{Effort, Training, train};
pub use verdict::Verdict;

/// What a mark is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Stamp,
    Signature,
}

impl Kind {
    pub const ALL: [Self; 2] = [Self::Stamp, Self::Signature];

    /// As it is typed.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stamp => "stamp",
            Self::Signature => "signature",
        }
    }
}

/// Why a picture could not be read, a mark not compared, or a model not made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the number of pages is {count}, and must be from 1 to {most}")]
    Count { count: usize, most: usize },
    #[error("`{path}` is not empty\n\nhint: name a new folder with `--out`")]
    NotEmpty { path: PathBuf },
    #[error("`{name}` is no picture that can be read: {reason}\n\nhint: PNG and JPEG are read")]
    NotImage { name: String, reason: String },
    #[error("`{name}` has {width} x {height} pixels, and at most {most} are read\n\nhint: scan it at 150 to 300 dpi")]
    TooLarge { name: String, width: u32, height: u32, most: u64 },
    #[error("`{name}` has {width} x {height} pixels, and each side must have at least {least}")]
    TooSmall { name: String, width: u32, height: u32, least: u32 },
    #[error("`{name}` shows no {}: there is next to no ink", .kind.word())]
    NoInk { name: String, kind: Kind },
    #[error("`{name}` shows nothing: there is no ink on it")]
    Empty { name: String },
    #[error("no {what} was found on `{name}`")]
    NothingFound { name: String, what: &'static str },
    #[error("a stamp and a signature cannot be compared")]
    TwoKinds,
    #[error("the minutes are {minutes}, and must be above 0 and at most {most}")]
    Minutes { minutes: f64, most: f64 },
    #[error("too little was drawn to learn from: {what} are needed\n\nhint: give more `--minutes`")]
    TooFew { what: &'static str },
    #[error("the name has {length} bytes, and must have from 1 to {most}")]
    Name { length: usize, most: usize },
    #[error("no original is registered under `{name}`\n\nhint: registered are {known}")]
    UnknownName { name: String, known: String },
    #[error("no original is registered yet\n\nhint: `haetae documents register` takes one over")]
    NoOriginals,
    #[error("the registry `{path}` cannot be read: {source}")]
    BadRegistry { path: PathBuf, source: serde_json::Error },
    #[error(
        "`{path}` holds neither `stamp/`, `signature/` nor `truth.csv`\n\n\
         hint: for a folder of `IDENTITY/genuine/` and `IDENTITY/forged/` say with `--kind` what the pictures show"
    )]
    UnknownFolder { path: PathBuf },
    #[error("`{path}` has genuine marks of {found} identities, and at least 2 are needed")]
    TooFewIdentities { path: PathBuf, found: usize },
    #[error("`{path}`: {reason}")]
    BadTruth { path: PathBuf, reason: String },
    #[error(transparent)]
    Shelf(#[from] crate::scoring::Error),
    #[error("the tensor library failed: {0}")]
    Tensor(#[from] candle_core::Error),
    #[error("cannot write the picture `{path}`: {source}")]
    Unwritable { path: PathBuf, source: image::ImageError },
    #[error("cannot {act} `{path}`: {source}")]
    Disk { act: &'static str, path: PathBuf, source: std::io::Error },
}

fn disk(act: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    move |source| Error::Disk { act, path: path.into(), source }
}

#[cfg(test)]
mod tests;
