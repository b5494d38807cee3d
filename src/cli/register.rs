//! `haetae register`: the administration's tables, taken in and looked at.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};

use crate::config::Config;
use crate::rates;
use crate::register::{self, Candidate, Company, Likeness, Query, Register};

#[derive(Debug, Subcommand)]
pub enum RegisterCommand {
    /// Replace the register by the tables of a folder; all of it, or nothing where a row cannot be used
    Import {
        /// Folder with `companies.csv` and the tables beside it, as `haetae demo generate` writes them
        dir: PathBuf,
        /// Print what was imported as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what the register holds of a company
    Show(ShowArgs),
}

#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Id or name, in Korean or English
    pub company: String,
    /// Declarations shown, the newest first
    #[arg(long, default_value_t = 10, value_name = "N")]
    pub limit: usize,
    #[arg(long)]
    pub json: bool,
}

pub(super) fn run(command: RegisterCommand, config: &Config) -> anyhow::Result<ExitCode> {
    match command {
        RegisterCommand::Import { dir, json } => import(&config.home, &dir, json),
        RegisterCommand::Show(args) => show(&args, &config.home),
    }
}

fn import(home: &Path, folder: &Path, as_json: bool) -> anyhow::Result<ExitCode> {
    let (_, imported) = register::import(home, folder)?;
    let rates = rates::import(home, folder)?;
    if as_json {
        println!("{}", serde_json::to_string_pretty(&imported)?);
        return Ok(ExitCode::SUCCESS);
    }
    for (table, rows) in &imported.rows {
        println!("{table}: {rows}");
    }
    for name in rates {
        println!("{name}: copied");
    }
    if !imported.absent.is_empty() {
        println!("not there: {}", imported.absent.join(", "));
    }
    if imported.is_demo {
        println!("{DEMO}");
    }
    Ok(ExitCode::SUCCESS)
}

/// What is said of all that is drawn from an invented world.
pub(super) const DEMO: &str = "invented data: no figure of it says anything of the field";

/// The register of the home folder.
pub(super) fn open(home: &Path) -> anyhow::Result<Register> {
    Register::open(home)?.context("nothing was imported yet\n\nhint: `haetae register import DIR`")
}

/// The one company that `typed` means: by its id, or by a name that no other has.
pub(super) fn resolve(register: &Register, typed: &str) -> anyhow::Result<Company> {
    let candidates = register.find_companies(typed, 6)?;
    let meant = match &candidates[..] {
        [] => bail!("no company is called `{typed}` or alike"),
        [first, rest @ ..] => {
            let is_sure = first.matched <= Likeness::Exact;
            match rest.first() {
                Some(second) if first.matched == Likeness::Exact && second.matched == Likeness::Exact => None,
                _ => is_sure.then_some(first),
            }
        }
    };
    let Some(meant) = meant else {
        let told: Vec<String> = candidates.iter().map(in_words).collect();
        bail!("`{typed}` may mean any of\n{}\n\nhint: name the id", told.join("\n"));
    };
    register.company(&meant.id)?.with_context(|| format!("no company has the id `{}`", meant.id))
}

fn in_words(candidate: &Candidate) -> String {
    let names: Vec<&str> = [&candidate.name_ko, &candidate.name_en].into_iter().flatten().map(String::as_str).collect();
    format!("    {:.2}  {}  {}", candidate.likeness, candidate.id, names.join(", "))
}

fn show(args: &ShowArgs, home: &Path) -> anyhow::Result<ExitCode> {
    let register = open(home)?;
    let company = resolve(&register, &args.company)?;
    let query = Query { importer: Some(company.id.clone()), limit: args.limit, ..Query::default() };
    let (declarations, count) = (register.declarations(&query)?, register.count_declarations(&query)?);
    let (roles, ledger, audits) =
        (register.roles_in(&company.id)?, register.ledger(&company.id)?, register.audits(&company.id)?);
    if args.json {
        let told = serde_json::json!({
            "demo": register.is_demo(),
            "company": company,
            "roles": roles,
            "num_declarations": count,
            "declarations": declarations,
            "ledger": ledger,
            "audits": audits,
        });
        println!("{}", serde_json::to_string_pretty(&told)?);
        return Ok(ExitCode::SUCCESS);
    }
    let text = |field: &Option<String>| field.clone().unwrap_or_else(|| "-".into());
    let day = |day: Option<jiff::civil::Date>| day.map_or_else(|| "-".to_owned(), |day| day.to_string());
    println!("{}  {}, {}", company.id, text(&company.name_ko), text(&company.name_en));
    println!("founded {}, closed {}", day(company.founded), day(company.closed));
    println!("{}, {}", text(&company.address_ko), text(&company.address_en));
    println!("phone {}, account {}", text(&company.phone), text(&company.account));
    println!("{} roles, {} months of ledger, {} audits", roles.len(), ledger.len(), audits.len());
    println!("{count} declarations, the newest of them:");
    for declaration in &declarations {
        println!(
            "    {}  {}  {}  {:>14} won  {}",
            declaration.id,
            declaration.date,
            declaration.hs,
            declaration.value_krw,
            text(&declaration.item_en),
        );
    }
    if register.is_demo() {
        println!("{DEMO}");
    }
    Ok(ExitCode::SUCCESS)
}
