//! A folder of CSV tables into the register: all of it or nothing, in one transaction. What stood there before is
//! replaced.
//!
//! The tables are those of the demo world: `companies.csv`, and as far as they are there `people.csv`, `roles.csv`,
//! `families.csv`, `sellers.csv`, `brokers.csv`, `declarations.csv`, `ledgers.csv` and `audits.csv`. Columns are known
//! by their headers; others are left alone, those called `planted_` among them. `world.json` beside them says that all
//! is invented.

mod sheet;
mod tables;

use std::path::Path;

use rusqlite::{OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

use super::names::{grams, plain_name};
use super::{Error, FILE, Register, schema};
use crate::sqlite;

/// A row that cannot be used.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BadRow {
    pub file: &'static str,
    pub line: u64,
    pub reason: String,
}

/// Why nothing was imported: the first rows that cannot be used, and how many there are.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct BadRows {
    pub first: Vec<BadRow>,
    pub count: usize,
}

/// Rows named; of the others only the number is said.
const MAX_NAMED: usize = 50;

impl BadRows {
    fn add(&mut self, row: BadRow) {
        self.count += 1;
        if self.first.len() < MAX_NAMED {
            self.first.push(row);
        }
    }
}

impl std::fmt::Display for BadRows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rows = if self.count == 1 { "1 row" } else { &format!("{} rows", self.count) };
        write!(f, "{rows} cannot be used, and nothing was imported:")?;
        for BadRow { file, line, reason } in &self.first {
            write!(f, "\n  {file} line {line}: {reason}")?;
        }
        match self.count - self.first.len() {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}

/// What was imported: rows by table, and the tables that were not there.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Imported {
    pub rows: Vec<(&'static str, usize)>,
    pub absent: Vec<&'static str>,
    pub is_demo: bool,
}

/// Replaces the register of a home folder by the tables of `folder`.
///
/// # Errors
/// A folder without companies; a table that lacks a column; rows that cannot be used ([`Error::BadRows`]): what stood
/// there before then still does.
pub fn import(home: &Path, folder: &Path) -> Result<(Register, Imported), Error> {
    if !folder.join("companies.csv").is_file() {
        return Err(Error::NoCompanies { folder: folder.into() });
    }
    let world = marker(folder)?;
    fs_err::create_dir_all(home).map_err(|source| Error::Unreadable { path: home.into(), source })?;
    let path = home.join(FILE);
    let opened = |source| Error::Open { path: path.clone(), source };
    let mut connection = sqlite::open(&path, sqlite::BUSY).map_err(opened)?;
    connection.pragma_update(None, "cache_size", -262_144)?;
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    for table in schema::TABLES {
        transaction.execute_batch(&format!("DROP TABLE IF EXISTS {table}"))?;
    }
    transaction.execute_batch(schema::CREATE)?;
    let mut imported = Imported { is_demo: world.is_some(), ..Imported::default() };
    if let Some(world) = &world {
        transaction.execute("INSERT INTO meta VALUES ('demo', ?)", [world])?;
    }
    let mut bad = BadRows::default();
    tables::read_all(&transaction, folder, &mut imported, &mut bad)?;
    if bad.count > 0 {
        return Err(Error::BadRows(bad));
    }
    write_names(&transaction)?;
    transaction.execute_batch(schema::FINISH)?;
    transaction.pragma_update(None, "user_version", schema::FORMAT)?;
    transaction.commit()?;
    // The log now holds all that was imported; the file takes it over at once, and readers find the log short. Where
    // one is at work, that waits for the next time.
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).optional()?;
    drop(connection);
    let register = Register::open(home)?.ok_or(Error::NoCompanies { folder: folder.into() })?;
    Ok((register, imported))
}

/// `world.json`: what the demo world says of itself.
#[derive(Deserialize)]
struct World {
    invented: bool,
    made_by: String,
}

/// How the tables were made, if they are of an invented world.
fn marker(folder: &Path) -> Result<Option<String>, Error> {
    let path = folder.join("world.json");
    if !path.is_file() {
        return Ok(None);
    }
    let bytes = fs_err::read(&path).map_err(|source| Error::Unreadable { path: path.clone(), source })?;
    let world: World =
        serde_json::from_slice(&bytes).map_err(|error| Error::Marker { path, reason: error.to_string() })?;
    Ok(world.invented.then_some(world.made_by))
}

/// The names of all companies, made comparable, with their trigrams.
fn write_names(transaction: &Transaction) -> Result<(), Error> {
    let mut companies = transaction.prepare("SELECT id, name_ko, name_en FROM companies")?;
    let mut name = transaction.prepare("INSERT INTO names VALUES (?, ?, ?)")?;
    let mut gram_of = transaction.prepare("INSERT INTO name_grams VALUES (?, ?)")?;
    let mut rows = companies.query([])?;
    while let Some(row) = rows.next()? {
        let id: String = row.get(0)?;
        let mut names: Vec<String> = Vec::new();
        for at in 1..=2 {
            let text: Option<String> = row.get(at)?;
            names.extend(text.map(|text| plain_name(&text)).filter(|plain| !plain.is_empty()));
        }
        names.dedup();
        for plain in names {
            let grams = grams(&plain);
            let rowid = name.insert(params![plain, id, grams.len()])?;
            for gram in grams {
                gram_of.execute(params![gram, rowid])?;
            }
        }
    }
    Ok(())
}
