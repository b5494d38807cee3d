//! Answers kept for those who go on from them: the state behind `/v1/responses`.
//!
//! In: a response as it was given, and the messages it adds to its conversation. Out: the response by its id, and the
//! messages of the whole chain that it ends. An owner is an opaque name and sees only its own. What a response looks like on
//! the wire is the edge's business; here it is one JSON value. Calls block for a disk write: keep them off the async threads.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use crate::engine::Message;
use crate::sqlite::{self, NOW, Shared};

/// Why a response could not be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("responses `{path}` could not be opened: {source}")]
    Open { path: PathBuf, source: rusqlite::Error },
    #[error("responses `{path}` have format {version}, this program knows {known}\n\nhint: a newer haetae wrote them")]
    TooNew { path: PathBuf, version: i64, known: i64 },
    #[error("responses: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("response `{id}` holds JSON that cannot be read: {source}")]
    Corrupt { id: String, source: serde_json::Error },
}

/// Format of the table, in SQLite's `user_version`.
const FORMAT: i64 = 1;

const SCHEMA: &str = "
    CREATE TABLE responses (
        id TEXT PRIMARY KEY,
        owner TEXT NOT NULL,
        created_at TEXT NOT NULL,
        previous TEXT,
        messages TEXT NOT NULL,
        items TEXT NOT NULL,
        body TEXT NOT NULL
    ) STRICT;
    CREATE INDEX responses_by_age ON responses (created_at);
";

/// Days after which a response is forgotten; OpenAI keeps them as long.
const MAX_AGE_DAYS: u32 = 30;

/// The file in the home folder.
pub const FILE: &str = "responses.sqlite";

/// A response to be kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    pub id: String,
    /// The response that it goes on from.
    pub previous: Option<String>,
    /// What it adds to the conversation: the new questions and the answer.
    pub messages: Vec<Message>,
    /// The items that it was asked with.
    pub items: Value,
    /// The response itself.
    pub body: Value,
}

/// The kept responses. Cheap to clone.
#[derive(Clone)]
pub struct Responses {
    connection: Shared,
}

impl Responses {
    /// Opens the file, creating it where it is missing.
    ///
    /// # Errors
    /// [`Error::Open`] if it is no SQLite file or cannot be written; [`Error::TooNew`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        let connection =
            sqlite::open(path, sqlite::BUSY).map_err(|source| Error::Open { path: path.into(), source })?;
        Self::prepare(connection, path)
    }

    /// Responses that end with the process.
    ///
    /// # Errors
    /// None in practice; SQLite's where it cannot allocate.
    pub fn in_memory() -> Result<Self, Error> {
        Self::prepare(Connection::open_in_memory()?, Path::new(":memory:"))
    }

    fn prepare(mut connection: Connection, path: &Path) -> Result<Self, Error> {
        match sqlite::format_or_create(&mut connection, SCHEMA, FORMAT)? {
            FORMAT => Ok(Self { connection: Shared::new(connection) }),
            version => Err(Error::TooNew { path: path.into(), version, known: FORMAT }),
        }
    }

    /// Keeps a response, and forgets those that are too old.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn keep(&self, owner: &str, kept: &Kept) -> Result<(), Error> {
        let mut connection = self.connection.lock();
        let transaction = connection.transaction()?;
        let age = format!("-{MAX_AGE_DAYS} days");
        transaction
            .execute("DELETE FROM responses WHERE created_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', ?1)", [age])?;
        let corrupt = |source| Error::Corrupt { id: kept.id.clone(), source };
        let messages = serde_json::to_string(&kept.messages).map_err(corrupt)?;
        let sql = format!(
            "INSERT INTO responses (id, owner, created_at, previous, messages, items, body)
             VALUES (?1, ?2, {NOW}, ?3, ?4, ?5, ?6)"
        );
        let (items, body) = (kept.items.to_string(), kept.body.to_string());
        transaction.execute(&sql, params![kept.id, owner, kept.previous, messages, items, body])?;
        Ok(transaction.commit()?)
    }

    /// The owner's response of that id.
    ///
    /// # Errors
    /// [`Error::Sqlite`], [`Error::Corrupt`].
    pub fn get(&self, owner: &str, id: &str) -> Result<Option<Kept>, Error> {
        let connection = self.connection.lock();
        let mut statement = connection
            .prepare_cached("SELECT previous, messages, items, body FROM responses WHERE id = ?1 AND owner = ?2")?;
        let row = statement.query_row([id, owner], |row| {
            Ok((row.get::<_, Option<String>>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?, row.get(3)?))
        });
        let Some((previous, messages, items, body)): Option<(_, _, _, String)> = row.optional()? else {
            return Ok(None);
        };
        let corrupt = |source| Error::Corrupt { id: id.to_owned(), source };
        Ok(Some(Kept {
            id: id.to_owned(),
            previous,
            messages: serde_json::from_str(&messages).map_err(corrupt)?,
            items: serde_json::from_str(&items).map_err(corrupt)?,
            body: serde_json::from_str(&body).map_err(corrupt)?,
        }))
    }

    /// The messages of the chain that ends with that response, the earliest first; `None` where a part of it is gone.
    ///
    /// # Errors
    /// [`Error::Sqlite`], [`Error::Corrupt`].
    pub fn conversation(&self, owner: &str, id: &str) -> Result<Option<Vec<Message>>, Error> {
        let mut parts = Vec::new();
        let mut next = Some(id.to_owned());
        while let Some(id) = next {
            let Some(kept) = self.get(owner, &id)? else { return Ok(None) };
            parts.push(kept.messages);
            next = kept.previous;
        }
        Ok(Some(parts.into_iter().rev().flatten().collect()))
    }

    /// Forgets a response; `false` where the owner has none of that id.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn delete(&self, owner: &str, id: &str) -> Result<bool, Error> {
        Ok(self.connection.lock().execute("DELETE FROM responses WHERE id = ?1 AND owner = ?2", [id, owner])? > 0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn kept(id: &str, previous: Option<&str>, said: &str) -> Kept {
        Kept {
            id: id.into(),
            previous: previous.map(Into::into),
            messages: vec![Message::user(said), Message::assistant(format!("{said}!"))],
            items: json!([said]),
            body: json!({ "id": id }),
        }
    }

    #[test]
    fn a_chain_is_read_from_its_beginning_and_by_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let first = kept("a", None, "one");
        Responses::open(&path).unwrap().keep("me", &first).unwrap();
        let responses = Responses::open(&path).unwrap();
        responses.keep("me", &kept("b", Some("a"), "two")).unwrap();
        let said: Vec<String> =
            responses.conversation("me", "b").unwrap().unwrap().into_iter().map(|message| message.content).collect();
        assert_eq!(said, ["one", "one!", "two", "two!"]);
        assert_eq!(responses.get("me", "a").unwrap(), Some(first));
        assert_eq!(responses.get("you", "a").unwrap(), None);
        assert!(!responses.delete("you", "a").unwrap());
        assert!(responses.delete("me", "a").unwrap());
        assert_eq!(responses.conversation("me", "b").unwrap(), None, "its beginning is gone");
    }

    #[test]
    fn what_is_too_old_is_forgotten_when_something_new_is_kept() {
        let responses = Responses::in_memory().unwrap();
        responses.keep("me", &kept("old", None, "one")).unwrap();
        let age = "UPDATE responses SET created_at = '2020-01-01T00:00:00.000Z'";
        responses.connection.lock().execute(age, []).unwrap();
        responses.keep("me", &kept("new", None, "two")).unwrap();
        assert_eq!(responses.get("me", "old").unwrap(), None);
        assert!(responses.get("me", "new").unwrap().is_some());
    }
}
