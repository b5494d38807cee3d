//! What each table holds, and what its rows must name: an id stands in its own table once, and whoever is named
//! elsewhere stands in one.

use std::collections::HashSet;
use std::path::Path;

use rusqlite::{CachedStatement, ErrorCode, ToSql, Transaction, params};

use super::super::Error;
use super::sheet::{Reason, Row, Sheet};
use super::{BadRows, Imported};

/// Ids that other tables may name. `None` where their table is not there: then every id is believed.
#[derive(Default)]
struct Known {
    companies: HashSet<String>,
    people: Option<HashSet<String>>,
    sellers: Option<HashSet<String>>,
    brokers: Option<HashSet<String>>,
}

/// Reads all tables of the folder in the order in which they name each other.
pub fn read_all(
    transaction: &Transaction,
    folder: &Path,
    imported: &mut Imported,
    bad: &mut BadRows,
) -> Result<(), Error> {
    let mut known = Known::default();
    let open = |file: &'static str, imported: &mut Imported| -> Result<Option<Sheet>, Error> {
        let sheet = Sheet::open(folder, file)?;
        if sheet.is_none() {
            imported.absent.push(file);
        }
        Ok(sheet)
    };
    let mut rows = Vec::new();
    if let Some(sheet) = open("companies.csv", imported)? {
        rows.push(("companies", companies(transaction, sheet, &mut known, bad)?));
    }
    if let Some(sheet) = open("people.csv", imported)? {
        let (count, ids) = named(transaction, sheet, "INSERT INTO people VALUES (?, ?, ?)", "person", bad)?;
        known.people = Some(ids);
        rows.push(("people", count));
    }
    if let Some(sheet) = open("roles.csv", imported)? {
        rows.push(("roles", roles(transaction, sheet, &known, bad)?));
    }
    if let Some(sheet) = open("families.csv", imported)? {
        rows.push(("families", families(transaction, sheet, &known, bad)?));
    }
    if let Some(sheet) = open("sellers.csv", imported)? {
        rows.push(("sellers", sellers(transaction, sheet, &mut known, bad)?));
    }
    if let Some(sheet) = open("brokers.csv", imported)? {
        let (count, ids) = named(transaction, sheet, "INSERT INTO brokers VALUES (?, ?, ?)", "broker", bad)?;
        known.brokers = Some(ids);
        rows.push(("brokers", count));
    }
    if let Some(sheet) = open("declarations.csv", imported)? {
        rows.push(("declarations", declarations(transaction, sheet, &known, bad)?));
    }
    if let Some(sheet) = open("ledgers.csv", imported)? {
        rows.push(("ledgers", ledgers(transaction, sheet, &known, bad)?));
    }
    if let Some(sheet) = open("audits.csv", imported)? {
        rows.push(("audits", audits(transaction, sheet, &known, bad)?));
    }
    imported.rows = rows;
    believe(transaction, &known)
}

/// Who is named and has no table of its own gets a row without a name.
fn believe(transaction: &Transaction, known: &Known) -> Result<(), Error> {
    if known.people.is_none() {
        let people = "SELECT person FROM roles UNION SELECT person FROM families UNION SELECT relative FROM families";
        transaction.execute_batch(&format!("INSERT OR IGNORE INTO people (id) {people}"))?;
    }
    if known.sellers.is_none() {
        transaction
            .execute_batch("INSERT INTO sellers (id) SELECT DISTINCT seller FROM declarations WHERE seller NOT NULL")?;
    }
    if known.brokers.is_none() {
        transaction
            .execute_batch("INSERT INTO brokers (id) SELECT DISTINCT broker FROM declarations WHERE broker NOT NULL")?;
    }
    Ok(())
}

/// Inserts a row whose first value is its id; that an id stands there already is a reason against the row.
fn insert(statement: &mut CachedStatement, values: &[&dyn ToSql], id: &str) -> Result<Result<(), Reason>, Error> {
    match statement.execute(values) {
        Ok(_) => Ok(Ok(())),
        Err(rusqlite::Error::SqliteFailure(error, _)) if error.code == ErrorCode::ConstraintViolation => {
            Ok(Err(format!("`{id}` is there already")))
        }
        Err(error) => Err(error.into()),
    }
}

/// `Err` where the table of such ids is there and has not this one.
fn must_know(ids: Option<&HashSet<String>>, what: &str, id: &str) -> Result<(), Reason> {
    match ids {
        Some(ids) if !ids.contains(id) => Err(format!("no {what} is called `{id}`")),
        _ => Ok(()),
    }
}

/// Lets a row be read with `?` for reasons while failures of the register go on outward.
fn reading<T>(read: impl FnOnce() -> Result<T, Reason>) -> Result<T, Reason> {
    read()
}

fn companies(transaction: &Transaction, sheet: Sheet, known: &mut Known, bad: &mut BadRows) -> Result<usize, Error> {
    let id = sheet.required("company")?;
    let [name_ko, name_en, founded, closed] =
        ["name_ko", "name_en", "founded", "closed"].map(|name| sheet.optional(name));
    let rest = ["address_ko", "address_en", "phone", "account"].map(|name| sheet.optional(name));
    let mut statement = transaction.prepare_cached("INSERT INTO companies VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
    sheet.each(bad, |row| {
        let read = reading(|| {
            let (founded, closed) = (row.date(founded)?, row.date(closed)?);
            match (founded, closed) {
                (Some(founded), Some(closed)) if closed < founded => {
                    Err(format!("it closed on {closed}, before it was founded on {founded}"))
                }
                _ => Ok((row.needed(id)?, founded.map(|day| day.to_string()), closed.map(|day| day.to_string()))),
            }
        });
        let (id, founded, closed) = match read {
            Ok(read) => read,
            Err(reason) => return Ok(Err(reason)),
        };
        known.companies.insert(id.to_owned());
        let [address_ko, address_en, phone, account] = rest.map(|column| row.text(column));
        let values =
            params![id, row.text(name_ko), row.text(name_en), founded, closed, address_ko, address_en, phone, account];
        insert(&mut statement, values, id)
    })
}

/// People and brokers: an id and two names.
fn named(
    transaction: &Transaction,
    sheet: Sheet,
    sql: &str,
    id: &'static str,
    bad: &mut BadRows,
) -> Result<(usize, HashSet<String>), Error> {
    let id = sheet.required(id)?;
    let [name_ko, name_en] = ["name_ko", "name_en"].map(|name| sheet.optional(name));
    let mut statement = transaction.prepare_cached(sql)?;
    let mut ids = HashSet::new();
    let count = sheet.each(bad, |row| {
        let id = match row.needed(id) {
            Ok(id) => id,
            Err(reason) => return Ok(Err(reason)),
        };
        ids.insert(id.to_owned());
        insert(&mut statement, params![id, row.text(name_ko), row.text(name_en)], id)
    })?;
    Ok((count, ids))
}

fn roles(transaction: &Transaction, sheet: Sheet, known: &Known, bad: &mut BadRows) -> Result<usize, Error> {
    let [company, role] = [sheet.required("company")?, sheet.required("role")?];
    let [person, holder, share] = ["person", "holder", "share"].map(|name| sheet.optional(name));
    let mut statement = transaction.prepare_cached("INSERT INTO roles VALUES (?, ?, ?, ?, ?)")?;
    let read = |row: &Row| -> Result<_, Reason> {
        let (company, role) = (row.needed(company)?.to_owned(), row.needed(role)?.to_owned());
        must_know(Some(&known.companies), "company", &company)?;
        if !matches!(role.as_str(), "officer" | "owner") {
            return Err(format!("`role` is `{role}`, and must be `officer` or `owner`"));
        }
        let (person, holder) = (row.text(person).map(str::to_owned), row.text(holder).map(str::to_owned));
        match (&person, &holder) {
            (Some(person), None) => must_know(known.people.as_ref(), "person", person)?,
            (None, Some(holder)) => must_know(Some(&known.companies), "company", holder)?,
            _ => return Err("one of `person` and `holder` must be given, and not both".into()),
        }
        let share = row.number(share, 1.0, "a share from 0 to 1")?;
        Ok((company, role, person, holder, share))
    };
    sheet.each(bad, |row| {
        Ok(match read(&row) {
            Ok((company, role, person, holder, share)) => {
                statement.execute(params![company, role, person, holder, share]).map(|_| Ok(()))?
            }
            Err(reason) => Err(reason),
        })
    })
}

fn families(transaction: &Transaction, sheet: Sheet, known: &Known, bad: &mut BadRows) -> Result<usize, Error> {
    let [person, relative] = [sheet.required("person")?, sheet.required("relative")?];
    let relation = sheet.optional("relation");
    let mut statement = transaction.prepare_cached("INSERT INTO families VALUES (?, ?, ?)")?;
    sheet.each(bad, |row| {
        let read = reading(|| {
            let (person, relative) = (row.needed(person)?, row.needed(relative)?);
            must_know(known.people.as_ref(), "person", person)?;
            must_know(known.people.as_ref(), "person", relative)?;
            Ok((person, relative))
        });
        Ok(match read {
            Ok((person, relative)) => {
                statement.execute(params![person, relative, row.text(relation)]).map(|_| Ok(()))?
            }
            Err(reason) => Err(reason),
        })
    })
}

fn sellers(transaction: &Transaction, sheet: Sheet, known: &mut Known, bad: &mut BadRows) -> Result<usize, Error> {
    let id = sheet.required("seller")?;
    let [name, country, related_to] = ["name", "country", "related_to"].map(|name| sheet.optional(name));
    let mut statement = transaction.prepare_cached("INSERT INTO sellers VALUES (?, ?, ?)")?;
    let mut related = transaction.prepare_cached("INSERT INTO related_sellers VALUES (?, ?)")?;
    let companies = &known.companies;
    let mut ids = HashSet::new();
    let count = sheet.each(bad, |row| {
        let read = reading(|| {
            let companies_named: Vec<&str> = row.text(related_to).unwrap_or_default().split_whitespace().collect();
            companies_named.iter().try_for_each(|company| must_know(Some(companies), "company", company))?;
            Ok((row.needed(id)?, companies_named))
        });
        let (id, companies_named) = match read {
            Ok(read) => read,
            Err(reason) => return Ok(Err(reason)),
        };
        ids.insert(id.to_owned());
        for company in companies_named {
            related.execute([id, company])?;
        }
        insert(&mut statement, params![id, row.text(name), row.text(country)], id)
    })?;
    known.sellers = Some(ids);
    Ok(count)
}

fn declarations(transaction: &Transaction, sheet: Sheet, known: &Known, bad: &mut BadRows) -> Result<usize, Error> {
    let id = sheet.required("declaration")?;
    let [day, importer, hs, value] =
        [sheet.required("date")?, sheet.required("importer")?, sheet.required("hs")?, sheet.required("value_krw")?];
    let [office, broker, seller, related, transport] =
        ["office", "broker", "seller", "related", "transport"].map(|name| sheet.optional(name));
    let [item_en, item_ko, departure, origin, rate_type] =
        ["item_en", "item_ko", "departure", "origin", "rate_type"].map(|name| sheet.optional(name));
    let [rate, mass, duty, fraud] = ["rate", "mass_kg", "duty_krw", "fraud"].map(|name| sheet.optional(name));
    let mut statement = transaction
        .prepare_cached("INSERT INTO declarations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
    sheet.each(bad, |row| {
        let read = reading(|| {
            let (id, importer) = (row.needed(id)?, row.needed(importer)?);
            must_know(Some(&known.companies), "company", importer)?;
            let (broker, seller) = (row.text(broker), row.text(seller));
            broker.map_or(Ok(()), |broker| must_know(known.brokers.as_ref(), "broker", broker))?;
            seller.map_or(Ok(()), |seller| must_know(known.sellers.as_ref(), "seller", seller))?;
            row.needed(day)?;
            let day = row.date(day)?.map(|day| day.to_string());
            let hs = row.hs(hs)?;
            let rate = row.number(rate, 1_000.0, "a percentage from 0 to 1000")?;
            let mass = row.number(mass, 1e12, "kilograms from 0 on")?;
            let (value, duty) = (row.needed_won(value)?, row.won(duty)?);
            Ok((id, day, broker, importer, seller, hs, rate, mass, value, duty, row.flag(related)?, row.flag(fraud)?))
        });
        let (id, day, broker, importer, seller, hs, rate, mass, value, duty, related, fraud) = match read {
            Ok(read) => read,
            Err(reason) => return Ok(Err(reason)),
        };
        let [office, transport, item_en, item_ko] =
            [office, transport, item_en, item_ko].map(|column| row.text(column));
        let [departure, origin, rate_type] = [departure, origin, rate_type].map(|column| row.text(column));
        let values = params![
            id, day, office, broker, importer, seller, related, transport, hs, item_en, item_ko, departure, origin,
            rate_type, rate, mass, value, duty, fraud
        ];
        insert(&mut statement, values, id)
    })
}

fn ledgers(transaction: &Transaction, sheet: Sheet, known: &Known, bad: &mut BadRows) -> Result<usize, Error> {
    let [company, month, days_late] =
        [sheet.required("company")?, sheet.required("month")?, sheet.required("days_late")?];
    let [due, paid, arrears] =
        [sheet.required("due_krw")?, sheet.required("paid_krw")?, sheet.required("arrears_krw")?];
    let mut statement = transaction.prepare_cached("INSERT INTO ledgers VALUES (?, ?, ?, ?, ?, ?)")?;
    sheet.each(bad, |row| {
        let read = reading(|| {
            let company = row.needed(company)?;
            must_know(Some(&known.companies), "company", company)?;
            let [due, paid, arrears] = [row.needed_won(due)?, row.needed_won(paid)?, row.needed_won(arrears)?];
            Ok((company, row.month(month)?, due, paid, row.count(days_late)?, arrears))
        });
        Ok(match read {
            Ok((company, month, due, paid, days_late, arrears)) => {
                statement.execute(params![company, month, due, paid, days_late, arrears]).map(|_| Ok(()))?
            }
            Err(reason) => Err(reason),
        })
    })
}

fn audits(transaction: &Transaction, sheet: Sheet, known: &Known, bad: &mut BadRows) -> Result<usize, Error> {
    let [company, day, finding] = [sheet.required("company")?, sheet.required("date")?, sheet.required("finding")?];
    let claimed = sheet.required("claimed_krw")?;
    let mut statement = transaction.prepare_cached("INSERT INTO audits VALUES (?, ?, ?, ?)")?;
    sheet.each(bad, |row| {
        let read = reading(|| {
            let company = row.needed(company)?;
            must_know(Some(&known.companies), "company", company)?;
            row.needed(day)?;
            Ok((company, row.date(day)?.map(|day| day.to_string()), row.needed(finding)?, row.needed_won(claimed)?))
        });
        Ok(match read {
            Ok((company, day, finding, claimed)) => {
                statement.execute(params![company, day, finding, claimed]).map(|_| Ok(()))?
            }
            Err(reason) => Err(reason),
        })
    })
}
