//! Parses and dispatches; the only place that exits.

use std::process::ExitCode;

use clap::Parser;
use haetae::cli::{self, Cli};

fn main() -> ExitCode {
    match cli::run(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}
