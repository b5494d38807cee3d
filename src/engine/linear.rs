//! A matrix product with fixed weights: `[rows, in] -> [rows, out]` f32.
//!
//! Weights are brought at load into the form that candle multiplies fastest. Its packed kernels (AVX2, AVX-512 VNNI,
//! AMX; `candle-core/src/quantized/repack_x86.rs`) take Q4_K, Q6_K and Q8_0 with rows that are a multiple of 256; every
//! other type falls to a kernel many times slower. So the other types become Q8_0, which loses nothing that matters
//! next to four or five bits, and shorter rows are filled up with zeros.

use candle_core::quantized::{GgmlDType, QMatMul, QTensor};
use candle_core::{D, Device, Module, Result, Tensor};

/// Row length the packed kernels ask for.
const PACKED_ROW: usize = 256;

/// Weights, with a bias where the model has one.
#[derive(Clone)]
pub struct Linear {
    weight: QMatMul,
    bias: Option<Tensor>,
    /// Zeros appended to each input row.
    padding: usize,
}

impl Linear {
    /// From a tensor of a GGUF file, `[out, in]`.
    ///
    /// # Errors
    /// If the tensor has not two dimensions.
    pub fn quantized(weight: QTensor, bias: Option<Tensor>) -> Result<Self> {
        let (_, in_len) = weight.shape().dims2()?;
        let packable = matches!(weight.dtype(), GgmlDType::Q4K | GgmlDType::Q6K | GgmlDType::Q8_0);
        if packable && in_len.is_multiple_of(PACKED_ROW) {
            return Ok(Self { weight: QMatMul::from_qtensor(weight)?, bias, padding: 0 });
        }
        Self::requantized(&weight.dequantize(&Device::Cpu)?, bias)
    }

    /// From full-precision weights `[out, in]`, held as Q8_0.
    ///
    /// # Errors
    /// If the tensor has not two dimensions.
    pub fn requantized(weight: &Tensor, bias: Option<Tensor>) -> Result<Self> {
        let (_, in_len) = weight.dims2()?;
        let padding = in_len.next_multiple_of(PACKED_ROW) - in_len;
        let padded = weight.pad_with_zeros(D::Minus1, 0, padding)?;
        let weight = QMatMul::from_qtensor(QTensor::quantize(&padded, GgmlDType::Q8_0)?)?;
        Ok(Self { weight, bias, padding })
    }

    /// From full-precision weights `[out, in]`, kept as they are.
    pub fn exact(weight: Tensor, bias: Option<Tensor>) -> Self {
        Self { weight: QMatMul::Tensor(weight), bias, padding: 0 }
    }
}

impl Module for Linear {
    fn forward(&self, rows: &Tensor) -> Result<Tensor> {
        let product = match self.padding {
            0 => self.weight.forward(rows)?,
            padding => self.weight.forward(&rows.pad_with_zeros(D::Minus1, 0, padding)?.contiguous()?)?,
        };
        match &self.bias {
            Some(bias) => product.broadcast_add(bias),
            None => Ok(product),
        }
    }
}
