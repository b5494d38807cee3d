//! Everything that needs more than one module: real files, real sockets, real models.

mod corpora;
mod http;
mod index;
mod models;
mod support;
