//! One pattern a kind, each with what must stand around it or be true of its digits.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::checks::{Registered, card, digits, registration};
use super::{Found, Kind};

fn pattern(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a valid pattern")
}

static EMAIL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)[a-z0-9][a-z0-9._%+\-]*@[a-z0-9](?:[a-z0-9\-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9\-]*[a-z0-9])?)*\.[a-z]{2,}",
    )
});
static REGISTRATION: LazyLock<Regex> = LazyLock::new(|| pattern(r"\d{6}(?:[\- ]?)\d{7}"));
static CARD: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\d{4}[\- ]\d{4}[\- ]\d{4}[\- ]\d{4}|\d{4}[\- ]\d{6}[\- ]\d{5}|\d{15,16}"));
static PHONE: LazyLock<Regex> = LazyLock::new(|| {
    let korean = [
        // Mobile phones, numbers of the internet and of convenience.
        r"01[016789](?:[\-. ]?)\d{3,4}(?:[\-. ]?)\d{4}",
        r"0(?:70|80|50\d)[\-. ]\d{3,4}[\-. ]\d{4}",
        // Landlines by area.
        r"\(0(?:2|3[1-3]|4[1-4]|5[1-5]|6[1-4])\) ?\d{3,4}[\- ]\d{4}",
        r"0(?:2|3[1-3]|4[1-4]|5[1-5]|6[1-4])[\-. ]\d{3,4}[\-. ]\d{4}",
        // Hotlines.
        r"1[568](?:00|22|33|44|55|66|70|77|88|99)-\d{4}",
    ];
    let abroad = [r"\+\d{1,3}(?:[\- ]\(?\d{1,8}\)?){2,4}", r"\(\d{3}\) \d{3}-\d{4}", r"1-8(?:00|88|77|66)-\d{3}-\d{4}"];
    pattern(&korean.into_iter().chain(abroad).collect::<Vec<_>>().join("|"))
});
static PASSPORT: LazyLock<Regex> = LazyLock::new(|| pattern(r"[A-Z](?:\d{8}|\d{3}[A-Z]\d{4})"));
static PASSPORT_WORD: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)여권|passport"));
static LICENCE: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?:1[1-9]|2[0-8])-\d{2}-\d{6}-\d{2}"));
static ACCOUNT: LazyLock<Regex> = LazyLock::new(|| pattern(r"\d{2,6}(?:-\d{2,8}){1,3}(?:-\d{1,3})?|\d{10,14}"));
static ACCOUNT_WORD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)계좌|은행|통장|예금주|농협|수협|신협|카카오뱅크|토스뱅크|케이뱅크|우체국|새마을금고|\baccount\b|\bbank\b|\bkakaobank\b",
    )
});

/// Words that name another number than the one that is looked for.
static OTHER_NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)사업자|법인\s?등록|고유번호|송품장|인보이스|주문번호|발주|관리번호|운송장|승인번호|문서번호|사건번호|화물번호|도면|부품|",
        r"선하증권|바코드|\bHS|세번|품목|business|corporate|declaration no|declaration number|invoice|\border\b|control number|",
        r"tracking|waybill|drawing|part number|bill of lading|serial|barcode"
    ))
});

/// How far before a number the words that mark it may stand, in characters.
const REACH: usize = 32;

/// Whether what stands directly beside makes the number part of a longer one, or of a name.
fn stands_free(text: &str, span: &Range<usize>) -> bool {
    let before = text[..span.start].chars().next_back();
    let after = text[span.end..].chars().next();
    let next = text[span.end..].chars().nth(1);
    let joins_before = before.is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '_' | '/'));
    let joins_after = match after {
        Some(c) if c.is_ascii_alphanumeric() || c == '_' => true,
        Some('-' | '.' | '/' | ',') => next.is_some_and(|c| c.is_ascii_digit()),
        _ => false,
    };
    let decimal = before == Some('.') || before == Some(',');
    !(joins_before || joins_after || decimal)
}

/// The words before a number, as far as they may speak of it.
fn before(text: &str, start: usize) -> &str {
    let from = text[..start].char_indices().rev().nth(REACH - 1).map_or(0, |(at, _)| at);
    // What another sentence says is not said of this number.
    let words = &text[from..start];
    let stops = words.match_indices(". ").map(|(at, _)| at);
    // "Passport no. M12345678" is one sentence.
    let last = stops.filter(|at| !words[..*at].to_lowercase().ends_with("no")).last();
    last.map_or(words, |at| &words[at + 2..])
}

/// The few words right after a number.
fn after(text: &str, end: usize) -> &str {
    let to = text[end..].char_indices().nth(12).map_or(text.len(), |(at, _)| end + at);
    &text[end..to]
}

/// Whether the nearest words say that the number is another.
fn is_other(text: &str, span: &Range<usize>) -> bool {
    OTHER_NUMBER.is_match(before(text, span.start)) || OTHER_NUMBER.is_match(after(text, span.end))
}

pub(super) fn find(text: &str) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let mut take = |kind: Kind, span: Range<usize>| {
        // The first rule that claims a stretch has it.
        if !found.iter().any(|other| other.span.start < span.end && span.start < other.span.end) {
            found.push(Found { kind, span });
        }
    };
    for span in EMAIL.find_iter(text).map(|m| m.range()) {
        take(Kind::Email, span);
    }
    for span in free(&REGISTRATION, text) {
        match registration(&digits(&text[span.clone()])) {
            _ if is_other(text, &span) => {}
            Some(Registered::Resident) => take(Kind::Resident, span),
            Some(Registered::Foreigner) => take(Kind::Foreigner, span),
            None => {}
        }
    }
    for span in free(&LICENCE, text) {
        take(Kind::Licence, span);
    }
    for span in free(&PASSPORT, text).filter(|span| PASSPORT_WORD.is_match(before(text, span.start))) {
        take(Kind::Passport, span);
    }
    for span in free(&CARD, text).filter(|span| card(&digits(&text[span.clone()]))) {
        take(Kind::Card, span);
    }
    for span in free(&PHONE, text).filter(|span| !is_other(text, span)) {
        take(Kind::Phone, span);
    }
    for span in free(&ACCOUNT, text) {
        let num_digits = digits(&text[span.clone()]).len();
        let is_marked = ACCOUNT_WORD.is_match(before(text, span.start)) || ACCOUNT_WORD.is_match(after(text, span.end));
        if (10..=15).contains(&num_digits) && is_marked && !is_other(text, &span) {
            take(Kind::Account, span);
        }
    }
    found.sort_by_key(|found| found.span.start);
    found
}

fn free<'a>(pattern: &'a Regex, text: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
    pattern.find_iter(text).map(|found| found.range()).filter(|span| stands_free(text, span))
}
