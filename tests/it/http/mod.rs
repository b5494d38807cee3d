//! The HTTP edge, by URL.

mod auth;
mod chat_completions;
mod completions;
mod conversations;
mod datasets;
mod disconnect;
mod embeddings;
mod errors;
mod guard;
mod lane;
mod llama_cpp;
mod models;
mod operation;
mod remote_engine;
mod tools;
