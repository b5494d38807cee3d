//! A matrix product with fixed weights: `[rows, in] -> [rows, out]` f32.
//!
//! Weights are brought at load into the form that candle multiplies fastest. Its packed kernels (AVX2, AVX-512 VNNI,
//! AMX; `candle-core/src/quantized/repack_x86.rs`) take Q4_K and Q8_0 with rows that are a multiple of 256, whatever the
//! number of rows; most other types fall to a kernel many times slower. So the other types become Q8_0, which loses
//! nothing that matters next to four to six bits, and shorter rows are filled up with zeros.
//!
//! Q6_K becomes Q8_0 too, although candle packs it: a single row of it goes to another kernel than several (`select` asks
//! for `m > 1`), whose sums differ in the last bits, so that an answer would depend on who else is answered.

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
        let packable = matches!(weight.dtype(), GgmlDType::Q4K | GgmlDType::Q8_0);
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

    /// Lengths of a row in and of a row out.
    ///
    /// # Errors
    /// If the weights have not two dimensions.
    pub fn lens(&self) -> Result<(usize, usize)> {
        let (out_len, in_len) = match &self.weight {
            QMatMul::QTensor(weight) => weight.shape().dims2()?,
            QMatMul::Tensor(weight) | QMatMul::TensorF16(weight) => weight.dims2()?,
        };
        Ok((in_len - self.padding, out_len))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers between -1 and 1 without a pattern.
    fn noise(shape: (usize, usize)) -> Tensor {
        let mut state = 0x9E37_79B9u32;
        let numbers = (0..shape.0 * shape.1).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        });
        Tensor::from_vec(numbers.collect(), shape, &Device::Cpu).unwrap()
    }

    #[test]
    fn a_row_alone_equals_the_row_among_others_bit_for_bit() {
        // Beyond 31 rows, processors with AMX multiply Q4_K by another kernel.
        let rows = noise((31, 512));
        for dtype in [
            GgmlDType::Q4_0,
            GgmlDType::Q4_1,
            GgmlDType::Q5_0,
            GgmlDType::Q8_0,
            GgmlDType::Q4K,
            GgmlDType::Q5K,
            GgmlDType::Q6K,
        ] {
            for out_len in [48, 40] {
                let weight = QTensor::quantize(&noise((out_len, 512)), dtype).unwrap();
                let linear = Linear::quantized(weight, None).unwrap();
                let together = linear.forward(&rows).unwrap().to_vec2::<f32>().unwrap();
                for len in [1, 2, 3, 5, 16] {
                    for start in (0..31 - len).step_by(len) {
                        let part = rows.narrow(0, start, len).unwrap().contiguous().unwrap();
                        let part = linear.forward(&part).unwrap().to_vec2::<f32>().unwrap();
                        assert_eq!(part, together[start..start + len], "{dtype:?}, {out_len} out, {len} rows");
                    }
                }
            }
        }
    }

    #[test]
    fn short_rows_are_filled_up_and_their_lengths_told() {
        let linear = Linear::requantized(&noise((40, 96)), None).unwrap();
        assert_eq!(linear.lens().unwrap(), (96, 40));
        assert_eq!(linear.forward(&noise((3, 96))).unwrap().dims(), [3, 40]);
    }
}
