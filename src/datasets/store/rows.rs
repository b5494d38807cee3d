//! Rows written, read and changed.

use serde::Serialize;
use serde_json::Value as Json;

use super::database::{Dialect, Failure, Row as Found, Session, values};
use super::{Dataset, Filter, Store, moment, text};
use crate::datasets::{Difficulty, Error, Generator, Persona, QuestionType, Row, Split, State, StoredRow};
use crate::lang::Language;

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
pub(super) fn columns(dialect: Dialect) -> String {
    format!(
        "rows.id, hash, version, state, language, type, persona, difficulty, split, topic,
         question, answer, evidence, lineage, labels, reason,
         (SELECT {} FROM
            (SELECT reviewer FROM decisions WHERE row = rows.id AND approves = 1 ORDER BY decisions.id) AS approving)",
        dialect.json_array("reviewer")
    )
}

/// Rows streamed in one go; between two, others may write.
const BATCH: usize = 500;

/// Puts a row into the tables; `None` where the dataset has it already.
pub(super) fn insert(session: Session<'_>, dataset: i64, version: i64, new: &NewRow) -> Result<Option<i64>, Error> {
    let (row, json) = (&new.row, |source| Error::Corrupt { row: 0, source });
    let inserted = session.first(
        "INSERT INTO rows (dataset, hash, version, state, language, type, persona, difficulty, split, topic, generator)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT (dataset, hash) DO NOTHING RETURNING id",
        values![
            dataset,
            &row.hash(),
            version,
            new.state.name(),
            row.language.code(),
            row.kind.name(),
            row.persona.name(),
            row.difficulty.name(),
            new.split.map_or("", Split::name),
            &row.topic,
            row.lineage.generator.name(),
        ],
        |row| row.get::<i64>(0),
    )?;
    let Some(id) = inserted else { return Ok(None) };
    session.execute(
        "INSERT INTO contents (row, question, answer, evidence, lineage, labels, reason)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        values![
            id,
            &row.question,
            &row.answer,
            &serde_json::to_string(&row.evidence).map_err(json)?,
            &serde_json::to_string(&row.lineage).map_err(json)?,
            &serde_json::to_string(&new.labels).map_err(json)?,
            new.reason.as_deref(),
        ],
    )?;
    for evidence in &row.evidence {
        session.execute(
            "INSERT INTO grounds (document, row) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            values![&evidence.document, id],
        )?;
    }
    index(session, id, &row.question, &row.answer)?;
    Ok(Some(id))
}

/// Has a row found by its words.
fn index(session: Session<'_>, id: i64, question: &str, answer: &str) -> Result<(), Error> {
    let terms = text::terms(&format!("{question}\n{answer}"), session.dialect());
    session.execute("INSERT INTO terms (rowid, body) VALUES (?1, ?2)", values![id, &terms])?;
    Ok(())
}

/// A row of a dataset; nobody else changes it until the transaction ends.
fn held(session: Session<'_>, dataset: &Dataset, id: i64, lock: &str) -> Result<StoredRow, Error> {
    let sql = format!(
        "SELECT {} FROM rows JOIN contents ON contents.row = rows.id WHERE rows.id = ?1 AND dataset = ?2{lock}",
        columns(session.dialect())
    );
    let unknown = || Error::UnknownRow { name: dataset.name.clone(), row: id };
    session.first(&sql, values![id, dataset.id], read_row)?.ok_or_else(unknown)
}

/// A name from the database; one that is unknown was written by a newer program.
fn known<T>(named: Option<T>, column: usize) -> Result<T, Error> {
    named.ok_or_else(|| Failure::UnknownName { column }.into())
}

pub(super) fn read_language(code: &str) -> Option<Language> {
    [Language::Ko, Language::En].into_iter().find(|language| language.code() == code)
}

pub(super) fn read_row(row: &Found<'_>) -> Result<StoredRow, Error> {
    let id = row.get(0)?;
    let corrupt = |source| Error::Corrupt { row: id, source };
    let json = |column: usize| -> Result<Json, Error> { serde_json::from_str(row.text(column)?).map_err(corrupt) };
    Ok(StoredRow {
        id,
        hash: row.get(1)?,
        version: row.get(2)?,
        state: known(State::named(row.text(3)?), 3)?,
        reason: row.get(15)?,
        split: Split::named(row.text(8)?),
        labels: serde_json::from_value(json(14)?).map_err(corrupt)?,
        reviewers: serde_json::from_value(json(16)?).map_err(corrupt)?,
        row: Row {
            language: known(read_language(row.text(4)?), 4)?,
            kind: known(QuestionType::named(row.text(5)?), 5)?,
            persona: known(Persona::named(row.text(6)?), 6)?,
            difficulty: known(Difficulty::named(row.text(7)?), 7)?,
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
    /// [`Error::Database`]; then none of the last batch is in.
    pub fn add(&self, dataset: &Dataset, version: i64, rows: &[NewRow]) -> Result<usize, Error> {
        let mut num_new = 0;
        for batch in rows.chunks(BATCH) {
            num_new += self.database.transaction(|session| {
                let mut num_new = 0;
                for row in batch {
                    num_new += usize::from(insert(session, dataset.id, version, row)?.is_some());
                }
                Ok(num_new)
            })?;
        }
        Ok(num_new)
    }

    /// One row.
    ///
    /// # Errors
    /// [`Error::UnknownRow`], [`Error::Database`], [`Error::Corrupt`].
    pub fn row(&self, dataset: &Dataset, id: i64) -> Result<StoredRow, Error> {
        self.database.run(|session| held(session, dataset, id, ""))
    }

    /// Shows every row that the filter lets through to `visit`, by id, in bounded memory. Others may write meanwhile.
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::Corrupt`], and the visitor's.
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
    /// [`Error::UnknownRow`], [`Error::Review`] for an empty text, [`Error::Database`].
    pub fn edit(&self, dataset: &Dataset, id: i64, editor: &str, changes: &[(&str, String)]) -> Result<(), Error> {
        self.database.transaction(|session| {
            let mut row = held(session, dataset, id, &session.dialect().for_update("rows"))?;
            let mut done: Vec<(&str, String, &String)> = Vec::new();
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
                    done.push((field, std::mem::replace(text, after.clone()), after));
                }
            }
            if done.is_empty() {
                return Ok(());
            }
            let hash = row.row.hash();
            let twin = "SELECT id FROM rows WHERE dataset = ?1 AND hash = ?2";
            if let Some(twin) = session.first(twin, values![dataset.id, &hash], |row| row.get(0))? {
                return Err(Error::SaysTheSame { row: twin });
            }
            session.execute("UPDATE rows SET hash = ?2, state = 'candidate' WHERE id = ?1", values![id, &hash])?;
            session.execute(
                "UPDATE contents SET question = ?2, answer = ?3, reason = NULL WHERE row = ?1",
                values![id, &row.row.question, &row.row.answer],
            )?;
            session.execute("DELETE FROM terms WHERE rowid = ?1", values![id])?;
            index(session, id, &row.row.question, &row.row.answer)?;
            // What was said of the old text does not hold for the new one.
            session.execute("DELETE FROM decisions WHERE row = ?1", values![id])?;
            for (field, before, after) in &done {
                session.execute(
                    "INSERT INTO edits (row, editor, made_at, field, before, after) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    values![id, editor, &moment(), *field, before, *after],
                )?;
            }
            Ok(())
        })
    }

    /// The history of a row, oldest first.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn edits(&self, row: i64) -> Result<Vec<Change>, Error> {
        let sql = "SELECT editor, made_at, field, before, after FROM edits WHERE row = ?1 ORDER BY id";
        self.database.run(|session| {
            session.all(sql, values![row], |row| {
                Ok(Change {
                    editor: row.get(0)?,
                    made_at: row.get(1)?,
                    field: row.get(2)?,
                    before: row.get(3)?,
                    after: row.get(4)?,
                })
            })
        })
    }

    /// Takes down what a person says of a row, in place of what they said before, and gives the row the state that the
    /// decisions make together.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub(in crate::datasets) fn decide(
        &self,
        row: i64,
        decision: &Decision,
        state_of: impl Fn(&[Decision]) -> State,
    ) -> Result<State, Error> {
        let held = format!("SELECT id FROM rows WHERE id = ?1{}", self.database.dialect().for_update("rows"));
        self.database.transaction(|session| {
            // Two that judge at the same time must see each other.
            session.first(&held, values![row], |row| row.get::<i64>(0))?;
            session.execute(
                "INSERT INTO decisions (row, reviewer, approves, reason, made_at) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (row, reviewer) DO UPDATE SET
                    approves = excluded.approves, reason = excluded.reason, made_at = excluded.made_at",
                values![row, &decision.reviewer, decision.approves, decision.reason.as_deref(), &moment()],
            )?;
            let decisions = session.all(
                "SELECT reviewer, approves = 1, reason FROM decisions WHERE row = ?1 ORDER BY id",
                values![row],
                |row| Ok(Decision { reviewer: row.get(0)?, approves: row.get(1)?, reason: row.get(2)? }),
            )?;
            let state = state_of(&decisions);
            let rejecting = decisions.iter().rev().find(|decision| !decision.approves);
            let reason = rejecting.filter(|_| state == State::Rejected).and_then(|decision| decision.reason.as_deref());
            session.execute("UPDATE rows SET state = ?2 WHERE id = ?1", values![row, state.name()])?;
            session.execute("UPDATE contents SET reason = ?2 WHERE row = ?1", values![row, reason])?;
            Ok(state)
        })
    }

    /// What was decided on every row of a dataset that anyone judged, row by row.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub(in crate::datasets) fn decisions(&self, dataset: i64) -> Result<Vec<(i64, Decision)>, Error> {
        let sql = "SELECT row, reviewer, approves = 1, reason FROM decisions JOIN rows ON rows.id = row
            WHERE dataset = ?1 ORDER BY row, decisions.id";
        self.database.run(|session| {
            session.all(sql, values![dataset], |row| {
                let decision = Decision { reviewer: row.get(1)?, approves: row.get(2)?, reason: row.get(3)? };
                Ok((row.get(0)?, decision))
            })
        })
    }

    /// What was decided on one row, in the order it was.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn judgements(&self, row: i64) -> Result<Vec<Judgement>, Error> {
        let sql = "SELECT reviewer, approves = 1, reason, made_at FROM decisions WHERE row = ?1 ORDER BY id";
        self.database.run(|session| {
            session.all(sql, values![row], |row| {
                let decision = Decision { reviewer: row.get(0)?, approves: row.get(1)?, reason: row.get(2)? };
                Ok(Judgement { decision, made_at: row.get(3)? })
            })
        })
    }

    /// Gives rows to a reviewer, or to nobody.
    ///
    /// # Errors
    /// [`Error::Database`]; then none is given.
    pub fn assign(&self, rows: &[i64], reviewer: Option<&str>) -> Result<(), Error> {
        // Two that give the same rows do not wait for each other crosswise.
        let mut rows = rows.to_vec();
        rows.sort_unstable();
        self.database.transaction(|session| {
            for row in &rows {
                match reviewer {
                    Some(reviewer) => session.execute(
                        "INSERT INTO assignments (row, reviewer, made_at) VALUES (?1, ?2, ?3)
                         ON CONFLICT (row) DO UPDATE SET reviewer = excluded.reviewer, made_at = excluded.made_at",
                        values![*row, reviewer, &moment()],
                    )?,
                    None => session.execute("DELETE FROM assignments WHERE row = ?1", values![*row])?,
                };
            }
            Ok(())
        })
    }

    /// Whom a row is given to.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn assignee(&self, row: i64) -> Result<Option<String>, Error> {
        let sql = "SELECT reviewer FROM assignments WHERE row = ?1";
        self.database.run(|session| session.first(sql, values![row], |row| row.get(0)))
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
    /// [`Error::Database`], [`Error::Corrupt`].
    pub fn queue(&self, dataset: &Dataset, reviewer: &str, limit: usize) -> Result<Vec<StoredRow>, Error> {
        const GIVEN: &str = "rows.id IN (SELECT row FROM assignments WHERE reviewer = ?2)
            AND state IN ('candidate', 'stale', 'accepted')";
        const FREE: &str = "NOT EXISTS (SELECT 1 FROM assignments WHERE row = rows.id)";
        let of = |state: &str| format!("state = '{state}' AND {FREE}");
        let columns = columns(self.database.dialect());
        self.database.run(|session| {
            let mut queue = Vec::new();
            for condition in [GIVEN.to_owned(), of("candidate"), of("stale"), of("accepted")] {
                let left = limit - queue.len();
                if left == 0 {
                    break;
                }
                let sql = format!(
                    "SELECT {columns} FROM rows JOIN contents ON contents.row = rows.id
                     WHERE dataset = ?1 AND {condition}
                        AND NOT EXISTS (SELECT 1 FROM decisions WHERE row = rows.id AND reviewer = ?2)
                     ORDER BY rows.id LIMIT ?3"
                );
                queue.extend(session.all(&sql, values![dataset.id, reviewer, left as i64], read_row)?);
            }
            Ok(queue)
        })
    }

    /// Gives rows their splits, in one transaction.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn set_splits(&self, splits: &[(i64, Option<Split>)]) -> Result<(), Error> {
        self.database.transaction(|session| {
            for (row, split) in splits {
                let split = split.map_or("", Split::name);
                session.execute("UPDATE rows SET split = ?2 WHERE id = ?1 AND split <> ?2", values![*row, split])?;
            }
            Ok(())
        })
    }

    /// Moves a row to another state, with the reason.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn set_state(&self, row: i64, state: State, reason: Option<&str>) -> Result<(), Error> {
        self.database.transaction(|session| {
            session.execute("UPDATE rows SET state = ?2 WHERE id = ?1", values![row, state.name()])?;
            session.execute("UPDATE contents SET reason = ?2 WHERE row = ?1", values![row, reason])?;
            if state == State::Stale {
                session.execute("DELETE FROM decisions WHERE row = ?1", values![row])?;
            }
            Ok(())
        })
    }

    /// Has a row rest on the same words at their new place.
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::Corrupt`].
    pub(in crate::datasets) fn move_evidence(&self, id: i64, moved: &Row) -> Result<(), Error> {
        let evidence = serde_json::to_string(&moved.evidence).map_err(|source| Error::Corrupt { row: id, source })?;
        // Another row that says the same at the new place was made meanwhile; this one stays where it was.
        let sql = "UPDATE rows SET hash = ?2 WHERE id = ?1
            AND NOT EXISTS (SELECT 1 FROM rows other WHERE other.dataset = rows.dataset AND other.hash = ?2 AND other.id <> rows.id)";
        self.database.transaction(|session| {
            if session.execute(sql, values![id, &moved.hash()])? == 1 {
                session.execute("UPDATE contents SET evidence = ?2 WHERE row = ?1", values![id, &evidence])?;
            }
            Ok(())
        })
    }

    /// How many rows of a dataset each generator wrote that are in a good state.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn generators(&self, dataset: i64) -> Result<Vec<(Generator, i64)>, Error> {
        let sql = "SELECT generator, COUNT(*) FROM rows WHERE dataset = ?1 AND state IN ('accepted', 'approved')
            GROUP BY generator ORDER BY generator";
        self.database.run(|session| {
            session.all(sql, values![dataset], |row| Ok((known(Generator::named(row.text(0)?), 0)?, row.get(1)?)))
        })
    }
}
