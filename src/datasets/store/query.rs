//! Rows found: by facet, by text, page by page, and counted.

use std::collections::BTreeMap;

use serde::Serialize;

use super::database::{Dialect, Value, values};
use super::rows::{columns, read_row};
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
    values: Vec<Given>,
}

/// A value that a condition keeps.
enum Given {
    Integer(i64),
    Text(String),
}

impl<'a> From<&'a Given> for Value<'a> {
    fn from(given: &'a Given) -> Self {
        match given {
            Given::Integer(number) => Self::Integer(*number),
            Given::Text(text) => Self::Text(text),
        }
    }
}

impl Condition {
    /// On the columns that `rows` and `facets` share.
    fn of(dataset: i64, filter: &Filter) -> Self {
        let mut condition = Self { sql: "dataset = ?1".into(), values: vec![Given::Integer(dataset)] };
        if !filter.states.is_empty() {
            let states = filter.states.iter().map(|state| condition.mark(Given::Text(state.name().into())));
            let states: Vec<String> = states.collect();
            condition.sql.push_str(&format!(" AND state IN ({})", states.join(", ")));
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
                let mark = condition.mark(Given::Text(value));
                condition.sql.push_str(&format!(" AND {column} = {mark}"));
            }
        }
        condition
    }

    /// Takes a value; what stands for it.
    fn mark(&mut self, value: Given) -> String {
        self.values.push(value);
        format!("?{}", self.values.len())
    }

    /// That a row holds the words of an expression.
    fn and_matches(&mut self, expression: String, dialect: Dialect) {
        self.values.push(Given::Text(expression));
        self.sql.push_str(&format!(" AND {}", dialect.matches(self.values.len())));
    }

    fn values(&self) -> Vec<Value<'_>> {
        self.values.iter().map(Value::from).collect()
    }
}

/// What is searched: nothing in particular, an expression, or words that hold no letter and are found nowhere.
enum Searched {
    All,
    Terms(String),
    Nothing,
}

impl Searched {
    fn of(filter: &Filter, dialect: Dialect) -> Self {
        match &filter.text {
            None => Self::All,
            Some(words) => text::expression(words, dialect).map_or(Self::Nothing, Self::Terms),
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
        let dialect = self.database.dialect();
        let (mut condition, join) = (Condition::of(dataset, filter), dialect.then_join());
        let (from, id) = match Searched::of(filter, dialect) {
            Searched::Nothing => return Ok(Vec::new()),
            Searched::Terms(expression) => {
                condition.and_matches(expression, dialect);
                // The ids come in order out of the full-text index, where the join is told to begin with it.
                (found_by_terms(dialect), "terms.rowid")
            }
            Searched::All => ("rows".to_owned(), "rows.id"),
        };
        let after = condition.mark(Given::Integer(after));
        let limit = condition.mark(Given::Integer(limit as i64));
        let sql = format!(
            "SELECT {} FROM {from} {join} contents ON contents.row = rows.id WHERE {} AND {id} > {after} ORDER BY {id}
             LIMIT {limit}",
            columns(dialect),
            condition.sql
        );
        self.database.run(|session| session.all(&sql, &condition.values(), read_row))
    }

    /// A page of rows, by id, after the one named (0 for the first page).
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::Corrupt`].
    pub fn list(&self, dataset: &Dataset, filter: &Filter, after: i64, limit: usize) -> Result<Page, Error> {
        let rows = self.rows_after(dataset.id, filter, after, limit)?;
        let next = rows.last().filter(|_| rows.len() == limit).map(|row| row.id);
        Ok(Page { num_found: self.count(dataset, filter)?, next, rows })
    }

    /// How many rows are found.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn count(&self, dataset: &Dataset, filter: &Filter) -> Result<i64, Error> {
        let dialect = self.database.dialect();
        let mut condition = Condition::of(dataset.id, filter);
        let sql = match Searched::of(filter, dialect) {
            Searched::Nothing => return Ok(0),
            Searched::Terms(expression) => {
                condition.and_matches(expression, dialect);
                format!("SELECT COUNT(*) FROM {} WHERE {}", found_by_terms(dialect), condition.sql)
            }
            Searched::All => {
                format!("SELECT CAST(COALESCE(SUM(num), 0) AS BIGINT) FROM facets WHERE {}", condition.sql)
            }
        };
        self.database.run(|session| session.one(&sql, &condition.values(), |row| row.get(0)))
    }

    /// The rows found, counted by each facet.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn facets(&self, dataset: &Dataset, filter: &Filter) -> Result<Facets, Error> {
        let dialect = self.database.dialect();
        let mut condition = Condition::of(dataset.id, filter);
        let sql = match Searched::of(filter, dialect) {
            Searched::Nothing => return Ok(Facets::default()),
            Searched::Terms(expression) => {
                condition.and_matches(expression, dialect);
                let from = found_by_terms(dialect);
                format!("SELECT {FACETS}, CAST(1 AS BIGINT) FROM {from} WHERE {}", condition.sql)
            }
            Searched::All => format!("SELECT {FACETS}, num FROM facets WHERE {} AND num > 0", condition.sql),
        };
        let mut facets = Facets::default();
        self.database.run(|session| {
            session.each(&sql, &condition.values(), |row| {
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
                    let value = row.text(column)?;
                    match counts.get_mut(value) {
                        Some(count) => *count += num,
                        None => {
                            counts.insert(value.to_owned(), num);
                        }
                    }
                }
                Ok(())
            })
        })?;
        Ok(facets)
    }

    /// The topics, types, personas and languages that have good rows: the map of what is covered.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn coverage(&self, dataset: i64) -> Result<Vec<Covered>, Error> {
        let sql = "SELECT topic, type, persona, language, CAST(SUM(num) AS BIGINT) FROM facets
            WHERE dataset = ?1 AND state IN ('accepted', 'approved')
            GROUP BY topic, type, persona, language HAVING SUM(num) > 0 ORDER BY topic, type, persona, language";
        self.database.run(|session| {
            session.all(sql, values![dataset], |row| {
                let (persona, language) = (row.get(2)?, row.get(3)?);
                Ok(Covered { topic: row.get(0)?, kind: row.get(1)?, persona, language, num: row.get(4)? })
            })
        })
    }
}

/// Rows that the full-text index finds.
fn found_by_terms(dialect: Dialect) -> String {
    format!("terms {} rows ON rows.id = terms.rowid", dialect.then_join())
}
