//! The language model's words on what the results have settled.
//!
//! In: a record with its findings. Out: a few sentences that passed the lock, or none. A sentence with a figure from nowhere,
//! or against a finding, is struck out and the model is asked once more with the reason; what is struck again stays out,
//! and that is said.

use std::sync::Arc;

use super::intent::Intent;
use super::lock::{Lock, Struck};
use super::trace::{Ended, Purpose, Record, Spoken};
use crate::chat;
use crate::engine::{Engine, GenerateRequest, Lane, Message, Prompt, SamplingParams};
use crate::lang::Language;
use crate::prompts::{Prompts, Word};

/// Words results.
pub struct Wording<'a> {
    pub engine: &'a Arc<dyn Engine>,
    pub prompts: &'a Prompts,
    pub sampling: SamplingParams,
    pub lane: Lane,
}

/// Findings from which on words are worth their time; fewer speak for themselves.
const MIN_FINDINGS: usize = 2;
const MAX_TOKENS: usize = 160;
const MAX_ROUNDS: usize = 2;

impl Wording<'_> {
    /// A few sentences on the findings; `None` where there is nothing to add, or the model does not write the language.
    ///
    /// # Errors
    /// The engine's, and the prompts'.
    pub async fn word(&self, intent: &Intent, record: &mut Record) -> Result<Option<String>, chat::Error> {
        let language = intent.language;
        let outcomes = record.calls.iter().filter_map(|call| call.ended.outcome());
        let findings: Vec<String> = outcomes
            .clone()
            .flat_map(|outcome| outcome.findings.iter().map(|finding| finding.words.get(language).to_owned()))
            .collect();
        if findings.len() < MIN_FINDINGS || !self.engine.info().languages.contains(&language) {
            return Ok(None);
        }
        let mut lock = Lock::new(&record.request);
        outcomes.for_each(|outcome| lock.admit(outcome));
        for call in &record.calls {
            if let Ended::Failure(failure) = &call.ended {
                lock.admit_text(&failure.to_string());
            }
        }
        let missing: Vec<String> = record.missing.iter().map(|both| both.get(language).to_owned()).collect();
        let system = self.prompts.render(&Word { language, findings: &findings, missing: &missing })?;
        let mut messages = vec![Message::system(system), Message::user(record.request.clone())];
        let mut kept = Vec::new();
        let mut struck_at_last = Vec::new();
        for _ in 0..MAX_ROUNDS {
            let request = GenerateRequest {
                lane: self.lane,
                sampling: SamplingParams { temperature: 0.0, ..self.sampling.clone() },
                max_tokens: Some(MAX_TOKENS),
                ..GenerateRequest::new(Prompt::Chat(messages.clone()))
            };
            let sampling = request.sampling.clone();
            let said = self.engine.submit(request).await?.collect().await?.text;
            let (passed, struck) = lock.hold(&said);
            let spoken = Spoken {
                purpose: Purpose::Word,
                messages: messages.clone(),
                sampling,
                said: said.clone(),
                struck: struck.clone(),
            };
            record.spoken.push(spoken);
            kept = passed.into_iter().filter(|sentence| Language::detect(sentence) == language).collect();
            struck_at_last = struck;
            if struck_at_last.is_empty() {
                break;
            }
            messages.push(Message::assistant(said));
            messages.push(Message::user(complaint(&struck_at_last, language)));
        }
        let mut text = kept.join(" ");
        if !struck_at_last.is_empty() {
            let num = struck_at_last.len();
            let note = match language {
                Language::Ko => format!("(결과로 뒷받침되지 않아 뺀 문장: {num})"),
                Language::En => format!("(Sentences withheld because no result bears them: {num})"),
            };
            text = if text.is_empty() { note } else { format!("{text}\n\n{note}") };
        }
        Ok((!text.is_empty()).then_some(text))
    }
}

fn complaint(struck: &[Struck], language: Language) -> String {
    let reasons = struck.iter().map(|struck| match (struck, language) {
        (Struck::Figure { figure, .. }, Language::Ko) => format!("{figure}은(는) 결과에 없는 수치입니다."),
        (Struck::Figure { figure, .. }, Language::En) => format!("{figure} is in no result."),
        (Struck::Contrary { matter, .. }, Language::Ko) => format!("‘{matter}’에 대한 결과와 어긋납니다."),
        (Struck::Contrary { matter, .. }, Language::En) => format!("It is against the result on {matter}."),
        (Struck::Decision { .. }, Language::Ko) => "심사할지는 직원이 결정합니다.".into(),
        (Struck::Decision { .. }, Language::En) => "Whether to audit is for the officer to decide.".into(),
        (Struck::Unfounded { .. }, Language::Ko) => "결과에 없는 말입니다.".into(),
        (Struck::Unfounded { .. }, Language::En) => "That is in no result.".into(),
    });
    let reasons = reasons.collect::<Vec<_>>().join(" ");
    match language {
        Language::Ko => format!("{reasons} 결과에 있는 수치만 써서 다시 쓰십시오."),
        Language::En => format!("{reasons} Write it again with figures of the results alone."),
    }
}
