//! Percentiles, by nearest rank: every figure printed is one that was measured.

use std::time::Duration;

use serde::Serialize;

/// Of durations in milliseconds, or of speeds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Percentiles {
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
    pub max: f64,
}

impl Percentiles {
    /// Of durations, where 95 of 100 are no longer than `p95`; `None` of none.
    pub fn of_durations(durations: &[Duration]) -> Option<Self> {
        Self::of(durations.iter().map(|duration| duration.as_secs_f64() * 1e3).collect())
    }

    /// Of speeds, where 95 of 100 reach `p95`: the slow ones are what is asked about, so `max` is the slowest.
    pub fn of_speeds(speeds: &[f64]) -> Option<Self> {
        let flipped = Self::of(speeds.iter().map(|speed| -speed).collect())?;
        Some(Self { p50: -flipped.p50, p95: -flipped.p95, p99: -flipped.p99, max: -flipped.max })
    }

    fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let rank = |share: f64| {
            let rank = (share * values.len() as f64).ceil() as usize;
            values.get(rank.saturating_sub(1)).copied()
        };
        Some(Self { p50: rank(0.5)?, p95: rank(0.95)?, p99: rank(0.99)?, max: rank(1.0)? })
    }

    /// The lower of both, figure by figure.
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        self.combine(other, f64::min)
    }

    /// The higher of both, figure by figure.
    #[must_use]
    pub fn max_of(self, other: Self) -> Self {
        self.combine(other, f64::max)
    }

    fn combine(self, other: Self, pick: fn(f64, f64) -> f64) -> Self {
        Self {
            p50: pick(self.p50, other.p50),
            p95: pick(self.p95, other.p95),
            p99: pick(self.p99, other.p99),
            max: pick(self.max, other.max),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_values_that_were_measured() {
        let durations: Vec<Duration> = (1..=100).rev().map(Duration::from_millis).collect();
        let found = Percentiles::of_durations(&durations).unwrap();
        assert_eq!(found, Percentiles { p50: 50.0, p95: 95.0, p99: 99.0, max: 100.0 });
        let one = Percentiles::of_durations(&durations[..1]).unwrap();
        assert_eq!((one.p50, one.max), (100.0, 100.0));
        assert_eq!(Percentiles::of_durations(&[]), None);
    }

    #[test]
    fn of_speeds_the_slow_ones_count() {
        let speeds: Vec<f64> = (1..=100).map(f64::from).collect();
        let found = Percentiles::of_speeds(&speeds).unwrap();
        assert_eq!(found, Percentiles { p50: 51.0, p95: 6.0, p99: 2.0, max: 1.0 });
    }
}
