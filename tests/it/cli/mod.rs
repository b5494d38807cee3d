//! The built binary as typed: what is wrong is said with the name of the thing and a way out, and by the exit code.

mod bad_input;
mod bench;
mod delinquency;
mod documents;
mod full_disk;
mod hs;
mod register;
mod scoring;
mod value;

use std::path::Path;
use std::process::{Command, Output};

const SMALL: &str = "smollm2-135m-instruct";

/// What a run came to.
struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

/// Runs `haetae --home HOME ARGS`, shielded from the caller's settings, and waits for its end.
fn haetae(home: &Path, args: &[&str]) -> Ran {
    haetae_with(home, args, &[])
}

/// The same under `variables` of the environment, of ours the only ones.
fn haetae_with(home: &Path, args: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_haetae"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("HAETAE_")) {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied());
    let Output { status, stdout, stderr } = command.arg("--home").arg(home).args(args).output().unwrap();
    Ran {
        code: status.code().expect("no signal ended it"),
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
    }
}

impl Ran {
    /// Fails unless the command could not run and said all of `words`.
    #[track_caller]
    fn assert_refused(&self, words: &[&str]) {
        assert_eq!(self.code, 2, "{}", self.stderr);
        assert_eq!(self.stdout, "", "errors are no output");
        for word in words {
            assert!(self.stderr.contains(word), "no `{word}` in: {}", self.stderr);
        }
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
    }
}
