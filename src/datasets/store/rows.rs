//! Rows written, read and changed.

use rusqlite::{OptionalExtension, Transaction, params};
use serde::Serialize;
use serde_json::Value;

use super::{Dataset, Filter, Store, text};
use crate::datasets::{Difficulty, Error, Generator, Persona, QuestionType, Row, Split, State, StoredRow};
use crate::lang::Language;
use crate::sqlite::NOW;

/// A row about to be kept.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRow {
    pub row: Row,
    pub state: State,
    pub reason: Option<String>,
    pub split: Option<Split>,
    pub labels: Vec<String>,
}

/// A field of a row that someone changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    pub editor: String,
    pub made_at: String,
    pub field: String,
    pub before: String,
    pub after: String,
}

/// What one person said of a row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decision {
    pub reviewer: String,
    pub approves: bool,
    pub reason: Option<String>,
}

/// A decision as it is told: when it was made, too.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judgement {
    #[serde(flatten)]
    pub decision: Decision,
    pub made_at: String,
}

/// The columns [`read_row`] reads.
pub(super) const COLUMNS: &str = "rows.id, hash, version, state, language, type, persona, difficulty, split, topic,
    question, answer, evidence, lineage, labels, reason,
    (SELECT json_group_array(reviewer) FROM
        (SELECT reviewer FROM decisions WHERE row = rows.id AND approves = 1 ORDER BY decisions.id))";

/// Rows streamed in one go; between two, others may write.
const BATCH: usize = 500;

/// Puts a row into the tables; `None` where the dataset has it already.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    dataset: i64,
    version: i64,
    new: &NewRow,
) -> Result<Option<i64>, Error> {
    let (row, json) = (&new.row, |source| Error::Corrupt { row: 0, source });
    let inserted = transaction
        .prepare_cached(
            "INSERT INTO rows
             (dataset, hash, version, state, language, type, persona, difficulty, split, topic, generator)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT (dataset, hash) DO NOTHING RETURNING id",
        )?
        .query_row(
            params![
                dataset,
                row.hash(),
                version,
                new.state.name(),
                row.language.code(),
                row.kind.name(),
                row.persona.name(),
                row.difficulty.name(),
                new.split.map_or("", Split::name),
                row.topic,
                row.lineage.generator.name(),
            ],
            |row| row.get::<_, i64>(0),
        )
        .optional()?;
    let Some(id) = inserted else { return Ok(None) };
    transaction
        .prepare_cached(
            "INSERT INTO contents (row, question, answer, evidence, lineage, labels, reason)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            id,
            row.question,
            row.answer,
            serde_json::to_string(&row.evidence).map_err(json)?,
            serde_json::to_string(&row.lineage).map_err(json)?,
            serde_json::to_string(&new.labels).map_err(json)?,
            new.reason,
        ])?;
    for evidence in &row.evidence {
        transaction
            .prepare_cached("INSERT OR IGNORE INTO grounds (document, row) VALUES (?1, ?2)")?
            .execute(params![evidence.document, id])?;
    }
    transaction
        .prepare_cached("INSERT INTO terms (rowid, body) VALUES (?1, ?2)")?
        .execute(params![id, searched(&row.question, &row.answer)])?;
    Ok(Some(id))
}

fn searched(question: &str, answer: &str) -> String {
    text::terms(&format!("{question}\n{answer}"))
}

/// A name from the database; one that is unknown was written by a newer program.
fn known<T>(named: Option<T>, column: usize) -> rusqlite::Result<T> {
    named.ok_or_else(|| {
        let reason = "a name that this program does not know".into();
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, reason)
    })
}

pub(super) fn read_language(code: &str) -> Option<Language> {
    [Language::Ko, Language::En].into_iter().find(|language| language.code() == code)
}

pub(super) fn read_row(row: &rusqlite::Row<'_>) -> Result<StoredRow, Error> {
    let id = row.get(0)?;
    let name = |column: usize| row.get::<_, String>(column);
    let json = |column: usize| -> Result<Value, Error> {
        serde_json::from_str(&row.get::<_, String>(column)?).map_err(|source| Error::Corrupt { row: id, source })
    };
    let corrupt = |source| Error::Corrupt { row: id, source };
    Ok(StoredRow {
        id,
        hash: row.get(1)?,
        version: row.get(2)?,
        state: known(State::named(&name(3)?), 3)?,
        reason: row.get(15)?,
        split: Split::named(&name(8)?),
        labels: serde_json::from_value(json(14)?).map_err(corrupt)?,
        reviewers: serde_json::from_value(json(16)?).map_err(corrupt)?,
        row: Row {
            language: known(read_language(&name(4)?), 4)?,
            kind: known(QuestionType::named(&name(5)?), 5)?,
            persona: known(Persona::named(&name(6)?), 6)?,
            difficulty: known(Difficulty::named(&name(7)?), 7)?,
            topic: row.get(9)?,
            question: row.get(10)?,
            answer: row.get(11)?,
            evidence: serde_json::from_value(json(12)?).map_err(corrupt)?,
            lineage: serde_json::from_value(json(13)?).map_err(corrupt)?,
        },
    })
}

impl Store {
    /// Adds rows to a dataset under a version; how many were new.
    ///
    /// # Errors
    /// [`Error::Sqlite`]; then none of the last batch is in.
    pub fn add(&self, dataset: &Dataset, version: i64, rows: &[NewRow]) -> Result<usize, Error> {
        let mut num_new = 0;
        for batch in rows.chunks(BATCH) {
            let mut connection = self.connection.lock();
            let transaction = connection.transaction()?;
            for row in batch {
                num_new += usize::from(insert(&transaction, dataset.id, version, row)?.is_some());
            }
            transaction.commit()?;
        }
        Ok(num_new)
    }

    /// One row.
    ///
    /// # Errors
    /// [`Error::UnknownRow`], [`Error::Sqlite`], [`Error::Corrupt`].
    pub fn row(&self, dataset: &Dataset, id: i64) -> Result<StoredRow, Error> {
        let connection = self.connection.lock();
        let sql = format!(
            "SELECT {COLUMNS} FROM rows JOIN contents ON contents.row = rows.id WHERE rows.id = ?1 AND dataset = ?2"
        );
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params![id, dataset.id])?;
        match rows.next()? {
            Some(row) => read_row(row),
            None => Err(Error::UnknownRow { name: dataset.name.clone(), row: id }),
        }
    }

    /// Shows every row that the filter lets through to `visit`, by id, in bounded memory. Others may write meanwhile.
    ///
    /// # Errors
    /// [`Error::Sqlite`], [`Error::Corrupt`], and the visitor's.
    pub fn for_each<E: From<Error>>(
        &self,
        dataset: &Dataset,
        filter: &Filter,
        mut visit: impl FnMut(StoredRow) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut after = 0;
        loop {
            let rows = self.rows_after(dataset.id, filter, after, BATCH)?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.id;
            for row in rows {
                visit(row)?;
            }
        }
    }

    /// Changes question, answer or labels of a row; what it was before stays in its history, and it waits for review
    /// anew.
    ///
    /// # Errors
    /// [`Error::UnknownRow`], [`Error::Review`] for an empty text, [`Error::Sqlite`].
    pub fn edit(&self, dataset: &Dataset, id: i64, editor: &str, changes: &[(&str, String)]) -> Result<(), Error> {
        let mut row = self.row(dataset, id)?;
        let mut done: Vec<(&str, String, String)> = Vec::new();
        for (field, after) in changes {
            let text = match *field {
                "question" => &mut row.row.question,
                "answer" => &mut row.row.answer,
                _ => return Err(Error::Review { reason: format!("a row has no field `{field}` to edit") }),
            };
            if after.trim().is_empty() {
                return Err(Error::Review { reason: format!("`{field}` would be empty") });
            }
            if text != after {
                done.push((field, std::mem::replace(text, after.clone()), after.clone()));
            }
        }
        if done.is_empty() {
            return Ok(());
        }
        let mut connection = self.connection.lock();
        let transaction = connection.transaction()?;
        let hash = row.row.hash();
        let twin: Option<i64> = transaction
            .query_row("SELECT id FROM rows WHERE dataset = ?1 AND hash = ?2", params![dataset.id, hash], |row| {
                row.get(0)
            })
            .optional()?;
        if let Some(twin) = twin {
            return Err(Error::SaysTheSame { row: twin });
        }
        transaction.execute("UPDATE rows SET hash = ?2, state = 'candidate' WHERE id = ?1", params![id, hash])?;
        transaction.execute(
            "UPDATE contents SET question = ?2, answer = ?3, reason = NULL WHERE row = ?1",
            params![id, row.row.question, row.row.answer],
        )?;
        transaction.execute("DELETE FROM terms WHERE rowid = ?1", params![id])?;
        transaction.execute(
            "INSERT INTO terms (rowid, body) VALUES (?1, ?2)",
            params![id, searched(&row.row.question, &row.row.answer)],
        )?;
        // What was said of the old text does not hold for the new one.
        transaction.execute("DELETE FROM decisions WHERE row = ?1", params![id])?;
        let sql = format!(
            "INSERT INTO edits (row, editor, made_at, field, before, after) VALUES (?1, ?2, {NOW}, ?3, ?4, ?5)"
        );
        for (field, before, after) in done {
            transaction.execute(&sql, params![id, editor, field, before, after])?;
        }
        Ok(transaction.commit()?)
    }

    /// The history of a row, oldest first.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn edits(&self, row: i64) -> Result<Vec<Change>, Error> {
        let connection = self.connection.lock();
        let mut statement = connection
            .prepare_cached("SELECT editor, made_at, field, before, after FROM edits WHERE row = ?1 ORDER BY id")?;
        let edits = statement.query_map(params![row], |row| {
            Ok(Change {
                editor: row.get(0)?,
                made_at: row.get(1)?,
                field: row.get(2)?,
                before: row.get(3)?,
                after: row.get(4)?,
            })
        })?;
        Ok(edits.collect::<Result<_, _>>()?)
    }

    /// Takes down what a person says of a row, in place of what they said before, and gives the row the state that the
    /// decisions make together.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub(in crate::datasets) fn decide(
        &self,
        row: i64,
        decision: &Decision,
        state_of: impl Fn(&[Decision]) -> State,
    ) -> Result<State, Error> {
        let mut connection = self.connection.lock();
        let transaction = connection.transaction()?;
        transaction.execute(
            &format!(
                "INSERT INTO decisions (row, reviewer, approves, reason, made_at) VALUES (?1, ?2, ?3, ?4, {NOW})
                 ON CONFLICT (row, reviewer) DO UPDATE SET
                    approves = excluded.approves, reason = excluded.reason, made_at = excluded.made_at"
            ),
            params![row, decision.reviewer, decision.approves, decision.reason],
        )?;
        let decisions = {
            let mut statement = transaction
                .prepare_cached("SELECT reviewer, approves, reason FROM decisions WHERE row = ?1 ORDER BY id")?;
            let read = |row: &rusqlite::Row<'_>| {
                Ok(Decision { reviewer: row.get(0)?, approves: row.get(1)?, reason: row.get(2)? })
            };
            statement.query_map(params![row], read)?.collect::<Result<Vec<_>, _>>()?
        };
        let state = state_of(&decisions);
        let reason = decisions.iter().rev().find(|decision| !decision.approves).and_then(|d| d.reason.clone());
        transaction.execute("UPDATE rows SET state = ?2 WHERE id = ?1", params![row, state.name()])?;
        let reason = if state == State::Rejected { reason } else { None };
        transaction.execute("UPDATE contents SET reason = ?2 WHERE row = ?1", params![row, reason])?;
        transaction.commit()?;
        Ok(state)
    }

    /// What was decided on every row of a dataset that anyone judged, row by row.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub(in crate::datasets) fn decisions(&self, dataset: i64) -> Result<Vec<(i64, Decision)>, Error> {
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached(
            "SELECT row, reviewer, approves, reason FROM decisions JOIN rows ON rows.id = row WHERE dataset = ?1
             ORDER BY row, decisions.id",
        )?;
        let decisions = statement.query_map(params![dataset], |row| {
            let decision = Decision { reviewer: row.get(1)?, approves: row.get(2)?, reason: row.get(3)? };
            Ok((row.get(0)?, decision))
        })?;
        Ok(decisions.collect::<Result<_, _>>()?)
    }

    /// What was decided on one row, in the order it was.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn judgements(&self, row: i64) -> Result<Vec<Judgement>, Error> {
        let connection = self.connection.lock();
        let mut statement = connection
            .prepare_cached("SELECT reviewer, approves, reason, made_at FROM decisions WHERE row = ?1 ORDER BY id")?;
        let judgements = statement.query_map(params![row], |row| {
            let decision = Decision { reviewer: row.get(0)?, approves: row.get(1)?, reason: row.get(2)? };
            Ok(Judgement { decision, made_at: row.get(3)? })
        })?;
        Ok(judgements.collect::<Result<_, _>>()?)
    }

    /// Gives rows to a reviewer, or to nobody.
    ///
    /// # Errors
    /// [`Error::Sqlite`]; then none is given.
    pub fn assign(&self, rows: &[i64], reviewer: Option<&str>) -> Result<(), Error> {
        let mut connection = self.connection.lock();
        let transaction = connection.transaction()?;
        let give = format!(
            "INSERT INTO assignments (row, reviewer, made_at) VALUES (?1, ?2, {NOW})
             ON CONFLICT (row) DO UPDATE SET reviewer = excluded.reviewer, made_at = excluded.made_at"
        );
        for row in rows {
            match reviewer {
                Some(reviewer) => transaction.prepare_cached(&give)?.execute(params![row, reviewer])?,
                None => transaction.prepare_cached("DELETE FROM assignments WHERE row = ?1")?.execute(params![row])?,
            };
        }
        Ok(transaction.commit()?)
    }

    /// Whom a row is given to.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn assignee(&self, row: i64) -> Result<Option<String>, Error> {
        let sql = "SELECT reviewer FROM assignments WHERE row = ?1";
        Ok(self.connection.lock().query_row(sql, params![row], |row| row.get(0)).optional()?)
    }

    /// The row that `reviewer` is to judge next.
    ///
    /// # Errors
    /// As [`Self::queue`].
    pub fn next_for_review(&self, dataset: &Dataset, reviewer: &str) -> Result<Option<StoredRow>, Error> {
        Ok(self.queue(dataset, reviewer, 1)?.pop())
    }

    /// The rows that wait for `reviewer`, at most `limit`: those given to them first, then candidates and stale rows, then
    /// what only filters have judged; each by id. Rows given to others, and those judged already, do not wait.
    ///
    /// # Errors
    /// [`Error::Sqlite`], [`Error::Corrupt`].
    pub fn queue(&self, dataset: &Dataset, reviewer: &str, limit: usize) -> Result<Vec<StoredRow>, Error> {
        const GIVEN: &str = "rows.id IN (SELECT row FROM assignments WHERE reviewer = ?2)
            AND state IN ('candidate', 'stale', 'accepted')";
        const FREE: &str = "NOT EXISTS (SELECT 1 FROM assignments WHERE row = rows.id)";
        let of = |state: &str| format!("state = '{state}' AND {FREE}");
        let connection = self.connection.lock();
        let mut queue = Vec::new();
        for condition in [GIVEN.to_owned(), of("candidate"), of("stale"), of("accepted")] {
            let left = limit - queue.len();
            if left == 0 {
                break;
            }
            let sql = format!(
                "SELECT {COLUMNS} FROM rows JOIN contents ON contents.row = rows.id
                 WHERE dataset = ?1 AND {condition}
                    AND NOT EXISTS (SELECT 1 FROM decisions WHERE row = rows.id AND reviewer = ?2)
                 ORDER BY rows.id LIMIT ?3"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query(params![dataset.id, reviewer, left as i64])?;
            while let Some(row) = rows.next()? {
                queue.push(read_row(row)?);
            }
        }
        Ok(queue)
    }

    /// Gives rows their splits, in one transaction.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn set_splits(&self, splits: &[(i64, Option<Split>)]) -> Result<(), Error> {
        let mut connection = self.connection.lock();
        let transaction = connection.transaction()?;
        for (row, split) in splits {
            let split = split.map_or("", Split::name);
            transaction
                .prepare_cached("UPDATE rows SET split = ?2 WHERE id = ?1 AND split <> ?2")?
                .execute(params![row, split])?;
        }
        Ok(transaction.commit()?)
    }

    /// Moves a row to another state, with the reason.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn set_state(&self, row: i64, state: State, reason: Option<&str>) -> Result<(), Error> {
        let mut connection = self.connection.lock();
        let transaction = connection.transaction()?;
        transaction.execute("UPDATE rows SET state = ?2 WHERE id = ?1", params![row, state.name()])?;
        transaction.execute("UPDATE contents SET reason = ?2 WHERE row = ?1", params![row, reason])?;
        if state == State::Stale {
            transaction.execute("DELETE FROM decisions WHERE row = ?1", params![row])?;
        }
        Ok(transaction.commit()?)
    }

    /// Has a row rest on the same words at their new place.
    ///
    /// # Errors
    /// [`Error::Sqlite`], [`Error::Corrupt`].
    pub(in crate::datasets) fn move_evidence(&self, id: i64, moved: &Row) -> Result<(), Error> {
        let evidence = serde_json::to_string(&moved.evidence).map_err(|source| Error::Corrupt { row: id, source })?;
        let mut connection = self.connection.lock();
        let transaction = connection.transaction()?;
        // Another row that says the same at the new place was made meanwhile; this one stays where it was.
        let num_changed =
            transaction.execute("UPDATE OR IGNORE rows SET hash = ?2 WHERE id = ?1", params![id, moved.hash()])?;
        if num_changed == 1 {
            transaction.execute("UPDATE contents SET evidence = ?2 WHERE row = ?1", params![id, evidence])?;
        }
        Ok(transaction.commit()?)
    }

    /// How many rows of a dataset each generator wrote that are in a good state.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn generators(&self, dataset: i64) -> Result<Vec<(Generator, i64)>, Error> {
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached(
            "SELECT generator, COUNT(*) FROM rows WHERE dataset = ?1 AND state IN ('accepted', 'approved')
             GROUP BY generator ORDER BY generator",
        )?;
        let counted = statement.query_map(params![dataset], |row| {
            Ok((known(Generator::named(&row.get::<_, String>(0)?), 0)?, row.get(1)?))
        })?;
        Ok(counted.collect::<Result<_, _>>()?)
    }
}
