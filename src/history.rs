//! Conversations kept in SQLite, so that the page finds them again.
//!
//! In: who asks, what was asked, what was answered. Out: the same, by conversation. An owner is an opaque name (the
//! edge derives it from the API key) and sees only its own. What an answer rests on is stored as the JSON that the page
//! reads; this module does not look into it. Calls block for a disk write: keep them off the async threads.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::Serialize;
use serde_json::Value;

use crate::engine::{Message, Role};
use crate::sqlite::{self, NOW, Shared};

/// Why a conversation could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("history `{path}` could not be opened: {source}")]
    Open { path: PathBuf, source: rusqlite::Error },
    #[error("history `{path}` has format {version}, this program knows up to {known}\n\nhint: a newer haetae wrote it")]
    TooNew { path: PathBuf, version: i64, known: i64 },
    #[error("history: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("message {id} holds JSON that cannot be read: {source}")]
    Corrupt { id: i64, source: serde_json::Error },
}

/// Format of the tables, in SQLite's `user_version`.
const FORMAT: i64 = 1;

/// Ids of messages are never used twice (`AUTOINCREMENT`): a turn that ends late recognises its place by them.
const SCHEMA: &str = "
    CREATE TABLE conversations (
        id TEXT PRIMARY KEY,
        owner TEXT NOT NULL,
        title TEXT NOT NULL,
        model TEXT NOT NULL,
        updated_at TEXT NOT NULL
    ) STRICT;
    CREATE INDEX conversations_by_owner ON conversations (owner, updated_at);
    CREATE TABLE messages (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        conversation TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
        role TEXT NOT NULL,
        content TEXT NOT NULL,
        haetae TEXT
    ) STRICT;
    CREATE INDEX messages_by_conversation ON messages (conversation, id);
";

/// Title length in characters: what a sidebar shows in one line.
const MAX_TITLE_CHARS: usize = 60;

/// Most conversations listed, newest first.
const MAX_LISTED: usize = 500;

/// A conversation without its messages.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Conversation {
    pub id: String,
    /// Empty until the first question.
    pub title: String,
    pub model: String,
    pub updated_at: String,
}

/// A message as it was shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StoredMessage {
    pub role: String,
    pub content: String,
    /// What an answer rests on; absent on questions and bare answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub haetae: Option<Value>,
}

/// A question with the answer it was given.
#[derive(Clone, Debug, PartialEq)]
pub struct LoggedTurn {
    pub model: String,
    pub question: String,
    pub answer: String,
    /// What the answer rests on, as the page reads it.
    pub haetae: Option<Value>,
}

/// Where an answer belongs: after the question that began the turn.
#[derive(Clone, Debug)]
pub struct TurnPlace {
    conversation: String,
    question: i64,
}

/// The stored conversations. Cheap to clone.
#[derive(Clone)]
pub struct History {
    connection: Shared,
}

impl History {
    /// Opens the file, creating it where it is missing.
    ///
    /// # Errors
    /// [`Error::Open`] if it is no SQLite file or cannot be written; [`Error::TooNew`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        let connection =
            sqlite::open(path, sqlite::BUSY).map_err(|source| Error::Open { path: path.into(), source })?;
        Self::prepare(connection, path)
    }

    /// Conversations that end with the process.
    ///
    /// # Errors
    /// None in practice; SQLite's where it cannot allocate.
    pub fn in_memory() -> Result<Self, Error> {
        Self::prepare(Connection::open_in_memory()?, Path::new(":memory:"))
    }

    fn prepare(mut connection: Connection, path: &Path) -> Result<Self, Error> {
        connection.pragma_update(None, "foreign_keys", true)?;
        match sqlite::format_or_create(&mut connection, SCHEMA, FORMAT)? {
            FORMAT => Ok(Self { connection: Shared::new(connection) }),
            version => Err(Error::TooNew { path: path.into(), version, known: FORMAT }),
        }
    }

    /// Starts an empty conversation.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn create(&self, owner: &str, model: &str) -> Result<Conversation, Error> {
        let id = uuid::Uuid::new_v4().to_string();
        let sql = format!(
            "INSERT INTO conversations (id, owner, title, model, updated_at) VALUES (?1, ?2, '', ?3, {NOW})
             RETURNING id, title, model, updated_at"
        );
        Ok(self.connection.lock().query_row(&sql, params![id, owner, model], read_conversation)?)
    }

    /// The owner's conversations, the latest first, at most 500.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn list(&self, owner: &str) -> Result<Vec<Conversation>, Error> {
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached(
            "SELECT id, title, model, updated_at FROM conversations WHERE owner = ?1
             ORDER BY updated_at DESC, rowid DESC LIMIT ?2",
        )?;
        let rows = statement.query_map(params![owner, MAX_LISTED as i64], read_conversation)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A conversation with its messages; `None` where the owner has none of that id.
    ///
    /// # Errors
    /// [`Error::Sqlite`], [`Error::Corrupt`].
    pub fn read(&self, owner: &str, id: &str) -> Result<Option<(Conversation, Vec<StoredMessage>)>, Error> {
        let connection = self.connection.lock();
        let sql = "SELECT id, title, model, updated_at FROM conversations WHERE owner = ?1 AND id = ?2";
        let Some(conversation) = connection.query_row(sql, params![owner, id], read_conversation).optional()? else {
            return Ok(None);
        };
        let mut statement = connection
            .prepare_cached("SELECT id, role, content, haetae FROM messages WHERE conversation = ?1 ORDER BY id")?;
        let mut rows = statement.query(params![id])?;
        let mut messages = Vec::new();
        while let Some(row) = rows.next()? {
            let haetae: Option<String> = row.get(3)?;
            let haetae = match haetae {
                Some(text) => {
                    let id = row.get(0)?;
                    Some(serde_json::from_str(&text).map_err(|source| Error::Corrupt { id, source })?)
                }
                None => None,
            };
            messages.push(StoredMessage { role: row.get(1)?, content: row.get(2)?, haetae });
        }
        Ok(Some((conversation, messages)))
    }

    /// Every question that was answered, with its answer, whoever asked, oldest first.
    ///
    /// # Errors
    /// [`Error::Sqlite`], [`Error::Corrupt`].
    pub fn turns(&self) -> Result<Vec<LoggedTurn>, Error> {
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached(
            "SELECT model, question.content, answer.content, answer.haetae, answer.id FROM messages answer
             JOIN conversations ON conversations.id = answer.conversation
             JOIN messages question ON question.id = (
                SELECT MAX(id) FROM messages WHERE conversation = answer.conversation AND id < answer.id
             )
             WHERE answer.role = 'assistant' AND question.role = 'user' ORDER BY answer.id",
        )?;
        let mut rows = statement.query([])?;
        let mut turns = Vec::new();
        while let Some(row) = rows.next()? {
            let haetae: Option<String> = row.get(3)?;
            let id = row.get(4)?;
            let haetae = haetae.map(|text| serde_json::from_str(&text)).transpose();
            turns.push(LoggedTurn {
                model: row.get(0)?,
                question: row.get(1)?,
                answer: row.get(2)?,
                haetae: haetae.map_err(|source| Error::Corrupt { id, source })?,
            });
        }
        Ok(turns)
    }

    /// Gives a conversation another title; false where the owner has none of that id.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn rename(&self, owner: &str, id: &str, title: &str) -> Result<bool, Error> {
        let sql = "UPDATE conversations SET title = ?3 WHERE owner = ?1 AND id = ?2";
        Ok(self.connection.lock().execute(sql, params![owner, id, title])? == 1)
    }

    /// Removes a conversation with its messages; false where the owner has none of that id.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn delete(&self, owner: &str, id: &str) -> Result<bool, Error> {
        let sql = "DELETE FROM conversations WHERE owner = ?1 AND id = ?2";
        Ok(self.connection.lock().execute(sql, params![owner, id])? == 1)
    }

    /// Stores the question that `messages` ends with; `None` where the owner has no such conversation, or where there
    /// is no question.
    ///
    /// A question asked again (the earlier questions are the stored ones, and so is this) replaces the first asking
    /// and all that followed it, as the page does when it retries.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn begin_turn(
        &self,
        owner: &str,
        id: &str,
        model: &str,
        messages: &[Message],
    ) -> Result<Option<TurnPlace>, Error> {
        let asked: Vec<&str> = messages.iter().filter(|m| m.role == Role::User).map(|m| m.content.as_str()).collect();
        let Some(question) = asked.last() else { return Ok(None) };
        let mut connection = self.connection.lock();
        let transaction = connection.transaction()?;
        let sql = format!(
            "UPDATE conversations SET updated_at = {NOW}, model = ?3,
                 title = CASE title WHEN '' THEN ?4 ELSE title END
             WHERE owner = ?1 AND id = ?2"
        );
        if transaction.execute(&sql, params![owner, id, model, title(asked[0])])? == 0 {
            return Ok(None);
        }
        if let Some(first) = first_asking(&transaction, id, &asked)? {
            transaction.execute("DELETE FROM messages WHERE conversation = ?1 AND id >= ?2", params![id, first])?;
        }
        let place = TurnPlace { conversation: id.into(), question: insert(&transaction, id, "user", question, None)? };
        transaction.commit()?;
        Ok(Some(place))
    }

    /// Stores an answer, finished or stopped; drops it where its question was retried or deleted meanwhile.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn end_turn(&self, place: &TurnPlace, content: &str, haetae: Option<&Value>) -> Result<(), Error> {
        let mut connection = self.connection.lock();
        let transaction = connection.transaction()?;
        let sql = "SELECT max(id) FROM messages WHERE conversation = ?1";
        let last: Option<i64> = transaction.query_row(sql, params![place.conversation], |row| row.get(0))?;
        if last == Some(place.question) {
            insert(&transaction, &place.conversation, "assistant", content, haetae)?;
        }
        Ok(transaction.commit()?)
    }
}

/// The message that the last of `asked` repeats, if it does.
fn first_asking(transaction: &Transaction<'_>, id: &str, asked: &[&str]) -> Result<Option<i64>, rusqlite::Error> {
    let mut statement = transaction
        .prepare_cached("SELECT id, content FROM messages WHERE conversation = ?1 AND role = 'user' ORDER BY id")?;
    let mut rows = statement.query(params![id])?;
    let mut repeated = None;
    for question in asked {
        match rows.next()? {
            Some(row) if row.get_ref(1)?.as_str()? == *question => repeated = Some(row.get(0)?),
            _ => return Ok(None),
        }
    }
    Ok(repeated)
}

fn insert(
    transaction: &Transaction<'_>,
    conversation: &str,
    role: &str,
    content: &str,
    haetae: Option<&Value>,
) -> Result<i64, rusqlite::Error> {
    let sql = "INSERT INTO messages (conversation, role, content, haetae) VALUES (?1, ?2, ?3, ?4)";
    transaction.execute(sql, params![conversation, role, content, haetae.map(Value::to_string)])?;
    Ok(transaction.last_insert_rowid())
}

fn read_conversation(row: &rusqlite::Row<'_>) -> Result<Conversation, rusqlite::Error> {
    Ok(Conversation { id: row.get(0)?, title: row.get(1)?, model: row.get(2)?, updated_at: row.get(3)? })
}

/// A question as a title: one line, shortened after a word.
fn title(question: &str) -> String {
    let words: Vec<&str> = question.split_whitespace().collect();
    let line = words.join(" ");
    if line.chars().count() <= MAX_TITLE_CHARS {
        return line;
    }
    let mut title = String::new();
    for word in words {
        if title.chars().count() + word.chars().count() + 2 > MAX_TITLE_CHARS {
            break;
        }
        if !title.is_empty() {
            title.push(' ');
        }
        title.push_str(word);
    }
    if title.is_empty() {
        title = line.chars().take(MAX_TITLE_CHARS - 1).collect();
    }
    title + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(history: &History, id: &str, questions: &[&str]) -> TurnPlace {
        let messages: Vec<Message> = questions.iter().map(|question| Message::user(*question)).collect();
        history.begin_turn("me", id, "general", &messages).unwrap().unwrap()
    }

    fn contents(history: &History, id: &str) -> Vec<String> {
        history.read("me", id).unwrap().unwrap().1.into_iter().map(|message| message.content).collect()
    }

    #[test]
    fn a_long_question_becomes_a_title_that_ends_with_a_whole_word() {
        let asked =
            "Is a commission paid to a buying agent who is also related to the seller part of the customs value?";
        assert_eq!(title(asked), "Is a commission paid to a buying agent who is also related…");
        assert_eq!(title("  구매수수료는\n과세가격에 포함되나요? "), "구매수수료는 과세가격에 포함되나요?");
        assert_eq!(title(&"가".repeat(80)), "가".repeat(59) + "…");
    }

    #[test]
    fn a_question_asked_again_replaces_its_first_asking_and_what_followed() {
        let history = History::in_memory().unwrap();
        let id = history.create("me", "general").unwrap().id;
        let place = ask(&history, &id, &["one"]);
        history.end_turn(&place, "first", None).unwrap();
        let place = ask(&history, &id, &["one", "two"]);
        history.end_turn(&place, "second", None).unwrap();
        ask(&history, &id, &["one", "two"]);
        assert_eq!(contents(&history, &id), ["one", "first", "two"]);
    }

    #[test]
    fn a_client_that_sends_only_its_newest_question_loses_nothing() {
        let history = History::in_memory().unwrap();
        let id = history.create("me", "general").unwrap().id;
        ask(&history, &id, &["one"]);
        ask(&history, &id, &["two"]);
        assert_eq!(contents(&history, &id), ["one", "two"]);
    }

    #[test]
    fn an_answer_to_a_question_that_was_retried_is_dropped() {
        let history = History::in_memory().unwrap();
        let id = history.create("me", "general").unwrap().id;
        let stopped = ask(&history, &id, &["one"]);
        let retried = ask(&history, &id, &["one"]);
        history.end_turn(&stopped, "late", None).unwrap();
        history.end_turn(&retried, "new", None).unwrap();
        assert_eq!(contents(&history, &id), ["one", "new"]);
    }

    #[test]
    fn an_answer_to_a_deleted_conversation_is_dropped() {
        let history = History::in_memory().unwrap();
        let id = history.create("me", "general").unwrap().id;
        let place = ask(&history, &id, &["one"]);
        assert!(history.delete("me", &id).unwrap());
        history.end_turn(&place, "late", None).unwrap();
        assert!(history.read("me", &id).unwrap().is_none());
    }

    #[test]
    fn an_owner_neither_sees_nor_changes_what_another_asked() {
        let history = History::in_memory().unwrap();
        let id = history.create("me", "general").unwrap().id;
        assert!(history.list("you").unwrap().is_empty());
        assert!(history.read("you", &id).unwrap().is_none());
        assert!(!history.rename("you", &id, "x").unwrap());
        assert!(!history.delete("you", &id).unwrap());
        assert!(history.begin_turn("you", &id, "general", &[Message::user("x")]).unwrap().is_none());
    }

    #[test]
    fn conversations_survive_a_restart_and_a_newer_format_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.sqlite");
        let id = History::open(&path).unwrap().create("me", "general").unwrap().id;
        assert_eq!(History::open(&path).unwrap().list("me").unwrap()[0].id, id);
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 9).unwrap();
        let error = History::open(&path).err().unwrap().to_string();
        assert!(error.contains("format 9, this program knows up to 1"), "{error}");
    }
}
