//! What a token costs by the model's own sizes, and how much of what the machine allows was reached.
//!
//! A step reads every weight once, however many tokens it holds, and multiplies each weight with each token; it cannot
//! be faster than the slower of the two (Williams, Waterman, Patterson 2009, "Roofline"). Left out: attention, which
//! grows with the context, and whatever form the engine keeps weights in; bytes are those of the file.

use std::path::Path;

use serde::Serialize;

use super::engine::Figure;
use super::machine::Machine;
use crate::engine::arch::read_header;

/// Sizes of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Costs {
    /// Read in every step.
    weight_bytes: u64,
    /// Operations a token, a multiply-add being two; without the output matrix.
    body_ops: u64,
    /// Those of the output matrix, which only tokens that are answered go through.
    head_ops: u64,
}

/// What limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Bound {
    Memory,
    Compute,
}

/// A figure against its bound.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Share {
    /// Bytes of weights that a step reads.
    pub weight_bytes: u64,
    pub ops_per_token: u64,
    /// What the machine would allow.
    pub bound_tokens_per_s: f64,
    pub bound_by: Bound,
    /// Reached of it; above 1 where the machine has an instruction that [`Machine`] does not know.
    pub share: f64,
}

impl Costs {
    /// From the header of a GGUF file; `None` of any other file.
    pub fn of(model: &Path) -> Option<Self> {
        let content = read_header(fs_err::File::open(model).ok()?).ok()?;
        let tensors = content.tensor_infos.iter().map(|(name, tensor)| {
            let dtype = tensor.ggml_dtype;
            let elements = tensor.shape.elem_count();
            let bytes = elements.div_ceil(dtype.block_size()) * dtype.type_size();
            Tensor { name, is_matrix: tensor.shape.dims().len() > 1, elements: elements as u64, bytes: bytes as u64 }
        });
        Some(Self::sum(tensors.collect()))
    }

    fn sum(tensors: Vec<Tensor<'_>>) -> Self {
        let has_head = tensors.iter().any(|tensor| tensor.name == "output.weight");
        let mut costs = Self { weight_bytes: 0, body_ops: 0, head_ops: 0 };
        for tensor in tensors {
            let is_embedding = tensor.name == "token_embd.weight";
            if is_embedding && has_head {
                // Only the rows of the tokens at hand are read.
                continue;
            }
            costs.weight_bytes += tensor.bytes;
            if is_embedding || tensor.name == "output.weight" {
                costs.head_ops += 2 * tensor.elements;
            } else if tensor.is_matrix {
                costs.body_ops += 2 * tensor.elements;
            }
        }
        costs
    }

    /// `figure` against what `machine` allows.
    pub fn share(&self, machine: &Machine, figure: &Figure, step_tokens: usize) -> Share {
        let is_prefill = figure.name == "prefill";
        // Of a prompt only the last token is answered.
        let ops_per_token = self.body_ops + if is_prefill { 0 } else { self.head_ops };
        let (num_steps, num_tokens) = match is_prefill {
            true => (figure.tokens.div_ceil(step_tokens.max(1)), figure.tokens),
            false => (1, figure.batch),
        };
        let reading_s = num_steps as f64 * self.weight_bytes as f64 / machine.read_bytes_per_s;
        let reckoning_s = num_tokens as f64 * ops_per_token as f64 / machine.ops_per_s;
        let bound_tokens_per_s = num_tokens as f64 / reading_s.max(reckoning_s);
        Share {
            weight_bytes: self.weight_bytes,
            ops_per_token,
            bound_tokens_per_s,
            bound_by: if reading_s > reckoning_s { Bound::Memory } else { Bound::Compute },
            share: figure.tokens_per_s / bound_tokens_per_s,
        }
    }
}

/// What of a tensor counts.
struct Tensor<'a> {
    name: &'a str,
    is_matrix: bool,
    elements: u64,
    bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(name: &str, is_matrix: bool, elements: u64, bytes: u64) -> Tensor<'_> {
        Tensor { name, is_matrix, elements, bytes }
    }

    #[test]
    fn an_embedding_is_read_whole_only_where_it_is_the_output_too() {
        let body = || tensor("blk.0.ffn_up.weight", true, 100, 60);
        let tied = Costs::sum(vec![tensor("token_embd.weight", true, 1000, 600), body()]);
        assert_eq!(tied, Costs { weight_bytes: 660, body_ops: 200, head_ops: 2000 });
        let untied = Costs::sum(vec![
            tensor("token_embd.weight", true, 1000, 600),
            tensor("output.weight", true, 1000, 800),
            tensor("output_norm.weight", false, 10, 40),
            body(),
        ]);
        assert_eq!(untied, Costs { weight_bytes: 900, body_ops: 200, head_ops: 2000 });
    }

    #[test]
    fn few_sequences_wait_for_memory_and_many_for_arithmetic() {
        let costs = Costs { weight_bytes: 100, body_ops: 200, head_ops: 0 };
        let machine = Machine { threads: 1, read_bytes_per_s: 1000.0, ops_per_s: 20_000.0, kernel: "test" };
        let figure = |name, tokens, batch, tokens_per_s| Figure {
            name,
            tokens,
            batch,
            tokens_per_s,
            roofline: None,
            peer: None,
            ratio: None,
        };
        let one = costs.share(&machine, &figure("decode", 128, 1, 5.0), 512);
        assert_eq!((one.bound_tokens_per_s, one.bound_by, one.share), (10.0, Bound::Memory, 0.5));
        let many = costs.share(&machine, &figure("decode", 128, 64, 50.0), 512);
        assert_eq!((many.bound_tokens_per_s, many.bound_by, many.share), (100.0, Bound::Compute, 0.5));
        let prompt = costs.share(&machine, &figure("prefill", 1024, 1, 25.0), 512);
        assert_eq!((prompt.bound_tokens_per_s, prompt.bound_by), (100.0, Bound::Compute));
        let one_by_one = costs.share(&machine, &figure("prefill", 1024, 1, 5.0), 1);
        assert_eq!((one_by_one.bound_tokens_per_s, one_by_one.bound_by), (10.0, Bound::Memory));
    }
}
