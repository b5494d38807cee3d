//! The home folder of the tests, kept between runs so that models are fetched once.

use std::path::PathBuf;

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
