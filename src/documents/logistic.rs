//! Logistic regression over few features, for one class or several.
//!
//! In: rows of features and their classes. Out: weights that give each class a probability. Features are brought to a
//! mean of 0 and a spread of 1 first; a small penalty keeps weights finite where classes are apart.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Logistic {
    means: Vec<f64>,
    spreads: Vec<f64>,
    /// A row a class: a weight a feature, then the offset.
    weights: Vec<Vec<f64>>,
}

const STEPS: usize = 600;
const PENALTY: f64 = 1e-4;

impl Logistic {
    /// Learns from rows, each row counting by its class so that classes weigh alike.
    ///
    /// # Panics
    /// No rows.
    pub fn fit(rows: &[Vec<f64>], classes: &[usize], num_classes: usize) -> Self {
        let num_features = rows[0].len();
        let column = |at: usize| rows.iter().map(move |row| row[at]);
        let count = rows.len() as f64;
        let means: Vec<f64> = (0..num_features).map(|at| column(at).sum::<f64>() / count).collect();
        let spreads: Vec<f64> = (0..num_features)
            .map(|at| (column(at).map(|value| (value - means[at]).powi(2)).sum::<f64>() / count).sqrt().max(1e-6))
            .collect();
        let mut model = Self { means, spreads, weights: vec![vec![0.0; num_features + 1]; num_classes] };
        let scaled: Vec<Vec<f64>> = rows.iter().map(|row| model.scaled(row)).collect();
        let mut sizes = vec![0.0_f64; num_classes];
        classes.iter().for_each(|class| sizes[*class] += 1.0);
        let share: Vec<f64> = sizes.iter().map(|size| 1.0 / (size.max(1.0) * num_classes as f64)).collect();
        // Adam with a step that falls: no line search, no matrix to invert.
        let mut first = model.weights.clone();
        let mut second = model.weights.clone();
        first.iter_mut().chain(&mut second).flatten().for_each(|value| *value = 0.0);
        for step in 1..=STEPS {
            let mut slopes = vec![vec![0.0; num_features + 1]; num_classes];
            for (row, class) in scaled.iter().zip(classes) {
                let probabilities = model.of_scaled(row);
                for (at, slope) in slopes.iter_mut().enumerate() {
                    let error = (probabilities[at] - f64::from(u8::from(at == *class))) * share[*class];
                    slope.iter_mut().zip(row).for_each(|(slope, value)| *slope += error * value);
                }
            }
            let rate = 0.1 * (1.0 - step as f64 / (STEPS + 1) as f64);
            for (class, slope) in slopes.iter().enumerate() {
                for (at, slope) in slope.iter().enumerate() {
                    let weight = &mut model.weights[class][at];
                    let slope = slope + PENALTY * *weight;
                    let (m, v) = (&mut first[class][at], &mut second[class][at]);
                    *m = 0.9 * *m + 0.1 * slope;
                    *v = 0.99 * *v + 0.01 * slope * slope;
                    let (m, v) = (*m / (1.0 - 0.9_f64.powi(step as i32)), *v / (1.0 - 0.99_f64.powi(step as i32)));
                    *weight -= rate * m / (v.sqrt() + 1e-9);
                }
            }
        }
        model
    }

    /// A probability a class.
    pub fn probabilities(&self, row: &[f64]) -> Vec<f64> {
        self.of_scaled(&self.scaled(row))
    }

    fn scaled(&self, row: &[f64]) -> Vec<f64> {
        let scale = |((value, mean), spread): ((&f64, &f64), &f64)| ((value - mean) / spread).clamp(-8.0, 8.0);
        row.iter().zip(&self.means).zip(&self.spreads).map(scale).chain([1.0]).collect()
    }

    fn of_scaled(&self, row: &[f64]) -> Vec<f64> {
        let sum = |weights: &Vec<f64>| weights.iter().zip(row).map(|(weight, value)| weight * value).sum::<f64>();
        let sums: Vec<f64> = self.weights.iter().map(sum).collect();
        let greatest = sums.iter().copied().fold(f64::MIN, f64::max);
        let powers: Vec<f64> = sums.iter().map(|sum| (sum - greatest).exp()).collect();
        let total: f64 = powers.iter().sum();
        powers.into_iter().map(|power| power / total).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_that_lie_apart_are_told_apart_and_the_middle_is_open() {
        let rows: Vec<Vec<f64>> = (0..90).map(|at| vec![f64::from(at % 3) + f64::from(at) * 0.003, 1.0]).collect();
        let classes: Vec<usize> = (0..90).map(|at| at % 3).collect();
        let model = Logistic::fit(&rows, &classes, 3);
        for (row, class) in rows.iter().zip(&classes) {
            assert!(model.probabilities(row)[*class] > 0.6, "{row:?}: {:?}", model.probabilities(row));
        }
        let middle = model.probabilities(&[0.65, 1.0]);
        assert!(middle[0] < 0.8 && middle[1] < 0.8 && (middle.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    }
}
