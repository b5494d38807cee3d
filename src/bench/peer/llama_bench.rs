//! `llama-bench -o json`: one list with an entry a test.

use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use super::{Task, process};
use crate::bench::Error;
use crate::bench::engine::{Case, PeerFigure, Plan};

/// A test: prefill where `n_gen` is 0, decode where `n_prompt` is.
#[derive(Debug, Deserialize)]
struct Test {
    n_prompt: usize,
    n_gen: usize,
    /// Tokens a second, the mean of the repetitions; one is asked for.
    avg_ts: f64,
}

/// One round of every prefill and of one sequence's decode. The tool warms up by itself.
pub fn measure(tool: &Path, task: &Task, plan: &Plan) -> Result<Vec<(Case, PeerFigure)>, Error> {
    // 0 asks for no such test.
    let lens: Vec<String> =
        plan.prefill.iter().chain(plan.prefill.is_empty().then_some(&0)).map(ToString::to_string).collect();
    let decode_len = if plan.batches.contains(&1) { plan.decode_len } else { 0 };
    let mut command = Command::new(tool);
    command.arg("-m").arg(&task.model);
    command.args(["-p", &lens.join(","), "-n", &decode_len.to_string()]);
    command.args(["-r", "1", "-ngl", "0", "-t", &task.threads.to_string(), "-o", "json"]);
    let printed = process::run(tool, &mut command, "")?;
    read(&printed).map_err(|reason| Error::PeerOutput { tool: tool.into(), reason })
}

fn read(printed: &str) -> Result<Vec<(Case, PeerFigure)>, String> {
    let tests: Vec<Test> = serde_json::from_str(printed).map_err(|error| error.to_string())?;
    let figures = tests.into_iter().filter_map(|test| {
        let case = match (test.n_prompt, test.n_gen) {
            (len, 0) => Case::Prefill { len },
            (0, len) => Case::Decode { len, batch: 1 },
            _ => return None,
        };
        Some((case, PeerFigure { tokens_per_s: test.avg_ts, via: "llama-bench" }))
    });
    Ok(figures.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As printed for `-p 16 -n 8 -r 1 -o json`, two of the fields that no one reads left in.
    const PRINTED: &str = r#"[
  {
    "build_commit": "unknown",
    "model_type": "llama 256M Q4_1",
    "n_prompt": 16,
    "n_gen": 0,
    "n_depth": 0,
    "test_time": "2026-11-25T10:09:37Z",
    "avg_ns": 119044929,
    "stddev_ns": 0,
    "avg_ts": 134.403037,
    "stddev_ts": 0.000000,
    "samples_ns": [ 119044929 ],
    "samples_ts": [ 134.403 ]
  },
  {
    "build_commit": "unknown",
    "model_type": "llama 256M Q4_1",
    "n_prompt": 0,
    "n_gen": 8,
    "n_depth": 0,
    "test_time": "2026-11-25T10:09:40Z",
    "avg_ns": 181741842,
    "stddev_ns": 0,
    "avg_ts": 44.018482,
    "stddev_ts": 0.000000,
    "samples_ns": [ 181741842 ],
    "samples_ts": [ 44.0185 ]
  }
]
"#;

    #[test]
    fn prompts_and_generations_are_told_apart() {
        let via = "llama-bench";
        let prefill = (Case::Prefill { len: 16 }, PeerFigure { tokens_per_s: 134.403_037, via });
        let decode = (Case::Decode { len: 8, batch: 1 }, PeerFigure { tokens_per_s: 44.018_482, via });
        assert_eq!(read(PRINTED).unwrap(), [prefill, decode]);
    }

    #[test]
    fn what_is_no_list_of_tests_is_refused() {
        assert!(read("").is_err());
        assert!(read(r#"[{"n_prompt": 16}]"#).unwrap_err().contains("n_gen"));
    }
}
