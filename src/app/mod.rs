//! Builds every service from the settings: models fetched, index up to date, engine started. The one place where the
//! stages are put together; what each does is in its own module.

mod demo;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};

use crate::agents::{Agents, Desk, Registry, Source};
use crate::chat::{Approved, Chat};
use crate::config::{Config, EngineChoice};
use crate::datasets::{Place, Runner, Services};
use crate::engine::{self, BoxFuture, Calls, Engine, LocalEngine, ModelInfo, remote::RemoteEngine};
use crate::history::History;
use crate::http::{AppState, BoxError, DocumentView, Documents, Embeddings, Parts, Purpose};
use crate::index::embed::Embedder;
use crate::index::{self, BuildReport, DenseChoice, Index, Progress};
use crate::ingest;
use crate::lang::Language;
use crate::mcp;
use crate::models::{Store, TerminalProgress};
use crate::prompts::Prompts;
use crate::rag::Rag;
use crate::responses::{self, Responses};

/// The index of the home folder, its embedder fetched where it is missing.
///
/// # Errors
/// If the embedder cannot be had or the index not be opened.
pub fn open_index(config: &Config) -> anyhow::Result<Index> {
    open_index_with(config, open_embedder(config)?)
}

/// The embedder of the settings, fetched where it is missing.
///
/// # Errors
/// If it cannot be had or read.
pub fn open_embedder(config: &Config) -> anyhow::Result<Arc<Embedder>> {
    Ok(Arc::new(Embedder::open(&embedder_path(config)?)?))
}

fn open_index_with(config: &Config, embedder: Arc<Embedder>) -> anyhow::Result<Index> {
    let dense = match &config.qdrant {
        Some((url, key)) => {
            DenseChoice::Server { url: url.clone(), key: key.as_ref().map(|key| key.reveal().to_owned()) }
        }
        None => DenseChoice::Edge,
    };
    Ok(Index::open(&config.home, embedder, dense)?)
}

fn embedder_path(config: &Config) -> anyhow::Result<PathBuf> {
    if Path::new(&config.embedder).exists() {
        return Ok(config.embedder.clone().into());
    }
    let stored = ensure(config, &config.embedder)?;
    // A packed model is one file; the hub's layout is a folder of several.
    Ok(if stored.files.len() == 1 { stored.weights().into() } else { stored.folder })
}

fn ensure(config: &Config, name: &str) -> anyhow::Result<crate::models::Stored> {
    let progress = TerminalProgress::new();
    Ok(Store::open(config)?.ensure(name, &|event| progress.show(event))?)
}

/// Brings the index up to date, with progress on stderr.
///
/// # Errors
/// The index's; documents that cannot be read are reported and left out.
pub fn update_index(index: &Index, home: &Path) -> anyhow::Result<BuildReport> {
    let files = ingest::source_files(home).context("could not list the corpora")?;
    let bar = ProgressBar::new(0);
    bar.set_style(ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}").context("the bar's template")?);
    bar.enable_steady_tick(Duration::from_millis(200));
    let started = Instant::now();
    let report = index.build(&files, &mut |progress| match progress {
        Progress::Reading { num_files } => bar.set_message(format!("reading {num_files} files")),
        Progress::Embedding { done, total } => {
            bar.set_message("embedding passages");
            bar.set_length(total as u64);
            bar.set_position(done as u64);
        }
        Progress::Writing => bar.set_message("writing the index"),
    });
    bar.finish_and_clear();
    let report = report?;
    for failure in &report.failed {
        eprintln!("left out: {failure}");
    }
    if report.unchanged {
        eprintln!("index: {} documents, nothing changed", report.num_documents);
    } else {
        let (documents, passages, embedded) = (report.num_documents, report.num_passages, report.num_embedded);
        let seconds = started.elapsed().as_secs_f32();
        eprintln!("index: {documents} documents, {passages} passages ({embedded} embedded anew) in {seconds:.1} s");
    }
    Ok(report)
}

/// Brings the index up to date where there is room for it; on a full disk the index of before answers.
///
/// # Errors
/// As [`update_index`], except for a full disk beside an index.
pub fn update_index_or_keep(index: &Index, home: &Path) -> anyhow::Result<()> {
    match update_index(index, home) {
        Ok(_) => Ok(()),
        Err(error) if is_disk_full(&error) && index.is_built() => {
            eprintln!("not updated: {error}");
            Ok(())
        }
        Err(error) => Err(error),
    }
}

fn is_disk_full(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(index::Error::DiskFull { .. }))
}

/// The language model the settings choose, fetched where it is missing. Call inside a runtime.
///
/// # Errors
/// If the model cannot be had or loaded, or the remote engine not be reached.
pub async fn start_engine(config: &Config) -> anyhow::Result<Arc<dyn Engine>> {
    match &config.engine {
        EngineChoice::Remote { url, key, model } => {
            let engine = RemoteEngine::connect(url, key.clone(), model.as_deref()).await?;
            Ok(Arc::new(engine))
        }
        EngineChoice::Local { .. } => {
            let config = config.clone();
            let engine = tokio::task::spawn_blocking(move || start_local_engine(&config)).await??;
            Ok(Arc::new(engine))
        }
    }
}

/// A language model's file on this machine.
#[derive(Clone, Debug)]
pub struct LocalModel {
    pub id: String,
    /// What it writes well.
    pub languages: Vec<Language>,
    pub calls: Calls,
    /// A GGUF file, or a folder of safetensors.
    pub path: PathBuf,
}

/// The model file the settings choose, fetched where it is missing. Blocks.
///
/// # Errors
/// If it cannot be had, or the settings choose a remote engine.
pub fn local_model(config: &Config) -> anyhow::Result<LocalModel> {
    let EngineChoice::Local { model } = &config.engine else {
        anyhow::bail!("the settings choose a remote engine; unset `--remote-url`");
    };
    let path = PathBuf::from(model);
    if path.exists() {
        let id = path.file_stem().map_or_else(|| model.clone(), |stem| stem.to_string_lossy().into_owned());
        // A file does not say what it writes well; whoever names one by hand is taken to know.
        return Ok(LocalModel { id, languages: vec![Language::Ko, Language::En], calls: Calls::default(), path });
    }
    let stored = ensure(config, model)?;
    let is_folder = stored.weights().extension().is_some_and(|extension| extension == "safetensors");
    let path = if is_folder { stored.folder.clone() } else { stored.weights().to_owned() };
    Ok(LocalModel { id: model.clone(), languages: stored.entry.languages, calls: stored.entry.calls, path })
}

/// The local language model the settings choose. Blocks.
///
/// # Errors
/// If the model cannot be had or loaded, or the settings choose a remote one.
pub fn start_local_engine(config: &Config) -> anyhow::Result<LocalEngine> {
    let model = local_model(config)?;
    let started = Instant::now();
    let engine = LocalEngine::start(&model.id, &model.languages, &model.path, config.limits)?.with_calls(model.calls);
    tracing::info!(model = model.id, duration_ms = started.elapsed().as_millis() as u64, "model loaded");
    Ok(engine)
}

/// The state behind the routes. Call inside a runtime.
///
/// # Errors
/// Whatever kept a service from starting.
pub async fn build_state(config: &Config) -> anyhow::Result<AppState> {
    let engine = start_engine(config).await?;
    let blocking = config.clone();
    let (index, history, responses) = tokio::task::spawn_blocking(move || -> anyhow::Result<_> {
        let embedder = open_embedder(&blocking)?;
        if blocking.demo {
            let (home, encoder) = (blocking.home.clone(), Arc::clone(&embedder));
            // Whoever asks meanwhile is told what is not there yet.
            std::thread::spawn(move || {
                if let Err(error) = demo::prepare(&home, &encoder) {
                    tracing::warn!("{error:#}");
                }
            });
        }
        let index = open_index_with(&blocking, embedder)?;
        update_index_or_keep(&index, &blocking.home)?;
        let responses = Responses::open(&blocking.home.join(responses::FILE))?;
        Ok((index, History::open(&blocking.home.join("haetae.sqlite"))?, responses))
    })
    .await??;
    let index = Arc::new(index);
    let built_in = ["valuation", "general", "hs"];
    let mut user_corpora: Vec<String> = index.documents()?.into_iter().map(|document| document.corpus).collect();
    user_corpora.retain(|corpus| !built_in.contains(&corpus.as_str()));
    user_corpora.sort();
    user_corpora.dedup();
    let rag = Arc::new(Rag::new(Arc::clone(&index)));
    let warming = Arc::clone(&rag);
    tokio::task::spawn_blocking(move || warm_up(&warming)).await?;
    let prompts = Arc::new(Prompts::load()?);
    let services = Services {
        engine: Some(Arc::clone(&engine)),
        prompts: Some(Arc::clone(&prompts)),
        rag: Some(Arc::clone(&rag)),
    };
    let place = Place::from(config);
    let datasets = Runner::start(&config.home, &place, services)?;
    let chat = Chat::new(Arc::clone(&engine), Some(Arc::clone(&rag)), Arc::clone(&prompts))
        .with_approved(Approved::open(&place)?);
    let desk = Arc::new(Desk::new(&config.home, Some(rag)).with_datasets(place));
    let registry =
        Registry::with_sources(start_sources(config).into_iter().map(|client| client as Arc<dyn Source>).collect());
    for key in &config.api_keys {
        // A name that nothing has would only ever forbid, and nobody would know why. A foreign server may tell of its tools
        // later.
        let is_unknown = |tool: &&str| !registry.is_own(tool) && registry.source(tool).is_none();
        if let Some(unknown) = key.grant.tools().find(is_unknown) {
            anyhow::bail!(
                "a role of `[server.roles]` lists the tool `{unknown}`, which there is not; `haetae agent tools` lists them"
            );
        }
    }
    let agents = Agents::with_registry(&config.home, chat.clone(), desk, prompts, registry)?;
    let resuming = agents.clone();
    tokio::task::spawn_blocking(move || {
        if let Err(error) = resuming.finish_foreign() {
            tracing::warn!(%error, "what was granted could not be carried out");
        }
    });
    let reading = chat;
    // Whoever asks meanwhile waits for the model, not for the server.
    tokio::spawn(async move {
        if let Err(error) = reading.read_rules().await {
            tracing::warn!(%error, "the rules could not be read beforehand");
        }
    });
    let embeddings = IndexEmbeddings { id: config.embedder.clone(), embedder: Arc::clone(index.embedder()) };
    Ok(AppState::new(Parts {
        engine,
        turns: Arc::new(agents.clone()),
        agents: Some(agents),
        datasets: Some(datasets),
        history,
        responses,
        documents: Arc::new(IndexDocuments(index)),
        embeddings: Arc::new(embeddings),
        user_corpora,
        api_keys: config.api_keys.clone(),
        names: config.names,
    }))
}

/// Begins to reach the servers of foreign tools that the settings name.
fn start_sources(config: &Config) -> Vec<Arc<mcp::client::Client>> {
    config.mcp_servers.iter().cloned().map(|server| Arc::new(mcp::client::Client::start(server))).collect()
}

/// The agent over the home folder, with its language model. Call inside a runtime.
///
/// # Errors
/// Whatever kept a service from starting.
pub async fn agents(config: &Config) -> anyhow::Result<Agents> {
    with_engine(config, start_engine(config).await?).await
}

/// The agent with the language model and the index of the settings, over an invented world made anew in `world`: what a
/// suite was written for, whatever the home folder holds. Call inside a runtime.
///
/// # Errors
/// Whatever kept a service from starting.
pub async fn agents_over_demo(config: &Config, world: &Path) -> anyhow::Result<Agents> {
    let engine = start_engine(config).await?;
    let (blocking, home) = (config.clone(), world.to_path_buf());
    let index = tokio::task::spawn_blocking(move || -> anyhow::Result<_> {
        let embedder = open_embedder(&blocking)?;
        demo::prepare(&home, &embedder)?;
        let index = open_index_with(&blocking, embedder)?;
        update_index_or_keep(&index, &blocking.home)?;
        Ok(index)
    })
    .await??;
    over(engine, index, world, Place::in_home(world), Registry::default())
}

/// The same over a world whose tables `edit` has changed and the corpora that stand in `world` already; the settings' own
/// index is left as it is.
///
/// # Errors
/// Whatever kept a service from starting.
pub async fn agents_over_edited(
    config: &Config,
    world: &Path,
    edit: &mut dyn FnMut(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<Agents> {
    let engine = start_engine(config).await?;
    demo::prepare_with(world, &open_embedder(config)?, edit)?;
    let index = config.home.join("index");
    if index.is_dir() {
        // Begun from what is embedded already.
        copy_folder(&index, &world.join("index"))?;
    }
    let embedder = embedder_path(config)?.display().to_string();
    let settings = Config { home: world.into(), embedder, ..config.clone() };
    let index = tokio::task::spawn_blocking(move || -> anyhow::Result<_> {
        let index = open_index(&settings)?;
        update_index(&index, &settings.home)?;
        Ok(index)
    })
    .await??;
    over(engine, index, world, Place::in_home(world), Registry::default())
}

fn over(
    engine: Arc<dyn Engine>,
    index: Index,
    home: &Path,
    datasets: Place,
    registry: Registry,
) -> anyhow::Result<Agents> {
    let rag = Arc::new(Rag::new(Arc::new(index)));
    let prompts = Arc::new(Prompts::load()?);
    let chat = Chat::new(engine, Some(Arc::clone(&rag)), Arc::clone(&prompts));
    let desk = Arc::new(Desk::new(home, Some(rag)).with_datasets(datasets));
    Ok(Agents::with_registry(home, chat, desk, prompts, registry)?)
}

fn copy_folder(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs_err::create_dir_all(to)?;
    for entry in fs_err::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs_err::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// The agent's tools without a language model, for those who bring their own. Call inside a runtime.
///
/// # Errors
/// Whatever kept a service from starting.
pub async fn tools_alone(config: &Config) -> anyhow::Result<Agents> {
    with_engine(config, Arc::new(NoEngine::default())).await
}

async fn with_engine(config: &Config, engine: Arc<dyn Engine>) -> anyhow::Result<Agents> {
    let clients = start_sources(config);
    let blocking = config.clone();
    let index = tokio::task::spawn_blocking(move || -> anyhow::Result<_> {
        let embedder = open_embedder(&blocking)?;
        if blocking.demo {
            demo::prepare(&blocking.home, &embedder)?;
        }
        let index = open_index_with(&blocking, embedder)?;
        update_index_or_keep(&index, &blocking.home)?;
        Ok(index)
    })
    .await??;
    // One request may be all there is: it is to find the foreign tools there, or the reason why not.
    futures::future::join_all(clients.iter().map(|client| client.tried())).await;
    let sources = clients.into_iter().map(|client| client as Arc<dyn Source>).collect();
    over(engine, index, &config.home, Place::from(config), Registry::with_sources(sources))
}

/// Stands where no language model is wanted: every generation is refused.
struct NoEngine {
    info: ModelInfo,
}

impl Default for NoEngine {
    fn default() -> Self {
        Self { info: ModelInfo { id: "none".into(), context_len: 0, languages: Vec::new() } }
    }
}

impl Engine for NoEngine {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn count_tokens(&self, _prompt: &engine::Prompt) -> Result<usize, engine::Error> {
        Ok(0)
    }

    fn submit(&self, _request: engine::GenerateRequest) -> BoxFuture<'_, Result<engine::TokenStream, engine::Error>> {
        Box::pin(async { Err(engine::Error::Stopped) })
    }

    fn load(&self) -> engine::Load {
        engine::Load::default()
    }

    fn is_ready(&self) -> bool {
        false
    }
}

/// Looks for something once in each language: files are mapped and caches filled before the first user asks.
fn warm_up(rag: &Rag) {
    let valuation = ["valuation".to_owned()];
    let searched =
        ["What is the customs value?", "과세가격은 무엇인가요?"].map(|question| rag.find(question, &valuation));
    if let Err(error) = rag.warm_up().and(searched.into_iter().collect::<Result<Vec<_>, _>>().map(|_| ())) {
        tracing::warn!(%error, "the first search failed");
    }
}

/// The index's documents, as citations open them.
struct IndexDocuments(Arc<Index>);

impl Documents for IndexDocuments {
    fn document(&self, id: &str) -> Result<Option<DocumentView>, BoxError> {
        let Some(document) = self.0.document(id)? else { return Ok(None) };
        Ok(Some(DocumentView {
            id: document.id,
            title: document.title,
            language: document.language,
            corpus: document.corpus,
            topic: document.topic,
            refs: document.refs.iter().map(ToString::to_string).collect(),
            authority: document.authority.as_str().into(),
            effective_from: document.effective_from.map(|date| date.to_string()),
            source: document.source,
            text: document.text,
        }))
    }

    fn is_ready(&self) -> bool {
        self.0.is_built()
    }
}

/// The index's embedder, as `/v1/embeddings` serves it.
struct IndexEmbeddings {
    id: String,
    embedder: Arc<Embedder>,
}

impl Embeddings for IndexEmbeddings {
    fn model_id(&self) -> &str {
        &self.id
    }

    fn dim(&self) -> usize {
        self.embedder.dim()
    }

    fn max_len(&self) -> usize {
        self.embedder.max_len()
    }

    fn count_tokens(&self, text: &str, _purpose: Purpose) -> Result<usize, BoxError> {
        Ok(self.embedder.count_tokens(text)?)
    }

    fn embed(&self, texts: &[String], purpose: Purpose) -> Result<Vec<Vec<f32>>, BoxError> {
        match purpose {
            Purpose::Query => texts.iter().map(|text| Ok(self.embedder.embed_query(text)?)).collect(),
            Purpose::Passage => {
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                Ok(self.embedder.embed_passages(&texts)?)
            }
        }
    }
}
