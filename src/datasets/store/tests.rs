use super::*;
use crate::datasets::{
    Difficulty, Evidence, Generator, Lineage, Persona, QuestionType, Row, Split, State, agreement, text_version,
};
use crate::ingest::Document;
use crate::lang::Language;

fn row(question: &str, kind: QuestionType) -> NewRow {
    NewRow {
        row: Row {
            question: question.into(),
            answer: "해상운임은 과세가격에 더한다.".into(),
            language: Language::detect(question),
            kind,
            persona: Persona::Broker,
            difficulty: Difficulty::Easy,
            topic: "51".into(),
            evidence: vec![Evidence {
                document: "valuation-051-ko".into(),
                version: "0011223344556677".into(),
                start: 3,
                end: 20,
                quote: "해상운임".into(),
            }],
            lineage: Lineage { seed: Some(7), ..Lineage::of(Generator::Templates) },
        },
        state: State::Accepted,
        reason: None,
        split: Some(Split::Train),
        labels: vec!["freight".into()],
    }
}

fn filled() -> (tempfile::TempDir, Store, Dataset) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("datasets.sqlite")).unwrap();
    let dataset = store.create("probe", "valuation").unwrap();
    let version = store.begin_version(dataset.id, "first").unwrap();
    let rows = [row("해상운임은 더하나요?", QuestionType::Fact), row("Is freight added?", QuestionType::Condition)];
    assert_eq!(store.add(&dataset, version, &rows).unwrap(), 2);
    (folder, store, dataset)
}

#[test]
fn a_row_comes_back_as_it_was_given_and_only_once() {
    let (_folder, store, dataset) = filled();
    let given = row("해상운임은 더하나요?", QuestionType::Fact);
    let kept = store.row(&dataset, 1).unwrap();
    assert_eq!((&kept.row, kept.split, &kept.labels), (&given.row, given.split, &given.labels));
    let version = store.begin_version(dataset.id, "again").unwrap();
    assert_eq!(store.add(&dataset, version, &[given]).unwrap(), 0);
    let dataset = store.dataset("probe").unwrap();
    assert_eq!((dataset.num_rows, dataset.num_good), (2, 2));
    assert_eq!(store.versions(dataset.id).unwrap().iter().map(|v| v.num_rows).collect::<Vec<_>>(), [2, 0]);
}

#[test]
fn rows_are_found_by_facet_and_by_syllables_within_a_word() {
    let (_folder, store, dataset) = filled();
    let find = |filter: &Filter| -> Vec<i64> {
        store.list(&dataset, filter, 0, 10).unwrap().rows.iter().map(|row| row.id).collect()
    };
    let text = |words: &str| Filter { text: Some(words.into()), ..Filter::default() };
    assert_eq!(find(&text("운임")), [1, 2], "the answer of both");
    assert_eq!(find(&text("운임은 더하나")), [1]);
    assert_eq!(find(&text("FREIGHT add")), [2]);
    assert_eq!(find(&text("상운 운해")), Vec::<i64>::new());
    assert_eq!(find(&text("?!")), Vec::<i64>::new(), "no letter is searched for");
    assert_eq!(find(&Filter { kind: Some(QuestionType::Condition), ..text("운임") }), [2]);
    let facets = store.facets(&dataset, &text("운임")).unwrap();
    assert_eq!((facets.num_found, facets.language["ko"], facets.language["en"]), (2, 1, 1));
    assert_eq!(store.facets(&dataset, &Filter::default()).unwrap(), facets, "all rows hold the word");
}

#[test]
fn facets_follow_what_becomes_of_a_row() {
    let (_folder, store, dataset) = filled();
    store.set_state(1, State::Stale, Some("changed")).unwrap();
    let facets = store.facets(&dataset, &Filter::default()).unwrap();
    assert_eq!((facets.state["stale"], facets.state["accepted"]), (1, 1));
    store.set_splits(&[(2, Some(Split::Test))]).unwrap();
    let good = store.facets(&dataset, &Filter::good()).unwrap();
    assert_eq!((good.num_found, good.split.get("test"), good.split.get("train")), (1, Some(&1), None));
}

#[test]
fn two_reviewers_approve_and_an_edit_asks_them_anew() {
    let (_folder, store, dataset) = filled();
    assert_eq!(store.next_for_review(&dataset, "kim").unwrap().unwrap().id, 1);
    assert_eq!(store.approve(&dataset, 1, "kim").unwrap(), State::Candidate);
    assert_eq!(store.approve(&dataset, 1, "kim").unwrap(), State::Candidate, "one person stays one");
    assert_eq!(store.next_for_review(&dataset, "kim").unwrap().unwrap().id, 2);
    assert_eq!(store.approve(&dataset, 1, "lee").unwrap(), State::Approved);
    assert_eq!(store.row(&dataset, 1).unwrap().reviewers, ["kim", "lee"]);
    assert!(store.reject(&dataset, 2, "kim", " ").is_err(), "a reason is asked for");
    store.reject(&dataset, 2, "kim", "wrong article").unwrap();
    assert_eq!(store.reject(&dataset, 2, "lee", "wrong").unwrap(), State::Rejected);
    assert_eq!(agreement(&store, &dataset).unwrap().num_agreed, 2);

    store.edit(&dataset, 1, "park", &[("answer", "더합니다.".into())]).unwrap();
    let edited = store.row(&dataset, 1).unwrap();
    assert_eq!((edited.state, edited.row.answer.as_str(), edited.reviewers.len()), (State::Candidate, "더합니다.", 0));
    let [change] = &store.edits(1).unwrap()[..] else { panic!("one change") };
    assert_eq!((&*change.editor, &*change.field, &*change.before), ("park", "answer", "해상운임은 과세가격에 더한다."));
    let text = Filter { text: Some("더합니다".into()), ..Filter::default() };
    assert_eq!(store.count(&dataset, &text).unwrap(), 1, "the new words are searched");
    assert!(store.edit(&dataset, 9, "park", &[("answer", "x".into())]).is_err());
}

#[test]
fn names_are_checked_and_taken_once() {
    let (_folder, store, _) = filled();
    for name in ["", "../x", "a b", "-x", &"x".repeat(65)] {
        assert!(matches!(store.create(name, "c"), Err(Error::BadName { .. })), "{name}");
    }
    assert!(matches!(store.create("probe", "c"), Err(Error::Exists { .. })));
    assert!(matches!(store.dataset("nobody"), Err(Error::Unknown { .. })));
}

#[test]
fn one_worker_at_a_time() {
    let (_folder, store, _) = filled();
    let lock = store.work_on("probe").unwrap();
    assert!(matches!(store.work_on("probe"), Err(Error::Busy { .. })));
    drop(lock);
    assert!(store.work_on("probe").is_ok());
}

#[test]
fn a_refresh_follows_a_quote_and_marks_what_is_gone() {
    let (_folder, store, dataset) = filled();
    let document = |text: &str| -> Document {
        let head = "---\nid: doc-ko\ntitle: t\nlanguage: ko\nauthority: guide\nsource: s\n---\n";
        Document::parse("x.md".as_ref(), "valuation", &format!("{head}{text}")).unwrap()
    };
    let old = document("운임은 더한다. 보험료도 더한다.");
    let mut on_it = row("보험료는 어떻게 하나요?", QuestionType::Fact);
    let quote = "보험료도 더한다.";
    let start = old.text.find(quote).unwrap();
    on_it.row.evidence = vec![Evidence {
        document: old.id.clone(),
        version: text_version(&old.text),
        start,
        end: start + quote.len(),
        quote: quote.into(),
    }];
    store.add(&dataset, 1, &[on_it]).unwrap();
    let refresh = |text: &str| crate::datasets::refresh(&store, &dataset, &[document(text)]).unwrap();
    // The two rows on a document that is gone go stale at once.
    let report = refresh("운임은 더한다. 보험료도 더한다.");
    assert_eq!((report.unchanged, report.moved, report.stale), (1, 0, 2));
    let report = refresh("새 문장이다. 운임은 더한다. 보험료도 더한다.");
    assert_eq!((report.num_rows, report.moved, report.stale), (1, 1, 0));
    let evidence = store.row(&dataset, 3).unwrap().row.evidence.remove(0);
    let now = document("새 문장이다. 운임은 더한다. 보험료도 더한다.");
    assert_eq!(&now.text[evidence.start..evidence.end], quote);
    let report = refresh("운임은 더한다. 보험료는 더하지 않는다.");
    assert_eq!(report.stale, 1);
    let stale = store.row(&dataset, 3).unwrap();
    assert_eq!(stale.state, State::Stale);
    assert!(stale.reason.unwrap().contains(quote));
}

#[test]
fn a_file_of_the_format_before_is_brought_up_and_keeps_its_work() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("datasets.sqlite");
    let before = SCHEMA
        .replace("dataset INTEGER NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,\n    version INTEGER NOT NULL,\n    state", "dataset INTEGER NOT NULL UNIQUE REFERENCES datasets (id) ON DELETE CASCADE,\n    version INTEGER NOT NULL,\n    state")
        .replace("changed_at TEXT NOT NULL,\n    failure TEXT\n", "changed_at TEXT NOT NULL\n")
        .replace("CREATE INDEX jobs_by_dataset ON jobs (dataset, id);\n", "");
    let assignments = before.find("-- Who is to judge a row.").unwrap()..before.find("-- Of the generations").unwrap();
    let before = format!("{}{}", &before[..assignments.start], &before[assignments.end..]);
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(&before).unwrap();
    old.execute_batch(
        "INSERT INTO datasets VALUES (1, 'old', 'valuation', '2026-01-01');
         INSERT INTO jobs VALUES (7, 1, 1, 'paused', '{}', '[]', '2026-01-01', '2026-01-01');
         INSERT INTO items (job, ordinal, cell, work, state) VALUES (7, 0, 'a', '', 'pending');
         INSERT INTO cells (job, cell, wanted) VALUES (7, 'a', 1);
         PRAGMA user_version = 1;",
    )
    .unwrap();
    drop(old);
    let store = Store::open(&path).unwrap();
    let dataset = store.dataset("old").unwrap();
    let job = store.job(&dataset).unwrap().unwrap();
    assert_eq!((job.num_pending, job.failure), (1, None));
    store.assign(&[], Some("kim")).unwrap();
    // The items still go with their job.
    let connection = store.connection.lock();
    connection.execute("DELETE FROM datasets", []).unwrap();
    assert_eq!(connection.query_row("SELECT COUNT(*) FROM items", [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}
