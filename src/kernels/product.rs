//! Products over the threads of the pool: which panel meets which tile, in which order.

use super::isa::Isa;
use super::packed::{Format, PANEL, Packed};
use super::pool::pool;
use super::portable;
use super::rows::{MAX_TILE, Rows, Tile};
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};

/// Bytes of rows that stay in a core's own cache while panels pass by.
const ROW_BLOCK_BYTES: usize = 512 << 10;
/// Bytes of weights in a piece of work: long enough to be read as a stream, short enough to share out evenly.
const PIECE_BYTES: usize = 96 << 10;

/// Where a product goes: `[rows, out]`, dense.
pub struct Output<'a> {
    pub rows: &'a mut [f32],
    /// Adds to what is there, as a residual branch does.
    pub add: bool,
}

/// One matrix to multiply with.
pub struct Product<'a> {
    pub weight: &'a Packed,
    /// `[out]`
    pub bias: Option<&'a [f32]>,
    pub output: Output<'a>,
}

/// A panel and a tile that a kernel multiplies.
#[derive(Clone, Copy)]
pub(super) struct Operands<'a> {
    pub format: Format,
    pub panel: &'a [u8],
    pub tile: &'a [u8],
    /// Rows of the tile, a number that [`super::rows`] makes.
    pub tile_rows: usize,
    /// Groups that both hold.
    pub num_groups: usize,
}

/// What comes of them: `[row][column]`, the rows beyond the tile's untouched.
pub(super) type Sums = [[f32; PANEL]; MAX_TILE];

/// A product as the threads see it.
struct Job<'a> {
    weight: &'a Packed,
    bias: Option<&'a [f32]>,
    out: *mut f32,
    add: bool,
    /// Panels in a piece, and the number of the job's first piece.
    piece_panels: usize,
    first_piece: usize,
}

// SAFETY: pieces write disjoint parts of what `out` points to.
unsafe impl Sync for Job<'_> {}

/// Multiplies `rows` with each matrix, all in one parallel region.
///
/// # Panics
/// If lengths do not fit together.
pub fn multiply(rows: &Rows, products: &mut [Product<'_>]) {
    multiply_with(rows, products, Isa::best());
}

pub(super) fn multiply_with(rows: &Rows, products: &mut [Product<'_>], isa: Isa) {
    let tiles = rows.tiles();
    // Blocks of rows, each a range of tiles.
    let block_rows = (ROW_BLOCK_BYTES / rows.record_len().max(1)).max(MAX_TILE);
    let mut blocks: Vec<&[Tile]> = Vec::new();
    let mut rest = tiles;
    while !rest.is_empty() {
        let mut taken = 0;
        let len = rest.iter().take_while(|tile| {
            taken += tile.num_rows;
            taken <= block_rows
        });
        let (block, others) = rest.split_at(len.count().max(1));
        blocks.push(block);
        rest = others;
    }
    let mut jobs = Vec::with_capacity(products.len());
    let mut num_pieces = 0;
    for product in products {
        let weight = product.weight;
        assert_eq!(weight.in_len(), rows.in_len(), "the weights take other rows");
        assert_eq!(product.output.rows.len(), rows.num_rows() * weight.out_len(), "the product has another size");
        assert!(product.bias.is_none_or(|bias| bias.len() == weight.out_len()), "the bias has another length");
        let piece_panels = (PIECE_BYTES / weight.panel(0).len()).clamp(1, 64);
        jobs.push(Job {
            weight,
            bias: product.bias,
            out: product.output.rows.as_mut_ptr(),
            add: product.output.add,
            piece_panels,
            first_piece: num_pieces,
        });
        num_pieces += weight.num_panels().div_ceil(piece_panels);
    }
    pool().run(num_pieces * blocks.len(), |piece| {
        let (block, piece) = (blocks[piece / num_pieces], piece % num_pieces);
        let job = jobs.iter().rev().find(|job| job.first_piece <= piece).expect("the first job begins at 0");
        let first = (piece - job.first_piece) * job.piece_panels;
        for panel in first..job.weight.num_panels().min(first + job.piece_panels) {
            for tile in block {
                job.multiply(rows, *tile, panel, isa);
            }
        }
    });
}

impl Job<'_> {
    fn multiply(&self, rows: &Rows, tile: Tile, panel: usize, isa: Isa) {
        let mut sums: Sums = [[0.0; PANEL]; MAX_TILE];
        let weight = self.weight;
        let operands = Operands {
            format: weight.format(),
            panel: weight.panel(panel),
            tile: rows.tile(tile),
            tile_rows: tile.num_rows,
            num_groups: weight.num_groups(),
        };
        match isa {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Isa` says that the processor has the features; panel and tile are of the lengths checked above.
            Isa::Avx512 => unsafe { avx512::multiply(operands, &mut sums) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Isa::Avx2 => unsafe { avx2::multiply(operands, &mut sums) },
            _ => portable::multiply(operands, &mut sums),
        }
        let out_len = weight.out_len();
        let columns = panel * PANEL..out_len.min((panel + 1) * PANEL);
        for (row, sums) in sums[..tile.num_rows].iter_mut().enumerate() {
            if let Some(bias) = self.bias {
                for (sum, bias) in sums.iter_mut().zip(&bias[columns.clone()]) {
                    *sum += bias;
                }
            }
            // SAFETY: the row and the columns lie within the output, whose size was checked, and no other piece writes
            // this panel of these rows.
            let out = unsafe {
                let start = self.out.add((tile.first + row) * out_len + columns.start);
                std::slice::from_raw_parts_mut(start, columns.len())
            };
            if self.add {
                for (out, sum) in out.iter_mut().zip(sums.iter()) {
                    *out += sum;
                }
            } else {
                out.copy_from_slice(&sums[..columns.len()]);
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::super::gguf::BlockType;
    use super::super::rows::Source;
    use super::*;

    const KINDS: [BlockType; 11] = [
        BlockType::F32,
        BlockType::F16,
        BlockType::Bf16,
        BlockType::Q4_0,
        BlockType::Q4_1,
        BlockType::Q5_0,
        BlockType::Q5_1,
        BlockType::Q8_0,
        BlockType::Q4K,
        BlockType::Q5K,
        BlockType::Q6K,
    ];

    /// Numbers between -1 and 1 without a pattern.
    pub fn noise(len: usize, seed: u32) -> Vec<f32> {
        let mut state = seed.wrapping_mul(0x9E37_79B9) | 1;
        let numbers = (0..len).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        });
        numbers.collect()
    }

    /// A tensor of random bits whose scales are small numbers.
    fn tensor(kind: BlockType, out_len: usize, in_len: usize, seed: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        let values = noise(out_len * in_len * 2, seed);
        match kind {
            BlockType::F32 => bytes.extend(values[..out_len * in_len].iter().flat_map(|v| v.to_le_bytes())),
            BlockType::F16 => {
                bytes.extend(values[..out_len * in_len].iter().flat_map(|v| half::f16::from_f32(*v).to_le_bytes()));
            }
            BlockType::Bf16 => {
                bytes.extend(values[..out_len * in_len].iter().flat_map(|v| half::bf16::from_f32(*v).to_le_bytes()));
            }
            _ => {
                let (weights, block) = kind.block();
                bytes.extend(
                    values.iter().cycle().take(out_len * in_len / weights * block).map(|v| (v * 127.0) as i8 as u8),
                );
                for (index, block) in bytes.chunks_exact_mut(block).enumerate() {
                    let scale = half::f16::from_f32(values[index % values.len()] * 0.1).to_le_bytes();
                    match kind {
                        BlockType::Q6K => block[208..].copy_from_slice(&scale),
                        BlockType::Q4_1 | BlockType::Q5_1 | BlockType::Q4K | BlockType::Q5K => {
                            block[..2].copy_from_slice(&scale);
                            block[2..4].copy_from_slice(&scale);
                        }
                        _ => block[..2].copy_from_slice(&scale),
                    }
                }
            }
        }
        bytes
    }

    fn run(weight: &Packed, source: &[f32], num_rows: usize, isa: Isa) -> Vec<f32> {
        let mut rows = Rows::default();
        rows.fill_with(Source::Plain(source), num_rows, weight.in_len(), isa);
        let mut out = vec![0.0; num_rows * weight.out_len()];
        let output = Output { rows: &mut out, add: false };
        multiply_with(&rows, &mut [Product { weight, bias: None, output }], isa);
        out
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        #[test]
        fn every_kernel_equals_its_twin_bit_for_bit(
            kind in 0..KINDS.len(), groups in 1usize..20, out_len in 1usize..70, num_rows in 1usize..40, seed: u32,
        ) {
            let kind = KINDS[kind];
            let in_len = groups * kind.block().0.max(32) / if groups > 3 { kind.block().0.max(32) / 32 } else { 1 };
            let in_len = in_len.next_multiple_of(kind.block().0);
            let bytes = tensor(kind, out_len, in_len, seed);
            let weight = Packed::from_gguf(kind, &bytes, out_len, in_len).unwrap();
            let source = noise(num_rows * in_len, seed ^ 7);
            let twin = run(&weight, &source, num_rows, Isa::Portable);
            for isa in Isa::available() {
                prop_assert_eq!(&run(&weight, &source, num_rows, isa), &twin, "{:?} on {:?}", kind, isa);
            }
        }

        #[test]
        fn a_row_alone_equals_the_row_among_others_bit_for_bit(kind in 0..KINDS.len(), num_rows in 1usize..40, seed: u32) {
            let kind = KINDS[kind];
            let weight = Packed::from_gguf(kind, &tensor(kind, 40, 512, seed), 40, 512).unwrap();
            let source = noise(num_rows * 512, seed ^ 7);
            let together = run(&weight, &source, num_rows, Isa::best());
            for (row, together) in source.chunks(512).zip(together.chunks(40)) {
                prop_assert_eq!(run(&weight, row, 1, Isa::best()), together);
            }
        }

        #[test]
        fn products_are_near_what_they_stand_for(kind in 0..KINDS.len(), seed: u32) {
            let kind = KINDS[kind];
            let (out_len, in_len) = (24, 512);
            let weight = Packed::from_gguf(kind, &tensor(kind, out_len, in_len, seed), out_len, in_len).unwrap();
            let source = noise(2 * in_len, seed ^ 7);
            let got = run(&weight, &source, 2, Isa::best());
            let mut row = vec![0.0; in_len];
            for column in 0..out_len {
                weight.row(column, &mut row);
                let weight_norm = row.iter().map(|w| w * w).sum::<f32>().sqrt();
                for (source, got) in source.chunks(in_len).zip(got.chunks(out_len)) {
                    let want: f32 = row.iter().zip(source).map(|(w, x)| w * x).sum();
                    // Rounding to 1/127 of the largest of 32 leaves an error of 1/254 at most, 1/440 on average.
                    prop_assert!((got[column] - want).abs() <= weight_norm * 0.02, "{kind:?}: {} for {want}", got[column]);
                }
            }
        }
    }

    #[test]
    fn short_rows_biases_and_residuals() {
        let weights = noise(5 * 70, 3);
        let weight = Packed::from_f32(&weights, 5, 70).unwrap();
        let source = noise(3 * 70, 4);
        let bias = [1.0, 2.0, 3.0, 4.0, 5.0];
        let plain = run(&weight, &source, 3, Isa::best());
        let mut rows = Rows::default();
        rows.fill(Source::Plain(&source), 3, 70);
        let mut out = vec![10.0; 15];
        let output = Output { rows: &mut out, add: true };
        multiply(&rows, &mut [Product { weight: &weight, bias: Some(&bias), output }]);
        for (i, (got, plain)) in out.iter().zip(&plain).enumerate() {
            assert!((got - (10.0 + bias[i % 5] + plain)).abs() < 1e-5);
            let want: f32 = (0..70).map(|k| weights[i % 5 * 70 + k] * source[i / 5 * 70 + k]).sum();
            assert!((plain - want).abs() < 0.05, "{plain} for {want}");
        }
    }

    #[test]
    fn tensors_of_another_size_are_refused() {
        assert!(Packed::from_gguf(BlockType::Q4K, &[0; 144], 1, 255).is_none());
        assert!(Packed::from_gguf(BlockType::Q4K, &[0; 143], 1, 256).is_none());
        assert!(Packed::from_f32(&[0.0; 6], 2, 4).is_none());
    }
}
