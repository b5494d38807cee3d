//! What an answer may be bound to.

use serde_json::Value;

/// The form of an answer, which no token may leave.
#[derive(Clone, Debug, PartialEq)]
pub enum Constraint {
    /// Any JSON object.
    JsonObject,
    /// A JSON value that a schema admits.
    JsonSchema(Value),
    /// A text that matches a regular expression from its first to its last character; the syntax is that of Rust's
    /// `regex`.
    Regex(String),
    /// A text of a context-free grammar, in the dialect of Lark that `llguidance` reads; its first rule is `start`.
    Lark(String),
    /// Free text whose quotations stand in given passages.
    Quotes(QuoteLock),
}

/// Binds quotations and citation marks to what was found: text between quotation marks is a piece of one of `passages`,
/// character for character, and a mark `[n]` names one of `marks`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuoteLock {
    pub passages: Vec<String>,
    pub marks: Vec<usize>,
}

/// The part of a request that a grammar was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The form of the answer.
    Answer,
    /// The parameters of a tool, by its place in the list.
    Tool(usize),
}
