//! What can be typed after `haetae bench`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::bench::peer::Places;

#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// Prefill and decode speed of the local engine
    Engine(EngineArgs),
    /// Latencies and speed of an OpenAI-compatible server under load; of one of ours where none is named
    Server(ServerArgs),
    /// Load the server with well and badly behaved clients and see what they leave behind
    Soak(SoakArgs),
}

/// What `bench engine` measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// Tokens a second of prefill and decode
    Plain,
    /// Time to the first token with a new and with a known beginning of the prompt
    SharedPrefix,
    /// Gaps between the tokens of running answers while a long prompt comes in
    Mixed,
}

/// Whom we are measured against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Peer {
    #[value(name = "llama.cpp")]
    LlamaCpp,
}

/// The peer, and where it is.
#[derive(Debug, Args)]
pub struct PeerArgs {
    /// Measure this peer too, in turn with us, and print the ratio
    #[arg(long, value_name = "PEER")]
    pub vs: Option<Peer>,
    /// Folder of llama.cpp's tools, where they are not on the path
    #[arg(long, env = "HAETAE_LLAMA_CPP", value_name = "DIR")]
    pub llama_cpp: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct EngineArgs {
    /// What to measure, comma-separated
    #[arg(long, value_enum, value_delimiter = ',', default_value = "plain")]
    pub scenario: Vec<Scenario>,
    /// Prompt lengths in tokens, comma-separated
    #[arg(long, value_delimiter = ',', default_value = "512", value_name = "LENS", value_parser = at_least::<1>)]
    pub prefill: Vec<usize>,
    /// Tokens each sequence generates
    #[arg(long, default_value = "128", value_name = "TOKENS", value_parser = at_least::<2>)]
    pub decode: usize,
    /// Sequences decoded at once, comma-separated
    #[arg(long, value_delimiter = ',', default_value = "1,4,16", value_name = "LIST", value_parser = at_least::<1>)]
    pub batch: Vec<usize>,
    /// Tokens of the long prompt of the other scenarios [default: 2000 for shared-prefix, 4000 for mixed]
    #[arg(long, value_name = "TOKENS", value_parser = at_least::<1>)]
    pub prompt_len: Option<usize>,
    /// Answers that run while the long prompt of `mixed` comes in
    #[arg(long, default_value = "8", value_name = "N", value_parser = at_least::<1>)]
    pub streams: usize,
    /// Rounds, of which the best counts
    #[arg(long, default_value = "3", value_name = "N", value_parser = at_least::<1>)]
    pub rounds: usize,
    #[command(flatten)]
    pub peer: PeerArgs,
    /// Folder in which node-llama-cpp is installed, which brings llama.cpp built for every x86-64 processor
    #[arg(long, env = "HAETAE_NODE_LLAMA_CPP", value_name = "DIR")]
    pub node_llama_cpp: Option<PathBuf>,
    #[arg(long)]
    pub json: bool,
}

impl EngineArgs {
    pub fn places(&self) -> Places {
        Places { llama_cpp: self.peer.llama_cpp.clone(), node_llama_cpp: self.node_llama_cpp.clone() }
    }
}

#[derive(Debug, Args)]
pub struct ServerArgs {
    /// Base URL of the server, with its `/v1`; `--model` names the model, `--remote-key` the key
    #[arg(long, conflicts_with = "vs")]
    pub url: Option<String>,
    /// Requests under way at once
    #[arg(long, default_value = "8", value_name = "N", value_parser = at_least::<1>)]
    pub clients: usize,
    /// Requests in all
    #[arg(long, default_value = "64", value_name = "M", value_parser = at_least::<1>)]
    pub requests: usize,
    /// Tokens of a prompt, about and on average
    #[arg(long, default_value = "256", value_name = "TOKENS", value_parser = at_least::<1>)]
    pub prompt_len: usize,
    /// Most tokens of an answer, on average
    #[arg(long, default_value = "64", value_name = "TOKENS", value_parser = at_least::<1>)]
    pub output_len: usize,
    /// Draws the requests; another one for a server that has these in its prefix cache
    #[arg(long, default_value = "1", value_name = "S")]
    pub seed: u64,
    /// Rounds, of which the best counts; each draws requests of its own
    #[arg(long, default_value = "1", value_name = "N", value_parser = at_least::<1>)]
    pub rounds: usize,
    #[command(flatten)]
    pub peer: PeerArgs,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct SoakArgs {
    /// How long the load lasts, after a warm-up that fills the KV cache once
    #[arg(long, default_value = "3", value_name = "M", value_parser = positive)]
    pub minutes: f64,
    /// Requests under way at once
    #[arg(long, default_value = "24", value_name = "N", value_parser = at_least::<1>)]
    pub clients: usize,
    /// Draws the requests
    #[arg(long, default_value = "1", value_name = "S")]
    pub seed: u64,
    /// Growth of resident memory that is forgiven, in MiB
    #[arg(long, default_value = "128", value_name = "MIB")]
    pub max_growth: u64,
    #[arg(long)]
    pub json: bool,
}

fn at_least<const LEAST: usize>(typed: &str) -> Result<usize, String> {
    let number: usize = typed.parse().map_err(|_| "not a whole number".to_owned())?;
    if number < LEAST { Err(format!("must be at least {LEAST}")) } else { Ok(number) }
}

fn positive(typed: &str) -> Result<f64, String> {
    let number: f64 = typed.parse().map_err(|_| "not a number".to_owned())?;
    if number.is_finite() && number > 0.0 { Ok(number) } else { Err("must be above 0".to_owned()) }
}
