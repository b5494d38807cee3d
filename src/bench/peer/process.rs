//! Running a tool to its end.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::bench::Error;

/// Characters of a tool's last words worth repeating.
const MAX_SAID_CHARS: usize = 500;

/// What `command` prints to stdout, `input` being given to it. `tool` is what it is called in errors.
///
/// # Errors
/// [`Error::PeerNotRun`], [`Error::PeerFailed`].
pub fn run(tool: &Path, command: &mut Command, input: &str) -> Result<String, Error> {
    let not_run = |source| Error::PeerNotRun { tool: tool.into(), source };
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(not_run)?;
    let mut stdin = child.stdin.take().expect("stdin is piped");
    // A tool that has ended says why in its own words below.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().map_err(not_run)?;
    if !output.status.success() {
        let said = last_words(&String::from_utf8_lossy(&output.stderr));
        return Err(Error::PeerFailed { tool: tool.into(), status: output.status, said });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The end of what was said.
pub fn last_words(said: &str) -> String {
    let said = said.trim();
    let skipped = said.chars().count().saturating_sub(MAX_SAID_CHARS);
    said.chars().skip(skipped).collect()
}
