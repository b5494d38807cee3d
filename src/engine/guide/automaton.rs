//! A suffix automaton: the smallest machine that accepts exactly the pieces of a text. Built in one pass, in time and
//! space linear in the text (Blumer et al., 1985; the construction is the usual online one).

/// A place in the automaton: every text that leads here ends at the same places of the original.
pub type State = u32;

/// Accepts every substring of the texts it was built from.
#[derive(Debug)]
pub struct SuffixAutomaton {
    states: Vec<Node>,
}

#[derive(Clone, Debug, Default)]
struct Node {
    /// Length of the longest text that leads here.
    len: u32,
    /// The state of the longest suffix that stands elsewhere too.
    link: Option<State>,
    next: Vec<(u8, State)>,
}

impl Node {
    fn follow(&self, byte: u8) -> Option<State> {
        self.next.iter().find(|(its, _)| *its == byte).map(|(_, state)| *state)
    }

    fn set(&mut self, byte: u8, state: State) {
        match self.next.iter_mut().find(|(its, _)| *its == byte) {
            Some((_, its)) => *its = state,
            None => self.next.push((byte, state)),
        }
    }
}

impl SuffixAutomaton {
    pub const START: State = 0;

    /// The automaton of several texts; no piece reaches from one into the next.
    pub fn new<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut automaton = Self { states: vec![Node::default()] };
        for text in texts {
            let mut last = Self::START;
            for &byte in text.as_bytes() {
                last = automaton.extend(last, byte);
            }
        }
        automaton
    }

    /// The state after one more byte; `None` where no text goes on so.
    pub fn follow(&self, state: State, byte: u8) -> Option<State> {
        self.states[state as usize].follow(byte)
    }

    /// Appends `byte` to the text that ends at `last`.
    fn extend(&mut self, last: State, byte: u8) -> State {
        // An earlier text may have gone this way already.
        if let Some(known) = self.states[last as usize].follow(byte) {
            if self.states[known as usize].len == self.states[last as usize].len + 1 {
                return known;
            }
            return self.split(last, known, byte);
        }
        let fresh = self.push(Node { len: self.states[last as usize].len + 1, ..Node::default() });
        let mut at = Some(last);
        while let Some(state) = at {
            if let Some(known) = self.states[state as usize].follow(byte) {
                let link = if self.states[known as usize].len == self.states[state as usize].len + 1 {
                    known
                } else {
                    self.split(state, known, byte)
                };
                self.states[fresh as usize].link = Some(link);
                return fresh;
            }
            self.states[state as usize].set(byte, fresh);
            at = self.states[state as usize].link;
        }
        self.states[fresh as usize].link = Some(Self::START);
        fresh
    }

    /// Parts the shorter texts of `known`, which `from` and its suffixes reach, from its longer ones.
    fn split(&mut self, from: State, known: State, byte: u8) -> State {
        let len = self.states[from as usize].len + 1;
        let twin = self.push(Node { len, ..self.states[known as usize].clone() });
        self.states[known as usize].link = Some(twin);
        let mut at = Some(from);
        while let Some(state) = at {
            if self.states[state as usize].follow(byte) != Some(known) {
                break;
            }
            self.states[state as usize].set(byte, twin);
            at = self.states[state as usize].link;
        }
        twin
    }

    fn push(&mut self, node: Node) -> State {
        self.states.push(node);
        (self.states.len() - 1) as State
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn accepts(automaton: &SuffixAutomaton, piece: &str) -> bool {
        let start = Some(SuffixAutomaton::START);
        piece.bytes().fold(start, |state, byte| automaton.follow(state?, byte)).is_some()
    }

    #[test]
    fn no_piece_reaches_from_one_text_into_the_next() {
        let automaton = SuffixAutomaton::new(["과세가격", "가격결정"]);
        assert!(accepts(&automaton, "세가격") && accepts(&automaton, "가격결"));
        assert!(!accepts(&automaton, "과세가격결"));
    }

    proptest! {
        #[test]
        fn it_accepts_exactly_the_substrings(
            texts in prop::collection::vec("[ab가]{0,12}", 1..4),
            piece in "[ab가]{1,6}",
        ) {
            let automaton = SuffixAutomaton::new(texts.iter().map(String::as_str));
            let stands = texts.iter().any(|text| text.contains(&piece));
            prop_assert_eq!(accepts(&automaton, &piece), stands);
            for text in &texts {
                for (at, _) in text.char_indices() {
                    prop_assert!(accepts(&automaton, &text[at..]));
                }
            }
            let num_bytes: usize = texts.iter().map(String::len).sum();
            prop_assert!(automaton.states.len() <= 2 * num_bytes + 1);
        }
    }
}
