//! One request's state from arrival to its terminal event. Owns its transitions: what was computed, what was said,
//! when it ends.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;

use super::Error;
use super::guide::Guide;
use super::kv_cache::BlockTable;
use super::lookup::{Guess, Record};
use super::request::{Choice, Event, FinishReason, Lane, Timings, TokenLogprob, Usage};
use super::sampler::{Draw, Sampler};
use super::tokenizer::{TextDecoder, Tokenizer};

/// A request that passed validation: it fits the context, and its parameters are in range.
pub struct ValidRequest {
    pub prompt: Vec<u32>,
    pub lane: Lane,
    /// At least 1; prompt and answer together fit the context.
    pub max_tokens: usize,
    pub stop: Vec<String>,
    pub logprobs: Option<usize>,
    pub sampler: Sampler,
    /// What the answer is held to.
    pub guide: Option<Guide>,
    pub events: mpsc::Sender<Event>,
}

/// Place in the order of arrival, and a sequence's name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeqId(pub u64);

/// How often a sequence may lose its place to another. Then nothing pushes it out any more, or a job would never end.
const MAX_PREEMPTIONS: usize = 2;

/// What came of a sequence's rows of logits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Tokens drawn.
    pub num_drawn: usize,
    /// Guesses that were drawn.
    pub num_accepted: usize,
    pub ended: bool,
}

/// A request in the engine.
pub struct Sequence {
    pub id: SeqId,
    /// The last step it took part in.
    pub last_step: u64,
    lane: Lane,
    /// Prompt, then answer.
    tokens: Vec<u32>,
    prompt_len: usize,
    /// Leading tokens whose keys and values are in the blocks of `table`.
    num_computed: usize,
    pub table: BlockTable,
    max_tokens: usize,
    logprobs: Option<usize>,
    sampler: Sampler,
    guide: Option<Guide>,
    output: Output,
    guess: Guess,
    guessed: Record,
    num_preemptions: usize,
    events: mpsc::Sender<Event>,
    cached_len: usize,
    arrived: Instant,
    admitted: Option<Instant>,
    first_token: Option<Instant>,
}

impl Sequence {
    pub fn new(request: ValidRequest) -> Self {
        Self {
            id: SeqId::default(),
            last_step: 0,
            lane: request.lane,
            prompt_len: request.prompt.len(),
            tokens: request.prompt,
            num_computed: 0,
            table: BlockTable::default(),
            max_tokens: request.max_tokens,
            logprobs: request.logprobs,
            sampler: request.sampler,
            guide: request.guide,
            output: Output::new(request.stop),
            guess: Guess::default(),
            guessed: Record::default(),
            num_preemptions: 0,
            events: request.events,
            cached_len: 0,
            arrived: Instant::now(),
            admitted: None,
            first_token: None,
        }
    }

    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    pub fn num_computed(&self) -> usize {
        self.num_computed
    }

    /// Tokens the model has not seen; 1 while decoding.
    pub fn pending_len(&self) -> usize {
        self.tokens.len() - self.num_computed
    }

    pub fn lane(&self) -> Lane {
        self.lane
    }

    /// Order in which places are kept when there are too few; the greatest loses its own first.
    pub fn rank(&self) -> (Lane, SeqId) {
        (if self.is_settled() { Lane::Officer } else { self.lane }, self.id)
    }

    /// Whether it has been pushed out as often as may be.
    pub fn is_settled(&self) -> bool {
        self.num_preemptions >= MAX_PREEMPTIONS
    }

    /// Whether one token is left to compute, as between two tokens of an answer.
    pub fn is_next_token(&self) -> bool {
        self.pending_len() == 1 && self.num_computed > 0
    }

    /// Guesses what comes next; gives each guessed token's chance, no more than the answer may still have.
    pub fn guess(&mut self) -> Vec<f64> {
        self.guess = Guess::of(&self.tokens);
        let mut chances = self.guessed.chances(&self.guess);
        // The token after the last guess is drawn too.
        chances.truncate(self.max_tokens - (self.tokens.len() - self.prompt_len) - 1);
        chances
    }

    /// The tokens last guessed.
    pub fn guessed_tokens(&self) -> &[u32] {
        &self.guess.tokens
    }

    /// Whether the whole prompt has been computed.
    pub fn is_decoding(&self) -> bool {
        self.num_computed >= self.prompt_len
    }

    /// Whether the client has gone.
    pub fn is_cancelled(&self) -> bool {
        self.events.is_closed()
    }

    /// Whether it has had its first turn.
    pub fn was_admitted(&self) -> bool {
        self.admitted.is_some()
    }

    /// Takes the blocks that hold the first `prefix_len` tokens.
    pub fn admit(&mut self, table: BlockTable, prefix_len: usize) {
        self.table = table;
        self.num_computed = prefix_len;
        if self.admitted.is_none() {
            self.admitted = Some(Instant::now());
            self.cached_len = prefix_len;
        }
    }

    /// Gives its blocks back to make room for another; what it has said is kept and computed again later.
    pub fn preempt(&mut self) -> BlockTable {
        self.num_computed = 0;
        self.num_preemptions += 1;
        std::mem::take(&mut self.table)
    }

    /// Notes that `len` more tokens are in the cache.
    pub fn advance(&mut self, len: usize) {
        self.num_computed += len;
    }

    /// Draws a token at each position whose logits are there, the last computed token's and those of `num_guesses`
    /// guesses after it, for as long as the guesses are drawn: the tokens are those that would be drawn one by one.
    /// `push` draws at the `nth` position and tells whether the sequence has ended, as [`Self::push`] does.
    pub fn take(&mut self, num_guesses: usize, mut push: impl FnMut(&mut Self, usize) -> bool) -> Taken {
        let before = self.tokens.len();
        let mut taken = Taken::default();
        for nth in 0..=num_guesses {
            taken.num_drawn += 1;
            taken.ended = push(self, nth);
            let is_guessed = nth < num_guesses && self.tokens.get(before + nth) == Some(&self.guess.tokens[nth]);
            taken.num_accepted += usize::from(is_guessed);
            if taken.ended || !is_guessed {
                break;
            }
        }
        let guess = std::mem::take(&mut self.guess);
        self.guessed.observe(&guess, &self.tokens[before..]);
        taken
    }

    /// Draws the next token from `logits` and reports it; `true` when the sequence has ended.
    pub fn push(&mut self, logits: &[f32], tokenizer: &Tokenizer) -> bool {
        match self.try_push(logits, tokenizer) {
            Ok(has_ended) => has_ended,
            Err(error) => {
                self.fail(error);
                true
            }
        }
    }

    fn try_push(&mut self, logits: &[f32], tokenizer: &Tokenizer) -> Result<bool, Error> {
        let mask = match &mut self.guide {
            Some(guide) => guide.mask(self.max_tokens - (self.tokens.len() - self.prompt_len))?,
            None => None,
        };
        self.first_token.get_or_insert_with(Instant::now);
        let draw = self.sampler.draw(logits, mask, self.logprobs);
        if tokenizer.is_eos(draw.token) {
            self.finish(FinishReason::Stop);
            return Ok(true);
        }
        // At once: the next mask is computed while the rest of this step is done, and the next forward pass.
        let is_complete = match &mut self.guide {
            Some(guide) => guide.advance(draw.token)?,
            None => false,
        };
        let choice = self.logprobs.map(|_| choice(&draw, tokenizer));
        Ok(self.append(draw.token, &tokenizer.bytes(draw.token), choice, is_complete))
    }

    /// Adds a drawn token to the answer, which may be complete with it; `true` when the sequence has ended.
    pub fn append(&mut self, token: u32, bytes: &[u8], choice: Option<Choice>, is_complete: bool) -> bool {
        self.tokens.push(token);
        let met_stop = self.output.push(bytes, choice);
        self.flush();
        if met_stop || is_complete {
            self.finish(FinishReason::Stop);
        } else if self.tokens.len() - self.prompt_len >= self.max_tokens {
            self.finish(FinishReason::Length);
        } else {
            return false;
        }
        true
    }

    /// Ends the sequence with an error.
    pub fn fail(&mut self, error: Error) {
        // A client that has gone needs no word.
        let _ = self.events.try_send(Event::Failed(error));
    }

    fn finish(&mut self, reason: FinishReason) {
        self.output.finish();
        self.flush();
        let now = Instant::now();
        let admitted = self.admitted.unwrap_or(now);
        let first_token = self.first_token.unwrap_or(now);
        let usage = Usage {
            prompt_tokens: self.prompt_len,
            completion_tokens: self.tokens.len() - self.prompt_len,
            cached_tokens: self.cached_len,
        };
        let timings =
            Timings { queued: admitted - self.arrived, prefill: first_token - admitted, decode: now - first_token };
        let _ = self.events.try_send(Event::Finished { reason, usage, timings });
    }

    /// Sends what can no longer be part of a stop string. The channel has room for an event a token and the last one.
    fn flush(&mut self) {
        let (text, choices) = self.output.take();
        if !text.is_empty() || !choices.is_empty() {
            let _ = self.events.try_send(Event::Text { text, choices });
        }
    }
}

fn choice(draw: &Draw, tokenizer: &Tokenizer) -> Choice {
    let logprob = |token: u32, logprob: f32| TokenLogprob { bytes: tokenizer.bytes(token), logprob };
    Choice {
        chosen: logprob(draw.token, draw.logprob),
        top: draw.top.iter().map(|&(token, value)| logprob(token, value)).collect(),
    }
}

/// Text on its way out: whole characters only, and nothing that may yet turn out to be a stop string.
struct Output {
    decoder: TextDecoder,
    stop: Arc<[String]>,
    held: String,
    ready: String,
    choices: Vec<Choice>,
    stopped: bool,
}

impl Output {
    fn new(stop: Vec<String>) -> Self {
        Self {
            decoder: TextDecoder::default(),
            stop: stop.into(),
            held: String::new(),
            ready: String::new(),
            choices: Vec::new(),
            stopped: false,
        }
    }

    /// Adds a token; `true` when a stop string was met, which is cut off with all after it.
    fn push(&mut self, bytes: &[u8], choice: Option<Choice>) -> bool {
        self.choices.extend(choice);
        let text = self.decoder.push(bytes);
        self.held.push_str(&text);
        if let Some(at) = self.stop.iter().filter_map(|stop| self.held.find(stop.as_str())).min() {
            self.ready.push_str(&self.held[..at]);
            self.held.clear();
            self.stopped = true;
            return true;
        }
        let keep = self.stop.iter().map(|stop| overlap(&self.held, stop)).max().unwrap_or(0);
        let out = self.held.len() - keep;
        self.ready.extend(self.held.drain(..out));
        false
    }

    fn finish(&mut self) {
        if !self.stopped {
            let rest = self.decoder.finish();
            self.ready.push_str(&std::mem::take(&mut self.held));
            self.ready.push_str(&rest);
        }
    }

    fn take(&mut self) -> (String, Vec<Choice>) {
        (std::mem::take(&mut self.ready), std::mem::take(&mut self.choices))
    }
}

/// Length of the longest end of `text` that begins `stop`.
fn overlap(text: &str, stop: &str) -> usize {
    (1..stop.len().min(text.len() + 1))
        .rev()
        .find(|&len| stop.is_char_boundary(len) && text.ends_with(&stop[..len]))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(stop: &[&str], pieces: &[&str]) -> (Vec<String>, bool) {
        let mut output = Output::new(stop.iter().map(|stop| (*stop).into()).collect());
        let mut out = Vec::new();
        for piece in pieces {
            let stopped = output.push(piece.as_bytes(), None);
            out.push(output.take().0);
            if stopped {
                return (out, true);
            }
        }
        output.finish();
        out.push(output.take().0);
        (out, false)
    }

    #[test]
    fn a_stop_string_split_over_tokens_never_shows() {
        assert_eq!(run(&["END"], &["a E", "N", "D b"]), (vec!["a ".into(), "".into(), "".into()], true));
    }

    #[test]
    fn a_false_alarm_is_let_out() {
        assert_eq!(run(&["END"], &["a E", "X"]), (vec!["a ".into(), "EX".into(), "".into()], false));
        assert_eq!(run(&["END"], &["a EN"]), (vec!["a ".into(), "EN".into()], false));
    }

    #[test]
    fn the_earliest_stop_string_wins() {
        assert_eq!(run(&["d", "b"], &["abcd"]), (vec!["a".into()], true));
    }

    #[test]
    fn korean_stop_strings_are_held_by_whole_characters() {
        assert_eq!(run(&["세액"], &["과세", "가격"]), (vec!["과".into(), "세가격".into(), "".into()], false));
    }
}
