//! Brings an answer to its end when few tokens are left: half a JSON value is worth nothing, one that leaves out what
//! was optional still is what was asked for.
//!
//! Within a string the quotation mark is taken as soon as the grammar allows it; outside, the end of the answer, else
//! brackets that close, else the comma before what must still come.
//!
//! A number is ended in any case before it grows past what readers hold: a model may write digits for ever.

use super::TokenMask;
use super::quotes::QuoteVocabulary;

/// Tokens kept for closing what is open.
const RESERVE: usize = 48;
/// And no more than this share of the answer: a small limit must leave room for saying something.
const SHARE: usize = 4;

/// Parts like the longest so far that must fit where another is begun.
const ROOM: usize = 2;

/// Digits of a number, about what a 64-bit float can tell apart (RFC 8259, section 6).
const MAX_DIGITS: usize = 17;

/// The tokens that end something.
pub struct EndingTokens {
    /// All that do not make an exponent of what follows a digit.
    no_exponent: TokenMask,
    /// And do not go on with the digits.
    no_digit: TokenMask,
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
        let begins = |bytes: &[u8], with: &[u8]| bytes.first().is_some_and(|first| with.contains(first));
        let no_exponent = vocabulary.mask_of(|bytes| !begins(bytes, b"eE"));
        let no_digit = vocabulary.mask_of(|bytes| !begins(bytes, b"eE.0123456789"));
        Self {
            no_exponent,
            no_digit,
            eos: vocabulary.eos_mask(),
            brackets: of(b"}]", true),
            commas: of(b",", true),
            quotes,
        }
    }
}

/// Where an answer of JSON stands, as far as its end needs to know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ending {
    num_tokens: usize,
    in_string: bool,
    is_escaped: bool,
    /// Of the number the text ends with.
    num_digits: usize,
    /// Since the last place where the answer could have ended.
    since_end: usize,
    /// The most that was written between two such places: the longest of several calls.
    longest: usize,
}

impl Ending {
    /// Takes a token in.
    pub fn note(&mut self, bytes: &[u8]) {
        self.num_tokens += 1;
        self.since_end += 1;
        for byte in bytes {
            self.num_digits = match byte {
                _ if self.in_string => 0,
                b'0'..=b'9' => self.num_digits + 1,
                b'.' => self.num_digits,
                _ => 0,
            };
            match (self.in_string, byte) {
                (true, _) if self.is_escaped => self.is_escaped = false,
                (true, b'\\') => self.is_escaped = true,
                (_, b'"') => self.in_string = !self.in_string,
                _ => {}
            }
        }
    }

    /// The tokens of `mask` that do not make the number at the end of the text too long; `None` where there is no such
    /// number, or the grammar has no other way.
    pub fn end_number(&self, mask: &TokenMask, tokens: &EndingTokens) -> Option<TokenMask> {
        match self.num_digits {
            0 => None,
            1..MAX_DIGITS => mask.narrowed(&tokens.no_exponent),
            _ => mask.narrowed(&tokens.no_digit),
        }
    }

    /// Whether it is time to end an answer of which `left` tokens are left.
    pub fn is_due(&self, left: usize) -> bool {
        left <= RESERVE && left * SHARE <= left + self.num_tokens
    }

    /// Only the end, where the answer may end here and another part like the longest so far would not fit in what is `left`:
    /// of several calls, none is begun that would be cut off.
    pub fn end_here(&mut self, mask: &TokenMask, tokens: &EndingTokens, left: usize) -> Option<TokenMask> {
        let end = mask.narrowed(&tokens.eos)?;
        self.longest = self.longest.max(self.since_end);
        self.since_end = 0;
        (left < RESERVE.max(ROOM * self.longest)).then_some(end)
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
    fn digits_are_counted_over_tokens_but_not_in_strings() {
        let mut ending = Ending::default();
        for (piece, num_digits) in [("{\"a1\": -12", 2), (".5", 3), (", \"9", 0), ("\": 7", 1), ("}", 0)] {
            ending.note(piece.as_bytes());
            assert_eq!(ending.num_digits, num_digits, "{piece}");
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
