//! Everything that needs more than one module: real files, real sockets, real models.

mod assets;
mod cli;
mod corpora;
mod datasets;
mod engine;
mod http;
mod index;
mod layering;
mod models;
mod openai_client;
mod readme;
mod support;
