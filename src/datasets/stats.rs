//! A dataset in numbers: what it holds, how clean it is, how fast it grew, and what it lacks.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::filters::{near_duplicates, purity};
use super::review::{Agreement, agreement};
use super::store::{Dataset, Facets, Filter, Job, Store, Version};
use super::{Error, FilterSettings, QuestionType};

/// A row is of its language where at least this share of its letters is.
const PURE: f64 = 0.9;

/// Most holes listed; their number is always told.
const MAX_HOLES: usize = 50;

/// All that is counted of a dataset.
#[derive(Clone, Debug, Serialize)]
pub struct Stats {
    pub dataset: Dataset,
    pub versions: Vec<Version>,
    /// Of all rows.
    pub facets: Facets,
    /// Of the rows that are accepted or approved.
    pub good: Facets,
    pub generators: BTreeMap<String, i64>,
    /// Good rows with another whose question is a near duplicate, as a share.
    pub near_duplicates: f64,
    /// The same, where the two are not the twins of a counterfactual pair.
    pub near_duplicates_beside_twins: f64,
    /// Good rows at least 90 % of whose letters are of their language, as a share.
    pub language_purity: f64,
    /// Why filters refused rows, by filter.
    pub refusals: BTreeMap<String, i64>,
    pub review: Agreement,
    pub coverage: Coverage,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<Job>,
}

/// Which cells of topic, type, persona and language hold rows.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Coverage {
    pub num_cells: usize,
    pub num_filled: usize,
    /// Topics and types without a row in a language, whoever asks.
    pub num_holes: usize,
    pub holes: Vec<Hole>,
}

/// A topic, type and language without a row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hole {
    pub topic: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub language: String,
}

/// Counts a dataset.
///
/// # Errors
/// The store's.
pub fn stats(store: &Store, dataset: &Dataset) -> Result<Stats, Error> {
    let mut questions: Vec<(i64, String)> = Vec::new();
    let mut twins: BTreeMap<i64, String> = BTreeMap::new();
    let mut num_pure = 0;
    store.for_each::<Error>(dataset, &Filter::good(), |row| {
        num_pure += usize::from(purity(&row.row) >= PURE);
        if let Some(twin) = row.row.lineage.twin {
            twins.insert(row.id, twin);
        }
        questions.push((row.id, row.row.question));
        Ok(())
    })?;
    let mut refusals: BTreeMap<String, i64> = BTreeMap::new();
    let refused = Filter { states: vec![super::State::Rejected], ..Filter::default() };
    store.for_each::<Error>(dataset, &refused, |row| {
        let reason = row.reason.unwrap_or_default();
        let filter = reason.split_once(": ").map_or("review", |(filter, _)| filter);
        *refusals.entry(filter.to_owned()).or_default() += 1;
        Ok(())
    })?;
    let limit = FilterSettings::default().duplicates.limit;
    let pairs = near_duplicates(questions.iter().map(|(id, question)| (*id, &**question)), limit);
    let are_twins = |a: &i64, b: &i64| twins.get(a).is_some_and(|twin| twins.get(b) == Some(twin));
    let in_pairs: BTreeSet<i64> = pairs.iter().flat_map(|(a, b)| [*a, *b]).collect();
    let beside: BTreeSet<i64> = pairs.iter().filter(|(a, b)| !are_twins(a, b)).flat_map(|(a, b)| [*a, *b]).collect();
    let share = |count: usize| if questions.is_empty() { 0.0 } else { count as f64 / questions.len() as f64 };
    Ok(Stats {
        versions: store.versions(dataset.id)?,
        facets: store.facets(dataset, &Filter::default())?,
        good: store.facets(dataset, &Filter::good())?,
        generators: store.generators(dataset.id)?.into_iter().map(|(g, num)| (g.name().to_owned(), num)).collect(),
        near_duplicates: share(in_pairs.len()),
        near_duplicates_beside_twins: share(beside.len()),
        language_purity: share(num_pure),
        refusals,
        review: agreement(store, dataset)?,
        coverage: coverage(store, dataset)?,
        job: store.job(dataset)?,
        dataset: dataset.clone(),
    })
}

/// Counts the cells that hold rows, over all topics and languages of the dataset and the types that are generated.
fn coverage(store: &Store, dataset: &Dataset) -> Result<Coverage, Error> {
    let cells = store.coverage(dataset.id)?;
    let all = store.facets(dataset, &Filter::default())?;
    let filled: BTreeSet<(&str, &str, &str)> =
        cells.iter().map(|cell| (&*cell.topic, &*cell.kind, &*cell.language)).collect();
    let kinds: Vec<&str> =
        QuestionType::ALL.iter().filter(|kind| **kind != QuestionType::Other).map(|kind| kind.name()).collect();
    let num_personas = super::Persona::ALL.len();
    let mut coverage = Coverage {
        num_cells: all.topic.len() * kinds.len() * num_personas * all.language.len(),
        num_filled: cells.len(),
        ..Coverage::default()
    };
    for topic in all.topic.keys() {
        for kind in &kinds {
            for language in all.language.keys() {
                if filled.contains(&(topic, kind, language)) {
                    continue;
                }
                coverage.num_holes += 1;
                if coverage.holes.len() < MAX_HOLES {
                    coverage.holes.push(Hole {
                        topic: topic.clone(),
                        kind: (*kind).into(),
                        language: language.clone(),
                    });
                }
            }
        }
    }
    Ok(coverage)
}
