//! Everything that needs more than one module: real files, real sockets, real models.

mod agents;
mod assets;
mod cli;
mod corpora;
mod datasets;
mod engine;
mod http;
mod index;
mod layering;
mod mcp_client;
mod models;
mod openai_client;
mod readme;
mod support;
mod traces;
mod valuation;
