//! The register, the network and profiles by the built binary, on a small invented world.

use std::path::PathBuf;
use std::sync::LazyLock;

use serde_json::Value;
use tempfile::{TempDir, tempdir};

use super::{Ran, haetae};

/// A home folder into which a small world was imported, shared by what only looks.
static HOME: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = tempdir().unwrap();
    let (home, world) = (home(&folder), folder.path().join("world"));
    let out = world.to_str().unwrap();
    let made = haetae(&home, &["demo", "generate", "--seed", "9", "--scale", "0.05", "--out", out]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let ran = haetae(&home, &["register", "import", out]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("declarations: 5000") && ran.stdout.contains("invented data"), "{}", ran.stdout);
    folder
});

fn home(folder: &TempDir) -> PathBuf {
    folder.path().join("home")
}

fn run(args: &[&str]) -> Ran {
    haetae(&home(&HOME), args)
}

fn json(args: &[&str]) -> Value {
    let ran = run(&[args, &["--json"]].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

/// The first phoenix that is found: predecessor and successor.
fn phoenix() -> (String, String) {
    let found = json(&["network", "patterns"]);
    let phoenix = found["patterns"].as_array().unwrap().iter().find(|pattern| pattern["pattern"] == "phoenix").unwrap();
    let id = |end: &str| phoenix[end]["id"].as_str().unwrap().to_owned();
    (id("predecessor"), id("successor"))
}

#[test]
fn a_company_is_shown_by_id_and_by_either_name() {
    let by_id = json(&["register", "show", "C000007"]);
    assert_eq!(by_id["demo"], true);
    let (ko, en) = (by_id["company"]["name_ko"].as_str().unwrap(), by_id["company"]["name_en"].as_str().unwrap());
    for name in [format!("(주) {ko}"), format!("{} Co., Ltd.", en.to_uppercase())] {
        assert_eq!(json(&["register", "show", &name])["company"]["id"], "C000007", "{name}");
    }
    let num_shown = json(&["register", "show", "C000007", "--limit", "2"])["declarations"].as_array().unwrap().len();
    assert!(num_shown <= 2);
}

#[test]
fn a_name_that_several_may_have_is_refused_with_all_of_them() {
    let name = json(&["register", "show", "C000007"])["company"]["name_ko"].as_str().unwrap().to_owned();
    let without_number = name.split(' ').next().unwrap();
    run(&["register", "show", without_number]).assert_refused(&["may mean any of", "C0000", "hint: name the id"]);
    run(&["profile", "전혀 다른 이름의 회사"]).assert_refused(&["no company is called"]);
}

#[test]
fn a_way_between_the_two_of_a_phoenix_is_short_and_told_in_both_languages() {
    let (old, new) = phoenix();
    let path = json(&["network", "path", &old, &new]);
    let steps = path["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 2, "{path}");
    for (language, field) in [("en", "en"), ("ko", "ko")] {
        let told = run(&["network", "path", &old, &new, "--lang", language]).stdout;
        assert!(steps.iter().all(|step| told.contains(step[field].as_str().unwrap())), "{told}");
    }
    assert_eq!(path["demo"], true);
}

#[test]
fn a_neighbourhood_is_written_as_json_and_drawn() {
    let (old, new) = phoenix();
    let around = json(&["network", "around", &new, "--depth", "2"]);
    let ids: Vec<&str> =
        around["view"]["nodes"].as_array().unwrap().iter().map(|node| node["id"].as_str().unwrap()).collect();
    assert!(ids.contains(&old.as_str()), "{old} not in {ids:?}");
    assert!(around["exposure"]["exposure"].as_f64().unwrap() > 0.0);
    let file = HOME.path().join("around.svg");
    let drawn = run(&["network", "around", &new, "--svg", file.to_str().unwrap(), "--lang", "ko"]);
    assert_eq!((drawn.code, drawn.stdout.as_str()), (0, ""), "{}", drawn.stderr);
    assert!(fs_err::read_to_string(&file).unwrap().starts_with("<svg "));
}

#[test]
fn a_profile_tells_its_sources_and_keeps_to_its_day() {
    let (_, new) = phoenix();
    let profile = json(&["profile", &new, "--as-of", "2025-09-30"]);
    assert_eq!(profile["quarter"]["from"], "2025-07-01");
    let condition = profile["trade"]["total"]["source"]["rows"]["condition"].as_str().unwrap();
    assert!(condition.contains(&new) && condition.contains("2025-09-30"), "{condition}");
    assert_eq!(profile["patterns"]["value"][0]["pattern"], "phoenix");
    let page = run(&["profile", &new, "--lang", "ko"]).stdout;
    assert!(page.contains("## 관계망") && page.contains("가상 자료") && page.contains("## 출처"), "{page}");
    run(&["profile", &new, "--as-of", "2025-13-01"]).assert_refused(&["--as-of"]);
    run(&["profile", &new, "--as-of", "2001-01-01"]).assert_refused(&["2001-01-01", "before the first declaration"]);
}

#[test]
fn a_bad_row_stops_the_import_and_leaves_what_was_there() {
    let folder = tempdir().unwrap();
    let home = home(&folder);
    haetae(&home, &["register", "show", "C1"])
        .assert_refused(&["nothing was imported yet", "haetae register import DIR"]);
    let write = |text: &str| fs_err::write(folder.path().join("companies.csv"), text).unwrap();
    let tables = folder.path().to_str().unwrap();
    write("company,name_ko\nC1,가나\n");
    assert_eq!(haetae(&home, &["register", "import", tables]).code, 0);
    write("company,name_ko,founded\nC2,다라,2020-01-01\nC3,마바,yesterday\n");
    haetae(&home, &["register", "import", tables])
        .assert_refused(&["companies.csv line 3", "`founded` is `yesterday`"]);
    let shown = haetae(&home, &["register", "show", "가나"]);
    assert!(
        shown.code == 0 && shown.stdout.starts_with("C1") && !shown.stdout.contains("invented"),
        "{}",
        shown.stdout
    );
}
