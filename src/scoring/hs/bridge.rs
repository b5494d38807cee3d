//! Korean to English, word by word: what a Korean description would find among English texts.
//!
//! In: pairs of names of the same goods. Out: for a Korean text, the features of the English words it most likely stands
//! for. Learnt from the pairs alone by expectation maximisation (Brown et al. 1993, model 1), between parts of Korean
//! words, which need no analysis that way, and English words. A word that everything goes with explains nothing.

use std::collections::HashMap;

use super::features::{Grams, grams, normalised};

/// Lengths of the parts of Korean words.
const PARTS: std::ops::RangeInclusive<usize> = 2..=4;
const STEPS: usize = 5;
/// English words that a text is told in.
const MAX_WORDS: usize = 8;
/// What a part must give a word to be kept: less says nothing and costs room.
const MIN_GIVEN: f32 = 0.02;
/// Shorter English words are mostly articles and prepositions.
const MIN_LETTERS: usize = 3;

/// Which English words the parts of Korean words stand for.
#[derive(Clone, Debug, Default)]
pub struct Bridge {
    words: Vec<String>,
    /// Words with their probabilities, by part.
    given: HashMap<String, Vec<(u32, f32)>>,
}

impl Bridge {
    /// Learns from pairs of a Korean and an English name.
    pub fn fit(pairs: &[(&str, &str)]) -> Self {
        let (mut part_places, mut word_places) = (HashMap::new(), HashMap::new());
        let texts: Vec<(Vec<u32>, Vec<u32>)> = pairs
            .iter()
            .map(|(ko, en)| {
                let parts = parts(ko).into_iter().map(|part| place(&mut part_places, part)).collect();
                let words = words(en).into_iter().map(|word| place(&mut word_places, word)).collect();
                (parts, words)
            })
            .collect();
        let key = |part: u32, word: u32| u64::from(part) << 32 | u64::from(word);
        let mut links: Vec<u64> = texts
            .iter()
            .flat_map(|(parts, words)| parts.iter().flat_map(|p| words.iter().map(|w| key(*p, *w))))
            .collect();
        links.sort_unstable();
        links.dedup();
        let at = |part: u32, word: u32| links.binary_search(&key(part, word)).expect("all links were collected");
        let mut given = vec![1.0 / word_places.len().max(1) as f32; links.len()];
        for _ in 0..STEPS {
            let mut counts = vec![0.0_f32; links.len()];
            for (parts, words) in &texts {
                for word in words {
                    let places: Vec<usize> = parts.iter().map(|part| at(*part, *word)).collect();
                    let all: f32 = places.iter().map(|place| given[*place]).sum();
                    places.iter().for_each(|place| counts[*place] += given[*place] / all);
                }
            }
            let mut start = 0;
            for of_part in links.chunk_by(|a, b| a >> 32 == b >> 32) {
                let range = start..start + of_part.len();
                start = range.end;
                let sum: f32 = counts[range.clone()].iter().sum();
                range.for_each(|at| given[at] = counts[at] / sum.max(f32::MIN_POSITIVE));
            }
        }
        let mut names = vec![String::new(); part_places.len()];
        part_places.into_iter().for_each(|(name, place): (String, u32)| names[place as usize] = name);
        let mut found: HashMap<String, Vec<(u32, f32)>> = HashMap::new();
        for (link, given) in links.iter().zip(given).filter(|(_, given)| *given >= MIN_GIVEN) {
            found.entry(names[(link >> 32) as usize].clone()).or_default().push((*link as u32, given));
        }
        let mut words = vec![String::new(); word_places.len()];
        word_places.into_iter().for_each(|(name, place): (String, u32)| words[place as usize] = name);
        Self { words, given: found }
    }

    /// English features of a Korean text; none where no part of it is known.
    pub fn across(&self, text: &str) -> Grams {
        let mut scores: HashMap<u32, f32> = HashMap::new();
        for part in parts(text) {
            for (word, given) in self.given.get(&part).into_iter().flatten() {
                *scores.entry(*word).or_default() += given;
            }
        }
        let mut ranked: Vec<(u32, f32)> = scores.into_iter().collect();
        ranked.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        ranked.truncate(MAX_WORDS);
        let mut all: HashMap<u64, f32> = HashMap::new();
        let greatest = ranked.first().map_or(1.0, |(_, score)| *score);
        for (word, score) in ranked {
            for (gram, weight) in grams(&self.words[word as usize]) {
                let found = all.entry(gram).or_default();
                *found = found.max(weight * score / greatest);
            }
        }
        let mut all: Grams = all.into_iter().collect();
        all.sort_unstable_by_key(|(gram, _)| *gram);
        all
    }
}

fn place(places: &mut HashMap<String, u32>, name: String) -> u32 {
    let next = places.len() as u32;
    *places.entry(name).or_insert(next)
}

/// Whole words and runs of characters within them, each once.
fn parts(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for word in normalised(text).split(' ').filter(|word| !word.is_empty()) {
        let letters: Vec<char> = word.chars().collect();
        for len in PARTS {
            found.extend(letters.windows(len).map(|run| run.iter().collect::<String>()));
        }
        found.push(word.to_owned());
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn words(text: &str) -> Vec<String> {
    let text = normalised(text);
    let mut found: Vec<String> =
        text.split(' ').filter(|word| word.chars().count() >= MIN_LETTERS).map(str::to_owned).collect();
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compound_is_told_in_the_words_of_its_parts() {
        let pairs = [
            ("커피 분쇄기", "coffee grinders"),
            ("커피", "coffee"),
            ("녹차", "green tea"),
            ("홍차", "black tea"),
            ("고기 분쇄기", "meat grinders"),
            ("고기", "meat"),
        ];
        let bridge = Bridge::fit(&pairs);
        let told = bridge.across("커피분쇄기용");
        let weight = |word: &str| {
            let gram = grams(word).into_iter().map(|(gram, _)| gram).find(|gram| gram & 1 == 0).unwrap();
            told.iter().find(|(found, _)| *found == gram).map_or(0.0, |(_, weight)| *weight)
        };
        assert!(weight("coffee") > 0.3 && weight("grinders") > 0.3, "{} {}", weight("coffee"), weight("grinders"));
        assert!(weight("meat") < 0.1 && weight("tea") == 0.0);
        assert!(bridge.across("의자").is_empty() && Bridge::fit(&[]).across("커피").is_empty());
    }
}
