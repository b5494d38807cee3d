//! The keys and values that attention reads. Knows blocks and heads; who owns a block is its caller's business.
//!
//! Layout per layer, block and head: keys `[head_dim, BLOCK_LEN]` (transposed, so that one register holds the same
//! component of sixteen keys), values `[BLOCK_LEN, head_dim]`; for 8-bit ones, a scale for each key and each value.

use super::attention::Segment;
use super::buffer::Buffer;
use super::isa::{Isa, Kernel};
use super::lanes::{Lanes, round_to_i8};
use super::pool::pool;

/// Positions in a block: as many as one AVX-512 register has numbers.
pub const BLOCK_LEN: usize = 16;

/// A block's place in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlockId(pub u32);

/// How a key or value is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KvType {
    F32,
    F16,
    /// 8 bits with a scale a head and token.
    Q8,
}

impl KvType {
    /// Bytes of one number.
    pub fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 => 2,
            Self::Q8 => 1,
        }
    }
}

/// Keys and values of every block and layer.
pub struct KvStore {
    layers: Vec<LayerStore>,
}

/// One layer's keys and values.
pub struct LayerStore {
    kind: KvType,
    keys: Buffer,
    values: Buffer,
    /// `[blocks, kv_heads, BLOCK_LEN]` f32, empty unless [`KvType::Q8`].
    key_scales: Buffer,
    value_scales: Buffer,
    num_kv_heads: usize,
    head_dim: usize,
}

impl KvStore {
    /// Memory is taken from the system as it is first written, not here.
    pub fn new(kind: KvType, num_layers: usize, num_blocks: usize, num_kv_heads: usize, head_dim: usize) -> Self {
        let len = num_blocks * num_kv_heads * head_dim * BLOCK_LEN * kind.bytes();
        let scales = if kind == KvType::Q8 { num_blocks * num_kv_heads * BLOCK_LEN * 4 } else { 0 };
        let layer = || LayerStore {
            kind,
            keys: Buffer::zeroed(len),
            values: Buffer::zeroed(len),
            key_scales: Buffer::zeroed(scales),
            value_scales: Buffer::zeroed(scales),
            num_kv_heads,
            head_dim,
        };
        Self { layers: (0..num_layers).map(|_| layer()).collect() }
    }

    pub fn layer_mut(&mut self, layer: usize) -> &mut LayerStore {
        &mut self.layers[layer]
    }

    /// Makes `to` equal to `from`, in every layer.
    pub fn copy_block(&mut self, from: BlockId, to: BlockId) {
        for layer in &mut self.layers {
            let blocks = layer.num_kv_heads * BLOCK_LEN;
            let (numbers, scales) = (blocks * layer.head_dim * layer.kind.bytes(), blocks * 4);
            copy(&mut layer.keys, from, to, numbers);
            copy(&mut layer.values, from, to, numbers);
            copy(&mut layer.key_scales, from, to, scales);
            copy(&mut layer.value_scales, from, to, scales);
        }
    }
}

fn copy(buffer: &mut [u8], from: BlockId, to: BlockId, len: usize) {
    if !buffer.is_empty() {
        let from = from.0 as usize * len;
        buffer.copy_within(from..from + len, to.0 as usize * len);
    }
}

impl LayerStore {
    pub fn kind(&self) -> KvType {
        self.kind
    }

    pub fn head_dim(&self) -> usize {
        self.head_dim
    }

    fn head(&self, block: BlockId, kv_head: usize) -> usize {
        block.0 as usize * self.num_kv_heads + kv_head
    }

    /// Keys of a block: `[head_dim, BLOCK_LEN]`.
    pub fn keys(&self, block: BlockId, kv_head: usize) -> &[u8] {
        let len = self.head_dim * BLOCK_LEN * self.kind.bytes();
        &self.keys[self.head(block, kv_head) * len..][..len]
    }

    /// Values of a block: `[BLOCK_LEN, head_dim]`.
    pub fn values(&self, block: BlockId, kv_head: usize) -> &[u8] {
        let len = self.head_dim * BLOCK_LEN * self.kind.bytes();
        &self.values[self.head(block, kv_head) * len..][..len]
    }

    /// Scales of a block's keys and of its values; ones where numbers are kept as they are.
    pub fn scales(&self, block: BlockId, kv_head: usize) -> ([f32; BLOCK_LEN], [f32; BLOCK_LEN]) {
        if self.kind != KvType::Q8 {
            return ([1.0; BLOCK_LEN], [1.0; BLOCK_LEN]);
        }
        let at = self.head(block, kv_head) * BLOCK_LEN * 4;
        let read = |scales: &[u8]| {
            let scales = scales[at..at + BLOCK_LEN * 4].as_chunks::<4>().0;
            std::array::from_fn(|i| f32::from_le_bytes(scales[i]))
        };
        (read(&self.key_scales), read(&self.value_scales))
    }

    /// Writes the keys and values of each segment's rows, `[rows, kv_heads, head_dim]` both, at their positions.
    ///
    /// # Panics
    /// If a segment's rows lie outside `keys` and `values`, or its positions outside its blocks.
    pub fn write(&mut self, segments: &[Segment<'_>], keys: &[f32], values: &[f32]) {
        assert_eq!(keys.len(), values.len(), "keys and values differ in number");
        // The part of each block that is written.
        let mut parts = Vec::with_capacity(segments.len());
        for segment in segments {
            let mut row = segment.rows.start;
            while row < segment.rows.end {
                let position = segment.start + row - segment.rows.start;
                let slot = position % BLOCK_LEN;
                let num_rows = (BLOCK_LEN - slot).min(segment.rows.end - row);
                parts.push(Part { block: segment.blocks[position / BLOCK_LEN], slot, row, num_rows });
                row += num_rows;
            }
        }
        let target = Target {
            kind: self.kind,
            num_kv_heads: self.num_kv_heads,
            head_dim: self.head_dim,
            num_blocks: self.keys.len() / (self.num_kv_heads * self.head_dim * BLOCK_LEN * self.kind.bytes()),
            keys: self.keys.as_mut_ptr(),
            values: self.values.as_mut_ptr(),
            key_scales: self.key_scales.as_mut_ptr(),
            value_scales: self.value_scales.as_mut_ptr(),
        };
        let write = |piece: usize| {
            let part = &parts[piece];
            assert!((part.block.0 as usize) < target.num_blocks, "a block outside the store");
            Isa::best().run(Write { target: &target, part, keys, values });
        };
        if parts.len() <= 2 {
            (0..parts.len()).for_each(write);
        } else {
            pool().run(parts.len(), write);
        }
    }
}

/// Rows that go into one block.
struct Part {
    block: BlockId,
    slot: usize,
    row: usize,
    num_rows: usize,
}

/// A layer that pieces of a region write to, each in slots of its own: a position belongs to one sequence.
struct Target {
    kind: KvType,
    num_kv_heads: usize,
    head_dim: usize,
    num_blocks: usize,
    keys: *mut u8,
    values: *mut u8,
    key_scales: *mut u8,
    value_scales: *mut u8,
}

// SAFETY: see the type; the pointers outlive the region, whose caller borrows the layer alone.
unsafe impl Sync for Target {}

impl Target {
    /// Copies `bytes` to `at` of a buffer.
    ///
    /// # Safety
    /// The place lies within the buffer, and nobody else uses it.
    unsafe fn put(buffer: *mut u8, at: usize, bytes: &[u8]) {
        // SAFETY: the caller's promise.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), buffer.add(at), bytes.len()) };
    }
}

/// One part's keys and values on their way into a layer.
struct Write<'a> {
    target: &'a Target,
    part: &'a Part,
    keys: &'a [f32],
    values: &'a [f32],
}

impl Kernel for Write<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self { target, part, keys, values } = self;
        let &Target { kind, num_kv_heads, head_dim, .. } = target;
        let size = kind.bytes();
        let row_len = num_kv_heads * head_dim;
        for kv_head in 0..num_kv_heads {
            let head = part.block.0 as usize * num_kv_heads + kv_head;
            let start = head * head_dim * BLOCK_LEN * size;
            let place = |row: usize| (part.row + row) * row_len + kv_head * head_dim;
            let of = |row: usize| place(row)..place(row) + head_dim;
            let mut factors = [(1.0f32, 1.0f32); BLOCK_LEN];
            if kind == KvType::Q8 {
                for (row, factors) in factors[..part.num_rows].iter_mut().enumerate() {
                    let (key_scale, value_scale) = (scale_of(&keys[of(row)]), scale_of(&values[of(row)]));
                    let inverse = |scale: f32| if scale == 0.0 { 0.0 } else { 1.0 / scale };
                    *factors = (inverse(key_scale), inverse(value_scale));
                    let at = (head * BLOCK_LEN + part.slot + row) * 4;
                    // SAFETY: the scales of this part's slots.
                    unsafe {
                        Target::put(target.key_scales, at, &key_scale.to_le_bytes());
                        Target::put(target.value_scales, at, &value_scale.to_le_bytes());
                    }
                }
            }
            for d in 0..head_dim {
                let mut column = [0.0f32; BLOCK_LEN];
                for (row, number) in column[..part.num_rows].iter_mut().enumerate() {
                    *number = keys[place(row) + d] * factors[row].0;
                }
                let mut bytes = [0u8; BLOCK_LEN * 4];
                encode::<L>(kind, &column, &mut bytes);
                // SAFETY: component `d` of this part's slots.
                unsafe {
                    let at = start + (d * BLOCK_LEN + part.slot) * size;
                    Target::put(target.keys, at, &bytes[..part.num_rows * size]);
                }
            }
            for (row, factor) in factors[..part.num_rows].iter().enumerate() {
                for (index, numbers) in values[of(row)].chunks(BLOCK_LEN).enumerate() {
                    let mut chunk = [0.0f32; BLOCK_LEN];
                    for (chunk, number) in chunk.iter_mut().zip(numbers) {
                        *chunk = number * factor.1;
                    }
                    let mut bytes = [0u8; BLOCK_LEN * 4];
                    encode::<L>(kind, &chunk, &mut bytes);
                    // SAFETY: a row of this part's values.
                    unsafe {
                        let at = start + ((part.slot + row) * head_dim + index * BLOCK_LEN) * size;
                        Target::put(target.values, at, &bytes[..numbers.len() * size]);
                    }
                }
            }
        }
    }
}

/// Sixteen numbers as they are kept, at the beginning of `out`.
#[inline(always)]
fn encode<L: Lanes>(kind: KvType, numbers: &[f32; BLOCK_LEN], out: &mut [u8; BLOCK_LEN * 4]) {
    match kind {
        KvType::F32 => {
            for (out, number) in out.as_chunks_mut::<4>().0.iter_mut().zip(numbers) {
                *out = number.to_le_bytes();
            }
        }
        KvType::F16 => {
            if let Some(out) = out.first_chunk_mut() {
                L::load(numbers).store_f16(out);
            }
        }
        KvType::Q8 => {
            for (out, number) in out.iter_mut().zip(numbers) {
                *out = round_to_i8(*number) as u8;
            }
        }
    }
}

/// What the largest number of a head is 127 of.
#[inline(always)]
fn scale_of(head: &[f32]) -> f32 {
    let mut largest = 0.0f32;
    for number in head {
        let number = number.abs();
        largest = if number > largest { number } else { largest };
    }
    largest / 127.0
}
