//! Constrained decoding: which tokens may come next, so that an answer cannot leave the form that was asked for.
//!
//! In: a [`Constraint`], and the tools a model may call. Out: a [`Guide`] for one sequence, which tells the sampler a
//! [`TokenMask`] before every draw and is told what was drawn. The mask for the next position is computed on another
//! thread as soon as a token is known, beside the model's forward pass; asking for it waits only for what is left.
//!
//! Grammars (JSON Schema, regular expressions, Lark) are `llguidance`'s; quotations ([`quotes`]) are ours, because a
//! substring of a page is no grammar one would want to write down.

mod automaton;
mod calls;
mod constraint;
mod ending;
mod grammar;
mod mask;
mod narrow;
mod quotes;
mod times;
mod vocabulary;
mod workers;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc};
use std::time::Instant;

use llguidance::api::TopLevelGrammar;
use llguidance::toktrie::{InferenceCapabilities, TokEnv};
use llguidance::{Matcher, ParserFactory};

use self::calls::Announced;
use self::ending::{Ending, EndingTokens};
use self::quotes::{QuoteMatcher, QuoteVocabulary};
use self::vocabulary::Vocabulary;
use self::workers::Workers;
use super::Error;
use super::tokenizer::Tokenizer;
use super::tools::{ToolChoice, Tools};

pub use constraint::{Constraint, Part, QuoteLock};
pub use mask::TokenMask;
pub use times::MaskTimes;

/// Compiled grammars kept: one schema often serves many requests, and every answer of one request.
const NUM_KEPT: usize = 16;

/// Makes guides for one model. Ready at once: the vocabulary's trie is built on a thread of its own.
pub struct Guides {
    tokenizer: Arc<Tokenizer>,
    machine: OnceLock<Result<Machine, String>>,
    times: Arc<MaskTimes>,
}

/// What every guide of a model needs.
struct Machine {
    factory: ParserFactory,
    quotes: Arc<QuoteVocabulary>,
    ends: Arc<EndingTokens>,
    workers: Arc<Workers>,
    /// Fresh matchers by their grammar's text, the latest first.
    kept: Mutex<VecDeque<(String, Matcher)>>,
}

impl Guides {
    pub fn new(tokenizer: Arc<Tokenizer>) -> Arc<Self> {
        let guides = Arc::new(Self { tokenizer, machine: OnceLock::new(), times: Arc::default() });
        let warming = Arc::clone(&guides);
        // Where the thread cannot be had, the first guide builds what it needs.
        let _ = std::thread::Builder::new().name("guide".into()).spawn(move || drop(warming.machine()));
        guides
    }

    /// How long masks took.
    pub fn times(&self) -> &Arc<MaskTimes> {
        &self.times
    }

    /// A guide for an answer, `None` where it is free. Blocks: a large schema takes milliseconds.
    ///
    /// # Errors
    /// [`Error::BadConstraint`] naming the part that cannot be used.
    pub fn guide(&self, constraint: Option<&Constraint>, tools: Option<&Tools>) -> Result<Option<Guide>, Error> {
        let matcher = match (constraint, tools.filter(|tools| tools.are_bound())) {
            (None, None) => return Ok(None),
            (Some(Constraint::Quotes(lock)), None) => {
                State::Quotes(QuoteMatcher::new(lock, Arc::clone(&self.machine()?.quotes)).into())
            }
            (Some(Constraint::Quotes(_)), Some(_)) => {
                let reason = "quotations are not bound while tools are offered".into();
                return Err(Error::BadConstraint { part: Part::Answer, place: String::new(), reason });
            }
            (Some(constraint), None) => State::Grammar(self.machine()?.answer(constraint)?.into()),
            (constraint, Some(tools)) => self.machine()?.calls(constraint, tools)?,
        };
        let is_json = match constraint {
            Some(Constraint::Regex(_) | Constraint::Lark(_)) | None => tools.is_some(),
            Some(_) => true,
        };
        let machine = self.machine()?;
        let mut guide = Guide {
            workers: Arc::clone(&machine.workers),
            times: Arc::clone(&self.times),
            vocabulary: Arc::clone(&machine.quotes),
            ends: Arc::clone(&machine.ends),
            is_json,
            ending: Ending::default(),
            state: None,
            pending: None,
            mask: None,
        };
        // The first mask is computed while the prompt is.
        guide.compute(Box::new(matcher));
        Ok(Some(guide))
    }

    fn machine(&self) -> Result<&Machine, Error> {
        let machine = self.machine.get_or_init(|| Machine::build(&self.tokenizer));
        machine.as_ref().map_err(|reason| Error::Guide { reason: reason.clone() })
    }
}

impl Machine {
    fn build(tokenizer: &Arc<Tokenizer>) -> Result<Self, String> {
        let vocabulary = Arc::new(Vocabulary::new(Arc::clone(tokenizer)));
        let env: TokEnv = Arc::clone(&vocabulary) as TokEnv;
        // Tokens are never forced in bulk: the scheduler asks for one mask a token.
        let abilities = InferenceCapabilities::default();
        let slices = llguidance::earley::SlicedBiasComputer::general_slices();
        let mut factory = ParserFactory::new(&env, abilities, &slices).map_err(|error| error.to_string())?;
        factory.quiet();
        factory.limits_mut().verbose_errors = false;
        let workers = Arc::new(Workers::start().map_err(|error| error.to_string())?);
        let quotes = Arc::new(QuoteVocabulary::new(vocabulary));
        let ends = Arc::new(EndingTokens::new(&quotes));
        Ok(Self { factory, quotes, ends, workers, kept: Mutex::default() })
    }

    /// A matcher for the form of an answer.
    fn answer(&self, constraint: &Constraint) -> Result<Matcher, Error> {
        let bad = |place, reason| Error::BadConstraint { part: Part::Answer, place, reason };
        let grammar = grammar::of(constraint).ok_or_else(|| bad(String::new(), "it is no grammar".into()))?;
        self.compile(grammar).map_err(|reason| match constraint {
            Constraint::JsonSchema(schema) => bad(self.locate(schema, &reason), reason),
            _ => bad(String::new(), reason),
        })
    }

    /// A matcher for calls of `tools`, or for text of the form `constraint` instead of them where the model may choose.
    fn calls(&self, constraint: Option<&Constraint>, tools: &Tools) -> Result<State, Error> {
        let answer = match constraint {
            Some(constraint) if tools.choice == ToolChoice::Auto => {
                self.answer(constraint)?;
                grammar::of(constraint)
            }
            _ => None,
        };
        let waits = tools.choice == ToolChoice::Auto && answer.is_none();
        let compiled =
            self.compile(calls::grammar(tools, answer, waits)).map_err(|reason| self.blame(tools, reason))?;
        Ok(if waits {
            State::Announced(Announced::new(compiled, Arc::clone(&self.quotes)).into())
        } else {
            State::Grammar(compiled.into())
        })
    }

    /// Names the tool whose parameters are at fault.
    fn blame(&self, tools: &Tools, reason: String) -> Error {
        for (index, tool) in tools.list.iter().enumerate() {
            let parameters = tool.schema();
            if let Some(reason) = self.refusal(&parameters) {
                let place = self.locate(&parameters, &reason);
                return Error::BadConstraint { part: Part::Tool(index), place, reason };
            }
        }
        Error::BadConstraint { part: Part::Answer, place: String::new(), reason }
    }

    fn locate(&self, schema: &serde_json::Value, reason: &str) -> String {
        grammar::locate(schema, reason, |part| self.refusal(part))
    }

    /// Why a schema is refused.
    fn refusal(&self, schema: &serde_json::Value) -> Option<String> {
        self.compile(TopLevelGrammar::from_grammar(grammar::json(schema))).err()
    }

    fn compile(&self, grammar: TopLevelGrammar) -> Result<Matcher, String> {
        let text = serde_json::to_string(&grammar).map_err(|error| error.to_string())?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = kept.iter().position(|(its, _)| *its == text) {
            let found = kept.remove(at).expect("just found");
            let matcher = found.1.deep_clone();
            kept.push_front(found);
            return Ok(matcher);
        }
        drop(kept);
        let parser = self.factory.create_parser(grammar).map_err(|error| told(&format!("{error:#}")))?;
        let matcher = Matcher::new(Ok(parser));
        if let Some(reason) = matcher.get_error() {
            return Err(told(&reason));
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_front((text, matcher.deep_clone()));
        kept.truncate(NUM_KEPT);
        Ok(matcher)
    }
}

/// The library's words without the state it adds for its own developers, on one line, and without settings of its own
/// that a client cannot reach.
fn told(reason: &str) -> String {
    let reason = reason.split("\n<").next().unwrap_or(reason);
    if reason.contains("oneOf constraints are not supported") {
        return "the options of a `oneOf` are not known to exclude each other; say `anyOf` where they may not".into();
    }
    reason.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Where an answer stands in what it is bound to.
enum State {
    Grammar(Box<Matcher>),
    Announced(Box<Announced>),
    Quotes(Box<QuoteMatcher>),
}

impl State {
    /// The tokens that may come next; `None` for all.
    fn mask(&mut self) -> Result<Option<TokenMask>, String> {
        match self {
            Self::Grammar(matcher) => grammar_mask(matcher).map(Some),
            Self::Announced(announced) => announced.mask(),
            Self::Quotes(quotes) => Ok(Some(quotes.mask())),
        }
    }

    /// Whether the answer has a form to keep, and therefore an end to come to.
    fn is_bound(&self) -> bool {
        match self {
            Self::Grammar(_) => true,
            Self::Announced(announced) => announced.is_announced(),
            Self::Quotes(_) => false,
        }
    }

    /// Takes a drawn token in; `true` where nothing can follow it.
    fn advance(&mut self, token: u32) -> Result<bool, String> {
        match self {
            Self::Grammar(matcher) => grammar_advance(matcher, token),
            Self::Announced(announced) => announced.advance(token),
            Self::Quotes(quotes) => quotes.advance(token).map(|()| false),
        }
    }
}

fn grammar_mask(matcher: &mut Matcher) -> Result<TokenMask, String> {
    matcher.compute_mask_or_eos().map(TokenMask::new).map_err(|error| told(&error.to_string()))
}

fn grammar_advance(matcher: &mut Matcher, token: u32) -> Result<bool, String> {
    matcher.consume_token(token).map_err(|error| told(&error.to_string()))?;
    Ok(matcher.is_stopped())
}

/// The constraint of one sequence. Call order: [`Self::mask`], draw, [`Self::advance`], and again.
pub struct Guide {
    workers: Arc<Workers>,
    times: Arc<MaskTimes>,
    vocabulary: Arc<QuoteVocabulary>,
    ends: Arc<EndingTokens>,
    /// Whether what is bound is JSON.
    is_json: bool,
    ending: Ending,
    /// With the worker while a mask is under way.
    state: Option<Box<State>>,
    pending: Option<mpsc::Receiver<Computed>>,
    mask: Option<TokenMask>,
}

struct Computed {
    state: Box<State>,
    mask: Result<Option<TokenMask>, String>,
}

impl Guide {
    /// The tokens that may be drawn at this position, `None` for all; `left`: how many more there can be.
    ///
    /// # Errors
    /// [`Error::Guide`] where a limit on the work for one mask was met.
    pub fn mask(&mut self, left: usize) -> Result<Option<&TokenMask>, Error> {
        self.join()?;
        let is_bound = self.state.as_ref().is_some_and(|state| state.is_bound());
        if let Some(mask) = self.mask.as_ref().filter(|_| is_bound && self.is_json)
            && let Some(narrowed) = self.ending.end_number(mask, &self.ends)
        {
            self.mask = Some(narrowed);
        }
        if let Some(mask) = self.mask.as_ref().filter(|_| is_bound && self.is_json)
            && let Some(end) = self.ending.end_here(mask, &self.ends, left)
        {
            self.mask = Some(end);
        }
        if let Some(mask) = self.mask.as_ref().filter(|_| is_bound && self.ending.is_due(left))
            && let Some(narrowed) = self.ending.narrow(mask, &self.ends, self.is_json)
        {
            self.mask = Some(narrowed);
        }
        Ok(self.mask.as_ref())
    }

    /// Moves on by the token drawn, which the mask allowed; `true` where the answer is complete and nothing can follow.
    ///
    /// # Errors
    /// As for [`Self::mask`].
    pub fn advance(&mut self, token: u32) -> Result<bool, Error> {
        self.join()?;
        let mut state = self.state.take().ok_or_else(lost)?;
        // Quotation marks in free text are no strings of JSON.
        let bytes = if state.is_bound() { self.vocabulary.bytes(token) } else { &[] };
        self.ending.note(bytes);
        let is_complete = state.advance(token).map_err(|reason| Error::Guide { reason })?;
        if is_complete {
            self.state = Some(state);
        } else {
            self.compute(state);
        }
        Ok(is_complete)
    }

    fn compute(&mut self, mut state: Box<State>) {
        let (done, pending) = mpsc::channel();
        let times = Arc::clone(&self.times);
        self.workers.send(move || {
            let started = Instant::now();
            let mask = state.mask();
            times.note(started.elapsed());
            // A sequence that was cancelled waits no longer.
            let _ = done.send(Computed { state, mask });
        });
        self.pending = Some(pending);
    }

    fn join(&mut self) -> Result<(), Error> {
        let Some(pending) = self.pending.take() else { return Ok(()) };
        let computed = pending.recv().map_err(|_| lost())?;
        self.state = Some(computed.state);
        let mask = computed.mask.map_err(|reason| Error::Guide { reason })?;
        if mask.as_ref().is_some_and(TokenMask::is_empty) {
            return Err(Error::Guide { reason: "no token of the vocabulary can continue the answer".into() });
        }
        self.mask = mask;
        Ok(())
    }
}

fn lost() -> Error {
    Error::Guide { reason: "the thread that computes masks has ended".into() }
}
