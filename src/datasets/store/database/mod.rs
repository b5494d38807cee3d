//! One way to speak to the two databases that datasets may be kept in: a SQLite file, or a PostgreSQL server.
//!
//! In: SQL that both understand, with `?1`, `?2` … for values. Out: rows, column by column. Where the two must be told
//! different words, the words are in [`Dialect`] and nowhere else. Knows neither tables nor datasets. Calls block; one
//! connection serves all threads, which take turns.

mod dialect;
mod postgres;
mod session;
mod value;

use std::sync::Arc;

use rusqlite::TransactionBehavior;

use crate::datasets::Error;
use crate::sqlite::Shared;

pub(super) use dialect::Dialect;
pub(super) use postgres::{Link, Server};
pub(super) use session::{Row, Session};
pub(super) use value::{Value, values};

/// Times a transaction of PostgreSQL is done in all, where it and another stood in each other's way.
const NUM_TRIES: usize = 5;

/// What a database refused. Its own words are in the text, and not told again as a source.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("{0}")]
    Sqlite(rusqlite::Error),
    #[error("PostgreSQL: {}", postgres::told(.0))]
    Postgres(tokio_postgres::Error),
    #[error("no thread for a connection to PostgreSQL: {0}")]
    Thread(std::io::Error),
    #[error("column {column} holds a name that this program does not know")]
    UnknownName { column: usize },
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Postgres(error)
    }
}

impl Failure {
    /// Whether it was not the work but the way to the server: it may be done again when the server is back.
    pub fn is_outage(&self) -> bool {
        matches!(self, Self::Postgres(error) if postgres::is_outage(error))
    }
}

/// A connection, shared by all threads. Cheap to clone.
#[derive(Clone)]
pub(super) enum Database {
    Sqlite(Shared),
    Postgres(Arc<Server>),
}

impl Database {
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Does what reads, or writes with one statement.
    ///
    /// # Errors
    /// Those of `act`; [`Error::Database`] where the server cannot be reached.
    pub fn run<T>(&self, act: impl FnOnce(Session<'_>) -> Result<T, Error>) -> Result<T, Error> {
        match self {
            Self::Sqlite(connection) => act(Session::Sqlite(&connection.lock())),
            Self::Postgres(server) => act(Session::Postgres(&*server.link()?)),
        }
    }

    /// Does all of `act`, or nothing of it where it fails. It may be done anew where another was in its way, so that it
    /// must change nothing but the database.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn transaction<T>(&self, mut act: impl FnMut(Session<'_>) -> Result<T, Error>) -> Result<T, Error> {
        match self {
            Self::Sqlite(connection) => {
                let mut connection = connection.lock();
                // Two that began as readers would be in each other's way when both go on to write.
                let behavior = TransactionBehavior::Immediate;
                let transaction = connection.transaction_with_behavior(behavior).map_err(Failure::from)?;
                let done = act(Session::Sqlite(&transaction))?;
                transaction.commit().map_err(Failure::from)?;
                Ok(done)
            }
            Self::Postgres(server) => {
                let link = server.link()?;
                let mut num_tries = 1;
                loop {
                    match link.transaction(|| act(Session::Postgres(&link))) {
                        Err(Error::Database(Failure::Postgres(error)))
                            if postgres::is_collision(&error) && num_tries < NUM_TRIES =>
                        {
                            num_tries += 1;
                        }
                        ended => return ended,
                    }
                }
            }
        }
    }
}
