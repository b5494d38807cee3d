//! Two ranked lists to one. In: BM25 scores and cosines of the candidates. Out: fused scores, higher is better.
//!
//! Scores are scaled within the search and added, weighted. Reciprocal ranks (RRF) were tried and lost on the dev suite:
//! they throw away how far apart the candidates are, and the gate needs that too.

/// Share of the cosine in the sum. Chosen on `eval/retrieval/valuation-dev.jsonl`.
const DENSE_WEIGHT: f32 = 0.5;

/// What is known of a candidate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scores {
    pub bm25: Option<f32>,
    pub cosine: f32,
}

/// The fused score of each candidate, in their order, in [0, 1].
pub(super) fn fuse(candidates: &[Scores]) -> Vec<f32> {
    let best_bm25 = candidates.iter().filter_map(|scores| scores.bm25).fold(0.0, f32::max);
    let nearest = candidates.iter().map(|scores| scores.cosine).fold(f32::MIN, f32::max);
    let farthest = candidates.iter().map(|scores| scores.cosine).fold(f32::MAX, f32::min);
    // Cosines of E5 crowd between 0.75 and 0.9; only their spread within the search says anything.
    let spread = (nearest - farthest).max(1e-6);
    let fused = candidates.iter().map(|scores| {
        let sparse = scores.bm25.map_or(0.0, |bm25| if best_bm25 > 0.0 { bm25 / best_bm25 } else { 0.0 });
        let dense = (scores.cosine - farthest) / spread;
        DENSE_WEIGHT * dense + (1.0 - DENSE_WEIGHT) * sparse
    });
    fused.collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_candidate_better_in_both_is_better_fused(
            scores in proptest::collection::vec((proptest::option::of(0.1_f32..30.0), 0.5_f32..1.0), 2..30)
        ) {
            let candidates: Vec<_> = scores.iter().map(|(bm25, cosine)| Scores { bm25: *bm25, cosine: *cosine }).collect();
            let fused = fuse(&candidates);
            for (a, fused_a) in candidates.iter().zip(&fused) {
                prop_assert!((0.0..=1.0 + 1e-5).contains(fused_a));
                for (b, fused_b) in candidates.iter().zip(&fused) {
                    if a.cosine >= b.cosine && a.bm25.unwrap_or(0.0) >= b.bm25.unwrap_or(0.0) {
                        prop_assert!(*fused_a >= *fused_b - 1e-6);
                    }
                }
            }
        }
    }
}
