//! SQLite files as all stores here keep them: shared between processes, in WAL mode, with the format of their tables
//! in `user_version`.
//!
//! In: a path, and the tables of an empty file. Out: a connection, and the format found. Knows no table, and leaves what
//! a format that is not its caller's means to the caller.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, Result, TransactionBehavior};

/// The current moment as SQLite writes it: ISO 8601, UTC, milliseconds.
pub const NOW: &str = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')";

/// Longest wait for another process at a file, where its store knows no better.
pub const BUSY: Duration = Duration::from_secs(5);

/// Opens a file in WAL mode, creating it where it is missing. Whoever holds it is waited for, at most `busy`.
///
/// # Errors
/// SQLite's, if it is no SQLite file, cannot be written, or stays held.
pub fn open(path: &Path, busy: Duration) -> Result<Connection> {
    let connection = Connection::open(path)?;
    // First of all: the other settings wait for whoever has the file, too.
    connection.busy_timeout(busy)?;
    to_wal(&connection, busy)?;
    Ok(connection)
}

/// Changes the journal, which waits for nobody: whoever comes while another does the same tries again.
fn to_wal(connection: &Connection, busy: Duration) -> Result<()> {
    let until = Instant::now() + busy;
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(10));
            }
            ended => return ended,
        }
    }
}

/// The format of the file's tables. An empty file is given the tables of `schema` first, and then has `format`.
///
/// # Errors
/// SQLite's.
pub fn format_or_create(connection: &mut Connection, schema: &str, format: i64) -> Result<i64> {
    let found = format_of(connection)?;
    if found != 0 {
        return Ok(found);
    }
    // Of two processes that find the file empty, one makes the tables and the other waits and sees them. Both begin as
    // writers: two that began as readers would be in each other's way.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if format_of(&transaction)? == 0 {
        transaction.execute_batch(schema)?;
        transaction.pragma_update(None, "user_version", format)?;
    }
    transaction.commit()?;
    format_of(connection)
}

/// The format of the file's tables; 0 where it has none.
///
/// # Errors
/// SQLite's.
pub fn format_of(connection: &Connection) -> Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// One connection for all threads, which take turns. Cheap to clone.
#[derive(Clone)]
pub struct Shared(Arc<Mutex<Connection>>);

impl Shared {
    pub fn new(connection: Connection) -> Self {
        Self(Arc::new(Mutex::new(connection)))
    }

    pub fn lock(&self) -> MutexGuard<'_, Connection> {
        // A panic while it was held left at most an open transaction or statement, which its drop rolled back or reset.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_that_find_a_file_empty_one_makes_the_tables_and_all_see_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.sqlite");
        let begin = || {
            let mut connection = open(&path, BUSY).unwrap();
            format_or_create(&mut connection, "CREATE TABLE things (name TEXT) STRICT", 3).unwrap()
        };
        let formats = std::thread::scope(|scope| {
            let begun: Vec<_> = (0..8).map(|_| scope.spawn(begin)).collect();
            begun.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        assert_eq!(formats, [3; 8]);
        let mut connection = open(&path, BUSY).unwrap();
        assert_eq!(format_or_create(&mut connection, "not even SQL", 9).unwrap(), 3, "what has tables is left alone");
    }

    #[test]
    fn what_is_no_database_is_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.sqlite");
        std::fs::write(
            &path,
            "a letter, long enough to be taken for the head of a file of some other kind\n".repeat(20),
        )
        .unwrap();
        assert_eq!(open(&path, BUSY).unwrap_err().sqlite_error_code(), Some(ErrorCode::NotADatabase));
    }
}
