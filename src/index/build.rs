//! Files to a new generation. Unchanged files are taken over from the old one, unchanged passages keep their vectors,
//! removed files are simply not written again; both indexes hold exactly the catalogue.
//!
//! The whole generation is written anew even for one changed file: writing is seconds where embedding is minutes, and
//! there is no state between "old" and "new" that a crash could leave.

use std::collections::HashMap;
use std::path::Path;

use super::catalogue::{Catalogue, Stored, VectorCache, Writer};
use super::centre::Centres;
use super::edge::Edge;
use super::embed::Embedder;
use super::manifest::{Generations, Manifest, SourceEntry, hash};
use super::server::Server;
use super::sparse::Sparse;
use super::{DenseChoice, Error, Passage};
use crate::ingest::{self, Document, SourceFile, chunk};

/// Passages embedded between two reports of progress, and durable in the cache together.
const EMBED_BATCH: usize = 32;
/// Kept free while the vector index is written: it writes through memory maps, where a full disk is a signal and not
/// an error. Two logs, segments and their headroom.
const RESERVE_BYTES: u64 = 96 << 20;

/// What a build is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    Reading { num_files: usize },
    Embedding { done: usize, total: usize },
    Writing,
}

/// What a build did.
#[derive(Debug, Default)]
pub struct BuildReport {
    pub num_documents: usize,
    pub num_passages: usize,
    /// Passages whose vectors were not known yet.
    pub num_embedded: usize,
    /// Whether there was nothing to do.
    pub unchanged: bool,
    /// Files left out, each with the reason.
    pub failed: Vec<Error>,
}

/// A file with its documents.
struct Read {
    entry: SourceEntry,
    documents: Vec<Document>,
}

pub(super) struct Builder<'a> {
    pub generations: &'a Generations,
    pub embedder: &'a Embedder,
    pub dense: &'a DenseChoice,
}

impl Builder<'_> {
    /// Builds from `files`; the caller reopens. The lock is held throughout.
    pub fn build(&self, files: &[SourceFile], progress: &mut dyn FnMut(Progress)) -> Result<BuildReport, Error> {
        let _lock = self.generations.lock()?;
        self.generations.sweep(None)?;
        let old_name = self.generations.current();
        let old_folder = old_name.as_ref().map(|name| self.generations.folder(name));
        let old = old_folder
            .as_ref()
            .and_then(|folder| Manifest::read(folder).zip(Catalogue::open(&folder.join("catalogue.db")).ok()));
        progress(Progress::Reading { num_files: files.len() });
        let mut report = BuildReport::default();
        let reads = self.read(files, old.as_ref().map(|(_, catalogue)| catalogue), &mut report);
        let sources = reads.iter().map(|read| read.entry.clone()).collect();
        let manifest = Manifest::new(self.embedder.name(), self.embedder.dim(), self.dense.name(), sources);
        report.num_documents = reads.iter().map(|read| read.documents.len()).sum();
        if old.as_ref().is_some_and(|(old, _)| *old == manifest) {
            report.unchanged = true;
            return Ok(report);
        }
        let name = self.generations.begin()?;
        let folder = self.generations.folder(&name);
        let written = self.write(&folder, &name, &reads, &manifest, &mut report, progress);
        if let Err(error) = written.and_then(|()| self.generations.commit(&name)) {
            // The disk may be full: what this build wrote must not keep it so.
            let _ = fs_err::remove_dir_all(&folder);
            return Err(error);
        }
        drop(old);
        for removed in self.generations.sweep(old_name.as_deref())? {
            if let DenseChoice::Server { url, key } = self.dense {
                Server::connect(url, key.as_deref(), &DenseChoice::collection(&removed))?.remove()?;
            }
        }
        Ok(report)
    }

    fn read(&self, files: &[SourceFile], old: Option<&Catalogue>, report: &mut BuildReport) -> Vec<Read> {
        let mut reads: Vec<Read> = Vec::with_capacity(files.len());
        let mut ids: HashMap<String, String> = HashMap::new();
        for file in files {
            match read_file(file, old) {
                Ok(read) => {
                    let taken = read
                        .documents
                        .iter()
                        .find_map(|document| ids.get(&document.id).map(|first| (document.id.clone(), first.clone())));
                    if let Some((id, first)) = taken {
                        report.failed.push(Error::DuplicateId {
                            id,
                            first,
                            second: file.shown().display().to_string(),
                        });
                        continue;
                    }
                    for document in &read.documents {
                        ids.insert(document.id.clone(), file.shown().display().to_string());
                    }
                    reads.push(read);
                }
                Err(error) => report.failed.push(error),
            }
        }
        reads
    }

    fn write(
        &self,
        folder: &Path,
        name: &str,
        reads: &[Read],
        manifest: &Manifest,
        report: &mut BuildReport,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), Error> {
        let passages: Vec<Vec<Passage>> = reads.iter().flat_map(|read| &read.documents).map(chunk::passages).collect();
        let flat: Vec<&Passage> = passages.iter().flatten().collect();
        report.num_passages = flat.len();
        let mut vectors = self.vectors(&flat, report, progress)?;
        let asked: Vec<&str> = reads.iter().flat_map(|read| &read.documents).flat_map(questions_of).collect();
        let mut cache = VectorCache::open(&self.generations.vectors())?;
        let mut asked = queries(Some(&mut cache), self.embedder, &asked)?.into_iter();
        progress(Progress::Writing);
        let catalogue_path = folder.join("catalogue.db");
        let mut writer = Writer::create(&catalogue_path)?;
        let mut of_document = passages.into_iter();
        for read in reads {
            for document in &read.documents {
                let passages = of_document.next().expect("one list of passages a document").into_iter();
                let rows: Vec<(Passage, Vec<f32>)> = passages
                    .map(|passage| {
                        let vector = vectors.remove(&passage.id).expect("each passage was embedded above");
                        (passage, vector)
                    })
                    .collect();
                let questions: Vec<Vec<f32>> = asked.by_ref().take(questions_of(document).count()).collect();
                writer.add(&read.entry.name, &read.entry.hash, document, &questions, &rows)?;
            }
        }
        writer.finish()?;
        let catalogue = Catalogue::open(&catalogue_path)?;
        self.write_indexes(folder, name, &catalogue)?;
        Centres::measure(&catalogue, self.embedder.dim())?.write(folder)?;
        manifest.write(folder)?;
        fs_err::File::create(folder.join("LOCK")).map_err(|error| Error::storage(folder, &error))?;
        Ok(())
    }

    fn write_indexes(&self, folder: &Path, name: &str, catalogue: &Catalogue) -> Result<(), Error> {
        let (sparse, dense) = (folder.join("sparse"), folder.join("dense"));
        for path in [&sparse, &dense] {
            fs_err::create_dir_all(path).map_err(|error| Error::storage(path, &error))?;
        }
        let asked = catalogue.asked()?;
        let mut passages = Vec::new();
        catalogue.each_passage(|Stored { key, passage, .. }| passages.push((key, passage)))?;
        Sparse::build(&sparse, &passages, &asked).map_err(|error| Error::storage(&sparse, &error))?;
        let points = catalogue.points()?;
        let bytes = RESERVE_BYTES + (points.len() * self.embedder.dim() * 8) as u64;
        match self.dense {
            DenseChoice::Edge => {
                reserve(&dense, bytes)?;
                Edge::build(&dense, self.embedder.dim(), points.into_iter())
            }
            DenseChoice::Server { url, key } => {
                let server = Server::connect(url, key.as_deref(), &DenseChoice::collection(name))?;
                // A build that was killed may have left the collection behind.
                server.remove()?;
                server.build(self.embedder.dim(), points.into_iter())
            }
        }
    }

    /// The vector of each passage, by its id, from the cache where it is known.
    fn vectors(
        &self,
        passages: &[&Passage],
        report: &mut BuildReport,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<HashMap<String, Vec<f32>>, Error> {
        let mut cache = VectorCache::open(&self.generations.vectors())?;
        let mut vectors = HashMap::with_capacity(passages.len());
        let mut missing: Vec<(&Passage, String, String)> = Vec::new();
        for passage in passages {
            let text = passage.embedded_text();
            let key = hash(&[self.embedder.name().as_bytes(), text.as_bytes()]);
            match cache.get(&key)? {
                Some(vector) if vector.len() == self.embedder.dim() => {
                    vectors.insert(passage.id.clone(), vector);
                }
                _ => missing.push((passage, text, key)),
            }
        }
        report.num_embedded = missing.len();
        let total = missing.len();
        for (done, batch) in missing.chunks(EMBED_BATCH).enumerate() {
            progress(Progress::Embedding { done: done * EMBED_BATCH, total });
            let texts: Vec<&str> = batch.iter().map(|(_, text, _)| text.as_str()).collect();
            let embedded = self.embedder.embed_passages(&texts)?;
            let keyed: Vec<_> = batch.iter().map(|(_, _, key)| key.clone()).zip(embedded).collect();
            cache.put(&keyed)?;
            for ((passage, ..), (_, vector)) in batch.iter().zip(keyed) {
                vectors.insert(passage.id.clone(), vector);
            }
        }
        Ok(vectors)
    }
}

/// The questions a document answers: its title is one.
fn questions_of(document: &Document) -> impl Iterator<Item = &str> {
    std::iter::once(document.title.as_str()).chain(document.asked.iter().map(String::as_str))
}

/// The vectors of `texts` read as questions, in order; where there is a cache, from there as far as they are known.
pub(super) fn queries(
    mut cache: Option<&mut VectorCache>,
    embedder: &Embedder,
    texts: &[&str],
) -> Result<Vec<Vec<f32>>, Error> {
    let key = |text: &str| hash(&[embedder.name().as_bytes(), b"query", text.as_bytes()]);
    let mut vectors = HashMap::with_capacity(texts.len());
    let mut missing = Vec::new();
    for text in texts {
        let known = match &cache {
            Some(cache) => cache.get(&key(text))?,
            None => None,
        };
        match known {
            Some(vector) if vector.len() == embedder.dim() => {
                vectors.insert(*text, vector);
            }
            _ => missing.push(*text),
        }
    }
    for batch in missing.chunks(EMBED_BATCH) {
        let keyed: Vec<_> = batch.iter().map(|text| key(text)).zip(embedder.embed_queries(batch)?).collect();
        if let Some(cache) = &mut cache {
            cache.put(&keyed)?;
        }
        vectors.extend(batch.iter().copied().zip(keyed.into_iter().map(|(_, vector)| vector)));
    }
    Ok(texts.iter().map(|text| vectors[text].clone()).collect())
}

fn read_file(file: &SourceFile, old: Option<&Catalogue>) -> Result<Read, Error> {
    let bytes = file.read().map_err(|source| Error::Source { path: file.shown(), source })?;
    let hash = hash(&[&bytes]);
    let known = match old {
        Some(old) => old.unchanged(&file.corpus, &file.name, &hash).unwrap_or_default(),
        None => Vec::new(),
    };
    let documents = if known.is_empty() { ingest::documents(&file.shown(), &file.corpus, &bytes)? } else { known };
    Ok(Read { entry: SourceEntry { corpus: file.corpus.clone(), name: file.name.clone(), hash }, documents })
}

/// Fails now, with an error, where the disk cannot take `bytes` more.
fn reserve(folder: &Path, bytes: u64) -> Result<(), Error> {
    use std::io::Write;
    let path = folder.join("reserve");
    let write = || -> std::io::Result<()> {
        let mut file = fs_err::File::create(&path)?;
        let zeros = vec![0; 1 << 20];
        for _ in 0..bytes.div_ceil(1 << 20) {
            file.write_all(&zeros)?;
        }
        file.flush()
    };
    let written = write();
    let removed = fs_err::remove_file(&path);
    written.and(removed).map_err(|error| Error::storage(folder, &error))
}
