//! A tokenizer's vocabulary as a trie of bytes, which every matcher walks.
//!
//! Tokens that end a turn and special tokens are no text: a grammar about text must never take one for its spelling, so
//! they stand in the trie behind a byte that UTF-8 lacks.

use std::sync::Arc;

use llguidance::toktrie::{INVALID_TOKEN, TokRxInfo, TokTrie, TokenizerEnv};

use crate::engine::tokenizer::Tokenizer;

/// The vocabulary of one model.
pub struct Vocabulary {
    tokenizer: Arc<Tokenizer>,
    trie: TokTrie,
}

impl Vocabulary {
    pub fn new(tokenizer: Arc<Tokenizer>) -> Self {
        let len = tokenizer.vocab_len();
        let words: Vec<Vec<u8>> = (0..len as u32).map(|token| word(&tokenizer, token)).collect();
        let eos: Vec<u32> = tokenizer.eos().iter().copied().filter(|token| (*token as usize) < len).collect();
        let info = TokRxInfo::new(len as u32, eos.first().copied().unwrap_or(INVALID_TOKEN));
        let trie = TokTrie::from(&info, &words);
        let trie = if eos.is_empty() { trie } else { trie.with_eos_tokens(&eos) };
        Self { tokenizer, trie }
    }

    pub fn trie(&self) -> &TokTrie {
        &self.trie
    }
}

/// How a token is spelled in the trie; empty for an id that is no token.
fn word(tokenizer: &Tokenizer, token: u32) -> Vec<u8> {
    let bytes = tokenizer.bytes(token);
    if !bytes.is_empty() && !tokenizer.is_eos(token) {
        return bytes;
    }
    let spelled = tokenizer.spelled(token);
    if spelled.is_empty() {
        return Vec::new();
    }
    [&[TokTrie::SPECIAL_TOKEN_MARKER], spelled.as_bytes()].concat()
}

impl TokenizerEnv for Vocabulary {
    fn tok_trie(&self) -> &TokTrie {
        &self.trie
    }

    /// The model's own tokens where they spell exactly these bytes: a normalizer may change the text, and a special
    /// token may be spelled out in it.
    fn tokenize_bytes(&self, bytes: &[u8]) -> Vec<u32> {
        let own = |text: &str| match self.tokenizer.encode(text) {
            Ok(tokens) if self.trie.decode_raw(&tokens) == text.as_bytes() => tokens,
            _ => self.trie.greedy_tokenize(text.as_bytes()),
        };
        self.trie.tokenize_with_greedy_fallback(bytes, own)
    }

    /// SentencePiece puts a space before a text, so that the tokens of a fragment are not those inside a text: there the
    /// model chooses the tokens of what the grammar forces.
    fn tokenize_is_canonical(&self) -> bool {
        self.tokenizer.is_byte_level()
    }
}
