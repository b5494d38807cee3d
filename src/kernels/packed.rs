//! Weights in the order in which kernels read them.
//!
//! A panel is sixteen outputs; within it, records follow one another along the input, so that a product streams
//! through memory once, from front to back. A record of the plain formats is one group of 32 inputs, of the K formats
//! a head and eight groups. Bytes, `[..]` once for each of the sixteen outputs:
//!
//! | format | record | weight |
//! |---|---|---|
//! | `Q4` | `f16 d[16]`, nibbles 256 | `d (q - 8)` |
//! | `Q4M` | `f16 d[16]`, `f16 m[16]`, nibbles 256 | `d q + m` |
//! | `Q4K` | `f16 d[16]`, `f16 dm[16]`, 8 x (`u8 s[16]`, `u8 n[16]`, nibbles 256) | `d s q - dm n` |
//! | `Q5` | `f16 d[16]`, nibbles 256, bits 64 | `d (q - 16)` |
//! | `Q5M` | `f16 d[16]`, `f16 m[16]`, nibbles 256, bits 64 | `d q + m` |
//! | `Q5K` | `f16 d[16]`, `f16 dm[16]`, 8 x (`u8 s[16]`, `u8 n[16]`, nibbles 256, bits 64) | `d s q - dm n` |
//! | `Q6K` | `f16 d[16]`, 8 x (`i8 s[2][16]`, nibbles 256, pairs of bits 128) | `d s (q - 32)`, an `s` for each 16 inputs |
//! | `Q8` | `f16 d[16]`, bytes 512 | `d (q - 128)` |
//!
//! Bytes: eight vectors of 64, vector `g` holding inputs `4g..4g+4` of each output side by side, as `vpdpbusd` and AMX
//! tiles want them. Nibbles: four such vectors, `v` holding vector `v` in its low and `v + 4` in its high halves. Bits:
//! one vector, whose bit `v` is bit 4 of vector `v`. Pairs of bits: two vectors, the first with bits 4 and 5 of vectors 0, 1, 4, 5 from its lowest bits up, the second with
//! those of 2, 3, 6, 7.

use half::f16;

use super::buffer::Buffer;
use super::gguf::{BlockType, GROUP, Group};
use super::pool::pool;

/// Outputs side by side.
pub const PANEL: usize = 16;
/// Groups in a record of the K formats.
pub const RECORD_GROUPS: usize = 8;

/// How the weights lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Q4,
    Q4M,
    Q4K,
    Q5,
    Q5M,
    Q5K,
    Q6K,
    Q8,
}

impl Format {
    fn of(kind: BlockType) -> Self {
        match kind {
            BlockType::Q4_0 => Self::Q4,
            BlockType::Q4_1 => Self::Q4M,
            BlockType::Q4K => Self::Q4K,
            BlockType::Q5_0 => Self::Q5,
            BlockType::Q5_1 => Self::Q5M,
            BlockType::Q5K => Self::Q5K,
            BlockType::Q6K => Self::Q6K,
            BlockType::Q8_0 | BlockType::F16 | BlockType::Bf16 | BlockType::F32 => Self::Q8,
        }
    }

    /// The power of two that is subtracted from every quant.
    pub const fn offset_shift(self) -> Option<u32> {
        match self {
            Self::Q4 => Some(3),
            Self::Q5 => Some(4),
            Self::Q6K => Some(5),
            Self::Q8 => Some(7),
            Self::Q4M | Self::Q4K | Self::Q5M | Self::Q5K => None,
        }
    }

    /// Whether something is added to every weight, which the formats with an offset have no need of.
    pub const fn has_min(self) -> bool {
        self.offset_shift().is_none()
    }

    /// Where the quants begin in a group.
    pub const fn quants_at(self) -> usize {
        if matches!(self, Self::Q4M | Self::Q5M) { 64 } else { 32 }
    }

    /// Groups a record, bytes of its head, bytes of each group.
    pub const fn record(self) -> (usize, usize, usize) {
        match self {
            Self::Q4 => (1, 0, 32 + 256),
            Self::Q4M => (1, 0, 64 + 256),
            Self::Q4K => (RECORD_GROUPS, 64, 32 + 256),
            Self::Q5 => (1, 0, 32 + 256 + 64),
            Self::Q5M => (1, 0, 64 + 256 + 64),
            Self::Q5K => (RECORD_GROUPS, 64, 32 + 256 + 64),
            Self::Q6K => (RECORD_GROUPS, 32, 32 + 256 + 128),
            Self::Q8 => (1, 0, 32 + 512),
        }
    }
}

/// A matrix `[out, in]`, packed.
pub struct Packed {
    format: Format,
    in_len: usize,
    out_len: usize,
    panel_bytes: usize,
    bytes: Buffer,
}

impl Packed {
    /// Packs `[out_len, in_len]` weights as a GGUF file stores them; `None` if `bytes` is not of that size.
    pub fn from_gguf(kind: BlockType, bytes: &[u8], out_len: usize, in_len: usize) -> Option<Self> {
        let row_bytes = kind.row_bytes(in_len)?;
        if in_len == 0 || bytes.len() != row_bytes.checked_mul(out_len)? {
            return None;
        }
        let format = Format::of(kind);
        let (record_groups, head, group_bytes) = format.record();
        let num_groups = in_len.div_ceil(GROUP);
        let record_bytes = head + record_groups * group_bytes;
        let panel_bytes = num_groups / record_groups * record_bytes;
        let num_panels = out_len.div_ceil(PANEL);
        let mut packed = Buffer::zeroed(num_panels * panel_bytes);
        pool().for_parts(&mut packed, panel_bytes, |panel, out| {
            for column in 0..PANEL.min(out_len - panel * PANEL) {
                let row = (panel * PANEL + column) * row_bytes;
                let row = &bytes[row..row + row_bytes];
                for index in 0..num_groups {
                    let record = index / record_groups * record_bytes;
                    let record = &mut out[record..record + record_bytes];
                    pack_group(format, record, index % record_groups, column, kind, row, index);
                }
            }
        });
        Some(Self { format, in_len, out_len, panel_bytes, bytes: packed })
    }

    /// Packs f32 weights as 8-bit ones; `None` if `weights` is not `out_len * in_len` long.
    pub fn from_f32(weights: &[f32], out_len: usize, in_len: usize) -> Option<Self> {
        let bytes: Vec<u8> = weights.iter().flat_map(|weight| weight.to_le_bytes()).collect();
        Self::from_gguf(BlockType::F32, &bytes, out_len, in_len)
    }

    pub fn format(&self) -> Format {
        self.format
    }

    /// Length of a row in.
    pub fn in_len(&self) -> usize {
        self.in_len
    }

    /// Length of a row out.
    pub fn out_len(&self) -> usize {
        self.out_len
    }

    /// Bytes held.
    pub fn num_bytes(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn num_panels(&self) -> usize {
        self.out_len.div_ceil(PANEL)
    }

    pub(super) fn num_groups(&self) -> usize {
        self.in_len.div_ceil(GROUP)
    }

    pub(super) fn panel(&self, panel: usize) -> &[u8] {
        &self.bytes[panel * self.panel_bytes..(panel + 1) * self.panel_bytes]
    }

    /// The weights of output `row` in f32: `out` is `in_len` long. For tables whose rows are looked up.
    pub fn row(&self, row: usize, out: &mut [f32]) {
        let panel = self.panel(row / PANEL);
        let column = row % PANEL;
        for (index, values) in out[..self.in_len].chunks_mut(GROUP).enumerate() {
            let group = unpack_group(self.format, panel, index);
            for (i, value) in values.iter_mut().enumerate() {
                let (scale, min) = group.scale_and_min(column, i);
                *value = scale.mul_add(f32::from(group.quant(column, i)), min);
            }
        }
    }
}

fn pack_group(
    format: Format,
    record: &mut [u8],
    part: usize,
    column: usize,
    kind: BlockType,
    row: &[u8],
    index: usize,
) {
    let (_, head, group_bytes) = format.record();
    let (record_head, groups) = record.split_at_mut(head);
    let out = &mut groups[part * group_bytes..(part + 1) * group_bytes];
    let half = |out: &mut [u8], at: usize, value: f16| {
        out[at + column * 2..at + column * 2 + 2].copy_from_slice(&value.to_le_bytes());
    };
    let group = kind.group(row, index);
    match format {
        Format::Q4 | Format::Q5 | Format::Q8 => half(out, 0, group.scale),
        Format::Q4M | Format::Q5M => {
            half(out, 0, group.scale);
            half(out, 32, group.min);
        }
        Format::Q4K | Format::Q5K => {
            half(record_head, 0, group.scale);
            half(record_head, 32, group.min);
            out[column] = group.scales[0] as u8;
            out[16 + column] = group.minimum;
        }
        Format::Q6K => {
            half(record_head, 0, group.scale);
            out[column] = group.scales[0] as u8;
            out[16 + column] = group.scales[1] as u8;
        }
    }
    let quants = &mut out[format.quants_at()..];
    match format {
        Format::Q4 | Format::Q4M | Format::Q4K => pack_nibbles(quants, column, &group),
        Format::Q5 | Format::Q5M | Format::Q5K => {
            let (nibbles, bits) = quants.split_at_mut(256);
            pack_nibbles(nibbles, column, &group);
            for byte in 0..4 {
                let bit = |vector: usize| (group.quants[vector * 4 + byte] >> 4) << vector;
                bits[column * 4 + byte] = (0..8).map(bit).fold(0, |a, b| a | b);
            }
        }
        Format::Q8 => pack_bytes(quants, column, &group),
        Format::Q6K => {
            let (nibbles, pairs) = quants.split_at_mut(256);
            let high = group.quants.map(|quant| quant >> 4);
            pack_nibbles(nibbles, column, &group);
            for byte in 0..4 {
                let bits = |vectors: [usize; 4]| {
                    let bit = |(place, vector): (usize, usize)| high[vector * 4 + byte] << (place * 2);
                    vectors.into_iter().enumerate().map(bit).fold(0, |a, b| a | b)
                };
                pairs[column * 4 + byte] = bits(PAIR_VECTORS[0]);
                pairs[64 + column * 4 + byte] = bits(PAIR_VECTORS[1]);
            }
        }
    }
}

/// Whose high bits lie in each vector of pairs, lowest first.
const PAIR_VECTORS: [[usize; 4]; 2] = [[0, 1, 4, 5], [2, 3, 6, 7]];

fn pack_nibbles(out: &mut [u8], column: usize, group: &Group) {
    for vector in 0..4 {
        for byte in 0..4 {
            let (low, high) = (group.quants[vector * 4 + byte], group.quants[16 + vector * 4 + byte]);
            out[vector * 64 + column * 4 + byte] = low & 15 | (high & 15) << 4;
        }
    }
}

fn pack_bytes(out: &mut [u8], column: usize, group: &Group) {
    for vector in 0..8 {
        for byte in 0..4 {
            out[vector * 64 + column * 4 + byte] = group.quants[vector * 4 + byte];
        }
    }
}

/// One group of a panel, opened: what the portable kernel multiplies with, and the definition of every format.
pub(super) struct PanelGroup<'a> {
    format: Format,
    head: &'a [u8],
    group: &'a [u8],
}

/// Opens group `index` of `panel`.
pub(super) fn unpack_group(format: Format, panel: &[u8], index: usize) -> PanelGroup<'_> {
    let (record_groups, head, group_bytes) = format.record();
    let record_bytes = head + record_groups * group_bytes;
    let record = &panel[index / record_groups * record_bytes..][..record_bytes];
    let (head, groups) = record.split_at(head);
    PanelGroup { format, head, group: &groups[index % record_groups * group_bytes..][..group_bytes] }
}

impl PanelGroup<'_> {
    /// What is subtracted from every quant.
    pub fn offset(&self) -> i32 {
        self.format.offset_shift().map_or(0, |shift| 1 << shift)
    }

    /// The stored number of input `i`, unsigned.
    pub fn raw(&self, column: usize, i: usize) -> i32 {
        let (vector, byte) = (i / 4, column * 4 + i % 4);
        let quants = &self.group[self.format.quants_at()..];
        let nibble = || quants[vector % 4 * 64 + byte] >> (vector / 4 * 4) & 15;
        let raw = match self.format {
            Format::Q4 | Format::Q4M | Format::Q4K => nibble(),
            Format::Q5 | Format::Q5M | Format::Q5K => nibble() | (quants[256 + byte] >> vector & 1) << 4,
            Format::Q8 => quants[vector * 64 + byte],
            Format::Q6K => {
                let side = usize::from(vector % 4 >= 2);
                let place = PAIR_VECTORS[side].iter().position(|v| *v == vector).unwrap_or_default();
                nibble() | (quants[256 + side * 64 + byte] >> (place * 2) & 3) << 4
            }
        };
        i32::from(raw)
    }

    fn quant(&self, column: usize, i: usize) -> i16 {
        (self.raw(column, i) - self.offset()) as i16
    }

    /// Scale and added constant of input `i`.
    pub fn scale_and_min(&self, column: usize, i: usize) -> (f32, f32) {
        let half =
            |bytes: &[u8], at: usize| f16::from_le_bytes([bytes[at + column * 2], bytes[at + column * 2 + 1]]).to_f32();
        match self.format {
            Format::Q4 | Format::Q5 | Format::Q8 => (half(self.group, 0), 0.0),
            Format::Q4M | Format::Q5M => (half(self.group, 0), half(self.group, 32)),
            Format::Q4K | Format::Q5K => {
                let (scale, min) = (f32::from(self.group[column]), f32::from(self.group[16 + column]));
                (half(self.head, 0) * scale, -(half(self.head, 32) * min))
            }
            Format::Q6K => {
                let scale = self.group[if i < 16 { column } else { 16 + column }] as i8;
                (half(self.head, 0) * f32::from(scale), 0.0)
            }
        }
    }
}
