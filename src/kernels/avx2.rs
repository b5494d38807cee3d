//! The product of a panel with a tile on AVX2: eight outputs a register. Weights are unsigned bytes; those in even and in
//! odd places of four inputs are widened apart, and `vpmaddwd` multiplies them with the row's, exactly.

use std::arch::x86_64::*;

use super::gguf::GROUP;
use super::packed::{Format, PANEL};
use super::product::{Operands, Sums};
use super::rows::ROW_RECORD;

/// Rows taken together: their sums, sixteen registers being all there are.
const STRIP: usize = 4;
/// Outputs a register.
const WIDTH: usize = 8;

/// As [`super::portable::multiply`], bit for bit.
///
/// # Safety
/// The processor has AVX2, FMA and F16C; panel and tile are as long as [`Operands`] says.
pub unsafe fn multiply(operands: Operands<'_>, out: &mut Sums) {
    for first in (0..operands.tile_rows).step_by(STRIP) {
        for side in 0..PANEL / WIDTH {
            match operands.tile_rows - first {
                // SAFETY: as the caller promises.
                1 => unsafe { product::<1>(operands, first, side, out) },
                // SAFETY: as above.
                2 => unsafe { product::<2>(operands, first, side, out) },
                // SAFETY: as above; tiles of more than two rows are multiples of four.
                _ => unsafe { product::<STRIP>(operands, first, side, out) },
            }
        }
    }
}

/// Rows `first..first + R` of the tile with the eight outputs of one side of the panel.
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn product<const R: usize>(operands: Operands<'_>, first: usize, side: usize, out: &mut Sums) {
    let Operands { format, panel, tile, tile_rows, num_groups } = operands;
    let (record_groups, head, group_bytes) = format.record();
    debug_assert!(panel.len() >= num_groups / record_groups * (head + record_groups * group_bytes));
    debug_assert!(tile.len() >= num_groups * tile_rows * ROW_RECORD);
    let mut sums = [_mm256_setzero_ps(); R];
    let mut at = panel.as_ptr();
    let mut record = tile.as_ptr();
    // SAFETY: `at` and `record` walk through panel and tile group by group and end at their ends; loads are unaligned.
    unsafe {
        let spread = |record: *const u8, field: usize, r: usize| {
            let place = tile_rows * GROUP + (field * tile_rows + first + r) * 4;
            record.add(place).cast::<i32>().read_unaligned()
        };
        for _ in 0..num_groups / record_groups {
            let (mut d, mut dm) = (_mm256_setzero_ps(), _mm256_setzero_ps());
            if head > 0 {
                d = halves(at, side);
                if head > 32 {
                    dm = halves(at.add(32), side);
                }
                at = at.add(head);
            }
            for _ in 0..record_groups {
                let (scales, mins) = match format {
                    Format::Q4 | Format::Q5 | Format::Q8 => ([halves(at, side); 2], None),
                    Format::Q4M | Format::Q5M => ([halves(at, side); 2], Some(halves(at.add(32), side))),
                    Format::Q4K | Format::Q5K => {
                        let min = _mm256_mul_ps(dm, unsigned(at.add(16), side));
                        let min = _mm256_xor_ps(min, _mm256_set1_ps(-0.0));
                        ([_mm256_mul_ps(d, unsigned(at, side)); 2], Some(min))
                    }
                    Format::Q6K => {
                        let half = |half: usize| _mm256_mul_ps(d, signed(at.add(half * 16), side));
                        ([half(0), half(1)], None)
                    }
                };
                let parts = if format == Format::Q6K { 2 } else { 1 };
                for (part, weight_scale) in scales.into_iter().enumerate().take(parts) {
                    let mut dots = [_mm256_setzero_si256(); R];
                    if let Some(shift) = format.offset_shift() {
                        let field = if parts == 1 { 3 } else { 1 + part };
                        for (r, dot) in dots.iter_mut().enumerate() {
                            *dot = _mm256_set1_epi32(spread(record, field, r) << shift);
                        }
                    }
                    let vectors = if parts == 1 { 0..8 } else { part * 4..part * 4 + 4 };
                    for vector in vectors {
                        let weights = weights(format, at, vector, side);
                        let even = _mm256_and_si256(weights, _mm256_set1_epi16(255));
                        let odd = _mm256_srli_epi16::<8>(weights);
                        for (r, dot) in dots.iter_mut().enumerate() {
                            let row = record.add((vector * tile_rows + first + r) * 4).cast::<i32>().read_unaligned();
                            let row = _mm256_set1_epi32(row);
                            let row_even = _mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(row));
                            let row_odd = _mm256_srai_epi16::<8>(row);
                            *dot = _mm256_add_epi32(*dot, _mm256_madd_epi16(even, row_even));
                            *dot = _mm256_add_epi32(*dot, _mm256_madd_epi16(odd, row_odd));
                        }
                    }
                    for (r, (sum, dot)) in sums.iter_mut().zip(dots).enumerate() {
                        let row = _mm256_castsi256_ps(_mm256_set1_epi32(spread(record, 0, r)));
                        *sum = _mm256_fmadd_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(dot), row), weight_scale, *sum);
                    }
                }
                if let Some(min) = mins {
                    for (r, sum) in sums.iter_mut().enumerate() {
                        let row = _mm256_castsi256_ps(_mm256_set1_epi32(spread(record, 4, r)));
                        *sum = _mm256_fmadd_ps(row, min, *sum);
                    }
                }
                at = at.add(group_bytes);
                record = record.add(tile_rows * ROW_RECORD);
            }
        }
        for (out, sum) in out[first..].iter_mut().zip(sums) {
            _mm256_storeu_ps(out.as_mut_ptr().add(side * WIDTH), sum);
        }
    }
}

/// Vector `vector` of a group, eight outputs of it, as unsigned bytes.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn weights(format: Format, group: *const u8, vector: usize, side: usize) -> __m256i {
    // SAFETY: the caller's group is of this format.
    unsafe {
        let quants = group.add(format.quants_at() + side * WIDTH * 4);
        let load = |place: usize| _mm256_loadu_si256(quants.add(place).cast());
        let nibbles = || {
            let both = load(vector % 4 * 64);
            let low = if vector < 4 { both } else { _mm256_srli_epi16::<4>(both) };
            _mm256_and_si256(low, _mm256_set1_epi8(15))
        };
        match format {
            Format::Q4 | Format::Q4M | Format::Q4K => nibbles(),
            Format::Q5 | Format::Q5M | Format::Q5K => {
                let bits = load(256);
                let place = _mm_cvtsi32_si128((vector as i32 - 4).abs());
                let bits = if vector < 4 { _mm256_sll_epi16(bits, place) } else { _mm256_srl_epi16(bits, place) };
                _mm256_or_si256(nibbles(), _mm256_and_si256(bits, _mm256_set1_epi8(16)))
            }
            Format::Q8 => load(vector * 64),
            Format::Q6K => {
                let pairs = load(256 + vector % 4 / 2 * 64);
                let pairs = match (vector / 4, vector % 2) {
                    (0, 0) => _mm256_slli_epi16::<4>(pairs),
                    (0, _) => _mm256_slli_epi16::<2>(pairs),
                    (_, 0) => pairs,
                    (_, _) => _mm256_srli_epi16::<2>(pairs),
                };
                _mm256_or_si256(nibbles(), _mm256_and_si256(pairs, _mm256_set1_epi8(48)))
            }
        }
    }
}

/// Eight of sixteen `f16`.
#[inline]
#[target_feature(enable = "avx2,f16c")]
unsafe fn halves(at: *const u8, side: usize) -> __m256 {
    // SAFETY: the caller's pointer has 32 bytes behind it.
    _mm256_cvtph_ps(unsafe { _mm_loadu_si128(at.add(side * 16).cast()) })
}

/// Eight of sixteen `u8`.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn unsigned(at: *const u8, side: usize) -> __m256 {
    // SAFETY: the caller's pointer has 16 bytes behind it.
    _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(unsafe { _mm_loadl_epi64(at.add(side * 8).cast()) }))
}

/// Eight of sixteen `i8`.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn signed(at: *const u8, side: usize) -> __m256 {
    // SAFETY: the caller's pointer has 16 bytes behind it.
    _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(unsafe { _mm_loadl_epi64(at.add(side * 8).cast()) }))
}
