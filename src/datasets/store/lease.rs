//! Who works on a dataset. A file has one process at a time, which a lock on a file beside it holds. A server has any
//! number of workers: each holds a number, and the items it takes up bear that number. Lock and number end with the
//! process, however that ends: with its open file, or with its connection. So nothing has to be cleaned up, and what a
//! killed worker had taken up is free again.

use std::collections::BTreeSet;

use super::database::{Database, Link, Session, Value, values};
use super::{LOCKS, Pending, Place, Store};
use crate::datasets::{Error, check_name};

/// Locks of workers, each with its own number, beside those of datasets.
const WORKERS: i64 = LOCKS + 1;

/// The right to work on a dataset, for as long as it is kept.
pub struct WorkLock {
    store: Store,
    hold: Hold,
}

#[expect(clippy::large_enum_variant, reason = "a process has a handful of them")]
enum Hold {
    File(#[expect(dead_code, reason = "the lock lives as long as the open file")] std::fs::File),
    /// A connection of its own, which must not break, and the worker's number; none for who works alone.
    Server {
        link: Link,
        worker: Option<i64>,
    },
}

impl Store {
    /// The right to work on the generation of a dataset: in a file for one at a time, on a server for all who ask.
    ///
    /// # Errors
    /// [`Error::Busy`], [`Error::File`], [`Error::Database`].
    pub fn work_on(&self, name: &str) -> Result<WorkLock, Error> {
        self.lock(name, true)
    }

    /// The right to change a dataset while nobody works on it.
    ///
    /// # Errors
    /// As [`Self::work_on`].
    pub fn work_alone_on(&self, name: &str) -> Result<WorkLock, Error> {
        self.lock(name, false)
    }

    fn lock(&self, name: &str, shared: bool) -> Result<WorkLock, Error> {
        check_name(name)?;
        let busy = || Error::Busy { name: name.into() };
        let hold = match (&self.database, &self.place) {
            (Database::Postgres(server), _) => {
                let link = server.connect()?;
                let worker = hold(&link, name, shared)?.ok_or_else(busy)?;
                Hold::Server { link, worker: shared.then_some(worker) }
            }
            (Database::Sqlite(_), Place::File(path)) => {
                let path = path.with_extension(format!("{name}.lock"));
                let failed = |source| Error::File { act: "locking", path: path.clone(), source };
                let file = fs_err::File::create(&path).map_err(failed)?.into_parts().0;
                match file.try_lock() {
                    Ok(()) => Hold::File(file),
                    Err(std::fs::TryLockError::WouldBlock) => return Err(busy()),
                    Err(std::fs::TryLockError::Error(source)) => return Err(failed(source)),
                }
            }
            (Database::Sqlite(_), Place::Server(_)) => return Err(busy()),
        };
        Ok(WorkLock { store: self.clone(), hold })
    }
}

/// Takes the lock of a dataset and that of a new number; the number, or nothing where the dataset is not to be had.
fn hold(link: &Link, name: &str, shared: bool) -> Result<Option<i64>, Error> {
    let session = Session::Postgres(link);
    let kind = if shared { "_shared" } else { "" };
    let sql = format!("SELECT pg_try_advisory_lock{kind}(CAST(?1 AS BIGINT)::int, hashtext(?2))");
    if !session.one(&sql, values![LOCKS, name], |row| row.get(0))? {
        return Ok(None);
    }
    let worker = session.one("SELECT nextval('workers')", values![], |row| row.get(0))?;
    let sql = "SELECT pg_try_advisory_lock(CAST(?1 AS BIGINT)::int, CAST(?2 AS BIGINT)::int)";
    let is_ours: bool = session.one(sql, values![WORKERS, worker], |row| row.get(0))?;
    Ok(is_ours.then_some(worker))
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Self::Server { link, .. } = self {
            // The server would notice the end of the connection by itself, a moment later.
            let _ = link.batch("SELECT pg_advisory_unlock_all()");
        }
    }
}

impl WorkLock {
    /// The store in which it is held.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Whether it still holds.
    ///
    /// # Errors
    /// [`Error::LostLock`] where the connection that held it is gone; others may have taken up what was ours since.
    pub(in crate::datasets) fn check(&self) -> Result<(), Error> {
        match &self.hold {
            Hold::Server { link, .. } if link.is_closed() => Err(Error::LostLock),
            _ => Ok(()),
        }
    }

    /// Takes up the items whose turn it is and that nobody is at, in the order of the plan: at most `limit`, none of those
    /// in `taken`, and only those that come before `before`. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::Corrupt`].
    pub(in crate::datasets) fn take_up(
        &self,
        job: i64,
        now: i64,
        before: i64,
        limit: usize,
        taken: &BTreeSet<i64>,
    ) -> Result<Vec<Pending>, Error> {
        let read = |row: &super::Row<'_>| {
            let ordinal = row.get(0)?;
            if taken.contains(&ordinal) {
                return Ok(None);
            }
            let work = serde_json::from_str(row.text(2)?).map_err(|source| Error::Corrupt { row: ordinal, source })?;
            Ok(Some(Pending { ordinal, cell: row.get(1)?, work, attempts: row.get::<i64>(3)? as u32 }))
        };
        let found = match &self.hold {
            Hold::File(_) => {
                let sql = "SELECT ordinal, cell, work, attempts FROM items
                    WHERE job = ?1 AND state = 'pending' AND not_before <= ?2 AND ordinal < ?3
                    ORDER BY ordinal LIMIT ?4";
                let limit = (limit + taken.len()) as i64;
                self.store.database.run(|session| session.all(sql, values![job, now, before, limit], read))?
            }
            Hold::Server { worker, .. } => {
                // Whose number nobody holds a lock of is gone. What others are taking up this very moment is passed over.
                let sql = "WITH free AS MATERIALIZED (
                        SELECT ordinal FROM items
                        WHERE job = ?1 AND state = 'pending' AND not_before <= ?2 AND ordinal < ?3
                            AND (worker IS NULL OR worker NOT IN (
                                SELECT CAST(objid AS BIGINT) FROM pg_locks
                                WHERE locktype = 'advisory' AND classid = CAST(CAST(?4 AS BIGINT) AS OID) AND objsubid = 2
                                    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())))
                        ORDER BY ordinal LIMIT ?5 FOR NO KEY UPDATE SKIP LOCKED)
                    UPDATE items SET worker = ?6 FROM free WHERE items.job = ?1 AND items.ordinal = free.ordinal
                    RETURNING items.ordinal, cell, work, attempts";
                let values = [job, now, before, WORKERS, limit as i64].map(Value::from);
                let values = [&values[..], &[Value::from(*worker)]].concat();
                self.store.database.run(|session| session.all(sql, &values, read))?
            }
        };
        let mut found: Vec<Pending> = found.into_iter().flatten().collect();
        found.sort_by_key(|item| item.ordinal);
        found.truncate(limit);
        Ok(found)
    }
}
