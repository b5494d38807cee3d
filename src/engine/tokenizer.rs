//! Text to tokens and back. The tokenizer comes from the model's own files: `tokenizer.json`, or GGUF metadata
//! ([`super::tokenizer_gguf`]).

use std::sync::LazyLock;

use tokenizers::{DecoderWrapper, Tokenizer as HfTokenizer};

use super::Error;

/// A model's tokenizer.
pub struct Tokenizer {
    inner: HfTokenizer,
    /// Tokens that end a turn.
    eos: Vec<u32>,
    /// How vocabulary entries spell bytes.
    spelling: Spelling,
}

/// How a vocabulary entry spells its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spelling {
    /// Every byte is a printable character (GPT-2).
    ByteLevel,
    /// `▁` is a space and `<0x0A>` a byte (SentencePiece).
    Metaspace,
}

impl Tokenizer {
    pub fn new(inner: HfTokenizer, eos: Vec<u32>) -> Self {
        // Not told by the vocabulary: a large one of SentencePiece has `Ġ` as a letter.
        let is_byte_level = matches!(inner.get_decoder(), Some(DecoderWrapper::ByteLevel(_)));
        let spelling = if is_byte_level { Spelling::ByteLevel } else { Spelling::Metaspace };
        Self { inner, eos, spelling }
    }

    /// Tokens of `text`, special tokens recognised where spelled out, nothing added.
    ///
    /// # Errors
    /// [`Error::Forward`] if the tokenizer fails, which its own files can only cause.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, Error> {
        let encoding =
            self.inner.encode_fast(text, false).map_err(|error| Error::Forward { reason: error.to_string() })?;
        Ok(encoding.get_ids().to_vec())
    }

    /// As [`Self::encode`], with the beginning-of-text token where the model wants one.
    ///
    /// # Errors
    /// As for [`Self::encode`].
    pub fn encode_document(&self, text: &str) -> Result<Vec<u32>, Error> {
        let encoding =
            self.inner.encode_fast(text, true).map_err(|error| Error::Forward { reason: error.to_string() })?;
        Ok(encoding.get_ids().to_vec())
    }

    pub fn is_eos(&self, token: u32) -> bool {
        self.eos.contains(&token)
    }

    /// The tokens that end a turn.
    pub fn eos(&self) -> &[u32] {
        &self.eos
    }

    /// One more than the largest token id.
    pub fn vocab_len(&self) -> usize {
        self.inner.get_vocab(true).into_values().max().map_or(0, |largest| largest as usize + 1)
    }

    /// Whether a piece of text has the tokens it has inside a text.
    pub fn is_byte_level(&self) -> bool {
        self.spelling == Spelling::ByteLevel
    }

    /// The bytes a token stands for; empty for special tokens.
    pub fn bytes(&self, token: u32) -> Vec<u8> {
        let Some(entry) = self.inner.id_to_token(token) else { return Vec::new() };
        if self.inner.get_added_vocabulary().is_special_token(&entry) {
            return Vec::new();
        }
        match self.spelling {
            Spelling::ByteLevel => entry
                .chars()
                .flat_map(|c| match byte_of(c) {
                    Some(byte) => vec![byte],
                    // An added token, which is spelled as it is.
                    None => c.to_string().into_bytes(),
                })
                .collect(),
            Spelling::Metaspace => match entry.strip_prefix("<0x").and_then(|rest| rest.strip_suffix('>')) {
                Some(hex) => u8::from_str_radix(hex, 16).map_or_else(|_| entry.clone().into_bytes(), |byte| vec![byte]),
                None => entry.replace('▁', " ").into_bytes(),
            },
        }
    }

    /// The vocabulary's own spelling of a token; empty if there is none.
    pub fn spelled(&self, token: u32) -> String {
        self.inner.id_to_token(token).unwrap_or_default()
    }
}

/// The byte that GPT-2's byte-level alphabet writes as `c` (`bytes_to_unicode` in its `encoder.py`).
fn byte_of(c: char) -> Option<u8> {
    static UNPRINTABLE: LazyLock<Vec<u8>> = LazyLock::new(|| (0..=255).filter(|byte| !is_printable(*byte)).collect());
    let code = u32::from(c);
    match u8::try_from(code) {
        Ok(byte) => is_printable(byte).then_some(byte),
        // The bytes without a printable form are written as 256, 257, ... in order.
        Err(_) => UNPRINTABLE.get(code as usize - 256).copied(),
    }
}

fn is_printable(byte: u8) -> bool {
    matches!(byte, 0x21..=0x7E | 0xA1..=0xAC | 0xAE..=0xFF)
}

/// Turns tokens into text as they come, never splitting a character.
#[derive(Debug, Default)]
pub struct TextDecoder {
    /// Bytes of a character whose rest has not come yet.
    pending: Vec<u8>,
}

impl TextDecoder {
    /// The text that `bytes` completes. Bytes that can never be UTF-8 become U+FFFD.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.pending.extend_from_slice(bytes);
        let mut text = String::new();
        loop {
            match std::str::from_utf8(&self.pending) {
                Ok(whole) => {
                    text.push_str(whole);
                    self.pending.clear();
                    return text;
                }
                Err(error) => {
                    let (valid, rest) = self.pending.split_at(error.valid_up_to());
                    text.push_str(std::str::from_utf8(valid).expect("checked up to here"));
                    let Some(bad) = error.error_len() else {
                        self.pending = rest.to_vec();
                        return text;
                    };
                    text.push('\u{FFFD}');
                    self.pending = rest[bad..].to_vec();
                }
            }
        }
    }

    /// What is left when no more tokens come.
    pub fn finish(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.pending)).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_split_over_tokens_comes_whole() {
        let mut decoder = TextDecoder::default();
        let bytes = "과세".as_bytes();
        assert_eq!(decoder.push(&bytes[..2]), "");
        assert_eq!(decoder.push(&bytes[2..4]), "과");
        assert_eq!(decoder.push(&bytes[4..]), "세");
        assert_eq!(decoder.finish(), "");
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_such() {
        let mut decoder = TextDecoder::default();
        assert_eq!(decoder.push(&[0xFF, b'a']), "\u{FFFD}a");
        assert_eq!(decoder.push(&[0xEA]), "");
        assert_eq!(decoder.finish(), "\u{FFFD}");
    }

    #[test]
    fn the_byte_alphabet_is_a_bijection() {
        let mut seen: Vec<u8> = (0..0x200u32).filter_map(char::from_u32).filter_map(byte_of).collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..=255).collect::<Vec<u8>>());
    }
}
