//! Text to sentences: byte ranges that can be quoted word for word, in Korean and English.
//!
//! Lines carry structure first (headings and table rows are no sentences, a list item begins anew and loses its
//! marker), then stops end sentences. Deliberately rule-based: a statistical splitter would be better on prose and worse
//! on "제30조제1항제1호." and "Art. 30".

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

/// Markers that open a list item: `-`, `1.`, `2의3.`, `(a)`, `①`, `가.`, `>`.
static MARKER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"^\s*(?:(?:[-*+•·※○◦▪>]|\d{1,4}(?:의\d)?[.)]|\((?:\d{1,2}|[a-zA-Z]|[ivx]{1,4}|[가-하])\)|[a-zA-Z]\)|[가-하][.)])\s+|",
        r"[\u{2460}-\u{2473}\u{3251}-\u{325F}]\s*)+"
    ))
    .expect("a valid pattern")
});

static DAY: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\d{4}\.\s*\d{1,2}\.\s*\d{1,2}$").expect("a valid pattern"));
static DATE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^\s*\d{4}\.\s*\d{1,2}\.").expect("a valid pattern"));

/// Words whose stop ends no sentence, lower case.
const ABBREVIATIONS: [&str; 31] = [
    "art", "arts", "no", "nos", "para", "paras", "sec", "sect", "e.g", "i.e", "cf", "vs", "etc", "mr", "mrs", "ms",
    "dr", "st", "inc", "ltd", "co", "corp", "u.s", "u.s.c", "approx", "fig", "p", "pp", "vol", "ch", "dept",
];

/// The sentences of `text`, in order, as byte ranges without surrounding blanks or list markers.
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut segment: Option<Range<usize>> = None;
    let mut in_code = false;
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        let content = line.trim();
        if content.starts_with("```") {
            in_code = !in_code;
        }
        let is_prose = !(in_code || content.is_empty() || content.starts_with('#') || content.starts_with('|'));
        let is_rule = content.chars().all(|c| matches!(c, '-' | '=' | '*' | '_' | '`'));
        if !is_prose || is_rule {
            split(text, segment.take(), &mut found);
            continue;
        }
        // A line that opens with a date ("2026. 1. 1.") opens with no marker.
        let marker_len = MARKER.find(line).filter(|_| !DATE.is_match(line)).map_or(0, |marker| marker.end());
        if marker_len > 0 {
            split(text, segment.take(), &mut found);
        }
        segment = Some(segment.map_or(start + marker_len, |segment| segment.start)..offset);
    }
    split(text, segment, &mut found);
    found
}

/// Splits a run of lines at the stops.
fn split(text: &str, segment: Option<Range<usize>>, found: &mut Vec<Range<usize>>) {
    let Some(segment) = segment else { return };
    let run = &text[segment.clone()];
    let mut start = 0;
    let mut chars = run.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if !matches!(c, '.' | '?' | '!' | '。') {
            continue;
        }
        let mut end = at + c.len_utf8();
        // Closing quotes and brackets, and further stops, belong to the sentence they end.
        while let Some((next_at, next)) = chars.peek().copied() {
            if !matches!(next, '.' | '?' | '!' | '"' | '\'' | '”' | '’' | ')' | ']' | '」' | '』' | '*') {
                break;
            }
            end = next_at + next.len_utf8();
            chars.next();
        }
        if ends_sentence(&run[start..at], c, &run[end..]) {
            push(text, segment.start + start..segment.start + end, found);
            start = end;
        }
    }
    push(text, segment.start + start..segment.end, found);
}

fn ends_sentence(before: &str, stop: char, after: &str) -> bool {
    let Some(next) = after.chars().next() else { return true };
    if !next.is_whitespace() {
        // "…한다.다만": Korean typesetting may leave the blank out.
        let korean = |c: Option<char>| c.is_some_and(crate::lang::is_hangul);
        return stop == '.' && before.ends_with(['다', '요', '까']) && korean(after.chars().next());
    }
    if stop != '.' {
        return true;
    }
    let word = before.rsplit(|c: char| c.is_whitespace() || matches!(c, '(' | '"')).next().unwrap_or("");
    if ABBREVIATIONS.contains(&word.to_lowercase().as_str()) {
        return false;
    }
    // "J. Smith": a single Latin letter is an initial or a list mark.
    if word.len() == 1 && word.chars().all(|c| c.is_ascii_uppercase()) {
        return false;
    }
    // "2026. 1. 1." is a date, and "1. 수수료" within a line is a list.
    let next_word = after.trim_start().chars().next();
    if !word.is_empty() && word.chars().all(|c| c.is_ascii_digit()) {
        let is_number = next_word.is_some_and(|c| c.is_ascii_digit()) || before.trim() == word;
        return !is_number && !DAY.is_match(before);
    }
    true
}

fn push(text: &str, range: Range<usize>, found: &mut Vec<Range<usize>>) {
    let sentence = &text[range.clone()];
    let start = range.start + (sentence.len() - sentence.trim_start().len());
    let end = range.start + sentence.trim_end().len();
    if text.get(start..end).is_some_and(|sentence| sentence.chars().any(char::is_alphabetic)) {
        found.push(start..end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split_up(text: &str) -> Vec<&str> {
        sentences(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn korean_and_english_stops_end_sentences() {
        assert_eq!(
            split_up("구매수수료는 포함되지 않는다. 운임은 더하나요? 네.다만 예외가 있다."),
            ["구매수수료는 포함되지 않는다.", "운임은 더하나요?", "네.다만 예외가 있다."]
        );
        assert_eq!(split_up("더한다.다만 제외한다."), ["더한다.", "다만 제외한다."]);
        assert_eq!(split_up("It is added. \"Is it?\" Yes!"), ["It is added.", "\"Is it?\"", "Yes!"]);
    }

    #[test]
    fn abbreviations_decimals_and_dates_end_nothing() {
        assert_eq!(
            split_up("See Art. 30 and para. 1 of it, e.g. 3.5 per cent."),
            ["See Art. 30 and para. 1 of it, e.g. 3.5 per cent."]
        );
        assert_eq!(split_up("2026. 1. 1. 시행한다. 끝났다."), ["2026. 1. 1. 시행한다.", "끝났다."]);
        assert_eq!(split_up("U.S. law differs. It uses FOB."), ["U.S. law differs.", "It uses FOB."]);
    }

    #[test]
    fn headings_and_tables_are_no_sentences_and_items_lose_their_markers() {
        let text = "## Rule\nA fee is\nadded.\n\n- First item.\n2. Second item\n① 셋째는 뺀다.\n| a | b |\n";
        assert_eq!(split_up(text), ["A fee is\nadded.", "First item.", "Second item", "셋째는 뺀다."]);
    }
}
