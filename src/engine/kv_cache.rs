//! Which block of the KV cache holds what: allocation, prefix reuse, eviction. Pure bookkeeping; the numbers live in a
//! [`crate::kernels::KvStore`].
//!
//! A block holds [`BLOCK_LEN`] tokens. A full block is known by the hash of its tokens chained to its predecessor's, so
//! equal prefixes meet in equal blocks whoever computed them (vLLM, "automatic prefix caching"). Unused full blocks
//! keep their contents until the space is needed, least recently used first.
//!
//! ```text
//! block    free list, no contents --allocate--> used (refs > 0) --release--> cached (refs = 0, hash known) --evict--> used
//!                                               ^------------------reuse-----------------'
//! ```

use std::collections::{BTreeMap, HashMap};

pub use crate::kernels::{BLOCK_LEN, BlockId};

/// Hash of a block's tokens and everything before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct PrefixHash(u128);

impl PrefixHash {
    /// 128 bits, because a collision would answer one request with another's context.
    fn chain(previous: Option<Self>, tokens: &[u32]) -> Self {
        use sha2::{Digest, Sha256};
        let mut hasher = Sha256::new();
        if let Some(Self(previous)) = previous {
            hasher.update(previous.to_le_bytes());
        }
        for token in tokens {
            hasher.update(token.to_le_bytes());
        }
        let digest = hasher.finalize();
        Self(u128::from_le_bytes(digest[..16].try_into().expect("SHA-256 has 32 bytes")))
    }
}

#[derive(Clone, Debug, Default)]
struct Block {
    refs: usize,
    hash: Option<PrefixHash>,
    /// Place in the eviction order, while `refs` is 0 and `hash` is known.
    released_at: u64,
}

/// The blocks of one sequence, in order.
#[derive(Clone, Debug, Default)]
pub struct BlockTable {
    blocks: Vec<BlockId>,
    /// Hashes of the leading full blocks; no longer than `blocks`.
    hashes: Vec<PrefixHash>,
}

impl BlockTable {
    pub fn blocks(&self) -> &[BlockId] {
        &self.blocks
    }

    /// Tokens there is room for.
    pub fn capacity(&self) -> usize {
        self.blocks.len() * BLOCK_LEN
    }
}

/// Counts of blocks; `used + cached + free` is always the total.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockCounts {
    pub used: usize,
    pub cached: usize,
    pub free: usize,
}

/// Owns every block.
#[derive(Debug)]
pub struct KvCache {
    blocks: Vec<Block>,
    free: Vec<BlockId>,
    /// Full blocks by content, used or not.
    by_hash: HashMap<PrefixHash, BlockId>,
    /// Unused full blocks by the time they were released.
    cached: BTreeMap<u64, BlockId>,
    clock: u64,
}

impl KvCache {
    pub fn new(num_blocks: usize) -> Self {
        Self {
            blocks: vec![Block::default(); num_blocks],
            free: (0..num_blocks as u32).rev().map(BlockId).collect(),
            by_hash: HashMap::new(),
            cached: BTreeMap::new(),
            clock: 0,
        }
    }

    pub fn counts(&self) -> BlockCounts {
        let (free, cached) = (self.free.len(), self.cached.len());
        BlockCounts { used: self.blocks.len() - free - cached, cached, free }
    }

    /// A table that begins with the longest cached prefix of `tokens`, and that prefix's length.
    ///
    /// At least the last token is left to compute, because its logits are needed.
    pub fn match_prefix(&mut self, tokens: &[u32]) -> (BlockTable, usize) {
        let mut table = BlockTable::default();
        let mut previous = None;
        for chunk in tokens[..tokens.len().saturating_sub(1)].chunks_exact(BLOCK_LEN) {
            let hash = PrefixHash::chain(previous, chunk);
            let Some(&block) = self.by_hash.get(&hash) else { break };
            self.acquire(block);
            table.blocks.push(block);
            table.hashes.push(hash);
            previous = Some(hash);
        }
        let prefix_len = table.capacity();
        (table, prefix_len)
    }

    /// Extends `table` to hold `num_tokens`; all or nothing.
    #[must_use]
    pub fn grow(&mut self, table: &mut BlockTable, num_tokens: usize) -> bool {
        let missing = num_tokens.div_ceil(BLOCK_LEN).saturating_sub(table.blocks.len());
        if missing > self.free.len() + self.cached.len() {
            return false;
        }
        for _ in 0..missing {
            let block = self.take_block();
            table.blocks.push(block);
        }
        true
    }

    /// Records that the first `num_computed` of `tokens` are in the table's blocks, so that others may reuse them.
    pub fn record(&mut self, table: &mut BlockTable, tokens: &[u32], num_computed: usize) {
        for index in table.hashes.len()..num_computed / BLOCK_LEN {
            let chunk = &tokens[index * BLOCK_LEN..(index + 1) * BLOCK_LEN];
            let hash = PrefixHash::chain(table.hashes.last().copied(), chunk);
            table.hashes.push(hash);
            let block = table.blocks[index];
            // Another sequence may have computed the same block meanwhile; the first stays known, ours stays private.
            if let std::collections::hash_map::Entry::Vacant(entry) = self.by_hash.entry(hash) {
                entry.insert(block);
                self.blocks[block.0 as usize].hash = Some(hash);
            }
        }
    }

    /// Gives a sequence's blocks back.
    pub fn release(&mut self, table: BlockTable) {
        // Last block first, so that a prefix outlives what follows it.
        for block in table.blocks.into_iter().rev() {
            let entry = &mut self.blocks[block.0 as usize];
            entry.refs -= 1;
            if entry.refs > 0 {
                continue;
            }
            if entry.hash.is_some() {
                self.clock += 1;
                entry.released_at = self.clock;
                self.cached.insert(self.clock, block);
            } else {
                self.free.push(block);
            }
        }
    }

    fn acquire(&mut self, block: BlockId) {
        let entry = &mut self.blocks[block.0 as usize];
        if entry.refs == 0 {
            self.cached.remove(&entry.released_at);
        }
        entry.refs += 1;
    }

    fn take_block(&mut self) -> BlockId {
        let block = self.free.pop().unwrap_or_else(|| {
            let (_, block) = self.cached.pop_first().expect("the caller counted free and cached blocks");
            let hash = self.blocks[block.0 as usize].hash.take().expect("cached blocks have a hash");
            self.by_hash.remove(&hash);
            block
        });
        self.blocks[block.0 as usize].refs = 1;
        block
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tokens(len: usize) -> Vec<u32> {
        (0..len as u32).collect()
    }

    #[test]
    fn a_released_prefix_is_found_again() {
        let mut cache = KvCache::new(8);
        let prompt = tokens(40);
        let (mut table, found) = cache.match_prefix(&prompt);
        assert_eq!(found, 0);
        assert!(cache.grow(&mut table, 40));
        cache.record(&mut table, &prompt, 40);
        cache.release(table);
        let (table, found) = cache.match_prefix(&prompt);
        assert_eq!(found, 32);
        cache.release(table);
        assert_eq!(cache.counts(), BlockCounts { used: 0, cached: 2, free: 6 });
    }

    #[test]
    fn the_last_token_of_a_prompt_is_always_computed() {
        let mut cache = KvCache::new(8);
        let prompt = tokens(32);
        let (mut table, _) = cache.match_prefix(&prompt);
        assert!(cache.grow(&mut table, 32));
        cache.record(&mut table, &prompt, 32);
        cache.release(table);
        assert_eq!(cache.match_prefix(&prompt).1, 16);
    }

    #[test]
    fn a_refused_growth_takes_nothing() {
        let mut cache = KvCache::new(2);
        let mut table = BlockTable::default();
        assert!(!cache.grow(&mut table, 33));
        assert_eq!(cache.counts().free, 2);
    }

    proptest! {
        #[test]
        fn blocks_are_never_lost_and_shared_prefixes_agree(
            ops in prop::collection::vec((0u8..3, 0usize..4, 1usize..70), 1..80),
        ) {
            let mut cache = KvCache::new(12);
            let mut live: Vec<(Vec<u32>, BlockTable)> = Vec::new();
            for (op, family, len) in ops {
                match op {
                    0 | 1 => {
                        // Families share a prefix of 32 tokens and differ after it.
                        let prompt: Vec<u32> =
                            (0..len as u32).map(|i| if i < 32 { i } else { i + 1000 * family as u32 }).collect();
                        let (mut table, found) = cache.match_prefix(&prompt);
                        prop_assert!(found < prompt.len());
                        if cache.grow(&mut table, prompt.len()) {
                            cache.record(&mut table, &prompt, prompt.len());
                            live.push((prompt, table));
                        } else {
                            cache.release(table);
                        }
                    }
                    _ => {
                        if !live.is_empty() {
                            let (_, table) = live.remove(family % live.len());
                            cache.release(table);
                        }
                    }
                }
                let counts = cache.counts();
                prop_assert_eq!(counts.used + counts.cached + counts.free, 12);
                for (a_tokens, a) in &live {
                    for (b_tokens, b) in &live {
                        for i in 0..a.blocks.len().min(b.blocks.len()) {
                            if a.blocks[i] == b.blocks[i] {
                                let end = (i + 1) * BLOCK_LEN;
                                prop_assert_eq!(a_tokens.get(..end), b_tokens.get(..end));
                            }
                        }
                    }
                }
            }
            for (_, table) in live {
                cache.release(table);
            }
            prop_assert_eq!(cache.counts().used, 0);
        }
    }
}
