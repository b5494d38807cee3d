//! Marks of known identities, to learn from and to measure with, and pairs of them.
//!
//! Drawn marks are cut a little beside their true boxes, as found ones are.

use rand::Rng;
use rand::seq::index::sample;
use rayon::prelude::*;

use super::draw::{Drawn, Origin, patch, stream};
use super::mark::Mark;
use super::page::Page;
use super::{Area, Kind};

#[derive(Clone, Debug)]
pub struct Sample {
    pub mark: Mark,
    pub identity: usize,
    pub origin: Origin,
}

/// What is drawn of each identity.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub kind: Kind,
    pub seed: u64,
    pub first: usize,
    pub identities: usize,
    pub genuine: usize,
    /// Marks of each of two forgers.
    pub forged: usize,
    pub copied: usize,
    /// Whether stamps are put down straight, as learning wants them.
    pub is_straight: bool,
}

/// Numbers of forgers of an identity.
pub const FORGERS: u64 = 2;

/// The samples of each identity.
pub fn draw(wanted: &Wanted) -> Vec<Vec<Sample>> {
    let Wanted { kind, seed, first, identities, .. } = *wanted;
    let of_identity = |identity: usize| {
        let mut rng = stream(seed, 1 << 50 | (identity as u64) << 1 | u64::from(kind == Kind::Stamp));
        let genuine = std::iter::repeat_n(Origin::Genuine, wanted.genuine);
        let forged = (0..FORGERS).flat_map(|forger| std::iter::repeat_n(Origin::Forged(forger), wanted.forged));
        let copied = std::iter::repeat_n(Origin::Copied, wanted.copied);
        let origins: Vec<Origin> = genuine.chain(forged).chain(copied).collect();
        let mut samples = Vec::with_capacity(origins.len());
        for origin in origins {
            let mut drawn = Drawn::new(kind, seed, identity, origin, &mut rng);
            if wanted.is_straight {
                drawn.straighten();
            }
            let (picture, area) = patch(&drawn, &mut rng);
            let mut beside = |length: f32| 2.0 + rng.random_range(-0.02..0.04) * length;
            let area = Area {
                left: area.left - beside(area.width()),
                top: area.top - beside(area.height()),
                right: area.right + beside(area.width()),
                bottom: area.bottom + beside(area.height()),
            };
            // A mark so faint that nothing is left of it teaches nothing.
            if let Ok(mark) = Mark::cut(&Page::of(&picture), &area, kind, "a drawn mark") {
                samples.push(Sample { mark, identity, origin });
            }
        }
        samples
    };
    (first..first + identities).into_par_iter().map(of_identity).collect()
}

/// What two marks are to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    Same,
    /// Of two identities.
    Random,
    /// One is a forgery of the other.
    Skilled,
    /// One is a copy of the other from a machine.
    Copied,
}

/// Two samples by identity and number.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    pub first: (usize, usize),
    pub second: (usize, usize),
    pub relation: Relation,
}

/// Every two genuine marks of an identity, its first two with each forgery and copy, and `random` with others' marks.
pub fn pairs(samples: &[Vec<Sample>], random: usize, seed: u64) -> Vec<Pair> {
    let mut pairs = Vec::new();
    let mut rng = stream(seed, 1 << 60);
    for (identity, own) in samples.iter().enumerate() {
        let genuine: Vec<usize> = (0..own.len()).filter(|at| own[*at].origin == Origin::Genuine).collect();
        for (at, first) in genuine.iter().enumerate() {
            for second in &genuine[at + 1..] {
                let relation = Relation::Same;
                pairs.push(Pair { first: (identity, *first), second: (identity, *second), relation });
            }
        }
        for (second, sample) in own.iter().enumerate() {
            let relation = match sample.origin {
                Origin::Genuine => continue,
                Origin::Forged(_) => Relation::Skilled,
                Origin::Copied => Relation::Copied,
            };
            for first in genuine.iter().take(2) {
                pairs.push(Pair { first: (identity, *first), second: (identity, second), relation });
            }
        }
        let Some(first) = genuine.first() else { continue };
        for other in sample(&mut rng, samples.len(), (random + 1).min(samples.len())) {
            let held = samples[other].iter().position(|sample| sample.origin == Origin::Genuine);
            if let Some(second) = held.filter(|_| other != identity) {
                pairs.push(Pair { first: (identity, *first), second: (other, second), relation: Relation::Random });
            }
        }
    }
    pairs
}
