//! Sets of codes that hold the true one as often as stated: split conformal prediction by the least probability that a
//! code in the set may have (Sadinle et al. 2019), which makes the smallest sets on average. In: ranked probabilities of
//! texts that the models did not see. Out: [`Sets`], a limit a level.
//!
//! The first code is always in the set, so the statement is exact only where the first alone is right less often than
//! stated. Adaptive sets, which bound the probability of all that is ranked before a code, were twice as large.

use serde::{Deserialize, Serialize};

/// Limits for one language.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sets {
    /// How often the true code is in the set.
    pub coverage: f64,
    /// Least probability of a code in the set, at each level; absent where no set of candidates holds the true code so
    /// often.
    limits: Vec<Option<f32>>,
}

impl Sets {
    /// `of_truth`: for each level, [`of_truth`] of each text.
    pub fn fit(coverage: f64, of_truth: &[Vec<Option<f32>>]) -> Self {
        let limit = |of_truth: &Vec<Option<f32>>| {
            let mut ranked: Vec<f32> = of_truth.iter().map(|p| p.unwrap_or(f32::NEG_INFINITY)).collect();
            ranked.sort_unstable_by(|a, b| b.total_cmp(a));
            let place = ((ranked.len() + 1) as f64 * coverage).ceil() as usize;
            ranked.get(place.max(1) - 1).copied().filter(|limit| limit.is_finite())
        };
        Self { coverage, limits: of_truth.iter().map(limit).collect() }
    }

    pub fn num_levels(&self) -> usize {
        self.limits.len()
    }

    /// How many of the first codes make up the set; `None` where it would have to be all codes there are.
    pub fn num(&self, level: usize, ranked: &[(u32, f32)]) -> Option<usize> {
        let limit = self.limits[level]?;
        Some(ranked.iter().take_while(|(_, p)| *p >= limit).count().max(1).min(ranked.len()))
    }
}

/// Probability of `truth`; `None` where it is no candidate.
pub fn of_truth(ranked: &[(u32, f32)], truth: Option<u32>) -> Option<f32> {
    ranked.iter().find(|(class, _)| Some(*class) == truth).map(|(_, p)| *p)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_the_quantile_that_leaves_room_for_one_more() {
        // Nine texts: the place is (9 + 1) * 0.8 = 8, the eighth greatest of .9 .8 .. .1.
        let of_truth: Vec<Option<f32>> = (1..=9).map(|at| Some(at as f32 / 10.0)).collect();
        let sets = Sets::fit(0.8, &[of_truth.clone(), vec![None; 9]]);
        assert_eq!(sets.limits, [Some(0.2), None]);
        assert_eq!(sets.num(0, &[(4, 0.5), (1, 0.3), (2, 0.2)]), Some(3));
        assert_eq!(sets.num(0, &[(4, 0.9), (1, 0.1)]), Some(1));
        assert_eq!(sets.num(0, &[(4, 0.1), (1, 0.1)]), Some(1), "never empty");
        assert_eq!(sets.num(1, &[(4, 1.0)]), None, "no candidates hold the truth");
        assert_eq!(Sets::fit(0.95, &[of_truth]).limits, [None], "nine texts cannot vouch for 95%");
    }

    #[test]
    fn the_truth_has_its_probability_or_is_no_candidate() {
        let ranked = [(4, 0.5), (1, 0.3), (2, 0.2)];
        assert_eq!(
            (of_truth(&ranked, Some(1)), of_truth(&ranked, Some(9)), of_truth(&ranked, None)),
            (Some(0.3), None, None)
        );
    }
}
