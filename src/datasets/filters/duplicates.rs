//! Questions that say nearly the same, found by MinHash over runs of characters: 64 hashes in 16 bands of 4, which pass
//! on a pair of Jaccard similarity 0.8 with a probability of 0.9998 (1 - (1 - 0.8⁴)¹⁶) and one of 0.3 with 0.12. What
//! they pass on is compared exactly, so that no hash decides.

use std::collections::{BTreeSet, HashMap};

use unicode_normalization::UnicodeNormalization;

/// Characters of a run: long enough to be rare, short enough for Korean, whose syllables carry more.
const RUN: usize = 4;
const NUM_BANDS: usize = 16;
const BAND: usize = 4;

/// The runs of a text: letters and digits only, in lower case, so that punctuation makes no difference.
pub fn shingles(text: &str) -> BTreeSet<u64> {
    let plain: Vec<char> = text.nfkc().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    if plain.is_empty() {
        return BTreeSet::new();
    }
    let runs = plain.windows(RUN.min(plain.len()));
    runs.map(|run| run.iter().fold(0xcbf2_9ce4_8422_2325, |hash, c| mixed(hash ^ u64::from(*c as u32)))).collect()
}

/// The finaliser of SplitMix64.
fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// Shared runs as a share of all runs of the two.
pub fn jaccard(a: &BTreeSet<u64>, b: &BTreeSet<u64>) -> f64 {
    let shared = a.intersection(b).count();
    let all = a.len() + b.len() - shared;
    if all == 0 { 0.0 } else { shared as f64 / all as f64 }
}

/// One key a band.
fn bands(shingles: &BTreeSet<u64>) -> [u64; NUM_BANDS] {
    std::array::from_fn(|band| {
        (0..BAND).fold(band as u64, |key, at| {
            let salt = mixed((band * BAND + at) as u64 + 1);
            let least = shingles.iter().map(|shingle| mixed(shingle ^ salt)).min().unwrap_or(0);
            mixed(key ^ least)
        })
    })
}

/// Questions that were kept, to be compared with new ones.
#[derive(Default)]
pub struct Near {
    questions: Vec<(i64, BTreeSet<u64>)>,
    bands: HashMap<(u8, u64), Vec<u32>>,
}

impl Near {
    /// Keeps a question under an id.
    pub fn add(&mut self, id: i64, question: &str) {
        let shingles = shingles(question);
        let at = self.questions.len() as u32;
        for (band, key) in bands(&shingles).into_iter().enumerate() {
            self.bands.entry((band as u8, key)).or_default().push(at);
        }
        self.questions.push((id, shingles));
    }

    /// The most similar of the questions that may be similar: how much, and its id.
    pub fn nearest(&self, question: &str) -> Option<(f64, i64)> {
        self.similar(&shingles(question)).into_iter().max_by(|a, b| a.0.total_cmp(&b.0))
    }

    fn similar(&self, shingles: &BTreeSet<u64>) -> Vec<(f64, i64)> {
        let keys = bands(shingles).into_iter().enumerate();
        let met: BTreeSet<u32> =
            keys.filter_map(|(band, key)| self.bands.get(&(band as u8, key))).flatten().copied().collect();
        met.into_iter()
            .map(|at| {
                let (id, other) = &self.questions[at as usize];
                (jaccard(shingles, other), *id)
            })
            .collect()
    }
}

/// All pairs of questions at least as similar as `limit`.
pub fn near_duplicates<'a>(questions: impl IntoIterator<Item = (i64, &'a str)>, limit: f64) -> Vec<(i64, i64)> {
    let mut near = Near::default();
    let mut pairs = Vec::new();
    for (id, question) in questions {
        let similar = near.similar(&shingles(question));
        pairs.extend(similar.into_iter().filter(|(similarity, _)| *similarity >= limit).map(|(_, other)| (other, id)));
        near.add(id, question);
    }
    pairs
}
