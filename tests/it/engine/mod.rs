//! The local engine over real models: nothing scripted, so that what holds here holds for users.

mod bad_files;
mod batching;
mod constrained;
mod limits;
mod lookup;
mod lookup_speed;
mod perplexity;
mod real_models;
mod sampling;
mod schemas;
mod tools;

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use haetae::config::EngineLimits;
use haetae::engine::{Completion, Engine, GenerateRequest, LocalEngine, Message, Prompt, TokenStream, Tool};
use haetae::lang::Language;
use serde_json::Value;

use crate::support::home;

/// The model that is small enough to be loaded more than once.
const SMALL: &str = "smollm2-135m-instruct";

/// What most tests can do with: one load of the model in the process.
fn shared() -> &'static LocalEngine {
    static ENGINE: OnceLock<LocalEngine> = OnceLock::new();
    ENGINE.get_or_init(|| with_limits(EngineLimits { context_len: 1024, kv_tokens: 16_384, ..EngineLimits::default() }))
}

/// One of its own, for tests that watch its counters or need little room.
fn with_limits(limits: EngineLimits) -> LocalEngine {
    LocalEngine::start(SMALL, &[Language::En], home::model(SMALL).weights(), limits).unwrap()
}

/// A greedy request for at most `max_tokens`.
fn greedy(question: &str, max_tokens: usize) -> GenerateRequest {
    let prompt = Prompt::Chat(vec![Message::user(question)]);
    GenerateRequest { max_tokens: Some(max_tokens), ..GenerateRequest::new(prompt) }
}

async fn submit(engine: &LocalEngine, request: GenerateRequest) -> TokenStream {
    engine.submit(request).await.unwrap()
}

async fn answer(engine: &LocalEngine, request: GenerateRequest) -> Completion {
    submit(engine, request).await.collect().await.unwrap()
}

/// A function that the model may call.
fn tool(name: &str, description: &str, parameters: Option<Value>) -> Tool {
    Tool { name: name.into(), description: Some(description.into()), parameters }
}

/// Waits until `holds`, with a limit that no machine needs.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(60), "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Sixteen questions, each with an answer of its own; long and short ones, so that they join and leave at different
/// steps.
fn sixteen() -> Vec<GenerateRequest> {
    let questions = [
        "What is the capital of France?",
        "Name three colours.",
        "Write one sentence about a ship in a harbour.",
        "What does a customs officer do?",
        "Explain in two sentences why the sky is blue.",
        "List the months of the year.",
        "What is two plus two?",
        "Who wrote Hamlet?",
        "Say hello in Spanish.",
        "What is a tariff?",
        "Describe a lighthouse to a child.",
        "What is the boiling point of water?",
        "Give a synonym for quick.",
        "How many days has a week?",
        "What is an invoice used for? Think of a buyer and a seller who live in different countries, and of the goods \
         that go from one to the other by sea, and tell what each of them needs the invoice for.",
        "Tell me something about whales.",
    ];
    questions.iter().zip(0..).map(|(question, nth)| greedy(question, 12 + 3 * (nth % 7))).collect()
}
