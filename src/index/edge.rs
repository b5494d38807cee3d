//! Vectors in this process, by Qdrant Edge, in a folder of a generation.
//!
//! A shard belongs to one process at a time (its log is locked); a second process reads the vectors from the catalogue
//! instead, which [`Edge::open`]'s [`Opened::Elsewhere`] tells the caller.

use std::cell::Cell;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::Once;

use qdrant_edge::{
    Condition, Distance, EdgeConfig, EdgeShard, EdgeVectorParams, FieldCondition, Filter, NamedQuery, PointId,
    PointInsertOperations, PointOperations, PointStruct, QueryEnum, SearchRequest, UpdateOperation, VectorInternal,
    WalOptions,
};

use super::dense::{DenseIndex, Point};
use super::{Error, is_disk_full};

/// Name of the only vector of a point.
const VECTOR: &str = "passage";
/// Points written together.
const BATCH: usize = 256;
/// Size of a log segment; each batch must fit one (384 floats in text are 4 KiB).
const LOG_BYTES: usize = 8 << 20;

pub(super) struct Edge {
    /// There until the drop.
    shard: Option<EdgeShard>,
}

impl Drop for Edge {
    fn drop(&mut self) {
        // A shard flushes when it is dropped, and panics where the disk is full. This one was only read, so that nothing
        // is lost; the answer already found must not be.
        let shard = self.shard.take();
        if caught(|| drop(shard)).is_err() {
            tracing::warn!("the vector index could not be flushed");
        }
    }
}

thread_local! {
    /// Whether a panic of this thread is caught and told otherwise.
    static IS_CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// What `work` gives, or its panic, which is not reported on stderr: the caller says what it means.
fn caught<T>(work: impl FnOnce() -> T) -> std::thread::Result<T> {
    static HOOK: Once = Once::new();
    // The hook may not be changed while this thread panics already; the report is then one more.
    if !std::thread::panicking() {
        HOOK.call_once(|| {
            let report = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                if !IS_CAUGHT.get() {
                    report(panic);
                }
            }));
        });
    }
    IS_CAUGHT.set(true);
    let done = std::panic::catch_unwind(AssertUnwindSafe(work));
    IS_CAUGHT.set(false);
    done
}

/// What became of an attempt to open.
pub(super) enum Opened {
    Here(Box<Edge>),
    /// Another process holds the shard.
    Elsewhere,
}

/// An error of `act`; a full disk is told apart and named by the folder.
fn failed(act: &'static str, folder: &Path) -> impl Fn(qdrant_edge::OperationError) -> Error {
    move |error| match error.to_string() {
        reason if is_disk_full(&reason) => Error::DiskFull { path: folder.into() },
        reason => Error::Dense { act, reason },
    }
}

impl Edge {
    /// Writes a new shard into the empty folder `folder`.
    pub fn build(folder: &Path, dim: usize, points: impl Iterator<Item = Point>) -> Result<(), Error> {
        // A shard flushes when it is dropped, and panics where it cannot: a full disk must be an error all the same.
        caught(|| Self::write(folder, dim, points)).unwrap_or_else(|panic| {
            let said = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
            let reason = said.unwrap_or("a panic without a word").to_owned();
            Err(if is_disk_full(&reason) {
                Error::DiskFull { path: folder.into() }
            } else {
                Error::Dense { act: "write the shard", reason }
            })
        })
    }

    fn write(folder: &Path, dim: usize, points: impl Iterator<Item = Point>) -> Result<(), Error> {
        let options = WalOptions { segment_capacity: LOG_BYTES, ..WalOptions::default() };
        let config = EdgeConfig::builder()
            .vector(VECTOR, EdgeVectorParams::builder(dim, Distance::Dot).build())
            .wal_options(options)
            .build();
        let shard = EdgeShard::new(folder, config).map_err(failed("create the shard", folder))?;
        let mut batch = Vec::with_capacity(BATCH);
        let write = |batch: &mut Vec<_>| {
            let points = PointInsertOperations::PointsList(std::mem::take(batch));
            let operation = UpdateOperation::PointOperation(PointOperations::UpsertPoints(points));
            shard.update(operation).map_err(failed("write vectors", folder))
        };
        for point in points {
            let vectors = vec![(VECTOR, qdrant_edge::Vector::new_dense(point.vector))];
            let payload = serde_json::json!({ "corpus": point.corpus });
            batch.push(PointStruct::new(point.key, vectors, payload).into());
            if batch.len() == BATCH {
                write(&mut batch)?;
            }
        }
        if !batch.is_empty() {
            write(&mut batch)?;
        }
        // Builds the graph where there are enough vectors to be worth one.
        shard.optimize().map_err(failed("build the graph", folder))?;
        Ok(())
    }

    pub fn open(folder: &Path) -> Result<Opened, Error> {
        match EdgeShard::load(folder, None) {
            Ok(shard) => Ok(Opened::Here(Box::new(Self { shard: Some(shard) }))),
            // The log's lock comes back as text only.
            Err(error)
                if ["WouldBlock", "would block", "Resource temporarily unavailable", "lock"]
                    .iter()
                    .any(|sign| error.to_string().contains(sign)) =>
            {
                Ok(Opened::Elsewhere)
            }
            Err(error) => Err(failed("open the shard", folder)(error)),
        }
    }
}

impl DenseIndex for Edge {
    fn search(&self, vector: &[f32], corpora: &[String], limit: usize) -> Result<Vec<(u64, f32)>, Error> {
        let filter = (!corpora.is_empty()).then(|| -> Result<Filter, Error> {
            let key = "corpus"
                .parse()
                .map_err(|()| Error::Dense { act: "filter", reason: "`corpus` is no payload key".into() })?;
            let condition = FieldCondition::new_match(key, corpora.to_vec().into());
            Ok(Filter::new_must(Condition::Field(condition)))
        });
        let request = SearchRequest {
            query: QueryEnum::Nearest(NamedQuery::new(VectorInternal::Dense(vector.to_vec()), VECTOR)),
            filter: filter.transpose()?,
            params: None,
            limit,
            offset: 0,
            with_payload: None,
            with_vector: None,
            score_threshold: None,
        };
        let points = self.shard.as_ref().expect("there until the drop").search(request);
        let points = points.map_err(|error| Error::Dense { act: "search", reason: error.to_string() })?;
        let hits = points.into_iter().filter_map(|point| match point.id {
            PointId::NumId(key) => Some((key, point.score)),
            PointId::Uuid(_) => None,
        });
        Ok(hits.collect())
    }

    fn kind(&self) -> &'static str {
        "qdrant-edge"
    }
}
