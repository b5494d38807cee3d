//! Vectors in a Qdrant server, one collection a generation. For corpora beyond one machine, or shared by several.

use std::time::Duration;

use qdrant_client::Qdrant;
use qdrant_client::qdrant::point_id::PointIdOptions;
use qdrant_client::qdrant::{
    Condition, CreateCollectionBuilder, CreateFieldIndexCollectionBuilder, Distance, FieldType, Filter, PointStruct,
    SearchPointsBuilder, UpsertPointsBuilder, VectorParamsBuilder,
};
use tokio::runtime::Runtime;

use super::Error;
use super::dense::{DenseIndex, Point};

/// Points sent together; 256 of 384 floats are 400 KiB, far below gRPC's 4 MiB.
const BATCH: usize = 256;
/// A search takes milliseconds; a server that takes longer than this is as good as gone.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A collection on a server. Blocks the calling thread, so never call it on an async one.
pub(super) struct Server {
    client: Qdrant,
    collection: String,
    /// The client is async; everything here is not. `None` only while dropping.
    runtime: Option<Runtime>,
}

fn failed(act: &'static str) -> impl Fn(qdrant_client::QdrantError) -> Error {
    move |error| Error::Dense { act, reason: error.to_string() }
}

impl Server {
    /// Connects lazily; the first request finds out whether there is a server.
    pub fn connect(url: &str, key: Option<&str>, collection: &str) -> Result<Self, Error> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| Error::Dense { act: "start the client", reason: error.to_string() })?;
        let config = Qdrant::from_url(url).timeout(TIMEOUT).skip_compatibility_check();
        let config = if let Some(key) = key { config.api_key(key) } else { config };
        let client = config.build().map_err(failed("read the server's URL"))?;
        Ok(Self { client, collection: collection.into(), runtime: Some(runtime) })
    }

    fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.as_ref().expect("taken in drop only").block_on(future)
    }

    /// Writes a new collection.
    pub fn build(&self, dim: usize, points: impl Iterator<Item = Point>) -> Result<(), Error> {
        let vectors = VectorParamsBuilder::new(dim as u64, Distance::Dot);
        let create = CreateCollectionBuilder::new(&self.collection).vectors_config(vectors);
        self.wait(self.client.create_collection(create)).map_err(failed("create the collection"))?;
        let by_corpus = CreateFieldIndexCollectionBuilder::new(&self.collection, "corpus", FieldType::Keyword);
        self.wait(self.client.create_field_index(by_corpus)).map_err(failed("index the corpora"))?;
        let mut batch = Vec::with_capacity(BATCH);
        for point in points {
            batch.push(PointStruct::new(point.key, point.vector, [("corpus", point.corpus.into())]));
            if batch.len() == BATCH {
                self.write(std::mem::take(&mut batch))?;
            }
        }
        if batch.is_empty() { Ok(()) } else { self.write(batch) }
    }

    fn write(&self, points: Vec<PointStruct>) -> Result<(), Error> {
        let upsert = UpsertPointsBuilder::new(&self.collection, points).wait(true);
        self.wait(self.client.upsert_points(upsert)).map_err(failed("write vectors"))?;
        Ok(())
    }

    /// Removes the collection; one that is not there is as good as removed.
    pub fn remove(&self) -> Result<(), Error> {
        self.wait(self.client.delete_collection(&self.collection)).map_err(failed("remove the collection"))?;
        Ok(())
    }
}

impl DenseIndex for Server {
    fn search(&self, vector: &[f32], corpora: &[String], limit: usize) -> Result<Vec<(u64, f32)>, Error> {
        let mut request = SearchPointsBuilder::new(&self.collection, vector.to_vec(), limit as u64);
        if !corpora.is_empty() {
            request = request.filter(Filter::must([Condition::matches("corpus", corpora.to_vec())]));
        }
        let response = self.wait(self.client.search_points(request)).map_err(failed("search"))?;
        let hits = response.result.into_iter().filter_map(|point| match point.id?.point_id_options? {
            PointIdOptions::Num(key) => Some((key, point.score)),
            PointIdOptions::Uuid(_) => None,
        });
        Ok(hits.collect())
    }

    fn kind(&self) -> &'static str {
        "qdrant-server"
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A runtime may not be dropped on an async thread; this way it may.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
