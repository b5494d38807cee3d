//! Which servers and caches to ask, as the environment has it: the variables of huggingface_hub and of pip, so that a
//! machine set up for those needs nothing more.
//!
//! | what | looked up in this order |
//! |---|---|
//! | hub | `HF_ENDPOINT`, huggingface.co |
//! | hub token | `HF_TOKEN`, the token file of `HF_HOME` |
//! | hub cache | `HF_HUB_CACHE`, `HF_HOME/hub`, `~/.cache/huggingface/hub` |
//! | wheel index | `HAETAE_WHEEL_INDEX`, `PIP_INDEX_URL`, `index-url` of pip's configuration files, pypi.org |

use std::path::{Path, PathBuf};

use reqwest::Url;

use super::Error;
use crate::config::Secret;

const HUB: &str = "https://huggingface.co";
const WHEEL_INDEX: &str = "https://pypi.org/simple";

/// Servers and caches.
#[derive(Clone, Debug)]
pub struct Endpoints {
    pub hub: Url,
    pub hub_token: Option<Secret>,
    pub hub_cache: PathBuf,
    /// May hold credentials; never shown as it is.
    pub wheel_index: Url,
}

impl Endpoints {
    /// As the environment of this process has it.
    ///
    /// # Errors
    /// A variable that should hold a URL and does not.
    pub fn from_env() -> Result<Self, Error> {
        Self::resolve(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    /// As `var` has it, which gives the value of an environment variable.
    ///
    /// # Errors
    /// A variable that should hold a URL and does not.
    pub fn resolve(var: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let hub = match var("HF_ENDPOINT") {
            Some(value) => parse("HF_ENDPOINT", &value)?,
            None => parse("HF_ENDPOINT", HUB)?,
        };
        let home = var("HOME").map(PathBuf::from);
        let hub_cache = var("HF_HUB_CACHE")
            .map(PathBuf::from)
            .or_else(|| var("HF_HOME").map(|home| Path::new(&home).join("hub")))
            .or_else(|| home.as_ref().map(|home| home.join(".cache/huggingface/hub")))
            .unwrap_or_default();
        let hub_token = var("HF_TOKEN").or_else(|| hf_hub::Cache::new(hub_cache.clone()).token()).map(Secret::new);
        let wheel_index = if let Some(value) = var("HAETAE_WHEEL_INDEX") {
            parse("HAETAE_WHEEL_INDEX", &value)?
        } else if let Some(value) = var("PIP_INDEX_URL") {
            parse("PIP_INDEX_URL", &value)?
        } else if let Some(value) = pip_config_files(&var).iter().find_map(|path| index_url(path)) {
            parse("index-url of pip", &value)?
        } else {
            parse("HAETAE_WHEEL_INDEX", WHEEL_INDEX)?
        };
        Ok(Self { hub, hub_token, hub_cache, wheel_index })
    }
}

/// The value is left out of the error, as it may hold a password.
fn parse(name: &'static str, value: &str) -> Result<Url, Error> {
    let url = Url::parse(value.trim()).map_err(|error| Error::BadEndpoint { name, reason: error.to_string() })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Error::BadEndpoint { name, reason: "neither http nor https".into() });
    }
    Ok(url)
}

/// pip's configuration files, the one that counts most first.
fn pip_config_files(var: &impl Fn(&str) -> Option<String>) -> Vec<PathBuf> {
    if let Some(path) = var("PIP_CONFIG_FILE") {
        return vec![path.into()];
    }
    let mut paths = Vec::new();
    if let Some(home) = var("HOME").map(PathBuf::from) {
        let config = var("XDG_CONFIG_HOME").map_or_else(|| home.join(".config"), PathBuf::from);
        paths.push(config.join("pip/pip.conf"));
        paths.push(home.join(".pip/pip.conf"));
    }
    paths.push("/etc/xdg/pip/pip.conf".into());
    paths.push("/etc/pip.conf".into());
    paths
}

/// `index-url` of the `[global]` section.
fn index_url(path: &Path) -> Option<String> {
    let text = fs_err::read_to_string(path).ok()?;
    let mut section = "";
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name.trim();
        } else if section == "global"
            && let Some((key, value)) = line.split_once(['=', ':'])
            && matches!(key.trim(), "index-url" | "index_url")
        {
            return Some(value.trim().to_owned()).filter(|value| !value.is_empty());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints(vars: &[(&str, &str)]) -> Result<Endpoints, Error> {
        let find = |name: &str| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Endpoints::resolve(find)
    }

    #[test]
    fn the_public_servers_are_the_default() {
        let found = endpoints(&[("PIP_CONFIG_FILE", "/dev/null")]).unwrap();
        assert_eq!(found.hub.as_str(), "https://huggingface.co/");
        assert_eq!(found.wheel_index.as_str(), "https://pypi.org/simple");
    }

    #[test]
    fn our_own_variable_wins_over_pip_s_and_that_over_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pip.conf");
        fs_err::write(&file, "[install]\nindex-url = http://no\n[global]\ntimeout = 3\nindex-url = http://file/simple")
            .unwrap();
        let file = ("PIP_CONFIG_FILE", file.to_str().unwrap());
        let pip = ("PIP_INDEX_URL", "http://pip/simple");
        let own = ("HAETAE_WHEEL_INDEX", "http://own/simple");
        let index = |vars: &[(&str, &str)]| endpoints(vars).unwrap().wheel_index.to_string();
        assert_eq!(index(&[file]), "http://file/simple");
        assert_eq!(index(&[file, pip]), "http://pip/simple");
        assert_eq!(index(&[file, pip, own]), "http://own/simple");
    }

    #[test]
    fn the_variables_of_the_hub_are_honoured() {
        let folder = tempfile::tempdir().unwrap();
        fs_err::write(folder.path().join("token"), "hf_from_file\n").unwrap();
        let home = ("HF_HOME", folder.path().to_str().unwrap());
        let found = endpoints(&[home, ("HF_ENDPOINT", "http://mirror/hf")]).unwrap();
        assert_eq!(found.hub.as_str(), "http://mirror/hf");
        assert_eq!(found.hub_cache, folder.path().join("hub"));
        assert_eq!(found.hub_token, Some(Secret::new("hf_from_file")));
        assert_eq!(endpoints(&[home, ("HF_TOKEN", "hf_env")]).unwrap().hub_token, Some(Secret::new("hf_env")));
    }

    #[test]
    fn a_bad_url_is_named_without_its_value() {
        let error = endpoints(&[("PIP_INDEX_URL", "user:secret@host/simple")]).unwrap_err().to_string();
        assert!(error.contains("PIP_INDEX_URL") && !error.contains("secret"), "{error}");
    }
}
