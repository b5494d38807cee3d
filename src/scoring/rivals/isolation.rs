//! An isolation forest (Liu, Ting and Zhou 2008): what few random cuts set apart is an anomaly.

use rand::seq::index;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::scoring::matrix::Matrix;

const TREES: usize = 200;
/// Rows of a tree, as the paper has it.
const SAMPLE: usize = 256;

enum Node {
    Cut { feature: usize, at: f32, left: Box<Self>, right: Box<Self> },
    Rest { rows: usize },
}

/// Anomaly scores of the rows of `parts`, between 0 and 1, by trees grown on rows of `train`.
pub fn scores(train: &Matrix, parts: [&Matrix; 2], seed: u64) -> [Vec<f64>; 2] {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let sample_len = SAMPLE.min(train.num_rows());
    let max_depth = (sample_len as f64).log2().ceil() as usize;
    let trees: Vec<Node> = (0..TREES)
        .map(|_| {
            let sample = index::sample(&mut rng, train.num_rows(), sample_len).into_vec();
            grow(train, sample, max_depth, &mut rng)
        })
        .collect();
    let usual = mean_depth(sample_len);
    let score = |row: &[f32]| {
        let depth = trees.iter().map(|tree| depth(tree, row)).sum::<f64>() / TREES as f64;
        2.0_f64.powf(-depth / usual)
    };
    parts.map(|rows| rows.map_rows(score))
}

fn grow(train: &Matrix, sample: Vec<usize>, depth_left: usize, rng: &mut ChaCha8Rng) -> Node {
    let rest = Node::Rest { rows: sample.len() };
    if depth_left == 0 || sample.len() < 2 {
        return rest;
    }
    let feature = rng.random_range(0..train.num_columns());
    let column = train.column(feature);
    let present = || sample.iter().map(|row| column[*row]).filter(|value| !value.is_nan());
    let (low, high) = (present().fold(f32::INFINITY, f32::min), present().fold(f32::NEG_INFINITY, f32::max));
    if low >= high {
        return rest;
    }
    let at = rng.random_range(low..high);
    let (left, right) = sample.into_iter().partition(|row| goes_left(column[*row], at));
    let left = Box::new(grow(train, left, depth_left - 1, rng));
    Node::Cut { feature, at, left, right: Box::new(grow(train, right, depth_left - 1, rng)) }
}

/// What is missing goes with the small values.
fn goes_left(value: f32, at: f32) -> bool {
    value.is_nan() || value <= at
}

fn depth(mut node: &Node, row: &[f32]) -> f64 {
    let mut depth = 0.0;
    loop {
        match node {
            Node::Rest { rows } => return depth + mean_depth(*rows),
            Node::Cut { feature, at, left, right } => {
                node = if goes_left(row[*feature], *at) { left } else { right };
                depth += 1.0;
            }
        }
    }
}

/// Mean depth of an unsuccessful search among `rows` in a binary tree.
fn mean_depth(rows: usize) -> f64 {
    match rows {
        0 | 1 => 0.0,
        2 => 1.0,
        rows => {
            let rows = rows as f64;
            2.0 * ((rows - 1.0).ln() + 0.577_215_664_9) - 2.0 * (rows - 1.0) / rows
        }
    }
}
