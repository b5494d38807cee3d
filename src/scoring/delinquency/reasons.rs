//! Why a company has its score: a stable code, words of both languages, and an exact contribution.
//!
//! In: the Shapley value of every factor. Out: one [`Told`] a [`Reason`]: factors that say the same thing together, as
//! their contributions add. The words tell the factor of the reason that weighs most.

use serde::Serialize;

use super::factors::{FACTORS, Factor, NUM_FACTORS, Unit};
use crate::scoring::mapping::Words;

/// What factors have in common. Codes are never used again for another thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    PastLateness,
    DaysLate,
    Arrears,
    Season,
    Size,
    Trade,
    Goods,
    DutyRate,
    Age,
    Phoenix,
    Audits,
}

/// A reason of one score.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Told {
    /// `D01` and so on.
    pub code: &'static str,
    /// What it adds to the margin, in log-odds: above 0 makes a default likelier.
    pub contribution: f64,
    pub en: String,
    pub ko: String,
}

impl Reason {
    pub const ALL: [Self; 11] = [
        Self::PastLateness,
        Self::DaysLate,
        Self::Arrears,
        Self::Season,
        Self::Size,
        Self::Trade,
        Self::Goods,
        Self::DutyRate,
        Self::Age,
        Self::Phoenix,
        Self::Audits,
    ];

    pub fn code(self) -> &'static str {
        match self {
            Self::PastLateness => "D01",
            Self::DaysLate => "D02",
            Self::Arrears => "D03",
            Self::Season => "D04",
            Self::Size => "D05",
            Self::Trade => "D06",
            Self::Goods => "D07",
            Self::DutyRate => "D08",
            Self::Age => "D09",
            Self::Phoenix => "D10",
            Self::Audits => "D11",
        }
    }

    pub fn words(self) -> Words {
        let (en, ko) = match self {
            Self::PastLateness => ("past lateness", "과거 연체"),
            Self::DaysLate => ("days late", "지연일수"),
            Self::Arrears => ("arrears", "미납"),
            Self::Season => ("season", "계절"),
            Self::Size => ("size and course of dues", "세액의 규모와 추이"),
            Self::Trade => ("volume and course of trade", "교역의 규모와 추이"),
            Self::Goods => ("concentration on goods", "품목 집중도"),
            Self::DutyRate => ("duty for the value", "관세 부담률"),
            Self::Age => ("age and history", "업력"),
            Self::Phoenix => ("phoenix link", "승계 정황"),
            Self::Audits => ("audits", "관세조사"),
        };
        Words { en: en.into(), ko: ko.into() }
    }
}

/// All reasons by the contributions of the factors, the weightiest first.
pub fn tell(numbers: &[f32; NUM_FACTORS], contributions: &[f64]) -> Vec<Told> {
    let told = Reason::ALL.iter().map(|reason| {
        let own = || (0..NUM_FACTORS).filter(|at| FACTORS[*at].reason == *reason);
        let contribution: f64 = own().map(|at| contributions[at]).sum();
        // Of factors on the reason's own side the weightiest, so that the words never speak for the other side.
        let weight = |at: &usize| contributions[*at] * contribution.signum();
        let heaviest = own().max_by(|a, b| weight(a).total_cmp(&weight(b)));
        let Words { en, ko } = heaviest.map_or_else(|| reason.words(), |at| words(&FACTORS[at], numbers[at]));
        Told { code: reason.code(), contribution, en, ko }
    });
    let mut told: Vec<Told> = told.collect();
    told.sort_by(|a, b| b.contribution.abs().total_cmp(&a.contribution.abs()));
    told
}

fn words(factor: &Factor, number: f32) -> Words {
    let Factor { en, ko, unit, .. } = factor;
    if number.is_nan() {
        return Words { en: format!("{en}: not known"), ko: format!("{ko}: 알 수 없음") };
    }
    let number = f64::from(number);
    let (en_value, ko_value) = match unit {
        // Kinds of goods are counted by weight, so not always whole.
        Unit::Count if number.fract() != 0.0 => (format!("{number:.1}"), format!("{number:.1}")),
        Unit::Count => (format!("{number:.0}"), format!("{number:.0}")),
        Unit::Share => (format!("{:.0}%", number * 100.0), format!("{:.0}%", number * 100.0)),
        Unit::Days => (format!("{number:.1} days"), format!("{number:.1}일")),
        Unit::Months => (format!("{number:.0} months"), format!("{number:.0}개월")),
        Unit::Won => (format!("KRW {}", grouped(number)), format!("{}원", grouped(number))),
        Unit::Times => (format!("{number:.2} times"), format!("{number:.2}배")),
        Unit::MonthOfYear => (format!("{number:.0}"), format!("{number:.0}월")),
        Unit::Flag if number > 0.0 => ("yes".into(), "있음".into()),
        Unit::Flag => ("no".into(), "없음".into()),
    };
    Words { en: format!("{en}: {en_value}"), ko: format!("{ko}: {ko_value}") }
}

/// `1234567` as 1,234,567.
pub fn grouped(amount: f64) -> String {
    let digits = format!("{:.0}", amount.abs());
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if amount <= -0.5 { format!("-{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_reason_has_a_code_of_its_own_and_a_factor() {
        let codes: BTreeSet<&str> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
        for reason in Reason::ALL {
            assert!(FACTORS.iter().any(|factor| factor.reason == reason), "{reason:?} has no factor");
        }
        let names: BTreeSet<&str> = FACTORS.iter().map(|factor| factor.name).collect();
        assert_eq!(names.len(), NUM_FACTORS);
    }

    #[test]
    fn reasons_add_up_and_speak_for_their_own_side() {
        let mut contributions = vec![0.0; NUM_FACTORS];
        let at = |name: &str| FACTORS.iter().position(|factor| factor.name == name).unwrap();
        contributions[at("arrears")] = 0.5;
        contributions[at("open_dues")] = -0.9;
        contributions[at("season")] = 0.1;
        let mut numbers = [0.0; NUM_FACTORS];
        numbers[at("open_dues")] = 2.0;
        let told = tell(&numbers, &contributions);
        assert_eq!(
            (told[0].code, told[0].en.as_str(), told[0].ko.as_str()),
            ("D03", "dues that are open: 2", "미납 건수: 2")
        );
        assert!((told.iter().map(|told| told.contribution).sum::<f64>() + 0.3).abs() < 1e-12);
        assert_eq!(words(&FACTORS[at("arrears")], 1_234_567.0).ko, "미납액: 1,234,567원");
        assert_eq!(words(&FACTORS[at("age")], f32::NAN).en, "days since the company was founded: not known");
    }

    #[test]
    fn amounts_are_grouped_by_three_digits() {
        assert_eq!([0.0, 999.0, 1000.0, -1234567.0].map(grouped), ["0", "999", "1,000", "-1,234,567"]);
    }
}
