//! What several tests need: a home folder, and the real router over scripted twins of what lies behind it.

mod app;
mod engine;
mod grounded;
pub mod home;
pub mod postgres;
pub mod python;
mod server;
mod tiny_embedder;

pub use app::{Answer, TestApp, json_request};
pub use engine::{Script, ScriptedEngine};
pub use grounded::{Grounded, commission_answer, refused_answer};
pub use server::Server;
pub use tiny_embedder::tiny_embedder;
