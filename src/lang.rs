//! The two languages of the house. In: any text. Out: the [`Language`] it is written in; and what both write alike.
//!
//! Deliberately knows nothing of other languages: a text without Hangul is treated as English, which is the right
//! fallback for codes, names and numbers.

use serde::{Deserialize, Serialize};

/// A language that questions, documents, search and pages are served in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    Ko,
    En,
}

impl Language {
    /// The language of `text`: Korean if Hangul makes up at least a fifth of its letters.
    ///
    /// A fifth, and not a half, because Korean questions in this field are full of Latin terms (CIF, DDP, invoice).
    pub fn detect(text: &str) -> Self {
        let hangul = text.chars().filter(|c| is_hangul(*c)).count();
        let letters = text.chars().filter(|c| c.is_alphabetic()).count();
        if hangul > 0 && hangul * 5 >= letters { Self::Ko } else { Self::En }
    }

    /// The ISO 639-1 code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Ko => "ko",
            Self::En => "en",
        }
    }
}

impl std::fmt::Display for Language {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

/// Whether `c` is a Hangul syllable or letter.
pub fn is_hangul(c: char) -> bool {
    matches!(c, '가'..='힣' | 'ᄀ'..='ᇿ' | '\u{3130}'..='\u{318F}')
}

/// A whole number with commas, as both languages write it.
pub fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "-" } else { "" });
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        let told: Vec<String> = [0, 999, 1_000, -1_234_567, i64::MIN].into_iter().map(grouped).collect();
        assert_eq!(told, ["0", "999", "1,000", "-1,234,567", "-9,223,372,036,854,775,808"]);
    }

    #[test]
    fn a_korean_question_with_latin_terms_is_korean() {
        assert_eq!(Language::detect("DDP 조건이면 invoice 금액이 과세가격인가요?"), Language::Ko);
    }

    #[test]
    fn an_english_question_naming_a_korean_term_is_english() {
        let question = "What does the term 과세가격 mean in the Customs Act of the Republic of Korea?";
        assert_eq!(Language::detect(question), Language::En);
    }
}
