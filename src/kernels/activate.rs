//! What happens to rows between products: normalisation, activation functions, sums. Written so that the compiler makes
//! vector code of it, with the sums in a fixed order, so that every instruction set gives the same bits.

use super::isa::{Isa, Kernel};
use super::lanes::{Lanes, ROUNDING};

/// A function applied number by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// `x * sigmoid(x)`.
    Silu,
    /// GELU by the tanh approximation (Hendrycks and Gimpel 2016, section 2).
    GeluTanh,
    /// The exact GELU, `x * (1 + erf(x / sqrt 2)) / 2`.
    GeluErf,
}

impl Activation {
    #[inline(always)]
    pub(super) fn of(self, x: f32) -> f32 {
        match self {
            Self::Silu => x / (1.0 + exp(-x)),
            Self::GeluTanh => {
                // 1 + tanh(z) = 2 sigmoid(2 z)
                let z = 0.797_884_6 * (x + 0.044_715 * x * x * x);
                x / (1.0 + exp(-2.0 * z))
            }
            Self::GeluErf => 0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2)),
        }
    }
}

/// `e^x` to about two units in the last place, the argument held within [-87, 87]: Cody-Waite reduction and a polynomial.
#[inline(always)]
fn exp(x: f32) -> f32 {
    let x = if x < -87.0 { -87.0 } else { x };
    let x = if x > 87.0 { 87.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + ROUNDING;
    let n = shifted - ROUNDING;
    let r = x - n * 0.693_359_4 + n * 2.121_944_4e-4;
    let mut p = 1.0 / 720.0;
    for coefficient in [1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        p = p * r + coefficient;
    }
    // The whole number lies in the lowest bits of the shifted one; moved up it is an exponent.
    f32::from_bits(p.to_bits().wrapping_add(shifted.to_bits() << 23))
}

/// Abramowitz and Stegun 7.1.26, to 1.5e-7.
#[inline(always)]
fn erf(x: f32) -> f32 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x.abs());
    let poly = t * (0.254_829_6 + t * (-0.284_496_74 + t * (1.421_413_7 + t * (-1.453_152_1 + t * 1.061_405_4))));
    (1.0 - poly * exp(-x * x)).copysign(x)
}

/// One over the root of the mean square of `row`, `eps` added under the root (Zhang and Sennrich 2019).
#[inline(always)]
pub(super) fn inverse_rms(row: &[f32], eps: f32) -> f32 {
    let mut lanes = [0.0f32; 16];
    let (chunks, rest) = row.as_chunks::<16>();
    for chunk in chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *lane += x * x;
        }
    }
    for (lane, x) in lanes.iter_mut().zip(rest) {
        *lane += x * x;
    }
    let mean = lanes.iter().sum::<f32>() / row.len() as f32;
    1.0 / (mean + eps).sqrt()
}

/// Normalises every `weight.len()` numbers of `rows` in place.
pub fn rms_norm(rows: &mut [f32], weight: &[f32], eps: f32) {
    Isa::best().run(RmsNorm { rows, weight, eps });
}

struct RmsNorm<'a> {
    rows: &'a mut [f32],
    weight: &'a [f32],
    eps: f32,
}

impl Kernel for RmsNorm<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        for row in self.rows.chunks_exact_mut(self.weight.len()) {
            let norm = inverse_rms(row, self.eps);
            for (x, w) in row.iter_mut().zip(self.weight) {
                *x = *x * norm * w;
            }
        }
    }
}

/// Brings every `weight.len()` numbers of `rows` to mean 0 and variance 1 in place, then scales and shifts them (Ba et
/// al. 2016).
pub fn layer_norm(rows: &mut [f32], weight: &[f32], bias: &[f32], eps: f32) {
    Isa::best().run(LayerNorm { rows, weight, bias, eps });
}

struct LayerNorm<'a> {
    rows: &'a mut [f32],
    weight: &'a [f32],
    bias: &'a [f32],
    eps: f32,
}

impl Kernel for LayerNorm<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        for row in self.rows.chunks_exact_mut(self.weight.len()) {
            let mut lanes = [0.0f32; 16];
            for chunk in row.chunks(16) {
                for (lane, x) in lanes.iter_mut().zip(chunk) {
                    *lane += x;
                }
            }
            let mean = lanes.iter().sum::<f32>() / row.len() as f32;
            row.iter_mut().for_each(|x| *x -= mean);
            let norm = inverse_rms(row, self.eps);
            for ((x, w), b) in row.iter_mut().zip(self.weight).zip(self.bias) {
                *x = *x * norm * w + b;
            }
        }
    }
}

/// `to += from`.
pub fn add(to: &mut [f32], from: &[f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_and_erf_are_exact_to_f32() {
        for i in -860..860 {
            let x = i as f32 / 10.0;
            let (got, want) = (f64::from(exp(x)), f64::from(x).exp());
            assert!((got - want).abs() <= want * 5e-7, "exp {x}: {got} for {want}");
        }
        for (x, want) in [(0.0, 0.0), (0.5, 0.520_499_9), (1.0, 0.842_700_8), (-2.0, -0.995_322_3), (6.0, 1.0)] {
            assert!((erf(x) - want).abs() < 4e-7, "erf {x}: {}", erf(x));
        }
    }

    #[test]
    fn activations_are_what_they_are_called() {
        // scipy.special: expit(1.5) * 1.5; torch.nn.functional.gelu(1.5), both forms.
        for (activation, want) in
            [(Activation::Silu, 1.226_361_4), (Activation::GeluTanh, 1.399_57), (Activation::GeluErf, 1.399_789_2)]
        {
            assert!((activation.of(1.5) - want).abs() < 2e-5, "{activation:?}: {}", activation.of(1.5));
            assert!(activation.of(-100.0).abs() < 1e-30 || activation == Activation::GeluErf);
            assert!((activation.of(100.0) - 100.0).abs() < 1e-4);
        }
    }
}
