//! The tools there are, in the order they are shown.
//!
//! In: a name and arguments. Out: an outcome, or a failure in words. Checks what every tool would have to check: that the
//! name is known, that the caller may see such results, that the arguments are as the schema says.

use serde::Serialize;
use serde_json::Value;

use super::desk::Desk;
use super::tool::{Access, AnyTool, Card, Failure, Outcome};
use super::tools;

/// A tool as shown: its card and what it takes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shown {
    #[serde(flatten)]
    pub card: Card,
    pub parameters: Value,
}

/// All tools. Immutable once made.
pub struct Registry {
    tools: Vec<Box<dyn AnyTool>>,
}

impl Default for Registry {
    fn default() -> Self {
        Self { tools: tools::all() }
    }
}

impl Registry {
    /// The tools whose results a caller with `access` may see.
    pub fn shown(&self, access: Access) -> Vec<Shown> {
        let visible = self.tools.iter().filter(|tool| tool.card().access <= access);
        visible.map(|tool| Shown { card: *tool.card(), parameters: tool.schema() }).collect()
    }

    pub fn card(&self, name: &str) -> Option<&Card> {
        self.tools.iter().map(|tool| tool.card()).find(|card| card.name == name)
    }

    /// Calls a tool. Blocks.
    ///
    /// # Errors
    /// [`Failure`], in words for the reader.
    pub fn call(&self, desk: &Desk, access: Access, name: &str, arguments: &Value) -> Result<Outcome, Failure> {
        let Some(tool) = self.tools.iter().find(|tool| tool.card().name == name) else {
            let known: Vec<&str> = self.tools.iter().map(|tool| tool.card().name).collect();
            return Err(Failure::UnknownTool { name: name.into(), known: known.join(", ") });
        };
        let needed = tool.card().access;
        if needed > access {
            let needed = format!("{needed:?}").to_lowercase();
            return Err(Failure::Access { tool: name.into(), needed });
        }
        tool.call(desk, arguments)
    }
}
