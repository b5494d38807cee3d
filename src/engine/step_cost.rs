//! How long a step takes by its number of rows, as measured when the model was loaded, and what follows from it: how
//! many guessed tokens pay, and how much of a prompt fits into a step that others wait for.
//!
//! Pure: the measuring is [`super::warm_up`]'s. Ratios decide, so that a busy machine at the start does little harm.

/// A step that also decodes should take no longer than this, or than so many steps that only decode, whichever is more:
/// ten texts a second read as a stream, and where the machine gives less anyway, a prompt shall still get on.
const MIXED_STEP_S: f64 = 0.1;
const MIXED_STEPS: f64 = 3.0;
/// A step of prompts alone: how long a request that arrives meanwhile, or the memory of one that left, waits at most.
const LONE_STEP_S: f64 = 1.0;
/// Fewer rows than this waste a pass over the weights, however slow the machine is.
const MIN_CHUNK: usize = 16;

/// What guesses must gain by their estimate before they are run: estimates err.
const LEAST_GAIN: f64 = 1.05;

/// Seconds of a step by its rows, where little was read before them.
#[derive(Clone, Debug, PartialEq)]
pub struct StepCost {
    /// Rows and seconds, both rising.
    points: Vec<(usize, f64)>,
}

/// How a prompt's tokens grow dearer with what was read before them, because each looks back at all of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lookback {
    /// Tokens before it that make a token cost twice as much.
    pub doubling_len: f64,
}

impl Lookback {
    /// Where looking back costs nothing.
    pub const FREE: Self = Self { doubling_len: f64::INFINITY };

    /// From a step's seconds without anything before it, and with `before` tokens.
    pub fn new(seconds: f64, before: usize, seconds_after: f64) -> Self {
        let dearer = (seconds_after - seconds) / seconds.max(1e-9);
        if dearer > 0.0 { Self { doubling_len: before as f64 / dearer } } else { Self::FREE }
    }

    /// What `len` tokens cost after `start` others, in tokens with nothing before them.
    pub fn cost(&self, start: usize, len: usize) -> usize {
        (len as f64 * self.factor(start, len)).ceil() as usize
    }

    /// How many tokens after `start` others cost at most `budget`; no fewer than pay, where the budget has them.
    pub fn fit(&self, start: usize, budget: usize) -> usize {
        ((budget as f64 / self.factor(start, budget)) as usize).clamp(budget.min(MIN_CHUNK), budget)
    }

    fn factor(&self, start: usize, len: usize) -> f64 {
        1.0 + (start as f64 + len as f64 / 2.0) / self.doubling_len
    }
}

impl StepCost {
    /// From measured steps; at least one row, in rising order.
    pub fn new(measured: &[(usize, f64)]) -> Self {
        let mut points: Vec<(usize, f64)> = Vec::with_capacity(measured.len());
        for &(rows, seconds) in measured {
            // More rows never take less time; where they seem to, the measurement was disturbed.
            let least = points.last().map_or(1e-9, |(_, seconds)| *seconds);
            points.push((rows, seconds.max(least)));
        }
        if points.is_empty() {
            points.push((1, 1e-9));
        }
        Self { points }
    }

    /// Seconds of a step of `rows`; between and beyond what was measured along straight lines.
    pub fn seconds(&self, rows: usize) -> f64 {
        let upper = self.points.partition_point(|(measured, _)| *measured < rows);
        let (a, b) = match (upper, self.points.len()) {
            (_, 1) => return self.points[0].1 * rows as f64 / self.points[0].0 as f64,
            (0, _) => return self.points[0].1,
            (upper, len) => (self.points[upper.min(len - 1) - 1], self.points[upper.min(len - 1)]),
        };
        a.1 + (b.1 - a.1) * (rows as f64 - a.0 as f64) / (b.0 - a.0) as f64
    }

    /// How many of a sequence's guesses to run, where the step has `rows` without them and gives `expected` tokens.
    /// `chances` are those of [`super::lookup::Record::chances`].
    ///
    /// Takes the number with the most tokens a second over all sequences: in a full batch a row costs others as much as
    /// it can gain, so that guesses end there by themselves.
    pub fn guesses(&self, rows: usize, expected: f64, chances: &[f64]) -> usize {
        let mut best = (0, LEAST_GAIN * expected / self.seconds(rows));
        let mut tokens = expected;
        for (nth, chance) in chances.iter().enumerate() {
            tokens += chance;
            let rate = tokens / self.seconds(rows + nth + 1);
            if rate > best.1 {
                best = (nth + 1, rate);
            }
        }
        best.0
    }

    /// Most prompt tokens in a step that also decodes, and in one that does not; both at most `step_tokens`. For tokens
    /// with little before them; see [`Lookback`].
    pub fn chunks(&self, step_tokens: usize) -> (usize, usize) {
        let (rows, seconds) = self.points[self.points.len() - 1];
        let per_row = seconds / rows as f64;
        let fit = |limit: f64| ((limit / per_row) as usize).max(MIN_CHUNK).min(step_tokens);
        (fit(MIXED_STEP_S.max(MIXED_STEPS * self.seconds(1))), fit(LONE_STEP_S))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row costs a fifth of the pass over the weights.
    fn cost() -> StepCost {
        StepCost::new(&[(1, 0.010), (2, 0.012), (8, 0.024), (16, 0.040)])
    }

    #[test]
    fn what_was_not_measured_lies_on_the_lines() {
        for (rows, seconds) in [(1, 0.010), (5, 0.018), (16, 0.040), (24, 0.056)] {
            assert!((cost().seconds(rows) - seconds).abs() < 1e-9, "{rows}");
        }
        assert!((StepCost::new(&[(4, 0.4)]).seconds(2) - 0.2).abs() < 1e-9);
        assert_eq!(StepCost::new(&[(1, 0.3), (4, 0.2)]).seconds(4), 0.3);
    }

    #[test]
    fn guesses_are_run_while_they_gain_more_than_they_cost() {
        assert_eq!(cost().guesses(1, 1.0, &[0.9, 0.81, 0.7, 0.5]), 4);
        assert_eq!(cost().guesses(1, 1.0, &[0.9, 0.1, 0.01]), 1);
        assert_eq!(cost().guesses(1, 1.0, &[0.15, 0.02]), 0);
        assert_eq!(cost().guesses(1, 1.0, &[]), 0);
    }

    #[test]
    fn a_full_batch_leaves_no_room_for_guesses() {
        assert!(cost().guesses(2, 2.0, &[0.6]) > 0);
        assert_eq!(cost().guesses(64, 64.0, &[0.6]), 0);
    }

    #[test]
    fn a_jump_in_cost_is_taken_where_enough_lies_beyond_it() {
        let tiled = StepCost::new(&[(1, 0.010), (2, 0.030), (8, 0.031)]);
        assert_eq!(tiled.guesses(1, 1.0, &[0.99, 0.98]), 0);
        assert_eq!(tiled.guesses(1, 1.0, &[0.99, 0.98, 0.97, 0.96]), 4);
    }

    #[test]
    fn chunks_keep_running_answers_moving() {
        let per_row = |seconds: f64| StepCost::new(&[(1, 0.08), (32, 32.0 * seconds)]);
        assert_eq!(per_row(0.004).chunks(512), (60, 250));
        assert_eq!(per_row(0.010).chunks(512), (24, 100));
        assert_eq!(per_row(0.100).chunks(512), (MIN_CHUNK, MIN_CHUNK));
        assert_eq!(per_row(0.003).chunks(7), (7, 7));
        assert_eq!(StepCost::new(&[(1, 0.01), (32, 0.032)]).chunks(512), (100, 512));
    }

    #[test]
    fn what_was_read_before_makes_chunks_smaller() {
        let lookback = Lookback::new(0.1, 1000, 0.2);
        assert!((lookback.doubling_len - 1000.0).abs() < 1e-6);
        assert_eq!((lookback.cost(0, 100), lookback.cost(1000, 100), lookback.cost(4000, 1)), (105, 205, 6));
        assert_eq!((lookback.fit(0, 100), lookback.fit(1000, 100), lookback.fit(1 << 20, 100)), (95, 48, 16));
        for start in [0, 17, 4096] {
            assert!(lookback.cost(start, lookback.fit(start, 200)) <= 200);
        }
        assert_eq!(
            (Lookback::FREE.cost(4000, 64), Lookback::FREE.fit(4000, 64), Lookback::FREE.fit(0, 0)),
            (64, 64, 0)
        );
        assert_eq!(Lookback::new(0.1, 1000, 0.09), Lookback::FREE);
    }
}
