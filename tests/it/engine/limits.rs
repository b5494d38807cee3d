//! What is refused, each with the figures that a client needs to do better.

use haetae::config::EngineLimits;
use haetae::engine::{Engine, Error, GenerateRequest, Lane, LocalEngine, SamplingParams};
use haetae::lang::Language;

use super::{SMALL, answer, greedy, shared, submit, with_limits};
use crate::support::home;

#[tokio::test]
async fn a_prompt_over_the_context_is_refused_with_both_lengths() {
    let request = greedy(&"customs value ".repeat(800), 8);
    let counted = shared().count_tokens(&request.prompt).unwrap();
    let error = shared().submit(request).await.err().unwrap();
    let Error::PromptTooLong { model, prompt_len, max_len } = &error else { panic!("{error}") };
    assert_eq!((model.as_str(), *prompt_len, *max_len), (SMALL, counted, 1024));
    assert!(error.to_string().contains(&counted.to_string()) && error.to_string().contains("1024"), "{error}");
}

#[tokio::test]
async fn an_answer_ends_where_the_context_does() {
    let limits = EngineLimits { context_len: 64, kv_tokens: 100, ..EngineLimits::default() };
    let told = answer(&with_limits(limits), greedy("Tell me everything about whales.", 1000)).await;
    assert_eq!(told.usage.prompt_tokens + told.usage.completion_tokens, 64);
    // A cache of no whole number of blocks holds fewer tokens than it says: 96 of these 100.
    let limits = EngineLimits { context_len: 256, ..limits };
    let engine = with_limits(limits);
    assert_eq!(engine.info().context_len, 96);
    let told = answer(&engine, greedy("Tell me everything about whales.", 1000)).await;
    assert_eq!(told.usage.prompt_tokens + told.usage.completion_tokens, 96);
}

#[tokio::test]
async fn one_request_beyond_the_queue_is_refused_and_the_others_are_not() {
    let limits =
        EngineLimits { max_running: 1, max_waiting: 2, context_len: 512, kv_tokens: 1024, ..EngineLimits::default() };
    let engine = with_limits(limits);
    let running = submit(&engine, greedy("Tell me everything about whales.", 300)).await;
    while engine.load().num_running == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    let first = submit(&engine, greedy("Name three colours.", 4)).await;
    let second = submit(&engine, greedy("Who wrote Hamlet?", 4)).await;
    let error = engine.submit(greedy("What is a tariff?", 4)).await.err().unwrap();
    assert!(matches!(error, Error::QueueFull { waiting: 2, limit: 2 }), "{error}");
    assert!(matches!(engine.admits(Lane::default(), &SamplingParams::default(), None), Err(Error::QueueFull { .. })));
    // Programs that wait shut no officer out.
    let officer = GenerateRequest { lane: Lane::Officer, ..greedy("Who are you?", 4) };
    assert!(engine.admits(Lane::Officer, &SamplingParams::default(), None).is_ok());
    let officer = submit(&engine, officer).await;
    drop(running);
    assert!(!officer.collect().await.unwrap().text.is_empty());
    assert!(!first.collect().await.unwrap().text.is_empty());
    assert!(!second.collect().await.unwrap().text.is_empty());
    assert!(engine.admits(Lane::default(), &SamplingParams::default(), None).is_ok());
}

#[tokio::test]
async fn a_parameter_out_of_its_range_is_named() {
    let sampling = SamplingParams { temperature: 9.0, ..SamplingParams::default() };
    let error = shared().submit(GenerateRequest { sampling, ..greedy("Hello", 4) }).await.err().unwrap();
    assert!(matches!(error, Error::BadParameter { name: "temperature", .. }), "{error}");
}

#[test]
fn limits_that_let_nothing_run_are_refused_at_the_start() {
    let good = EngineLimits::default();
    for (limits, name) in [
        (EngineLimits { kv_tokens: 15, ..good }, "kv_tokens"),
        (EngineLimits { max_running: 0, ..good }, "max_running"),
        (EngineLimits { step_tokens: 0, ..good }, "step_tokens"),
        (EngineLimits { context_len: 1, ..good }, "context_len"),
        (EngineLimits { mixed_tokens: Some(0), ..good }, "mixed_tokens"),
    ] {
        let started = LocalEngine::start(SMALL, &[Language::En], home::model(SMALL).weights(), limits);
        let error = started.err().expect("nothing could ever run").to_string();
        assert!(error.contains(name), "{error}");
    }
}
