//! Environments of Python in the home of the tests, each made once.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::home;

/// The Python of the environment called `name`, which has what `requirements` lists.
pub fn environment(name: &str, requirements: &Path) -> PathBuf {
    let environment = home::home().join(name);
    let python = environment.join("bin/python");
    if !python.exists() {
        run(Command::new("python3").arg("-m").arg("venv").arg(&environment));
    }
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "-r"]).arg(requirements));
    python
}

/// Runs a command to its end.
pub fn run(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?}: {status}");
}
