//! `haetae documents`: stamps and signatures of scanned documents, found and held to registered originals.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::config::Config;
use crate::documents::{self, Comparison, Error, Found, Kind, Mark, Model, Original, Page, Registry, Verdict};
use crate::scoring::Shelf;

#[derive(Debug, Subcommand)]
pub enum DocumentsCommand {
    /// Find stamps and signatures on a page
    Find {
        /// PNG or JPEG, scanned at 150 dpi or more
        page: PathBuf,
        #[arg(long)]
        json: bool,
    },
    /// Say whether two marks come from one original
    Compare(CompareArgs),
    /// Take over an original that marks are held to
    Register {
        /// Whose it is
        #[arg(long)]
        name: String,
        #[arg(long)]
        kind: Kind,
        /// A picture of the mark, or a page that shows one
        image: PathBuf,
    },
    /// List the registered originals
    List {
        #[arg(long)]
        json: bool,
    },
    /// Take all originals of a name out of the registry
    Remove {
        #[arg(long)]
        name: String,
    },
    /// Find the marks of a page and hold each to the registered originals
    Check {
        /// PNG or JPEG, scanned at 150 dpi or more
        page: PathBuf,
        /// Only originals of this name
        #[arg(long)]
        name: Option<String>,
        #[arg(long)]
        json: bool,
    },
    /// Measure error rates on a folder of your own pictures
    Measure {
        /// IDENTITY/genuine/ and IDENTITY/forged/, or what `haetae demo certificates` wrote
        folder: PathBuf,
        /// What the pictures show, where the folder itself does not say so
        #[arg(long)]
        kind: Option<Kind>,
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub struct CompareArgs {
    /// A picture of a mark, a page that shows one, or the name of a registered original
    pub first: String,
    /// A picture of a mark, or a page that shows one
    pub second: PathBuf,
    /// What both are [default: stamp, or what the original is]
    #[arg(long)]
    pub kind: Option<Kind>,
    /// Write a picture of what differs: blue is the first's alone, red the second's
    #[arg(long, value_name = "FILE.png")]
    pub heatmap: Option<PathBuf>,
    #[arg(long)]
    pub json: bool,
}

/// A mark of a page with the original that it is likest to.
#[derive(Debug, Serialize)]
struct Checked {
    #[serde(flatten)]
    found: Found,
    /// Absent where no original of its kind is registered, or its ink is too faint.
    original: Option<String>,
    comparison: Option<Comparison>,
}

pub(super) fn run(command: DocumentsCommand, config: &Config) -> anyhow::Result<ExitCode> {
    let registry = Registry::new(&config.home);
    let model = || Model::current(&Shelf::documents(&config.home));
    match command {
        DocumentsCommand::Find { page, json } => find(&model()?, &page, json),
        DocumentsCommand::Compare(args) => compare(&model()?, &registry, &args),
        DocumentsCommand::Register { name, kind, image } => {
            let original = registry.register(&model()?, &name, kind, &image)?;
            println!("registered {} `{}` as {}", original.kind.word(), original.name, original.id);
            Ok(ExitCode::SUCCESS)
        }
        DocumentsCommand::List { json } => list(&registry.list()?, json),
        DocumentsCommand::Remove { name } => {
            println!("{} originals removed", registry.remove(&name)?.len());
            Ok(ExitCode::SUCCESS)
        }
        DocumentsCommand::Check { page, name, json } => check(&model()?, &registry, &page, name.as_deref(), json),
        DocumentsCommand::Measure { folder, kind, json } => {
            let measurement = documents::measure(&model()?, &folder, kind)?;
            measurement.not_used.iter().for_each(|reason| eprintln!("not used: {reason}"));
            if json {
                println!("{}", serde_json::to_string_pretty(&measurement)?);
            } else {
                print!("{}", measurement.in_words());
            }
            Ok(if measurement.not_used.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
        }
    }
}

/// The page, which must show something.
fn read(path: &Path) -> Result<Page, Error> {
    let page = Page::read(path)?;
    if page.is_empty() {
        return Err(Error::Empty { name: path.display().to_string() });
    }
    Ok(page)
}

fn find(model: &Model, path: &Path, json: bool) -> anyhow::Result<ExitCode> {
    let found = model.find(&read(path)?);
    if json {
        println!("{}", serde_json::to_string_pretty(&found)?);
    } else {
        found.iter().for_each(|found| println!("{}", found_in_words(found)));
    }
    if found.is_empty() {
        eprintln!("no stamp and no signature was found on `{}`", path.display());
        return Ok(ExitCode::from(1));
    }
    Ok(ExitCode::SUCCESS)
}

fn found_in_words(Found { kind, area, confidence }: &Found) -> String {
    let documents::Area { left, top, right, bottom } = area;
    let [left, top, right, bottom] = [left, top, right, bottom].map(|at| at.round());
    format!("{:9}  {confidence:.2}  from ({left}, {top}) to ({right}, {bottom})", kind.word())
}

fn compare(model: &Model, registry: &Registry, args: &CompareArgs) -> anyhow::Result<ExitCode> {
    let marks = |kind: Kind| -> Result<Mark, Error> {
        model.mark(&read(&args.second)?, kind, &args.second.display().to_string())
    };
    let path = Path::new(&args.first);
    let (first, second) = if path.exists() {
        let kind = args.kind.unwrap_or(Kind::Stamp);
        (model.mark(&read(path)?, kind, &args.first)?, marks(kind)?)
    } else {
        let originals = registry.named(Some(&args.first))?;
        let original = originals.iter().rfind(|original| args.kind.is_none_or(|kind| kind == original.kind));
        let original =
            original.ok_or(Error::NothingFound { name: args.first.clone(), what: "original of that kind" })?;
        (registry.mark(original)?, marks(original.kind)?)
    };
    let (comparison, laid) = model.compare_laid(&first, &second)?;
    if let Some(path) = &args.heatmap {
        let picture = documents::heat_map(&first, &laid);
        picture.save(path).map_err(|source| Error::Unwritable { path: path.clone(), source })?;
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&comparison)?);
    } else {
        println!("{}", compared_in_words(&comparison));
    }
    Ok(ExitCode::SUCCESS)
}

fn compared_in_words(comparison: &Comparison) -> String {
    let verdict = match comparison.verdict {
        Verdict::Same => "same",
        Verdict::Doubtful => "doubtful",
        Verdict::Different => "different",
    };
    let mut text = format!(
        "{verdict}: {:.0}% alike, probability of one original {:.3}",
        comparison.similarity, comparison.probability
    );
    for reason in &comparison.reasons {
        text.push_str(&format!("\n    {}\n    {}", reason.en, reason.ko));
    }
    if comparison.trained_on_demo {
        text.push_str("\n    learnt from drawn marks: says nothing of the field");
    }
    text
}

fn list(originals: &[Original], json: bool) -> anyhow::Result<ExitCode> {
    if json {
        println!("{}", serde_json::to_string_pretty(originals)?);
    }
    for Original { id, name, kind, registered, .. } in originals.iter().filter(|_| !json) {
        println!("{:9}  {name}  {registered}  {id}", kind.word());
    }
    Ok(ExitCode::SUCCESS)
}

fn check(model: &Model, registry: &Registry, path: &Path, name: Option<&str>, json: bool) -> anyhow::Result<ExitCode> {
    let mut originals: Vec<(Original, Mark)> = Vec::new();
    for original in registry.named(name)? {
        let mark = registry.mark(&original)?;
        originals.push((original, mark));
    }
    let page = read(path)?;
    let shown = path.display().to_string();
    let mut checked = Vec::new();
    for found in model.find(&page) {
        let area = found.area.divided(page.reduction).grown(2.0);
        let mut best: Option<(String, Comparison)> = None;
        // Ink too faint to be compared is still shown as found.
        if let Ok(mark) = Mark::cut(&page, &area, found.kind, &shown) {
            for (original, first) in originals.iter().filter(|(original, _)| original.kind == found.kind) {
                let comparison = model.compare(first, &mark)?;
                if best.as_ref().is_none_or(|(_, before)| before.probability < comparison.probability) {
                    best = Some((original.name.clone(), comparison));
                }
            }
        }
        let (original, comparison) = best.unzip();
        checked.push(Checked { found, original, comparison });
    }
    if checked.is_empty() {
        return Err(Error::NothingFound { name: shown, what: "stamp and no signature" }.into());
    }
    if json {
        println!("{}", serde_json::to_string_pretty(&checked)?);
    } else {
        for Checked { found, original, comparison } in &checked {
            println!("{}", found_in_words(found));
            match original.as_ref().zip(comparison.as_ref()) {
                Some((name, comparison)) => println!("  likest `{name}`: {}", compared_in_words(comparison)),
                None => println!("  no original of its kind is registered, or its ink is too faint"),
            }
        }
    }
    let all_same = checked.iter().all(|mark| mark.comparison.as_ref().is_some_and(|c| c.verdict == Verdict::Same));
    Ok(if all_same { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
