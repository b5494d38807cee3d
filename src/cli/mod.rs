//! The command line: what can be typed, and one file a command for what it does.
//!
//! Data goes to stdout, everything else to stderr. Exit codes: 0 done, 1 ran but below a threshold or partly failed,
//! 2 could not run.

mod agent;
mod ask;
mod bench;
mod corpora;
mod dataset;
mod demo;
mod documents;
mod eval;
mod mcp;
mod models;
mod network;
mod profile;
mod register;
mod score;
mod serve;
mod train;
mod value;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

pub use agent::AgentArgs;
pub use bench::BenchCommand;
pub use dataset::DatasetCommand;
pub use demo::DemoCommand;
pub use documents::DocumentsCommand;
pub use network::NetworkCommand;
pub use profile::ProfileArgs;
pub use register::RegisterCommand;
pub use score::ScoreCommand;
pub use train::TrainCommand;
pub use value::ValueArgs;

use crate::config::{Config, Overrides, Secret};
use crate::eval::functions::Kind;
use crate::telemetry;

/// In-house LLM platform of a customs administration: answers with citations that hold.
#[derive(Debug, Parser)]
#[command(name = "haetae", version, about, propagate_version = true)]
pub struct Cli {
    #[command(flatten)]
    pub settings: Settings,
    #[command(subcommand)]
    pub command: Command,
}

/// Settings every command understands; each also stands in `haetae.toml` or the environment.
#[derive(Clone, Debug, Args)]
pub struct Settings {
    /// Folder that holds all state: models, indexes, conversations, `haetae.toml` [default: ~/.haetae]
    #[arg(long, global = true, env = "HAETAE_HOME", value_name = "DIR")]
    pub home: Option<PathBuf>,
    /// Never open a connection to fetch models; what is missing is an error that names it
    #[arg(long, global = true, env = "HAETAE_OFFLINE", value_parser = clap::builder::BoolishValueParser::new())]
    pub offline: bool,
    /// Chat model: a name from `haetae models list`, a GGUF file or a safetensors folder
    #[arg(long, global = true, env = "HAETAE_MODEL", value_name = "MODEL")]
    pub model: Option<String>,
    /// Use an OpenAI-compatible engine (vLLM, SGLang, llama.cpp, another Haetae) at this base URL instead of the local one
    #[arg(long, global = true, env = "HAETAE_REMOTE_URL", value_name = "URL")]
    pub remote_url: Option<String>,
    /// Key for the remote engine
    #[arg(long, global = true, env = "HAETAE_REMOTE_KEY", hide_env_values = true, value_name = "KEY")]
    pub remote_key: Option<String>,
    /// Keep vectors in this Qdrant server (gRPC URL) instead of in the process; for corpora beyond one machine
    #[arg(long, global = true, env = "HAETAE_QDRANT_URL", value_name = "URL")]
    pub qdrant_url: Option<String>,
    /// Send OpenTelemetry spans to this collector (base URL of OTLP over HTTP, as in http://127.0.0.1:4318)
    #[arg(long, global = true, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL")]
    pub otlp_url: Option<String>,
    /// Keep datasets in this PostgreSQL database instead of a file of the home folder; for several workers on one generation
    #[arg(long, global = true, env = "HAETAE_DATASETS_URL", hide_env_values = true, value_name = "URL")]
    pub datasets_url: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Fetch what is missing, build the default index and serve the page and the API
    Serve(ServeArgs),
    /// Ask one question in the terminal
    Ask(AskArgs),
    /// Ask the agent, which calls the customs tools and answers from their results
    Agent(AgentArgs),
    /// Serve the agent's tools over the Model Context Protocol on standard input and output
    Mcp,
    /// Build, list, search and extend the corpora
    #[command(subcommand)]
    Corpora(CorporaCommand),
    /// Generate, review, export and import datasets of questions and answers
    #[command(subcommand)]
    Dataset(DatasetCommand),
    /// List, fetch, import and verify models
    #[command(subcommand)]
    Models(ModelsCommand),
    /// Make an invented world to learn from
    #[command(subcommand)]
    Demo(DemoCommand),
    /// Take in the administration's tables and look things up in them
    #[command(subcommand)]
    Register(RegisterCommand),
    /// See who stands by whom: ways, neighbourhoods, patterns
    #[command(subcommand)]
    Network(NetworkCommand),
    /// Draw the page of one company: trade, dues, peers, risk, network, each fact with its source
    Profile(ProfileArgs),
    /// Learn scores from your own tables
    #[command(subcommand)]
    Train(TrainCommand),
    /// Score the rows of a table with a model that was trained
    #[command(subcommand)]
    Score(ScoreCommand),
    /// Compute a customs value, duty and taxes from the facts of one import
    Value(ValueArgs),
    /// Find stamps and signatures on scanned documents and hold them to registered originals
    #[command(subcommand)]
    Documents(DocumentsCommand),
    /// Measure quality on the question suites
    #[command(subcommand)]
    Eval(EvalCommand),
    /// Measure speed
    #[command(subcommand)]
    Bench(BenchCommand),
}

#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Address to listen on [default: 127.0.0.1:8080]
    #[arg(long, env = "HAETAE_ADDR", value_name = "HOST:PORT")]
    pub addr: Option<SocketAddr>,
    /// Comma-separated keys that clients present as `Authorization: Bearer`; needed beyond loopback
    #[arg(long, env = "HAETAE_API_KEYS", hide_env_values = true, value_delimiter = ',', value_name = "KEYS")]
    pub api_keys: Vec<String>,
    /// Serve other machines without keys; only where the network itself is trusted
    #[arg(long)]
    pub allow_anonymous: bool,
    /// Leave a home folder without tables empty instead of making an invented world to try things on
    #[arg(long)]
    pub no_demo: bool,
}

#[derive(Debug, Args)]
pub struct AskArgs {
    pub question: String,
    /// Corpus to answer from
    #[arg(long, default_value = "valuation")]
    pub corpus: String,
    /// Print one JSON object: answer, citations, verdict, timings
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum CorporaCommand {
    /// Build or update the index; only changed documents are read again
    Build,
    /// List corpora with their documents and passages
    List {
        #[arg(long)]
        json: bool,
    },
    /// Search the passages
    Search {
        query: String,
        /// Search only this corpus
        #[arg(long)]
        corpus: Option<String>,
        /// Most passages returned
        #[arg(long, default_value_t = 5)]
        limit: usize,
        #[arg(long)]
        json: bool,
    },
    /// Copy documents (Markdown, text, HTML, PDF, DOCX) into a corpus of your own and index them
    Add {
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// Name of the corpus
        #[arg(long, default_value = "documents")]
        corpus: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// List the catalogue and what is on this machine
    List {
        #[arg(long)]
        json: bool,
    },
    /// Fetch a model, resuming where an earlier fetch stopped
    Pull { name: String },
    /// Take over a model file that was carried here by hand
    Import { file: PathBuf },
    /// Check every stored model against its sha256
    Verify,
    /// Name the best model that fits this machine
    Recommend,
}

#[derive(Debug, Subcommand)]
pub enum EvalCommand {
    /// Recall and rank of the right documents
    Retrieval(SuiteArgs),
    /// Unanswerable questions refused, answerable ones not
    Abstention(SuiteArgs),
    /// Answers checked for polarity, required facts and citations
    Answers(SuiteArgs),
    /// The agent on tasks over the invented world: right calls, right figures, nothing called without need
    Agents(AgentsSuiteArgs),
    /// The agent among planted instructions: nothing unasked called, nothing leaked, the task done
    Injection(AgentsSuiteArgs),
    /// Function calling by the Berkeley leaderboard's questions, with calls bound to their schemas and unbound
    Functions(FunctionsArgs),
}

#[derive(Debug, Args)]
pub struct FunctionsArgs {
    /// Folder with the leaderboard's `BFCL_v4_*.json` and `possible_answer/`
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Kinds of question; all where none is named
    #[arg(long, value_delimiter = ',', value_name = "KINDS")]
    pub kinds: Vec<Kind>,
    /// N questions of each kind, spread over its file
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Do not ask the same model unbound, too
    #[arg(long)]
    pub bound_only: bool,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct AgentsSuiteArgs {
    /// Name of the suite under `eval/agents/` or `eval/injection/`
    #[arg(long, default_value = "customs")]
    pub suite: String,
    #[arg(long)]
    pub json: bool,
    /// Only the first N tasks
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
}

#[derive(Debug, Args)]
pub struct SuiteArgs {
    /// Name of the suite under `eval/`
    #[arg(long, default_value = "valuation")]
    pub suite: String,
    #[arg(long)]
    pub json: bool,
    /// Only the first N questions
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
}

impl Cli {
    /// The settings as typed, for [`Config::resolve`].
    pub fn overrides(&self) -> Overrides {
        let settings = self.settings.clone();
        let mut overrides = Overrides {
            home: settings.home,
            offline: settings.offline,
            model: settings.model,
            remote_url: settings.remote_url,
            remote_key: settings.remote_key.map(Secret::new),
            qdrant_url: settings.qdrant_url,
            otlp_url: settings.otlp_url,
            datasets_url: settings.datasets_url.map(Secret::new),
            ..Overrides::default()
        };
        if let Command::Serve(args) = &self.command {
            overrides.addr = args.addr;
            overrides.api_keys = args.api_keys.iter().map(Secret::new).collect();
            overrides.allow_anonymous = args.allow_anonymous;
            overrides.no_demo = args.no_demo;
        }
        overrides
    }
}

/// Does what was typed.
///
/// # Errors
/// Whatever kept the command from running; the caller prints it and exits with 2.
pub fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let config = Config::resolve(cli.overrides())?;
    let _telemetry = telemetry::start(config.otlp_url.as_deref())?;
    match cli.command {
        Command::Bench(command) => bench::run(command, &cli.settings, &config),
        Command::Models(command) => models::run(command, &config),
        Command::Serve(_) => serve::run(&config),
        Command::Agent(args) => agent::run(&args, &config),
        Command::Mcp => mcp::run(&config),
        Command::Ask(args) => ask::run(&args, &config),
        Command::Corpora(command) => corpora::run(command, &config),
        Command::Dataset(command) => dataset::run(command, &config),
        Command::Demo(command) => demo::run(&command),
        Command::Register(command) => register::run(command, &config),
        Command::Network(command) => network::run(command, &config),
        Command::Profile(args) => profile::run(&args, &config),
        Command::Train(command) => train::run(command, &config),
        Command::Score(command) => score::run(command, &config),
        Command::Value(args) => value::run(&args),
        Command::Documents(command) => documents::run(command, &config),
        Command::Eval(command) => eval::run(command, &config),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
