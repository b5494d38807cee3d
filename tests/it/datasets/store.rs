//! The store, over both databases: the same rows, searches, counts, reviews and names, whichever it is.

use haetae::datasets::store::{Dataset, Filter, NewRow};
use haetae::datasets::{
    Difficulty, Error, Evidence, Generator, Lineage, Persona, Place, QuestionType, Row, Split, State, Store, agreement,
    text_version,
};
use haetae::ingest::Document;
use haetae::lang::Language;

use crate::support::postgres::Database;

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

/// Has `test` run on an empty store of each kind.
fn on_each(test: impl Fn(&Store)) {
    let folder = tempfile::tempdir().unwrap();
    test(&Place::in_home(folder.path()).open().unwrap());
    if let Some(database) = Database::new() {
        test(&Place::Server(database.parsed()).open().unwrap());
    }
}

/// The same with two rows in it.
fn on_each_filled(test: impl Fn(&Store, Dataset)) {
    on_each(|store| {
        let dataset = store.create("probe", "valuation").unwrap();
        let version = store.begin_version(dataset.id, "first").unwrap();
        let rows = [row("해상운임은 더하나요?", QuestionType::Fact), row("Is freight added?", QuestionType::Condition)];
        assert_eq!(store.add(&dataset, version, &rows).unwrap(), 2);
        test(store, dataset);
    });
}

#[test]
fn a_row_comes_back_as_it_was_given_and_only_once() {
    on_each_filled(|store, dataset| {
        let given = row("해상운임은 더하나요?", QuestionType::Fact);
        let kept = store.row(&dataset, 1).unwrap();
        assert_eq!((&kept.row, kept.split, &kept.labels), (&given.row, given.split, &given.labels));
        let version = store.begin_version(dataset.id, "again").unwrap();
        assert_eq!(store.add(&dataset, version, &[given]).unwrap(), 0);
        let dataset = store.dataset("probe").unwrap();
        assert_eq!((dataset.num_rows, dataset.num_good), (2, 2));
        assert_eq!(store.versions(dataset.id).unwrap().iter().map(|v| v.num_rows).collect::<Vec<_>>(), [2, 0]);
    });
}

#[test]
fn rows_are_found_by_facet_and_by_syllables_within_a_word() {
    on_each_filled(|store, dataset| {
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
    });
}

#[test]
fn facets_follow_what_becomes_of_a_row() {
    on_each_filled(|store, dataset| {
        store.set_state(1, State::Stale, Some("changed")).unwrap();
        let facets = store.facets(&dataset, &Filter::default()).unwrap();
        assert_eq!((facets.state["stale"], facets.state["accepted"]), (1, 1));
        store.set_splits(&[(2, Some(Split::Test))]).unwrap();
        let good = store.facets(&dataset, &Filter::good()).unwrap();
        assert_eq!((good.num_found, good.split.get("test"), good.split.get("train")), (1, Some(&1), None));
    });
}

#[test]
fn two_reviewers_approve_and_an_edit_asks_them_anew() {
    on_each_filled(|store, dataset| {
        assert_eq!(store.next_for_review(&dataset, "kim").unwrap().unwrap().id, 1);
        assert_eq!(store.approve(&dataset, 1, "kim").unwrap(), State::Candidate);
        assert_eq!(store.approve(&dataset, 1, "kim").unwrap(), State::Candidate, "one person stays one");
        assert_eq!(store.next_for_review(&dataset, "kim").unwrap().unwrap().id, 2);
        assert_eq!(store.approve(&dataset, 1, "lee").unwrap(), State::Approved);
        assert_eq!(store.row(&dataset, 1).unwrap().reviewers, ["kim", "lee"]);
        assert!(store.reject(&dataset, 2, "kim", " ").is_err(), "a reason is asked for");
        store.reject(&dataset, 2, "kim", "wrong article").unwrap();
        assert_eq!(store.reject(&dataset, 2, "lee", "wrong").unwrap(), State::Rejected);
        assert_eq!(agreement(store, &dataset).unwrap().num_agreed, 2);

        store.edit(&dataset, 1, "park", &[("answer", "더합니다.".into())]).unwrap();
        let edited = store.row(&dataset, 1).unwrap();
        assert_eq!(
            (edited.state, edited.row.answer.as_str(), edited.reviewers.len()),
            (State::Candidate, "더합니다.", 0)
        );
        let [change] = &store.edits(1).unwrap()[..] else { panic!("one change") };
        assert_eq!(
            (&*change.editor, &*change.field, &*change.before),
            ("park", "answer", "해상운임은 과세가격에 더한다.")
        );
        let text = Filter { text: Some("더합니다".into()), ..Filter::default() };
        assert_eq!(store.count(&dataset, &text).unwrap(), 1, "the new words are searched");
        assert!(store.edit(&dataset, 9, "park", &[("answer", "x".into())]).is_err());
    });
}

#[test]
fn names_are_checked_and_taken_once() {
    on_each_filled(|store, _| {
        for name in ["", "../x", "a b", "-x", &"x".repeat(65)] {
            assert!(matches!(store.create(name, "c"), Err(Error::BadName { .. })), "{name}");
        }
        assert!(matches!(store.create("probe", "c"), Err(Error::Exists { .. })));
        assert!(matches!(store.dataset("nobody"), Err(Error::Unknown { .. })));
    });
}

#[test]
fn a_refresh_follows_a_quote_and_marks_what_is_gone() {
    on_each_filled(|store, dataset| {
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
        let refresh = |text: &str| haetae::datasets::refresh(store, &dataset, &[document(text)]).unwrap();
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
    });
}

#[test]
fn two_who_judge_at_the_same_time_see_each_other() {
    on_each(|store| {
        let dataset = store.create("probe", "valuation").unwrap();
        let version = store.begin_version(dataset.id, "first").unwrap();
        let rows: Vec<NewRow> =
            (0..40).map(|nth| row(&format!("Is cost no {nth} added?"), QuestionType::Fact)).collect();
        store.add(&dataset, version, &rows).unwrap();
        std::thread::scope(|scope| {
            for reviewer in ["kim", "lee"] {
                let (store, dataset) = (store.another().unwrap(), &dataset);
                scope.spawn(move || {
                    for id in 1..=40 {
                        store.approve(dataset, id, reviewer).unwrap();
                    }
                });
            }
        });
        let approved = Filter { states: vec![State::Approved], ..Filter::default() };
        assert_eq!(store.count(&dataset, &approved).unwrap(), 40);
    });
}

#[test]
fn moments_are_told_as_iso_8601_in_utc() {
    on_each_filled(|_, dataset| {
        let at: jiff::Timestamp = dataset.created_at.parse().unwrap();
        assert!(dataset.created_at.ends_with('Z') && dataset.created_at.len() == 24, "{}", dataset.created_at);
        assert!(at.duration_until(jiff::Timestamp::now()).as_secs() < 3600);
    });
}

#[test]
fn a_file_has_one_worker_and_a_server_any_number() {
    let folder = tempfile::tempdir().unwrap();
    let store = Place::in_home(folder.path()).open().unwrap();
    let lock = store.work_on("probe").unwrap();
    assert!(matches!(store.work_on("probe"), Err(Error::Busy { .. })));
    drop(lock);
    assert!(store.work_on("probe").is_ok());

    let Some(database) = Database::new() else { return };
    let store = Place::Server(database.parsed()).open().unwrap();
    let (one, another) = (store.work_on("probe").unwrap(), store.work_on("probe").unwrap());
    assert!(matches!(store.work_alone_on("probe"), Err(Error::Busy { .. })), "two are at it");
    assert!(store.work_alone_on("other").is_ok());
    drop((one, another));
    let alone = store.work_alone_on("probe").unwrap();
    assert!(matches!(store.work_on("probe"), Err(Error::Busy { .. })), "one wants to be alone");
    drop(alone);
    assert!(store.work_on("probe").is_ok());
}

#[test]
fn a_server_that_refuses_is_told_without_the_password() {
    let Some(database) = Database::new() else { return };
    let right = database.url_with(crate::support::postgres::PASSWORD).parse().unwrap();
    assert!(Store::connect(&right).is_ok(), "by the port, with the password");
    let wrong = Store::connect(&database.url_with("wrong").parse().unwrap());
    let Err(error) = wrong else { panic!("let in") };
    let text = error.to_string();
    assert!(text.contains("127.0.0.1") && text.contains("password authentication failed"), "{text}");
    assert!(!text.contains("wrong"), "{text}");
    let nobody = "postgres://haetae@127.0.0.1:1/sets".parse().unwrap();
    let Err(error) = Store::connect(&nobody) else { panic!("nobody is there") };
    assert!(error.to_string().starts_with("datasets `postgres://127.0.0.1:1/sets` could not be opened"), "{error}");
}
