//! Haetae: the LLM platform of a customs administration.

pub mod assets;
pub mod cli;
pub mod chat;
pub mod config;
pub mod engine;
pub mod index;
pub mod lang;
pub mod rag;
