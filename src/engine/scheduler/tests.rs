//! The scheduler against a model that can be computed by hand and a store that knows what each slot must hold.

use std::collections::HashMap;

use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::*;
use crate::engine::kv_cache::BLOCK_LEN;
use crate::engine::request::{Event, SamplingParams, TokenStream};
use crate::engine::sampler::Sampler;
use crate::engine::sequence::ValidRequest;

fn limits() -> Limits {
    Limits {
        num_blocks: 64,
        max_running: 8,
        step_tokens: 64,
        mixed_tokens: 24,
        lone_tokens: 48,
        lookback: Lookback::FREE,
        max_pins: 2,
    }
}

/// A pass over the weights costs as much as four rows.
fn cost() -> StepCost {
    StepCost::new(&[(1, 1.0), (5, 2.0)])
}

/// The token that the model says after `tokens`: few different ones, so that it falls into loops, and not always the
/// same one after the same, so that guesses fail.
fn next_token(tokens: &[u32]) -> u32 {
    let digest = Sha256::digest(tokens[tokens.len().saturating_sub(3)..].iter().map(|t| *t as u8).collect::<Vec<u8>>());
    let changes = u32::from(tokens.len().is_multiple_of(11));
    (u32::from(digest[0]) + changes) % 4
}

fn text(tokens: &[u32]) -> String {
    tokens.iter().map(|token| char::from(b'a' + *token as u8)).collect()
}

/// What must come back for `prompt`, whatever happens meanwhile.
fn expected(prompt: &[u32], max_tokens: usize) -> String {
    let mut tokens = prompt.to_vec();
    for _ in 0..max_tokens {
        tokens.push(next_token(&tokens));
    }
    text(&tokens[prompt.len()..])
}

fn sequence(prompt: &[u32], lane: Lane, max_tokens: usize) -> (Sequence, TokenStream) {
    let (events, stream) = TokenStream::channel(max_tokens + 2);
    let sampler = Sampler::new(SamplingParams::default(), prompt);
    let request = ValidRequest {
        prompt: prompt.to_vec(),
        lane,
        max_tokens,
        stop: Vec::new(),
        logprobs: None,
        sampler,
        guide: None,
        events,
    };
    (Sequence::new(request), stream)
}

/// A scheduler, the store its blocks stand for, and the clients.
struct House {
    scheduler: Scheduler,
    limits: Limits,
    /// What each slot holds: a digest of the tokens up to its own.
    store: HashMap<(BlockId, usize), [u8; 32]>,
    streams: Vec<(TokenStream, String)>,
    prompt_tokens: usize,
}

fn digest(tokens: &[u32]) -> [u8; 32] {
    Sha256::digest(tokens.iter().flat_map(|token| token.to_le_bytes()).collect::<Vec<u8>>()).into()
}

impl House {
    fn new(limits: Limits) -> Self {
        Self::with_cost(limits, Some(cost()))
    }

    fn with_cost(limits: Limits, cost: Option<StepCost>) -> Self {
        let scheduler = Scheduler::new(limits, cost);
        Self { scheduler, limits, store: HashMap::new(), streams: Vec::new(), prompt_tokens: 0 }
    }

    fn add(&mut self, prompt: &[u32], lane: Lane, max_tokens: usize) {
        let (sequence, stream) = sequence(prompt, lane, max_tokens);
        self.scheduler.add(sequence);
        self.streams.push((stream, expected(prompt, max_tokens)));
    }

    /// Plans a step and holds it to the limits.
    fn plan(&mut self) -> Plan {
        self.scheduler.drop_cancelled();
        let before = self.scheduler.counts().num_preemptions;
        let answering: Vec<_> =
            self.scheduler.running().iter().filter(|s| s.is_next_token()).map(|sequence| sequence.id).collect();
        let plan = self.scheduler.schedule();
        let is_calm = self.scheduler.counts().num_preemptions == before;
        let running = self.scheduler.running();
        assert!(plan.num_tokens() <= self.limits.step_tokens, "{plan:?}");
        assert!(running.len() <= self.limits.max_running);
        assert!(!plan.works.is_empty() || self.scheduler.is_idle(), "a step that does nothing");
        let is_answer = |work: &&Work| answering.contains(&running[work.sequence].id);
        let num_answers = plan.works.iter().filter(is_answer).count();
        let prompts: usize = plan.works.iter().filter(|work| !is_answer(work)).map(|work| work.len).sum();
        let most = if num_answers > 0 { self.limits.mixed_tokens } else { self.limits.lone_tokens };
        assert!(!is_calm || prompts <= most, "{prompts} beside {num_answers}: {plan:?}");
        assert!(!is_calm || num_answers == answering.len().min(self.limits.step_tokens), "an answer stood still");
        let mut seen: Vec<usize> = plan.works.iter().map(|work| work.sequence).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), plan.works.len(), "one share a sequence");
        let read = plan.works.iter().filter(|work| !running[work.sequence].is_decoding());
        self.prompt_tokens += read.map(|work| work.len).sum::<usize>();
        plan
    }

    /// Computes a plan: writes its rows and checks that every row sees what it must.
    fn compute(&mut self, plan: &Plan) {
        for (from, to) in &plan.copies {
            for slot in 0..BLOCK_LEN {
                if let Some(held) = self.store.get(&(*from, slot)).copied() {
                    self.store.insert((*to, slot), held);
                }
            }
        }
        let rows: Vec<(Vec<u32>, usize, Vec<BlockId>)> = plan
            .works
            .iter()
            .map(|work| {
                let sequence = &self.scheduler.running()[work.sequence];
                let start = sequence.num_computed();
                let mut tokens = sequence.tokens()[..start + work.len].to_vec();
                tokens.extend_from_slice(&sequence.guessed_tokens()[..work.num_guesses]);
                (tokens, start, sequence.table.blocks().to_vec())
            })
            .collect();
        for (tokens, start, blocks) in &rows {
            for position in *start..tokens.len() {
                self.store.insert((blocks[position / BLOCK_LEN], position % BLOCK_LEN), digest(&tokens[..=position]));
            }
        }
        for (tokens, _, blocks) in &rows {
            for position in 0..tokens.len() {
                let held = self.store.get(&(blocks[position / BLOCK_LEN], position % BLOCK_LEN));
                assert_eq!(held, Some(&digest(&tokens[..=position])), "position {position} of {}", tokens.len());
            }
        }
        self.scheduler.complete(plan, |work, sequence| {
            sequence.take(work.num_guesses, |sequence, _| {
                let token = next_token(sequence.tokens());
                sequence.append(token, text(&[token]).as_bytes(), None, false)
            })
        });
        let counts = self.scheduler.blocks();
        assert_eq!(counts.used + counts.cached + counts.free, self.limits.num_blocks);
    }

    fn step(&mut self) -> Plan {
        let plan = self.plan();
        self.compute(&plan);
        plan
    }

    /// Steps until nothing is left to do.
    fn run(&mut self, max_steps: usize) {
        for _ in 0..max_steps {
            self.step();
            if self.scheduler.is_idle() {
                return;
            }
        }
        panic!("not done after {max_steps} steps: {} wait", self.scheduler.num_waiting());
    }

    /// Reads what has come, to the end: each stream must have said what it must and ended once.
    fn settle(mut self) -> Counts {
        for (stream, expected) in &mut self.streams {
            let (mut said, mut ends) = (String::new(), 0);
            while let Some(event) = stream.blocking_next() {
                match event {
                    Event::Text { text, .. } => said.push_str(&text),
                    Event::Finished { .. } => ends += 1,
                    Event::ToolCall(call) => panic!("no tools were offered: {call:?}"),
                    Event::Failed(error) => panic!("{error}"),
                }
            }
            assert_eq!((said.as_str(), ends), (expected.as_str(), 1));
        }
        assert_eq!((self.scheduler.blocks().used, self.scheduler.cache().num_lost()), (0, 0));
        self.scheduler.counts()
    }

    fn lanes(&self) -> Vec<Lane> {
        self.scheduler.running().iter().map(Sequence::lane).collect()
    }
}

fn prompt(seed: u32, len: usize) -> Vec<u32> {
    (0..len as u32).map(|i| (i * i + 7 * i * seed + seed) % 251 + 4).collect()
}

#[test]
fn a_long_prompt_holds_no_answer_up() {
    let mut house = House::new(Limits { num_blocks: 200, ..limits() });
    house.add(&prompt(1, 20), Lane::Agent, 60);
    house.step();
    house.add(&prompt(2, 1000), Lane::Officer, 4);
    for _ in 0..20 {
        let plan = house.step();
        assert_eq!((plan.works[0].sequence, plan.works[0].len), (0, 1));
        assert_eq!((plan.works[1].sequence, plan.works[1].len), (1, 24));
    }
    house.run(200);
    house.settle();
}

#[test]
fn a_prompt_alone_is_read_in_larger_chunks() {
    let mut house = House::new(limits());
    house.add(&prompt(2, 100), Lane::Agent, 4);
    let lens: Vec<usize> = (0..3).map(|_| house.step().works[0].len).collect();
    assert_eq!(lens, [48, 48, 4]);
    house.run(10);
    house.settle();
}

#[test]
fn guesses_save_steps_and_change_nothing() {
    let steps = |cost: Option<StepCost>| {
        let mut house = House::with_cost(limits(), cost);
        house.add(&prompt(3, 40), Lane::Agent, 200);
        let mut steps = 0;
        while !house.scheduler.is_idle() {
            house.step();
            steps += 1;
        }
        (steps, house.settle())
    };
    let (plain, without) = steps(None);
    let (quick, with) = steps(Some(cost()));
    assert_eq!((without.guesses_run, without.generated_tokens), (0, 200));
    assert_eq!(with.generated_tokens, 200);
    assert!(with.guesses_accepted > 0 && with.guesses_accepted < with.guesses_run, "{with:?}");
    // Each accepted guess saves a step; one that ends the answer is not counted.
    assert!(plain - quick >= with.guesses_accepted && plain - quick <= with.guesses_accepted + 1, "{plain} {quick}");
}

#[test]
fn guesses_leave_the_budget_to_others() {
    let mut house = House::new(Limits { step_tokens: 25, mixed_tokens: 24, num_blocks: 200, ..limits() });
    house.add(&prompt(3, 10), Lane::Agent, 200);
    while house.scheduler.counts().guesses_run == 0 {
        house.step();
    }
    house.add(&prompt(4, 600), Lane::Agent, 4);
    let before = house.scheduler.counts().guesses_run;
    for _ in 0..20 {
        house.step();
    }
    assert_eq!(house.scheduler.counts().guesses_run, before, "the prompt takes the whole budget");
    house.run(300);
    assert!(house.scheduler.counts().guesses_run > before);
    house.settle();
}

#[test]
fn the_answers_of_one_request_read_its_prompt_once() {
    let mut house = House::new(Limits { num_blocks: 200, lone_tokens: 64, ..limits() });
    for _ in 0..4 {
        // Drawn alike here; blocks that are wrongly shared would show in the store all the same.
        house.add(&prompt(5, 121), Lane::Agent, 30);
    }
    house.run(200);
    // The last token is computed for each: its logits are needed.
    assert_eq!(house.prompt_tokens, 121 + 3);
    let counts = house.settle();
    assert_eq!((counts.prefix_tokens_queried, counts.prefix_tokens_hit), (4 * 121, 3 * 120));
}

#[test]
fn a_prefix_that_is_being_read_is_waited_for_and_others_go_first() {
    let mut house = House::new(Limits { num_blocks: 200, ..limits() });
    let (mut first, mut second) = (prompt(6, 170), prompt(6, 170));
    first.extend([1, 2, 3]);
    second.extend([3, 2, 1, 0]);
    house.add(&first, Lane::Agent, 4);
    house.add(&second, Lane::Agent, 4);
    house.add(&prompt(7, 10), Lane::Agent, 4);
    for _ in 0..4 {
        house.step();
    }
    assert_eq!(house.scheduler.waiting[Lane::Agent as usize].front().map(|waiting| waiting.id), Some(SeqId(2)));
    assert_eq!(house.scheduler.num_waiting(), 1);
    house.run(50);
    assert_eq!(house.prompt_tokens, 173 + 4 + 10);
    house.settle();
    // Nobody waits for a lesser lane.
    let mut house = House::new(Limits { num_blocks: 200, ..limits() });
    house.add(&first, Lane::Job, 4);
    house.step();
    house.add(&second, Lane::Officer, 4);
    house.step();
    assert_eq!(house.lanes(), [Lane::Job, Lane::Officer]);
    house.run(50);
    house.settle();
}

#[test]
fn one_who_waits_for_a_prefix_goes_on_when_its_reader_leaves() {
    let mut house = House::new(Limits { num_blocks: 200, ..limits() });
    house.add(&prompt(6, 200), Lane::Agent, 4);
    house.add(&prompt(6, 200), Lane::Agent, 4);
    house.step();
    assert_eq!(house.scheduler.num_waiting(), 1);
    house.streams.remove(0);
    house.run(50);
    assert_eq!(house.settle().generated_tokens, 4);
}

#[test]
fn jobs_give_their_places_to_officers_and_come_back() {
    let mut house = House::new(Limits { max_running: 4, ..limits() });
    for nth in 0..4 {
        house.add(&prompt(10 + nth, 20), Lane::Job, 100);
    }
    for _ in 0..6 {
        house.step();
    }
    assert_eq!(house.lanes(), [Lane::Job; 4]);
    house.add(&prompt(20, 20), Lane::Officer, 10);
    house.step();
    house.step();
    assert!(house.lanes().contains(&Lane::Officer), "{:?}", house.lanes());
    house.run(1000);
    assert_eq!(house.settle().num_preemptions, 1);
}

#[test]
fn a_job_gives_way_first_when_blocks_run_out() {
    // Two answers come to ten blocks, and there are eight.
    let mut house = House::with_cost(Limits { num_blocks: 8, ..limits() }, None);
    house.add(&prompt(1, 20), Lane::Job, 60);
    house.add(&prompt(2, 20), Lane::Officer, 60);
    while house.scheduler.counts().num_preemptions == 0 {
        house.step();
    }
    assert_eq!(house.lanes(), [Lane::Officer]);
    house.run(300);
    house.settle();
}

#[test]
fn a_job_ends_however_many_officers_come() {
    let mut house = House::new(Limits { max_running: 2, num_blocks: 16, ..limits() });
    house.add(&prompt(1, 60), Lane::Job, 40);
    let mut nth = 100;
    for _ in 0..4000 {
        while house.scheduler.num_waiting() < 3 {
            nth += 1;
            house.add(&prompt(nth, 30), Lane::Officer, 20);
        }
        house.step();
        let job_waits = house.scheduler.waiting[Lane::Job as usize].len();
        if job_waits == 0 && !house.lanes().contains(&Lane::Job) {
            assert!(house.scheduler.counts().num_preemptions > 0, "it was never in the way");
            house.run(1000);
            house.settle();
            return;
        }
    }
    panic!("the job starves");
}

#[test]
fn a_large_request_is_not_passed_for_ever() {
    // Small officers could always slip into the room that the large agent waits for.
    let mut house = House::with_cost(Limits { num_blocks: 16, max_running: 8, ..limits() }, None);
    for nth in 0..3 {
        house.add(&prompt(nth, 20), Lane::Officer, 30);
    }
    house.step();
    house.add(&prompt(50, 200), Lane::Agent, 4);
    let mut nth = 100;
    for _ in 0..2000 {
        while house.scheduler.waiting[0].len() < 2 {
            nth += 1;
            house.add(&prompt(nth, 20), Lane::Officer, 30);
        }
        house.step();
        if house.scheduler.waiting[Lane::Agent as usize].is_empty() && !house.lanes().contains(&Lane::Agent) {
            house.run(3000);
            house.settle();
            return;
        }
    }
    panic!("the large request starves");
}

#[test]
fn lanes_that_want_more_than_there_is_get_their_shares() {
    let mut house = House::with_cost(Limits { max_running: 2, num_blocks: 32, ..limits() }, None);
    let mut nth = 0;
    for _ in 0..3000 {
        for lane in Lane::ALL {
            while house.scheduler.waiting[lane as usize].len() < 2 {
                nth += 1;
                house.add(&prompt(nth, 20), lane, 20);
            }
        }
        house.step();
    }
    let tokens = house.scheduler.lane_tokens().map(|tokens| tokens as f64);
    let all: f64 = tokens.iter().sum();
    for (share, weight) in tokens.map(|tokens| tokens / all).iter().zip([8.0, 4.0, 1.0]) {
        assert!((share / (weight / 13.0) - 1.0).abs() < 0.1, "{tokens:?}");
    }
    house.run(1000);
    house.settle();
}

#[test]
fn more_answers_than_tokens_in_a_step_take_turns() {
    let mut house = House::new(Limits { step_tokens: 3, mixed_tokens: 3, lone_tokens: 3, ..limits() });
    for nth in 0..8 {
        house.add(&prompt(nth, 3), Lane::Agent, 12);
    }
    house.run(200);
    house.settle();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Arrivals, lanes, shared prompts, departures and tight limits of all kinds: every client hears what it would
    /// alone, once, within a bounded number of steps, and no block is lost.
    #[test]
    fn everyone_gets_its_own_answer_once(
        (num_blocks, max_running) in (10usize..40, 1usize..6),
        (step_tokens, mixed_tokens) in (1usize..80, 1usize..40),
        (guesses, lookback) in (any::<bool>(), prop_oneof![Just(f64::INFINITY), 1.0..100.0f64]),
        arrivals in prop::collection::vec((0usize..12, 0usize..3, 0u32..4, 1usize..110, 1usize..50, 0usize..40), 1..24),
    ) {
        let mixed_tokens = mixed_tokens.min(step_tokens);
        let lone_tokens = step_tokens;
        let lookback = Lookback { doubling_len: lookback };
        let limits = Limits { num_blocks, max_running, step_tokens, mixed_tokens, lone_tokens, lookback, max_pins: 2 };
        let mut house = House::with_cost(limits, guesses.then(cost));
        house.scheduler.pin(&prompt(1, 40));
        let mut leavers = Vec::new();
        for (wait, lane, family, prompt_len, max_tokens, leaves) in arrivals {
            for _ in 0..wait {
                house.step();
            }
            let lane = Lane::ALL[lane];
            if leaves < 10 {
                let (sequence, stream) = sequence(&prompt(family, prompt_len), lane, max_tokens);
                house.scheduler.add(sequence);
                leavers.push((leaves, stream));
            } else {
                house.add(&prompt(family, prompt_len), lane, max_tokens);
            }
            leavers.retain_mut(|(left, _)| { *left = left.saturating_sub(1); *left > 0 });
        }
        leavers.clear();
        house.run(20_000);
        let counts = house.settle();
        prop_assert!(counts.guesses_accepted <= counts.guesses_run && (guesses || counts.guesses_run == 0));
    }
}
