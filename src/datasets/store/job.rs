//! Generations as they are kept: the plan as items, what became of each, and the times of the stages. An item and the
//! row it made are written in one transaction.

use serde::Serialize;

use super::database::{Row, Session, values};
use super::rows::insert;
use super::{Dataset, NewRow, Store, begin_version, moment};
use crate::datasets::{Error, GenerationConfig, Note, Plan, State, Work};

/// How far a generation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Works, or would if a process were at it.
    Running,
    Paused,
    Cancelled,
    Done,
}

impl JobState {
    const ALL: [Self; 4] = [Self::Running, Self::Paused, Self::Cancelled, Self::Done];

    fn read(row: &Row<'_>, column: usize) -> Result<Self, Error> {
        let state = row.text(column)?;
        // One that a newer program knows is left alone.
        Ok(Self::ALL.into_iter().find(|known| known.name() == state).unwrap_or(Self::Paused))
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Cancelled => "cancelled",
            Self::Done => "done",
        }
    }
}

/// What became of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemState {
    /// It made a row, which is kept whatever the filters said.
    Done,
    /// It made nothing that is not there already.
    Known,
    /// Its cell was full before its turn.
    Spare,
    /// It failed more often than is allowed.
    Failed,
}

impl ItemState {
    fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Known => "known",
            Self::Spare => "spare",
            Self::Failed => "failed",
        }
    }
}

/// A generation.
#[derive(Clone, Debug, Serialize)]
pub struct Job {
    #[serde(skip)]
    pub id: i64,
    #[serde(skip)]
    pub dataset: i64,
    #[serde(skip)]
    pub version: i64,
    pub state: JobState,
    #[serde(skip)]
    pub config: GenerationConfig,
    /// What the plan could not do as asked.
    pub notes: Vec<Note>,
    pub rows_wanted: usize,
    pub num_good: i64,
    pub num_pending: i64,
    pub num_done: i64,
    pub num_spare: i64,
    pub num_failed: i64,
    pub stages: Vec<StageTime>,
    pub created_at: String,
    /// Why it was paused, where no person did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// What a stage took, over the whole job.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StageTime {
    pub stage: String,
    pub num: i64,
    /// Of those, how many went on to the next stage.
    pub kept: i64,
    pub seconds: f64,
    pub per_hour: f64,
}

/// An item that waits.
#[derive(Clone, Debug)]
pub struct Pending {
    pub ordinal: i64,
    pub cell: String,
    pub work: Work,
    pub attempts: u32,
}

/// How things stand when an item has its turn.
pub(in crate::datasets) struct Standing {
    /// Whether its cell has all its rows, or all cells together have the rows that are wanted in all.
    pub is_full: bool,
    /// Good rows that came since, whoever made them: ids and questions.
    pub news: Vec<(i64, String)>,
}

/// What an item came to, to be written at once.
pub(in crate::datasets) struct Outcome {
    pub state: ItemState,
    pub row: Option<NewRow>,
    pub reason: Option<String>,
    pub times: Vec<Timed>,
}

/// What became of an item that may have its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::datasets) enum Turn {
    /// It is written down; whether its row is new and accepted.
    Done { accepted: bool },
    /// Another has done it meanwhile.
    Gone,
    /// Items before it are not done yet.
    Waits,
    /// The generation does not run any more.
    Stopped,
}

/// A run of a stage: its name, whether the row went on, and microseconds.
pub(in crate::datasets) type Timed = (&'static str, bool, u64);

/// Puts a plan into the tables, under the next version of its dataset.
fn write_job(
    session: Session<'_>,
    dataset: i64,
    note: &str,
    config: &GenerationConfig,
    plan: &Plan,
) -> Result<(), Error> {
    let json = |source| Error::Corrupt { row: 0, source };
    let version = begin_version(session, dataset, note)?;
    let (config, notes) =
        (serde_json::to_string(config).map_err(json)?, serde_json::to_string(&plan.notes).map_err(json)?);
    let now = moment();
    let job: i64 = session.one(
        "INSERT INTO jobs (dataset, version, state, config, notes, created_at, changed_at)
         VALUES (?1, ?2, 'running', ?3, ?4, ?5, ?5) RETURNING id",
        values![dataset, version, &config, &notes, &now],
        |row| row.get(0),
    )?;
    for (ordinal, item) in plan.items.iter().enumerate() {
        let work = serde_json::to_string(&item.work).map_err(json)?;
        session.execute(
            "INSERT INTO items (job, ordinal, cell, work, state) VALUES (?1, ?2, ?3, ?4, 'pending')",
            values![job, ordinal as i64, &item.cell, &work],
        )?;
    }
    for (cell, wanted) in &plan.cells {
        session
            .execute("INSERT INTO cells (job, cell, wanted) VALUES (?1, ?2, ?3)", values![job, cell, *wanted as i64])?;
    }
    Ok(())
}

/// Whether an item is still to be done. Whoever asks and then ends it holds the job.
fn is_pending(session: Session<'_>, job: i64, item: &Pending) -> Result<bool, Error> {
    let sql = "SELECT ordinal FROM items WHERE job = ?1 AND ordinal = ?2 AND state = 'pending'";
    Ok(session.first(sql, values![job, item.ordinal], |row| row.get::<i64>(0))?.is_some())
}

/// Has nobody else change a job until the transaction ends; its state.
fn hold(session: Session<'_>, job: i64) -> Result<JobState, Error> {
    let sql = format!("SELECT state FROM jobs WHERE id = ?1{}", session.dialect().for_update("jobs"));
    session.one(&sql, values![job], |row| JobState::read(row, 0))
}

/// Writes down what an item came to.
fn end_item(session: Session<'_>, job: i64, item: &Pending, outcome: &Outcome) -> Result<(), Error> {
    session.execute(
        "UPDATE items SET state = ?3, reason = ?4, work = '' WHERE job = ?1 AND ordinal = ?2",
        values![job, item.ordinal, outcome.state.name(), outcome.reason.as_deref()],
    )?;
    for (stage, kept, micros) in &outcome.times {
        session.execute(
            "INSERT INTO stages (job, stage, num, kept, micros) VALUES (?1, ?2, 1, ?3, ?4)
             ON CONFLICT (job, stage) DO UPDATE SET num = stages.num + 1, kept = stages.kept + excluded.kept,
                micros = stages.micros + excluded.micros",
            values![job, *stage, *kept, *micros as i64],
        )?;
    }
    Ok(())
}

const IS_FULL: &str = "SELECT have >= wanted OR (SELECT CAST(SUM(have) AS BIGINT) FROM cells WHERE job = ?1) >= ?3
    FROM cells WHERE job = ?1 AND cell = ?2";

impl Store {
    /// Writes a plan down as a job that runs, with its dataset and version, in one transaction: a process killed before
    /// the end of it has begun nothing.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::BadName`], [`Error::Database`].
    pub fn begin_job(&self, name: &str, config: &GenerationConfig, plan: &Plan) -> Result<(Dataset, Job), Error> {
        super::check_name(name)?;
        self.database.transaction(|session| {
            let dataset: Option<i64> = session.first(
                "INSERT INTO datasets (name, corpus, created_at) VALUES (?1, ?2, ?3)
                 ON CONFLICT (name) DO NOTHING RETURNING id",
                values![name, &config.corpus, &moment()],
                |row| row.get(0),
            )?;
            let dataset = dataset.ok_or_else(|| Error::Exists { name: name.into() })?;
            write_job(session, dataset, &format!("generated from `{}`", config.corpus), config, plan)
        })?;
        let dataset = self.dataset(name)?;
        let job = self.job(&dataset)?.ok_or_else(|| Error::NoJob { name: name.into(), act: "begun" })?;
        Ok((dataset, job))
    }

    /// Writes down a further plan for a dataset, as a job that runs under a new version.
    ///
    /// # Errors
    /// [`Error::Unfinished`], [`Error::Database`].
    pub fn begin_another_job(
        &self,
        dataset: &Dataset,
        note: &str,
        config: &GenerationConfig,
        plan: &Plan,
    ) -> Result<(), Error> {
        let held = format!("SELECT id FROM datasets WHERE id = ?1{}", self.database.dialect().for_update("datasets"));
        let unfinished = "SELECT id FROM jobs WHERE dataset = ?1 AND state IN ('running', 'paused')";
        self.database.transaction(|session| {
            session.first(&held, values![dataset.id], |row| row.get::<i64>(0))?;
            if session.first(unfinished, values![dataset.id], |row| row.get::<i64>(0))?.is_some() {
                return Err(Error::Unfinished { name: dataset.name.clone() });
            }
            write_job(session, dataset.id, note, config, plan)
        })
    }

    /// The settings of every generation of a dataset, the first first.
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::Corrupt`].
    pub fn configs(&self, dataset: &Dataset) -> Result<Vec<GenerationConfig>, Error> {
        let sql = "SELECT id, config FROM jobs WHERE dataset = ?1 ORDER BY id";
        self.database.run(|session| {
            session.all(sql, values![dataset.id], |row| {
                let id = row.get(0)?;
                serde_json::from_str(row.text(1)?).map_err(|source| Error::Corrupt { row: id, source })
            })
        })
    }

    /// The datasets whose generation runs, or would if a process were at it, the oldest first.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn running(&self) -> Result<Vec<String>, Error> {
        let sql =
            "SELECT name FROM jobs JOIN datasets ON datasets.id = dataset WHERE state = 'running' ORDER BY jobs.id";
        self.database.run(|session| session.all(sql, values![], |row| row.get(0)))
    }

    /// Pauses a job that cannot be worked on, and keeps the reason until it is resumed.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub(in crate::datasets) fn fail_job(&self, job: i64, reason: &str) -> Result<(), Error> {
        let sql = "UPDATE jobs SET state = 'paused', failure = ?2, changed_at = ?3 WHERE id = ?1 AND state = 'running'";
        self.database.run(|session| session.execute(sql, values![job, reason, &moment()]))?;
        Ok(())
    }

    /// The latest generation of a dataset, if it has one.
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::Corrupt`].
    pub fn job(&self, dataset: &Dataset) -> Result<Option<Job>, Error> {
        self.database.run(|session| {
            let found = session.first(
                "SELECT id, version, state, config, notes, created_at, failure,
                    (SELECT CAST(COALESCE(SUM(have), 0) AS BIGINT) FROM cells WHERE job = j.id)
                 FROM jobs j WHERE dataset = ?1 ORDER BY id DESC LIMIT 1",
                values![dataset.id],
                |row| {
                    let id = row.get(0)?;
                    let corrupt = |source| Error::Corrupt { row: id, source };
                    let config: GenerationConfig = serde_json::from_str(row.text(3)?).map_err(corrupt)?;
                    Ok(Job {
                        id,
                        dataset: dataset.id,
                        version: row.get(1)?,
                        state: JobState::read(row, 2)?,
                        rows_wanted: config.rows,
                        config,
                        notes: serde_json::from_str(row.text(4)?).map_err(corrupt)?,
                        created_at: row.get(5)?,
                        failure: row.get(6)?,
                        num_good: row.get(7)?,
                        num_pending: 0,
                        num_done: 0,
                        num_spare: 0,
                        num_failed: 0,
                        stages: Vec::new(),
                    })
                },
            )?;
            let Some(mut job) = found else { return Ok(None) };
            let count = |state: &str| -> Result<i64, Error> {
                let sql = "SELECT COUNT(*) FROM items WHERE job = ?1 AND state = ?2";
                session.one(sql, values![job.id, state], |row| row.get(0))
            };
            (job.num_pending, job.num_done) = (count("pending")?, count("done")? + count("known")?);
            (job.num_spare, job.num_failed) = (count("spare")?, count("failed")?);
            let sql = "SELECT stage, num, kept, micros FROM stages WHERE job = ?1 ORDER BY stage";
            job.stages = session.all(sql, values![job.id], |row| {
                let (num, micros): (i64, i64) = (row.get(1)?, row.get(3)?);
                let seconds = micros as f64 / 1e6;
                let per_hour = if micros > 0 { num as f64 / seconds * 3600.0 } else { 0.0 };
                Ok(StageTime { stage: row.get(0)?, num, kept: row.get(2)?, seconds, per_hour })
            })?;
            Ok(Some(job))
        })
    }

    /// Whether the job still runs; another process may have paused it.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub(in crate::datasets) fn job_state(&self, job: i64) -> Result<JobState, Error> {
        let sql = "SELECT state FROM jobs WHERE id = ?1";
        self.database.run(|session| session.one(sql, values![job], |row| JobState::read(row, 0)))
    }

    /// Moves a job to `state` where it stands in one of `from`; whether it did.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn set_job_state(&self, job: i64, from: &[JobState], state: JobState) -> Result<bool, Error> {
        let names: Vec<String> = from.iter().map(|state| format!("'{}'", state.name())).collect();
        let sql = format!(
            "UPDATE jobs SET state = ?2, failure = NULL, changed_at = ?3 WHERE id = ?1 AND state IN ({})",
            names.join(", ")
        );
        self.database.run(|session| Ok(session.execute(&sql, values![job, state.name(), &moment()])? == 1))
    }

    /// The moment the next item that waits may be tried, in seconds since 1970; it is in the past for one that another
    /// worker is at.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub(in crate::datasets) fn next_attempt(&self, job: i64) -> Result<Option<i64>, Error> {
        let sql = "SELECT MIN(not_before) FROM items WHERE job = ?1 AND state = 'pending'";
        self.database.run(|session| session.one(sql, values![job], |row| row.get(0)))
    }

    /// See [`Standing::is_full`].
    ///
    /// # Errors
    /// [`Error::Database`].
    pub(in crate::datasets) fn is_full(&self, job: i64, cell: &str, rows: usize) -> Result<bool, Error> {
        self.database.run(|session| session.one(IS_FULL, values![job, cell, rows as i64], |row| row.get(0)))
    }

    /// Ends an item if it is its turn: that of the first in the plan that is neither done nor put off. `decide` is shown
    /// how things stand, with the good rows after `seen`, and says what the item comes to; it may be asked twice. Item, row
    /// and times are written in one transaction, and nobody else ends an item of the job meanwhile: so cells are filled
    /// exactly, and rows come out as if one had made them all. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// [`Error::Database`], and those of `decide`; then nothing is written.
    pub(in crate::datasets) fn in_turn(
        &self,
        job: &Job,
        item: &Pending,
        (now, seen): (i64, i64),
        mut decide: impl FnMut(Standing) -> Result<Outcome, Error>,
    ) -> Result<Turn, Error> {
        let turn = "SELECT state, EXISTS (SELECT 1 FROM items
                WHERE job = ?1 AND state = 'pending' AND not_before <= ?2 AND ordinal < ?3)
            FROM jobs WHERE id = ?1";
        let news = "SELECT rows.id, question FROM rows JOIN contents ON contents.row = rows.id
            WHERE dataset = ?1 AND rows.id > ?2 AND state IN ('accepted', 'approved') ORDER BY rows.id";
        self.database.transaction(|session| {
            // Before the job is held, so that who waits is in nobody's way.
            let (state, waits): (JobState, bool) = session
                .one(turn, values![job.id, now, item.ordinal], |row| Ok((JobState::read(row, 0)?, row.get(1)?)))?;
            if state == JobState::Running && waits {
                return Ok(Turn::Waits);
            }
            if hold(session, job.id)? != JobState::Running {
                return Ok(Turn::Stopped);
            }
            if !is_pending(session, job.id, item)? {
                return Ok(Turn::Gone);
            }
            let is_full = values![job.id, &item.cell, job.config.rows as i64];
            let mut outcome = decide(Standing {
                is_full: session.one(IS_FULL, is_full, |row| row.get(0))?,
                news: session.all(news, values![job.dataset, seen], |row| Ok((row.get(0)?, row.get(1)?)))?,
            })?;
            let mut accepted = false;
            if let Some(row) = &outcome.row {
                match insert(session, job.dataset, job.version, row)? {
                    Some(_) => accepted = row.state == State::Accepted,
                    None => outcome.state = ItemState::Known,
                }
            }
            end_item(session, job.id, item, &outcome)?;
            if accepted {
                let sql = "UPDATE cells SET have = have + 1 WHERE job = ?1 AND cell = ?2";
                session.execute(sql, values![job.id, &item.cell])?;
            }
            session.need_not_outlive_a_power_cut()?;
            Ok(Turn::Done { accepted })
        })
    }

    /// Ends an item that has failed too often, whosever turn it is.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub(in crate::datasets) fn give_up(&self, job: i64, item: &Pending, outcome: &Outcome) -> Result<(), Error> {
        self.database.transaction(|session| {
            hold(session, job)?;
            if is_pending(session, job, item)? { end_item(session, job, item, outcome) } else { Ok(()) }
        })
    }

    /// Puts an item off after a failure.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub(in crate::datasets) fn postpone(
        &self,
        job: i64,
        item: &Pending,
        not_before: i64,
        reason: &str,
    ) -> Result<(), Error> {
        let sql = "UPDATE items SET attempts = attempts + 1, not_before = ?3, reason = ?4
            WHERE job = ?1 AND ordinal = ?2 AND state = 'pending'";
        self.database.run(|session| session.execute(sql, values![job, item.ordinal, not_before, reason]))?;
        Ok(())
    }
}
