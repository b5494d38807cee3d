use super::*;

#[test]
fn a_file_of_the_format_before_is_brought_up_and_keeps_its_work() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("datasets.sqlite");
    let before = Dialect::Sqlite
        .schema()
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
    let Database::Sqlite(connection) = &store.database else { panic!("a file") };
    let connection = connection.lock();
    connection.execute("DELETE FROM datasets", []).unwrap();
    assert_eq!(connection.query_row("SELECT COUNT(*) FROM items", [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}
