//! Trees laid out for many rows: every row takes as many steps as its tree is deep, and no jump of the processor hangs on
//! a value.
//!
//! A walk that ends where its leaf is mispredicts that end and half of its turns; standing still on a leaf costs less
//! than that. Eight rows walk abreast, so that their reads overlap.

use super::tree::{Ensemble, Node, Tree};

/// Rows that walk abreast.
const ABREAST: usize = 8;

/// An ensemble to walk through.
pub struct Walker {
    base: f64,
    trees: Vec<Path>,
}

struct Path {
    depth: usize,
    steps: Vec<Step>,
    /// What each node says; only those of leaves are asked for.
    values: Vec<f32>,
}

/// A node; a leaf leads to itself on either side.
#[derive(Clone, Copy)]
struct Step {
    feature: u32,
    at: f32,
    missing_left: bool,
    /// Right, left.
    children: [u32; 2],
}

impl Walker {
    pub fn new(ensemble: &Ensemble) -> Self {
        Self { base: ensemble.base, trees: ensemble.trees.iter().map(Path::new).collect() }
    }

    /// The sums for rows of `width` numbers, one after another.
    pub fn walk(&self, rows: &[f32], width: usize, sums: &mut [f64]) {
        sums.fill(self.base);
        for tree in &self.trees {
            for (rows, sums) in rows.chunks(width * ABREAST).zip(sums.chunks_mut(ABREAST)) {
                tree.walk(rows, width, sums);
            }
        }
    }
}

impl Path {
    fn new(tree: &Tree) -> Self {
        let mut depths = vec![0; tree.nodes.len()];
        let mut steps = Vec::with_capacity(tree.nodes.len());
        // Children stand behind their parents, so a node's depth is known when it is met.
        for (at, node) in tree.nodes.iter().enumerate() {
            steps.push(match *node {
                Node::Split { feature, at: limit, missing_left, left, right, .. } => {
                    depths[left as usize] = depths[at] + 1;
                    depths[right as usize] = depths[at] + 1;
                    Step { feature, at: limit, missing_left, children: [right, left] }
                }
                Node::Leaf { .. } => {
                    Step { feature: 0, at: 0.0, missing_left: false, children: [at as u32, at as u32] }
                }
            });
        }
        let value = |node: &Node| match node {
            Node::Leaf { value, .. } => *value,
            Node::Split { .. } => f32::NAN,
        };
        let depth = depths.into_iter().max().unwrap_or(0);
        Self { depth, steps, values: tree.nodes.iter().map(value).collect() }
    }

    fn walk(&self, rows: &[f32], width: usize, sums: &mut [f64]) {
        let mut places = [0_u32; ABREAST];
        let places = &mut places[..sums.len()];
        for _ in 0..self.depth {
            for (place, row) in places.iter_mut().zip(rows.chunks_exact(width)) {
                let step = &self.steps[*place as usize];
                let value = row[step.feature as usize];
                let is_left = (value <= step.at) | (value.is_nan() & step.missing_left);
                *place = step.children[usize::from(is_left)];
            }
        }
        for (place, sum) in places.iter().zip(sums) {
            *sum += f64::from(self.values[*place as usize]);
        }
    }
}
