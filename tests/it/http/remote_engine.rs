//! Haetae behind Haetae: the remote engine against a real socket.

use std::sync::Arc;
use std::time::Duration;

use haetae::engine::{
    Constraint, Engine, Error, Event, FinishReason, GenerateRequest, Message, Prompt, QuoteLock, RemoteEngine, Role,
    SamplingParams, Tool, ToolCall, ToolChoice, Tools,
};
use serde_json::json;

use crate::support::{Script, TestApp, commission_answer};
use haetae::config::Secret;

/// A server on loopback; gives its base URL and what is behind it.
async fn serve(app: TestApp) -> (String, TestApp) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let router = app.router.clone();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, app)
}

fn request(prompt: Prompt) -> GenerateRequest {
    let sampling = SamplingParams {
        temperature: 0.5,
        top_p: 0.75,
        top_k: 40,
        min_p: 0.25,
        repetition_penalty: 1.5,
        presence_penalty: 0.5,
        frequency_penalty: -0.5,
        seed: Some(u64::MAX),
        stop: vec!["END".into()],
    };
    GenerateRequest { sampling, max_tokens: Some(3), logprobs: Some(2), ..GenerateRequest::new(prompt) }
}

#[tokio::test]
async fn a_request_arrives_as_it_was_made_and_its_answer_comes_back_whole() {
    let (url, app) = serve(TestApp::new()).await;
    let engine = RemoteEngine::connect(&url, None, None).await.unwrap();
    assert_eq!((engine.info().id.as_str(), engine.info().context_len), ("scripted", 100));
    let messages = vec![Message::system("Be kind."), Message::user("안녕")];
    for prompt in [
        Prompt::Chat(messages.clone()),
        Prompt::Continue { messages, answer: "Well, ".into() },
        Prompt::Text("Once upon".into()),
    ] {
        let asked = request(prompt);
        let remote = engine.submit(asked.clone()).await.unwrap().collect().await.unwrap();
        let there = app.engine.requests().pop().unwrap();
        assert_eq!(there.prompt, asked.prompt);
        assert_eq!((there.sampling, there.max_tokens, there.logprobs), (asked.sampling.clone(), Some(3), Some(2)));

        let local = app.engine.submit(asked).await.unwrap().collect().await.unwrap();
        assert_eq!((remote.text, remote.choices), (local.text, local.choices));
        assert_eq!((remote.reason, remote.usage), (Some(FinishReason::Length), local.usage));
    }
    assert_eq!(engine.load().num_running, 0);
    assert_eq!(engine.load().generated_tokens, 9);
}

#[tokio::test]
async fn forms_and_tools_arrive_as_they_were_made_and_calls_come_back() {
    let call = "<tool_call>\n{\"name\": \"rate\", \"arguments\": {\"code\": \"0901\"}}\n</tool_call>";
    let (url, app) = serve(TestApp::scripted(Script { tokens: vec![call], ..Script::default() })).await;
    let engine = RemoteEngine::connect(&url, None, None).await.unwrap();
    let schema = json!({"type": "object"});
    let chat = || GenerateRequest::new(Prompt::Chat(vec![Message::user("Hi")]));
    let text = || GenerateRequest::new(Prompt::Text("Hi".into()));
    for constraint in [
        Constraint::JsonObject,
        Constraint::JsonSchema(schema),
        Constraint::Regex("a+".into()),
        Constraint::Lark("start: \"a\"".into()),
    ] {
        for request in [chat(), text()] {
            let asked = GenerateRequest { constraint: Some(constraint.clone()), ..request };
            engine.submit(asked).await.unwrap().collect().await.unwrap();
            assert_eq!(app.engine.requests().pop().unwrap().constraint.as_ref(), Some(&constraint));
        }
    }
    let lock = GenerateRequest { constraint: Some(Constraint::Quotes(QuoteLock::default())), ..chat() };
    assert!(!engine.locks_quotes());
    assert!(matches!(engine.submit(lock).await, Err(Error::BadConstraint { .. })));

    let tool = Tool { name: "rate".into(), description: None, parameters: Some(json!({"type": "object"})) };
    let earlier = ToolCall { id: "c1".into(), name: "rate".into(), arguments: "{}".into() };
    let messages = vec![
        Message::user("Hi"),
        Message { tool_calls: vec![earlier], ..Message::assistant("") },
        Message { tool_call_id: Some("c1".into()), ..Message::new(Role::Tool, "8 %") },
    ];
    for choice in [ToolChoice::Auto, ToolChoice::Required, ToolChoice::Named("rate".into())] {
        let tools = Tools { list: vec![tool.clone()], choice, parallel: false, unbound: false };
        let asked = GenerateRequest { tools: Some(tools), ..GenerateRequest::new(Prompt::Chat(messages.clone())) };
        let told = engine.submit(asked.clone()).await.unwrap().collect().await.unwrap();
        let there = app.engine.requests().pop().unwrap();
        assert_eq!((there.tools, there.prompt), (asked.tools, asked.prompt));
        assert_eq!((told.reason, told.text.as_str()), (Some(FinishReason::ToolCalls), ""));
        assert_eq!(
            (told.tool_calls[0].name.as_str(), told.tool_calls[0].arguments.as_str()),
            ("rate", "{\"code\": \"0901\"}")
        );
    }
}

#[tokio::test]
async fn its_errors_are_the_engines() {
    let (url, _app) = serve(TestApp::new()).await;
    let engine = RemoteEngine::connect(&url, None, Some("scripted")).await.unwrap();
    let long = GenerateRequest::new(Prompt::Text("word ".repeat(500)));
    assert!(matches!(engine.submit(long).await, Err(Error::PromptTooLong { max_len: 100, .. })));
    let mut hot = GenerateRequest::new(Prompt::Text("word".into()));
    hot.sampling.temperature = 9.0;
    let refused = engine.admits(hot.lane, &hot.sampling, None);
    assert!(matches!(refused, Err(Error::BadParameter { name: "temperature", .. })));
    assert!(matches!(engine.submit(hot).await, Err(Error::BadParameter { name: "temperature", .. })));

    let full = Script { refusal: Some(Error::QueueFull { waiting: 9, limit: 9 }), ..Script::default() };
    let (url, _app) = serve(TestApp::scripted(full)).await;
    let engine = RemoteEngine::connect(&url, None, None).await.unwrap();
    let refused = engine.submit(GenerateRequest::new(Prompt::Text("word".into()))).await;
    assert!(matches!(refused, Err(Error::QueueFull { .. })));
    assert_eq!(engine.load().num_running, 0, "a refused request runs no longer");
}

#[tokio::test]
async fn a_failure_over_there_is_the_last_event_here() {
    let failure = Some(Error::Forward { reason: "secret".into() });
    let (url, _app) = serve(TestApp::scripted(Script { failure, ..Script::default() })).await;
    let engine = RemoteEngine::connect(&url, None, None).await.unwrap();
    let stream = engine.submit(GenerateRequest::new(Prompt::Text("word".into()))).await.unwrap();
    let error = stream.collect().await.unwrap_err().to_string();
    assert!(error.contains("internal server error (request id: "), "{error}");
}

#[tokio::test]
async fn a_dropped_stream_cancels_over_there() {
    let script = Script { tokens: vec!["word "; 1000], delay: Duration::from_millis(10), ..Script::default() };
    let (url, app) = serve(TestApp::scripted(script)).await;
    let engine = RemoteEngine::connect(&url, None, None).await.unwrap();
    let mut stream = engine.submit(GenerateRequest::new(Prompt::Text("Go on".into()))).await.unwrap();
    assert!(matches!(stream.next().await, Some(Event::Text { .. })));
    assert_eq!(engine.load().num_running, 1);
    drop(stream);
    app.engine.wait_for_cancelled(1).await;
}

#[tokio::test]
async fn a_key_is_presented_and_an_unknown_model_is_named() {
    let (url, _app) = serve(TestApp::locked(&["alpha"])).await;
    let refused = RemoteEngine::connect(&url, None, None).await.err().unwrap().to_string();
    assert!(refused.contains("an API key is needed"), "{refused}");
    let key = || Some(Secret::new("alpha"));
    assert!(RemoteEngine::connect(&url, key(), None).await.is_ok());
    let unknown = RemoteEngine::connect(&url, key(), Some("gpt-9")).await.err().unwrap().to_string();
    assert!(unknown.contains("it has no model `gpt-9`, but `scripted`, `customs-valuation`"), "{unknown}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_with_the_reason() {
    let error = RemoteEngine::connect("http://127.0.0.1:1/v1/", None, None).await.err().unwrap().to_string();
    assert!(error.starts_with("engine `http://127.0.0.1:1/v1` answered: "), "{error}");
    assert!(error.contains("refused"), "{error}");
}

#[tokio::test]
async fn haetae_serves_over_haetae() {
    let (url, _app) = serve(TestApp::new()).await;
    let remote = Arc::new(RemoteEngine::connect(&url, None, None).await.unwrap());
    let front = TestApp { router: TestApp::over(remote, commission_answer, &[]), ..TestApp::new() };
    let body = json!({"model": "scripted", "messages": [{"role": "user", "content": "Say hello"}]});
    let answer = front.post("/v1/chat/completions", body).await.json();
    assert_eq!(answer["choices"][0]["message"]["content"], "Hello, world.");
    assert_eq!(answer["usage"]["completion_tokens"], 4);
}
