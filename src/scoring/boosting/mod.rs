//! Gradient boosting for a yes or no or for a number, and the bagged forest that is grown by the same hand.
//!
//! In: a [`Matrix`] with a label or a number a row. Out: an [`Ensemble`] of trees. Histograms of 256 bins, leaf-wise growth, second
//! order steps (Friedman 2001; Ke et al. 2017 for the histograms), early stopping by the loss of rows that no tree
//! learnt from. Knows nothing of where the features come from.

mod bins;
mod grow;
mod tree;
mod walk;

use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::matrix::Matrix;
use bins::Bins;
use grow::Task;

pub use grow::Growth;
pub use tree::{Ensemble, Node, Tree, goes_left};

/// How an ensemble is boosted.
#[derive(Clone, Debug, PartialEq)]
pub struct Boosting {
    pub max_trees: usize,
    /// Part of a tree's word that counts.
    pub learning_rate: f32,
    /// Trees without a better log loss on the watched rows after which it ends.
    pub patience: usize,
    /// Part of the rows that a tree learns from, and of the features it may ask for.
    pub row_share: f64,
    pub feature_share: f64,
    /// The features that trees may ask for, ascending; all where absent.
    pub features: Option<Vec<usize>>,
    pub growth: Growth,
    pub seed: u64,
}

/// Rows with labels.
#[derive(Clone, Copy)]
pub struct Labelled<'a> {
    pub features: &'a Matrix,
    pub labels: &'a [bool],
}

/// Rows with numbers to be told.
#[derive(Clone, Copy)]
pub struct Valued<'a> {
    pub features: &'a Matrix,
    pub values: &'a [f64],
}

/// Boosts on `train` until `watched` gains no more, and keeps the trees up to its best: the sum is the log-odds.
pub fn boost(train: Labelled<'_>, watched: Labelled<'_>, boosting: &Boosting) -> Ensemble {
    let goal = Goal {
        base: log_odds(train.labels),
        slope: &|row, margin| slope(margin, train.labels[row]),
        loss: &|margins| log_loss(margins, watched.labels),
    };
    goal.boost(train.features, watched.features, boosting)
}

/// The same for a number: the sum is its mean, by least squares.
pub fn boost_mean(train: Valued<'_>, watched: Valued<'_>, boosting: &Boosting) -> Ensemble {
    let square = |(told, value): (&f64, &f64)| (told - value).powi(2);
    let goal = Goal {
        base: train.values.iter().sum::<f64>() / train.values.len() as f64,
        slope: &|row, told| ((told - train.values[row]) as f32, 1.0),
        loss: &|told| told.iter().zip(watched.values).map(square).sum::<f64>() / watched.values.len() as f64,
    };
    goal.boost(train.features, watched.features, boosting)
}

/// What is boosted towards.
struct Goal<'a> {
    /// What is said before any tree is asked.
    base: f64,
    /// Gradient and hessian of a row's loss where so much is said.
    slope: &'a (dyn Fn(usize, f64) -> (f32, f32) + Sync),
    /// Mean loss over the watched rows.
    loss: &'a dyn Fn(&[f64]) -> f64,
}

impl Goal<'_> {
    fn boost(&self, train: &Matrix, watched: &Matrix, boosting: &Boosting) -> Ensemble {
        let bins = Bins::of(train);
        let binned = bins.apply(train);
        let num_rows = train.num_rows();
        let allowed = boosting.features.clone().unwrap_or_else(|| (0..train.num_columns()).collect());
        let mut ensemble = Ensemble { base: self.base, trees: Vec::new() };
        let mut said = vec![self.base; num_rows];
        let mut watched_said = vec![self.base; watched.num_rows()];
        let mut best = ((self.loss)(&watched_said), 0);
        let mut rng = ChaCha8Rng::seed_from_u64(boosting.seed);
        while ensemble.trees.len() < boosting.max_trees && ensemble.trees.len() - best.1 < boosting.patience {
            let slopes: Vec<(f32, f32)> =
                said.par_iter().enumerate().map(|(row, said)| (self.slope)(row, *said)).collect();
            let mut rows = drawn(&mut rng, num_rows, boosting.row_share);
            let features = drawn(&mut rng, allowed.len(), boosting.feature_share);
            let features: Vec<usize> = features.into_iter().map(|at| allowed[at as usize]).collect();
            let task =
                Task { bins: &bins, binned: &binned, slopes: &slopes, features: &features, growth: &boosting.growth };
            let mut tree = task.grow(&mut rows, &mut rng);
            if tree.nodes.len() == 1 {
                break;
            }
            scale(&mut tree, boosting.learning_rate);
            add(&tree, train, &mut said);
            add(&tree, watched, &mut watched_said);
            ensemble.trees.push(tree);
            let loss = (self.loss)(&watched_said);
            if loss < best.0 {
                best = (loss, ensemble.trees.len());
            }
        }
        ensemble.trees.truncate(best.1);
        ensemble
    }
}

/// Grows `num_trees` trees, each on rows drawn with replacement, and lets them vote: the sum is the share of fraud.
/// A regression tree on 0 and 1 splits as Gini impurity does.
pub fn bag(train: Labelled<'_>, num_trees: usize, growth: &Growth, seed: u64) -> Ensemble {
    let bins = Bins::of(train.features);
    let binned = bins.apply(train.features);
    let slopes: Vec<(f32, f32)> = train.labels.iter().map(|label| (-f32::from(u8::from(*label)), 1.0)).collect();
    let features: Vec<usize> = (0..train.features.num_columns()).collect();
    let task = Task { bins: &bins, binned: &binned, slopes: &slopes, features: &features, growth };
    let num_rows = train.labels.len();
    let grown = (0..num_trees).into_par_iter().map(|at| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(at as u64);
        let mut rows: Vec<u32> = (0..num_rows).map(|_| rand::Rng::random_range(&mut rng, 0..num_rows as u32)).collect();
        rows.sort_unstable();
        let mut tree = task.grow(&mut rows, &mut rng);
        scale(&mut tree, 1.0 / num_trees as f32);
        tree
    });
    Ensemble { base: 0.0, trees: grown.collect() }
}

/// The probability that log-odds stand for.
pub fn sigmoid(margin: f64) -> f64 {
    1.0 / (1.0 + (-margin).exp())
}

/// Mean log loss, in nats.
pub fn log_loss(margins: &[f64], labels: &[bool]) -> f64 {
    let losses = margins.iter().zip(labels).map(|(margin, label)| {
        let signed = if *label { -margin } else { *margin };
        signed.max(0.0) + (-signed.abs()).exp().ln_1p()
    });
    losses.sum::<f64>() / labels.len() as f64
}

/// Gradient and hessian of the log loss.
fn slope(margin: f64, label: bool) -> (f32, f32) {
    let probability = sigmoid(margin);
    let gradient = probability - f64::from(u8::from(label));
    (gradient as f32, (probability * (1.0 - probability)).max(1e-16) as f32)
}

fn log_odds(labels: &[bool]) -> f64 {
    let positives = labels.iter().filter(|label| **label).count() as f64;
    (positives / (labels.len() as f64 - positives)).ln()
}

/// Ascending numbers below `count`, `share` of them drawn without replacement and at least one.
fn drawn(rng: &mut ChaCha8Rng, count: usize, share: f64) -> Vec<u32> {
    if share >= 1.0 {
        return (0..count as u32).collect();
    }
    let amount = ((count as f64 * share).round() as usize).clamp(1, count);
    let mut drawn: Vec<u32> = index::sample(rng, count, amount).into_iter().map(|at| at as u32).collect();
    drawn.sort_unstable();
    drawn
}

fn scale(tree: &mut Tree, factor: f32) {
    for node in &mut tree.nodes {
        if let Node::Leaf { value, .. } = node {
            *value *= factor;
        }
    }
}

/// Adds what the tree says of every row; reads only the columns that the walks ask for.
fn add(tree: &Tree, features: &Matrix, margins: &mut [f64]) {
    let columns = features.columns();
    margins.par_iter_mut().with_min_len(4096).enumerate().for_each(|(row, margin)| {
        *margin += f64::from(tree.predict_by(|feature| columns[feature][row]));
    });
}

#[cfg(test)]
mod tests;
