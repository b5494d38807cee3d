//! Delinquency scores by the built binary: learnt from an invented world, told for folders and pipes, refused for bad
//! tables, kept through a kill.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use super::haetae;

/// A home folder with a world beside it.
struct World(TempDir);

impl World {
    fn new(seed: &str, scale: &str) -> Self {
        let folder = tempdir().unwrap();
        let world = Self(folder);
        let made = world.run(&["demo", "generate", "--seed", seed, "--scale", scale, "--out", &world.tables()]);
        assert_eq!(made.code, 0, "{}", made.stderr);
        world
    }

    fn home(&self) -> PathBuf {
        self.0.path().join("home")
    }

    fn tables(&self) -> String {
        self.0.path().join("world").to_str().unwrap().to_owned()
    }

    fn table(&self, name: &str) -> PathBuf {
        Path::new(&self.tables()).join(name)
    }

    fn run(&self, args: &[&str]) -> super::Ran {
        haetae(&self.home(), args)
    }

    fn train(&self) -> super::Ran {
        self.run(&["train", "delinquency", "--data", &self.tables(), "--json"])
    }

    /// Fails unless training on `bytes` in the place of a table is refused with all of `words` and leaves nothing behind.
    #[track_caller]
    fn assert_refused(&self, name: &str, bytes: impl AsRef<[u8]>, words: &[&str]) {
        let path = self.table(name);
        let whole = fs_err::read(&path).unwrap();
        fs_err::write(&path, bytes).unwrap();
        self.train().assert_refused(words);
        assert!(!self.home().join("scoring").exists(), "an artefact was left behind");
        fs_err::write(&path, whole).unwrap();
    }
}

fn report(ran: &super::Ran) -> Value {
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn an_invented_world_is_learnt_and_measured_against_the_best_possible() {
    let world = World::new("1", "1");
    let report = report(&world.train());
    assert_eq!(report["trained_on"], "demo");
    let figure = |pointer: &str| report.pointer(pointer).and_then(Value::as_f64).unwrap();
    let (ours, best) = (figure("/test/auc"), figure("/test/best_possible/auc"));
    assert!(best > 0.8 && ours < best + 0.01 && ours > best - 0.03, "{ours} of {best}");
    assert!(figure("/test/calibration_error") <= 0.02, "{}", report["test"]);
    assert!(ours > figure("/test/lookup/auc") && figure("/new_companies/rows") > 1_000.0);
    assert!(report["test"]["rivals"]["logistic_regression"]["auc"].is_f64());
    assert_eq!(report["grades"].as_array().unwrap().len(), 10);
    for dimension in ["all", "year", "age", "size"] {
        let stability = report["stability"].as_array().unwrap();
        assert!(stability.iter().any(|cohort| cohort["dimension"] == dimension), "{stability:?}");
    }

    let scored = world.run(&["score", "delinquency", &world.tables(), "--json", "--reasons"]);
    assert_eq!(scored.code, 0, "{}", scored.stderr);
    let scored = lines(&scored.stdout);
    assert_eq!(scored.len(), 2_060);
    for line in &scored {
        let of = |name: &str| line[name].as_f64().unwrap();
        let told: f64 =
            line["reasons"].as_array().unwrap().iter().map(|reason| reason["contribution"].as_f64().unwrap()).sum();
        assert!((of("base") + told - of("margin")).abs() < 1e-4, "reasons add up to the margin: {line}");
        assert!((0.0..=1000.0).contains(&of("score")) && line["trained_on_demo"] == true && line["as_of"] == "2025-12");
        assert!(line["grade"].as_str().unwrap() >= line["grade_by_probability"].as_str().unwrap(), "{line}");
    }
    let mut by_probability: Vec<&Value> = scored.iter().collect();
    by_probability.sort_by(|a, b| a["probability"].as_f64().unwrap().total_cmp(&b["probability"].as_f64().unwrap()));
    assert!(by_probability.windows(2).all(|pair| pair[0]["score"].as_u64() >= pair[1]["score"].as_u64()));
    let ruled =
        scored.iter().find(|line| line["rules"][0]["code"] == "credit_data_year").expect("someone owes for a year");
    assert!(
        ruled["rules"][0]["references"][0] == "KR-CA-44(1)1" && ruled["grade"].as_str().unwrap() >= "08",
        "{ruled}"
    );
    let helped = scored.iter().find(|line| line["what_would_change"].is_object()).expect("someone can do something");
    assert!(helped["what_would_change"]["probability"].as_f64() < helped["probability"].as_f64(), "{helped}");
}

#[test]
fn a_folder_and_a_pipe_are_scored_alike_and_parquet_as_csv() {
    let world = World::new("2", "0.2");
    let by_csv = report(&world.train());
    let parquet = world.0.path().join("parquet").to_str().unwrap().to_owned();
    let args = ["demo", "generate", "--seed", "2", "--scale", "0.2", "--format", "parquet", "--out", &parquet];
    assert_eq!(world.run(&args).code, 0);
    let by_parquet = report(&world.run(&["train", "delinquency", "--data", &parquet, "--json"]));
    assert_eq!((&by_csv["test"], &by_csv["tried"]), (&by_parquet["test"], &by_parquet["tried"]));
    let score =
        |folder: &str| lines(&world.run(&["score", "delinquency", folder, "--json", "--as-of", "2025-06"]).stdout);
    let (csv, parquet_scored) = (score(&world.tables()), score(&parquet));
    assert!(csv.len() > 400 && csv == parquet_scored);
    let risk = |name: &str| {
        let data = Path::new(name).with_extension(if name.contains("parquet") { "parquet" } else { "csv" });
        report(&world.run(&[
            "train",
            "risk",
            "--mapping",
            "demo",
            "--data",
            data.to_str().unwrap(),
            "--alone",
            "--json",
        ]))
    };
    let (of_csv, of_parquet) =
        (risk(&format!("{}/declarations", world.tables())), risk(&format!("{parquet}/declarations")));
    assert_eq!(of_csv["test"], of_parquet["test"]);

    // The same company from a pipe, without what the other tables say.
    let company = csv[7]["company"].as_str().unwrap();
    let ledger = fs_err::read_to_string(world.table("ledgers.csv")).unwrap();
    let dues: Vec<Value> = ledger
        .lines()
        .filter_map(|line| line.strip_prefix(&format!("{company},")))
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            let number = |at: usize| fields[at].parse::<f64>().unwrap();
            json!({ "month": fields[0], "due": number(1), "paid": number(2), "days_late": number(3) })
        })
        .collect();
    let history = json!({ "company": company, "as_of": "2025-06", "dues": dues });
    let piped = pipe(&world.home(), &["score", "delinquency", "-", "--json"], format!("{history}\n").as_bytes());
    assert_eq!(piped.code, 0, "{}", piped.stderr);
    let piped = &lines(&piped.stdout)[0];
    assert_eq!(piped["missing"], json!(["trade", "audits", "founded"]));
    assert_eq!((&piped["rules"], &piped["as_of"]), (&csv[7]["rules"], &csv[7]["as_of"]));
    let bad = pipe(&world.home(), &["score", "delinquency", "-", "--json"], b"{\"company\":\"A\"}\n\n");
    assert_eq!(bad.code, 1);
    assert!(
        bad.stderr.contains("standard input line 1: it is no history in JSON") && lines(&bad.stdout)[0]["row"] == 1
    );
    let floored = world.run(&["score", "delinquency", &world.tables(), "--json", "--floor", "exit_ban=10"]);
    let floored = lines(&floored.stdout);
    let banned: Vec<&Value> = floored
        .iter()
        .filter(|line| line["rules"].as_array().unwrap().iter().any(|rule| rule["code"] == "exit_ban"))
        .collect();
    assert!(banned.iter().all(|line| line["grade"] == "10"), "{banned:?}");
    world.run(&["score", "delinquency", &parquet, "--floor", "exit=10"]).assert_refused(&["unknown variant `exit`"]);
}

#[test]
fn every_bad_table_is_refused_with_its_reason_and_leaves_nothing_behind() {
    let world = World::new("3", "0.02");
    let ledgers = fs_err::read_to_string(world.table("ledgers.csv")).unwrap();
    let (header, first) = (ledgers.lines().next().unwrap(), ledgers.lines().nth(1).unwrap());
    let refused = |name: &str, bytes: &[u8], words: &[&str]| world.assert_refused(name, bytes, words);
    let changed = |from: &str, to: &str| ledgers.replacen(from, to, 1).into_bytes();
    refused("ledgers.csv", &changed("due_krw", "due"), &["lacks columns that mapping `demo` needs: `due_krw`"]);
    let fields: Vec<&str> = first.split(',').collect();
    let with = |at: usize, text: &str| {
        let mut fields = fields.clone();
        fields[at] = text;
        changed(first, &fields.join(","))
    };
    refused("ledgers.csv", &with(2, "much"), &["line 2: `due_krw` holds `much`, which is no number"]);
    refused("ledgers.csv", &with(3, "-1"), &["line 2: `paid_krw` is -1, and at least 0 is possible"]);
    refused("ledgers.csv", &with(4, ""), &["line 2: `days_late` is empty"]);
    refused("ledgers.csv", &with(0, ""), &["line 2: `company` is empty"]);
    refused("ledgers.csv", &with(1, "spring"), &["line 2: `month` holds `spring`, which is no month such as 2026-01"]);
    refused("ledgers.csv", &with(1, "2999-01"), &["line 2: `month` is 2999-01-01, which lies after today"]);
    let twice = format!("{header}\n{first}\n{}", &ledgers[header.len() + 1..]);
    let key = format!("line 3: `company` and `month` is `{} {}`, the key of line 2 already", fields[0], fields[1]);
    refused("ledgers.csv", twice.as_bytes(), &[&key]);
    let mixed =
        [ledgers.as_bytes(), "한국,2025-01,1,1,1,0,0,0\n".as_bytes(), b"\xb4\xeb\xc7\xd1,2025-01,1,1,1,0,0,0\n"]
            .concat();
    refused("ledgers.csv", &mixed, &["mixes encodings", "is CP949, the lines before are UTF-8"]);
    refused("ledgers.csv", header.as_bytes(), &["ledgers.csv` holds no rows"]);
    refused("ledgers.csv", b"", &["ledgers.csv` holds no rows"]);
    let rows = |change: fn(Vec<&str>) -> String| -> Vec<u8> {
        let rows = ledgers.lines().skip(1).map(|line| change(line.split(',').collect()));
        format!("{header}\n{}\n", rows.collect::<Vec<_>>().join("\n")).into_bytes()
    };
    let all_paid = rows(|fields| format!("{},{},{},{},0,0,0,0", fields[0], fields[1], fields[2], fields[2]));
    refused("ledgers.csv", &all_paid, &["ledgers.csv (learnt from)` have the label `negative`, and both are needed"]);
    let in_one_year: Vec<&str> =
        ledgers.lines().filter(|line| line.contains("company") || line.contains(",2023-")).collect();
    refused("ledgers.csv", in_one_year.join("\n").as_bytes(), &["run over 12 months, and at least 30 are needed"]);
    refused("ledgers.csv", b"PAR1nothing", &["is no Parquet file that can be read"]);
    let companies = fs_err::read_to_string(world.table("companies.csv")).unwrap();
    let again = format!("{companies}{}\n", companies.lines().nth(1).unwrap());
    refused("companies.csv", again.as_bytes(), &["`company` is `C000000`, the key of line 2 already"]);
    let declarations = fs_err::read_to_string(world.table("declarations.csv")).unwrap();
    refused("declarations.csv", declarations.replacen(",2023-", ",2099-", 1).as_bytes(), &["which lies after today"]);
    fs_err::rename(world.table("companies.csv"), world.table("firms.csv")).unwrap();
    world.train().assert_refused(&["no table `companies`", "hint: tables are files of that name"]);
    let files = world.run(&["train", "delinquency", "--data", world.table("firms.csv").to_str().unwrap()]);
    files.assert_refused(&["firms.csv` is no table that is known by its name"]);
    world
        .run(&["train", "delinquency", "--data", &world.tables(), "--mapping", "kr"])
        .assert_refused(&["no mapping `kr`", "`demo`"]);
    world
        .run(&["score", "delinquency", &world.tables()])
        .assert_refused(&["no delinquency model yet", "train delinquency"]);
    assert!(!world.home().join("scoring").exists());
}

#[test]
fn a_killed_training_leaves_the_old_model_serving() {
    let world = World::new("4", "0.2");
    let first = report(&world.train());
    let current = world.home().join("scoring/delinquency/CURRENT");
    assert_eq!(fs_err::read_to_string(&current).unwrap(), first["model"].as_str().unwrap());
    let mut training = command(&world.home(), &["train", "delinquency", "--data", &world.tables()])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = std::io::BufRead::lines(std::io::BufReader::new(training.stderr.take().unwrap()));
    assert!(said.any(|line| line.unwrap().starts_with("looking back on")), "it began to learn");
    std::thread::sleep(Duration::from_millis(20));
    training.kill().unwrap();
    training.wait().unwrap();
    assert_eq!(fs_err::read_to_string(&current).unwrap(), first["model"].as_str().unwrap());
    let scored = world.run(&["score", "delinquency", &world.tables(), "--json"]);
    assert_eq!(scored.code, 0, "{}", scored.stderr);
    assert_eq!(lines(&scored.stdout)[0]["model"], first["model"]);
}

/// The binary with these arguments, shielded from the caller's settings.
fn command(home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_haetae"));
    command.env_remove("HAETAE_LOG").arg("--home").arg(home).args(args);
    command
}

/// Runs with `input` on its standard input.
fn pipe(home: &Path, args: &[&str], input: &[u8]) -> super::Ran {
    let mut child =
        command(home, args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), input).unwrap();
    let output = child.wait_with_output().unwrap();
    super::Ran {
        code: output.status.code().expect("no signal ended it"),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}
