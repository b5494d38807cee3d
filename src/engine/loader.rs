//! A model on disk to its parts: decoder, tokenizer, chat template. In: a GGUF file, or a folder of safetensors with
//! `config.json`, `tokenizer.json` and `tokenizer_config.json`.

use std::path::Path;

use serde_json::Value;

use super::Error;
use super::arch::{Decoder, GgufFile, SafetensorsFolder, Weights};
use super::template::ChatTemplate;
use super::tokenizer::Tokenizer;
use super::tokenizer_gguf;

/// A model's parts.
pub struct Model {
    pub decoder: Decoder,
    pub tokenizer: Tokenizer,
    /// `None` for base models, which know no conversations.
    pub template: Option<ChatTemplate>,
    /// Positions the decoder was loaded for.
    pub context_len: usize,
}

impl Model {
    /// Loads `path` for sequences of at most `max_len` tokens, or of as many as the model allows if that is fewer.
    ///
    /// # Errors
    /// [`Error::BadModel`] naming the file and what is wrong with it; [`Error::UnsupportedArchitecture`].
    pub fn load(path: &Path, max_len: usize) -> Result<Self, Error> {
        if path.is_dir() { load_folder(path, max_len) } else { load_gguf(path, max_len) }
    }
}

fn load_gguf(path: &Path, max_len: usize) -> Result<Model, Error> {
    let bad = |reason: String| Error::BadModel { path: path.display().to_string(), reason };
    let file = GgufFile::open(path)?;
    let context_len = file.config().context_len.min(max_len);
    let tokenizer = tokenizer_gguf::tokenizer(&file).map_err(bad)?;
    let text = |key: &str| file.metadata(key).and_then(|value| value.to_string().ok().cloned());
    let special = |key: &str| {
        let id = file.metadata(key).and_then(|value| value.to_u32().ok());
        id.map(|id| tokenizer.spelled(id)).unwrap_or_default()
    };
    let template = match text("tokenizer.chat_template") {
        Some(source) => {
            let (bos, eos) = (special("tokenizer.ggml.bos_token_id"), special("tokenizer.ggml.eos_token_id"));
            Some(ChatTemplate::new(source, bos, eos).map_err(|reason| bad(format!("chat template: {reason}")))?)
        }
        None => None,
    };
    Ok(Model { decoder: Decoder::load(&file, context_len)?, tokenizer, template, context_len })
}

fn load_folder(path: &Path, max_len: usize) -> Result<Model, Error> {
    let bad = |reason: String| Error::BadModel { path: path.display().to_string(), reason };
    let weights = SafetensorsFolder::open(path)?;
    let context_len = weights.config().context_len.min(max_len);
    let inner = tokenizers::Tokenizer::from_file(path.join("tokenizer.json"))
        .map_err(|error| bad(format!("tokenizer.json: {error}")))?;
    let read = |name: &str| -> Result<Value, Error> {
        match fs_err::read_to_string(path.join(name)) {
            Ok(text) => serde_json::from_str(&text).map_err(|error| bad(format!("{name}: {error}"))),
            Err(_) => Ok(Value::Null),
        }
    };
    let settings = read("tokenizer_config.json")?;
    // A token is written as a string, or as an object with its content.
    let special = |key: &str| {
        let token = &settings[key];
        token.as_str().or_else(|| token["content"].as_str()).unwrap_or_default().to_owned()
    };
    let mut eos: Vec<u32> = inner.token_to_id(&special("eos_token")).into_iter().collect();
    for name in ["generation_config.json", "config.json"] {
        match &read(name)?["eos_token_id"] {
            Value::Array(ids) => eos.extend(ids.iter().filter_map(Value::as_u64).map(|id| id as u32)),
            id => eos.extend(id.as_u64().map(|id| id as u32)),
        }
    }
    eos.sort_unstable();
    eos.dedup();
    let source = match fs_err::read_to_string(path.join("chat_template.jinja")) {
        Ok(source) => Some(source),
        Err(_) => settings["chat_template"].as_str().map(str::to_owned),
    };
    let template = match source {
        Some(source) => Some(
            ChatTemplate::new(source, special("bos_token"), special("eos_token"))
                .map_err(|reason| bad(format!("chat template: {reason}")))?,
        ),
        None => None,
    };
    let decoder = Decoder::load(&weights, context_len)?;
    Ok(Model { decoder, tokenizer: Tokenizer::new(inner, eos), template, context_len })
}
