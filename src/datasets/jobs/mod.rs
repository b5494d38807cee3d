//! A generation at work: items of the plan become rows, and each is written down together with what became of its item.
//!
//! One process works on a dataset at a time, which a file lock holds; it ends with the process, so a killed one leaves
//! nothing to clean up. Items are done in the order of the plan and written in that order, whatever the model finishes
//! first: a run that was killed and resumed gives the rows of one that was not.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use futures::StreamExt;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;

use super::filters::{self, Near, Retrieval, Score};
use super::plan::MODEL_TYPES;
use super::store::{Dataset, Filter, ItemState, Job, JobState, NewRow, Outcome, Pending, Store, Timed};
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

/// Items fetched at a time.
const BATCH: usize = 32;

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
            store.begin_job(name, config, &plan)
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

/// A generation with what it works with.
pub struct Worker {
    store: Store,
    dataset: Dataset,
    job: Job,
    tools: Tools,
    documents: HashMap<(String, String), Document>,
    near: Mutex<Near>,
}

impl Worker {
    /// Takes up a generation where it stands. Reads the questions that are there already.
    ///
    /// # Errors
    /// [`Error::NoJob`]; [`Error::Config`] where a filter or the plan needs a tool that is absent; the store's.
    pub fn new(store: &Store, dataset: &Dataset, tools: Tools, documents: Vec<Document>) -> Result<Self, Error> {
        let missing = || Error::NoJob { name: dataset.name.clone(), act: "resumed" };
        let job = store.job(dataset)?.ok_or_else(missing)?;
        let filters = &job.config.filters;
        if (filters.round_trip.enabled || filters.answerable.enabled) && tools.retrieval.is_none() {
            return Err(Error::Config { reason: "the filters that search need an index".into() });
        }
        let documents = documents.into_iter().map(|d| ((d.id.clone(), super::text_version(&d.text)), d)).collect();
        let mut near = Near::default();
        store.for_each::<Error>(dataset, &Filter::good(), |row| {
            near.add(row.id, &row.row.question);
            Ok(())
        })?;
        Ok(Self { store: store.clone(), dataset: dataset.clone(), job, tools, documents, near: Mutex::new(near) })
    }

    /// Works until the plan is done or someone stops it. `progress` sees the number of items done and rows kept since
    /// the start of this run.
    ///
    /// # Errors
    /// The store's; an item's own failure is written down with the item and tried again later.
    pub async fn run(&self, mut progress: impl FnMut(usize, usize)) -> Result<Ended, Error> {
        let (mut num_items, mut num_kept) = (0, 0);
        loop {
            match self.store.job_state(self.job.id)? {
                JobState::Running => {}
                JobState::Paused => return Ok(Ended::Paused),
                JobState::Cancelled => return Ok(Ended::Cancelled),
                JobState::Done => return Ok(Ended::Done),
            }
            let now = seconds();
            let pending = self.store.pending(self.job.id, now, BATCH)?;
            if pending.is_empty() {
                let Some(next) = self.store.next_attempt(self.job.id)? else {
                    self.store.set_job_state(self.job.id, &[JobState::Running], JobState::Done)?;
                    return Ok(Ended::Done);
                };
                let wait = (next - now).clamp(1, 5) as u64;
                tokio::time::sleep(std::time::Duration::from_secs(wait)).await;
                continue;
            }
            let mut work =
                futures::stream::iter(pending).map(|item| self.make(item)).buffered(self.job.config.parallel);
            while let Some(made) = work.next().await {
                num_items += 1;
                num_kept += usize::from(self.finish(made)?);
                progress(num_items, num_kept);
                // Work that waits for nothing must not keep a thread to itself.
                tokio::task::yield_now().await;
                // What the others are at is dropped, and done again when it goes on.
                if self.store.job_state(self.job.id)? != JobState::Running {
                    break;
                }
            }
        }
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

    /// Compares a row with those that are there and writes it down; whether it was accepted.
    fn finish(&self, made: Made) -> Result<bool, Error> {
        let Made { item, row, mut times, mut refusal } = made;
        let mut row = match row {
            Ok(Some(row)) => row,
            // The cell was full, or the passage gave nothing.
            Ok(None) => {
                let state = if times.is_empty() { ItemState::Spare } else { ItemState::Known };
                let outcome = Outcome { state, row: None, reason: None };
                self.store.commit(self.dataset.id, &self.job, &item, &outcome, &times)?;
                return Ok(false);
            }
            Err(error @ (Error::Sqlite(_) | Error::Corrupt { .. })) => return Err(error),
            Err(error) => return self.put_off(&item, &error, &times),
        };
        // Items beside this one may have filled the cell since it was begun.
        if self.store.is_full(self.job.id, &item.cell, self.job.config.rows)? {
            let outcome = Outcome { state: ItemState::Spare, row: None, reason: None };
            self.store.commit(self.dataset.id, &self.job, &item, &outcome, &[])?;
            return Ok(false);
        }
        if refusal.is_none()
            && let Some(score) = filters::duplicate(&row, &self.near(), &self.job.config.filters)?
        {
            times.push((score.filter, score.refusal.is_none(), score.micros));
            row.lineage.scores.insert(score.filter.into(), round(score.score));
            refusal = score.refusal;
        }
        let state = if refusal.is_none() { State::Accepted } else { State::Rejected };
        let question = row.question.clone();
        let new = NewRow { row, state, reason: refusal, split: None, labels: Vec::new() };
        let outcome = Outcome { state: ItemState::Done, row: Some(&new), reason: None };
        let kept = self.store.commit(self.dataset.id, &self.job, &item, &outcome, &times)?;
        if let Some(id) = kept {
            self.near().add(id, &question);
        }
        Ok(kept.is_some())
    }

    fn near(&self) -> MutexGuard<'_, Near> {
        self.near.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits longer before each further attempt; after the last one the item has failed.
    fn put_off(&self, item: &Pending, error: &Error, times: &[Timed]) -> Result<bool, Error> {
        let attempts = item.attempts + 1;
        let reason = error.to_string();
        if attempts >= self.job.config.max_attempts {
            let outcome = Outcome { state: ItemState::Failed, row: None, reason: Some(&reason) };
            self.store.commit(self.dataset.id, &self.job, item, &outcome, times)?;
        } else {
            let wait = (1_i64 << attempts.min(16)).min(MAX_BACKOFF);
            self.store.postpone(self.job.id, item, seconds() + wait, &reason)?;
        }
        tracing::warn!(item = item.ordinal, attempts, %error, "an item failed");
        Ok(false)
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
