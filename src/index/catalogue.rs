//! The catalogue of a generation: documents and passages with their vectors, each stored once, in SQLite. The two
//! indexes hold keys into it. Also the cache of vectors, which outlives generations.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use super::dense::Point;
use super::in_force::{self, Term, is_in_force};
use super::{DocumentSummary, Error, Passage, subject_of};
use crate::ingest::{Date, Document};
use crate::lang::Language;

const SCHEMA: &str = "
    CREATE TABLE documents (
        id TEXT PRIMARY KEY, corpus TEXT NOT NULL, path TEXT NOT NULL, hash TEXT NOT NULL, topic INTEGER,
        language TEXT NOT NULL, num_passages INTEGER NOT NULL, document TEXT NOT NULL);
    CREATE INDEX by_path ON documents (corpus, path);
    CREATE TABLE passages (
        key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, subject TEXT NOT NULL, passage TEXT NOT NULL,
        vector BLOB NOT NULL);
    CREATE INDEX by_subject ON passages (subject);
    CREATE TABLE questions (subject TEXT NOT NULL, corpus TEXT NOT NULL, language TEXT NOT NULL, vector BLOB NOT NULL);
";

/// A passage as it is stored.
pub(super) struct Stored {
    pub key: u64,
    pub passage: Passage,
    pub vector: Vec<f32>,
}

/// A question that a document answers (its title is one), embedded.
pub(super) struct Question {
    pub subject: String,
    pub corpus: String,
    pub language: Language,
    pub vector: Vec<f32>,
    /// From the centre of its language; filled in by who knows the centre.
    pub centred: Vec<f32>,
}

fn blob(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn vector(blob: &[u8]) -> Vec<f32> {
    blob.chunks_exact(4).map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])).collect()
}

/// A catalogue being written.
pub(super) struct Writer {
    connection: Connection,
    path: PathBuf,
    next_key: u64,
}

impl Writer {
    pub fn create(path: &Path) -> Result<Self, Error> {
        let failed = |error| Error::storage(path, &error);
        let connection = Connection::open(path).map_err(failed)?;
        connection.execute_batch("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; BEGIN;").map_err(failed)?;
        connection.execute_batch(SCHEMA).map_err(failed)?;
        Ok(Self { connection, path: path.into(), next_key: 1 })
    }

    /// Adds a document with its passages and their vectors.
    pub fn add(
        &mut self,
        path: &str,
        hash: &str,
        document: &Document,
        questions: &[Vec<f32>],
        passages: &[(Passage, Vec<f32>)],
    ) -> Result<(), Error> {
        let failed = |error| Error::storage(&self.path, &error);
        let json = serde_json::to_string(document).expect("a document has nothing JSON cannot hold");
        self.connection
            .prepare_cached("INSERT INTO documents VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")
            .and_then(|mut insert| {
                let language = document.language.code();
                let num = passages.len() as i64;
                insert.execute(params![document.id, document.corpus, path, hash, document.topic, language, num, json])
            })
            .map_err(failed)?;
        for question in questions {
            self.connection
                .prepare_cached("INSERT INTO questions VALUES (?1, ?2, ?3, ?4)")
                .and_then(|mut insert| {
                    let language = document.language.code();
                    insert.execute(params![subject_of(document), document.corpus, language, blob(question)])
                })
                .map_err(failed)?;
        }
        for (passage, vector) in passages {
            let json = serde_json::to_string(passage).expect("a passage has nothing JSON cannot hold");
            self.connection
                .prepare_cached("INSERT INTO passages VALUES (?1, ?2, ?3, ?4, ?5)")
                .and_then(|mut insert| {
                    insert.execute(params![self.next_key as i64, passage.id, passage.subject(), json, blob(vector)])
                })
                .map_err(failed)?;
            self.next_key += 1;
        }
        Ok(())
    }

    /// Makes everything durable.
    pub fn finish(self) -> Result<(), Error> {
        let finished = self.connection.execute_batch("COMMIT; PRAGMA journal_mode = DELETE;");
        finished.map_err(|error| Error::storage(&self.path, &error))?;
        let file = fs_err::File::open(&self.path).map_err(|error| Error::storage(&self.path, &error))?;
        file.sync_all().map_err(|error| Error::storage(&self.path, &error))
    }
}

/// A catalogue open for reading, by many threads.
pub(super) struct Catalogue {
    path: PathBuf,
    /// Connections not in use; as many as ever read at once.
    idle: Mutex<Vec<Connection>>,
}

impl Catalogue {
    pub fn open(path: &Path) -> Result<Self, Error> {
        let catalogue = Self { path: path.into(), idle: Mutex::default() };
        catalogue.read(|connection| connection.query_row("SELECT count(*) FROM documents", [], |_| Ok(())))?;
        Ok(catalogue)
    }

    fn read<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Error> {
        let idle = self.idle.lock().expect("no reader panics while it holds the list").pop();
        let failed = |error| Error::storage(&self.path, &error);
        let connection = match idle {
            Some(connection) => connection,
            None => Connection::open_with_flags(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(failed)?,
        };
        let result = read(&connection).map_err(failed);
        self.idle.lock().expect("no reader panics while it holds the list").push(connection);
        result
    }

    /// The subjects that the passages of `keys` belong to, each once, in the order of the keys.
    pub fn subjects(&self, keys: &[u64]) -> Result<Vec<String>, Error> {
        self.read(|connection| {
            let mut select = connection.prepare_cached("SELECT subject FROM passages WHERE key = ?1")?;
            let mut seen = HashSet::new();
            let mut subjects = Vec::new();
            for key in keys {
                let subject: Option<String> = select.query_row([*key as i64], |row| row.get(0)).optional()?;
                subjects.extend(subject.filter(|subject| seen.insert(subject.clone())));
            }
            Ok(subjects)
        })
    }

    /// All passages of a subject, in their order.
    pub fn of_subject(&self, subject: &str) -> Result<Vec<Stored>, Error> {
        self.read(|connection| {
            let sql = "SELECT key, passage, vector FROM passages WHERE subject = ?1 ORDER BY key";
            connection.prepare_cached(sql)?.query_map([subject], stored)?.collect()
        })
    }

    /// The keys of the passages of `documents`.
    pub fn keys_of(&self, documents: &HashSet<String>) -> Result<HashSet<u64>, Error> {
        self.read(|connection| {
            // Ids are `{document}#{ordinal}`, and `$` is the character after `#`: a range that the index of ids serves.
            let mut select = connection.prepare_cached("SELECT key FROM passages WHERE id >= ?1 AND id < ?2")?;
            let mut keys = HashSet::new();
            for document in documents {
                let range = [format!("{document}#"), format!("{document}$")];
                for key in select.query_map(range, |row| row.get::<_, i64>(0))? {
                    keys.insert(key? as u64);
                }
            }
            Ok(keys)
        })
    }

    pub fn passage(&self, id: &str) -> Result<Option<Passage>, Error> {
        self.read(|connection| {
            let mut select = connection.prepare_cached("SELECT passage FROM passages WHERE id = ?1")?;
            select.query_row([id], |row| parsed(row, 0)).optional()
        })
    }

    pub fn document(&self, id: &str) -> Result<Option<Document>, Error> {
        self.read(|connection| {
            let mut select = connection.prepare_cached("SELECT document FROM documents WHERE id = ?1")?;
            select.query_row([id], |row| parsed(row, 0)).optional()
        })
    }

    /// The documents a file gave, if its content had this hash.
    pub fn unchanged(&self, corpus: &str, path: &str, hash: &str) -> Result<Vec<Document>, Error> {
        self.read(|connection| {
            let sql = "SELECT document FROM documents WHERE corpus = ?1 AND path = ?2 AND hash = ?3";
            let mut select = connection.prepare_cached(sql)?;
            select.query_map([corpus, path, hash], |row| parsed(row, 0))?.collect()
        })
    }

    /// The day it is here, as far as documents in force go; see [`in_force::today`].
    pub fn today(&self) -> Result<Date, Error> {
        let local = self.read(|connection| {
            // SQLite knows the time zone, which the standard library does not: law changes at midnight here.
            let mut select = connection.prepare_cached("SELECT date('now', 'localtime')")?;
            select.query_row([], |row| row.get::<_, String>(0))
        })?;
        let clock = local.parse().map_err(|reason| Error::Storage { path: self.path.clone(), reason })?;
        Ok(in_force::today(clock))
    }

    /// The days of all documents.
    pub fn terms(&self) -> Result<Vec<Term>, Error> {
        self.read(|connection| {
            let mut select = connection.prepare("SELECT document FROM documents")?;
            let rows = select.query_map([], |row| {
                let document: Document = parsed(row, 0)?;
                Ok(Term {
                    subject: subject_of(&document),
                    document: document.id,
                    language: document.language,
                    from: document.effective_from,
                    to: document.effective_to,
                })
            })?;
            rows.collect()
        })
    }

    pub fn documents(&self) -> Result<Vec<DocumentSummary>, Error> {
        let today = self.today()?;
        self.read(|connection| {
            let mut select =
                connection.prepare_cached("SELECT document, num_passages FROM documents ORDER BY corpus, id")?;
            let rows = select.query_map([], |row| {
                let document: Document = parsed(row, 0)?;
                Ok(DocumentSummary {
                    id: document.id,
                    title: document.title,
                    corpus: document.corpus,
                    language: document.language,
                    topic: document.topic,
                    refs: document.refs,
                    authority: document.authority,
                    effective_from: document.effective_from,
                    effective_to: document.effective_to,
                    in_force: is_in_force(document.effective_from, document.effective_to, today),
                    source: document.source,
                    num_passages: row.get::<_, i64>(1)? as usize,
                })
            })?;
            rows.collect()
        })
    }

    /// Titles and asked questions of all documents, as vectors.
    pub fn questions(&self) -> Result<Vec<Question>, Error> {
        self.read(|connection| {
            let mut select =
                connection.prepare("SELECT subject, corpus, language, vector FROM questions ORDER BY rowid")?;
            let rows = select.query_map([], |row| {
                let is_korean = row.get_ref(2)?.as_str()? == Language::Ko.code();
                Ok(Question {
                    subject: row.get(0)?,
                    corpus: row.get(1)?,
                    language: if is_korean { Language::Ko } else { Language::En },
                    vector: vector(row.get_ref(3)?.as_blob()?),
                    centred: Vec::new(),
                })
            })?;
            rows.collect()
        })
    }

    /// The asked questions of each document that has any, by its id.
    pub fn asked(&self) -> Result<HashMap<String, String>, Error> {
        let documents: Vec<Document> = self.read(|connection| {
            connection.prepare("SELECT document FROM documents")?.query_map([], |row| parsed(row, 0))?.collect()
        })?;
        let asked = documents.into_iter().filter(|document| !document.asked.is_empty());
        Ok(asked.map(|document| (document.id, document.asked.join("\n"))).collect())
    }

    /// Visits all passages, one at a time, so that a large corpus need not fit in memory.
    pub fn each_passage(&self, mut visit: impl FnMut(Stored)) -> Result<(), Error> {
        self.read(|connection| {
            let mut select = connection.prepare("SELECT key, passage, vector FROM passages ORDER BY key")?;
            let mut rows = select.query([])?;
            while let Some(row) = rows.next()? {
                visit(stored(row)?);
            }
            Ok(())
        })
    }

    pub fn points(&self) -> Result<Vec<Point>, Error> {
        let mut points = Vec::new();
        self.each_passage(|Stored { key, passage, vector }| {
            points.push(Point { key, corpus: passage.corpus, vector })
        })?;
        Ok(points)
    }
}

fn stored(row: &rusqlite::Row<'_>) -> rusqlite::Result<Stored> {
    let key = row.get::<_, i64>(0)? as u64;
    Ok(Stored { key, passage: parsed(row, 1)?, vector: vector(row.get_ref(2)?.as_blob()?) })
}

fn parsed<T: serde::de::DeserializeOwned>(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<T> {
    serde_json::from_str(row.get_ref(column)?.as_str()?).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
    })
}

/// Vectors by the hash of what was embedded; each batch is durable at once, so that a killed build resumes.
pub(super) struct VectorCache {
    connection: Connection,
    path: PathBuf,
}

impl VectorCache {
    pub fn open(path: &Path) -> Result<Self, Error> {
        let failed = |error| Error::storage(path, &error);
        let connection = Connection::open(path).map_err(failed)?;
        let setup = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
            CREATE TABLE IF NOT EXISTS vectors (hash TEXT PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID;";
        connection.execute_batch(setup).map_err(failed)?;
        Ok(Self { connection, path: path.into() })
    }

    pub fn get(&self, hash: &str) -> Result<Option<Vec<f32>>, Error> {
        let found = self
            .connection
            .prepare_cached("SELECT vector FROM vectors WHERE hash = ?1")
            .and_then(|mut select| select.query_row([hash], |row| Ok(vector(row.get_ref(0)?.as_blob()?))).optional());
        found.map_err(|error| Error::storage(&self.path, &error))
    }

    pub fn put(&mut self, vectors: &[(String, Vec<f32>)]) -> Result<(), Error> {
        let path = self.path.clone();
        let failed = |error: rusqlite::Error| Error::storage(&path, &error);
        let transaction = self.connection.transaction().map_err(failed)?;
        for (hash, vector) in vectors {
            let sql = "INSERT OR REPLACE INTO vectors VALUES (?1, ?2)";
            transaction.execute(sql, params![hash, blob(vector)]).map_err(failed)?;
        }
        transaction.commit().map_err(failed)
    }
}
