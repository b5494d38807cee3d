//! Guessing from what was said before: it may save passes through the model and must change nothing.

use haetae::config::EngineLimits;
use haetae::engine::{Engine, GenerateRequest, LocalEngine, Message, Prompt, SamplingParams};

use super::batching::{assert_same, one_by_one, together};
use super::{answer, greedy, shared, sixteen, until, with_limits};

const SOURCE: &str = "Article 30 (1): The customs value of imported goods is the price actually paid or payable by the \
    buyer, adjusted by adding the following amounts: 1. commissions and brokerage borne by the buyer, except buying \
    commissions; 2. the cost of containers treated as one with the goods; 3. the value of goods and services supplied \
    by the buyer free of charge or at reduced cost; 4. royalties and licence fees; 5. proceeds of any resale that accrue \
    to the seller; 6. the cost of transport and insurance up to the port of importation.";

fn plain() -> LocalEngine {
    let limits = EngineLimits { context_len: 1024, kv_tokens: 16_384, prompt_lookup: false, ..EngineLimits::default() };
    with_limits(limits)
}

fn quoting(question: &str, max_tokens: usize) -> GenerateRequest {
    greedy(&format!("{SOURCE}\n\n{question}"), max_tokens)
}

/// Requests that quote, list, repeat and tell freely.
fn requests() -> Vec<GenerateRequest> {
    let quoting = [
        "Repeat the text above word for word.",
        "Which amounts are added? Quote the text.",
        "Are buying commissions added? Quote the sentence that decides.",
        "List the six amounts, one a line.",
    ];
    let mut requests: Vec<GenerateRequest> = quoting.map(|question| self::quoting(question, 120)).into();
    requests.push(greedy("Count from one to fifty.", 120));
    requests.push(greedy("Tell me everything about whales.", 120));
    requests.push(greedy("Write the word customs twenty times.", 80));
    requests
}

#[tokio::test]
async fn guesses_change_no_greedy_answer() {
    let plain = plain();
    let before = shared().load();
    let quick = one_by_one(shared(), requests()).await;
    let after = shared().load();
    let (run, accepted) = (after.guesses_run - before.guesses_run, after.guesses_accepted - before.guesses_accepted);
    assert_same(&quick, &one_by_one(&plain, requests()).await);
    assert_eq!(plain.load().guesses_run, 0);
    assert!(accepted > 50 && accepted <= run, "{accepted} of {run} guesses were right: nothing was tried");
    // Beside one another, where guesses, answers and prompts share steps.
    assert_same(&together(shared(), requests()).await, &quick);
}

#[tokio::test]
async fn guesses_change_no_draw() {
    let plain = plain();
    let sampled = |temperature, seed| {
        let sampling = SamplingParams {
            temperature,
            top_p: 0.9,
            frequency_penalty: 0.2,
            repetition_penalty: 1.05,
            seed: Some(seed),
            ..SamplingParams::default()
        };
        let request = quoting("Repeat the text above word for word.", 100);
        GenerateRequest { sampling, logprobs: Some(3), ..request }
    };
    let all = || [(0.2, 1), (0.2, 2), (0.7, 3), (1.2, 4)].map(|(temperature, seed)| sampled(temperature, seed)).into();
    let before = shared().load().guesses_accepted;
    let quick = one_by_one(shared(), all()).await;
    assert!(shared().load().guesses_accepted > before + 10, "nothing was tried");
    let want = one_by_one(&plain, all()).await;
    assert_same(&quick, &want);
    for (quick, want) in quick.iter().zip(&want) {
        assert_eq!(quick.choices, want.choices, "log-probabilities of {:?}", want.text);
    }
    assert_ne!(quick[0].text, quick[3].text);
}

#[tokio::test]
async fn an_answer_ends_at_the_same_place_with_guesses() {
    let plain = plain();
    let whole = answer(&plain, quoting("Repeat the text above word for word.", 100)).await;
    // Within what is quoted, and therefore guessed.
    let stop = whole.text.split_whitespace().nth(25).expect("a long answer").to_owned();
    let sampling = SamplingParams { stop: vec![stop], ..SamplingParams::default() };
    for max_tokens in [1, 2, 17, 40, 41, 42, 43] {
        let limited = || quoting("Repeat the text above word for word.", max_tokens);
        let stopped = || GenerateRequest { sampling: sampling.clone(), ..limited() };
        let (quick, want) = (answer(shared(), limited()).await, answer(&plain, limited()).await);
        assert_same(&[quick], &[want]);
        let (quick, want) = (answer(shared(), stopped()).await, answer(&plain, stopped()).await);
        assert_same(&[quick], &[want]);
    }
}

#[tokio::test]
async fn guesses_in_a_crowd_of_sixteen_change_no_answer() {
    let crowd = || {
        let quoting = requests().into_iter().take(4);
        quoting.chain(sixteen().into_iter().take(12)).collect::<Vec<_>>()
    };
    let alone = one_by_one(&plain(), crowd()).await;
    assert_same(&together(shared(), crowd()).await, &alone);
}

#[tokio::test]
async fn the_answers_of_one_request_share_its_prompt() {
    let engine = with_limits(EngineLimits { context_len: 1024, kv_tokens: 4096, ..EngineLimits::default() });
    let choices = || {
        let choice = |seed| {
            let sampling = SamplingParams { temperature: 0.8, seed: Some(seed), ..SamplingParams::default() };
            GenerateRequest { sampling, ..quoting("Are buying commissions added?", 30) }
        };
        (0..4).map(choice).collect::<Vec<_>>()
    };
    let prompt_len = engine.count_tokens(&choices()[0].prompt).unwrap();
    let answers = together(&engine, choices()).await;
    // One reads the prompt; each of the others its last token. A first one that was already on its way changes that by
    // no more than a few.
    assert!(engine.load().prompt_tokens <= prompt_len as u64 + 3, "{:?}", engine.load());
    assert_eq!(answers.iter().filter(|answer| answer.usage.cached_tokens == prompt_len - 1).count(), 3);
    let fresh = with_limits(EngineLimits { context_len: 1024, kv_tokens: 4096, ..EngineLimits::default() });
    assert_same(&answers, &one_by_one(&fresh, choices()).await);
}

#[tokio::test]
async fn a_pinned_beginning_is_read_once() {
    let limits = EngineLimits { context_len: 512, kv_tokens: 512, ..EngineLimits::default() };
    let engine = with_limits(limits);
    let rules = [Message::system(SOURCE)];
    engine.pin(&rules).await.unwrap();
    // The last answer is out before the step that gave it is counted.
    until("the beginning is counted", || engine.load().kv_blocks_pinned > 0).await;
    let pinned = engine.load().kv_blocks_pinned;
    assert!(pinned >= 7, "{pinned}");
    // Others fill the cache several times over.
    for nth in 0..6 {
        answer(&engine, greedy(&format!("{nth}. {}", "Tell me of ships and harbours. ".repeat(40)), 2)).await;
    }
    assert!(engine.load().kv_blocks_evicted > 20, "{:?}", engine.load());
    let [rule] = rules;
    let prompt = Prompt::Chat(vec![rule, Message::user("What is the customs value?")]);
    let told = answer(&engine, GenerateRequest { max_tokens: Some(4), ..GenerateRequest::new(prompt) }).await;
    assert_eq!(told.usage.cached_tokens, pinned * 16);
    assert_eq!((engine.load().kv_blocks_lost, engine.load().kv_blocks_pinned), (0, pinned));
}
