//! What was approved, in all datasets, for those who answer from it.

use super::Store;
use crate::datasets::Error;

/// A question whose answer two persons found right.
#[derive(Clone, Debug, PartialEq)]
pub struct ApprovedQuestion {
    pub row: i64,
    pub dataset: String,
    pub corpus: String,
    pub question: String,
}

/// What changes when what is approved does: how many rows are, the last edit and the last decision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks(i64, i64, i64);

impl Store {
    /// See [`Marks`].
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn marks(&self) -> Result<Marks, Error> {
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached(
            "SELECT (SELECT COALESCE(SUM(num), 0) FROM facets WHERE state = 'approved'),
                (SELECT COALESCE(MAX(id), 0) FROM edits), (SELECT COALESCE(MAX(id), 0) FROM decisions)",
        )?;
        Ok(statement.query_row([], |row| Ok(Marks(row.get(0)?, row.get(1)?, row.get(2)?)))?)
    }

    /// Every approved question that documents answer.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn approved(&self) -> Result<Vec<ApprovedQuestion>, Error> {
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached(
            "SELECT rows.id, datasets.name, corpus, question FROM datasets
             CROSS JOIN rows ON rows.dataset = datasets.id AND state = 'approved' AND type <> 'unanswerable'
             CROSS JOIN contents ON contents.row = rows.id",
        )?;
        let questions = statement.query_map([], |row| {
            let (row_id, dataset, corpus) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(ApprovedQuestion { row: row_id, dataset, corpus, question: row.get(3)? })
        })?;
        Ok(questions.collect::<Result<_, _>>()?)
    }
}
