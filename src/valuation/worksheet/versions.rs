//! Provisions whose text has changed: which text was in force on which day.
//!
//! Known so far: the Decree of 2026-02-27 (No. 36140) on design done in Korea, that of 2026-05-08 (No. 36316) on
//! rerouting, which its own clause 2 applies to declarations from 2026-03-01 on, and that of 2025-12-30 (No. 35947), in
//! force from 2026-01-02, which gave the minister who makes the Rule a new name and left what counts as it was.

use jiff::civil::{Date, date};
use serde::Serialize;

use super::Words;

/// A text of a provision.
#[derive(Debug, Serialize)]
pub struct Version {
    pub of: &'static str,
    /// First day on which the text applies to a declaration
    pub from: Date,
    pub text: Words,
}

const fn version(of: &'static str, from: Date, ko: &'static str, en: &'static str) -> Version {
    let text = Words { ko: std::borrow::Cow::Borrowed(ko), en: std::borrow::Cow::Borrowed(en) };
    Version { of, from, text }
}

/// The day the texts begin with that the sources at hand still show.
const BEFORE: Date = date(2020, 1, 1);

/// By provision, the oldest text first.
static VERSIONS: [Version; 8] = [
    version("KR-CD-18:4", BEFORE, "우리나라에서 개발된 것은 제외", "what was developed in Korea is left out"),
    version(
        "KR-CD-18:4",
        date(2026, 2, 27),
        "우리나라에서 수행된 것은 제외",
        "what was performed in Korea is left out",
    ),
    version(
        "KR-CD-20(4)",
        BEFORE,
        "통상운임 사유는 제1호부터 제3호까지",
        "usual freight on the grounds of items 1 to 3",
    ),
    version(
        "KR-CD-20(4)",
        date(2026, 3, 1),
        "제4호 추가: 전쟁ㆍ천재지변 등으로 경로나 일정이 달라진 운송, 보험료 포함",
        "item 4 added: another route or schedule because of war or disaster, insurance included",
    ),
    version(
        "KR-CD-23(2)3",
        BEFORE,
        "비교가격의 범위는 기획재정부령",
        "nearness to a test value: Rule of the former ministry",
    ),
    version(
        "KR-CD-23(2)3",
        date(2026, 1, 2),
        "비교가격의 범위는 재정경제부령(내용은 같음)",
        "nearness to a test value: Rule of the Ministry of Finance and Economy (same content)",
    ),
    version("KR-CD-29(3)", BEFORE, "특수물품의 계산방법은 기획재정부령", "special goods: Rule of the former ministry"),
    version(
        "KR-CD-29(3)",
        date(2026, 1, 2),
        "특수물품의 계산방법은 재정경제부령(내용은 같음)",
        "special goods: Rule of the Ministry of Finance and Economy (same content)",
    ),
];

/// The text of `provision` that applies to a declaration of `day`; none where it has not changed.
pub fn in_force(provision: &str, day: Date) -> Option<&'static Version> {
    VERSIONS.iter().rfind(|version| provision.starts_with(version.of) && version.from <= day)
}

/// First day of the rule on rerouting.
pub const REROUTING_FROM: Date = date(2026, 3, 1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_the_day_is_taken() {
        let english = |day| in_force("KR-CD-18:4", day).map(|version| version.text.en.clone());
        assert_eq!(english(date(2026, 2, 26)).as_deref(), Some("what was developed in Korea is left out"));
        assert_eq!(english(date(2026, 2, 27)).as_deref(), Some("what was performed in Korea is left out"));
        let item = in_force("KR-CD-20(4)4", date(2026, 3, 1)).map(|version| version.from);
        assert_eq!(item, Some(REROUTING_FROM), "an item changes with its paragraph");
        assert!(in_force("KR-CA-30(1)", date(2026, 2, 27)).is_none());
    }
}
