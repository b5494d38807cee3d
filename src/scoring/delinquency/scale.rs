//! A probability as a score from 0 to 1000 and as a grade from 01 to 10.
//!
//! The score is points to double the odds: [`POINTS_AT_ANCHOR`] where [`ANCHOR_ODDS`] companies pay for one that does not,
//! [`POINTS_TO_DOUBLE`] more whenever the odds of paying double. The grade is a band of the probability. Both fall as the
//! probability rises, never the other way.

use serde::{Deserialize, Serialize};

pub const ANCHOR_ODDS: f64 = 20.0;
pub const POINTS_AT_ANCHOR: f64 = 600.0;
pub const POINTS_TO_DOUBLE: f64 = 50.0;
/// Probabilities from which the grades 02 to 10 begin.
pub const GRADE_FROM: [f64; 9] = [0.005, 0.01, 0.02, 0.04, 0.07, 0.12, 0.20, 0.35, 0.60];

/// `01`, the best, to `10`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Grade(u8);

/// A text that is no grade.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no grade, and grades are 01 to 10")]
pub struct NotAGrade(String);

impl Grade {
    pub const BEST: Self = Self(1);
    pub const WORST: Self = Self(10);

    pub fn of(probability: f64) -> Self {
        Self(1 + GRADE_FROM.partition_point(|from| *from <= probability) as u8)
    }

    /// All of them, the best first.
    pub fn all() -> impl Iterator<Item = Self> {
        (Self::BEST.0..=Self::WORST.0).map(Self)
    }

    /// The probabilities it stands for, the upper one excluded.
    pub fn band(self) -> (f64, f64) {
        let at = usize::from(self.0);
        let from = if at == 1 { 0.0 } else { GRADE_FROM[at - 2] };
        (from, GRADE_FROM.get(at - 1).copied().unwrap_or(1.0))
    }
}

impl std::fmt::Display for Grade {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}", self.0)
    }
}

impl std::str::FromStr for Grade {
    type Err = NotAGrade;

    fn from_str(text: &str) -> Result<Self, NotAGrade> {
        let grade = text.parse().ok().filter(|grade| (1..=10).contains(grade));
        grade.map(Self).ok_or_else(|| NotAGrade(text.into()))
    }
}

impl TryFrom<String> for Grade {
    type Error = NotAGrade;

    fn try_from(text: String) -> Result<Self, NotAGrade> {
        text.parse()
    }
}

impl From<Grade> for String {
    fn from(grade: Grade) -> Self {
        grade.to_string()
    }
}

/// 0 to 1000, greater for those likelier to pay.
pub fn points(probability: f64) -> u16 {
    let odds_of_paying = (1.0 - probability) / probability;
    let points = POINTS_AT_ANCHOR + POINTS_TO_DOUBLE * (odds_of_paying / ANCHOR_ODDS).log2();
    points.clamp(0.0, 1000.0).round() as u16
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn odds_that_double_are_fifty_points_more() {
        assert_eq!(points(1.0 / 21.0), 600);
        assert_eq!(points(1.0 / 41.0), 650);
        assert_eq!(points(1.0 / 11.0), 550);
        assert_eq!((points(0.5), points(0.0), points(1.0)), (384, 1000, 0));
    }

    #[test]
    fn bands_meet_and_their_edges_belong_to_the_worse_grade() {
        let bands: Vec<(f64, f64)> = Grade::all().map(Grade::band).collect();
        assert!(bands.windows(2).all(|pair| pair[0].1 == pair[1].0) && bands[0].0 == 0.0 && bands[9].1 == 1.0);
        for grade in Grade::all() {
            assert_eq!(Grade::of(grade.band().0), grade);
            assert_eq!(grade.to_string().parse(), Ok(grade));
        }
        assert_eq!((Grade::of(1.0), "00".parse::<Grade>()), (Grade::WORST, Err(NotAGrade("00".into()))));
    }

    proptest! {
        #[test]
        fn what_is_likelier_never_scores_better(a in 0.0..=1.0_f64, b in 0.0..=1.0_f64) {
            let (low, high) = if a <= b { (a, b) } else { (b, a) };
            prop_assert!(points(low) >= points(high));
            prop_assert!(Grade::of(low) <= Grade::of(high));
            prop_assert!(points(low) <= 1000);
        }
    }
}
