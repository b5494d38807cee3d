//! The texts nearest to a text. In: unit vectors. Out: cosines to all of them, by lists of who has which feature.

use super::features::Vector;

/// For each feature, the texts that have it.
#[derive(Clone, Debug, Default)]
pub struct Neighbours {
    /// Where the list of each feature begins; one more at the end.
    starts: Vec<u32>,
    texts: Vec<u32>,
    weights: Vec<f32>,
    num_texts: usize,
}

impl Neighbours {
    pub fn new(num_features: usize, vectors: &[Vector]) -> Self {
        let mut starts = vec![0_u32; num_features + 1];
        for (feature, _) in vectors.iter().flatten() {
            starts[*feature as usize + 1] += 1;
        }
        for at in 0..num_features {
            starts[at + 1] += starts[at];
        }
        let mut next = starts.clone();
        let total = starts[num_features] as usize;
        let (mut texts, mut weights) = (vec![0; total], vec![0.0; total]);
        for (text, vector) in vectors.iter().enumerate() {
            for (feature, weight) in vector {
                let at = &mut next[*feature as usize];
                texts[*at as usize] = text as u32;
                weights[*at as usize] = *weight;
                *at += 1;
            }
        }
        Self { starts, texts, weights, num_texts: vectors.len() }
    }

    /// Cosine of `vector` to each text, in [0, 1].
    pub fn cosines(&self, vector: &Vector) -> Vec<f32> {
        let mut cosines = vec![0.0_f32; self.num_texts];
        for (feature, weight) in vector {
            let list = self.starts[*feature as usize] as usize..self.starts[*feature as usize + 1] as usize;
            for (text, other) in self.texts[list.clone()].iter().zip(&self.weights[list]) {
                cosines[*text as usize] += weight * other;
            }
        }
        cosines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosines_are_the_dot_products() {
        let vectors = [vec![(0, 0.6), (2, 0.8)], vec![(1, 1.0)], vec![]];
        let cosines = Neighbours::new(3, &vectors).cosines(&vec![(0, 0.8), (1, 0.6)]);
        assert!((cosines[0] - 0.48).abs() < 1e-6 && (cosines[1] - 0.6).abs() < 1e-6 && cosines[2] == 0.0);
    }
}
