//! The tables in SQLite. Dates are text in ISO 8601, months `YYYY-MM`, amounts whole won: whoever opens the file with
//! another program reads the same. What is summed at every look (partners, goods, industries, names) is summed once,
//! when the import ends.

use rusqlite::{Connection, OptionalExtension};

/// Format of the tables, in SQLite's `user_version`.
pub const FORMAT: i64 = 1;

pub const TABLES: &[&str] = &[
    "meta",
    "companies",
    "people",
    "roles",
    "families",
    "sellers",
    "related_sellers",
    "brokers",
    "declarations",
    "ledgers",
    "audits",
    "names",
    "name_grams",
    "partners",
    "brokerage",
    "goods",
    "industries",
];

pub const CREATE: &str = "
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    CREATE TABLE companies (
        id TEXT PRIMARY KEY, name_ko TEXT, name_en TEXT, founded TEXT, closed TEXT,
        address_ko TEXT, address_en TEXT, phone TEXT, account TEXT
    ) STRICT;
    CREATE TABLE people (id TEXT PRIMARY KEY, name_ko TEXT, name_en TEXT) STRICT;
    CREATE TABLE roles (
        company TEXT NOT NULL, role TEXT NOT NULL, person TEXT, holder TEXT, share REAL
    ) STRICT;
    CREATE TABLE families (person TEXT NOT NULL, relative TEXT NOT NULL, relation TEXT) STRICT;
    CREATE TABLE sellers (id TEXT PRIMARY KEY, name TEXT, country TEXT) STRICT;
    CREATE TABLE related_sellers (seller TEXT NOT NULL, company TEXT NOT NULL) STRICT;
    CREATE TABLE brokers (id TEXT PRIMARY KEY, name_ko TEXT, name_en TEXT) STRICT;
    CREATE TABLE declarations (
        id TEXT PRIMARY KEY, date TEXT NOT NULL, office TEXT, broker TEXT, importer TEXT NOT NULL, seller TEXT,
        related INTEGER, transport TEXT, hs TEXT NOT NULL, item_en TEXT, item_ko TEXT, departure TEXT, origin TEXT,
        rate_type TEXT, rate REAL, mass_kg REAL, value_krw INTEGER NOT NULL, duty_krw INTEGER, fraud INTEGER
    ) STRICT;
    CREATE TABLE ledgers (
        company TEXT NOT NULL, month TEXT NOT NULL, due_krw INTEGER NOT NULL, paid_krw INTEGER NOT NULL,
        days_late INTEGER NOT NULL, arrears_krw INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE audits (company TEXT NOT NULL, date TEXT NOT NULL, finding TEXT NOT NULL, claimed_krw INTEGER NOT NULL)
    STRICT;
    CREATE TABLE names (plain TEXT NOT NULL, company TEXT NOT NULL, num_grams INTEGER NOT NULL) STRICT;
    CREATE TABLE name_grams (gram TEXT NOT NULL, name INTEGER NOT NULL, PRIMARY KEY (gram, name)) STRICT, WITHOUT ROWID;
";

/// What is made of the rows once all are in. Indexes are built at the end: sorting once is faster than keeping sorted.
pub const FINISH: &str = "
    CREATE INDEX declarations_by_importer ON declarations (importer, date);
    CREATE INDEX declarations_by_seller ON declarations (seller, date);
    CREATE INDEX declarations_by_hs ON declarations (hs, date, importer, value_krw, mass_kg);
    CREATE INDEX declarations_by_date ON declarations (date);
    CREATE INDEX roles_by_company ON roles (company);
    CREATE INDEX roles_by_person ON roles (person) WHERE person IS NOT NULL;
    CREATE INDEX roles_by_holder ON roles (holder) WHERE holder IS NOT NULL;
    CREATE INDEX families_by_person ON families (person);
    CREATE INDEX related_sellers_by_seller ON related_sellers (seller);
    CREATE INDEX ledgers_by_company ON ledgers (company, month);
    CREATE INDEX audits_by_company ON audits (company, date);
    CREATE INDEX names_by_plain ON names (plain);
    CREATE TABLE partners (
        importer TEXT NOT NULL, seller TEXT NOT NULL, declarations INTEGER NOT NULL, value_krw INTEGER NOT NULL,
        first TEXT NOT NULL, last TEXT NOT NULL, PRIMARY KEY (importer, seller)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO partners SELECT importer, seller, COUNT(*), SUM(value_krw), MIN(date), MAX(date)
        FROM declarations WHERE seller IS NOT NULL GROUP BY importer, seller;
    CREATE TABLE brokerage (
        importer TEXT NOT NULL, broker TEXT NOT NULL, declarations INTEGER NOT NULL, value_krw INTEGER NOT NULL,
        first TEXT NOT NULL, last TEXT NOT NULL, PRIMARY KEY (importer, broker)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO brokerage SELECT importer, broker, COUNT(*), SUM(value_krw), MIN(date), MAX(date)
        FROM declarations WHERE broker IS NOT NULL GROUP BY importer, broker;
    CREATE TABLE goods (
        importer TEXT NOT NULL, hs TEXT NOT NULL, declarations INTEGER NOT NULL, value_krw INTEGER NOT NULL,
        PRIMARY KEY (importer, hs)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO goods SELECT importer, hs, COUNT(*), SUM(value_krw) FROM declarations GROUP BY importer, hs;
    CREATE TABLE industries (
        company TEXT PRIMARY KEY, chapter TEXT NOT NULL, value_krw INTEGER NOT NULL, total_krw INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    INSERT INTO industries
        SELECT importer, chapter, value, total FROM (
            SELECT importer, chapter, value, SUM(value) OVER (PARTITION BY importer) AS total,
                ROW_NUMBER() OVER (PARTITION BY importer ORDER BY value DESC, chapter) AS place
            FROM (SELECT importer, substr(hs, 1, 2) AS chapter, SUM(value_krw) AS value FROM goods GROUP BY 1, 2)
        ) WHERE place = 1;
    CREATE INDEX industries_by_chapter ON industries (chapter);
    ANALYZE;
";

/// What marks the tables as invented: how the world was made. `None` for an administration's own.
pub fn marker(connection: &Connection) -> rusqlite::Result<Option<String>> {
    connection.prepare_cached("SELECT value FROM meta WHERE key = 'demo'")?.query_row([], |row| row.get(0)).optional()
}
