//! Tool calls of a real model whose chat template knows no tools: it is too small to call wisely, but it cannot call
//! wrongly.

use haetae::engine::{
    Constraint, Engine, Error, FinishReason, GenerateRequest, Message, Part, Prompt, Role, SamplingParams, ToolCall,
    ToolChoice, Tools,
};
use serde_json::{Value, json};

use super::{answer, greedy, shared, tool};

fn tools(choice: ToolChoice) -> Tools {
    let rate = json!({
        "type": "object",
        "properties": {
            "code": {"type": "string", "pattern": "^[0-9]{4}(\\.[0-9]{2})?$"},
            "origin": {"enum": ["KR", "US", "대한민국"]},
        },
        "required": ["code"],
    });
    let list = vec![
        tool("duty_rate", "Look up the duty rate of a tariff code.", Some(rate)),
        tool("today", "Tell the date of today.", None),
    ];
    Tools { list, choice, parallel: false, unbound: false }
}

fn with(tools: Tools, temperature: f32, seed: u64) -> GenerateRequest {
    let sampling = SamplingParams { temperature, seed: Some(seed), ..SamplingParams::default() };
    GenerateRequest { sampling, tools: Some(tools), ..greedy("What is the duty rate of coffee, code 0901?", 120) }
}

fn assert_sound(call: &ToolCall) {
    let tool = tools(ToolChoice::Auto).list.into_iter().find(|tool| tool.name == call.name).expect("a tool offered");
    let arguments: Value = serde_json::from_str(&call.arguments).unwrap_or_else(|e| panic!("{e}: {}", call.arguments));
    let validator = jsonschema::validator_for(&tool.schema()).unwrap();
    assert!(validator.is_valid(&arguments), "{} of {}", call.arguments, call.name);
    assert!(call.id.starts_with("call_") && call.id.len() == 29, "{}", call.id);
}

#[tokio::test]
async fn a_required_call_is_sound_at_any_temperature() {
    for (temperature, seed) in [(0.0, 0), (1.0, 1), (1.5, 2), (1.5, 3), (2.0, 4)] {
        let told = answer(shared(), with(tools(ToolChoice::Required), temperature, seed)).await;
        assert_eq!((told.reason, told.text.as_str()), (Some(FinishReason::ToolCalls), ""));
        assert_eq!(told.tool_calls.len(), 1);
        assert_sound(&told.tool_calls[0]);
    }
}

#[tokio::test]
async fn the_tool_that_is_named_is_called() {
    for name in ["today", "duty_rate"] {
        let told = answer(shared(), with(tools(ToolChoice::Named(name.into())), 1.5, 3)).await;
        assert_eq!(told.tool_calls[0].name, name);
        assert_sound(&told.tool_calls[0]);
    }
}

#[tokio::test]
async fn several_calls_are_made_where_they_may_be() {
    let parallel = Tools { parallel: true, ..tools(ToolChoice::Required) };
    let mut most = 0;
    for seed in 0..6 {
        let told = answer(shared(), with(parallel.clone(), 1.5, seed)).await;
        let cut = told.reason == Some(FinishReason::Length);
        let whole = told.tool_calls.len() - usize::from(cut);
        told.tool_calls[..whole].iter().for_each(assert_sound);
        most = most.max(told.tool_calls.len());
    }
    assert!(most >= 1);
}

#[tokio::test]
async fn no_call_after_the_first_is_begun_that_would_be_cut_off() {
    let named = ToolChoice::Named("duty_rate".into());
    let mut most = 0;
    for limit in (100..260).step_by(13) {
        let parallel = Tools { parallel: true, ..tools(named.clone()) };
        let told = answer(shared(), GenerateRequest { max_tokens: Some(limit), ..with(parallel, 0.0, 0) }).await;
        most = most.max(told.tool_calls.len());
        if told.tool_calls.len() > 1 {
            assert_eq!(told.reason, Some(FinishReason::ToolCalls), "{limit}: {:?}", told.tool_calls);
            told.tool_calls.iter().for_each(assert_sound);
        }
    }
    assert!(most >= 1);
}

#[tokio::test]
async fn a_model_that_may_choose_says_or_calls_and_never_spells_a_call_as_text() {
    let mut num_texts = 0;
    for seed in 0..6 {
        let told = answer(shared(), with(tools(ToolChoice::Auto), 1.0, seed)).await;
        assert!(!told.text.contains("<tool_call>"), "{}", told.text);
        match told.reason {
            Some(FinishReason::ToolCalls) => told.tool_calls.iter().for_each(assert_sound),
            _ => num_texts += usize::from(told.tool_calls.is_empty()),
        }
    }
    // Told to begin with it, it calls: the announcement hands over to the grammar in the middle of an answer.
    let asked = "Answer with nothing but this line, word for word:\n<tool_call>\n{\"name\": \"today\", \"arguments\": {}}\n</tool_call>";
    let request =
        GenerateRequest { prompt: Prompt::Chat(vec![Message::user(asked)]), ..with(tools(ToolChoice::Auto), 0.0, 0) };
    let told = answer(shared(), request).await;
    told.tool_calls.iter().for_each(assert_sound);
    assert!(num_texts > 0 || !told.tool_calls.is_empty());
}

#[tokio::test]
async fn a_form_binds_the_text_beside_the_calls() {
    let form = Some(Constraint::JsonSchema(json!({"type": "object", "properties": {"answer": {"type": "boolean"}},
        "required": ["answer"], "additionalProperties": false})));
    for seed in 0..4 {
        let told =
            answer(shared(), GenerateRequest { constraint: form.clone(), ..with(tools(ToolChoice::Auto), 1.0, seed) })
                .await;
        if told.tool_calls.is_empty() {
            assert!(serde_json::from_str::<Value>(&told.text).unwrap()["answer"].is_boolean(), "{}", told.text);
        } else {
            told.tool_calls.iter().for_each(assert_sound);
        }
    }
}

#[tokio::test]
async fn results_go_back_and_are_answered_in_words() {
    let call = ToolCall { id: "call_1".into(), name: "duty_rate".into(), arguments: "{\"code\": \"0901\"}".into() };
    let messages = vec![
        Message::user("What is the duty rate of coffee?"),
        Message { tool_calls: vec![call], ..Message::assistant("") },
        Message { tool_call_id: Some("call_1".into()), ..Message::new(Role::Tool, "The duty rate is 8 percent.") },
    ];
    let request = GenerateRequest { prompt: Prompt::Chat(messages), ..with(tools(ToolChoice::None), 0.0, 0) };
    let told = answer(shared(), request).await;
    assert!(told.tool_calls.is_empty() && told.text.contains('8'), "{}", told.text);
}

#[tokio::test]
async fn parameters_that_cannot_be_held_to_name_their_tool() {
    let mut bad = tools(ToolChoice::Auto);
    bad.list[1].parameters = Some(json!({"properties": {"a": {"type": "wizard"}}}));
    match shared().submit(with(bad, 0.0, 0)).await {
        Err(Error::BadConstraint { part: Part::Tool(1), place, .. }) => assert_eq!(place, "/properties/a"),
        other => panic!("{:?}", other.err()),
    }
}
