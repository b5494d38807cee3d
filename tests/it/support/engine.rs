//! An engine that says what it is told to say, remembers what it was asked, and counts who went away.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use haetae::engine::{
    BoxFuture, Choice, Engine, Error, Event, FinishReason, GenerateRequest, Load, ModelInfo, Prompt, Timings,
    TokenLogprob, TokenStream, Usage,
};
use haetae::lang::Language;

/// What the engine says, the same to everyone.
#[derive(Clone)]
pub struct Script {
    pub tokens: Vec<&'static str>,
    /// Before every token.
    pub delay: Duration,
    /// Refuses every request.
    pub refusal: Option<Error>,
    /// Fails after the tokens instead of finishing.
    pub failure: Option<Error>,
    /// Words of a prompt and an answer together.
    pub context_len: usize,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            tokens: vec!["Hello", ", ", "world", "."],
            delay: Duration::ZERO,
            refusal: None,
            failure: None,
            context_len: 100,
        }
    }
}

pub struct ScriptedEngine {
    info: ModelInfo,
    script: Script,
    requests: Mutex<Vec<GenerateRequest>>,
    num_running: Arc<AtomicUsize>,
    num_cancelled: Arc<AtomicUsize>,
}

impl ScriptedEngine {
    pub fn new(script: Script) -> Self {
        Self {
            info: ModelInfo {
                id: "scripted".into(),
                context_len: script.context_len,
                languages: vec![Language::Ko, Language::En],
            },
            script,
            requests: Mutex::default(),
            num_running: Arc::default(),
            num_cancelled: Arc::default(),
        }
    }

    /// The requests accepted or refused so far.
    pub fn requests(&self) -> Vec<GenerateRequest> {
        self.requests.lock().unwrap().clone()
    }

    /// Waits until `count` streams have been dropped before their end.
    pub async fn wait_for_cancelled(&self, count: usize) {
        for _ in 0..200 {
            if self.num_cancelled.load(Ordering::SeqCst) == count && self.num_running.load(Ordering::SeqCst) == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{} streams were cancelled, not {count}", self.num_cancelled.load(Ordering::SeqCst));
    }

    fn text_of(prompt: &Prompt) -> String {
        match prompt {
            Prompt::Text(text) => text.clone(),
            Prompt::Chat(messages) => messages.iter().map(|message| message.content.as_str()).collect(),
            Prompt::Continue { messages, answer } => {
                messages.iter().map(|message| message.content.as_str()).chain([answer.as_str()]).collect()
            }
        }
    }
}

impl Engine for ScriptedEngine {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// One a word.
    fn count_tokens(&self, prompt: &Prompt) -> Result<usize, Error> {
        Ok(Self::text_of(prompt).split_whitespace().count())
    }

    fn submit(&self, request: GenerateRequest) -> BoxFuture<'_, Result<TokenStream, Error>> {
        Box::pin(async move {
            request.validate()?;
            self.requests.lock().unwrap().push(request.clone());
            if let Some(refusal) = self.script.refusal.clone() {
                return Err(refusal);
            }
            let (prompt_len, max_len) = (self.count_tokens(&request.prompt)?, self.info.context_len);
            if prompt_len >= max_len {
                return Err(Error::PromptTooLong { model: self.info.id.clone(), prompt_len, max_len });
            }
            let (sender, stream) = TokenStream::channel(1);
            let (script, running, cancelled) =
                (self.script.clone(), Arc::clone(&self.num_running), Arc::clone(&self.num_cancelled));
            running.fetch_add(1, Ordering::SeqCst);
            let spoken = request.clone();
            tokio::spawn(async move {
                let last = speak(&script, &spoken, prompt_len, &sender).await;
                let heard = match last {
                    Some(event) => sender.send(event).await.is_ok(),
                    None => false,
                };
                if !heard {
                    cancelled.fetch_add(1, Ordering::SeqCst);
                }
                running.fetch_sub(1, Ordering::SeqCst);
            });
            let calls = request.tools.as_ref().is_some_and(|tools| tools.are_offered());
            Ok(if calls { stream.with_tools() } else { stream })
        })
    }

    fn load(&self) -> Load {
        Load {
            num_running: self.num_running.load(Ordering::SeqCst),
            kv_blocks_used: 1,
            kv_blocks_total: 4,
            prompt_tokens: 7,
            ..Load::default()
        }
    }

    fn is_ready(&self) -> bool {
        !matches!(self.script.refusal, Some(Error::Stopped))
    }
}

/// Says the script's tokens; gives the last event, or `None` where nobody listens any more.
async fn speak(
    script: &Script,
    request: &GenerateRequest,
    prompt_len: usize,
    sender: &tokio::sync::mpsc::Sender<Event>,
) -> Option<Event> {
    // All is known beforehand, so the first stop string can be looked for before the first word.
    let whole = script.tokens.concat();
    let end = request.sampling.stop.iter().filter_map(|stop| whole.find(stop)).min().unwrap_or(whole.len());
    let mut start = 0;
    let mut num_tokens = 0;
    let mut reason = FinishReason::Stop;
    for token in &script.tokens {
        if start >= end {
            break;
        }
        if request.max_tokens == Some(num_tokens) {
            reason = FinishReason::Length;
            break;
        }
        tokio::time::sleep(script.delay).await;
        num_tokens += 1;
        let choices = request.logprobs.map(|num_top| choice(token, num_top)).into_iter().collect();
        let text = whole[start..end.min(start + token.len())].to_owned();
        sender.send(Event::Text { text, choices }).await.ok()?;
        start += token.len();
    }
    if let Some(error) = script.failure.clone() {
        return Some(Event::Failed(error));
    }
    let usage = Usage { prompt_tokens: prompt_len, completion_tokens: num_tokens, cached_tokens: 0 };
    Some(Event::Finished { reason, usage, timings: Timings::default() })
}

fn choice(token: &str, num_top: usize) -> Choice {
    let chosen = TokenLogprob { bytes: token.into(), logprob: -0.1 };
    let rivals = (1..num_top).map(|rank| TokenLogprob { bytes: vec![0xEA, rank as u8], logprob: -(rank as f32) });
    let top = [chosen.clone()].into_iter().chain(rivals).take(num_top).collect();
    Choice { chosen, top }
}
