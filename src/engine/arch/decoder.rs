//! The one decoder: a pre-norm transformer whose differences between architectures are data.
//!
//! In: the new tokens of a batch of sequences and the blocks that hold their past. Out: logits of the rows asked for.
//! Does not know which sequence a row belongs to beyond its blocks, nor how a token is chosen.

use std::sync::Arc;

use candle_core::{CpuStorage, Device, Module, Result, Storage, Tensor};

use super::config::{Architecture, DecoderConfig};
use super::rope::Rope;
use super::weights::{Embedding, Weights};
use crate::engine::Error;
use crate::engine::attention::{AttentionShape, MAX_HEAD_DIM, Segment, attend};
use crate::engine::kv_cache::BLOCK_LEN;
use crate::engine::kv_store::{KvStore, LayerStore};
use crate::engine::linear::Linear;

/// One step's work for the model.
pub struct Batch<'a> {
    /// New tokens of all sequences, one after another: `[rows]`.
    pub tokens: Vec<u32>,
    pub segments: Vec<Segment<'a>>,
    /// Rows whose logits are wanted.
    pub logit_rows: Vec<u32>,
}

/// A loaded model.
pub struct Decoder {
    config: DecoderConfig,
    embedding: Embedding,
    /// Gemma multiplies embeddings by the square root of their length.
    embedding_scale: Option<f64>,
    layers: Vec<Layer>,
    norm: Norm,
    head: Linear,
}

struct Layer {
    attention_norm: Norm,
    q: Linear,
    k: Linear,
    v: Linear,
    q_norm: Option<Norm>,
    k_norm: Option<Norm>,
    output: Linear,
    post_attention_norm: Option<Norm>,
    ffn_norm: Norm,
    gate: Linear,
    up: Linear,
    down: Linear,
    post_ffn_norm: Option<Norm>,
    rope: Arc<Rope>,
    shape: AttentionShape,
    gelu: bool,
}

/// Root-mean-square normalisation (Zhang and Sennrich 2019).
struct Norm {
    weight: Tensor,
    eps: f32,
}

impl Module for Norm {
    fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        candle_nn::ops::rms_norm(xs, &self.weight, self.eps)
    }
}

impl Decoder {
    /// Loads the model for sequences of at most `max_len` tokens.
    ///
    /// # Errors
    /// [`Error::BadModel`] if a tensor is missing or the heads are too large.
    pub fn load(weights: &dyn Weights, max_len: usize) -> std::result::Result<Self, Error> {
        let config = weights.config().clone();
        let eps = config.rms_norm_eps as f32;
        let bad = |reason: String| Error::BadModel { path: weights.path().display().to_string(), reason };
        if config.head_dim > MAX_HEAD_DIM || !config.num_heads.is_multiple_of(config.num_kv_heads) {
            return Err(bad(format!(
                "heads of {} in {} groups for {} queries: at most {MAX_HEAD_DIM} wide and whole groups are supported",
                config.head_dim, config.num_kv_heads, config.num_heads
            )));
        }
        // What the header says and what the tensors are must agree, or the first request would find out.
        let linear = |name: &str, in_len: usize, out_len: usize| -> std::result::Result<Linear, Error> {
            let linear = weights.linear(name)?;
            let found = linear.lens().map_err(|error| bad(format!("tensor `{name}.weight`: {error}")))?;
            if found == (in_len, out_len) {
                return Ok(linear);
            }
            let (found_in, found_out) = found;
            Err(bad(format!(
                "tensor `{name}.weight` takes {found_in} numbers to {found_out}, and the header says {in_len} to {out_len}"
            )))
        };
        let norm = |name: &str| -> std::result::Result<Norm, Error> {
            Ok(Norm { weight: weights.tensor(&format!("{name}.weight"))?, eps })
        };
        let optional_norm = |name: &str| -> std::result::Result<Option<Norm>, Error> {
            if weights.has(&format!("{name}.weight")) { norm(name).map(Some) } else { Ok(None) }
        };
        let is_gemma = config.architecture == Architecture::Gemma3;
        let global_rope = Arc::new(Rope::new(&config.rope, config.head_dim, max_len));
        let local_rope = match &config.local_rope {
            Some(rope) => Arc::new(Rope::new(rope, config.head_dim, max_len)),
            None => Arc::clone(&global_rope),
        };
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let (q_len, kv_len) = (config.num_heads * config.head_dim, config.num_kv_heads * config.head_dim);
        let mut layers = Vec::with_capacity(config.num_layers);
        for (index, &is_local) in config.is_local.iter().enumerate() {
            let name = |part: &str| format!("blk.{index}.{part}");
            layers.push(Layer {
                attention_norm: norm(&name("attn_norm"))?,
                q: linear(&name("attn_q"), hidden, q_len)?,
                k: linear(&name("attn_k"), hidden, kv_len)?,
                v: linear(&name("attn_v"), hidden, kv_len)?,
                q_norm: optional_norm(&name("attn_q_norm"))?,
                k_norm: optional_norm(&name("attn_k_norm"))?,
                output: linear(&name("attn_output"), q_len, hidden)?,
                post_attention_norm: if is_gemma { Some(norm(&name("post_attention_norm"))?) } else { None },
                ffn_norm: norm(&name("ffn_norm"))?,
                gate: linear(&name("ffn_gate"), hidden, inner)?,
                up: linear(&name("ffn_up"), hidden, inner)?,
                down: linear(&name("ffn_down"), inner, hidden)?,
                post_ffn_norm: if is_gemma { Some(norm(&name("post_ffw_norm"))?) } else { None },
                rope: Arc::clone(if is_local { &local_rope } else { &global_rope }),
                shape: AttentionShape {
                    num_heads: config.num_heads,
                    num_kv_heads: config.num_kv_heads,
                    head_dim: config.head_dim,
                    scale: config.attention_scale,
                    window: is_local.then_some(config.sliding_window),
                },
                gelu: is_gemma,
            });
        }
        let head = if config.tie_word_embeddings { "token_embd" } else { "output" };
        let head = linear(head, hidden, config.vocab_size)?;
        Ok(Self {
            embedding: weights.embedding("token_embd.weight")?,
            embedding_scale: is_gemma.then_some((config.hidden_size as f64).sqrt()),
            layers,
            norm: norm("output_norm")?,
            head,
            config,
        })
    }

    pub fn config(&self) -> &DecoderConfig {
        &self.config
    }

    /// Runs one step; writes the batch's keys and values into `store`.
    ///
    /// Logits: `[logit_rows, vocab]` f32.
    ///
    /// # Errors
    /// candle's, where a token is outside the vocabulary.
    pub fn forward(&self, batch: &Batch<'_>, store: &mut KvStore) -> Result<Tensor> {
        let mut hidden = self.embedding.lookup(&batch.tokens)?;
        if let Some(scale) = self.embedding_scale {
            hidden = (hidden * scale)?;
        }
        for (index, layer) in self.layers.iter().enumerate() {
            hidden = layer.forward(&hidden, batch, store.layer_mut(index))?;
        }
        let rows = Tensor::new(batch.logit_rows.as_slice(), &Device::Cpu)?;
        let hidden = self.norm.forward(&hidden.index_select(&rows, 0)?)?;
        self.head.forward(&hidden)
    }
}

impl Layer {
    fn forward(&self, hidden: &Tensor, batch: &Batch<'_>, store: &mut LayerStore) -> Result<Tensor> {
        let normed = self.attention_norm.forward(hidden)?;
        let attended = self.attend(&normed, batch, store)?;
        let mut branch = self.output.forward(&attended)?;
        if let Some(norm) = &self.post_attention_norm {
            branch = norm.forward(&branch)?;
        }
        let hidden = (hidden + branch)?;
        let normed = self.ffn_norm.forward(&hidden)?;
        let gate = self.gate.forward(&normed)?;
        let gate = if self.gelu { gate.gelu()? } else { candle_nn::ops::silu(&gate)? };
        let mut branch = self.down.forward(&(gate * self.up.forward(&normed)?)?)?;
        if let Some(norm) = &self.post_ffn_norm {
            branch = norm.forward(&branch)?;
        }
        hidden + branch
    }

    fn attend(&self, normed: &Tensor, batch: &Batch<'_>, store: &mut LayerStore) -> Result<Tensor> {
        let rows = batch.tokens.len();
        let shape = &self.shape;
        let q = self.head_norm(self.q.forward(normed)?, self.q_norm.as_ref(), shape.num_heads)?;
        let k = self.head_norm(self.k.forward(normed)?, self.k_norm.as_ref(), shape.num_kv_heads)?;
        let v = self.v.forward(normed)?;
        let (q_len, kv_len) = (shape.num_heads * shape.head_dim, shape.num_kv_heads * shape.head_dim);
        let mut q = to_vec(&q)?;
        let mut k = to_vec(&k)?;
        let v = to_vec(&v)?;
        for segment in &batch.segments {
            for row in segment.rows.clone() {
                let position = segment.start + row - segment.rows.start;
                self.rope.rotate(&mut q[row * q_len..(row + 1) * q_len], position);
                let keys = &mut k[row * kv_len..(row + 1) * kv_len];
                self.rope.rotate(keys, position);
                let block = segment.blocks[position / BLOCK_LEN];
                store.write(block, position % BLOCK_LEN, keys, &v[row * kv_len..(row + 1) * kv_len]);
            }
        }
        let mut out = vec![0.0; rows * q_len];
        attend(shape, store, &batch.segments, &q, &mut out);
        Tensor::from_vec(out, (rows, q_len), &Device::Cpu)
    }

    /// Normalises each head by itself, where the architecture does.
    fn head_norm(&self, rows: Tensor, norm: Option<&Norm>, num_heads: usize) -> Result<Tensor> {
        let Some(norm) = norm else { return Ok(rows) };
        let (num_rows, row_len) = rows.dims2()?;
        let heads = rows.reshape((num_rows * num_heads, self.shape.head_dim))?;
        norm.forward(&heads)?.reshape((num_rows, row_len))
    }
}

/// The numbers of a contiguous f32 tensor on the CPU.
fn to_vec(tensor: &Tensor) -> Result<Vec<f32>> {
    let (storage, layout) = tensor.storage_and_layout();
    match (&*storage, layout.contiguous_offsets()) {
        (Storage::Cpu(CpuStorage::F32(numbers)), Some((start, end))) => Ok(numbers[start..end].to_vec()),
        _ => {
            drop(storage);
            tensor.flatten_all()?.to_vec1()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use serde_json::Value;

    use super::*;
    use crate::engine::arch::SafetensorsFolder;
    use crate::engine::kv_cache::BlockId;

    const CHECKPOINTS: [&str; 5] = ["llama", "mistral", "qwen2", "qwen3", "gemma3"];

    fn folder(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity").join(name)
    }

    fn load(folder: &Path) -> Decoder {
        Decoder::load(&SafetensorsFolder::open(folder).unwrap(), 64).unwrap()
    }

    /// Input ids and the logits that transformers gives for them, `[tokens, vocab]`.
    fn references(name: &str) -> Vec<(Vec<u32>, Vec<Vec<f32>>)> {
        let text = fs_err::read_to_string(folder(name).join("logits.json")).unwrap();
        let json: Value = serde_json::from_str(&text).unwrap();
        let inputs: Vec<Vec<u32>> = serde_json::from_value(json["inputs"].clone()).unwrap();
        inputs.into_iter().zip(serde_json::from_value::<Vec<Vec<Vec<f32>>>>(json["logits"].clone()).unwrap()).collect()
    }

    /// Logits of every token of each input; inputs are given to the model together, `chunk` tokens of each at a time.
    fn logits(decoder: &Decoder, inputs: &[&[u32]], chunk: usize) -> Vec<Vec<Vec<f32>>> {
        let config = decoder.config();
        let mut store = KvStore::new(config.num_layers, 16, config.num_kv_heads, config.head_dim);
        let blocks: Vec<Vec<BlockId>> =
            (0..inputs.len() as u32).map(|i| vec![BlockId(9 - i), BlockId(3 + i)]).collect();
        let mut out = vec![Vec::new(); inputs.len()];
        let longest = inputs.iter().map(|input| input.len()).max().unwrap();
        for start in (0..longest).step_by(chunk) {
            let mut batch = Batch { tokens: Vec::new(), segments: Vec::new(), logit_rows: Vec::new() };
            let mut owners = Vec::new();
            for (owner, input) in inputs.iter().enumerate().filter(|(_, input)| start < input.len()) {
                let part = &input[start..input.len().min(start + chunk)];
                let rows = batch.tokens.len()..batch.tokens.len() + part.len();
                batch.tokens.extend_from_slice(part);
                batch.logit_rows.extend(rows.clone().map(|row| row as u32));
                owners.extend(std::iter::repeat_n(owner, part.len()));
                batch.segments.push(Segment { rows, start, blocks: &blocks[owner] });
            }
            let rows: Vec<Vec<f32>> = decoder.forward(&batch, &mut store).unwrap().to_vec2().unwrap();
            for (owner, row) in owners.into_iter().zip(rows) {
                out[owner].push(row);
            }
        }
        out
    }

    fn assert_close(got: &[Vec<f32>], want: &[Vec<f32>], what: &str) {
        assert_eq!(got.len(), want.len(), "{what}");
        for (position, (got, want)) in got.iter().zip(want).enumerate() {
            for (token, (got, want)) in got.iter().zip(want).enumerate() {
                assert!((got - want).abs() < 2e-4, "{what}, position {position}, token {token}: {got} for {want}");
            }
        }
    }

    #[test]
    fn logits_equal_those_of_transformers() {
        for name in CHECKPOINTS {
            let decoder = load(&folder(name));
            for (input, want) in references(name) {
                assert_close(&logits(&decoder, &[&input], 64)[0], &want, name);
            }
        }
    }

    #[test]
    fn both_spellings_of_a_config_mean_the_same_model() {
        for name in CHECKPOINTS {
            let copy = tempfile::tempdir().unwrap();
            fs_err::copy(folder(name).join("config.v4.json"), copy.path().join("config.json")).unwrap();
            fs_err::copy(folder(name).join("model.safetensors"), copy.path().join("model.safetensors")).unwrap();
            let (input, want) = references(name).remove(0);
            assert_close(&logits(&load(copy.path()), &[&input], 64)[0], &want, name);
        }
    }

    #[test]
    fn batched_and_chunked_equal_whole() {
        for name in CHECKPOINTS {
            let decoder = load(&folder(name));
            let references = references(name);
            let inputs: Vec<&[u32]> = references.iter().map(|(input, _)| input.as_slice()).collect();
            for chunk in [1, 5, 64] {
                for (got, (_, want)) in logits(&decoder, &inputs, chunk).iter().zip(&references) {
                    assert_close(got, want, &format!("{name}, {chunk} at a time"));
                }
            }
        }
    }
}
