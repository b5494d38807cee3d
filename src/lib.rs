//! Haetae: the LLM platform of a customs administration.

pub mod app;
pub mod assets;
pub mod bench;
pub mod chat;
pub mod cli;
pub mod config;
pub mod engine;
pub mod eval;
pub mod history;
pub mod http;
pub mod index;
pub mod ingest;
pub mod lang;
pub mod legal;
pub mod models;
pub mod prompts;
pub mod rag;
pub mod telemetry;
