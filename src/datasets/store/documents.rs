//! Documents as they were when rows were made of them: exports cut passages from them, and a refresh compares them with
//! what the corpus says now.

use std::collections::HashMap;

use rusqlite::params;

use super::Store;
use crate::datasets::{Error, text_version};
use crate::ingest::Document;

impl Store {
    /// Keeps documents; those that are known already stay.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn keep_documents<'a>(&self, documents: impl IntoIterator<Item = &'a Document>) -> Result<(), Error> {
        let mut connection = self.connection.lock();
        let transaction = connection.transaction()?;
        for document in documents {
            let body = serde_json::to_string(document).map_err(|source| Error::Corrupt { row: 0, source })?;
            transaction
                .prepare_cached("INSERT OR IGNORE INTO documents (id, version, body) VALUES (?1, ?2, ?3)")?
                .execute(params![document.id, text_version(&document.text), body])?;
        }
        Ok(transaction.commit()?)
    }

    /// The documents that a dataset's rows rest on, by id and version.
    ///
    /// # Errors
    /// [`Error::Sqlite`], [`Error::Corrupt`].
    pub fn documents_of(&self, dataset: i64) -> Result<HashMap<(String, String), Document>, Error> {
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached(
            "SELECT id, version, body FROM documents WHERE id IN
             (SELECT DISTINCT document FROM grounds JOIN rows ON rows.id = grounds.row WHERE dataset = ?1)",
        )?;
        let mut found = HashMap::new();
        let mut rows = statement.query(params![dataset])?;
        while let Some(row) = rows.next()? {
            let body: String = row.get(2)?;
            let document = serde_json::from_str(&body).map_err(|source| Error::Corrupt { row: 0, source })?;
            found.insert((row.get(0)?, row.get(1)?), document);
        }
        Ok(found)
    }

    /// One document, as it was in that version.
    ///
    /// # Errors
    /// [`Error::Sqlite`], [`Error::Corrupt`].
    pub fn document(&self, id: &str, version: &str) -> Result<Option<Document>, Error> {
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached("SELECT body FROM documents WHERE id = ?1 AND version = ?2")?;
        let mut rows = statement.query(params![id, version])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let body: String = row.get(0)?;
        Ok(Some(serde_json::from_str(&body).map_err(|source| Error::Corrupt { row: 0, source })?))
    }
}
