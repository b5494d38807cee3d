//! Who runs next under a token budget. Pure: no tensors, no clock, no threads.
//!
//! A step first gives every decoding sequence its one token, then spends what is left of the budget on prompts, in
//! order of arrival. When blocks run out the youngest sequence gives way and is computed again later, so that an
//! accepted request always ends by its own means.

use std::collections::VecDeque;

use super::kv_cache::{BlockCounts, KvCache};
use super::sequence::Sequence;

/// Prompt tokens in a step that also decodes: small enough that running answers do not stall behind a long prompt.
const MIXED_PREFILL_TOKENS: usize = 128;

/// A sequence's share of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// Index into [`Scheduler::running`].
    pub sequence: usize,
    /// Tokens computed in this step, from the first that is not yet.
    pub len: usize,
    /// Whether the step reaches the sequence's last token, so that the next one can be drawn.
    pub samples: bool,
}

/// Queues, and the cache they share.
pub struct Scheduler {
    waiting: VecDeque<Sequence>,
    running: Vec<Sequence>,
    cache: KvCache,
    max_running: usize,
    step_tokens: usize,
    prefix_tokens_queried: u64,
    prefix_tokens_hit: u64,
}

impl Scheduler {
    pub fn new(num_blocks: usize, max_running: usize, step_tokens: usize) -> Self {
        Self {
            waiting: VecDeque::new(),
            running: Vec::new(),
            cache: KvCache::new(num_blocks),
            max_running,
            step_tokens,
            prefix_tokens_queried: 0,
            prefix_tokens_hit: 0,
        }
    }

    pub fn add(&mut self, sequence: Sequence) {
        self.waiting.push_back(sequence);
    }

    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.running.is_empty()
    }

    pub fn running(&self) -> &[Sequence] {
        &self.running
    }

    pub fn num_waiting(&self) -> usize {
        self.waiting.len()
    }

    pub fn blocks(&self) -> BlockCounts {
        self.cache.counts()
    }

    /// Prompt tokens looked up in the prefix cache, and found there.
    pub fn prefix_tokens(&self) -> (u64, u64) {
        (self.prefix_tokens_queried, self.prefix_tokens_hit)
    }

    /// Forgets sequences whose client has gone, and frees their blocks.
    pub fn drop_cancelled(&mut self) {
        self.waiting.retain(|sequence| !sequence.is_cancelled());
        let mut index = 0;
        while index < self.running.len() {
            if self.running[index].is_cancelled() { self.remove(index) } else { index += 1 }
        }
    }

    /// Plans a step. Blocks for all planned tokens are taken.
    pub fn schedule(&mut self) -> Vec<Work> {
        let mut plan = Vec::new();
        let mut budget = self.step_tokens;
        let mut index = 0;
        while index < self.running.len() && budget > 0 {
            if self.running[index].pending_len() == 1 && self.running[index].num_computed() > 0 {
                if !self.make_room(index, 1) {
                    break;
                }
                plan.push(Work { sequence: index, len: 1, samples: true });
                budget -= 1;
            }
            index += 1;
        }
        if !plan.is_empty() {
            budget = budget.min(MIXED_PREFILL_TOKENS);
        }
        let mut index = 0;
        while index < self.running.len() && budget > 0 {
            let pending = self.running[index].pending_len();
            if !plan.iter().any(|work| work.sequence == index) {
                let len = pending.min(budget);
                // A prompt under way waits for blocks rather than pushing others out: decoding ones free theirs soon.
                let room = if plan.is_empty() { self.make_room(index, len) } else { self.grow(index, len) };
                if !room {
                    return plan;
                }
                plan.push(Work { sequence: index, len, samples: len == pending });
                budget -= len;
            }
            index += 1;
        }
        while budget > 0 && self.running.len() < self.max_running {
            let Some(mut sequence) = self.waiting.pop_front() else { break };
            let (table, prefix_len) = self.cache.match_prefix(sequence.tokens());
            sequence.admit(table, prefix_len);
            let pending = sequence.pending_len();
            let len = pending.min(budget);
            let tokens_len = sequence.num_computed() + len;
            if !self.cache.grow(&mut sequence.table, tokens_len) {
                self.cache.release(sequence.preempt());
                self.waiting.push_front(sequence);
                break;
            }
            self.prefix_tokens_queried += sequence.tokens().len() as u64;
            self.prefix_tokens_hit += prefix_len as u64;
            self.running.push(sequence);
            plan.push(Work { sequence: self.running.len() - 1, len, samples: len == pending });
            budget -= len;
        }
        plan
    }

    /// Notes that a planned share was computed; `push` draws the next token where there is one and tells whether the
    /// sequence has ended.
    pub fn complete(&mut self, plan: &[Work], mut push: impl FnMut(usize, &mut Sequence) -> bool) {
        let mut ended = Vec::new();
        for (nth, work) in plan.iter().enumerate() {
            let sequence = &mut self.running[work.sequence];
            sequence.advance(work.len);
            let num_computed = sequence.num_computed();
            let mut table = std::mem::take(&mut sequence.table);
            self.cache.record(&mut table, sequence.tokens(), num_computed);
            sequence.table = table;
            if work.samples && push(nth, sequence) {
                ended.push(work.sequence);
            }
        }
        ended.sort_unstable();
        for index in ended.into_iter().rev() {
            self.remove(index);
        }
    }

    /// Ends every sequence with `end`, running or waiting, and frees all blocks.
    pub fn end_all(&mut self, mut end: impl FnMut(&mut Sequence)) {
        self.waiting.drain(..).for_each(|mut sequence| end(&mut sequence));
        for mut sequence in std::mem::take(&mut self.running) {
            end(&mut sequence);
            self.cache.release(sequence.table);
        }
    }

    fn grow(&mut self, index: usize, len: usize) -> bool {
        let sequence = &mut self.running[index];
        let tokens_len = sequence.num_computed() + len;
        self.cache.grow(&mut sequence.table, tokens_len)
    }

    /// As [`Self::grow`], at the cost of younger sequences; `false` if only older ones are left.
    fn make_room(&mut self, index: usize, len: usize) -> bool {
        while !self.grow(index, len) {
            let youngest = self.running.len() - 1;
            let mut sequence = self.running.remove(youngest);
            self.cache.release(sequence.preempt());
            self.waiting.push_front(sequence);
            if youngest == index {
                return false;
            }
        }
        true
    }

    fn remove(&mut self, index: usize) {
        let sequence = self.running.remove(index);
        self.cache.release(sequence.table);
    }
}
