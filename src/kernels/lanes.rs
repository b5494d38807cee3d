//! Sixteen f32 at once: one AVX-512 register, two AVX2 ones, or an array. The attention kernel is written once over
//! [`Lanes`], because left to itself the compiler gathers across queries instead of streaming along keys.
//!
//! Every `unsafe` has the same reason: the type is only named inside functions
//! that are compiled for, and called after detection of, the processor feature it needs.

/// 1.5 * 2^23: adding it rounds a number to the nearest whole one and leaves that in the lowest bits.
pub const ROUNDING: f32 = 12_582_912.0;

/// A number within [-128, 127], rounded to the nearest whole one.
#[inline(always)]
pub fn round_to_i8(number: f32) -> i8 {
    (number + ROUNDING).to_bits() as i8
}

/// Sixteen numbers.
pub trait Lanes: Copy {
    fn splat(value: f32) -> Self;
    fn load(from: &[f32; 16]) -> Self;
    /// From sixteen `f16`, little-endian.
    fn load_f16(from: &[u8; 32]) -> Self;
    /// From sixteen `i8`.
    fn load_i8(from: &[u8; 16]) -> Self;
    fn store(self, to: &mut [f32; 16]);
    /// To sixteen `f16`, little-endian, rounded to the nearest.
    fn store_f16(self, to: &mut [u8; 32]);
    /// `self * b + c`
    fn mul_add(self, b: Self, c: Self) -> Self;
    fn add(self, other: Self) -> Self;
    fn max(self, other: Self) -> Self;
    /// The numbers in `from..to`, `other` in the other places.
    fn keep(self, from: usize, to: usize, other: f32) -> Self;
    /// `2^self`, for whole numbers in [-126, 127].
    fn exp2_whole(self) -> Self;

    /// To the nearest whole number.
    #[inline(always)]
    fn round(self) -> Self {
        self.add(Self::splat(ROUNDING)).add(Self::splat(-ROUNDING))
    }

    /// `e^self` for numbers that are not positive, to about one unit in the last place: Cody-Waite reduction and a
    /// polynomial of degree 6. Below -87 it gives about 1e-38 in place of less, minus infinity included.
    #[inline(always)]
    fn exp(self) -> Self {
        let x = self.max(Self::splat(-87.0));
        let n = x.mul_add(Self::splat(std::f32::consts::LOG2_E), Self::splat(0.0)).round();
        let r = n.mul_add(Self::splat(-0.693_359_4), x);
        let r = n.mul_add(Self::splat(2.121_944_4e-4), r);
        let mut p = Self::splat(1.0 / 720.0);
        for coefficient in [1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
            p = p.mul_add(r, Self::splat(coefficient));
        }
        p.mul_add(n.exp2_whole(), Self::splat(0.0))
    }

    #[inline(always)]
    fn to_array(self) -> [f32; 16] {
        let mut array = [0.0; 16];
        self.store(&mut array);
        array
    }

    #[inline(always)]
    fn largest(self) -> f32 {
        self.to_array().into_iter().fold(f32::NEG_INFINITY, f32::max)
    }

    #[inline(always)]
    fn sum(self) -> f32 {
        self.to_array().into_iter().sum()
    }
}

/// For any processor.
#[derive(Clone, Copy)]
pub struct Portable([f32; 16]);

impl Lanes for Portable {
    #[inline(always)]
    fn splat(value: f32) -> Self {
        Self([value; 16])
    }

    #[inline(always)]
    fn load(from: &[f32; 16]) -> Self {
        Self(*from)
    }

    #[inline(always)]
    fn load_f16(from: &[u8; 32]) -> Self {
        Self(std::array::from_fn(|i| half::f16::from_le_bytes([from[2 * i], from[2 * i + 1]]).to_f32()))
    }

    #[inline(always)]
    fn load_i8(from: &[u8; 16]) -> Self {
        Self(from.map(|number| f32::from(number as i8)))
    }

    #[inline(always)]
    fn store(self, to: &mut [f32; 16]) {
        *to = self.0;
    }

    #[inline(always)]
    fn store_f16(self, to: &mut [u8; 32]) {
        for (to, number) in to.as_chunks_mut::<2>().0.iter_mut().zip(self.0) {
            *to = half::f16::from_f32(number).to_le_bytes();
        }
    }

    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        // Not fused: where the processor cannot, the library call that stands in is very slow.
        Self(std::array::from_fn(|i| self.0[i] * b.0[i] + c.0[i]))
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] + other.0[i]))
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i].max(other.0[i])))
    }

    #[inline(always)]
    fn keep(self, from: usize, to: usize, other: f32) -> Self {
        Self(std::array::from_fn(|i| if i >= from && i < to { self.0[i] } else { other }))
    }

    #[inline(always)]
    fn exp2_whole(self) -> Self {
        Self(self.0.map(|n| f32::from_bits(((n as i32 + 127) << 23) as u32)))
    }
}

#[cfg(target_arch = "x86_64")]
pub use x86::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::Lanes;

    /// One 512-bit register; only in functions compiled for `avx512f`.
    #[derive(Clone, Copy)]
    pub struct Avx512(__m512);

    impl Lanes for Avx512 {
        #[inline(always)]
        fn splat(value: f32) -> Self {
            // SAFETY: see the head of the file.
            Self(unsafe { _mm512_set1_ps(value) })
        }

        #[inline(always)]
        fn load(from: &[f32; 16]) -> Self {
            // SAFETY: the array is as long as the register; see the head of the file.
            Self(unsafe { _mm512_loadu_ps(from.as_ptr()) })
        }

        #[inline(always)]
        fn load_f16(from: &[u8; 32]) -> Self {
            // SAFETY: the array is as long as the register; see the head of the file.
            Self(unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(from.as_ptr().cast())) })
        }

        #[inline(always)]
        fn load_i8(from: &[u8; 16]) -> Self {
            // SAFETY: the array is as long as the register; see the head of the file.
            Self(unsafe { _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(from.as_ptr().cast()))) })
        }

        #[inline(always)]
        fn store(self, to: &mut [f32; 16]) {
            // SAFETY: the array is as long as the register; see the head of the file.
            unsafe { _mm512_storeu_ps(to.as_mut_ptr(), self.0) }
        }

        #[inline(always)]
        fn store_f16(self, to: &mut [u8; 32]) {
            // SAFETY: the array is as long as the register; see the head of the file.
            unsafe {
                let halves = _mm512_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(self.0);
                _mm256_storeu_si256(to.as_mut_ptr().cast(), halves);
            }
        }

        #[inline(always)]
        fn mul_add(self, b: Self, c: Self) -> Self {
            // SAFETY: see the head of the file.
            Self(unsafe { _mm512_fmadd_ps(self.0, b.0, c.0) })
        }

        #[inline(always)]
        fn add(self, other: Self) -> Self {
            // SAFETY: see the head of the file.
            Self(unsafe { _mm512_add_ps(self.0, other.0) })
        }

        #[inline(always)]
        fn max(self, other: Self) -> Self {
            // SAFETY: see the head of the file.
            Self(unsafe { _mm512_max_ps(self.0, other.0) })
        }

        #[inline(always)]
        fn keep(self, from: usize, to: usize, other: f32) -> Self {
            let mask = (((1u32 << to) - 1) & !((1u32 << from) - 1)) as u16;
            // SAFETY: see the head of the file.
            Self(unsafe { _mm512_mask_blend_ps(mask, _mm512_set1_ps(other), self.0) })
        }

        #[inline(always)]
        fn exp2_whole(self) -> Self {
            // SAFETY: see the head of the file.
            Self(unsafe { _mm512_scalef_ps(_mm512_set1_ps(1.0), self.0) })
        }

        #[inline(always)]
        fn largest(self) -> f32 {
            // SAFETY: see the head of the file.
            unsafe { _mm512_reduce_max_ps(self.0) }
        }

        #[inline(always)]
        fn sum(self) -> f32 {
            // SAFETY: see the head of the file.
            unsafe { _mm512_reduce_add_ps(self.0) }
        }
    }

    /// Two 256-bit registers; only in functions compiled for `avx2`, `fma` and `f16c`.
    #[derive(Clone, Copy)]
    pub struct Avx2(__m256, __m256);

    impl Lanes for Avx2 {
        #[inline(always)]
        fn splat(value: f32) -> Self {
            // SAFETY: see the head of the file.
            let half = unsafe { _mm256_set1_ps(value) };
            Self(half, half)
        }

        #[inline(always)]
        fn load(from: &[f32; 16]) -> Self {
            // SAFETY: the array is as long as both registers; see the head of the file.
            unsafe { Self(_mm256_loadu_ps(from.as_ptr()), _mm256_loadu_ps(from[8..].as_ptr())) }
        }

        #[inline(always)]
        fn load_f16(from: &[u8; 32]) -> Self {
            // SAFETY: the array is as long as both registers; see the head of the file.
            let half = |at: usize| unsafe { _mm256_cvtph_ps(_mm_loadu_si128(from[at..].as_ptr().cast())) };
            Self(half(0), half(16))
        }

        #[inline(always)]
        fn load_i8(from: &[u8; 16]) -> Self {
            // SAFETY: the array is as long as both registers; see the head of the file.
            let half = |at: usize| unsafe {
                _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(from[at..].as_ptr().cast())))
            };
            Self(half(0), half(8))
        }

        #[inline(always)]
        fn store(self, to: &mut [f32; 16]) {
            // SAFETY: the array is as long as both registers; see the head of the file.
            unsafe {
                _mm256_storeu_ps(to.as_mut_ptr(), self.0);
                _mm256_storeu_ps(to[8..].as_mut_ptr(), self.1);
            }
        }

        #[inline(always)]
        fn store_f16(self, to: &mut [u8; 32]) {
            // SAFETY: the array is as long as both registers; see the head of the file.
            unsafe {
                let [low, high] = [self.0, self.1].map(|half| _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(half));
                _mm_storeu_si128(to.as_mut_ptr().cast(), low);
                _mm_storeu_si128(to[16..].as_mut_ptr().cast(), high);
            }
        }

        #[inline(always)]
        fn mul_add(self, b: Self, c: Self) -> Self {
            // SAFETY: see the head of the file.
            unsafe { Self(_mm256_fmadd_ps(self.0, b.0, c.0), _mm256_fmadd_ps(self.1, b.1, c.1)) }
        }

        #[inline(always)]
        fn add(self, other: Self) -> Self {
            // SAFETY: see the head of the file.
            unsafe { Self(_mm256_add_ps(self.0, other.0), _mm256_add_ps(self.1, other.1)) }
        }

        #[inline(always)]
        fn max(self, other: Self) -> Self {
            // SAFETY: see the head of the file.
            unsafe { Self(_mm256_max_ps(self.0, other.0), _mm256_max_ps(self.1, other.1)) }
        }

        #[inline(always)]
        fn keep(self, from: usize, to: usize, other: f32) -> Self {
            let mut numbers = self.to_array();
            numbers[..from].fill(other);
            numbers[to..].fill(other);
            Self::load(&numbers)
        }

        #[inline(always)]
        fn exp2_whole(self) -> Self {
            // SAFETY: see the head of the file.
            let half = |n| unsafe {
                let biased = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
                _mm256_castsi256_ps(_mm256_slli_epi32::<23>(biased))
            };
            Self(half(self.0), half(self.1))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_exact_to_f32() {
        for i in 0..8_600 {
            let x = -(i as f32) / 100.0;
            let (got, want) = (f64::from(Portable::splat(x).exp().0[0]), f64::from(x).exp());
            assert!((got - want).abs() <= want * 4e-7, "{x}: {got} for {want}");
        }
        assert!(Portable::splat(f32::NEG_INFINITY).exp().0[0] < 1e-37);
    }
}
