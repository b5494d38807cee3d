//! Haetae: the LLM platform of a customs administration.

pub mod assets;
pub mod chat;
pub mod cli;
pub mod config;
pub mod engine;
pub mod eval;
pub mod index;
pub mod ingest;
pub mod lang;
pub mod legal;
pub mod rag;
