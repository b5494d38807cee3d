//! The home folder of the tests, kept between runs so that models are fetched and the index is
//! built once.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use haetae::models::{Endpoints, Network, Store, Stored, silent};

/// `HAETAE_TEST_HOME`, or `haetae-test` in the user's cache folder.
pub fn home() -> PathBuf {
    if let Some(home) = std::env::var_os("HAETAE_TEST_HOME") {
        return home.into();
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    cache.unwrap_or_else(std::env::temp_dir).join("haetae-test")
}

/// A real model, fetched if it is not here yet.
pub fn model(name: &str) -> Stored {
    let store = Store::with(&home(), Network::new(false).unwrap(), Endpoints::from_env().unwrap()).unwrap();
    store.ensure(name, &silent).unwrap_or_else(|error| panic!("a test needs model `{name}`: {error}"))
}

/// The home folder with an index of the corpora as they are now; passages seen in an earlier run are not embedded again.
pub fn indexed() -> &'static Path {
    static HOME: OnceLock<PathBuf> = OnceLock::new();
    HOME.get_or_init(|| {
        let home = home();
        let built =
            Command::new(env!("CARGO_BIN_EXE_haetae")).arg("--home").arg(&home).args(["corpora", "build"]).output();
        let built = built.expect("the binary was just built");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        home
    })
}

/// Makes `home` one that shares the models of the tests and knows the vectors of their index, so that a build there
/// takes seconds.
pub fn furnish(home: &Path) {
    let shared = indexed();
    model("smollm2-135m-instruct");
    std::os::unix::fs::symlink(shared.join("models"), home.join("models")).unwrap();
    fs_err::create_dir_all(home.join("index")).unwrap();
    // By SQLite, because another process may be writing there.
    let vectors = rusqlite::Connection::open(shared.join("index/vectors.db")).unwrap();
    let copy = home.join("index/vectors.db");
    vectors.execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).unwrap();
}
