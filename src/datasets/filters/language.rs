//! How much of a row is written in its language.

use super::super::Row;
use crate::lang::{Language, is_hangul};

/// The share of the letters that belong to the row's language. In Korean, words in capitals (CIF, WTO, USD) and marks of
/// a clause such as `(b)(iii)` are part of it; other Latin words are not. In English, nothing but Latin letters is.
pub fn purity(row: &Row) -> f64 {
    let text = format!("{} {}", row.question, row.answer);
    let (mut own, mut other) = (0_usize, 0_usize);
    for word in text.split(|c: char| !c.is_alphabetic()) {
        // "1401a(b)(1)(F)", "A물품": a letter or a short run of capitals is a mark, not a word.
        let num_letters = word.chars().count();
        let (hangul, latin) = word.chars().fold((0, 0), |(hangul, latin), c| match c {
            c if is_hangul(c) => (hangul + 1, latin),
            'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}' => (hangul, latin + 1),
            _ => (hangul, latin),
        });
        let foreign = num_letters - hangul - latin;
        let is_mark = word.chars().all(|c| !c.is_lowercase()) || num_letters == 1 || is_roman(word);
        match row.language {
            Language::En => {
                own += latin;
                other += hangul + foreign;
            }
            Language::Ko => {
                own += hangul + if is_mark || hangul > 0 { latin } else { 0 };
                other += foreign + if is_mark || hangul > 0 { 0 } else { latin };
            }
        }
    }
    if own + other == 0 { 0.0 } else { own as f64 / (own + other) as f64 }
}

fn is_roman(word: &str) -> bool {
    word.len() <= 4 && word.chars().all(|c| matches!(c, 'i' | 'v' | 'x'))
}
