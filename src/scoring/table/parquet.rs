//! A Parquet file's rows as texts, as a CSV file has them, so that both are checked by the same words.
//!
//! In: the bytes of a file. Out: headers, and the fields of one row after another. Parquet keeps its index at its end, so
//! a file is held in memory whole. Numbers keep every digit on their way through text. A column that holds lists or
//! records, or a type that the mapping has no use for, is an error that names both.

use bytes::Bytes;
use jiff::civil::Date;
use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type as Physical};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use crate::scoring::Error;
use crate::scoring::mapping::Role;

/// What a Parquet file begins and ends with.
pub const MAGIC: &[u8] = b"PAR1";
/// Rows unpacked together.
const BATCH: usize = 4096;

/// The rows of a file.
pub struct Rows {
    name: String,
    file: SerializedFileReader<Bytes>,
    /// One a column of the file; those that are not wanted stay empty.
    columns: Vec<Column>,
    next_group: usize,
    rows_left: usize,
    /// Place in the batch; `len` when it is used up.
    at: usize,
    len: usize,
}

struct Column {
    header: String,
    /// Place among the leaves of the schema, and how its values are told; `None` for lists and records.
    leaf: Option<(usize, Cell)>,
    reader: Option<ColumnReader>,
    texts: Vec<String>,
}

/// How the values of a column are told.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Cell {
    Text,
    Truth,
    Whole,
    Unsigned,
    Real,
    Decimal {
        scale: usize,
    },
    Day,
    /// A point in time; only its day is told.
    Moment {
        per_second: i64,
    },
}

impl Rows {
    pub fn open(bytes: Vec<u8>, name: &str) -> Result<Self, Error> {
        let bad = |error: ParquetError| Error::BadParquet { name: name.into(), reason: error.to_string() };
        let file = SerializedFileReader::new(Bytes::from(bytes)).map_err(bad)?;
        let schema = file.metadata().file_metadata().schema_descr();
        let columns = schema.root_schema().get_fields().iter().enumerate().map(|(place, field)| {
            let leaf = (0..schema.num_columns()).find(|leaf| schema.get_column_root_idx(*leaf) == place);
            let flat = leaf.filter(|leaf| field.is_primitive() && schema.column(*leaf).max_rep_level() == 0);
            let leaf = flat.and_then(|leaf| Some((leaf, Cell::of(&schema.column(leaf))?)));
            Column { header: field.name().trim().to_owned(), leaf, reader: None, texts: Vec::new() }
        });
        let columns = columns.collect();
        Ok(Self { name: name.into(), file, columns, next_group: 0, rows_left: 0, at: 0, len: 0 })
    }

    pub fn headers(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.header.clone()).collect()
    }

    /// Keeps only the columns at these places, each of which must be of a type that goes with its role.
    pub fn want(&mut self, places: &[(usize, &Role)]) -> Result<(), Error> {
        for (place, role) in places {
            let found = self.columns[*place].leaf.map(|(_, cell)| cell);
            if !found.is_some_and(|cell| cell.fits(role)) {
                return Err(Error::ColumnType {
                    name: self.name.clone(),
                    column: self.columns[*place].header.clone(),
                    found: found.map_or("a list, a record or an unknown type", Cell::words),
                    wanted: match role {
                        Role::Number { .. } | Role::Truth | Role::Amount | Role::AmountTruth => "a number",
                        Role::Date | Role::Day | Role::Month => "a day",
                        _ => "a text or a number",
                    },
                });
            }
        }
        for (at, column) in self.columns.iter_mut().enumerate() {
            if !places.iter().any(|(place, _)| *place == at) {
                column.leaf = None;
            }
        }
        Ok(())
    }

    /// Goes to the next row; `false` at the end of the file.
    pub fn advance(&mut self) -> Result<bool, Error> {
        self.at += 1;
        if self.at < self.len {
            return Ok(true);
        }
        let unpacked = self.unpack();
        unpacked.map_err(|error| Error::BadParquet { name: self.name.clone(), reason: error.to_string() })
    }

    /// The field of the row at this place; empty where it is missing.
    pub fn text(&self, place: usize) -> &str {
        &self.columns[place].texts[self.at]
    }

    fn unpack(&mut self) -> Result<bool, ParquetError> {
        while self.rows_left == 0 {
            if self.next_group == self.file.num_row_groups() {
                self.len = 0;
                return Ok(false);
            }
            let group = self.file.get_row_group(self.next_group)?;
            for column in &mut self.columns {
                column.reader = column.leaf.map(|(leaf, _)| group.get_column_reader(leaf)).transpose()?;
            }
            self.rows_left = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
            self.next_group += 1;
        }
        let wanted = self.rows_left.min(BATCH);
        for column in &mut self.columns {
            let (Some((_, cell)), Some(reader)) = (column.leaf, &mut column.reader) else { continue };
            column.texts.clear();
            while column.texts.len() < wanted {
                let before = column.texts.len();
                read(reader, cell, wanted - before, &mut column.texts)?;
                if column.texts.len() == before {
                    return Err(ParquetError::EOF(format!("column `{}` is short of rows", column.header)));
                }
            }
        }
        self.rows_left -= wanted;
        (self.at, self.len) = (0, wanted);
        Ok(true)
    }
}

impl Cell {
    fn of(column: &ColumnDescriptor) -> Option<Self> {
        let scale = usize::try_from(column.type_scale()).unwrap_or(0);
        let is_decimal = column.converted_type() == ConvertedType::DECIMAL;
        match (column.physical_type(), column.logical_type_ref(), column.converted_type()) {
            (_, Some(LogicalType::Time(_)), _) | (_, _, ConvertedType::TIME_MILLIS | ConvertedType::TIME_MICROS) => {
                None
            }
            (Physical::BOOLEAN, ..) => Some(Self::Truth),
            (Physical::INT32, _, ConvertedType::DATE) => Some(Self::Day),
            (Physical::INT64, Some(LogicalType::Timestamp(stamp)), _) => Some(Self::Moment {
                per_second: match stamp.unit {
                    TimeUnit::MILLIS => 1_000,
                    TimeUnit::MICROS => 1_000_000,
                    TimeUnit::NANOS => 1_000_000_000,
                },
            }),
            (Physical::INT64, _, ConvertedType::TIMESTAMP_MILLIS) => Some(Self::Moment { per_second: 1_000 }),
            (Physical::INT64, _, ConvertedType::TIMESTAMP_MICROS) => Some(Self::Moment { per_second: 1_000_000 }),
            (Physical::INT96, ..) => Some(Self::Moment { per_second: 1_000 }),
            (Physical::FLOAT | Physical::DOUBLE, ..) => Some(Self::Real),
            _ if is_decimal => Some(Self::Decimal { scale }),
            (Physical::INT32, _, ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32)
            | (Physical::INT64, _, ConvertedType::UINT_64) => Some(Self::Unsigned),
            (Physical::INT32 | Physical::INT64, ..) => Some(Self::Whole),
            (Physical::BYTE_ARRAY, _, kind) => {
                use ConvertedType::{ENUM, JSON, NONE, UTF8};
                matches!(kind, NONE | UTF8 | ENUM | JSON).then_some(Self::Text)
            }
            (Physical::FIXED_LEN_BYTE_ARRAY, ..) => None,
        }
    }

    fn fits(self, role: &Role) -> bool {
        match role {
            Role::Number { .. } | Role::Truth | Role::Amount | Role::AmountTruth => {
                !matches!(self, Self::Truth | Self::Day | Self::Moment { .. })
            }
            Role::Date | Role::Day | Role::Month => {
                matches!(self, Self::Text | Self::Whole | Self::Unsigned | Self::Day | Self::Moment { .. })
            }
            Role::Key | Role::Label { .. } | Role::Hs | Role::Category | Role::Unused { .. } => true,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Truth => "a boolean",
            Self::Whole | Self::Unsigned => "a whole number",
            Self::Real => "a real number",
            Self::Decimal { .. } => "a decimal",
            Self::Day => "a date",
            Self::Moment { .. } => "a point in time",
        }
    }
}

/// Reads at most `rows` fields behind those in `texts`.
fn read(reader: &mut ColumnReader, cell: Cell, rows: usize, texts: &mut Vec<String>) -> Result<(), ParquetError> {
    match reader {
        ColumnReader::BoolColumnReader(reader) => tell(reader, rows, texts, |value| Ok(value.to_string())),
        ColumnReader::Int32ColumnReader(reader) => tell(reader, rows, texts, |value| match cell {
            Cell::Unsigned => Ok(value.cast_unsigned().to_string()),
            _ => Ok(whole(i64::from(*value), cell)),
        }),
        ColumnReader::Int64ColumnReader(reader) => tell(reader, rows, texts, |value| match cell {
            Cell::Unsigned => Ok(value.cast_unsigned().to_string()),
            _ => Ok(whole(*value, cell)),
        }),
        ColumnReader::Int96ColumnReader(reader) => {
            tell(reader, rows, texts, |value| Ok(whole(value.to_millis(), cell)))
        }
        ColumnReader::FloatColumnReader(reader) => tell(reader, rows, texts, |value| Ok(real(value))),
        ColumnReader::DoubleColumnReader(reader) => tell(reader, rows, texts, |value| Ok(real(value))),
        ColumnReader::ByteArrayColumnReader(reader) => tell(reader, rows, texts, |value| bytes(value, cell)),
        ColumnReader::FixedLenByteArrayColumnReader(reader) => tell(reader, rows, texts, |value| bytes(value, cell)),
    }
}

fn tell<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    rows: usize,
    texts: &mut Vec<String>,
    tell: impl Fn(&T::T) -> Result<String, ParquetError>,
) -> Result<(), ParquetError> {
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    reader.read_records(rows, Some(&mut levels), None, &mut values)?;
    if levels.is_empty() {
        // A column that misses nothing has no levels.
        for value in &values {
            texts.push(tell(value)?);
        }
        return Ok(());
    }
    let mut values = values.iter();
    for level in levels {
        // A flat column has one level of being there.
        let value = if level > 0 { values.next() } else { None };
        texts.push(value.map_or(Ok(String::new()), &tell)?);
    }
    Ok(())
}

fn whole(value: i64, cell: Cell) -> String {
    match cell {
        Cell::Decimal { scale } => decimal(i128::from(value), scale),
        Cell::Day => day(value),
        Cell::Moment { per_second } => day(value.div_euclid(per_second * 86_400)),
        _ => value.to_string(),
    }
}

/// Missing where it is no number, as other programs write it.
fn real<T: Into<f64> + Copy + std::fmt::Display>(value: &T) -> String {
    if (*value).into().is_nan() { String::new() } else { value.to_string() }
}

fn bytes(value: &impl AsBytes, cell: Cell) -> Result<String, ParquetError> {
    let bytes = value.bytes();
    match cell {
        Cell::Decimal { scale } => match bytes.len() {
            0..=16 => {
                let sign = if bytes.first().is_some_and(|first| *first >= 0x80) { -1 } else { 0 };
                Ok(decimal(bytes.iter().fold(sign, |sum, byte| sum << 8 | i128::from(*byte)), scale))
            }
            len => Err(ParquetError::NYI(format!("a decimal of {len} bytes"))),
        },
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(ParquetError::General("a text is not UTF-8".into())),
        },
    }
}

/// Both kinds of byte arrays, which have no trait of their own that gives their bytes.
trait AsBytes {
    fn bytes(&self) -> &[u8];
}

impl AsBytes for ByteArray {
    fn bytes(&self) -> &[u8] {
        self.data()
    }
}

impl AsBytes for parquet::data_type::FixedLenByteArray {
    fn bytes(&self) -> &[u8] {
        self.data()
    }
}

/// `12345` by a scale of 2 is 123.45.
fn decimal(value: i128, scale: usize) -> String {
    if scale == 0 {
        return value.to_string();
    }
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let (before, after) = digits.split_at(digits.len() - scale);
    format!("{}{before}.{after}", if value < 0 { "-" } else { "" })
}

fn day(days: i64) -> String {
    let span = jiff::Span::new().try_days(days);
    let date = span.and_then(|span| Date::constant(1970, 1, 1).checked_add(span));
    // A day beyond the calendar stays a number, which the check of days then names.
    date.map_or_else(|_| days.to_string(), |date| date.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_days_are_told_as_people_write_them() {
        assert_eq!(decimal(12_345, 2), "123.45");
        assert_eq!((decimal(-5, 2).as_str(), decimal(7, 0).as_str()), ("-0.05", "7"));
        let negative = ByteArray::from(vec![0xff, 0xff, 0xcf, 0xc7]);
        assert_eq!(bytes(&negative, Cell::Decimal { scale: 2 }).unwrap(), "-123.45");
        assert_eq!(
            (day(0).as_str(), day(20_484).as_str(), day(-1).as_str()),
            ("1970-01-01", "2026-01-31", "1969-12-31")
        );
        let evening = 20_484 * 86_400 + 86_399;
        assert_eq!(whole(evening * 1_000, Cell::Moment { per_second: 1_000 }), "2026-01-31");
        assert_eq!(whole(-1, Cell::Moment { per_second: 1_000 }), "1969-12-31");
        assert_eq!((real(&0.1_f64).as_str(), real(&0.1_f32).as_str(), real(&f64::NAN).as_str()), ("0.1", "0.1", ""));
    }
}
