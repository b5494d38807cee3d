//! The block types of GGUF files, bit by bit: `ggml-common.h` and `dequantize_row_*` of `ggml-quants.c` in llama.cpp.
//!
//! A block is read to [`Group`]s of 32 weights, in the one form that all types share: an unsigned number a weight, and
//! what to multiply and add. Knows no layout but the file's.

use half::{bf16, f16};

/// Weights that share a scale.
pub const GROUP: usize = 32;

/// How a tensor's weights are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockType {
    F32,
    F16,
    Bf16,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q4K,
    Q5K,
    Q6K,
}

/// 32 weights: `weight = scale * (quant - offset) + min`, the scale and the min as a product of two where the file
/// keeps them so.
#[derive(Clone, Debug)]
pub struct Group {
    pub quants: [u8; GROUP],
    /// Multiplies all; `scales` and `mins` refine it.
    pub scale: f16,
    pub min: f16,
    /// For each half of the group.
    pub scales: [i8; 2],
    pub minimum: u8,
}

impl BlockType {
    /// Weights and bytes of a block.
    pub fn block(self) -> (usize, usize) {
        match self {
            Self::F32 => (1, 4),
            Self::F16 | Self::Bf16 => (1, 2),
            Self::Q4_0 => (32, 18),
            Self::Q4_1 => (32, 20),
            Self::Q5_0 => (32, 22),
            Self::Q5_1 => (32, 24),
            Self::Q8_0 => (32, 34),
            Self::Q4K => (256, 144),
            Self::Q5K => (256, 176),
            Self::Q6K => (256, 210),
        }
    }

    /// Bytes of a row of `len` weights; `None` if it is no whole number of blocks.
    pub fn row_bytes(self, len: usize) -> Option<usize> {
        let (weights, bytes) = self.block();
        len.is_multiple_of(weights).then_some(len / weights * bytes)
    }

    /// Group `index` of a row. The last group of a row of floats may be short; it is filled up with zeros.
    pub fn group(self, row: &[u8], index: usize) -> Group {
        let half = |bytes: &[u8]| f16::from_le_bytes([bytes[0], bytes[1]]);
        let one = Group { quants: [0; GROUP], scale: f16::ZERO, min: f16::ZERO, scales: [1; 2], minimum: 1 };
        let (weights, bytes) = self.block();
        let at = index * GROUP / weights * bytes;
        match self {
            Self::F32 | Self::F16 | Self::Bf16 => round(&floats(self, row, index)),
            Self::Q4_0 => {
                let block = &row[at..at + bytes];
                Group { quants: nibbles(&block[2..]), scale: half(block), ..one }
            }
            Self::Q4_1 => {
                let block = &row[at..at + bytes];
                Group { quants: nibbles(&block[4..]), scale: half(block), min: half(&block[2..]), ..one }
            }
            Self::Q5_0 => {
                let block = &row[at..at + bytes];
                Group { quants: fifths(&block[6..], &block[2..6]), scale: half(block), ..one }
            }
            Self::Q5_1 => {
                let block = &row[at..at + bytes];
                let quants = fifths(&block[8..], &block[4..8]);
                Group { quants, scale: half(block), min: half(&block[2..]), ..one }
            }
            Self::Q8_0 => {
                let block = &row[at..at + bytes];
                let quants = std::array::from_fn(|i| block[2 + i].wrapping_add(128));
                Group { quants, scale: half(block), ..one }
            }
            Self::Q4K | Self::Q5K => {
                let block = &row[at..at + bytes];
                let part = index % 8;
                let (scale, minimum) = scale_and_min(&block[4..16], part);
                let low = if self == Self::Q4K { &block[16..144] } else { &block[48..176] };
                let low = &low[part / 2 * GROUP..];
                let mut quants: [u8; GROUP] = std::array::from_fn(|i| (low[i] >> (part % 2 * 4)) & 15);
                if self == Self::Q5K {
                    for (quant, high) in quants.iter_mut().zip(&block[16..48]) {
                        *quant |= ((high >> part) & 1) << 4;
                    }
                }
                let (min, scales) = (half(&block[2..]), [scale as i8; 2]);
                Group { quants, scale: half(block), min, scales, minimum }
            }
            Self::Q6K => {
                let block = &row[at..at + bytes];
                let (part, side) = (index % 8 % 4, index % 8 / 4);
                let low = &block[side * 64 + part % 2 * GROUP..];
                let high = &block[128 + side * GROUP..];
                let quants =
                    std::array::from_fn(|i| (low[i] >> (part / 2 * 4)) & 15 | ((high[i] >> (part * 2)) & 3) << 4);
                let scale = |half: usize| block[192 + index % 8 * 2 + half] as i8;
                Group { quants, scale: half(&block[208..]), scales: [scale(0), scale(1)], ..one }
            }
        }
    }
}

/// Low nibbles are the first sixteen weights, high ones the others.
fn nibbles(bytes: &[u8]) -> [u8; GROUP] {
    std::array::from_fn(|i| if i < 16 { bytes[i] & 15 } else { bytes[i - 16] >> 4 })
}

/// Nibbles with a fifth bit each.
fn fifths(low: &[u8], high: &[u8]) -> [u8; GROUP] {
    let high = u32::from_le_bytes([high[0], high[1], high[2], high[3]]);
    let low = nibbles(low);
    std::array::from_fn(|i| low[i] | (((high >> i) & 1) as u8) << 4)
}

/// Six bits each of the twelve bytes that hold eight scales and eight minima (`get_scale_min_k4`).
fn scale_and_min(packed: &[u8], part: usize) -> (u8, u8) {
    if part < 4 {
        return (packed[part] & 63, packed[part + 4] & 63);
    }
    let (low, high) = (packed[part + 4], [packed[part - 4] >> 6, packed[part] >> 6]);
    (low & 15 | high[0] << 4, low >> 4 | high[1] << 4)
}

/// 32 floats of a row; zeros beyond its end.
fn floats(kind: BlockType, row: &[u8], index: usize) -> [f32; GROUP] {
    let bytes = kind.block().1;
    let part = &row[(index * GROUP * bytes).min(row.len())..];
    let mut values = [0.0; GROUP];
    for (value, bytes) in values.iter_mut().zip(part.chunks_exact(bytes)) {
        *value = match *bytes {
            [a, b] if kind == BlockType::F16 => f16::from_le_bytes([a, b]).to_f32(),
            [a, b] => bf16::from_le_bytes([a, b]).to_f32(),
            [a, b, c, d] => f32::from_le_bytes([a, b, c, d]),
            _ => 0.0,
        };
    }
    values
}

/// Floats to 8 bits, as `quantize_row_q8_0`, the scale rounded to what is stored before it is used.
fn round(values: &[f32; GROUP]) -> Group {
    let largest = values.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
    let scale = f16::from_f32(largest / 127.0);
    let inverse = if scale == f16::ZERO { 0.0 } else { 1.0 / scale.to_f32() };
    let quants = values.map(|value| ((value * inverse).round().clamp(-127.0, 127.0) as i16 + 128) as u8);
    Group { quants, scale, min: f16::ZERO, scales: [1; 2], minimum: 1 }
}
