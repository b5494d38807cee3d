//! Guesses at what a sequence says next, from what it has read and said: prompt lookup decoding (Saxena 2023), the
//! n-gram proposer of vLLM. An answer that quotes its sources says long stretches of them again.
//!
//! In: a sequence's tokens, and afterwards what was really drawn. Out: a [`Guess`] and the chance of each of its tokens.
//! Pure. Whether a guess is worth a row in the forward pass is [`super::step_cost`]'s business; guesses are made and
//! scored even when they are not run, so that a sequence that begins to quote is noticed without a probe that costs.

/// Most tokens guessed at once: a chance of 0.95 a token is then down to 0.44.
pub const MAX_GUESS: usize = 16;

/// Longest match that is told from longer ones; see [`class`].
const MAX_MATCH: usize = 12;

/// Classes of matches by length.
const NUM_CLASSES: usize = 6;

/// Share of guesses that come true, by the class of match, where nothing is known of the sequence yet.
const PRIOR: [f64; NUM_CLASSES] = [0.15, 0.3, 0.4, 0.55, 0.7, 0.85];
/// The guesses that [`PRIOR`] counts as.
const PRIOR_WEIGHT: f64 = 6.0;
/// What an observation still weighs after the next one: the last 20 count.
const MEMORY: f64 = 0.95;

/// The tokens that followed when the sequence last said what it has just said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guess {
    pub tokens: Vec<u32>,
    /// Tokens before it that are equal, counted up to a bound.
    match_len: usize,
}

impl Guess {
    /// At most [`MAX_GUESS`] tokens; none where the last token is new. Of the longest matches, the latest.
    pub fn of(tokens: &[u32]) -> Self {
        let Some((&last, before)) = tokens.split_last() else { return Self::default() };
        let mut best = (0, 0);
        // Ends of matches, the latest first.
        for end in (1..=before.len()).rev().filter(|end| before[end - 1] == last) {
            let equal = tokens[..end].iter().rev().zip(tokens.iter().rev()).take(MAX_MATCH);
            let len = equal.take_while(|(a, b)| a == b).count();
            if len > best.0 {
                best = (len, end);
            }
            if len == MAX_MATCH {
                break;
            }
        }
        let (match_len, end) = best;
        if match_len == 0 {
            return Self::default();
        }
        // Where the match reaches into the end, what lies between repeats: a list, or a model caught in a loop.
        let followed = tokens[end..].iter().copied().cycle();
        Self { tokens: followed.take(MAX_GUESS).collect(), match_len }
    }
}

/// The class of a guessed token by how many tokens before it matched: the longer, the likelier it comes true.
fn class(match_len: usize) -> usize {
    match match_len {
        0 | 1 => 0,
        2 => 1,
        3 => 2,
        4 | 5 => 3,
        6..=9 => 4,
        _ => 5,
    }
}

/// How guesses have fared in one sequence.
#[derive(Clone, Debug)]
pub struct Record {
    /// Guesses that came true and guesses made, both fading.
    classes: [(f64, f64); NUM_CLASSES],
}

impl Default for Record {
    fn default() -> Self {
        Self { classes: PRIOR.map(|share| (share * PRIOR_WEIGHT, PRIOR_WEIGHT)) }
    }
}

impl Record {
    /// For each token of `guess` the chance that it and all before it come true; never rises.
    pub fn chances(&self, guess: &Guess) -> Vec<f64> {
        let mut chance = 1.0;
        let tokens = guess.match_len..guess.match_len + guess.tokens.len();
        let chances = tokens.map(|match_len| {
            let (hits, total) = self.classes[class(match_len)];
            chance *= hits / total;
            chance
        });
        chances.collect()
    }

    /// Takes note of what was drawn in place of `guess`.
    pub fn observe(&mut self, guess: &Guess, drawn: &[u32]) {
        for (nth, (guessed, drawn)) in guess.tokens.iter().zip(drawn).enumerate() {
            let (hits, total) = &mut self.classes[class(guess.match_len + nth)];
            *hits = *hits * MEMORY + f64::from(u8::from(guessed == drawn));
            *total = *total * MEMORY + 1.0;
            if guessed != drawn {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_longest_match_wins_over_a_later_one() {
        let guess = Guess::of(&[1, 2, 3, 4, 5, 9, 3, 7, 7, 1, 2, 3]);
        assert_eq!((&guess.tokens[..4], guess.match_len), (&[4, 5, 9, 3][..], 3));
    }

    #[test]
    fn of_equal_matches_the_latest_wins() {
        assert_eq!(Guess::of(&[3, 4, 8, 3, 5, 9, 3]).tokens[..2], [5, 9]);
    }

    #[test]
    fn a_loop_is_guessed_beyond_its_end() {
        let guess = Guess::of(&[0, 5, 6, 5, 6]);
        assert_eq!(guess.tokens, [5, 6].repeat(MAX_GUESS / 2));
    }

    #[test]
    fn what_was_never_said_is_not_guessed() {
        assert_eq!(Guess::of(&[1, 2, 3]), Guess::default());
        assert_eq!(Guess::of(&[]), Guess::default());
    }

    #[test]
    fn chances_follow_what_came_true() {
        let guess = Guess { tokens: vec![7, 8, 9], match_len: 2 };
        let (mut quoting, mut free) = (Record::default(), Record::default());
        for _ in 0..40 {
            quoting.observe(&guess, &[7, 8, 9]);
            free.observe(&guess, &[1]);
        }
        assert!(quoting.chances(&guess)[2] > 0.7, "{:?}", quoting.chances(&guess));
        assert!(free.chances(&guess)[0] < 0.06, "{:?}", free.chances(&guess));
        // Both have changed their ways.
        for _ in 0..40 {
            quoting.observe(&guess, &[1]);
            free.observe(&guess, &[7, 8, 9]);
        }
        assert!(quoting.chances(&guess)[0] < 0.2 && free.chances(&guess)[0] > 0.8);
    }

    proptest! {
        #[test]
        fn a_guess_is_what_followed_its_match(tokens in prop::collection::vec(0u32..4, 0..60)) {
            let guess = Guess::of(&tokens);
            let len = tokens.len();
            let longest = (0..len.saturating_sub(1))
                .map(|end| (1..=MAX_MATCH.min(end + 1)).take_while(|n| tokens[end + 1 - n..=end] == tokens[len - n..]).count())
                .max()
                .unwrap_or(0);
            prop_assert_eq!(guess.match_len, longest);
            prop_assert_eq!(guess.tokens.len(), if longest > 0 { MAX_GUESS } else { 0 });
            let chances = Record::default().chances(&guess);
            prop_assert!(chances.is_sorted_by(|a, b| a >= b) && chances.iter().all(|c| (0.0..=1.0).contains(c)));
        }
    }
}
