-- From format 1: a dataset has several generations, one after the other, and rows are assigned. Foreign keys are off
-- meanwhile, so that the items stay with their jobs while the table is made anew.
CREATE TABLE assignments (
    row INTEGER PRIMARY KEY REFERENCES rows (id) ON DELETE CASCADE,
    reviewer TEXT NOT NULL,
    made_at TEXT NOT NULL
) STRICT;
CREATE INDEX assignments_by_reviewer ON assignments (reviewer, row);

-- A list without a filter took all rows to show some.
CREATE INDEX IF NOT EXISTS rows_by_dataset ON rows (dataset, id);

CREATE TABLE new_jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    dataset INTEGER NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    state TEXT NOT NULL,
    config TEXT NOT NULL,
    notes TEXT NOT NULL,
    created_at TEXT NOT NULL,
    changed_at TEXT NOT NULL,
    failure TEXT
) STRICT;
INSERT INTO new_jobs (id, dataset, version, state, config, notes, created_at, changed_at)
    -- The notes were sentences, and are figures now.
    SELECT id, dataset, version, state, config, '[]', created_at, changed_at FROM jobs;
DROP TABLE jobs;
ALTER TABLE new_jobs RENAME TO jobs;
CREATE INDEX jobs_by_dataset ON jobs (dataset, id);
