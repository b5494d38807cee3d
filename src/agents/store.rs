//! Runs and approvals kept in SQLite, so that an answer can be traced and a decision is not lost with the process.
//!
//! In: records of runs, calls that wait for a named person, decisions. Out: the same. An owner sees its own runs; whoever
//! may decide sees what waits. A decision is written before it is carried out: after a crash, [`Store::unfinished`] names
//! what was granted and not done.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::trace::Record;
use crate::sqlite::{self, NOW, Shared};

/// Why runs could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("runs `{path}` could not be opened: {source}")]
    Open { path: PathBuf, source: rusqlite::Error },
    #[error("runs `{path}` have format {version}, this program knows up to {known}\n\nhint: a newer haetae wrote it")]
    TooNew { path: PathBuf, version: i64, known: i64 },
    #[error("runs: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("run or approval `{id}` holds JSON that cannot be read: {source}")]
    Corrupt { id: String, source: serde_json::Error },
    #[error("there is no approval `{id}`")]
    NoApproval { id: String },
    #[error("approval `{id}` is {state} and can no longer be decided")]
    Decided { id: String, state: &'static str },
    #[error("an approval takes the name of the person who decides, got an empty one")]
    Nameless,
}

/// Where an approval stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Pending,
    Granted,
    Denied,
    Expired,
    /// Granted and carried out.
    Done,
    /// Granted, and the call failed.
    Failed,
}

impl State {
    const ALL: [Self; 6] = [Self::Pending, Self::Granted, Self::Denied, Self::Expired, Self::Done, Self::Failed];

    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Granted => "granted",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|state| state.name() == name).unwrap_or(Self::Expired)
    }
}

/// A call that waits for a named person, or waited.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Approval {
    pub id: String,
    pub run: String,
    pub tool: String,
    pub arguments: Value,
    pub state: State,
    pub asked_at: String,
    pub expires_at: String,
    pub decided_by: Option<String>,
    pub decided_at: Option<String>,
    /// What the call came to, once it was made.
    pub outcome: Option<Value>,
}

const FORMAT: i64 = 1;
const SCHEMA: &str = "
    CREATE TABLE runs (id TEXT PRIMARY KEY, owner TEXT NOT NULL, started_at TEXT NOT NULL, record TEXT NOT NULL) STRICT;
    CREATE INDEX runs_by_owner ON runs (owner, started_at);
    CREATE TABLE approvals (
        id TEXT PRIMARY KEY,
        run TEXT NOT NULL,
        tool TEXT NOT NULL,
        arguments TEXT NOT NULL,
        state TEXT NOT NULL,
        asked_at TEXT NOT NULL,
        expires_at TEXT NOT NULL,
        decided_by TEXT,
        decided_at TEXT,
        outcome TEXT
    ) STRICT;
    CREATE INDEX approvals_by_state ON approvals (state, asked_at);
";
const COLUMNS: &str = "id, run, tool, arguments, state, asked_at, expires_at, decided_by, decided_at, outcome";

/// The stored runs. Cheap to clone; calls block for a disk write.
#[derive(Clone)]
pub struct Store {
    connection: Shared,
}

impl Store {
    /// Opens the file, creating it where it is missing.
    ///
    /// # Errors
    /// [`Error::Open`], [`Error::TooNew`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        let opened = |source| Error::Open { path: path.into(), source };
        let connection = sqlite::open(path, sqlite::BUSY).map_err(opened)?;
        // A decision must outlive a power cut.
        connection.pragma_update(None, "synchronous", "FULL").map_err(opened)?;
        Self::prepare(connection, path)
    }

    /// Runs that end with the process.
    ///
    /// # Errors
    /// SQLite's, where it cannot allocate.
    pub fn in_memory() -> Result<Self, Error> {
        Self::prepare(Connection::open_in_memory()?, Path::new(":memory:"))
    }

    fn prepare(mut connection: Connection, path: &Path) -> Result<Self, Error> {
        match sqlite::format_or_create(&mut connection, SCHEMA, FORMAT)? {
            FORMAT => Ok(Self { connection: Shared::new(connection) }),
            version => Err(Error::TooNew { path: path.into(), version, known: FORMAT }),
        }
    }

    /// Keeps a run; one of the same id is replaced.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn keep(&self, record: &Record) -> Result<(), Error> {
        let json = serde_json::to_string(record).map_err(|source| Error::Corrupt { id: record.id.clone(), source })?;
        let sql = "INSERT OR REPLACE INTO runs (id, owner, started_at, record) VALUES (?1, ?2, ?3, ?4)";
        self.connection.lock().execute(sql, params![record.id, record.caller, record.started_at, json])?;
        Ok(())
    }

    /// A run of `owner`'s, or of anyone's where that is absent.
    ///
    /// # Errors
    /// [`Error::Sqlite`], [`Error::Corrupt`].
    pub fn run(&self, id: &str, owner: Option<&str>) -> Result<Option<Record>, Error> {
        let sql = "SELECT record FROM runs WHERE id = ?1 AND (?2 IS NULL OR owner = ?2)";
        let json: Option<String> =
            self.connection.lock().query_row(sql, params![id, owner], |row| row.get(0)).optional()?;
        let read =
            |json: String| serde_json::from_str(&json).map_err(|source| Error::Corrupt { id: id.into(), source });
        json.map(read).transpose()
    }

    /// The ids of the latest runs of `owner`'s, newest first.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn runs(&self, owner: &str, limit: usize) -> Result<Vec<String>, Error> {
        let connection = self.connection.lock();
        let mut statement = connection
            .prepare_cached("SELECT id FROM runs WHERE owner = ?1 ORDER BY started_at DESC, rowid DESC LIMIT ?2")?;
        let rows = statement.query_map(params![owner, limit as i64], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Has a call wait for a named person, at most `hours`.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn ask(&self, run: &str, tool: &str, arguments: &Value, hours: u32) -> Result<Approval, Error> {
        let id = format!("A{}", &uuid::Uuid::new_v4().simple().to_string()[..12]);
        let sql = format!(
            "INSERT INTO approvals (id, run, tool, arguments, state, asked_at, expires_at)
             VALUES (?1, ?2, ?3, ?4, 'pending', {NOW}, strftime('%Y-%m-%dT%H:%M:%fZ', 'now', ?5))"
        );
        let lifetime = format!("+{hours} hours");
        self.connection.lock().execute(&sql, params![id, run, tool, arguments.to_string(), lifetime])?;
        self.approval(&id)
    }

    /// An approval as it stands now.
    ///
    /// # Errors
    /// [`Error::NoApproval`], [`Error::Sqlite`], [`Error::Corrupt`].
    pub fn approval(&self, id: &str) -> Result<Approval, Error> {
        self.expire()?;
        let sql = format!("SELECT {COLUMNS} FROM approvals WHERE id = ?1");
        let found = self.connection.lock().query_row(&sql, params![id], read_approval).optional()?;
        found.ok_or_else(|| Error::NoApproval { id: id.into() })?
    }

    /// What waits, the oldest first.
    ///
    /// # Errors
    /// [`Error::Sqlite`], [`Error::Corrupt`].
    pub fn pending(&self) -> Result<Vec<Approval>, Error> {
        self.expire()?;
        self.of_state(State::Pending)
    }

    /// What was granted and not carried out: the process ended between the two.
    ///
    /// # Errors
    /// [`Error::Sqlite`], [`Error::Corrupt`].
    pub fn unfinished(&self) -> Result<Vec<Approval>, Error> {
        self.of_state(State::Granted)
    }

    fn of_state(&self, state: State) -> Result<Vec<Approval>, Error> {
        let connection = self.connection.lock();
        let sql = format!("SELECT {COLUMNS} FROM approvals WHERE state = ?1 ORDER BY asked_at, rowid");
        let mut statement = connection.prepare_cached(&sql)?;
        let rows = statement.query_map(params![state.name()], read_approval)?;
        rows.map(|row| row?).collect()
    }

    /// Decides what waits, in the name of `by`.
    ///
    /// # Errors
    /// [`Error::Nameless`], [`Error::NoApproval`], [`Error::Decided`] where it no longer waits.
    pub fn decide(&self, id: &str, grant: bool, by: &str) -> Result<Approval, Error> {
        if by.trim().is_empty() {
            return Err(Error::Nameless);
        }
        self.expire()?;
        let state = if grant { State::Granted } else { State::Denied };
        let sql = format!(
            "UPDATE approvals SET state = ?2, decided_by = ?3, decided_at = {NOW} WHERE id = ?1 AND state = 'pending'"
        );
        let changed = self.connection.lock().execute(&sql, params![id, state.name(), by.trim()])?;
        let approval = self.approval(id)?;
        if changed == 0 {
            return Err(Error::Decided { id: id.into(), state: approval.state.name() });
        }
        Ok(approval)
    }

    /// Notes what a granted call came to.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn finish(&self, id: &str, done: bool, outcome: &Value) -> Result<Approval, Error> {
        let state = if done { State::Done } else { State::Failed };
        let sql = "UPDATE approvals SET state = ?2, outcome = ?3 WHERE id = ?1 AND state = 'granted'";
        self.connection.lock().execute(sql, params![id, state.name(), outcome.to_string()])?;
        self.approval(id)
    }

    fn expire(&self) -> Result<(), Error> {
        let sql = format!("UPDATE approvals SET state = 'expired' WHERE state = 'pending' AND expires_at < {NOW}");
        self.connection.lock().execute(&sql, [])?;
        Ok(())
    }
}

fn read_approval(row: &rusqlite::Row<'_>) -> Result<Result<Approval, Error>, rusqlite::Error> {
    let id: String = row.get(0)?;
    let (arguments, outcome): (String, Option<String>) = (row.get(3)?, row.get(9)?);
    let state: String = row.get(4)?;
    let read = |text: &str| serde_json::from_str(text).map_err(|source| Error::Corrupt { id: id.clone(), source });
    let parsed =
        read(&arguments).and_then(|arguments: Value| Ok((arguments, outcome.as_deref().map(read).transpose()?)));
    let (run, tool) = (row.get(1)?, row.get(2)?);
    let (asked_at, expires_at) = (row.get(5)?, row.get(6)?);
    let (decided_by, decided_at) = (row.get(7)?, row.get(8)?);
    Ok(parsed.map(|(arguments, outcome)| Approval {
        id: id.clone(),
        run,
        tool,
        arguments,
        state: State::named(&state),
        asked_at,
        expires_at,
        decided_by,
        decided_at,
        outcome,
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_approval_is_decided_once_by_a_named_person() {
        let store = Store::in_memory().unwrap();
        let asked = store.ask("R1", "export_dossier", &json!({ "run": "R1" }), 24).unwrap();
        assert_eq!((asked.state, store.pending().unwrap().len()), (State::Pending, 1));
        assert!(matches!(store.decide(&asked.id, true, " "), Err(Error::Nameless)));
        let granted = store.decide(&asked.id, true, "Kim").unwrap();
        assert_eq!((granted.state, granted.decided_by.as_deref()), (State::Granted, Some("Kim")));
        let again = store.decide(&asked.id, false, "Lee").unwrap_err();
        assert!(again.to_string().contains("is granted and can no longer be decided"), "{again}");
        assert_eq!(store.unfinished().unwrap().len(), 1);
        let done = store.finish(&asked.id, true, &json!({ "path": "x" })).unwrap();
        assert_eq!((done.state, store.unfinished().unwrap().len()), (State::Done, 0));
    }

    #[test]
    fn what_waits_too_long_expires() {
        let store = Store::in_memory().unwrap();
        let asked = store.ask("R1", "export_dossier", &json!({}), 0).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(5));
        assert_eq!(store.approval(&asked.id).unwrap().state, State::Expired);
        assert!(matches!(store.decide(&asked.id, true, "Kim"), Err(Error::Decided { state: "expired", .. })));
    }

    #[test]
    fn what_waits_survives_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agents.sqlite");
        let id = Store::open(&path).unwrap().ask("R1", "export_dossier", &json!({}), 24).unwrap().id;
        let store = Store::open(&path).unwrap();
        assert_eq!(store.pending().unwrap()[0].id, id);
        store.decide(&id, true, "Kim").unwrap();
        assert_eq!(Store::open(&path).unwrap().unfinished().unwrap()[0].id, id);
    }
}
