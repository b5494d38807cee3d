//! Tokenizers of real files against text, and a first sentence of each family that comes without the hub.

use haetae::config::EngineLimits;
use haetae::engine::arch::GgufFile;
use haetae::engine::{
    Constraint, FinishReason, GenerateRequest, LocalEngine, Message, Prompt, QuoteLock, SamplingParams, ToolChoice,
    Tools, tokenizer_gguf,
};
use haetae::lang::Language;

use super::{answer, tool};
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
    let limits = EngineLimits { context_len: 512, kv_tokens: 1024, ..EngineLimits::default() };
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

/// Byte-level BPE of 151,936 tokens, and SentencePiece of 262,144 with bytes to fall back to: an answer keeps its form
/// under either.
#[tokio::test]
async fn a_form_holds_under_every_kind_of_vocabulary() {
    let schema = serde_json::json!({
        "type": "object",
        "properties": {
            "품명": {"type": "string", "minLength": 1, "maxLength": 8},
            "origin": {"enum": ["대한민국", "United  States"]},
            "rate": {"type": "number", "minimum": 0, "maximum": 100},
        },
        "required": ["품명", "origin", "rate"],
        "additionalProperties": false,
    });
    let validator = jsonschema::validator_for(&schema).unwrap();
    let lock = QuoteLock { passages: vec!["구매수수료는 포함되지 않는다.".into()], marks: vec![1] };
    for model in ["qwen2.5-coder-0.5b-instruct", "gemma-3-270m"] {
        let engine = start(model);
        for seed in 0..4 {
            let request = |text: &str, constraint| GenerateRequest {
                sampling: SamplingParams { temperature: 1.3, seed: Some(seed), ..SamplingParams::default() },
                max_tokens: Some(100),
                constraint: Some(constraint),
                ..GenerateRequest::new(Prompt::Text(text.into()))
            };
            let told = answer(&engine, request("수입 물품의 예: ", Constraint::JsonSchema(schema.clone()))).await;
            let value = serde_json::from_str(&told.text).unwrap_or_else(|e| panic!("{model}: {e}: {}", told.text));
            assert!(validator.is_valid(&value), "{model}: {value}");
            let told = answer(&engine, request("The notice says ", Constraint::Quotes(lock.clone()))).await;
            for quotation in told.text.split('"').skip(1).step_by(2) {
                assert!(lock.passages[0].contains(quotation), "{model}: {}", told.text);
            }
        }
    }
}

/// Qwen's template renders the tools by itself, and the model was trained to call.
#[tokio::test]
async fn qwen2_calls_the_right_tool_with_the_right_argument() {
    let parameters = serde_json::json!({
        "type": "object",
        "properties": {"code": {"type": "string", "description": "Tariff code of four digits"}},
        "required": ["code"],
    });
    let list = vec![
        tool("today", "Tells the date of today", None),
        tool("duty_rate", "Looks up the duty rate of a tariff code", Some(parameters)),
    ];
    let engine = start("qwen2.5-coder-0.5b-instruct");
    let tools = Tools { list, choice: ToolChoice::Required, parallel: false, unbound: false };
    let question = Prompt::Chat(vec![Message::user("What is the duty rate of tariff code 0901?")]);
    let request = GenerateRequest { max_tokens: Some(60), tools: Some(tools), ..GenerateRequest::new(question) };
    let told = answer(&engine, request).await;
    assert_eq!(told.tool_calls[0].name, "duty_rate");
    let arguments: serde_json::Value = serde_json::from_str(&told.tool_calls[0].arguments).unwrap();
    assert_eq!(arguments, serde_json::json!({"code": "0901"}));
}

/// Its tokens run over the end of a call (`>` and the line break are one), and it goes on calling for as long as it may.
#[tokio::test]
async fn qwen2_begins_no_call_that_would_be_cut_off() {
    let parameters = serde_json::json!({
        "type": "object",
        "properties": {"base": {"type": "integer"}, "height": {"type": "integer"}},
        "required": ["base", "height"],
    });
    let list = vec![tool("calculate_triangle_area", "Calculates the area of a triangle", Some(parameters))];
    let engine = start("qwen2.5-coder-0.5b-instruct");
    let tools = Tools { list, choice: ToolChoice::Required, parallel: true, unbound: false };
    let question = "Calculate the areas of thirty triangles: their bases are 11, 12, 13 and so on up to 40, and the \
                    height of each is 7.";
    let mut most = 0;
    for limit in [150, 170, 190, 210] {
        let question = Prompt::Chat(vec![Message::user(question)]);
        let request =
            GenerateRequest { max_tokens: Some(limit), tools: Some(tools.clone()), ..GenerateRequest::new(question) };
        let told = answer(&engine, request).await;
        most = most.max(told.tool_calls.len());
        assert_eq!(told.reason, Some(FinishReason::ToolCalls), "{limit}: {:?}", told.tool_calls);
        for call in &told.tool_calls {
            let arguments: serde_json::Value = serde_json::from_str(&call.arguments).unwrap();
            assert!(arguments["base"].is_i64() && arguments["height"].is_i64(), "{arguments}");
        }
    }
    assert!(most > 1, "it called once at most");
}
