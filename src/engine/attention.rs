//! Causal attention over the block KV cache on the CPU, with an online softmax (Milakov and Gimelshein 2018, as in
//! FlashAttention): memory does not grow with the length, and each key block is read once for a tile of queries.
//!
//! In: queries `[rows, num_heads, head_dim]` f32, already rotated; the blocks of each sequence. Out: the same shape.
//! A row's result depends on its own position and keys alone, never on what else is in the batch: batched equals
//! single, and chunked equals whole, bit for bit.

use std::ops::Range;

use rayon::prelude::*;

use super::kv_cache::{BLOCK_LEN, BlockId};
use super::kv_store::LayerStore;

/// Queries that share one pass over a key block; their accumulators fill the registers.
const TILE: usize = 8;
/// Largest head this kernel has room for on its stack.
pub const MAX_HEAD_DIM: usize = 256;

/// Consecutive new tokens of one sequence.
#[derive(Clone, Debug)]
pub struct Segment<'a> {
    /// Their rows in the batch.
    pub rows: Range<usize>,
    /// Position of the first of them in the sequence.
    pub start: usize,
    /// The sequence's blocks; keys and values up to the last row's position are written.
    pub blocks: &'a [BlockId],
}

/// Shape and scaling of a layer's attention.
#[derive(Clone, Copy, Debug)]
pub struct AttentionShape {
    pub num_heads: usize,
    pub num_kv_heads: usize,
    pub head_dim: usize,
    /// Factor on the scores.
    pub scale: f32,
    /// A query sees this many positions, its own included; all where absent.
    pub window: Option<usize>,
}

/// One tile: a query for each entry, all of one sequence and one key/value head.
struct Tile<'a> {
    /// Row, query head and position of each query.
    queries: Vec<(usize, usize, usize)>,
    kv_head: usize,
    blocks: &'a [BlockId],
}

/// Attends every row of the batch; `out` has the shape of `queries`.
pub fn attend(shape: &AttentionShape, store: &LayerStore, segments: &[Segment<'_>], queries: &[f32], out: &mut [f32]) {
    let group = shape.num_heads / shape.num_kv_heads;
    let tiles: Vec<Tile<'_>> = segments
        .iter()
        .flat_map(|segment| {
            (0..shape.num_kv_heads).flat_map(move |kv_head| {
                let all: Vec<_> = segment
                    .rows
                    .clone()
                    .flat_map(|row| {
                        let position = segment.start + row - segment.rows.start;
                        (0..group).map(move |g| (row, kv_head * group + g, position))
                    })
                    .collect();
                let blocks = segment.blocks;
                all.chunks(TILE)
                    .map(move |queries| Tile { queries: queries.to_vec(), kv_head, blocks })
                    .collect::<Vec<_>>()
            })
        })
        .collect();
    let head_dim = shape.head_dim;
    let run = |tile: &Tile<'_>| {
        let mut result = vec![0.0; tile.queries.len() * head_dim];
        dispatch(shape, store, tile, queries, &mut result);
        result
    };
    // A single decoded token is too little work to wake the pool for.
    let keys: usize = tiles.iter().map(|tile| tile.queries.len() * tile.blocks.len() * BLOCK_LEN).sum();
    let results: Vec<Vec<f32>> =
        if keys * head_dim < 1 << 18 { tiles.iter().map(run).collect() } else { tiles.par_iter().map(run).collect() };
    for (tile, result) in tiles.iter().zip(&results) {
        for (&(row, head, _), values) in tile.queries.iter().zip(result.chunks_exact(head_dim)) {
            let start = (row * shape.num_heads + head) * head_dim;
            out[start..start + head_dim].copy_from_slice(values);
        }
    }
}

fn dispatch(shape: &AttentionShape, store: &LayerStore, tile: &Tile<'_>, queries: &[f32], out: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    {
        if std::is_x86_feature_detected!("avx512f") {
            // SAFETY: the feature was just detected.
            return unsafe { attend_avx512(shape, store, tile, queries, out) };
        }
        if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma") {
            // SAFETY: both features were just detected.
            return unsafe { attend_avx2(shape, store, tile, queries, out) };
        }
    }
    attend_tile::<false>(shape, store, tile, queries, out);
}

/// As [`attend_tile`], compiled for 512-bit registers.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,fma")]
fn attend_avx512(shape: &AttentionShape, store: &LayerStore, tile: &Tile<'_>, queries: &[f32], out: &mut [f32]) {
    attend_tile::<true>(shape, store, tile, queries, out);
}

/// As [`attend_tile`], compiled for 256-bit registers.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn attend_avx2(shape: &AttentionShape, store: &LayerStore, tile: &Tile<'_>, queries: &[f32], out: &mut [f32]) {
    attend_tile::<true>(shape, store, tile, queries, out);
}

/// Multiply-add; fused only where the processor has it, because the library call that stands in is very slow.
#[inline(always)]
fn fma<const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

#[inline(always)]
fn attend_tile<const FUSED: bool>(
    shape: &AttentionShape,
    store: &LayerStore,
    tile: &Tile<'_>,
    queries: &[f32],
    out: &mut [f32],
) {
    let head_dim = shape.head_dim;
    let num_queries = tile.queries.len();
    // `[head_dim][TILE]`, so that a key component meets the tile's queries in one cache line.
    let mut q = [[0.0f32; TILE]; MAX_HEAD_DIM];
    for (t, &(row, head, _)) in tile.queries.iter().enumerate() {
        let start = (row * shape.num_heads + head) * head_dim;
        for (d, value) in queries[start..start + head_dim].iter().enumerate() {
            q[d][t] = value * shape.scale;
        }
    }
    let last = tile.queries.iter().map(|query| query.2).max().unwrap_or(0);
    let first = tile.queries.iter().map(|query| query.2).min().unwrap_or(0);
    let oldest_seen = shape.window.map_or(0, |window| (first + 1).saturating_sub(window));
    let mut max = [f32::NEG_INFINITY; TILE];
    let mut sum = [0.0f32; TILE];
    let mut acc = [[0.0f32; MAX_HEAD_DIM]; TILE];
    for block_index in oldest_seen / BLOCK_LEN..=last / BLOCK_LEN {
        let base = block_index * BLOCK_LEN;
        let block = tile.blocks[block_index];
        let mut scores = [[0.0f32; BLOCK_LEN]; TILE];
        for (d, keys) in store.keys(block, tile.kv_head).chunks_exact(BLOCK_LEN).enumerate() {
            for t in 0..TILE {
                for lane in 0..BLOCK_LEN {
                    scores[t][lane] = fma::<FUSED>(q[d][t], keys[lane], scores[t][lane]);
                }
            }
        }
        for t in 0..num_queries {
            let position = tile.queries[t].2;
            let from = shape.window.map_or(0, |window| (position + 1).saturating_sub(window));
            let mut block_max = max[t];
            for (lane, score) in scores[t].iter_mut().enumerate() {
                if base + lane > position || base + lane < from {
                    *score = f32::NEG_INFINITY;
                }
                block_max = block_max.max(*score);
            }
            if block_max == f32::NEG_INFINITY {
                // Nothing of this block is visible yet; exp(-inf - -inf) would be NaN.
                scores[t] = [0.0; BLOCK_LEN];
                continue;
            }
            let shrink = exp::<FUSED>(max[t] - block_max);
            max[t] = block_max;
            let mut block_sum = 0.0;
            for score in &mut scores[t] {
                *score = exp::<FUSED>(*score - block_max);
            }
            for score in &scores[t] {
                block_sum += score;
            }
            sum[t] = sum[t] * shrink + block_sum;
            if shrink != 1.0 {
                for value in &mut acc[t][..head_dim] {
                    *value *= shrink;
                }
            }
        }
        let values = store.values(block, tile.kv_head);
        for chunk in (0..head_dim).step_by(BLOCK_LEN) {
            let width = BLOCK_LEN.min(head_dim - chunk);
            if width == BLOCK_LEN {
                let mut part = [[0.0f32; BLOCK_LEN]; TILE];
                for t in 0..TILE {
                    part[t].copy_from_slice(&acc[t][chunk..chunk + BLOCK_LEN]);
                }
                for lane in 0..BLOCK_LEN {
                    let row: &[f32; BLOCK_LEN] = values[lane * head_dim + chunk..lane * head_dim + chunk + BLOCK_LEN]
                        .try_into()
                        .expect("the slice is as long as the array");
                    for t in 0..TILE {
                        let weight = scores[t][lane];
                        for i in 0..BLOCK_LEN {
                            part[t][i] = fma::<FUSED>(weight, row[i], part[t][i]);
                        }
                    }
                }
                for t in 0..TILE {
                    acc[t][chunk..chunk + BLOCK_LEN].copy_from_slice(&part[t]);
                }
            } else {
                for t in 0..num_queries {
                    for lane in 0..BLOCK_LEN {
                        for i in chunk..chunk + width {
                            acc[t][i] = fma::<FUSED>(scores[t][lane], values[lane * head_dim + i], acc[t][i]);
                        }
                    }
                }
            }
        }
    }
    for t in 0..num_queries {
        let inverse = 1.0 / sum[t];
        for (value, acc) in out[t * head_dim..(t + 1) * head_dim].iter_mut().zip(&acc[t]) {
            *value = acc * inverse;
        }
    }
}

/// `e^x` for `x <= 0` to about one unit in the last place of f32: Cody-Waite reduction and a degree-6 polynomial, so
/// that the compiler can keep sixteen lanes in one register, which a call to libm does not allow.
#[inline(always)]
fn exp<const FUSED: bool>(x: f32) -> f32 {
    // Below this the result is zero in f32; it also takes care of minus infinity.
    let clamped = x.max(-87.3);
    // Adding and subtracting 1.5 * 2^23 rounds to the nearest integer without a branch.
    const ROUND: f32 = 12_582_912.0;
    let n = fma::<FUSED>(clamped, std::f32::consts::LOG2_E, ROUND) - ROUND;
    let r = fma::<FUSED>(n, -0.693_359_4, clamped);
    let r = fma::<FUSED>(n, 2.121_944_4e-4, r);
    let mut p = 1.0 / 720.0;
    p = fma::<FUSED>(p, r, 1.0 / 120.0);
    p = fma::<FUSED>(p, r, 1.0 / 24.0);
    p = fma::<FUSED>(p, r, 1.0 / 6.0);
    p = fma::<FUSED>(p, r, 0.5);
    p = fma::<FUSED>(p, r, 1.0);
    p = fma::<FUSED>(p, r, 1.0);
    let scale = f32::from_bits(((n as i32 + 127) << 23) as u32);
    if x < -87.3 { 0.0 } else { p * scale }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::kv_store::KvStore;

    /// Attention by its definition, in f64.
    fn naive(shape: &AttentionShape, q: &[f32], keys: &[Vec<f32>], values: &[Vec<f32>], position: usize) -> Vec<f32> {
        let (d, group) = (shape.head_dim, shape.num_heads / shape.num_kv_heads);
        let from = shape.window.map_or(0, |w| (position + 1).saturating_sub(w));
        let mut out = Vec::new();
        for head in 0..shape.num_heads {
            let kv = head / group * d;
            let scores: Vec<f64> = (from..=position)
                .map(|p| (0..d).map(|i| f64::from(q[head * d + i] * keys[p][kv + i])).sum::<f64>())
                .map(|score| (score * f64::from(shape.scale)).exp())
                .collect();
            let total: f64 = scores.iter().sum();
            for i in 0..d {
                let value: f64 = scores.iter().zip(from..).map(|(score, p)| score * f64::from(values[p][kv + i])).sum();
                out.push((value / total) as f32);
            }
        }
        out
    }

    fn numbers(len: usize, seed: usize) -> Vec<f32> {
        (0..len).map(|i| (((i * 7919 + seed * 104_729) % 1000) as f32 / 500.0) - 1.0).collect()
    }

    fn check(head_dim: usize, num_heads: usize, num_kv_heads: usize, window: Option<usize>) {
        let shape =
            AttentionShape { num_heads, num_kv_heads, head_dim, scale: 1.0 / (head_dim as f32).sqrt() * 3.0, window };
        let len = 53;
        // Blocks out of order, as an allocator hands them out.
        let blocks: Vec<BlockId> = [5, 1, 4, 2].map(BlockId).into();
        let mut store = KvStore::new(1, 6, num_kv_heads, head_dim);
        let store = store.layer_mut(0);
        let keys: Vec<_> = (0..len).map(|p| numbers(num_kv_heads * head_dim, p + 1)).collect();
        let values: Vec<_> = (0..len).map(|p| numbers(num_kv_heads * head_dim, p + 100)).collect();
        for p in 0..len {
            store.write(blocks[p / BLOCK_LEN], p % BLOCK_LEN, &keys[p], &values[p]);
        }
        let row_len = num_heads * head_dim;
        let queries: Vec<f32> = (0..len).flat_map(|p| numbers(row_len, p + 200)).collect();
        let mut whole = vec![0.0; queries.len()];
        attend(&shape, store, &[Segment { rows: 0..len, start: 0, blocks: &blocks }], &queries, &mut whole);
        for p in 0..len {
            let expected = naive(&shape, &queries[p * row_len..(p + 1) * row_len], &keys, &values, p);
            for (got, want) in whole[p * row_len..(p + 1) * row_len].iter().zip(&expected) {
                assert!((got - want).abs() < 2e-5, "position {p}: {got} for {want}");
            }
        }
        let mut chunked = vec![0.0; queries.len()];
        for (start, end) in [(0, 20), (20, 21), (21, len)] {
            let part = start * row_len..end * row_len;
            let segment = Segment { rows: 0..end - start, start, blocks: &blocks };
            attend(&shape, store, &[segment], &queries[part.clone()], &mut chunked[part]);
        }
        assert_eq!(whole, chunked);
    }

    #[test]
    fn attention_equals_its_definition() {
        check(16, 4, 2, None);
        check(64, 9, 3, None);
        check(24, 2, 2, None);
        check(128, 12, 2, Some(8));
        check(256, 4, 1, Some(17));
    }

    #[test]
    fn exp_is_exact_to_f32() {
        for i in 0..8700 {
            let x = -(i as f32) / 100.0;
            let (got, want) = (f64::from(exp::<true>(x)), f64::from(x).exp());
            assert!((got - want).abs() <= want * 3e-7, "{x}: {got} for {want}");
        }
        assert_eq!(exp::<true>(f32::NEG_INFINITY), 0.0);
    }
}
