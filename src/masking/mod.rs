//! Personal data in Korean and English text: found, and replaced by tokens such as `⟦전화-1⟧` that only whoever holds the
//! mapping can turn back.
//!
//! In: any text. Out: [`Found`] spans, or the [`Masked`] text with its mapping. Numbers that customs papers are full of
//! and that name no person (business registrations, HS codes, declarations, bills of lading, invoices) stay. Rules, not
//! a model: what is masked can be told beforehand and does not change from one day to the next. Names and addresses are
//! not looked for.

mod checks;
mod rules;

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// What a piece of personal data is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Resident registration number.
    Resident,
    /// Registration number of a foreigner.
    Foreigner,
    Card,
    Phone,
    Email,
    Passport,
    /// Driving licence.
    Licence,
    /// Bank account, where the text says that it is one.
    Account,
}

impl Kind {
    /// In English.
    pub fn name(self) -> &'static str {
        match self {
            Self::Resident => "a resident registration number",
            Self::Foreigner => "a foreigner's registration number",
            Self::Card => "a card number",
            Self::Phone => "a phone number",
            Self::Email => "an e-mail address",
            Self::Passport => "a passport number",
            Self::Licence => "a driving licence number",
            Self::Account => "a bank account number",
        }
    }

    /// In a token, which has to be understood in a Korean and in an English text alike.
    fn token(self) -> &'static str {
        match self {
            Self::Resident => "주민등록번호",
            Self::Foreigner => "외국인등록번호",
            Self::Card => "카드",
            Self::Phone => "전화",
            Self::Email => "메일",
            Self::Passport => "여권",
            Self::Licence => "면허",
            Self::Account => "계좌",
        }
    }
}

/// A piece of personal data in a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    pub kind: Kind,
    /// In bytes.
    #[serde(flatten)]
    pub span: Range<usize>,
}

/// A text without its personal data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Masked {
    pub text: String,
    /// Each token with what it stands for. Whoever has this can undo the masking; keep it apart from the text, or drop
    /// it.
    pub mapping: Vec<(String, String)>,
}

/// The personal data in `text`, in order, none within another.
pub fn find(text: &str) -> Vec<Found> {
    rules::find(text)
}

/// Replaces the personal data in `text`. The same value gets the same token throughout.
pub fn mask(text: &str) -> Masked {
    let mut masked = Masked::default();
    let mut copied = 0;
    for Found { kind, span } in find(text) {
        masked.text.push_str(&text[copied..span.start]);
        copied = span.end;
        let value = &text[span];
        let known = masked.mapping.iter().find(|(token, known)| known == value && token.contains(kind.token()));
        let token = match known {
            Some((token, _)) => token.clone(),
            None => {
                let prefix = format!("⟦{}-", kind.token());
                let number = 1 + masked.mapping.iter().filter(|(token, _)| token.starts_with(&prefix)).count();
                let token = format!("{prefix}{number}⟧");
                masked.mapping.push((token.clone(), value.to_owned()));
                token
            }
        };
        masked.text.push_str(&token);
    }
    masked.text.push_str(&text[copied..]);
    masked
}

/// Puts back what was masked.
pub fn unmask(text: &str, mapping: &[(String, String)]) -> String {
    mapping.iter().fold(text.to_owned(), |text, (token, value)| text.replace(token, value))
}

#[cfg(test)]
mod tests;
