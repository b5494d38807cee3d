//! The quote lock: free text in which what stands between quotation marks is a piece of a given passage, and a citation
//! mark names a given number.
//!
//! The text is read byte by byte, because tokens cut characters in two; marks and pieces are judged by whole
//! characters. Between quotations nearly every token is allowed: those that hold no byte of interest are a set made
//! once for the vocabulary, and only the few others are walked. Within a quotation the passages' automaton prunes the
//! walk to what goes on there.

use std::sync::Arc;

use llguidance::toktrie::{Recognizer, SimpleVob, TokTrie};

use super::automaton::{State, SuffixAutomaton};
use super::vocabulary::Vocabulary;
use super::{QuoteLock, TokenMask};

/// Opening marks with their closing ones. The straight mark is both; apostrophes are none.
const QUOTATION_MARKS: [(char, char); 4] = [('"', '"'), ('“', '”'), ('「', '」'), ('『', '』')];

/// What the lock needs of a vocabulary, made once for all passages.
pub struct QuoteVocabulary {
    vocabulary: Arc<Vocabulary>,
    /// Tokens of whole characters, none of them a mark or a bracket: free text stays free text.
    plain: SimpleVob,
    /// The other tokens.
    rest: TokTrie,
}

impl QuoteVocabulary {
    pub fn new(vocabulary: Arc<Vocabulary>) -> Self {
        let trie = vocabulary.trie();
        let mut plain = trie.alloc_token_set();
        let mut others = trie.alloc_token_set();
        for token in 0..trie.vocab_size() as u32 {
            let set = if is_plain(trie.token(token)) { &mut plain } else { &mut others };
            set.allow_token(token);
        }
        let rest = trie.filter(&others);
        Self { vocabulary, plain, rest }
    }

    /// The bytes of a token; none for a special one.
    pub fn bytes(&self, token: u32) -> &[u8] {
        let trie = self.vocabulary.trie();
        if (token as usize) < trie.vocab_size() && !trie.is_special_token(token) { trie.token(token) } else { &[] }
    }

    /// The tokens whose bytes are as `fits` has it, special ones left out.
    pub fn mask_of(&self, fits: impl Fn(&[u8]) -> bool) -> TokenMask {
        let vocab_len = self.vocabulary.trie().vocab_size();
        TokenMask::of(vocab_len, (0..vocab_len as u32).filter(|token| fits(self.bytes(*token))))
    }

    /// The tokens that end an answer.
    pub fn eos_mask(&self) -> TokenMask {
        TokenMask::new(self.vocabulary.trie().eos_token_set())
    }

    /// Every token but those that begin with `bytes` and go on.
    pub fn all_but_longer_than(&self, bytes: &[u8]) -> TokenMask {
        let trie = self.vocabulary.trie();
        let mut longer = trie.alloc_token_set();
        trie.add_bias(&mut Longer { bytes, depth: 0 }, &mut longer, &[]);
        let tokens = (0..trie.vocab_size() as u32).filter(|token| {
            let spelled = trie.token(*token);
            !(longer.is_allowed(*token) && spelled.len() > bytes.len())
        });
        TokenMask::of(trie.vocab_size(), tokens)
    }
}

/// Walks to `bytes` and everything below.
struct Longer<'a> {
    bytes: &'a [u8],
    depth: usize,
}

impl Recognizer for Longer<'_> {
    fn pop_bytes(&mut self, num: usize) {
        self.depth -= num;
    }

    fn collapse(&mut self) {}

    fn trie_finished(&mut self) {}

    fn try_push_byte(&mut self, byte: u8) -> bool {
        let fits = self.bytes.get(self.depth).is_none_or(|its| *its == byte);
        self.depth += usize::from(fits);
        fits
    }
}

fn is_plain(bytes: &[u8]) -> bool {
    let is_mark = |c: char| c == '[' || QUOTATION_MARKS.iter().any(|(open, _)| *open == c);
    !bytes.is_empty() && std::str::from_utf8(bytes).is_ok_and(|text| !text.contains(is_mark))
}

/// Where the text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    within: Within,
    /// The first bytes of a character that is not whole yet.
    begun: [u8; 4],
    begun_len: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Within {
    /// Between quotations.
    Text,
    /// In a quotation, after a piece of a passage; `close` ends it.
    Quotation { close: char, piece: State, is_empty: bool },
    /// After a `[`, and blanks perhaps.
    Bracket,
    /// In the digits of a mark.
    Mark { number: u32, num_digits: u8 },
    /// After a number and blanks, before a comma or the end.
    AfterMark,
    /// After a comma, before the next number.
    BeforeMark,
}

/// Longest number of a mark.
const MAX_DIGITS: u8 = 3;

/// Reads an answer under a [`QuoteLock`].
pub struct QuoteMatcher {
    vocabulary: Arc<QuoteVocabulary>,
    lock: Lock,
    place: Place,
}

struct Lock {
    pieces: SuffixAutomaton,
    marks: Vec<u32>,
}

impl QuoteMatcher {
    pub fn new(lock: &QuoteLock, vocabulary: Arc<QuoteVocabulary>) -> Self {
        let pieces = SuffixAutomaton::new(lock.passages.iter().map(String::as_str));
        let marks = lock.marks.iter().filter_map(|mark| u32::try_from(*mark).ok()).collect();
        Self { vocabulary, lock: Lock { pieces, marks }, place: Place::START }
    }

    /// The tokens that may come next.
    pub fn mask(&self) -> TokenMask {
        let (trie, free) = (self.vocabulary.vocabulary.trie(), self.place == Place::START);
        let (walked, mut allowed) =
            if free { (&self.vocabulary.rest, self.vocabulary.plain.clone()) } else { (trie, trie.alloc_token_set()) };
        let mut walk = Walk { lock: &self.lock, places: vec![self.place] };
        walked.add_bias(&mut walk, &mut allowed, &[]);
        if free {
            // An open quotation or bracket is closed first.
            trie.eos_tokens()
                .iter()
                .filter(|eos| (**eos as usize) < trie.vocab_size())
                .for_each(|eos| allowed.allow_token(*eos));
        }
        TokenMask::new(allowed)
    }

    /// Takes a token in.
    ///
    /// # Errors
    /// Where the mask did not allow it.
    pub fn advance(&mut self, token: u32) -> Result<(), String> {
        for byte in self.vocabulary.bytes(token) {
            self.place = self.lock.follow(self.place, *byte).ok_or("a token went past the quote lock")?;
        }
        Ok(())
    }
}

/// The places along the way down the trie.
struct Walk<'a> {
    lock: &'a Lock,
    places: Vec<Place>,
}

impl Recognizer for Walk<'_> {
    fn pop_bytes(&mut self, num: usize) {
        self.places.truncate(self.places.len() - num);
    }

    fn collapse(&mut self) {}

    fn trie_finished(&mut self) {}

    fn try_push_byte(&mut self, byte: u8) -> bool {
        let place = self.places.last().expect("the walk begins at a place");
        match self.lock.follow(*place, byte) {
            Some(next) => {
                self.places.push(next);
                true
            }
            None => false,
        }
    }
}

impl Place {
    const START: Self = Self { within: Within::Text, begun: [0; 4], begun_len: 0 };

    fn at(within: Within) -> Self {
        Self { within, ..Self::START }
    }
}

impl Lock {
    /// The place after one more byte; `None` where it may not stand here.
    fn follow(&self, place: Place, byte: u8) -> Option<Place> {
        let mut next = place;
        next.begun[usize::from(place.begun_len)] = byte;
        next.begun_len += 1;
        let bytes = &next.begun[..usize::from(next.begun_len)];
        match std::str::from_utf8(bytes) {
            Ok(text) => {
                let c = text.chars().next()?;
                self.follow_char(place.within, c, bytes).map(Place::at)
            }
            // What may still become a character.
            Err(error) if error.error_len().is_none() && self.may_begin(place.within, bytes) => Some(next),
            Err(_) => None,
        }
    }

    /// Whether a character that begins with `bytes` may stand here.
    fn may_begin(&self, within: Within, bytes: &[u8]) -> bool {
        match within {
            Within::Text | Within::Bracket => true,
            Within::Quotation { close, piece, is_empty } => {
                let mut spelled = [0; 4];
                let closes = !is_empty && close.encode_utf8(&mut spelled).as_bytes().starts_with(bytes);
                closes || self.walk(piece, bytes).is_some()
            }
            // Digits, blanks, commas and brackets are single bytes.
            Within::Mark { .. } | Within::AfterMark | Within::BeforeMark => false,
        }
    }

    fn walk(&self, piece: State, bytes: &[u8]) -> Option<State> {
        bytes.iter().try_fold(piece, |state, byte| self.pieces.follow(state, *byte))
    }

    fn follow_char(&self, within: Within, c: char, bytes: &[u8]) -> Option<Within> {
        match within {
            Within::Text => Some(free(c)),
            Within::Quotation { close, is_empty, .. } if c == close => (!is_empty).then_some(Within::Text),
            Within::Quotation { close, piece, .. } => {
                let piece = self.walk(piece, bytes)?;
                Some(Within::Quotation { close, piece, is_empty: false })
            }
            Within::Bracket | Within::BeforeMark if c == ' ' => Some(within),
            Within::Bracket | Within::BeforeMark if c.is_ascii_digit() => self.digit(0, 0, c),
            // No mark: brackets are used in other ways too.
            Within::Bracket => Some(free(c)),
            Within::Mark { number, num_digits } if c.is_ascii_digit() => self.digit(number, num_digits, c),
            Within::Mark { number, .. } => self.marks.contains(&number).then(|| after_number(c)).flatten(),
            Within::AfterMark => after_number(c),
            Within::BeforeMark => None,
        }
    }

    /// A further digit, where some mark goes on so.
    fn digit(&self, number: u32, num_digits: u8, digit: char) -> Option<Within> {
        let number = number * 10 + digit.to_digit(10)?;
        // A zero leads no number.
        if number == 0 || num_digits == MAX_DIGITS {
            return None;
        }
        let begins = |mark: &u32| {
            let mut rest = *mark;
            while rest > number {
                rest /= 10;
            }
            rest == number
        };
        self.marks.iter().any(begins).then_some(Within::Mark { number, num_digits: num_digits + 1 })
    }
}

/// Where a character of free text leads.
fn free(c: char) -> Within {
    match QUOTATION_MARKS.iter().find(|(open, _)| *open == c) {
        Some((_, close)) => Within::Quotation { close: *close, piece: SuffixAutomaton::START, is_empty: true },
        None if c == '[' => Within::Bracket,
        None => Within::Text,
    }
}

fn after_number(c: char) -> Option<Within> {
    match c {
        ' ' => Some(Within::AfterMark),
        ',' => Some(Within::BeforeMark),
        ']' => Some(Within::Text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(lock: &QuoteLock, text: &str) -> bool {
        let pieces = SuffixAutomaton::new(lock.passages.iter().map(String::as_str));
        let lock = Lock { pieces, marks: lock.marks.iter().map(|mark| *mark as u32).collect() };
        let end = text.bytes().try_fold(Place::START, |place, byte| lock.follow(place, byte));
        end == Some(Place::START)
    }

    fn lock() -> QuoteLock {
        let passages = vec!["구매수수료는 과세가격에 포함되지 않는다.".into(), "It is [not] added.".into()];
        QuoteLock { passages, marks: vec![1, 12] }
    }

    #[test]
    fn a_quotation_is_a_piece_of_a_passage() {
        assert!(accepts(&lock(), "법은 \"과세가격에 포함되지\"라고 한다. “It is [not]” and 「added」."));
        assert!(!accepts(&lock(), "\"과세가격에 포함된다\""));
        assert!(!accepts(&lock(), "“It was”"));
        assert!(!accepts(&lock(), "\"\""), "an empty quotation says nothing");
        assert!(!accepts(&lock(), "\"added"), "an open quotation is not the end");
        assert!(!accepts(&lock(), "\"않는다.It\""), "no piece reaches over two passages");
    }

    #[test]
    fn a_mark_names_a_given_number() {
        assert!(accepts(&lock(), "So it is [1], [12] and [ 1 , 12 ]; see [sic] and [가]."));
        for wrong in ["[2]", "[11]", "[121]", "[1, 2]", "[01]", "[1", "[1 x]", "[0]"] {
            assert!(!accepts(&lock(), wrong), "{wrong}");
        }
    }

    #[test]
    fn free_text_is_free_but_must_be_text() {
        assert!(accepts(&QuoteLock::default(), "Nothing is quoted, isn't it? 5\u{2032} 관세"));
        let lock = Lock { pieces: SuffixAutomaton::new([]), marks: Vec::new() };
        assert_eq!(lock.follow(Place::START, 0x80), None);
    }
}
