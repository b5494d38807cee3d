//! `haetae models`: list, fetch, take over, verify, recommend.

use std::process::ExitCode;

use anyhow::Context;
use indicatif::HumanBytes;
use serde_json::json;

use super::ModelsCommand;
use crate::config::Config;
use crate::models::{Entry, Machine, Outcome, State, Store, TerminalProgress, recommend};

/// Does one of the commands.
pub fn run(command: ModelsCommand, config: &Config) -> anyhow::Result<ExitCode> {
    let store = Store::open(config)?;
    let progress = TerminalProgress::new();
    match command {
        ModelsCommand::List { json } => list(&store, json),
        ModelsCommand::Pull { name } => {
            let stored = store.ensure(&name, &|event| progress.show(event))?;
            for path in &stored.files {
                println!("{}", path.display());
            }
        }
        ModelsCommand::Import { file } => {
            let imported = store.import(&file, &|event| progress.show(event))?;
            let kind = if imported.is_own { "a model of your own" } else { "known to the catalogue" };
            eprintln!("{}: {kind}, at {}", imported.name, imported.path.display());
            println!("{}", imported.name);
        }
        ModelsCommand::Verify => return verify(&store, &progress),
        ModelsCommand::Recommend => {
            let (machine, context_len) = (Machine::measure(), config.limits.context_len);
            let best = recommend(store.catalog(), machine, context_len)
                .with_context(|| format!("no chat model fits into {}", HumanBytes(machine.available_bytes)))?;
            eprintln!("{}", best.reason);
            eprintln!("fetch it with `haetae models pull {0}`, use it with `--model {0}`", best.model);
            println!("{}", best.model);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(store: &Store, json: bool) {
    let entries = store.catalog().entries();
    if json {
        let models: Vec<_> = entries.iter().map(|entry| described(store, entry)).collect();
        println!("{:#}", json!({ "models": models }));
        return;
    }
    let width = entries.iter().map(|entry| entry.name.len()).max().unwrap_or_default();
    for entry in entries {
        let state = match store.state(entry) {
            State::Stored => "here",
            State::Partial => "begun",
            State::Absent => "",
        };
        let roles: Vec<_> = entry.roles.iter().map(|role| format!("{role:?}").to_lowercase()).collect();
        let languages: Vec<_> = entry.languages.iter().map(|language| language.code()).collect();
        println!(
            "{:width$}  {:6} {:>10}  {:6} {:14} {state}",
            entry.name,
            roles.join(","),
            HumanBytes(entry.bytes()).to_string(),
            languages.join(","),
            entry.licence,
        );
    }
}

fn described(store: &Store, entry: &Entry) -> serde_json::Value {
    let mut model = serde_json::to_value(entry).expect("an entry is plain data");
    model["bytes"] = json!(entry.bytes());
    model["state"] = json!(store.state(entry));
    model["folder"] = json!(store.folder(&entry.name));
    model
}

fn verify(store: &Store, progress: &TerminalProgress) -> anyhow::Result<ExitCode> {
    let checked = store.verify(&|event| progress.show(event))?;
    let mut all_sound = true;
    for file in &checked {
        let path = file.path.display();
        match &file.outcome {
            Outcome::Sound { bytes } => println!("sound    {} {path} ({})", file.model, HumanBytes(*bytes)),
            Outcome::Missing => println!("missing  {} {path}", file.model),
            Outcome::Broken { expected, found } => {
                println!("broken   {} {path}: sha256 is {found}, not {expected}", file.model);
            }
        }
        all_sound &= matches!(file.outcome, Outcome::Sound { .. });
    }
    if all_sound {
        eprintln!("{} files, all sound", checked.len());
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("\nhint: `haetae models pull NAME` fetches what is broken or missing");
    Ok(ExitCode::FAILURE)
}
