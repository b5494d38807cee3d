//! Datasets by the built binary and by its library: killed and resumed, exported and taken in again, written by a
//! model.

mod approved;
mod exports;
mod history;
mod kill;
mod model;
mod store;
mod workers;

use std::path::Path;
use std::process::{Command, Output};

use haetae::datasets::store::Filter;
use haetae::datasets::{Error, Store, StoredRow};

/// Settings that need no index: the filters that search are off.
const ALONE: &str =
    "[filters]\nround_trip = { enabled = false, limit = 0.1 }\nanswerable = { enabled = false, limit = 0 }\n";

/// `haetae --home HOME dataset ARGS`, shielded from the caller's settings.
fn command(home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_haetae"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("HAETAE_")) {
        command.env_remove(name);
    }
    command.arg("--home").arg(home).arg("dataset").args(args);
    command
}

/// Runs it to its end and gives what it printed.
#[track_caller]
fn dataset(home: &Path, args: &[&str]) -> String {
    let Output { status, stdout, stderr } = command(home, args).output().unwrap();
    assert!(status.success(), "{args:?}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

/// Makes a dataset by template, without an index.
fn generate(home: &Path, name: &str, rows: usize) {
    let config = home.join("alone.toml");
    fs_err::write(&config, ALONE).unwrap();
    let rows = rows.to_string();
    dataset(home, &["generate", "--name", name, "--rows", &rows, "--config", config.to_str().unwrap()]);
}

fn store(home: &Path) -> Store {
    Store::open(&Store::file(home)).unwrap()
}

/// All rows of a dataset, by id.
fn rows(home: &Path, name: &str, filter: &Filter) -> Vec<StoredRow> {
    let store = store(home);
    let mut rows = Vec::new();
    let found = store.for_each::<Error>(&store.dataset(name).unwrap(), filter, |row| {
        rows.push(row);
        Ok(())
    });
    found.unwrap();
    rows
}
