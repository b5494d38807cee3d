//! Rows as tables, CSV and Parquet: one column a field, evidence and lineage as JSON.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::record::Field;
use parquet::schema::parser::parse_message_type;

use super::Record;
use super::files::Files;
use crate::datasets::{Error, Row, Split, State};

/// The columns, in order; all are text.
const COLUMNS: [&str; 14] = [
    "question",
    "answer",
    "language",
    "type",
    "persona",
    "difficulty",
    "topic",
    "split",
    "state",
    "evidence",
    "lineage",
    "labels",
    "reason",
    "hash",
];

/// Rows held back until they are written as one group.
const GROUP: usize = 4096;

fn json(value: &impl serde::Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|source| Error::Corrupt { row: 0, source })
}

fn cells(record: &Record) -> Result<[String; 14], Error> {
    let row = &record.row;
    Ok([
        row.question.clone(),
        row.answer.clone(),
        row.language.code().into(),
        row.kind.name().into(),
        row.persona.name().into(),
        row.difficulty.name().into(),
        row.topic.clone(),
        record.split.map_or("", Split::name).into(),
        record.state.name().into(),
        json(&row.evidence)?,
        json(&row.lineage)?,
        json(&record.labels)?,
        record.reason.clone().unwrap_or_default(),
        record.hash.clone(),
    ])
}

/// A record out of named cells; what is wrong otherwise.
fn record(cells: &BTreeMap<String, String>) -> Result<Record, String> {
    let cell = |name: &str| cells.get(name).map(String::as_str).unwrap_or_default();
    let mut fields = serde_json::Map::new();
    for name in ["question", "answer", "language", "type", "persona", "difficulty", "topic", "hash"] {
        fields.insert(name.into(), cell(name).into());
    }
    for name in ["evidence", "lineage"] {
        let value = serde_json::from_str(cell(name)).map_err(|error| format!("column `{name}`: {error}"))?;
        fields.insert(name.into(), value);
    }
    let row: Row = serde_json::from_value(fields.into()).map_err(|error| error.to_string())?;
    let labels = match cell("labels") {
        "" => Vec::new(),
        text => serde_json::from_str(text).map_err(|error| format!("column `labels`: {error}"))?,
    };
    let state = cell("state");
    Ok(Record {
        hash: cell("hash").into(),
        state: State::named(state).ok_or_else(|| format!("column `state`: there is no state `{state}`"))?,
        reason: Some(cell("reason").to_owned()).filter(|reason| !reason.is_empty()),
        split: Split::named(cell("split")),
        labels,
        row,
    })
}

/// A Parquet file with the rows that wait for the next group.
struct Open {
    path: String,
    writer: SerializedFileWriter<std::fs::File>,
    waiting: Vec<[String; 14]>,
    num_rows: usize,
}

impl Open {
    fn create(files: &Files, path: &str) -> Result<Self, Error> {
        let full = files.elsewhere(path)?;
        let failed =
            |error: parquet::errors::ParquetError| Error::Format { path: full.clone(), reason: error.to_string() };
        let fields: String = COLUMNS.iter().map(|name| format!("REQUIRED BYTE_ARRAY {name} (STRING);")).collect();
        let schema = Arc::new(parse_message_type(&format!("message rows {{ {fields} }}")).map_err(failed)?);
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let file = fs_err::File::create(&full).map_err(|source| Error::File {
            act: "exporting",
            path: full.clone(),
            source,
        })?;
        let writer = SerializedFileWriter::new(file.into_parts().0, schema, Arc::new(properties)).map_err(failed)?;
        Ok(Self { path: path.into(), writer, waiting: Vec::new(), num_rows: 0 })
    }

    fn write_group(&mut self) -> Result<(), Error> {
        let failed = |error: parquet::errors::ParquetError| Error::Format {
            path: self.path.clone().into(),
            reason: error.to_string(),
        };
        let rows = std::mem::take(&mut self.waiting);
        self.num_rows += rows.len();
        let mut group = self.writer.next_row_group().map_err(failed)?;
        let mut at = 0;
        while let Some(mut column) = group.next_column().map_err(failed)? {
            let values: Vec<ByteArray> = rows.iter().map(|row| ByteArray::from(row[at].as_bytes().to_vec())).collect();
            column.typed::<ByteArrayType>().write_batch(&values, None, None).map_err(failed)?;
            column.close().map_err(failed)?;
            at += 1;
        }
        group.close().map_err(failed)?;
        Ok(())
    }
}

/// The tables of an export.
#[derive(Default)]
pub(super) struct Tables {
    open: BTreeMap<Split, Open>,
}

impl Tables {
    pub fn csv(&mut self, files: &mut Files, split: Split, record: &Record) -> Result<(), Error> {
        let path = format!("data/{}.csv", split.name());
        let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
        let failed = |error: csv::Error| Error::Format { path: path.clone().into(), reason: error.to_string() };
        if files.is_new(&path) {
            writer.write_record(COLUMNS).map_err(failed)?;
        }
        writer.write_record(cells(record)?).map_err(failed)?;
        let bytes = writer.into_inner().map_err(|error| failed(error.into_error().into()))?;
        files.text(&path, &String::from_utf8_lossy(&bytes), 1)
    }

    pub fn parquet(&mut self, files: &mut Files, split: Split, record: &Record) -> Result<(), Error> {
        let open = match self.open.entry(split) {
            Entry::Occupied(open) => open.into_mut(),
            Entry::Vacant(place) => place.insert(Open::create(files, &format!("data/{}.parquet", split.name()))?),
        };
        open.waiting.push(cells(record)?);
        if open.waiting.len() >= GROUP { open.write_group() } else { Ok(()) }
    }

    pub fn finish(self, files: &mut Files) -> Result<(), Error> {
        for (_, mut open) in self.open {
            if !open.waiting.is_empty() {
                open.write_group()?;
            }
            let failed = |reason: String| Error::Format { path: open.path.clone().into(), reason };
            let file = open.writer.into_inner().map_err(|error| failed(error.to_string()))?;
            file.sync_all().map_err(|error| failed(error.to_string()))?;
            files.written(&open.path, open.num_rows)?;
        }
        Ok(())
    }
}

/// Shows every record of a CSV file to `visit`.
///
/// # Errors
/// [`Error::Import`], [`Error::File`], and the visitor's.
pub(in crate::datasets) fn from_csv(
    path: &Path,
    mut visit: impl FnMut(Record) -> Result<(), Error>,
) -> Result<(), Error> {
    let wrong = |line: usize, reason: String| Error::Import { path: path.into(), line, reason };
    let file = fs_err::File::open(path).map_err(|source| Error::File { act: "reading", path: path.into(), source })?;
    let mut reader = csv::Reader::from_reader(std::io::BufReader::new(file));
    let header = reader.headers().map_err(|error| wrong(1, error.to_string()))?.clone();
    for row in reader.records() {
        let row = row.map_err(|error| wrong(error.position().map_or(0, |at| at.line() as usize), error.to_string()))?;
        let line = row.position().map_or(0, |at| at.line() as usize);
        let cells = header.iter().zip(&row).map(|(name, cell)| (name.to_owned(), cell.to_owned())).collect();
        visit(record(&cells).map_err(|reason| wrong(line, reason))?)?;
    }
    Ok(())
}

/// Shows every record of a Parquet file to `visit`.
///
/// # Errors
/// [`Error::Import`], [`Error::Format`], [`Error::File`], and the visitor's.
pub(in crate::datasets) fn from_parquet(
    path: &Path,
    mut visit: impl FnMut(Record) -> Result<(), Error>,
) -> Result<(), Error> {
    let failed = |reason: String| Error::Format { path: path.into(), reason };
    let file = fs_err::File::open(path).map_err(|source| Error::File { act: "reading", path: path.into(), source })?;
    let reader = SerializedFileReader::new(file.into_parts().0).map_err(|error| failed(error.to_string()))?;
    let rows = reader.get_row_iter(None).map_err(|error| failed(error.to_string()))?;
    for (at, row) in rows.enumerate() {
        let row = row.map_err(|error| failed(error.to_string()))?;
        let mut cells = BTreeMap::new();
        for (name, field) in row.get_column_iter() {
            if let Field::Str(text) = field {
                cells.insert(name.clone(), text.clone());
            }
        }
        let record = record(&cells).map_err(|reason| Error::Import { path: path.into(), line: at + 1, reason })?;
        visit(record)?;
    }
    Ok(())
}
