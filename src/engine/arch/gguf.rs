//! GGUF checkpoints: metadata to [`DecoderConfig`], tensors as the file quantised them.
//!
//! Keys and tensor names are those of `gguf-py/gguf/constants.py` in llama.cpp.

use std::path::{Path, PathBuf};

use candle_core::Device;
use candle_core::quantized::QTensor;
use candle_core::quantized::gguf_file::{Content, Value};
use fs_err::File;

use super::config::{Architecture, DecoderConfig, RopeConfig, RopeLayout, RopeScaling};
use super::gguf_header;
use super::weights::Weights;
use crate::engine::Error;
use crate::kernels::Matrix;

/// An open GGUF file.
pub struct GgufFile {
    path: PathBuf,
    content: Content,
    bytes: memmap2::Mmap,
    config: DecoderConfig,
}

impl GgufFile {
    /// Reads the header; tensors are read when asked for.
    ///
    /// # Errors
    /// [`Error::BadModel`] if the file is unreadable, cut short or lacks a key;
    /// [`Error::UnsupportedArchitecture`] if the decoder does not cover it.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let bad = |reason: String| Error::BadModel { path: path.display().to_string(), reason };
        let mut file = File::open(path).map_err(|error| bad(error.to_string()))?;
        let content = gguf_header::read_header(&mut file).map_err(bad)?;
        // SAFETY: model files are moved into place whole and never written afterwards; a file changed under us would
        // give wrong numbers, not wrong memory, because lengths were checked above.
        let bytes = unsafe { memmap2::Mmap::map(file.file()) }.map_err(|error| bad(error.to_string()))?;
        let config = config(&content, path)?;
        Ok(Self { path: path.into(), content, bytes, config })
    }

    /// A metadata value.
    pub fn metadata(&self, key: &str) -> Option<&Value> {
        self.content.metadata.get(key)
    }

    fn read(&self, name: &str) -> candle_core::Result<QTensor> {
        let mut reader = std::io::Cursor::new(&self.bytes[..]);
        self.content.tensor(&mut reader, name, &Device::Cpu)
    }

    fn bad(&self, name: &str, error: &candle_core::Error) -> Error {
        Error::BadModel { path: self.path.display().to_string(), reason: format!("tensor `{name}`: {error}") }
    }
}

impl Weights for GgufFile {
    fn config(&self) -> &DecoderConfig {
        &self.config
    }

    fn has(&self, name: &str) -> bool {
        self.content.tensor_infos.contains_key(name)
    }

    fn path(&self) -> &Path {
        &self.path
    }

    fn vector(&self, name: &str) -> Result<Vec<f32>, Error> {
        let read = || self.read(name)?.dequantize(&Device::Cpu)?.flatten_all()?.to_vec1();
        read().map_err(|error| self.bad(name, &error))
    }

    fn matrix(&self, name: &str) -> Result<Matrix, Error> {
        let read = || -> candle_core::Result<Matrix> {
            let missing = || candle_core::Error::Msg("it is missing".into());
            let info = self.content.tensor_infos.get(name).ok_or_else(missing)?;
            let (out_len, in_len) = info.shape.dims2()?;
            let start = (self.content.tensor_data_offset + info.offset) as usize;
            let len = info.shape.elem_count() / info.ggml_dtype.block_size() * info.ggml_dtype.type_size();
            let cut = || candle_core::Error::Msg(format!("it ends beyond the file of {} bytes", self.bytes.len()));
            let bytes = self.bytes.get(start..start.saturating_add(len)).ok_or_else(cut)?;
            Matrix::from_gguf(info.ggml_dtype, bytes, out_len, in_len)
        };
        read().map_err(|error| self.bad(name, &error))
    }
}

/// The layers of EXAONE 4.0 32B, by which llama.cpp knows it (`src/models/exaone4.cpp`).
const HYBRID_EXAONE_LAYERS: usize = 64;

fn config(content: &Content, path: &Path) -> Result<DecoderConfig, Error> {
    let bad = |reason: String| Error::BadModel { path: path.display().to_string(), reason };
    let name = content
        .metadata
        .get("general.architecture")
        .and_then(|value| value.to_string().ok())
        .ok_or_else(|| bad("`general.architecture` is missing".into()))?;
    let architecture = Architecture::parse(name).ok_or_else(|| Error::UnsupportedArchitecture {
        path: path.display().to_string(),
        architecture: name.clone(),
        supported: Architecture::SUPPORTED,
    })?;
    let get = |key: &str| content.metadata.get(&format!("{name}.{key}"));
    let integer = |key: &str| get(key).and_then(unsigned);
    let need = |key: &str| {
        let value = integer(key).filter(|value| *value > 0);
        value.ok_or_else(|| bad(format!("`{name}.{key}` is missing or not above 0")))
    };
    let float = |key: &str| get(key).and_then(|value| value.to_f32().ok());

    let hidden_size = need("embedding_length")?;
    let num_heads = need("attention.head_count")?;
    let num_layers = need("block_count")?;
    let head_dim = integer("attention.key_length").unwrap_or(hidden_size / num_heads);
    let vocab =
        content.tensor_infos.get("token_embd.weight").ok_or_else(|| bad("`token_embd.weight` is missing".into()))?;
    let (vocab_size, _) = vocab.shape.dims2().map_err(|error| bad(format!("`token_embd.weight`: {error}")))?;
    // Each layer has tensors of its own; a count beyond that would only be memory asked for in vain.
    if num_layers > content.tensor_infos.len() {
        let num_tensors = content.tensor_infos.len();
        return Err(bad(format!("`{name}.block_count` is {num_layers} but the file has {num_tensors} tensors")));
    }

    let is_gemma = architecture == Architecture::Gemma3;
    let layout = if architecture == Architecture::Llama { RopeLayout::Pairs } else { RopeLayout::Halves };
    let scaling = match get("rope.scaling.type").and_then(|value| value.to_string().ok()).map(String::as_str) {
        None | Some("none") => rope_factors(content, path)?.map_or(RopeScaling::None, RopeScaling::Factors),
        Some("linear") => RopeScaling::Linear(float("rope.scaling.factor").unwrap_or(1.0)),
        Some(other) => return Err(bad(format!("rope scaling `{other}` is not supported (supported: linear)"))),
    };
    let default_theta = if is_gemma { 1e6 } else { 1e4 };
    let rope = RopeConfig { theta: float("rope.freq_base").unwrap_or(default_theta), scaling, layout };
    let local_theta = float("rope.local.freq_base").or(float("rope.freq_base_swa")).unwrap_or(1e4);
    let local_rope = is_gemma.then_some(RopeConfig { theta: local_theta, scaling: RopeScaling::None, layout });
    let window = integer("attention.sliding_window").filter(|window| *window > 0);
    let is_hybrid_exaone = architecture == Architecture::Exaone4 && num_layers == HYBRID_EXAONE_LAYERS;
    let is_local = (0..num_layers)
        .map(|layer| match (window, is_gemma) {
            (None, _) => false,
            // llama.cpp hard-codes Gemma 3's pattern of five local layers to one global (`llama-model.cpp`).
            (Some(_), true) => !(layer + 1).is_multiple_of(6),
            // As it does EXAONE 4.0's, whose smaller model has global layers only.
            (Some(_), false) if architecture == Architecture::Exaone4 => {
                is_hybrid_exaone && !(layer + 1).is_multiple_of(4)
            }
            (Some(_), false) => architecture == Architecture::Llama,
        })
        .collect();
    // Gemma 3 27B alone scales by hidden / heads instead of the head (`query_pre_attn_scalar`); the file does not say.
    let scale_dim = if is_gemma && num_layers == 62 { hidden_size / num_heads } else { head_dim };
    Ok(DecoderConfig {
        architecture,
        vocab_size,
        hidden_size,
        intermediate_size: need("feed_forward_length")?,
        num_layers,
        num_heads,
        num_kv_heads: integer("attention.head_count_kv").unwrap_or(num_heads),
        head_dim,
        rms_norm_eps: f64::from(
            float("attention.layer_norm_rms_epsilon")
                .ok_or_else(|| bad(format!("`{name}.attention.layer_norm_rms_epsilon` is missing")))?,
        ),
        context_len: need("context_length")?,
        attention_scale: 1.0 / (scale_dim as f32).sqrt(),
        rope,
        local_rope,
        sliding_window: window.unwrap_or(usize::MAX),
        is_local,
        rotates_global: !is_hybrid_exaone,
        tie_word_embeddings: !content.tensor_infos.contains_key("output.weight"),
    })
}

/// Llama 3's frequency divisors, which its converter stores as a tensor.
fn rope_factors(content: &Content, path: &Path) -> Result<Option<Vec<f32>>, Error> {
    let name = "rope_freqs.weight";
    if !content.tensor_infos.contains_key(name) {
        return Ok(None);
    }
    let read = || -> candle_core::Result<Vec<f32>> {
        let mut file = File::open(path)?;
        content.tensor(&mut file, name, &Device::Cpu)?.dequantize(&Device::Cpu)?.to_vec1()
    };
    let factors = read().map_err(|error| Error::BadModel {
        path: path.display().to_string(),
        reason: format!("tensor `{name}`: {error}"),
    })?;
    Ok(Some(factors))
}

/// Any integer type; the first entry of an array, where the value is given a layer at a time.
fn unsigned(value: &Value) -> Option<usize> {
    match value {
        Value::U8(n) => Some(*n as usize),
        Value::U16(n) => Some(*n as usize),
        Value::U32(n) => Some(*n as usize),
        Value::U64(n) => Some(*n as usize),
        Value::I32(n) => usize::try_from(*n).ok(),
        Value::I64(n) => usize::try_from(*n).ok(),
        Value::Array(values) => unsigned(values.first()?),
        _ => None,
    }
}
