//! A turn bound to corpora: evidence first, the model's explanation after it, checked sentence by sentence.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;
use tracing::Span;

use super::check::Checker;
use super::sentences::SentenceStream;
use super::{Approval, Approved, Disagreement, Error, Event, NoticeCode, Stage, TurnRequest};
use crate::datasets;
use crate::engine::{self, Constraint, Engine, FinishReason, GenerateRequest, Message, Prompt, QuoteLock, Role, Usage};
use crate::lang::Language;
use crate::prompts::{ApprovedAnswer, Notice, Prompts, Question, Quoted, QuotedSentence, Refusal, Source, System};
use crate::rag::{self, Beyond, Evidence, Finding, Rag};

/// Most tokens of evidence in a prompt: what a small model can still follow, and what a CPU reads in a few seconds.
const EVIDENCE_TOKENS: usize = 1100;
/// Most tokens of an explanation, where the caller names no limit.
const EXPLANATION_TOKENS: usize = 300;
/// Sentences quoted where they are the whole answer.
const QUOTED_ALONE: usize = 3;

/// Answers one question from corpora.
pub struct CorpusTurn {
    pub engine: Arc<dyn Engine>,
    pub rag: Arc<Rag>,
    pub prompts: Arc<Prompts>,
    pub approved: Option<Arc<Approved>>,
    pub corpora: Vec<String>,
    pub request: TurnRequest,
    pub events: mpsc::Sender<Event>,
}

/// An answer that was approved, with its evidence.
struct Repeated {
    answer: String,
    approval: Approval,
    citations: Vec<rag::Citation>,
    quotes: Vec<rag::Quote>,
}

/// Why approved answers could not be looked through, for the log only.
struct Failed(String);

impl From<datasets::Error> for Failed {
    fn from(error: datasets::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<rag::Error> for Failed {
    fn from(error: rag::Error) -> Self {
        Self(error.to_string())
    }
}

/// The reader has gone; nothing is left to do.
struct Gone;

impl CorpusTurn {
    /// Reports the turn; every path ends in one terminal event.
    pub async fn run(self) {
        match self.answer().await {
            Ok(Ok(())) | Ok(Err(Gone)) => {}
            Err(error) => {
                let _ = self.events.send(Event::Failed(error)).await;
            }
        }
    }

    async fn answer(&self) -> Result<Result<(), Gone>, Error> {
        let questions: Vec<&str> = self
            .request
            .messages
            .iter()
            .filter(|message| message.role == Role::User)
            .map(|message| message.content.as_str())
            .collect();
        let Some((&question, earlier)) = questions.split_last() else { return Err(Error::NoQuestion) };
        let language = Language::detect(question);
        let started = Instant::now();
        if let Some(approved) = self.approved(question).await {
            return self.repeat(language, approved, started).await;
        }
        let finding = self.find(question, earlier.last().copied()).await?;
        if self.send(Event::Stage { stage: Stage::Retrieve, elapsed: started.elapsed() }).await.is_err() {
            return Ok(Err(Gone));
        }
        let evidence = match finding {
            Finding::Answerable(evidence) => evidence,
            Finding::Refused(refusal) => return self.refuse(language, refusal).await,
        };
        let told = [
            Event::Evidence(evidence.citations.clone()),
            Event::Quotes(evidence.quotes.iter().take(1).cloned().collect()),
            Event::Stage { stage: Stage::Quote, elapsed: started.elapsed() },
        ];
        for event in told {
            if self.send(event).await.is_err() {
                return Ok(Err(Gone));
            }
        }
        if !self.engine.info().languages.contains(&language) {
            return self.quote_alone(language, &evidence).await;
        }
        self.explain(question, language, &evidence).await
    }

    /// The approved answer to the question, with its evidence as it stands now. Approved answers that cannot be read must
    /// not keep the question from its usual way.
    async fn approved(&self, question: &str) -> Option<Repeated> {
        let (approved, rag) = (self.approved.clone()?, Arc::clone(&self.rag));
        let (question, corpora) = (question.to_owned(), self.corpora.clone());
        let found = tokio::task::spawn_blocking(move || -> Result<Option<Repeated>, Failed> {
            let nearness = |a: &str, b: &str| Ok::<f32, Failed>(rag.nearness(a, b)?);
            let Some(found) = approved.find(&question, &corpora, nearness)? else { return Ok(None) };
            let places = found.row.row.evidence.iter();
            let places: Vec<_> = places.map(|one| (one.document.as_str(), one.start..one.end, &*one.quote)).collect();
            // Where the text has changed the row is stale, whether anyone has marked it or not.
            let Some((citations, quotes)) = rag.cite(&places)? else { return Ok(None) };
            Ok(Some(Repeated { answer: found.row.row.answer, approval: found.approval, citations, quotes }))
        });
        match found.await {
            Ok(Ok(found)) => found,
            Ok(Err(Failed(reason))) => {
                tracing::error!(reason, "approved answers could not be read");
                None
            }
            Err(error) => {
                tracing::error!(%error, "approved answers could not be read");
                None
            }
        }
    }

    async fn repeat(
        &self,
        language: Language,
        repeated: Repeated,
        started: Instant,
    ) -> Result<Result<(), Gone>, Error> {
        let Repeated { answer, approval, citations, quotes } = repeated;
        let by = approval.by.iter();
        let by: Vec<(&str, &str)> = by.map(|one| (one.name.as_str(), one.at.get(..10).unwrap_or(&one.at))).collect();
        let text = self.prompts.render(&ApprovedAnswer { language, by: &by })?;
        Ok(self
            .send_all([
                Event::Stage { stage: Stage::Retrieve, elapsed: started.elapsed() },
                Event::Evidence(citations),
                Event::Quotes(quotes),
                Event::Approved { approval, text },
                Event::Text { text: answer, choices: Vec::new() },
                done(),
            ])
            .await)
    }

    /// Looks for evidence; a question that finds none by itself is tried together with the one before it, because
    /// people go on asking ("and if the agent owns the goods?").
    async fn find(&self, question: &str, earlier: Option<&str>) -> Result<Finding, Error> {
        let found = self.find_once(question.to_owned()).await?;
        match (&found, earlier) {
            (Finding::Refused(_), Some(earlier)) => match self.find_once(format!("{earlier}\n{question}")).await? {
                Finding::Refused(_) => Ok(found),
                together => Ok(together),
            },
            _ => Ok(found),
        }
    }

    async fn find_once(&self, question: String) -> Result<Finding, Error> {
        let (rag, corpora) = (Arc::clone(&self.rag), self.corpora.clone());
        let span = Span::current();
        let found = tokio::task::spawn_blocking(move || span.in_scope(|| rag.find(&question, &corpora))).await;
        let failed = |reason: String| Error::Retrieval { reason };
        found.map_err(|error| failed(error.to_string()))?.map_err(|error| failed(error.to_string()))
    }

    async fn refuse(&self, language: Language, refusal: rag::Refusal) -> Result<Result<(), Gone>, Error> {
        let rag::Refusal { looked_for, nearest, beyond } = refusal;
        let foreign = match beyond {
            Some(Beyond::Jurisdiction(country)) => Some(country.name(language)),
            _ => None,
        };
        let is_record = matches!(beyond, Some(Beyond::Record));
        let refusal = Refusal { language, looked_for: &looked_for, nearest: &nearest, foreign, is_record };
        let text = self.prompts.render(&refusal)?;
        let events = [Event::Refused { looked_for, nearest }, Event::Text { text, choices: Vec::new() }, done()];
        Ok(self.send_all(events).await)
    }

    /// An answer of quoted sentences, for a model that does not write the language.
    async fn quote_alone(&self, language: Language, evidence: &Evidence) -> Result<Result<(), Gone>, Error> {
        let more = evidence.quotes.iter().skip(1).take(QUOTED_ALONE);
        let quotes: Vec<_> = more.map(|quote| QuotedSentence { n: quote.n, text: &quote.text }).collect();
        let notice = self.notice(NoticeCode::LanguageNotWritten, language)?;
        let text = self.prompts.render(&Quoted { quotes: &quotes })?;
        Ok(self.send_all([notice, Event::Text { text, choices: Vec::new() }, done()]).await)
    }

    async fn explain(
        &self,
        question: &str,
        language: Language,
        evidence: &Evidence,
    ) -> Result<Result<(), Gone>, Error> {
        let mut stream = self.engine.submit(self.prompt(question, language, evidence)?).await?;
        let checker = Checker::new(question, language, evidence);
        let mut sentences = SentenceStream::default();
        let mut verdict = Verdict::default();
        while let Some(event) = stream.next().await {
            let (complete, end) = match event {
                engine::Event::Text { text, .. } => (sentences.push(&text), None),
                // None were offered.
                engine::Event::ToolCall(_) => continue,
                engine::Event::Finished { reason, usage, timings } => {
                    let rest = sentences.finish();
                    // An explanation cut off by its limit ends with half a sentence, which cannot be checked.
                    let rest = if reason == FinishReason::Length { Vec::new() } else { rest };
                    (rest, Some((reason, usage, timings)))
                }
                engine::Event::Failed(error) => return Err(error.into()),
            };
            for sentence in complete {
                if let Some(text) = verdict.judge(&checker, &sentence)
                    && self.send(Event::Text { text, choices: Vec::new() }).await.is_err()
                {
                    return Ok(Err(Gone));
                }
            }
            if let Some((reason, usage, timings)) = end {
                let mut events = vec![
                    Event::Stage { stage: Stage::Queue, elapsed: timings.queued },
                    Event::Stage { stage: Stage::Prefill, elapsed: timings.prefill },
                    Event::Stage { stage: Stage::Generate, elapsed: timings.decode },
                ];
                if verdict.kept == 0 {
                    events.push(self.notice(NoticeCode::ExplanationWithheld, language)?);
                }
                events.push(Event::Checked {
                    kept: verdict.kept,
                    withheld: verdict.reasons.len(),
                    reasons: verdict.reasons,
                });
                events.push(Event::Finished { reason, usage });
                return Ok(self.send_all(events).await);
            }
        }
        Err(engine::Error::Stopped.into())
    }

    /// The request for an explanation: rules, as many passages as the budget holds, the deciding sentence, the question.
    fn prompt(&self, question: &str, language: Language, evidence: &Evidence) -> Result<GenerateRequest, Error> {
        let quote =
            evidence.quotes.first().ok_or_else(|| Error::Retrieval { reason: "no sentence to quote".into() })?;
        let mut ordered: Vec<_> = evidence.citations.iter().collect();
        // The passage of the deciding sentence first: it must be among those that fit.
        ordered.sort_by_key(|citation| (citation.n != quote.n, citation.n));
        let mut sources = Vec::new();
        let mut left = EVIDENCE_TOKENS.min(self.engine.info().context_len / 2);
        for citation in ordered {
            let len = self.engine.count_tokens(&Prompt::Text(citation.text.clone()))?;
            if len > left && !sources.is_empty() {
                break;
            }
            left = left.saturating_sub(len);
            sources.push(Source { n: citation.n, title: &citation.title, text: &citation.text });
        }
        let asked =
            Question { language, sources: &sources, quote: QuotedSentence { n: quote.n, text: &quote.text }, question };
        let messages = vec![
            Message::system(self.prompts.render(&System { language })?),
            Message::user(self.prompts.render(&asked)?),
        ];
        // What it puts between quotation marks, and the numbers of its marks, are held to what it was given.
        let constraint = self.engine.locks_quotes().then(|| {
            let blanks = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            let passages = sources.iter().map(|source| blanks(source.text)).collect();
            Constraint::Quotes(QuoteLock { passages, marks: sources.iter().map(|source| source.n).collect() })
        });
        Ok(GenerateRequest {
            lane: self.request.lane,
            sampling: self.request.sampling.clone(),
            max_tokens: Some(self.request.max_tokens.unwrap_or(EXPLANATION_TOKENS)),
            constraint,
            ..GenerateRequest::new(Prompt::Chat(messages))
        })
    }

    fn notice(&self, code: NoticeCode, language: Language) -> Result<Event, Error> {
        let model = &self.engine.info().id;
        let text = self.prompts.render(&Notice { language, code: code.name(), model })?;
        Ok(Event::Notice { code, text })
    }

    async fn send(&self, event: Event) -> Result<(), Gone> {
        self.events.send(event).await.map_err(|_| Gone)
    }

    async fn send_all(&self, events: impl IntoIterator<Item = Event>) -> Result<(), Gone> {
        for event in events {
            self.send(event).await?;
        }
        Ok(())
    }
}

fn done() -> Event {
    Event::Finished { reason: FinishReason::Stop, usage: Usage::default() }
}

/// The outcome of the check so far.
#[derive(Default)]
struct Verdict {
    kept: usize,
    reasons: Vec<Disagreement>,
}

impl Verdict {
    /// The text to show for a sentence; `None` where it is withheld.
    fn judge(&mut self, checker: &Checker, sentence: &str) -> Option<String> {
        match checker.check(sentence) {
            Ok(text) => {
                let is_paragraph = sentence.trim_start_matches(' ').starts_with('\n');
                let before = match (self.kept, is_paragraph) {
                    (0, _) => "",
                    (_, true) => "\n\n",
                    (_, false) => " ",
                };
                self.kept += 1;
                Some(format!("{before}{text}"))
            }
            Err(reason) => {
                self.reasons.push(reason);
                None
            }
        }
    }
}
