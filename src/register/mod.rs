//! The administration's tables, kept so that they can be looked things up in: companies, people, their roles, sellers,
//! brokers, declarations, ledgers and audits.
//!
//! In: a folder of CSV tables, once ([`import()`]). Out: typed rows and sums, by key, date, code or name. One SQLite
//! file in the home folder holds them, and it remembers whether they are of an invented world, so that all that is
//! drawn from it can say so. Deliberately knows no score, no pattern and no opinion: what a table calls `planted` is
//! not read.

mod find;
mod import;
mod lookup;
mod names;
mod records;
mod schema;
mod sums;

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use crate::sqlite::{self, Shared};

pub use find::{Candidate, Likeness};
pub use import::{BadRow, BadRows, Imported, import};
pub use names::plain_name;
pub use records::{
    Audit, Broker, Company, Declaration, Family, Holder, LedgerMonth, Party, PartyKind, Person, Query, Role, RoleKind,
    Seller,
};
pub use sums::{Dimension, GoodsSum, Industry, PartnerSum, Payment, Quarter, Span, Tally, TradeSum};

/// Why the register could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("register `{path}` could not be opened: {source}")]
    Open { path: PathBuf, source: rusqlite::Error },
    #[error("register `{path}` has format {version}, this program knows {known}\n\nhint: import the tables anew")]
    Format { path: PathBuf, version: i64, known: i64 },
    #[error("register: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("`{path}` cannot be read: {source}")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("`{folder}` holds no `companies.csv`\n\nhint: `haetae demo generate` writes a folder of the right shape")]
    NoCompanies { folder: PathBuf },
    #[error("`{file}` has no column `{column}`")]
    NoColumn { file: &'static str, column: &'static str },
    #[error("`{path}` does not say what world it marks: {reason}")]
    Marker { path: PathBuf, reason: String },
    #[error("{0}")]
    BadRows(BadRows),
}

/// The file's name in the home folder.
pub const FILE: &str = "register.sqlite";

/// The tables. Cheap to clone; calls block for the disk, so keep them off the async threads.
#[derive(Clone)]
pub struct Register {
    connection: Shared,
}

impl Register {
    /// Opens the register of a home folder; `None` where nothing was imported yet.
    ///
    /// # Errors
    /// [`Error::Open`] if the file is no SQLite file; [`Error::Format`] if another haetae wrote it.
    pub fn open(home: &Path) -> Result<Option<Self>, Error> {
        let path = home.join(FILE);
        if !path.is_file() {
            return Ok(None);
        }
        let opened = |source| Error::Open { path: path.clone(), source };
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&path, flags).map_err(opened)?;
        connection.busy_timeout(sqlite::BUSY).map_err(opened)?;
        match sqlite::format_of(&connection).map_err(opened)? {
            // An import that was killed before its first commit leaves an empty file.
            0 => return Ok(None),
            schema::FORMAT => {}
            version => return Err(Error::Format { path, version, known: schema::FORMAT }),
        }
        // Pages for the lookups of a few hundred thousand rows.
        connection.pragma_update(None, "cache_size", -65_536).map_err(opened)?;
        Ok(Some(Self { connection: Shared::new(connection) }))
    }

    /// Whether the tables are of an invented world. Asked of the file each time: another process may have imported.
    pub fn is_demo(&self) -> bool {
        // Where it cannot be read, no more can the tables; until that is said, nothing is taken for real.
        schema::marker(&self.connection.lock()).map_or(true, |marker| marker.is_some())
    }
}

#[cfg(test)]
mod tests;
