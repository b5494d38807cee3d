//! What was approved, in all datasets, for those who answer from it.

use super::Store;
use super::database::values;
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
    /// [`Error::Database`].
    pub fn marks(&self) -> Result<Marks, Error> {
        let sql = "SELECT (SELECT CAST(COALESCE(SUM(num), 0) AS BIGINT) FROM facets WHERE state = 'approved'),
            (SELECT COALESCE(MAX(id), 0) FROM edits), (SELECT COALESCE(MAX(id), 0) FROM decisions)";
        self.database.run(|session| session.one(sql, values![], |row| Ok(Marks(row.get(0)?, row.get(1)?, row.get(2)?))))
    }

    /// Every approved question that documents answer.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn approved(&self) -> Result<Vec<ApprovedQuestion>, Error> {
        let join = self.database.dialect().then_join();
        let sql = format!(
            "SELECT rows.id, datasets.name, corpus, question FROM datasets
             {join} rows ON rows.dataset = datasets.id AND state = 'approved' AND type <> 'unanswerable'
             {join} contents ON contents.row = rows.id"
        );
        self.database.run(|session| {
            session.all(&sql, values![], |row| {
                let (row_id, dataset, corpus) = (row.get(0)?, row.get(1)?, row.get(2)?);
                Ok(ApprovedQuestion { row: row_id, dataset, corpus, question: row.get(3)? })
            })
        })
    }
}
