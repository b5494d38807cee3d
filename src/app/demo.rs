//! What stands in a home folder that has no tables of its own: an invented world, imported, with the models that learnt
//! from it. Whatever rests on it says so. And HS headings, learnt from the built-in descriptions.
//!
//! Made once, at the first start. A register of the administration's own puts an end to it: nothing is ever learnt from the
//! invented world beside real tables.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;

use crate::demo::World;
use crate::index::embed::Embedder;
use crate::rates;
use crate::register::{self, Register};
use crate::scoring::{self, Files, Mapping, Shelf, Training, delinquency, hs, version_at};

/// Enough companies for every planted pattern, and few enough to be learnt from in seconds.
const WORLD: World = World { seed: 1, scale: 0.3 };
const SEED: u64 = 7;
/// How often a set of codes is to hold the true one.
const COVERAGE: f64 = 0.9;

/// Makes what is missing, and says each step on stderr; `encoder` tells the meanings of what HS headings are learnt from.
/// Blocks, for about a minute the first time.
///
/// # Errors
/// A disk that does not take it. What was made before stays, and is gone on with at the next start.
pub fn prepare(home: &Path, encoder: &Arc<Embedder>) -> anyhow::Result<()> {
    prepare_with(home, encoder, &mut |_| Ok(()))
}

/// The same, with the tables edited before anything is made of them.
///
/// # Errors
/// As [`prepare`], and the edit's.
pub fn prepare_with(
    home: &Path,
    encoder: &Arc<Embedder>,
    edit: &mut dyn FnMut(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    learn_headings(home, encoder)?;
    let register = Register::open(home)?;
    if register.as_ref().is_some_and(|register| !register.is_demo()) {
        return Ok(());
    }
    let (risk, delinquency) = (Shelf::risk(home), Shelf::delinquency(home));
    if register.is_some() && risk.has_version() && delinquency.has_version() {
        return Ok(());
    }
    // Of another process that prepares the same home, a killed one among them, the folder is another.
    let folder = home.join(format!("demo-{}", std::process::id()));
    let _ = fs_err::remove_dir_all(&folder);
    fs_err::create_dir_all(home)?;
    let made = make(home, &folder, register.is_none(), edit);
    let _ = fs_err::remove_dir_all(&folder);
    made.context("the demo could not be made")
}

/// HS recommendation from the built-in descriptions of the headings, where nothing was learnt yet. Nothing in it is invented.
/// One learnt by an older program, or with another encoder, is made anew; one that learnt from tables is its owner's.
fn learn_headings(home: &Path, encoder: &Arc<Embedder>) -> anyhow::Result<()> {
    let shelf = Shelf::hs(home);
    let is_readable = || hs::Model::current(&shelf, || Ok(Arc::clone(encoder))).is_ok();
    if shelf.has_version() && (shelf.learnt_from_tables() || is_readable()) {
        return Ok(());
    }
    eprintln!("learning HS headings from their descriptions");
    let encoder = Some(Arc::clone(encoder));
    let training = hs::Training { files: Vec::new(), vague: None, seed: SEED, coverage: COVERAGE, encoder };
    let (model, report) =
        hs::train(&training, version_at(jiff::Timestamp::now()), &|_| {}).context("HS headings could not be learnt")?;
    model.put(&shelf, &report)?;
    Ok(())
}

fn make(
    home: &Path,
    folder: &Path,
    wants_register: bool,
    edit: &mut dyn FnMut(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    eprintln!("demo: making an invented world to try things on");
    WORLD.write(folder)?;
    edit(folder)?;
    if wants_register {
        register::import(home, folder)?;
        rates::import(home, folder)?;
    }
    let (risk, delinquency) = (Shelf::risk(home), Shelf::delinquency(home));
    let now = jiff::Timestamp::now();
    let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    if !risk.has_version() {
        eprintln!("demo: learning import risk from it");
        let training = Training {
            mapping: Mapping::load("demo")?,
            files: Files { train: folder.join("declarations.csv"), held_out: None },
            max_bad_rows: 0,
            today,
            seed: SEED,
            compare: false,
        };
        let trained = scoring::train(&training, version_at(jiff::Timestamp::now()), &|_| {})?;
        risk.put(&trained.model, &trained.report)?;
    }
    if !delinquency.has_version() {
        eprintln!("demo: learning delinquency from it");
        let training = delinquency::Training {
            tables: delinquency::Tables::load("demo")?,
            data: vec![folder.to_path_buf()],
            max_bad_rows: 0,
            today,
            seed: SEED,
        };
        let (model, report) = delinquency::train(&training, version_at(jiff::Timestamp::now()), &|_| {})?;
        model.put(&delinquency, &report)?;
    }
    Ok(())
}
