//! `haetae ask`: one question in the terminal, answered as the page answers it.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use super::AskArgs;
use crate::app;
use crate::chat::{Answer, Approved, Chat, Event, TurnRequest};
use crate::config::Config;
use crate::datasets::Place;
use crate::prompts::Prompts;
use crate::rag::Rag;

/// Answers `args.question`; exits with 1 where the documents carry no answer.
///
/// # Errors
/// If a service does not start or the turn fails.
pub(super) fn run(args: &AskArgs, config: &Config) -> anyhow::Result<ExitCode> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let chat = chat(config).await?;
        let request = TurnRequest::question(&args.question, vec![args.corpus.clone()]);
        let answer = Answer::read(&chat, request, |event| {
            if !args.json {
                show(event);
            }
        })
        .await?;
        if args.json {
            println!("{}", serde_json::to_string(&answer)?);
        } else {
            println!();
            for citation in &answer.citations {
                println!("[{}] {} > {} ({})", citation.n, citation.title, citation.heading, citation.document);
            }
        }
        Ok(if answer.refused { ExitCode::from(1) } else { ExitCode::SUCCESS })
    })
}

/// The chat over the home folder's index, brought up to date.
pub(super) async fn chat(config: &Config) -> anyhow::Result<Chat> {
    let engine = app::start_engine(config).await?;
    let blocking = config.clone();
    let index = tokio::task::spawn_blocking(move || -> anyhow::Result<_> {
        let index = app::open_index(&blocking)?;
        app::update_index_or_keep(&index, &blocking.home)?;
        Ok(index)
    })
    .await??;
    let chat = Chat::new(engine, Some(Arc::new(Rag::new(Arc::new(index)))), Arc::new(Prompts::load()?));
    Ok(chat.with_approved(Approved::open(&Place::from(config))?))
}

/// Prints what a reader should see as it comes.
fn show(event: &Event) {
    match event {
        Event::Quotes(quotes) => {
            for quote in quotes {
                println!("“{}” [{}]\n", quote.text, quote.n);
            }
        }
        Event::Text { text, .. } => print!("{text}"),
        Event::Notice { text, .. } => println!("{text}"),
        Event::Approved { text, .. } => println!("{text}\n"),
        _ => {}
    }
    // A reader who left early, as `head` does, is no error.
    let _ = std::io::stdout().flush();
}
