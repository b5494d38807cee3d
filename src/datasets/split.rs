//! Parts rows into training, validation and test so that nothing leaks: rows that rest on one document, in either of
//! its languages, and rows whose questions are near duplicates, are of one part.

use std::collections::HashMap;

use super::filters::near_duplicates;
use super::store::{Dataset, Filter, Store};
use super::{Error, Split};

/// Shares of validation and test; training has the rest.
const SMALL_SHARE: f64 = 0.1;

/// Sets that are merged.
#[derive(Default)]
struct Sets {
    parents: Vec<usize>,
    names: HashMap<String, usize>,
}

impl Sets {
    fn named(&mut self, name: String) -> usize {
        let next = self.parents.len();
        *self.names.entry(name).or_insert_with(|| {
            self.parents.push(next);
            next
        })
    }

    fn root(&mut self, mut at: usize) -> usize {
        while self.parents[at] != at {
            self.parents[at] = self.parents[self.parents[at]];
            at = self.parents[at];
        }
        at
    }

    fn merge(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        // The smaller index stays, so that the outcome does not hang on the order.
        let (low, high) = (a.min(b), a.max(b));
        self.parents[high] = low;
    }
}

/// A document's name without the language that tells it from its twin.
fn stem(document: &str) -> &str {
    document.strip_suffix("-ko").or_else(|| document.strip_suffix("-en")).unwrap_or(document)
}

/// Gives splits as [`assign_splits`] does where a good row has none yet; otherwise leaves all as they are.
///
/// # Errors
/// The store's.
pub fn complete_splits(store: &Store, dataset: &Dataset, limit: f64) -> Result<(), Error> {
    let mut lacks_split = false;
    store.for_each::<Error>(dataset, &Filter::good(), |row| {
        lacks_split |= row.split.is_none();
        Ok(())
    })?;
    if lacks_split {
        assign_splits(store, dataset, limit)?;
    }
    Ok(())
}

/// Gives every good row of a dataset its split; how many there are of each. Clusters go, the largest first, to the part
/// that lacks most; the same rows give the same splits.
///
/// # Errors
/// The store's.
pub fn assign_splits(store: &Store, dataset: &Dataset, limit: f64) -> Result<HashMap<Split, usize>, Error> {
    let mut sets = Sets::default();
    let mut rows: Vec<(i64, usize, String)> = Vec::new();
    store.for_each::<Error>(dataset, &Filter::good(), |row| {
        let own = sets.named(format!("row {}", row.id));
        // A question without evidence belongs to what it asks about.
        let topic = sets.named(format!("topic {}", row.row.topic));
        sets.merge(own, topic);
        for evidence in &row.row.evidence {
            let document = sets.named(format!("document {}", stem(&evidence.document)));
            sets.merge(own, document);
        }
        rows.push((row.id, own, row.row.question));
        Ok(())
    })?;
    let own: HashMap<i64, usize> = rows.iter().map(|(id, own, _)| (*id, *own)).collect();
    for (a, b) in near_duplicates(rows.iter().map(|(id, _, question)| (*id, &**question)), limit) {
        sets.merge(own[&a], own[&b]);
    }
    let mut clusters: HashMap<usize, Vec<i64>> = HashMap::new();
    for (id, own, _) in &rows {
        clusters.entry(sets.root(*own)).or_default().push(*id);
    }
    let mut clusters: Vec<Vec<i64>> = clusters.into_values().collect();
    clusters.sort_by_key(|ids| (std::cmp::Reverse(ids.len()), ids.first().copied()));
    let wanted = |split: Split| {
        let share = if split == Split::Train { 1.0 - 2.0 * SMALL_SHARE } else { SMALL_SHARE };
        share * rows.len() as f64
    };
    let mut counts: HashMap<Split, usize> = HashMap::new();
    let mut splits = Vec::with_capacity(rows.len());
    for cluster in clusters {
        let lack = |split: &Split| wanted(*split) - counts.get(split).copied().unwrap_or(0) as f64;
        let split = Split::ALL.iter().copied().max_by(|a, b| lack(a).total_cmp(&lack(b)).then(b.cmp(a)));
        let split = split.unwrap_or(Split::Train);
        *counts.entry(split).or_default() += cluster.len();
        splits.extend(cluster.into_iter().map(|id| (id, Some(split))));
    }
    store.set_splits(&splits)?;
    Ok(counts)
}
