use std::collections::HashMap;

use super::*;

const SMALL: World = World { seed: 3, scale: 0.2 };

fn rows(folder: &Path, name: &str) -> Vec<HashMap<String, String>> {
    let mut reader = csv::Reader::from_path(folder.join(name)).unwrap();
    reader.deserialize().map(|row| row.unwrap()).collect()
}

fn number(row: &HashMap<String, String>, column: &str) -> f64 {
    row[column].parse().unwrap()
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, seed: u64| {
        let path = folder.path().join(name);
        World { seed, scale: 0.02 }.write(&path).unwrap();
        let files: std::collections::BTreeMap<_, _> = fs::read_dir(&path)
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
            .collect();
        assert_eq!(files.len(), 14);
        files
    };
    assert_eq!(write("a", 1), write("b", 1));
    assert_ne!(write("c", 2)["companies.csv"], write("d", 3)["companies.csv"]);
}

#[test]
fn planted_probabilities_are_those_the_labels_follow() {
    let folder = tempfile::tempdir().unwrap();
    let made = SMALL.write(folder.path()).unwrap();
    let declarations = rows(folder.path(), "declarations.csv");
    assert_eq!(declarations.len(), 20_000);
    let (expected, variance) = declarations.iter().fold((0.0, 0.0), |sum, row| {
        let p = number(row, "planted_probability");
        (sum.0 + p, sum.1 + p * (1.0 - p))
    });
    let found = declarations.iter().filter(|row| row["fraud"] == "1").count();
    assert_eq!(found, made.frauds);
    assert!((found as f64 - expected).abs() < 4.0 * f64::sqrt(variance), "{found} of {expected} expected");
    assert!((0.02..0.12).contains(&(found as f64 / 20_000.0)), "{found}");
    let months = rows(folder.path(), "ledgers.csv");
    let late = months.iter().filter(|row| number(row, "days_late") > 30.0).count() as f64;
    let expected: f64 = months.iter().map(|row| number(row, "planted_probability")).sum();
    assert!((late - expected).abs() < 4.0 * expected.sqrt(), "{late} of {expected} expected");
}

#[test]
fn each_effect_is_there_and_raises_the_odds() {
    let folder = tempfile::tempdir().unwrap();
    SMALL.write(folder.path()).unwrap();
    let declarations = rows(folder.path(), "declarations.csv");
    let truth = rows(folder.path(), "truth.csv");
    let rate = |shows: &dyn Fn(&HashMap<String, String>) -> bool| {
        let labels: Vec<bool> = declarations
            .iter()
            .zip(&truth)
            .filter(|(_, truth)| shows(truth))
            .map(|(row, _)| row["fraud"] == "1")
            .collect();
        assert!(labels.len() > 30, "an effect is hardly there: {}", labels.len());
        labels.iter().filter(|label| **label).count() as f64 / labels.len() as f64
    };
    let effects = ["hidden", "routed", "young_phoenix", "related_low"];
    let plain = rate(&|row| effects.iter().all(|effect| row[*effect] == "0") && number(row, "undervaluation") == 0.0);
    for effect in effects {
        assert!(rate(&|row| row[effect] == "1") > 2.0 * plain, "{effect}");
    }
    assert!(rate(&|row| number(row, "undervaluation") > 1.5) > 5.0 * plain);
}

#[test]
fn phoenixes_share_a_person_and_a_phone_or_an_address_and_rings_close() {
    let folder = tempfile::tempdir().unwrap();
    let made = SMALL.write(folder.path()).unwrap();
    let companies: HashMap<String, _> =
        rows(folder.path(), "companies.csv").into_iter().map(|row| (row["company"].clone(), row)).collect();
    let mut people: HashMap<String, Vec<String>> = HashMap::new();
    let mut holders: HashMap<String, Vec<String>> = HashMap::new();
    let mut officers: HashMap<String, Vec<String>> = HashMap::new();
    for role in rows(folder.path(), "roles.csv") {
        people.entry(role["company"].clone()).or_default().push(role["person"].clone());
        officers.entry(role["person"].clone()).or_default();
        if role["role"] == "officer" {
            officers.entry(role["person"].clone()).or_default().push(role["company"].clone());
        }
        if !role["holder"].is_empty() {
            holders.entry(role["company"].clone()).or_default().push(role["holder"].clone());
        }
    }
    let mut phoenixes = 0;
    for child in companies.values().filter(|row| !row["planted_phoenix_of"].is_empty()) {
        let old = &companies[&child["planted_phoenix_of"]];
        phoenixes += 1;
        assert!(!old["closed"].is_empty() && child["founded"] > old["closed"], "{child:?}");
        assert!(child["phone"] == old["phone"] || child["address_ko"] == old["address_ko"]);
        let of_old = &people[&old["company"]];
        assert!(people[&child["company"]].iter().any(|person| !person.is_empty() && of_old.contains(person)));
    }
    assert_eq!(phoenixes, made.phoenixes);
    // Each member is held by another of its ring, or by someone who is an officer of another.
    let mut veiled = 0;
    for member in companies.values().filter(|row| !row["planted_ring"].is_empty()) {
        let is_of_ring = |id: &str| id != member["company"] && companies[id]["planted_ring"] == member["planted_ring"];
        let is_held = holders.get(&member["company"]).is_some_and(|holders| holders.iter().any(|id| is_of_ring(id)));
        let people = &people[&member["company"]];
        let has_straw = people.iter().any(|one| !one.is_empty() && officers[one].iter().any(|id| is_of_ring(id)));
        assert!(is_held || has_straw, "{member:?}");
        veiled += usize::from(!is_held);
    }
    assert!((1..=made.rings).contains(&veiled), "{veiled} of {} rings are veiled", made.rings);
    assert!(made.rings > 0);
}

#[test]
fn the_readme_tells_the_sizes_and_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    World { seed: 5, scale: 0.01 }.write(folder.path()).unwrap();
    let text = fs::read_to_string(folder.path().join("README.md")).unwrap();
    for word in ["--seed 5 --scale 0.01", "1000 declarations", "| 2.6 |", "| 2.2 |", "| 2 |", "normal, spread 0.6"] {
        assert!(text.contains(word), "no `{word}` in {text}");
    }
    for entry in fs::read_dir(folder.path()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name == "README.md" || text.contains(&format!("`{name}`")), "{name} is not told");
    }
}

#[test]
fn a_scale_out_of_range_and_a_folder_in_use_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for scale in [0.0, -1.0, 1e6, f64::NAN] {
        assert!(matches!(World { seed: 1, scale }.write(folder.path()), Err(Error::Scale { .. })));
    }
    fs::write(folder.path().join("mine.txt"), "x").unwrap();
    assert!(matches!(World { seed: 1, scale: 0.01 }.write(folder.path()), Err(Error::NotEmpty { .. })));
}
