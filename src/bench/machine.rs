//! What this machine can do at most, by loops that do nothing else: bytes read from memory and multiply-adds.
//!
//! Bounds to hold figures against, not promises: a loop of ours may miss what an instruction we do not know (AMX) can.

use std::hint::black_box;
use std::time::Instant;

use serde::Serialize;

/// Read in one pass; beyond the last-level cache of most machines, and small enough to be had.
const READ_BYTES: usize = 512 << 20;
const PASSES: usize = 5;
/// Multiply-adds that one accumulator does in a pass: some tens of milliseconds.
const MADD_ROUNDS: usize = 4_000_000;
/// Accumulators at work at once, which hide the latency of an instruction.
const NUM_SUMS: usize = 12;

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

/// A loop that does [`MADD_ROUNDS`] rounds on [`NUM_SUMS`] registers.
struct Kernel {
    name: &'static str,
    /// Multiplications of one instruction.
    width: usize,
    run: fn(),
}

fn peak(threads: usize) -> (&'static str, f64) {
    let kernels = kernels();
    let measured = kernels.iter().map(|kernel| {
        let seconds = (0..PASSES).map(|_| on_all_threads(threads, |_| (kernel.run)())).fold(f64::INFINITY, f64::min);
        let ops = 2 * kernel.width * NUM_SUMS * MADD_ROUNDS * threads;
        (kernel.name, ops as f64 / seconds)
    });
    measured.max_by(|a, b| a.1.total_cmp(&b.1)).expect("there is a portable kernel")
}

fn kernels() -> Vec<Kernel> {
    let mut kernels = vec![Kernel { name: "f32 multiply, add", width: 4, run: portable }];
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: the processor has the features, as was just seen.
            kernels.push(Kernel { name: "f32 multiply-add, AVX2", width: 8, run: || unsafe { x86::fma_avx2() } });
        }
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni") {
            // SAFETY: the processor has the features, as was just seen.
            kernels.push(Kernel { name: "int8 dot product, AVX-512", width: 64, run: || unsafe { x86::dot_avx512() } });
        }
    }
    kernels
}

/// Four numbers a register, as every 64-bit processor has them.
fn portable() {
    let (a, b) = (black_box([1.000_1f32; 4]), black_box([0.5f32; 4]));
    let mut sums = [[1.0f32; 4]; NUM_SUMS];
    for _ in 0..MADD_ROUNDS {
        for sum in &mut sums {
            for lane in 0..4 {
                sum[lane] = sum[lane] * a[lane] + b[lane];
            }
        }
    }
    black_box(sums);
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;
    use std::hint::black_box;

    use super::{MADD_ROUNDS, NUM_SUMS};

    #[target_feature(enable = "avx2,fma")]
    pub fn fma_avx2() {
        let (a, b) = (black_box(_mm256_set1_ps(1.000_1)), black_box(_mm256_set1_ps(0.5)));
        let mut sums = [_mm256_set1_ps(1.0); NUM_SUMS];
        for _ in 0..MADD_ROUNDS {
            for sum in &mut sums {
                *sum = _mm256_fmadd_ps(*sum, a, b);
            }
        }
        black_box(sums);
    }

    #[target_feature(enable = "avx512f,avx512vnni")]
    pub fn dot_avx512() {
        let (a, b) = (black_box(_mm512_set1_epi8(3)), black_box(_mm512_set1_epi8(5)));
        let mut sums = [_mm512_set1_epi32(1); NUM_SUMS];
        for _ in 0..MADD_ROUNDS {
            for sum in &mut sums {
                *sum = _mm512_dpbusd_epi32(*sum, a, b);
            }
        }
        black_box(sums);
    }
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
