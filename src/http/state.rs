//! What the handlers share, and the small traits by which the rest of the house is reached.
//!
//! Whoever starts the server fills [`Parts`]; the handlers see [`AppState`]. The traits have two implementations each:
//! the real one and the scripted twin of the tests.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use futures::stream::{self, BoxStream, StreamExt};
use serde::Serialize;
use tokio::sync::Semaphore;

use super::auth::ApiKeys;
use super::error::ApiError;
use crate::access::Grant;
use crate::agents::{self, Agents};
use crate::chat::{self, Target, TurnRequest};
use crate::config::{ApiKey, ServerNames};
use crate::datasets::Runner;
use crate::engine::{BoxFuture, Engine};
use crate::history::History;
use crate::lang::Language;
use crate::responses::Responses;
use crate::telemetry::Metrics;

/// An error of whatever stands behind a trait of this module; logged, never shown.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The events of a turn. Dropping it cancels the turn.
pub type Events = BoxStream<'static, chat::Event>;

/// Requests for vectors served at once. More than a few only wait for the same cores, and each holds its texts.
const MAX_CONCURRENT_EMBEDDINGS: usize = 8;

/// Answers turns.
pub trait Turns: Send + Sync {
    /// Starts a turn.
    ///
    /// # Errors
    /// What can be refused at once: a bad parameter, a prompt over the context, a full queue.
    fn turn(&self, request: TurnRequest) -> BoxFuture<'_, Result<Events, chat::Error>>;
}

impl Turns for Agents {
    fn turn(&self, request: TurnRequest) -> BoxFuture<'_, Result<Events, chat::Error>> {
        Box::pin(async move {
            let events = Agents::turn(self, request).await?;
            let next = |mut events: chat::EventStream| async { events.next().await.map(|event| (event, events)) };
            Ok(stream::unfold(events, next).boxed())
        })
    }
}

/// What a text is embedded for: E5 models put another prefix before each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    Query,
    #[default]
    Passage,
}

/// Turns texts into vectors.
pub trait Embeddings: Send + Sync {
    fn model_id(&self) -> &str;

    /// Length of a vector.
    fn dim(&self) -> usize;

    /// Most tokens of one text.
    fn max_len(&self) -> usize;

    /// Tokens that `text` takes, special ones and prefix included. Blocks.
    ///
    /// # Errors
    /// The tokenizer's.
    fn count_tokens(&self, text: &str, purpose: Purpose) -> Result<usize, BoxError>;

    /// One unit vector a text, in order. Blocks: called off the async threads.
    ///
    /// # Errors
    /// The model's.
    fn embed(&self, texts: &[String], purpose: Purpose) -> Result<Vec<Vec<f32>>, BoxError>;
}

/// The documents that citations point into.
pub trait Documents: Send + Sync {
    /// A document by its id. Blocks: called off the async threads.
    ///
    /// # Errors
    /// Where it should be there but cannot be read.
    fn document(&self, id: &str) -> Result<Option<DocumentView>, BoxError>;

    /// Whether the index answers searches.
    fn is_ready(&self) -> bool;
}

/// A document as the page shows it. Spans of citations are byte offsets into `text`.
#[derive(Clone, Debug, Serialize)]
pub struct DocumentView {
    pub id: String,
    pub title: String,
    pub language: Language,
    pub corpus: String,
    /// Topic number where the document has one.
    pub topic: Option<u32>,
    pub refs: Vec<String>,
    pub authority: String,
    /// First day the text holds, ISO 8601.
    pub effective_from: Option<String>,
    pub source: String,
    pub text: String,
}

/// A model id that chat requests may name.
#[derive(Clone, Debug, PartialEq)]
pub struct ServedModel {
    pub id: String,
    pub target: Target,
}

/// The model ids of this server: the bare language model, and one a corpus.
#[derive(Clone, Debug)]
pub struct ModelTable(Vec<ServedModel>);

impl ModelTable {
    /// The bare model first. A corpus of the user's is served under its own name, except where a model already has it.
    pub fn new(bare: &str, user_corpora: &[String], has_agent: bool) -> Self {
        let corpora = |id: &str, names: &[&str]| ServedModel {
            id: id.into(),
            target: Target::Corpora(names.iter().map(ToString::to_string).collect()),
        };
        let mut models = vec![
            ServedModel { id: bare.into(), target: Target::Bare },
            corpora("customs-valuation", &["valuation"]),
            corpora("general", &["general", "valuation"]),
        ];
        if has_agent {
            models.push(ServedModel { id: agents::MODEL_ID.into(), target: Target::Agent });
        }
        for name in user_corpora {
            if models.iter().all(|model| model.id != *name) {
                models.push(corpora(name, &[name]));
            }
        }
        Self(models)
    }

    pub fn iter(&self) -> impl Iterator<Item = &ServedModel> {
        self.0.iter()
    }

    /// The models that answer from nothing a caller may not read.
    pub fn readable(&self, grant: &Grant) -> impl Iterator<Item = &ServedModel> {
        self.iter().filter(|model| match &model.target {
            Target::Corpora(corpora) => corpora.iter().all(|corpus| grant.may_read(corpus)),
            Target::Bare | Target::Agent => true,
        })
    }

    /// The model of that id, for a caller.
    ///
    /// # Errors
    /// `model_not_found`, naming those the caller has.
    pub fn find(&self, grant: &Grant, id: &str) -> Result<&ServedModel, ApiError> {
        let ids = || self.readable(grant).map(|model| model.id.as_str()).collect::<Vec<_>>();
        self.readable(grant).find(|model| model.id == id).ok_or_else(|| ApiError::model_not_found(id, &ids()))
    }
}

/// What the server is built from.
pub struct Parts {
    pub engine: Arc<dyn Engine>,
    pub turns: Arc<dyn Turns>,
    /// Absent where there is nothing for its tools to stand on.
    pub agents: Option<Agents>,
    /// Absent where the server has no home folder.
    pub datasets: Option<Runner>,
    pub history: History,
    pub responses: Responses,
    pub documents: Arc<dyn Documents>,
    pub embeddings: Arc<dyn Embeddings>,
    /// Corpora beside `valuation` and `general`.
    pub user_corpora: Vec<String>,
    /// None means that everyone who reaches the port may ask.
    pub api_keys: Vec<ApiKey>,
    pub names: ServerNames,
}

/// What every handler reaches. Cheap to clone.
#[derive(Clone)]
pub struct AppState {
    pub engine: Arc<dyn Engine>,
    pub turns: Arc<dyn Turns>,
    pub agents: Option<Agents>,
    pub datasets: Option<Runner>,
    pub history: History,
    pub responses: Responses,
    pub documents: Arc<dyn Documents>,
    pub embeddings: Arc<dyn Embeddings>,
    pub embedding_permits: Arc<Semaphore>,
    pub models: Arc<ModelTable>,
    pub api_keys: Arc<ApiKeys>,
    pub names: ServerNames,
    pub metrics: Arc<Metrics>,
    /// Seconds since 1970 when this server started; what `/v1/models` gives as `created`.
    pub started_at: u64,
}

impl AppState {
    pub fn new(parts: Parts) -> Self {
        Self {
            models: Arc::new(ModelTable::new(&parts.engine.info().id, &parts.user_corpora, parts.agents.is_some())),
            engine: parts.engine,
            turns: parts.turns,
            agents: parts.agents,
            datasets: parts.datasets,
            history: parts.history,
            responses: parts.responses,
            documents: parts.documents,
            embeddings: parts.embeddings,
            embedding_permits: Arc::new(Semaphore::new(MAX_CONCURRENT_EMBEDDINGS)),
            api_keys: Arc::new(ApiKeys::new(&parts.api_keys)),
            names: parts.names,
            metrics: Arc::default(),
            started_at: unix_time(),
        }
    }
}

/// Seconds since 1970.
pub fn unix_time() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}

/// Runs what blocks on the threads kept for it.
///
/// # Errors
/// An internal error where `work` panicked.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| ApiError::internal(&error))
}
