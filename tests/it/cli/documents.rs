//! Stamps and signatures by the built binary: the drawn world, and what is wrong said by name.

use std::collections::BTreeSet;

use tempfile::tempdir;

use super::haetae;

#[test]
fn certificates_are_drawn_with_a_table_of_what_was_planted() {
    let home = tempdir().unwrap();
    let draw = |name: &str, seed: &str| {
        let out = home.path().join(name);
        let ran = haetae(
            home.path(),
            &["demo", "certificates", "--seed", seed, "--count", "2", "--out", out.to_str().unwrap(), "--json"],
        );
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let made: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(made["pages"], 2);
        out
    };
    let (first, again, other) = (draw("a", "3"), draw("b", "3"), draw("c", "4"));
    let page = |out: &std::path::Path| fs_err::read(out.join("pages/00000.png")).unwrap();
    assert!(page(&first) == page(&again) && page(&first) != page(&other));
    let mut rows = csv::Reader::from_path(first.join("truth.csv")).unwrap();
    let header: Vec<String> = rows.headers().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(header, ["page", "kind", "identity", "state", "left", "top", "right", "bottom"]);
    for row in rows.records().map(Result::unwrap) {
        let at: Vec<f32> = row.iter().skip(4).map(|at| at.parse().unwrap()).collect();
        assert!(at[0] < at[2] && at[1] < at[3] && at[2] <= 1240.0 && at[3] <= 1754.0, "{row:?}");
    }
    let kinds: BTreeSet<bool> = ["stamp", "signature"].map(|kind| first.join(kind).is_dir()).into();
    assert_eq!(kinds, [true].into());
    assert!(fs_err::read_to_string(first.join("README.md")).unwrap().contains("--seed 3 --count 2"));
    haetae(home.path(), &["demo", "certificates", "--out", first.to_str().unwrap()]).assert_refused(&["is not empty"]);
    haetae(home.path(), &["demo", "certificates", "--count", "0", "--out", home.path().join("d").to_str().unwrap()])
        .assert_refused(&["the number of pages is 0", "from 1 to"]);
}

#[test]
fn without_a_model_or_originals_the_way_to_get_them_is_told() {
    let home = tempdir().unwrap();
    for args in [&["documents", "find", "x.png"][..], &["documents", "compare", "a.png", "b.png"]] {
        haetae(home.path(), args)
            .assert_refused(&["there is no documents model yet", "hint: `haetae train documents`"]);
    }
    let listed = haetae(home.path(), &["documents", "list", "--json"]);
    assert_eq!((listed.code, listed.stdout.trim()), (0, "[]"));
    haetae(home.path(), &["documents", "remove", "--name", "Hanbit"]).assert_refused(&["under `Hanbit`"]);
    haetae(home.path(), &["train", "documents", "--minutes", "0"]).assert_refused(&["the minutes are 0"]);
}
