//! Numbers in columns: what every model here learns from. A missing value is NaN; nothing else is not finite.

use rayon::prelude::*;

/// `num_rows` numbers in each column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matrix {
    num_rows: usize,
    columns: Vec<Vec<f32>>,
}

/// Rows handled together, so that they and a tree stay in the processor's nearest cache.
const BLOCK: usize = 64;

impl Matrix {
    /// # Panics
    /// Columns of different lengths.
    pub fn new(num_rows: usize, columns: Vec<Vec<f32>>) -> Self {
        assert!(columns.iter().all(|column| column.len() == num_rows), "a column is as long as the matrix is high");
        Self { num_rows, columns }
    }

    pub fn num_rows(&self) -> usize {
        self.num_rows
    }

    pub fn num_columns(&self) -> usize {
        self.columns.len()
    }

    pub fn column(&self, at: usize) -> &[f32] {
        &self.columns[at]
    }

    pub fn columns(&self) -> &[Vec<f32>] {
        &self.columns
    }

    pub fn row(&self, at: usize) -> Vec<f32> {
        self.columns.iter().map(|column| column[at]).collect()
    }

    /// Calls `each` with every row and its place in the result, rows in parallel; what `each` says is in row order.
    pub fn map_rows(&self, each: impl Fn(&[f32]) -> f64 + Sync) -> Vec<f64> {
        let mut results = vec![0.0; self.num_rows];
        self.map_blocks(&mut results, |rows, results| {
            for (row, result) in rows.chunks_exact(self.columns.len()).zip(results) {
                *result = each(row);
            }
        });
        results
    }

    /// Calls `each` with blocks of rows, one row after another, and the part of `results` that belongs to them.
    pub fn map_blocks(&self, results: &mut [f64], each: impl Fn(&[f32], &mut [f64]) + Sync) {
        let width = self.columns.len();
        results.par_chunks_mut(BLOCK).with_min_len(16).enumerate().for_each_init(
            || vec![0.0_f32; BLOCK * width],
            |rows, (at, results)| {
                let start = at * BLOCK;
                for (feature, column) in self.columns.iter().enumerate() {
                    for (within, value) in column[start..start + results.len()].iter().enumerate() {
                        rows[within * width + feature] = *value;
                    }
                }
                each(&rows[..results.len() * width], results);
            },
        );
    }
}
