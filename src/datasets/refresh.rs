//! What a changed document does to the rows that rest on it. A quote that still stands, there or elsewhere in the new
//! text, is followed to its place; a row one of whose quotes is gone goes stale and waits for review.

use std::collections::HashMap;

use serde::Serialize;

use super::store::{Dataset, Filter, Store};
use super::{Error, State, text_version};
use crate::ingest::Document;

/// What a refresh found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RefreshReport {
    pub num_rows: usize,
    /// Rows whose documents are as they were.
    pub unchanged: usize,
    /// Rows whose quotes still stand in a document that changed elsewhere.
    pub moved: usize,
    /// Rows that went stale.
    pub stale: usize,
}

/// Holds every row of a dataset against `documents` as they are now.
///
/// # Errors
/// The store's.
pub fn refresh(store: &Store, dataset: &Dataset, documents: &[Document]) -> Result<RefreshReport, Error> {
    let now: HashMap<&str, (String, &Document)> =
        documents.iter().map(|document| (&*document.id, (text_version(&document.text), document))).collect();
    let mut report = RefreshReport::default();
    let mut stale = Vec::new();
    let mut moved = Vec::new();
    let states = [State::Candidate, State::Accepted, State::Approved];
    store.for_each::<Error>(dataset, &Filter { states: states.into(), ..Filter::default() }, |stored| {
        report.num_rows += 1;
        let mut row = stored.row;
        let mut changed = false;
        for evidence in &mut row.evidence {
            let Some((version, document)) = now.get(&*evidence.document) else {
                stale.push((stored.id, format!("document `{}` is gone", evidence.document)));
                return Ok(());
            };
            if *version == evidence.version {
                continue;
            }
            changed = true;
            // Where the quote stands more than once, the place nearest to the old one is taken.
            let places = document.text.match_indices(&*evidence.quote).map(|(at, _)| at);
            let Some(at) = places.min_by_key(|at| at.abs_diff(evidence.start)) else {
                stale
                    .push((stored.id, format!("document `{}` no longer says “{}”", evidence.document, evidence.quote)));
                return Ok(());
            };
            evidence.start = at;
            evidence.end = at + evidence.quote.len();
            evidence.version.clone_from(version);
        }
        if changed {
            moved.push((stored.id, row));
        } else {
            report.unchanged += 1;
        }
        Ok(())
    })?;
    store.keep_documents(documents)?;
    for (id, reason) in &stale {
        store.set_state(*id, State::Stale, Some(reason))?;
    }
    for (id, row) in &moved {
        store.move_evidence(*id, row)?;
    }
    report.moved = moved.len();
    report.stale = stale.len();
    Ok(report)
}
