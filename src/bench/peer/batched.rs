//! `llama-batched-bench --output-format jsonl`: a line a batch size, among other lines.

use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use super::{Task, process};
use crate::bench::Error;
use crate::bench::engine::{Case, DECODE_PROMPT_LEN, PeerFigure, Plan};

/// A batch size's line.
#[derive(Debug, Deserialize)]
struct Line {
    tg: usize,
    pl: usize,
    /// Tokens a second of all sequences together.
    speed_tg: f64,
}

/// One round of every batch size.
pub fn measure(tool: &Path, task: &Task, plan: &Plan) -> Result<Vec<(Case, PeerFigure)>, Error> {
    let Some(most) = plan.batches.iter().max() else { return Ok(Vec::new()) };
    let batches: Vec<String> = plan.batches.iter().map(ToString::to_string).collect();
    // Rounded down over there to whole sequences; a batch that does not fit would be passed over in silence.
    let context_len = most * (DECODE_PROMPT_LEN + plan.decode_len + 32);
    let threads = task.threads.to_string();
    let mut command = Command::new(tool);
    command.arg("-m").arg(&task.model);
    command.args(["-c", &context_len.to_string(), "-npp", &DECODE_PROMPT_LEN.to_string()]);
    command.args(["-ntg", &plan.decode_len.to_string(), "-npl", &batches.join(",")]);
    command.args(["-ngl", "0", "-t", &threads, "-tb", &threads, "--output-format", "jsonl"]);
    let printed = process::run(tool, &mut command, "")?;
    read(&printed).map_err(|reason| Error::PeerOutput { tool: tool.into(), reason })
}

fn read(printed: &str) -> Result<Vec<(Case, PeerFigure)>, String> {
    let lines = printed.lines().map(str::trim).filter(|line| line.starts_with('{'));
    let figures = lines.map(|line| {
        let line: Line = serde_json::from_str(line).map_err(|error| format!("{error} in `{line}`"))?;
        let case = Case::Decode { len: line.tg, batch: line.pl };
        Ok((case, PeerFigure { tokens_per_s: line.speed_tg, via: "llama-batched-bench" }))
    });
    figures.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As printed for `-npp 8 -ntg 8 -npl 1,2`, with the empty lines around.
    const PRINTED: &str = r#"
{"n_kv_max": 512, "n_batch": 2048, "n_ubatch": 512, "flash_attn": -1, "is_pp_shared": 0, "n_gpu_layers": 0, "n_threads": 2, "n_threads_batch": 2, "pp": 8, "tg": 8, "pl": 1, "n_kv": 16, "t_pp": 0.223901, "speed_pp": 35.730076, "t_tg": 0.510004, "speed_tg": 15.686152, "t": 0.733905, "speed": 21.801188}
{"n_kv_max": 512, "n_batch": 2048, "n_ubatch": 512, "flash_attn": -1, "is_pp_shared": 0, "n_gpu_layers": 0, "n_threads": 2, "n_threads_batch": 2, "pp": 8, "tg": 8, "pl": 2, "n_kv": 32, "t_pp": 0.555595, "speed_pp": 28.797956, "t_tg": 1.890427, "speed_tg": 8.463696, "t": 2.446022, "speed": 13.082466}

"#;

    #[test]
    fn a_line_is_a_batch_size() {
        let figure = |batch, tokens_per_s| {
            (Case::Decode { len: 8, batch }, PeerFigure { tokens_per_s, via: "llama-batched-bench" })
        };
        assert_eq!(read(PRINTED).unwrap(), [figure(1, 15.686_152), figure(2, 8.463_696)]);
    }

    #[test]
    fn a_line_without_a_speed_is_refused() {
        assert!(read(r#"{"tg": 8, "pl": 2}"#).unwrap_err().contains("speed_tg"));
    }
}
