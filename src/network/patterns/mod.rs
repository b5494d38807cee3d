//! Patterns that ask for a look: rings of companies that own each other, and companies that closed in debt and rose
//! again under another name. Each is told with what it rests on; none is a verdict.

mod phoenix;
mod ring;

use serde::Serialize;

pub use phoenix::{Evidence, Link, Phoenix};
pub use ring::{Ring, RingLink};

/// A pattern that was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "pattern", rename_all = "lowercase")]
pub enum Pattern {
    Ring(Ring),
    Phoenix(Phoenix),
}

impl Pattern {
    /// Whether a company takes part.
    pub fn involves(&self, company: &str) -> bool {
        match self {
            Self::Ring(ring) => ring.companies.iter().any(|node| node.id == company),
            Self::Phoenix(phoenix) => phoenix.predecessor.id == company || phoenix.successor.id == company,
        }
    }
}
