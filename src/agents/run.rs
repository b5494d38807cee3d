//! One run, from the request to the record.
//!
//! Understand, plan, call, conclude, word: five steps, each bounded. Reads are made side by side; what writes is never
//! made here, it is put before a named person.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::mpsc;
use tracing::{Instrument, Span};

use super::intent::{self, Intent, Wish};
use super::plan::{self, MAX_STEPS, Plan, Planner, Step};
use super::source::Source;
use super::tool::{Both, Failure, Outcome};
use super::trace::{Call, Ended, Record};
use super::{APPROVAL_HOURS, Agents, Approval, Desk, Error, dossier, fence, route, word};
use crate::chat::{AgentEvent, Event, PlannedStep, Target, TurnRequest};
use crate::engine::{FinishReason, Role, Usage};
use crate::rag::Quote;
use crate::telemetry::spans;

/// Longest that the calls of one run may take together.
const MAX_CALLING: Duration = Duration::from_secs(120);

/// A run under way.
pub struct Run {
    agents: Agents,
    request: TurnRequest,
    events: Option<mpsc::Sender<Event>>,
}

impl Run {
    pub fn new(agents: Agents, request: TurnRequest, events: Option<mpsc::Sender<Event>>) -> Self {
        Self { agents, request, events }
    }

    /// Reports the run; every path ends in one terminal event.
    pub async fn report(self) {
        let events = self.events.clone();
        let ended = match self.record().await {
            Ok(_) => Event::Finished { reason: FinishReason::Stop, usage: Usage::default() },
            Err(Error::Turn(error)) => Event::Failed(error),
            Err(error) => Event::Failed(crate::chat::Error::Agent { reason: error.to_string() }),
        };
        if let Some(events) = events {
            let _ = events.send(ended).await;
        }
    }

    /// Runs, and keeps the record.
    ///
    /// # Errors
    /// The language model's and the store's.
    pub async fn record(self) -> Result<Record, Error> {
        let span = spans::agent(super::MODEL_ID);
        let made = self.make().instrument(span.clone()).await;
        match &made {
            Ok(record) => spans::run(&span, &record.id),
            Err(error) => spans::failed(&span, error),
        }
        made
    }

    async fn make(self) -> Result<Record, Error> {
        let started = Instant::now();
        let said: Vec<String> =
            self.request.messages.iter().filter(|m| m.role == Role::User).map(|m| m.content.clone()).collect();
        let (request, earlier) = said.split_last().ok_or(crate::chat::Error::NoQuestion)?;
        let (intent, mut record) = self.understand(request, earlier).await?;
        if self.agents.chat.has_corpora() && intent.wishes == [Wish::Explain] {
            let desk = self.desk();
            let corpora = blocking(move || desk.corpora()).await?;
            if !corpora.is_empty() {
                // A question on rules and nothing else: the documents answer, checked as ever.
                self.explain(corpora, &mut record).await?;
                return self.keep(record, started).await;
            }
        }
        let mut plan = plan::plan(&intent);
        if plan.steps.is_empty() && plan.missing.is_empty() {
            plan = self.route(request, &mut record).await?;
        }
        self.show_plan(&mut record, &plan).await;
        record.missing = plan.missing;
        self.call(&mut record).await?;
        record.timings_ms.insert("call".into(), started.elapsed().as_millis() as u64);
        let body = dossier::body(&record, &intent);
        self.send_text(&body).await;
        record.answer = body;
        self.word(&intent, &mut record).await?;
        self.keep(record, started).await
    }

    async fn understand(&self, request: &str, earlier: &[String]) -> Result<(Intent, Record), Error> {
        let (desk, text, earlier) = (self.desk(), request.to_owned(), earlier.to_vec());
        let (intent, mut versions) = blocking(move || {
            let intent = intent::read(&text, &earlier, &desk);
            (intent, desk.versions())
        })
        .await?;
        versions.insert("haetae".into(), env!("CARGO_PKG_VERSION").into());
        versions.insert("language model".into(), self.agents.chat.engine().info().id.clone());
        // Ids sort by time, so that the latest run is found without a clock.
        let id = format!("R{}", jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S%6f"));
        let record = Record {
            id,
            started_at: jiff::Timestamp::now().to_string(),
            caller: self.request.caller.clone(),
            request: request.to_owned(),
            language: intent.language,
            versions,
            planner: Planner::Rules,
            plan: Vec::new(),
            calls: Vec::new(),
            spoken: Vec::new(),
            seen: Vec::new(),
            missing: Vec::new(),
            approvals: Vec::new(),
            answer: String::new(),
            timings_ms: BTreeMap::new(),
        };
        Ok((intent, record))
    }

    /// Has the language model choose, where the rules know no plan.
    async fn route(&self, request: &str, record: &mut Record) -> Result<Plan, Error> {
        let router = route::Router {
            engine: self.agents.chat.engine(),
            prompts: &self.agents.prompts,
            tools: route::choosable(self.agents.registry.shown(&self.request.grant)),
            lane: self.request.lane,
        };
        let step = router.choose(request, record.language, &mut record.spoken).await?;
        record.planner = if step.is_some() { Planner::Model } else { Planner::Nobody };
        Ok(Plan { steps: step.into_iter().collect(), missing: Vec::new() })
    }

    async fn show_plan(&self, record: &mut Record, plan: &Plan) {
        record.plan = plan.steps.clone();
        record.plan.truncate(MAX_STEPS);
        let shown = record.plan.iter().enumerate().map(|(at, step)| PlannedStep {
            n: at + 1,
            tool: step.tool.clone(),
            arguments: step.arguments.clone(),
            why: step.why.get(record.language).to_owned(),
        });
        let planned = AgentEvent::Planned { run: record.id.clone(), steps: shown.collect() };
        self.send(Event::Agent(planned)).await;
    }

    /// Makes the planned calls: reads side by side, and what writes is put before a person.
    async fn call(&self, record: &mut Record) -> Result<(), Error> {
        let deadline = Instant::now() + MAX_CALLING;
        let mut running = Vec::new();
        for (at, step) in record.plan.clone().into_iter().enumerate() {
            if !self.agents.registry.is_read_only(&step.tool) {
                running.push((at + 1, step, None));
                continue;
            }
            let (desk, registry, call) = (self.desk(), Arc::clone(&self.agents.registry), step.clone());
            let span = Span::current();
            let work = move || {
                let started = Instant::now();
                let result = span.in_scope(|| registry.call(&desk, &call.tool, &call.arguments));
                (result, started.elapsed().as_millis() as u64)
            };
            running.push((at + 1, step, Some(tokio::task::spawn_blocking(work))));
        }
        for (n, step, work) in running {
            let (result, elapsed_ms) = match work {
                None => match self.agents.registry.check(&self.request.grant, &step.tool) {
                    Ok(()) => (self.ask(record, &step).await?, 0),
                    Err(failure) => (Err(failure), 0),
                },
                Some(work) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    match tokio::time::timeout(left, work).await {
                        Ok(Ok(done)) => done,
                        Ok(Err(error)) => return Err(Error::Panicked { reason: error.to_string() }),
                        Err(_) => {
                            let seconds = MAX_CALLING.as_secs();
                            let reason = format!("not done within {seconds} s, the limit of one run");
                            (Err(Failure::Inner { tool: step.tool.clone(), reason }), MAX_CALLING.as_millis() as u64)
                        }
                    }
                }
            };
            let call = Call::new(n, &step, result, elapsed_ms);
            self.note(record, call).await;
        }
        Ok(())
    }

    async fn note(&self, record: &mut Record, mut call: Call) {
        if let Some(status) = self.agents.registry.source(&call.tool).map(Source::status)
            && let Some(version) = status.version
        {
            record.versions.insert(format!("mcp {}", status.name), version);
        }
        // What a tool tells, and what a foreign one gives as its reason, is data.
        let texts = match &mut call.ended {
            Ended::Outcome(outcome) => vec![&mut outcome.told.ko, &mut outcome.told.en],
            Ended::Failure(Failure::Inner { reason, .. }) => vec![reason],
            Ended::Failure(_) => Vec::new(),
        };
        for text in texts {
            let fenced = fence::fence(&call.tool, text);
            *text = fenced.text;
            for seen in fenced.seen {
                if !record.seen.contains(&seen) {
                    let (source, text) = (seen.source.clone(), seen.text.clone());
                    self.send(Event::Agent(AgentEvent::Seen { source, text })).await;
                    record.seen.push(seen);
                }
            }
        }
        if let Ended::Outcome(outcome) = &call.ended {
            record.missing.extend(outcome.missing.iter().cloned());
        }
        let failure = match &call.ended {
            Ended::Outcome(_) => None,
            Ended::Failure(failure) => Some(failure.to_string()),
        };
        let returned = AgentEvent::Returned {
            n: call.n,
            tool: call.tool.clone(),
            failure,
            hash: call.hash.clone(),
            elapsed_ms: call.elapsed_ms,
        };
        self.send(Event::Agent(returned)).await;
        record.calls.push(call);
    }

    /// Has a call that writes wait for a named person.
    async fn ask(&self, record: &mut Record, step: &Step) -> Result<Result<Outcome, Failure>, Error> {
        let mut arguments = step.arguments.clone();
        if let (Some(fields), "export_dossier") = (arguments.as_object_mut(), step.tool.as_str()) {
            fields.entry("run").or_insert_with(|| json!(record.id));
        }
        let (store, run, tool) = (self.agents.store.clone(), record.id.clone(), step.tool.clone());
        let approval = blocking(move || store.ask(&run, &tool, &arguments, APPROVAL_HOURS)).await??;
        record.approvals.push(approval.id.clone());
        let (id, expires_at) = (approval.id.clone(), approval.expires_at.clone());
        let event = AgentEvent::Approval { id, tool: step.tool.clone(), expires_at };
        self.send(Event::Agent(event)).await;
        Ok(Ok(waits(&approval)))
    }

    /// Relays the documents' own answer, and notes what it rests on as a call.
    async fn explain(&self, corpora: Vec<String>, record: &mut Record) -> Result<(), Error> {
        let question = record.request.clone();
        let why = Both::new("규정 문서에서 근거를 찾습니다", "look for the rule in the documents");
        let step = Step::new("search_corpora", json!({ "question": question, "corpora": corpora }), why);
        self.show_plan(record, &Plan { steps: vec![step.clone()], missing: Vec::new() }).await;
        let started = Instant::now();
        let request = TurnRequest { target: Target::Corpora(corpora), ..self.request.clone() };
        let mut events = self.agents.chat.turn(request).await?;
        let (mut quotes, mut citations): (Vec<Quote>, Vec<String>) = (Vec::new(), Vec::new());
        let mut answered = true;
        while let Some(event) = events.next().await {
            match &event {
                Event::Quotes(found) => quotes.extend(found.iter().cloned()),
                Event::Evidence(found) => citations = found.iter().map(|citation| citation.passage.clone()).collect(),
                Event::Refused { .. } => answered = false,
                Event::Text { text, .. } | Event::Notice { text, .. } => record.answer.push_str(text),
                Event::Finished { .. } => break,
                Event::Failed(_) => {
                    let Event::Failed(error) = event else { continue };
                    return Err(error.into());
                }
                _ => {}
            }
            self.send(event).await;
        }
        let quoted: Vec<String> = quotes.iter().map(|quote| format!("> {} [{}]", quote.text, quote.n)).collect();
        if !quoted.is_empty() {
            record.answer = format!("{}\n\n{}", quoted.join("\n"), record.answer);
        }
        let told = quoted.join("\n");
        let result = json!({ "answered": answered, "quotes": quotes, "passages": citations });
        let outcome = Outcome::new(&result, Both::new(told.clone(), told));
        let call = Call::new(1, &step, Ok(outcome), started.elapsed().as_millis() as u64);
        self.note(record, call).await;
        Ok(())
    }

    async fn word(&self, intent: &Intent, record: &mut Record) -> Result<(), Error> {
        let wording = word::Wording {
            engine: self.agents.chat.engine(),
            prompts: &self.agents.prompts,
            sampling: self.request.sampling.clone(),
            lane: self.request.lane,
        };
        if let Some(text) = wording.word(intent, record).await? {
            let text = format!("\n\n{text}");
            self.send_text(&text).await;
            record.answer.push_str(&text);
        }
        Ok(())
    }

    async fn keep(&self, mut record: Record, started: Instant) -> Result<Record, Error> {
        record.timings_ms.insert("total".into(), started.elapsed().as_millis() as u64);
        let (store, kept) = (self.agents.store.clone(), record.clone());
        blocking(move || store.keep(&kept)).await??;
        Ok(record)
    }

    /// The desk as the caller may use it.
    fn desk(&self) -> Desk {
        self.agents.desk.of(&self.request.grant)
    }

    async fn send_text(&self, text: &str) {
        self.send(Event::Text { text: text.to_owned(), choices: Vec::new() }).await;
    }

    /// A reader who has gone does not stop the run: its record may be what was wanted.
    async fn send(&self, event: Event) {
        if let Some(events) = &self.events {
            let _ = events.send(event).await;
        }
    }
}

/// What a call that waits has come to so far.
pub fn waits(approval: &Approval) -> Outcome {
    let Approval { id, expires_at, .. } = approval;
    let told = Both::new(
        format!("담당자의 승인을 기다립니다: `{id}` ({expires_at}까지)"),
        format!("Waits for a named person's approval: `{id}` (until {expires_at})"),
    );
    Outcome::new(&json!({ "approval": id, "state": "pending" }), told)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::Panicked { reason: error.to_string() })
}
