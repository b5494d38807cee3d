//! One decision tree and a sum of them.

use serde::{Deserialize, Serialize};

use super::walk::Walker;
use crate::scoring::matrix::Matrix;

/// A place in a tree. `cover` is the number of training rows that came by, which the explanation weighs branches with.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Node {
    /// A value of at most `at` goes left, a greater one right, a missing one where `missing_left` says.
    Split {
        feature: u32,
        at: f32,
        missing_left: bool,
        left: u32,
        right: u32,
        cover: u32,
    },
    Leaf {
        value: f32,
        cover: u32,
    },
}

impl Node {
    pub fn cover(&self) -> u32 {
        match self {
            Self::Split { cover, .. } | Self::Leaf { cover, .. } => *cover,
        }
    }
}

/// A tree; its root is the first node, and children stand behind their parents.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tree {
    pub nodes: Vec<Node>,
}

impl Tree {
    /// What the tree says where `value_of` tells a feature's value.
    #[inline]
    pub fn predict_by(&self, value_of: impl Fn(usize) -> f32) -> f32 {
        let mut at = 0;
        loop {
            match self.nodes[at] {
                Node::Leaf { value, .. } => return value,
                Node::Split { feature, at: limit, missing_left, left, right, .. } => {
                    at = if goes_left(value_of(feature as usize), limit, missing_left) { left } else { right } as usize;
                }
            }
        }
    }

    /// What the tree says on average over its training rows.
    pub fn expected(&self) -> f64 {
        let whole = f64::from(self.nodes[0].cover());
        let leaves = self.nodes.iter().filter_map(|node| match node {
            Node::Leaf { value, cover } => Some(f64::from(*value) * f64::from(*cover) / whole),
            Node::Split { .. } => None,
        });
        leaves.sum()
    }

    /// Whether every step leads to a later node of the tree and asks for one of `num_features`, so that no walk through
    /// a file made by others can leave the tree or go in circles.
    pub fn is_sound(&self, num_features: usize) -> bool {
        let is_sound = |(at, node): (usize, &Node)| match node {
            Node::Leaf { value, .. } => value.is_finite(),
            Node::Split { feature, at: limit, left, right, .. } => {
                let leads = |to: u32| (to as usize) > at && (to as usize) < self.nodes.len();
                (*feature as usize) < num_features && limit.is_finite() && leads(*left) && leads(*right)
            }
        };
        !self.nodes.is_empty()
            && self.nodes.iter().all(|n| n.cover() > 0)
            && self.nodes.iter().enumerate().all(is_sound)
    }
}

pub fn goes_left(value: f32, limit: f32, missing_left: bool) -> bool {
    if value.is_nan() { missing_left } else { value <= limit }
}

/// A sum of trees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ensemble {
    /// What is said before any tree is asked.
    pub base: f64,
    pub trees: Vec<Tree>,
}

impl Ensemble {
    /// The sum for one row.
    pub fn margin(&self, row: &[f32]) -> f64 {
        let said = self.trees.iter().map(|tree| f64::from(tree.predict_by(|feature| row[feature])));
        self.base + said.sum::<f64>()
    }

    /// The sum for each row: log-odds where the ensemble was boosted.
    pub fn margins(&self, matrix: &Matrix) -> Vec<f64> {
        let mut margins = vec![0.0; matrix.num_rows()];
        let (walker, width) = (Walker::new(self), matrix.num_columns());
        matrix.map_blocks(&mut margins, |rows, margins| walker.walk(rows, width, margins));
        margins
    }
}
