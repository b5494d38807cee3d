//! A BERT encoder (Devlin et al. 2018; the Hugging Face `BertModel`) for sentence vectors.
//!
//! The tokens of a batch are laid end to end, `[tokens, hidden]`, so that every matrix is read once a batch and nothing
//! is padded; only attention goes text by text. Pooling is the mean over tokens, then L2.

use std::ops::Range;
use std::path::Path;

use candle_core::quantized::GgmlDType;
use candle_core::{DType, Device, Tensor};
use serde::Deserialize;

use super::Error;
use super::packed::Packed;
use crate::kernels::{
    Activation, AttentionShape, BLOCK_LEN, BlockId, KvStore, KvType, Linear, Matrix, Output, Scratch, Segment, Source,
    add, attend, forward, layer_norm, pool,
};

type Result<T, E = candle_core::Error> = std::result::Result<T, E>;

/// Encoders narrower than this are kept in full precision: there is nothing to gain.
const ROUNDED_FROM: usize = 256;
/// Rows that one thread normalises at a time.
const PART_ROWS: usize = 32;

struct LayerNorm {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

struct Layer {
    query: Linear,
    key: Linear,
    value: Linear,
    attention_out: Linear,
    attention_norm: LayerNorm,
    up: Linear,
    down: Linear,
    output_norm: LayerNorm,
}

pub(super) struct Bert {
    words: Matrix,
    /// Position embeddings with that of token type 0 added, `[positions, hidden]`.
    positions: Vec<f32>,
    embedding_norm: LayerNorm,
    layers: Vec<Layer>,
    hidden: usize,
    intermediate: usize,
    num_heads: usize,
    eps: f32,
    max_positions: usize,
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
        // The blocks are GGUF's Q4_0, byte by byte.
        let matrix = |name: &str, rows: usize, columns: usize| -> Result<Matrix> {
            let blocks = packed.blocks(name, rows * columns).map_err(candle_core::Error::msg)?;
            Matrix::from_gguf(GgmlDType::Q4_0, blocks, rows, columns)
        };
        let linear = |name: &str, rows, columns| -> Result<Linear> {
            Ok(Linear::new(matrix(&format!("{name}.w"), rows, columns)?, Some(floats(&format!("{name}.b"), rows)?)))
        };
        let norm = |name: &str| -> Result<LayerNorm> {
            Ok(LayerNorm { weight: floats(&format!("{name}.w"), h)?, bias: floats(&format!("{name}.b"), h)? })
        };
        let layer = |l: usize| -> Result<Layer> {
            Ok(Layer {
                query: linear(&format!("l{l}.q"), h, h)?,
                key: linear(&format!("l{l}.k"), h, h)?,
                value: linear(&format!("l{l}.v"), h, h)?,
                attention_out: linear(&format!("l{l}.ao"), h, h)?,
                attention_norm: norm(&format!("l{l}.aln"))?,
                up: linear(&format!("l{l}.fi"), ff, h)?,
                down: linear(&format!("l{l}.fo"), h, ff)?,
                output_norm: norm(&format!("l{l}.oln"))?,
            })
        };
        let mut positions = floats("emb.pos", sizes.max_positions * h)?;
        let token_type = floats("emb.type", 2 * h)?;
        positions.chunks_exact_mut(h).for_each(|row| add(row, &token_type));
        Ok(Self {
            words: matrix("emb.word", sizes.vocab, h)?,
            positions,
            embedding_norm: norm("emb.ln")?,
            layers: (0..sizes.num_layers).map(layer).collect::<Result<_>>()?,
            hidden: h,
            intermediate: ff,
            num_heads: sizes.num_heads,
            eps: sizes.layer_norm_eps as f32,
            max_positions: sizes.max_positions,
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
        let vector = |name: String, len: usize| -> Result<Vec<f32>> { get(name, &[len])?.to_vec1() };
        let linear = |name: String, rows, columns| -> Result<Linear> {
            let weight = get(format!("{name}.weight"), &[rows, columns])?;
            let matrix = if h < ROUNDED_FROM { Matrix::exact(weight) } else { Matrix::rounded(&weight)? };
            Ok(Linear::new(matrix, Some(vector(format!("{name}.bias"), rows)?)))
        };
        let norm = |name: String| -> Result<LayerNorm> {
            Ok(LayerNorm { weight: vector(format!("{name}.weight"), h)?, bias: vector(format!("{name}.bias"), h)? })
        };
        let layer = |l: usize| -> Result<Layer> {
            let at = format!("encoder.layer.{l}");
            Ok(Layer {
                query: linear(format!("{at}.attention.self.query"), h, h)?,
                key: linear(format!("{at}.attention.self.key"), h, h)?,
                value: linear(format!("{at}.attention.self.value"), h, h)?,
                attention_out: linear(format!("{at}.attention.output.dense"), h, h)?,
                attention_norm: norm(format!("{at}.attention.output.LayerNorm"))?,
                up: linear(format!("{at}.intermediate.dense"), ff, h)?,
                down: linear(format!("{at}.output.dense"), h, ff)?,
                output_norm: norm(format!("{at}.output.LayerNorm"))?,
            })
        };
        let table = |name: &str, rows: usize| get(format!("embeddings.{name}.weight"), &[rows, h]);
        let mut positions = table("position_embeddings", config.max_position_embeddings)?.flatten_all()?.to_vec1()?;
        let token_type: Vec<f32> = table("token_type_embeddings", 2)?.flatten_all()?.to_vec1()?;
        positions.chunks_exact_mut(h).for_each(|row| add(row, &token_type[..h]));
        Ok(Self {
            words: Matrix::exact(table("word_embeddings", config.vocab_size)?),
            positions,
            embedding_norm: norm("embeddings.LayerNorm".into())?,
            layers: (0..config.num_hidden_layers).map(layer).collect::<Result<_>>()?,
            hidden: h,
            intermediate: ff,
            num_heads: config.num_attention_heads,
            eps: config.layer_norm_eps as f32,
            max_positions: config.max_position_embeddings,
        })
    }

    /// Unit vectors of token sequences, each at most [`Self::max_len`] long and not empty.
    pub fn embed(&self, texts: &[Vec<u32>]) -> Result<Vec<Vec<f32>>> {
        let spans = spans(texts);
        let num_tokens = spans.last().map_or(0, |span| span.end);
        let blocks: Vec<Vec<BlockId>> = blocks(texts);
        let segments: Vec<Segment<'_>> =
            spans.iter().zip(&blocks).map(|(rows, blocks)| Segment { rows: rows.clone(), start: 0, blocks }).collect();
        let head_dim = self.hidden / self.num_heads;
        let shape = AttentionShape {
            num_heads: self.num_heads,
            num_kv_heads: self.num_heads,
            head_dim,
            scale: 1.0 / (head_dim as f32).sqrt(),
            window: None,
            causal: false,
        };
        // Written anew by every layer.
        let num_blocks = blocks.iter().map(Vec::len).sum();
        let mut store = KvStore::new(KvType::F16, 1, num_blocks, self.num_heads, head_dim);
        let mut scratch = Scratch::default();
        let row = || vec![0.0f32; num_tokens * self.hidden];
        let (mut query, mut key, mut value, mut attended) = (row(), row(), row(), row());
        let mut up = vec![0.0f32; num_tokens * self.intermediate];
        let mut x = self.input(texts)?;
        for layer in &self.layers {
            let outputs = [&mut query, &mut key, &mut value].map(|rows| Output { rows, add: false });
            let linears = [&layer.query, &layer.key, &layer.value];
            forward(linears, Source::Plain(&x), num_tokens, outputs, &mut scratch)?;
            store.layer_mut(0).write(&segments, &key, &value);
            attend(&shape, store.layer_mut(0), &segments, &query, &mut attended);
            let output = Output { rows: &mut x, add: true };
            forward([&layer.attention_out], Source::Plain(&attended), num_tokens, [output], &mut scratch)?;
            self.norm(&mut x, &layer.attention_norm);
            let output = Output { rows: &mut up, add: false };
            forward([&layer.up], Source::Plain(&x), num_tokens, [output], &mut scratch)?;
            let source = Source::Activated { rows: &up, activation: Activation::GeluErf };
            forward([&layer.down], source, num_tokens, [Output { rows: &mut x, add: true }], &mut scratch)?;
            self.norm(&mut x, &layer.output_norm);
        }
        Ok(spans
            .into_iter()
            .map(|span| pool_rows(&x[span.start * self.hidden..span.end * self.hidden], self.hidden))
            .collect())
    }

    fn norm(&self, rows: &mut [f32], norm: &LayerNorm) {
        pool().for_parts(rows, PART_ROWS * self.hidden, |_, rows| {
            layer_norm(rows, &norm.weight, &norm.bias, self.eps);
        });
    }

    /// Word plus position plus type embeddings, normalised, `[tokens, hidden]`.
    fn input(&self, texts: &[Vec<u32>]) -> Result<Vec<f32>> {
        let ids: Vec<u32> = texts.iter().flatten().copied().collect();
        let mut rows = vec![0.0f32; ids.len() * self.hidden];
        self.words.lookup(&ids, &mut rows)?;
        let places = texts.iter().flat_map(|text| 0..text.len());
        for (row, place) in rows.chunks_exact_mut(self.hidden).zip(places) {
            add(row, &self.positions[place * self.hidden..(place + 1) * self.hidden]);
        }
        self.norm(&mut rows, &self.embedding_norm);
        Ok(rows)
    }
}

/// The rows of each text.
fn spans(texts: &[Vec<u32>]) -> Vec<Range<usize>> {
    let mut spans: Vec<Range<usize>> = Vec::with_capacity(texts.len());
    for text in texts {
        let start = spans.last().map_or(0, |span| span.end);
        spans.push(start..start + text.len());
    }
    spans
}

/// Blocks of keys and values for each text, none shared.
fn blocks(texts: &[Vec<u32>]) -> Vec<Vec<BlockId>> {
    let mut next = 0;
    let mut of_text = |text: &Vec<u32>| {
        let first = next;
        next += text.len().div_ceil(BLOCK_LEN) as u32;
        (first..next).map(BlockId).collect()
    };
    texts.iter().map(&mut of_text).collect()
}

/// Mean over tokens, then L2.
fn pool_rows(tokens: &[f32], hidden: usize) -> Vec<f32> {
    let mut sum = vec![0.0_f32; hidden];
    tokens.chunks_exact(hidden).for_each(|token| add(&mut sum, token));
    // The mean's divisor falls out in the normalisation.
    let length = sum.iter().map(|value| value * value).sum::<f32>().sqrt().max(1e-12);
    sum.iter_mut().for_each(|value| *value /= length);
    sum
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
    fn a_token_beyond_the_vocabulary_is_an_error() {
        let (bert, _) = reference().expect("tests/parity/bert");
        assert!(bert.embed(&[vec![1, 1_000_000]]).is_err());
    }
}
