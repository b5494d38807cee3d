//! Arithmetic made for the processor at hand: products with quantised weights, attention, normalisation, and the
//! threads they run on. All of the crate's vector code lives in this folder, and all its `unsafe` but the mapping of model
//! files.
//!
//! In: the tensors of a checkpoint as their file holds them ([`Matrix::from_gguf`]), rows of f32. Out: rows of f32.
//! Knows no model, no sequence and no tokens.
//!
//! The plan of a product, `[rows, in] x [out, in] -> [rows, out]`:
//! - weights are laid out once, at load, in panels of sixteen outputs, four inputs of each side by side, which is what
//!   one VNNI instruction eats ([`packed`]); they keep the bits their file gave them;
//! - rows are rounded to 8 bits in blocks of 32, each with its own scale, interleaved by tiles of up to twelve rows
//!   ([`rows`]);
//! - a kernel multiplies one panel with one tile; sums within a block of 32 are exact integers, sums over blocks are
//!   fused multiply-adds in the order of the blocks.
//!
//! So a row's result is the same bits whatever rows stand beside it and whichever kernel ran: [`portable`] is the twin
//! that [`avx2`] and [`avx512`] are held to, by equality.

mod activate;
mod attention;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod buffer;
mod gguf;
mod isa;
mod kv_store;
mod lanes;
mod linear;
mod packed;
pub mod peak;
mod pool;
mod portable;
mod product;
mod rope;
mod rows;

pub use activate::{Activation, add, layer_norm, rms_norm};
pub use attention::{AttentionShape, MAX_HEAD_DIM, Segment, attend};
pub use isa::Isa;
pub use kv_store::{BLOCK_LEN, BlockId, KvStore, KvType, LayerStore};
pub use linear::{Linear, Matrix, Scratch, forward};
pub use pool::{Pool, pool};
pub use product::Output;
pub use rope::{Rope, RopeLayout};
pub use rows::Source;
