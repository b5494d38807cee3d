//! The one decoder: a pre-norm transformer whose differences between architectures are data.
//!
//! In: the new tokens of a batch of sequences and the blocks that hold their past. Out: logits of the rows asked for.
//! Does not know which sequence a row belongs to beyond its blocks, nor how a token is chosen.

use std::slice::ChunksExact;
use std::sync::Arc;

use candle_core::Result;

use super::config::{Architecture, DecoderConfig, RopeConfig};
use super::weights::Weights;
use crate::engine::Error;
use crate::kernels::{
    Activation, AttentionShape, KvStore, LayerStore, Linear, MAX_HEAD_DIM, Matrix, Output, Rope, Scratch, Segment,
    Source, add, attend, forward, pool, rms_norm,
};

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
    embedding: Matrix,
    /// Gemma multiplies embeddings by the square root of their length.
    embedding_scale: Option<f32>,
    layers: Vec<Layer>,
    norm: Norm,
    head: Linear,
    buffers: Buffers,
}

struct Layer {
    attention_norm: Option<Norm>,
    q: Linear,
    k: Linear,
    v: Linear,
    q_norm: Option<Norm>,
    k_norm: Option<Norm>,
    output: Linear,
    post_attention_norm: Option<Norm>,
    ffn_norm: Option<Norm>,
    gate: Linear,
    up: Linear,
    down: Linear,
    post_ffn_norm: Option<Norm>,
    /// Absent where the layer knows no positions.
    rope: Option<Arc<Rope>>,
    shape: AttentionShape,
    activation: Activation,
}

/// Root-mean-square normalisation (Zhang and Sennrich 2019).
struct Norm {
    weight: Vec<f32>,
    eps: f32,
}

/// Rows between the steps of a layer, kept so that a token allocates nothing. `[rows, ..]` each.
#[derive(Default)]
struct Buffers {
    scratch: Scratch,
    hidden: Vec<f32>,
    positions: Vec<usize>,
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
    attended: Vec<f32>,
    gate: Vec<f32>,
    up: Vec<f32>,
    /// A branch that is normalised before it is added.
    branch: Vec<f32>,
    /// `[logit_rows, hidden]`
    last: Vec<f32>,
    /// `[logit_rows, vocab]`
    logits: Vec<f32>,
}

/// Numbers that one thread takes at a time of what is done number by number.
const PART: usize = 1 << 14;

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
            Ok(Norm { weight: weights.vector(&format!("{name}.weight"))?, eps })
        };
        let norm_where = |has: bool, name: &str| if has { norm(name).map(Some) } else { Ok(None) };
        let (norms_before, norms_after) = (config.architecture.norms_before(), config.architecture.norms_after());
        let optional_norm = |name: &str| -> std::result::Result<Option<Norm>, Error> {
            if weights.has(&format!("{name}.weight")) { norm(name).map(Some) } else { Ok(None) }
        };
        let is_gemma = config.architecture == Architecture::Gemma3;
        let rope = |rope: &RopeConfig| Arc::new(Rope::new(rope.layout, &rope.frequencies(config.head_dim), max_len));
        let global_rope = rope(&config.rope);
        let local_rope = match &config.local_rope {
            Some(local) => rope(local),
            None => Arc::clone(&global_rope),
        };
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let (q_len, kv_len) = (config.num_heads * config.head_dim, config.num_kv_heads * config.head_dim);
        let mut layers = Vec::with_capacity(config.num_layers);
        for (index, &is_local) in config.is_local.iter().enumerate() {
            let name = |part: &str| format!("blk.{index}.{part}");
            layers.push(Layer {
                attention_norm: norm_where(norms_before, &name("attn_norm"))?,
                q: linear(&name("attn_q"), hidden, q_len)?,
                k: linear(&name("attn_k"), hidden, kv_len)?,
                v: linear(&name("attn_v"), hidden, kv_len)?,
                q_norm: optional_norm(&name("attn_q_norm"))?,
                k_norm: optional_norm(&name("attn_k_norm"))?,
                output: linear(&name("attn_output"), q_len, hidden)?,
                post_attention_norm: norm_where(norms_after, &name("post_attention_norm"))?,
                ffn_norm: norm_where(norms_before, &name("ffn_norm"))?,
                gate: linear(&name("ffn_gate"), hidden, inner)?,
                up: linear(&name("ffn_up"), hidden, inner)?,
                down: linear(&name("ffn_down"), inner, hidden)?,
                post_ffn_norm: norm_where(norms_after, &name("post_ffw_norm"))?,
                rope: match is_local {
                    true => Some(Arc::clone(&local_rope)),
                    false => config.rotates_global.then(|| Arc::clone(&global_rope)),
                },
                shape: AttentionShape {
                    num_heads: config.num_heads,
                    num_kv_heads: config.num_kv_heads,
                    head_dim: config.head_dim,
                    scale: config.attention_scale,
                    window: is_local.then_some(config.sliding_window),
                    causal: true,
                },
                activation: if is_gemma { Activation::GeluTanh } else { Activation::Silu },
            });
        }
        let head = if config.tie_word_embeddings { "token_embd" } else { "output" };
        let head = linear(head, hidden, config.vocab_size)?;
        let embedding = match config.tie_word_embeddings {
            true => head.matrix().clone(),
            false => weights.matrix("token_embd.weight")?,
        };
        Ok(Self {
            embedding,
            embedding_scale: is_gemma.then_some((config.hidden_size as f32).sqrt()),
            layers,
            norm: norm("output_norm")?,
            head,
            buffers: Buffers::default(),
            config,
        })
    }

    pub fn config(&self) -> &DecoderConfig {
        &self.config
    }

    /// Runs one step; writes the batch's keys and values into `store`. Logits: a row of `[vocab]` f32 for each of the
    /// batch's `logit_rows`.
    ///
    /// # Errors
    /// candle's, and a token outside the vocabulary.
    pub fn forward(&mut self, batch: &Batch<'_>, store: &mut KvStore) -> Result<ChunksExact<'_, f32>> {
        let (num_rows, hidden_size) = (batch.tokens.len(), self.config.hidden_size);
        let buffers = &mut self.buffers;
        let mut hidden = std::mem::take(&mut buffers.hidden);
        hidden.resize(num_rows * hidden_size, 0.0);
        self.embedding.lookup(&batch.tokens, &mut hidden)?;
        if let Some(scale) = self.embedding_scale {
            hidden.iter_mut().for_each(|x| *x *= scale);
        }
        buffers.positions.clear();
        buffers.positions.resize(num_rows, 0);
        for segment in &batch.segments {
            for (row, position) in segment.rows.clone().zip(segment.start..) {
                buffers.positions[row] = position;
            }
        }
        for (index, layer) in self.layers.iter().enumerate() {
            layer.attention(&mut hidden, batch, store.layer_mut(index), buffers)?;
            layer.feed_forward(&mut hidden, num_rows, buffers)?;
        }
        let num_logits = batch.logit_rows.len();
        buffers.last.clear();
        for row in &batch.logit_rows {
            let start = *row as usize * hidden_size;
            buffers.last.extend_from_slice(&hidden[start..start + hidden_size]);
        }
        buffers.hidden = hidden;
        buffers.logits.resize(num_logits * self.config.vocab_size, 0.0);
        let last = source(Some(&self.norm), &buffers.last);
        let output = Output { rows: &mut buffers.logits, add: false };
        forward([&self.head], last, num_logits, [output], &mut buffers.scratch)?;
        Ok(buffers.logits.chunks_exact(self.config.vocab_size))
    }
}

impl Layer {
    /// `hidden += output(attention(norm(hidden)))`
    fn attention(
        &self,
        hidden: &mut [f32],
        batch: &Batch<'_>,
        store: &mut LayerStore,
        buffers: &mut Buffers,
    ) -> Result<()> {
        let num_rows = batch.tokens.len();
        let shape = &self.shape;
        let (q_len, kv_len) = (shape.num_heads * shape.head_dim, shape.num_kv_heads * shape.head_dim);
        let Buffers { scratch, q, k, v, attended, positions, branch, .. } = buffers;
        q.resize(num_rows * q_len, 0.0);
        k.resize(num_rows * kv_len, 0.0);
        v.resize(num_rows * kv_len, 0.0);
        attended.resize(num_rows * q_len, 0.0);
        let outputs = [&mut *q, &mut *k, &mut *v].map(|rows| Output { rows, add: false });
        forward([&self.q, &self.k, &self.v], source(self.attention_norm.as_ref(), hidden), num_rows, outputs, scratch)?;
        self.place(q, self.q_norm.as_ref(), positions);
        self.place(k, self.k_norm.as_ref(), positions);
        store.write(&batch.segments, k, v);
        attend(shape, store, &batch.segments, q, attended);
        branch_into(&self.output, Source::Plain(attended), self.post_attention_norm.as_ref(), hidden, branch, scratch)
    }

    /// `hidden += down(activation(gate(norm(hidden))) * up(norm(hidden)))`
    fn feed_forward(&self, hidden: &mut [f32], num_rows: usize, buffers: &mut Buffers) -> Result<()> {
        let (_, inner) = self.gate.lens()?;
        let Buffers { scratch, gate, up, branch, .. } = buffers;
        gate.resize(num_rows * inner, 0.0);
        up.resize(num_rows * inner, 0.0);
        let outputs = [&mut *gate, &mut *up].map(|rows| Output { rows, add: false });
        forward([&self.gate, &self.up], source(self.ffn_norm.as_ref(), hidden), num_rows, outputs, scratch)?;
        let source = Source::Gated { gate, up, activation: self.activation };
        branch_into(&self.down, source, self.post_ffn_norm.as_ref(), hidden, branch, scratch)
    }

    /// Normalises each head by itself, where the architecture does, and rotates it to its position.
    fn place(&self, heads: &mut [f32], norm: Option<&Norm>, positions: &[usize]) {
        let row_len = heads.len() / positions.len();
        let part_rows = (PART / row_len).max(1);
        pool().for_parts(heads, part_rows * row_len, |part, rows| {
            if let Some(norm) = norm {
                rms_norm(rows, &norm.weight, norm.eps);
            }
            if let Some(rope) = &self.rope {
                let first = part * part_rows;
                rope.rotate(rows, &positions[first..first + rows.len() / row_len]);
            }
        });
    }
}

/// What a branch is computed from.
fn source<'a>(norm: Option<&'a Norm>, rows: &'a [f32]) -> Source<'a> {
    match norm {
        Some(norm) => Source::RmsNorm { rows, weight: &norm.weight, eps: norm.eps },
        None => Source::Plain(rows),
    }
}

/// Adds a branch's last product to `hidden`, normalised first where the architecture does.
fn branch_into(
    linear: &Linear,
    source: Source<'_>,
    norm: Option<&Norm>,
    hidden: &mut [f32],
    branch: &mut Vec<f32>,
    scratch: &mut Scratch,
) -> Result<()> {
    let num_rows = hidden.len() / linear.lens()?.1;
    let Some(norm) = norm else {
        return forward([linear], source, num_rows, [Output { rows: hidden, add: true }], scratch);
    };
    branch.resize(hidden.len(), 0.0);
    forward([linear], source, num_rows, [Output { rows: branch, add: false }], scratch)?;
    pool().for_parts(branch, PART.next_multiple_of(norm.weight.len()), |_, rows| {
        rms_norm(rows, &norm.weight, norm.eps);
    });
    add(hidden, branch);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use serde_json::Value;

    use super::*;
    use crate::engine::arch::SafetensorsFolder;
    use crate::kernels::{BlockId, KvType};

    const CHECKPOINTS: [&str; 6] = ["llama", "mistral", "qwen2", "qwen3", "gemma3", "exaone4"];

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
    fn logits(decoder: &mut Decoder, inputs: &[&[u32]], chunk: usize) -> Vec<Vec<Vec<f32>>> {
        let config = decoder.config();
        let mut store = KvStore::new(KvType::F32, config.num_layers, 16, config.num_kv_heads, config.head_dim);
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
            for (owner, row) in owners.into_iter().zip(decoder.forward(&batch, &mut store).unwrap()) {
                out[owner].push(row.to_vec());
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
            let mut decoder = load(&folder(name));
            for (input, want) in references(name) {
                assert_close(&logits(&mut decoder, &[&input], 64)[0], &want, name);
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
            assert_close(&logits(&mut load(copy.path()), &[&input], 64)[0], &want, name);
        }
    }

    #[test]
    fn batched_and_chunked_equal_whole() {
        for name in CHECKPOINTS {
            let mut decoder = load(&folder(name));
            let references = references(name);
            let inputs: Vec<&[u32]> = references.iter().map(|(input, _)| input.as_slice()).collect();
            for chunk in [1, 5, 64] {
                for (got, (_, want)) in logits(&mut decoder, &inputs, chunk).iter().zip(&references) {
                    assert_close(got, want, &format!("{name}, {chunk} at a time"));
                }
            }
        }
    }
}
