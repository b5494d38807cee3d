//! Whether a company will pay: the probability that a due of the next six months is more than 30 days late.
//!
//! In: tables of ledgers, companies, declarations and audits, or one company's [`History`] in memory. Out: a versioned
//! [`Model`] on its [`Shelf`](super::Shelf), and [`Scored`] companies: probability, score, grade, reasons, the law's own
//! rules beside them, and what would help most. `factors` holds to what was known on the as-of day, [`train()`] tells how
//! it is learnt. Knows nothing of what is done about a debt.

mod card;
mod changes;
mod factors;
mod history;
mod model;
mod month;
mod reasons;
mod report;
mod rules;
mod scale;
mod source;
mod stability;
mod tables;
mod train;

use std::path::PathBuf;

use jiff::civil::Date;

use super::Error;
use super::report::FileRead;

pub use changes::Helpful;
pub use history::{Audit, Due, Firm, History, NotAHistory, Predecessor, Trade};
pub use model::{Model, Scored};
pub use month::{Month, NotAMonth};
pub use reasons::Told;
pub use report::Report;
pub use rules::{Applied, Floors, Rule};
pub use scale::{Grade, NotAGrade};
pub use tables::Tables;
pub use train::{Training, train};

/// The histories of all companies of tables, as of the last month of the ledgers, and what was read.
///
/// # Errors
/// A table that is missing, there twice, or cannot be used.
pub fn histories(
    data: &[PathBuf],
    tables: &Tables,
    today: Date,
    max_bad_rows: usize,
) -> Result<(Vec<History>, Vec<FileRead>), Error> {
    let world = source::read(data, &source::Reading { tables, today, max_bad_rows })?;
    Ok((world.companies.into_iter().map(|known| known.history).collect(), world.files))
}
