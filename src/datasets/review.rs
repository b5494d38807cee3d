//! Two persons judge a row; where they differ a third decides. How far reviewers agree is told by Cohen's kappa.

use std::collections::BTreeMap;

use serde::Serialize;

use super::store::{Dataset, Decision, Store};
use super::{Error, State};

/// Decisions that settle a row when they agree.
const NUM_REVIEWERS: usize = 2;

/// How far reviewers agree on the rows that at least two of them judged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Agreement {
    /// Rows judged by at least two.
    pub num_rows: usize,
    /// Of them, those where the first two said the same.
    pub num_agreed: usize,
    /// Cohen's kappa of the first two decisions, the raters taken as one kind (Scott's pi where the pairs differ); absent where
    /// there is nothing to compare or all said the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kappa: Option<f64>,
}

/// What decisions make of a row, in the order they were made.
fn state_of(decisions: &[Decision]) -> State {
    let approving = decisions.iter().filter(|decision| decision.approves).count();
    let rejecting = decisions.len() - approving;
    match (approving >= NUM_REVIEWERS, rejecting >= NUM_REVIEWERS) {
        (true, _) if approving > rejecting => State::Approved,
        (_, true) if rejecting > approving => State::Rejected,
        _ => State::Candidate,
    }
}

impl Store {
    /// Takes down that `reviewer` finds a row good; the state it has then.
    ///
    /// # Errors
    /// [`Error::UnknownRow`], [`Error::Review`] without a reviewer, [`Error::Database`].
    pub fn approve(&self, dataset: &Dataset, row: i64, reviewer: &str) -> Result<State, Error> {
        self.judge(dataset, row, reviewer, true, None)
    }

    /// Takes down that `reviewer` finds a row bad, and why.
    ///
    /// # Errors
    /// As [`Self::approve`]; [`Error::Review`] without a reason.
    pub fn reject(&self, dataset: &Dataset, row: i64, reviewer: &str, reason: &str) -> Result<State, Error> {
        if reason.trim().is_empty() {
            return Err(Error::Review { reason: "a rejection needs a reason".into() });
        }
        self.judge(dataset, row, reviewer, false, Some(reason))
    }

    fn judge(
        &self,
        dataset: &Dataset,
        row: i64,
        reviewer: &str,
        approves: bool,
        reason: Option<&str>,
    ) -> Result<State, Error> {
        if reviewer.trim().is_empty() {
            return Err(Error::Review { reason: "a decision needs the name of who made it".into() });
        }
        self.row(dataset, row)?;
        let decision = Decision { reviewer: reviewer.into(), approves, reason: reason.map(str::to_owned) };
        self.decide(row, &decision, state_of)
    }
}

/// How far the reviewers of a dataset agree.
///
/// # Errors
/// The store's.
pub fn agreement(store: &Store, dataset: &Dataset) -> Result<Agreement, Error> {
    let mut by_row: BTreeMap<i64, Vec<bool>> = BTreeMap::new();
    for (row, decision) in store.decisions(dataset.id)? {
        by_row.entry(row).or_default().push(decision.approves);
    }
    let pairs: Vec<(bool, bool)> = by_row.values().filter_map(|said| Some((*said.first()?, *said.get(1)?))).collect();
    Ok(of_pairs(&pairs))
}

fn of_pairs(pairs: &[(bool, bool)]) -> Agreement {
    let num_rows = pairs.len();
    let num_agreed = pairs.iter().filter(|(a, b)| a == b).count();
    let share = |count: usize| count as f64 / num_rows.max(1) as f64;
    let (first, second) = (share(pairs.iter().filter(|p| p.0).count()), share(pairs.iter().filter(|p| p.1).count()));
    let by_chance = first * second + (1.0 - first) * (1.0 - second);
    let kappa = (num_rows > 0 && by_chance < 1.0).then(|| (share(num_agreed) - by_chance) / (1.0 - by_chance));
    Agreement { num_rows, num_agreed, kappa }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kappa_is_the_textbooks() {
        // 20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no: 0.4.
        let mut pairs = vec![(true, true); 20];
        pairs.extend(vec![(true, false); 5]);
        pairs.extend(vec![(false, true); 10]);
        pairs.extend(vec![(false, false); 15]);
        let agreement = of_pairs(&pairs);
        assert!((agreement.kappa.unwrap() - 0.4).abs() < 1e-12, "{agreement:?}");
        assert_eq!(of_pairs(&[]).kappa, None);
        assert_eq!(of_pairs(&[(true, true)]).kappa, None);
    }

    #[test]
    fn two_agree_or_a_third_decides() {
        let decisions = |said: &[bool]| -> Vec<Decision> {
            let one = |(at, approves): (usize, &bool)| Decision {
                reviewer: at.to_string(),
                approves: *approves,
                reason: None,
            };
            said.iter().enumerate().map(one).collect()
        };
        assert_eq!(state_of(&decisions(&[true])), State::Candidate);
        assert_eq!(state_of(&decisions(&[true, true])), State::Approved);
        assert_eq!(state_of(&decisions(&[true, false])), State::Candidate);
        assert_eq!(state_of(&decisions(&[true, false, false])), State::Rejected);
    }
}
