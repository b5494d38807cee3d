//! The customs agent: a request becomes a plan, the plan calls, the results a dossier in which every figure can be traced.
//!
//! In: a [`TurnRequest`] whose target is the agent (others pass on to [`Chat`]). Out: the events of a turn, and a [`Record`]
//! kept in the store. [`run`] tells the story: understand ([`intent`]), plan ([`plan`], or the language model under the
//! tools' schemas, [`route`]), call ([`registry`], [`tools`]), conclude ([`dossier`]), word ([`word`], held by [`lock`]).
//!
//! The plan is made of the user's words alone, before anything is read: nothing that a document or a table says can add a
//! call. The language model is not trusted with a figure; it words what the results have settled.

pub mod desk;
pub mod dossier;
mod fence;
mod intent;
mod lock;
mod plan;
mod registry;
mod route;
mod run;
mod source;
mod store;
pub mod tool;
mod tools;
mod trace;
mod word;

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tracing::Instrument;

pub use desk::Desk;
pub use fence::{Fenced, Seen, fence, is_instruction};
pub use plan::{Planner, Step};
pub use registry::{Registry, Shown};
pub use source::{Source, Status};
pub use store::{Approval, Error as StoreError, State, Store};
pub use tool::{AnyTool, Failure, Outcome};
pub use trace::{Call, Difference, Ended, Record};

use crate::access::Grant;
use crate::chat::{self, Chat, EventStream, Target, TurnRequest};
use crate::prompts::Prompts;

/// The model id that the agent is called by.
pub const MODEL_ID: &str = "customs-agent";

/// The store's file in the home folder.
pub const STORE: &str = "agents.sqlite";

/// Hours that a call waits for a person.
const APPROVAL_HOURS: u32 = 72;

/// Why the agent could not do something.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Turn(#[from] chat::Error),
    #[error("there is no run `{id}`")]
    NoRun { id: String },
    #[error("a call panicked: {reason}")]
    Panicked { reason: String },
}

/// Answers turns, its own and those of the corpora and the bare model. Cheap to clone.
#[derive(Clone)]
pub struct Agents {
    chat: Chat,
    desk: Arc<Desk>,
    registry: Arc<Registry>,
    store: Store,
    prompts: Arc<Prompts>,
}

impl Agents {
    /// With our own tools alone; see [`Self::with_registry`].
    ///
    /// # Errors
    /// The store's.
    pub fn new(home: &Path, chat: Chat, desk: Arc<Desk>, prompts: Arc<Prompts>) -> Result<Self, Error> {
        Self::with_registry(home, chat, desk, prompts, Registry::default())
    }

    /// Carries out what was granted of our own tools before the process last ended.
    ///
    /// # Errors
    /// The store's.
    pub fn with_registry(
        home: &Path,
        chat: Chat,
        desk: Arc<Desk>,
        prompts: Arc<Prompts>,
        registry: Registry,
    ) -> Result<Self, Error> {
        let store = Store::open(&home.join(STORE))?;
        let agents = Self { chat, desk, registry: Arc::new(registry), store, prompts };
        for approval in agents.store.unfinished()? {
            if agents.registry.is_own(&approval.tool) {
                agents.finish(&approval)?;
            }
        }
        Ok(agents)
    }

    /// Does the same for foreign tools, whose sources may take their time: for a process that stays. What comes from no
    /// source of this process is left for one that has it. Blocks.
    ///
    /// # Errors
    /// The store's.
    pub fn finish_foreign(&self) -> Result<(), Error> {
        for approval in self.store.unfinished()? {
            if self.registry.source(&approval.tool).is_some() {
                self.finish(&approval)?;
            }
        }
        Ok(())
    }

    fn finish(&self, approval: &Approval) -> Result<(), Error> {
        tracing::info!(approval = approval.id, tool = approval.tool, "carrying out what was granted");
        self.carry_out(approval).map(|_| ())
    }

    pub fn chat(&self) -> &Chat {
        &self.chat
    }

    pub fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Starts a turn.
    ///
    /// # Errors
    /// What is refused at once, as [`Chat::turn`] does.
    pub async fn turn(&self, request: TurnRequest) -> Result<EventStream, chat::Error> {
        if request.target != Target::Agent {
            return self.chat.turn(request).await;
        }
        if !request.messages.iter().any(|message| message.role == crate::engine::Role::User) {
            return Err(chat::Error::NoQuestion);
        }
        self.chat.engine().admits(request.lane, &request.sampling, request.max_tokens)?;
        let (sender, events) = mpsc::channel(256);
        let run = run::Run::new(self.clone(), request, Some(sender));
        tokio::spawn(run.report().in_current_span());
        Ok(EventStream::new(events))
    }

    /// Answers a request and waits for its record.
    ///
    /// # Errors
    /// The turn's, and the store's.
    pub async fn answer(
        &self,
        request: TurnRequest,
        observe: Option<mpsc::Sender<chat::Event>>,
    ) -> Result<Record, Error> {
        run::Run::new(self.clone(), request, observe).record().await
    }

    /// Decides what waits, and carries it out where it is granted. Blocks. Whether the decider may, the caller knows.
    ///
    /// # Errors
    /// The store's: no such approval, decided already, expired, no name.
    pub fn decide(&self, id: &str, grant: bool, by: &str) -> Result<Approval, Error> {
        let approval = self.store.decide(id, grant, by)?;
        if grant { self.carry_out(&approval) } else { Ok(approval) }
    }

    /// Calls a tool for a program: a read at once; what writes is put before a named person. Blocks.
    ///
    /// # Errors
    /// The tool's, in words.
    pub fn call_or_ask(&self, grant: &Grant, tool: &str, arguments: &Value) -> Result<Outcome, Failure> {
        if self.registry.is_read_only(tool) {
            return self.registry.call(&self.desk.of(grant), tool, arguments);
        }
        self.registry.check(grant, tool)?;
        let asked = self.store.ask("", tool, arguments, APPROVAL_HOURS);
        let asked = asked.map_err(|error| Failure::Inner { tool: tool.into(), reason: error.to_string() })?;
        Ok(run::waits(&asked))
    }

    fn carry_out(&self, approval: &Approval) -> Result<Approval, Error> {
        let called = self.registry.call(&self.desk, &approval.tool, &approval.arguments);
        let (done, outcome): (bool, Value) = match called {
            Ok(outcome) => (true, outcome.result),
            Err(failure) => (false, json!({ "error": failure.to_string() })),
        };
        Ok(self.store.finish(&approval.id, done, &outcome)?)
    }
}
