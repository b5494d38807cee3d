//! How long masks took, in buckets that grow by the fourth root of two: cheap to count, and a quantile is known to 19 %.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Up to 2^(96/4) microseconds, 17 s.
const NUM_BUCKETS: usize = 96;

/// Counts of masks by time.
#[derive(Debug)]
pub struct MaskTimes {
    buckets: [AtomicU64; NUM_BUCKETS],
}

impl Default for MaskTimes {
    fn default() -> Self {
        Self { buckets: std::array::from_fn(|_| AtomicU64::new(0)) }
    }
}

impl MaskTimes {
    pub fn note(&self, elapsed: Duration) {
        let micros = elapsed.as_secs_f64() * 1e6;
        let bucket = (micros.max(1.0).log2() * 4.0) as usize;
        self.buckets[bucket.min(NUM_BUCKETS - 1)].fetch_add(1, Ordering::Relaxed);
    }

    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).sum()
    }

    /// The time below which a `share` of the masks took, rounded up to its bucket's end; zero where there were none.
    pub fn quantile(&self, share: f64) -> Duration {
        let rank = (self.count() as f64 * share).ceil() as u64;
        let mut below = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            below += count.load(Ordering::Relaxed);
            if rank > 0 && below >= rank {
                return Duration::from_secs_f64(f64::exp2((bucket + 1) as f64 / 4.0) / 1e6);
            }
        }
        Duration::ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_within_its_bucket() {
        let times = MaskTimes::default();
        assert_eq!(times.quantile(0.99), Duration::ZERO);
        for micros in 1..=1000 {
            times.note(Duration::from_micros(micros));
        }
        let p99 = times.quantile(0.99).as_secs_f64() * 1e6;
        assert!((990.0..990.0 * 1.2).contains(&p99), "{p99}");
        assert_eq!(times.count(), 1000);
    }
}
