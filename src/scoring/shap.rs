//! What each feature adds to a margin: exact Shapley values of an ensemble's trees.
//!
//! In: an [`Ensemble`] and a row. Out: one contribution a feature, in the margin's unit. They and
//! [`expected`] add up to the margin. The game is the tree's own (path-dependent, Lundberg et al. 2018, algorithm 2): a
//! feature that is not known sends a row down both branches, weighed by the training rows that went there.

use super::boosting::{Ensemble, Node, Tree, goes_left};

/// The margin of a row of which nothing is known.
pub fn expected(ensemble: &Ensemble) -> f64 {
    ensemble.base + ensemble.trees.iter().map(Tree::expected).sum::<f64>()
}

/// The contributions of a row's features.
pub fn contributions(ensemble: &Ensemble, row: &[f32]) -> Vec<f64> {
    let mut contributions = vec![0.0; row.len()];
    // One buffer for all walks: a walk's path is copied behind its parent's.
    let mut paths = Vec::new();
    for tree in &ensemble.trees {
        paths.clear();
        let walk = Walk { tree, row };
        walk.descend(0, &mut paths, 0, Step { feature: None, zero: 1.0, one: 1.0 }, &mut contributions);
    }
    contributions
}

/// A branch taken: the share of training rows that take it where the feature is not known, and whether this row does
/// where it is (1 or 0).
#[derive(Clone, Copy, Debug)]
struct Step {
    feature: Option<u32>,
    zero: f64,
    one: f64,
}

/// A step of a path, with the summed weight of all sets of as many known features as its place says.
#[derive(Clone, Copy, Debug)]
struct Element {
    step: Step,
    weight: f64,
}

struct Walk<'a> {
    tree: &'a Tree,
    row: &'a [f32],
}

impl Walk<'_> {
    /// Walks below `node` with the path that stands in `paths` from `start`, lengthened by `step`.
    fn descend(&self, node: usize, paths: &mut Vec<Element>, start: usize, step: Step, contributions: &mut [f64]) {
        extend(paths, start, step);
        match self.tree.nodes[node] {
            Node::Leaf { value, .. } => {
                let path = &paths[start..];
                for at in 1..path.len() {
                    let Element { step: Step { feature, zero, one }, .. } = path[at];
                    let feature = feature.expect("only the first step has no feature") as usize;
                    contributions[feature] += unwound_sum(path, at) * (one - zero) * f64::from(value);
                }
            }
            Node::Split { feature, at, missing_left, left, right, cover } => {
                let is_left = goes_left(self.row[feature as usize], at, missing_left);
                let (hot, cold) = if is_left { (left, right) } else { (right, left) };
                let mut before = Step { feature: None, zero: 1.0, one: 1.0 };
                // A feature asked for before: its two steps become one.
                if let Some(place) = paths[start + 1..].iter().position(|element| element.step.feature == Some(feature))
                {
                    before = paths[start + 1 + place].step;
                    unwind(paths, start, place + 1);
                }
                for (child, is_taken) in [(hot, 1.0), (cold, 0.0)] {
                    let share = f64::from(self.tree.nodes[child as usize].cover()) / f64::from(cover);
                    let step = Step { feature: Some(feature), zero: share * before.zero, one: is_taken * before.one };
                    let (copy, end) = (paths.len(), paths.len());
                    paths.extend_from_within(start..end);
                    self.descend(child as usize, paths, copy, step, contributions);
                    paths.truncate(end);
                }
            }
        }
    }
}

/// Adds a step to the path from `start`: every set of known features may take it in or leave it out.
fn extend(paths: &mut Vec<Element>, start: usize, step: Step) {
    let depth = paths.len() - start;
    paths.push(Element { step, weight: if depth == 0 { 1.0 } else { 0.0 } });
    let path = &mut paths[start..];
    let len = depth as f64 + 1.0;
    for at in (0..depth).rev() {
        path[at + 1].weight += step.one * path[at].weight * (at as f64 + 1.0) / len;
        path[at].weight *= step.zero * (depth - at) as f64 / len;
    }
}

/// Takes the step at `place` out of the path from `start`, as if it had never been added.
fn unwind(paths: &mut Vec<Element>, start: usize, place: usize) {
    let path = &mut paths[start..];
    let depth = path.len() - 1;
    let Step { zero, one, .. } = path[place].step;
    let len = depth as f64 + 1.0;
    let mut next = path[depth].weight;
    for at in (0..depth).rev() {
        if one == 0.0 {
            path[at].weight *= len / (zero * (depth - at) as f64);
        } else {
            let held = path[at].weight;
            path[at].weight = next * len / ((at as f64 + 1.0) * one);
            next = held - path[at].weight * zero * (depth - at) as f64 / len;
        }
    }
    for at in place..depth {
        path[at].step = path[at + 1].step;
    }
    paths.pop();
}

/// The summed weight of the path without the step at `place`.
fn unwound_sum(path: &[Element], place: usize) -> f64 {
    let depth = path.len() - 1;
    let Step { zero, one, .. } = path[place].step;
    let len = depth as f64 + 1.0;
    let (mut next, mut sum) = (path[depth].weight, 0.0);
    for at in (0..depth).rev() {
        let rest = (depth - at) as f64 / len;
        if one == 0.0 {
            sum += path[at].weight / (zero * rest);
        } else {
            let weight = next * len / ((at as f64 + 1.0) * one);
            sum += weight;
            next = path[at].weight - weight * zero * rest;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scoring::matrix::Matrix;

    /// What the tree says where only the features of `known` (a bit set) are.
    fn value(tree: &Tree, node: usize, row: &[f32], known: u32) -> f64 {
        match tree.nodes[node] {
            Node::Leaf { value, .. } => f64::from(value),
            Node::Split { feature, at, missing_left, left, right, cover } => {
                let (left, right) = (left as usize, right as usize);
                if known >> feature & 1 == 1 {
                    let is_left = goes_left(row[feature as usize], at, missing_left);
                    return value(tree, if is_left { left } else { right }, row, known);
                }
                let share = f64::from(tree.nodes[left].cover()) / f64::from(cover);
                share * value(tree, left, row, known) + (1.0 - share) * value(tree, right, row, known)
            }
        }
    }

    /// Shapley's formula as it stands, over all sets of features.
    fn by_all_sets(tree: &Tree, row: &[f32]) -> Vec<f64> {
        let count = row.len() as u32;
        let factorial = |n: u32| (1..=n).map(f64::from).product::<f64>();
        (0..count)
            .map(|feature| {
                let sets = (0..1_u32 << count).filter(|set| set >> feature & 1 == 0);
                sets.map(|set| {
                    let size = set.count_ones();
                    let weight = factorial(size) * factorial(count - size - 1) / factorial(count);
                    weight * (value(tree, 0, row, set | 1 << feature) - value(tree, 0, row, set))
                })
                .sum()
            })
            .collect()
    }

    const FEATURES: usize = 4;

    /// A tree whose every split takes what `choices` says; leaves share their parent's rows unevenly.
    fn tree(choices: &[(u32, i8, bool, i8)]) -> Tree {
        fn grow(nodes: &mut Vec<Node>, at: usize, choices: &mut std::slice::Iter<'_, (u32, i8, bool, i8)>, cover: u32) {
            let Some((feature, limit, missing_left, value)) = choices.next() else { return };
            if cover < 4 {
                nodes[at] = Node::Leaf { value: f32::from(*value), cover };
                return;
            }
            let (left, left_cover) = (nodes.len(), cover / 3);
            nodes[at] = Node::Split {
                feature: *feature,
                at: f32::from(*limit),
                missing_left: *missing_left,
                left: left as u32,
                right: left as u32 + 1,
                cover,
            };
            nodes.push(Node::Leaf { value: f32::from(*value), cover: left_cover });
            nodes.push(Node::Leaf { value: -f32::from(*value) / 2.0, cover: cover - left_cover });
            grow(nodes, left, choices, left_cover);
            grow(nodes, left + 1, choices, cover - left_cover);
        }
        let mut nodes = vec![Node::Leaf { value: 1.0, cover: 100 }];
        grow(&mut nodes, 0, &mut choices.iter(), 100);
        Tree { nodes }
    }

    proptest! {
        #[test]
        fn contributions_are_shapleys_and_add_up_to_the_margin(
            choices in prop::collection::vec((0..FEATURES as u32, -3..3_i8, any::<bool>(), -9..9_i8), 0..24),
            values in prop::collection::vec(prop::option::weighted(0.8, -4..4_i8), FEATURES),
        ) {
            let tree = tree(&choices);
            prop_assert!(tree.is_sound(FEATURES));
            let row: Vec<f32> = values.iter().map(|value| value.map_or(f32::NAN, f32::from)).collect();
            let ensemble = Ensemble { base: 0.5, trees: vec![tree.clone(), tree.clone()] };
            let told = contributions(&ensemble, &row);
            for (feature, expected) in by_all_sets(&tree, &row).iter().enumerate() {
                prop_assert!((told[feature] - 2.0 * expected).abs() < 1e-8, "{told:?}");
            }
            let sum = expected(&ensemble) + told.iter().sum::<f64>();
            let matrix = Matrix::new(1, row.iter().map(|value| vec![*value]).collect());
            prop_assert!((sum - ensemble.margins(&matrix)[0]).abs() < 1e-8);
        }
    }
}
