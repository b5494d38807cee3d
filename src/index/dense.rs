//! The vector index: one trait, three implementations. `edge` keeps the vectors in this process's files, `server` in a
//! Qdrant server, and [`Exact`] compares with every vector in memory; it is the oracle of the tests, and serves where
//! another process holds the files.

use super::Error;
use super::embed::cosine;

/// A passage's vector.
#[derive(Clone, Debug)]
pub struct Point {
    /// The passage's key in the catalogue.
    pub key: u64,
    pub corpus: String,
    /// Of length 1.
    pub vector: Vec<f32>,
}

/// Nearest passages by cosine.
pub trait DenseIndex: Send + Sync {
    /// The nearest `limit` passages of `corpora` (all where empty), nearest first, with their cosines.
    ///
    /// # Errors
    /// [`Error::Dense`].
    fn search(&self, vector: &[f32], corpora: &[String], limit: usize) -> Result<Vec<(u64, f32)>, Error>;

    /// Which implementation answers.
    fn kind(&self) -> &'static str;
}

/// Every vector, in memory.
pub struct Exact {
    points: Vec<Point>,
}

impl Exact {
    pub fn new(points: Vec<Point>) -> Self {
        Self { points }
    }
}

impl DenseIndex for Exact {
    fn search(&self, vector: &[f32], corpora: &[String], limit: usize) -> Result<Vec<(u64, f32)>, Error> {
        let searched = self.points.iter().filter(|point| corpora.is_empty() || corpora.contains(&point.corpus));
        let mut hits: Vec<(u64, f32)> = searched.map(|point| (point.key, cosine(&point.vector, vector))).collect();
        hits.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        hits.truncate(limit);
        Ok(hits)
    }

    fn kind(&self) -> &'static str {
        "exact"
    }
}
