//! Companies by name: the same name first, then those that begin with it, then those like it.

use std::collections::HashMap;

use rusqlite::{Connection, params};
use serde::Serialize;

use super::names::{grams, jaccard, plain_name};
use super::{Error, Register};

/// How a name was matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Likeness {
    /// It is the company's id.
    Id,
    Exact,
    Prefix,
    Fuzzy,
}

/// A company that may be meant.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Candidate {
    pub id: String,
    pub name_ko: Option<String>,
    pub name_en: Option<String>,
    pub matched: Likeness,
    /// From 0 to 1; 1 for ids and exact names.
    pub likeness: f64,
}

/// Names less alike than this are not candidates: below it, a share of a common ending is all that is left.
const LEAST_LIKENESS: f64 = 0.3;

/// Letters of a name that are looked at; no company has as many.
const MAX_CHARS: usize = 200;
/// Names that begin alike are looked at up to this number.
const MAX_PREFIX: usize = 10_000;

impl Register {
    /// Companies that `name` may mean, in Korean or English, or by id; the likeliest first. Legal forms, blanks and
    /// case are ignored.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn find_companies(&self, name: &str, limit: usize) -> Result<Vec<Candidate>, Error> {
        let mut found: Vec<(String, Likeness, f64)> = Vec::new();
        let connection = self.connection.lock();
        let id = name.trim();
        let is_id = connection.prepare_cached("SELECT 1 FROM companies WHERE id = ?")?.exists([id])?;
        if is_id {
            found.push((id.to_owned(), Likeness::Id, 1.0));
        }
        let plain = plain_name(&name.chars().take(MAX_CHARS).collect::<String>());
        if !plain.is_empty() {
            for (company, other) in exact_and_prefix(&connection, &plain, limit)? {
                let matched = if other == plain { Likeness::Exact } else { Likeness::Prefix };
                let (a, b) = (grams(&plain), grams(&other));
                found.push((company, matched, jaccard(a.intersection(&b).count(), a.len(), b.len())));
            }
            if found.len() < limit {
                let alike = fuzzy(&connection, &plain)?;
                found.extend(alike.into_iter().map(|(company, likeness)| (company, Likeness::Fuzzy, likeness)));
            }
        }
        found.sort_by(|a, b| a.1.cmp(&b.1).then(b.2.total_cmp(&a.2)).then_with(|| a.0.cmp(&b.0)));
        let mut candidates: Vec<Candidate> = Vec::new();
        for (id, matched, likeness) in found {
            if candidates.len() == limit {
                break;
            }
            if candidates.iter().any(|candidate| candidate.id == id) {
                continue;
            }
            let mut names = connection.prepare_cached("SELECT name_ko, name_en FROM companies WHERE id = ?")?;
            let (name_ko, name_en) = names.query_row([&id], |row| Ok((row.get(0)?, row.get(1)?)))?;
            candidates.push(Candidate { id, name_ko, name_en, matched, likeness });
        }
        Ok(candidates)
    }
}

/// The shortest names first: they are the nearest to what was typed.
fn exact_and_prefix(connection: &Connection, plain: &str, limit: usize) -> rusqlite::Result<Vec<(String, String)>> {
    let mut statement = connection.prepare_cached(
        "SELECT company, plain FROM names WHERE plain >= ?1 AND plain < ?2 ORDER BY length(plain), company LIMIT ?3",
    )?;
    // The last character there is: it closes the range of all names that begin so.
    let end = format!("{plain}\u{10FFFF}");
    // Twice as many, as a company has two names.
    statement.query_map(params![plain, end, limit.min(MAX_PREFIX) * 2], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// Companies whose names share enough trigrams, with their likeness.
fn fuzzy(connection: &Connection, plain: &str) -> rusqlite::Result<Vec<(String, f64)>> {
    let wanted = grams(plain);
    let mut counted = connection.prepare_cached("SELECT COUNT(*) FROM name_grams WHERE gram = ?")?;
    let mut by_rarity = Vec::new();
    for gram in &wanted {
        let count: i64 = counted.query_row([gram], |row| row.get(0))?;
        by_rarity.push((count, gram));
    }
    by_rarity.sort();
    // Whoever is alike enough shares this many trigrams, so it has at least one of the rarest that are left without
    // them.
    let must_share = (LEAST_LIKENESS * wanted.len() as f64).ceil() as usize;
    let num_leading = wanted.len() + 1 - must_share.max(1);
    let mut having = connection.prepare_cached("SELECT name FROM name_grams WHERE gram = ?")?;
    let mut shared: HashMap<i64, usize> = HashMap::new();
    for (place, (_, gram)) in by_rarity.iter().enumerate() {
        let mut rows = having.query([gram])?;
        while let Some(row) = rows.next()? {
            let name: i64 = row.get(0)?;
            match place < num_leading {
                true => *shared.entry(name).or_default() += 1,
                false => {
                    shared.entry(name).and_modify(|count| *count += 1);
                }
            }
        }
    }
    let mut name = connection.prepare_cached("SELECT company, num_grams FROM names WHERE rowid = ?")?;
    let mut best: HashMap<String, f64> = HashMap::new();
    for (rowid, count) in shared {
        if count < must_share {
            continue;
        }
        let (company, num_grams): (String, usize) = name.query_row([rowid], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let likeness = jaccard(count, wanted.len(), num_grams);
        if likeness >= LEAST_LIKENESS {
            let kept = best.entry(company).or_insert(likeness);
            *kept = kept.max(likeness);
        }
    }
    Ok(best.into_iter().collect())
}
