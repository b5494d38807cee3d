//! A table in the making, as CSV or as Parquet. In: rows of texts under a header that says which columns are more than
//! text. Out: a file with the same rows in either form; the same rows give the same bytes.

use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fs_err as fs;
use jiff::civil::Date;
use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use super::{Error, disk};

/// What tables are written as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    #[default]
    Csv,
    Parquet,
}

impl Format {
    pub fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }
}

/// Where tables go, and in which form.
#[derive(Clone, Copy)]
pub struct Folder<'a> {
    pub path: &'a Path,
    pub format: Format,
}

/// A file in the making.
pub struct Sheet {
    path: PathBuf,
    form: Form,
}

enum Form {
    Csv(Box<csv::Writer<BufWriter<fs::File>>>),
    Parquet(Box<Groups>),
}

/// Rows kept until there are enough for a group.
struct Groups {
    writer: SerializedFileWriter<fs::File>,
    columns: Vec<Column>,
    num_rows: usize,
}

/// The values that are there, and for each row whether one is.
struct Column {
    cells: Cells,
    levels: Vec<i16>,
}

enum Cells {
    Text(Vec<ByteArray>),
    Whole(Vec<i64>),
    Number(Vec<f64>),
    Day(Vec<i32>),
}

/// Rows of a group.
const GROUP: usize = 100_000;

impl Folder<'_> {
    /// Begins the table called `name`. A column of `header` is text unless it says `:whole`, `:number` or `:day`.
    pub fn sheet(&self, name: &str, header: &str) -> Result<Sheet, Error> {
        let path = self.path.join(name).with_extension(self.format.ending());
        let file = fs::File::create(&path).map_err(disk(&path))?;
        let columns = header.split(',').map(|column| column.split_once(':').unwrap_or((column, "text")));
        let form = match self.format {
            Format::Csv => {
                let mut csv = csv::Writer::from_writer(BufWriter::with_capacity(1 << 20, file));
                csv.write_record(columns.map(|(name, _)| name)).map_err(|error| disk(&path)(error.into()))?;
                Form::Csv(Box::new(csv))
            }
            Format::Parquet => Form::Parquet(Box::new(Groups::begin(file, columns).map_err(|e| disk(&path)(of(e)))?)),
        };
        Ok(Sheet { path, form })
    }
}

impl Sheet {
    pub fn write<T: AsRef<[u8]>>(&mut self, row: impl IntoIterator<Item = T>) -> Result<(), Error> {
        match &mut self.form {
            Form::Csv(csv) => csv.write_record(row).map_err(|error| disk(&self.path)(error.into())),
            Form::Parquet(groups) => groups.write(row).map_err(|error| disk(&self.path)(of(error))),
        }
    }

    pub fn finish(self) -> Result<(), Error> {
        match self.form {
            Form::Csv(mut csv) => csv.flush().map_err(disk(&self.path)),
            Form::Parquet(groups) => groups.finish().map_err(|error| disk(&self.path)(of(error))),
        }
    }
}

impl Groups {
    fn begin<'a>(
        file: fs::File,
        columns: impl Iterator<Item = (&'a str, &'a str)> + Clone,
    ) -> Result<Self, ParquetError> {
        let field = |(name, kind)| match kind {
            "whole" => format!("optional int64 {name};"),
            "number" => format!("optional double {name};"),
            "day" => format!("optional int32 {name} (date);"),
            _ => format!("optional binary {name} (utf8);"),
        };
        let schema = format!("message table {{ {} }}", columns.clone().map(field).collect::<String>());
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let writer = SerializedFileWriter::new(file, Arc::new(parse_message_type(&schema)?), Arc::new(properties))?;
        let column = |(_, kind)| Column { cells: Cells::of(kind), levels: Vec::new() };
        Ok(Self { writer, columns: columns.map(column).collect(), num_rows: 0 })
    }

    fn write<T: AsRef<[u8]>>(&mut self, row: impl IntoIterator<Item = T>) -> Result<(), ParquetError> {
        for (column, field) in self.columns.iter_mut().zip(row) {
            let bytes = field.as_ref();
            column.levels.push(i16::from(!bytes.is_empty()));
            if !bytes.is_empty() {
                column.cells.push(bytes);
            }
        }
        self.num_rows += 1;
        if self.num_rows == GROUP { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), ParquetError> {
        let mut group = self.writer.next_row_group()?;
        for column in &mut self.columns {
            column.flush(&mut group)?;
        }
        group.close()?;
        self.num_rows = 0;
        Ok(())
    }

    fn finish(mut self) -> Result<(), ParquetError> {
        if self.num_rows > 0 {
            self.flush()?;
        }
        self.writer.close()?;
        Ok(())
    }
}

impl Column {
    fn flush(&mut self, group: &mut SerializedRowGroupWriter<'_, fs::File>) -> Result<(), ParquetError> {
        let missing = || ParquetError::General("a column is missing".into());
        let mut writer = group.next_column()?.ok_or_else(missing)?;
        let levels = Some(self.levels.as_slice());
        match &mut self.cells {
            Cells::Text(values) => writer.typed::<ByteArrayType>().write_batch(values, levels, None)?,
            Cells::Whole(values) => writer.typed::<Int64Type>().write_batch(values, levels, None)?,
            Cells::Number(values) => writer.typed::<DoubleType>().write_batch(values, levels, None)?,
            Cells::Day(values) => writer.typed::<Int32Type>().write_batch(values, levels, None)?,
        };
        writer.close()?;
        self.levels.clear();
        self.cells.clear();
        Ok(())
    }
}

impl Cells {
    fn of(kind: &str) -> Self {
        match kind {
            "whole" => Self::Whole(Vec::new()),
            "number" => Self::Number(Vec::new()),
            "day" => Self::Day(Vec::new()),
            _ => Self::Text(Vec::new()),
        }
    }

    fn push(&mut self, field: &[u8]) {
        let text = String::from_utf8_lossy(field);
        match self {
            Self::Text(values) => values.push(field.into()),
            Self::Whole(values) => values.push(text.parse().expect("the world writes what its headers say")),
            Self::Number(values) => values.push(text.parse().expect("the world writes what its headers say")),
            Self::Day(values) => {
                let date: Date = text.parse().expect("the world writes what its headers say");
                values.push(date.duration_since(Date::constant(1970, 1, 1)).as_hours() as i32 / 24);
            }
        }
    }

    fn clear(&mut self) {
        match self {
            Self::Text(values) => values.clear(),
            Self::Whole(values) => values.clear(),
            Self::Number(values) => values.clear(),
            Self::Day(values) => values.clear(),
        }
    }
}

/// What a disk said, through the words of Parquet.
fn of(error: ParquetError) -> std::io::Error {
    std::io::Error::other(error)
}
