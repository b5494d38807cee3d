//! The tools there are, in the order they are shown: our own, then those of foreign sources.
//!
//! In: a name and arguments. Out: an outcome, or a failure in words. Checks what every tool would have to check: that the
//! name is known, that the caller may see such results, that the arguments are as the schema says.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::desk::{Desk, inner};
use super::source::{Source, Status};
use super::tool::{AnyTool, Card, Failure, Outcome};
use super::tools;
use crate::access::Grant;
use crate::telemetry::spans;

/// A tool as shown: its card and what it takes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shown {
    #[serde(flatten)]
    pub card: Card<String>,
    /// The foreign source it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Why it cannot be called now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unavailable: Option<String>,
    pub parameters: Value,
}

/// All tools. Our own never change; a source's do.
pub struct Registry {
    own: Vec<Arc<dyn AnyTool>>,
    sources: Vec<Arc<dyn Source>>,
}

impl Default for Registry {
    fn default() -> Self {
        Self::with_sources(Vec::new())
    }
}

impl Registry {
    pub fn with_sources(sources: Vec<Arc<dyn Source>>) -> Self {
        Self { own: tools::all().into_iter().map(Arc::from).collect(), sources }
    }

    /// The tools that a caller may call.
    pub fn shown(&self, grant: &Grant) -> Vec<Shown> {
        let own = self.own.iter().map(|tool| (None, Arc::clone(tool)));
        let foreign = self.sources.iter().flat_map(|source| {
            let name = source.name().to_owned();
            source.tools().into_iter().map(move |tool| (Some(name.clone()), tool))
        });
        let visible = own.chain(foreign).filter(|(_, tool)| grant.may_call(tool.card().name, tool.card().access));
        visible
            .map(|(source, tool)| Shown {
                card: tool.card().map(str::to_owned),
                source,
                unavailable: tool.unavailable(),
                parameters: tool.schema(),
            })
            .collect()
    }

    /// Whether our own tools have this name.
    pub fn is_own(&self, name: &str) -> bool {
        self.own.iter().any(|tool| tool.card().name == name)
    }

    /// Whether a call of `name` changes nothing, so that it waits for nobody. What is not known is called to be told so.
    pub fn is_read_only(&self, name: &str) -> bool {
        match (self.own.iter().find(|tool| tool.card().name == name), self.source(name)) {
            (Some(tool), _) => tool.card().hints.read_only,
            (None, Some(source)) => source.is_read_only(name),
            (None, None) => true,
        }
    }

    /// How the foreign sources stand.
    pub fn sources(&self) -> Vec<Status> {
        self.sources.iter().map(|source| source.status()).collect()
    }

    /// The source that a tool of this name comes from.
    pub fn source(&self, name: &str) -> Option<&dyn Source> {
        if self.is_own(name) {
            return None;
        }
        let is_of =
            |source: &&Arc<dyn Source>| name.strip_prefix(source.name()).is_some_and(|rest| rest.starts_with('_'));
        self.sources.iter().find(is_of).map(AsRef::as_ref)
    }

    /// Calls a tool for whom the desk is. Blocks.
    ///
    /// # Errors
    /// [`Failure`], in words for the reader.
    pub fn call(&self, desk: &Desk, name: &str, arguments: &Value) -> Result<Outcome, Failure> {
        let tool = self.find(name)?;
        self.check(desk.grant(), name)?;
        let span = spans::tool(name);
        let called = span.in_scope(|| tool.call(desk, arguments));
        if let Err(failure) = &called {
            spans::failed(&span, failure);
        }
        called
    }

    /// Whether a caller may call a tool at all.
    ///
    /// # Errors
    /// [`Failure::UnknownTool`], [`Failure::Access`].
    pub fn check(&self, grant: &Grant, name: &str) -> Result<(), Failure> {
        let needed = match (self.find(name), self.source(name)) {
            (Ok(tool), _) => tool.card().access,
            // Whether a source that is not at hand has it is not known yet.
            (Err(Failure::Inner { .. }), Some(source)) => source.access(),
            (Err(failure), _) => return Err(failure),
        };
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

    fn find(&self, name: &str) -> Result<Arc<dyn AnyTool>, Failure> {
        let named = |tool: &Arc<dyn AnyTool>| tool.card().name == name;
        if let Some(tool) = self.own.iter().find(|tool| named(tool)) {
            return Ok(Arc::clone(tool));
        }
        let source = self.source(name);
        let foreign = source.map(Source::tools).unwrap_or_default();
        if let Some(tool) = foreign.iter().find(|tool| named(tool)) {
            return Ok(Arc::clone(tool));
        }
        if let Some(reason) = source.and_then(|source| source.status().unavailable) {
            return Err(inner(name, &reason));
        }
        let known: Vec<String> = self.own.iter().chain(&foreign).map(|tool| tool.card().name.to_owned()).collect();
        Err(Failure::UnknownTool { name: name.into(), known: known.join(", ") })
    }
}
