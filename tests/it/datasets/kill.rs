//! A generation killed at random moments and resumed each time ends with the rows of one that ran in peace.

use std::process::Stdio;
use std::time::{Duration, Instant};

use haetae::datasets::Store;
use haetae::datasets::store::Filter;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::tempdir;

use super::{ALONE, command, generate, rows, store};

const NUM_ROWS: usize = 1200;
const NUM_KILLS: usize = 24;

#[test]
fn twenty_four_kills_lose_no_row_and_double_none() {
    let (peaceful, killed) = (tempdir().unwrap(), tempdir().unwrap());
    generate(peaceful.path(), "probe", NUM_ROWS);
    let expected = rows(peaceful.path(), "probe", &Filter::default());
    assert!(expected.len() >= NUM_ROWS);

    let home = killed.path();
    let config = home.join("alone.toml");
    fs_err::write(&config, ALONE).unwrap();
    let num_rows = NUM_ROWS.to_string();
    let store = store(home);
    let args = ["generate", "--name", "probe", "--rows", &num_rows, "--config", config.to_str().unwrap()];
    let mut random = ChaCha8Rng::seed_from_u64(std::process::id().into());
    let (mut num_kills, mut num_finished, mut moments) = (0, 0, Vec::new());
    while num_kills < NUM_KILLS && num_finished == 0 {
        let started = Instant::now();
        let mut child = command(home, &args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // The first kills fall into the start and the planning, the others into the work, at any point of a commit.
        if num_kills < 4 {
            std::thread::sleep(Duration::from_millis(random.random_range(0..60)));
        } else {
            let before = num_done(&store);
            let more = random.random_range(1..12);
            while num_done(&store) < before + more && child.try_wait().unwrap().is_none() {
                std::thread::sleep(Duration::from_micros(500));
            }
            std::thread::sleep(Duration::from_micros(random.random_range(0..3000)));
        }
        child.kill().unwrap();
        let status = child.wait().unwrap();
        if status.code().is_none() {
            num_kills += 1;
            moments.push(started.elapsed());
        } else {
            num_finished += 1;
        }
    }
    assert!(num_kills >= 20, "only {num_kills} kills before the end");
    let found_in_between = rows(home, "probe", &Filter::default());
    assert!(found_in_between.len() < expected.len(), "the kills fell into the work");
    generate(home, "probe", NUM_ROWS);
    let found = rows(home, "probe", &Filter::default());
    assert_eq!(found.len(), expected.len());
    assert_eq!(found, expected);
}

/// Items done so far; none before the plan is written down.
fn num_done(store: &Store) -> i64 {
    let job = store.dataset("probe").ok().and_then(|dataset| store.job(&dataset).unwrap());
    job.map_or(0, |job| job.num_done + job.num_spare)
}
