//! Everything that needs more than one module: real files, real sockets, real models.

mod http;
mod models;
mod support;
