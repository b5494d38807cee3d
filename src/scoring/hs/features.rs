//! Text to weighted features: words and pairs of words, and runs of 2 to 5 characters within a word, in any script.
//!
//! In: a description. Out: [`Grams`], which depend on the text alone, and unit vectors once a [`Space`] has learnt how
//! rare each gram is. Korean needs no analysis of its own here: particles are short, and the runs before them are shared.
//! Words and runs are each scaled to length 1 first, so that a long word does not drown its neighbours.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;

/// Features of a text with 1 + ln of how often each occurs; ascending by feature.
pub type Grams = Vec<(u64, f32)>;
/// Sparse and of length 1 (or 0): place of a feature in its space, weight.
pub type Vector = Vec<(u32, f32)>;

/// Lengths of runs of characters, the marks of a word's ends included.
const RUNS: std::ops::RangeInclusive<usize> = 2..=5;
/// Weight of a word that stands above a text beside one of its own.
const CONTEXT: f32 = 0.4;
/// The bit that tells runs from words.
const RUN: u64 = 1;

/// A description as it is compared: one form of each character, lower case, words apart by single blanks.
pub fn normalised(text: &str) -> String {
    let text: String = text.nfkc().flat_map(char::to_lowercase).collect();
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

pub fn grams(text: &str) -> Grams {
    let text = normalised(text);
    let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    let mut found = Vec::new();
    found.extend(words.iter().map(|word| hash(&[word]) & !RUN));
    found.extend(words.windows(2).map(|pair| hash(pair) & !RUN));
    for word in &words {
        let marked: Vec<char> = format!("^{word}$").chars().collect();
        for len in RUNS {
            found.extend(marked.windows(len).map(|run| hash(&[&run.iter().collect::<String>()]) | RUN));
        }
    }
    found.sort_unstable();
    found.chunk_by(|a, b| a == b).map(|equal| (equal[0], 1.0 + (equal.len() as f32).ln())).collect()
}

/// Features of a text and, at [`CONTEXT`] of their weight, of what stands above it.
pub fn in_context(text: &str, context: &str) -> Grams {
    let mut both: HashMap<u64, f32> =
        grams(context).into_iter().map(|(gram, weight)| (gram, CONTEXT * weight)).collect();
    for (gram, weight) in grams(text) {
        let found = both.entry(gram).or_insert(0.0);
        *found = found.max(weight);
    }
    let mut both: Grams = both.into_iter().collect();
    both.sort_unstable_by_key(|(gram, _)| *gram);
    both
}

/// FNV-1a over the parts, a byte that no text has between them.
fn hash(parts: &[&str]) -> u64 {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0xff]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// The features of the texts learnt from, and how rare each is.
#[derive(Clone, Debug, Default)]
pub struct Space {
    places: HashMap<u64, u32>,
    /// ln((1 + texts) / (1 + texts with it)) + 1, by place.
    rarity: Vec<f32>,
    /// Rarity of a feature that no text had.
    unseen: f32,
}

impl Space {
    pub fn fit<'a>(texts: impl IntoIterator<Item = &'a Grams>) -> Self {
        let mut places = HashMap::new();
        let mut counts: Vec<u32> = Vec::new();
        let mut num_texts = 0;
        for grams in texts {
            num_texts += 1;
            for (gram, _) in grams {
                let place = *places.entry(*gram).or_insert(counts.len() as u32);
                if place as usize == counts.len() {
                    counts.push(0);
                }
                counts[place as usize] += 1;
            }
        }
        let rarity = |count: u32| ((1 + num_texts) as f32 / (1 + count) as f32).ln() + 1.0;
        Self { places, rarity: counts.iter().map(|count| rarity(*count)).collect(), unseen: rarity(0) }
    }

    pub fn len(&self) -> usize {
        self.rarity.len()
    }

    /// The vector of a text, and which share of its words (by squared weight) the space knows.
    pub fn vector(&self, grams: &Grams) -> (Vector, f32) {
        let mut vector = Vector::with_capacity(grams.len());
        let mut is_run = Vec::with_capacity(grams.len());
        let (mut squares, mut unknown) = ([0.0_f32; 2], 0.0);
        for (gram, weight) in grams {
            let (block, weight) = ((gram & RUN) as usize, *weight);
            match self.places.get(gram) {
                Some(place) => {
                    let weight = weight * self.rarity[*place as usize];
                    squares[block] += weight * weight;
                    vector.push((*place, weight));
                    is_run.push(block);
                }
                None if block == 0 => unknown += (weight * self.unseen).powi(2),
                None => {}
            }
        }
        let known = if squares[0] > 0.0 { squares[0] / (squares[0] + unknown) } else { 0.0 };
        let blocks = squares.iter().filter(|square| **square > 0.0).count() as f32;
        for ((_, weight), block) in vector.iter_mut().zip(is_run) {
            *weight /= (squares[block] * blocks).sqrt();
        }
        (vector, known)
    }

    /// Least, mean and greatest rarity of the words of a text.
    pub fn rarity(&self, grams: &Grams) -> [f32; 3] {
        let words = grams.iter().filter(|(gram, _)| gram & RUN == 0);
        let rarities: Vec<f32> =
            words.map(|(gram, _)| self.places.get(gram).map_or(self.unseen, |at| self.rarity[*at as usize])).collect();
        if rarities.is_empty() {
            return [self.unseen; 3];
        }
        let least = rarities.iter().copied().fold(f32::INFINITY, f32::min);
        let greatest = rarities.iter().copied().fold(0.0, f32::max);
        [least, rarities.iter().sum::<f32>() / rarities.len() as f32, greatest]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_its_words_pairs_and_runs() {
        // Words ab, cd; pair ab cd; of ^ab$ the runs ^a ab b$ ^ab ab$ ^ab$, of ^cd$ as many.
        assert_eq!(grams("AB-cd").len(), 3 + 6 + 6);
        // The pair ab ab once; the word and its six runs twice.
        let twice: f32 = grams("ab ab").iter().map(|(_, weight)| weight).sum();
        assert!((twice - (1.0 + 7.0 * (1.0 + 2.0_f32.ln()))).abs() < 1e-5);
        assert_eq!(in_context("ab", "ab cd").iter().filter(|(_, weight)| *weight == CONTEXT).count(), 1 + 1 + 6);
        assert_eq!(normalised("  Ｗireless—Ear-buds，2개 "), "wireless ear buds 2개");
        assert_eq!(normalised("이어폰"), normalised("\u{110b}\u{1175}\u{110b}\u{1165}\u{1111}\u{1169}\u{11ab}"));
        assert!(grams(" ,;").is_empty());
    }

    #[test]
    fn vectors_have_length_one_and_rare_words_weigh_more() {
        let texts = [grams("tea green"), grams("tea black"), grams("tea")];
        let space = Space::fit(&texts);
        let (vector, known) = space.vector(&grams("tea green"));
        assert!((vector.iter().map(|(_, w)| w * w).sum::<f32>() - 1.0).abs() < 1e-5);
        assert_eq!(known, 1.0);
        let weight = |word: &str| {
            let place = space.places[&(hash(&[word]) & !RUN)];
            vector.iter().find(|(at, _)| *at == place).unwrap().1
        };
        // ln(4/2) + 1 against ln(4/4) + 1.
        assert!((weight("green") / weight("tea") - (2.0_f32.ln() + 1.0)).abs() < 1e-5);
        // Words: tea is known with 1, kettle and the pair unknown with ln 4 + 1 each.
        let unseen = 4.0_f32.ln() + 1.0;
        assert!((space.vector(&grams("tea kettle")).1 - 1.0 / (1.0 + 2.0 * unseen * unseen)).abs() < 1e-5);
        assert_eq!(space.vector(&grams("")), (Vec::new(), 0.0));
    }
}
