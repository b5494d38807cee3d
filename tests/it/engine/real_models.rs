//! Tokenizers of real files against text, and a first sentence of each family that comes without the hub.

use haetae::config::EngineLimits;
use haetae::engine::arch::GgufFile;
use haetae::engine::{GenerateRequest, LocalEngine, Message, Prompt, tokenizer_gguf};
use haetae::lang::Language;

use super::answer;
use crate::support::home;

const TEXTS: [&str; 4] = [
    "구매수수료는 과세가격에 포함되나요? Hello  world\n",
    "  leading spaces, a\ttab, and\n\n  an indent; 3.14159 × 2026-01-01",
    "WTO-VA-8.1(b) § 30① “따옴표” 🦁 ﷺ",
    "a",
];

/// Each text must come back byte for byte, and in few tokens: a split gone wrong gives a token a byte.
fn assert_round_trip(model: &str) {
    let stored = home::model(model);
    let tokenizer = tokenizer_gguf::tokenizer(&GgufFile::open(stored.weights()).unwrap()).unwrap();
    for text in TEXTS {
        let tokens = tokenizer.encode(text).unwrap();
        let bytes: Vec<u8> = tokens.iter().flat_map(|token| tokenizer.bytes(*token)).collect();
        assert_eq!(String::from_utf8_lossy(&bytes), text, "{model}: {tokens:?}");
    }
    let words = tokenizer.encode("The customs value of imported goods is the transaction value.").unwrap();
    assert!((10..=14).contains(&words.len()), "{model}: {} tokens", words.len());
}

fn start(model: &str) -> LocalEngine {
    let limits = EngineLimits { context_len: 256, kv_tokens: 1024, ..EngineLimits::default() };
    LocalEngine::start(model, &[Language::En], home::model(model).weights(), limits).unwrap()
}

#[test]
fn smollm2_reads_and_writes_any_text() {
    assert_round_trip("smollm2-135m-instruct");
}

#[test]
fn qwen2_reads_and_writes_any_text() {
    assert_round_trip("qwen2.5-coder-0.5b-instruct");
}

#[test]
fn gemma3_reads_and_writes_any_text() {
    assert_round_trip("gemma-3-270m");
}

#[tokio::test]
async fn qwen2_answers_alone_as_among_others() {
    let engine = start("qwen2.5-coder-0.5b-instruct");
    let request = |question: &str| {
        let prompt = Prompt::Chat(vec![Message::user(question)]);
        GenerateRequest { max_tokens: Some(12), ..GenerateRequest::new(prompt) }
    };
    let questions = ["What is the capital of France?", "구매수수료란 무엇인가요?", "Name three colours."];
    let mut alone = Vec::new();
    for question in questions {
        alone.push(answer(&engine, request(question)).await.text);
    }
    assert!(alone[0].contains("Paris"), "{}", alone[0]);
    let together = futures::future::join_all(questions.map(|question| answer(&engine, request(question)))).await;
    let together: Vec<String> = together.into_iter().map(|answer| answer.text).collect();
    assert_eq!(together, alone);
}

#[tokio::test]
async fn gemma3_continues_a_text() {
    let engine = start("gemma-3-270m");
    let prompt = Prompt::Text("The capital of France is".into());
    let told = answer(&engine, GenerateRequest { max_tokens: Some(8), ..GenerateRequest::new(prompt) }).await;
    // What so small a base model says is its own affair; that it says words is ours.
    assert!(told.text.starts_with(' ') && told.text.is_ascii(), "{}", told.text);
    assert!(told.text.split_whitespace().count() >= 4, "{}", told.text);
}
