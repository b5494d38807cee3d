//! Many at once: an answer must not depend on who else is answered, on what was cached, or on room running out.

use haetae::config::EngineLimits;
use haetae::engine::{Completion, Engine, Event, GenerateRequest, LocalEngine};

use super::{answer, greedy, shared, sixteen, submit, until, with_limits};

/// Each answer when its request is alone.
pub async fn one_by_one(engine: &LocalEngine, requests: Vec<GenerateRequest>) -> Vec<Completion> {
    let mut answers = Vec::new();
    for request in requests {
        answers.push(answer(engine, request).await);
    }
    answers
}

/// The answers when all requests are under way together.
pub async fn together(engine: &LocalEngine, requests: Vec<GenerateRequest>) -> Vec<Completion> {
    let streams = futures::future::join_all(requests.into_iter().map(|request| submit(engine, request))).await;
    let answers = streams.into_iter().map(|stream| stream.collect());
    futures::future::join_all(answers).await.into_iter().map(Result::unwrap).collect()
}

pub fn assert_same(got: &[Completion], want: &[Completion]) {
    assert_eq!(got.len(), want.len());
    for (nth, (got, want)) in got.iter().zip(want).enumerate() {
        assert_eq!(got.text, want.text, "request {nth}");
        assert_eq!((got.reason, got.usage.completion_tokens), (want.reason, want.usage.completion_tokens), "{nth}");
    }
}

#[tokio::test]
async fn sixteen_clients_at_once_get_their_single_client_answers() {
    let engine = shared();
    let alone = one_by_one(engine, sixteen()).await;
    let texts: std::collections::HashSet<&str> = alone.iter().map(|answer| answer.text.as_str()).collect();
    assert_eq!(texts.len(), 16, "sixteen answers that could be mistaken for one another prove nothing");
    assert_same(&together(engine, sixteen()).await, &alone);
    // Once more, with all prefixes in the cache.
    assert_same(&together(engine, sixteen()).await, &alone);
}

#[tokio::test]
async fn half_of_sixteen_dropped_free_their_blocks_and_the_rest_do_not_notice() {
    let engine = with_limits(EngineLimits { context_len: 512, kv_tokens: 8192, ..EngineLimits::default() });
    let alone = one_by_one(&engine, sixteen()).await;
    // The last answer is out before the step that gave it is counted.
    until("all have ended", || engine.load().kv_blocks_used == 0).await;
    let mut requests = sixteen();
    for request in requests.iter_mut().step_by(2) {
        // Those that leave would otherwise talk for long.
        request.max_tokens = Some(400);
    }
    let mut streams = Vec::new();
    for request in requests {
        streams.push(submit(&engine, request).await);
    }
    until("all sixteen run", || engine.load().num_running == 16).await;
    let (mut kept, mut dropped) = (Vec::new(), Vec::new());
    for (nth, stream) in streams.into_iter().enumerate() {
        if nth % 2 == 0 { dropped.push(stream) } else { kept.push(stream) }
    }
    for mut stream in dropped {
        assert!(matches!(stream.next().await, Some(Event::Text { .. })), "dropped in the middle of its stream");
    }
    until("the dropped ones are gone", || engine.load().num_running <= 8).await;
    let rest = futures::future::join_all(kept.into_iter().map(|stream| stream.collect())).await;
    let rest: Vec<Completion> = rest.into_iter().map(Result::unwrap).collect();
    let want: Vec<Completion> = alone.into_iter().skip(1).step_by(2).collect();
    assert_same(&rest, &want);
    until("every block is given back", || engine.load().kv_blocks_used == 0).await;
    assert_eq!((engine.load().num_running, engine.load().num_waiting), (0, 0));
}

#[tokio::test]
async fn a_cached_prefix_gives_the_answer_of_a_fresh_one() {
    let limits = EngineLimits { context_len: 512, kv_tokens: 1024, ..EngineLimits::default() };
    let question = "A buyer in Korea pays an agent who looks for suppliers in Viet Nam. The agent acts for the buyer, is \
                    paid by the buyer and bears no risk. Is the commission part of the customs value?";
    let engine = with_limits(limits);
    let fresh = answer(&engine, greedy(question, 24)).await;
    let cached = answer(&engine, greedy(question, 24)).await;
    assert_eq!(fresh.usage.cached_tokens, 0);
    assert!(cached.usage.cached_tokens >= 32, "{:?}", cached.usage);
    assert_same(&[cached], &[fresh]);
    let load = engine.load();
    assert!(load.prefix_tokens_hit > 0 && load.prefix_tokens_hit < load.prefix_tokens_queried, "{load:?}");
    // A different end after the same beginning takes the blocks of the beginning, and only those.
    let other = format!("{question} Answer with one word.");
    let branched = answer(&engine, greedy(&other, 24)).await;
    assert!(branched.usage.cached_tokens > 0);
    assert_same(&[branched], &[answer(&with_limits(limits), greedy(&other, 24)).await]);
}

#[tokio::test]
async fn a_cache_too_small_for_all_delays_answers_and_changes_none() {
    // 24 blocks; each of the sixteen comes to more than three, so that they cannot all be held at once.
    let engine = with_limits(EngineLimits { context_len: 256, kv_tokens: 384, ..EngineLimits::default() });
    let requests =
        || sixteen().into_iter().map(|request| GenerateRequest { max_tokens: Some(40), ..request }).collect();
    let alone = one_by_one(shared(), requests()).await;
    assert_same(&together(&engine, requests()).await, &alone);
    until("every block is given back", || engine.load().kv_blocks_used == 0).await;
    assert_eq!(engine.load().kv_blocks_total, 24);
}

#[tokio::test]
async fn a_prompt_read_in_small_steps_gives_the_answer_of_one_read_whole() {
    let engine =
        with_limits(EngineLimits { step_tokens: 7, context_len: 512, kv_tokens: 8192, ..EngineLimits::default() });
    let alone = one_by_one(shared(), sixteen()).await;
    assert_same(&together(&engine, sixteen()).await, &alone);
}
