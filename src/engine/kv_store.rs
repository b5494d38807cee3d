//! The keys and values themselves. Knows blocks and heads; who owns a block is [`super::kv_cache`]'s business.
//!
//! Layout per layer and block, f32: keys `[kv_heads, head_dim, BLOCK_LEN]` (transposed, so that one register holds the
//! same component of sixteen keys), values `[kv_heads, BLOCK_LEN, head_dim]`.

use super::kv_cache::{BLOCK_LEN, BlockId};

/// Keys and values of every block and layer.
pub struct KvStore {
    layers: Vec<LayerStore>,
}

/// One layer's keys and values.
pub struct LayerStore {
    keys: Vec<f32>,
    values: Vec<f32>,
    num_kv_heads: usize,
    head_dim: usize,
}

impl KvStore {
    /// Memory is taken from the system block by block as it is first written, not here.
    pub fn new(num_layers: usize, num_blocks: usize, num_kv_heads: usize, head_dim: usize) -> Self {
        let len = num_blocks * num_kv_heads * head_dim * BLOCK_LEN;
        let layer = || LayerStore { keys: vec![0.0; len], values: vec![0.0; len], num_kv_heads, head_dim };
        Self { layers: (0..num_layers).map(|_| layer()).collect() }
    }

    pub fn layer_mut(&mut self, layer: usize) -> &mut LayerStore {
        &mut self.layers[layer]
    }

    /// Copies a block's keys and values of every layer.
    pub fn copy_block(&mut self, from: BlockId, to: BlockId) {
        for layer in &mut self.layers {
            let len = layer.num_kv_heads * layer.head_dim * BLOCK_LEN;
            let (from, to) = (from.0 as usize * len, to.0 as usize * len);
            layer.keys.copy_within(from..from + len, to);
            layer.values.copy_within(from..from + len, to);
        }
    }
}

impl LayerStore {
    fn offset(&self, block: BlockId, kv_head: usize) -> usize {
        (block.0 as usize * self.num_kv_heads + kv_head) * self.head_dim * BLOCK_LEN
    }

    /// Keys of a block: `[head_dim, BLOCK_LEN]`.
    pub fn keys(&self, block: BlockId, kv_head: usize) -> &[f32] {
        let offset = self.offset(block, kv_head);
        &self.keys[offset..offset + self.head_dim * BLOCK_LEN]
    }

    /// Values of a block: `[BLOCK_LEN, head_dim]`.
    pub fn values(&self, block: BlockId, kv_head: usize) -> &[f32] {
        let offset = self.offset(block, kv_head);
        &self.values[offset..offset + self.head_dim * BLOCK_LEN]
    }

    /// Writes one token's keys and values, each `[kv_heads, head_dim]`, at `slot` of `block`.
    pub fn write(&mut self, block: BlockId, slot: usize, keys: &[f32], values: &[f32]) {
        let head_dim = self.head_dim;
        for kv_head in 0..self.num_kv_heads {
            let offset = self.offset(block, kv_head);
            for (d, key) in keys[kv_head * head_dim..(kv_head + 1) * head_dim].iter().enumerate() {
                self.keys[offset + d * BLOCK_LEN + slot] = *key;
            }
            let start = offset + slot * head_dim;
            self.values[start..start + head_dim].copy_from_slice(&values[kv_head * head_dim..(kv_head + 1) * head_dim]);
        }
    }
}
