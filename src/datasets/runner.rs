//! The process that works on generations while it serves: what runs in the store and is at no other process is taken up,
//! the oldest first, also what a killed process left.
//!
//! In: the services of the server. Out: rows, and how fast they come. It has a thread and a runtime of its own, so that
//! a row's filters never stand between a reader and an answer; what it asks the engine for goes in the lane of jobs.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::future::LocalBoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use serde::Serialize;
use tokio::sync::mpsc;

use super::filters::Retrieval;
use super::jobs::{self, Ended, Hole, Tools, Worker};
use super::store::{Dataset, Filter, Job, JobState, Place, Store};
use super::{Error, GenerationConfig, Note, StoredRow, Writers, complete_splits, plan};
use crate::engine::Engine;
use crate::ingest::{self, Document};
use crate::prompts::Prompts;
use crate::rag::Rag;

/// Generations worked on side by side: a short one need not wait for a long one.
const MAX_AT_WORK: usize = 2;

/// How often the store is looked at for what others set running.
const LOOK: Duration = Duration::from_secs(5);

/// Most rows of a preview.
pub const MAX_PREVIEW: usize = 20;

/// What generations may use. What is absent fails those that need it.
#[derive(Clone, Default)]
pub struct Services {
    pub engine: Option<Arc<dyn Engine>>,
    pub prompts: Option<Arc<Prompts>>,
    pub rag: Option<Arc<Rag>>,
}

impl Services {
    /// What a generation with those settings needs of them.
    fn tools(&self, config: &GenerationConfig) -> Tools {
        let searches = config.filters.round_trip.enabled || config.filters.answerable.enabled;
        let asks_model = config.generator != Writers::Templates || config.filters.judge.enabled;
        let rag = self.rag.clone().filter(|_| searches);
        Tools {
            engine: self.engine.clone().filter(|_| asks_model),
            prompts: self.prompts.clone().filter(|_| asks_model),
            retrieval: rag.map(|rag| Arc::new(Retrieval::new(rag, &config.corpus))),
        }
    }
}

/// How fast a generation goes, since this process took it up.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Run {
    pub seconds: f64,
    pub num_items: usize,
    pub num_kept: usize,
    pub rows_per_hour: f64,
    /// Until all rows wanted are there; absent before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_left: Option<f64>,
}

/// The first rows of a generation, made and thrown away.
#[derive(Clone, Debug, Serialize)]
pub struct Preview {
    pub rows: Vec<StoredRow>,
    /// What the plan could not do as asked.
    pub notes: Vec<Note>,
    /// Items of the whole plan, those in reserve among them.
    pub num_items: usize,
    pub seconds: f64,
    /// What the whole would take at that rate; absent where no row passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_in_all: Option<f64>,
}

struct Begun {
    at: Instant,
    num_items: usize,
    num_kept: usize,
}

type AtWork = Arc<Mutex<BTreeMap<String, Begun>>>;

fn locked(at_work: &AtWork) -> MutexGuard<'_, BTreeMap<String, Begun>> {
    at_work.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A handle on the work. Cheap to clone; the work ends with the last one, or with the process.
#[derive(Clone)]
pub struct Runner {
    store: Store,
    home: PathBuf,
    services: Services,
    at_work: AtWork,
    nudge: mpsc::UnboundedSender<()>,
}

/// The documents of a corpus, as they are now.
///
/// # Errors
/// [`Error::File`], [`Error::Ingest`].
pub fn documents(home: &Path, corpus: &str) -> Result<Vec<Document>, Error> {
    let failed = |path: PathBuf| move |source| Error::File { act: "reading the corpus", path, source };
    let mut documents = Vec::new();
    for file in ingest::source_files(home).map_err(failed(home.join("corpora")))? {
        if file.corpus == corpus {
            let bytes = file.read().map_err(failed(file.shown()))?;
            documents.extend(ingest::documents(&file.shown(), &file.corpus, &bytes)?);
        }
    }
    Ok(documents)
}

impl Runner {
    /// Opens the datasets of a place and begins to work on what runs there, over the corpora of `home`.
    ///
    /// # Errors
    /// The store's; [`Error::File`] where no thread is to be had.
    pub fn start(home: &Path, place: &Place, services: Services) -> Result<Self, Error> {
        let store = place.open()?;
        let at_work = AtWork::default();
        let (nudge, nudged) = mpsc::unbounded_channel();
        // A connection of its own: what it writes does not hold up who reads.
        let shop = Workshop {
            store: store.another()?,
            home: home.into(),
            services: services.clone(),
            at_work: Arc::clone(&at_work),
        };
        let failed = |source| Error::File { act: "starting the worker", path: home.into(), source };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let thread = std::thread::Builder::new().name("datasets".into());
        thread.spawn(move || runtime.block_on(shop.run(nudged))).map_err(failed)?;
        Ok(Self { store, home: home.into(), services, at_work, nudge })
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The documents of a corpus, as they are now.
    ///
    /// # Errors
    /// As [`documents`].
    pub fn documents(&self, corpus: &str) -> Result<Vec<Document>, Error> {
        documents(&self.home, corpus)
    }

    /// Begins a generation. One that was begun with the same settings goes on.
    ///
    /// # Errors
    /// Those of [`jobs::begin`].
    pub fn begin(&self, name: &str, config: &GenerationConfig) -> Result<(Dataset, Job), Error> {
        self.check(config)?;
        let documents = self.documents(&config.corpus)?;
        let (dataset, job) = jobs::begin(&self.store, name, config, &documents)?;
        if job.state == JobState::Paused {
            jobs::resume(&self.store, &dataset)?;
        }
        self.look();
        Ok((dataset, job))
    }

    /// Begins a further generation of a dataset, for one cell of its coverage map.
    ///
    /// # Errors
    /// Those of [`jobs::fill`].
    pub fn fill(&self, dataset: &Dataset, hole: &Hole) -> Result<Job, Error> {
        let job = jobs::fill(&self.store, dataset, hole, &self.documents(&dataset.corpus)?)?;
        self.look();
        Ok(job)
    }

    /// Has a paused generation go on.
    ///
    /// # Errors
    /// [`Error::NoJob`].
    pub fn resume(&self, dataset: &Dataset) -> Result<(), Error> {
        jobs::resume(&self.store, dataset)?;
        self.look();
        Ok(())
    }

    /// How fast the generation of a dataset goes, where this process works on it.
    pub fn progress(&self, name: &str, job: &Job) -> Option<Run> {
        let at_work = locked(&self.at_work);
        let begun = at_work.get(name)?;
        let seconds = begun.at.elapsed().as_secs_f64();
        let missing = (job.rows_wanted as f64 - job.num_good as f64).max(0.0);
        let seconds_left = (begun.num_kept > 0).then(|| missing * seconds / begun.num_kept as f64);
        Some(Run {
            seconds,
            num_items: begun.num_items,
            num_kept: begun.num_kept,
            rows_per_hour: begun.num_kept as f64 / seconds.max(1e-9) * 3600.0,
            seconds_left,
        })
    }

    /// Makes the first rows of a generation in a store of their own, with all filters, and tells what the whole would
    /// take. Nothing of it is kept.
    ///
    /// # Errors
    /// Those of a generation.
    pub async fn preview(&self, config: &GenerationConfig, num: usize) -> Result<Preview, Error> {
        self.check(config)?;
        let documents = self.documents(&config.corpus)?;
        let folder = tempfile::tempdir();
        let folder = folder.map_err(|source| Error::File { act: "making", path: std::env::temp_dir(), source })?;
        let store = Store::open(&Store::file(folder.path()))?;
        let mut plan = plan(config, &documents)?;
        let num_items = plan.items.len();
        plan.items.truncate(num);
        store.keep_documents(&documents)?;
        let (dataset, job) = store.begin_job("preview", config, &plan)?;
        let started = Instant::now();
        let lock = store.work_on(&dataset.name)?;
        Worker::new(lock, &dataset, self.services.tools(config), documents)?.run(|_, _| {}).await?;
        let seconds = started.elapsed().as_secs_f64();
        let page = store.list(&dataset, &Filter::default(), 0, num)?;
        let num_good = page.rows.iter().filter(|row| row.state.is_good()).count();
        let seconds_in_all = (num_good > 0).then(|| seconds / num_good as f64 * config.rows as f64);
        Ok(Preview { rows: page.rows, notes: job.notes, num_items, seconds, seconds_in_all })
    }

    /// Refuses at once what would fail when it is taken up.
    fn check(&self, config: &GenerationConfig) -> Result<(), Error> {
        config.validate()?;
        let lacks = |what: &str| Err(Error::Config { reason: what.into() });
        let asks_model = config.generator != Writers::Templates || config.filters.judge.enabled;
        if asks_model && self.services.engine.is_none() {
            return lacks("`generator`: no language model is at hand here, only `templates` write");
        }
        if (config.filters.round_trip.enabled || config.filters.answerable.enabled) && self.services.rag.is_none() {
            return lacks("`filters`: no index is at hand here, and `round_trip` and `answerable` search it");
        }
        Ok(())
    }

    /// Has the store looked at now.
    fn look(&self) {
        // Nobody listens where the thread has ended, which its last words in the log tell.
        let _ = self.nudge.send(());
    }
}

/// What the thread works with.
struct Workshop {
    store: Store,
    home: PathBuf,
    services: Services,
    at_work: AtWork,
}

impl Workshop {
    /// Works until nobody holds the [`Runner`] any more.
    async fn run(&self, mut nudged: mpsc::UnboundedReceiver<()>) {
        let mut work: FuturesUnordered<LocalBoxFuture<'_, (String, bool)>> = FuturesUnordered::new();
        let mut taken: HashSet<String> = HashSet::new();
        // Held by another process: left alone until the next look.
        let mut held: HashSet<String> = HashSet::new();
        loop {
            for name in self.store.running().unwrap_or_else(|error| unreadable(&error)) {
                if work.len() < MAX_AT_WORK && !held.contains(&name) && taken.insert(name.clone()) {
                    work.push(Box::pin(self.take_up(name)));
                }
            }
            tokio::select! {
                Some((name, was_held)) = work.next(), if !work.is_empty() => {
                    taken.remove(&name);
                    if was_held {
                        held.insert(name);
                    }
                }
                nudge = nudged.recv() => match nudge {
                    Some(()) => held.clear(),
                    None => return,
                },
                () = tokio::time::sleep(LOOK) => held.clear(),
            }
        }
    }

    /// Works on a dataset until its generation ends or is stopped; whether another process has it.
    async fn take_up(&self, name: String) -> (String, bool) {
        let ended = self.work_on(&name).await;
        locked(&self.at_work).remove(&name);
        match ended {
            Ok(ended) => tracing::info!(dataset = name, ?ended, "a generation stopped"),
            Err(Error::Busy { .. }) => return (name, true),
            // Nothing is wrong with the generation: it goes on when the server is back.
            Err(error) if error.is_outage() => {
                tracing::warn!(dataset = name, %error, "a generation waits for the database");
                return (name, true);
            }
            Err(error) => {
                tracing::error!(dataset = name, %error, "a generation was paused");
                let paused = self.store.dataset(&name).and_then(|dataset| self.store.job(&dataset));
                let paused = paused.and_then(|job| match job {
                    Some(job) => self.store.fail_job(job.id, &error.to_string()),
                    None => Ok(()),
                });
                if let Err(error) = paused {
                    tracing::error!(dataset = name, %error, "it could not be marked as paused");
                    return (name, true);
                }
            }
        }
        (name, false)
    }

    async fn work_on(&self, name: &str) -> Result<Ended, Error> {
        let dataset = self.store.dataset(name)?;
        let lock = self.store.work_on(name)?;
        let missing = || Error::NoJob { name: name.into(), act: "taken up" };
        let config = self.store.job(&dataset)?.ok_or_else(missing)?.config;
        let documents = documents(&self.home, &config.corpus)?;
        let worker = Worker::new(lock, &dataset, self.services.tools(&config), documents)?;
        locked(&self.at_work).insert(name.into(), Begun { at: Instant::now(), num_items: 0, num_kept: 0 });
        let ended = worker
            .run(|num_items, num_kept| {
                if let Some(begun) = locked(&self.at_work).get_mut(name) {
                    (begun.num_items, begun.num_kept) = (num_items, num_kept);
                }
            })
            .await?;
        if ended == Ended::Done {
            complete_splits(&self.store, &dataset, config.filters.duplicates.limit)?;
        }
        Ok(ended)
    }
}

fn unreadable(error: &Error) -> Vec<String> {
    tracing::error!(%error, "the datasets could not be read");
    Vec::new()
}
