//! A generation at work: items of the plan become rows, and each is written down together with what became of its item.
//!
//! A worker takes up items, makes them side by side, and writes them down in the order of the plan, whatever is finished
//! first: each waits until all before it are done. So a run that was killed and resumed gives the rows of one that was
//! not, and several workers, where the store has them, give together the rows of one. What is made and not yet written
//! is lost with its worker, and made again by whoever takes it up next.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures::stream::{FuturesUnordered, StreamExt};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;

use super::filters::{self, Near, Retrieval, Score};
use super::plan::MODEL_TYPES;
use super::store::{
    Dataset, Filter, ItemState, Job, JobState, NewRow, Outcome, Pending, Standing, Store, Timed, Turn, WorkLock,
};
use super::templates::wording;
use super::{
    Error, GenerationConfig, Generator, Lineage, Persona, QuestionType, Row, State, Work, Writers, model, plan,
};
use crate::engine::Engine;
use crate::ingest::Document;
use crate::lang::Language;
use crate::prompts::Prompts;

/// What a worker may use. What is absent is not needed for the work, or its filters are switched off.
#[derive(Clone, Default)]
pub struct Tools {
    pub engine: Option<Arc<dyn Engine>>,
    pub prompts: Option<Arc<Prompts>>,
    pub retrieval: Option<Arc<Retrieval>>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All items have been done.
    Done,
    /// Someone paused it.
    Paused,
    Cancelled,
}

/// Items that may be made and wait for their turn; with more, a slow worker would have the others work for nothing if they
/// are stopped.
const MAX_MADE: usize = 32;

/// How often a worker asks whether an item has its turn: at first, and at most.
const PATIENCE: Duration = Duration::from_millis(1);
const MAX_PATIENCE: Duration = Duration::from_millis(50);

/// How often a worker without items looks whether the others have left any.
const LOOK: Duration = Duration::from_millis(200);

/// Longest wait between two attempts, in seconds.
const MAX_BACKOFF: i64 = 300;

/// Begins the generation of a new dataset, or finds the one that was begun with the same settings.
///
/// # Errors
/// [`Error::OtherSettings`] where the name is taken by another; the plan's and the store's.
pub fn begin(
    store: &Store,
    name: &str,
    config: &GenerationConfig,
    documents: &[Document],
) -> Result<(Dataset, Job), Error> {
    match store.dataset(name) {
        // Generations that came after it, to fill holes, do not make it another one.
        Ok(dataset) => match store.job(&dataset)? {
            Some(job) if store.configs(&dataset)?.contains(config) => Ok((dataset, job)),
            _ => Err(Error::OtherSettings { name: name.into() }),
        },
        Err(Error::Unknown { .. }) => {
            let plan = plan(config, documents)?;
            store.keep_documents(documents)?;
            match store.begin_job(name, config, &plan) {
                // Another process began the same while this one planned.
                Err(Error::Exists { .. }) => begin(store, name, config, documents),
                begun => begun,
            }
        }
        Err(error) => Err(error),
    }
}

/// A cell of the coverage map that is to have rows.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hole {
    pub topic: String,
    #[serde(rename = "type")]
    pub kind: QuestionType,
    pub persona: Persona,
    pub language: Language,
    #[serde(default = "one")]
    pub rows: usize,
}

fn one() -> usize {
    1
}

/// Items planned for each row of a hole: what the dataset has already is refused as a near duplicate.
const HOLE_RESERVE: f64 = 20.0;

/// Begins a further generation of a dataset, for one cell of its coverage map: by templates where the documents give
/// something to ask about, else by the model.
///
/// # Errors
/// [`Error::NothingToAsk`] where neither can; [`Error::Unfinished`]; the plan's and the store's.
pub fn fill(store: &Store, dataset: &Dataset, hole: &Hole, documents: &[Document]) -> Result<Job, Error> {
    let earlier = store.configs(dataset)?;
    let base = earlier.first().cloned().unwrap_or_default();
    let config = GenerationConfig {
        corpus: dataset.corpus.clone(),
        rows: hole.rows,
        // Another choice each time: what was refused once would be refused again.
        seed: base.seed.wrapping_add(earlier.len() as u64),
        generator: Writers::Templates,
        reserve: HOLE_RESERVE,
        types: [(hole.kind, 1.0)].into(),
        personas: [(hole.persona, 1.0)].into(),
        languages: [(hole.language, 1.0)].into(),
        topics: vec![hole.topic.clone()],
        ..base
    };
    let by_model = GenerationConfig { generator: Writers::Model, ..config.clone() };
    let (config, plan) = match plan(&config, documents) {
        Ok(plan) => (config, plan),
        Err(Error::EmptyCorpus { .. }) if MODEL_TYPES.contains(&hole.kind) => match plan(&by_model, documents) {
            Ok(plan) => (by_model, plan),
            Err(Error::EmptyCorpus { .. }) => return Err(Error::NothingToAsk { hole: hole.name() }),
            Err(error) => return Err(error),
        },
        Err(Error::EmptyCorpus { .. }) => return Err(Error::NothingToAsk { hole: hole.name() }),
        Err(error) => return Err(error),
    };
    store.keep_documents(documents)?;
    store.begin_another_job(dataset, &format!("for {}", hole.name()), &config, &plan)?;
    store.job(dataset)?.ok_or_else(|| Error::NoJob { name: dataset.name.clone(), act: "begun" })
}

impl Hole {
    fn name(&self) -> String {
        format!("{} / {} / {} / {}", self.topic, self.kind, self.persona, self.language)
    }
}

/// What an item came to before it meets the rows that are there.
struct Made {
    item: Pending,
    row: Result<Option<Row>, Error>,
    times: Vec<Timed>,
    refusal: Option<String>,
}

/// The items a worker has taken up.
#[derive(Default)]
struct Hand {
    /// All of them, by their place in the plan.
    taken: BTreeSet<i64>,
    /// Those not begun yet.
    waiting: VecDeque<Pending>,
    /// Those that wait for their turn.
    made: BTreeMap<i64, Made>,
}

impl Hand {
    fn drop(&mut self, ordinal: i64) {
        self.taken.remove(&ordinal);
        self.made.remove(&ordinal);
    }

    /// The one that may have its turn: no other here comes before it.
    fn first_made(&self) -> Option<&Made> {
        self.taken.first().and_then(|first| self.made.get(first))
    }
}

/// The questions that are there already.
#[derive(Default)]
struct Known {
    near: Near,
    /// The last row that was read.
    seen: i64,
}

impl Known {
    fn add(&mut self, id: i64, question: &str) {
        if id > self.seen {
            self.near.add(id, question);
            self.seen = id;
        }
    }
}

/// A generation with what it works with.
pub struct Worker {
    lock: WorkLock,
    store: Store,
    job: Job,
    tools: Tools,
    documents: HashMap<(String, String), Document>,
    known: Mutex<Known>,
}

impl Worker {
    /// Takes up a generation where it stands. Reads the questions that are there already.
    ///
    /// # Errors
    /// [`Error::NoJob`]; [`Error::Config`] where a filter or the plan needs a tool that is absent; the store's.
    pub fn new(lock: WorkLock, dataset: &Dataset, tools: Tools, documents: Vec<Document>) -> Result<Self, Error> {
        let store = lock.store().clone();
        let missing = || Error::NoJob { name: dataset.name.clone(), act: "resumed" };
        let job = store.job(dataset)?.ok_or_else(missing)?;
        let filters = &job.config.filters;
        if (filters.round_trip.enabled || filters.answerable.enabled) && tools.retrieval.is_none() {
            return Err(Error::Config { reason: "the filters that search need an index".into() });
        }
        let documents = documents.into_iter().map(|d| ((d.id.clone(), super::text_version(&d.text)), d)).collect();
        let mut known = Known::default();
        store.for_each::<Error>(dataset, &Filter::good(), |row| {
            known.add(row.id, &row.row.question);
            Ok(())
        })?;
        Ok(Self { lock, store, job, tools, documents, known: Mutex::new(known) })
    }

    /// Works until the plan is done or someone stops it. `progress` sees the number of items done and rows kept since
    /// the start of this run.
    ///
    /// # Errors
    /// The store's; an item's own failure is written down with the item and tried again later.
    pub async fn run(&self, mut progress: impl FnMut(usize, usize)) -> Result<Ended, Error> {
        let (mut num_items, mut num_kept) = (0, 0);
        let mut hand = Hand::default();
        // What is being made when the work is stopped is dropped, and done again when it goes on.
        let mut making = FuturesUnordered::new();
        let mut patience = PATIENCE;
        loop {
            self.take_up(&mut hand)?;
            while making.len() < self.job.config.parallel
                && let Some(item) = hand.waiting.pop_front()
            {
                making.push(self.make(item));
            }
            if hand.taken.is_empty() {
                match self.rest().await? {
                    Some(ended) => return Ok(ended),
                    None => continue,
                }
            }
            let mut waits = false;
            if let Some(made) = hand.first_made() {
                let (ordinal, turn) = (made.item.ordinal, self.finish(made)?);
                match turn {
                    Turn::Done { accepted } => {
                        num_items += 1;
                        num_kept += usize::from(accepted);
                        progress(num_items, num_kept);
                    }
                    Turn::Gone => {}
                    Turn::Waits => waits = true,
                    Turn::Stopped => return self.ended().map(|ended| ended.unwrap_or(Ended::Paused)),
                }
                if !waits {
                    hand.drop(ordinal);
                    patience = PATIENCE;
                    // Work that waits for nothing must not keep a thread to itself.
                    tokio::task::yield_now().await;
                    continue;
                }
            }
            tokio::select! {
                Some(made) = making.next(), if !making.is_empty() => {
                    let ordinal = made.item.ordinal;
                    match self.sound(made)? {
                        Some(made) => {
                            hand.made.insert(ordinal, made);
                        }
                        None => {
                            hand.drop(ordinal);
                            num_items += 1;
                            progress(num_items, num_kept);
                        }
                    }
                }
                () = tokio::time::sleep(patience), if waits => patience = (patience * 2).min(MAX_PATIENCE),
            }
        }
    }

    /// Takes up more where all items at hand are begun. With as many made as may wait, only what they wait for.
    fn take_up(&self, hand: &mut Hand) -> Result<(), Error> {
        if !hand.waiting.is_empty() {
            return Ok(());
        }
        self.lock.check()?;
        let first = hand.made.keys().next().copied().filter(|_| hand.made.len() >= MAX_MADE);
        let before = first.unwrap_or(i64::MAX);
        let found = self.lock.take_up(self.job.id, seconds(), before, self.job.config.parallel, &hand.taken)?;
        hand.taken.extend(found.iter().map(|item| item.ordinal));
        hand.waiting.extend(found);
        Ok(())
    }

    /// Waits until there may be items to take up; how the work ended, where it did.
    async fn rest(&self) -> Result<Option<Ended>, Error> {
        if let Some(ended) = self.ended()? {
            return Ok(Some(ended));
        }
        let Some(next) = self.store.next_attempt(self.job.id)? else {
            self.store.set_job_state(self.job.id, &[JobState::Running], JobState::Done)?;
            return self.ended();
        };
        let wait = match next - seconds() {
            // Others are at it.
            ..=0 => LOOK,
            left => Duration::from_secs(left.min(5) as u64),
        };
        tokio::time::sleep(wait).await;
        Ok(None)
    }

    fn ended(&self) -> Result<Option<Ended>, Error> {
        Ok(match self.store.job_state(self.job.id)? {
            JobState::Running => None,
            JobState::Paused => Some(Ended::Paused),
            JobState::Cancelled => Some(Ended::Cancelled),
            JobState::Done => Some(Ended::Done),
        })
    }

    /// Does an item, up to the filters that look at the row and the index.
    async fn make(&self, item: Pending) -> Made {
        let mut made = Made { row: Ok(None), item, times: Vec::new(), refusal: None };
        match self.store.is_full(self.job.id, &made.item.cell, self.job.config.rows) {
            Ok(false) => {}
            Ok(true) => return made,
            Err(error) => return Made { row: Err(error), ..made },
        }
        made.row = self.write(&made.item.work, &mut made.times).await;
        if let Ok(Some(row)) = &mut made.row
            && let Err(error) = self.filter(row, &mut made.times, &mut made.refusal).await
        {
            made.row = Err(error);
        }
        made
    }

    async fn write(&self, work: &Work, times: &mut Vec<Timed>) -> Result<Option<Row>, Error> {
        let started = Instant::now();
        let (stage, row) = match work {
            Work::Template { draft, persona, seed } => {
                let mut random = ChaCha8Rng::seed_from_u64(*seed);
                let question = wording::asked_by(*persona, draft.language, &draft.question, &mut random);
                let lineage = Lineage {
                    prompt: Some(draft.template.clone()),
                    seed: Some(*seed),
                    calculation: draft.calculation.clone(),
                    twin: draft.twin.clone(),
                    ..Lineage::of(Generator::Templates)
                };
                let row = Row {
                    question,
                    answer: draft.answer.clone(),
                    language: draft.language,
                    kind: draft.kind,
                    persona: *persona,
                    difficulty: draft.difficulty,
                    topic: draft.topic.clone(),
                    evidence: draft.evidence.clone(),
                    lineage,
                };
                ("write_by_template", Some(row))
            }
            Work::Passage(work) => {
                let (Some(engine), Some(prompts)) = (&self.tools.engine, &self.tools.prompts) else {
                    return Err(Error::Config { reason: "rows by the model need a model".into() });
                };
                let known = self.documents.get(&(work.document.clone(), work.version.clone()));
                let stored = if known.is_none() { self.store.document(&work.document, &work.version)? } else { None };
                let row = match known.or(stored.as_ref()) {
                    Some(document) => model::write(engine.as_ref(), prompts, document, work).await?,
                    None => None,
                };
                ("write_by_model", row)
            }
        };
        times.push((stage, row.is_some(), started.elapsed().as_micros() as u64));
        Ok(row)
    }

    async fn filter(&self, row: &mut Row, times: &mut Vec<Timed>, refusal: &mut Option<String>) -> Result<(), Error> {
        let settings = &self.job.config.filters;
        // A corpus that has changed since the plan was made: the plan's own documents are in the store.
        let mut kept: Vec<Document> = Vec::new();
        for evidence in &row.evidence {
            if !self.documents.contains_key(&(evidence.document.clone(), evidence.version.clone())) {
                kept.extend(self.store.document(&evidence.document, &evidence.version)?);
            }
        }
        let current = row
            .evidence
            .iter()
            .filter_map(|evidence| self.documents.get(&(evidence.document.clone(), evidence.version.clone())));
        let known: Vec<&Document> = current.chain(&kept).collect();
        let mut scores = filters::alone(row, &known, settings)?;
        let is_refused = |scores: &[Score]| scores.iter().any(|score| score.refusal.is_some());
        if !is_refused(&scores)
            && let Some(retrieval) = &self.tools.retrieval
            && (settings.round_trip.enabled || settings.answerable.enabled)
        {
            let (retrieval, row, settings) = (Arc::clone(retrieval), row.clone(), settings.clone());
            let searched = tokio::task::spawn_blocking(move || filters::searching(&row, &retrieval, &settings)).await;
            scores.extend(searched.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))?);
        }
        if !is_refused(&scores)
            && settings.judge.enabled
            && let (Some(engine), Some(prompts)) = (&self.tools.engine, &self.tools.prompts)
        {
            let started = Instant::now();
            let (score, reason) = filters::judge(engine.as_ref(), prompts, row).await?;
            scores.push(filters::judged(settings.judge, score, &reason, started.elapsed().as_micros() as u64));
        }
        for score in scores {
            times.push((score.filter, score.refusal.is_none(), score.micros));
            row.lineage.scores.insert(score.filter.into(), round(score.score));
            *refusal = refusal.take().or(score.refusal);
        }
        Ok(())
    }

    /// What may wait for its turn; an item that failed of its own is put off.
    fn sound(&self, made: Made) -> Result<Option<Made>, Error> {
        match made.row {
            Err(error @ (Error::Database(_) | Error::Corrupt { .. })) => Err(error),
            Err(error) => self.put_off(&made.item, &error, &made.times).map(|()| None),
            Ok(_) => Ok(Some(made)),
        }
    }

    /// Compares a row with those that are there and writes it down, if it is its turn.
    fn finish(&self, made: &Made) -> Result<Turn, Error> {
        let seen = self.known().seen;
        self.store.in_turn(&self.job, &made.item, (seconds(), seen), |standing| self.decided(made, standing))
    }

    fn decided(&self, made: &Made, Standing { is_full, news }: Standing) -> Result<Outcome, Error> {
        let mut known = self.known();
        news.iter().for_each(|(id, question)| known.add(*id, question));
        let without = |state, times| Outcome { state, row: None, reason: None, times };
        let Ok(Some(row)) = &made.row else {
            // The cell was full, or the passage gave nothing.
            let state = if made.times.is_empty() { ItemState::Spare } else { ItemState::Known };
            return Ok(without(state, made.times.clone()));
        };
        // Items before this one may have filled the cell since it was begun.
        if is_full {
            return Ok(without(ItemState::Spare, Vec::new()));
        }
        let (mut row, mut times, mut refusal) = (row.clone(), made.times.clone(), made.refusal.clone());
        if refusal.is_none()
            && let Some(score) = filters::duplicate(&row, &known.near, &self.job.config.filters)?
        {
            times.push((score.filter, score.refusal.is_none(), score.micros));
            row.lineage.scores.insert(score.filter.into(), round(score.score));
            refusal = score.refusal;
        }
        let state = if refusal.is_none() { State::Accepted } else { State::Rejected };
        let new = NewRow { row, state, reason: refusal, split: None, labels: Vec::new() };
        Ok(Outcome { state: ItemState::Done, row: Some(new), reason: None, times })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits longer before each further attempt; after the last one the item has failed.
    fn put_off(&self, item: &Pending, error: &Error, times: &[Timed]) -> Result<(), Error> {
        let attempts = item.attempts + 1;
        let reason = error.to_string();
        if attempts >= self.job.config.max_attempts {
            let (state, times) = (ItemState::Failed, times.to_vec());
            let outcome = Outcome { state, row: None, reason: Some(reason), times };
            self.store.give_up(self.job.id, item, &outcome)?;
        } else {
            let wait = (1_i64 << attempts.min(16)).min(MAX_BACKOFF);
            self.store.postpone(self.job.id, item, seconds() + wait, &reason)?;
        }
        tracing::warn!(item = item.ordinal, attempts, %error, "an item failed");
        Ok(())
    }
}

/// Four decimals: more would tell runs apart that are the same.
fn round(score: f64) -> f64 {
    (score * 1e4).round() / 1e4
}

fn seconds() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
}

/// Stops a generation until it is resumed.
///
/// # Errors
/// [`Error::NoJob`] where there is none that runs.
pub fn pause(store: &Store, dataset: &Dataset) -> Result<(), Error> {
    turn(store, dataset, &[JobState::Running], JobState::Paused, "paused")
}

/// Ends a generation for good; its rows stay.
///
/// # Errors
/// [`Error::NoJob`] where there is none that runs or is paused.
pub fn cancel(store: &Store, dataset: &Dataset) -> Result<(), Error> {
    turn(store, dataset, &[JobState::Running, JobState::Paused], JobState::Cancelled, "cancelled")
}

/// Has a paused generation run again; one that runs stays as it is.
///
/// # Errors
/// [`Error::NoJob`] where it is done or was cancelled.
pub fn resume(store: &Store, dataset: &Dataset) -> Result<(), Error> {
    turn(store, dataset, &[JobState::Running, JobState::Paused], JobState::Running, "resumed")
}

fn turn(store: &Store, dataset: &Dataset, from: &[JobState], to: JobState, act: &'static str) -> Result<(), Error> {
    let refused = || Error::NoJob { name: dataset.name.clone(), act };
    let job = store.job(dataset)?.ok_or_else(refused)?;
    if store.set_job_state(job.id, from, to)? { Ok(()) } else { Err(refused()) }
}

#[cfg(test)]
mod tests;
