//! An index open for search, building and reading, by many threads.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, RwLock};

use super::build::{BuildReport, Builder, Progress};
use super::catalogue::Catalogue;
use super::dense::{DenseIndex, Exact};
use super::edge::{Edge, Opened};
use super::embed::{Embedder, cosine};
use super::fuse::{Scores, fuse};
use super::manifest::{Generations, Manifest};
use super::server::Server;
use super::sparse::Sparse;
use super::{DenseChoice, DocumentSummary, Error, Hit, Passage, Query};
use crate::ingest::{Document, SourceFile};
use crate::lang::Language;

/// Candidates taken from each index.
const SPARSE_CANDIDATES: usize = 120;
const DENSE_CANDIDATES: usize = 60;
/// What a passage in the other language than the question's keeps of its score. A twin says the same in the reader's
/// language; a passage without a twin still comes through where it is clearly the best.
const OTHER_LANGUAGE: f32 = 0.75;

/// One generation, open.
struct Generation {
    name: String,
    sparse: Sparse,
    dense: Box<dyn DenseIndex>,
    catalogue: Catalogue,
    /// Shared by readers, so that a sweep leaves the folder alone.
    _lock: std::fs::File,
}

impl Generation {
    fn open(generations: &Generations, name: &str, embedder: &Embedder, choice: &DenseChoice) -> Result<Self, Error> {
        let folder = generations.folder(name);
        let lock_path = folder.join("LOCK");
        let lock = fs_err::File::open(&lock_path).map_err(|error| Error::storage(&lock_path, &error))?.into_parts().0;
        lock.lock_shared().map_err(|error| Error::storage(&lock_path, &error))?;
        let manifest = Manifest::read(&folder).ok_or(Error::NotBuilt)?;
        if manifest.embedder != embedder.name() || manifest.dim != embedder.dim() {
            return Err(Error::OtherEmbedder { found: manifest.embedder, expected: embedder.name().into() });
        }
        let catalogue = Catalogue::open(&folder.join("catalogue.db"))?;
        let sparse_folder = folder.join("sparse");
        let sparse = Sparse::open(&sparse_folder).map_err(|error| Error::storage(&sparse_folder, &error))?;
        let dense: Box<dyn DenseIndex> = match choice {
            DenseChoice::Server { url, key } if manifest.dense == *url => {
                Box::new(Server::connect(url, key.as_deref(), &DenseChoice::collection(name))?)
            }
            DenseChoice::Edge if manifest.dense == "edge" => match Edge::open(&folder.join("dense"))? {
                Opened::Here(edge) => Box::new(edge),
                Opened::Elsewhere => Box::new(Exact::new(catalogue.points()?)),
            },
            // Built for another store: until the next build the catalogue's own vectors serve.
            _ => Box::new(Exact::new(catalogue.points()?)),
        };
        Ok(Self { name: name.into(), sparse, dense, catalogue, _lock: lock })
    }
}

/// The documents of a home folder, findable. Share it by [`Arc`].
pub struct Index {
    generations: Generations,
    embedder: Arc<Embedder>,
    dense: DenseChoice,
    open: RwLock<Option<Arc<Generation>>>,
}

impl Index {
    /// Opens the index under `home`; there need not be one yet.
    ///
    /// # Errors
    /// Those of a current generation that cannot be opened. One of another embedder is no error: it counts as not built.
    pub fn open(home: &Path, embedder: Arc<Embedder>, dense: DenseChoice) -> Result<Self, Error> {
        let index = Self { generations: Generations::new(home), embedder, dense, open: RwLock::new(None) };
        match index.generation() {
            Ok(_) | Err(Error::NotBuilt | Error::OtherEmbedder { .. }) => Ok(index),
            Err(error) => Err(error),
        }
    }

    pub fn embedder(&self) -> &Arc<Embedder> {
        &self.embedder
    }

    /// Whether there is something to search.
    pub fn is_built(&self) -> bool {
        self.generation().is_ok()
    }

    /// Which vector index answers: `qdrant-edge`, `qdrant-server` or `exact`.
    ///
    /// # Errors
    /// [`Error::NotBuilt`] and those of opening.
    pub fn dense_kind(&self) -> Result<&'static str, Error> {
        Ok(self.generation()?.dense.kind())
    }

    /// Brings the index up to date with `files`; searches meanwhile see the old state.
    ///
    /// # Errors
    /// Those that leave the old index in place: a full disk, a broken cache. A file that cannot be read is not one; it
    /// stands in the report.
    pub fn build(&self, files: &[SourceFile], progress: &mut dyn FnMut(Progress)) -> Result<BuildReport, Error> {
        let builder = Builder { generations: &self.generations, embedder: &self.embedder, dense: &self.dense };
        let report = builder.build(files, progress)?;
        self.generation()?;
        Ok(report)
    }

    /// The current generation, opened anew where another build has replaced it.
    fn generation(&self) -> Result<Arc<Generation>, Error> {
        let current = self.generations.current().ok_or(Error::NotBuilt)?;
        if let Some(open) = self.open.read().expect("no holder panics").as_ref()
            && open.name == current
        {
            return Ok(Arc::clone(open));
        }
        let mut open = self.open.write().expect("no holder panics");
        if let Some(open) = open.as_ref()
            && open.name == current
        {
            return Ok(Arc::clone(open));
        }
        let generation = Arc::new(Generation::open(&self.generations, &current, &self.embedder, &self.dense)?);
        *open = Some(Arc::clone(&generation));
        Ok(generation)
    }

    /// The best passages for a query, best first.
    ///
    /// # Errors
    /// [`Error::NotBuilt`], and those of the indexes.
    pub fn search(&self, query: &Query<'_>) -> Result<Vec<Hit>, Error> {
        let vector = self.embedder.embed_query(query.text)?;
        self.search_by(query, &vector)
    }

    /// As [`Self::search`], where the vector of the query is known.
    ///
    /// # Errors
    /// As [`Self::search`].
    pub fn search_by(&self, query: &Query<'_>, vector: &[f32]) -> Result<Vec<Hit>, Error> {
        let generation = self.generation()?;
        let sparse = generation.sparse.search(query.text, query.corpora, SPARSE_CANDIDATES);
        let sparse = sparse.map_err(|error| Error::storage(&self.generations.folder(&generation.name), &error))?;
        let dense = generation.dense.search(vector, query.corpora, DENSE_CANDIDATES.max(query.limit))?;
        let mut keys: Vec<u64> = sparse.iter().chain(&dense).map(|(key, _)| *key).collect();
        let mut seen = HashSet::new();
        keys.retain(|key| seen.insert(*key));
        let passages = generation.catalogue.passages(&keys)?;
        let bm25: std::collections::HashMap<u64, f32> = sparse.into_iter().collect();
        let candidates: Vec<(&Passage, Scores)> = keys
            .iter()
            .filter_map(|key| passages.get(key).map(|(passage, stored)| (key, passage, stored)))
            .map(|(key, passage, stored)| {
                (passage, Scores { bm25: bm25.get(key).copied(), cosine: cosine(stored, vector) })
            })
            .collect();
        let scores: Vec<Scores> = candidates.iter().map(|(_, scores)| *scores).collect();
        let language = Language::detect(query.text);
        let mut hits: Vec<Hit> = candidates
            .into_iter()
            .zip(fuse(&scores))
            .map(|((passage, scores), fused)| Hit {
                passage: Arc::new(passage.clone()),
                score: if passage.language == language { fused } else { fused * OTHER_LANGUAGE },
                bm25: scores.bm25,
                cosine: Some(scores.cosine),
            })
            .collect();
        hits.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.passage.id.cmp(&b.passage.id)));
        self.turn_to_twins(&generation, &mut hits, language, vector, query.limit)?;
        hits.truncate(query.limit);
        Ok(hits)
    }

    /// Replaces a leading passage in the other language by the nearest one of its twin, where none of the twin's leads.
    fn turn_to_twins(
        &self,
        generation: &Generation,
        hits: &mut Vec<Hit>,
        language: Language,
        vector: &[f32],
        limit: usize,
    ) -> Result<(), Error> {
        let mut told: HashSet<(String, Option<u32>)> = HashSet::new();
        for at in 0..hits.len().min(limit) {
            let passage = Arc::clone(&hits[at].passage);
            let subject = passage.subject();
            if passage.language == language {
                told.insert(subject);
                continue;
            }
            let Some(topic) = passage.topic else { continue };
            if !told.insert(subject) {
                continue;
            }
            let twins = generation.catalogue.of_topic(topic, &passage.corpus, language)?;
            let nearest = twins.into_iter().map(|(twin, stored)| (cosine(&stored, vector), twin));
            if let Some((nearness, twin)) = nearest.max_by(|a, b| a.0.total_cmp(&b.0)) {
                let bm25 = hits.iter().find(|hit| hit.passage.id == twin.id).and_then(|hit| hit.bm25);
                hits[at] = Hit { passage: Arc::new(twin), bm25, cosine: Some(nearness), ..hits[at].clone() };
            }
        }
        let mut seen = HashSet::new();
        hits.retain(|hit| seen.insert(hit.passage.id.clone()));
        Ok(())
    }

    /// Inverse document frequency of a term; 0 where every passage has it.
    ///
    /// # Errors
    /// [`Error::NotBuilt`], and tantivy's.
    pub fn idf(&self, term: &str) -> Result<f32, Error> {
        let generation = self.generation()?;
        generation.sparse.idf(term).map_err(|error| Error::storage(&self.generations.folder(&generation.name), &error))
    }

    /// Every document, by corpus and id.
    ///
    /// # Errors
    /// [`Error::NotBuilt`], and those of the catalogue.
    pub fn documents(&self) -> Result<Vec<DocumentSummary>, Error> {
        self.generation()?.catalogue.documents()
    }

    /// A passage by its id.
    ///
    /// # Errors
    /// [`Error::NotBuilt`], and those of the catalogue.
    pub fn passage_by_id(&self, id: &str) -> Result<Option<Passage>, Error> {
        self.generation()?.catalogue.passage(id)
    }

    /// A document with its text, into which all spans point.
    ///
    /// # Errors
    /// [`Error::NotBuilt`], and those of the catalogue.
    pub fn document(&self, id: &str) -> Result<Option<Document>, Error> {
        self.generation()?.catalogue.document(id)
    }

    /// The text of a document.
    ///
    /// # Errors
    /// [`Error::NotBuilt`], and those of the catalogue.
    pub fn document_text(&self, id: &str) -> Result<Option<String>, Error> {
        Ok(self.document(id)?.map(|document| document.text))
    }
}
