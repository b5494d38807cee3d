//! A matrix product with fixed weights, `[rows, in] -> [rows, out]` f32, and groups of them over the same rows.
//!
//! Weights are packed for the kernels of this folder. candle multiplies where those have nothing to offer: small
//! checkpoints kept in full precision, and processors that are no x86-64, where its NEON kernels are the better ones.

use std::sync::Arc;

use candle_core::quantized::{GgmlDType, QMatMul, QTensor};
use candle_core::{CpuStorage, Device, Module, Result, Storage, Tensor};

use super::gguf::BlockType;
use super::isa::Isa;
use super::packed::Packed;
use super::product::{Output, Product, multiply};
use super::rows::{Rows, Source};

/// Weights, `[out, in]`.
#[derive(Clone)]
pub enum Matrix {
    Packed(Arc<Packed>),
    Candle(QMatMul),
}

/// Weights, with a bias where the model has one.
#[derive(Clone)]
pub struct Linear {
    matrix: Matrix,
    /// `[out]`
    bias: Option<Vec<f32>>,
}

/// Rows on their way into a product, in the forms that matrices ask for. Kept, so that a step allocates nothing.
#[derive(Default)]
pub struct Scratch {
    rows: Rows,
    plain: Vec<f32>,
}

impl Matrix {
    /// From a tensor of a GGUF file: `bytes` as they lie there, of `[out_len, in_len]` weights.
    ///
    /// # Errors
    /// candle's, if the bytes are not of that size.
    pub fn from_gguf(dtype: GgmlDType, bytes: &[u8], out_len: usize, in_len: usize) -> Result<Self> {
        if Isa::best() == Isa::Portable {
            return Ok(Self::Candle(QMatMul::from_qtensor(quantized(dtype, bytes, out_len, in_len)?)?));
        }
        let packed = match block_type(dtype) {
            Some(kind) => Packed::from_gguf(kind, bytes, out_len, in_len),
            None => {
                let weights = quantized(dtype, bytes, out_len, in_len)?.dequantize(&Device::Cpu)?;
                Packed::from_f32(&weights.flatten_all()?.to_vec1::<f32>()?, out_len, in_len)
            }
        };
        Ok(Self::Packed(Arc::new(packed.ok_or_else(|| wrong_size(dtype, bytes, out_len, in_len))?)))
    }

    /// From full-precision weights `[out, in]`, held in 8 bits.
    ///
    /// # Errors
    /// candle's, if the tensor has not two dimensions.
    pub fn rounded(weight: &Tensor) -> Result<Self> {
        let (out_len, in_len) = weight.dims2()?;
        let bytes: Vec<u8> = weight.flatten_all()?.to_vec1::<f32>()?.iter().flat_map(|w| w.to_le_bytes()).collect();
        Self::from_gguf(GgmlDType::F32, &bytes, out_len, in_len)
    }

    /// From full-precision weights `[out, in]`, kept as they are.
    pub fn exact(weight: Tensor) -> Self {
        Self::Candle(QMatMul::Tensor(weight))
    }

    /// Lengths of a row in and of a row out.
    fn lens(&self) -> Result<(usize, usize)> {
        let (out_len, in_len) = match self {
            Self::Packed(packed) => (packed.out_len(), packed.in_len()),
            Self::Candle(QMatMul::QTensor(weight)) => weight.shape().dims2()?,
            Self::Candle(QMatMul::Tensor(weight) | QMatMul::TensorF16(weight)) => weight.dims2()?,
        };
        Ok((in_len, out_len))
    }

    /// Weight rows of `ids`, one after another, into `out`: the matrix as a table of embeddings.
    ///
    /// # Errors
    /// If an id is out of range.
    pub fn lookup(&self, ids: &[u32], out: &mut [f32]) -> Result<()> {
        let (row_len, num_rows) = self.lens()?;
        if let Some(id) = ids.iter().find(|id| **id as usize >= num_rows) {
            return Err(candle_core::Error::Msg(format!("token {id} is beyond the vocabulary of {num_rows}")));
        }
        match self {
            Self::Packed(packed) => {
                for (id, out) in ids.iter().zip(out.chunks_exact_mut(row_len)) {
                    packed.row(*id as usize, out);
                }
                Ok(())
            }
            Self::Candle(matrix) => {
                let ids = Tensor::new(ids, &Device::Cpu)?;
                let rows = match matrix {
                    QMatMul::Tensor(table) => table.index_select(&ids, 0)?,
                    quantized => quantized.embedding(&ids)?,
                };
                with_numbers(&rows, |rows| out.copy_from_slice(rows))
            }
        }
    }
}

impl Linear {
    pub fn new(matrix: Matrix, bias: Option<Vec<f32>>) -> Self {
        Self { matrix, bias }
    }

    /// Lengths of a row in and of a row out.
    ///
    /// # Errors
    /// If the weights have not two dimensions.
    pub fn lens(&self) -> Result<(usize, usize)> {
        self.matrix.lens()
    }

    pub fn matrix(&self) -> &Matrix {
        &self.matrix
    }
}

/// Multiplies `num_rows` rows of `source` with each of `linears`; product `i` goes to `outputs[i]`, in one parallel
/// region where the weights are packed.
///
/// # Errors
/// candle's.
pub fn forward<const N: usize>(
    linears: [&Linear; N],
    source: Source<'_>,
    num_rows: usize,
    outputs: [Output<'_>; N],
    scratch: &mut Scratch,
) -> Result<()> {
    let Some(first) = linears.first() else { return Ok(()) };
    let (in_len, _) = first.lens()?;
    let mut products = Vec::with_capacity(N);
    let mut tensor = None;
    for (linear, output) in linears.into_iter().zip(outputs) {
        let bias = linear.bias.as_deref();
        match &linear.matrix {
            Matrix::Packed(weight) => products.push(Product { weight, bias, output }),
            Matrix::Candle(weight) => {
                let rows: &Tensor = match &mut tensor {
                    Some(rows) => rows,
                    empty => {
                        scratch.plain.resize(num_rows * in_len, 0.0);
                        source.write(&mut scratch.plain, num_rows, in_len);
                        empty.insert(Tensor::from_slice(&scratch.plain, (num_rows, in_len), &Device::Cpu)?)
                    }
                };
                with_numbers(&weight.forward(rows)?, |product| put(product, bias, output))?;
            }
        }
    }
    if !products.is_empty() {
        scratch.rows.fill(source, num_rows, in_len);
        multiply(&scratch.rows, &mut products);
    }
    Ok(())
}

/// What the packed product does in its kernel, for a product that candle made.
fn put(product: &[f32], bias: Option<&[f32]>, output: Output<'_>) {
    let len = bias.map_or(product.len(), <[f32]>::len);
    for (out, product) in output.rows.chunks_mut(len).zip(product.chunks(len)) {
        for (i, (out, product)) in out.iter_mut().zip(product).enumerate() {
            let value = product + bias.map_or(0.0, |bias| bias[i]);
            *out = if output.add { *out + value } else { value };
        }
    }
}

/// Hands over the numbers of an f32 tensor on the CPU.
fn with_numbers<T>(tensor: &Tensor, take: impl FnOnce(&[f32]) -> T) -> Result<T> {
    let tensor = tensor.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    match (&*storage, layout.contiguous_offsets()) {
        (Storage::Cpu(CpuStorage::F32(numbers)), Some((start, end))) => Ok(take(&numbers[start..end])),
        _ => Err(candle_core::Error::Msg("the product is not in f32 on the CPU".into())),
    }
}

fn quantized(dtype: GgmlDType, bytes: &[u8], out_len: usize, in_len: usize) -> Result<QTensor> {
    let size = out_len * in_len / dtype.block_size() * dtype.type_size();
    if !in_len.is_multiple_of(dtype.block_size()) || bytes.len() != size {
        return Err(wrong_size(dtype, bytes, out_len, in_len));
    }
    candle_core::quantized::ggml_file::qtensor_from_ggml(dtype, bytes, vec![out_len, in_len], &Device::Cpu)
}

fn wrong_size(dtype: GgmlDType, bytes: &[u8], out_len: usize, in_len: usize) -> candle_core::Error {
    candle_core::Error::Msg(format!("{} bytes are no {out_len} x {in_len} weights of type {dtype:?}", bytes.len()))
}

/// The types that the kernels read; the others are rounded to 8 bits.
fn block_type(dtype: GgmlDType) -> Option<BlockType> {
    Some(match dtype {
        GgmlDType::F32 => BlockType::F32,
        GgmlDType::F16 => BlockType::F16,
        GgmlDType::BF16 => BlockType::Bf16,
        GgmlDType::Q4_0 => BlockType::Q4_0,
        GgmlDType::Q4_1 => BlockType::Q4_1,
        GgmlDType::Q5_0 => BlockType::Q5_0,
        GgmlDType::Q5_1 => BlockType::Q5_1,
        GgmlDType::Q8_0 => BlockType::Q8_0,
        GgmlDType::Q4K => BlockType::Q4K,
        GgmlDType::Q5K => BlockType::Q5K,
        GgmlDType::Q6K => BlockType::Q6K,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(shape: (usize, usize)) -> Tensor {
        Tensor::from_vec(crate::kernels::product::tests::noise(shape.0 * shape.1, 1), shape, &Device::Cpu).unwrap()
    }

    #[test]
    fn packed_weights_are_those_that_candle_reads() {
        let ids: Vec<u32> = (0..24).collect();
        for dtype in [
            GgmlDType::F32,
            GgmlDType::F16,
            GgmlDType::BF16,
            GgmlDType::Q4_0,
            GgmlDType::Q4_1,
            GgmlDType::Q5_0,
            GgmlDType::Q5_1,
            GgmlDType::Q8_0,
            GgmlDType::Q2K,
            GgmlDType::Q3K,
            GgmlDType::Q4K,
            GgmlDType::Q5K,
            GgmlDType::Q6K,
        ] {
            let tensor = QTensor::quantize(&noise((24, 512)), dtype).unwrap();
            let want = tensor.dequantize(&Device::Cpu).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let matrix = Matrix::from_gguf(dtype, &tensor.data().unwrap(), 24, 512).unwrap();
            let mut got = vec![0.0; want.len()];
            matrix.lookup(&ids, &mut got).unwrap();
            // Types that are rounded to 8 bits are off by half of a 127th of the largest of 32 weights.
            let rounded = matches!(dtype, GgmlDType::F32 | GgmlDType::F16 | GgmlDType::BF16)
                || matches!(dtype, GgmlDType::Q2K | GgmlDType::Q3K);
            let tolerance = if rounded { 0.006 } else { 2e-6 };
            for (got, want) in got.iter().zip(&want) {
                assert!((got - want).abs() <= tolerance, "{dtype:?}: {got} for {want}");
            }
        }
    }

    #[test]
    fn kept_and_packed_weights_give_the_same_product() {
        let (weight, rows) = (noise((40, 96)), noise((3, 96)));
        let source = rows.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let bias: Vec<f32> = (0..40).map(|i| i as f32).collect();
        let run = |matrix: Matrix, add: bool| {
            let linear = Linear::new(matrix, Some(bias.clone()));
            assert_eq!(linear.lens().unwrap(), (96, 40));
            let mut out = vec![1.0; 120];
            let output = Output { rows: &mut out, add };
            forward([&linear], Source::Plain(&source), 3, [output], &mut Scratch::default()).unwrap();
            out
        };
        for add in [false, true] {
            let exact = run(Matrix::exact(weight.clone()), add);
            let packed = run(Matrix::rounded(&weight).unwrap(), add);
            for (exact, packed) in exact.iter().zip(&packed) {
                assert!((exact - packed).abs() < 0.1, "{packed} for {exact}");
            }
        }
    }

    #[test]
    fn tensors_of_another_size_are_refused() {
        assert!(Matrix::from_gguf(GgmlDType::Q4_0, &[0; 17], 1, 32).is_err());
        assert!(Matrix::from_gguf(GgmlDType::Q2K, &[0; 84], 1, 255).is_err());
    }

    #[test]
    fn ids_beyond_the_table_are_refused() {
        let mut out = vec![0.0; 96];
        let error = Matrix::rounded(&noise((40, 96))).unwrap().lookup(&[40], &mut out).unwrap_err().to_string();
        assert!(error.contains("token 40 is beyond the vocabulary of 40"), "{error}");
    }
}
