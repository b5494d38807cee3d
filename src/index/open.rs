//! An index open for search, building and reading, by many threads.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, RwLock};

use super::build::{BuildReport, Builder, Progress, queries};
use super::catalogue::{Catalogue, Question, Stored, VectorCache};
use super::centre::Centres;
use super::dense::{DenseIndex, Exact};
use super::edge::{Edge, Opened};
use super::embed::{Embedder, cosine};
use super::fuse::{self, Candidate, Subject};
use super::in_force::{Lapsed, Terms};
use super::manifest::{Generations, Manifest};
use super::server::Server;
use super::sparse::Sparse;
use super::{DenseChoice, DocumentSummary, Error, Hit, Passage, Query};
use crate::ingest::{Document, SourceFile, chunk};
use crate::lang::Language;

/// Candidates taken from each index; of the full-text index, for each kind of term.
const SPARSE_CANDIDATES: usize = 150;
const DENSE_CANDIDATES: usize = 80;
/// Subjects taken for the questions they answer.
const ASKED_CANDIDATES: usize = 20;
/// Subjects ranked; the others are too far in both indexes.
const MAX_SUBJECTS: usize = 100;

/// Most candidates taken beyond that where documents have lapsed; more of them than this are a corpus of their own.
const MAX_SPARE: usize = 2000;
/// Subjects kept ready; ten passages of 5 KB each make 100 MB of this many.
const MAX_PREPARED: usize = 2000;

/// A passage with its vectors.
struct Prepared {
    key: u64,
    passage: Arc<Passage>,
    vector: Vec<f32>,
    /// From the centre of its language.
    centred: Vec<f32>,
}

/// One generation, open.
struct Generation {
    name: String,
    sparse: Sparse,
    dense: Box<dyn DenseIndex>,
    catalogue: Catalogue,
    centres: Centres,
    /// From the centre of their language.
    questions: Vec<Question>,
    terms: Terms,
    prepared: Mutex<HashMap<String, Arc<Vec<Prepared>>>>,
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
            DenseChoice::Edge if manifest.dense == "edge" => match Edge::open(&folder.join("dense")) {
                Ok(Opened::Here(edge)) => edge,
                Ok(Opened::Elsewhere) => Box::new(Exact::new(catalogue.points()?)),
                // Opening writes, which a full disk does not let it; the catalogue has the same vectors.
                Err(error @ (Error::DiskFull { .. } | Error::Dense { .. })) => {
                    tracing::warn!(%error, "searching the catalogue's vectors");
                    Box::new(Exact::new(catalogue.points()?))
                }
                Err(error) => return Err(error),
            },
            // Built for another store: until the next build the catalogue's own vectors serve.
            _ => Box::new(Exact::new(catalogue.points()?)),
        };
        let (centres, mut questions) = (Centres::read(&folder), catalogue.questions()?);
        for question in &mut questions {
            question.centred = centres.question(&question.vector, question.language);
        }
        let (terms, prepared) = (Terms::new(catalogue.terms()?), Mutex::default());
        Ok(Self { name: name.into(), sparse, dense, catalogue, centres, questions, terms, prepared, _lock: lock })
    }
}

impl Generation {
    /// What is not in force today.
    fn lapsed(&self) -> Result<Arc<Lapsed>, Error> {
        self.terms.lapsed(self.catalogue.today()?, |documents| self.catalogue.keys_of(documents))
    }

    /// The questions that documents of `corpora` (all where empty) answer, of those in force.
    fn questions_of<'a>(&'a self, corpora: &'a [String], lapsed: &'a Lapsed) -> impl Iterator<Item = &'a Question> {
        let searched = self.questions.iter().filter(|q| corpora.is_empty() || corpora.contains(&q.corpus));
        searched.filter(|q| !lapsed.has_subject(&q.subject, q.language))
    }

    /// The passages of a subject, ready to be compared.
    fn prepared(&self, subject: &str) -> Result<Arc<Vec<Prepared>>, Error> {
        if let Some(known) = self.prepared.lock().expect("no holder panics").get(subject) {
            return Ok(Arc::clone(known));
        }
        let stored = self.catalogue.of_subject(subject)?.into_iter();
        let passages: Vec<Prepared> = stored
            .map(|Stored { key, passage, vector }| Prepared {
                key,
                centred: self.centres.passage(&vector, passage.language),
                vector,
                passage: Arc::new(passage),
            })
            .collect();
        let passages = Arc::new(passages);
        let mut prepared = self.prepared.lock().expect("no holder panics");
        if prepared.len() >= MAX_PREPARED {
            prepared.clear();
        }
        prepared.insert(subject.to_owned(), Arc::clone(&passages));
        Ok(passages)
    }

    /// For each subject of the corpora searched, how near its questions come in the language asked, and in the other.
    fn asked<'a>(
        &'a self,
        corpora: &'a [String],
        lapsed: &'a Lapsed,
        question: &[f32],
        language: Language,
    ) -> HashMap<&'a str, (f32, f32)> {
        let mut nearest: HashMap<&str, (f32, f32)> = HashMap::new();
        for other in self.questions_of(corpora, lapsed) {
            let nearness = cosine(&other.centred, question);
            let (own, twin) = nearest.entry(&other.subject).or_default();
            let best = if other.language == language { own } else { twin };
            *best = best.max(nearness);
        }
        nearest
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

    /// Name of the generation that answers; `None` where nothing was built.
    pub fn version(&self) -> Option<String> {
        self.generations.current()
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
        let mut hits = fuse::rank(self.candidates(query, vector)?, Language::detect(query.text));
        hits.truncate(query.limit);
        Ok(hits)
    }

    /// The subjects that either index found a passage of, or whose questions are nearest; what is in force of them.
    fn candidates(&self, query: &Query<'_>, vector: &[f32]) -> Result<Vec<Subject>, Error> {
        let generation = self.generation()?;
        let lapsed = generation.lapsed()?;
        // Both indexes hold what lapsed too, and might find nothing else.
        let spare = lapsed.keys.len().min(MAX_SPARE);
        let sparse = generation.sparse.search(query.text, query.corpora, SPARSE_CANDIDATES + spare);
        let mut sparse = sparse.map_err(|error| Error::storage(&self.generations.folder(&generation.name), &error))?;
        let mut dense = generation.dense.search(vector, query.corpora, DENSE_CANDIDATES.max(query.limit) + spare)?;
        sparse.retain(|key, _| !lapsed.keys.contains(key));
        dense.retain(|(key, _)| !lapsed.keys.contains(key));
        let mut by_words: Vec<(u64, f32)> = sparse.iter().map(|(key, matches)| (*key, matches.total())).collect();
        by_words.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        // One of each in turn, so that the cut below takes the far ones of both.
        let mut keys = Vec::with_capacity(by_words.len() + dense.len());
        for at in 0..by_words.len().max(dense.len()) {
            keys.extend(by_words.get(at).map(|(key, _)| *key));
            keys.extend(dense.get(at).map(|(key, _)| *key));
        }
        let language = Language::detect(query.text);
        let question = generation.centres.question(vector, language);
        let asked = generation.asked(query.corpora, &lapsed, &question, language);
        let mut nearest: Vec<(&str, f32)> =
            asked.iter().map(|(subject, near)| (*subject, near.0.max(near.1))).collect();
        nearest.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
        let mut subjects: Vec<String> = nearest.iter().take(ASKED_CANDIDATES).map(|(s, _)| (*s).to_owned()).collect();
        let found = generation.catalogue.subjects(&keys)?;
        subjects.extend(
            found.into_iter().filter(|subject| nearest.iter().take(ASKED_CANDIDATES).all(|(s, _)| s != subject)),
        );
        subjects.truncate(MAX_SUBJECTS.max(query.limit));
        let of_subject = |subject: &String| -> Result<Subject, Error> {
            let passages = generation.prepared(subject)?;
            let in_force = passages.iter().filter(|prepared| !lapsed.has_document(&prepared.passage.document));
            let passages = in_force.map(|prepared| Candidate {
                passage: Arc::clone(&prepared.passage),
                matches: sparse.get(&prepared.key).copied().unwrap_or_default(),
                cosine: cosine(&prepared.vector, vector),
                centred: cosine(&prepared.centred, &question),
            });
            let (own, twin) = asked.get(subject.as_str()).copied().unwrap_or_default();
            Ok(Subject { passages: passages.collect(), asked: own, asked_twin: twin })
        };
        subjects.iter().map(of_subject).collect()
    }

    /// Cosines of a question to the titles and asked questions of documents in `corpora` (all where empty), nearest first, at most `limit`.
    ///
    /// # Errors
    /// [`Error::NotBuilt`], and those of opening.
    pub fn nearest_questions(&self, vector: &[f32], corpora: &[String], limit: usize) -> Result<Vec<f32>, Error> {
        let generation = self.generation()?;
        let lapsed = generation.lapsed()?;
        let searched = generation.questions_of(corpora, &lapsed);
        let mut nearest: Vec<f32> = searched.map(|other| cosine(&other.vector, vector)).collect();
        nearest.sort_by(|a, b| b.total_cmp(a));
        nearest.truncate(limit);
        Ok(nearest)
    }

    /// The vectors of fixed texts read as questions; kept beside the index, so that they are computed once. A cache
    /// that cannot be read or written, as on a full disk, costs the time to compute them and no more.
    ///
    /// # Errors
    /// The embedder's.
    pub fn embed_fixed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, Error> {
        let cached = VectorCache::open(&self.generations.vectors())
            .and_then(|mut cache| queries(Some(&mut cache), &self.embedder, texts));
        match cached {
            Err(error @ (Error::DiskFull { .. } | Error::Storage { .. })) => {
                tracing::warn!(%error, "searching without the cache of vectors");
                queries(None, &self.embedder, texts)
            }
            done => done,
        }
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

    /// The passage of a document in force that the byte lies in.
    ///
    /// # Errors
    /// [`Error::NotBuilt`], and those of the catalogue.
    pub fn passage_at(&self, document: &str, at: usize) -> Result<Option<Passage>, Error> {
        let generation = self.generation()?;
        if generation.lapsed()?.has_document(document) {
            return Ok(None);
        }
        let passages = generation.catalogue.document(document)?.map(|document| chunk::passages(&document));
        Ok(passages.unwrap_or_default().into_iter().find(|passage| passage.span.contains(&at)))
    }

    /// The text of a document.
    ///
    /// # Errors
    /// [`Error::NotBuilt`], and those of the catalogue.
    pub fn document_text(&self, id: &str) -> Result<Option<String>, Error> {
        Ok(self.document(id)?.map(|document| document.text))
    }
}
