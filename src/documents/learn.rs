//! Learning a network: batches of identities with their forgeries beside them, so that the likest are pushed apart.

use candle_nn::{AdamW, Optimizer, ParamsAdamW};
use rand::Rng;
use rand::seq::SliceRandom;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::align::{Alignment, moved};
use super::draw::Origin;
use super::network::{Network, batch, contrastive_loss};
use super::plane::Plane;
use super::sample::{FORGERS, Sample};

/// Identities of a batch, and marks of each: genuine ones, and as many less one of one forger.
const IDENTITIES: usize = 14;
const MARKS: usize = 4;
const RATE: f64 = 2e-3;

/// Learns for so many steps from straight samples; `tell` hears the loss now and then.
pub fn learn(
    network: &Network,
    samples: &[Vec<Sample>],
    steps: usize,
    rng: &mut ChaCha8Rng,
    tell: &dyn Fn(usize, f32),
) -> candle_core::Result<()> {
    let settings = ParamsAdamW { lr: RATE, weight_decay: 1e-4, ..ParamsAdamW::default() };
    let mut optimizer = AdamW::new(network.weights().to_vec(), settings)?;
    let mut mean = 0.0;
    for step in 0..steps {
        // Up over the first twentieth, then down along a cosine.
        let done = step as f64 / steps as f64;
        let warm = (done * 20.0 + 0.05).min(1.0);
        optimizer.set_learning_rate(RATE * warm * (0.02 + 0.98 * (0.5 + 0.5 * (done * std::f64::consts::PI).cos())));
        let (picked, classes) = pick(samples, rng);
        let inks: Vec<Plane> = picked.into_par_iter().map(|(ink, alignment)| moved(ink, &alignment)).collect();
        let vectors = network.forward(&batch(&inks.iter().collect::<Vec<_>>())?)?;
        let loss = contrastive_loss(&vectors, &classes)?;
        optimizer.backward_step(&loss)?;
        mean += loss.to_scalar::<f32>()?;
        if (step + 1) % EVERY == 0 {
            tell(step + 1, mean / EVERY as f32);
            mean = 0.0;
        }
    }
    Ok(())
}

const EVERY: usize = 50;

/// Inks with how each is moved, and their classes.
fn pick<'a>(samples: &'a [Vec<Sample>], rng: &mut ChaCha8Rng) -> (Vec<(&'a Plane, Alignment)>, Vec<usize>) {
    let (mut picked, mut classes) = (Vec::new(), Vec::new());
    for (place, identity) in index::sample(rng, samples.len(), IDENTITIES.min(samples.len())).into_iter().enumerate() {
        // A pair that is compared lies in the first one's turn, whatever that is.
        let turn = rng.random_range(-0.35..0.35);
        let forger = rng.random_range(0..FORGERS);
        for (class, origin, most) in
            [(2 * place, Origin::Genuine, MARKS), (2 * place + 1, Origin::Forged(forger), MARKS - 1)]
        {
            let mut of: Vec<&Sample> = samples[identity].iter().filter(|sample| sample.origin == origin).collect();
            of.shuffle(rng);
            for sample in of.into_iter().take(most) {
                let mut near = |by: f32| rng.random_range(-by..by);
                let alignment =
                    Alignment { turn: turn + near(0.04), scale: 1.0 + near(0.03), shift: [near(0.015), near(0.015)] };
                picked.push((&sample.mark.levels[1], alignment));
                classes.push(class);
            }
        }
    }
    (picked, classes)
}
