//! node-llama-cpp: llama.cpp as it comes prebuilt from npm, driven by a script of ours that is handed to `node`.

use std::path::Path;
use std::process::Command;

use serde::Deserialize;
use serde_json::json;

use super::{Task, process};
use crate::bench::Error;
use crate::bench::engine::{Case, DECODE_PROMPT_LEN, PeerFigure, Plan};

const SCRIPT: &str = include_str!("node.mjs");

/// What the script prints a case.
#[derive(Debug, Deserialize)]
#[serde(tag = "name", rename_all = "lowercase")]
enum Line {
    Prefill { tokens: usize, tokens_per_s: f64 },
    Decode { tokens: usize, batch: usize, tokens_per_s: f64 },
}

/// One round of every case. `folder` is the one with `node_modules`: from there the script's import is resolved.
pub fn measure(folder: &Path, task: &Task, plan: &Plan) -> Result<Vec<(Case, PeerFigure)>, Error> {
    let model =
        fs_err::canonicalize(&task.model).map_err(|source| Error::PeerNotRun { tool: task.model.clone(), source })?;
    let wanted = json!({
        "model": model,
        "threads": task.threads,
        "prefill": plan.prefill,
        "batches": plan.batches,
        "decodePromptLen": DECODE_PROMPT_LEN,
        "decodeLen": plan.decode_len,
    });
    let mut command = Command::new("node");
    command.current_dir(folder).args(["--input-type=module", "-"]).arg(wanted.to_string());
    let printed = process::run("node".as_ref(), &mut command, SCRIPT)?;
    read(&printed).map_err(|reason| Error::PeerOutput { tool: "node".into(), reason })
}

fn read(printed: &str) -> Result<Vec<(Case, PeerFigure)>, String> {
    let lines = printed.lines().map(str::trim).filter(|line| line.starts_with('{'));
    let figures = lines.map(|line| {
        let read = serde_json::from_str(line).map_err(|error| format!("{error} in `{line}`"))?;
        let (case, tokens_per_s) = match read {
            Line::Prefill { tokens, tokens_per_s } => (Case::Prefill { len: tokens }, tokens_per_s),
            Line::Decode { tokens, batch, tokens_per_s } => (Case::Decode { len: tokens, batch }, tokens_per_s),
        };
        Ok((case, PeerFigure { tokens_per_s, via: "node-llama-cpp" }))
    });
    figures.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As printed by the script, after a line of the library's.
    const PRINTED: &str = r#"[node-llama-cpp] Using this model to tokenize text
{"name":"prefill","tokens":64,"tokens_per_s":15.770112878739829}
{"name":"decode","tokens":16,"batch":4,"tokens_per_s":28.51904484418073}
"#;

    #[test]
    fn a_line_of_json_is_a_case() {
        let via = "node-llama-cpp";
        let prefill = (Case::Prefill { len: 64 }, PeerFigure { tokens_per_s: 15.770_112_878_739_829, via });
        let decode = (Case::Decode { len: 16, batch: 4 }, PeerFigure { tokens_per_s: 28.519_044_844_180_73, via });
        assert_eq!(read(PRINTED).unwrap(), [prefill, decode]);
    }
}
