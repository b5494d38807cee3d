use std::collections::BTreeMap;
use std::path::Path;

use super::*;
use crate::datasets::{FilterSetting, QuestionType, Split, StoredRow, Writers, assign_splits, stats};
use crate::ingest::{documents, source_files};
use crate::lang::Language;

fn valuation() -> Vec<Document> {
    let files = source_files(Path::new("/nowhere")).unwrap().into_iter().filter(|file| file.corpus == "valuation");
    files.flat_map(|file| documents(&file.shown(), &file.corpus, &file.read().unwrap()).unwrap()).collect()
}

/// Rows by template, through all filters but those that search.
fn config(rows: usize) -> GenerationConfig {
    let mut config = GenerationConfig { rows, ..GenerationConfig::default() };
    for filter in [&mut config.filters.round_trip, &mut config.filters.answerable] {
        *filter = FilterSetting { enabled: false, ..*filter };
    }
    config
}

fn rows(store: &Store, dataset: &Dataset) -> Vec<StoredRow> {
    let mut rows = Vec::new();
    store
        .for_each::<Error>(dataset, &Filter::default(), |row| {
            rows.push(row);
            Ok(())
        })
        .unwrap();
    rows
}

async fn generated(folder: &Path, config: &GenerationConfig) -> (Store, Dataset) {
    let store = Store::open(&folder.join("datasets.sqlite")).unwrap();
    let documents = valuation();
    let (dataset, _) = begin(&store, "probe", config, &documents).unwrap();
    let worker = Worker::new(store.work_on("probe").unwrap(), &dataset, Tools::default(), documents).unwrap();
    assert_eq!(worker.run(|_, _| {}).await.unwrap(), Ended::Done);
    (store, dataset)
}

#[tokio::test]
async fn two_thousand_rows_come_out_of_the_valuation_corpus_as_planned() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(2000);
    let (store, dataset) = generated(folder.path(), &config).await;
    let counts = assign_splits(&store, &dataset, config.filters.duplicates.limit).unwrap();
    let stats = stats(&store, &dataset).unwrap();
    assert_eq!(stats.good.num_found, 2000, "{:?} {:?}", stats.refusals, stats.job.map(|job| job.notes));
    assert!(stats.near_duplicates < 0.01, "{}", stats.near_duplicates);
    assert!(stats.language_purity >= 0.99, "{}", stats.language_purity);
    let total: f64 = config.types.values().sum();
    for (kind, share) in &config.types {
        let found = stats.good.kind.get(kind.name()).copied().unwrap_or(0) as f64 / 2000.0;
        assert!((found - share / total).abs() < 0.05, "{kind}: {found} of {}", share / total);
    }
    for language in ["ko", "en"] {
        assert!((900..=1100).contains(&stats.good.language[language]), "{:?}", stats.good.language);
    }
    for split in Split::ALL {
        assert!(counts.get(split).copied().unwrap_or(0) >= 100, "{counts:?}");
    }
    // No document, in either language, stands in two splits.
    let mut split_of: BTreeMap<String, Split> = BTreeMap::new();
    for row in rows(&store, &dataset).into_iter().filter(|row| row.state.is_good()) {
        for evidence in &row.row.evidence {
            let stem = evidence.document.trim_end_matches("-ko").trim_end_matches("-en").to_owned();
            let split = row.split.unwrap();
            assert_eq!(*split_of.entry(stem).or_insert(split), split, "row {}", row.id);
        }
    }
}

#[tokio::test]
async fn a_generation_stops_and_goes_on_and_ends_with_the_same_rows() {
    let (whole, parted) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let config = config(120);
    let (store, dataset) = generated(whole.path(), &config).await;
    let expected = rows(&store, &dataset);

    let store = Store::open(&parted.path().join("datasets.sqlite")).unwrap();
    let documents = valuation();
    let (dataset, _) = begin(&store, "probe", &config, &documents).unwrap();
    let lock = store.work_on("probe").unwrap();
    let worker = Worker::new(lock, &dataset, Tools::default(), documents.clone()).unwrap();
    let stopped = worker
        .run(|num_items, _| {
            if num_items == 40 {
                pause(&store, &dataset).unwrap();
            }
        })
        .await;
    assert_eq!(stopped.unwrap(), Ended::Paused);
    let before = rows(&store, &dataset).len();
    assert!((1..120).contains(&before), "{before}");
    assert!(pause(&store, &dataset).is_err(), "it is paused already");
    let (again, _) = begin(&store, "probe", &config, &documents).unwrap();
    resume(&store, &again).unwrap();
    drop(worker);
    let lock = store.work_on("probe").unwrap();
    let worker = Worker::new(lock, &again, Tools::default(), documents.clone()).unwrap();
    assert_eq!(worker.run(|_, _| {}).await.unwrap(), Ended::Done);
    assert_eq!(rows(&store, &again), expected);

    let other = GenerationConfig { seed: 2, ..config };
    assert!(matches!(begin(&store, "probe", &other, &documents), Err(Error::OtherSettings { .. })));
    assert!(resume(&store, &again).is_err(), "it is done");
}

#[tokio::test]
async fn what_needs_a_model_fails_with_a_reason_where_there_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let config = GenerationConfig { generator: Writers::Model, max_attempts: 1, ..config(4) };
    let (store, dataset) = generated(folder.path(), &config).await;
    let job = store.job(&dataset).unwrap().unwrap();
    assert!(job.num_failed > 0 && job.num_good == 0, "{job:?}");
}

#[test]
fn a_plan_holds_to_its_topics_and_languages() {
    let config = GenerationConfig {
        topics: vec!["21".into(), "36".into()],
        languages: [(Language::Ko, 1.0)].into(),
        types: [(QuestionType::Fact, 1.0)].into(),
        ..config(10)
    };
    let plan = plan(&config, &valuation()).unwrap();
    assert!(plan.items.len() >= 10);
    for item in &plan.items {
        let Work::Template { draft, .. } = &item.work else { panic!("templates only") };
        assert!(matches!(&*draft.topic, "21" | "36") && draft.language == Language::Ko);
    }
    assert!(matches!(super::plan(&config, &[]), Err(Error::EmptyCorpus { .. })));
}
