//! Sampling by the real model: seeds, stop strings, limits, log-probabilities.

use haetae::engine::{FinishReason, GenerateRequest, SamplingParams};

use super::{answer, greedy, shared};

fn seeded(seed: u64) -> GenerateRequest {
    let sampling = SamplingParams { temperature: 1.5, seed: Some(seed), ..SamplingParams::default() };
    GenerateRequest { sampling, ..greedy("Write a line about the sea.", 16) }
}

#[tokio::test]
async fn a_seed_repeats_its_answer_and_another_gives_another() {
    let first = answer(shared(), seeded(1)).await;
    let (again, other) = futures::join!(answer(shared(), seeded(1)), answer(shared(), seeded(2)));
    assert_eq!(first.text, again.text);
    assert_ne!(first.text, other.text);
}

#[tokio::test]
async fn an_answer_ends_before_its_stop_string() {
    let request = greedy("List the months of the year.", 40);
    let whole = answer(shared(), request.clone()).await.text;
    let stop = whole.split_whitespace().nth(4).expect("an answer of several words").to_owned();
    let sampling = SamplingParams { stop: vec!["never said".into(), stop.clone()], ..SamplingParams::default() };
    let stopped = answer(shared(), GenerateRequest { sampling, ..request }).await;
    assert_eq!(stopped.text, whole[..whole.find(&stop).unwrap()]);
    assert_eq!(stopped.reason, Some(FinishReason::Stop));
}

#[tokio::test]
async fn an_answer_ends_at_its_limit_and_says_so() {
    let cut = answer(shared(), greedy("Tell me everything about whales.", 5)).await;
    assert_eq!((cut.reason, cut.usage.completion_tokens), (Some(FinishReason::Length), 5));
    let ended = answer(shared(), greedy("What is 2+2?", 200)).await;
    assert_eq!(ended.reason, Some(FinishReason::Stop));
    assert!(ended.text.contains('4'), "{}", ended.text);
}

#[tokio::test]
async fn the_greedy_token_is_the_likeliest_of_its_alternatives() {
    let request = GenerateRequest { logprobs: Some(5), ..greedy("Name three colours.", 8) };
    let told = answer(shared(), request).await;
    assert_eq!(told.choices.len(), told.usage.completion_tokens);
    let mut bytes = Vec::new();
    for choice in &told.choices {
        assert_eq!(choice.top.len(), 5);
        assert_eq!(choice.chosen, choice.top[0]);
        assert!(choice.top.is_sorted_by(|a, b| a.logprob >= b.logprob), "{:?}", choice.top);
        let mass: f32 = choice.top.iter().map(|top| top.logprob.exp()).sum();
        assert!(choice.chosen.logprob < 0.0 && mass <= 1.0 + 1e-4, "{mass}");
        bytes.extend_from_slice(&choice.chosen.bytes);
    }
    assert_eq!(String::from_utf8(bytes).unwrap(), told.text);
}
