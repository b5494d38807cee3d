//! How good comparing and finding are, each figure with its interval at 95%.
//!
//! In: what was said of pairs and pages whose truth is known. Out: figures. Pairs of one identity hang together, so
//! intervals of error rates come from drawing whole identities anew; those of shares are Wilson's.

use std::collections::BTreeMap;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// A figure with its interval at 95%.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

/// A score, whether the pair is the same, and the identity it belongs to.
pub type Judged = (f64, bool, usize);

/// The rate at which as many same pairs are taken for different as different ones for the same; `None` without both.
pub fn equal_error(judged: &[Judged]) -> Option<Figure> {
    let value = error_of(judged)?;
    let mut of: BTreeMap<usize, Vec<Judged>> = BTreeMap::new();
    judged.iter().for_each(|pair| of.entry(pair.2).or_default().push(*pair));
    let groups: Vec<Vec<Judged>> = of.into_values().collect();
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut resampled: Vec<f64> = (0..RESAMPLES)
        .filter_map(|_| {
            let drawn: Vec<Judged> =
                (0..groups.len()).flat_map(|_| groups[rng.random_range(0..groups.len())].iter().copied()).collect();
            error_of(&drawn)
        })
        .collect();
    resampled.sort_by(f64::total_cmp);
    let end = |share: f64| resampled[(share * (resampled.len() - 1) as f64).round() as usize];
    Some(Figure { value, low: end(0.025), high: end(0.975) })
}

const RESAMPLES: usize = 400;
const SEED: u64 = 0x0D0C;

fn error_of(judged: &[Judged]) -> Option<f64> {
    let mut sorted: Vec<(f64, bool)> = judged.iter().map(|(score, is_same, _)| (*score, *is_same)).collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let same = sorted.iter().filter(|pair| pair.1).count() as f64;
    let different = sorted.len() as f64 - same;
    if same == 0.0 || different == 0.0 {
        return None;
    }
    // From the least score up: what lies below the threshold is refused.
    let (mut refused, mut accepted) = (0.0, different);
    let mut least = (f64::MAX, 0.5);
    for equal in sorted.chunk_by(|a, b| a.0 == b.0) {
        let (wrong, right) = (refused / same, accepted / different);
        if (wrong - right).abs() < least.0 {
            least = ((wrong - right).abs(), (wrong + right) / 2.0);
        }
        let held = equal.iter().filter(|pair| pair.1).count() as f64;
        refused += held;
        accepted -= equal.len() as f64 - held;
    }
    let (wrong, right) = (refused / same, accepted / different);
    Some(if (wrong - right).abs() < least.0 { (wrong + right) / 2.0 } else { least.1 })
}

/// A share of so many, with Wilson's interval.
pub fn share(part: usize, whole: usize) -> Option<Figure> {
    if whole == 0 {
        return None;
    }
    let (n, z) = (whole as f64, 1.96);
    let value = part as f64 / n;
    let centre = (value + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z * (value * (1.0 - value) / n + z * z / (4.0 * n * n)).sqrt() / (1.0 + z * z / n);
    Some(Figure { value, low: (centre - half).max(0.0), high: (centre + half).min(1.0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_apart_have_no_error_and_scores_without_meaning_half() {
        let apart: Vec<Judged> = (0..100).map(|at| (f64::from(at), at >= 50, at as usize % 10)).collect();
        assert_eq!(equal_error(&apart).unwrap().value, 0.0);
        let blind: Vec<Judged> = (0..100).map(|at| (f64::from(at / 2), at % 2 == 0, at as usize % 10)).collect();
        assert!((equal_error(&blind).unwrap().value - 0.5).abs() < 0.02);
        let tied: Vec<Judged> = (0..10).map(|at| (1.0, at < 5, at as usize)).collect();
        assert_eq!(equal_error(&tied).unwrap().value, 0.5);
        assert!(equal_error(&apart[..50]).is_none());
        let one_wrong: Vec<Judged> = (0..20).map(|at| (f64::from(at), at >= 10 || at == 0, at as usize)).collect();
        let figure = equal_error(&one_wrong).unwrap();
        assert!(figure.value > 0.03 && figure.low <= figure.value && figure.high >= figure.value, "{figure:?}");
    }

    #[test]
    fn a_share_of_all_still_has_an_interval() {
        let figure = share(50, 50).unwrap();
        assert!(figure.value == 1.0 && figure.low > 0.92 && figure.low < 0.94);
        assert!(share(0, 0).is_none());
    }
}
