//! The product of a panel with a tile in plain Rust: what the vector kernels are held to, and what runs where there
//! are none.

use super::gguf::GROUP;
use super::packed::{Format, PANEL, unpack_group};
use super::product::{Operands, Sums};
use super::rows::Record;

/// Multiplies a panel with a tile.
pub fn multiply(operands: Operands<'_>, out: &mut Sums) {
    let Operands { format, panel, tile, tile_rows, num_groups } = operands;
    out[..tile_rows].fill([0.0; PANEL]);
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
                if format == Format::Q6K {
                    // A scale of its own for each half of a group.
                    *sum = dot(0, 16, 0).mul_add(group.scale_and_min(column, 0).0, *sum);
                    *sum = dot(16, GROUP, 1).mul_add(group.scale_and_min(column, 16).0, *sum);
                    continue;
                }
                let (scale, min) = group.scale_and_min(column, 0);
                *sum = dot(0, GROUP, 2).mul_add(scale, *sum);
                if format.has_min() {
                    *sum = record.sum(row).mul_add(min, *sum);
                }
            }
        }
    }
}
