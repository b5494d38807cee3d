//! Learning everything from the drawn world, and measuring it on identities that nothing was learnt from.
//!
//! Networks learn from the first identities, judges from further ones, figures come from the last; pages likewise. The
//! same seed and effort give the same marks and first weights; minutes are turned into counts beforehand, so that no
//! clock has a say in the model.

use std::time::Instant;

use rayon::prelude::*;

use super::align::lay;
use super::draw::{Certificate, Identities, certificate, stream};
use super::find::{Finder, Finding, Looked, judge_finding, looked_at};
use super::learn::learn;
use super::model::{Model, Stored, hash, measure};
use super::network::Network;
use super::page::Page;
use super::report::{Compared, Report, Weighed};
use super::sample::{Pair, Relation, Sample, Wanted, draw, pairs};
use super::verdict::Judge;
use super::{Error, Kind};

#[derive(Clone, Copy, Debug)]
pub struct Training {
    pub seed: u64,
    pub effort: Effort,
}

/// How much is drawn and learnt, of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// Identities that the network learns from.
    pub identities: usize,
    pub steps: usize,
    /// Identities that the judge learns from, and as many others that are measured.
    pub judged: usize,
    /// Pages that the finder learns from, and as many others that are measured.
    pub pages: usize,
}

pub const MAX_MINUTES: f64 = 240.0;

impl Effort {
    /// What two processors do in about so many minutes.
    ///
    /// # Errors
    /// Minutes out of range.
    pub fn minutes(minutes: f64) -> Result<Self, Error> {
        if !(minutes > 0.0 && minutes <= MAX_MINUTES) {
            return Err(Error::Minutes { minutes, most: MAX_MINUTES });
        }
        let scaled = |per_minute: f64, least: usize, most: usize| ((per_minute * minutes) as usize).clamp(least, most);
        Ok(Self {
            identities: scaled(60.0, 20, 2000),
            steps: scaled(100.0, 40, 20_000),
            judged: scaled(20.0, 16, 300),
            pages: scaled(20.0, 24, 400),
        })
    }
}

/// Keeps a training's identities apart from those of worlds that `demo` writes with the same seed.
const APART: u64 = 0x7EAC_0000_0000;
const JUDGED_FROM: usize = 1_000_000;
const MEASURED_FROM: usize = 2_000_000;
/// Marks of others that a genuine one is compared with.
const RANDOM: usize = 6;

/// Trains, measures and gives the model with its report; `tell` hears how far it is.
///
/// # Errors
/// An effort too small for every class to occur, a failure of the tensor library.
pub fn train(training: &Training, version: String, tell: &dyn Fn(&str)) -> Result<(Model, Report), Error> {
    let start = Instant::now();
    let Training { seed, effort } = *training;
    let seed = seed ^ APART;
    let (stamps, stamp) = compared(Kind::Stamp, seed, &effort, tell)?;
    let (signatures, signature) = compared(Kind::Signature, seed, &effort, tell)?;
    tell("pages: drawing, learning and finding");
    let finder = finder(seed, &effort)?;
    let data_sha256 = hash_of([&stamps.data_sha256, &signatures.data_sha256]);
    let stored = Stored {
        version: version.clone(),
        seed: training.seed,
        data_sha256: data_sha256.clone(),
        trained_on_demo: true,
        finder: finder.0,
        judges: [stamps.judge, signatures.judge],
    };
    let [of_stamps, of_signatures] = finder.1;
    let report = Report {
        model: version,
        seed: training.seed,
        trained_on_demo: true,
        data_sha256,
        identities: effort.identities,
        steps: effort.steps,
        pages: effort.pages,
        stamp: Compared { finding: Some(of_stamps), ..stamp },
        signature: Compared { finding: Some(of_signatures), ..signature },
        seconds: start.elapsed().as_secs_f64(),
    };
    Ok((Model { stored, networks: [stamps.network, signatures.network] }, report))
}

/// What was learnt of one kind.
struct Learnt {
    network: Network,
    judge: Judge,
    data_sha256: String,
}

fn compared(kind: Kind, seed: u64, effort: &Effort, tell: &dyn Fn(&str)) -> Result<(Learnt, Compared), Error> {
    let word = kind.word();
    tell(&format!("{word}: drawing {} identities to learn from", effort.identities));
    let wanted = Wanted {
        kind,
        seed,
        first: 0,
        identities: effort.identities,
        genuine: 8,
        forged: 4,
        copied: 0,
        is_straight: true,
    };
    let samples = draw(&wanted);
    let mut rng = stream(seed, 1 << 61 | u64::from(kind == Kind::Stamp));
    let network = Network::new(kind, &mut rng)?;
    learn(&network, &samples, effort.steps, &mut rng, &|step, loss| {
        tell(&format!("{word}: step {step} of {}, loss {loss:.3}", effort.steps));
    })?;
    let data_sha256 = hash(samples.iter().flatten().map(|sample| &sample.mark));
    tell(&format!("{word}: comparing marks of {} further identities", 2 * effort.judged));
    let further = Wanted { identities: effort.judged, genuine: 4, forged: 2, copied: 1, is_straight: false, ..wanted };
    let of = |first: usize| weigh(&network, &draw(&Wanted { first, ..further }), seed);
    let (judged, measured) = (of(JUDGED_FROM)?, of(MEASURED_FROM)?);
    let relevant: Vec<&Weighed> = judged.iter().filter(|pair| pair.0 != Relation::Copied).collect();
    let is_same: Vec<bool> = relevant.iter().map(|pair| pair.0 == Relation::Same).collect();
    let learnt = |row: &dyn Fn(&Weighed) -> Vec<f64>| {
        let rows: Vec<Vec<f64>> = relevant.iter().map(|pair| row(pair)).collect();
        Judge::learn(&rows, &is_same).ok_or(Error::TooFew { what: "pairs of each sort" })
    };
    let judge = learnt(&|pair| pair.2.row())?;
    let registration = learnt(&|pair| pair.2.registration())?;
    let compared = Compared::new(&measured, &judge, Some(&registration));
    Ok((Learnt { network, judge, data_sha256 }, compared))
}

/// What is measured of the pairs among samples.
pub(super) fn weigh(network: &Network, samples: &[Vec<Sample>], seed: u64) -> Result<Vec<Weighed>, Error> {
    let weigh = |pair: &Pair| {
        let mark = |(identity, at): (usize, usize)| &samples[identity][at].mark;
        let laid = lay(mark(pair.first), mark(pair.second));
        Ok((pair.relation, pair.first.0, measure(network, mark(pair.first), &laid)?))
    };
    pairs(samples, RANDOM, seed).par_iter().map(weigh).collect()
}

fn finder(seed: u64, effort: &Effort) -> Result<(Finder, [Finding; 2]), Error> {
    let pages = |first: usize, part: u64| {
        let identities = Identities { seed, first, count: effort.identities };
        (0..effort.pages)
            .into_par_iter()
            .map(move |page| certificate(&identities, &mut stream(seed, part + page as u64)))
    };
    let finder = Finder::learn(&looked_at(pages(JUDGED_FROM, 1 << 62)));
    let finder = finder.ok_or(Error::TooFew { what: "marks of each kind" })?;
    let look = |drawn: Certificate| {
        let page = Page::of(&drawn.scan);
        Looked { found: finder.find(&page), placed: drawn.marks, has_colour: page.has_colour }
    };
    let measured: Vec<Looked> = pages(MEASURED_FROM, 1 << 62 | 1 << 40).map(look).collect();
    let findings = Kind::ALL.map(|kind| judge_finding(kind, &measured));
    Ok((finder, findings))
}

fn hash_of(hashes: [&str; 2]) -> String {
    crate::scoring::hex_sha256(hashes.concat().as_bytes())
}
