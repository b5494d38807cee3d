//! Loops that do nothing but multiply and add, as fast as each family of instructions can: what a product is measured
//! against, not what it is made of. In: nothing. Out: [`Loop`]s, which their caller times.

use std::hint::black_box;

/// Multiply-adds that one accumulator does in a run: some tens of milliseconds.
const ROUNDS: usize = 4_000_000;
/// Accumulators at work at once, which hide the latency of an instruction.
const NUM_SUMS: usize = 12;

/// A loop and what it does.
pub struct Loop {
    /// Its instruction.
    pub name: &'static str,
    /// Multiply-adds of a run.
    pub num_madds: usize,
    pub run: fn(),
}

impl Loop {
    /// `width`: multiply-adds of one instruction.
    fn new(name: &'static str, width: usize, run: fn()) -> Self {
        Self { name, num_madds: width * NUM_SUMS * ROUNDS, run }
    }
}

/// The loops this processor can run, the portable one among them.
pub fn loops() -> Vec<Loop> {
    let mut loops = vec![Loop::new("f32 multiply, add", 4, portable)];
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: the processor has the features, as was just seen.
            loops.push(Loop::new("f32 multiply-add, AVX2", 8, || unsafe { x86::fma_avx2() }));
        }
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni") {
            // SAFETY: the processor has the features, as was just seen.
            loops.push(Loop::new("int8 dot product, AVX-512", 64, || unsafe { x86::dot_avx512() }));
        }
    }
    loops
}

/// Four numbers a register, as every 64-bit processor has them.
fn portable() {
    let (a, b) = (black_box([1.000_1f32; 4]), black_box([0.5f32; 4]));
    let mut sums = [[1.0f32; 4]; NUM_SUMS];
    for _ in 0..ROUNDS {
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

    use super::{NUM_SUMS, ROUNDS};

    #[target_feature(enable = "avx2,fma")]
    pub fn fma_avx2() {
        let (a, b) = (black_box(_mm256_set1_ps(1.000_1)), black_box(_mm256_set1_ps(0.5)));
        let mut sums = [_mm256_set1_ps(1.0); NUM_SUMS];
        for _ in 0..ROUNDS {
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
        for _ in 0..ROUNDS {
            for sum in &mut sums {
                *sum = _mm512_dpbusd_epi32(*sum, a, b);
            }
        }
        black_box(sums);
    }
}
