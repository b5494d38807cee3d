//! Names of companies made comparable, and how alike two of them are.
//!
//! A name loses its legal form ((주), 주식회사, Co., Ltd.), its blanks, its marks and its case. Likeness is that of the sets
//! of trigrams; Hangul is taken apart into its letters first, since one wrong letter would else spoil a whole syllable
//! and with it all three trigrams of a short name.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;

/// Legal forms that stand before or behind a Korean name.
const KOREAN_FORMS: &[&str] = &["주식회사", "유한책임회사", "유한회사", "합자회사", "합명회사", "(주)", "(유)", "(합)"];
/// Legal forms at the end of an English name, word by word.
const ENGLISH_FORMS: &[&str] = &["co", "company", "ltd", "limited", "inc", "incorporated", "llc", "plc", "corp"];

/// A name without what does not tell companies apart. Empty where nothing is left.
pub fn plain_name(name: &str) -> String {
    // `㈜` becomes `(주)`, wide letters become plain ones.
    let mut text: String = name.nfkc().collect::<String>().to_lowercase();
    for form in KOREAN_FORMS {
        text = text.replace(form, " ");
    }
    let mut words: Vec<String> = text
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | '.' | '(' | ')'))
        .map(|word| word.chars().filter(|c| c.is_alphanumeric()).collect::<String>())
        .filter(|word| !word.is_empty())
        .collect();
    // A form between name and number still is one (`Hanbit Trading Co., Ltd. 7`), but a name of forms alone stays.
    if words.iter().any(|word| !ENGLISH_FORMS.contains(&word.as_str())) {
        let first_is_form = words.first().is_some_and(|word| ENGLISH_FORMS.contains(&word.as_str()));
        let mut at = 0;
        words.retain(|word| {
            at += 1;
            (at == 1 && first_is_form) || !ENGLISH_FORMS.contains(&word.as_str())
        });
    }
    words.concat()
}

/// The trigrams of a plain name, with two blanks before and one behind, so that its beginning counts more.
pub(super) fn grams(plain: &str) -> BTreeSet<String> {
    let letters: Vec<char> = std::iter::repeat_n(' ', 2).chain(plain.nfd()).chain(std::iter::once(' ')).collect();
    letters.windows(3).map(|gram| gram.iter().collect()).collect()
}

/// Shared over all, of two sets.
pub(super) fn jaccard(shared: usize, a: usize, b: usize) -> f64 {
    shared as f64 / (a + b - shared).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn likeness(a: &str, b: &str) -> f64 {
        let (a, b) = (grams(&plain_name(a)), grams(&plain_name(b)));
        jaccard(a.intersection(&b).count(), a.len(), b.len())
    }

    #[test]
    fn legal_forms_blanks_and_case_do_not_count() {
        for name in ["한빛무역", "(주)한빛무역", "㈜ 한빛 무역", "주식회사 한빛무역", "한빛무역 주식회사"]
        {
            assert_eq!(plain_name(name), "한빛무역", "{name}");
        }
        for name in ["Hanbit Trading", "HANBIT TRADING CO., LTD.", "Hanbit Trading Co.,Ltd", "hanbit-trading, Inc."] {
            assert_eq!(plain_name(name), "hanbittrading", "{name}");
        }
        assert_eq!(plain_name("Hanbit Trading Co., Ltd. 7"), "hanbittrading7");
    }

    #[test]
    fn a_name_of_nothing_but_forms_keeps_them() {
        assert_eq!(plain_name("Co Ltd"), "coltd");
        assert_eq!(plain_name("Company Nine"), "companynine");
        assert_eq!(plain_name("(주)"), "");
    }

    #[test]
    fn one_wrong_letter_of_a_syllable_leaves_names_alike() {
        assert!(likeness("한빛무역", "한빗무역") > 0.5, "{}", likeness("한빛무역", "한빗무역"));
        assert!(likeness("한빛무역", "대양물산") < 0.1);
        assert_eq!(likeness("Hanbit Co.", "(주)HANBIT"), 1.0);
    }
}
