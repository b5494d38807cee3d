//! Everything that needs more than one module: real files, real sockets, real models.

mod assets;
mod http;
mod layering;
mod models;
mod readme;
mod support;
