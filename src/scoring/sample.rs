//! A share of declarations that is looked at whatever their risk, so that the model keeps learning of what it would let
//! pass, and so that its figures can be held against rows that it did not choose.
//!
//! In: a seed and a declaration's id. Out: whether it is drawn. The same seed and id always draw the same, on any machine
//! and whatever else is in the file; nothing of the declaration but its id is looked at.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Error;
use super::capacity::Level;

/// A draw.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    share: f64,
    seed: u64,
}

/// What is said of a declaration that was drawn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Drawn {
    /// Whether it is inspected for this alone.
    pub is_only_reason: bool,
    pub en: &'static str,
    pub ko: &'static str,
}

impl Sample {
    /// # Errors
    /// A share outside 0 to 1.
    pub fn new(share: f64, seed: u64) -> Result<Self, Error> {
        if !(0.0..=1.0).contains(&share) {
            return Err(Error::Share { flag: "--random", value: share, limit: "a share from 0 to 1" });
        }
        Ok(Self { share, seed })
    }

    /// What is to be said of a declaration with this level, if it is drawn.
    pub fn drawn(&self, id: &str, level: Level) -> Option<Drawn> {
        self.holds(id).then_some(match level {
            Level::Red => Drawn {
                is_only_reason: false,
                en: "in the share drawn at random for learning; inspected for its level in any case",
                ko: "학습을 위한 무작위 표본에 속하며, 등급에 따라 어차피 검사한다",
            },
            Level::Yellow | Level::Green => Drawn {
                is_only_reason: true,
                en: "drawn at random so that the model keeps learning; inspected for that alone and for no risk",
                ko: "모형이 계속 학습하도록 무작위로 추출함. 위험 때문이 아니라 추첨만으로 검사한다",
            },
        })
    }

    pub fn holds(&self, id: &str) -> bool {
        let hash = Sha256::new().chain_update(self.seed.to_le_bytes()).chain_update(id).finalize();
        let first: [u8; 8] = hash[..8].try_into().expect("a hash is longer than a number");
        // The upper 53 bits make a number below 1 without rounding up to it.
        ((u64::from_le_bytes(first) >> 11) as f64 / (1_u64 << 53) as f64) < self.share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_drawn_by_seed_and_id_alone() {
        let drawn = |share, seed| {
            let sample = Sample::new(share, seed).unwrap();
            (0..20_000).filter(|id| sample.holds(&format!("D{id}"))).collect::<Vec<_>>()
        };
        let once = drawn(0.02, 7);
        assert!((300..500).contains(&once.len()), "{} of 400 or so", once.len());
        assert_eq!(once, drawn(0.02, 7));
        assert_ne!(once, drawn(0.02, 8));
        let more = drawn(0.05, 7);
        assert!(once.iter().all(|id| more.contains(id)), "a larger share holds the smaller one");
        assert_eq!((drawn(0.0, 7).len(), drawn(1.0, 7).len()), (0, 20_000));
        assert!(matches!(Sample::new(1.5, 7), Err(Error::Share { flag: "--random", .. })));
    }
}
