//! Bytes of a table to text, in one encoding throughout.
//!
//! In: the fields of a row. Out: their text, or the word that this row is in another encoding than those before. Korean
//! systems write UTF-8 or CP949, and tables glued together from both read as rubbish in whichever is assumed, so the
//! first row beyond ASCII decides and a later one that differs is an error.

use std::borrow::Cow;

use encoding_rs::EUC_KR;
use serde::Serialize;

/// What a table is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Encoding {
    #[serde(rename = "utf-8")]
    Utf8,
    /// The superset of EUC-KR that Windows writes.
    #[serde(rename = "cp949")]
    Cp949,
}

impl std::fmt::Display for Encoding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Utf8 => "UTF-8",
            Self::Cp949 => "CP949",
        })
    }
}

/// Holds what the rows so far were written in.
#[derive(Debug, Default)]
pub struct Decoder {
    pub encoding: Option<Encoding>,
}

/// The encoding of one row: `None` where it is plain ASCII, which is both.
fn encoding_of(bytes: &[u8]) -> Result<Option<Encoding>, Undecodable> {
    if bytes.is_ascii() {
        return Ok(None);
    }
    if std::str::from_utf8(bytes).is_ok() {
        return Ok(Some(Encoding::Utf8));
    }
    match EUC_KR.decode_without_bom_handling_and_without_replacement(bytes) {
        Some(_) => Ok(Some(Encoding::Cp949)),
        None => Err(Undecodable),
    }
}

/// Bytes that are in neither encoding.
#[derive(Debug, PartialEq, Eq)]
pub struct Undecodable;

/// What is wrong with a row's bytes.
#[derive(Debug, PartialEq, Eq)]
pub enum Wrong {
    Undecodable,
    /// The rows before were in `before`, this one is in `found`.
    Mixed {
        before: Encoding,
        found: Encoding,
    },
}

impl Decoder {
    /// Settles in which encoding a row is, by all its bytes.
    pub fn settle(&mut self, row: &[u8]) -> Result<(), Wrong> {
        let Some(found) = encoding_of(row).map_err(|Undecodable| Wrong::Undecodable)? else { return Ok(()) };
        match self.encoding {
            Some(before) if before != found => Err(Wrong::Mixed { before, found }),
            _ => {
                self.encoding = Some(found);
                Ok(())
            }
        }
    }

    /// The text of a field of a row that was settled.
    pub fn text<'a>(&self, field: &'a [u8]) -> Cow<'a, str> {
        match self.encoding {
            Some(Encoding::Cp949) => EUC_KR.decode_without_bom_handling(field).0,
            _ => String::from_utf8_lossy(field),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cp949(text: &str) -> Vec<u8> {
        EUC_KR.encode(text).0.into_owned()
    }

    #[test]
    fn the_first_row_beyond_ascii_decides() {
        let mut decoder = Decoder::default();
        decoder.settle(b"1,abc").unwrap();
        assert_eq!(decoder.encoding, None);
        let row = cp949("신고번호,품명");
        decoder.settle(&row).unwrap();
        assert_eq!(decoder.encoding, Some(Encoding::Cp949));
        assert_eq!(decoder.text(&row), "신고번호,품명");
        decoder.settle(b"2,abc").unwrap();
        let mixed = decoder.settle("무선 이어폰".as_bytes());
        assert_eq!(mixed, Err(Wrong::Mixed { before: Encoding::Cp949, found: Encoding::Utf8 }));
    }

    #[test]
    fn cp949_after_utf_8_and_bytes_of_neither_are_told_apart() {
        let mut decoder = Decoder::default();
        decoder.settle("원산지".as_bytes()).unwrap();
        let mixed = decoder.settle(&cp949("원산지"));
        assert_eq!(mixed, Err(Wrong::Mixed { before: Encoding::Utf8, found: Encoding::Cp949 }));
        assert_eq!(decoder.settle(&[b'a', 0xff, 0xff]), Err(Wrong::Undecodable));
    }
}
