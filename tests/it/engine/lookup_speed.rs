//! What guessing gains and costs on this machine: a measurement, run by hand. Both engines answer in turns, so that what
//! else the machine does weighs on both.
//!
//! `HAETAE_SPEED_MODEL` names another model than the smallest.

use std::path::Path;
use std::time::Duration;

use haetae::config::EngineLimits;
use haetae::engine::{Completion, Engine, GenerateRequest, LocalEngine, Message, Prompt, SamplingParams};
use haetae::lang::Language;

use super::batching::{assert_same, together};
use super::{SMALL, answer, greedy};
use crate::support::home;

/// Of as many rounds the best counts, request by request: what disturbs a measurement only slows it.
const ROUNDS: usize = 2;

const RULES: &str = "You assist the staff of a customs administration. Explain from the given sources alone and say \
    nothing that is not in them.\n- The conclusion is settled: it is the deciding sentence below. Say nothing that \
    disagrees with it.\n- Explain the reason and the conditions in 2 to 4 short English sentences.\n- End each sentence \
    with the number of its source, as in [1].\n- Use only numbers and article numbers that stand in the sources.";

fn start(prompt_lookup: bool) -> LocalEngine {
    let model = std::env::var("HAETAE_SPEED_MODEL").unwrap_or_else(|_| SMALL.into());
    let limits = EngineLimits { context_len: 4096, kv_tokens: 32_768, prompt_lookup, ..EngineLimits::default() };
    LocalEngine::start(&model, &[Language::En], home::model(&model).weights(), limits).unwrap()
}

/// Questions to built-in documents, put as a turn puts them: rules, passages, the deciding sentence.
fn explanations() -> Vec<GenerateRequest> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpora/valuation");
    let mut files: Vec<_> = fs_err::read_dir(corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.to_string_lossy().ends_with(".en.md"));
    files.sort();
    let read = |path: &Path| {
        let text = fs_err::read_to_string(path).unwrap();
        let (head, body) = text.strip_prefix("---\n").unwrap().split_once("---\n").unwrap();
        let asked = head.lines().find_map(|line| line.strip_prefix("  - ")).unwrap_or("What is the rule?").to_owned();
        (asked, body.to_owned())
    };
    let request = |pair: &[std::path::PathBuf]| {
        let ((asked, first), (_, second)) = (read(&pair[0]), read(&pair[1]));
        let deciding = first.lines().find(|line| !line.is_empty() && !line.starts_with('#')).unwrap().to_owned();
        let question = format!(
            "Sources:\n\n[1] {first}\n\n[2] {second}\n\nDeciding sentence: \"{deciding}\" [1]\n\nQuestion: {asked}"
        );
        let prompt = Prompt::Chat(vec![Message::system(RULES), Message::user(question)]);
        GenerateRequest { max_tokens: Some(160), ..GenerateRequest::new(prompt) }
    };
    files.chunks_exact(2).step_by(5).take(6).map(request).collect()
}

fn free(temperature: f32) -> Vec<GenerateRequest> {
    let questions = [
        "Tell me everything about whales.",
        "Write a story about a lighthouse keeper and a storm.",
        "Explain how a letter travels from one country to another.",
        "Describe the life of a farmer two hundred years ago.",
        "What should one know before buying a bicycle?",
        "Write a letter to a friend about your new job.",
    ];
    let request = |(question, seed): (&&str, u64)| {
        let sampling = SamplingParams { temperature, seed: Some(seed), ..SamplingParams::default() };
        GenerateRequest { sampling, ..greedy(question, 160) }
    };
    questions.iter().zip(1..).map(request).collect()
}

/// Tokens a second of the answers alone, without their prompts.
fn speed(answers: &[Completion]) -> f64 {
    let tokens: usize = answers.iter().map(|answer| answer.usage.completion_tokens.saturating_sub(1)).sum();
    tokens as f64 / answers.iter().map(|answer| answer.timings.decode).sum::<Duration>().as_secs_f64()
}

#[tokio::test]
#[ignore = "a measurement, which wants the machine to itself"]
async fn guesses_gain_where_answers_quote_and_cost_nothing_elsewhere() {
    let (plain, quick) = (start(false), start(true));
    // The third is the control: how far it is from the first is how far chance alone goes here, and a gain or a loss
    // that is no larger says nothing.
    let contestants = [&plain, &quick, &plain];
    let suites = [
        ("explanations", explanations()),
        ("free, greedy", free(0.0)),
        ("free, temperature 0.7", free(0.7)),
        ("free, temperature 1.0", free(1.0)),
    ];
    for (name, requests) in suites {
        let before = quick.load();
        let mut best: [Vec<Completion>; 3] = Default::default();
        for _ in 0..ROUNDS {
            for (nth, request) in requests.iter().enumerate() {
                for (engine, best) in contestants.iter().zip(&mut best) {
                    let answer = answer(engine, request.clone()).await;
                    match best.get_mut(nth) {
                        Some(best) if best.timings.decode <= answer.timings.decode => {}
                        Some(best) => *best = answer,
                        None => best.push(answer),
                    }
                }
            }
        }
        assert_same(&best[1], &best[0]);
        let after = quick.load();
        let tokens: usize = best[1].iter().map(|answer| answer.usage.completion_tokens).sum();
        let [plain, quick, control] = best.map(|answers| speed(&answers));
        let run = (after.guesses_run - before.guesses_run) / ROUNDS as u64;
        let right = (after.guesses_accepted - before.guesses_accepted) / ROUNDS as u64;
        // Each right guess saves a step, and rows are not free: no more than this can be gained.
        let bound = tokens as f64 / (tokens as f64 - right as f64);
        println!(
            "{name}: {plain:.1} tokens/s without, {quick:.1} with, {:.3} times (at most {bound:.3}; control {:.3}); {right} of \
             {run} right in {tokens} tokens",
            quick / plain,
            control / plain
        );
    }
    for (name, requests) in [("explanations, 6 at once", explanations()), ("free 0.7, 6 at once", free(0.7))] {
        let mut best = [f64::INFINITY; 3];
        for _ in 0..2 * ROUNDS {
            for (engine, best) in contestants.iter().zip(&mut best) {
                let started = std::time::Instant::now();
                together(engine, requests.clone()).await;
                *best = best.min(started.elapsed().as_secs_f64());
            }
        }
        let [plain, quick, control] = best;
        println!(
            "{name}: {plain:.2} s without, {quick:.2} s with, {:.3} times (control {:.3})",
            plain / quick,
            plain / control
        );
    }
}
