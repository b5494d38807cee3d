//! Rows found: by facet, by text, page by page, and counted.

use std::collections::BTreeMap;

use rusqlite::params_from_iter;
use rusqlite::types::Value;
use serde::Serialize;

use super::rows::{COLUMNS, read_row};
use super::{Dataset, Store, text};
use crate::datasets::{Difficulty, Error, Persona, QuestionType, Split, State, StoredRow};
use crate::lang::Language;

/// Which rows are meant; what is absent excludes nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Any of them; all where empty.
    pub states: Vec<State>,
    pub language: Option<Language>,
    pub kind: Option<QuestionType>,
    pub persona: Option<Persona>,
    pub difficulty: Option<Difficulty>,
    pub split: Option<Split>,
    pub topic: Option<String>,
    /// Words that question and answer hold together.
    pub text: Option<String>,
}

impl Filter {
    /// Rows that are exported.
    pub fn good() -> Self {
        Self { states: State::ALL.iter().copied().filter(|state| state.is_good()).collect(), ..Self::default() }
    }
}

/// Some of the rows found.
#[derive(Clone, Debug, Serialize)]
pub struct Page {
    pub rows: Vec<StoredRow>,
    /// All rows found.
    pub num_found: i64,
    /// The id to list after for the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
}

/// How many of the rows found there are of each value.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Facets {
    pub num_found: i64,
    pub state: BTreeMap<String, i64>,
    pub language: BTreeMap<String, i64>,
    #[serde(rename = "type")]
    pub kind: BTreeMap<String, i64>,
    pub persona: BTreeMap<String, i64>,
    pub difficulty: BTreeMap<String, i64>,
    pub split: BTreeMap<String, i64>,
    pub topic: BTreeMap<String, i64>,
}

/// A topic, type, persona and language that has good rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Covered {
    pub topic: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub persona: String,
    pub language: String,
    pub num: i64,
}

/// The facets' columns, in the order of [`Facets`].
const FACETS: &str = "state, language, type, persona, difficulty, split, topic";

/// A condition with its values.
struct Condition {
    sql: String,
    values: Vec<Value>,
}

impl Condition {
    /// On the columns that `rows` and `facets` share.
    fn of(dataset: i64, filter: &Filter) -> Self {
        let mut condition = Self { sql: "dataset = ?".into(), values: vec![Value::Integer(dataset)] };
        if !filter.states.is_empty() {
            let marks = vec!["?"; filter.states.len()].join(", ");
            condition.sql.push_str(&format!(" AND state IN ({marks})"));
            condition.values.extend(filter.states.iter().map(|state| Value::Text(state.name().into())));
        }
        let columns = [
            ("language", filter.language.map(|language| language.code().to_owned())),
            ("type", filter.kind.map(|kind| kind.name().to_owned())),
            ("persona", filter.persona.map(|persona| persona.name().to_owned())),
            ("difficulty", filter.difficulty.map(|difficulty| difficulty.name().to_owned())),
            ("split", filter.split.map(|split| split.name().to_owned())),
            ("topic", filter.topic.clone()),
        ];
        for (column, value) in columns {
            if let Some(value) = value {
                condition.sql.push_str(&format!(" AND {column} = ?"));
                condition.values.push(Value::Text(value));
            }
        }
        condition
    }

    fn and(&mut self, sql: &str, value: Value) {
        self.sql.push_str(" AND ");
        self.sql.push_str(sql);
        self.values.push(value);
    }
}

/// What is searched: nothing in particular, an expression, or words that hold no letter and are found nowhere.
enum Searched {
    All,
    Terms(String),
    Nothing,
}

impl Searched {
    fn of(filter: &Filter) -> Self {
        match &filter.text {
            None => Self::All,
            Some(words) => text::expression(words).map_or(Self::Nothing, Self::Terms),
        }
    }
}

impl Store {
    /// Rows found, by id, after the one named.
    pub(super) fn rows_after(
        &self,
        dataset: i64,
        filter: &Filter,
        after: i64,
        limit: usize,
    ) -> Result<Vec<StoredRow>, Error> {
        let mut condition = Condition::of(dataset, filter);
        let from = match Searched::of(filter) {
            Searched::Nothing => return Ok(Vec::new()),
            Searched::Terms(expression) => {
                condition.and("terms MATCH ?", Value::Text(expression));
                // The ids come in order out of the full-text index, which `CROSS` has SQLite begin with.
                condition.and("terms.rowid > ?", Value::Integer(after));
                "terms CROSS JOIN rows ON rows.id = terms.rowid"
            }
            Searched::All => {
                condition.and("rows.id > ?", Value::Integer(after));
                "rows"
            }
        };
        let order = if from == "rows" { "rows.id" } else { "terms.rowid" };
        let sql = format!(
            "SELECT {COLUMNS} FROM {from} CROSS JOIN contents ON contents.row = rows.id WHERE {} ORDER BY {order}
             LIMIT {limit}",
            condition.sql
        );
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(condition.values))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(read_row(row)?);
        }
        Ok(found)
    }

    /// A page of rows, by id, after the one named (0 for the first page).
    ///
    /// # Errors
    /// [`Error::Sqlite`], [`Error::Corrupt`].
    pub fn list(&self, dataset: &Dataset, filter: &Filter, after: i64, limit: usize) -> Result<Page, Error> {
        let rows = self.rows_after(dataset.id, filter, after, limit)?;
        let next = rows.last().filter(|_| rows.len() == limit).map(|row| row.id);
        Ok(Page { num_found: self.count(dataset, filter)?, next, rows })
    }

    /// How many rows are found.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn count(&self, dataset: &Dataset, filter: &Filter) -> Result<i64, Error> {
        let mut condition = Condition::of(dataset.id, filter);
        let sql = match Searched::of(filter) {
            Searched::Nothing => return Ok(0),
            Searched::Terms(expression) => {
                condition.and("terms MATCH ?", Value::Text(expression));
                format!("SELECT COUNT(*) FROM terms CROSS JOIN rows ON rows.id = terms.rowid WHERE {}", condition.sql)
            }
            Searched::All => format!("SELECT COALESCE(SUM(num), 0) FROM facets WHERE {}", condition.sql),
        };
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached(&sql)?;
        Ok(statement.query_row(params_from_iter(condition.values), |row| row.get(0))?)
    }

    /// The rows found, counted by each facet.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn facets(&self, dataset: &Dataset, filter: &Filter) -> Result<Facets, Error> {
        let mut condition = Condition::of(dataset.id, filter);
        let sql = match Searched::of(filter) {
            Searched::Nothing => return Ok(Facets::default()),
            Searched::Terms(expression) => {
                condition.and("terms MATCH ?", Value::Text(expression));
                format!(
                    "SELECT {FACETS}, 1 FROM terms CROSS JOIN rows ON rows.id = terms.rowid WHERE {}",
                    condition.sql
                )
            }
            Searched::All => format!("SELECT {FACETS}, num FROM facets WHERE {} AND num > 0", condition.sql),
        };
        let mut facets = Facets::default();
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(condition.values))?;
        while let Some(row) = rows.next()? {
            let num: i64 = row.get(7)?;
            facets.num_found += num;
            let counts = [
                &mut facets.state,
                &mut facets.language,
                &mut facets.kind,
                &mut facets.persona,
                &mut facets.difficulty,
                &mut facets.split,
                &mut facets.topic,
            ];
            for (column, counts) in counts.into_iter().enumerate() {
                let value = row.get_ref(column)?.as_str().map_err(|error| {
                    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, error.into())
                })?;
                match counts.get_mut(value) {
                    Some(count) => *count += num,
                    None => {
                        counts.insert(value.to_owned(), num);
                    }
                }
            }
        }
        Ok(facets)
    }

    /// The topics, types, personas and languages that have good rows: the map of what is covered.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn coverage(&self, dataset: i64) -> Result<Vec<Covered>, Error> {
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached(
            "SELECT topic, type, persona, language, SUM(num) FROM facets
             WHERE dataset = ?1 AND state IN ('accepted', 'approved') GROUP BY 1, 2, 3, 4 HAVING SUM(num) > 0",
        )?;
        let cells = statement.query_map([dataset], |row| {
            let (persona, language) = (row.get(2)?, row.get(3)?);
            Ok(Covered { topic: row.get(0)?, kind: row.get(1)?, persona, language, num: row.get(4)? })
        })?;
        Ok(cells.collect::<Result<_, _>>()?)
    }
}
