//! Which chat model suits this machine: the largest that fits beside its KV cache, writes fast enough to be read, and
//! knows both languages.
//!
//! Speed is estimated from one fact: to write a token, a machine reads every weight once. Size stands for quality,
//! which holds within a generation and roughly across; the answer suite is the judge of a choice.

use super::catalog::{Catalog, Entry, ModelRole};
use super::machine::Machine;

/// Slower than this, one waits for the text instead of reading it.
pub const MIN_TOKENS_PER_S: f64 = 6.0;
/// Keys and values are kept in f32.
const KV_VALUE_BYTES: u64 = 4;
/// Of the memory that can be had: the rest is for the index, the page cache and the user.
const USABLE_SHARE: f64 = 0.75;
/// Of the reading speed, what decoding reaches: llama.cpp's 15 tokens/s with the 1.1 GB of Qwen2.5-Coder-1.5B on two
/// cores, where this module measures 28 GB/s.
const DECODE_SHARE: f64 = 0.6;

/// Signs of a licence that an administration should read before it uses the model.
const RESTRICTED: [&str; 2] = ["-NC", "Research"];

/// A model with the reasons for it.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Recommendation {
    pub model: String,
    pub machine: Machine,
    /// Weights and a KV cache of `context_len` tokens.
    pub memory_bytes: u64,
    pub context_len: usize,
    pub estimated_tokens_per_s: f64,
    /// In words, for a person.
    pub reason: String,
}

/// The best model for `machine` with a context of `context_len` tokens; `None` if not even the smallest fits.
pub fn recommend(catalog: &Catalog, machine: Machine, context_len: usize) -> Option<Recommendation> {
    let candidates = catalog.entries().iter().filter(|entry| is_candidate(entry));
    let fitting = candidates.filter(|entry| memory_bytes(entry, context_len) as f64 <= usable_bytes(machine));
    let best = fitting.max_by_key(|entry| {
        let fast = tokens_per_s(entry, machine) >= MIN_TOKENS_PER_S;
        // Where none is fast, the smaller is the faster one.
        let size = if fast { i128::from(entry.parameters) } else { -i128::from(entry.parameters) };
        (fast, entry.languages.len(), size)
    })?;
    let context_len = context_len.min(best.context_len);
    let (memory_bytes, tokens_per_s) = (memory_bytes(best, context_len), tokens_per_s(best, machine));
    let reason = format!(
        "{parameters:.1} billion parameters take {memory:.1} GB with a context of {context_len} tokens, of \
         {available:.1} GB that can be had; about {tokens_per_s:.0} tokens/s, as {weights:.1} GB of weights are read \
         for each token at {speed:.0} GB/s (measured on {cores} cores) and decoding reaches {share:.0} % of that; it \
         writes {languages}",
        parameters = best.parameters as f64 / 1e9,
        memory = gb(memory_bytes),
        available = gb(machine.available_bytes),
        weights = gb(best.memory_bytes),
        speed = machine.read_bytes_per_s / 1e9,
        cores = machine.cores,
        share = DECODE_SHARE * 100.0,
        languages = match best.languages.as_slice() {
            [one] => format!("`{one}` only"),
            _ => "both languages".into(),
        },
    );
    Some(Recommendation {
        model: best.name.clone(),
        machine,
        memory_bytes,
        context_len,
        estimated_tokens_per_s: tokens_per_s,
        reason,
    })
}

fn is_candidate(entry: &Entry) -> bool {
    let is_restricted = RESTRICTED.iter().any(|sign| entry.licence.contains(sign));
    entry.roles.contains(&ModelRole::Chat) && !entry.tests_only && !entry.languages.is_empty() && !is_restricted
}

fn memory_bytes(entry: &Entry, context_len: usize) -> u64 {
    entry.memory_bytes + entry.kv_values * KV_VALUE_BYTES * context_len.min(entry.context_len) as u64
}

fn usable_bytes(machine: Machine) -> f64 {
    machine.available_bytes as f64 * USABLE_SHARE
}

fn tokens_per_s(entry: &Entry, machine: Machine) -> f64 {
    machine.read_bytes_per_s * DECODE_SHARE / entry.memory_bytes.max(1) as f64
}

fn gb(bytes: u64) -> f64 {
    bytes as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(available_gb: u64, read_gb_per_s: f64) -> Option<String> {
        let machine = Machine { available_bytes: available_gb << 30, cores: 8, read_bytes_per_s: read_gb_per_s * 1e9 };
        recommend(&Catalog::built_in(), machine, 8192).map(|recommendation| recommendation.model)
    }

    #[test]
    fn a_large_fast_machine_gets_the_largest_model() {
        assert_eq!(best(64, 200.0).as_deref(), Some("qwen3-8b"));
    }

    #[test]
    fn a_model_too_slow_to_read_along_with_is_passed_over() {
        let model = best(64, 30.0).unwrap();
        let catalog = Catalog::built_in();
        let entry = catalog.get(&model).unwrap();
        assert!(entry.parameters < 4_100_000_000 && entry.languages.len() == 2, "{model}");
    }

    #[test]
    fn a_small_machine_gets_a_model_that_fits() {
        assert_eq!(best(1, 10.0).as_deref(), Some("qwen2.5-coder-0.5b-instruct"));
        assert_eq!(best(0, 10.0), None);
    }
}
