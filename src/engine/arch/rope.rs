//! Rotary position embedding (Su et al. 2021, section 3.4) with the scalings of [`RopeScaling`], in f32 as
//! `modeling_rope_utils.py` of transformers computes it.

use super::config::{RopeConfig, RopeLayout, RopeScaling};

/// Rotates heads by their position; angles are tabled once for the whole context.
pub struct Rope {
    /// `[positions, head_dim / 2]`
    cos: Vec<f32>,
    sin: Vec<f32>,
    half: usize,
    layout: RopeLayout,
}

impl Rope {
    pub fn new(config: &RopeConfig, head_dim: usize, num_positions: usize) -> Self {
        let half = head_dim / 2;
        let frequencies = frequencies(config, head_dim);
        let angles = (0..num_positions).flat_map(|position| frequencies.iter().map(move |f| position as f32 * f));
        let (sin, cos) = angles.map(f32::sin_cos).unzip();
        Self { cos, sin, half, layout: config.layout }
    }

    /// Rotates every head of one row, `[heads, head_dim]`, in place.
    pub fn rotate(&self, heads: &mut [f32], position: usize) {
        let half = self.half;
        let cos = &self.cos[position * half..(position + 1) * half];
        let sin = &self.sin[position * half..(position + 1) * half];
        for head in heads.chunks_exact_mut(2 * half) {
            match self.layout {
                RopeLayout::Halves => {
                    let (a, b) = head.split_at_mut(half);
                    for i in 0..half {
                        (a[i], b[i]) = (a[i] * cos[i] - b[i] * sin[i], b[i] * cos[i] + a[i] * sin[i]);
                    }
                }
                RopeLayout::Pairs => {
                    for (i, pair) in head.chunks_exact_mut(2).enumerate() {
                        (pair[0], pair[1]) = (pair[0] * cos[i] - pair[1] * sin[i], pair[1] * cos[i] + pair[0] * sin[i]);
                    }
                }
            }
        }
    }
}

/// Radians a position, `[head_dim / 2]`.
fn frequencies(config: &RopeConfig, head_dim: usize) -> Vec<f32> {
    let base = (0..head_dim / 2).map(|i| config.theta.powf(-((2 * i) as f32) / head_dim as f32));
    match &config.scaling {
        RopeScaling::None => base.collect(),
        RopeScaling::Linear(factor) => base.map(|f| f / factor).collect(),
        RopeScaling::Factors(factors) => base.zip(factors).map(|(f, factor)| f / factor).collect(),
        &RopeScaling::Llama3 { factor, low_freq_factor, high_freq_factor, original_len } => base
            .map(|f| {
                let wavelength = 2.0 * std::f32::consts::PI / f;
                if wavelength < original_len / high_freq_factor {
                    f
                } else if wavelength > original_len / low_freq_factor {
                    f / factor
                } else {
                    let smooth = (original_len / wavelength - low_freq_factor) / (high_freq_factor - low_freq_factor);
                    (1.0 - smooth) * f / factor + smooth * f
                }
            })
            .collect(),
    }
}
