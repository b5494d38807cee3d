//! Log-probabilities in OpenAI's two shapes: the chat one with bytes, and the older one of `/v1/completions`.
//!
//! A token need not be whole characters. The chat shape shows such a token with replacement characters and gives its
//! bytes; the older one has no bytes, so it writes `bytes:\xe2\x80`, as OpenAI's own did.

use serde_json::{Map, Value, json};

use super::turn::as_json;
use crate::engine::{Choice, TokenLogprob};

/// The `logprobs` object of a chat choice.
pub fn chat(choices: &[Choice]) -> Value {
    let content: Vec<Value> = choices
        .iter()
        .map(|choice| {
            let mut token = chat_token(&choice.chosen);
            token["top_logprobs"] = choice.top.iter().map(chat_token).collect();
            token
        })
        .collect();
    json!({"content": content, "refusal": null})
}

fn chat_token(token: &TokenLogprob) -> Value {
    let text = String::from_utf8_lossy(&token.bytes);
    json!({"token": text, "logprob": as_json(&token.logprob), "bytes": token.bytes})
}

/// The `logprobs` object of a completion whose text begins `offset` characters into the answer.
pub fn completion(choices: &[Choice], mut offset: usize) -> Value {
    let mut tokens = Vec::new();
    let mut logprobs = Vec::new();
    let mut tops = Vec::new();
    let mut offsets = Vec::new();
    for choice in choices {
        tokens.push(completion_token(&choice.chosen));
        logprobs.push(as_json(&choice.chosen.logprob));
        let top: Map<String, Value> =
            choice.top.iter().map(|token| (completion_token(token), as_json(&token.logprob))).collect();
        tops.push(top);
        offsets.push(offset);
        // Bytes that continue a character are counted with the one that began it.
        offset += choice.chosen.bytes.iter().filter(|byte| !(0x80..0xC0).contains(*byte)).count();
    }
    json!({"tokens": tokens, "token_logprobs": logprobs, "top_logprobs": tops, "text_offset": offsets})
}

fn completion_token(token: &TokenLogprob) -> String {
    match std::str::from_utf8(&token.bytes) {
        Ok(text) => text.into(),
        Err(_) => token.bytes.iter().fold("bytes:".into(), |text, byte| text + &format!("\\x{byte:02x}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_is_half_a_character_keeps_its_bytes() {
        let half = TokenLogprob { bytes: vec![0xEA, 0xB0], logprob: -0.71 };
        let choice = Choice { chosen: half.clone(), top: vec![half] };
        let chat = chat(std::slice::from_ref(&choice));
        assert_eq!(chat["content"][0]["bytes"], json!([0xEA, 0xB0]));
        assert_eq!(chat["content"][0]["logprob"].to_string(), "-0.71");
        let completion = completion(&[choice], 3);
        assert_eq!(completion["tokens"][0], "bytes:\\xea\\xb0");
        assert_eq!(completion["text_offset"], json!([3]));
    }
}
