//! The tools there are, in the order they are shown.
//!
//! In: a name and arguments. Out: an outcome, or a failure in words. Checks what every tool would have to check: that the
//! name is known, that the caller may see such results, that the arguments are as the schema says.

use serde::Serialize;
use serde_json::Value;

use super::desk::Desk;
use super::tool::{AnyTool, Card, Failure, Outcome};
use super::tools;
use crate::access::Grant;

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
    /// The tools that a caller may call.
    pub fn shown(&self, grant: &Grant) -> Vec<Shown> {
        let visible = self.tools.iter().filter(|tool| grant.may_call(tool.card().name, tool.card().access));
        visible.map(|tool| Shown { card: *tool.card(), parameters: tool.schema() }).collect()
    }

    pub fn card(&self, name: &str) -> Option<&Card> {
        self.tools.iter().map(|tool| tool.card()).find(|card| card.name == name)
    }

    /// Calls a tool for whom the desk is. Blocks.
    ///
    /// # Errors
    /// [`Failure`], in words for the reader.
    pub fn call(&self, desk: &Desk, name: &str, arguments: &Value) -> Result<Outcome, Failure> {
        let tool = self.find(name)?;
        self.check(desk.grant(), name)?;
        tool.call(desk, arguments)
    }

    /// Whether a caller may call a tool at all.
    ///
    /// # Errors
    /// [`Failure::UnknownTool`], [`Failure::Access`].
    pub fn check(&self, grant: &Grant, name: &str) -> Result<(), Failure> {
        let needed = self.find(name)?.card().access;
        if grant.may_call(name, needed) {
            return Ok(());
        }
        let needed = if needed > grant.access {
            format!("it takes access `{}`", format!("{needed:?}").to_lowercase())
        } else {
            "its role does not list it".to_owned()
        };
        Err(Failure::Access { tool: name.into(), needed })
    }

    fn find(&self, name: &str) -> Result<&dyn AnyTool, Failure> {
        let found = self.tools.iter().find(|tool| tool.card().name == name);
        found.map(|tool| tool.as_ref()).ok_or_else(|| {
            let known: Vec<&str> = self.tools.iter().map(|tool| tool.card().name).collect();
            Failure::UnknownTool { name: name.into(), known: known.join(", ") }
        })
    }
}
