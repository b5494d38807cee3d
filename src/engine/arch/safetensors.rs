//! Checkpoints as Hugging Face publishes them: a folder of `config.json` and `*.safetensors`.

use std::path::{Path, PathBuf};

use candle_core::safetensors::MmapedSafetensors;
use candle_core::{DType, Device, Tensor};

use super::config::{Architecture, DecoderConfig};
use super::weights::Weights;
use crate::engine::Error;
use crate::kernels::Matrix;

/// Weights below this many bytes are multiplied in f32; above it as Q8_0, a quarter of the memory to read for each
/// token.
const EXACT_BELOW_BYTES: u64 = 64 << 20;

/// An open checkpoint folder.
pub struct SafetensorsFolder {
    path: PathBuf,
    tensors: MmapedSafetensors,
    config: DecoderConfig,
    exact: bool,
}

impl SafetensorsFolder {
    /// Maps the weights of `folder`.
    ///
    /// # Errors
    /// [`Error::BadModel`] if a file is missing or broken; [`Error::UnsupportedArchitecture`] if the decoder does not
    /// cover the model.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let bad = |reason: String| Error::BadModel { path: folder.display().to_string(), reason };
        let text = fs_err::read_to_string(folder.join("config.json")).map_err(|error| bad(error.to_string()))?;
        let config = DecoderConfig::from_hugging_face(&text).map_err(|reason| bad(format!("config.json: {reason}")))?;
        let entries = fs_err::read_dir(folder).map_err(|error| bad(error.to_string()))?;
        let mut files: Vec<PathBuf> = entries
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "safetensors"))
            .collect();
        if files.is_empty() {
            return Err(bad("no `*.safetensors` file".into()));
        }
        files.sort();
        let bytes: u64 = files.iter().filter_map(|file| fs_err::metadata(file).ok()).map(|meta| meta.len()).sum();
        // SAFETY: as in `gguf`: model files are moved into place whole and never written afterwards.
        let tensors = unsafe { MmapedSafetensors::multi(&files) }.map_err(|error| bad(error.to_string()))?;
        Ok(Self { path: folder.into(), tensors, config, exact: bytes < EXACT_BELOW_BYTES })
    }

    fn bad(&self, name: &str, error: &candle_core::Error) -> Error {
        Error::BadModel { path: self.path.display().to_string(), reason: format!("tensor `{name}`: {error}") }
    }
}

impl Weights for SafetensorsFolder {
    fn config(&self) -> &DecoderConfig {
        &self.config
    }

    fn path(&self) -> &Path {
        &self.path
    }

    fn has(&self, name: &str) -> bool {
        self.tensors.get(&hugging_face_name(name, self.config.architecture)).is_ok()
    }

    fn vector(&self, name: &str) -> Result<Vec<f32>, Error> {
        let tensor = self.tensor(name)?;
        let read = || tensor.flatten_all()?.to_vec1();
        read().map_err(|error| self.bad(name, &error))
    }

    fn matrix(&self, name: &str) -> Result<Matrix, Error> {
        let weight = self.tensor(name)?;
        if self.exact {
            return Ok(Matrix::exact(weight));
        }
        Matrix::rounded(&weight).map_err(|error| self.bad(name, &error))
    }
}

impl SafetensorsFolder {
    /// A tensor in f32, as GGUF would hold it.
    fn tensor(&self, name: &str) -> Result<Tensor, Error> {
        let hf_name = hugging_face_name(name, self.config.architecture);
        let load = || -> candle_core::Result<Tensor> {
            let tensor = self.tensors.load(&hf_name, &Device::Cpu)?.to_dtype(DType::F32)?;
            // Gemma's norms multiply by one plus the weight; GGUF files store the sum, so both look the same from here.
            if self.config.architecture == Architecture::Gemma3 && name.ends_with("norm.weight") {
                return tensor + 1.0;
            }
            Ok(tensor)
        };
        load().map_err(|error| self.bad(&hf_name, &error))
    }
}

/// The Hugging Face name of a tensor known by its GGUF name.
fn hugging_face_name(name: &str, architecture: Architecture) -> String {
    let is_gemma = architecture == Architecture::Gemma3;
    let Some(rest) = name.strip_prefix("blk.") else {
        return match name {
            "token_embd.weight" => "model.embed_tokens.weight",
            "output_norm.weight" => "model.norm.weight",
            "output.weight" => "lm_head.weight",
            other => other,
        }
        .into();
    };
    let mut parts = rest.splitn(3, '.');
    let layer = parts.next().unwrap_or_default();
    let part = parts.next().unwrap_or_default();
    let kind = parts.next().unwrap_or_default();
    let module = match part {
        "attn_q" => "self_attn.q_proj",
        "attn_k" => "self_attn.k_proj",
        "attn_v" => "self_attn.v_proj",
        "attn_output" => "self_attn.o_proj",
        "attn_q_norm" => "self_attn.q_norm",
        "attn_k_norm" => "self_attn.k_norm",
        "attn_norm" => "input_layernorm",
        "post_attention_norm" => "post_attention_layernorm",
        // The norm before the feed-forward: Gemma gave Llama's name for it to the norm after the attention.
        "ffn_norm" if is_gemma => "pre_feedforward_layernorm",
        "ffn_norm" => "post_attention_layernorm",
        "post_ffw_norm" => "post_feedforward_layernorm",
        "ffn_gate" => "mlp.gate_proj",
        "ffn_up" => "mlp.up_proj",
        "ffn_down" => "mlp.down_proj",
        other => other,
    };
    format!("model.layers.{layer}.{module}.{kind}")
}
