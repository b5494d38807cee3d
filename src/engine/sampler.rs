//! Logits to a token. Pure and seeded: the same logits, parameters and state of the generator give the same token.
//!
//! Order of the cuts: penalties, the mask of a constraint, temperature, top-k, top-p, min-p, as in vLLM's sampler.

use std::collections::HashMap;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::guide::TokenMask;
use super::request::SamplingParams;

/// Draws the tokens of one sequence.
pub struct Sampler {
    params: SamplingParams,
    random: ChaCha8Rng,
    prompt: HashMap<u32, ()>,
    /// Occurrences in the answer.
    counts: HashMap<u32, u32>,
}

/// The token drawn; log-probabilities are of the distribution before penalties, temperature and cuts.
#[derive(Debug, PartialEq)]
pub struct Draw {
    pub token: u32,
    pub logprob: f32,
    /// The likeliest tokens, as many as were asked for.
    pub top: Vec<(u32, f32)>,
}

impl Sampler {
    pub fn new(params: SamplingParams, prompt: &[u32]) -> Self {
        let seed = params.seed.unwrap_or_else(|| rand::rng().random());
        // Only the repetition penalty looks at the prompt.
        let prompt =
            if params.repetition_penalty == 1.0 { HashMap::new() } else { prompt.iter().map(|t| (*t, ())).collect() };
        Self { params, random: ChaCha8Rng::seed_from_u64(seed), prompt, counts: HashMap::new() }
    }

    /// Draws from `logits`, `[vocab]`, one of the tokens that `mask` holds, which are some; `num_top` alternatives are
    /// reported, none where absent.
    pub fn draw(&mut self, logits: &[f32], mask: Option<&TokenMask>, num_top: Option<usize>) -> Draw {
        let token = match self.penalised(logits) {
            Some(penalised) => self.choose(&penalised, mask),
            None => self.choose(logits, mask),
        };
        *self.counts.entry(token).or_default() += 1;
        let Some(num_top) = num_top else { return Draw { token, logprob: 0.0, top: Vec::new() } };
        let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let log_sum = logits.iter().map(|logit| f64::from(logit - max).exp()).sum::<f64>().ln() as f32 + max;
        let mut top = Vec::new();
        if num_top > 0 {
            let mut order: Vec<u32> = (0..logits.len() as u32).collect();
            let by_logit = |a: &u32, b: &u32| logits[*b as usize].total_cmp(&logits[*a as usize]).then(a.cmp(b));
            let num_top = num_top.min(order.len());
            order.select_nth_unstable_by(num_top - 1, by_logit);
            order.truncate(num_top);
            order.sort_unstable_by(by_logit);
            top = order.into_iter().map(|token| (token, logits[token as usize] - log_sum)).collect();
        }
        Draw { token, logprob: logits[token as usize] - log_sum, top }
    }

    /// The logits with penalties applied; `None` where none is set.
    fn penalised(&self, logits: &[f32]) -> Option<Vec<f32>> {
        let params = &self.params;
        if params.repetition_penalty == 1.0 && params.presence_penalty == 0.0 && params.frequency_penalty == 0.0 {
            return None;
        }
        let mut logits = logits.to_vec();
        let fresh_prompt = self.prompt.keys().filter(|token| !self.counts.contains_key(token));
        for &token in self.counts.keys().chain(fresh_prompt) {
            let Some(logit) = logits.get_mut(token as usize) else { continue };
            *logit *= if *logit > 0.0 { 1.0 / params.repetition_penalty } else { params.repetition_penalty };
        }
        for (&token, &count) in &self.counts {
            let Some(logit) = logits.get_mut(token as usize) else { continue };
            *logit -= params.presence_penalty + params.frequency_penalty * count as f32;
        }
        Some(logits)
    }

    fn choose(&mut self, logits: &[f32], mask: Option<&TokenMask>) -> u32 {
        let params = &self.params;
        if params.temperature == 0.0 {
            return argmax(logits, mask);
        }
        let mut weights: Vec<(u32, f32)> = match mask {
            None => (0..).zip(logits.iter().copied()).collect(),
            Some(mask) => mask.tokens(logits.len()).map(|token| (token, logits[token as usize])).collect(),
        };
        let max = weights.iter().map(|(_, logit)| *logit).fold(f32::NEG_INFINITY, f32::max);
        let inverse = 1.0 / params.temperature;
        for (_, weight) in &mut weights {
            *weight = ((*weight - max) * inverse).exp();
        }
        // The likeliest token has weight 1, so min-p can cut before anything is sorted; what it drops, the later cuts
        // would have dropped or kept in vain.
        if params.min_p > 0.0 {
            weights.retain(|(_, weight)| *weight >= params.min_p);
        }
        let by_weight = |a: &(u32, f32), b: &(u32, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        if params.top_k > 0 && params.top_k < weights.len() {
            weights.select_nth_unstable_by(params.top_k - 1, by_weight);
            weights.truncate(params.top_k);
        }
        if params.top_p < 1.0 {
            weights.sort_unstable_by(by_weight);
            let total: f32 = weights.iter().map(|(_, weight)| weight).sum();
            let mut mass = 0.0;
            let kept = weights.iter().position(|(_, weight)| {
                mass += weight;
                mass >= params.top_p * total
            });
            weights.truncate(kept.map_or(weights.len(), |last| last + 1));
        }
        let total: f32 = weights.iter().map(|(_, weight)| weight).sum();
        let mut left = self.random.random::<f32>() * total;
        for (token, weight) in &weights {
            left -= weight;
            if left < 0.0 {
                return *token;
            }
        }
        // Rounding may leave a crumb.
        weights.last().map_or_else(|| argmax(logits, mask), |(token, _)| *token)
    }
}

/// The first of the largest among those that `mask` holds.
fn argmax(logits: &[f32], mask: Option<&TokenMask>) -> u32 {
    let first_of_largest = |best: u32, token: u32| {
        if logits[token as usize] > logits[best as usize] { token } else { best }
    };
    match mask {
        None => (0..logits.len() as u32).reduce(first_of_largest).unwrap_or(0),
        Some(mask) => mask.tokens(logits.len()).reduce(first_of_largest).unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frequencies(params: SamplingParams, logits: &[f32], draws: usize) -> Vec<f32> {
        let mut sampler = Sampler::new(SamplingParams { seed: Some(7), ..params }, &[]);
        let mut counts = vec![0.0; logits.len()];
        for _ in 0..draws {
            counts[sampler.draw(logits, None, None).token as usize] += 1.0 / draws as f32;
        }
        counts
    }

    fn params() -> SamplingParams {
        SamplingParams { temperature: 1.0, ..SamplingParams::default() }
    }

    #[test]
    fn draws_follow_the_softmax() {
        let logits: Vec<f32> = [0.5f32, 0.3, 0.2].iter().map(|p| p.ln()).collect();
        for (got, want) in frequencies(params(), &logits, 20_000).iter().zip([0.5, 0.3, 0.2]) {
            assert!((got - want).abs() < 0.015, "{got} for {want}");
        }
    }

    #[test]
    fn each_cut_keeps_what_it_says() {
        let logits: Vec<f32> = [0.5f32, 0.3, 0.15, 0.05].iter().map(|p| p.ln()).collect();
        let kept = |params| frequencies(params, &logits, 2_000).iter().filter(|share| **share > 0.0).count();
        assert_eq!(kept(SamplingParams { top_k: 2, ..params() }), 2);
        assert_eq!(kept(SamplingParams { top_p: 0.75, ..params() }), 2);
        assert_eq!(kept(SamplingParams { top_p: 0.81, ..params() }), 3);
        assert_eq!(kept(SamplingParams { min_p: 0.2, ..params() }), 3);
        assert_eq!(kept(SamplingParams { temperature: 0.0, ..params() }), 1);
    }

    #[test]
    fn the_same_seed_draws_the_same_tokens() {
        let logits = [0.0; 50];
        let run = |seed| {
            let mut sampler = Sampler::new(SamplingParams { seed: Some(seed), ..params() }, &[]);
            (0..20).map(|_| sampler.draw(&logits, None, None).token).collect::<Vec<_>>()
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
    }

    #[test]
    fn penalties_push_away_what_was_said() {
        let greedy = SamplingParams { frequency_penalty: 1.0, ..SamplingParams::default() };
        let mut sampler = Sampler::new(greedy, &[]);
        let tokens: Vec<u32> = (0..3).map(|_| sampler.draw(&[1.0, 0.5, -9.0], None, None).token).collect();
        assert_eq!(tokens, [0, 1, 0]);
        let repetition = SamplingParams { repetition_penalty: 2.0, ..SamplingParams::default() };
        assert_eq!(Sampler::new(repetition, &[0]).draw(&[1.0, 0.6], None, None).token, 1);
    }

    #[test]
    fn logprobs_are_of_the_whole_distribution() {
        let logits: Vec<f32> = [0.2f32, 0.7, 0.1].iter().map(|p| p.ln()).collect();
        let draw = Sampler::new(SamplingParams::default(), &[]).draw(&logits, None, Some(2));
        assert_eq!(draw.token, 1);
        assert!((draw.logprob - 0.7f32.ln()).abs() < 1e-6);
        assert_eq!(draw.top.iter().map(|(token, _)| *token).collect::<Vec<_>>(), [1, 0]);
    }

    #[test]
    fn nothing_outside_the_mask_is_drawn_however_likely() {
        let logits = [9.0, 0.0, f32::NEG_INFINITY, 1.0];
        let drawn = |params: SamplingParams, tokens: &[u32]| {
            let mask = TokenMask::of(6, tokens.iter().copied());
            let mut sampler = Sampler::new(SamplingParams { seed: Some(3), ..params }, &[]);
            (0..200).map(|_| sampler.draw(&logits, Some(&mask), None).token).collect::<std::collections::BTreeSet<_>>()
        };
        // A token beyond the logits cannot be drawn; one of no probability is drawn only where it is the last choice.
        assert_eq!(drawn(params(), &[1, 3, 5]), [1, 3].into());
        assert_eq!(drawn(SamplingParams { temperature: 0.0, ..params() }, &[1, 3]), [3].into());
        assert_eq!(drawn(SamplingParams { top_k: 1, top_p: 0.5, min_p: 0.5, ..params() }, &[1, 3]), [3].into());
        for temperature in [0.0, 1.0] {
            assert_eq!(drawn(SamplingParams { temperature, ..params() }, &[2]), [2].into());
        }
    }

    #[test]
    fn logprobs_are_told_without_the_mask() {
        let mask = TokenMask::of(3, [2]);
        let logits: Vec<f32> = [0.2f32, 0.7, 0.1].iter().map(|p| p.ln()).collect();
        let draw = Sampler::new(SamplingParams::default(), &[]).draw(&logits, Some(&mask), Some(1));
        assert_eq!((draw.token, draw.top[0].0), (2, 1));
        assert!((draw.logprob - 0.1f32.ln()).abs() < 1e-6);
    }
}
