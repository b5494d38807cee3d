//! Causal attention over the block KV cache on the CPU, with an online softmax (Milakov and Gimelshein 2018, as in
//! FlashAttention): memory does not grow with the length, and each key block is read once for a tile of queries.
//!
//! In: queries `[rows, num_heads, head_dim]` f32, already rotated; the blocks of each sequence. Out: the same shape.
//! A row's result depends on its own position and keys alone, never on what else is in the batch: batched equals
//! single, and chunked equals whole, bit for bit.

use std::ops::Range;
use std::sync::OnceLock;

use super::kv_cache::{BLOCK_LEN, BlockId};
use super::kv_store::LayerStore;
#[cfg(target_arch = "x86_64")]
use super::lanes;
use super::lanes::{Lanes, Portable};

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
    let results: Vec<OnceLock<Vec<f32>>> = tiles.iter().map(|_| OnceLock::new()).collect();
    let run_range = |range: Range<usize>| {
        for (tile, result) in tiles[range.clone()].iter().zip(&results[range]) {
            result.get_or_init(|| run(tile));
        }
    };
    if keys * head_dim < 1 << 17 {
        run_range(0..tiles.len());
    } else {
        // candle's own pool: its threads spin between products, and a second pool would fight them for the cores.
        candle_core::utils::barrier_pool().execute_chunked(tiles.len(), run_range);
    }
    for (tile, result) in tiles.iter().zip(&results) {
        let result = result.get().expect("every tile was run");
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
    attend_tile::<Portable>(shape, store, tile, queries, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn attend_avx512(shape: &AttentionShape, store: &LayerStore, tile: &Tile<'_>, queries: &[f32], out: &mut [f32]) {
    attend_tile::<lanes::Avx512>(shape, store, tile, queries, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn attend_avx2(shape: &AttentionShape, store: &LayerStore, tile: &Tile<'_>, queries: &[f32], out: &mut [f32]) {
    attend_tile::<lanes::Avx2>(shape, store, tile, queries, out);
}

#[inline(always)]
fn attend_tile<L: Lanes>(
    shape: &AttentionShape,
    store: &LayerStore,
    tile: &Tile<'_>,
    queries: &[f32],
    out: &mut [f32],
) {
    let head_dim = shape.head_dim;
    // Heads of no whole number of lanes are filled up with zeros.
    let num_chunks = head_dim.div_ceil(BLOCK_LEN);
    // `[head_dim][TILE]`, so that a key component meets the tile's queries in one cache line.
    let mut q = [[0.0f32; TILE]; MAX_HEAD_DIM];
    for (t, &(row, head, _)) in tile.queries.iter().enumerate() {
        let start = (row * shape.num_heads + head) * head_dim;
        for (d, value) in queries[start..start + head_dim].iter().enumerate() {
            q[d][t] = value * shape.scale;
        }
    }
    let first = tile.queries.iter().map(|query| query.2).min().unwrap_or(0);
    let last = tile.queries.iter().map(|query| query.2).max().unwrap_or(0);
    let from = |position: usize| shape.window.map_or(0, |window| (position + 1).saturating_sub(window));
    let mut max = [f32::NEG_INFINITY; TILE];
    let mut sum = [0.0f32; TILE];
    let mut acc = [[[0.0f32; BLOCK_LEN]; MAX_HEAD_DIM / BLOCK_LEN]; TILE];
    for block_index in from(first) / BLOCK_LEN..=last / BLOCK_LEN {
        let base = block_index * BLOCK_LEN;
        let block = tile.blocks[block_index];
        let mut scores = [L::splat(0.0); TILE];
        for (keys, q) in store.keys(block, tile.kv_head).as_chunks::<BLOCK_LEN>().0.iter().zip(&q) {
            let keys = L::load(keys);
            for (score, q) in scores.iter_mut().zip(q) {
                *score = L::splat(*q).mul_add(keys, *score);
            }
        }
        let mut weights = [[0.0f32; BLOCK_LEN]; TILE];
        let is_whole = base + BLOCK_LEN <= first + 1 && base >= from(last);
        for (t, &(_, _, position)) in tile.queries.iter().enumerate() {
            let mut score = scores[t];
            if !is_whole {
                let mut masked = score.to_array();
                for (lane, score) in masked.iter_mut().enumerate() {
                    if base + lane > position || base + lane < from(position) {
                        *score = f32::NEG_INFINITY;
                    }
                }
                score = L::load(&masked);
            }
            let block_max = score.largest().max(max[t]);
            if block_max == f32::NEG_INFINITY {
                // Nothing of this block is visible to this query: its weights stay zero.
                continue;
            }
            let mut weight = score.add(L::splat(-block_max)).exp();
            if !is_whole {
                // What is masked weighs nothing, not the least that `exp` can say.
                let mut visible = weight.to_array();
                for (lane, weight) in visible.iter_mut().enumerate() {
                    if base + lane > position || base + lane < from(position) {
                        *weight = 0.0;
                    }
                }
                weight = L::load(&visible);
            }
            if block_max > max[t] {
                let shrink = (max[t] - block_max).exp();
                max[t] = block_max;
                sum[t] *= shrink;
                for chunk in &mut acc[t][..num_chunks] {
                    L::load(chunk).mul_add(L::splat(shrink), L::splat(0.0)).store(chunk);
                }
            }
            sum[t] += weight.sum();
            weight.store(&mut weights[t]);
        }
        let values = store.values(block, tile.kv_head);
        for chunk in 0..num_chunks {
            let mut part: [L; TILE] = std::array::from_fn(|t| L::load(&acc[t][chunk]));
            for lane in 0..BLOCK_LEN {
                let row = &values[lane * head_dim + chunk * BLOCK_LEN..(lane + 1) * head_dim];
                let row = match row.first_chunk::<BLOCK_LEN>() {
                    Some(row) => L::load(row),
                    None => {
                        let mut filled = [0.0; BLOCK_LEN];
                        filled[..row.len()].copy_from_slice(row);
                        L::load(&filled)
                    }
                };
                for t in 0..TILE {
                    part[t] = L::splat(weights[t][lane]).mul_add(row, part[t]);
                }
            }
            for t in 0..TILE {
                part[t].store(&mut acc[t][chunk]);
            }
        }
    }
    for t in 0..tile.queries.len() {
        let inverse = 1.0 / sum[t];
        let values = acc[t].as_flattened();
        for (out, value) in out[t * head_dim..(t + 1) * head_dim].iter_mut().zip(values) {
            *out = value * inverse;
        }
    }
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
}
