//! OpenAI's streaming format, from the client's side: requests as JSON, chunks as pieces of an answer.
//!
//! Reads both shapes of log-probabilities (chat's and that of `/v1/completions`). Pure: opens no connection.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::engine::{
    Choice, Constraint, FinishReason, GenerateRequest, Message, Prompt, SamplingParams, TokenLogprob, ToolCall,
    ToolCallDelta, ToolChoice, Tools, Usage,
};

/// `GET /models`.
#[derive(Debug, Deserialize)]
pub struct ModelList {
    pub data: Vec<Model>,
}

#[derive(Debug, Deserialize)]
pub struct Model {
    pub id: String,
    /// vLLM's addition, and ours.
    max_model_len: Option<usize>,
    owned_by: Option<String>,
    /// llama.cpp's addition.
    meta: Option<Meta>,
}

#[derive(Debug, Deserialize)]
struct Meta {
    /// Of one request, which is less than the context that the server was started with where it serves several.
    n_ctx: Option<usize>,
}

impl Model {
    /// Tokens of prompt and answer together, where the server tells.
    pub fn context_len(&self) -> Option<usize> {
        self.max_model_len.or(self.meta.as_ref().and_then(|meta| meta.n_ctx))
    }

    pub fn dialect(&self) -> Dialect {
        match (self.owned_by.as_deref(), self.context_len()) {
            (Some("llamacpp"), context_len) => Dialect::LlamaCpp { window: context_len.unwrap_or(DEFAULT_WINDOW) },
            _ => Dialect::OpenAi,
        }
    }
}

/// Tokens over which llama.cpp penalises by itself.
const DEFAULT_WINDOW: usize = 64;

/// Whose names a server uses beyond those of OpenAI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// OpenAI's, with the additions that vLLM, SGLang and Haetae share.
    OpenAi,
    /// llama.cpp's server: it samples by defaults of its own where a field is left out (`top_k` 40, `min_p` 0.05,
    /// penalties over 64 tokens), calls the repetition penalty otherwise, and takes the largest 32-bit seed for none.
    /// `window` is the context of one request: penalties here look at all of it, and it refuses to be told so by -1.
    LlamaCpp { window: usize },
}

impl Dialect {
    /// Renames and adds what this server would otherwise misunderstand.
    fn translate(self, body: &mut Value, sampling: &SamplingParams) {
        let Self::LlamaCpp { window } = self else { return };
        if let Some(fields) = body.as_object_mut() {
            fields.remove("repetition_penalty");
        }
        body["top_k"] = json!(sampling.top_k);
        body["min_p"] = json!(sampling.min_p);
        body["repeat_penalty"] = json!(sampling.repetition_penalty);
        body["repeat_last_n"] = json!(window);
        if let Some(seed) = sampling.seed {
            body["seed"] = json!(seed % u64::from(u32::MAX));
        }
    }
}

/// The body of a request. What is off is left out, because not every server knows every field.
pub fn body(model: &str, dialect: Dialect, request: &GenerateRequest) -> Value {
    let mut body = json!({"model": model, "stream": true, "stream_options": {"include_usage": true}});
    let mut set = |name: &str, value: Value| body[name] = value;
    match &request.prompt {
        Prompt::Text(text) => {
            set("prompt", json!(text));
            // OpenAI's default here is 16 tokens.
            set("max_tokens", json!(request.max_tokens.unwrap_or(i32::MAX as usize)));
            if let Some(top) = request.logprobs {
                set("logprobs", json!(top));
            }
        }
        Prompt::Chat(messages) => set("messages", messages.iter().map(told).collect()),
        Prompt::Continue { messages, answer } => {
            let last = Message::assistant(answer);
            set("messages", messages.iter().chain([&last]).map(told).collect());
            set("add_generation_prompt", json!(false));
            set("continue_final_message", json!(true));
        }
    }
    if !matches!(request.prompt, Prompt::Text(_)) {
        if let Some(max_tokens) = request.max_tokens {
            // The older name, which every server knows.
            set("max_tokens", json!(max_tokens));
        }
        if let Some(top) = request.logprobs {
            set("logprobs", json!(true));
            set("top_logprobs", json!(top));
        }
    }
    let (sampling, off) = (&request.sampling, SamplingParams::default());
    set("temperature", json!(sampling.temperature));
    set("top_p", json!(sampling.top_p));
    if sampling.top_k != off.top_k {
        set("top_k", json!(sampling.top_k));
    }
    if sampling.min_p != off.min_p {
        set("min_p", json!(sampling.min_p));
    }
    if sampling.repetition_penalty != off.repetition_penalty {
        set("repetition_penalty", json!(sampling.repetition_penalty));
    }
    if sampling.presence_penalty != off.presence_penalty {
        set("presence_penalty", json!(sampling.presence_penalty));
    }
    if sampling.frequency_penalty != off.frequency_penalty {
        set("frequency_penalty", json!(sampling.frequency_penalty));
    }
    if let Some(seed) = sampling.seed {
        // Signed over there; the receiving Haetae turns it back.
        set("seed", json!(seed.cast_signed()));
    }
    if !sampling.stop.is_empty() {
        set("stop", json!(sampling.stop));
    }
    let is_chat = !matches!(request.prompt, Prompt::Text(_));
    match &request.constraint {
        None | Some(Constraint::Quotes(_)) => {}
        Some(Constraint::JsonObject) if is_chat => set("response_format", json!({"type": "json_object"})),
        Some(Constraint::JsonSchema(schema)) if is_chat => {
            let named = json!({"name": "answer", "schema": schema, "strict": true});
            set("response_format", json!({"type": "json_schema", "json_schema": named}));
        }
        // vLLM's field, for what OpenAI has no word for.
        Some(Constraint::JsonObject) => set("structured_outputs", json!({"json_object": true})),
        Some(Constraint::JsonSchema(schema)) => set("structured_outputs", json!({"json": schema})),
        Some(Constraint::Regex(expression)) => set("structured_outputs", json!({"regex": expression})),
        Some(Constraint::Lark(grammar)) => set("structured_outputs", json!({"grammar": grammar})),
    }
    if let Some(tools) = request.tools.as_ref().filter(|tools| !tools.list.is_empty()) {
        set("tools", tools.list.iter().map(|tool| json!({"type": "function", "function": tool})).collect());
        set("tool_choice", choice(tools));
        if !tools.parallel {
            set("parallel_tool_calls", json!(false));
        }
    }
    dialect.translate(&mut body, sampling);
    body
}

fn choice(tools: &Tools) -> Value {
    match &tools.choice {
        ToolChoice::None => json!("none"),
        ToolChoice::Auto => json!("auto"),
        ToolChoice::Required => json!("required"),
        ToolChoice::Named(name) => json!({"type": "function", "function": {"name": name}}),
    }
}

/// A message in OpenAI's form.
fn told(message: &Message) -> Value {
    let mut told = json!({"role": message.role, "content": message.content});
    if !message.tool_calls.is_empty() {
        let call = |call: &ToolCall| {
            let function = json!({"name": call.name, "arguments": call.arguments});
            json!({"id": call.id, "type": "function", "function": function})
        };
        told["tool_calls"] = message.tool_calls.iter().map(call).collect();
    }
    if let Some(id) = &message.tool_call_id {
        told["tool_call_id"] = json!(id);
    }
    told
}

/// Bytes to lines; a line may come in pieces.
#[derive(Debug, Default)]
pub struct Lines {
    bytes: Vec<u8>,
}

impl Lines {
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole line, without its end.
    pub fn next(&mut self) -> Option<String> {
        let end = self.bytes.iter().position(|byte| *byte == b'\n')?;
        let line: Vec<u8> = self.bytes.drain(..=end).collect();
        Some(String::from_utf8_lossy(&line).trim_end().to_owned())
    }
}

/// What a line adds to an answer.
#[derive(Debug, PartialEq)]
pub enum Piece {
    Text { text: String, choices: Vec<Choice>, calls: Vec<ToolCallDelta> },
    Nothing,
    Done,
}

/// What is known of an answer besides its text.
#[derive(Debug, Default)]
pub struct Answer {
    pub reason: Option<FinishReason>,
    pub usage: Usage,
}

#[derive(Debug, Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<ChunkChoice>,
    usage: Option<ChunkUsage>,
    error: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct ChunkChoice {
    /// Chat.
    #[serde(default)]
    delta: Delta,
    /// `/v1/completions`.
    text: Option<String>,
    logprobs: Option<Logprobs>,
    finish_reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Delta {
    content: Option<String>,
    tool_calls: Option<Vec<CallDelta>>,
}

#[derive(Debug, Deserialize)]
struct CallDelta {
    #[serde(default)]
    index: usize,
    id: Option<String>,
    #[serde(default)]
    function: FunctionDelta,
}

#[derive(Debug, Default, Deserialize)]
struct FunctionDelta {
    name: Option<String>,
    arguments: Option<String>,
}

impl From<CallDelta> for ToolCallDelta {
    fn from(delta: CallDelta) -> Self {
        let arguments = delta.function.arguments.unwrap_or_default();
        Self { index: delta.index, id: delta.id, name: delta.function.name, arguments }
    }
}

#[derive(Debug, Deserialize)]
struct ChunkUsage {
    #[serde(default)]
    prompt_tokens: usize,
    #[serde(default)]
    completion_tokens: usize,
    prompt_tokens_details: Option<PromptDetails>,
}

#[derive(Debug, Deserialize)]
struct PromptDetails {
    cached_tokens: Option<usize>,
}

/// Both shapes: chat fills `content`, `/v1/completions` the rest.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Logprobs {
    content: Option<Vec<ChatToken>>,
    tokens: Vec<String>,
    token_logprobs: Vec<Option<f32>>,
    top_logprobs: Option<Vec<Option<Map<String, Value>>>>,
}

#[derive(Debug, Deserialize)]
struct ChatToken {
    token: String,
    logprob: f32,
    bytes: Option<Vec<u8>>,
    #[serde(default)]
    top_logprobs: Vec<ChatToken>,
}

impl Answer {
    /// Reads a line of the stream; comments, other fields and empty lines say nothing.
    ///
    /// # Errors
    /// In words: a chunk that is not understood, or an error that the server reports in the stream.
    pub fn read(&mut self, line: &str) -> Result<Piece, String> {
        let Some(payload) = line.strip_prefix("data:").map(str::trim) else { return Ok(Piece::Nothing) };
        if payload == "[DONE]" {
            return Ok(Piece::Done);
        }
        let chunk: Chunk = serde_json::from_str(payload).map_err(|error| format!("an unreadable chunk: {error}"))?;
        if let Some(error) = chunk.error {
            return Err(read_error(&json!({"error": error}).to_string()).map_or(error.to_string(), |said| said.message));
        }
        if let Some(usage) = chunk.usage {
            let cached_tokens = usage.prompt_tokens_details.and_then(|details| details.cached_tokens).unwrap_or(0);
            let (prompt_tokens, completion_tokens) = (usage.prompt_tokens, usage.completion_tokens);
            self.usage = Usage { prompt_tokens, completion_tokens, cached_tokens };
        }
        let Some(choice) = chunk.choices.into_iter().next() else { return Ok(Piece::Nothing) };
        match choice.finish_reason.as_deref() {
            None => {}
            Some("length") => self.reason = Some(FinishReason::Length),
            Some("tool_calls") => self.reason = Some(FinishReason::ToolCalls),
            Some("abort" | "error") => return Err("the server gave the request up".into()),
            Some(_) => self.reason = Some(FinishReason::Stop),
        }
        let text = choice.delta.content.or(choice.text).unwrap_or_default();
        let choices = choice.logprobs.map(Logprobs::into_choices).unwrap_or_default();
        let calls: Vec<_> = choice.delta.tool_calls.into_iter().flatten().map(ToolCallDelta::from).collect();
        if text.is_empty() && choices.is_empty() && calls.is_empty() {
            return Ok(Piece::Nothing);
        }
        Ok(Piece::Text { text, choices, calls })
    }
}

impl Logprobs {
    fn into_choices(self) -> Vec<Choice> {
        if let Some(content) = self.content {
            let choice = |mut token: ChatToken| {
                let top = std::mem::take(&mut token.top_logprobs).into_iter().map(ChatToken::into_logprob).collect();
                Choice { chosen: token.into_logprob(), top }
            };
            return content.into_iter().map(choice).collect();
        }
        let mut tops = self.top_logprobs.unwrap_or_default().into_iter();
        let mut choices = Vec::new();
        for (token, logprob) in self.tokens.iter().zip(self.token_logprobs) {
            let rivals = tops.next().flatten().unwrap_or_default();
            let mut top: Vec<TokenLogprob> = rivals
                .iter()
                .filter_map(|(token, logprob)| Some(named_token(token, logprob.as_f64()? as f32)))
                .collect();
            // A JSON object has no order that must be kept.
            top.sort_by(|a, b| b.logprob.total_cmp(&a.logprob));
            choices.push(Choice { chosen: named_token(token, logprob.unwrap_or(0.0)), top });
        }
        choices
    }
}

impl ChatToken {
    fn into_logprob(self) -> TokenLogprob {
        TokenLogprob { bytes: self.bytes.unwrap_or_else(|| self.token.into_bytes()), logprob: self.logprob }
    }
}

/// A token of `/v1/completions`, which writes half characters as `bytes:\xe2\x80`.
fn named_token(name: &str, logprob: f32) -> TokenLogprob {
    let escaped = name.strip_prefix("bytes:").and_then(|escaped| {
        escaped.split("\\x").skip(1).map(|hex| u8::from_str_radix(hex, 16).ok()).collect::<Option<Vec<u8>>>()
    });
    TokenLogprob { bytes: escaped.unwrap_or_else(|| name.into()), logprob }
}

/// What a server says of a request it refused.
#[derive(Debug, Default, PartialEq)]
pub struct Complaint {
    pub message: String,
    /// The prompt does not fit.
    pub is_too_long: bool,
    /// Tokens of the prompt, where the server counted them.
    pub prompt_len: Option<usize>,
}

/// Reads an error envelope: OpenAI's, the bare object of older vLLM versions, or llama.cpp's with a status for a code.
pub fn read_error(text: &str) -> Option<Complaint> {
    let body: Value = serde_json::from_str(text).ok()?;
    let error = body.get("error").unwrap_or(&body);
    let message = error.get("message").or(body.get("detail"))?.as_str()?;
    let is = |key: &str, value: &str| error.get(key).and_then(Value::as_str) == Some(value);
    Some(Complaint {
        message: message.into(),
        // vLLM has no code for it, only the words of OpenAI's message.
        is_too_long: is("code", "context_length_exceeded")
            || is("type", "exceed_context_size_error")
            || message.contains("maximum context length"),
        prompt_len: error.get("n_prompt_tokens").and_then(Value::as_u64).map(|len| len as usize),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_split_between_packets_is_read_whole() {
        let mut lines = Lines::default();
        lines.push("data: 관".as_bytes().split_at(8).0);
        assert_eq!(lines.next(), None);
        lines.push("data: 관".as_bytes().split_at(8).1);
        lines.push(b"\r\n: comment\n");
        assert_eq!(lines.next().as_deref(), Some("data: 관"));
        assert_eq!(lines.next().as_deref(), Some(": comment"));
        assert_eq!(lines.next(), None);
    }

    #[test]
    fn usage_after_the_last_choice_is_kept() {
        let mut answer = Answer::default();
        let text = answer.read(r#"data: {"choices":[{"delta":{"content":"Yes"},"finish_reason":null}]}"#);
        assert_eq!(text, Ok(Piece::Text { text: "Yes".into(), choices: vec![], calls: vec![] }));
        answer.read(r#"data: {"choices":[{"delta":{},"finish_reason":"length"}]}"#).unwrap();
        answer.read(r#"data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1}}"#).unwrap();
        assert_eq!(answer.read("data: [DONE]"), Ok(Piece::Done));
        assert_eq!(answer.reason, Some(FinishReason::Length));
        assert_eq!(answer.usage, Usage { prompt_tokens: 3, completion_tokens: 1, cached_tokens: 0 });
    }

    #[test]
    fn an_error_in_the_stream_is_told_in_its_own_words() {
        let line = r#"data: {"error": {"message": "out of memory", "code": 500}}"#;
        assert_eq!(Answer::default().read(line), Err("out of memory".into()));
    }

    #[test]
    fn calls_come_in_pieces() {
        let mut answer = Answer::default();
        let mut calls = Vec::new();
        for line in [
            r#"data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c","type":"function","function":{"name":"f","arguments":""}}]}}]}"#,
            r#"data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}}]}"#,
            r#"data: {"choices":[{"delta":{},"finish_reason":"tool_calls"}]}"#,
        ] {
            if let Piece::Text { calls: deltas, .. } = answer.read(line).unwrap() {
                deltas.iter().for_each(|delta| delta.append_to(&mut calls));
            }
        }
        assert_eq!(calls, [ToolCall { id: "c".into(), name: "f".into(), arguments: "{}".into() }]);
        assert_eq!(answer.reason, Some(FinishReason::ToolCalls));
    }

    #[test]
    fn half_characters_come_back_as_their_bytes() {
        assert_eq!(named_token("bytes:\\xea\\xb0", -1.0).bytes, [0xEA, 0xB0]);
        assert_eq!(named_token("bytes", -1.0).bytes, b"bytes");
    }

    #[test]
    fn llama_cpp_is_told_what_it_would_assume() {
        let listed = r#"{"id": "m", "owned_by": "llamacpp", "meta": {"n_ctx": 1024, "n_ctx_train": 8192}}"#;
        let model: Model = serde_json::from_str(listed).unwrap();
        assert_eq!((model.context_len(), model.dialect()), (Some(1024), Dialect::LlamaCpp { window: 1024 }));
        let mut request = GenerateRequest::new(Prompt::Text("Hi".into()));
        let sent = body("m", model.dialect(), &request);
        assert_eq!((&sent["top_k"], &sent["min_p"], &sent["repeat_penalty"]), (&json!(0), &json!(0.0), &json!(1.0)));
        request.sampling.repetition_penalty = 1.5;
        request.sampling.seed = Some(u64::MAX);
        let sent = body("m", model.dialect(), &request);
        assert_eq!((&sent["repeat_penalty"], &sent["repeat_last_n"]), (&json!(1.5), &json!(1024)));
        assert!(sent.get("repetition_penalty").is_none());
        assert!(sent["seed"].as_u64().is_some_and(|seed| seed < u64::from(u32::MAX)), "{sent}");
    }

    #[test]
    fn a_prompt_that_is_too_long_is_known_in_every_servers_words() {
        let llama_cpp = r#"{"error": {"code": 400, "message": "request (3031 tokens) exceeds the available context size (1024 tokens), try increasing it", "type": "exceed_context_size_error", "n_prompt_tokens": 3031, "n_ctx": 1024}}"#;
        let complaint = read_error(llama_cpp).unwrap();
        assert!(complaint.is_too_long && complaint.prompt_len == Some(3031));
        let vllm =
            r#"{"object": "error", "message": "This model's maximum context length is 1024 tokens.", "code": 400}"#;
        assert!(read_error(vllm).unwrap().is_too_long);
        let other = r#"{"error": {"code": 400, "message": "Expected 'messages' to be an array", "type": "invalid_request_error"}}"#;
        let complaint = read_error(other).unwrap();
        assert_eq!((complaint.is_too_long, complaint.message.as_str()), (false, "Expected 'messages' to be an array"));
        assert_eq!(read_error("<html>"), None);
    }

    #[test]
    fn log_probabilities_of_a_completion_may_come_in_chats_shape() {
        let line = r#"data: {"choices":[{"text":" the","index":0,"logprobs":{"content":[{"id":260,"token":" the","bytes":[32,116,104,101],"logprob":-1.5,"top_logprobs":[{"id":260,"token":" the","bytes":[32,116,104,101],"logprob":-1.5},{"id":253,"token":" a","bytes":[32,97],"logprob":-2.0}]}]},"finish_reason":null}]}"#;
        let Ok(Piece::Text { text, choices, .. }) = Answer::default().read(line) else { panic!("a piece of text") };
        assert_eq!((text.as_str(), choices.len(), choices[0].top.len()), (" the", 1, 2));
        assert_eq!(choices[0].top[1], TokenLogprob { bytes: b" a".to_vec(), logprob: -2.0 });
    }

    #[test]
    fn what_is_off_is_not_sent() {
        let body = body("m", Dialect::OpenAi, &GenerateRequest::new(Prompt::Chat(vec![Message::user("Hi")])));
        let sent: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(sent, ["model", "stream", "stream_options", "messages", "temperature", "top_p"]);
    }
}
