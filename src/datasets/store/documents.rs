//! Documents as they were when rows were made of them: exports cut passages from them, and a refresh compares them with
//! what the corpus says now.

use std::collections::HashMap;

use super::Store;
use super::database::values;
use crate::datasets::{Error, text_version};
use crate::ingest::Document;

impl Store {
    /// Keeps documents; those that are known already stay.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn keep_documents<'a>(&self, documents: impl IntoIterator<Item = &'a Document>) -> Result<(), Error> {
        let mut kept: Vec<(&str, String, String)> = Vec::new();
        for document in documents {
            let body = serde_json::to_string(document).map_err(|source| Error::Corrupt { row: 0, source })?;
            kept.push((&document.id, text_version(&document.text), body));
        }
        // Two that keep the same ones do not wait for each other crosswise.
        kept.sort();
        self.database.transaction(|session| {
            for (id, version, body) in &kept {
                session.execute(
                    "INSERT INTO documents (id, version, body) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                    values![*id, version, body],
                )?;
            }
            Ok(())
        })
    }

    /// The documents that a dataset's rows rest on, by id and version.
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::Corrupt`].
    pub fn documents_of(&self, dataset: i64) -> Result<HashMap<(String, String), Document>, Error> {
        let sql = "SELECT id, version, body FROM documents WHERE id IN
            (SELECT DISTINCT document FROM grounds JOIN rows ON rows.id = grounds.row WHERE dataset = ?1)";
        let mut found = HashMap::new();
        self.database.run(|session| {
            session.each(sql, values![dataset], |row| {
                found.insert((row.get(0)?, row.get(1)?), read(row.text(2)?)?);
                Ok(())
            })
        })?;
        Ok(found)
    }

    /// One document, as it was in that version.
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::Corrupt`].
    pub fn document(&self, id: &str, version: &str) -> Result<Option<Document>, Error> {
        let sql = "SELECT body FROM documents WHERE id = ?1 AND version = ?2";
        self.database.run(|session| session.first(sql, values![id, version], |row| read(row.text(0)?)))
    }
}

fn read(body: &str) -> Result<Document, Error> {
    serde_json::from_str(body).map_err(|source| Error::Corrupt { row: 0, source })
}
