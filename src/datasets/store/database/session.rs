//! Statements, and the rows they give.

use rusqlite::params_from_iter;

use super::{Dialect, Failure, Link, Value};
use crate::datasets::Error;

/// A connection while it is somebody's turn, in a transaction or outside of one.
#[derive(Clone, Copy)]
pub enum Session<'a> {
    Sqlite(&'a rusqlite::Connection),
    Postgres(&'a Link),
}

/// A row found.
pub enum Row<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a tokio_postgres::Row),
}

/// A type that a column can be read as: whole numbers are `i64`, texts `String`, the truth of an expression `bool`.
pub trait Column: rusqlite::types::FromSql + for<'a> tokio_postgres::types::FromSql<'a> {}

impl<T: rusqlite::types::FromSql + for<'a> tokio_postgres::types::FromSql<'a>> Column for T {}

impl Row<'_> {
    /// A column, counted from 0.
    pub fn get<T: Column>(&self, column: usize) -> Result<T, Error> {
        match self {
            Self::Sqlite(row) => Ok(row.get(column).map_err(Failure::from)?),
            Self::Postgres(row) => Ok(row.try_get(column).map_err(Failure::from)?),
        }
    }

    /// A text, where it stands.
    pub fn text(&self, column: usize) -> Result<&str, Error> {
        match self {
            Self::Sqlite(row) => {
                let value = row.get_ref(column).map_err(Failure::from)?;
                Ok(value.as_str().map_err(|error| {
                    let kind = rusqlite::types::Type::Text;
                    Failure::from(rusqlite::Error::FromSqlConversionFailure(column, kind, error.into()))
                })?)
            }
            Self::Postgres(row) => Ok(row.try_get(column).map_err(Failure::from)?),
        }
    }
}

impl Session<'_> {
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Lets the end of this transaction be told before the disk has it: a power cut may take the last ones, whole. For
    /// work that is done again in that case; in SQLite it is so anyway.
    pub fn need_not_outlive_a_power_cut(&self) -> Result<(), Error> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(link) => Ok(link.batch("SET LOCAL synchronous_commit = off")?),
        }
    }

    /// Changes rows; how many.
    pub fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<usize, Error> {
        match self {
            Self::Sqlite(connection) => {
                let mut statement = connection.prepare_cached(sql).map_err(Failure::from)?;
                Ok(statement.execute(params_from_iter(values)).map_err(Failure::from)?)
            }
            Self::Postgres(link) => Ok(link.execute(sql, values)? as usize),
        }
    }

    /// Reads every row found.
    pub fn each(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        match self {
            Self::Sqlite(connection) => {
                let mut statement = connection.prepare_cached(sql).map_err(Failure::from)?;
                let mut rows = statement.query(params_from_iter(values)).map_err(Failure::from)?;
                while let Some(row) = rows.next().map_err(Failure::from)? {
                    read(&Row::Sqlite(row))?;
                }
                Ok(())
            }
            Self::Postgres(link) => link.query(sql, values)?.iter().try_for_each(|row| read(&Row::Postgres(row))),
        }
    }

    /// All rows found.
    pub fn all<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let mut found = Vec::new();
        self.each(sql, values, |row| {
            found.push(read(row)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// The first row found.
    pub fn first<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let mut found = None;
        self.each(sql, values, |row| {
            if found.is_none() {
                found = Some(read(row)?);
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// The row of a statement that gives exactly one, such as a count.
    pub fn one<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        read: impl FnMut(&Row<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let found = self.first(sql, values, read)?;
        found.ok_or_else(|| Failure::from(rusqlite::Error::QueryReturnedNoRows).into())
    }
}
