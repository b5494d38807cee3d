//! Every format is written, stands up to its consumer's rules, and comes back unchanged.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use haetae::datasets::exports::Manifest;
use haetae::datasets::store::Filter;
use haetae::datasets::{Split, StoredRow};
use serde_json::Value;
use tempfile::tempdir;

use super::{command, dataset, generate, rows};

const FORMATS: [&str; 7] = ["openai", "alpaca", "sharegpt", "chatml", "parquet", "beir", "csv"];

/// What must come back; ids and versions are each store's own.
fn plain(rows: Vec<StoredRow>) -> BTreeMap<String, StoredRow> {
    rows.into_iter().map(|row| (row.hash.clone(), StoredRow { id: 0, version: 0, ..row })).collect()
}

fn json_lines(path: &Path) -> Vec<Value> {
    fs_err::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn what_is_exported_comes_back_unchanged_in_every_format() {
    let (folder, other) = (tempdir().unwrap(), tempdir().unwrap());
    let home = folder.path();
    generate(home, "probe", 300);
    let good = plain(rows(home, "probe", &Filter::good()));
    assert_eq!(good.len(), 300);
    for format in FORMATS {
        let out = folder.path().join(format);
        let path = out.to_str().unwrap();
        let printed = dataset(home, &["export", "probe", "--format", format, "--out", path]);
        assert!(printed.contains("metadata/documents.jsonl"), "{printed}");
        let manifest = Manifest::verified(&out).unwrap();
        assert_eq!(manifest.num_rows, 300);
        assert!(out.join("README.md").exists());
        dataset(other.path(), &["import", path, "--name", format]);
        assert_eq!(plain(rows(other.path(), format, &Filter::default())), good, "{format}");
        // Twice is once.
        let again = dataset(other.path(), &["import", path, "--name", format]);
        assert!(again.contains("300 rows read, 0 of them new"), "{again}");
        // A second export of what was taken in says the same.
        if format != "parquet" {
            let second = other.path().join(format!("{format}-again"));
            dataset(other.path(), &["export", format, "--format", format, "--out", second.to_str().unwrap()]);
            for split in Split::ALL {
                let name = format!("data/{}.{}", split.name(), if format == "csv" { "csv" } else { "jsonl" });
                if out.join(&name).exists() {
                    let (a, b) = (fs_err::read(out.join(&name)).unwrap(), fs_err::read(second.join(&name)).unwrap());
                    assert!(a == b, "{format} {name}");
                }
            }
        }
    }
    let ran =
        command(home, &["export", "probe", "--format", "csv", "--out", home.join("csv").to_str().unwrap()]).output();
    assert_eq!(ran.unwrap().status.code(), Some(2), "a folder that holds something is left alone");

    openai_rules(&home.join("openai/data/train.jsonl"));
    beir_reads(&home.join("beir"), &good);
    // A changed file is refused.
    let train = home.join("csv/data/train.csv");
    fs_err::write(&train, fs_err::read_to_string(&train).unwrap().replacen('a', "b", 1)).unwrap();
    let refused = command(other.path(), &["import", home.join("csv").to_str().unwrap(), "--name", "bad"]).output();
    let refused = String::from_utf8(refused.unwrap().stderr).unwrap();
    assert!(refused.contains("sha256") && refused.contains("train.csv"), "{refused}");
}

/// The checks of OpenAI's own guide to preparing chat data.
fn openai_rules(path: &Path) {
    let examples = json_lines(path);
    assert!(examples.len() >= 10);
    for example in examples {
        assert_eq!(example.as_object().unwrap().keys().collect::<Vec<_>>(), ["messages"]);
        let messages = example["messages"].as_array().unwrap();
        for message in messages {
            let keys: BTreeSet<&str> = message.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(keys, ["content", "role"].into());
            assert!(["system", "user", "assistant"].contains(&message["role"].as_str().unwrap()));
            assert!(!message["content"].as_str().unwrap().is_empty());
        }
        assert_eq!(messages.last().unwrap()["role"], "assistant");
    }
}

/// As BEIR's loader reads a folder: every judgement names a query and a passage that are there.
fn beir_reads(folder: &Path, good: &BTreeMap<String, StoredRow>) {
    let ids = |name: &str| -> BTreeSet<String> {
        let lines = json_lines(&folder.join(name));
        lines.iter().map(|line| line["_id"].as_str().unwrap().to_owned()).collect()
    };
    let (queries, corpus) = (ids("data/queries.jsonl"), ids("data/corpus.jsonl"));
    assert_eq!(queries, good.keys().cloned().collect());
    let mut judged = BTreeSet::new();
    for split in ["train", "dev", "test"] {
        let text = fs_err::read_to_string(folder.join(format!("data/qrels/{split}.tsv"))).unwrap();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("query-id\tcorpus-id\tscore"));
        for line in lines {
            let [query, passage, score] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
            assert!(queries.contains(query) && corpus.contains(passage) && score == "1", "{line}");
            judged.insert(query.to_owned());
        }
    }
    let with_evidence: BTreeSet<String> =
        good.iter().filter(|(_, row)| !row.row.evidence.is_empty()).map(|(hash, _)| hash.clone()).collect();
    assert_eq!(judged, with_evidence);
}

#[test]
fn files_of_others_become_candidates_and_a_bad_line_is_named() {
    let folder = tempdir().unwrap();
    let home = folder.path();
    let path = home.join("theirs.jsonl");
    let lines = concat!(
        "{\"messages\": [{\"role\": \"system\", \"content\": \"s\"}, {\"role\": \"user\", \"content\": \"Is it added?\"}, ",
        "{\"role\": \"assistant\", \"content\": \"Yes.\"}]}\n",
        "{\"instruction\": \"운임은 더하나요?\", \"input\": \"\", \"output\": \"더한다.\"}\n"
    );
    fs_err::write(&path, lines).unwrap();
    dataset(home, &["import", path.to_str().unwrap(), "--name", "theirs"]);
    let found = rows(home, "theirs", &Filter::default());
    let said: Vec<(&str, &str)> = found.iter().map(|row| (row.state.name(), row.row.question.as_str())).collect();
    assert_eq!(said, [("candidate", "Is it added?"), ("candidate", "운임은 더하나요?")]);
    fs_err::write(&path, format!("{lines}{{\"question\": \"no answer\"}}\n")).unwrap();
    let ran = command(home, &["import", path.to_str().unwrap(), "--name", "bad"]).output().unwrap();
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(ran.status.code() == Some(2) && said.contains("line 3"), "{said}");
}

#[test]
fn the_datasets_library_loads_every_table_and_line_format() {
    let has_library =
        Command::new("python3").args(["-c", "import datasets"]).output().is_ok_and(|ran| ran.status.success());
    if !has_library {
        eprintln!("skipped: `python3 -c 'import datasets'` fails; `pip install datasets` brings it");
        return;
    }
    let folder = tempdir().unwrap();
    let home = folder.path();
    generate(home, "probe", 100);
    for format in ["parquet", "openai", "alpaca", "sharegpt", "chatml", "csv"] {
        let out = home.join(format);
        dataset(home, &["export", "probe", "--format", format, "--out", out.to_str().unwrap()]);
        let script = "import sys, datasets\nloaded = datasets.load_dataset(sys.argv[1], cache_dir=sys.argv[2])\n\
            print(sum(part.num_rows for part in loaded.values()), sorted(loaded))";
        let ran = Command::new("python3").args(["-c", script]).arg(&out).arg(home.join("cache")).output().unwrap();
        assert!(ran.status.success(), "{format}: {}", String::from_utf8_lossy(&ran.stderr));
        assert_eq!(String::from_utf8(ran.stdout).unwrap().trim(), "100 ['test', 'train', 'validation']", "{format}");
    }
}
