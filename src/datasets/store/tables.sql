-- What both databases have, in SQLite's words; `database/dialect.rs` turns them into PostgreSQL's.

CREATE TABLE datasets (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    corpus TEXT NOT NULL,
    created_at TEXT NOT NULL
) STRICT;

CREATE TABLE versions (
    dataset INTEGER NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    note TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (dataset, number)
) STRICT, WITHOUT ROWID;

-- Documents as they were when rows were made of them.
CREATE TABLE documents (
    id TEXT NOT NULL,
    version TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (id, version)
) STRICT;

-- What lists and filters look at. No text stands here, so that a scan stays in the cache.
CREATE TABLE rows (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    dataset INTEGER NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
    hash TEXT NOT NULL,
    version INTEGER NOT NULL,
    state TEXT NOT NULL,
    language TEXT NOT NULL,
    type TEXT NOT NULL,
    persona TEXT NOT NULL,
    difficulty TEXT NOT NULL,
    split TEXT NOT NULL,
    topic TEXT NOT NULL,
    generator TEXT NOT NULL,
    UNIQUE (dataset, hash)
) STRICT;
CREATE INDEX rows_by_dataset ON rows (dataset, id);
CREATE INDEX rows_by_state ON rows (dataset, state, id);
CREATE INDEX rows_by_type ON rows (dataset, type, state, id);
CREATE INDEX rows_by_topic ON rows (dataset, topic, state, id);

CREATE TABLE contents (
    row INTEGER PRIMARY KEY REFERENCES rows (id) ON DELETE CASCADE,
    question TEXT NOT NULL,
    answer TEXT NOT NULL,
    evidence TEXT NOT NULL,
    lineage TEXT NOT NULL,
    labels TEXT NOT NULL DEFAULT '[]',
    reason TEXT
) STRICT;

-- Which rows rest on which document.
CREATE TABLE grounds (
    document TEXT NOT NULL,
    row INTEGER NOT NULL REFERENCES rows (id) ON DELETE CASCADE,
    PRIMARY KEY (document, row)
) STRICT, WITHOUT ROWID;

CREATE TABLE facets (
    dataset INTEGER NOT NULL,
    state TEXT NOT NULL,
    language TEXT NOT NULL,
    type TEXT NOT NULL,
    persona TEXT NOT NULL,
    difficulty TEXT NOT NULL,
    split TEXT NOT NULL,
    topic TEXT NOT NULL,
    num INTEGER NOT NULL,
    PRIMARY KEY (dataset, state, language, type, persona, difficulty, split, topic)
) STRICT, WITHOUT ROWID;

CREATE TABLE edits (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    row INTEGER NOT NULL REFERENCES rows (id) ON DELETE CASCADE,
    editor TEXT NOT NULL,
    made_at TEXT NOT NULL,
    field TEXT NOT NULL,
    before TEXT NOT NULL,
    after TEXT NOT NULL
) STRICT;
CREATE INDEX edits_by_row ON edits (row, id);

CREATE TABLE decisions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    row INTEGER NOT NULL REFERENCES rows (id) ON DELETE CASCADE,
    reviewer TEXT NOT NULL,
    approves INTEGER NOT NULL,
    reason TEXT,
    made_at TEXT NOT NULL,
    UNIQUE (row, reviewer)
) STRICT;

-- Who is to judge a row.
CREATE TABLE assignments (
    row INTEGER PRIMARY KEY REFERENCES rows (id) ON DELETE CASCADE,
    reviewer TEXT NOT NULL,
    made_at TEXT NOT NULL
) STRICT;
CREATE INDEX assignments_by_reviewer ON assignments (reviewer, row);

-- Of the generations of a dataset, one at most is unfinished, and it is the latest.
CREATE TABLE jobs (
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
CREATE INDEX jobs_by_dataset ON jobs (dataset, id);

CREATE TABLE items (
    job INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    cell TEXT NOT NULL,
    work TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    not_before INTEGER NOT NULL DEFAULT 0,
    reason TEXT,
    PRIMARY KEY (job, ordinal)
) STRICT, WITHOUT ROWID;
CREATE INDEX items_by_state ON items (job, state, ordinal);

-- How many rows each cell of the plan wants, and how many it has.
CREATE TABLE cells (
    job INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    cell TEXT NOT NULL,
    wanted INTEGER NOT NULL,
    have INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (job, cell)
) STRICT, WITHOUT ROWID;

CREATE TABLE stages (
    job INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    stage TEXT NOT NULL,
    num INTEGER NOT NULL,
    kept INTEGER NOT NULL,
    micros INTEGER NOT NULL,
    PRIMARY KEY (job, stage)
) STRICT, WITHOUT ROWID;
