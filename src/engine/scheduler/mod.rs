//! Who runs next under a token budget. Pure: no tensors, no clock, no threads.
//!
//! A step spends its budget in this order:
//!
//! 1. one token for each sequence that is between two tokens of its answer, so that no prompt ever stops a stream;
//! 2. prompts, in chunks: bounded more tightly where answers are under way, which must not stall behind them. The lane
//!    whose share is furthest behind goes first ([`fair_share`]), within a lane the order is that of arrival;
//! 3. guesses at what comes next ([`super::lookup`]), where they pay.
//!
//! A request is admitted when there are blocks for its whole prompt and one more for everyone who decodes. Should blocks
//! run out all the same, the least urgent and youngest sequence gives way and is computed again later, so that an
//! accepted request always ends by its own means. Nothing starves: a sequence is pushed out twice at most, and a request
//! that finds no room is passed by [`MAX_PASSED`] others at most.

mod admission;
mod fair_share;

use std::collections::VecDeque;

use admission::Admission;
use fair_share::FairShare;

use super::kv_cache::{BlockCounts, BlockId, KvCache};
use super::request::Lane;
use super::sequence::{SeqId, Sequence, Taken};
use super::step_cost::{Lookback, StepCost};

/// Requests that may be admitted before one that finds no room; then all wait until it does.
const MAX_PASSED: usize = 8;

/// Sizes the scheduler keeps to.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub num_blocks: usize,
    pub max_running: usize,
    /// Most tokens in a step.
    pub step_tokens: usize,
    /// Most prompt tokens in a step that also decodes, and in one that does not; fewer where much was read before them.
    pub mixed_tokens: usize,
    pub lone_tokens: usize,
    /// By which the former are fewer where much was read before them.
    pub lookback: Lookback,
    /// Most pinned prefixes.
    pub max_pins: usize,
}

/// A sequence's share of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// Index into [`Scheduler::running`].
    pub sequence: usize,
    /// Tokens computed in this step, from the first that is not yet.
    pub len: usize,
    /// Guessed tokens computed after them.
    pub num_guesses: usize,
    /// Whether the step reaches the sequence's last token, so that the next one can be drawn.
    pub samples: bool,
}

/// A step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub works: Vec<Work>,
    /// Blocks to be copied, from and to, in this order and before anything is computed.
    pub copies: Vec<(BlockId, BlockId)>,
}

impl Plan {
    fn planned(&self, index: usize) -> bool {
        self.works.iter().any(|work| work.sequence == index)
    }

    /// Follows the removal of a running sequence.
    fn forget(&mut self, index: usize) {
        self.works.retain(|work| work.sequence != index);
        self.works.iter_mut().filter(|work| work.sequence > index).for_each(|work| work.sequence -= 1);
    }

    fn num_tokens(&self) -> usize {
        self.works.iter().map(|work| work.len + work.num_guesses).sum()
    }
}

/// Counts since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Prompt tokens looked up in the prefix cache, and found there.
    pub prefix_tokens_queried: u64,
    pub prefix_tokens_hit: u64,
    /// Tokens guessed and run, and those that were drawn.
    pub guesses_run: u64,
    pub guesses_accepted: u64,
    pub generated_tokens: u64,
    /// Times that a sequence gave way to another.
    pub num_preemptions: u64,
}

/// Queues, and the cache they share.
pub struct Scheduler {
    limits: Limits,
    /// What guesses cost; none are made where absent.
    cost: Option<StepCost>,
    waiting: [VecDeque<Sequence>; Lane::ALL.len()],
    running: Vec<Sequence>,
    cache: KvCache,
    share: FairShare,
    /// Requests admitted while the head of a lane found no room.
    passed: [usize; Lane::ALL.len()],
    num_arrived: u64,
    num_steps: u64,
    counts: Counts,
}

impl Scheduler {
    /// A scheduler that runs guesses where `cost` says that they pay.
    pub fn new(limits: Limits, cost: Option<StepCost>) -> Self {
        Self {
            limits,
            cost,
            waiting: Default::default(),
            running: Vec::new(),
            cache: KvCache::new(limits.num_blocks, limits.max_pins),
            share: FairShare::default(),
            passed: Default::default(),
            num_arrived: 0,
            num_steps: 0,
            counts: Counts::default(),
        }
    }

    pub fn add(&mut self, mut sequence: Sequence) {
        let lane = sequence.lane();
        let busy = |lane: &Lane| self.has_requests(*lane);
        if !busy(&lane) {
            let others: Vec<Lane> = Lane::ALL.into_iter().filter(busy).collect();
            self.share.wake(lane, others.into_iter());
        }
        self.num_arrived += 1;
        sequence.id = SeqId(self.num_arrived);
        self.waiting[lane as usize].push_back(sequence);
    }

    /// Keeps the blocks of a prefix as long as anything else can be evicted.
    pub fn pin(&mut self, tokens: &[u32]) {
        self.cache.pin(tokens);
    }

    pub fn is_idle(&self) -> bool {
        self.num_waiting() == 0 && self.running.is_empty()
    }

    pub fn running(&self) -> &[Sequence] {
        &self.running
    }

    pub fn num_waiting(&self) -> usize {
        self.waiting.iter().map(VecDeque::len).sum()
    }

    /// Requests that wait in each lane, in the order of [`Lane::ALL`].
    pub fn lane_waiting(&self) -> [usize; Lane::ALL.len()] {
        std::array::from_fn(|lane| self.waiting[lane].len())
    }

    pub fn blocks(&self) -> BlockCounts {
        self.cache.counts()
    }

    pub fn cache(&self) -> &KvCache {
        &self.cache
    }

    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Tokens computed for each lane.
    pub fn lane_tokens(&self) -> [u64; Lane::ALL.len()] {
        self.share.tokens()
    }

    /// Forgets sequences whose client has gone, and frees their blocks.
    pub fn drop_cancelled(&mut self) {
        self.waiting.iter_mut().for_each(|lane| lane.retain(|sequence| !sequence.is_cancelled()));
        let mut index = 0;
        while index < self.running.len() {
            if self.running[index].is_cancelled() { self.remove(index) } else { index += 1 }
        }
    }

    /// Plans a step. Blocks for all planned tokens are taken.
    pub fn schedule(&mut self) -> Plan {
        self.num_steps += 1;
        let mut plan = Plan::default();
        self.make_room_for_answers();
        self.plan_answers(&mut plan);
        self.plan_prompts(&mut plan);
        self.plan_guesses(&mut plan);
        for work in &plan.works {
            let sequence = &mut self.running[work.sequence];
            sequence.last_step = self.num_steps;
            self.share.charge(sequence.lane(), work.len + work.num_guesses);
            self.counts.guesses_run += work.num_guesses as u64;
        }
        plan
    }

    /// Notes that a plan was computed. `draw` is called for each work that samples; it draws by [`Sequence::take`].
    pub fn complete(&mut self, plan: &Plan, mut draw: impl FnMut(&Work, &mut Sequence) -> Taken) {
        let mut ended = Vec::new();
        for work in &plan.works {
            let sequence = &mut self.running[work.sequence];
            let taken = if work.samples { draw(work, sequence) } else { Taken::default() };
            sequence.advance(work.len + taken.num_accepted);
            self.counts.generated_tokens += taken.num_drawn as u64;
            self.counts.guesses_accepted += taken.num_accepted as u64;
            let num_computed = sequence.num_computed();
            let mut table = std::mem::take(&mut sequence.table);
            self.cache.record(&mut table, sequence.tokens(), num_computed);
            if work.num_guesses > 0 {
                self.cache.trim(&mut table, sequence.tokens().len());
            }
            sequence.table = table;
            if taken.ended {
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
        self.waiting.iter_mut().flat_map(|lane| lane.drain(..)).for_each(|mut sequence| end(&mut sequence));
        for mut sequence in std::mem::take(&mut self.running) {
            end(&mut sequence);
            self.cache.release(sequence.table);
        }
    }

    /// Takes a block for everyone whose next token needs one, at the cost of those with a lesser rank.
    fn make_room_for_answers(&mut self) {
        let mut answering: Vec<_> = self.running.iter().filter(|s| s.is_next_token()).map(Sequence::rank).collect();
        answering.sort_unstable();
        for rank in answering {
            while let Some(index) = self.running.iter().position(|sequence| sequence.rank() == rank) {
                if self.grow(index, 1) {
                    break;
                }
                let least = (0..self.running.len()).max_by_key(|index| self.running[*index].rank());
                self.preempt(least.expect("this sequence itself is running"));
            }
        }
    }

    fn plan_answers(&mut self, plan: &mut Plan) {
        let mut answering: Vec<usize> =
            (0..self.running.len()).filter(|index| self.running[*index].is_next_token()).collect();
        if answering.len() > self.limits.step_tokens {
            // In turns, where there are more answers than tokens in a step.
            answering.sort_by_key(|index| self.running[*index].last_step);
            answering.truncate(self.limits.step_tokens);
        }
        plan.works.extend(answering.into_iter().map(|sequence| Work {
            sequence,
            len: 1,
            num_guesses: 0,
            samples: true,
        }));
    }

    fn plan_prompts(&mut self, plan: &mut Plan) {
        let num_answers = plan.works.len();
        let (most, lookback) = match num_answers {
            0 => (self.limits.lone_tokens, Lookback::FREE),
            _ => (self.limits.mixed_tokens, self.limits.lookback),
        };
        let mut left = most.min(self.limits.step_tokens - num_answers);
        // Charged as they are chosen, so that one step's tokens go to more than one lane; settled by `schedule`.
        let mut share = self.share.clone();
        let mut found_no_room = Vec::new();
        let mut closed = Vec::new();
        while left > 0 {
            let next = share.next(Lane::ALL.into_iter().filter(|lane| !closed.contains(lane)));
            let Some(lane) = next else { break };
            let under_way = (0..self.running.len())
                .filter(|index| self.running[*index].lane() == lane && !plan.planned(*index))
                .filter(|index| !self.running[*index].is_next_token())
                .min_by_key(|index| self.running[*index].id);
            let is_barred = || found_no_room.iter().any(|other: &Lane| self.passed[*other as usize] >= MAX_PASSED);
            let index = match under_way {
                Some(index) => index,
                None if is_barred() => {
                    closed.push(lane);
                    continue;
                }
                None => match self.admit(lane, plan) {
                    Admission::Admitted => {
                        found_no_room.iter().for_each(|lane| self.passed[*lane as usize] += 1);
                        self.running.len() - 1
                    }
                    Admission::NoRoom => {
                        found_no_room.push(lane);
                        closed.push(lane);
                        continue;
                    }
                    Admission::Nobody => {
                        closed.push(lane);
                        continue;
                    }
                },
            };
            let (pending, start) = (self.running[index].pending_len(), self.running[index].num_computed());
            let len = pending.min(lookback.fit(start, left));
            plan.works.push(Work { sequence: index, len, num_guesses: 0, samples: len == pending });
            share.charge(lane, len);
            left = left.saturating_sub(lookback.cost(start, len));
        }
    }

    fn plan_guesses(&mut self, plan: &mut Plan) {
        let Some(cost) = &self.cost else { return };
        let mut left = self.limits.step_tokens.saturating_sub(plan.num_tokens());
        let mut num_rows = plan.works.iter().filter(|work| self.running[work.sequence].is_next_token()).count();
        let mut expected = num_rows as f64;
        for work in &mut plan.works {
            let sequence = &mut self.running[work.sequence];
            if !sequence.is_next_token() {
                continue;
            }
            let mut chances = sequence.guess();
            chances.truncate(left);
            let mut wanted = cost.guesses(num_rows, expected, &chances);
            let computed = sequence.num_computed() + 1;
            while wanted > 0 && !self.cache.grow(&mut sequence.table, computed + wanted) {
                wanted = (wanted - 1).min(sequence.table.capacity() - computed);
            }
            work.num_guesses = wanted;
            left -= wanted;
            num_rows += wanted;
            expected += chances[..wanted].iter().sum::<f64>();
        }
    }

    fn has_requests(&self, lane: Lane) -> bool {
        !self.waiting[lane as usize].is_empty() || self.running.iter().any(|sequence| sequence.lane() == lane)
    }

    fn grow(&mut self, index: usize, len: usize) -> bool {
        let sequence = &mut self.running[index];
        let tokens_len = sequence.num_computed() + len;
        self.cache.grow(&mut sequence.table, tokens_len)
    }

    /// Sends a running sequence back to its place in the queue.
    fn preempt(&mut self, index: usize) {
        let mut sequence = self.running.remove(index);
        self.cache.release(sequence.preempt());
        self.counts.num_preemptions += 1;
        let queue = &mut self.waiting[sequence.lane() as usize];
        let place = queue.partition_point(|other| other.id < sequence.id);
        queue.insert(place, sequence);
    }

    fn remove(&mut self, index: usize) {
        let sequence = self.running.remove(index);
        self.cache.release(sequence.table);
    }
}

#[cfg(test)]
mod tests;
