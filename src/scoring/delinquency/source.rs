//! Tables to histories.
//!
//! In: a folder of tables, or their files. Out: one [`History`] a company, reaching to the end of the ledgers. Rows that
//! cannot be used are counted table by table. A company that was founded within a year after another closed, and shares
//! its phone, address or account, is taken to have risen from it.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use jiff::civil::Date;

use super::history::{Audit, Due, Firm, History, Predecessor, Trade};
use super::month::Month;
use super::tables::{Kind, Tables};
use crate::scoring::Error;
use crate::scoring::mapping::Mapping;
use crate::scoring::report::FileRead;
use crate::scoring::table::{Categories, Purpose, Reason, Refused, Table, read_whole, usable};

/// What tables hold.
pub struct World {
    /// In the order of their names; each as of the last month of the ledgers.
    pub companies: Vec<Known>,
    pub first: Month,
    pub last: Month,
    pub files: Vec<FileRead>,
    pub warnings: Vec<String>,
}

/// A company.
pub struct Known {
    pub history: History,
    /// The probabilities of a default in the six months after each, which only an invented world knows.
    pub planted: HashMap<Month, f64>,
}

/// How tables are read.
pub struct Reading<'a> {
    pub tables: &'a Tables,
    /// No row may be dated later.
    pub today: Date,
    /// Rows of a table that may be left out.
    pub max_bad_rows: usize,
}

/// Endings of files that are tables.
const ENDINGS: [&str; 2] = ["csv", "parquet"];
/// Days between a closing and a founding that may belong together.
const RISE: i32 = 365;

/// Reads the tables of a folder, or those given as files.
///
/// # Errors
/// A table that is missing, there twice, or cannot be used.
pub fn read(paths: &[PathBuf], reading: &Reading<'_>) -> Result<World, Error> {
    let found = find(paths)?;
    let mut files = Vec::new();
    let mut read = |kind: Kind| -> Result<Option<Table>, Error> {
        let (Some(path), Some(mapping)) = (found.get(&kind), reading.tables.mapping(kind)) else { return Ok(None) };
        let (table, sha256) = read_whole(path, &mapping, Purpose::Learn { today: reading.today })?;
        let name = path.display().to_string();
        let table = usable(without_gaps(table, kind, &mapping), &name, reading.max_bad_rows)?;
        let refused = table.refused.clone();
        files.push(FileRead { part: kind.name().into(), name, sha256, rows: table.num_rows(), refused });
        Ok(Some(table))
    };
    let (Some(ledgers), Some(companies)) = (read(Kind::Ledgers)?, read(Kind::Companies)?) else {
        unreachable!("`find` sees to the tables that are needed, and every mapping has them");
    };
    let (declarations, audits) = (read(Kind::Declarations)?, read(Kind::Audits)?);
    Ok(assemble(&ledgers, &companies, declarations.as_ref(), audits.as_ref(), files))
}

/// The file of each table.
fn find(paths: &[PathBuf]) -> Result<BTreeMap<Kind, PathBuf>, Error> {
    let mut found = BTreeMap::new();
    let mut add = |kind: Kind, path: PathBuf| match found.insert(kind, path) {
        Some(first) => Err(Error::TableTwice { table: kind.name(), first, second: found[&kind].clone() }),
        None => Ok(()),
    };
    for path in paths {
        if path.is_dir() {
            for kind in Kind::ALL {
                let candidates = ENDINGS.map(|ending| path.join(kind.name()).with_extension(ending));
                candidates.into_iter().filter(|file| file.is_file()).try_for_each(|file| add(kind, file))?;
            }
            continue;
        }
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == stem);
        add(kind.ok_or_else(|| Error::NoSuchTable { name: path.display().to_string() })?, path.clone())?;
    }
    for kind in Kind::ALL.into_iter().filter(|kind| kind.is_needed()) {
        if !found.contains_key(&kind) {
            let given = paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join("`, `");
            return Err(Error::TableMissing { table: kind.name(), given });
        }
    }
    Ok(found)
}

/// The rows that have all a history needs, and each month of a company once; the others are refused.
fn without_gaps(table: Table, kind: Kind, mapping: &Mapping) -> Table {
    let header =
        |name: &str| mapping.column(name).map_or_else(|| name.to_owned(), |column| column.headers.join("` or `"));
    let numbers: &[&str] = match kind {
        Kind::Ledgers => &["month", "due", "paid", "days_late"],
        Kind::Companies => &[],
        Kind::Declarations => &["date", "value", "duty"],
        Kind::Audits => &["date", "claimed"],
    };
    let mut seen = HashMap::new();
    let mut refused = Vec::new();
    let mut kept = Vec::new();
    for row in 0..table.num_rows() {
        let company = table.categories.get("company").map(|column| column.text(row));
        let missing = numbers.iter().find(|name| table.numbers[**name][row].is_nan()).copied();
        let missing = missing.or_else(|| (company == Some("")).then_some("company"));
        let mut reason = missing.map(|name| Reason::Empty { column: header(name) });
        if let (Kind::Ledgers, Some(company), None) = (kind, company, &reason) {
            let month = table.numbers["month"][row] as i32;
            if let Some(first) = seen.insert((company, month), table.lines[row]) {
                let column = format!("{}` and `{}", header("company"), header("month"));
                let key = format!("{company} {}", Month::from_count(month));
                seen.insert((company, month), first);
                reason = Some(Reason::DuplicateKey { column, key, first });
            }
        }
        match reason {
            Some(reason) => refused.push(Refused { line: table.lines[row], reason }),
            None => kept.push(row),
        }
    }
    if refused.is_empty() {
        return table;
    }
    let mut picked = table.pick(&kept);
    picked.refused = table.refused;
    picked.refused.extend(refused);
    picked.refused.sort_by_key(|refused| refused.line);
    picked
}

fn assemble(
    ledgers: &Table,
    companies: &Table,
    declarations: Option<&Table>,
    audits: Option<&Table>,
    files: Vec<FileRead>,
) -> World {
    let months = || ledgers.numbers["month"].iter().map(|month| Month::from_count(*month as i32));
    let first = months().min().expect("a table that is usable has rows");
    let last = months().max().expect("a table that is usable has rows");
    let mut known: BTreeMap<String, Known> = BTreeMap::new();
    let new = |company: &str, firm: Firm| Known {
        history: History {
            company: company.into(),
            as_of: last,
            dues: Vec::new(),
            trade: declarations.map(|_| Vec::new()),
            audits: audits.map(|_| Vec::new()),
            firm,
        },
        planted: HashMap::new(),
    };
    for (row, company) in companies.keys.iter().enumerate() {
        let day = |name: &str| companies.numbers.get(name).and_then(|days| date(days[row]));
        let firm = Firm { founded: day("founded"), closed: day("closed"), risen_from: None };
        known.insert(company.clone(), new(company, firm));
    }
    let num_companies = known.len();
    let mut of = |column: &Categories, row: usize, put: &mut dyn FnMut(&mut Known)| {
        let company = column.text(row);
        if !known.contains_key(company) {
            known.insert(company.to_owned(), new(company, Firm::default()));
        }
        if let Some(company) = known.get_mut(company) {
            put(company);
        }
    };
    for (row, month) in months().enumerate() {
        let number = |name: &str| ledgers.numbers[name][row];
        let due = Due { month, due: number("due"), paid: number("paid"), days_late: number("days_late") };
        of(&ledgers.categories["company"], row, &mut |company| {
            company.history.dues.push(due);
            if let Some(planted) = ledgers.truth.get(row) {
                company.planted.insert(month, *planted);
            }
        });
    }
    if let Some(table) = declarations {
        for row in 0..table.num_rows() {
            let number = |name: &str| table.numbers[name][row];
            let goods = table.categories.get("goods").map(|goods| goods.text(row));
            let Some(day) = date(number("date")) else { continue };
            of(&table.categories["company"], row, &mut |company| {
                let months = company.history.trade.get_or_insert_default();
                declare(months, Month::of(day), number("value"), number("duty"), goods);
            });
        }
    }
    if let Some(table) = audits {
        for row in 0..table.num_rows() {
            let Some(date) = date(table.numbers["date"][row]) else { continue };
            let audit = Audit { date, claimed: table.numbers["claimed"][row] };
            of(&table.categories["company"], row, &mut |company| {
                company.history.audits.get_or_insert_default().push(audit);
            });
        }
    }
    let strangers = known.len() - num_companies;
    let mut warnings = Vec::new();
    if strangers > 0 {
        warnings.push(format!(
            "{strangers} companies stand in other tables and not in `companies`: their age is not known"
        ));
    }
    let mut companies_known: Vec<Known> = known.into_values().collect();
    for known in &mut companies_known {
        known.history.dues.sort_by_key(|due| due.month);
        known.history.trade.iter_mut().for_each(|trade| trade.sort_by_key(|month| month.month));
        known.history.audits.iter_mut().for_each(|audits| audits.sort_by_key(|audit| audit.date));
    }
    link(&mut companies_known, companies);
    World { companies: companies_known, first, last, files, warnings }
}

/// Adds a declaration to its month.
fn declare(months: &mut Vec<Trade>, month: Month, value: f64, duty: f64, goods: Option<&str>) {
    // Tables are mostly in order of time, so the month is mostly the last one.
    let at = months.iter().rposition(|trade| trade.month == month).unwrap_or_else(|| {
        months.push(Trade { month, declarations: 0, value: 0.0, duty: 0.0, goods: Vec::new() });
        months.len() - 1
    });
    let trade = &mut months[at];
    trade.declarations += 1;
    trade.value += value;
    trade.duty += duty;
    let Some(heading) = goods.and_then(|goods| goods.get(..4)) else { return };
    match trade.goods.iter_mut().find(|(known, _)| known == heading) {
        Some((_, sum)) => *sum += value,
        None => trade.goods.push((heading.into(), value)),
    }
}

/// Finds out which companies rose from which.
fn link(known: &mut [Known], companies: &Table) {
    let at: HashMap<&str, usize> =
        companies.keys.iter().enumerate().map(|(row, company)| (company.as_str(), row)).collect();
    let place: HashMap<String, usize> =
        known.iter().enumerate().map(|(place, known)| (known.history.company.clone(), place)).collect();
    let marks = ["phone", "address", "account"].map(|name| companies.categories.get(name));
    let day = |name: &str, row: usize| companies.numbers.get(name).map(|days| days[row]).filter(|day| !day.is_nan());
    let mut closed: HashMap<(usize, &str), Vec<usize>> = HashMap::new();
    for row in (0..companies.num_rows()).filter(|row| day("closed", *row).is_some()) {
        for (mark, column) in marks.iter().enumerate() {
            if let Some(text) = column.map(|column| column.text(row)).filter(|text| !text.is_empty()) {
                closed.entry((mark, text)).or_default().push(row);
            }
        }
    }
    let mut links = Vec::new();
    for (company, row) in &at {
        let Some(founded) = day("founded", *row) else { continue };
        let shared =
            marks.iter().enumerate().filter_map(|(mark, column)| closed.get(&(mark, column.as_ref()?.text(*row))));
        let rows = shared.flatten().filter(|other| {
            let gap = founded - day("closed", **other).unwrap_or(f64::NAN);
            *other != row && (0.0..=f64::from(RISE)).contains(&gap)
        });
        // The one that closed last; of those of one day the first by name, so that the order of rows does not matter.
        let last = rows.max_by(|a, b| {
            let days = [day("closed", **a), day("closed", **b)].map(|day| day.unwrap_or(f64::NAN));
            days[0].total_cmp(&days[1]).then_with(|| companies.keys[**b].cmp(&companies.keys[**a]))
        });
        if let Some(from) = last {
            links.push((place[*company], place[companies.keys[*from].as_str()]));
        }
    }
    for (risen, from) in links {
        let Known { history: History { company, dues, .. }, .. } = &known[from];
        let predecessor = Predecessor { company: company.clone(), dues: dues.clone() };
        known[risen].history.firm.risen_from = Some(predecessor);
    }
}

/// The date of a day since 1970; `None` for a missing one.
fn date(days: f64) -> Option<Date> {
    let span = jiff::Span::new().try_days(days as i64).ok().filter(|_| days.is_finite())?;
    Date::constant(1970, 1, 1).checked_add(span).ok()
}
