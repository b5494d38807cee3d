//! Where tensors come from. One trait, two files behind it: GGUF and safetensors. Names are GGUF's, because they are
//! the same for every architecture; the safetensors side translates.

use std::path::Path;

use super::config::DecoderConfig;
use crate::engine::Error;
use crate::kernels::{Linear, Matrix};

/// A checkpoint on disk.
pub trait Weights {
    fn config(&self) -> &DecoderConfig;

    /// Where it lies, for errors.
    fn path(&self) -> &Path;

    /// Whether the tensor `name` is there.
    fn has(&self, name: &str) -> bool;

    /// A vector in f32.
    ///
    /// # Errors
    /// [`Error::BadModel`] if the tensor is missing or cannot be read.
    fn vector(&self, name: &str) -> Result<Vec<f32>, Error>;

    /// The product with matrix `name.weight` and, where there is one, vector `name.bias`.
    ///
    /// # Errors
    /// As for [`Self::vector`].
    fn linear(&self, name: &str) -> Result<Linear, Error> {
        let bias = format!("{name}.bias");
        let bias = if self.has(&bias) { Some(self.vector(&bias)?) } else { None };
        Ok(Linear::new(self.matrix(&format!("{name}.weight"))?, bias))
    }

    /// The matrix `name`, as a table whose rows are looked up.
    ///
    /// # Errors
    /// As for [`Self::vector`].
    fn matrix(&self, name: &str) -> Result<Matrix, Error>;
}
