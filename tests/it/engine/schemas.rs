//! Real-world schemas through compilation and generation, opt-in: `HAETAE_SCHEMAS` names a file of JSON lines, each
//! `{"id", "schema"}`. All are compiled; `HAETAE_SCHEMAS_LIMIT` has only so many answered, evenly spread, by the small
//! model or by the one that `HAETAE_SCHEMAS_MODEL` names. Run it in a release build, with `--nocapture`, on a quiet machine.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures::StreamExt;
use haetae::config::EngineLimits;
use haetae::engine::{
    Constraint, Engine, Error, Event, FinishReason, GenerateRequest, LocalEngine, Message, Prompt, SamplingParams,
};
use haetae::lang::Language;
use serde_json::Value;

use super::SMALL;
use crate::support::home;

/// Tokens of an answer: enough for nearly all that end by themselves.
const MAX_TOKENS: usize = 512;
/// Answers at once.
const BATCH: usize = 16;
/// Characters of a schema that the model is shown.
const SHOWN: usize = 1500;
/// Pairs of requests whose first token is waited for.
const NUM_FIRST_TOKENS: usize = 24;

struct Case {
    id: String,
    schema: Value,
}

enum Outcome {
    Valid,
    Cut,
    Refused,
    Invalid(String),
    Failed(String),
    /// The validator does not take the schema.
    Unjudged(String),
}

#[tokio::test]
async fn real_schemas_are_compiled_or_refused_and_every_answer_is_valid() {
    let Some(path) = std::env::var_os("HAETAE_SCHEMAS") else {
        eprintln!("SKIPPED: HAETAE_SCHEMAS names no file of schemas");
        return;
    };
    let all = read(&fs_err::read_to_string(path).unwrap());
    let name = std::env::var("HAETAE_SCHEMAS_MODEL").unwrap_or_else(|_| SMALL.into());
    let limits = EngineLimits { context_len: 2048, max_running: BATCH, ..EngineLimits::default() };
    let engine = LocalEngine::start(&name, &[Language::En], home::model(&name).weights(), limits).unwrap();
    // The first guide waits for the vocabulary's trie, as only the first request after a start does.
    run(&engine, &Case { id: String::new(), schema: Value::Bool(true) }).await;

    compile(&engine, &all).await;
    let cases = spread(all);

    let started = Instant::now();
    let outcomes: Vec<(String, Outcome)> = futures::stream::iter(&cases)
        .map(|case| async { (case.id.clone(), run(&engine, case).await) })
        .buffer_unordered(BATCH)
        .collect()
        .await;
    let elapsed = started.elapsed();

    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (id, outcome) in &outcomes {
        let (kind, detail) = match outcome {
            Outcome::Valid => ("valid", ""),
            Outcome::Cut => ("cut", ""),
            Outcome::Refused => ("refused", ""),
            Outcome::Invalid(reason) => ("INVALID", reason.as_str()),
            Outcome::Failed(reason) => ("FAILED", reason.as_str()),
            Outcome::Unjudged(reason) => ("unjudged", reason.as_str()),
        };
        *counts.entry(kind).or_default() += 1;
        if !detail.is_empty() {
            println!("{kind} {id}: {}", detail.chars().take(300).collect::<String>());
        }
    }
    let times = engine.mask_times();
    println!("{name}: {} schemas answered in {:.0} s: {counts:?}", outcomes.len(), elapsed.as_secs_f64());
    println!("mask, of {}: {}", times.count(), quantiles(|share| times.quantile(share)));

    let (free, bound) = first_tokens(&engine, &cases).await;
    println!("first token: free {free:?}, bound {bound:?} (medians of {NUM_FIRST_TOKENS})");

    let count = |kind| counts.get(kind).copied().unwrap_or(0);
    assert_eq!((count("INVALID"), count("FAILED")), (0, 0));
    assert!(times.quantile(0.99) < Duration::from_millis(1), "{:?}", times.quantile(0.99));
    assert!(bound < free + Duration::from_millis(50));
}

fn read(lines: &str) -> Vec<Case> {
    let case = |line: &str| {
        let mut value: Value = serde_json::from_str(line).unwrap();
        Case { id: value["id"].as_str().unwrap().to_owned(), schema: value["schema"].take() }
    };
    lines.lines().map(case).collect()
}

/// Has every schema compiled, and none answered; at most a twentieth may be refused.
async fn compile(engine: &LocalEngine, cases: &[Case]) {
    let mut reasons: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut times = Vec::new();
    for case in cases {
        let constraint = Some(Constraint::JsonSchema(case.schema.clone()));
        let asked = GenerateRequest { constraint, ..GenerateRequest::new(Prompt::Text("A".into())) };
        let started = Instant::now();
        // The stream is dropped, and with it the answer.
        match engine.submit(asked).await.map(drop) {
            Err(Error::BadConstraint { reason, .. }) => reasons.entry(reason).or_default().push(&case.id),
            Err(error) => panic!("{}: {error}", case.id),
            Ok(()) => times.push(started.elapsed()),
        }
    }
    times.sort();
    let num_refused: usize = reasons.values().map(Vec::len).sum();
    println!("{num_refused} of {} schemas refused", cases.len());
    for (reason, ids) in &reasons {
        println!("{:4} {} ({})", ids.len(), reason.chars().take(160).collect::<String>(), ids[0]);
    }
    println!("submit, compilation included: {}", quantiles(|share| times[at(times.len(), share)]));
    assert!(num_refused * 20 <= cases.len(), "{num_refused} of {} are refused", cases.len());
}

fn spread(all: Vec<Case>) -> Vec<Case> {
    let limit = std::env::var("HAETAE_SCHEMAS_LIMIT").map_or(all.len(), |limit| limit.parse().unwrap());
    let step = all.len().div_ceil(limit.max(1)).max(1);
    all.into_iter().step_by(step).collect()
}

fn request(case: &Case, salt: &str, constraint: Option<Constraint>) -> GenerateRequest {
    let shown: String = case.schema.to_string().chars().take(SHOWN).collect();
    let asked = format!("{salt}Write one example of a JSON value for this schema, and nothing else.\n{shown}");
    GenerateRequest {
        sampling: SamplingParams { temperature: 1.0, seed: Some(1), ..SamplingParams::default() },
        max_tokens: Some(MAX_TOKENS),
        constraint,
        ..GenerateRequest::new(Prompt::Chat(vec![Message::user(asked)]))
    }
}

/// What comes of a request.
async fn run(engine: &LocalEngine, case: &Case) -> Outcome {
    match engine.submit(request(case, "", Some(Constraint::JsonSchema(case.schema.clone())))).await {
        Err(Error::BadConstraint { .. }) => Outcome::Refused,
        Err(error) => Outcome::Failed(error.to_string()),
        Ok(stream) => match stream.collect().await {
            Err(error) => Outcome::Failed(error.to_string()),
            Ok(told) if told.reason == Some(FinishReason::Length) => Outcome::Cut,
            Ok(told) => judge(&case.schema, &told.text),
        },
    }
}

fn judge(schema: &Value, text: &str) -> Outcome {
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => return Outcome::Invalid(format!("{error} in {text}")),
    };
    match jsonschema::validator_for(&of_one_draft(schema)) {
        Err(error) => Outcome::Unjudged(error.to_string()),
        Ok(validator) => match validator.iter_errors(&value).next() {
            None => Outcome::Valid,
            Some(error) => Outcome::Invalid(format!("{error} at {} in {text}", error.schema_path())),
        },
    }
}

/// The schema without the drafts that parts of it name: beside no `$id` these mean nothing, and the validator takes such a
/// part for one that any value matches.
fn of_one_draft(schema: &Value) -> Value {
    fn strip(part: &mut Value) {
        match part {
            Value::Object(fields) => {
                if !fields.contains_key("$id") && !fields.contains_key("id") {
                    fields.remove("$schema");
                }
                fields.values_mut().for_each(strip);
            }
            Value::Array(parts) => parts.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut schema = schema.clone();
    let Value::Object(fields) = &mut schema else { return schema };
    fields.values_mut().for_each(strip);
    schema
}

/// Median times to the first token, free and bound, one request at a time, none of them in the prefix cache.
async fn first_tokens(engine: &LocalEngine, cases: &[Case]) -> (Duration, Duration) {
    let (mut free, mut bound) = (Vec::new(), Vec::new());
    for (index, case) in cases.iter().step_by(cases.len().div_ceil(NUM_FIRST_TOKENS).max(1)).enumerate() {
        // The salt changes the prompt, and a title the grammar's text, so that neither is known.
        let mut schema = case.schema.clone();
        if let Value::Object(fields) = &mut schema {
            fields.insert("title".into(), format!("fresh {index}").into());
        }
        let constraint = Some(Constraint::JsonSchema(schema));
        for (salt, constraint, times) in [("f", None, &mut free), ("b", constraint, &mut bound)] {
            let started = Instant::now();
            let request =
                GenerateRequest { max_tokens: Some(8), ..request(case, &format!("{salt}{index} "), constraint) };
            let Ok(mut stream) = engine.submit(request).await else { continue };
            while let Some(event) = stream.next().await {
                if !matches!(event, Event::Failed(_)) {
                    times.push(started.elapsed());
                    break;
                }
            }
        }
    }
    let median = |mut times: Vec<Duration>| {
        times.sort();
        times[times.len() / 2]
    };
    (median(free), median(bound))
}

fn at(len: usize, share: f64) -> usize {
    ((len as f64 * share) as usize).min(len - 1)
}

fn quantiles(of: impl Fn(f64) -> Duration) -> String {
    [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0)]
        .map(|(name, share)| format!("{name} {:.2} ms", of(share).as_secs_f64() * 1e3))
        .join(", ")
}
