//! A table read through a mapping: rows as columns of numbers and categories.
//!
//! In: CSV, streamed, or Parquet, known by its first bytes. Out: [`Table`]s of at most as many rows as asked for. What makes
//! the whole file unusable is an error; a row that cannot be used stands in [`Table::refused`] with its line and its
//! reason, and whoever asked decides how many of those are too many. A row of Parquet has the line that it would have in
//! CSV. Knows nothing of models.

mod encoding;
mod field;
mod parquet;
mod whole;

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{Chain, Cursor, Read};

use super::Error;
use super::mapping::{Column, Mapping, Role};
use encoding::Wrong;
use field::Field;
use jiff::civil::Date;

pub(super) use encoding::Decoder;
pub use encoding::Encoding;
pub(super) use field::days_since_1970;
pub use field::{Reason, Refused};
pub(super) use whole::{read_whole, usable};

/// What the rows are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Labels, dates and keys must be there; no key may come twice, no date after `today`.
    Learn { today: Date },
    /// Only the inputs must be there.
    Score,
    /// Dates must be there as well; labels are read where the file has them, and may be empty.
    Review { today: Date },
}

impl Purpose {
    fn today(self) -> Option<Date> {
        match self {
            Self::Learn { today } | Self::Review { today } => Some(today),
            Self::Score => None,
        }
    }
}

/// Rows of a file.
#[derive(Debug, Default)]
pub struct Table {
    /// Line of each row in its file; the header is line 1.
    pub lines: Vec<u64>,
    pub keys: Vec<String>,
    /// Empty where only scores are asked for.
    pub dates: Vec<Date>,
    /// Empty unless the rows are to learn from.
    pub labels: Vec<bool>,
    /// Labels that may be unknown, of rows that are reviewed; empty where the file has none.
    pub findings: Vec<Option<bool>>,
    /// The probabilities that labels were drawn with; empty where the mapping or the file has none.
    pub truth: Vec<f64>,
    /// What was assessed upon a finding; missing where nothing was said. Empty where the file has no such column.
    pub amounts: Vec<f64>,
    /// What findings would bring; empty as `truth` is.
    pub amount_truth: Vec<f64>,
    /// Days and months among them, counted from 1970-01-01 and from the year 0.
    pub numbers: HashMap<String, Vec<f64>>,
    pub categories: HashMap<String, Categories>,
    pub refused: Vec<Refused>,
}

/// A column of texts, each kept once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Categories {
    /// Place in `texts`, one a row.
    pub codes: Vec<u32>,
    /// The empty text stands for a missing one.
    pub texts: Vec<String>,
}

/// Reads a table piece by piece.
pub struct Reader<'a, R> {
    source: Source<R>,
    /// As the user knows the file.
    name: String,
    mapping: &'a Mapping,
    /// Place of each column of the mapping in the file, and its header.
    places: Vec<Option<(usize, String)>>,
    purpose: Purpose,
    seen: HashMap<String, u64>,
}

/// Where rows come from.
enum Source<R> {
    Csv(Box<Csv<R>>),
    Parquet { rows: parquet::Rows, line: u64 },
}

struct Csv<R> {
    /// The first bytes were looked at already.
    rows: csv::Reader<Chain<Cursor<Vec<u8>>, R>>,
    record: csv::ByteRecord,
    decoder: Decoder,
    num_fields: usize,
}

impl<'a, R: Read> Reader<'a, R> {
    /// Reads the header of the file called `name`.
    ///
    /// # Errors
    /// A file that is empty, is neither text nor Parquet, lacks a column, or has one twice or of a type that does not fit.
    pub fn open(mut source: R, name: &str, mapping: &'a Mapping, purpose: Purpose) -> Result<Self, Error> {
        let unreadable = |source| Error::Unreadable { name: name.into(), source };
        let mut head = Vec::new();
        source.by_ref().take(parquet::MAGIC.len() as u64).read_to_end(&mut head).map_err(unreadable)?;
        if head != parquet::MAGIC {
            let (csv, headers) = Csv::open(Cursor::new(head).chain(source), name)?;
            let places = places(&headers, name, mapping, purpose)?;
            let source = Source::Csv(Box::new(csv));
            return Ok(Self { source, name: name.into(), mapping, places, purpose, seen: HashMap::new() });
        }
        source.read_to_end(&mut head).map_err(unreadable)?;
        let mut rows = parquet::Rows::open(head, name)?;
        let places = places(&rows.headers(), name, mapping, purpose)?;
        let needed = mapping.columns.iter().zip(&places).filter(|(column, _)| is_read(column, purpose));
        let wanted = needed.filter_map(|(column, place)| Some((place.as_ref()?.0, &column.role)));
        rows.want(&wanted.collect::<Vec<_>>())?;
        let source = Source::Parquet { rows, line: 1 };
        Ok(Self { source, name: name.into(), mapping, places, purpose, seen: HashMap::new() })
    }

    /// The next rows, at most `max_rows` with those that cannot be used; no rows at all at the end of the file.
    ///
    /// # Errors
    /// A file that breaks off, or that changes its encoding.
    pub fn read(&mut self, max_rows: usize) -> Result<Table, Error> {
        let mut rows = Rows::new(self.mapping);
        while rows.table.lines.len() + rows.table.refused.len() < max_rows {
            let Some(line) = self.source.advance(&self.name)? else { break };
            if let Err(reason) = self.row(line, &mut rows) {
                rows.table.refused.push(Refused { line, reason });
            }
        }
        Ok(rows.finish())
    }

    /// Reads one row; nothing of it is kept unless all of it can be used.
    fn row(&mut self, line: u64, rows: &mut Rows) -> Result<(), Reason> {
        self.source.check()?;
        rows.begin();
        for (column, place) in self.mapping.columns.iter().zip(&self.places) {
            let Some((place, header)) = place.as_ref().filter(|_| is_read(column, self.purpose)) else { continue };
            let text = self.source.text(*place);
            let field = Field { header, text: text.trim() };
            match (&column.role, self.purpose) {
                (Role::Key, _) => rows.key = field.text.to_owned(),
                (Role::Date, Purpose::Learn { today } | Purpose::Review { today }) => {
                    rows.date = Some(field.date(today)?);
                }
                (Role::Label { positive, negative }, Purpose::Learn { .. }) => {
                    rows.label = Some(field.label(positive, negative)?);
                }
                (Role::Label { positive, negative }, Purpose::Review { .. }) => {
                    let is_known = !field.text.is_empty();
                    rows.finding = Some(is_known.then(|| field.label(positive, negative)).transpose()?);
                }
                (Role::Number { at_least }, _) => rows.numbers.push(field.number(*at_least)?),
                (Role::Day, purpose) => rows.numbers.push(field.day(purpose.today())?),
                (Role::Month, purpose) => rows.numbers.push(field.month(purpose.today())?),
                (Role::Truth, Purpose::Learn { .. }) => rows.truth = Some(field.number(Some(0.0))?),
                (Role::Amount, Purpose::Learn { .. }) => rows.amount = Some(field.number(Some(0.0))?),
                (Role::AmountTruth, Purpose::Learn { .. }) => rows.amount_truth = Some(field.number(Some(0.0))?),
                (Role::Category, _) => rows.texts.push(field.text.to_owned()),
                (Role::Hs, _) => rows.texts.push(field.hs()?),
                (Role::Date | Role::Label { .. }, Purpose::Score)
                | (Role::Truth | Role::Amount | Role::AmountTruth, Purpose::Score | Purpose::Review { .. })
                | (Role::Unused { .. }, _) => {}
            }
        }
        if let Purpose::Learn { .. } = self.purpose {
            self.claim_key(&rows.key, line)?;
        }
        rows.commit(line);
        Ok(())
    }

    fn claim_key(&mut self, key: &str, line: u64) -> Result<(), Reason> {
        let Some(at) = self.mapping.columns.iter().position(|column| column.role == Role::Key) else { return Ok(()) };
        let header = self.places[at].as_ref().map_or("", |(_, header)| header);
        if key.is_empty() {
            return Err(Reason::Empty { column: header.into() });
        }
        if let Some(first) = self.seen.get(key) {
            return Err(Reason::DuplicateKey { column: header.into(), key: key.into(), first: *first });
        }
        self.seen.insert(key.to_owned(), line);
        Ok(())
    }
}

impl<R: Read> Csv<R> {
    fn open(source: Chain<Cursor<Vec<u8>>, R>, name: &str) -> Result<(Self, Vec<String>), Error> {
        let mut rows = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(source);
        let mut decoder = Decoder::default();
        let mut header = csv::ByteRecord::new();
        if !rows.read_byte_record(&mut header).map_err(|source| unreadable(name, source))? {
            return Err(Error::NoRows { name: name.into() });
        }
        if header.as_slice().contains(&0) {
            return Err(Error::NotCsv { name: name.into() });
        }
        settle(&mut decoder, &header, name, 1)?;
        let headers: Vec<String> = header
            .iter()
            .enumerate()
            .map(|(at, field)| {
                let text = decoder.text(field);
                let text = if at == 0 { text.trim_start_matches('\u{feff}') } else { &text };
                text.trim().to_owned()
            })
            .collect();
        Ok((Self { rows, record: csv::ByteRecord::new(), decoder, num_fields: headers.len() }, headers))
    }
}

impl<R: Read> Source<R> {
    /// Goes to the next row and says its line.
    fn advance(&mut self, name: &str) -> Result<Option<u64>, Error> {
        match self {
            Self::Csv(csv) => {
                let Csv { rows, record, decoder, .. } = &mut **csv;
                if !rows.read_byte_record(record).map_err(|source| unreadable(name, source))? {
                    return Ok(None);
                }
                let line = record.position().map_or(0, csv::Position::line);
                settle(decoder, record, name, line)?;
                Ok(Some(line))
            }
            Self::Parquet { rows, line } => {
                *line += 1;
                Ok(rows.advance()?.then_some(*line))
            }
        }
    }

    /// Whether the row has as many fields as there are headers.
    fn check(&self) -> Result<(), Reason> {
        match self {
            Self::Csv(csv) if csv.record.len() != csv.num_fields => {
                Err(Reason::Fields { expected: csv.num_fields, found: csv.record.len() })
            }
            _ => Ok(()),
        }
    }

    fn text(&self, place: usize) -> Cow<'_, str> {
        match self {
            Self::Csv(csv) => csv.decoder.text(&csv.record[place]),
            Self::Parquet { rows, .. } => rows.text(place).into(),
        }
    }
}

/// Where each column of the mapping stands in the file.
fn places(
    headers: &[String],
    name: &str,
    mapping: &Mapping,
    purpose: Purpose,
) -> Result<Vec<Option<(usize, String)>>, Error> {
    let mut places = Vec::new();
    let mut missing = Vec::new();
    for column in &mapping.columns {
        let found: Vec<usize> = (0..headers.len()).filter(|at| column.headers.contains(&headers[*at])).collect();
        match found.as_slice() {
            [] if is_needed(column, purpose) => missing.push(column.headers.join("` or `")),
            [first, second, ..] => {
                return Err(Error::ColumnTwice {
                    name: name.into(),
                    column: column.name.clone(),
                    first: headers[*first].clone(),
                    second: headers[*second].clone(),
                });
            }
            _ => {}
        }
        places.push(found.first().map(|at| (*at, headers[*at].clone())));
    }
    if missing.is_empty() {
        return Ok(places);
    }
    Err(Error::MissingColumns {
        name: name.into(),
        mapping: mapping.name.clone(),
        missing: missing.iter().map(|headers| format!("`{headers}`")).collect::<Vec<_>>().join(", "),
        found: headers.join("`, `"),
    })
}

fn is_needed(column: &Column, purpose: Purpose) -> bool {
    match column.role {
        Role::Key | Role::Label { .. } => matches!(purpose, Purpose::Learn { .. }),
        Role::Date => purpose != Purpose::Score,
        Role::Hs | Role::Category | Role::Number { .. } | Role::Day | Role::Month => true,
        Role::Truth | Role::Amount | Role::AmountTruth | Role::Unused { .. } => false,
    }
}

/// Whether anything is made of a column that is there.
fn is_read(column: &Column, purpose: Purpose) -> bool {
    match column.role {
        Role::Date | Role::Label { .. } => purpose != Purpose::Score,
        Role::Truth | Role::Amount | Role::AmountTruth => matches!(purpose, Purpose::Learn { .. }),
        Role::Unused { .. } => false,
        _ => true,
    }
}

fn unreadable(name: &str, error: csv::Error) -> Error {
    Error::Unreadable { name: name.into(), source: error.into() }
}

fn settle(decoder: &mut Decoder, record: &csv::ByteRecord, name: &str, line: u64) -> Result<(), Error> {
    decoder.settle(record.as_slice()).map_err(|wrong| match wrong {
        Wrong::Undecodable => Error::Undecodable { name: name.into(), line },
        Wrong::Mixed { before, found } => Error::MixedEncodings { name: name.into(), line, before, found },
    })
}

/// Rows on their way into a table, and the fields of the one that is being read.
struct Rows {
    table: Table,
    number_names: Vec<String>,
    text_names: Vec<String>,
    number_columns: Vec<Vec<f64>>,
    text_columns: Vec<(Categories, HashMap<String, u32>)>,
    numbers: Vec<f64>,
    texts: Vec<String>,
    key: String,
    date: Option<Date>,
    label: Option<bool>,
    finding: Option<Option<bool>>,
    truth: Option<f64>,
    amount: Option<f64>,
    amount_truth: Option<f64>,
}

impl Rows {
    fn new(mapping: &Mapping) -> Self {
        let names = |is: fn(&Role) -> bool| -> Vec<String> {
            mapping.columns.iter().filter(|column| is(&column.role)).map(|column| column.name.clone()).collect()
        };
        let number_names = names(|role| matches!(role, Role::Number { .. } | Role::Day | Role::Month));
        let text_names = names(|role| matches!(role, Role::Category | Role::Hs));
        Self {
            table: Table::default(),
            number_columns: vec![Vec::new(); number_names.len()],
            text_columns: vec![Default::default(); text_names.len()],
            number_names,
            text_names,
            numbers: Vec::new(),
            texts: Vec::new(),
            key: String::new(),
            date: None,
            label: None,
            finding: None,
            truth: None,
            amount: None,
            amount_truth: None,
        }
    }

    fn begin(&mut self) {
        self.numbers.clear();
        self.texts.clear();
    }

    fn commit(&mut self, line: u64) {
        self.table.lines.push(line);
        self.table.keys.push(std::mem::take(&mut self.key));
        self.table.dates.extend(self.date.take());
        self.table.labels.extend(self.label.take());
        self.table.findings.extend(self.finding.take());
        self.table.truth.extend(self.truth.take());
        self.table.amounts.extend(self.amount.take());
        self.table.amount_truth.extend(self.amount_truth.take());
        for (column, number) in self.number_columns.iter_mut().zip(&self.numbers) {
            column.push(*number);
        }
        for ((column, known), text) in self.text_columns.iter_mut().zip(self.texts.drain(..)) {
            let code = known.get(&text).copied().unwrap_or_else(|| {
                column.texts.push(text.clone());
                known.insert(text, column.texts.len() as u32 - 1);
                column.texts.len() as u32 - 1
            });
            column.codes.push(code);
        }
    }

    fn finish(mut self) -> Table {
        self.table.numbers = self.number_names.into_iter().zip(self.number_columns).collect();
        let columns = self.text_columns.into_iter().map(|(column, _)| column);
        self.table.categories = self.text_names.into_iter().zip(columns).collect();
        self.table
    }
}

impl Table {
    pub fn num_rows(&self) -> usize {
        self.lines.len()
    }

    /// The rows at these places, in their order.
    pub fn pick(&self, rows: &[usize]) -> Self {
        fn pick<T: Clone>(values: &[T], rows: &[usize]) -> Vec<T> {
            if values.is_empty() { Vec::new() } else { rows.iter().map(|row| values[*row].clone()).collect() }
        }
        let category = |(name, column): (&String, &Categories)| {
            (name.clone(), Categories { codes: pick(&column.codes, rows), texts: column.texts.clone() })
        };
        Self {
            lines: pick(&self.lines, rows),
            keys: pick(&self.keys, rows),
            dates: pick(&self.dates, rows),
            labels: pick(&self.labels, rows),
            findings: pick(&self.findings, rows),
            truth: pick(&self.truth, rows),
            amounts: pick(&self.amounts, rows),
            amount_truth: pick(&self.amount_truth, rows),
            numbers: self.numbers.iter().map(|(name, column)| (name.clone(), pick(column, rows))).collect(),
            categories: self.categories.iter().map(category).collect(),
            refused: Vec::new(),
        }
    }
}

impl Categories {
    pub fn text(&self, row: usize) -> &str {
        &self.texts[self.codes[row] as usize]
    }
}

#[cfg(test)]
mod tests;
