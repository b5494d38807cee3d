//! The keys and values that attention reads. Knows blocks and heads; who owns a block is its caller's business.
//!
//! Layout per layer, block and head: keys `[head_dim, BLOCK_LEN]` (transposed, so that one register holds the same
//! component of sixteen keys), values `[BLOCK_LEN, head_dim]`; for 8-bit ones, a scale for each key and each value.

use half::f16;

use super::buffer::Buffer;

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

    /// Writes one token's keys and values, each `[kv_heads, head_dim]`, at `slot` of `block`.
    pub fn write(&mut self, block: BlockId, slot: usize, keys: &[f32], values: &[f32]) {
        let (head_dim, size) = (self.head_dim, self.kind.bytes());
        for kv_head in 0..self.num_kv_heads {
            let head = self.head(block, kv_head);
            let offset = head * head_dim * BLOCK_LEN * size;
            let key = &keys[kv_head * head_dim..(kv_head + 1) * head_dim];
            let value = &values[kv_head * head_dim..(kv_head + 1) * head_dim];
            let key_out = &mut self.keys[offset + slot * size..];
            let value_out = &mut self.values[offset + slot * head_dim * size..][..head_dim * size];
            match self.kind {
                KvType::F32 => {
                    put(key.iter().map(|x| x.to_le_bytes()), key_out, BLOCK_LEN * size);
                    put(value.iter().map(|x| x.to_le_bytes()), value_out, size);
                }
                KvType::F16 => {
                    put(key.iter().map(|x| f16::from_f32(*x).to_le_bytes()), key_out, BLOCK_LEN * size);
                    put(value.iter().map(|x| f16::from_f32(*x).to_le_bytes()), value_out, size);
                }
                KvType::Q8 => {
                    let (key_scale, value_scale) = (scale_of(key), scale_of(value));
                    let round = |x: &f32, scale: f32| [if scale == 0.0 { 0 } else { (x / scale).round() as i8 as u8 }];
                    put(key.iter().map(|x| round(x, key_scale)), key_out, BLOCK_LEN * size);
                    put(value.iter().map(|x| round(x, value_scale)), value_out, size);
                    let at = (head * BLOCK_LEN + slot) * 4;
                    self.key_scales[at..at + 4].copy_from_slice(&key_scale.to_le_bytes());
                    self.value_scales[at..at + 4].copy_from_slice(&value_scale.to_le_bytes());
                }
            }
        }
    }
}

/// What the largest number of a head is 127 of.
fn scale_of(head: &[f32]) -> f32 {
    head.iter().fold(0.0f32, |largest, x| largest.max(x.abs())) / 127.0
}

/// Writes numbers `stride` bytes apart.
fn put<const N: usize>(numbers: impl Iterator<Item = [u8; N]>, out: &mut [u8], stride: usize) {
    for (number, place) in numbers.zip(out.chunks_mut(stride)) {
        place[..N].copy_from_slice(&number);
    }
}
