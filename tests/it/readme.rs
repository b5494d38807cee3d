//! The README holds what it says: its commands parse, its settings are the program's, and none is left out.

use clap::{Command, CommandFactory, Parser};
use haetae::cli::Cli;
use haetae::config::ConfigFile;
use haetae::ingest::Document;

const README: &str = include_str!("../../README.md");

/// The bodies of the code blocks in `language`.
fn blocks(language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<String> = None;
    let mut is_code = false;
    for line in README.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => (is_code, _) = (false, blocks.extend(open.take())),
            (Some(_), None) if is_code => is_code = false,
            (Some(found), None) => {
                is_code = true;
                open = (found == language).then(String::new);
            }
            (None, Some(block)) => *block += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    blocks
}

/// A line's words as a shell would split it, for what the README uses: blanks and double quotes.
fn words(line: &str) -> Vec<String> {
    let quoted = line.split('"').enumerate();
    let words = quoted.flat_map(|(at, part)| match at % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect(),
        _ => vec![part.to_owned()],
    });
    words.collect()
}

#[test]
fn every_command_parses() {
    let mut num_commands = 0;
    for line in blocks("sh").iter().flat_map(|block| block.lines()) {
        let Some(typed) = line.strip_prefix("cargo run --release -- ").or_else(|| line.strip_prefix("haetae ")) else {
            continue;
        };
        let words = words(typed);
        let parsed = Cli::try_parse_from(std::iter::once("haetae".to_owned()).chain(words));
        assert!(parsed.is_ok(), "`{line}`: {}", parsed.unwrap_err());
        num_commands += 1;
    }
    assert!(num_commands > 20, "only {num_commands} commands found");
}

#[test]
fn the_settings_file_shown_is_sound_and_whole() {
    let [shown] = &blocks("toml")[..] else { panic!("one settings file is shown") };
    toml::from_str::<ConfigFile>(shown).unwrap();
    let mut section = String::new();
    let mut num_keys = 0;
    for line in include_str!("../../src/config.rs").lines() {
        if let Some(name) = line.strip_prefix("pub struct ") {
            // `ServerFile` is the section `server`; servers of tools have sections by their own names.
            section = match name.split("File").next().unwrap_or_default() {
                "McpServer" => "mcp.servers.NAME".into(),
                section => section.to_lowercase(),
            };
            if !name.contains("File") || name.starts_with("ConfigFile") {
                section.clear();
            }
        }
        let field = line.strip_prefix("    pub ").and_then(|field| field.split_once(':'));
        let is_key = |(_, kind): &(&str, &str)| !section.is_empty() && !kind.contains("McpServerFile");
        if let Some((key, _)) = field.filter(is_key) {
            assert!(shown.contains(&format!("\n{key} = ")), "`{key}` is not in the settings file shown");
            assert!(README.contains(&format!("`{section}.{key}`")), "`{section}.{key}` is not in the table");
            num_keys += 1;
        }
    }
    assert!(num_keys >= 15, "only {num_keys} keys found");
}

#[test]
fn the_head_of_a_document_shown_is_sound() {
    let [shown] = &blocks("yaml")[..] else { panic!("one head is shown") };
    let document = Document::parse("readme.md".as_ref(), "guidelines", &format!("{shown}# Royalties\n")).unwrap();
    assert!(document.topic.is_none() && document.effective_to.is_some() && !document.asked.is_empty());
}

#[test]
fn every_flag_of_the_settings_stands_in_the_table_with_its_variable() {
    let cli = Cli::command();
    let serve = cli.find_subcommand("serve").unwrap();
    let settings = |command: &Command| -> Vec<clap::Arg> {
        command.get_arguments().filter(|arg| arg.get_id() != "help" && arg.get_id() != "version").cloned().collect()
    };
    let args: Vec<_> = settings(&cli).into_iter().chain(settings(serve)).collect();
    assert!(args.len() >= 9, "only {} flags found", args.len());
    for arg in args {
        let flag = format!("--{}", arg.get_long().unwrap());
        let row = README.lines().find(|line| line.starts_with("| `") && line.contains(&flag));
        let row = row.unwrap_or_else(|| panic!("`{flag}` is not in the table"));
        if let Some(variable) = arg.get_env() {
            assert!(row.contains(&*variable.to_string_lossy()), "`{flag}` has the variable {variable:?}: {row}");
        }
    }
}
