//! Texts of a wanted length, drawn by a seed: the same for the same seed, and with nothing in common otherwise, so that
//! no prefix cache answers what should be computed.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::engine::{Engine, Error, Prompt};

/// Words that common tokenizers know whole.
const WORDS: [&str; 32] = [
    "value", "price", "duty", "goods", "buyer", "seller", "notice", "office", "paper", "order", "ship", "market",
    "country", "service", "sale", "payment", "cost", "part", "company", "contract", "date", "law", "rate", "tax",
    "box", "port", "line", "unit", "year", "report", "letter", "number",
];

/// Texts of one seed, word by word.
pub struct Words {
    rng: ChaCha8Rng,
}

impl Words {
    pub fn new(seed: u64) -> Self {
        Self { rng: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// The next `num_words`, which are about as many tokens.
    pub fn text(&mut self, num_words: usize) -> String {
        let words: Vec<&str> = (0..num_words).map(|_| WORDS[self.rng.random_range(0..WORDS.len())]).collect();
        words.join(" ")
    }
}

/// A text of at least `len` tokens, hardly more, and its true length.
///
/// # Errors
/// The tokenizer's.
pub fn prompt(engine: &dyn Engine, len: usize, seed: u64) -> Result<(Prompt, usize), Error> {
    let mut words = Words::new(seed);
    let mut text = words.text(len.div_ceil(2));
    loop {
        let prompt = Prompt::Text(text.clone());
        let num_tokens = engine.count_tokens(&prompt)?;
        if num_tokens >= len {
            return Ok((prompt, num_tokens));
        }
        // Half of what is missing: a tokenizer may take two tokens for a word.
        text = text + " " + &words.text((len - num_tokens).div_ceil(2));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_says_the_same_and_another_something_else() {
        assert_eq!(Words::new(1).text(40), Words::new(1).text(40));
        assert_ne!(Words::new(1).text(16), Words::new(2).text(16));
        assert_eq!(Words::new(3).text(40).split(' ').count(), 40);
    }
}
