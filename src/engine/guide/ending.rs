//! Brings an answer to its end when few tokens are left: half a JSON value is worth nothing, one that leaves out what
//! was optional still is what was asked for.
//!
//! Within a string the quotation mark is taken as soon as the grammar allows it; outside, the end of the answer, else
//! brackets that close, else the comma before what must still come.

use super::TokenMask;
use super::quotes::QuoteVocabulary;

/// Tokens kept for closing what is open.
const RESERVE: usize = 48;
/// And no more than this share of the answer: a small limit must leave room for saying something.
const SHARE: usize = 4;

/// The tokens that end something.
pub struct EndingTokens {
    eos: TokenMask,
    brackets: TokenMask,
    commas: TokenMask,
    quotes: TokenMask,
}

impl EndingTokens {
    pub fn new(vocabulary: &QuoteVocabulary) -> Self {
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\n');
        let of = |mark: &[u8], blanks: bool| {
            vocabulary.mask_of(|bytes| {
                bytes.iter().any(|byte| mark.contains(byte))
                    && bytes.iter().all(|byte| mark.contains(byte) || (blanks && is_blank(byte)))
            })
        };
        let quotes = vocabulary.mask_of(|bytes| bytes == b"\"");
        Self { eos: vocabulary.eos_mask(), brackets: of(b"}]", true), commas: of(b",", true), quotes }
    }
}

/// Where an answer of JSON stands, as far as its end needs to know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ending {
    num_tokens: usize,
    in_string: bool,
    is_escaped: bool,
}

impl Ending {
    /// Takes a token in.
    pub fn note(&mut self, bytes: &[u8]) {
        self.num_tokens += 1;
        for byte in bytes {
            match (self.in_string, byte) {
                (true, _) if self.is_escaped => self.is_escaped = false,
                (true, b'\\') => self.is_escaped = true,
                (_, b'"') => self.in_string = !self.in_string,
                _ => {}
            }
        }
    }

    /// Whether it is time to end an answer of which `left` tokens are left.
    pub fn is_due(&self, left: usize) -> bool {
        left <= RESERVE && left * SHARE <= left + self.num_tokens
    }

    /// The tokens of `mask` that lead to the end; `mask` itself where none is known to. `is_json`: strings and brackets
    /// mean what they do there.
    pub fn narrow(&self, mask: &TokenMask, tokens: &EndingTokens, is_json: bool) -> Option<TokenMask> {
        let order: &[&TokenMask] = match (is_json, self.in_string) {
            (false, _) => &[&tokens.eos],
            (true, true) => &[&tokens.quotes],
            (true, false) => &[&tokens.eos, &tokens.brackets, &tokens.commas],
        };
        order.iter().find_map(|set| mask.narrowed(set))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_followed_over_tokens_and_escapes() {
        let mut ending = Ending::default();
        let pieces = [("{\"a", true), ("\\", true), ("\"b", true), ("\": ", false), ("\"\"", false)];
        for (piece, in_string) in pieces {
            ending.note(piece.as_bytes());
            assert_eq!(ending.in_string, in_string, "{piece}");
        }
    }

    #[test]
    fn a_small_limit_leaves_three_quarters_to_speak() {
        let mut ending = Ending::default();
        assert!(!ending.is_due(20));
        (0..15).for_each(|_| ending.note(b"a"));
        assert!(ending.is_due(5) && !ending.is_due(6));
        (0..985).for_each(|_| ending.note(b"a"));
        assert!(ending.is_due(RESERVE) && !ending.is_due(RESERVE + 1));
    }
}
