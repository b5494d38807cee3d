//! Logistic regression and a linear support vector machine, on the same scaled columns.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::scoring::boosting::{Labelled, sigmoid};
use crate::scoring::matrix::Matrix;

/// Pull of every weight towards 0, a row.
const L2: f64 = 1e-4;
/// Passes over the rows; with averaged weights more change nothing.
const SVM_PASSES: usize = 10;
const NEWTON_STEPS: usize = 25;

/// Log-odds by Newton's method (iteratively reweighted least squares).
pub fn logistic(train: Labelled<'_>, parts: [&Matrix; 2]) -> [Vec<f64>; 2] {
    let scale = Scale::of(train.features);
    let inputs = scale.rows(train.features);
    let width = scale.width();
    let mut weights = vec![0.0; width];
    for _ in 0..NEWTON_STEPS {
        let mut gradient: Vec<f64> = weights.iter().map(|weight| L2 * weight).collect();
        let mut hessian = vec![0.0; width * width];
        for (row, label) in inputs.chunks_exact(width).zip(train.labels) {
            let probability = sigmoid(dot(&weights, row));
            let error = (probability - f64::from(u8::from(*label))) / train.labels.len() as f64;
            let curve = probability * (1.0 - probability) / train.labels.len() as f64;
            for (a, x) in row.iter().enumerate() {
                gradient[a] += error * x;
                let line = &mut hessian[a * width..a * width + a + 1];
                line.iter_mut().zip(row).for_each(|(cell, y)| *cell += curve * x * y);
            }
        }
        for a in 0..width {
            hessian[a * width + a] += L2;
        }
        let step = solve(hessian, gradient, width);
        weights.iter_mut().zip(&step).for_each(|(weight, step)| *weight -= step);
        if step.iter().map(|part| part.abs()).sum::<f64>() < 1e-8 {
            break;
        }
    }
    parts.map(|rows| scale.rows(rows).chunks_exact(width).map(|row| dot(&weights, row)).collect())
}

/// Distance from the border, by stochastic subgradients (Pegasos, Shalev-Shwartz 2011), averaged over the second half.
pub fn svm(train: Labelled<'_>, parts: [&Matrix; 2], seed: u64) -> [Vec<f64>; 2] {
    let scale = Scale::of(train.features);
    let inputs = scale.rows(train.features);
    let width = scale.width();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (mut weights, mut mean) = (vec![0.0; width], vec![0.0; width]);
    let num_steps = SVM_PASSES * train.labels.len();
    for step in 1..=num_steps {
        let at = rng.random_range(0..train.labels.len());
        let row = &inputs[at * width..(at + 1) * width];
        let sign = if train.labels[at] { 1.0 } else { -1.0 };
        let rate = 1.0 / (L2 * (step as f64 + 1.0 / L2));
        let is_inside = sign * dot(&weights, row) < 1.0;
        for (weight, x) in weights.iter_mut().zip(row) {
            *weight -= rate * L2 * *weight;
            if is_inside {
                *weight += rate * sign * x;
            }
        }
        if step * 2 > num_steps {
            mean.iter_mut().zip(&weights).for_each(|(mean, weight)| *mean += weight);
        }
    }
    parts.map(|rows| scale.rows(rows).chunks_exact(width).map(|row| dot(&mean, row) / num_steps as f64).collect())
}

/// Brings columns to one measure: logarithms of size, mean 0, deviation 1, what is missing at the mean, and a 1 behind.
struct Scale {
    columns: Vec<(f64, f64)>,
}

impl Scale {
    fn of(matrix: &Matrix) -> Self {
        let measure = |column: &Vec<f32>| {
            let present: Vec<f64> = column.iter().filter(|value| !value.is_nan()).map(|value| shrunk(*value)).collect();
            let rows = present.len().max(1) as f64;
            let mean = present.iter().sum::<f64>() / rows;
            let deviation = (present.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / rows).sqrt();
            (mean, if deviation > 1e-9 { deviation } else { 1.0 })
        };
        Self { columns: matrix.columns().iter().map(measure).collect() }
    }

    fn width(&self) -> usize {
        self.columns.len() + 1
    }

    /// One row after another.
    fn rows(&self, matrix: &Matrix) -> Vec<f64> {
        let mut rows = vec![1.0; matrix.num_rows() * self.width()];
        for (at, (column, (mean, deviation))) in matrix.columns().iter().zip(&self.columns).enumerate() {
            for (row, value) in column.iter().enumerate() {
                let value = if value.is_nan() { 0.0 } else { (shrunk(*value) - mean) / deviation };
                rows[row * self.width() + at] = value;
            }
        }
        rows
    }
}

/// Money and mass spread over many powers of ten, which no straight line takes.
fn shrunk(value: f32) -> f64 {
    let value = f64::from(value);
    value.signum() * value.abs().ln_1p()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Solves a symmetric positive system, of which the lower half is given, by Cholesky's method.
fn solve(mut matrix: Vec<f64>, mut right: Vec<f64>, width: usize) -> Vec<f64> {
    for a in 0..width {
        for b in 0..=a {
            let held = dot(&matrix[a * width..a * width + b], &matrix[b * width..b * width + b]);
            let rest = matrix[a * width + b] - held;
            matrix[a * width + b] = if a == b { rest.max(1e-12).sqrt() } else { rest / matrix[b * width + b] };
        }
    }
    for a in 0..width {
        let held = dot(&matrix[a * width..a * width + a], &right[..a]);
        right[a] = (right[a] - held) / matrix[a * width + a];
    }
    for a in (0..width).rev() {
        let held: f64 = (a + 1..width).map(|b| matrix[b * width + a] * right[b]).sum();
        right[a] = (right[a] - held) / matrix[a * width + a];
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_system_is_solved() {
        // [[4, 2], [2, 3]] x = [10, 9] has x = [1.5, 2].
        let x = solve(vec![4.0, 0.0, 2.0, 3.0], vec![10.0, 9.0], 2);
        assert!((x[0] - 1.5).abs() < 1e-12 && (x[1] - 2.0).abs() < 1e-12, "{x:?}");
    }

    #[test]
    fn logistic_regression_finds_the_odds_of_two_groups() {
        // Of the rows at 0 a quarter is positive, of those at 1 three quarters: log-odds of -ln 3 and ln 3.
        let column: Vec<f32> = (0..800).map(|row| (row % 2) as f32).collect();
        let labels: Vec<bool> = (0..800).map(|row| (row / 2) % 4 < if row % 2 == 0 { 1 } else { 3 }).collect();
        let rows = Matrix::new(800, vec![column]);
        let [odds, _] = logistic(Labelled { features: &rows, labels: &labels }, [&rows, &rows]);
        assert!((odds[0] + 3.0_f64.ln()).abs() < 0.01 && (odds[1] - 3.0_f64.ln()).abs() < 0.01, "{:?}", &odds[..2]);
    }
}
