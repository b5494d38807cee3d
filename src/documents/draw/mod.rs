//! A drawn world of certificates with stamps and signatures, genuine and forged.
//!
//! In: a seed. Out: pages as a scanner gives them with what was planted where, and single marks on scraps of paper. The
//! same seed gives the same pictures. Every letter is of our own strokes and every name invented; no figure learnt from
//! it says anything of the field.

mod certificate;
mod glyphs;
mod impression;
mod raster;
mod readme;
mod scan;
mod signature;
mod stamp;
mod world;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub use certificate::{Certificate, Placed, draw as certificate, patch};
pub use world::{Certificates, Made};

use super::Kind;
use impression::Impression;
use raster::{Placement, Point, Stroke};
use signature::Writer;
use stamp::Stamp;

/// 150 dots an inch.
pub const PX_PER_MM: f32 = 150.0 / 25.4;
/// Spread of the turn that a hand gives a stamp, in radians (8 degrees).
const HAND_TURN: f32 = 0.14;

/// How a mark came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Genuine,
    /// Another engraver's copy or an imitator's hand; the number tells forgers of one identity apart.
    Forged(u64),
    /// A genuine one from a copying machine.
    Copied,
}

/// Stamps and writers by number. Numbers of different parts of a training do not overlap.
#[derive(Clone, Copy, Debug)]
pub struct Identities {
    pub seed: u64,
    pub first: usize,
    pub count: usize,
}

impl Identities {
    fn any(&self, rng: &mut ChaCha8Rng) -> usize {
        self.first + rng.random_range(0..self.count.max(1))
    }
}

/// A mark before it is put on paper, in units of its own.
#[derive(Clone, Debug)]
pub struct Drawn {
    pub kind: Kind,
    pub identity: usize,
    pub is_genuine: bool,
    strokes: Vec<Stroke>,
    turn: f32,
    scale: f32,
    impression: Impression,
}

impl Drawn {
    /// One impression or signing of an identity.
    pub fn new(kind: Kind, seed: u64, identity: usize, origin: Origin, rng: &mut ChaCha8Rng) -> Self {
        // What makes an identity hangs on its number alone, not on what was drawn before.
        let mut own = ChaCha8Rng::seed_from_u64(seed);
        own.set_stream(((identity as u64) << 1) | u64::from(kind == Kind::Stamp));
        let (strokes, turn, scale, genuine) = match kind {
            Kind::Stamp => {
                let mut stamp = Stamp::draw(&mut own);
                if let Origin::Forged(forger) = origin {
                    own.set_word_pos(u128::from(forger + 1) << 32);
                    stamp = stamp.copied(&mut own);
                }
                let turn = HAND_TURN * 1.2 * (rng.random::<f32>() + rng.random::<f32>() - 1.0) * 2.0;
                let impression = Impression::stamped(stamp.ink, rng);
                (stamp.strokes(), turn, certificate::px(stamp.half_mm), impression)
            }
            Kind::Signature => {
                let mut writer = Writer::draw(&mut own);
                if let Origin::Forged(forger) = origin {
                    own.set_word_pos(u128::from(forger + 1) << 32);
                    writer = writer.imitator(&mut own);
                }
                let turn = 0.06 * (rng.random::<f32>() + rng.random::<f32>() - 1.0);
                let impression = Impression::penned(writer.is_blue, rng);
                (writer.sign(rng), turn, certificate::px(writer.height_mm), impression)
            }
        };
        let impression = if origin == Origin::Copied { genuine.copied(rng) } else { genuine };
        let is_genuine = origin == Origin::Genuine;
        Self { kind, identity, is_genuine, strokes, turn, scale, impression }
    }

    /// One of any of the identities: three in four genuine.
    fn any(kind: Kind, identities: &Identities, rng: &mut ChaCha8Rng) -> Self {
        let origin = match rng.random_range(0..8) {
            0..6 => Origin::Genuine,
            6 => Origin::Forged(rng.random_range(0..2)),
            _ => Origin::Copied,
        };
        let identity = identities.any(rng);
        Self::new(kind, identities.seed, identity, origin, rng)
    }

    /// Takes out the turn that the hand gave it.
    pub fn straighten(&mut self) {
        self.turn = 0.0;
    }

    /// Its strokes in pixels, its middle at `shift`.
    fn placed(&self, shift: Point) -> Vec<Stroke> {
        let [left, top, right, bottom] = raster::bounds(&self.strokes);
        let middle = [(left + right) / 2.0, (top + bottom) / 2.0];
        let centre = Placement { turn: 0.0, scale: 1.0, shift: [-middle[0], -middle[1]] };
        let placement = Placement { turn: self.turn, scale: self.scale, shift };
        self.strokes.iter().map(|stroke| stroke.placed(&centre, 0.0).placed(&placement, 0.0)).collect()
    }
}

/// Chance for one part of the world, so that parts do not hang on each other's draws.
pub fn stream(seed: u64, part: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x5EA1);
    rng.set_stream(part);
    rng
}
