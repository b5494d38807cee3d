//! `haetae agent`: a request to the agent in the terminal, its traces, and the decisions that it waits for.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};

use crate::access::Grant;
use crate::agents::{Agents, Record, State, Store};
use crate::app;
use crate::chat::{AgentEvent, Event, Target, TurnRequest};
use crate::config::Config;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct AgentArgs {
    /// What is asked, as in "Should we audit Hanbit Trading?"
    #[arg(required = true)]
    pub request: Option<String>,
    /// Print the record as one JSON object: the plan, every call with its result, the answer
    #[arg(long)]
    pub json: bool,
    #[command(subcommand)]
    pub command: Option<AgentCommand>,
}

#[derive(Debug, Subcommand)]
pub enum AgentCommand {
    /// List the tools with what they take
    Tools {
        #[arg(long)]
        json: bool,
    },
    /// Run a request again and say what changed; the exit code is 1 where something did
    Replay {
        id: String,
        #[arg(long)]
        json: bool,
    },
    /// Show the record of a run, or its dossier as Markdown
    Show {
        id: String,
        #[arg(long)]
        json: bool,
    },
    /// List the calls that wait for a person
    Approvals,
    /// Grant a call that waits, and carry it out
    Approve {
        id: String,
        /// Who decides
        #[arg(long, value_name = "NAME")]
        by: String,
    },
    /// Refuse a call that waits
    Deny {
        id: String,
        /// Who decides
        #[arg(long, value_name = "NAME")]
        by: String,
    },
}

pub(super) fn run(args: &AgentArgs, config: &Config) -> anyhow::Result<ExitCode> {
    tokio::runtime::Runtime::new()?.block_on(async {
        match (&args.request, &args.command) {
            (Some(request), _) => ask(request, args.json, config).await,
            (None, Some(command)) => other(command, config).await,
            (None, None) => anyhow::bail!("a request or a command is needed; see `haetae agent --help`"),
        }
    })
}

async fn ask(request: &str, json: bool, config: &Config) -> anyhow::Result<ExitCode> {
    let agents = app::agents(config).await?;
    let (sender, mut events) = tokio::sync::mpsc::channel(256);
    let shown = tokio::spawn(async move {
        while let Some(event) = events.recv().await {
            if !json {
                show(&event);
            }
        }
    });
    let record = agents.answer(turn(request), Some(sender)).await?;
    shown.await?;
    if json {
        println!("{}", serde_json::to_string(&record)?);
    } else {
        println!("\n\n{}", record.id);
    }
    Ok(exit_code(&record))
}

fn turn(request: &str) -> TurnRequest {
    TurnRequest { target: Target::Agent, ..TurnRequest::question(request, Vec::new()) }
}

/// 1 where no call gave a result.
fn exit_code(record: &Record) -> ExitCode {
    let nothing = !record.calls.is_empty() && record.calls.iter().all(|call| call.ended.outcome().is_none());
    if nothing { ExitCode::from(1) } else { ExitCode::SUCCESS }
}

/// Prints what a reader should see as it comes: the answer on stdout, how it comes about on stderr.
fn show(event: &Event) {
    match event {
        Event::Agent(AgentEvent::Planned { steps, .. }) => {
            for step in steps {
                eprintln!("[{}] {} {}: {}", step.n, step.tool, step.arguments, step.why);
            }
        }
        Event::Agent(AgentEvent::Returned { n, failure, elapsed_ms, .. }) => match failure {
            Some(failure) => eprintln!("[{n}] {elapsed_ms} ms: {failure}"),
            None => eprintln!("[{n}] {elapsed_ms} ms"),
        },
        Event::Agent(AgentEvent::Approval { id, expires_at, .. }) => {
            eprintln!("waits for `haetae agent approve {id} --by NAME`, until {expires_at}");
        }
        Event::Agent(AgentEvent::Seen { source, text }) => eprintln!("not followed, in {source}: {text}"),
        Event::Quotes(quotes) => quotes.iter().for_each(|quote| println!("> {} [{}]\n", quote.text, quote.n)),
        Event::Text { text, .. } => print!("{text}"),
        Event::Notice { text, .. } => println!("{text}"),
        _ => {}
    }
    // A reader who left early, as `head` does, is no error.
    let _ = std::io::stdout().flush();
}

async fn other(command: &AgentCommand, config: &Config) -> anyhow::Result<ExitCode> {
    match command {
        AgentCommand::Tools { json } => {
            let agents = app::tools_alone(config).await?;
            let shown = agents.registry().shown(&Grant::everything());
            if *json {
                println!("{}", serde_json::to_string_pretty(&shown)?);
            } else {
                for tool in shown {
                    println!("{:20} {}\n{:20} {}", tool.card.name, tool.card.purpose_en, "", tool.card.purpose_ko);
                    if let Some(reason) = tool.unavailable {
                        println!("{:20} not now: {reason}", "");
                    }
                }
            }
            for source in agents.registry().sources() {
                source
                    .unavailable
                    .iter()
                    .chain(&source.left_out)
                    .for_each(|trouble| eprintln!("{}: {trouble}", source.name));
            }
        }
        AgentCommand::Show { id, json } => {
            let record = find(&store(config)?, id)?;
            if *json {
                println!("{}", serde_json::to_string_pretty(&record)?);
            } else {
                println!("{}", crate::agents::dossier::whole(&record));
            }
        }
        AgentCommand::Replay { id, json } => return replay(id, *json, config).await,
        AgentCommand::Approvals => {
            for approval in store(config)?.pending()? {
                println!("{}  {} {}  until {}", approval.id, approval.tool, approval.arguments, approval.expires_at);
            }
        }
        AgentCommand::Approve { id, by } => return decide(id, true, by, config).await,
        AgentCommand::Deny { id, by } => return decide(id, false, by, config).await,
    }
    Ok(ExitCode::SUCCESS)
}

async fn replay(id: &str, json: bool, config: &Config) -> anyhow::Result<ExitCode> {
    let then = find(&store(config)?, id)?;
    let agents: Agents = app::agents(config).await?;
    let now = agents.answer(turn(&then.request), None).await?;
    let differences = then.differences(&now);
    if json {
        println!("{}", serde_json::to_string_pretty(&differences)?);
    } else if differences.is_empty() {
        println!("the same, word for word");
    } else {
        for difference in &differences {
            println!("{}\n  then: {}\n  now:  {}", difference.what, difference.then, difference.now);
        }
    }
    Ok(if differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

async fn decide(id: &str, grant: bool, by: &str, config: &Config) -> anyhow::Result<ExitCode> {
    let agents = app::tools_alone(config).await?;
    let approval = agents.decide(id, grant, by)?;
    println!("{}", serde_json::to_string_pretty(&approval)?);
    Ok(if approval.state == State::Failed { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn store(config: &Config) -> anyhow::Result<Store> {
    Ok(Store::open(&config.home.join(crate::agents::STORE))?)
}

fn find(store: &Store, id: &str) -> anyhow::Result<Record> {
    store.run(id, None)?.with_context(|| format!("there is no run `{id}`"))
}
