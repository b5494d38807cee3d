//! `haetae dataset`: generate, watch, review, export and import datasets of questions and answers.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use crate::app;
use crate::config::Config;
use crate::datasets::exports::{Format, export};
use crate::datasets::filters::Retrieval;
use crate::datasets::jobs::{self, Ended, Tools, Worker};
use crate::datasets::store::{Dataset, Filter, WorkLock};
use crate::datasets::{
    self, Difficulty, GenerationConfig, Persona, Place, QuestionType, Split, State, Store, StoredRow, Work, Writers,
};
use crate::history::History;
use crate::ingest::Document;
use crate::lang::Language;
use crate::prompts::Prompts;
use crate::rag::Rag;

#[derive(Debug, Subcommand)]
pub enum DatasetCommand {
    /// Make a dataset of questions and answers from a corpus; a run that was stopped goes on where it stood
    Generate(GenerateArgs),
    /// Tell how far a generation has come
    Status {
        name: String,
        #[arg(long)]
        json: bool,
    },
    /// Go on with a generation that was paused or killed
    Resume { name: String },
    /// Stop a generation until it is resumed
    Pause { name: String },
    /// End a generation for good; its rows stay
    Cancel { name: String },
    /// List the datasets
    List {
        #[arg(long)]
        json: bool,
    },
    /// Show rows: filtered, searched, page by page
    Show(ShowArgs),
    /// Count a dataset: facets, cleanness, coverage, rates
    Stats {
        name: String,
        #[arg(long)]
        json: bool,
    },
    /// Judge and correct rows
    Review(ReviewArgs),
    /// Hold the rows against the corpus as it is now; those whose source changed go stale
    Refresh { name: String },
    /// Write the good rows as files for other programs, with a manifest
    Export {
        name: String,
        #[arg(long)]
        format: Format,
        /// Folder to make
        #[arg(long, value_name = "PATH")]
        out: PathBuf,
    },
    /// Take rows in: an exported folder, a file, or the conversations that were logged
    Import {
        /// A folder that `export` wrote, or a JSONL, CSV or Parquet file
        #[arg(required_unless_present = "history")]
        path: Option<PathBuf>,
        #[arg(long)]
        name: String,
        /// Take the logged conversations instead, personal data masked
        #[arg(long, conflicts_with = "path")]
        history: bool,
    },
    /// Measure how fast rows are listed, filtered, searched, counted and exported, on invented rows
    Bench {
        #[arg(long, default_value_t = 100_000)]
        rows: usize,
    },
}

#[derive(Debug, Args)]
pub struct GenerateArgs {
    /// Corpus to ask about [default: valuation]
    #[arg(long)]
    corpus: Option<String>,
    /// Rows wanted, filters passed [default: 2000]
    #[arg(long, value_name = "N")]
    rows: Option<usize>,
    #[arg(long)]
    name: String,
    /// Types, personas, languages, difficulties, filters; see the README
    #[arg(long, value_name = "TOML")]
    config: Option<PathBuf>,
    /// Who writes the rows [default: templates]
    #[arg(long)]
    generator: Option<Writers>,
    #[arg(long)]
    seed: Option<u64>,
    /// Show the first N rows of the plan, filters aside, and make nothing
    #[arg(long, value_name = "N")]
    preview: Option<usize>,
}

#[derive(Debug, Args)]
pub struct ShowArgs {
    name: String,
    /// Words that question and answer hold
    #[arg(long)]
    text: Option<String>,
    #[arg(long)]
    state: Vec<State>,
    #[arg(long)]
    language: Option<Language>,
    #[arg(long = "type")]
    kind: Option<QuestionType>,
    #[arg(long)]
    persona: Option<Persona>,
    #[arg(long)]
    difficulty: Option<Difficulty>,
    #[arg(long)]
    split: Option<Split>,
    #[arg(long)]
    topic: Option<String>,
    /// Id of the last row of the page before
    #[arg(long, default_value_t = 0)]
    after: i64,
    #[arg(long, default_value_t = 20)]
    limit: usize,
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct ReviewArgs {
    name: String,
    /// Who judges [default: the name of the user]
    #[arg(long, env = "USER", default_value = "")]
    reviewer: String,
    /// Show the next row that waits
    #[arg(long)]
    next: bool,
    #[arg(long, value_name = "ID")]
    approve: Vec<i64>,
    #[arg(long, value_name = "ID", requires = "reason")]
    reject: Vec<i64>,
    #[arg(long)]
    reason: Option<String>,
    /// Change a row; with `--question` or `--answer`
    #[arg(long, value_name = "ID")]
    edit: Option<i64>,
    #[arg(long, requires = "edit")]
    question: Option<String>,
    #[arg(long, requires = "edit")]
    answer: Option<String>,
    /// Show what was changed in a row
    #[arg(long, value_name = "ID")]
    history: Option<i64>,
}

/// Does what was typed.
///
/// # Errors
/// Those of the store, the settings and the services a command needs.
pub(super) fn run(command: DatasetCommand, config: &Config) -> anyhow::Result<ExitCode> {
    if let DatasetCommand::Bench { rows } = command {
        return bench(rows, config);
    }
    fs_err::create_dir_all(&config.home)?;
    let store = Place::from(config).open()?;
    match command {
        DatasetCommand::Generate(args) => return generate(&args, config, &store),
        DatasetCommand::Resume { name } => return resume(&name, config, &store),
        DatasetCommand::Pause { name } => jobs::pause(&store, &store.dataset(&name)?)?,
        DatasetCommand::Cancel { name } => jobs::cancel(&store, &store.dataset(&name)?)?,
        DatasetCommand::Status { name, json } => status(&store, &name, json)?,
        DatasetCommand::List { json } => list(&store, json)?,
        DatasetCommand::Show(args) => show(&args, &store)?,
        DatasetCommand::Stats { name, json } => stats(&store, &name, json)?,
        DatasetCommand::Review(args) => review(&args, &store)?,
        DatasetCommand::Refresh { name } => refresh(&name, config, &store)?,
        DatasetCommand::Export { name, format, out } => {
            let report = export(&store, &store.dataset(&name)?, format, &out)?;
            for file in &report.files {
                println!("{}  {}  {} rows", file.sha256, file.path, file.num_rows);
            }
        }
        DatasetCommand::Import { path, name, history } => return import(path, &name, history, config, &store),
        DatasetCommand::Bench { .. } => {}
    }
    Ok(ExitCode::SUCCESS)
}

fn generate(args: &GenerateArgs, config: &Config, store: &Store) -> anyhow::Result<ExitCode> {
    let mut settings = match &args.config {
        Some(path) => {
            let text = fs_err::read_to_string(path)?;
            GenerationConfig::parse(&text).with_context(|| format!("`{}`", path.display()))?
        }
        None => GenerationConfig::default(),
    };
    settings.corpus = args.corpus.clone().unwrap_or(settings.corpus);
    settings.rows = args.rows.unwrap_or(settings.rows);
    settings.generator = args.generator.unwrap_or(settings.generator);
    settings.seed = args.seed.unwrap_or(settings.seed);
    let documents = datasets::documents(&config.home, &settings.corpus)?;
    if let Some(num) = args.preview {
        return preview(&settings, &documents, num);
    }
    let lock = store.work_on(&args.name)?;
    let (dataset, job) = jobs::begin(store, &args.name, &settings, &documents)?;
    for note in &job.notes {
        eprintln!("plan: {note}");
    }
    // Asking again for what was paused means going on; what is done stays done.
    if jobs::resume(store, &dataset).is_err() {
        eprintln!("`{}` is finished", args.name);
        // A process may have been killed between the last row and the splits.
        datasets::complete_splits(store, &dataset, settings.filters.duplicates.limit)?;
        status(store, &args.name, false)?;
        return Ok(ExitCode::SUCCESS);
    }
    // The latest generation is gone on with, which may be one that filled a hole.
    work(config, lock, &dataset, &job.config, documents)
}

fn preview(settings: &GenerationConfig, documents: &[Document], num: usize) -> anyhow::Result<ExitCode> {
    let plan = datasets::plan(settings, documents)?;
    for note in &plan.notes {
        eprintln!("plan: {note}");
    }
    for item in plan.items.iter().take(num) {
        match &item.work {
            Work::Template { draft, persona, .. } => {
                println!("[{} {} {} {persona}]", draft.kind, draft.language, draft.difficulty);
                println!("{}\n{}\n", draft.question, draft.answer);
            }
            Work::Passage(work) => {
                println!("[{} {} {} {}]", work.kind, work.language, work.difficulty, work.persona);
                println!("from {}, bytes {} to {}\n", work.document, work.start, work.end);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn resume(name: &str, config: &Config, store: &Store) -> anyhow::Result<ExitCode> {
    let dataset = store.dataset(name)?;
    let lock = store.work_on(name)?;
    jobs::resume(store, &dataset)?;
    let settings = store.job(&dataset)?.context("the job was there a moment ago")?.config;
    let documents = datasets::documents(&config.home, &settings.corpus)?;
    work(config, lock, &dataset, &settings, documents)
}

/// Starts what the settings need, and works.
fn work(
    config: &Config,
    lock: WorkLock,
    dataset: &Dataset,
    settings: &GenerationConfig,
    documents: Vec<Document>,
) -> anyhow::Result<ExitCode> {
    let store = &lock.store().clone();
    let searches = settings.filters.round_trip.enabled || settings.filters.answerable.enabled;
    let asks_model = settings.generator != Writers::Templates || settings.filters.judge.enabled;
    let retrieval = if searches {
        let index = app::open_index(config)?;
        app::update_index_or_keep(&index, &config.home)?;
        let rag = Rag::new(Arc::new(index));
        rag.warm_up()?;
        Some(Arc::new(Retrieval::new(Arc::new(rag), &settings.corpus)))
    } else {
        None
    };
    let runtime = tokio::runtime::Runtime::new()?;
    let started = Instant::now();
    let ended = runtime.block_on(async {
        let (engine, prompts) = if asks_model {
            (Some(app::start_engine(config).await?), Some(Arc::new(Prompts::load()?)))
        } else {
            (None, None)
        };
        let worker = Worker::new(lock, dataset, Tools { engine, prompts, retrieval }, documents)?;
        let bar = ProgressBar::new(store.job(dataset)?.map_or(0, |job| job.num_pending) as u64);
        bar.set_style(ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}")?);
        bar.enable_steady_tick(Duration::from_millis(500));
        let ended = worker
            .run(|num_items, num_kept| {
                bar.set_position(num_items as u64);
                bar.set_message(format!("{num_kept} rows kept"));
            })
            .await;
        bar.finish_and_clear();
        anyhow::Ok(ended?)
    })?;
    datasets::complete_splits(store, dataset, settings.filters.duplicates.limit)?;
    status(store, &dataset.name, false)?;
    eprintln!("this run took {:.1} s", started.elapsed().as_secs_f32());
    let job = store.job(dataset)?.context("the job was there a moment ago")?;
    let is_short = ended == Ended::Done && (job.num_good as usize) < job.rows_wanted;
    Ok(if ended != Ended::Done || is_short { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn status(store: &Store, name: &str, as_json: bool) -> anyhow::Result<()> {
    let dataset = store.dataset(name)?;
    let job = store.job(&dataset)?;
    if as_json {
        println!("{}", serde_json::to_string_pretty(&serde_json::json!({"dataset": dataset, "job": job}))?);
        return Ok(());
    }
    println!("{name}: {} rows, {} of them good", dataset.num_rows, dataset.num_good);
    let Some(job) = job else { return Ok(()) };
    println!(
        "{}: {} of {} rows; {} items done, {} to go, {} to spare, {} failed",
        job.state.name(),
        job.num_good,
        job.rows_wanted,
        job.num_done,
        job.num_pending,
        job.num_spare,
        job.num_failed
    );
    for stage in &job.stages {
        println!(
            "  {:<18} {:>7} rows, {:>7} went on, {:>10.2} s, {:>12.0} an hour",
            stage.stage, stage.num, stage.kept, stage.seconds, stage.per_hour
        );
    }
    Ok(())
}

fn list(store: &Store, as_json: bool) -> anyhow::Result<()> {
    let datasets = store.datasets()?;
    if as_json {
        println!("{}", serde_json::to_string_pretty(&datasets)?);
        return Ok(());
    }
    for dataset in datasets {
        let (rows, good) = (dataset.num_rows, dataset.num_good);
        println!("{}  {}  {rows} rows, {good} good, {}", dataset.name, dataset.corpus, dataset.created_at);
    }
    Ok(())
}

fn print(row: &StoredRow) {
    let (kind, language, persona) = (row.row.kind, row.row.language, row.row.persona);
    println!("#{} {} [{kind} {language} {} {persona}, topic {}]", row.id, row.state, row.row.difficulty, row.row.topic);
    println!("Q: {}\nA: {}", row.row.question, row.row.answer);
    for evidence in &row.row.evidence {
        println!("   {} {}..{}: “{}”", evidence.document, evidence.start, evidence.end, evidence.quote);
    }
    if let Some(reason) = &row.reason {
        println!("   {reason}");
    }
    println!();
}

fn show(args: &ShowArgs, store: &Store) -> anyhow::Result<()> {
    let dataset = store.dataset(&args.name)?;
    let filter = Filter {
        states: args.state.clone(),
        language: args.language,
        kind: args.kind,
        persona: args.persona,
        difficulty: args.difficulty,
        split: args.split,
        topic: args.topic.clone(),
        text: args.text.clone(),
    };
    let page = store.list(&dataset, &filter, args.after, args.limit)?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&page)?);
        return Ok(());
    }
    page.rows.iter().for_each(print);
    eprintln!("{} rows found", page.num_found);
    if let Some(next) = page.next {
        eprintln!("more with `--after {next}`");
    }
    Ok(())
}

fn stats(store: &Store, name: &str, as_json: bool) -> anyhow::Result<()> {
    let stats = datasets::stats(store, &store.dataset(name)?)?;
    if as_json {
        println!("{}", serde_json::to_string_pretty(&stats)?);
        return Ok(());
    }
    status(store, name, false)?;
    for (facet, counts) in [
        ("state", &stats.facets.state),
        ("type", &stats.good.kind),
        ("language", &stats.good.language),
        ("persona", &stats.good.persona),
        ("difficulty", &stats.good.difficulty),
        ("split", &stats.good.split),
        ("refused by", &stats.refusals),
    ] {
        let counts: Vec<String> = counts.iter().map(|(value, num)| format!("{value} {num}")).collect();
        println!("{facet}: {}", counts.join(", "));
    }
    println!(
        "near duplicates: {:.2} % ({:.2} % beside twins); language purity: {:.4}",
        stats.near_duplicates * 100.0,
        stats.near_duplicates_beside_twins * 100.0,
        stats.language_purity
    );
    let coverage = &stats.coverage;
    println!(
        "coverage: {} of {} cells of topic, type, persona and language; {} topics and types without a row in a language",
        coverage.num_filled, coverage.num_cells, coverage.num_holes
    );
    if let Some(kappa) = stats.review.kappa {
        println!("review: {} of {} agreed, kappa {kappa:.3}", stats.review.num_agreed, stats.review.num_rows);
    }
    Ok(())
}

fn review(args: &ReviewArgs, store: &Store) -> anyhow::Result<()> {
    let dataset = store.dataset(&args.name)?;
    for &row in &args.approve {
        println!("#{row} {}", store.approve(&dataset, row, &args.reviewer)?);
    }
    for &row in &args.reject {
        let reason = args.reason.as_deref().unwrap_or_default();
        println!("#{row} {}", store.reject(&dataset, row, &args.reviewer, reason)?);
    }
    if let Some(row) = args.edit {
        let texts = [("question", &args.question), ("answer", &args.answer)];
        let changes: Vec<(&str, String)> =
            texts.into_iter().filter_map(|(field, text)| Some((field, text.clone()?))).collect();
        anyhow::ensure!(!changes.is_empty(), "`--edit` changes nothing without `--question` or `--answer`");
        store.edit(&dataset, row, &args.reviewer, &changes)?;
        print(&store.row(&dataset, row)?);
    }
    if let Some(row) = args.history {
        for change in store.edits(store.row(&dataset, row)?.id)? {
            println!("{} {} {}\n- {}\n+ {}", change.made_at, change.editor, change.field, change.before, change.after);
        }
    }
    if args.next {
        match store.next_for_review(&dataset, &args.reviewer)? {
            Some(row) => print(&row),
            None => eprintln!("nothing waits for `{}`", args.reviewer),
        }
    }
    Ok(())
}

fn refresh(name: &str, config: &Config, store: &Store) -> anyhow::Result<()> {
    let dataset = store.dataset(name)?;
    let _lock = store.work_alone_on(name)?;
    let report = datasets::refresh(store, &dataset, &datasets::documents(&config.home, &dataset.corpus)?)?;
    println!(
        "{} rows: {} unchanged, {} followed to a new place, {} stale",
        report.num_rows, report.unchanged, report.moved, report.stale
    );
    Ok(())
}

fn import(
    path: Option<PathBuf>,
    name: &str,
    history: bool,
    config: &Config,
    store: &Store,
) -> anyhow::Result<ExitCode> {
    let report = match path {
        Some(path) => datasets::import(store, &path, name)?,
        None if history => {
            let history = History::open(&config.home.join("haetae.sqlite"))?;
            datasets::import_history(store, &history, name)?
        }
        None => anyhow::bail!("nothing to import"),
    };
    println!("{} rows read, {} of them new", report.num_read, report.num_new);
    if report.num_masked > 0 {
        eprintln!("{} pieces of personal data masked", report.num_masked);
    }
    Ok(ExitCode::SUCCESS)
}

/// Longest time a list, a filter, a search or a count may take at the 95th percentile.
const MAX_P95: Duration = Duration::from_millis(100);

/// On a server of its own schema where one is set, else in a file that is removed.
fn bench(num_rows: usize, config: &Config) -> anyhow::Result<ExitCode> {
    let folder = std::env::temp_dir().join(format!("haetae-dataset-bench-{}", std::process::id()));
    fs_err::create_dir_all(&folder)?;
    let measured = datasets::bench::measure(&folder, config.datasets_url.as_ref(), num_rows);
    fs_err::remove_dir_all(&folder)?;
    let mut code = ExitCode::SUCCESS;
    for (what, times) in measured? {
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
        let (median, p95) = (at(0.5), at(0.95));
        println!("{what:<28} {:>4} times, p50 {median:>10.2?}, p95 {p95:>10.2?}", times.len());
        if times.len() > 1 && p95 > MAX_P95 {
            code = ExitCode::from(1);
        }
    }
    Ok(code)
}
