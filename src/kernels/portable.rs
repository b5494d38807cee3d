//! The product of a panel with a tile in plain Rust: what the vector kernels are held to, and what runs where there
//! are none.

use super::gguf::GROUP;
use super::packed::{Format, PANEL, unpack_group};
use super::rows::{MAX_TILE, Record};

/// Multiplies `panel` with a tile of `tile_rows` rows over `num_groups` groups: `out[row][column]`.
pub fn multiply(
    format: Format,
    panel: &[u8],
    tile: &[u8],
    tile_rows: usize,
    num_groups: usize,
    out: &mut [[f32; PANEL]; MAX_TILE],
) {
    out[..tile_rows].fill([0.0; PANEL]);
    // A scale of its own for each half of a group.
    let halves = format == Format::Q6K;
    for index in 0..num_groups {
        let group = unpack_group(format, panel, index);
        let record = Record::of(tile, tile_rows, index);
        for column in 0..PANEL {
            for (row, out) in out[..tile_rows].iter_mut().enumerate() {
                let dot = |from: usize, to: usize, less: usize| {
                    let products = (from..to).map(|i| group.raw(column, i) * record.quant(row, i)).sum::<i32>();
                    (products + record.less(row, less) * group.offset()) as f32 * record.scale(row)
                };
                let sum = &mut out[column];
                if halves {
                    *sum = dot(0, 16, 0).mul_add(group.scale_and_min(column, 0).0, *sum);
                    *sum = dot(16, GROUP, 1).mul_add(group.scale_and_min(column, 16).0, *sum);
                    continue;
                }
                let (scale, min) = group.scale_and_min(column, 0);
                *sum = dot(0, GROUP, 2).mul_add(scale, *sum);
                if matches!(format, Format::Q4M | Format::Q4K | Format::Q8M | Format::Q8K) {
                    *sum = record.sum(row).mul_add(min, *sum);
                }
            }
        }
    }
}
