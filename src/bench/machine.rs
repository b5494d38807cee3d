//! What this machine can do at most, by loops that do nothing else: bytes read from memory and multiply-adds.
//!
//! Bounds to hold figures against, not promises: a loop of ours may miss what an instruction we do not know (AMX) can.

use std::hint::black_box;
use std::time::Instant;

use serde::Serialize;

use crate::kernels::peak;

/// Read in one pass; beyond the last-level cache of most machines, and small enough to be had.
const READ_BYTES: usize = 512 << 20;
const PASSES: usize = 5;
/// The two ceilings, with all threads at work.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Machine {
    pub threads: usize,
    pub read_bytes_per_s: f64,
    /// A multiply-add is two.
    pub ops_per_s: f64,
    /// The instruction that reached it.
    pub kernel: &'static str,
}

impl Machine {
    /// Measures for about a second.
    pub fn measure(threads: usize) -> Self {
        let (kernel, ops_per_s) = peak(threads);
        Self { threads, read_bytes_per_s: bandwidth(threads), ops_per_s, kernel }
    }
}

/// Seconds that the slowest thread takes for `work`, each thread told its number.
fn on_all_threads(threads: usize, work: impl Fn(usize) + Sync) -> f64 {
    let started = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let work = &work;
            scope.spawn(move || work(thread));
        }
    });
    started.elapsed().as_secs_f64()
}

fn bandwidth(threads: usize) -> f64 {
    // Written, because pages never written are all the same one.
    let words: Vec<u64> = (0..READ_BYTES as u64 / 8).collect();
    let share = words.len().div_ceil(threads);
    let pass = |_| {
        on_all_threads(threads, |thread| {
            let mine = words.chunks(share).nth(thread).unwrap_or_default();
            black_box(mine.iter().fold(0u64, |sum, word| sum.wrapping_add(*word)));
        })
    };
    READ_BYTES as f64 / (0..PASSES).map(pass).fold(f64::INFINITY, f64::min)
}

fn peak(threads: usize) -> (&'static str, f64) {
    let loops = peak::loops();
    let measured = loops.iter().map(|kernel| {
        let seconds = (0..PASSES).map(|_| on_all_threads(threads, |_| (kernel.run)())).fold(f64::INFINITY, f64::min);
        (kernel.name, (2 * kernel.num_madds * threads) as f64 / seconds)
    });
    measured.max_by(|a, b| a.1.total_cmp(&b.1)).expect("there is a portable loop")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_reads_and_reckons() {
        let machine = Machine::measure(1);
        // A hundredth of what any machine of this century does: this guards the units, not the speed.
        assert!(machine.read_bytes_per_s > 5e7, "{machine:?}");
        assert!(machine.ops_per_s > 5e7, "{machine:?}");
    }
}
