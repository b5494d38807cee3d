//! A dataset as a retrieval benchmark: every question with evidence is a query, every passage of the documents is part
//! of the corpus, and a passage that holds a quote is relevant.

use std::collections::{BTreeMap, HashMap};

use serde_json::json;

use super::Record;
use super::files::Files;
use crate::datasets::{Error, Split};
use crate::ingest::{Document, Passage, chunk};

const HEADER: &str = "query-id\tcorpus-id\tscore\n";

/// The passages of the documents that rows rest on, by document and version.
pub(super) struct Passages {
    by_document: HashMap<(String, String), Vec<Passage>>,
}

/// BEIR's names of the splits.
fn judgements(split: Split) -> &'static str {
    match split {
        Split::Train => "data/qrels/train.tsv",
        Split::Validation => "data/qrels/dev.tsv",
        Split::Test => "data/qrels/test.tsv",
    }
}

impl Passages {
    pub fn new(documents: &HashMap<(String, String), Document>) -> Self {
        let passages = |document: &Document| chunk::passages(document);
        Self { by_document: documents.iter().map(|(key, document)| (key.clone(), passages(document))).collect() }
    }

    /// Writes a query with its judgements.
    pub fn row(&mut self, files: &mut Files, split: Split, record: &Record) -> Result<(), Error> {
        let row = &record.row;
        let metadata = json!({"type": row.kind, "language": row.language, "persona": row.persona});
        files.json("data/queries.jsonl", &json!({"_id": record.hash, "text": row.question, "metadata": metadata}))?;
        let path = judgements(split);
        if files.is_new(path) {
            files.text(path, HEADER, 0)?;
        }
        let mut relevant: BTreeMap<&str, ()> = BTreeMap::new();
        for evidence in &row.evidence {
            let key = (evidence.document.clone(), evidence.version.clone());
            let passages = self.by_document.get(&key).into_iter().flatten();
            let holds = |passage: &&Passage| passage.span.start < evidence.end && evidence.start < passage.span.end;
            relevant.extend(passages.filter(holds).map(|passage| (&*passage.id, ())));
        }
        for passage in relevant.into_keys() {
            files.line(path, &format!("{}\t{passage}\t1", record.hash))?;
        }
        Ok(())
    }

    /// Writes all passages, in a fixed order.
    pub fn corpus(&self, files: &mut Files) -> Result<(), Error> {
        let mut passages: Vec<&Passage> = self.by_document.values().flatten().collect();
        passages.sort_by(|a, b| (&a.document, a.span.start).cmp(&(&b.document, b.span.start)));
        // Of a document in two versions, each passage is there once.
        passages.dedup_by(|a, b| a.id == b.id);
        for passage in passages {
            let title = format!("{} - {}", passage.title, passage.heading);
            files.json("data/corpus.jsonl", &json!({"_id": passage.id, "title": title, "text": passage.text}))?;
        }
        Ok(())
    }
}
