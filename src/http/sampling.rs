//! OpenAI's sampling fields, and the ones vLLM adds, to [`SamplingParams`].
//!
//! Only the shapes are checked here; ranges are the engine's to know, and its complaints name the same fields.

use serde_json::Value;

use super::error::ApiError;
use super::fields::{self, Fields};
use crate::engine::SamplingParams;

/// As OpenAI has it; each is compared with the text after every token.
const MAX_STOP_STRINGS: usize = 4;

/// Takes the sampling fields; what is absent keeps its default.
///
/// # Errors
/// A field of another type, too many stop strings.
pub fn read(fields: &mut Fields, default_temperature: f32) -> Result<SamplingParams, ApiError> {
    let off = SamplingParams::default();
    Ok(SamplingParams {
        temperature: fields.optional("temperature")?.unwrap_or(default_temperature),
        top_p: fields.optional("top_p")?.unwrap_or(off.top_p),
        top_k: read_top_k(fields)?,
        min_p: fields.optional("min_p")?.unwrap_or(off.min_p),
        repetition_penalty: fields.optional("repetition_penalty")?.unwrap_or(off.repetition_penalty),
        presence_penalty: fields.optional("presence_penalty")?.unwrap_or(off.presence_penalty),
        frequency_penalty: fields.optional("frequency_penalty")?.unwrap_or(off.frequency_penalty),
        // OpenAI's seeds are signed; any bijection will do.
        seed: fields.optional::<i64>("seed")?.map(i64::cast_unsigned),
        stop: read_stop(fields)?,
    })
}

/// -1 is vLLM's word for "all".
fn read_top_k(fields: &mut Fields) -> Result<usize, ApiError> {
    match fields.optional::<i64>("top_k")? {
        None | Some(-1) => Ok(0),
        Some(k) => usize::try_from(k).map_err(|_| ApiError::invalid("top_k", "-1 or more", k)),
    }
}

fn read_stop(fields: &mut Fields) -> Result<Vec<String>, ApiError> {
    let stop: Vec<String> = match fields.optional::<Value>("stop")? {
        None => Vec::new(),
        Some(Value::String(stop)) => vec![stop],
        Some(list) => fields::convert("stop", list)?,
    };
    if stop.len() > MAX_STOP_STRINGS {
        return Err(ApiError::invalid("stop", &format!("at most {MAX_STOP_STRINGS} strings"), stop.len()));
    }
    Ok(stop)
}

/// The parameters of the `index`th of several answers: a given seed moves on, or all answers were one.
pub fn for_choice(sampling: &SamplingParams, index: usize) -> SamplingParams {
    SamplingParams { seed: sampling.seed.map(|seed| seed.wrapping_add(index as u64)), ..sampling.clone() }
}
