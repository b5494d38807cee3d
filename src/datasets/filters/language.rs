//! How much of a row is written in its language.

use super::super::Row;
use crate::lang::{Language, is_hangul};

/// The share of the letters that belong to the row's language. In Korean, words in capitals (CIF, WTO, USD) and marks of
/// a clause such as `(b)(iii)` are part of it; other Latin words are not. In English, nothing but Latin letters is.
pub fn purity(row: &Row) -> f64 {
    let text = format!("{} {}", row.question, row.answer);
    let (mut own, mut other) = (0_usize, 0_usize);
    for run in runs(&text) {
        let num_letters = run.chars().count();
        let (is_own, is_latin) = match run.chars().next() {
            Some(c) if is_hangul(c) => (row.language == Language::Ko, false),
            Some(c) => (row.language == Language::En && is_latin(c), is_latin(c)),
            None => (false, false),
        };
        // "CIF", "A물품", "(b)(iii)": capitals, single letters and Roman numbers are marks, not words.
        let is_mark = is_latin && (run.chars().all(|c| !c.is_lowercase()) || num_letters == 1 || is_roman(run));
        if is_own || (row.language == Language::Ko && is_mark) {
            own += num_letters;
        } else {
            other += num_letters;
        }
    }
    if own + other == 0 { 0.0 } else { own as f64 / (own + other) as f64 }
}

fn is_latin(c: char) -> bool {
    matches!(c, 'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}')
}

/// The runs of letters of one script.
fn runs(text: &str) -> impl Iterator<Item = &str> {
    let script = |c: char| (is_hangul(c), is_latin(c));
    text.split(|c: char| !c.is_alphabetic()).flat_map(move |word| {
        let mut starts: Vec<usize> = vec![0];
        let mut before = None;
        for (at, c) in word.char_indices() {
            if before.is_some_and(|before| before != script(c)) {
                starts.push(at);
            }
            before = Some(script(c));
        }
        starts.push(word.len());
        let pieces: Vec<&str> = starts.windows(2).map(|ends| &word[ends[0]..ends[1]]).collect();
        pieces.into_iter().filter(|piece| !piece.is_empty())
    })
}

fn is_roman(word: &str) -> bool {
    word.len() <= 4 && word.chars().all(|c| matches!(c, 'i' | 'v' | 'x'))
}
