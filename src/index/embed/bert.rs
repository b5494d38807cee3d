//! A BERT encoder (Devlin et al. 2018; the Hugging Face `BertModel`) for sentence vectors, on candle.
//!
//! The tokens of a batch are laid end to end, `[tokens, hidden]`, so that every matrix is read once a batch and nothing
//! is padded; only attention goes text by text. Pooling is the mean over tokens, then L2.
//! Matrices are held in 8 bits: candle's kernels for those use AVX-512 VNNI and outrun its f32 product (AVX2) several
//! times over, at a cost in cosine far below that of the 4-bit packing itself.

use std::ops::Range;
use std::path::Path;

use candle_core::quantized::{GgmlDType, QMatMul, QTensor};
use candle_core::{CpuStorage, CustomOp1, DType, Device, Layout, Module, Shape, Tensor, WithDType};
use candle_nn::ops::{layer_norm, softmax_last_dim};
use half::f16;
use rayon::prelude::*;
use serde::Deserialize;

use super::Error;
use super::packed::{BLOCK, BLOCK_BYTES, Packed};

type Result<T, E = candle_core::Error> = std::result::Result<T, E>;

/// Widths of candle's 8-bit kernels are multiples of this; narrower inputs are padded with zeros.
const QUANTUM: usize = 256;

/// A matrix `[out, in]` as it is multiplied with.
enum Matrix {
    /// For encoders too narrow to be worth more.
    F32(Tensor),
    /// 8-bit blocks (Q8_0), the input padded with `padding` zeros.
    Q8 { weight: QMatMul, padding: usize },
}

/// `x` to `x * weight + bias`.
struct Linear {
    weight: Matrix,
    bias: Tensor,
}

impl Linear {
    fn new(weight: Tensor, bias: Tensor) -> Result<Self> {
        let width = weight.dim(1)?;
        if width < QUANTUM {
            return Ok(Self { weight: Matrix::F32(weight), bias });
        }
        let padding = width.next_multiple_of(QUANTUM) - width;
        let weight = QTensor::quantize(&weight.pad_with_zeros(1, 0, padding)?, GgmlDType::Q8_0)?;
        Ok(Self { weight: Matrix::Q8 { weight: QMatMul::from_qtensor(weight)?, padding }, bias })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let product = match &self.weight {
            Matrix::F32(weight) => x.matmul(&weight.t()?)?,
            Matrix::Q8 { weight, padding: 0 } => weight.forward(x)?,
            Matrix::Q8 { weight, padding } => weight.forward(&x.pad_with_zeros(1, 0, *padding)?)?,
        };
        product.broadcast_add(&self.bias)
    }
}

struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
}

struct Layer {
    /// Query, key and value in one, `[3 * hidden, hidden]`.
    qkv: Linear,
    attention_out: Linear,
    attention_norm: LayerNorm,
    up: Linear,
    down: Linear,
    output_norm: LayerNorm,
}

/// The word embeddings: four fifths of the model, of which a text uses a few rows; so they stay packed.
enum Words {
    F32(Tensor),
    Q4(Vec<u8>),
}

pub(super) struct Bert {
    words: Words,
    /// Position embeddings with that of token type 0 added, `[positions, hidden]`.
    positions: Tensor,
    embedding_norm: LayerNorm,
    layers: Vec<Layer>,
    hidden: usize,
    num_heads: usize,
    eps: f32,
    max_positions: usize,
    vocab: usize,
}

/// The keys read of `config.json`.
#[derive(Deserialize)]
struct HubConfig {
    model_type: String,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    vocab_size: usize,
    max_position_embeddings: usize,
    layer_norm_eps: f64,
    hidden_act: String,
}

impl Bert {
    pub fn dim(&self) -> usize {
        self.hidden
    }

    pub fn max_len(&self) -> usize {
        self.max_positions
    }

    /// Builds from the one-file packing; the error says which tensor is wrong.
    pub fn from_packed(packed: &Packed<'_>) -> Result<Self> {
        let sizes = packed.sizes;
        let (h, ff) = (sizes.hidden, sizes.intermediate);
        let floats = |name: &str, len: usize| packed.floats(name, len).map_err(candle_core::Error::msg);
        let matrix = |name: &str, rows: usize, columns: usize| -> Result<Vec<f32>> {
            Ok(dequantize(packed.blocks(name, rows * columns).map_err(candle_core::Error::msg)?))
        };
        let tensor = |values: Vec<f32>, shape: (usize, usize)| Tensor::from_vec(values, shape, &Device::Cpu);
        let vector = |values: Vec<f32>| {
            let len = values.len();
            Tensor::from_vec(values, len, &Device::Cpu)
        };
        let linear = |name: &str, rows, columns| -> Result<Linear> {
            let weight = tensor(matrix(&format!("{name}.w"), rows, columns)?, (rows, columns))?;
            Linear::new(weight, vector(floats(&format!("{name}.b"), rows)?)?)
        };
        let norm = |name: &str| -> Result<LayerNorm> {
            Ok(LayerNorm {
                weight: vector(floats(&format!("{name}.w"), h)?)?,
                bias: vector(floats(&format!("{name}.b"), h)?)?,
            })
        };
        let layer = |l: usize| -> Result<Layer> {
            let (mut weight, mut bias) = (Vec::new(), Vec::new());
            for part in ["q", "k", "v"] {
                weight.extend(matrix(&format!("l{l}.{part}.w"), h, h)?);
                bias.extend(floats(&format!("l{l}.{part}.b"), h)?);
            }
            Ok(Layer {
                qkv: Linear::new(tensor(weight, (3 * h, h))?, vector(bias)?)?,
                attention_out: linear(&format!("l{l}.ao"), h, h)?,
                attention_norm: norm(&format!("l{l}.aln"))?,
                up: linear(&format!("l{l}.fi"), ff, h)?,
                down: linear(&format!("l{l}.fo"), h, ff)?,
                output_norm: norm(&format!("l{l}.oln"))?,
            })
        };
        let mut positions = floats("emb.pos", sizes.max_positions * h)?;
        let token_type = floats("emb.type", 2 * h)?;
        for row in positions.chunks_exact_mut(h) {
            row.iter_mut().zip(&token_type).for_each(|(value, added)| *value += added);
        }
        Ok(Self {
            words: Words::Q4(packed.blocks("emb.word", sizes.vocab * h).map_err(candle_core::Error::msg)?.to_vec()),
            positions: tensor(positions, (sizes.max_positions, h))?,
            embedding_norm: norm("emb.ln")?,
            layers: (0..sizes.num_layers).map(layer).collect::<Result<_>>()?,
            hidden: h,
            num_heads: sizes.num_heads,
            eps: sizes.layer_norm_eps as f32,
            max_positions: sizes.max_positions,
            vocab: sizes.vocab,
        })
    }

    /// Builds from a folder with `config.json` and `model.safetensors`, of any float type.
    pub fn from_folder(folder: &Path) -> Result<Self, Error> {
        let path = folder.join("config.json");
        let text = fs_err::read_to_string(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
        let config: HubConfig = serde_json::from_str(&text)
            .map_err(|error| Error::Corrupt { path: path.clone(), reason: error.to_string() })?;
        if config.model_type != "bert" || config.hidden_act != "gelu" {
            let reason = format!(
                "an encoder of type `{}` with `{}` is not known; `bert` with `gelu` is",
                config.model_type, config.hidden_act
            );
            return Err(Error::Unsupported { path, reason });
        }
        let path = folder.join("model.safetensors");
        let bytes = fs_err::read(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
        let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu)
            .map_err(|error| Error::Corrupt { path: path.clone(), reason: error.to_string() })?;
        let get = |name: String, shape: &[usize]| -> Result<Tensor> {
            let tensor = tensors.get(&name).or_else(|| tensors.get(&format!("bert.{name}")));
            let tensor = tensor.ok_or_else(|| candle_core::Error::msg(format!("tensor `{name}` is missing")))?;
            if tensor.dims() != shape {
                let message = format!("tensor `{name}` has shape {:?}, not {shape:?}", tensor.dims());
                return Err(candle_core::Error::msg(message));
            }
            tensor.to_dtype(DType::F32)?.contiguous()
        };
        Self::from_tensors(&config, get).map_err(|error| Error::Corrupt { path, reason: error.to_string() })
    }

    fn from_tensors(config: &HubConfig, get: impl Fn(String, &[usize]) -> Result<Tensor>) -> Result<Self> {
        let (h, ff) = (config.hidden_size, config.intermediate_size);
        let parts = |name: String, rows, columns| -> Result<(Tensor, Tensor)> {
            Ok((get(format!("{name}.weight"), &[rows, columns])?, get(format!("{name}.bias"), &[rows])?))
        };
        let linear = |name: String, rows, columns| -> Result<Linear> {
            let (weight, bias) = parts(name, rows, columns)?;
            Linear::new(weight, bias)
        };
        let norm = |name: String| -> Result<LayerNorm> {
            Ok(LayerNorm { weight: get(format!("{name}.weight"), &[h])?, bias: get(format!("{name}.bias"), &[h])? })
        };
        let layer = |l: usize| -> Result<Layer> {
            let at = format!("encoder.layer.{l}");
            let [q, k, v] = ["query", "key", "value"].map(|part| parts(format!("{at}.attention.self.{part}"), h, h));
            let (q, k, v) = (q?, k?, v?);
            Ok(Layer {
                qkv: Linear::new(Tensor::cat(&[q.0, k.0, v.0], 0)?, Tensor::cat(&[q.1, k.1, v.1], 0)?)?,
                attention_out: linear(format!("{at}.attention.output.dense"), h, h)?,
                attention_norm: norm(format!("{at}.attention.output.LayerNorm"))?,
                up: linear(format!("{at}.intermediate.dense"), ff, h)?,
                down: linear(format!("{at}.output.dense"), h, ff)?,
                output_norm: norm(format!("{at}.output.LayerNorm"))?,
            })
        };
        let positions = get("embeddings.position_embeddings.weight".into(), &[config.max_position_embeddings, h])?;
        let token_type = get("embeddings.token_type_embeddings.weight".into(), &[2, h])?.narrow(0, 0, 1)?;
        Ok(Self {
            words: Words::F32(get("embeddings.word_embeddings.weight".into(), &[config.vocab_size, h])?),
            positions: positions.broadcast_add(&token_type)?,
            embedding_norm: norm("embeddings.LayerNorm".into())?,
            layers: (0..config.num_hidden_layers).map(layer).collect::<Result<_>>()?,
            hidden: h,
            num_heads: config.num_attention_heads,
            eps: config.layer_norm_eps as f32,
            max_positions: config.max_position_embeddings,
            vocab: config.vocab_size,
        })
    }

    /// Unit vectors of token sequences, each at most [`Self::max_len`] long and not empty.
    pub fn embed(&self, texts: &[Vec<u32>]) -> Result<Vec<Vec<f32>>> {
        let mut spans: Vec<Range<usize>> = Vec::with_capacity(texts.len());
        for text in texts {
            let start = spans.last().map_or(0, |span| span.end);
            spans.push(start..start + text.len());
        }
        let mut x = self.input(texts)?;
        for layer in &self.layers {
            let attended = layer.attention_out.forward(&self.attention(&layer.qkv.forward(&x)?, &spans)?)?;
            x = self.norm(&(x + attended)?, &layer.attention_norm)?;
            let up = layer.up.forward(&x)?.apply_op1_no_bwd(&Gelu)?;
            x = self.norm(&(&x + layer.down.forward(&up)?)?, &layer.output_norm)?;
        }
        let values = x.to_vec2::<f32>()?;
        Ok(spans.into_iter().map(|span| pool(&values[span])).collect())
    }

    fn norm(&self, x: &Tensor, norm: &LayerNorm) -> Result<Tensor> {
        layer_norm(x, &norm.weight, &norm.bias, self.eps)
    }

    /// Word plus position plus type embeddings, normalised, `[tokens, hidden]`.
    fn input(&self, texts: &[Vec<u32>]) -> Result<Tensor> {
        let ids: Vec<u32> = texts.iter().flatten().copied().collect();
        if let Some(id) = ids.iter().find(|id| **id as usize >= self.vocab) {
            return Err(candle_core::Error::msg(format!("token {id} is beyond the vocabulary of {}", self.vocab)));
        }
        let num_tokens = ids.len();
        let places: Vec<u32> = texts.iter().flat_map(|text| 0..text.len() as u32).collect();
        let words = match &self.words {
            Words::F32(table) => table.index_select(&Tensor::from_vec(ids, num_tokens, &Device::Cpu)?, 0)?,
            Words::Q4(blocks) => {
                let row_bytes = self.hidden / BLOCK * BLOCK_BYTES;
                let rows = ids.iter().flat_map(|id| {
                    let start = *id as usize * row_bytes;
                    dequantize(&blocks[start..start + row_bytes])
                });
                Tensor::from_vec(rows.collect::<Vec<f32>>(), (num_tokens, self.hidden), &Device::Cpu)?
            }
        };
        let positions = self.positions.index_select(&Tensor::from_vec(places, num_tokens, &Device::Cpu)?, 0)?;
        self.norm(&(words + positions)?, &self.embedding_norm)
    }

    /// Self-attention of each text over its own tokens; `qkv` is `[tokens, 3 * hidden]`.
    fn attention(&self, qkv: &Tensor, spans: &[Range<usize>]) -> Result<Tensor> {
        let head_dim = self.hidden / self.num_heads;
        let scale = 1.0 / (head_dim as f64).sqrt();
        let of_text = |span: &Range<usize>| -> Result<Tensor> {
            let part = qkv.narrow(0, span.start, span.len())?;
            // [heads, text_len, head_dim]
            let head = |n: usize| {
                part.narrow(1, n * self.hidden, self.hidden)?
                    .reshape((span.len(), self.num_heads, head_dim))?
                    .transpose(0, 1)?
                    .contiguous()
            };
            let (q, k, v) = ((head(0)? * scale)?, head(1)?, head(2)?);
            let weights = softmax_last_dim(&q.matmul(&k.t()?)?)?;
            weights.matmul(&v)?.transpose(0, 1)?.reshape((span.len(), self.hidden))
        };
        let parts = spans.par_iter().map(of_text).collect::<Result<Vec<_>>>()?;
        Tensor::cat(&parts, 0)
    }
}

/// Mean over tokens, then L2.
fn pool(tokens: &[Vec<f32>]) -> Vec<f32> {
    let mut sum = vec![0.0_f32; tokens.first().map_or(0, Vec::len)];
    for token in tokens {
        sum.iter_mut().zip(token).for_each(|(sum, value)| *sum += value);
    }
    // The mean's divisor falls out in the normalisation.
    let length = sum.iter().map(|value| value * value).sum::<f32>().sqrt().max(1e-12);
    sum.iter_mut().for_each(|value| *value /= length);
    sum
}

/// Q4_0 blocks to weights: scale times (nibble - 8), low nibbles first.
fn dequantize(blocks: &[u8]) -> Vec<f32> {
    let mut weights = Vec::with_capacity(blocks.len() / BLOCK_BYTES * BLOCK);
    for block in blocks.chunks_exact(BLOCK_BYTES) {
        let scale = f16::from_le_bytes([block[0], block[1]]).to_f32();
        weights.extend(block[2..].iter().map(|byte| f32::from(i16::from(byte & 0x0f) - 8) * scale));
        weights.extend(block[2..].iter().map(|byte| f32::from(i16::from(byte >> 4) - 8) * scale));
    }
    weights
}

/// The exact GELU, `x * (1 + erf(x / sqrt 2)) / 2`, by a rational erf that compilers turn into vector code; candle's
/// calls the C library once an element and takes longer than the matrix product before it.
struct Gelu;

/// erf to 2e-7 by a rational function of `x` in [-4, 4] (the coefficients of Eigen and XLA).
#[inline]
fn erf(x: f32) -> f32 {
    let x = x.clamp(-4.0, 4.0);
    let y = x * x;
    let mut p = -2.726_142_3e-10_f32;
    for c in [2.770_681_4e-8, -2.101_024e-6, -5.692_506_4e-5, -7.349_906_3e-4, -2.954_6e-3, -1.609_603_3e-2] {
        p = p * y + c;
    }
    let mut q = -1.456_607_2e-5_f32;
    for c in [-2.133_740_6e-4, -1.682_827e-3, -7.373_329_2e-3, -1.426_473_9e-2] {
        q = q * y + c;
    }
    x * p / q
}

impl CustomOp1 for Gelu {
    fn name(&self) -> &'static str {
        "gelu"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (start, end) =
            layout.contiguous_offsets().ok_or_else(|| candle_core::Error::msg("gelu wants a contiguous tensor"))?;
        let values = &f32::cpu_storage_as_slice(storage)?[start..end];
        let mut out = vec![0.0_f32; values.len()];
        out.par_chunks_mut(16_384).zip(values.par_chunks(16_384)).for_each(|(out, values)| {
            for (out, x) in out.iter_mut().zip(values) {
                *out = 0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2));
            }
        });
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Reference {
        inputs: Vec<Vec<u32>>,
        embeddings: Vec<Vec<f32>>,
    }

    fn reference() -> Option<(Bert, Reference)> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity/bert");
        let expected = fs_err::read_to_string(folder.join("embeddings.json")).ok()?;
        Some((Bert::from_folder(&folder).expect("a sound model"), serde_json::from_str(&expected).expect("JSON")))
    }

    #[test]
    fn embeddings_equal_those_of_transformers() {
        let (bert, reference) = reference().expect("tests/parity/bert");
        // Together, and each alone: the batch must not leak between texts.
        let batched = bert.embed(&reference.inputs).expect("an embedding");
        for (i, expected) in reference.embeddings.iter().enumerate() {
            let alone = bert.embed(&reference.inputs[i..=i]).expect("an embedding");
            for (given, expected) in batched[i].iter().zip(expected).chain(alone[0].iter().zip(expected)) {
                assert!((given - expected).abs() < 2e-3, "{given} is not {expected}");
            }
        }
    }

    #[test]
    fn erf_is_within_its_tolerance() {
        for (x, expected) in
            [(0.0, 0.0), (0.5, 0.520_499_9), (1.0, 0.842_700_8), (2.0, 0.995_322_3), (-3.0, -0.999_977_9)]
        {
            assert!((erf(x) - expected).abs() < 5e-7, "erf({x}) = {}", erf(x));
        }
    }

    #[test]
    fn a_token_beyond_the_vocabulary_is_an_error() {
        let (bert, _) = reference().expect("tests/parity/bert");
        assert!(bert.embed(&[vec![1, 1_000_000]]).is_err());
    }
}
