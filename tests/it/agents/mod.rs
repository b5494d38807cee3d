//! The agent over an invented world: plans, results, approvals, and what stands in data and is not followed.

mod approvals;
mod foreign;
mod injection;
mod runs;

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use haetae::agents::{Agents, Desk, Record};
use haetae::chat::{Chat, Target, TurnRequest};
use haetae::demo::World;
use haetae::prompts::Prompts;
use haetae::scoring::{self, Files, Mapping, Shelf, Training};
use haetae::{rates, register};

use crate::support::{Script, ScriptedEngine};

/// A world small enough to learn from in a second.
const WORLD: World = World { seed: 1, scale: 0.05 };

struct Made {
    _folder: tempfile::TempDir,
    world: PathBuf,
    home: PathBuf,
}

static MADE: LazyLock<Made> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let (world, home) = (folder.path().join("world"), folder.path().join("home"));
    WORLD.write(&world).unwrap();
    std::fs::create_dir_all(&home).unwrap();
    prepare(&home, &world);
    Made { _folder: folder, world, home }
});

/// Imports the tables of `world` into `home`, and learns risk from them.
fn prepare(home: &Path, world: &Path) {
    register::import(home, world).unwrap();
    rates::import(home, world).unwrap();
    let training = Training {
        mapping: Mapping::load("demo").unwrap(),
        files: Files { train: world.join("declarations.csv"), held_out: None },
        max_bad_rows: 0,
        today: "2026-11-27".parse().unwrap(),
        seed: 7,
        compare: false,
    };
    let trained = scoring::train(&training, "test".into(), &|_| {}).unwrap();
    Shelf::risk(home).put(&trained.model, &trained.report).unwrap();
}

/// The agent over a home, whose language model says `words` to everything.
fn agents_over(home: &Path, words: &'static str) -> Agents {
    let script = Script { tokens: vec![words], context_len: 10_000, ..Script::default() };
    let prompts = Arc::new(Prompts::load().unwrap());
    let chat = Chat::new(Arc::new(ScriptedEngine::new(script)), None, Arc::clone(&prompts));
    Agents::new(home, chat, Arc::new(Desk::new(home, None)), prompts).unwrap()
}

async fn ask(agents: &Agents, request: &str) -> Record {
    let turn = TurnRequest { target: Target::Agent, ..TurnRequest::question(request, Vec::new()) };
    agents.answer(turn, None).await.unwrap()
}

fn called(record: &Record) -> Vec<&str> {
    record.calls.iter().map(|call| call.tool.as_str()).collect()
}

/// The rows of a table of the world, field by field.
fn rows(table: &str) -> Vec<csv::StringRecord> {
    let mut reader = csv::Reader::from_path(MADE.world.join(table)).unwrap();
    reader.records().collect::<Result<_, _>>().unwrap()
}
