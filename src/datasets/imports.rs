//! Rows taken in: what an export wrote, which comes back unchanged; files of others, whose rows wait for review; and
//! the conversations that were logged, with personal data masked.

use std::io::{BufRead, BufReader};
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use super::exports::{
    DOCUMENTS, Format, MANIFEST, Manifest, Record, Spoken, from_csv, from_parquet, metadata_path, spoken,
};
use super::store::{Dataset, NewRow, Store};
use super::{Difficulty, Error, Evidence, Generator, Lineage, Persona, QuestionType, Row, Split, State, text_version};
use crate::history::History;
use crate::ingest::Document;
use crate::lang::Language;
use crate::masking;

/// What an import brought.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    pub num_read: usize,
    /// Rows that the dataset did not have.
    pub num_new: usize,
    /// Pieces of personal data that were masked.
    pub num_masked: usize,
}

/// Rows written in one transaction.
const BATCH: usize = 500;

/// Writes rows in batches.
struct Intake<'a> {
    store: &'a Store,
    dataset: Dataset,
    version: i64,
    waiting: Vec<NewRow>,
    report: ImportReport,
}

impl<'a> Intake<'a> {
    /// Opens a dataset for import, making it where it is missing.
    fn open(store: &'a Store, name: &str, corpus: &str, note: &str) -> Result<Self, Error> {
        let dataset = match store.dataset(name) {
            Err(Error::Unknown { .. }) => store.create(name, corpus)?,
            found => found?,
        };
        let version = store.begin_version(dataset.id, note)?;
        Ok(Self { store, dataset, version, waiting: Vec::new(), report: ImportReport::default() })
    }

    fn take(&mut self, row: NewRow) -> Result<(), Error> {
        self.report.num_read += 1;
        self.waiting.push(row);
        if self.waiting.len() >= BATCH { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Error> {
        let rows = std::mem::take(&mut self.waiting);
        self.report.num_new += self.store.add(&self.dataset, self.version, &rows)?;
        Ok(())
    }

    fn finish(mut self) -> Result<ImportReport, Error> {
        self.flush()?;
        Ok(self.report)
    }
}

impl From<Record> for NewRow {
    fn from(record: Record) -> Self {
        let Record { state, reason, split, labels, row, .. } = record;
        Self { row, state, reason, split, labels }
    }
}

/// Takes in a folder that an export wrote, or a single file, into the dataset of that name.
///
/// # Errors
/// [`Error::Changed`] where a file is not as its manifest says; [`Error::Import`] naming the line; the store's.
pub fn import(store: &Store, path: &Path, name: &str) -> Result<ImportReport, Error> {
    super::check_name(name)?;
    let shown = path.file_name().map_or_else(|| "import".into(), |name| name.to_string_lossy().into_owned());
    if path.is_dir() {
        if !path.join(MANIFEST).exists() {
            let reason = format!("the folder has no `{MANIFEST}`; name one of its files instead");
            return Err(Error::Format { path: path.into(), reason });
        }
        let manifest = Manifest::verified(path)?;
        let mut intake = Intake::open(store, name, &manifest.corpus, &format!("imported from `{shown}`"))?;
        folder(path, &manifest, &mut intake)?;
        return intake.finish();
    }
    let mut intake = Intake::open(store, name, "", &format!("imported from `{shown}`"))?;
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => from_csv(path, |record| intake.take(record.into()))?,
        Some("parquet") => from_parquet(path, |record| intake.take(record.into()))?,
        Some("jsonl") => lines(path, |line, value| intake.take(foreign(path, line, &value, &shown)?))?,
        _ => {
            let reason = "a `.jsonl`, `.csv` or `.parquet` file, or an exported folder, is expected".into();
            return Err(Error::Format { path: path.into(), reason });
        }
    }
    intake.finish()
}

/// Shows every line of a file, with its number from 1, to `visit`.
fn lines(path: &Path, mut visit: impl FnMut(usize, Value) -> Result<(), Error>) -> Result<(), Error> {
    let failed = |source| Error::File { act: "reading", path: path.into(), source };
    let file = BufReader::new(fs_err::File::open(path).map_err(failed)?);
    for (at, line) in file.lines().enumerate() {
        let line = line.map_err(failed)?;
        if line.trim().is_empty() {
            continue;
        }
        let wrong =
            |error: serde_json::Error| Error::Import { path: path.into(), line: at + 1, reason: error.to_string() };
        visit(at + 1, serde_json::from_str(&line).map_err(wrong)?)?;
    }
    Ok(())
}

fn folder(path: &Path, manifest: &Manifest, intake: &mut Intake<'_>) -> Result<(), Error> {
    let documents = path.join(DOCUMENTS);
    if documents.exists() {
        let mut kept: Vec<Document> = Vec::new();
        lines(&documents, |line, value| {
            let wrong =
                |error: serde_json::Error| Error::Import { path: documents.clone(), line, reason: error.to_string() };
            kept.push(serde_json::from_value(value).map_err(wrong)?);
            Ok(())
        })?;
        intake.store.keep_documents(&kept)?;
    }
    for split in Split::ALL {
        let file = |extension: &str| path.join(format!("data/{}.{extension}", split.name()));
        match manifest.format {
            Format::Parquet if file("parquet").exists() => {
                from_parquet(&file("parquet"), |record| intake.take(record.into()))?;
            }
            Format::Csv if file("csv").exists() => from_csv(&file("csv"), |record| intake.take(record.into()))?,
            Format::Parquet | Format::Csv => {}
            format => {
                let metadata = path.join(metadata_path(*split));
                if metadata.exists() {
                    with_metadata(format, &metadata, &file("jsonl"), intake)?;
                }
            }
        }
    }
    Ok(())
}

/// Reads the rows' metadata and, where the format has a line for each, what that line says.
fn with_metadata(format: Format, metadata: &Path, said: &Path, intake: &mut Intake<'_>) -> Result<(), Error> {
    let failed = |source| Error::File { act: "reading", path: said.into(), source };
    let mut others = match format {
        Format::Beir => None,
        _ => Some(BufReader::new(fs_err::File::open(said).map_err(failed)?).lines()),
    };
    lines(metadata, |line, value| {
        let wrong = |path: &Path, reason: String| Error::Import { path: path.into(), line, reason };
        let mut record: Record = serde_json::from_value(value).map_err(|error| wrong(metadata, error.to_string()))?;
        if let Some(others) = &mut others {
            let other = others.next().ok_or_else(|| wrong(said, "the file ends before its metadata".into()))?;
            let value =
                serde_json::from_str(&other.map_err(failed)?).map_err(|error| wrong(said, error.to_string()))?;
            let Spoken { question, answer } = spoken(&value).map_err(|reason| wrong(said, reason))?;
            (record.row.question, record.row.answer) = (question, answer);
        }
        intake.take(record.into())
    })
}

/// A line of a file that others wrote, or of our own metadata.
fn foreign(path: &Path, line: usize, value: &Value, source: &str) -> Result<NewRow, Error> {
    if let Ok(record) = serde_json::from_value::<Record>(value.clone()) {
        return Ok(record.into());
    }
    let Spoken { question, answer } =
        spoken(value).map_err(|reason| Error::Import { path: path.into(), line, reason })?;
    let lineage = Lineage { prompt: Some(source.into()), ..Lineage::of(Generator::Import) };
    Ok(candidate(question, answer, Vec::new(), lineage))
}

fn candidate(question: String, answer: String, evidence: Vec<Evidence>, lineage: Lineage) -> NewRow {
    let topic = evidence.first().map_or_else(|| "other".to_owned(), |evidence| evidence.document.clone());
    let row = Row {
        language: Language::detect(&question),
        question,
        answer,
        kind: QuestionType::Other,
        persona: Persona::Officer,
        difficulty: Difficulty::Medium,
        topic,
        evidence,
        lineage,
    };
    NewRow { row, state: State::Candidate, reason: None, split: None, labels: Vec::new() }
}

/// Takes in the questions and answers that were logged, as candidates, with personal data masked. What an answer cited
/// becomes its evidence.
///
/// # Errors
/// The history's and the store's.
pub fn import_history(store: &Store, history: &History, name: &str) -> Result<ImportReport, Error> {
    super::check_name(name)?;
    let mut intake = Intake::open(store, name, "", "imported from the logged conversations")?;
    let mut num_masked = 0;
    for turn in history.turns()? {
        let (question, answer) = (masking::mask(&turn.question), masking::mask(&turn.answer));
        num_masked += question.mapping.len() + answer.mapping.len();
        let lineage = Lineage { model: Some(turn.model), ..Lineage::of(Generator::History) };
        let evidence = turn.haetae.as_ref().map(cited).unwrap_or_default();
        let mut row = candidate(question.text, answer.text, evidence, lineage);
        row.labels = vec!["logged".into()];
        intake.take(row)?;
    }
    let mut report = intake.finish()?;
    report.num_masked = num_masked;
    Ok(report)
}

/// The quoted sentences that the page was given with an answer. Their document's version is not logged; the hash of the
/// quote stands in its place, so that a refresh looks for the words themselves.
fn cited(haetae: &Value) -> Vec<Evidence> {
    let citations = haetae.get("citations").and_then(Value::as_array);
    let document_of = |n: &Value| {
        let citation = citations?.iter().find(|citation| citation.get("n") == Some(n))?;
        citation.get("document")?.as_str()
    };
    let quotes = haetae.get("quotes").and_then(Value::as_array).into_iter().flatten();
    quotes
        .filter_map(|quote| {
            let (text, span) = (quote.get("text")?.as_str()?, quote.get("span")?);
            let end = |name: &str| span.get(name)?.as_u64().map(|at| at as usize);
            Some(Evidence {
                document: document_of(quote.get("n")?)?.to_owned(),
                version: text_version(text),
                start: end("start")?,
                end: end("end")?,
                quote: text.to_owned(),
            })
        })
        .collect()
}
