//! A dataset as files that other programs read, and what is needed to read it back unchanged.
//!
//! `data/` holds what the format asks for, one file a split. `metadata/` holds what it has no place for: the rows whole,
//! line by line beside those of `data/`, and the documents they rest on. `README.md` is the data card of the Hugging
//! Face hub, and `manifest.json`, written last, the SHA-256 of every file. Rows are streamed; memory does not grow with
//! them.

mod beir;
mod card;
mod files;
mod json_lines;
mod manifest;
mod table;

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::store::{Dataset, Filter, Store};
use super::{Error, FilterSettings, Row, Split, State, StoredRow, complete_splits};
use files::Files;

pub(super) use json_lines::{Spoken, spoken};
pub use manifest::{FileEntry, MANIFEST, Manifest};
pub(super) use table::{from_csv, from_parquet};

/// A form that a dataset is exported in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// OpenAI's chat fine-tuning: `{"messages": […]}`
    Openai,
    /// `{"instruction": …, "input": "", "output": …}`
    Alpaca,
    /// `{"conversations": [{"from": "human", …}]}`
    #[value(name = "sharegpt")]
    ShareGpt,
    /// `{"text": "<|im_start|>user …"}`
    #[value(name = "chatml")]
    ChatMl,
    /// Columns, for the `datasets` library
    Parquet,
    /// Queries, corpus and relevance judgements for retrieval
    Beir,
    Csv,
}

impl Format {
    pub fn name(self) -> &'static str {
        match self {
            Self::Openai => "openai",
            Self::Alpaca => "alpaca",
            Self::ShareGpt => "sharegpt",
            Self::ChatMl => "chatml",
            Self::Parquet => "parquet",
            Self::Beir => "beir",
            Self::Csv => "csv",
        }
    }
}

/// A row as it travels: all but the numbers that only the store it comes from knows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    pub hash: String,
    pub state: State,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<Split>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    #[serde(flatten)]
    pub row: Row,
}

impl From<StoredRow> for Record {
    fn from(stored: StoredRow) -> Self {
        let StoredRow { hash, state, reason, split, labels, row, .. } = stored;
        Self { hash, state, reason, split, labels, row }
    }
}

/// Where the rows of a split stand in full, line by line.
pub(super) fn metadata_path(split: Split) -> String {
    format!("metadata/{}.jsonl", split.name())
}

pub(super) const DOCUMENTS: &str = "metadata/documents.jsonl";

/// Writes the good rows of a dataset to the folder `out`, which must not be there or be empty.
///
/// # Errors
/// [`Error::File`]; [`Error::Format`] where the folder holds something; the store's.
pub fn export(store: &Store, dataset: &Dataset, format: Format, out: &Path) -> Result<Manifest, Error> {
    let mut files = Files::create(out)?;
    complete_splits(store, dataset, FilterSettings::default().duplicates.limit)?;
    let mut counts: BTreeMap<Split, usize> = BTreeMap::new();
    let mut tables = table::Tables::default();
    let documents = store.documents_of(dataset.id)?;
    let mut beir = beir::Passages::new(&documents);
    store.for_each::<Error>(dataset, &Filter::good(), |row| {
        let Some(split) = row.split else { return Ok(()) };
        *counts.entry(split).or_default() += 1;
        let record = Record::from(row);
        match format {
            Format::Parquet => tables.parquet(&mut files, split, &record)?,
            Format::Csv => tables.csv(&mut files, split, &record)?,
            Format::Beir => beir.row(&mut files, split, &record)?,
            Format::Openai | Format::Alpaca | Format::ShareGpt | Format::ChatMl => {
                files.line(&format!("data/{}.jsonl", split.name()), &json_lines::line(format, &record.row))?;
            }
        }
        if !matches!(format, Format::Parquet | Format::Csv) {
            files.json(&metadata_path(split), &record)?;
        }
        Ok(())
    })?;
    tables.finish(&mut files)?;
    if format == Format::Beir {
        beir.corpus(&mut files)?;
    }
    let mut kept: Vec<_> = documents.values().collect();
    kept.sort_by(|a, b| (&a.id, &a.text).cmp(&(&b.id, &b.text)));
    for document in kept {
        files.json(DOCUMENTS, document)?;
    }
    let facets = store.facets(dataset, &Filter::good())?;
    files.whole("README.md", card::card(dataset, format, &facets, &counts).as_bytes())?;
    files.finish(dataset, format, counts.values().sum())
}
