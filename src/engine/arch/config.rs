//! What tells one architecture from another. In: a Hugging Face `config.json`, or GGUF metadata (see [`super::gguf`]).
//! Out: [`DecoderConfig`]. Knows no tensors.

use serde_json::Value;

pub use crate::kernels::RopeLayout;

/// The families the decoder covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// Llama 2 and 3, SmolLM2, and Mistral.
    Llama,
    Qwen2,
    Qwen3,
    Gemma3,
    /// EXAONE 3 and 3.5, which is Llama in another order of rows; from GGUF only, where its tensors have Llama's names.
    Exaone,
    /// EXAONE 4.0: norms after each branch instead of before it.
    Exaone4,
}

impl Architecture {
    pub const SUPPORTED: &'static str = "llama, mistral, qwen2, qwen3, gemma3, exaone, exaone4";

    /// From GGUF's `general.architecture` or Hugging Face's `model_type`.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "llama" | "mistral" => Self::Llama,
            "qwen2" => Self::Qwen2,
            "qwen3" => Self::Qwen3,
            "gemma3" | "gemma3_text" => Self::Gemma3,
            "exaone" => Self::Exaone,
            "exaone4" => Self::Exaone4,
            _ => return None,
        })
    }

    /// Whether the two branches of a layer are normalised before they are computed.
    pub fn norms_before(self) -> bool {
        self != Self::Exaone4
    }

    /// Whether they are normalised before they are added.
    pub fn norms_after(self) -> bool {
        matches!(self, Self::Gemma3 | Self::Exaone4)
    }
}

/// How positions beyond the trained length are reached.
#[derive(Clone, Debug, PartialEq)]
pub enum RopeScaling {
    None,
    /// Every frequency divided by the factor.
    Linear(f32),
    /// Llama 3's: low frequencies divided, high ones kept, the band between interpolated.
    Llama3 {
        factor: f32,
        low_freq_factor: f32,
        high_freq_factor: f32,
        original_len: f32,
    },
    /// A divisor for each frequency, as GGUF's `rope_freqs.weight` gives them: `[head_dim / 2]`.
    Factors(Vec<f32>),
}

/// One rotary embedding.
#[derive(Clone, Debug, PartialEq)]
pub struct RopeConfig {
    pub theta: f32,
    pub scaling: RopeScaling,
    pub layout: RopeLayout,
}

impl RopeConfig {
    /// Radians a position, `[head_dim / 2]`, in f32 as `modeling_rope_utils.py` of transformers computes them.
    pub fn frequencies(&self, head_dim: usize) -> Vec<f32> {
        let base = (0..head_dim / 2).map(|i| self.theta.powf(-((2 * i) as f32) / head_dim as f32));
        match &self.scaling {
            RopeScaling::None => base.collect(),
            RopeScaling::Linear(factor) => base.map(|f| f / factor).collect(),
            RopeScaling::Factors(factors) => base.zip(factors).map(|(f, factor)| f / factor).collect(),
            &RopeScaling::Llama3 { factor, low_freq_factor, high_freq_factor, original_len } => base
                .map(|f| {
                    let wavelength = 2.0 * std::f32::consts::PI / f;
                    if wavelength < original_len / high_freq_factor {
                        f
                    } else if wavelength > original_len / low_freq_factor {
                        f / factor
                    } else {
                        let smooth =
                            (original_len / wavelength - low_freq_factor) / (high_freq_factor - low_freq_factor);
                        (1.0 - smooth) * f / factor + smooth * f
                    }
                })
                .collect(),
        }
    }
}

/// Everything the decoder must know.
#[derive(Clone, Debug, PartialEq)]
pub struct DecoderConfig {
    pub architecture: Architecture,
    pub vocab_size: usize,
    pub hidden_size: usize,
    pub intermediate_size: usize,
    pub num_layers: usize,
    pub num_heads: usize,
    pub num_kv_heads: usize,
    pub head_dim: usize,
    pub rms_norm_eps: f64,
    /// Most positions the model was made for.
    pub context_len: usize,
    /// Factor on the attention scores.
    pub attention_scale: f32,
    pub rope: RopeConfig,
    /// The rotary embedding of local layers, where it differs.
    pub local_rope: Option<RopeConfig>,
    /// Positions a local layer sees.
    pub sliding_window: usize,
    /// For each layer, whether it is local.
    pub is_local: Vec<bool>,
    /// Whether global layers rotate as well: in a hybrid EXAONE 4.0 they know no positions.
    pub rotates_global: bool,
    pub tie_word_embeddings: bool,
}

impl DecoderConfig {
    /// Reads `config.json` in the spelling of published checkpoints and in that of transformers 5.
    ///
    /// # Errors
    /// A sentence naming the key that is missing or has a value the decoder does not support.
    pub fn from_hugging_face(text: &str) -> Result<Self, String> {
        let json: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let model_type = json["model_type"].as_str().ok_or("`model_type` is missing")?;
        let architecture = Architecture::parse(model_type).ok_or_else(|| {
            format!("`model_type` is `{model_type}`, which is not supported (supported: {})", Architecture::SUPPORTED)
        })?;
        if architecture == Architecture::Exaone {
            return Err("`model_type` is `exaone`, which is supported as a GGUF file only".into());
        }
        let number = |key: &str| json[key].as_u64().map(|n| n as usize).ok_or(format!("`{key}` is missing"));
        let hidden_size = number("hidden_size")?;
        let num_heads = number("num_attention_heads")?;
        let num_layers = number("num_hidden_layers")?;
        let head_dim = json["head_dim"].as_u64().map_or(hidden_size / num_heads, |n| n as usize);
        for key in ["attn_logit_softcapping", "final_logit_softcapping"] {
            if !json[key].is_null() {
                return Err(format!("`{key}` is set, which is not supported"));
            }
        }
        let window = json["sliding_window"].as_u64().map(|n| n as usize);
        let scale_dim = json["query_pre_attn_scalar"].as_f64().unwrap_or(head_dim as f64);
        let (rope, local_rope) = rope_configs(&json, architecture)?;
        Ok(Self {
            architecture,
            vocab_size: number("vocab_size")?,
            hidden_size,
            intermediate_size: number("intermediate_size")?,
            num_layers,
            num_heads,
            num_kv_heads: json["num_key_value_heads"].as_u64().map_or(num_heads, |n| n as usize),
            head_dim,
            rms_norm_eps: json["rms_norm_eps"].as_f64().ok_or("`rms_norm_eps` is missing")?,
            context_len: number("max_position_embeddings")?,
            attention_scale: (1.0 / scale_dim.sqrt()) as f32,
            rope,
            local_rope,
            sliding_window: window.unwrap_or(usize::MAX),
            is_local: local_layers(&json, model_type, num_layers, window.is_some())?,
            rotates_global: architecture != Architecture::Exaone4 || window.is_none(),
            // Gemma's published files leave the key out; its default is true.
            tie_word_embeddings: json["tie_word_embeddings"].as_bool().unwrap_or(architecture == Architecture::Gemma3),
        })
    }
}

/// Which layers see only the window. `layer_types` is the newest word and wins.
fn local_layers(json: &Value, model_type: &str, num_layers: usize, has_window: bool) -> Result<Vec<bool>, String> {
    if !has_window {
        return Ok(vec![false; num_layers]);
    }
    if let Some(types) = json["layer_types"].as_array() {
        return match types.len() == num_layers {
            true => Ok(types.iter().map(|layer| layer == "sliding_attention").collect()),
            false => Err(format!("`layer_types` names {} layers of {num_layers}", types.len())),
        };
    }
    let every = |period: usize| (0..num_layers).map(|layer| !(layer + 1).is_multiple_of(period)).collect();
    Ok(match model_type {
        "mistral" => vec![true; num_layers],
        "gemma3" | "gemma3_text" => every(json["sliding_window_pattern"].as_u64().unwrap_or(6).max(1) as usize),
        // "LLLG": the letters of a period, in which the global layer comes last.
        "exaone4" => match &json["sliding_window_pattern"] {
            Value::String(letters) => every(letters.len().max(1)),
            period => every(period.as_u64().unwrap_or(4).max(1) as usize),
        },
        _ if json["use_sliding_window"] == true => {
            let first = json["max_window_layers"].as_u64().unwrap_or(0) as usize;
            (0..num_layers).map(|layer| layer >= first).collect()
        }
        _ => vec![false; num_layers],
    })
}

/// The global and, for Gemma 3, the local rotary embedding.
fn rope_configs(json: &Value, architecture: Architecture) -> Result<(RopeConfig, Option<RopeConfig>), String> {
    let parameters = &json["rope_parameters"];
    let is_gemma = architecture == Architecture::Gemma3;
    if is_gemma && parameters["full_attention"].is_object() {
        let global = rope_config(&parameters["full_attention"], &parameters["full_attention"], 1e6)?;
        let local = rope_config(&parameters["sliding_attention"], &parameters["sliding_attention"], 1e4)?;
        return Ok((global, Some(local)));
    }
    if parameters.is_object() {
        return Ok((rope_config(parameters, parameters, 1e4)?, None));
    }
    let global = rope_config(json, &json["rope_scaling"], if is_gemma { 1e6 } else { 1e4 })?;
    let local = is_gemma.then(|| RopeConfig {
        theta: json["rope_local_base_freq"].as_f64().unwrap_or(1e4) as f32,
        scaling: RopeScaling::None,
        layout: RopeLayout::Halves,
    });
    Ok((global, local))
}

fn rope_config(holder: &Value, scaling: &Value, default_theta: f64) -> Result<RopeConfig, String> {
    let kind = scaling["rope_type"].as_str().or_else(|| scaling["type"].as_str()).unwrap_or("default");
    let number = |key: &str| {
        scaling[key].as_f64().map(|n| n as f32).ok_or_else(|| format!("rope scaling `{kind}` lacks `{key}`"))
    };
    let scaling = match kind {
        "default" => RopeScaling::None,
        "linear" => RopeScaling::Linear(number("factor")?),
        "llama3" => RopeScaling::Llama3 {
            factor: number("factor")?,
            low_freq_factor: number("low_freq_factor")?,
            high_freq_factor: number("high_freq_factor")?,
            original_len: number("original_max_position_embeddings")?,
        },
        other => return Err(format!("rope scaling `{other}` is not supported (supported: linear, llama3)")),
    };
    let theta = holder["rope_theta"].as_f64().unwrap_or(default_theta) as f32;
    Ok(RopeConfig { theta, scaling, layout: RopeLayout::Halves })
}
