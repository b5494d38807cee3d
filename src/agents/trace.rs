//! The record of a run: everything that made the answer, so that it can be read again and run again.
//!
//! In: what happened, as it happens. Out: one JSON object. Two records of the same request are compared by
//! [`Record::differences`]: what was called, what came back (by hash), and the answer, word for word.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::fence::Seen;
use super::lock::Struck;
use super::plan::{Planner, Step};
use super::tool::{Both, Failure, Outcome};
use crate::engine::{Message, SamplingParams};
use crate::lang::Language;

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub id: String,
    /// ISO 8601, UTC.
    pub started_at: String,
    /// Who asked: an opaque name.
    pub caller: String,
    pub request: String,
    pub language: Language,
    /// Versions of all that took part: the program, the language model, the index, the scores.
    pub versions: BTreeMap<String, String>,
    /// Who made the plan.
    pub planner: Planner,
    pub plan: Vec<Step>,
    pub calls: Vec<Call>,
    /// What the language model was asked and said, in order.
    pub spoken: Vec<Spoken>,
    /// Instructions seen inside data, and not followed.
    pub seen: Vec<Seen>,
    pub missing: Vec<Both>,
    /// Calls that wait for a named person.
    pub approvals: Vec<String>,
    pub answer: String,
    pub timings_ms: BTreeMap<String, u64>,
}

/// A call that was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// From 1: the `[n]` of the answer.
    pub n: usize,
    pub tool: String,
    pub arguments: Value,
    #[serde(flatten)]
    pub ended: Ended,
    /// SHA-256 of the result, or of the failure, as JSON.
    pub hash: String,
    pub elapsed_ms: u64,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    Outcome(Outcome),
    Failure(Failure),
}

impl Ended {
    pub fn outcome(&self) -> Option<&Outcome> {
        match self {
            Self::Outcome(outcome) => Some(outcome),
            Self::Failure(_) => None,
        }
    }
}

/// Something the language model was asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spoken {
    pub purpose: Purpose,
    pub messages: Vec<Message>,
    pub sampling: SamplingParams,
    /// Word for word.
    pub said: String,
    pub struck: Vec<Struck>,
}

/// What the language model was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Which tools to call.
    Route,
    /// What follows from the results, in words.
    Word,
}

impl Call {
    pub fn new(n: usize, step: &Step, result: Result<Outcome, Failure>, elapsed_ms: u64) -> Self {
        let ended = match result {
            Ok(outcome) => Ended::Outcome(outcome),
            Err(failure) => Ended::Failure(failure),
        };
        let hash = match &ended {
            Ended::Outcome(outcome) => hash(&outcome.result),
            Ended::Failure(failure) => hash(failure),
        };
        Self { n, tool: step.tool.clone(), arguments: step.arguments.clone(), ended, hash, elapsed_ms }
    }
}

/// SHA-256 of a value as JSON, in hexadecimal.
pub fn hash(value: &impl Serialize) -> String {
    let text = serde_json::to_vec(value).unwrap_or_default();
    format!("{:x}", Sha256::digest(&text))
}

/// Where two runs of the same request part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    pub what: String,
    pub then: String,
    pub now: String,
}

impl Record {
    /// What changed from this run to `now`; empty where it was reproduced to the token.
    pub fn differences(&self, now: &Self) -> Vec<Difference> {
        let mut found = Vec::new();
        let mut compare = |what: String, then: String, now: String| {
            if then != now {
                found.push(Difference { what, then, now });
            }
        };
        let names: std::collections::BTreeSet<&String> = self.versions.keys().chain(now.versions.keys()).collect();
        for name in names {
            let version = |record: &Self| record.versions.get(name).cloned().unwrap_or_else(|| "absent".into());
            compare(format!("version of {name}"), version(self), version(now));
        }
        let planned = |record: &Self| serde_json::to_string(&record.plan).unwrap_or_default();
        compare("plan".into(), planned(self), planned(now));
        for n in 0..self.calls.len().max(now.calls.len()) {
            let told = |record: &Self| {
                record.calls.get(n).map_or_else(
                    || "no call".to_owned(),
                    |call| format!("{} {} -> {}", call.tool, call.arguments, call.hash),
                )
            };
            compare(format!("call {}", n + 1), told(self), told(now));
        }
        for n in 0..self.spoken.len().max(now.spoken.len()) {
            let said = |record: &Self| record.spoken.get(n).map_or_else(String::new, |spoken| spoken.said.clone());
            compare(format!("words {}", n + 1), said(self), said(now));
        }
        compare("answer".into(), self.answer.clone(), now.answer.clone());
        found
    }
}
