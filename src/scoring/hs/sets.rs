//! Sets of codes that hold the true one as often as stated (split conformal prediction; Romano et al. 2020, without
//! their draw). In: ranked probabilities of texts that the models did not see. Out: [`Sets`], a limit a level.
//!
//! What counts is the probability of all that is ranked before a code. The first is always in the set, so the statement
//! is exact only where the first alone is right less often than stated.

use serde::{Deserialize, Serialize};

/// Limits for one language.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sets {
    /// How often the true code is in the set.
    pub coverage: f64,
    /// Most that may be ranked before, at each level; absent where no set of candidates holds the true code so often.
    limits: Vec<Option<f32>>,
}

impl Sets {
    /// `before`: for each level, [`before`] of the true code of each text.
    pub fn fit(coverage: f64, before: &[Vec<Option<f32>>]) -> Self {
        let limit = |before: &Vec<Option<f32>>| {
            let mut ranked: Vec<f32> = before.iter().map(|mass| mass.unwrap_or(f32::INFINITY)).collect();
            ranked.sort_unstable_by(f32::total_cmp);
            let place = ((ranked.len() + 1) as f64 * coverage).ceil() as usize;
            ranked.get(place.max(1) - 1).copied().filter(|limit| limit.is_finite())
        };
        Self { coverage, limits: before.iter().map(limit).collect() }
    }

    pub fn num_levels(&self) -> usize {
        self.limits.len()
    }

    /// How many of the first codes make up the set; `None` where it would have to be all codes there are.
    pub fn num(&self, level: usize, ranked: &[(u32, f32)]) -> Option<usize> {
        let limit = self.limits[level]?;
        let mut mass = 0.0;
        let within = ranked.iter().take_while(|(_, p)| {
            let is_within = mass <= limit;
            mass += p;
            is_within
        });
        Some(within.count())
    }
}

/// Probability of all that is ranked before `truth`; `None` where it is no candidate.
pub fn before(ranked: &[(u32, f32)], truth: Option<u32>) -> Option<f32> {
    let place = ranked.iter().position(|(class, _)| Some(*class) == truth)?;
    // Summed in the same order as a set is, so that a limit holds to the bit.
    Some(ranked[..place].iter().fold(0.0, |mass, (_, p)| mass + p))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_the_quantile_that_leaves_room_for_one_more() {
        // Nine texts: the place is (9 + 1) * 0.8 = 8, the eighth smallest.
        let masses: Vec<Option<f32>> = (0..9).map(|at| Some(at as f32 / 10.0)).collect();
        let sets = Sets::fit(0.8, &[masses.clone(), vec![None; 9]]);
        assert_eq!(sets.limits, [Some(0.7), None]);
        assert_eq!(sets.num(0, &[(4, 0.5), (1, 0.3), (2, 0.2)]), Some(2), "0 and .5 lie within .7, .8 does not");
        assert_eq!(sets.num(0, &[(4, 0.5), (1, 0.1), (2, 0.05), (3, 0.35)]), Some(4));
        assert_eq!(sets.num(1, &[(4, 1.0)]), None, "no candidates hold the truth");
        assert_eq!(Sets::fit(0.95, &[masses]).limits, [None], "nine texts cannot vouch for 95%");
    }

    #[test]
    fn what_is_ranked_before_is_summed() {
        let ranked = [(4, 0.5), (1, 0.3), (2, 0.2)];
        assert_eq!(
            (before(&ranked, Some(4)), before(&ranked, Some(2)), before(&ranked, Some(9))),
            (Some(0.0), Some(0.8), None)
        );
        assert_eq!(before(&ranked, None), None);
    }
}
