//! Where foreign tools come from: whoever is asked tells which there are now, and how it stands.
//!
//! Knows no protocol. A source may be out of reach at any time, and its tools may change; their names begin with its own.

use std::sync::Arc;

use serde::Serialize;

use super::tool::{Access, AnyTool};

/// A place whose tools come and go while the program runs.
pub trait Source: Send + Sync {
    /// What the names of its tools begin with, before a `_`.
    fn name(&self) -> &str;

    /// The tools it has, or had when it was last reached.
    fn tools(&self) -> Vec<Arc<dyn AnyTool>>;

    /// Whether `tool`, known or not yet, may be called without a person's approval.
    fn is_read_only(&self, tool: &str) -> bool;

    /// Whose eyes its results are for.
    fn access(&self) -> Access;

    fn status(&self) -> Status;
}

/// How a source stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    pub name: String,
    /// What the other side calls itself, with its version; absent until it was reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Why its tools cannot be called now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unavailable: Option<String>,
    /// Tools that it offers and that cannot be had, and why; settings that name what it lacks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}
