//! Answers bound to a form, by the real model at high temperature: what comes out is held to be so by other means than
//! the ones that made it so.

use haetae::engine::{
    Completion, Constraint, Engine, Error, FinishReason, GenerateRequest, Message, Part, Prompt, QuoteLock,
    SamplingParams,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{answer, greedy, shared};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().unwrap()
}

fn bound(question: &str, constraint: Constraint, seed: u64) -> GenerateRequest {
    let sampling = SamplingParams { temperature: 1.3, seed: Some(seed), ..SamplingParams::default() };
    GenerateRequest { sampling, constraint: Some(constraint), ..greedy(question, 300) }
}

/// A schema whose values are bounded, so that an answer ends before its limit.
fn schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!({"type": "boolean"})),
        Just(json!({"type": "null"})),
        Just(json!({"type": "integer", "minimum": -20, "maximum": 1500})),
        Just(json!({"type": "number", "minimum": 0, "maximum": 1})),
        Just(json!({"type": "string", "maxLength": 12})),
        Just(json!({"type": "string", "pattern": "^[A-Z]{2}-[0-9]{4}$"})),
        Just(json!({"type": "string", "format": "date"})),
        Just(json!({"enum": ["관세", "과세가격", "duty \"free\"", 3]})),
        Just(json!({"const": {"unit": "kg\n"}})),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        let properties = prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            properties.prop_map(|list| {
                let named: serde_json::Map<String, Value> =
                    list.into_iter().enumerate().map(|(index, part)| (format!("값{index}"), part)).collect();
                let required: Vec<String> = named.keys().skip(1).cloned().collect();
                json!({"type": "object", "properties": named, "required": required, "additionalProperties": false})
            }),
            inner.clone().prop_map(|items| json!({"type": "array", "items": items, "minItems": 1, "maxItems": 2})),
            (inner.clone(), inner).prop_map(|(one, other)| json!({"anyOf": [one, other]})),
        ]
    })
}

fn assert_valid(schema: &Value, completion: &Completion) {
    assert_eq!(completion.reason, Some(FinishReason::Stop), "{schema}: {}", completion.text);
    let value: Value = serde_json::from_str(&completion.text).unwrap_or_else(|e| panic!("{e}: {}", completion.text));
    let validator = jsonschema::validator_for(schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{schema} admits no {value}: {errors:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 20, ..ProptestConfig::default() })]

    #[test]
    fn every_answer_under_a_schema_parses_and_is_valid(schema in schema(), seed in 0u64..1000) {
        let request = bound("Give me an example of such data.", Constraint::JsonSchema(schema.clone()), seed);
        assert_valid(&schema, &runtime().block_on(answer(shared(), request)));
    }

    #[test]
    fn no_quotation_is_other_than_a_piece_of_a_passage(seed in 0u64..1000, mark in 1usize..40) {
        let passages = vec![
            "A buying commission is not added to the price, but “packing costs” are [see the Rule].".to_owned(),
            "구매수수료는 과세가격에 포함되지 않으나, 포장비용은 포함된다.".to_owned(),
        ];
        let lock = QuoteLock { passages: passages.clone(), marks: vec![mark, 100 + mark] };
        // Begun by us, so that a quotation comes at once; the other marks it opens by itself, or not.
        let request = GenerateRequest {
            prompt: Prompt::Continue {
                messages: vec![Message::user("Quote the rule on commissions in “quotation marks”, with its number [n].")],
                answer: "As the rule says: “packing” and [1] and ".into(),
            },
            max_tokens: Some(80),
            ..bound("", Constraint::Quotes(lock), seed)
        };
        let text = runtime().block_on(answer(shared(), request)).text;
        // As it is read: an opening mark inside a quotation, of whichever kind, is the passage's own.
        let closing = |open: char| match open {
            '“' => '”',
            '「' => '」',
            '『' => '』',
            _ => open,
        };
        let mut rest = text.as_str();
        while let Some(at) = rest.find(['“', '「', '『', '"']) {
            let mut after = rest[at..].chars();
            let open = after.next().unwrap();
            // The last may be cut off.
            let Some((quotation, after)) = after.as_str().split_once(closing(open)) else { break };
            let stands = passages.iter().any(|passage| passage.contains(quotation));
            prop_assert!(stands && !quotation.is_empty(), "{text}");
            rest = after;
        }
        let marks = regex::Regex::new(r"\[\s*(\d+(?:\s*,\s*\d+)*)\s*\]").unwrap();
        for found in marks.captures_iter(&text) {
            for number in found[1].split(',').map(|number| number.trim().parse::<usize>().unwrap()) {
                prop_assert!([mark, 100 + mark].contains(&number), "{text}");
            }
        }
    }
}

#[tokio::test]
async fn a_quotation_the_lock_forces_is_a_piece_even_in_korean() {
    let passage = "구매수수료는 과세가격에 포함되지 않는다.";
    let lock = QuoteLock { passages: vec![passage.into()], marks: vec![3] };
    for seed in 0..8 {
        // Greedy or not, a model that wants to say something else must take the passage's words or close.
        let request = GenerateRequest {
            prompt: Prompt::Continue { messages: vec![Message::user("Say hello.")], answer: String::new() },
            sampling: SamplingParams { temperature: 2.0, seed: Some(seed), ..SamplingParams::default() },
            max_tokens: Some(120),
            constraint: Some(Constraint::Quotes(lock.clone())),
            ..greedy("", 1)
        };
        let text = answer(shared(), request).await.text;
        let pieces: Vec<&str> = text.split('"').collect();
        // Every second piece stands between two marks; an answer may be cut off in the last.
        for quotation in pieces.iter().skip(1).step_by(2) {
            assert!(passage.contains(quotation), "{text}");
        }
    }
}

#[tokio::test]
async fn a_json_object_is_one_greedily_and_drawn() {
    for temperature in [0.0, 1.0] {
        let mut request = bound("Describe a ship as JSON with a name and a length.", Constraint::JsonObject, 5);
        request.sampling.temperature = temperature;
        let told = answer(shared(), request).await;
        assert!(told.text.starts_with('{'), "{}", told.text);
        if told.reason == Some(FinishReason::Stop) {
            assert!(serde_json::from_str::<Value>(&told.text).unwrap().is_object());
        }
    }
}

#[tokio::test]
async fn expressions_and_grammars_hold_to_the_last_character() {
    let dated = Constraint::Regex(r"20[0-9]{2}년 (1[0-2]|[1-9])월, (관세|부가세) [1-9][0-9]?%".into());
    let expected = regex::Regex::new(r"^20[0-9]{2}년 (1[0-2]|[1-9])월, (관세|부가세) [1-9][0-9]?%$").unwrap();
    let sum = Constraint::Lark("start: term (\" + \" term){1,3}\nterm: /[1-9][0-9]{0,2}/ | \"(\" term \")\"".into());
    for seed in 0..6 {
        let told = answer(shared(), bound("When, and how much?", dated.clone(), seed)).await;
        assert_eq!(told.reason, Some(FinishReason::Stop));
        assert!(expected.is_match(&told.text), "{}", told.text);
        let told = answer(shared(), bound("Add some numbers.", sum.clone(), seed)).await;
        if told.reason == Some(FinishReason::Stop) {
            let open = told.text.matches('(').count();
            assert!(told.text.contains(" + ") && open == told.text.matches(')').count(), "{}", told.text);
        }
    }
}

#[tokio::test]
async fn what_cannot_be_held_to_is_refused_with_its_place() {
    let refusal = async |constraint| match shared().submit(bound("Hi", constraint, 0)).await {
        Err(Error::BadConstraint { part: Part::Answer, place, reason }) => (place, reason),
        other => panic!("{:?}", other.err()),
    };
    let deep = json!({"type": "object", "properties": {"a": {"type": "array", "items": {"type": "wizard"}}}});
    let (place, reason) = refusal(Constraint::JsonSchema(deep)).await;
    assert_eq!(place, "/properties/a/items");
    assert!(reason.contains("wizard"), "{reason}");
    let unsupported =
        json!({"properties": {"a": {"$ref": "#/$defs/odd"}}, "$defs": {"odd": {"not": {"type": "null"}}}});
    let (place, reason) = refusal(Constraint::JsonSchema(unsupported)).await;
    assert_eq!(place, "/$defs/odd", "{reason}");
    assert!(reason.contains("not"), "{reason}");
    let (place, reason) = refusal(Constraint::Regex("a(b".into())).await;
    assert!(place.is_empty() && !reason.contains('\n'), "{reason}");
    let (_, reason) = refusal(Constraint::Lark("begin: \"a\"".into())).await;
    assert!(reason.contains("start"), "{reason}");
    // The engine is none the worse for it.
    assert!(!answer(shared(), greedy("Hi", 4)).await.text.is_empty());
}

#[tokio::test]
async fn a_bound_answer_has_log_probabilities_a_seed_and_stop_strings() {
    let schema = json!({
        "type": "object",
        "properties": {"name": {"type": "string", "maxLength": 20}, "age": {"type": "integer", "maximum": 120}},
        "required": ["name", "age"],
        "additionalProperties": false,
    });
    let request = |seed| GenerateRequest {
        logprobs: Some(2),
        ..bound("Invent a person.", Constraint::JsonSchema(schema.clone()), seed)
    };
    let first = answer(shared(), request(7)).await;
    assert_eq!(first.choices.len(), first.usage.completion_tokens);
    let bytes: Vec<u8> = first.choices.iter().flat_map(|choice| choice.chosen.bytes.clone()).collect();
    assert_eq!(String::from_utf8(bytes).unwrap(), first.text);
    assert_eq!(answer(shared(), request(7)).await.text, first.text);
    assert_valid(&schema, &first);

    let mut stopped = request(7);
    stopped.sampling.stop = vec!["\"age\"".into()];
    let stopped = answer(shared(), stopped).await;
    assert_eq!(stopped.reason, Some(FinishReason::Stop));
    assert_eq!(stopped.text, first.text[..first.text.find("\"age\"").unwrap()]);
}

#[tokio::test]
async fn bound_and_free_answers_share_a_batch_without_touching_each_other() {
    let color = Constraint::Lark("start: \"red\" | \"green\" | \"blue\"".into());
    let request = |seed: usize| match seed % 2 {
        0 => bound("Which colour has the sea?", color.clone(), seed as u64),
        _ => greedy("What is the capital of France?", 10),
    };
    let streams = futures::future::join_all((0..6).map(|seed| shared().submit(request(seed)))).await;
    let together = futures::future::join_all(streams.into_iter().map(|stream| stream.unwrap().collect())).await;
    let alone = answer(shared(), request(1)).await;
    for (seed, completion) in together.into_iter().enumerate() {
        let text = completion.unwrap().text;
        match seed % 2 {
            0 => assert!(["red", "green", "blue"].contains(&text.as_str()), "{text}"),
            _ => assert_eq!(text, alone.text),
        }
    }
}
