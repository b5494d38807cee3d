use axum::http::StatusCode;
use haetae::engine::{Message, Prompt, SamplingParams};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{Answer, TestApp, json_request, refused_answer};

const PATH: &str = "/v1/chat/completions";

/// A request to the bare model with further fields.
fn bare(fields: Value) -> Value {
    with(json!({"model": "scripted", "messages": [{"role": "user", "content": "Say hello"}]}), fields)
}

fn grounded(fields: Value) -> Value {
    let question = "Is a buying commission part of the customs value?";
    with(json!({"model": "customs-valuation", "messages": [{"role": "user", "content": question}]}), fields)
}

fn with(mut body: Value, fields: Value) -> Value {
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

async fn post_for_events(app: &TestApp, body: &Value) -> Answer {
    let mut request = json_request("POST", PATH, body);
    request.headers_mut().insert("x-haetae-events", "1".parse().unwrap());
    app.send(request).await
}

#[tokio::test]
async fn an_answer_comes_whole() {
    assert_snapshot!(TestApp::new().post(PATH, bare(json!({}))).await.tidy());
}

#[tokio::test]
async fn an_answer_streams_and_ends_with_usage_and_done() {
    let body = bare(json!({"stream": true, "stream_options": {"include_usage": true}}));
    let answer = TestApp::new().post(PATH, body).await;
    assert_eq!(answer.headers["content-type"], "text/event-stream");
    assert_snapshot!(answer.tidy());
}

#[tokio::test]
async fn every_parameter_reaches_the_engine() {
    let app = TestApp::new();
    let fields = json!({
        "temperature": 0.7, "top_p": 0.9, "top_k": 40, "min_p": 0.05, "repetition_penalty": 1.1,
        "presence_penalty": 0.5, "frequency_penalty": -0.5, "seed": 7, "stop": ["\n\n", "END"],
        "max_completion_tokens": 12, "logprobs": true, "top_logprobs": 3, "user": "someone", "store": true,
    });
    assert_eq!(app.post(PATH, bare(fields)).await.status, StatusCode::OK);
    let request = app.engine.requests().remove(0);
    let sampling = SamplingParams {
        temperature: 0.7,
        top_p: 0.9,
        top_k: 40,
        min_p: 0.05,
        repetition_penalty: 1.1,
        presence_penalty: 0.5,
        frequency_penalty: -0.5,
        seed: Some(7),
        stop: vec!["\n\n".into(), "END".into()],
    };
    assert_eq!(request.sampling, sampling);
    assert_eq!((request.max_tokens, request.logprobs), (Some(12), Some(3)));
    assert_eq!(request.prompt, Prompt::Chat(vec![Message::user("Say hello")]));
}

#[tokio::test]
async fn the_bare_model_is_as_free_as_openais_by_default() {
    let app = TestApp::new();
    app.post(PATH, bare(json!({"max_tokens": null}))).await;
    let request = app.engine.requests().remove(0);
    assert_eq!(request.sampling, SamplingParams { temperature: 1.0, ..SamplingParams::default() });
    assert_eq!((request.max_tokens, request.logprobs), (None, None));
}

#[tokio::test]
async fn several_answers_have_seeds_that_follow_each_other() {
    let app = TestApp::new();
    let answer = app.post(PATH, bare(json!({"n": 2, "seed": -1}))).await.json();
    let seeds: Vec<_> = app.engine.requests().iter().map(|request| request.sampling.seed).collect();
    assert_eq!(seeds, [Some(u64::MAX), Some(0)]);
    assert_eq!(answer["choices"][1]["index"], 1);
    assert_eq!(answer["usage"]["prompt_tokens"], 2, "the prompt is counted once");
    assert_eq!(answer["usage"]["completion_tokens"], 8);
}

#[tokio::test]
async fn several_streamed_answers_are_told_apart_by_their_index() {
    let answer = TestApp::new().post(PATH, bare(json!({"n": 2, "stream": true}))).await;
    for index in 0..2 {
        let chunks = answer.chunks();
        let own = chunks.iter().map(|chunk| &chunk["choices"][0]).filter(|choice| choice["index"] == index);
        let text: String = own.clone().filter_map(|choice| choice["delta"]["content"].as_str()).collect();
        assert_eq!(text, "Hello, world.");
        assert_eq!(own.filter(|choice| choice["finish_reason"] == "stop").count(), 1);
    }
    assert!(answer.body.ends_with("data: [DONE]\n\n"));
}

#[tokio::test]
async fn a_stop_string_ends_the_answer_and_a_limit_cuts_it() {
    let app = TestApp::new();
    let stopped = app.post(PATH, bare(json!({"stop": "world"}))).await.json();
    assert_eq!(stopped["choices"][0]["message"]["content"], "Hello, ");
    assert_eq!(stopped["choices"][0]["finish_reason"], "stop");
    let cut = app.post(PATH, bare(json!({"max_tokens": 1}))).await.json();
    assert_eq!(cut["choices"][0]["message"]["content"], "Hello");
    assert_eq!(cut["choices"][0]["finish_reason"], "length");
}

#[tokio::test]
async fn log_probabilities_have_openais_shape() {
    let fields = json!({"logprobs": true, "top_logprobs": 2, "max_tokens": 1});
    let app = TestApp::new();
    let whole = app.post(PATH, bare(fields.clone())).await.json();
    assert_snapshot!(serde_json::to_string_pretty(&whole["choices"][0]["logprobs"]).unwrap());
    let streamed = app.post(PATH, bare(with(fields, json!({"stream": true})))).await.chunks();
    assert_eq!(streamed[1]["choices"][0]["logprobs"], whole["choices"][0]["logprobs"]);
}

#[tokio::test]
async fn content_may_come_in_parts_and_developers_are_system() {
    let app = TestApp::new();
    let parts = json!([{"type": "text", "text": "Say "}, {"type": "text", "text": "hello"}]);
    let messages = json!([{"role": "developer", "content": "Be kind."}, {"role": "user", "content": parts}]);
    app.post(PATH, bare(json!({"messages": messages}))).await;
    let expected = Prompt::Chat(vec![Message::system("Be kind."), Message::user("Say hello")]);
    assert_eq!(app.engine.requests().remove(0).prompt, expected);
}

#[tokio::test]
async fn an_answer_from_a_corpus_begins_with_the_quotation_and_carries_citations() {
    assert_snapshot!(TestApp::new().post(PATH, grounded(json!({}))).await.tidy());
}

#[tokio::test]
async fn a_streamed_answer_from_a_corpus_ends_with_its_citations() {
    assert_snapshot!(TestApp::new().post(PATH, grounded(json!({"stream": true}))).await.tidy());
}

#[tokio::test]
async fn the_page_gets_events_and_no_quotation_in_the_text() {
    assert_snapshot!(post_for_events(&TestApp::new(), &grounded(json!({"stream": true}))).await.tidy());
}

#[tokio::test]
async fn a_whole_answer_can_carry_its_grounds() {
    let answer = post_for_events(&TestApp::new(), &grounded(json!({}))).await.json();
    let message = &answer["choices"][0]["message"];
    assert_eq!(message["content"], "No. It is excluded [1].");
    assert_eq!(message["haetae"]["quotes"][0]["n"], 1);
    assert_eq!(message["haetae"]["checked"]["withheld"], 1);
}

#[tokio::test]
async fn a_question_without_evidence_is_refused_in_words_and_as_an_event() {
    let app = TestApp::grounded(refused_answer);
    let plain = app.post(PATH, grounded(json!({}))).await.json();
    assert_eq!(plain["choices"][0]["message"]["content"], "I found no passage that answers this.");
    let chunks = post_for_events(&app, &grounded(json!({"stream": true}))).await.chunks();
    let refused = json!({"type": "refused", "looked_for": ["Brazil"], "nearest": ["Buying commission"]});
    assert_eq!(chunks[1]["haetae"], refused);
}

#[tokio::test]
async fn an_answer_that_has_begun_is_continued() {
    let app = TestApp::new();
    let messages = json!([{"role": "user", "content": "Say hello"}, {"role": "assistant", "content": "Well, "}]);
    let fields = json!({"messages": messages, "continue_final_message": true, "add_generation_prompt": false});
    assert_eq!(app.post(PATH, bare(fields)).await.status, StatusCode::OK);
    let expected = Prompt::Continue { messages: vec![Message::user("Say hello")], answer: "Well, ".into() };
    assert_eq!(app.engine.requests().remove(0).prompt, expected);
}

#[tokio::test]
async fn what_asks_for_nothing_is_no_reason_to_refuse() {
    let app = TestApp::new();
    let tool = json!({"type": "function", "function": {"name": "f"}});
    for fields in [
        json!({"tools": []}),
        json!({"tools": [tool], "tool_choice": "none"}),
        json!({"response_format": {"type": "text"}}),
        json!({"logit_bias": {}, "modalities": ["text"], "audio": null}),
        json!({"a_field_of_tomorrow": 1}),
    ] {
        let answer = app.post(PATH, bare(fields.clone())).await;
        assert_eq!(answer.status, StatusCode::OK, "{fields}: {}", answer.body);
    }
}

#[tokio::test]
async fn every_complaint_names_its_field() {
    let app = TestApp::new();
    let tool = json!({"type": "function", "function": {"name": "f"}});
    let cases = [
        bare(json!({"temperature": 3})),
        bare(json!({"temperature": "hot"})),
        bare(json!({"top_p": 0})),
        bare(json!({"top_k": -2})),
        bare(json!({"n": 0})),
        bare(json!({"n": 9})),
        bare(json!({"stop": ["1", "2", "3", "4", "5"]})),
        bare(json!({"stop": [""]})),
        bare(json!({"stop": 1})),
        bare(json!({"max_completion_tokens": 0})),
        bare(json!({"max_tokens": -1})),
        bare(json!({"top_logprobs": 2})),
        bare(json!({"logprobs": true, "top_logprobs": 21})),
        bare(json!({"stream_options": {"include_usage": true}})),
        bare(json!({"metadata": {"conversation_id": 1}})),
        bare(json!({"metadata": {"conversation_id": "none"}})),
        bare(json!({"tools": [tool, tool]})),
        bare(json!({"tools": [{"type": "web_search"}]})),
        bare(json!({"tool_choice": "required"})),
        bare(json!({"tools": [tool], "tool_choice": {"type": "function", "function": {"name": "g"}}})),
        bare(json!({"functions": [{"name": "f"}]})),
        bare(json!({"response_format": {"type": "xml"}})),
        bare(json!({"response_format": {"type": "json_schema", "json_schema": {"name": "n"}}})),
        bare(json!({"response_format": {"type": "json_object"}, "guided_regex": "a"})),
        bare(json!({"audio": {"voice": "ash"}})),
        bare(json!({"logit_bias": {"50256": -100}})),
        bare(json!({"continue_final_message": true})),
        bare(json!({"messages": []})),
        bare(json!({"messages": "Hi"})),
        bare(json!({"messages": [{"role": "wizard", "content": "Hi"}]})),
        bare(json!({"messages": [{"role": "user"}]})),
        bare(json!({"messages": [{"role": "user", "content": 1}]})),
        bare(json!({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]})),
        bare(json!({"messages": [{"role": "assistant", "content": null, "tool_calls": [{"id": "1"}]}]})),
        bare(json!({"model": "gpt-9"})),
        json!({"model": "scripted"}),
        json!({"messages": []}),
        grounded(json!({"logprobs": true})),
        grounded(json!({"response_format": {"type": "json_object"}})),
        grounded(json!({"tools": [tool]})),
        grounded(json!({"continue_final_message": true})),
    ];
    let mut complaints = String::new();
    for case in cases {
        let answer = app.post(PATH, case.clone()).await;
        let error = answer.json()["error"].take();
        let (code, param) = (error["code"].as_str().unwrap(), error["param"].as_str().unwrap_or("-"));
        let message = error["message"].as_str().unwrap();
        complaints += &format!("{} {code} {param}\n    {message}\n", answer.status.as_u16());
    }
    assert_snapshot!(complaints);
    assert!(app.engine.requests().is_empty(), "nothing unsound reaches the engine");
}
