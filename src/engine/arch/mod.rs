//! The models one decoder covers, told apart by data: [`DecoderConfig`] says how a Llama, Mistral, Qwen2, Qwen3 or
//! Gemma 3 differs from the others, `weights` finds its tensors, [`decoder`] runs it.
//!
//! Shapes, throughout: `rows` new tokens of the whole batch, `hidden`, `heads`, `kv_heads`, `head_dim`, `vocab`.

mod config;
pub mod decoder;
mod gguf;
mod gguf_header;
mod safetensors;
mod weights;

pub use config::{Architecture, DecoderConfig, RopeConfig, RopeLayout, RopeScaling};
pub use decoder::Decoder;
pub use gguf::GgufFile;
pub use gguf_header::read_header;
pub use safetensors::SafetensorsFolder;
pub use weights::Weights;
