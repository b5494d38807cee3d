//! What this machine has to run a model with: memory, cores, and how fast memory is read.

use std::time::Instant;

use sysinfo::{MemoryRefreshKind, RefreshKind, System};

/// Memory and speed, as they matter to a model.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Machine {
    /// Memory that can be had now, within the limit of the container if there is one.
    pub available_bytes: u64,
    pub cores: usize,
    /// Measured, all cores together.
    pub read_bytes_per_s: f64,
}

impl Machine {
    /// Looks and measures; takes about a quarter of a second.
    pub fn measure() -> Self {
        let system =
            System::new_with_specifics(RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram()));
        let limit = system.cgroup_limits().map_or(u64::MAX, |limits| limits.free_memory);
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            available_bytes: system.available_memory().min(limit),
            cores,
            read_bytes_per_s: measure_reading(cores, system.available_memory().min(limit)),
        }
    }
}

/// Reads a buffer larger than the caches on all cores, and takes the best of three rounds.
fn measure_reading(cores: usize, available_bytes: u64) -> f64 {
    const WANTED: u64 = 256 << 20;
    let len = (WANTED.min(available_bytes / 8) / 8) as usize;
    let words: Vec<u64> = (0..len as u64).collect();
    let chunk_len = words.len().div_ceil(cores).max(1);
    let round = || {
        let start = Instant::now();
        std::thread::scope(|scope| {
            for chunk in words.chunks(chunk_len) {
                scope.spawn(move || std::hint::black_box(chunk.iter().fold(0u64, |sum, word| sum ^ word)));
            }
        });
        (words.len() * 8) as f64 / start.elapsed().as_secs_f64()
    };
    (0..3).map(|_| round()).fold(1.0, f64::max)
}
