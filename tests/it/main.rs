//! Everything that needs more than one module: real files, real sockets, real models.

mod assets;
mod corpora;
mod http;
mod index;
mod layering;
mod models;
mod readme;
mod support;
