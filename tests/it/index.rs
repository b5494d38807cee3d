//! The index's life on disk: built, changed, killed, read by two at once.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use haetae::index::{DenseChoice, Error, Index, Progress, Query};
use haetae::ingest::SourceFile;
use tempfile::TempDir;

use crate::support::tiny_embedder;

/// A home folder with some documents.
struct Home {
    folder: TempDir,
}

impl Home {
    fn new() -> Self {
        let home = Self { folder: tempfile::tempdir().unwrap() };
        home.write("freight.md", "# Freight\n\nFreight to the port is added.\n\n## Rule\n\nThe buyer bears freight.\n");
        home.write("운임.md", "# 운임\n\n수입항까지의 운임은 더한다.\n");
        home
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, name: &str, text: &str) {
        let folder = self.path().join("corpora/documents");
        fs_err::create_dir_all(&folder).unwrap();
        fs_err::write(folder.join(name), text).unwrap();
    }

    fn remove(&self, name: &str) {
        fs_err::remove_file(self.path().join("corpora/documents").join(name)).unwrap();
    }

    /// The user's files only: the built-in corpora would take the tiny model too long.
    fn files(&self) -> Vec<SourceFile> {
        let files = haetae::ingest::source_files(self.path()).unwrap();
        files.into_iter().filter(|file| file.path.is_some()).collect()
    }

    fn open(&self) -> Index {
        Index::open(self.path(), tiny_embedder(self.path()), DenseChoice::Edge).unwrap()
    }

    fn build(&self, index: &Index) -> haetae::index::BuildReport {
        index.build(&self.files(), &mut |_| {}).unwrap()
    }
}

fn titles(index: &Index, query: &str) -> BTreeSet<String> {
    let hits = index.search(&Query { text: query, corpora: &[], limit: 10 }).unwrap();
    hits.iter().map(|hit| hit.passage.title.clone()).collect()
}

#[test]
fn an_index_is_built_searched_and_read() {
    let home = Home::new();
    let index = home.open();
    assert!(!index.is_built());
    assert!(matches!(index.search(&Query { text: "freight", corpora: &[], limit: 5 }), Err(Error::NotBuilt)));
    let report = home.build(&index);
    assert_eq!((report.num_documents, report.num_passages, report.num_embedded), (2, 3, 3));
    let hits = index.search(&Query { text: "운임을 더하나요?", corpora: &[], limit: 5 }).unwrap();
    let first = &hits[0].passage;
    assert_eq!(first.title, "운임");
    let text = index.document_text(&first.document).unwrap().unwrap();
    assert_eq!(&text[first.span.clone()], first.text);
    assert_eq!(index.passage_by_id(&first.id).unwrap().as_ref(), Some(&**first));
    let elsewhere = ["valuation".to_owned()];
    assert!(index.search(&Query { text: "freight", corpora: &elsewhere, limit: 5 }).unwrap().is_empty());
}

#[test]
fn only_changed_passages_are_embedded_again_and_removed_ones_go() {
    let home = Home::new();
    let index = home.open();
    home.build(&index);
    assert!(home.build(&index).unchanged);
    home.write("insurance.md", "# Insurance\n\nThe premium is added.\n");
    home.remove("운임.md");
    let report = home.build(&index);
    assert_eq!((report.num_documents, report.num_embedded, report.unchanged), (2, 1, false));
    assert_eq!(titles(&index, "운임 freight premium"), ["Freight", "Insurance"].map(String::from).into());
}

/// A document with a head, in force from the one day to the other.
fn dated(id: &str, title: &str, days: &str, text: &str) -> String {
    format!("---\nid: {id}\ntitle: \"{title}\"\nlanguage: en\nauthority: guide\nsource: s\n{days}---\n{text}\n")
}

#[test]
fn what_is_not_in_force_today_is_not_found() {
    let home = Home::new();
    home.write("old.md", &dated("old", "Old premium", "effective_to: 2020-12-31\n", "The premium is added in half."));
    home.write("new.md", &dated("new", "Premium", "effective_from: 2021-01-01\n", "The premium is added in full."));
    home.write("next.md", &dated("next", "Next premium", "effective_from: 2999-01-01\n", "No premium is added."));
    let index = home.open();
    home.build(&index);
    let found = titles(&index, "Is the premium added?");
    assert!(found.contains("Premium"), "{found:?}");
    assert!(!found.contains("Old premium") && !found.contains("Next premium"), "{found:?}");
    let questions = index.nearest_questions(&index.embedder().embed_query("Old premium").unwrap(), &[], 10).unwrap();
    assert_eq!(questions.len(), 3, "the titles of the three documents in force");
    let in_force: Vec<_> = index.documents().unwrap().into_iter().map(|d| (d.title, d.in_force)).collect();
    assert!(in_force.contains(&("Premium".into(), true)) && in_force.contains(&("Old premium".into(), false)));
    assert!(index.document("old").unwrap().is_some(), "it can still be opened");
}

#[test]
fn many_versions_that_lapsed_do_not_crowd_out_the_one_in_force() {
    let home = Home::new();
    for n in 0..200 {
        let text = "The premium for insurance is added to the price.";
        home.write(&format!("old{n}.md"), &dated(&format!("old{n}"), "Premium", "effective_to: 2020-12-31\n", text));
    }
    home.write("new.md", &dated("new", "Cover", "", "What insurance costs is a premium, and part of the price."));
    let index = home.open();
    home.build(&index);
    let hits = index.search(&Query { text: "premium for insurance", corpora: &[], limit: 3 }).unwrap();
    assert_eq!(hits[0].passage.document, "new");
}

#[test]
fn a_search_does_without_a_cache_that_cannot_be_used() {
    let home = Home::new();
    let index = home.open();
    home.build(&index);
    let cached = index.embed_fixed(&["Is freight added?", "운임"]).unwrap();
    let cache = home.path().join("index/vectors.db");
    for file in ["vectors.db", "vectors.db-wal", "vectors.db-shm"] {
        let _ = fs_err::remove_file(home.path().join("index").join(file));
    }
    fs_err::create_dir(cache).unwrap();
    assert_eq!(index.embed_fixed(&["Is freight added?", "운임"]).unwrap(), cached);
    assert!(titles(&index, "freight").contains("Freight"));
}

#[test]
fn a_broken_file_is_reported_and_the_others_are_indexed() {
    let home = Home::new();
    home.write("broken.md", "---\nid: x\ntitle: [\n---\ntext\n");
    home.write(
        "copy.md",
        "---\nid: documents-freight\ntitle: T\nlanguage: en\nauthority: guide\nsource: s\n---\nText.\n",
    );
    let index = home.open();
    let report = home.build(&index);
    let failures: Vec<String> = report.failed.iter().map(ToString::to_string).collect();
    assert_eq!(failures.len(), 2, "{failures:?}");
    assert!(failures[0].contains("broken.md"), "{failures:?}");
    assert!(failures[1].contains("documents-freight") && failures[1].contains("twice"), "{failures:?}");
    assert_eq!(report.num_documents, 2);
}

#[test]
fn a_build_killed_at_any_point_leaves_the_old_index() {
    let home = Home::new();
    let index = home.open();
    home.build(&index);
    // What a killed build leaves: a generation without its last files, and a new pointer not yet renamed.
    let torn = home.path().join("index/gen-000002");
    fs_err::create_dir_all(torn.join("sparse")).unwrap();
    fs_err::write(torn.join("catalogue.db"), b"half a page").unwrap();
    fs_err::write(home.path().join("index/CURRENT.next"), b"gen-0000").unwrap();
    assert!(titles(&home.open(), "freight").contains("Freight"));
    home.write("insurance.md", "# Insurance\n\nThe premium is added.\n");
    home.build(&index);
    assert!(titles(&index, "premium").contains("Insurance"));
    assert!(!torn.join("sparse").exists() || fs_err::read(torn.join("catalogue.db")).unwrap() != b"half a page");
}

#[test]
fn a_build_stopped_while_embedding_resumes_from_its_cache() {
    let home = Home::new();
    for n in 0..80 {
        let word: String = std::iter::repeat_n(char::from(b'a' + (n % 26) as u8), 3 + n / 26).collect();
        home.write(&format!("d{n}.md"), &format!("# Doc {word}\n\nText {word}.\n"));
    }
    let index = home.open();
    let files = home.files();
    let stopped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        index.build(&files, &mut |progress| {
            if matches!(progress, Progress::Embedding { done, .. } if done >= 32) {
                panic!("killed");
            }
        })
    }));
    assert!(stopped.is_err() && !index.is_built());
    let report = home.build(&index);
    assert!(report.num_embedded < report.num_passages, "{report:?}");
    assert!(index.is_built());
}

#[test]
fn a_second_index_on_the_same_home_searches_too_and_sees_new_builds() {
    let home = Home::new();
    let first = home.open();
    home.build(&first);
    let second = home.open();
    assert_eq!((first.dense_kind().unwrap(), second.dense_kind().unwrap()), ("qdrant-edge", "exact"));
    assert_eq!(titles(&first, "freight"), titles(&second, "freight"));
    home.write("insurance.md", "# Insurance\n\nThe premium is added.\n");
    home.build(&first);
    assert!(titles(&second, "premium").contains("Insurance"));
}

#[test]
fn both_vector_indexes_agree() {
    let home = Home::new();
    for n in 0..40 {
        let letters: String = (0..n + 3).map(|at| char::from(b'a' + ((at * 7 + n) % 26) as u8)).collect();
        home.write(&format!("d{n}.md"), &format!("# Doc {letters}\n\nText {letters}.\n"));
    }
    let edge = home.open();
    home.build(&edge);
    let exact = home.open();
    for query in ["doc abc", "text hello", "운임", "freight port"] {
        let ids = |index: &Index| -> Vec<String> {
            let hits = index.search(&Query { text: query, corpora: &[], limit: 10 }).unwrap();
            hits.iter().map(|hit| hit.passage.id.clone()).collect()
        };
        assert_eq!(ids(&edge), ids(&exact), "{query}");
    }
}

#[test]
fn many_threads_search_while_a_build_runs() {
    let home = Home::new();
    let index = Arc::new(home.open());
    home.build(&index);
    home.write("insurance.md", "# Insurance\n\nThe premium is added.\n");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..20 {
                    assert!(titles(&index, "freight to the port").contains("Freight"));
                }
            });
        }
        home.build(&index);
    });
}

#[test]
fn an_index_of_another_embedder_counts_as_not_built() {
    let home = Home::new();
    home.build(&home.open());
    let manifests = home.path().join("index/gen-000001/manifest.json");
    let text = fs_err::read_to_string(&manifests).unwrap().replace("tiny-bert", "other");
    fs_err::write(&manifests, text).unwrap();
    let index = home.open();
    assert!(!index.is_built());
    home.build(&index);
    assert!(index.is_built());
}
