//! Which lane is served next: weighted fair sharing by tokens, after the virtual token counter of Sheng et al. 2024
//! ("Fairness in Serving Large Language Models"). Pure.
//!
//! Each lane has a counter of the tokens computed for it, divided by its weight; the lane with the lowest is next. A
//! lane that comes back after a rest starts where the others are, so that nobody saves up a claim by staying away.

use crate::engine::request::Lane;

/// Tokens a lane gets for each one of a job's while all lanes want more than there is: an officer sits before the
/// screen, an agent's user waits for several calls, and a job is looked at the next morning.
fn weight(lane: Lane) -> f64 {
    match lane {
        Lane::Officer => 8.0,
        Lane::Agent => 4.0,
        Lane::Job => 1.0,
    }
}

/// The lanes' counters.
#[derive(Clone, Debug, Default)]
pub struct FairShare {
    /// Tokens by weight.
    served: [f64; Lane::ALL.len()],
    /// Tokens, for the statistics.
    tokens: [u64; Lane::ALL.len()],
}

impl FairShare {
    /// Notes tokens computed for `lane`.
    pub fn charge(&mut self, lane: Lane, num_tokens: usize) {
        self.served[lane as usize] += num_tokens as f64 / weight(lane);
        self.tokens[lane as usize] += num_tokens as u64;
    }

    /// Notes that `lane`, which had no request, has one; `busy` are the lanes that have some.
    pub fn wake(&mut self, lane: Lane, busy: impl Iterator<Item = Lane>) {
        let least = busy.map(|lane| self.served[lane as usize]).min_by(f64::total_cmp);
        let counter = &mut self.served[lane as usize];
        *counter = counter.max(least.unwrap_or(*counter));
    }

    /// The lane that is next among `lanes`; of equals the more urgent one.
    pub fn next(&self, lanes: impl Iterator<Item = Lane>) -> Option<Lane> {
        lanes.min_by(|a, b| self.served[*a as usize].total_cmp(&self.served[*b as usize]).then(a.cmp(b)))
    }

    /// Whether `lane` has had more than its share, measured against `other`.
    pub fn is_ahead(&self, lane: Lane, other: Lane) -> bool {
        self.served[lane as usize] > self.served[other as usize]
    }

    /// Tokens computed for each lane, in the order of [`Lane::ALL`].
    pub fn tokens(&self) -> [u64; Lane::ALL.len()] {
        self.tokens
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_that_want_all_get_their_weights() {
        let mut share = FairShare::default();
        for _ in 0..1300 {
            let lane = share.next(Lane::ALL.into_iter()).unwrap();
            share.charge(lane, 10);
        }
        assert_eq!(share.tokens(), [8000, 4000, 1000]);
    }

    #[test]
    fn a_lane_that_rested_has_no_claim_to_the_past() {
        let mut share = FairShare::default();
        share.charge(Lane::Job, 1000);
        share.wake(Lane::Officer, [Lane::Job].into_iter());
        assert!(!share.is_ahead(Lane::Job, Lane::Officer) && !share.is_ahead(Lane::Officer, Lane::Job));
        assert_eq!(share.next([Lane::Job, Lane::Officer].into_iter()), Some(Lane::Officer));
        share.charge(Lane::Officer, 9);
        assert_eq!(share.next([Lane::Job, Lane::Officer].into_iter()), Some(Lane::Job));
    }
}
