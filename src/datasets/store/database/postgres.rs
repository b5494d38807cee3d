//! A PostgreSQL server, spoken to over TCP or a Unix socket.
//!
//! The driver is asynchronous, and datasets are worked on from async threads and others alike. So each connection has a
//! thread of its own that carries its bytes, and whoever asks waits for the answer without a runtime, wherever it is. A
//! connection that broke is opened anew when it is next asked for. Sessions hold locks, so that a pooler in between must
//! pool by session.

use std::collections::HashMap;
use std::error::Error as _;
use std::future::Future;
use std::ops::Deref;
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, NoTls, Row, Statement};

use super::{Dialect, Failure, Value};
use crate::config::DatabaseUrl;

/// Longest wait for a server that does not answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How soon a peer that is gone without a word is noticed, on both sides: three tries of ten seconds after this.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Statements kept prepared; filters are combined freely, and each combination is one.
const MAX_STATEMENTS: usize = 256;

/// Settings of every connection. A client that hangs must not hold up the others for long, and one that is gone must
/// give back what it has.
const SETTINGS: &str = "SET client_min_messages = warning; SET tcp_keepalives_idle = 30;
    SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3;
    SET idle_in_transaction_session_timeout = '60s'; SET lock_timeout = '20s'";

/// The server's words for an error, which the driver keeps beneath its own.
pub fn told(error: &tokio_postgres::Error) -> String {
    match (error.as_db_error(), error.source()) {
        (Some(refused), _) => {
            let detail = refused.detail().map(|detail| format!(" ({detail})")).unwrap_or_default();
            format!("{}{detail}", refused.message())
        }
        (None, Some(cause)) if !error.to_string().contains(&cause.to_string()) => format!("{error}: {cause}"),
        (None, _) => error.to_string(),
    }
}

/// Whether a transaction failed because another stood in its way.
pub fn is_collision(error: &tokio_postgres::Error) -> bool {
    matches!(error.code(), Some(&SqlState::T_R_DEADLOCK_DETECTED | &SqlState::T_R_SERIALIZATION_FAILURE))
}

/// Whether the server could not be reached, or ended the connection of its own.
pub fn is_outage(error: &tokio_postgres::Error) -> bool {
    // Class 57P: the server is shut down, crashed or starting; class 08: the connection; without a code: none is left.
    error.code().is_none_or(|code| code.code().starts_with("57P") || code.code().starts_with("08"))
}

/// A server with a schema that holds all tables. Has one connection, which is made when it is asked for.
pub struct Server {
    config: Config,
    schema: String,
    link: Mutex<Option<Link>>,
}

/// The connection, for as long as it is held.
pub struct Held<'a>(MutexGuard<'a, Option<Link>>);

impl Deref for Held<'_> {
    type Target = Link;

    fn deref(&self) -> &Link {
        self.0.as_ref().expect("`Server::link` gives it out only when it is there")
    }
}

impl Server {
    /// Reaches a server, and makes the tables where its schema has none; the format of the tables found.
    ///
    /// # Errors
    /// Those of connecting and of making the tables.
    pub fn open(url: &DatabaseUrl, schema: &str, format: i64) -> Result<(Self, i64), Failure> {
        let mut config = url.settings().clone();
        config.application_name("haetae").keepalives_idle(KEEPALIVE).tcp_user_timeout(KEEPALIVE * 2);
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        let server = Self { config, schema: schema.into(), link: Mutex::default() };
        let found = server.format_or_create(format)?;
        Ok((server, found))
    }

    /// The connection, for the caller alone.
    pub fn link(&self) -> Result<Held<'_>, Failure> {
        let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        if link.as_ref().is_none_or(Link::is_closed) {
            *link = Some(self.connect()?);
        }
        Ok(Held(link))
    }

    /// A connection of its own, for locks that last.
    pub fn connect(&self) -> Result<Link, Failure> {
        let link = Link::open(&self.config)?;
        link.batch(SETTINGS)?;
        link.batch(&format!("SET search_path = {}", self.schema))?;
        Ok(link)
    }

    /// Of several that find the schema empty, one makes the tables and the others wait and see them.
    fn format_or_create(&self, format: i64) -> Result<i64, Failure> {
        let link = self.link()?;
        let schema = &self.schema;
        link.transaction(|| {
            // Whoever makes tables holds this lock, whatever the schema: it is seldom, and short.
            link.query("SELECT pg_advisory_xact_lock(?1)", &[Value::Integer(super::super::LOCKS)])?;
            let has = |relation: &str| -> Result<bool, Failure> {
                let found = link.query(&format!("SELECT {relation} IS NOT NULL"), &[])?;
                Ok(found.first().map(|row| row.try_get(0)).transpose()?.unwrap_or(false))
            };
            if !has(&format!("to_regnamespace('{schema}')"))? {
                link.batch(&format!("CREATE SCHEMA {schema}"))?;
            }
            if !has(&format!("to_regclass('{schema}.store_format')"))? {
                link.batch(&Dialect::Postgres.schema())?;
                link.execute("INSERT INTO store_format (number) VALUES (?1)", &[Value::Integer(format)])?;
            }
            let found = link.query("SELECT number FROM store_format", &[])?;
            Ok(found.first().map(|row| row.try_get(0)).transpose()?.unwrap_or(0))
        })
    }
}

/// A connection.
pub struct Link {
    client: Client,
    statements: Mutex<HashMap<String, Statement>>,
}

/// Waits for the server's answer, on any thread.
fn wait<T>(answer: impl Future<Output = T>) -> T {
    futures::executor::block_on(answer)
}

impl Link {
    fn open(config: &Config) -> Result<Self, Failure> {
        let (opened, opening) = mpsc::channel();
        let config = config.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::Thread)?;
        let carry = async move {
            match config.connect(NoTls).await {
                Ok((client, connection)) => {
                    // Whoever opens it waits for it; the connection ends with its client.
                    let _ = opened.send(Ok(client));
                    if let Err(error) = connection.await {
                        tracing::warn!(error = told(&error), "a connection to PostgreSQL ended");
                    }
                }
                Err(error) => {
                    let _ = opened.send(Err(error));
                }
            }
        };
        let thread = std::thread::Builder::new().name("postgres".into());
        thread.spawn(move || runtime.block_on(carry)).map_err(Failure::Thread)?;
        let early = |_| Failure::Thread(std::io::Error::other("it ended early"));
        let client = opening.recv().map_err(early)??;
        Ok(Self { client, statements: Mutex::default() })
    }

    pub fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Several statements without values.
    pub fn batch(&self, sql: &str) -> Result<(), Failure> {
        Ok(wait(self.client.batch_execute(sql))?)
    }

    pub fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<u64, Failure> {
        let statement = self.statement(sql)?;
        Ok(wait(self.client.execute(&statement, &borrowed(values)))?)
    }

    pub fn query(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, Failure> {
        let statement = self.statement(sql)?;
        Ok(wait(self.client.query(&statement, &borrowed(values)))?)
    }

    /// Does all of `act`, or nothing of it.
    pub fn transaction<T, E: From<Failure>>(&self, act: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        self.batch("BEGIN")?;
        let mut open = Open { link: self, is_open: true };
        let done = act()?;
        open.is_open = false;
        self.batch("COMMIT")?;
        Ok(done)
    }

    /// Prepared once, and kept.
    fn statement(&self, sql: &str) -> Result<Statement, Failure> {
        let mut statements = self.statements.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(statement) = statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = wait(self.client.prepare(&numbered(sql)))?;
        if statements.len() >= MAX_STATEMENTS {
            statements.clear();
        }
        statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

/// A transaction that is rolled back unless it was brought to its end.
struct Open<'a> {
    link: &'a Link,
    is_open: bool,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if self.is_open {
            // Where this fails the connection is gone, and the transaction with it.
            let _ = self.link.batch("ROLLBACK");
        }
    }
}

fn borrowed<'a>(values: &'a [Value<'_>]) -> Vec<&'a (dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

/// `?1` as PostgreSQL writes it. No text in our statements holds a question mark.
fn numbered(sql: &str) -> String {
    sql.replace('?', "$")
}
