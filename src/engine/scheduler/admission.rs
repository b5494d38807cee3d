//! Who comes in: places, blocks, and prompts that are shared with someone who runs.

use super::{Plan, Scheduler};
use crate::engine::kv_cache::{BLOCK_LEN, BlockId};
use crate::engine::request::Lane;
use crate::engine::sequence::Sequence;

/// What came of the attempt to admit a lane's next request.
pub(super) enum Admission {
    /// It is the last of the running.
    Admitted,
    /// Places or blocks are lacking.
    NoRoom,
    /// No request waits, or only for another's prompt.
    Nobody,
}

impl Scheduler {
    /// Moves the next of a lane's requests among the running.
    pub(super) fn admit(&mut self, lane: Lane, plan: &mut Plan) -> Admission {
        let queue = &self.waiting[lane as usize];
        // One whose prompt another is just reading waits for it, and lets others go first.
        let Some(nth) = queue.iter().position(|sequence| !self.is_being_read(sequence)) else {
            return Admission::Nobody;
        };
        let Some(mut sequence) = self.waiting[lane as usize].remove(nth) else { return Admission::Nobody };
        while !self.place(&mut sequence, plan) {
            // Those of lesser lanes that have had their share give way.
            let victim = (0..self.running.len())
                .filter(|index| {
                    let other = &self.running[*index];
                    other.lane() > lane && !other.is_settled() && self.share.is_ahead(other.lane(), lane)
                })
                .max_by_key(|index| self.running[*index].rank());
            let Some(victim) = victim else {
                self.waiting[lane as usize].insert(nth, sequence);
                return Admission::NoRoom;
            };
            self.preempt(victim);
            plan.forget(victim);
        }
        self.passed[lane as usize] = 0;
        self.running.push(sequence);
        Admission::Admitted
    }

    /// Whether another sequence is about to compute a part of this one's prompt that the cache lacks.
    fn is_being_read(&self, sequence: &Sequence) -> bool {
        self.running.iter().any(|other| {
            let missing = other.pending_len() > 1 && other.lane() <= sequence.lane();
            // A block at least, or the wait is not worth it.
            missing && shared_len(other, sequence) >= other.num_computed() + BLOCK_LEN
        })
    }

    /// Takes blocks for a request's whole prompt; nothing where they or a place among the running are lacking.
    fn place(&mut self, sequence: &mut Sequence, plan: &mut Plan) -> bool {
        if self.running.len() >= self.limits.max_running {
            return false;
        }
        let tokens_len = sequence.tokens().len();
        let (mut table, mut prefix_len) = self.cache.match_prefix(sequence.tokens());
        let num_answers = self.running.iter().filter(|other| other.is_next_token()).count();
        if !self.cache.grow_leaving(&mut table, tokens_len, num_answers) {
            self.cache.release(table);
            return false;
        }
        if let Some((block, shared)) = self.partly_shared(sequence, prefix_len) {
            // Copied at once, because its first write is in this very step.
            plan.copies.push((block, table.blocks()[prefix_len / BLOCK_LEN]));
            prefix_len = shared;
        }
        if !sequence.was_admitted() {
            self.counts.prefix_tokens_queried += tokens_len as u64;
            self.counts.prefix_tokens_hit += prefix_len as u64;
        }
        sequence.admit(table, prefix_len);
        true
    }

    /// A block of a running sequence that goes on where `prefix_len` whole blocks end, and up to where it does: the
    /// answers of one request (`n`) share their prompt to the last token.
    fn partly_shared(&self, sequence: &Sequence, prefix_len: usize) -> Option<(BlockId, usize)> {
        let longest = self.running.iter().map(|other| (other, shared_len(other, sequence).min(other.num_computed())));
        let (other, shared) = longest.max_by_key(|(_, shared)| *shared)?;
        let is_partial = shared > prefix_len && shared - prefix_len < BLOCK_LEN;
        is_partial.then(|| (other.table.blocks()[prefix_len / BLOCK_LEN], shared))
    }
}

/// Tokens of `sequence` that `other` begins with too, as far as they can be shared: the last must be computed.
fn shared_len(other: &Sequence, sequence: &Sequence) -> usize {
    let most = sequence.tokens().len() - 1;
    other.tokens().iter().zip(&sequence.tokens()[..most]).take_while(|(a, b)| a == b).count()
}
