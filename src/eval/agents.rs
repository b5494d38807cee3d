//! The agent on tasks with checkable outcomes: the right tools with the right arguments, nothing called without need, the
//! right figures in the answer.
//!
//! In: a suite under `eval/agents/` and the agent over the invented world that the suite was written for. Out: a report.
//! Expected figures were worked out from the world's tables by other means than the tools.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Error, Report, read, share};
use crate::agents::{Agents, Record};
use crate::chat::{Target, TurnRequest};
use crate::engine::Message;
use crate::lang::Language;

/// Least shares of tasks with the right calls, with the right figures, and with no call beyond need.
const MIN_CALLS: f64 = 0.95;
const MIN_FIGURES: f64 = 1.0;
const MIN_NEEDED: f64 = 0.95;

#[derive(Clone, Debug, Deserialize)]
struct Task {
    id: String,
    /// What it is a case of: `single`, `several`, `missing`, `nothing`, `premise`, `refusal`.
    kind: String,
    language: Language,
    request: String,
    /// What the user said before.
    #[serde(default)]
    earlier: Vec<String>,
    /// Calls that must be made, with arguments that must be among theirs.
    #[serde(default)]
    calls: Vec<Wanted>,
    /// Calls that may be made beside.
    #[serde(default)]
    may: Vec<String>,
    /// What the answer must hold.
    #[serde(default)]
    figures: Vec<String>,
    /// What it must not.
    #[serde(default)]
    never: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct Wanted {
    tool: String,
    #[serde(default)]
    arguments: serde_json::Map<String, Value>,
}

/// One task, judged.
#[derive(Clone, Debug, Serialize)]
pub struct Judged {
    pub id: String,
    pub kind: String,
    pub language: Language,
    pub request: String,
    pub calls_right: bool,
    pub needed_only: bool,
    /// Figures and words that the answer lacks, or must not have.
    pub wrong: Vec<String>,
    pub called: Vec<String>,
    pub answer: String,
    pub ms: u64,
}

#[derive(Clone, Debug, Serialize)]
pub struct AgentsReport {
    pub suite: String,
    pub model: String,
    pub n: usize,
    pub calls_right: f64,
    pub figures_right: f64,
    pub needed_only: f64,
    pub seconds_per_task: f64,
    pub tasks: Vec<Judged>,
}

impl Report for AgentsReport {
    fn passed(&self) -> bool {
        self.calls_right >= MIN_CALLS && self.figures_right >= MIN_FIGURES && self.needed_only >= MIN_NEEDED
    }

    fn in_words(&self) -> String {
        let mut words = format!(
            "{} by {}  n {}  right calls {:.3} (wanted {MIN_CALLS})  right figures {:.3} (wanted {MIN_FIGURES})  \
             nothing unneeded {:.3} (wanted {MIN_NEEDED})  {:.1} s a task\n",
            self.suite,
            self.model,
            self.n,
            self.calls_right,
            self.figures_right,
            self.needed_only,
            self.seconds_per_task
        );
        for task in &self.tasks {
            if !task.calls_right || !task.needed_only || !task.wrong.is_empty() {
                let (id, called, wrong) = (&task.id, task.called.join(", "), task.wrong.join("; "));
                words.push_str(&format!("{id} called [{called}] wrong [{wrong}]: {}\n", task.request));
            }
        }
        words
    }
}

/// Runs the suite.
///
/// # Errors
/// An unknown or malformed suite; those of the runs.
pub async fn run(agents: &Agents, suite: &str, limit: Option<usize>) -> Result<AgentsReport, Error> {
    let tasks: Vec<Task> = read("agents", suite, limit)?;
    let mut judged = Vec::with_capacity(tasks.len());
    for task in &tasks {
        let messages: Vec<Message> = task.earlier.iter().chain([&task.request]).map(Message::user).collect();
        let question = TurnRequest::question(&task.request, Vec::new());
        let request = TurnRequest { target: Target::Agent, messages, ..question };
        let record = agents.answer(request, None).await.map_err(|error| Error::Agent { reason: error.to_string() })?;
        judged.push(judge(task, &record));
    }
    let count = |what: fn(&Judged) -> bool| share(judged.iter().filter(|task| what(task)).count(), judged.len());
    Ok(AgentsReport {
        suite: suite.to_owned(),
        model: agents.chat().engine().info().id.clone(),
        n: judged.len(),
        calls_right: count(|task| task.calls_right),
        figures_right: count(|task| task.wrong.is_empty()),
        needed_only: count(|task| task.needed_only),
        seconds_per_task: judged.iter().map(|task| task.ms as f64).sum::<f64>() / 1000.0 / judged.len().max(1) as f64,
        tasks: judged,
    })
}

fn judge(task: &Task, record: &Record) -> Judged {
    let fits = |wanted: &Wanted| {
        record.calls.iter().any(|call| {
            call.tool == wanted.tool
                && wanted.arguments.iter().all(|(name, value)| call.arguments.get(name) == Some(value))
        })
    };
    let is_needed = |tool: &String| task.calls.iter().any(|wanted| wanted.tool == *tool) || task.may.contains(tool);
    let called: Vec<String> = record.calls.iter().map(|call| call.tool.clone()).collect();
    let lacking = task.figures.iter().filter(|figure| !record.answer.contains(*figure)).map(|f| format!("lacks {f}"));
    let forbidden = task.never.iter().filter(|words| record.answer.contains(*words)).map(|w| format!("has {w}"));
    Judged {
        id: task.id.clone(),
        kind: task.kind.clone(),
        language: task.language,
        request: task.request.clone(),
        calls_right: task.calls.iter().all(fits),
        needed_only: called.iter().all(is_needed),
        wrong: lacking.chain(forbidden).collect(),
        called,
        answer: record.answer.clone(),
        ms: record.timings_ms.get("total").copied().unwrap_or_default(),
    }
}
