//! One CSV table, row by row: fields by header, decoded and parsed, each complaint with its column and value.

use std::path::Path;

use encoding_rs::EUC_KR;
use jiff::civil::Date;

use super::super::Error;
use super::{BadRow, BadRows};

/// Why a row cannot be used.
pub type Reason = String;

/// A table that is being read.
pub struct Sheet {
    file: &'static str,
    reader: csv::Reader<Box<dyn std::io::Read>>,
    headers: Vec<String>,
}

/// A row's fields as text.
pub struct Row<'a> {
    fields: &'a csv::StringRecord,
}

/// The place of a column in the table, if it is there.
#[derive(Clone, Copy)]
pub struct Column {
    name: &'static str,
    at: Option<usize>,
}

impl Sheet {
    /// `None` where the folder has no such table.
    pub fn open(folder: &Path, file: &'static str) -> Result<Option<Self>, Error> {
        let path = folder.join(file);
        if !path.is_file() {
            return Ok(None);
        }
        let unreadable = |source| Error::Unreadable { path: path.clone(), source };
        let source = fs_err::File::open(&path).map_err(unreadable)?;
        let source: Box<dyn std::io::Read> = Box::new(std::io::BufReader::with_capacity(1 << 20, source));
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(source);
        let bytes = reader.byte_headers().map_err(|error| unreadable(error.into()))?.clone();
        let header = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_start_matches('\u{FEFF}').trim().to_owned();
        let headers = bytes.iter().map(header).collect();
        Ok(Some(Self { file, reader, headers }))
    }

    /// A column that may be missing.
    pub fn optional(&self, name: &'static str) -> Column {
        Column { name, at: self.headers.iter().position(|header| header == name) }
    }

    /// # Errors
    /// [`Error::NoColumn`].
    pub fn required(&self, name: &'static str) -> Result<Column, Error> {
        let column = self.optional(name);
        column.at.map(|_| column).ok_or(Error::NoColumn { file: self.file, column: name })
    }

    /// Has `take` read every row; rows it gives a reason against are noted as bad. Gives the number of good ones.
    ///
    /// # Errors
    /// What `take` fails with otherwise; a file that cannot be read on.
    pub fn each(
        mut self,
        bad: &mut BadRows,
        mut take: impl FnMut(Row) -> Result<Result<(), Reason>, Error>,
    ) -> Result<usize, Error> {
        let mut bytes = csv::ByteRecord::new();
        let mut fields = csv::StringRecord::new();
        let mut good = 0;
        loop {
            let more = self.reader.read_byte_record(&mut bytes);
            let line = bytes.position().map_or(0, csv::Position::line);
            if !more.map_err(|error| Error::Unreadable { path: self.file.into(), source: error.into() })? {
                return Ok(good);
            }
            let outcome = if bytes.len() != self.headers.len() {
                Err(format!("it has {} fields, the header has {}", bytes.len(), self.headers.len()))
            } else {
                match decode(&bytes, &mut fields) {
                    Ok(()) => take(Row { fields: &fields })?,
                    Err(reason) => Err(reason),
                }
            };
            match outcome {
                Ok(()) => good += 1,
                Err(reason) => bad.add(BadRow { file: self.file, line, reason }),
            }
        }
    }
}

/// Korean systems write UTF-8 or CP949.
fn decode(bytes: &csv::ByteRecord, fields: &mut csv::StringRecord) -> Result<(), Reason> {
    fields.clear();
    for field in bytes {
        match std::str::from_utf8(field) {
            Ok(text) => fields.push_field(text),
            Err(_) => match EUC_KR.decode_without_bom_handling_and_without_replacement(field) {
                Some(text) => fields.push_field(&text),
                None => return Err("it is in neither UTF-8 nor CP949".into()),
            },
        }
    }
    Ok(())
}

impl<'a> Row<'a> {
    /// A field that may be empty or whose column may be missing.
    pub fn text(&self, column: Column) -> Option<&'a str> {
        column.at.and_then(|at| self.fields.get(at)).map(str::trim).filter(|text| !text.is_empty())
    }

    pub fn needed(&self, column: Column) -> Result<&'a str, Reason> {
        self.text(column).ok_or_else(|| format!("`{}` is empty", column.name))
    }

    fn parsed<T>(&self, column: Column, parse: impl Fn(&str) -> Option<T>, wanted: &str) -> Result<Option<T>, Reason> {
        let Some(text) = self.text(column) else { return Ok(None) };
        parse(text).map(Some).ok_or_else(|| format!("`{}` is `{text}`, and must be {wanted}", column.name))
    }

    pub fn date(&self, column: Column) -> Result<Option<Date>, Reason> {
        self.parsed(column, |text| text.parse().ok(), "a day as in 2026-01-31")
    }

    /// A month, as its text.
    pub fn month(&self, column: Column) -> Result<&'a str, Reason> {
        let text = self.needed(column)?;
        let is_month = text.len() == 7 && format!("{text}-01").parse::<Date>().is_ok();
        is_month
            .then_some(text)
            .ok_or_else(|| format!("`{}` is `{text}`, and must be a month as in 2026-01", column.name))
    }

    /// An amount of whole won, from 0 on.
    pub fn won(&self, column: Column) -> Result<Option<i64>, Reason> {
        let parse = |text: &str| text.parse().ok().filter(|won: &i64| *won >= 0);
        self.parsed(column, parse, "whole won, at least 0")
    }

    pub fn needed_won(&self, column: Column) -> Result<i64, Reason> {
        self.needed(column)?;
        Ok(self.won(column)?.unwrap_or_default())
    }

    /// A number from 0 to `most`.
    pub fn number(&self, column: Column, most: f64, wanted: &str) -> Result<Option<f64>, Reason> {
        self.parsed(column, |text| text.parse().ok().filter(|number| (0.0..=most).contains(number)), wanted)
    }

    pub fn count(&self, column: Column) -> Result<i64, Reason> {
        self.needed(column)?;
        let count = self.parsed(column, |text| text.parse::<u32>().ok(), "a whole number, at least 0")?;
        Ok(count.map_or(0, i64::from))
    }

    /// `Y` or `1`, `N` or `0`.
    pub fn flag(&self, column: Column) -> Result<Option<bool>, Reason> {
        let parse = |text: &str| match text {
            "Y" | "y" | "1" => Some(true),
            "N" | "n" | "0" => Some(false),
            _ => None,
        };
        self.parsed(column, parse, "`Y`, `N`, `1` or `0`")
    }

    /// Four to ten digits; points between them are left out.
    pub fn hs(&self, column: Column) -> Result<String, Reason> {
        let text = self.needed(column)?;
        let digits: String = text.chars().filter(|c| !matches!(c, '.' | '-')).collect();
        let is_code = (4..=10).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_code.then_some(digits).ok_or_else(|| format!("`{}` is `{text}`, and must be 4 to 10 digits", column.name))
    }
}
