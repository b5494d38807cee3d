//! Rows by key, date and code.

use jiff::civil::Date;
use rusqlite::types::{Type, Value};
use rusqlite::{OptionalExtension, Row, params};

use super::records::{
    Audit, Broker, Company, Declaration, Family, Holder, LedgerMonth, Party, PartyKind, Person, Query, Role, RoleKind,
    Seller,
};
use super::{Error, Register};

impl Register {
    /// # Errors
    /// [`Error::Sqlite`], here and below.
    pub fn company(&self, id: &str) -> Result<Option<Company>, Error> {
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached(&format!("{COMPANY} WHERE id = ?"))?;
        Ok(statement.query_row([id], company).optional()?)
    }

    pub fn companies(&self) -> Result<Vec<Company>, Error> {
        self.all(&format!("{COMPANY} ORDER BY id"), company)
    }

    pub fn people(&self) -> Result<Vec<Person>, Error> {
        self.all("SELECT id, name_ko, name_en FROM people ORDER BY id", person)
    }

    pub fn person(&self, id: &str) -> Result<Option<Person>, Error> {
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached("SELECT id, name_ko, name_en FROM people WHERE id = ?")?;
        Ok(statement.query_row([id], person).optional()?)
    }

    pub fn brokers(&self) -> Result<Vec<Broker>, Error> {
        self.all("SELECT id, name_ko, name_en FROM brokers ORDER BY id", |row| {
            Ok(Broker { id: row.get(0)?, name_ko: row.get(1)?, name_en: row.get(2)? })
        })
    }

    /// All roles, company by company.
    pub fn roles(&self) -> Result<Vec<Role>, Error> {
        self.all(&format!("{ROLE} ORDER BY company, role, person, holder"), role)
    }

    /// The roles in one company.
    pub fn roles_in(&self, company: &str) -> Result<Vec<Role>, Error> {
        let connection = self.connection.lock();
        let mut statement =
            connection.prepare_cached(&format!("{ROLE} WHERE company = ? ORDER BY role, person, holder"))?;
        Ok(statement.query_map([company], role)?.collect::<Result<_, _>>()?)
    }

    pub fn families(&self) -> Result<Vec<Family>, Error> {
        self.all("SELECT person, relative, relation FROM families ORDER BY person, relative", |row| {
            Ok(Family { person: row.get(0)?, relative: row.get(1)?, relation: row.get(2)? })
        })
    }

    pub fn sellers(&self) -> Result<Vec<Seller>, Error> {
        self.all(&format!("{SELLER} ORDER BY id"), seller)
    }

    pub fn seller(&self, id: &str) -> Result<Option<Seller>, Error> {
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached(&format!("{SELLER} WHERE id = ?"))?;
        Ok(statement.query_row([id], seller).optional()?)
    }

    /// The party of a kind that has this id, with what it is called.
    pub fn party_of(&self, kind: PartyKind, id: &str) -> Result<Option<Party>, Error> {
        let sql = match kind {
            PartyKind::Company => "SELECT name_ko, name_en FROM companies WHERE id = ?",
            PartyKind::Person => "SELECT name_ko, name_en FROM people WHERE id = ?",
            PartyKind::Seller => "SELECT NULL, name FROM sellers WHERE id = ?",
            PartyKind::Broker => "SELECT name_ko, name_en FROM brokers WHERE id = ?",
        };
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached(sql)?;
        let party = statement
            .query_row([id], |row| Ok(Party { kind, id: id.to_owned(), name_ko: row.get(0)?, name_en: row.get(1)? }));
        Ok(party.optional()?)
    }

    /// Whoever has this id, whatever it is; companies first.
    pub fn party(&self, id: &str) -> Result<Option<Party>, Error> {
        for kind in [PartyKind::Company, PartyKind::Person, PartyKind::Seller, PartyKind::Broker] {
            if let Some(party) = self.party_of(kind, id)? {
                return Ok(Some(party));
            }
        }
        Ok(None)
    }

    pub fn declaration(&self, id: &str) -> Result<Option<Declaration>, Error> {
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached(&format!("{DECLARATION} WHERE id = ?"))?;
        Ok(statement.query_row([id], declaration).optional()?)
    }

    /// Declarations that fit, at most `limit`: the newest first, and of a day the last of the table.
    pub fn declarations(&self, query: &Query) -> Result<Vec<Declaration>, Error> {
        let (condition, mut values) = condition(query);
        // The newest are picked within an index, and only their rows are read: a chapter has very many.
        let sql = format!(
            "{DECLARATION} WHERE rowid IN (SELECT rowid FROM declarations {condition} ORDER BY date DESC, rowid DESC LIMIT ?)
            ORDER BY date DESC, rowid DESC"
        );
        values.push(Value::Integer(i64::try_from(query.limit).unwrap_or(i64::MAX)));
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached(&sql)?;
        Ok(statement.query_map(rusqlite::params_from_iter(values), declaration)?.collect::<Result<_, _>>()?)
    }

    /// How many declarations fit, whatever the limit.
    pub fn count_declarations(&self, query: &Query) -> Result<usize, Error> {
        let (condition, values) = condition(query);
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached(&format!("SELECT COUNT(*) FROM declarations {condition}"))?;
        Ok(statement.query_row(rusqlite::params_from_iter(values), |row| row.get(0))?)
    }

    /// A company's months, the oldest first.
    pub fn ledger(&self, company: &str) -> Result<Vec<LedgerMonth>, Error> {
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached(
            "SELECT company, month, due_krw, paid_krw, days_late, arrears_krw FROM ledgers WHERE company = ? ORDER BY month",
        )?;
        let months = statement.query_map([company], |row| {
            Ok(LedgerMonth {
                company: row.get(0)?,
                month: month(row, 1)?,
                due_krw: row.get(2)?,
                paid_krw: row.get(3)?,
                days_late: row.get(4)?,
                arrears_krw: row.get(5)?,
            })
        })?;
        Ok(months.collect::<Result<_, _>>()?)
    }

    /// A company's audits, the oldest first.
    pub fn audits(&self, company: &str) -> Result<Vec<Audit>, Error> {
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached(&format!("{AUDIT} WHERE company = ? ORDER BY date"))?;
        Ok(statement.query_map(params![company], audit)?.collect::<Result<_, _>>()?)
    }

    pub fn all_audits(&self) -> Result<Vec<Audit>, Error> {
        self.all(&format!("{AUDIT} ORDER BY company, date"), audit)
    }

    pub(super) fn all<T>(&self, sql: &str, read: fn(&Row) -> rusqlite::Result<T>) -> Result<Vec<T>, Error> {
        let connection = self.connection.lock();
        let mut statement = connection.prepare(sql)?;
        Ok(statement.query_map([], read)?.collect::<Result<_, _>>()?)
    }
}

const COMPANY: &str =
    "SELECT id, name_ko, name_en, founded, closed, address_ko, address_en, phone, account FROM companies";
const ROLE: &str = "SELECT company, role, person, holder, share FROM roles";
const SELLER: &str = "SELECT id, name, country,
    (SELECT group_concat(company, ' ') FROM related_sellers WHERE seller = sellers.id) FROM sellers";
const DECLARATION: &str = "SELECT id, date, office, broker, importer, seller, related, transport, hs, item_en, item_ko,
    departure, origin, rate_type, rate, mass_kg, value_krw, duty_krw, fraud FROM declarations";
const AUDIT: &str = "SELECT company, date, finding, claimed_krw FROM audits";

/// The `WHERE` of a query, with what goes in.
fn condition(query: &Query) -> (String, Vec<Value>) {
    let mut terms = Vec::new();
    let mut values = Vec::new();
    let mut add = |term: &'static str, value: String| {
        terms.push(term);
        values.push(Value::Text(value));
    };
    if let Some(importer) = &query.importer {
        add("importer = ?", importer.clone());
    }
    if let Some(seller) = &query.seller {
        add("seller = ?", seller.clone());
    }
    if let Some(prefix) = &query.hs_prefix {
        add("hs >= ?", prefix.clone());
        // `:` follows `9`.
        add("hs < ?", format!("{prefix}:"));
    }
    if let Some(from) = query.from {
        add("date >= ?", from.to_string());
    }
    if let Some(to) = query.to {
        add("date <= ?", to.to_string());
    }
    let condition = if terms.is_empty() { String::new() } else { format!("WHERE {}", terms.join(" AND ")) };
    (condition, values)
}

fn company(row: &Row) -> rusqlite::Result<Company> {
    Ok(Company {
        id: row.get(0)?,
        name_ko: row.get(1)?,
        name_en: row.get(2)?,
        founded: optional_date(row, 3)?,
        closed: optional_date(row, 4)?,
        address_ko: row.get(5)?,
        address_en: row.get(6)?,
        phone: row.get(7)?,
        account: row.get(8)?,
    })
}

fn person(row: &Row) -> rusqlite::Result<Person> {
    Ok(Person { id: row.get(0)?, name_ko: row.get(1)?, name_en: row.get(2)? })
}

fn role(row: &Row) -> rusqlite::Result<Role> {
    let (person, holder): (Option<String>, Option<String>) = (row.get(2)?, row.get(3)?);
    let holder = match (person, holder) {
        (Some(person), _) => Holder::Person(person),
        (None, Some(company)) => Holder::Company(company),
        (None, None) => return Err(unreadable(2, "a role of nobody")),
    };
    let kind = match row.get_ref(1)?.as_str()? {
        "owner" => RoleKind::Owner,
        "officer" => RoleKind::Officer,
        _ => return Err(unreadable(1, "a role that is none")),
    };
    Ok(Role { company: row.get(0)?, kind, holder, share: row.get(4)? })
}

fn seller(row: &Row) -> rusqlite::Result<Seller> {
    let related: Option<String> = row.get(3)?;
    let related_to = related.iter().flat_map(|ids| ids.split(' ')).map(str::to_owned).collect();
    Ok(Seller { id: row.get(0)?, name: row.get(1)?, country: row.get(2)?, related_to })
}

fn declaration(row: &Row) -> rusqlite::Result<Declaration> {
    Ok(Declaration {
        id: row.get(0)?,
        date: date(row, 1)?,
        office: row.get(2)?,
        broker: row.get(3)?,
        importer: row.get(4)?,
        seller: row.get(5)?,
        related: row.get(6)?,
        transport: row.get(7)?,
        hs: row.get(8)?,
        item_en: row.get(9)?,
        item_ko: row.get(10)?,
        departure: row.get(11)?,
        origin: row.get(12)?,
        rate_type: row.get(13)?,
        rate: row.get(14)?,
        mass_kg: row.get(15)?,
        value_krw: row.get(16)?,
        duty_krw: row.get(17)?,
        fraud: row.get(18)?,
    })
}

fn audit(row: &Row) -> rusqlite::Result<Audit> {
    Ok(Audit { company: row.get(0)?, date: date(row, 1)?, finding: row.get(2)?, claimed_krw: row.get(3)? })
}

pub(super) fn date(row: &Row, at: usize) -> rusqlite::Result<Date> {
    row.get_ref(at)?.as_str()?.parse().map_err(|error| unreadable(at, error))
}

fn optional_date(row: &Row, at: usize) -> rusqlite::Result<Option<Date>> {
    let text: Option<String> = row.get(at)?;
    text.map(|text| text.parse().map_err(|error| unreadable(at, error))).transpose()
}

/// The first day of a month written `YYYY-MM`.
fn month(row: &Row, at: usize) -> rusqlite::Result<Date> {
    format!("{}-01", row.get_ref(at)?.as_str()?).parse().map_err(|error| unreadable(at, error))
}

fn unreadable(at: usize, why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(at, Type::Text, why.into())
}
