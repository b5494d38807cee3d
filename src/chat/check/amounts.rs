//! The amounts a sentence states: numbers in digits or words with what they count, in one form for both languages. In:
//! text. Out: [`Amount`]s that compare equal where the text means the same: `3만원` and `KRW 30,000`, `thirty days` and
//! `30일`, `half` and `50%`.
//!
//! Numbers of articles are no amounts; [`super::articles`] reads them. Counts in words without a unit ("two conditions")
//! are left alone up to ten: they number the sentence's own list as often as they state a fact.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use crate::legal;

/// A number and what it counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::chat) struct Amount {
    /// Decimal digits without separators and needless zeros, or a fraction such as `1/3`.
    pub value: String,
    /// `None` where nothing known is counted.
    pub unit: Option<&'static str>,
}

/// Units, each with how the languages write it after a number; longer ones before those they begin with.
const UNITS: [(&str, &[&str]); 26] = [
    ("%", &["%", "％", "퍼센트", "프로", "percent", "per cent", "pct"]),
    ("month", &["개월", "달", "months", "month"]),
    ("week", &["주일", "주간", "주", "weeks", "week"]),
    ("hour", &["시간", "hours", "hour"]),
    ("minute", &["minutes", "minute"]),
    ("day", &["영업일", "일", "working days", "business days", "calendar days", "days", "day"]),
    ("year", &["년도", "년", "연간", "years", "year"]),
    ("KRW", &["원", "krw", "won"]),
    ("USD", &["달러", "미국 달러", "us dollars", "us dollar", "dollars", "dollar", "usd"]),
    ("EUR", &["유로", "euros", "euro", "eur"]),
    ("times", &["배", "times", "-fold", "fold"]),
    ("count", &["건", "cases"]),
    ("pieces", &["개", "pieces", "units"]),
    ("persons", &["명", "인", "persons", "people"]),
    ("often", &["회", "차례"]),
    ("ordinal", &["차", "번째"]),
    ("method", &["방법"]),
    ("paragraph", &["항"]),
    ("item", &["호"]),
    ("article", &["조"]),
    ("kilogram", &["킬로그램", "kilograms", "kg"]),
    ("tonne", &["톤", "tonnes", "tons"]),
    ("kilometre", &["킬로미터", "kilometres", "km"]),
    ("topic", &["topics"]),
    ("step", &["단계", "steps"]),
    ("kind", &["가지", "종류", "kinds", "types"]),
];

/// Words for numbers that count what follows or nothing; with `unit` where the word holds it.
const WHOLE: [(&str, &str, &str); 26] = [
    ("half", "50", "%"),
    ("절반", "50", "%"),
    ("twice", "2", "times"),
    ("double", "2", "times"),
    ("triple", "3", "times"),
    ("하루", "1", "day"),
    ("이틀", "2", "day"),
    ("사흘", "3", "day"),
    ("나흘", "4", "day"),
    ("닷새", "5", "day"),
    ("엿새", "6", "day"),
    ("이레", "7", "day"),
    ("여드레", "8", "day"),
    ("아흐레", "9", "day"),
    ("열흘", "10", "day"),
    ("보름", "15", "day"),
    ("한 달", "1", "month"),
    ("두 달", "2", "month"),
    ("세 달", "3", "month"),
    ("석 달", "3", "month"),
    ("넉 달", "4", "month"),
    ("여섯 달", "6", "month"),
    ("두 배", "2", "times"),
    ("세 배", "3", "times"),
    ("fortnight", "14", "day"),
    ("quarter of", "25", "%"),
];

static DIGITS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)(?P<before>krw|usd|eur|us\$|\$|₩|€)?\s?(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)",
        r"(?P<scale>\s?[십백천]?[만억조](?:\s?\d+\s?[십백천]?만)?|\s?[백천]|(?i:\s?(?:thousand|million|billion)\b))?"
    ))
    .expect("a valid pattern")
});
static FRACTION: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(\d+)\s?분의\s?(\d+)|(\d+)\s?/\s?(\d+)").expect("a valid pattern"));
static ENGLISH: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|",
        r"seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million)",
        r"(?:(?:-|\s(?:and\s)?)(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|",
        r"sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|",
        r"million))*\b"
    ))
    .expect("a valid pattern")
});
static THIRDS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)\b(one|two|a)[ -](thirds?|quarters?|fifths?)\b").expect("a valid pattern"));
/// Sino-Korean numerals of two syllables or more, or one before a unit that no other word ends in.
static KOREAN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?:^|[\s(~약])(?:(?P<long>[일이삼사오육칠팔구]?[십백천만][일이삼사오육칠팔구십백천만]*)\s?(?P<unit>일|개월|년|퍼센트|프로|원|달러|배|시간|주)|",
        r"(?P<short>[일이삼사오육칠팔구])\s?(?P<unit2>개월|퍼센트|프로|주일|시간))"
    ))
    .expect("a valid pattern")
});

/// The amounts stated in `text`.
pub(in crate::chat) fn amounts(text: &str) -> BTreeSet<Amount> {
    let mut found = BTreeSet::new();
    // Blanked and not cut out: what stands beside an article must not grow together.
    let mut text = text.to_owned();
    for mention in legal::mentions(&text) {
        blank(&mut text, mention.span);
    }
    take(
        &mut text,
        &FRACTION,
        |parts, _| {
            let (above, below) = match (parts.get(2), parts.get(1), parts.get(3), parts.get(4)) {
                (Some(above), Some(below), ..) | (_, _, Some(above), Some(below)) => (above.as_str(), below.as_str()),
                _ => return None,
            };
            Some(fraction(above.parse().ok()?, below.parse().ok()?))
        },
        &mut found,
    );
    take(
        &mut text,
        &THIRDS,
        |parts, _| {
            let above = if parts[1].eq_ignore_ascii_case("two") { 2 } else { 1 };
            let below = match parts[2].to_lowercase().trim_end_matches('s') {
                "third" => 3,
                "quarter" => 4,
                _ => 5,
            };
            Some(fraction(above, below))
        },
        &mut found,
    );
    take(
        &mut text,
        &DIGITS,
        |parts, rest| {
            let number = parts["number"].replace(',', "");
            let value = scaled(&number, parts.name("scale").map_or("", |scale| scale.as_str().trim()))?;
            let before = parts.name("before").and_then(|sign| match sign.as_str().to_lowercase().as_str() {
                "krw" | "₩" => Some("KRW"),
                "usd" | "us$" | "$" => Some("USD"),
                "eur" | "€" => Some("EUR"),
                _ => None,
            });
            Some(Amount { value, unit: before.or_else(|| unit(rest)) })
        },
        &mut found,
    );
    take(
        &mut text,
        &ENGLISH,
        |parts, rest| {
            let value = english(&parts[0])?;
            let unit = unit(rest);
            // "one of them", "two conditions": see above.
            (unit.is_some() || value > 10).then(|| Amount { value: value.to_string(), unit })
        },
        &mut found,
    );
    take(
        &mut text,
        &KOREAN,
        |parts, _| {
            let (number, counted) = match (parts.name("long"), parts.name("short")) {
                (Some(long), _) => (long.as_str(), &parts["unit"]),
                (_, Some(short)) => (short.as_str(), &parts["unit2"]),
                _ => return None,
            };
            Some(Amount { value: korean(number)?.to_string(), unit: unit(counted) })
        },
        &mut found,
    );
    let lower = text.to_lowercase();
    for (word, value, unit) in WHOLE {
        let standing = lower.match_indices(word).any(|(at, _)| {
            let before = lower[..at].chars().next_back();
            before.is_none_or(|c| !c.is_alphabetic())
        });
        if standing {
            found.insert(Amount { value: value.into(), unit: Some(unit) });
        }
    }
    found
}

fn blank(text: &mut String, span: std::ops::Range<usize>) {
    let blanks = " ".repeat(span.len());
    text.replace_range(span, &blanks);
}

/// Reads every match of `pattern` with what follows it, and blanks it.
fn take(
    text: &mut String,
    pattern: &Regex,
    read: impl Fn(&regex::Captures<'_>, &str) -> Option<Amount>,
    found: &mut BTreeSet<Amount>,
) {
    let mut spans = Vec::new();
    for parts in pattern.captures_iter(text) {
        let span = parts.get(0).expect("group 0 is the match").range();
        if let Some(amount) = read(&parts, &text[span.end..]) {
            found.insert(amount);
            spans.push(span);
        }
    }
    for span in spans {
        blank(text, span);
    }
}

fn unit(rest: &str) -> Option<&'static str> {
    let head: String = rest.chars().take(18).collect::<String>().to_lowercase();
    let head = head.trim_start_matches([' ', '-']);
    let known = UNITS.iter().flat_map(|(unit, names)| names.iter().map(move |name| (*unit, *name)));
    // The longest, so that 개월 is no 개 and 시간 no 시.
    let best = known.filter(|(_, name)| {
        let is_latin = name.ends_with(|c: char| c.is_ascii_alphabetic());
        let ends = |rest: &str| !is_latin || rest.chars().next().is_none_or(|c| !c.is_ascii_alphabetic());
        head.strip_prefix(name).is_some_and(ends)
    });
    best.max_by_key(|(_, name)| name.len()).map(|(unit, _)| unit)
}

/// Halves and their like are percents in other words.
fn fraction(above: u64, below: u64) -> Amount {
    if below != 0 && (above * 100).is_multiple_of(below) {
        return Amount { value: (above * 100 / below).to_string(), unit: Some("%") };
    }
    Amount { value: format!("{above}/{below}"), unit: None }
}

/// `number` times the word after it: `1.5 million`, `3만`, `1억 5천만`.
fn scaled(number: &str, scale: &str) -> Option<String> {
    let factor = |word: &str| -> Option<u64> {
        Some(match word {
            "thousand" => 1_000,
            "million" => 1_000_000,
            "billion" => 1_000_000_000,
            _ => word.chars().try_fold(1u64, |product, c| {
                product.checked_mul(match c {
                    '십' => 10,
                    '백' => 100,
                    '천' => 1_000,
                    '만' => 10_000,
                    '억' => 100_000_000,
                    '조' => 1_000_000_000_000,
                    _ => return None,
                })
            })?,
        })
    };
    let scale = scale.to_lowercase();
    let digit = scale.find(|c: char| c.is_ascii_digit());
    let (first, more) = scale.split_at(digit.unwrap_or(scale.len()));
    let mut value = times(number, factor(first.trim())?)?;
    if !more.is_empty() {
        let end = more.find(|c: char| !(c.is_ascii_digit() || c == ',')).unwrap_or(more.len());
        let (number, scale) = more.split_at(end);
        // 1억 5천만: the second part is below the first.
        let mut part: u64 = number.replace(',', "").parse().ok()?;
        part = part.checked_mul(factor(scale.trim())?)?;
        value = (value.parse::<u64>().ok()?.checked_add(part)?).to_string();
    }
    Some(value)
}

/// A decimal number times a whole one, without the rounding of floats.
fn times(number: &str, factor: u64) -> Option<String> {
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    let digits: u128 = format!("{whole}{decimals}").parse().ok()?;
    let product = digits.checked_mul(factor.into())?;
    let scale = 10u128.checked_pow(u32::try_from(decimals.len()).ok()?)?;
    let rest = format!("{:0width$}", product % scale, width = decimals.len());
    let rest = if decimals.is_empty() { "" } else { rest.trim_end_matches('0') };
    Some(if rest.is_empty() { (product / scale).to_string() } else { format!("{}.{rest}", product / scale) })
}

fn english(words: &str) -> Option<u64> {
    const SMALL: [&str; 20] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    const TENS: [&str; 8] = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
    let (mut total, mut part) = (0u64, 0u64);
    for word in words.to_lowercase().split([' ', '-']) {
        if let Some(small) = SMALL.iter().position(|small| *small == word) {
            part += small as u64;
        } else if let Some(tens) = TENS.iter().position(|tens| *tens == word) {
            part += (tens as u64 + 2) * 10;
        } else {
            match word {
                "hundred" => part = part.max(1) * 100,
                "thousand" => (total, part) = (total + part.max(1) * 1_000, 0),
                "million" => (total, part) = (total + part.max(1) * 1_000_000, 0),
                _ => {}
            }
        }
    }
    Some(total + part)
}

fn korean(number: &str) -> Option<u64> {
    let (mut total, mut part, mut digit) = (0u64, 0u64, 0u64);
    for c in number.chars() {
        match "일이삼사오육칠팔구".chars().position(|known| known == c) {
            Some(at) => digit = at as u64 + 1,
            None => {
                let scale = match c {
                    '십' => 10,
                    '백' => 100,
                    '천' => 1_000,
                    '만' => {
                        total += (part + digit).max(1) * 10_000;
                        (part, digit) = (0, 0);
                        continue;
                    }
                    _ => return None,
                };
                part += digit.max(1) * scale;
                digit = 0;
            }
        }
    }
    Some(total + part + digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        amounts(text).into_iter().map(|a| format!("{} {}", a.value, a.unit.unwrap_or("-"))).collect()
    }

    #[test]
    fn the_same_amount_reads_the_same_however_it_is_written() {
        for (texts, expected) in [
            (&["within 30 days", "within thirty days", "30일 이내", "삼십일 이내에", "30 working days"][..], "30 day"),
            (&["10%", "10 percent", "ten per cent", "10퍼센트", "십 퍼센트", "10.0 %"], "10 %"),
            (&["KRW 30,000", "30,000원", "3만원", "3만 원", "30000 won", "₩30,000"], "30000 KRW"),
            (&["1억5천만원", "1억 5천만 원", "150,000,000원", "KRW 150 million"], "150000000 KRW"),
            (&["USD 1.5 million", "$1,500,000", "1,500,000 dollars"], "1500000 USD"),
            (&["six months", "6개월", "육개월", "여섯 달", "6 months"], "6 month"),
            (&["half of the price", "50%", "가격의 절반", "1/2"], "50 %"),
            (&["열흘 이내", "ten days", "10일"], "10 day"),
            (&["twice the price", "두 배", "2배"], "2 times"),
            (&["one third of it", "3분의 1", "1/3"], "1/3 -"),
            (&["two years", "2년"], "2 year"),
            (&["0.5%", "0.50 percent"], "0.5 %"),
        ] {
            for text in texts {
                assert_eq!(read(text), [expected], "{text}");
            }
        }
    }

    #[test]
    fn what_is_no_amount_is_left_alone() {
        for text in [
            "관세법 제30조제1항제1호에 따른다.",
            "Article 30(1)1 of the Act applies.",
            "One of the parties bears it under two conditions.",
            "일반적으로 사용하는 방법이다.",
            "이 주장은 만약의 경우이다.",
        ] {
            assert_eq!(read(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn units_are_told_apart() {
        assert_eq!(read("30 hours or 30 days"), ["30 day", "30 hour"]);
        assert_eq!(read("3개월 3개"), ["3 month", "3 pieces"]);
        assert_eq!(read("2026년 1월"), ["1 -", "2026 year"]);
    }
}
