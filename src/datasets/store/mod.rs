//! The file that holds all datasets: `datasets.sqlite` in the home folder, in WAL mode.
//!
//! What a list, a filter or a count looks at stands in the narrow table `rows`; texts stand in `contents`, which only
//! the rows shown are read from. Counts by facet are kept by triggers, so that they cost the same for a hundred rows and a
//! hundred thousand. Calls block: keep them off the async threads.

mod approved;
mod documents;
mod job;
mod query;
mod rows;
mod text;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use serde::Serialize;

use super::{Error, check_name};
use crate::sqlite::{self, NOW, Shared};

pub use approved::{ApprovedQuestion, Marks};
pub use job::{ItemState, Job, JobState, Pending, StageTime};
pub(in crate::datasets) use job::{Outcome, Timed};
pub use query::{Covered, Facets, Filter, Page};
pub use rows::{Change, Decision, Judgement, NewRow};

/// Format of the tables, in SQLite's `user_version`.
const FORMAT: i64 = 2;

const SCHEMA: &str = include_str!("schema.sql");

/// From the format before.
const UPGRADE: &str = include_str!("upgrade.sql");

/// Longest wait for another process that writes.
const BUSY: Duration = Duration::from_secs(20);

/// A dataset, without its rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Dataset {
    pub id: i64,
    pub name: String,
    pub corpus: String,
    pub created_at: String,
    pub num_rows: i64,
    /// Rows that are accepted or approved.
    pub num_good: i64,
}

/// A state of a dataset that something brought about.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Version {
    pub number: i64,
    pub note: String,
    pub created_at: String,
    pub num_rows: i64,
}

/// All datasets of a home folder. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    connection: Shared,
    path: PathBuf,
}

impl Store {
    /// The file in `home`.
    pub fn file(home: &Path) -> PathBuf {
        home.join("datasets.sqlite")
    }

    /// Opens the file, creating it where it is missing.
    ///
    /// # Errors
    /// [`Error::Open`] if it is no SQLite file or cannot be written; [`Error::TooNew`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        let opened = |source| Error::Open { path: path.into(), source };
        let mut connection = sqlite::open(path, BUSY).map_err(opened)?;
        // In WAL mode a power cut takes at most the last transactions, whole; the work they did is done again.
        connection.pragma_update(None, "synchronous", "NORMAL").map_err(opened)?;
        connection.pragma_update(None, "foreign_keys", true).map_err(opened)?;
        connection.pragma_update(None, "cache_size", -65_536).map_err(opened)?;
        connection.set_prepared_statement_cache_capacity(64);
        if sqlite::format_or_create(&mut connection, SCHEMA, FORMAT)? == FORMAT - 1 {
            upgrade(&mut connection)?;
        }
        match sqlite::format_of(&connection)? {
            FORMAT => Ok(Self { connection: Shared::new(connection), path: path.into() }),
            version => Err(Error::TooNew { path: path.into(), version, known: FORMAT }),
        }
    }

    /// Starts an empty dataset.
    ///
    /// # Errors
    /// [`Error::BadName`], [`Error::Exists`], [`Error::Sqlite`].
    pub fn create(&self, name: &str, corpus: &str) -> Result<Dataset, Error> {
        check_name(name)?;
        let sql = format!(
            "INSERT INTO datasets (name, corpus, created_at) VALUES (?1, ?2, {NOW}) ON CONFLICT (name) DO NOTHING"
        );
        let num_made = self.connection.lock().execute(&sql, params![name, corpus])?;
        if num_made == 0 {
            return Err(Error::Exists { name: name.into() });
        }
        self.dataset(name)
    }

    /// The dataset of that name.
    ///
    /// # Errors
    /// [`Error::Unknown`], [`Error::Sqlite`].
    pub fn dataset(&self, name: &str) -> Result<Dataset, Error> {
        let sql = format!("{DATASET} WHERE name = ?1");
        let found = self.connection.lock().query_row(&sql, params![name], read_dataset).optional()?;
        found.ok_or_else(|| Error::Unknown { name: name.into() })
    }

    /// All datasets, by name.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn datasets(&self) -> Result<Vec<Dataset>, Error> {
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached(&format!("{DATASET} ORDER BY name"))?;
        let datasets = statement.query_map([], read_dataset)?;
        Ok(datasets.collect::<Result<_, _>>()?)
    }

    /// Begins a new version of a dataset; its number.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn begin_version(&self, dataset: i64, note: &str) -> Result<i64, Error> {
        let sql = format!(
            "INSERT INTO versions (dataset, number, note, created_at)
             SELECT ?1, COALESCE(MAX(number), 0) + 1, ?2, {NOW} FROM versions WHERE dataset = ?1 RETURNING number"
        );
        Ok(self.connection.lock().query_row(&sql, params![dataset, note], |row| row.get(0))?)
    }

    /// The versions of a dataset, oldest first.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn versions(&self, dataset: i64) -> Result<Vec<Version>, Error> {
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached(
            "SELECT number, note, created_at, (SELECT COUNT(*) FROM rows WHERE dataset = v.dataset AND version = number)
             FROM versions v WHERE dataset = ?1 ORDER BY number",
        )?;
        let versions = statement.query_map(params![dataset], |row| {
            Ok(Version { number: row.get(0)?, note: row.get(1)?, created_at: row.get(2)?, num_rows: row.get(3)? })
        })?;
        Ok(versions.collect::<Result<_, _>>()?)
    }

    /// A lock that one process holds while it works on a dataset. It ends with the process, however that ends.
    ///
    /// # Errors
    /// [`Error::Busy`], [`Error::File`].
    pub fn work_on(&self, name: &str) -> Result<WorkLock, Error> {
        check_name(name)?;
        let path = self.path.with_extension(format!("{name}.lock"));
        let failed = |source| Error::File { act: "locking", path: path.clone(), source };
        let file = fs_err::File::create(&path).map_err(failed)?.into_parts().0;
        match file.try_lock() {
            Ok(()) => Ok(WorkLock(file)),
            Err(std::fs::TryLockError::WouldBlock) => Err(Error::Busy { name: name.into() }),
            Err(std::fs::TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}

/// Brings the tables to [`FORMAT`], unless another process has meanwhile.
fn upgrade(connection: &mut Connection) -> Result<(), Error> {
    connection.pragma_update(None, "foreign_keys", false)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if sqlite::format_of(&transaction)? == FORMAT - 1 {
        transaction.execute_batch(UPGRADE)?;
        transaction.pragma_update(None, "user_version", FORMAT)?;
    }
    transaction.commit()?;
    Ok(connection.pragma_update(None, "foreign_keys", true)?)
}

/// See [`Store::work_on`].
pub struct WorkLock(#[expect(dead_code, reason = "the lock lives as long as the open file")] std::fs::File);

const DATASET: &str = "SELECT id, name, corpus, created_at,
    (SELECT COALESCE(SUM(num), 0) FROM facets WHERE dataset = d.id),
    (SELECT COALESCE(SUM(num), 0) FROM facets WHERE dataset = d.id AND state IN ('accepted', 'approved'))
    FROM datasets d";

fn read_dataset(row: &rusqlite::Row<'_>) -> rusqlite::Result<Dataset> {
    Ok(Dataset {
        id: row.get(0)?,
        name: row.get(1)?,
        corpus: row.get(2)?,
        created_at: row.get(3)?,
        num_rows: row.get(4)?,
        num_good: row.get(5)?,
    })
}

#[cfg(test)]
mod tests;
