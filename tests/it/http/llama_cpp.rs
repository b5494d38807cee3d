//! llama.cpp's server behind the remote engine: what it was seen to answer, played again by a small server here; and the
//! server itself, where `HAETAE_TEST_LLAMA_SERVER` names its binary.

use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use haetae::engine::{
    Engine, Error, Event, FinishReason, GenerateRequest, Message, Prompt, RemoteEngine, SamplingParams,
};
use serde_json::{Value, json};

use crate::support::home;

/// As `GET /v1/models` answers, without what nobody reads; the server was started with 2048 tokens for two at once.
const MODELS: &str = r#"{"models":[{"name":"smollm2.gguf","type":"model"}],"object":"list","data":[{"id":"smollm2.gguf",
"object":"model","created":1,"owned_by":"llamacpp","meta":{"vocab_type":2,"n_vocab":49152,"n_ctx":1024,
"n_ctx_train":8192}}]}"#;

const CHAT: &str = r#"data: {"choices":[{"finish_reason":null,"index":0,"delta":{"role":"assistant","content":null}}],"created":1,"id":"chatcmpl-1","model":"smollm2.gguf","object":"chat.completion.chunk"}

data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":"Hello"},"logprobs":{"content":[{"id":19556,"token":"Hello","bytes":[72,101,108,108,111],"logprob":-2.5,"top_logprobs":[{"id":19556,"token":"Hello","bytes":[72,101,108,108,111],"logprob":-2.5},{"id":57,"token":"I","bytes":[73],"logprob":-2.75}]}]}}],"created":1,"id":"chatcmpl-1","model":"smollm2.gguf","object":"chat.completion.chunk"}

data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":"안"},"logprobs":{"content":[{"id":226,"token":"안","bytes":[236,149,136],"logprob":-0.5,"top_logprobs":[{"id":226,"token":"�","bytes":[136],"logprob":-0.5}]}]}}],"created":1,"id":"chatcmpl-1","model":"smollm2.gguf","object":"chat.completion.chunk"}

data: {"choices":[{"finish_reason":"length","index":0,"delta":{}}],"created":1,"id":"chatcmpl-1","model":"smollm2.gguf","object":"chat.completion.chunk"}

data: {"choices":[],"created":1,"id":"chatcmpl-1","model":"smollm2.gguf","object":"chat.completion.chunk","usage":{"completion_tokens":4,"prompt_tokens":32,"total_tokens":36,"prompt_tokens_details":{"cached_tokens":24}},"timings":{"cache_n":24,"prompt_n":8}}

data: [DONE]

"#;

const COMPLETION: &str = r#"data: {"choices":[{"text":" the","index":0,"logprobs":{"content":[{"id":260,"token":" the","bytes":[32,116,104,101],"logprob":-1.5,"top_logprobs":[{"id":260,"token":" the","bytes":[32,116,104,101],"logprob":-1.5},{"id":253,"token":" a","bytes":[32,97],"logprob":-2.0}]}]},"finish_reason":null}],"created":1,"model":"smollm2.gguf","object":"text_completion","id":"chatcmpl-2"}

data: {"choices":[{"text":"","index":0,"logprobs":null,"finish_reason":"stop"}],"created":1,"model":"smollm2.gguf","object":"text_completion","usage":{"completion_tokens":2,"prompt_tokens":2,"total_tokens":4,"prompt_tokens_details":{"cached_tokens":0}},"id":"chatcmpl-2","timings":{"cache_n":0}}

data: [DONE]

"#;

const TOO_LONG: &str = r#"{"error":{"code":400,"message":"request (3031 tokens) exceeds the available context size (1024 tokens), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":3031,"n_ctx":1024}}"#;

type Bodies = Arc<Mutex<Vec<Value>>>;

/// A server that answers as the real one was seen to; gives its base URL and the bodies it is sent.
async fn replay() -> (String, Bodies) {
    async fn answer(State(bodies): State<Bodies>, Json(body): Json<Value>) -> Response {
        let is_chat = body.get("messages").is_some();
        let is_long = body.to_string().len() > 5000;
        bodies.lock().unwrap().push(body);
        if is_long {
            return (StatusCode::BAD_REQUEST, [(header::CONTENT_TYPE, "application/json")], TOO_LONG).into_response();
        }
        ([(header::CONTENT_TYPE, "text/event-stream")], if is_chat { CHAT } else { COMPLETION }).into_response()
    }
    let bodies = Bodies::default();
    let router = Router::new()
        .route("/v1/models", get(|| async { ([(header::CONTENT_TYPE, "application/json")], MODELS) }))
        .route("/v1/chat/completions", post(answer))
        .route("/v1/completions", post(answer))
        .with_state(Arc::clone(&bodies));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, bodies)
}

fn chat(text: &str) -> Prompt {
    Prompt::Chat(vec![Message::user(text)])
}

#[tokio::test]
async fn its_own_words_for_context_and_log_probabilities_are_read() {
    let (url, _) = replay().await;
    let engine = RemoteEngine::connect(&url, None, None).await.unwrap();
    assert_eq!((engine.info().id.as_str(), engine.info().context_len), ("smollm2.gguf", 1024), "of one request");
    let request = |prompt| GenerateRequest { logprobs: Some(2), ..GenerateRequest::new(prompt) };
    let answer = engine.submit(request(chat("Say hello"))).await.unwrap().collect().await.unwrap();
    assert_eq!((answer.text.as_str(), answer.reason), ("Hello안", Some(FinishReason::Length)));
    assert_eq!((answer.usage.prompt_tokens, answer.usage.cached_tokens, answer.usage.completion_tokens), (32, 24, 4));
    assert_eq!(answer.choices[0].top[1].bytes, b"I");
    assert_eq!(answer.choices[1].chosen.bytes, "안".as_bytes());
    let completed = engine.submit(request(Prompt::Text("Once upon".into()))).await.unwrap().collect().await.unwrap();
    assert_eq!((completed.text.as_str(), completed.reason), (" the", Some(FinishReason::Stop)));
    assert_eq!(completed.choices[0].top[1].bytes, b" a", "in chat's shape");
}

#[tokio::test]
async fn it_is_told_what_it_would_assume_and_by_its_own_names() {
    let (url, bodies) = replay().await;
    let engine = RemoteEngine::connect(&url, None, None).await.unwrap();
    let sampling = SamplingParams { repetition_penalty: 1.5, seed: Some(u64::MAX), ..SamplingParams::default() };
    for sampling in [SamplingParams::default(), sampling] {
        let request = GenerateRequest { sampling, ..GenerateRequest::new(chat("Hi")) };
        engine.submit(request).await.unwrap().collect().await.unwrap();
    }
    let bodies = bodies.lock().unwrap();
    assert_eq!(
        (&bodies[0]["top_k"], &bodies[0]["min_p"], &bodies[0]["repeat_penalty"]),
        (&json!(0), &json!(0.0), &json!(1.0))
    );
    assert_eq!((&bodies[1]["repeat_penalty"], &bodies[1]["repeat_last_n"]), (&json!(1.5), &json!(1024)));
    assert!(bodies[1].get("repetition_penalty").is_none(), "it would be ignored in silence");
    assert!(bodies[1]["seed"].as_u64().unwrap() < u64::from(u32::MAX), "the largest means none");
}

#[tokio::test]
async fn a_prompt_too_long_for_it_is_the_callers_error() {
    let (url, _) = replay().await;
    let engine = RemoteEngine::connect(&url, None, None).await.unwrap();
    let refused = engine.submit(GenerateRequest::new(chat(&"word ".repeat(3000)))).await;
    assert!(matches!(refused, Err(Error::PromptTooLong { prompt_len: 3031, max_len: 1024, .. })));
}

/// A server that promises to keep its connections, and closes each once a second request comes over it.
async fn break_promises() -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = vec![0; 64 << 10];
                let len = connection.read(&mut request).await.unwrap();
                let is_chat = request[..len].starts_with(b"POST");
                let (kind, body) = if is_chat { ("text/event-stream", CHAT) } else { ("application/json", MODELS) };
                let head = format!(
                    "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5, max=100\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
                    body.len()
                );
                connection.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
                let _ = connection.read(&mut request).await;
            });
        }
    });
    url
}

#[tokio::test]
async fn a_connection_that_it_promised_to_keep_is_not_relied_on() {
    let url = break_promises().await;
    let engine = RemoteEngine::connect(&url, None, None).await.unwrap();
    for _ in 0..3 {
        let answer = engine.submit(GenerateRequest::new(chat("Hi"))).await.unwrap().collect().await.unwrap();
        assert_eq!(answer.text, "Hello안");
    }
}

/// The real server; ended when dropped.
struct LlamaServer {
    child: Child,
    address: String,
}

impl LlamaServer {
    /// `None` where no binary is named.
    async fn start() -> Option<Self> {
        let Some(binary) = std::env::var_os("HAETAE_TEST_LLAMA_SERVER") else {
            eprintln!("skipped: `HAETAE_TEST_LLAMA_SERVER` names no llama-server");
            return None;
        };
        // Reqwest has no TLS of its own here, and wants one even for a plain address.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let model = tokio::task::spawn_blocking(|| home::model("smollm2-135m-instruct")).await.unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new(binary);
        command.arg("-m").arg(model.weights()).args(["--host", "127.0.0.1", "--port", &port.to_string()]);
        command.args(["-c", "2048", "--parallel", "2", "-t", "2", "--slots"]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let server = Self { child, address: format!("http://127.0.0.1:{port}") };
        let until = Instant::now() + Duration::from_secs(60);
        while !server.get("/health").await.is_some_and(|answer| answer["status"] == "ok") {
            assert!(Instant::now() < until, "llama-server did not start");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Some(server)
    }

    async fn get(&self, path: &str) -> Option<Value> {
        reqwest::get(format!("{}{path}", self.address)).await.ok()?.json().await.ok()
    }

    async fn engine(&self) -> RemoteEngine {
        RemoteEngine::connect(&format!("{}/v1", self.address), None, None).await.unwrap()
    }

    async fn num_busy(&self) -> usize {
        let slots = self.get("/slots").await.unwrap();
        slots.as_array().unwrap().iter().filter(|slot| slot["is_processing"] == true).count()
    }
}

impl Drop for LlamaServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_server_streams_stops_refuses_and_lets_go() {
    let Some(server) = LlamaServer::start().await else { return };
    let engine = server.engine().await;
    assert_eq!(engine.info().context_len, 1024);

    // Greedy, and with its defaults switched off: the same answer each time, and each token the likeliest.
    let request = |prompt| GenerateRequest { max_tokens: Some(12), logprobs: Some(2), ..GenerateRequest::new(prompt) };
    let first = engine.submit(request(chat("Name three colours."))).await.unwrap().collect().await.unwrap();
    let again = engine.submit(request(chat("Name three colours."))).await.unwrap().collect().await.unwrap();
    assert_eq!((&first.text, first.reason), (&again.text, Some(FinishReason::Length)));
    assert_eq!((first.usage.completion_tokens, first.choices.len()), (12, 12));
    for choice in &first.choices {
        assert!(choice.chosen.logprob <= 0.0 && choice.top[0].bytes == choice.chosen.bytes, "{choice:?}");
    }
    let completed = engine.submit(request(Prompt::Text("Once upon a".into()))).await.unwrap().collect().await.unwrap();
    assert_eq!((completed.usage.completion_tokens, completed.choices.len()), (12, 12));
    assert!(!completed.text.is_empty());

    // A stop string ends the answer before itself.
    let mut stopped = GenerateRequest::new(Prompt::Text("1, 2, 3, 4, 5, 6,".into()));
    stopped.sampling.stop = vec![" 9".into()];
    stopped.max_tokens = Some(60);
    let stopped = engine.submit(stopped).await.unwrap().collect().await.unwrap();
    assert_eq!(stopped.reason, Some(FinishReason::Stop), "{}", stopped.text);
    assert!(stopped.text.contains('8') && !stopped.text.contains('9'), "{}", stopped.text);

    // An answer begun is gone on with.
    let messages = vec![Message::user("What is the capital of France?")];
    let begun = Prompt::Continue { messages, answer: "The capital of France is".into() };
    let begun = engine.submit(request(begun)).await.unwrap().collect().await.unwrap();
    assert!(begun.text.contains("Paris") && !begun.text.contains("capital of France is"), "{}", begun.text);

    let long = engine.submit(GenerateRequest::new(chat(&"word ".repeat(3000)))).await;
    assert!(matches!(long, Err(Error::PromptTooLong { prompt_len: 3000.., max_len: 1024, .. })));
    let bad = RemoteEngine::connect(&format!("{}/v1", server.address), None, Some("gpt-9")).await;
    assert!(bad.is_err_and(|error| error.to_string().contains("it has no model `gpt-9`")));

    // A reader that goes away frees the place.
    let mut endless = GenerateRequest::new(Prompt::Text("1, 2, 3, 4, 5, 6,".into()));
    endless.max_tokens = Some(900);
    let mut stream = engine.submit(endless).await.unwrap();
    assert!(matches!(stream.next().await, Some(Event::Text { .. })));
    assert_eq!(server.num_busy().await, 1);
    drop(stream);
    let until = Instant::now() + Duration::from_secs(3);
    while server.num_busy().await > 0 {
        assert!(Instant::now() < until, "it works on for nobody");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(engine.load().num_running, 0);
}
