//! What is counted ([`Metrics`]), what is traced ([`spans`]), and the start of logging.
//!
//! The only place that knows the name of a metric, a span or an attribute. Knows nothing of engines or HTTP: words and
//! numbers are handed in.

mod export;
mod metrics;
pub mod spans;

pub use export::{Error, Telemetry, start};
pub use metrics::{EngineSample, GenerationTimer, Metrics, Outcome};
