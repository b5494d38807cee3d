//! The tokens that may come next.

use llguidance::toktrie::SimpleVob;

/// A set of tokens. What lies beyond the vocabulary (logits are often padded) is never in it.
#[derive(Clone, Debug)]
pub struct TokenMask(SimpleVob);

impl TokenMask {
    pub fn new(set: SimpleVob) -> Self {
        Self(set)
    }

    /// The set of these tokens, in a vocabulary of `vocab_len`.
    pub fn of(vocab_len: usize, tokens: impl IntoIterator<Item = u32>) -> Self {
        let mut set = SimpleVob::alloc(vocab_len);
        tokens.into_iter().for_each(|token| set.allow_token(token));
        Self(set)
    }

    pub fn allows(&self, token: u32) -> bool {
        (token as usize) < self.0.len() && self.0.is_allowed(token)
    }

    /// The tokens that are in `other` too; `None` where there are none.
    pub fn narrowed(&self, other: &Self) -> Option<Self> {
        let mut set = self.0.clone();
        set.and(&other.0);
        Some(Self(set)).filter(|mask| !mask.is_empty())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_zero()
    }

    /// The tokens below `vocab_len`, in order.
    pub fn tokens(&self, vocab_len: usize) -> impl Iterator<Item = u32> {
        self.0.iter().take_while(move |token| (*token as usize) < vocab_len)
    }
}
