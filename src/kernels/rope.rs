//! Rotary position embedding (Su et al. 2021, section 3.4). Knows frequencies, not where a model has them from.

use super::isa::{Isa, Kernel};
use super::lanes::Lanes;

/// Which components of a head rotate together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RopeLayout {
    /// `(i, i + head_dim / 2)`: Hugging Face checkpoints, and GGUF files of Qwen and Gemma.
    Halves,
    /// `(2i, 2i + 1)`: GGUF files of the Llama family, whose converter permutes the rows.
    Pairs,
}

/// Rotates heads by their position; angles are tabled once for the whole context.
pub struct Rope {
    /// `[positions, head_dim / 2]`
    cos: Vec<f32>,
    sin: Vec<f32>,
    half: usize,
    layout: RopeLayout,
}

impl Rope {
    /// `frequencies`: radians a position, `[head_dim / 2]`.
    pub fn new(layout: RopeLayout, frequencies: &[f32], num_positions: usize) -> Self {
        let half = frequencies.len();
        let angles = (0..num_positions).flat_map(|position| frequencies.iter().map(move |f| position as f32 * f));
        let (sin, cos) = angles.map(f32::sin_cos).unzip();
        Self { cos, sin, half, layout }
    }

    /// Rotates every head of each row in place: `rows` is `[positions, heads * head_dim]`.
    pub fn rotate(&self, rows: &mut [f32], positions: &[usize]) {
        Isa::best().run(Rotation { rope: self, rows, positions });
    }
}

struct Rotation<'a> {
    rope: &'a Rope,
    rows: &'a mut [f32],
    positions: &'a [usize],
}

impl Kernel for Rotation<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Rope { cos, sin, half, layout } = self.rope;
        let row_len = self.rows.len() / self.positions.len().max(1);
        for (row, position) in self.rows.chunks_exact_mut(row_len).zip(self.positions) {
            let cos = &cos[position * half..(position + 1) * half];
            let sin = &sin[position * half..(position + 1) * half];
            for head in row.chunks_exact_mut(2 * half) {
                match layout {
                    RopeLayout::Halves => {
                        let (a, b) = head.split_at_mut(*half);
                        for (((a, b), cos), sin) in a.iter_mut().zip(b).zip(cos).zip(sin) {
                            (*a, *b) = (*a * cos - *b * sin, *b * cos + *a * sin);
                        }
                    }
                    RopeLayout::Pairs => {
                        for ((pair, cos), sin) in head.as_chunks_mut::<2>().0.iter_mut().zip(cos).zip(sin) {
                            *pair = [pair[0] * cos - pair[1] * sin, pair[1] * cos + pair[0] * sin];
                        }
                    }
                }
            }
        }
    }
}
