//! `POST /v1/embeddings`: texts in, unit vectors out, as numbers or as base64 of little-endian 32-bit floats (what the
//! official Python client asks for unless told otherwise).
//!
//! Our addition to OpenAI's format: `input_type` (`query` or `passage`), because E5 models embed the two differently.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::{ApiError, Code};
use super::fields::{self, Fields};
use super::state::{AppState, Embeddings, Purpose, blocking};

/// OpenAI's bound.
const MAX_TEXTS: usize = 2048;

#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum EncodingFormat {
    #[default]
    Float,
    Base64,
}

/// A request that is known to be sound.
struct EmbeddingRequest {
    texts: Vec<String>,
    encoding: EncodingFormat,
    purpose: Purpose,
}

#[derive(Serialize)]
struct EmbeddingList {
    object: &'static str,
    data: Vec<Embedding>,
    model: String,
    usage: EmbeddingUsage,
}

#[derive(Serialize)]
struct Embedding {
    object: &'static str,
    index: usize,
    embedding: Vector,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Vector {
    Float(Vec<f32>),
    Base64(String),
}

#[derive(Serialize)]
struct EmbeddingUsage {
    prompt_tokens: usize,
    total_tokens: usize,
}

pub async fn create(State(state): State<AppState>, fields: Fields) -> Result<Response, ApiError> {
    let request = EmbeddingRequest::read(&*state.embeddings, fields)?;
    let permit = Arc::clone(&state.embedding_permits).try_acquire_owned().map_err(|_| {
        let message = "too many texts are being embedded at this moment";
        ApiError::new(Code::RateLimitExceeded, message)
    })?;
    let embeddings = Arc::clone(&state.embeddings);
    let (list, num_texts) = blocking(move || {
        // Held by the work, not by the request: a client that goes away does not free the cores.
        let _permit = permit;
        let num_texts = request.texts.len();
        embed(&*embeddings, &request).map(|list| (list, num_texts))
    })
    .await??;
    state.metrics.record_embeddings(num_texts);
    Ok(Json(list).into_response())
}

impl EmbeddingRequest {
    fn read(embeddings: &dyn Embeddings, mut fields: Fields) -> Result<Self, ApiError> {
        let model: String = fields.required("model")?;
        if model != embeddings.model_id() {
            return Err(ApiError::model_not_found(&model, &[embeddings.model_id()]));
        }
        let dim = embeddings.dim();
        match fields.optional::<usize>("dimensions")? {
            Some(wanted) if wanted != dim => return Err(ApiError::invalid("dimensions", &format!("{dim}"), wanted)),
            _ => {}
        }
        Ok(Self {
            texts: read_texts(fields.required("input")?)?,
            encoding: fields.optional("encoding_format")?.unwrap_or_default(),
            purpose: fields.optional("input_type")?.unwrap_or_default(),
        })
    }
}

fn read_texts(value: Value) -> Result<Vec<String>, ApiError> {
    let texts = match value {
        Value::String(text) => vec![text],
        Value::Array(list) if list.first().is_some_and(|first| first.is_number() || first.is_array()) => {
            return Err(ApiError::unsupported("input", "send text, not token ids"));
        }
        list => fields::convert("input", list)?,
    };
    if !(1..=MAX_TEXTS).contains(&texts.len()) {
        return Err(ApiError::invalid("input", &format!("1 to {MAX_TEXTS} texts"), texts.len()));
    }
    if let Some(index) = texts.iter().position(String::is_empty) {
        return Err(ApiError::invalid(&format!("input[{index}]"), "a text", "an empty one"));
    }
    Ok(texts)
}

fn embed(embeddings: &dyn Embeddings, request: &EmbeddingRequest) -> Result<EmbeddingList, ApiError> {
    let max_len = embeddings.max_len();
    let mut num_tokens = 0;
    for (index, text) in request.texts.iter().enumerate() {
        let len = embeddings.count_tokens(text, request.purpose).map_err(|error| ApiError::internal(&error))?;
        if len > max_len {
            let model = embeddings.model_id();
            let message = format!("`input[{index}]` has {len} tokens but `{model}` reads {max_len}");
            return Err(ApiError::new(Code::ContextLengthExceeded, message).on(format!("input[{index}]")));
        }
        num_tokens += len;
    }
    let vectors = embeddings.embed(&request.texts, request.purpose).map_err(|error| ApiError::internal(&error))?;
    let data = vectors.into_iter().enumerate().map(|(index, vector)| Embedding {
        object: "embedding",
        index,
        embedding: match request.encoding {
            EncodingFormat::Float => Vector::Float(vector),
            EncodingFormat::Base64 => Vector::Base64(base64(&vector)),
        },
    });
    Ok(EmbeddingList {
        object: "list",
        data: data.collect(),
        model: embeddings.model_id().into(),
        usage: EmbeddingUsage { prompt_tokens: num_tokens, total_tokens: num_tokens },
    })
}

/// RFC 4648, section 4, of the numbers' little-endian bytes.
fn base64(vector: &[f32]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0, |bits, byte| bits << 8 | usize::from(*byte)) << (8 * (3 - group.len()));
        for digit in 0..4 {
            let shift = 18 - 6 * digit;
            let padding = digit > group.len();
            text.push(if padding { '=' } else { char::from(ALPHABET[bits >> shift & 63]) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_pads_one_and_two_bytes_that_are_over() {
        // Python: base64.b64encode(struct.pack("<f", 1.0)), ("<2f", 1.0, -0.5), ("<3f", 1.0, -0.5, 0.25)
        assert_eq!(base64(&[1.0]), "AACAPw==");
        assert_eq!(base64(&[1.0, -0.5]), "AACAPwAAAL8=");
        assert_eq!(base64(&[1.0, -0.5, 0.25]), "AACAPwAAAL8AAIA+");
    }
}
