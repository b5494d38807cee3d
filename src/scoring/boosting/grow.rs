//! One tree, grown leaf by leaf: of all leaves the one whose split gains most is split next.
//!
//! In: binned rows with a gradient and a hessian each. Out: a tree whose leaves say -G / (H + l2). The histograms of two
//! children add up to their parent's, so only the smaller child is counted. Sums run in row order whatever the number of
//! threads, so a tree is the same on every machine.

use std::ops::Range;

use rand::Rng;
use rand::seq::index;
use rayon::prelude::*;

use super::bins::{Binned, Bins};
use super::tree::{Node, Tree};

/// How a tree may grow.
#[derive(Clone, Debug, PartialEq)]
pub struct Growth {
    pub max_leaves: usize,
    pub max_depth: usize,
    /// Fewest training rows in a leaf.
    pub min_leaf_rows: u32,
    /// Least sum of hessians in a leaf.
    pub min_leaf_hessian: f64,
    /// Pull of every leaf towards 0, in units of hessian.
    pub l2: f64,
    /// Features drawn anew for every split; all where absent.
    pub features_per_split: Option<usize>,
}

/// What a tree learns from: `slopes` holds gradient and hessian of every row.
pub struct Task<'a> {
    pub bins: &'a Bins,
    pub binned: &'a Binned,
    pub slopes: &'a [(f32, f32)],
    /// The features the tree may ask for, ascending.
    pub features: &'a [usize],
    pub growth: &'a Growth,
}

/// Sums over the rows of a bin or a node.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    gradient: f64,
    hessian: f64,
    rows: u32,
}

#[derive(Clone, Copy, Debug)]
struct Split {
    gain: f64,
    feature: usize,
    /// The last bin that goes left.
    bin: usize,
    missing_left: bool,
}

struct Leaf {
    node: usize,
    depth: usize,
    rows: Range<usize>,
    sums: Sums,
    /// One list of bins for each of the task's features.
    histograms: Vec<Vec<Sums>>,
    best: Option<Split>,
}

/// Work below which threads cost more than they bring: rows times features.
const PARALLEL_FROM: usize = 1 << 15;

impl Task<'_> {
    /// Grows a tree over `rows`, which is reordered so that each leaf's rows stand together.
    pub fn grow(&self, rows: &mut [u32], rng: &mut impl Rng) -> Tree {
        let mut tree = Tree { nodes: Vec::new() };
        let sums = self.sum(rows);
        tree.nodes.push(self.leaf_node(sums));
        let histograms = self.histograms(rows);
        let mut root = Leaf { node: 0, depth: 0, rows: 0..rows.len(), sums, histograms, best: None };
        root.best = self.best_split(&root, rng);
        let mut leaves = vec![root];
        while leaves.len() < self.growth.max_leaves {
            let gain = |leaf: &Leaf| leaf.best.map_or(f64::NEG_INFINITY, |split| split.gain);
            let Some(chosen) = (0..leaves.len()).max_by(|a, b| gain(&leaves[*a]).total_cmp(&gain(&leaves[*b]))) else {
                break;
            };
            let Some(split) = leaves[chosen].best else { break };
            let children = self.split(leaves.swap_remove(chosen), split, rows, &mut tree, rng);
            leaves.extend(children);
        }
        tree
    }

    fn split(&self, leaf: Leaf, split: Split, rows: &mut [u32], tree: &mut Tree, rng: &mut impl Rng) -> [Leaf; 2] {
        let column = &self.binned.columns[split.feature];
        let held = &mut rows[leaf.rows.clone()];
        let num_left = partition(held, |row| match usize::from(column[row as usize]) {
            0 => split.missing_left,
            bin => bin <= split.bin,
        });
        let middle = leaf.rows.start + num_left;
        let sides = [leaf.rows.start..middle, middle..leaf.rows.end];
        let sums = sides.clone().map(|side| self.sum(&rows[side]));
        let smaller = usize::from(sums[1].rows < sums[0].rows);
        let counted = self.histograms(&rows[sides[smaller].clone()]);
        let rest = subtract(leaf.histograms, &counted);
        let histograms = if smaller == 0 { [counted, rest] } else { [rest, counted] };
        let first = tree.nodes.len();
        tree.nodes[leaf.node] = Node::Split {
            feature: split.feature as u32,
            at: self.bins.upper(split.feature, split.bin),
            missing_left: split.missing_left,
            left: first as u32,
            right: first as u32 + 1,
            cover: leaf.sums.rows,
        };
        tree.nodes.extend(sums.map(|sums| self.leaf_node(sums)));
        let [left, right] = histograms;
        let child = |at: usize, histograms| Leaf {
            node: first + at,
            depth: leaf.depth + 1,
            rows: sides[at].clone(),
            sums: sums[at],
            histograms,
            best: None,
        };
        let mut children = [child(0, left), child(1, right)];
        for child in &mut children {
            child.best = self.best_split(child, rng);
        }
        children
    }

    fn leaf_node(&self, sums: Sums) -> Node {
        Node::Leaf { value: (-sums.gradient / (sums.hessian + self.growth.l2)) as f32, cover: sums.rows }
    }

    fn sum(&self, rows: &[u32]) -> Sums {
        let mut sums = Sums::default();
        for row in rows {
            sums.add(self.slopes[*row as usize]);
        }
        sums
    }

    fn histograms(&self, rows: &[u32]) -> Vec<Vec<Sums>> {
        // Slopes are read once for all features, not once for each in the order of the rows.
        let slopes: Vec<(f32, f32)> = rows.iter().map(|row| self.slopes[*row as usize]).collect();
        let histogram = |feature: &usize| {
            let mut bins = vec![Sums::default(); self.bins.num_bins(*feature)];
            let column = &self.binned.columns[*feature];
            for (row, slope) in rows.iter().zip(&slopes) {
                bins[usize::from(column[*row as usize])].add(*slope);
            }
            bins
        };
        if rows.len() * self.features.len() < PARALLEL_FROM {
            self.features.iter().map(histogram).collect()
        } else {
            self.features.par_iter().map(histogram).collect()
        }
    }

    fn best_split(&self, leaf: &Leaf, rng: &mut impl Rng) -> Option<Split> {
        if leaf.depth >= self.growth.max_depth || leaf.sums.rows < 2 * self.growth.min_leaf_rows {
            return None;
        }
        let asked: Vec<usize> = match self.growth.features_per_split {
            Some(count) => {
                let mut drawn = index::sample(rng, self.features.len(), count.min(self.features.len())).into_vec();
                drawn.sort_unstable();
                drawn
            }
            None => (0..self.features.len()).collect(),
        };
        let splits = asked.iter().filter_map(|at| self.best_of(self.features[*at], &leaf.histograms[*at], leaf.sums));
        // Of equal gains the first feature's counts, so that nothing depends on chance.
        splits.reduce(|best, split| if split.gain > best.gain { split } else { best })
    }

    fn best_of(&self, feature: usize, histogram: &[Sums], whole: Sums) -> Option<Split> {
        let missing = histogram[0];
        let unsplit = self.worth(whole);
        let mut best: Option<Split> = None;
        let mut present = Sums::default();
        for (bin, sums) in histogram.iter().enumerate().take(histogram.len() - 1).skip(1) {
            present = present.plus(*sums);
            for missing_left in [false, true] {
                if missing_left && missing.rows == 0 {
                    continue;
                }
                let left = if missing_left { present.plus(missing) } else { present };
                let right = whole.minus(left);
                if !self.is_allowed(left) || !self.is_allowed(right) {
                    continue;
                }
                let gain = self.worth(left) + self.worth(right) - unsplit;
                // A value that was never missing here may be so later: it goes where most went.
                let missing_left = if missing.rows == 0 { left.rows >= right.rows } else { missing_left };
                if gain > best.map_or(MIN_GAIN, |best| best.gain) {
                    best = Some(Split { gain, feature, bin, missing_left });
                }
            }
        }
        best
    }

    fn worth(&self, sums: Sums) -> f64 {
        sums.gradient * sums.gradient / (sums.hessian + self.growth.l2)
    }

    fn is_allowed(&self, side: Sums) -> bool {
        side.rows >= self.growth.min_leaf_rows && side.hessian >= self.growth.min_leaf_hessian
    }
}

/// Gains below it are rounding.
const MIN_GAIN: f64 = 1e-6;

impl Sums {
    fn add(&mut self, (gradient, hessian): (f32, f32)) {
        self.gradient += f64::from(gradient);
        self.hessian += f64::from(hessian);
        self.rows += 1;
    }

    fn plus(self, other: Self) -> Self {
        Self {
            gradient: self.gradient + other.gradient,
            hessian: self.hessian + other.hessian,
            rows: self.rows + other.rows,
        }
    }

    fn minus(self, other: Self) -> Self {
        Self {
            gradient: self.gradient - other.gradient,
            hessian: self.hessian - other.hessian,
            rows: self.rows - other.rows,
        }
    }
}

fn subtract(mut whole: Vec<Vec<Sums>>, part: &[Vec<Sums>]) -> Vec<Vec<Sums>> {
    for (whole, part) in whole.iter_mut().zip(part) {
        for (whole, part) in whole.iter_mut().zip(part) {
            *whole = whole.minus(*part);
        }
    }
    whole
}

/// Brings the rows that go left to the front, both sides in their old order, and says how many there are: the order
/// keeps memory reads ascending, which is most of a histogram's speed.
fn partition(rows: &mut [u32], goes_left: impl Fn(u32) -> bool) -> usize {
    let mut right = Vec::new();
    let mut num_left = 0;
    for at in 0..rows.len() {
        let row = rows[at];
        if goes_left(row) {
            rows[num_left] = row;
            num_left += 1;
        } else {
            right.push(row);
        }
    }
    rows[num_left..].copy_from_slice(&right);
    num_left
}
