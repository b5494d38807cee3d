//! Risk scores by the built binary: trained on tables, refused for bad ones, kept through a kill.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::{TempDir, tempdir};

use super::haetae;

const HEADER: &str = "Declaration ID,Date,Office ID,Process Type,Import Type,Import Use,Payment Type,Mode of Transport,\
    Declarant ID,HS6 Code,Country of Departure,Country of Origin,Tax Rate,Tax Type,Country of Origin Indicator,Net Mass,\
    Item Price,Fraud";

/// Rows of which every second one from `XX` is fraud and no other one; numbers vary by row without chance.
fn rows(range: std::ops::Range<usize>) -> Vec<String> {
    range
        .map(|row| {
            let origin = ["XX", "CN", "US", "DE"][row * 7 % 4];
            let is_fraud = origin == "XX" && row * 13 % 8 < 4;
            let (day, code, mass) = (row % 28 + 1, row * 31 % 40, row * 17 % 90 + 1);
            let price = mass * (100 + row * 37 % 60);
            format!(
                "D{row},2025-03-{day:02},10,B,11,21,11,10,P{},8501{code:02},{origin},{origin},8,A,G,{mass},{price},{}",
                row % 50,
                u8::from(is_fraud)
            )
        })
        .collect()
}

fn table(rows: &[String]) -> String {
    rows.iter().fold(format!("{HEADER}\n"), |mut text, row| {
        writeln!(text, "{row}").unwrap();
        text
    })
}

/// A home folder with three tables beside it.
struct Tables(TempDir);

impl Tables {
    fn new() -> Self {
        let folder = tempdir().unwrap();
        for (name, range) in [("train", 0..2_000), ("valid", 2_000..3_000), ("test", 3_000..4_000)] {
            fs_err::write(folder.path().join(format!("{name}.csv")), table(&rows(range))).unwrap();
        }
        Self(folder)
    }

    fn home(&self) -> PathBuf {
        self.0.path().join("home")
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(format!("{name}.csv")).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs_err::write(self.path(name), bytes).unwrap();
    }

    fn training(&self) -> Vec<String> {
        let mut args = vec!["train".to_owned(), "risk".into(), "--mapping".into(), "kr-declarations".into()];
        for (flag, name) in [("--data", "train"), ("--valid", "valid"), ("--test", "test")] {
            args.extend([flag.into(), self.path(name)]);
        }
        args.extend(["--alone".into(), "--json".into()]);
        args
    }

    fn train(&self) -> super::Ran {
        let args = self.training();
        haetae(&self.home(), &args.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Fails unless training is refused with all of `words` and leaves nothing behind.
    #[track_caller]
    fn assert_refused(&self, words: &[&str]) {
        self.train().assert_refused(words);
        assert!(!self.home().join("scoring").exists(), "an artefact was left behind");
    }
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_trained_model_scores_files_and_pipes_with_reasons() {
    let tables = Tables::new();
    let ran = tables.train();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let test = &report["test"];
    assert!(test["auc"].as_f64().unwrap() > 0.9, "{test}");
    for field in ["precision_at_5pct", "precision_at_10pct", "base_rate"] {
        assert!(test[field].is_f64(), "`{field}` in {test}");
    }
    assert!(test["twin_free"]["rows"].is_u64() && test["lookup"]["auc"].is_f64(), "{test}");
    assert_eq!(report["trained_on"], "customer");
    let version = report["model"].as_str().unwrap();

    let scored =
        haetae(&tables.home(), &["score", "risk", &tables.path("test"), "--json", "--red", "0.2", "--reasons"]);
    assert_eq!(scored.code, 0, "{}", scored.stderr);
    let scored = lines(&scored.stdout);
    assert_eq!(scored.len(), 1_000);
    for row in &scored {
        let sum: f64 = row["reasons"].as_array().unwrap().iter().map(|r| r["contribution"].as_f64().unwrap()).sum();
        assert!((row["base"].as_f64().unwrap() + sum - row["margin"].as_f64().unwrap()).abs() < 1e-6, "{row}");
        assert!((0.0..=1.0).contains(&row["score"].as_f64().unwrap()), "{row}");
        assert_eq!((row["model"].as_str(), row["trained_on"].as_str()), (Some(version), Some("customer")));
        assert!(row["reasons"][0]["en"].as_str().is_some_and(|words| !words.is_empty()), "{row}");
    }
    let highest = scored.iter().max_by(|a, b| a["margin"].as_f64().unwrap().total_cmp(&b["margin"].as_f64().unwrap()));
    assert_eq!(highest.unwrap()["level"], "red");

    haetae(&tables.home(), &["score", "risk", &tables.path("test"), "--rank", "revenue"])
        .assert_refused(&["learnt of no amounts", "hint: train it on a table"]);
    haetae(&tables.home(), &["score", "risk", &tables.path("test"), "--per", "mass"])
        .assert_refused(&["column `mass` is neither a category nor the date"]);

    let piped =
        format!("{HEADER}\n{}\n{}\n", rows(3_000..3_001)[0], rows(3_001..3_002)[0].replace(",8,A,", ",high,A,"));
    let ran = pipe(&tables.home(), &["score", "risk", "-", "--json"], piped.as_bytes());
    assert_eq!(ran.code, 1, "one of two rows was scored: {}", ran.stderr);
    let piped = lines(&ran.stdout);
    assert_eq!(piped[0]["score"], scored[0]["score"], "a pipe scores as a file does");
    assert_eq!((piped[1]["row"].as_u64(), piped[1]["reason"]["column"].as_str()), (Some(3), Some("Tax Rate")));
}

#[test]
fn scoring_without_a_model_says_how_to_get_one() {
    let tables = Tables::new();
    haetae(&tables.home(), &["score", "risk", &tables.path("test")])
        .assert_refused(&["there is no risk model yet", "hint: `haetae train risk`"]);
}

#[test]
fn a_bad_table_is_named_with_its_limit_and_leaves_nothing_behind() {
    let tables = Tables::new();
    let whole = table(&rows(0..2_000));
    let with_row = |row: &str| format!("{}{row}\n", table(&rows(1..2_000)));

    tables.write("train", whole.replace("Item Price", "Price").replace("Fraud", "Result"));
    tables.assert_refused(&["train.csv` lacks columns", "`과세가격원화금액` or `Item Price`", "`우범여부` or `Fraud`"]);
    tables.write("train", with_row(&rows(0..1)[0].replace(",8,A,", ",high,A,")));
    tables.assert_refused(&[
        "1 of 2000 rows of",
        "at most 0",
        "line 2001: `Tax Rate` holds `high`, which is no number",
    ]);
    tables.write(
        "train",
        [
            whole.as_bytes(),
            b"D9999,2025-03-01,10,B,11,21,11,10,P,850101,\xb4\xeb\xc7\xd1,CN,8,A,G,1,1,0\n",
            "D9998,2025-03-01,10,B,11,21,11,10,P,850101,한국,CN,8,A,G,1,1,0\n".as_bytes(),
        ]
        .concat(),
    );
    tables.assert_refused(&["mixes encodings: line 2003 is UTF-8, the lines before are CP949", "hint: convert"]);
    tables.write("train", with_row(&rows(7..8)[0]));
    tables.assert_refused(&["line 2001: `Declaration ID` is `D7`, the key of line 8 already"]);
    tables.write("train", with_row(&rows(0..1)[0].replace("2025-03-01", "2999-01-01")));
    tables.assert_refused(&["line 2001: `Date` is 2999-01-01, which lies after today"]);
    tables.write(
        "train",
        table(&rows(0..2_000).iter().map(|row| format!("{}0", &row[..row.len() - 1])).collect::<Vec<_>>()),
    );
    tables.assert_refused(&["all 2000 usable rows of", "train.csv` have the label `negative`, and both are needed"]);
    tables.write("train", format!("{HEADER}\n"));
    tables.assert_refused(&["train.csv` holds no rows, and at least 1 is needed"]);
    tables.write("train", "");
    tables.assert_refused(&["train.csv` holds no rows"]);
    tables.write("train", &whole);
    tables.write("test", table(&rows(1_999..3_000)));
    tables.assert_refused(&["declaration `D1999` stands in", "train.csv` and in", "test.csv`"]);
    tables.write("test", table(&rows(3_000..4_000)));
    fs_err::remove_file(tables.path("valid")).unwrap();
    tables.assert_refused(&["valid.csv` could not be read"]);
}

#[test]
fn an_unknown_mapping_is_told_those_there_are() {
    let tables = Tables::new();
    haetae(&tables.home(), &["train", "risk", "--mapping", "kr", "--data", &tables.path("train")])
        .assert_refused(&["no mapping `kr`", "`kr-declarations`"]);
}

#[test]
fn a_killed_training_leaves_the_old_model_serving() {
    let tables = Tables::new();
    assert_eq!(tables.train().code, 0);
    let shelf = tables.home().join("scoring/risk");
    let listing = || {
        let mut names: Vec<_> = fs_err::read_dir(&shelf).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let (before, current) = (listing(), fs_err::read_to_string(shelf.join("CURRENT")).unwrap());
    // Large enough to be at work for a while after it began to learn.
    tables.write("train", table(&rows(4_000..40_000)));
    let mut training = command(&tables.home(), &tables.training().iter().map(String::as_str).collect::<Vec<_>>())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = std::io::BufRead::lines(std::io::BufReader::new(training.stderr.take().unwrap()));
    let began = said.any(|line| line.unwrap().starts_with("encoding 36000 rows"));
    std::thread::sleep(Duration::from_millis(300));
    assert!(began && training.try_wait().unwrap().is_none(), "it was killed at work");
    training.kill().unwrap();
    training.wait().unwrap();
    assert_eq!((listing(), fs_err::read_to_string(shelf.join("CURRENT")).unwrap()), (before, current.clone()));
    let scored = haetae(&tables.home(), &["score", "risk", &tables.path("test"), "--json"]);
    assert_eq!(scored.code, 0, "{}", scored.stderr);
    assert_eq!(lines(&scored.stdout)[0]["model"], current.as_str());
}

#[test]
fn an_invented_world_is_learnt_and_measured_against_the_best_possible() {
    let folder = tempdir().unwrap();
    let (home, world) = (folder.path().join("home"), folder.path().join("world"));
    let out = world.to_str().unwrap();
    let made = haetae(&home, &["demo", "generate", "--seed", "4", "--scale", "0.2", "--out", out, "--json"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let made: Value = serde_json::from_str(&made.stdout).unwrap();
    assert_eq!(made["declarations"], 20_000);
    haetae(&home, &["demo", "generate", "--out", out]).assert_refused(&["is not empty", "hint: name a new folder"]);
    let data = world.join("declarations.csv");
    let ran =
        haetae(&home, &["train", "risk", "--mapping", "demo", "--data", data.to_str().unwrap(), "--alone", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["trained_on"], "demo");
    let figure = |pointer: &str| report["test"].pointer(pointer).and_then(Value::as_f64).unwrap();
    let (ours, best) = (figure("/auc"), figure("/best_possible/auc"));
    assert!(
        best > 0.8 && ours < best + 0.01,
        "{ours} of {best}: nothing beats the planted probabilities but by chance"
    );
    assert!(ours > best - 0.06, "{ours} of {best}");
    assert!(figure("/calibration_error") <= 0.02, "{}", report["test"]);
    let revenue = &report["revenue"];
    let of_best = revenue["at_5pct"]["of_best_possible"].as_f64().unwrap();
    assert!((0.8..1.2).contains(&of_best), "{revenue}");
    assert!((revenue["told_of_found"].as_f64().unwrap() - 1.0).abs() < 0.2, "amounts are unbiased: {revenue}");
    assert_eq!(report["fairness"][0]["column"], "importer_age");

    let data = data.to_str().unwrap();
    let score = |args: &[&str]| {
        let ran = haetae(&home, &[&["score", "risk", data][..], args].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.stdout
    };
    let by_office = lines(&score(&["--json", "--reasons", "1", "--per", "office", "--red", "2", "--yellow", "0"]));
    let reds: Vec<&Value> = by_office.iter().filter(|row| row["level"] == "red").collect();
    assert_eq!(reds.len(), 12, "two for each of six offices");
    for red in &reds {
        let expected = red["score"].as_f64().unwrap() * red["additional_duty"].as_f64().unwrap();
        assert!((red["expected_revenue"].as_f64().unwrap() - expected).abs() <= 1.0 + expected * 1e-3, "{red}");
        assert!(red["what_would_change"]["ko"].as_str().unwrap().contains("연관"), "{red}");
    }
    assert!(by_office.iter().all(|row| row["level"] != "yellow"));
    let drawn = lines(&score(&["--json", "--reasons", "0", "--random", "0.02", "--rank", "revenue"]));
    let drawn: Vec<&Value> = drawn.iter().filter(|row| !row["random"].is_null()).collect();
    assert!((300..500).contains(&drawn.len()), "{} of 20000", drawn.len());
    for row in &drawn {
        assert_eq!(row["random"]["is_only_reason"], row["level"] != "red", "{row}");
    }
    let review: Value = serde_json::from_str(&score(&["--review", "--json", "--random", "0.02"])).unwrap();
    assert_eq!(
        (review["random"]["rows"].as_u64(), review["from"].as_str()),
        (Some(drawn.len() as u64), Some("2023-01-01"))
    );
    assert_eq!(review["drift"]["score"]["verdict"], "stable", "{}", review["drift"]);
    assert!(review["fast_track"]["ko"].as_str().unwrap().contains("무작위 검사는 계속"), "{}", review["fast_track"]);
    // Prices in another currency are prices that have drifted.
    let moved = world.join("moved.csv");
    let text = fs_err::read_to_string(data).unwrap();
    let place = text.lines().next().unwrap().split(',').position(|header| header == "value_krw").unwrap();
    let in_dollars = text.lines().enumerate().map(|(at, line)| {
        let mut fields: Vec<String> = line.split(',').map(str::to_owned).collect();
        if let (true, Ok(won)) = (at > 0, fields[place].parse::<f64>()) {
            fields[place] = format!("{:.0}", won / 1350.0);
        }
        fields.join(",") + "\n"
    });
    fs_err::write(&moved, in_dollars.collect::<String>()).unwrap();
    let ran = haetae(&home, &["score", "risk", moved.to_str().unwrap(), "--review", "--lang", "ko"]);
    assert!(ran.stdout.contains("분포 변화: 변화함") && ran.stdout.contains("| 과세가격 | 변화함 |"), "{}", ran.stdout);
}

/// The public synthetic declarations: what is asked of them. `HAETAE_TEST_DECLARATIONS` names their folder.
#[test]
fn the_public_synthetic_declarations_are_ranked_as_well_as_by_known_programs() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/declarations");
    let folder = std::env::var_os("HAETAE_TEST_DECLARATIONS").map_or(beside, PathBuf::from);
    if !folder.is_dir() {
        eprintln!("skipped: the public declarations are not here (../shared/data/declarations)");
        return;
    }
    let home = tempdir().unwrap();
    let [train, valid, test] = ["train", "valid", "test"]
        .map(|part| folder.join(format!("df_syn_{part}_ko.csv")).to_str().unwrap().to_owned());
    let args = ["train", "risk", "--data", &train, "--valid", &valid, "--test", &test, "--alone", "--json"];
    let ran = haetae(home.path(), &args);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("7288 of 8481 test rows (86%) agree in `hs` and `price`"), "{}", ran.stderr);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["trained_on"], "public-synthetic");
    let figure = |pointer: &str| report["test"].pointer(pointer).and_then(Value::as_f64).unwrap();
    assert!((figure("/base_rate") - 0.216).abs() < 0.0005);
    assert!(figure("/auc") >= 0.926 && figure("/precision_at_5pct") >= 0.976, "{}", report["test"]);
    assert_eq!(figure("/twin_free/rows"), 1193.0);
    assert!(figure("/twin_free/auc") >= 0.597, "{}", report["test"]);
    assert!(figure("/auc") > figure("/lookup/auc"), "a model must beat a table of twins");
    assert!(figure("/calibration_error") <= 0.02);
    let started = Instant::now();
    assert_eq!(haetae(home.path(), &["score", "risk", &test, "--json", "--reasons", "0"]).stdout.lines().count(), 8481);
    assert!(started.elapsed() < Duration::from_secs(20), "8,481 rows take a fraction of a second");
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
