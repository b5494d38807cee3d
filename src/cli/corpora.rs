//! `haetae corpora`: build, list, search, add.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use serde_json::json;

use super::CorporaCommand;
use crate::app;
use crate::config::Config;
use crate::index::{BuildReport, DocumentSummary, Query};
use crate::ingest;

pub(super) fn run(command: CorporaCommand, config: &Config) -> anyhow::Result<ExitCode> {
    match command {
        CorporaCommand::Build => build(config),
        CorporaCommand::List { json } => list(config, json),
        CorporaCommand::Search { query, corpus, limit, json } => search(config, &query, corpus, limit, json),
        CorporaCommand::Add { paths, corpus } => add(config, &paths, &corpus),
    }
}

fn exit(report: &BuildReport) -> ExitCode {
    if report.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) }
}

fn build(config: &Config) -> anyhow::Result<ExitCode> {
    let index = app::open_index(config)?;
    Ok(exit(&app::update_index(&index, &config.home)?))
}

fn list(config: &Config, as_json: bool) -> anyhow::Result<ExitCode> {
    let documents = app::open_index(config)?.documents()?;
    if as_json {
        println!("{}", serde_json::to_string_pretty(&documents)?);
        return Ok(ExitCode::SUCCESS);
    }
    let mut corpora: BTreeMap<&str, Vec<&DocumentSummary>> = BTreeMap::new();
    for document in &documents {
        corpora.entry(&document.corpus).or_default().push(document);
    }
    for (corpus, documents) in corpora {
        let num_passages: usize = documents.iter().map(|document| document.num_passages).sum();
        println!("{corpus}: {} documents, {num_passages} passages", documents.len());
        for document in documents {
            let days = if document.in_force { "" } else { ", not in force today" };
            println!("  {}  {}  ({} passages{days})", document.id, document.title, document.num_passages);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn search(
    config: &Config,
    query: &str,
    corpus: Option<String>,
    limit: usize,
    as_json: bool,
) -> anyhow::Result<ExitCode> {
    let index = app::open_index(config)?;
    let corpora: Vec<String> = corpus.into_iter().collect();
    let started = Instant::now();
    let hits = index.search(&Query { text: query, corpora: &corpora, limit })?;
    let took = started.elapsed();
    if as_json {
        let hits: Vec<_> = hits
            .iter()
            .map(|hit| json!({"score": hit.score, "bm25": hit.bm25, "cosine": hit.cosine, "passage": &*hit.passage}))
            .collect();
        println!(
            "{}",
            serde_json::to_string_pretty(&json!({"query": query, "ms": took.as_millis() as u64, "hits": hits}))?
        );
        return Ok(ExitCode::SUCCESS);
    }
    for hit in &hits {
        println!("{:.3}  {}  {}", hit.score, hit.passage.id, hit.passage.title);
        if !hit.passage.heading.is_empty() {
            println!("       {}", hit.passage.heading);
        }
        let line: String = hit.passage.text.split_whitespace().collect::<Vec<_>>().join(" ");
        println!("       {}", line.chars().take(160).collect::<String>());
    }
    eprintln!("{} passages in {} ms", hits.len(), took.as_millis());
    Ok(ExitCode::SUCCESS)
}

fn add(config: &Config, paths: &[PathBuf], corpus: &str) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(
        !corpus.is_empty() && corpus.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_')),
        "corpus name `{corpus}`: letters, digits, `-` and `_` only"
    );
    let folder = config.home.join("corpora").join(corpus);
    let mut files = Vec::new();
    for path in paths {
        collect(path, &mut files)?;
    }
    let index = app::open_index(config)?;
    // Everything is read before anything is copied: a broken file leaves the corpus as it was.
    let mut copies = Vec::with_capacity(files.len());
    for file in files {
        let bytes = fs_err::read(&file)?;
        ingest::documents(&file, corpus, &bytes)?;
        let name = file.file_name().with_context(|| format!("`{}` has no file name", file.display()))?;
        let target = folder.join(name);
        anyhow::ensure!(
            copies.iter().all(|(other, _)| *other != target),
            "two of the files are called `{}`, and a corpus holds one of a name\n\nhint: rename one, or add them to two corpora",
            name.display()
        );
        copies.push((target, bytes));
    }
    fs_err::create_dir_all(&folder)?;
    for (target, bytes) in &copies {
        fs_err::write(target, bytes)?;
    }
    eprintln!("{} files added to `{corpus}`", copies.len());
    Ok(exit(&app::update_index(&index, &config.home)?))
}

/// The file itself, or the readable files of a folder.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let mut entries =
        fs_err::read_dir(path)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    entries.sort();
    for entry in entries {
        if entry.is_dir() || ingest::is_supported(&entry) {
            collect(&entry, files)?;
        }
    }
    Ok(())
}
