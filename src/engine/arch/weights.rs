//! Where tensors come from. One trait, two files behind it: GGUF and safetensors. Names are GGUF's, because they are
//! the same for every architecture; the safetensors side translates.

use std::path::Path;

use candle_core::Tensor;

use super::config::DecoderConfig;
use crate::engine::Error;
use crate::engine::linear::Linear;

/// A checkpoint on disk.
pub trait Weights {
    fn config(&self) -> &DecoderConfig;

    /// Where it lies, for errors.
    fn path(&self) -> &Path;

    /// Whether the tensor `name` is there.
    fn has(&self, name: &str) -> bool;

    /// A vector or small matrix in f32, in the shape the architecture gives it.
    ///
    /// # Errors
    /// [`Error::BadModel`] if the tensor is missing or cannot be read.
    fn tensor(&self, name: &str) -> Result<Tensor, Error>;

    /// The product with matrix `name.weight` and, where there is one, vector `name.bias`.
    ///
    /// # Errors
    /// As for [`Self::tensor`].
    fn linear(&self, name: &str) -> Result<Linear, Error>;

    /// Token embeddings: rows are looked up, never multiplied.
    ///
    /// # Errors
    /// As for [`Self::tensor`].
    fn embedding(&self, name: &str) -> Result<Embedding, Error>;
}

/// A table of rows, `[vocab, hidden]`, in the form the file holds it.
pub enum Embedding {
    Quantized(candle_core::quantized::QMatMul),
    Exact(Tensor),
}

impl Embedding {
    /// Rows of `ids`: `[ids, hidden]` f32.
    ///
    /// # Errors
    /// If an id is out of range.
    pub fn lookup(&self, ids: &[u32]) -> candle_core::Result<Tensor> {
        let ids = Tensor::new(ids, &candle_core::Device::Cpu)?;
        match self {
            Self::Quantized(table) => table.embedding(&ids),
            Self::Exact(table) => table.index_select(&ids, 0),
        }
    }
}
