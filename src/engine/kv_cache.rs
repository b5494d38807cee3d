//! Which block of the KV cache holds what: allocation, prefix reuse, eviction. Pure bookkeeping; the numbers live in a
//! [`crate::kernels::KvStore`].
//!
//! A block holds [`BLOCK_LEN`] tokens. A full block is known by the hash of its tokens chained to its predecessor's, so
//! equal prefixes meet in equal blocks whoever computed them (vLLM, "automatic prefix caching"). Unused full blocks
//! keep their contents until the space is needed, least recently used first, and those of a pinned prefix last of all.
//!
//! ```text
//! block    free list, no contents --allocate--> used (refs > 0) --release--> cached (refs = 0, hash known) --evict--> used
//!                                               ^------------------reuse-----------------'
//! ```

use std::collections::{BTreeMap, HashMap, VecDeque};

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
    released_at: EvictionKey,
}

/// Whether the block is pinned, and when it was released; the least is evicted first.
type EvictionKey = (bool, u64);

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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlockCounts {
    pub used: usize,
    pub cached: usize,
    pub free: usize,
}

/// Prefixes that are kept while there is anything else to evict; the one pinned first makes way for one too many.
#[derive(Debug)]
struct Pins {
    prefixes: VecDeque<Vec<PrefixHash>>,
    max_prefixes: usize,
    /// Prefixes that a block belongs to.
    counts: HashMap<PrefixHash, usize>,
}

/// Owns every block.
#[derive(Debug)]
pub struct KvCache {
    blocks: Vec<Block>,
    free: Vec<BlockId>,
    /// Full blocks by content, used or not.
    by_hash: HashMap<PrefixHash, BlockId>,
    /// Unused full blocks in the order of eviction.
    cached: BTreeMap<EvictionKey, BlockId>,
    clock: u64,
    pins: Pins,
    num_evicted: u64,
}

impl KvCache {
    pub fn new(num_blocks: usize, max_pins: usize) -> Self {
        Self {
            blocks: vec![Block::default(); num_blocks],
            free: (0..num_blocks as u32).rev().map(BlockId).collect(),
            by_hash: HashMap::new(),
            cached: BTreeMap::new(),
            clock: 0,
            pins: Pins { prefixes: VecDeque::new(), max_prefixes: max_pins, counts: HashMap::new() },
            num_evicted: 0,
        }
    }

    pub fn counts(&self) -> BlockCounts {
        let (free, cached) = (self.free.len(), self.cached.len());
        BlockCounts { used: self.blocks.len() - free - cached, cached, free }
    }

    /// Full blocks that were dropped for others since the start.
    pub fn num_evicted(&self) -> u64 {
        self.num_evicted
    }

    /// Blocks of pinned prefixes that are there, used or not.
    pub fn num_pinned(&self) -> usize {
        self.pins.counts.keys().filter(|hash| self.by_hash.contains_key(hash)).count()
    }

    /// Blocks that are neither used by anyone nor to be had: 0, or there is a bug. Call when no table is out.
    pub fn num_lost(&self) -> usize {
        let mut seen = vec![false; self.blocks.len()];
        for block in self.free.iter().chain(self.cached.values()) {
            seen[block.0 as usize] = self.blocks[block.0 as usize].refs == 0;
        }
        seen.iter().filter(|seen| !**seen).count()
    }

    /// Keeps the whole blocks of the prefix `tokens`, now or once they are computed, as long as anything else can be
    /// evicted.
    pub fn pin(&mut self, tokens: &[u32]) {
        let mut hashes = Vec::new();
        for chunk in tokens.chunks_exact(BLOCK_LEN) {
            hashes.push(PrefixHash::chain(hashes.last().copied(), chunk));
        }
        if hashes.is_empty() || self.pins.prefixes.contains(&hashes) {
            return;
        }
        for hash in &hashes {
            *self.pins.counts.entry(*hash).or_default() += 1;
            self.reorder(*hash);
        }
        self.pins.prefixes.push_back(hashes);
        while self.pins.prefixes.len() > self.pins.max_prefixes {
            for hash in self.pins.prefixes.pop_front().unwrap_or_default() {
                if let Some(count) = self.pins.counts.get_mut(&hash) {
                    *count -= 1;
                    if *count == 0 {
                        self.pins.counts.remove(&hash);
                    }
                }
                self.reorder(hash);
            }
        }
    }

    /// Puts an unused block into its place after its prefix was pinned or no longer is.
    fn reorder(&mut self, hash: PrefixHash) {
        let Some(&block) = self.by_hash.get(&hash) else { return };
        let entry = &mut self.blocks[block.0 as usize];
        if entry.refs == 0 {
            self.cached.remove(&entry.released_at);
            entry.released_at.0 = self.pins.counts.contains_key(&hash);
            self.cached.insert(entry.released_at, block);
        }
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
        self.grow_leaving(table, num_tokens, 0)
    }

    /// As [`Self::grow`], refused where fewer than `reserve` blocks would be left to be had.
    #[must_use]
    pub fn grow_leaving(&mut self, table: &mut BlockTable, num_tokens: usize, reserve: usize) -> bool {
        let missing = num_tokens.div_ceil(BLOCK_LEN).saturating_sub(table.blocks.len());
        if missing + reserve > self.free.len() + self.cached.len() {
            return false;
        }
        for _ in 0..missing {
            let block = self.take_block();
            table.blocks.push(block);
        }
        true
    }

    /// Gives back the blocks after those that hold `num_tokens`; they must not have been recorded.
    pub fn trim(&mut self, table: &mut BlockTable, num_tokens: usize) {
        let kept = num_tokens.div_ceil(BLOCK_LEN).max(table.hashes.len());
        while table.blocks.len() > kept {
            let block = table.blocks.pop().expect("the length was just compared");
            self.blocks[block.0 as usize].refs -= 1;
            self.free.push(block);
        }
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
            match entry.hash {
                Some(hash) => {
                    self.clock += 1;
                    entry.released_at = (self.pins.counts.contains_key(&hash), self.clock);
                    self.cached.insert(entry.released_at, block);
                }
                None => self.free.push(block),
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
            self.num_evicted += 1;
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
        let mut cache = KvCache::new(8, 0);
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
        let mut cache = KvCache::new(8, 0);
        let prompt = tokens(32);
        let (mut table, _) = cache.match_prefix(&prompt);
        assert!(cache.grow(&mut table, 32));
        cache.record(&mut table, &prompt, 32);
        cache.release(table);
        assert_eq!(cache.match_prefix(&prompt).1, 16);
    }

    #[test]
    fn a_refused_growth_takes_nothing() {
        let mut cache = KvCache::new(2, 0);
        let mut table = BlockTable::default();
        assert!(!cache.grow(&mut table, 33));
        assert_eq!(cache.counts().free, 2);
    }

    /// Computes `prompt` and gives its blocks back.
    fn visit(cache: &mut KvCache, prompt: &[u32]) {
        let (mut table, _) = cache.match_prefix(prompt);
        assert!(cache.grow(&mut table, prompt.len()));
        cache.record(&mut table, prompt, prompt.len());
        cache.release(table);
    }

    fn found(cache: &mut KvCache, prompt: &[u32]) -> usize {
        let (table, found) = cache.match_prefix(prompt);
        cache.release(table);
        found
    }

    #[test]
    fn a_pinned_prefix_outlives_what_came_after_it() {
        let other = |nth: u32| (0..33).map(|i| 1000 * nth + i).collect::<Vec<u32>>();
        let mut cache = KvCache::new(6, 1);
        cache.pin(&tokens(40));
        assert_eq!(cache.num_pinned(), 0, "not computed yet");
        visit(&mut cache, &tokens(40));
        assert_eq!(cache.num_pinned(), 2);
        (1..9).for_each(|nth| visit(&mut cache, &other(nth)));
        assert_eq!((found(&mut cache, &tokens(40)), found(&mut cache, &other(1))), (32, 0));
        assert!(cache.num_evicted() > 0);
        // One pin is allowed: the next takes its place.
        cache.pin(&other(8));
        (9..12).for_each(|nth| visit(&mut cache, &other(nth)));
        assert_eq!((found(&mut cache, &tokens(40)), found(&mut cache, &other(8))), (0, 32));
        // It does not stand in the way of one that needs everything.
        visit(&mut cache, &(0..96).map(|i| 50_000 + i).collect::<Vec<u32>>());
        assert_eq!(found(&mut cache, &other(8)), 0);
        assert_eq!(cache.num_lost(), 0);
    }

    #[test]
    fn blocks_for_guesses_that_failed_come_back() {
        let mut cache = KvCache::new(4, 0);
        let mut table = BlockTable::default();
        assert!(cache.grow(&mut table, 50));
        cache.record(&mut table, &tokens(20), 18);
        cache.trim(&mut table, 18);
        assert_eq!((table.blocks().len(), cache.counts().free), (2, 2));
        assert!(!cache.grow_leaving(&mut table, 49, 1) && cache.grow_leaving(&mut table, 48, 1));
        cache.trim(&mut table, 0);
        assert_eq!(table.blocks().len(), 1, "what is recorded stays");
        cache.release(table);
        assert_eq!(cache.num_lost(), 0);
    }

    proptest! {
        #[test]
        fn blocks_are_never_lost_and_shared_prefixes_agree(
            ops in prop::collection::vec((0u8..4, 0usize..4, 1usize..70), 1..80),
        ) {
            let mut cache = KvCache::new(12, 2);
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
                    2 => {
                        if !live.is_empty() {
                            let (_, table) = live.remove(family % live.len());
                            cache.release(table);
                        }
                    }
                    _ => {
                        let prompt: Vec<u32> = (0..len as u32).map(|i| i + 1000 * family as u32).collect();
                        cache.pin(&prompt);
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
            prop_assert_eq!(cache.num_lost(), 0);
        }
    }
}
