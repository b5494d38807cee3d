//! The product of a panel with a tile on AVX-512 VNNI: one register holds four inputs of sixteen outputs, and
//! `vpdpbusd` multiplies it with four inputs of one row, spread over the register straight from memory.

use std::arch::x86_64::*;

use super::gguf::GROUP;
use super::packed::Format;
use super::product::{Operands, Sums};
use super::rows::ROW_RECORD;

/// As [`super::portable::multiply`], bit for bit.
///
/// # Safety
/// The processor has AVX-512 F, BW, VL and VNNI; panel and tile are as long as [`Operands`] says.
pub unsafe fn multiply(operands: Operands<'_>, out: &mut Sums) {
    macro_rules! by_rows {
        ($layout:ty) => {
            match operands.tile_rows {
                // SAFETY: as the caller promises.
                12 => unsafe { product::<$layout, 12>(operands, out) },
                // SAFETY: as above.
                8 => unsafe { product::<$layout, 8>(operands, out) },
                // SAFETY: as above.
                4 => unsafe { product::<$layout, 4>(operands, out) },
                // SAFETY: as above.
                2 => unsafe { product::<$layout, 2>(operands, out) },
                // SAFETY: as above.
                _ => unsafe { product::<$layout, 1>(operands, out) },
            }
        };
    }
    match operands.format {
        Format::Q4 => by_rows!(Q4),
        Format::Q4M => by_rows!(Q4M),
        Format::Q4K => by_rows!(Q4K),
        Format::Q5 => by_rows!(Q5),
        Format::Q5M => by_rows!(Q5M),
        Format::Q5K => by_rows!(Q5K),
        Format::Q6K => by_rows!(Q6K),
        Format::Q8 => by_rows!(Q8),
    }
}

/// A format known when the kernel is compiled.
trait Layout {
    const FORMAT: Format;
}

macro_rules! layouts {
    ($($name:ident),*) => {
        $(
            struct $name;

            impl Layout for $name {
                const FORMAT: Format = Format::$name;
            }
        )*
    };
}

layouts!(Q4, Q4M, Q4K, Q5, Q5M, Q5K, Q6K, Q8);

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn product<L: Layout, const R: usize>(operands: Operands<'_>, out: &mut Sums) {
    let Operands { panel, tile, num_groups, .. } = operands;
    let (record_groups, head, group_bytes) = L::FORMAT.record();
    debug_assert!(panel.len() >= num_groups / record_groups * (head + record_groups * group_bytes));
    debug_assert!(tile.len() >= num_groups * R * ROW_RECORD);
    let mut sums = [_mm512_setzero_ps(); R];
    let mut at = panel.as_ptr();
    let mut row = tile.as_ptr();
    // SAFETY: `at` and `row` walk through the panel and the tile group by group and end at their ends; loads are
    // unaligned ones.
    unsafe {
        for _ in 0..num_groups / record_groups {
            let (mut d, mut dm) = (_mm512_setzero_ps(), _mm512_setzero_ps());
            if head > 0 {
                d = halves(at);
                if head > 32 {
                    dm = halves(at.add(32));
                }
                at = at.add(head);
            }
            for _ in 0..record_groups {
                if R <= 4 {
                    // A few rows wait for memory alone: ask for what comes next before it is due.
                    for line in (0..group_bytes).step_by(64) {
                        _mm_prefetch::<_MM_HINT_T0>(at.wrapping_add(AHEAD + line).cast());
                    }
                }
                let quants = at.add(L::FORMAT.quants_at());
                let offset = L::FORMAT.offset_shift();
                if let Format::Q6K = L::FORMAT {
                    let high = [load(quants.add(256)), load(quants.add(320))];
                    for half in 0..2 {
                        let mut dots = start::<R>(row, half, offset);
                        sixths(&mut dots, quants, high, half, row);
                        scale(&mut sums, &dots, _mm512_mul_ps(d, signed(at.add(half * 16))), row);
                    }
                } else {
                    let mut dots = start::<R>(row, 2, offset);
                    match L::FORMAT {
                        Format::Q5 | Format::Q5M | Format::Q5K => fifths(&mut dots, quants, row),
                        Format::Q8 => bytes(&mut dots, quants, row),
                        _ => nibbles(&mut dots, quants, row),
                    }
                    let weight = match L::FORMAT {
                        Format::Q4K | Format::Q5K => _mm512_mul_ps(d, unsigned(at)),
                        _ => halves(at),
                    };
                    scale(&mut sums, &dots, weight, row);
                    if L::FORMAT.has_min() {
                        let min = match L::FORMAT {
                            Format::Q4K | Format::Q5K => {
                                let min = _mm512_mul_ps(dm, unsigned(at.add(16)));
                                _mm512_xor_ps(min, _mm512_set1_ps(-0.0))
                            }
                            _ => halves(at.add(32)),
                        };
                        raise(&mut sums, min, row);
                    }
                }
                at = at.add(group_bytes);
                row = row.add(R * ROW_RECORD);
            }
        }
        for (out, sum) in out.iter_mut().zip(sums) {
            _mm512_storeu_ps(out.as_mut_ptr(), sum);
        }
    }
}

/// How far ahead of the reading memory is asked for, in bytes.
const AHEAD: usize = 6144;

#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn load(at: *const u8) -> __m512i {
    // SAFETY: the caller's pointer has 64 bytes behind it.
    unsafe { _mm512_loadu_si512(at.cast()) }
}

/// Sixteen `f16`.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn halves(at: *const u8) -> __m512 {
    // SAFETY: the caller's pointer has 32 bytes behind it.
    _mm512_cvtph_ps(unsafe { _mm256_loadu_si256(at.cast()) })
}

/// Sixteen `u8`.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn unsigned(at: *const u8) -> __m512 {
    // SAFETY: the caller's pointer has 16 bytes behind it.
    _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(unsafe { _mm_loadu_si128(at.cast()) }))
}

/// Sixteen `i8`.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn signed(at: *const u8) -> __m512 {
    // SAFETY: the caller's pointer has 16 bytes behind it.
    _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(unsafe { _mm_loadu_si128(at.cast()) }))
}

/// A row's number in field `field` of its record, in every lane.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn spread<const R: usize>(record: *const u8, field: usize, r: usize) -> __m512i {
    // SAFETY: the caller's record is one of a tile of `R` rows.
    _mm512_set1_epi32(unsafe { record.add(R * GROUP + (field * R + r) * 4).cast::<i32>().read_unaligned() })
}

/// Begins the sums with what an offset of `2^shift` takes from them.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn start<const R: usize>(record: *const u8, part: usize, shift: Option<u32>) -> [__m512i; R] {
    let mut dots = [_mm512_setzero_si512(); R];
    if let Some(shift) = shift {
        for (r, dot) in dots.iter_mut().enumerate() {
            // SAFETY: as the caller promises.
            let less = unsafe { spread::<R>(record, 1 + part, r) };
            *dot = _mm512_sllv_epi32(less, _mm512_set1_epi32(shift as i32));
        }
    }
    dots
}

/// Adds the products of vector `vector` with each row.
#[inline]
#[target_feature(enable = "avx512f,avx512vnni")]
unsafe fn dot<const R: usize>(dots: &mut [__m512i; R], weights: __m512i, record: *const u8, vector: usize) {
    for (r, dot) in dots.iter_mut().enumerate() {
        // SAFETY: as the caller promises.
        let row = unsafe { record.add((vector * R + r) * 4).cast::<i32>().read_unaligned() };
        *dot = _mm512_dpbusd_epi32(*dot, weights, _mm512_set1_epi32(row));
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512vnni")]
unsafe fn nibbles<const R: usize>(dots: &mut [__m512i; R], at: *const u8, record: *const u8) {
    let mask = _mm512_set1_epi8(15);
    for vector in 0..4 {
        // SAFETY: as the caller promises.
        unsafe {
            let both = load(at.add(vector * 64));
            dot(dots, _mm512_and_si512(both, mask), record, vector);
            dot(dots, _mm512_and_si512(_mm512_srli_epi16::<4>(both), mask), record, vector + 4);
        }
    }
}

/// Nibbles, and bit 4 of every quant from the vector after them.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn fifths<const R: usize>(dots: &mut [__m512i; R], at: *const u8, record: *const u8) {
    let (mask, bit) = (_mm512_set1_epi8(15), _mm512_set1_epi8(16));
    // SAFETY: as the caller promises.
    let bits = unsafe { load(at.add(256)) };
    for vector in 0..4 {
        // SAFETY: as above.
        let both = unsafe { load(at.add(vector * 64)) };
        let (low, high) = match vector {
            0 => (_mm512_slli_epi16::<4>(bits), bits),
            1 => (_mm512_slli_epi16::<3>(bits), _mm512_srli_epi16::<1>(bits)),
            2 => (_mm512_slli_epi16::<2>(bits), _mm512_srli_epi16::<2>(bits)),
            _ => (_mm512_slli_epi16::<1>(bits), _mm512_srli_epi16::<3>(bits)),
        };
        let whole = |nibbles: __m512i, bits: __m512i| {
            _mm512_or_si512(_mm512_and_si512(nibbles, mask), _mm512_and_si512(bits, bit))
        };
        // SAFETY: as above.
        unsafe {
            dot(dots, whole(both, low), record, vector);
            dot(dots, whole(_mm512_srli_epi16::<4>(both), high), record, vector + 4);
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512vnni")]
unsafe fn bytes<const R: usize>(dots: &mut [__m512i; R], at: *const u8, record: *const u8) {
    for vector in 0..8 {
        // SAFETY: as the caller promises.
        unsafe { dot(dots, load(at.add(vector * 64)), record, vector) };
    }
}

/// One half of a group of six bits: its nibbles and, from `high`, its bits 4 and 5.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn sixths<const R: usize>(
    dots: &mut [__m512i; R],
    at: *const u8,
    high: [__m512i; 2],
    half: usize,
    record: *const u8,
) {
    let (low_mask, high_mask) = (_mm512_set1_epi8(15), _mm512_set1_epi8(48));
    for vector in 0..4 {
        // SAFETY: as the caller promises.
        let both = unsafe { load(at.add(vector * 64)) };
        let low = if half == 0 { both } else { _mm512_srli_epi16::<4>(both) };
        let pairs = high[vector / 2];
        // Vectors 0, 1, 4, 5 (2, 3, 6, 7) lie from the lowest bits up.
        let pairs = match (half, vector % 2) {
            (0, 0) => _mm512_slli_epi16::<4>(pairs),
            (0, _) => _mm512_slli_epi16::<2>(pairs),
            (_, 0) => pairs,
            (_, _) => _mm512_srli_epi16::<2>(pairs),
        };
        let weights = _mm512_or_si512(_mm512_and_si512(low, low_mask), _mm512_and_si512(pairs, high_mask));
        // SAFETY: as above.
        unsafe { dot(dots, weights, record, half * 4 + vector) };
    }
}

/// `sums += dots * row scale * weight scale`
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn scale<const R: usize>(sums: &mut [__m512; R], dots: &[__m512i; R], weight: __m512, record: *const u8) {
    for (r, (sum, dot)) in sums.iter_mut().zip(dots).enumerate() {
        // SAFETY: as the caller promises.
        let row = _mm512_castsi512_ps(unsafe { spread::<R>(record, 0, r) });
        *sum = _mm512_fmadd_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(*dot), row), weight, *sum);
    }
}

/// `sums += row sum * weight min`
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn raise<const R: usize>(sums: &mut [__m512; R], min: __m512, record: *const u8) {
    for (r, sum) in sums.iter_mut().enumerate() {
        // SAFETY: as the caller promises.
        let row = _mm512_castsi512_ps(unsafe { spread::<R>(record, 4, r) });
        *sum = _mm512_fmadd_ps(row, min, *sum);
    }
}
