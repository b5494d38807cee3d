//! Function calling by the Berkeley leaderboard's questions: which of the functions offered a model calls, with what, and
//! whether it leaves the calling where none fits.
//!
//! In: a folder of the leaderboard's files (`BFCL_v4_*.json`, `possible_answer/`) and an engine. Out: a report by kind, with
//! the calls bound to their schemas and, beside it, the same model on the same prompt unbound. The set is public and
//! not ours, so it is read from where the user has it; [`answer`] says when a call is right.
//!
//! Source: <https://gorilla.cs.berkeley.edu/leaderboard.html>, `bfcl_eval/eval_checker/ast_eval/ast_checker.py`.

mod answer;

use std::collections::HashMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use futures::StreamExt;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Error, Report, share};
use crate::engine::tools::{CLOSE, OPEN};
use crate::engine::{Completion, Engine, GenerateRequest, Message, Prompt, Role, Tool, ToolChoice, Tools};
use answer::Call;

/// Least share of questions that no function fits and that are left without a call.
const MIN_IRRELEVANCE: f64 = 0.6;
/// Longer than any right answer of the set.
const MAX_TOKENS: usize = 400;
/// Questions under way at once.
const NUM_AT_ONCE: usize = 4;

/// A kind of question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// One function, one call.
    Simple,
    /// Several functions, one call.
    Multiple,
    /// One function, several calls.
    Parallel,
    /// No function fits.
    Irrelevance,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Simple, Self::Multiple, Self::Parallel, Self::Irrelevance];

    fn file(self) -> &'static str {
        match self {
            Self::Simple => "BFCL_v4_simple_python.json",
            Self::Multiple => "BFCL_v4_multiple.json",
            Self::Parallel => "BFCL_v4_parallel.json",
            Self::Irrelevance => "BFCL_v4_irrelevance.json",
        }
    }
}

/// A question as the leaderboard has it.
#[derive(Deserialize)]
struct Question {
    id: String,
    /// Turns of messages; one turn in the kinds read here.
    question: Vec<Vec<Said>>,
    function: Vec<Tool>,
}

#[derive(Deserialize)]
struct Said {
    role: Role,
    content: String,
}

#[derive(Deserialize)]
struct Answer {
    id: String,
    ground_truth: Vec<Value>,
}

/// What is run: where the questions are, which kinds, and how many of each.
#[derive(Clone, Debug)]
pub struct Plan {
    pub folder: PathBuf,
    pub kinds: Vec<Kind>,
    /// Spread evenly over the file; all where absent.
    pub limit: Option<usize>,
    /// Whether the same model is asked unbound, too.
    pub compare: bool,
}

/// How one question went one way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Went {
    pub right: bool,
    /// Calls that cannot be carried out: no JSON, no such function, arguments against the schema.
    pub malformed: usize,
    pub calls: Vec<Call>,
}

/// One question, both ways.
#[derive(Clone, Debug, Serialize)]
pub struct Judged {
    pub id: String,
    pub kind: Kind,
    pub bound: Went,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unbound: Option<Went>,
}

/// The questions of a kind, counted.
#[derive(Clone, Debug, Serialize)]
pub struct Counted {
    pub kind: Kind,
    pub n: usize,
    pub bound: f64,
    pub bound_malformed: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unbound: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unbound_malformed: Option<usize>,
}

#[derive(Clone, Debug, Serialize)]
pub struct FunctionsReport {
    pub model: String,
    pub kinds: Vec<Counted>,
    pub questions: Vec<Judged>,
}

impl Report for FunctionsReport {
    fn passed(&self) -> bool {
        self.kinds.iter().all(|counted| {
            counted.bound_malformed == 0 && (counted.kind != Kind::Irrelevance || counted.bound >= MIN_IRRELEVANCE)
        })
    }

    fn in_words(&self) -> String {
        let mut words =
            format!("functions by {}  malformed calls wanted 0, irrelevance {MIN_IRRELEVANCE}\n", self.model);
        for Counted { kind, n, bound, bound_malformed, unbound, unbound_malformed } in &self.kinds {
            let kind = format!("{kind:?}").to_lowercase();
            let _ = write!(words, "{kind:12} n {n:4}  bound {bound:.3}, {bound_malformed} malformed");
            if let (Some(right), Some(malformed)) = (unbound, unbound_malformed) {
                let _ = write!(words, "  unbound {right:.3}, {malformed} malformed");
            }
            words.push('\n');
        }
        words
    }
}

/// Asks every question of the plan.
///
/// # Errors
/// Files that are missing or malformed; the engine's.
pub async fn run(engine: &dyn Engine, plan: &Plan) -> Result<FunctionsReport, Error> {
    let mut judged = Vec::new();
    for &kind in &plan.kinds {
        let questions = read_kind(&plan.folder, kind, plan.limit)?;
        let asked = questions.into_iter().map(|(question, wanted)| ask(engine, kind, question, wanted, plan.compare));
        let mut answers = futures::stream::iter(asked).buffered(NUM_AT_ONCE);
        while let Some(answer) = answers.next().await {
            judged.push(answer?);
        }
    }
    let kinds = plan.kinds.iter().map(|&kind| count(kind, judged.iter().filter(|judged| judged.kind == kind)));
    Ok(FunctionsReport { model: engine.info().id.clone(), kinds: kinds.collect(), questions: judged })
}

fn count<'a>(kind: Kind, judged: impl Iterator<Item = &'a Judged>) -> Counted {
    let judged: Vec<&Judged> = judged.collect();
    let right = |went: &[&Went]| share(went.iter().filter(|went| went.right).count(), judged.len());
    let malformed = |went: &[&Went]| went.iter().map(|went| went.malformed).sum();
    let bound: Vec<&Went> = judged.iter().map(|judged| &judged.bound).collect();
    let unbound: Option<Vec<&Went>> = judged.iter().map(|judged| judged.unbound.as_ref()).collect();
    let unbound = unbound.filter(|unbound| !unbound.is_empty());
    Counted {
        kind,
        n: judged.len(),
        bound: right(&bound),
        bound_malformed: malformed(&bound),
        unbound: unbound.as_deref().map(right),
        unbound_malformed: unbound.as_deref().map(malformed),
    }
}

/// The questions of a kind with their right answers, `limit` of them spread over the file.
fn read_kind(folder: &Path, kind: Kind, limit: Option<usize>) -> Result<Vec<(Question, Vec<Value>)>, Error> {
    let mut questions: Vec<Question> = read_lines(&folder.join(kind.file()))?;
    let answers: Vec<Answer> = match kind {
        Kind::Irrelevance => Vec::new(),
        _ => read_lines(&folder.join("possible_answer").join(kind.file()))?,
    };
    let mut answers: HashMap<String, Vec<Value>> =
        answers.into_iter().map(|answer| (answer.id, answer.ground_truth)).collect();
    let (len, wanted) = (questions.len(), limit.unwrap_or(usize::MAX).min(questions.len()));
    let mut at = 0;
    questions.retain(|_| {
        let is_kept = (at + 1) * wanted / len.max(1) > at * wanted / len.max(1);
        at += 1;
        is_kept
    });
    let known = |question: Question| {
        let missing = || Error::Malformed {
            path: folder.join("possible_answer").join(kind.file()).display().to_string(),
            line: 0,
            reason: format!("no answer to `{}`", question.id),
        };
        let wanted = match kind {
            Kind::Irrelevance => Vec::new(),
            _ => answers.remove(&question.id).ok_or_else(missing)?,
        };
        Ok((question, wanted))
    };
    questions.into_iter().map(known).collect()
}

fn read_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, Error> {
    let malformed = |line, reason| Error::Malformed { path: path.display().to_string(), line, reason };
    let text = fs_err::read_to_string(path).map_err(|error| malformed(0, error.to_string()))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(at, line)| serde_json::from_str(line).map_err(|error| malformed(at + 1, error.to_string()))).collect()
}

async fn ask(
    engine: &dyn Engine,
    kind: Kind,
    question: Question,
    wanted: Vec<Value>,
    compare: bool,
) -> Result<Judged, Error> {
    let Question { id, question, function } = question;
    let messages: Vec<Message> =
        question.into_iter().flatten().map(|said| Message::new(said.role, said.content)).collect();
    let list: Vec<Tool> = function.into_iter().map(answer::offered).collect();
    let mut ways = Vec::new();
    for unbound in [false, true].into_iter().take(1 + usize::from(compare)) {
        let tools = Tools { list: list.clone(), choice: ToolChoice::Auto, parallel: kind == Kind::Parallel, unbound };
        let request = GenerateRequest {
            max_tokens: Some(MAX_TOKENS),
            tools: Some(tools),
            ..GenerateRequest::new(Prompt::Chat(messages.clone()))
        };
        let said = engine.submit(request).await.map_err(crate::chat::Error::from)?;
        let said = said.collect().await.map_err(crate::chat::Error::from)?;
        let calls = if unbound { spelled(&said.text) } else { made(said) };
        ways.push(judge(&list, &wanted, calls));
    }
    let unbound = if compare { ways.pop() } else { None };
    Ok(Judged { id, kind, bound: ways.pop().unwrap_or_default(), unbound })
}

/// The calls of a bound answer.
fn made(said: Completion) -> Vec<Result<Call, String>> {
    let calls = said.tool_calls.into_iter();
    calls
        .map(|call| match serde_json::from_str(&call.arguments) {
            Ok(arguments) => Ok(Call { name: call.name, arguments }),
            Err(_) => Err(call.arguments),
        })
        .collect()
}

/// The calls in the text of an unbound answer, as a lenient client would find them: between the marks, with or without a
/// fence around them, or the whole text where it is a call.
fn spelled(text: &str) -> Vec<Result<Call, String>> {
    let close = CLOSE.trim_start_matches('}').trim();
    let mut pieces: Vec<&str> = text.split(OPEN).skip(1).map(|rest| rest.split(close).next().unwrap_or(rest)).collect();
    let bare = unfenced(text);
    if pieces.is_empty() && bare.starts_with('{') && bare.contains("\"arguments\"") {
        pieces.push(bare);
    }
    let read = |piece: &str| {
        let piece = unfenced(piece);
        let call: Map<String, Value> = serde_json::from_str(piece).map_err(|_| piece.to_owned())?;
        let name = call.get("name").and_then(Value::as_str);
        match (name, call.get("arguments")) {
            (Some(name), Some(Value::Object(arguments))) => {
                Ok(Call { name: name.into(), arguments: arguments.clone() })
            }
            _ => Err(piece.to_owned()),
        }
    };
    pieces.into_iter().map(read).collect()
}

fn unfenced(text: &str) -> &str {
    let text = text.trim();
    let inner = text.strip_prefix("```").map(|rest| rest.strip_prefix("json").unwrap_or(rest));
    inner.map_or(text, |inner| inner.trim_end().trim_end_matches("```")).trim()
}

fn judge(offered: &[Tool], wanted: &[Value], calls: Vec<Result<Call, String>>) -> Went {
    let mut went = Went::default();
    for call in calls {
        match call {
            Ok(call) => {
                went.malformed += usize::from(!answer::is_well_formed(offered, &call));
                went.calls.push(call);
            }
            Err(_) => went.malformed += 1,
        }
    }
    went.right = went.malformed == 0 && answer::are_right(wanted, &went.calls);
    went
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_found_in_free_text_and_what_is_none_is_told_apart() {
        let text = "I call it.\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool_call>\n<tool_call>{\"name\": f}</tool_call>";
        let calls = spelled(text);
        assert_eq!(calls[0].as_ref().unwrap().name, "f");
        assert!(calls[1].is_err() && calls.len() == 2);
        assert_eq!(spelled("```json\n{\"name\": \"f\", \"arguments\": {}}\n```").len(), 1);
        assert!(spelled("The area is 25.").is_empty());
    }

    /// The set's own answers, written out as calls, must be right and well-formed, but for the few that its own schemas refuse.
    #[test]
    fn the_sets_own_answers_are_right() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/bfcl");
        if !folder.is_dir() {
            eprintln!("skipped: the leaderboard's files are not in {}", folder.display());
            return;
        }
        let (mut num_answers, mut num_refused) = (0, 0);
        for kind in [Kind::Simple, Kind::Multiple, Kind::Parallel] {
            for (question, wanted) in read_kind(&folder, kind, None).unwrap() {
                let offered: Vec<Tool> = question.function.into_iter().map(answer::offered).collect();
                let calls: Vec<Call> = wanted.iter().map(answer::written_out).collect();
                assert!(answer::are_right(&wanted, &calls), "{}: {calls:?}", question.id);
                num_answers += 1;
                num_refused += usize::from(!calls.iter().all(|call| answer::is_well_formed(&offered, call)));
            }
        }
        assert_eq!(num_answers, 800);
        assert!(num_refused <= 40, "{num_refused} answers are against their own schemas");
    }

    #[test]
    fn a_limit_takes_questions_from_all_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let line = |n: usize| {
            format!(
                "{{\"id\": \"{n}\", \"question\": [[{{\"role\": \"user\", \"content\": \"?\"}}]], \"function\": []}}\n"
            )
        };
        let file = folder.path().join(Kind::Irrelevance.file());
        fs_err::write(file, (0..10).map(line).collect::<String>()).unwrap();
        let ids = |limit| -> Vec<String> {
            let read = read_kind(folder.path(), Kind::Irrelevance, limit).unwrap();
            read.into_iter().map(|(question, _)| question.id).collect()
        };
        assert_eq!(ids(Some(3)), ["3", "6", "9"]);
        assert_eq!(ids(None).len(), 10);
        let error = read_kind(folder.path(), Kind::Simple, None).err().unwrap().to_string();
        assert!(error.contains(Kind::Simple.file()), "{error}");
    }
}
