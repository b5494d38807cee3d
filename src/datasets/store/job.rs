//! Generations as they are kept: the plan as items, what became of each, and the times of the stages. An item and the
//! row it made are written in one transaction.

use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};
use serde::Serialize;

use super::rows::insert;
use super::{Dataset, NewRow, Store};
use crate::datasets::{Error, GenerationConfig, Note, Plan, State, Work};
use crate::sqlite::NOW;

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

/// What an item came to, to be written at once.
pub(in crate::datasets) struct Outcome<'a> {
    pub state: ItemState,
    pub row: Option<&'a NewRow>,
    pub reason: Option<&'a str>,
}

/// A run of a stage: its name, whether the row went on, and microseconds.
pub(in crate::datasets) type Timed = (&'static str, bool, u64);

/// Puts a plan into the tables, under the next version of its dataset.
fn write_job(
    transaction: &Transaction<'_>,
    dataset: i64,
    note: &str,
    config: &GenerationConfig,
    plan: &Plan,
) -> Result<(), Error> {
    let json = |source| Error::Corrupt { row: 0, source };
    let version: i64 = transaction.query_row(
        &format!(
            "INSERT INTO versions (dataset, number, note, created_at)
             SELECT ?1, COALESCE(MAX(number), 0) + 1, ?2, {NOW} FROM versions WHERE dataset = ?1 RETURNING number"
        ),
        params![dataset, note],
        |row| row.get(0),
    )?;
    transaction.execute(
        &format!(
            "INSERT INTO jobs (dataset, version, state, config, notes, created_at, changed_at)
             VALUES (?1, ?2, 'running', ?3, ?4, {NOW}, {NOW})"
        ),
        params![
            dataset,
            version,
            serde_json::to_string(config).map_err(json)?,
            serde_json::to_string(&plan.notes).map_err(json)?
        ],
    )?;
    let job = transaction.last_insert_rowid();
    for (ordinal, item) in plan.items.iter().enumerate() {
        transaction
            .prepare_cached("INSERT INTO items (job, ordinal, cell, work, state) VALUES (?1, ?2, ?3, ?4, 'pending')")?
            .execute(params![job, ordinal as i64, item.cell, serde_json::to_string(&item.work).map_err(json)?])?;
    }
    for (cell, wanted) in &plan.cells {
        transaction.prepare_cached("INSERT INTO cells (job, cell, wanted) VALUES (?1, ?2, ?3)")?.execute(params![
            job,
            cell,
            *wanted as i64
        ])?;
    }
    Ok(())
}

impl Store {
    /// Writes a plan down as a job that runs, with its dataset and version, in one transaction: a process killed before
    /// the end of it has begun nothing.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::BadName`], [`Error::Sqlite`].
    pub fn begin_job(&self, name: &str, config: &GenerationConfig, plan: &Plan) -> Result<(Dataset, Job), Error> {
        super::check_name(name)?;
        {
            let mut connection = self.connection.lock();
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let dataset: Option<i64> = transaction
                .query_row(
                    &format!(
                        "INSERT INTO datasets (name, corpus, created_at) VALUES (?1, ?2, {NOW})
                         ON CONFLICT (name) DO NOTHING RETURNING id"
                    ),
                    params![name, config.corpus],
                    |row| row.get(0),
                )
                .optional()?;
            let dataset = dataset.ok_or_else(|| Error::Exists { name: name.into() })?;
            write_job(&transaction, dataset, &format!("generated from `{}`", config.corpus), config, plan)?;
            transaction.commit()?;
        }
        let dataset = self.dataset(name)?;
        let job = self.job(&dataset)?.ok_or_else(|| Error::NoJob { name: name.into(), act: "begun" })?;
        Ok((dataset, job))
    }

    /// Writes down a further plan for a dataset, as a job that runs under a new version.
    ///
    /// # Errors
    /// [`Error::Unfinished`], [`Error::Sqlite`].
    pub fn begin_another_job(
        &self,
        dataset: &Dataset,
        note: &str,
        config: &GenerationConfig,
        plan: &Plan,
    ) -> Result<(), Error> {
        let mut connection = self.connection.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let is_unfinished: bool = transaction.query_row(
            "SELECT EXISTS (SELECT 1 FROM jobs WHERE dataset = ?1 AND state IN ('running', 'paused'))",
            params![dataset.id],
            |row| row.get(0),
        )?;
        if is_unfinished {
            return Err(Error::Unfinished { name: dataset.name.clone() });
        }
        write_job(&transaction, dataset.id, note, config, plan)?;
        Ok(transaction.commit()?)
    }

    /// The settings of every generation of a dataset, the first first.
    ///
    /// # Errors
    /// [`Error::Sqlite`], [`Error::Corrupt`].
    pub fn configs(&self, dataset: &Dataset) -> Result<Vec<GenerationConfig>, Error> {
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached("SELECT id, config FROM jobs WHERE dataset = ?1 ORDER BY id")?;
        let mut rows = statement.query(params![dataset.id])?;
        let mut configs = Vec::new();
        while let Some(row) = rows.next()? {
            let (id, text): (i64, String) = (row.get(0)?, row.get(1)?);
            configs.push(serde_json::from_str(&text).map_err(|source| Error::Corrupt { row: id, source })?);
        }
        Ok(configs)
    }

    /// The datasets whose generation runs, or would if a process were at it, the oldest first.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn running(&self) -> Result<Vec<String>, Error> {
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached(
            "SELECT name FROM jobs JOIN datasets ON datasets.id = dataset WHERE state = 'running' ORDER BY jobs.id",
        )?;
        let names = statement.query_map([], |row| row.get(0))?;
        Ok(names.collect::<Result<_, _>>()?)
    }

    /// Pauses a job that cannot be worked on, and keeps the reason until it is resumed.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub(in crate::datasets) fn fail_job(&self, job: i64, reason: &str) -> Result<(), Error> {
        let sql = format!(
            "UPDATE jobs SET state = 'paused', failure = ?2, changed_at = {NOW} WHERE id = ?1 AND state = 'running'"
        );
        self.connection.lock().execute(&sql, params![job, reason])?;
        Ok(())
    }

    /// The latest generation of a dataset, if it has one.
    ///
    /// # Errors
    /// [`Error::Sqlite`], [`Error::Corrupt`].
    pub fn job(&self, dataset: &Dataset) -> Result<Option<Job>, Error> {
        let connection = self.connection.lock();
        let found = connection
            .query_row(
                "SELECT id, version, state, config, notes, created_at,
                    (SELECT COALESCE(SUM(have), 0) FROM cells WHERE job = j.id), failure
                 FROM jobs j WHERE dataset = ?1 ORDER BY id DESC LIMIT 1",
                params![dataset.id],
                |row| {
                    let state: String = row.get(2)?;
                    let (config, notes): (String, String) = (row.get(3)?, row.get(4)?);
                    Ok((row.get(0)?, row.get(1)?, state, config, notes, row.get(5)?, row.get(6)?, row.get(7)?))
                },
            )
            .optional()?;
        let Some((id, version, state, config, notes, created_at, num_good, failure)) = found else { return Ok(None) };
        let corrupt = |source| Error::Corrupt { row: id, source };
        let config: GenerationConfig = serde_json::from_str(&config).map_err(corrupt)?;
        let count = |state: &str| -> Result<i64, Error> {
            let sql = "SELECT COUNT(*) FROM items WHERE job = ?1 AND state = ?2";
            Ok(connection.prepare_cached(sql)?.query_row(params![id, state], |row| row.get(0))?)
        };
        let mut statement =
            connection.prepare_cached("SELECT stage, num, kept, micros FROM stages WHERE job = ?1 ORDER BY stage")?;
        let stages = statement
            .query_map(params![id], |row| {
                let (num, micros): (i64, i64) = (row.get(1)?, row.get(3)?);
                let seconds = micros as f64 / 1e6;
                let per_hour = if micros > 0 { num as f64 / seconds * 3600.0 } else { 0.0 };
                Ok(StageTime { stage: row.get(0)?, num, kept: row.get(2)?, seconds, per_hour })
            })?
            .collect::<Result<_, _>>()?;
        Ok(Some(Job {
            id,
            version,
            state: JobState::ALL.into_iter().find(|known| known.name() == state).unwrap_or(JobState::Paused),
            rows_wanted: config.rows,
            config,
            notes: serde_json::from_str(&notes).map_err(corrupt)?,
            num_good,
            num_pending: count("pending")?,
            num_done: count("done")? + count("known")?,
            num_spare: count("spare")?,
            num_failed: count("failed")?,
            stages,
            created_at,
            failure,
        }))
    }

    /// Whether the job still runs; another process may have paused it.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub(in crate::datasets) fn job_state(&self, job: i64) -> Result<JobState, Error> {
        let connection = self.connection.lock();
        let state: String = connection
            .prepare_cached("SELECT state FROM jobs WHERE id = ?1")?
            .query_row(params![job], |row| row.get(0))?;
        Ok(JobState::ALL.into_iter().find(|known| known.name() == state).unwrap_or(JobState::Paused))
    }

    /// Moves a job to `state` where it stands in one of `from`; whether it did.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn set_job_state(&self, job: i64, from: &[JobState], state: JobState) -> Result<bool, Error> {
        let names: Vec<String> = from.iter().map(|state| format!("'{}'", state.name())).collect();
        let sql = format!(
            "UPDATE jobs SET state = ?2, failure = NULL, changed_at = {NOW} WHERE id = ?1 AND state IN ({})",
            names.join(", ")
        );
        Ok(self.connection.lock().execute(&sql, params![job, state.name()])? == 1)
    }

    /// The items whose turn it is, in the order of the plan: `now` is in seconds since 1970.
    ///
    /// # Errors
    /// [`Error::Sqlite`], [`Error::Corrupt`].
    pub(in crate::datasets) fn pending(&self, job: i64, now: i64, limit: usize) -> Result<Vec<Pending>, Error> {
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached(
            "SELECT ordinal, cell, work, attempts FROM items
             WHERE job = ?1 AND state = 'pending' AND not_before <= ?2 ORDER BY ordinal LIMIT ?3",
        )?;
        let mut rows = statement.query(params![job, now, limit as i64])?;
        let mut pending = Vec::new();
        while let Some(row) = rows.next()? {
            let ordinal: i64 = row.get(0)?;
            let work: String = row.get(2)?;
            pending.push(Pending {
                ordinal,
                cell: row.get(1)?,
                work: serde_json::from_str(&work).map_err(|source| Error::Corrupt { row: ordinal, source })?,
                attempts: row.get(3)?,
            });
        }
        Ok(pending)
    }

    /// The moment the next item that waits after a failure may be tried, in seconds since 1970.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub(in crate::datasets) fn next_attempt(&self, job: i64) -> Result<Option<i64>, Error> {
        let sql = "SELECT MIN(not_before) FROM items WHERE job = ?1 AND state = 'pending'";
        Ok(self.connection.lock().query_row(sql, params![job], |row| row.get(0))?)
    }

    /// Whether a cell of the plan has all its rows, or all cells together have the `rows` that are wanted in all.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub(in crate::datasets) fn is_full(&self, job: i64, cell: &str, rows: usize) -> Result<bool, Error> {
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached(
            "SELECT have >= wanted OR (SELECT SUM(have) FROM cells WHERE job = ?1) >= ?3
             FROM cells WHERE job = ?1 AND cell = ?2",
        )?;
        Ok(statement.query_row(params![job, cell, rows as i64], |row| row.get(0))?)
    }

    /// Writes down what an item came to, with its row and its times, in one transaction. The row's id, where it is new
    /// and accepted.
    ///
    /// # Errors
    /// [`Error::Sqlite`]; then nothing of it is written.
    pub(in crate::datasets) fn commit(
        &self,
        dataset: i64,
        job: &Job,
        item: &Pending,
        outcome: &Outcome<'_>,
        times: &[Timed],
    ) -> Result<Option<i64>, Error> {
        let mut connection = self.connection.lock();
        let transaction = connection.transaction()?;
        let mut state = outcome.state;
        let mut accepted = None;
        if let Some(row) = outcome.row {
            match insert(&transaction, dataset, job.version, row)? {
                Some(id) => accepted = (row.state == State::Accepted).then_some(id),
                None => state = ItemState::Known,
            }
        }
        transaction
            .prepare_cached("UPDATE items SET state = ?3, reason = ?4, work = '' WHERE job = ?1 AND ordinal = ?2")?
            .execute(params![job.id, item.ordinal, state.name(), outcome.reason])?;
        if accepted.is_some() {
            transaction
                .prepare_cached("UPDATE cells SET have = have + 1 WHERE job = ?1 AND cell = ?2")?
                .execute(params![job.id, item.cell])?;
        }
        for (stage, kept, micros) in times {
            transaction
                .prepare_cached(
                    "INSERT INTO stages (job, stage, num, kept, micros) VALUES (?1, ?2, 1, ?3, ?4)
                     ON CONFLICT DO UPDATE SET num = num + 1, kept = kept + excluded.kept,
                        micros = micros + excluded.micros",
                )?
                .execute(params![job.id, stage, *kept, *micros as i64])?;
        }
        transaction.commit()?;
        Ok(accepted)
    }

    /// Puts an item off after a failure.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub(in crate::datasets) fn postpone(
        &self,
        job: i64,
        item: &Pending,
        not_before: i64,
        reason: &str,
    ) -> Result<(), Error> {
        self.connection.lock().execute(
            "UPDATE items SET attempts = attempts + 1, not_before = ?3, reason = ?4 WHERE job = ?1 AND ordinal = ?2",
            params![job, item.ordinal, not_before, reason],
        )?;
        Ok(())
    }
}
