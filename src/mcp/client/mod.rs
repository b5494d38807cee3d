//! Foreign tools for the agent: those of servers that the administration names in its settings.
//!
//! In: a server of the settings. Out: a [`Source`] of the agent's registry. A task keeps the connection: it is made at the
//! start, which does not wait for it, and made again, with growing pauses, after it was lost. What a server says of its own
//! tools' harmlessness is not believed: only what the settings name as read-only is called at once. A server may ask
//! nothing of us, neither the user nor the language model.

mod connect;
mod link;
mod result;
mod tool;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::task::AbortHandle;

use self::connect::Connected;
use self::link::Link;
use crate::access::Access;
use crate::agents::{AnyTool, Source, Status};
use crate::config::McpServer;

/// Between two tries to reach a server: at first, and at most.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_secs(60);

/// The tools of one server. Its connection ends when it is dropped.
pub struct Client {
    kept: Arc<Kept>,
    task: AbortHandle,
}

/// What the task and the registry share.
struct Kept {
    link: Arc<Link>,
    list: RwLock<List>,
}

/// What a server offered when it was last reached.
#[derive(Default)]
struct List {
    version: Option<String>,
    tools: Vec<Arc<dyn AnyTool>>,
    left_out: Vec<String>,
}

impl Client {
    /// Begins to reach `server`. Call inside a runtime.
    pub fn start(server: McpServer) -> Self {
        let link = Arc::new(Link::new(server, tokio::runtime::Handle::current()));
        let kept = Arc::new(Kept { link, list: RwLock::default() });
        let task = tokio::spawn(Arc::clone(&kept).keep()).abort_handle();
        Self { kept, task }
    }

    /// Waits until the first try has ended, well or not.
    pub async fn tried(&self) {
        self.kept.link.tried().await;
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Source for Client {
    fn name(&self) -> &str {
        &self.kept.link.server.name
    }

    fn tools(&self) -> Vec<Arc<dyn AnyTool>> {
        self.kept.read().tools.clone()
    }

    fn is_read_only(&self, tool: &str) -> bool {
        let server = &self.kept.link.server;
        server.trusted_read_only.iter().any(|trusted| tool::name(&server.name, trusted) == tool)
    }

    fn access(&self) -> Access {
        self.kept.link.server.access
    }

    fn status(&self) -> Status {
        let list = self.kept.read();
        Status {
            name: self.name().to_owned(),
            version: list.version.clone(),
            unavailable: self.kept.link.unavailable(),
            left_out: list.left_out.clone(),
        }
    }
}

impl Kept {
    /// Reaches the server again and again, as long as the program runs.
    async fn keep(self: Arc<Self>) {
        let mut pause = FIRST_PAUSE;
        loop {
            let started = Instant::now();
            let reason = match self.session().await {
                Ok(reason) | Err(reason) => reason,
            };
            tracing::warn!(server = self.link.server.name, reason, "a server of tools is not at hand");
            self.link.lost(reason);
            if started.elapsed() > LAST_PAUSE {
                pause = FIRST_PAUSE;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }

    /// One connection, from its making to why it ended.
    async fn session(&self) -> Result<String, String> {
        let server = &self.link.server;
        let connected = connect::connect(server).await?;
        self.list(&connected).await?;
        tracing::info!(server = server.name, version = self.read().version, "a server of tools is at hand");
        self.link.up(connected.peer.clone());
        let Connected { running, changed, peer, said } = connected;
        let closed = running.waiting();
        tokio::pin!(closed);
        loop {
            tokio::select! {
                _ = &mut closed => return Ok(connect::with_last_words("it ended the connection".into(), &said)),
                reason = self.link.broken() => return Ok(reason),
                () = changed.notified() => self.list_by(&peer).await?,
            }
        }
    }

    async fn list(&self, connected: &Connected) -> Result<(), String> {
        self.list_by(&connected.peer).await.map_err(|reason| connect::with_last_words(reason, &connected.said))
    }

    async fn list_by(&self, peer: &link::Peer) -> Result<(), String> {
        let listed = connect::within("list its tools", peer.list_all_tools()).await?;
        let listed = listed.map_err(|error| format!("its tools could not be listed: {error}"))?;
        let (tools, left_out) = tool::read(&self.link, listed);
        for reason in &left_out {
            tracing::warn!(server = self.link.server.name, "{reason}");
        }
        let version = peer.peer_info().and_then(|info| info.server_info.clone());
        let version = version.map_or_else(|| "of no name".into(), |info| format!("{} {}", info.name, info.version));
        *self.list.write().unwrap_or_else(PoisonError::into_inner) = List { version: Some(version), tools, left_out };
        Ok(())
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, List> {
        self.list.read().unwrap_or_else(PoisonError::into_inner)
    }
}
