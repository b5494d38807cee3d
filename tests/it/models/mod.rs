//! Models fetched from servers that play hub and index, and the commands around them.

mod commands;
mod fetch;
mod import;
mod real;
mod server;
