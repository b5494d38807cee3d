//! Attention over the blocks of a [`LayerStore`], with an online softmax (Milakov and Gimelshein 2018, as in
//! FlashAttention): memory does not grow with the length, and each key block is read once for a tile of queries.
//!
//! In: queries `[rows, num_heads, head_dim]` f32, already rotated; the blocks of each sequence. Out: the same shape.
//! A row's result depends on its own position and keys alone, never on what else is in the batch: batched equals
//! single, and chunked equals whole, bit for bit.

use std::ops::Range;

use super::isa::{Isa, Kernel};
use super::kv_store::{BLOCK_LEN, BlockId, KvType, LayerStore};
use super::lanes::Lanes;
use super::pool::{Parts, pool};

/// Queries that share one pass over keys; their accumulators fill the registers.
const TILE: usize = 8;
/// Blocks between two looks at the softmax's maximum, counted from the sequence's start.
const STRIDE: usize = 4;
const STRIDE_LEN: usize = STRIDE * BLOCK_LEN;
/// Largest head this kernel has room for on its stack.
pub const MAX_HEAD_DIM: usize = 256;
/// Multiplications below which waking other threads costs more than it saves.
const SERIAL_BELOW: usize = 1 << 15;

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
    /// A query sees nothing after its own position; otherwise its whole segment.
    pub causal: bool,
}

/// Up to [`TILE`] queries of one segment and one key/value head.
struct Tile<'a> {
    segment: &'a Segment<'a>,
    kv_head: usize,
    /// Of the segment's queries for this head, row by row: those taken here.
    queries: Range<usize>,
}

impl Tile<'_> {
    /// Row, query head and last position seen of each query.
    fn each(&self, group: usize, causal: bool) -> impl Iterator<Item = (usize, usize, usize)> {
        let whole = self.segment.rows.len() - 1;
        self.queries.clone().map(move |query| {
            let row = query / group;
            let seen = self.segment.start + if causal { row } else { whole };
            (self.segment.rows.start + row, self.kv_head * group + query % group, seen)
        })
    }
}

/// Attends every row of the batch; `out` has the shape of `queries`.
///
/// # Panics
/// If a segment's rows lie outside `queries`, or its positions outside its blocks.
pub fn attend(shape: &AttentionShape, store: &LayerStore, segments: &[Segment<'_>], queries: &[f32], out: &mut [f32]) {
    let group = shape.num_heads / shape.num_kv_heads;
    assert_eq!(queries.len(), out.len(), "queries and results differ in size");
    assert!(shape.head_dim <= MAX_HEAD_DIM && store.head_dim() == shape.head_dim, "heads of another size");
    for segment in segments {
        assert!(segment.rows.end * shape.num_heads * shape.head_dim <= queries.len(), "rows outside the batch");
    }
    let num_queries: usize = segments.iter().map(|segment| segment.rows.len() * group).sum();
    let threads = pool().num_threads();
    // Few queries in small tiles, so that every thread has some.
    let tile_len =
        if num_queries * shape.num_kv_heads >= 4 * threads * TILE { TILE } else { group.div_ceil(2).min(TILE) };
    let num_tiles = |segment: &Segment<'_>| (segment.rows.len() * group).div_ceil(tile_len);
    let total: usize = segments.iter().map(|segment| num_tiles(segment) * shape.num_kv_heads).sum();
    // Tiles write disjoint heads of rows.
    let out = Parts(out.as_mut_ptr());
    let run = |piece: usize| {
        let out = &out;
        let mut piece = piece;
        for segment in segments {
            let tiles = num_tiles(segment);
            if piece < tiles * shape.num_kv_heads {
                let (kv_head, tile) = (piece / tiles, piece % tiles);
                let end = (segment.rows.len() * group).min((tile + 1) * tile_len);
                let tile = Tile { segment, kv_head, queries: tile * tile_len..end };
                Isa::best().run(Attention { shape, store, tile, queries, out });
                return;
            }
            piece -= tiles * shape.num_kv_heads;
        }
    };
    let keys = |segment: &Segment<'_>| segment.rows.len() * (segment.start + segment.rows.len());
    let work: usize = segments.iter().map(keys).sum::<usize>() * shape.num_heads * shape.head_dim;
    if work < SERIAL_BELOW {
        (0..total).for_each(run);
    } else {
        pool().run(total, run);
    }
}

/// One tile's attention.
struct Attention<'a> {
    shape: &'a AttentionShape,
    store: &'a LayerStore,
    tile: Tile<'a>,
    queries: &'a [f32],
    out: &'a Parts<f32>,
}

impl Kernel for Attention<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        match self.store.kind() {
            KvType::F32 => self.by_size::<L, F32>(),
            KvType::F16 => self.by_size::<L, F16>(),
            KvType::Q8 => self.by_size::<L, Q8>(),
        }
    }
}

/// Sixteen numbers as the store keeps them.
trait Kept {
    const BYTES: usize;

    fn load<L: Lanes>(from: &[u8]) -> L;
}

struct F32;
struct F16;
struct Q8;

impl Kept for F32 {
    const BYTES: usize = 4;

    #[inline(always)]
    fn load<L: Lanes>(from: &[u8]) -> L {
        let numbers = from.as_chunks::<4>().0;
        L::load(&std::array::from_fn(|i| f32::from_le_bytes(numbers[i])))
    }
}

impl Kept for F16 {
    const BYTES: usize = 2;

    #[inline(always)]
    fn load<L: Lanes>(from: &[u8]) -> L {
        L::load_f16(from.first_chunk().expect("a register's numbers"))
    }
}

impl Kept for Q8 {
    const BYTES: usize = 1;

    #[inline(always)]
    fn load<L: Lanes>(from: &[u8]) -> L {
        L::load_i8(from.first_chunk().expect("a register's numbers"))
    }
}

/// Rows of `T` columns on the stack.
type Columns<const T: usize, const N: usize> = [[f32; N]; T];

impl Attention<'_> {
    #[inline(always)]
    fn by_size<L: Lanes, K: Kept>(&self) {
        match self.tile.queries.len() {
            1 => self.attend::<L, K, 1>(),
            2 => self.attend::<L, K, 2>(),
            3..=4 => self.attend::<L, K, 4>(),
            _ => self.attend::<L, K, TILE>(),
        }
    }

    #[inline(always)]
    fn attend<L: Lanes, K: Kept, const T: usize>(&self) {
        let Self { shape, store, tile, queries, out } = self;
        let head_dim = shape.head_dim;
        let group = shape.num_heads / shape.num_kv_heads;
        // Heads of no whole number of registers are filled up with zeros.
        let num_chunks = head_dim.div_ceil(BLOCK_LEN);
        // `[head_dim][T]`, so that a key component meets the tile's queries in one cache line.
        let mut q = [[0.0f32; T]; MAX_HEAD_DIM];
        let mut positions = [0; T];
        for (t, (row, head, position)) in tile.each(group, shape.causal).enumerate() {
            let start = (row * shape.num_heads + head) * head_dim;
            for (d, value) in queries[start..start + head_dim].iter().enumerate() {
                q[d][t] = value * shape.scale;
            }
            positions[t] = position;
        }
        let num_queries = tile.queries.len();
        let (first, last) = (positions[0], positions[num_queries - 1]);
        let from = |position: usize| shape.window.map_or(0, |window| (position + 1).saturating_sub(window));
        let mut max = [f32::NEG_INFINITY; T];
        let mut sum = [0.0f32; T];
        let mut acc: Columns<T, MAX_HEAD_DIM> = [[0.0; MAX_HEAD_DIM]; T];
        for stride in from(first) / STRIDE_LEN..=last / STRIDE_LEN {
            let base = stride * STRIDE_LEN;
            let blocks = &tile.segment.blocks[stride * STRIDE..(last / BLOCK_LEN + 1).min((stride + 1) * STRIDE)];
            let mut scores: Columns<T, STRIDE_LEN> = [[f32::NEG_INFINITY; STRIDE_LEN]; T];
            let mut value_scales = [[1.0f32; BLOCK_LEN]; STRIDE];
            for (place, block) in blocks.iter().enumerate() {
                let mut lanes = [L::splat(0.0); T];
                let keys = store.keys(*block, tile.kv_head);
                for (keys, q) in keys.chunks_exact(BLOCK_LEN * K::BYTES).zip(&q) {
                    let keys = K::load::<L>(keys);
                    for (lanes, q) in lanes.iter_mut().zip(q) {
                        *lanes = L::splat(*q).mul_add(keys, *lanes);
                    }
                }
                if K::BYTES == 1 {
                    let (key_scales, scales) = store.scales(*block, tile.kv_head);
                    value_scales[place] = scales;
                    for lanes in &mut lanes {
                        *lanes = lanes.mul_add(L::load(&key_scales), L::splat(0.0));
                    }
                }
                for (scores, lanes) in scores.iter_mut().zip(lanes) {
                    lanes.store(part_mut(scores, place));
                }
            }
            let is_whole = base + STRIDE_LEN <= first + 1 && base >= from(last);
            // Softmax's weights, `[T][STRIDE_LEN]`, in the place of the scores.
            for t in 0..num_queries {
                let visible = |place: usize| {
                    let block = base + place * BLOCK_LEN;
                    let end = (positions[t] + 1).saturating_sub(block).min(BLOCK_LEN);
                    (from(positions[t]).saturating_sub(block).min(end), end)
                };
                let mut parts: [L; STRIDE] = std::array::from_fn(|place| L::load(part(&scores[t], place)));
                if !is_whole {
                    for (place, part) in parts.iter_mut().enumerate() {
                        let (start, end) = visible(place);
                        *part = part.keep(start, end, f32::NEG_INFINITY);
                    }
                }
                let largest = parts.iter().skip(1).fold(parts[0], |largest, part| largest.max(*part)).largest();
                let new_max = largest.max(max[t]);
                if new_max == f32::NEG_INFINITY {
                    // Nothing of these blocks is visible to this query.
                    scores[t] = [0.0; STRIDE_LEN];
                    continue;
                }
                for part in &mut parts {
                    *part = part.add(L::splat(-new_max)).exp();
                }
                if !is_whole {
                    // What is masked weighs nothing, not the least that `exp` can say.
                    for (place, part) in parts.iter_mut().enumerate() {
                        let (start, end) = visible(place);
                        *part = part.keep(start, end, 0.0);
                    }
                }
                if new_max > max[t] {
                    let shrink = (max[t] - new_max).exp();
                    max[t] = new_max;
                    sum[t] *= shrink;
                    for chunk in 0..num_chunks {
                        let chunk = part_mut(&mut acc[t], chunk);
                        L::load(chunk).mul_add(L::splat(shrink), L::splat(0.0)).store(chunk);
                    }
                }
                sum[t] += parts[0].add(parts[1]).add(parts[2].add(parts[3])).sum();
                for (place, part) in parts.iter().enumerate() {
                    let scaled =
                        if K::BYTES == 1 { part.mul_add(L::load(&value_scales[place]), L::splat(0.0)) } else { *part };
                    scaled.store(part_mut(&mut scores[t], place));
                }
            }
            for chunk in 0..num_chunks {
                let mut parts: [L; T] = std::array::from_fn(|t| L::load(part(&acc[t], chunk)));
                for (place, block) in blocks.iter().enumerate() {
                    let values = store.values(*block, tile.kv_head);
                    for (lane, row) in values.chunks_exact(head_dim * K::BYTES).enumerate() {
                        let row = &row[chunk * BLOCK_LEN * K::BYTES..];
                        let row = if row.len() >= BLOCK_LEN * K::BYTES {
                            K::load::<L>(row)
                        } else {
                            let mut filled = [0; BLOCK_LEN * 4];
                            filled[..row.len()].copy_from_slice(row);
                            K::load::<L>(&filled)
                        };
                        for (part, weights) in parts.iter_mut().zip(&scores) {
                            *part = L::splat(weights[place * BLOCK_LEN + lane]).mul_add(row, *part);
                        }
                    }
                }
                for (t, value) in parts.into_iter().enumerate() {
                    value.store(part_mut(&mut acc[t], chunk));
                }
            }
        }
        for (t, (row, head, _)) in tile.each(group, shape.causal).enumerate() {
            let inverse = 1.0 / sum[t];
            // SAFETY: the row lies within the batch, as was checked, and no other tile writes this head of it.
            let out = unsafe {
                std::slice::from_raw_parts_mut(out.0.add((row * shape.num_heads + head) * head_dim), head_dim)
            };
            for (out, value) in out.iter_mut().zip(&acc[t]) {
                *out = value * inverse;
            }
        }
    }
}

/// The `place`-th register's worth of numbers.
#[inline(always)]
fn part(numbers: &[f32], place: usize) -> &[f32; BLOCK_LEN] {
    &numbers.as_chunks().0[place]
}

#[inline(always)]
fn part_mut(numbers: &mut [f32], place: usize) -> &mut [f32; BLOCK_LEN] {
    &mut numbers.as_chunks_mut().0[place]
}

#[cfg(test)]
mod tests {
    use super::super::kv_store::KvStore;
    use super::*;

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

    fn check(kind: KvType, head_dim: usize, num_heads: usize, num_kv_heads: usize, window: Option<usize>) {
        let shape = AttentionShape {
            num_heads,
            num_kv_heads,
            head_dim,
            scale: 1.0 / (head_dim as f32).sqrt() * 3.0,
            window,
            causal: true,
        };
        let len = 133;
        // Blocks out of order, as an allocator hands them out.
        let blocks: Vec<BlockId> = [5, 1, 4, 2, 9, 0, 7, 6, 3].map(BlockId).into();
        let mut store = KvStore::new(kind, 1, 10, num_kv_heads, head_dim);
        let store = store.layer_mut(0);
        let keys: Vec<_> = (0..len).map(|p| numbers(num_kv_heads * head_dim, p + 1)).collect();
        let values: Vec<_> = (0..len).map(|p| numbers(num_kv_heads * head_dim, p + 100)).collect();
        for (start, end) in [(0, 5), (5, 6), (6, 37), (37, len)] {
            let segment = Segment { rows: 0..end - start, start, blocks: &blocks };
            store.write(&[segment], &keys[start..end].concat(), &values[start..end].concat());
        }
        let row_len = num_heads * head_dim;
        let queries: Vec<f32> = (0..len).flat_map(|p| numbers(row_len, p + 200)).collect();
        let tolerance = match kind {
            KvType::F32 => 2e-5,
            KvType::F16 => 3e-3,
            KvType::Q8 => 6e-2,
        };
        let mut whole = vec![0.0; queries.len()];
        attend(&shape, store, &[Segment { rows: 0..len, start: 0, blocks: &blocks }], &queries, &mut whole);
        for p in 0..len {
            let expected = naive(&shape, &queries[p * row_len..(p + 1) * row_len], &keys, &values, p);
            for (got, want) in whole[p * row_len..(p + 1) * row_len].iter().zip(&expected) {
                assert!((got - want).abs() < tolerance, "{kind:?}, position {p}: {got} for {want}");
            }
        }
        let mut chunked = vec![0.0; queries.len()];
        for (start, end) in [(0, 20), (20, 21), (21, 90), (90, len)] {
            let part = start * row_len..end * row_len;
            let segment = Segment { rows: 0..end - start, start, blocks: &blocks };
            attend(&shape, store, &[segment], &queries[part.clone()], &mut chunked[part]);
        }
        assert_eq!(whole, chunked);
    }

    #[test]
    fn without_a_cause_every_row_sees_its_whole_segment() {
        let shape =
            AttentionShape { num_heads: 2, num_kv_heads: 2, head_dim: 32, scale: 0.2, window: None, causal: false };
        let mut store = KvStore::new(KvType::F32, 1, 4, 2, 32);
        let store = store.layer_mut(0);
        let rows = |from: usize, len: usize| (0..len).map(|p| numbers(64, from + p)).collect::<Vec<_>>();
        let (keys, values, queries) = (rows(1, 50), rows(100, 50), rows(200, 50));
        let blocks: Vec<BlockId> = (0..4).map(BlockId).collect();
        // Texts of 20 and of 30 tokens.
        let segments = [
            Segment { rows: 0..20, start: 0, blocks: &blocks[..2] },
            Segment { rows: 20..50, start: 0, blocks: &blocks[2..] },
        ];
        store.write(&segments, &keys.concat(), &values.concat());
        let mut out = vec![0.0; 50 * 64];
        attend(&shape, store, &segments, &queries.concat(), &mut out);
        for (p, out) in out.chunks(64).enumerate() {
            let (from, to) = if p < 20 { (0, 20) } else { (20, 50) };
            let expected = naive(&shape, &queries[p], &keys[from..to], &values[from..to], to - from - 1);
            for (got, want) in out.iter().zip(&expected) {
                assert!((got - want).abs() < 2e-5, "row {p}: {got} for {want}");
            }
        }
    }

    #[test]
    fn attention_equals_its_definition() {
        for kind in [KvType::F32, KvType::F16, KvType::Q8] {
            check(kind, 16, 4, 2, None);
            check(kind, 64, 9, 3, None);
            check(kind, 24, 2, 2, None);
            check(kind, 128, 12, 2, Some(8));
            check(kind, 256, 4, 1, Some(17));
        }
    }
}
