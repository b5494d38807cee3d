//! The other side of a product: rows of f32, rounded to 8 bits in groups of 32 as `quantize_row_q8_1` of llama.cpp
//! does, interleaved by tiles so that a kernel walks one pointer.
//!
//! A tile is a few rows; for each group of 32 inputs it holds a record, little-endian, `R` being the tile's rows:
//!
//! ```text
//! i8  quants[8][R][4]   inputs 4g..4g+4 of each row side by side
//! f32 scale[R]
//! i32 less[3][R]        minus the sum of the quants: of the first half, of the second, of all
//! f32 sum[R]            the scale times the sum of all
//! ```
//!
//! Rounding goes together with what makes the rows ([`Source`]), so that they are never written in f32 only to be read
//! again.

use super::activate::{self, Activation};
use super::buffer::Buffer;
use super::gguf::GROUP;
use super::isa::{Isa, Kernel};
use super::lanes::{Lanes, round_to_i8};
use super::pool::pool;

/// Rows of the tiles, largest first. Twelve fill the registers of AVX-512 with their sums.
const TILES: [usize; 5] = [12, 8, 4, 2, 1];
pub(super) const MAX_TILE: usize = TILES[0];
/// Bytes of a record for each row of a tile.
pub(super) const ROW_RECORD: usize = GROUP + 5 * 4;
/// Below this many numbers a fork costs more than it saves.
const SERIAL_BELOW: usize = 8192;

/// What a row is made of before it is rounded.
#[derive(Clone, Copy)]
pub enum Source<'a> {
    /// `[rows, in]`, as they are.
    Plain(&'a [f32]),
    /// `[rows, in]`, normalised by their root mean square and scaled by `weight`, `[in]`.
    RmsNorm { rows: &'a [f32], weight: &'a [f32], eps: f32 },
    /// `activation(gate) * up`, both `[rows, in]`.
    Gated { gate: &'a [f32], up: &'a [f32], activation: Activation },
    /// `activation(rows)`, `[rows, in]`.
    Activated { rows: &'a [f32], activation: Activation },
}

impl Source<'_> {
    /// Writes the first `num_rows` rows in f32: for products that want them whole.
    pub fn write(self, out: &mut [f32], num_rows: usize, in_len: usize) {
        for (row, out) in out.chunks_exact_mut(in_len).take(num_rows).enumerate() {
            let norm = self.norm(row, in_len);
            for (index, out) in out.chunks_mut(GROUP).enumerate() {
                let values = self.group(row, in_len, index, norm);
                out.copy_from_slice(&values[..out.len()]);
            }
        }
    }

    /// What the row is multiplied with, where it is normalised.
    #[inline(always)]
    fn norm(self, row: usize, len: usize) -> f32 {
        match self {
            Self::RmsNorm { rows, eps, .. } => activate::inverse_rms(&rows[row * len..(row + 1) * len], eps),
            _ => 1.0,
        }
    }

    /// Numbers `index * GROUP..` of a row, filled up with zeros.
    #[inline(always)]
    fn group(self, row: usize, len: usize, index: usize, norm: f32) -> [f32; GROUP] {
        let mut values = [0.0f32; GROUP];
        let end = len.min((index + 1) * GROUP);
        let place = row * len + index * GROUP..row * len + end;
        match self {
            Self::Plain(rows) => values[..place.len()].copy_from_slice(&rows[place]),
            Self::RmsNorm { rows, weight, .. } => {
                for ((value, x), w) in values.iter_mut().zip(&rows[place]).zip(&weight[index * GROUP..end]) {
                    *value = x * norm * w;
                }
            }
            Self::Gated { gate, up, activation } => {
                for ((value, gate), up) in values.iter_mut().zip(&gate[place.clone()]).zip(&up[place]) {
                    *value = activation.of(*gate) * up;
                }
            }
            Self::Activated { rows, activation } => {
                for (value, x) in values.iter_mut().zip(&rows[place]) {
                    *value = activation.of(*x);
                }
            }
        }
        values
    }
}

/// Consecutive rows that a kernel takes together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tile {
    pub first: usize,
    pub num_rows: usize,
    pub offset: usize,
}

/// Rounded rows. Kept and filled again, so that a step allocates nothing.
pub struct Rows {
    num_rows: usize,
    in_len: usize,
    tiles: Vec<Tile>,
    bytes: Buffer,
}

impl Default for Rows {
    fn default() -> Self {
        Self { num_rows: 0, in_len: 0, tiles: Vec::new(), bytes: Buffer::zeroed(0) }
    }
}

impl Rows {
    pub fn num_rows(&self) -> usize {
        self.num_rows
    }

    pub fn in_len(&self) -> usize {
        self.in_len
    }

    pub(super) fn tiles(&self) -> &[Tile] {
        &self.tiles
    }

    pub(super) fn tile(&self, tile: Tile) -> &[u8] {
        &self.bytes[tile.offset..tile.offset + tile.num_rows * self.record_len()]
    }

    /// Bytes that one row takes over all groups.
    pub(super) fn record_len(&self) -> usize {
        self.in_len.div_ceil(GROUP) * ROW_RECORD
    }

    /// Takes `num_rows` rows of `in_len` from `source`.
    pub fn fill(&mut self, source: Source<'_>, num_rows: usize, in_len: usize) {
        self.fill_with(source, num_rows, in_len, Isa::best());
    }

    pub(super) fn fill_with(&mut self, source: Source<'_>, num_rows: usize, in_len: usize, isa: Isa) {
        (self.num_rows, self.in_len) = (num_rows, in_len);
        let row_bytes = self.record_len();
        if self.bytes.len() < num_rows * row_bytes {
            self.bytes = Buffer::zeroed((num_rows * row_bytes).next_power_of_two());
        }
        self.tiles.clear();
        let mut first = 0;
        while first < num_rows {
            let left = num_rows - first;
            // Twice eight is better than twelve and four.
            let largest = if left == 16 { 8 } else { left };
            let tile_rows = TILES.into_iter().find(|rows| *rows <= largest).unwrap_or(1);
            self.tiles.push(Tile { first, num_rows: tile_rows, offset: first * row_bytes });
            first += tile_rows;
        }
        let fill = |tile: Tile, out: &mut [u8]| {
            for place in 0..tile.num_rows {
                let row = tile.first + place;
                isa.run(Rounding { source, row, len: in_len, out, place, tile_rows: tile.num_rows });
            }
        };
        if num_rows * in_len < SERIAL_BELOW || self.tiles.len() == 1 {
            for tile in &self.tiles {
                fill(*tile, &mut self.bytes[tile.offset..tile.offset + tile.num_rows * row_bytes]);
            }
            return;
        }
        let mut rest = &mut self.bytes[..];
        let mut parts = Vec::with_capacity(self.tiles.len());
        for tile in &self.tiles {
            let (part, others) = rest.split_at_mut(tile.num_rows * row_bytes);
            parts.push(std::sync::Mutex::new((*tile, part)));
            rest = others;
        }
        pool().run(parts.len(), |piece| {
            let mut part = parts[piece].lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let tile = part.0;
            fill(tile, part.1);
        });
    }
}

/// A row on its way into its place of a tile.
struct Rounding<'a> {
    source: Source<'a>,
    row: usize,
    len: usize,
    /// The tile's records.
    out: &'a mut [u8],
    place: usize,
    tile_rows: usize,
}

impl Kernel for Rounding<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let norm = self.source.norm(self.row, self.len);
        for (index, record) in self.out.chunks_exact_mut(self.tile_rows * ROW_RECORD).enumerate() {
            let values = self.source.group(self.row, self.len, index, norm);
            round_group(&values, record, self.place, self.tile_rows);
        }
    }
}

#[inline(always)]
fn round_group(values: &[f32; GROUP], record: &mut [u8], place: usize, tile_rows: usize) {
    let mut lanes = [0.0f32; 16];
    for (i, lane) in lanes.iter_mut().enumerate() {
        let (a, b) = (values[i].abs(), values[i + 16].abs());
        *lane = if a > b { a } else { b };
    }
    let mut width = 8;
    while width > 0 {
        for i in 0..width {
            lanes[i] = if lanes[i] > lanes[i + width] { lanes[i] } else { lanes[i + width] };
        }
        width /= 2;
    }
    let largest = lanes[0];
    let inverse = if largest > 0.0 { 127.0 / largest } else { 0.0 };
    let quants: [i8; GROUP] = std::array::from_fn(|i| round_to_i8(values[i] * inverse));
    let half = |half: usize| quants[half * 16..half * 16 + 16].iter().map(|quant| i32::from(*quant)).sum::<i32>();
    let (first, second) = (half(0), half(1));
    for (vector, four) in quants.as_chunks::<4>().0.iter().enumerate() {
        let at = (vector * tile_rows + place) * 4;
        record[at..at + 4].copy_from_slice(&four.map(|quant| quant as u8));
    }
    let scale = largest / 127.0;
    let mut put = |field: usize, bytes: [u8; 4]| {
        let at = tile_rows * GROUP + (field * tile_rows + place) * 4;
        record[at..at + 4].copy_from_slice(&bytes);
    };
    put(0, scale.to_le_bytes());
    put(1, (-first).to_le_bytes());
    put(2, (-second).to_le_bytes());
    put(3, (-first - second).to_le_bytes());
    put(4, (scale * (first + second) as f32).to_le_bytes());
}

/// A record of a tile, read field by field: for the portable kernel and for tests.
#[derive(Clone, Copy)]
pub(super) struct Record<'a> {
    bytes: &'a [u8],
    tile_rows: usize,
}

impl<'a> Record<'a> {
    pub fn of(tile: &'a [u8], tile_rows: usize, index: usize) -> Self {
        let len = tile_rows * ROW_RECORD;
        Self { bytes: &tile[index * len..(index + 1) * len], tile_rows }
    }

    pub fn quant(&self, row: usize, i: usize) -> i32 {
        i32::from(self.bytes[(i / 4 * self.tile_rows + row) * 4 + i % 4] as i8)
    }

    fn field(&self, field: usize, row: usize) -> [u8; 4] {
        let at = self.tile_rows * GROUP + (field * self.tile_rows + row) * 4;
        self.bytes[at..at + 4].try_into().expect("four bytes")
    }

    pub fn scale(&self, row: usize) -> f32 {
        f32::from_le_bytes(self.field(0, row))
    }

    /// Of the first half, of the second, of all.
    pub fn less(&self, row: usize, part: usize) -> i32 {
        i32::from_le_bytes(self.field(1 + part, row))
    }

    pub fn sum(&self, row: usize) -> f32 {
        f32::from_le_bytes(self.field(4, row))
    }
}
