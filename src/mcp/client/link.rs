//! The connection to a server as its tools see it: there, not there yet, or lost with the reason.

use std::sync::Arc;
use std::time::Duration;

use rmcp::model::{CallToolRequestParams, CallToolResponse, CallToolResult, JsonObject};
use rmcp::{RoleClient, ServiceError};
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};

use crate::config::McpServer;

pub type Peer = rmcp::Peer<RoleClient>;

/// Shared by a server's tools and by whoever keeps the connection.
pub struct Link {
    pub server: McpServer,
    runtime: Handle,
    state: watch::Sender<State>,
    broken: Notify,
}

#[derive(Clone)]
enum State {
    /// The first try has not ended.
    Trying,
    Up(Peer),
    Down(String),
}

impl Link {
    pub fn new(server: McpServer, runtime: Handle) -> Self {
        Self { server, runtime, state: watch::Sender::new(State::Trying), broken: Notify::new() }
    }

    pub fn up(&self, peer: Peer) {
        self.state.send_replace(State::Up(peer));
    }

    pub fn lost(&self, reason: String) {
        self.state.send_replace(State::Down(reason));
    }

    /// Waits until the first try has ended.
    pub async fn tried(&self) {
        // The sender is ours: it cannot be gone.
        let _ = self.state.subscribe().wait_for(|state| !matches!(state, State::Trying)).await;
    }

    /// Waits until a call finds the connection broken, and says how.
    pub async fn broken(&self) -> String {
        loop {
            self.broken.notified().await;
            // A call on an earlier connection may have told of that one.
            if let State::Down(reason) = &*self.state.borrow() {
                return reason.clone();
            }
        }
    }

    /// Why no call can be made now.
    pub fn unavailable(&self) -> Option<String> {
        let reason = match &*self.state.borrow() {
            State::Up(_) => return None,
            State::Trying => "not reached yet".to_owned(),
            State::Down(reason) => reason.clone(),
        };
        Some(format!("its server `{}` is not at hand: {reason}", self.server.name))
    }

    /// Calls a tool by the server's own name for it. Blocks.
    ///
    /// # Errors
    /// Why there is no result, in words.
    pub fn call(self: &Arc<Self>, tool: &str, arguments: JsonObject) -> Result<CallToolResult, String> {
        let (link, params) = (Arc::clone(self), CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments));
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        // Not `block_on`: the caller may stand on a thread of the runtime itself.
        self.runtime.spawn(async move {
            let _ = sender.send(link.request(params).await);
        });
        receiver.recv().unwrap_or_else(|_| Err("the program is stopping".into()))
    }

    async fn request(&self, params: CallToolRequestParams) -> Result<CallToolResult, String> {
        self.tried().await;
        let state = self.state.borrow().clone();
        let State::Up(peer) = state else {
            return Err(self.unavailable().unwrap_or_else(|| "try again".into()));
        };
        let (name, limit) = (&self.server.name, self.server.timeout);
        // Where the time is over the request is dropped, and the server told that it is.
        let called = tokio::time::timeout(limit, peer.call_tool_once(params)).await;
        let Ok(called) = called else {
            return Err(format!("its server `{name}` gave no answer within {}, the limit", seconds(limit)));
        };
        match called {
            Ok(CallToolResponse::Complete(result)) => Ok(result),
            Ok(_) => Err(format!("its server `{name}` asks something back, or for patience; neither is given here")),
            Err(ServiceError::McpError(error)) => {
                Err(format!("its server `{name}` refuses the call: {}", error.message))
            }
            Err(error) => {
                let reason = match &error {
                    ServiceError::TransportSend(_) | ServiceError::TransportClosed => describe(&error),
                    _ => return Err(format!("its server `{name}` did not answer as it should: {error}")),
                };
                self.lost(reason.clone());
                self.broken.notify_one();
                Err(format!("its server `{name}` is out of reach: {reason}"))
            }
        }
    }
}

fn seconds(limit: Duration) -> String {
    format!("{} s", limit.as_secs())
}

/// An error with what caused it.
pub fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
