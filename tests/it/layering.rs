//! The layers of the house, held by reading the sources: a module uses what lies below it, and of its own layer only
//! what is listed here with its reason.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// From top to bottom. Every module of `src/` stands in exactly one.
const LAYERS: &[(&str, &[&str])] = &[
    ("edge", &["main", "cli", "app", "http", "mcp", "eval", "bench"]),
    ("flow", &["agents", "chat", "datasets", "rag"]),
    (
        "core",
        &[
            "engine",
            "index",
            "ingest",
            "models",
            "history",
            "responses",
            "demo",
            "rates",
            "register",
            "network",
            "profile",
            "scoring",
            "valuation",
            "documents",
        ],
    ),
    (
        "base",
        &[
            "access",
            "config",
            "kernels",
            "lang",
            "legal",
            "masking",
            "prompts",
            "assets",
            "durable",
            "sqlite",
            "telemetry",
        ],
    ),
];

/// Arrows within a layer, each with what justifies it. One that is not used any more fails the test.
const SIDEWAYS: &[(&str, &str, &str)] = &[
    ("main", "cli", "the program is its command line"),
    ("cli", "app", "commands run the services that `app` builds"),
    ("cli", "http", "`serve` hands the router to a socket"),
    ("cli", "eval", "a command prints a report"),
    ("cli", "bench", "a command prints a report"),
    ("cli", "mcp", "`mcp` serves the tools on standard input and output"),
    ("http", "mcp", "the tools are served at a path of the server too"),
    ("app", "http", "`app` fills the state behind the routes"),
    ("app", "mcp", "`app` reaches the servers of foreign tools"),
    ("agents", "datasets", "a tool pauses and resumes a generation"),
    ("agents", "chat", "a question on rules is answered as chat answers it"),
    ("agents", "rag", "a tool looks for evidence"),
    ("chat", "rag", "a turn bound to corpora begins with evidence"),
    ("chat", "datasets", "a question that was answered and approved is answered so again"),
    ("datasets", "rag", "a filter searches for a row's passage and asks the gate"),
    ("index", "ingest", "a build reads documents and cuts them into passages"),
    ("documents", "scoring", "a model of marks stands on the shelf of models"),
    ("scoring", "index", "the embedder of the indexes tells what a description of goods means"),
    ("history", "engine", "a conversation is kept in the engine's messages"),
    ("responses", "engine", "a response is kept in the engine's messages"),
    ("register", "demo", "its tests import an invented world"),
    ("network", "demo", "its tests hold what is found against what an invented world plants"),
    ("profile", "demo", "its tests draw profiles of an invented world"),
    ("network", "register", "the graph is drawn from the register"),
    ("profile", "register", "a company's facts are the register's rows and sums"),
    ("profile", "network", "a company's page tells who stands around it"),
    ("config", "access", "a key's role becomes what its holder may"),
    ("masking", "assets", "its test reads the sentences that are built in"),
    ("models", "engine", "a model is imported only if the engine has its architecture"),
    ("legal", "lang", "a reference is told in words of either language"),
    ("config", "kernels", "a setting names how keys and values are kept"),
    ("prompts", "lang", "a prompt is rendered in a language"),
    ("prompts", "assets", "the templates are built in"),
];

fn layer(module: &str) -> usize {
    let place = LAYERS.iter().position(|(_, modules)| modules.contains(&module));
    place.unwrap_or_else(|| panic!("`{module}` stands in no layer: add it to LAYERS"))
}

/// Who uses whom, with the files where it happens.
type Arrows = BTreeMap<(String, String), BTreeSet<PathBuf>>;

fn arrows() -> Arrows {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut arrows = Arrows::new();
    for file in rust_files(&root) {
        let relative = file.strip_prefix(&root).unwrap().to_owned();
        let module = relative.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
        let module = module.trim_end_matches(".rs").to_owned();
        if module == "lib" {
            continue;
        }
        for used in modules_used(&fs_err::read_to_string(&file).unwrap()) {
            if used != module {
                arrows.entry((module.clone(), used)).or_default().insert(relative.clone());
            }
        }
    }
    arrows
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs_err::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The modules of this crate that a source names, comments aside: what follows `crate::` or `haetae::`, one name or a
/// braced list of paths.
fn modules_used(source: &str) -> BTreeSet<String> {
    let code: String =
        source.lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(|l| [l, "\n"]).collect();
    let mut used = BTreeSet::new();
    for root in ["crate::", "haetae::"] {
        for (at, _) in code.match_indices(root) {
            // `$crate::` and `some_crate::` are others.
            if code[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '$')) {
                continue;
            }
            let path = &code[at + root.len()..];
            match path.strip_prefix('{') {
                Some(list) => used.extend(firsts_of_list(list)),
                None => used.extend(first_name(path)),
            }
        }
    }
    used
}

/// The first name of each path of `a::b, c::{d, e}, f}`.
fn firsts_of_list(list: &str) -> Vec<String> {
    let mut firsts = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                firsts.extend(first_name(list[start..at].trim_start()));
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    firsts
}

/// A module's name; what is not in lower case is an item of the crate's root.
fn first_name(path: &str) -> Option<String> {
    let name: String = path.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    name.starts_with(|c: char| c.is_lowercase()).then_some(name)
}

#[test]
fn no_arrow_points_up_and_sideways_only_with_a_reason() {
    let mut wrong = Vec::new();
    for ((from, to), files) in arrows() {
        let allowed = match layer(&to).cmp(&layer(&from)) {
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Equal => SIDEWAYS.iter().any(|(a, b, _)| (*a, *b) == (from.as_str(), to.as_str())),
            std::cmp::Ordering::Less => false,
        };
        if !allowed {
            let (upper, lower) = (LAYERS[layer(&from)].0, LAYERS[layer(&to)].0);
            wrong.push(format!("{from} ({upper}) -> {to} ({lower}) in {files:?}"));
        }
    }
    assert!(wrong.is_empty(), "arrows that point the wrong way:\n{}", wrong.join("\n"));
}

#[test]
fn every_sideways_arrow_listed_is_there() {
    let arrows = arrows();
    for (from, to, reason) in SIDEWAYS {
        assert!(arrows.contains_key(&((*from).into(), (*to).into())), "{from} -> {to} ({reason}) is used no more");
        let back = ((*to).to_owned(), (*from).to_owned());
        assert!(!arrows.contains_key(&back), "{from} and {to} use each other");
    }
}

#[test]
fn every_module_stands_in_one_layer_and_on_the_map() {
    let lib = include_str!("../../src/lib.rs");
    let declared: BTreeSet<&str> =
        lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let layered: Vec<&str> =
        LAYERS.iter().flat_map(|(_, modules)| modules.iter().copied()).filter(|module| *module != "main").collect();
    assert_eq!(layered.iter().copied().collect::<BTreeSet<_>>(), declared);
    assert_eq!(layered.len(), declared.len(), "a module stands in two layers");
    for module in declared {
        assert!(lib.contains(&format!("//! - [`{module}`]")), "the map of `lib.rs` says nothing of `{module}`");
    }
}

#[test]
fn the_reader_of_paths_sees_what_rust_sees() {
    let source = "use crate::chat::{self, Chat};\nuse crate::{\n    engine,\n    index::{Hit, Query},\n    rag,\n};\n\
        // crate::http\nfn f() { crate::lang::x(); pub(crate) y; $crate::no; other_crate::no; haetae::cli::run() }\n\
        use crate::Root;";
    let used = modules_used(source);
    assert_eq!(used, ["chat", "cli", "engine", "index", "lang", "rag"].map(String::from).into());
}
