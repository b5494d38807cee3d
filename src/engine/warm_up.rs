//! The model's first passes, before anyone waits: threads start, memory is mapped, and steps are timed for [`StepCost`].

use std::time::Instant;

use super::arch::Decoder;
use super::arch::decoder::Batch;
use super::step_cost::{Lookback, StepCost};
use crate::kernels::{BLOCK_LEN, BlockId, KvStore, Segment};

/// Rows of the steps that are timed: answers with and without guesses, a full tile of the kernels, and the beginning of a
/// prompt.
const TIMED_ROWS: [usize; 7] = [1, 2, 4, 8, 12, 16, 32];
/// Tokens before the rows of the step that times looking back, and its rows, of which a step without is timed as well.
const LOOKBACK: usize = 1024;
const LOOKBACK_ROWS: usize = 32;
/// Each is timed this often and the least counts, because what disturbs a measurement only ever slows it.
const ROUNDS: usize = 3;
/// No further round begins after this: a large model on a slow machine shall not be waited for.
const LONGEST_S: f64 = 1.0;

/// Runs the model over a few tokens and times it. The blocks written to, the first ones, are not recorded, so that
/// nobody finds them.
///
/// # Errors
/// The decoder's.
pub fn warm_up(
    decoder: &mut Decoder,
    store: &mut KvStore,
    max_rows: usize,
) -> candle_core::Result<(StepCost, Lookback)> {
    let blocks: Vec<BlockId> = (0..max_rows.div_ceil(BLOCK_LEN) as u32).map(BlockId).collect();
    let mut step = |rows: usize, start: usize| -> candle_core::Result<f64> {
        let started = Instant::now();
        let segments = vec![Segment { rows: 0..rows, start, blocks: &blocks }];
        let logit_rows = (0..rows as u32).collect();
        decoder.forward(&Batch { tokens: vec![0; rows], segments, logit_rows }, store).map(|_| ())?;
        Ok(started.elapsed().as_secs_f64())
    };
    // Threads start and buffers grow.
    step(max_rows.min(2), 0)?;
    let mut timed: Vec<(usize, f64)> =
        TIMED_ROWS.into_iter().filter(|rows| *rows <= max_rows).map(|rows| (rows, f64::INFINITY)).collect();
    let before = LOOKBACK.min(max_rows.saturating_sub(LOOKBACK_ROWS));
    let rows = LOOKBACK_ROWS.min(max_rows);
    let mut after = f64::INFINITY;
    let started = Instant::now();
    for _ in 0..ROUNDS {
        after = after.min(step(rows, before)?);
        for (rows, least) in &mut timed {
            *least = least.min(step(*rows, 0)?);
        }
        if started.elapsed().as_secs_f64() > LONGEST_S {
            break;
        }
    }
    let cost = StepCost::new(&timed);
    let lookback = if before > 0 { Lookback::new(cost.seconds(rows), before, after) } else { Lookback::FREE };
    Ok((cost, lookback))
}
