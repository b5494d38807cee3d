//! All datasets, in a SQLite file of the home folder or on a PostgreSQL server.
//!
//! What a list, a filter or a count looks at stands in the narrow table `rows`; texts stand in `contents`, which only
//! the rows shown are read from. Counts by facet are kept by triggers, so that they cost the same for a hundred rows and a
//! hundred thousand. Which of the two databases it is, only [`database`] knows, and what differs for those who work on
//! one generation together, [`lease`]. Calls block: keep them off the async threads.

mod approved;
mod database;
mod documents;
mod job;
mod lease;
mod place;
mod query;
mod rows;
mod text;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};
use serde::Serialize;

use super::{Error, check_name};
use crate::config::DatabaseUrl;
use crate::sqlite::{self, Shared};
use database::{Database, Dialect, Row, Server, Session, values};

pub use approved::{ApprovedQuestion, Marks};
pub use database::Failure;
pub use job::{ItemState, Job, JobState, Pending, StageTime};
pub(in crate::datasets) use job::{Outcome, Standing, Timed, Turn};
pub use lease::WorkLock;
pub use place::Place;
pub use query::{Covered, Facets, Filter, Page};
pub use rows::{Change, Decision, Judgement, NewRow};

/// Format of the tables: in SQLite's `user_version`, in PostgreSQL's table `store_format`.
const FORMAT: i64 = 2;

/// PostgreSQL's schema that holds the tables, so that they are in nobody's way.
const SCHEMA: &str = "haetae";

/// First number of PostgreSQL's advisory locks that are ours.
const LOCKS: i64 = 0x4861_6574;

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

/// All datasets of one place. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    database: Database,
    place: Place,
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
        let opened =
            |source: rusqlite::Error| Error::Open { place: path.display().to_string(), failure: source.into() };
        let mut connection = sqlite::open(path, BUSY).map_err(opened)?;
        // In WAL mode a power cut takes at most the last transactions, whole; the work they did is done again.
        connection.pragma_update(None, "synchronous", "NORMAL").map_err(opened)?;
        connection.pragma_update(None, "foreign_keys", true).map_err(opened)?;
        connection.pragma_update(None, "cache_size", -65_536).map_err(opened)?;
        connection.set_prepared_statement_cache_capacity(64);
        let schema = Dialect::Sqlite.schema();
        if sqlite::format_or_create(&mut connection, &schema, FORMAT).map_err(opened)? == FORMAT - 1 {
            upgrade(&mut connection).map_err(opened)?;
        }
        let found = sqlite::format_of(&connection).map_err(opened)?;
        let place = Place::File(path.into());
        fits(found, || path.display().to_string())?;
        Ok(Self { database: Database::Sqlite(Shared::new(connection)), place })
    }

    /// Reaches the server, and makes the tables where it has none.
    ///
    /// # Errors
    /// [`Error::Open`] if it cannot be reached or refuses; [`Error::TooNew`].
    pub fn connect(url: &DatabaseUrl) -> Result<Self, Error> {
        Self::connect_to(url, SCHEMA)
    }

    /// The same with the tables in a schema of that name, which consists of small letters, digits and `_`.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub(in crate::datasets) fn connect_to(url: &DatabaseUrl, schema: &str) -> Result<Self, Error> {
        let place = Place::Server(url.clone());
        let opened = Server::open(url, schema, FORMAT);
        let (server, found) = opened.map_err(|failure| Error::Open { place: place.to_string(), failure })?;
        fits(found, || place.to_string())?;
        Ok(Self { database: Database::Postgres(Arc::new(server)), place })
    }

    /// Removes all tables that [`Self::connect_to`] made.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub(in crate::datasets) fn remove_schema(&self, schema: &str) -> Result<(), Error> {
        self.database.run(|session| session.execute(&format!("DROP SCHEMA {schema} CASCADE"), values![]))?;
        Ok(())
    }

    /// Another handle that need not wait while this one is at work.
    ///
    /// # Errors
    /// As [`Self::open`] and [`Self::connect`].
    pub fn another(&self) -> Result<Self, Error> {
        self.place.open()
    }

    /// Starts an empty dataset.
    ///
    /// # Errors
    /// [`Error::BadName`], [`Error::Exists`], [`Error::Database`].
    pub fn create(&self, name: &str, corpus: &str) -> Result<Dataset, Error> {
        check_name(name)?;
        let sql = "INSERT INTO datasets (name, corpus, created_at) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO NOTHING";
        let num_made = self.database.run(|session| session.execute(sql, values![name, corpus, &moment()]))?;
        if num_made == 0 {
            return Err(Error::Exists { name: name.into() });
        }
        self.dataset(name)
    }

    /// The dataset of that name.
    ///
    /// # Errors
    /// [`Error::Unknown`], [`Error::Database`].
    pub fn dataset(&self, name: &str) -> Result<Dataset, Error> {
        let sql = format!("{DATASET} WHERE name = ?1");
        let found = self.database.run(|session| session.first(&sql, values![name], read_dataset))?;
        found.ok_or_else(|| Error::Unknown { name: name.into() })
    }

    /// All datasets, by name.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn datasets(&self) -> Result<Vec<Dataset>, Error> {
        let sql = format!("{DATASET} ORDER BY name");
        self.database.run(|session| session.all(&sql, values![], read_dataset))
    }

    /// Begins a new version of a dataset; its number.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn begin_version(&self, dataset: i64, note: &str) -> Result<i64, Error> {
        self.database.transaction(|session| begin_version(session, dataset, note))
    }

    /// The versions of a dataset, oldest first.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn versions(&self, dataset: i64) -> Result<Vec<Version>, Error> {
        let sql = "SELECT number, note, created_at,
                (SELECT COUNT(*) FROM rows WHERE dataset = v.dataset AND version = number)
            FROM versions v WHERE dataset = ?1 ORDER BY number";
        self.database.run(|session| {
            session.all(sql, values![dataset], |row| {
                Ok(Version { number: row.get(0)?, note: row.get(1)?, created_at: row.get(2)?, num_rows: row.get(3)? })
            })
        })
    }
}

/// Whether the tables are those of this program.
fn fits(version: i64, place: impl Fn() -> String) -> Result<(), Error> {
    if version == FORMAT { Ok(()) } else { Err(Error::TooNew { place: place(), version, known: FORMAT }) }
}

/// Brings the tables to [`FORMAT`], unless another process has meanwhile.
fn upgrade(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "foreign_keys", false)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if sqlite::format_of(&transaction)? == FORMAT - 1 {
        transaction.execute_batch(UPGRADE)?;
        transaction.pragma_update(None, "user_version", FORMAT)?;
    }
    transaction.commit()?;
    connection.pragma_update(None, "foreign_keys", true)
}

/// Gives a dataset its next version; others that do the same wait.
fn begin_version(session: Session<'_>, dataset: i64, note: &str) -> Result<i64, Error> {
    let held = format!("SELECT id FROM datasets WHERE id = ?1{}", session.dialect().for_update("datasets"));
    session.first(&held, values![dataset], |row| row.get::<i64>(0))?;
    let last = "SELECT COALESCE(MAX(number), 0) FROM versions WHERE dataset = ?1";
    let number = session.one(last, values![dataset], |row| row.get::<i64>(0))? + 1;
    session.execute(
        "INSERT INTO versions (dataset, number, note, created_at) VALUES (?1, ?2, ?3, ?4)",
        values![dataset, number, note, &moment()],
    )?;
    Ok(number)
}

/// The current moment: ISO 8601, UTC, milliseconds.
fn moment() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

const DATASET: &str = "SELECT id, name, corpus, created_at,
    (SELECT CAST(COALESCE(SUM(num), 0) AS BIGINT) FROM facets WHERE dataset = d.id),
    (SELECT CAST(COALESCE(SUM(num), 0) AS BIGINT) FROM facets
        WHERE dataset = d.id AND state IN ('accepted', 'approved'))
    FROM datasets d";

fn read_dataset(row: &Row<'_>) -> Result<Dataset, Error> {
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
