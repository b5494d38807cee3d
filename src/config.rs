//! Settings: file, then environment, then flags, resolved once into [`Config`], which never changes afterwards.
//!
//! The file is `haetae.toml` in the home folder. An unknown key or a bad value stops the start and names the key.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;
use tokio_postgres::config::{Host, SslMode};

use crate::access::{Access, Grant};
use crate::kernels::{Isa, KvType};

/// Why the settings could not be resolved.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("settings file `{path}`: {reason}")]
    File { path: PathBuf, reason: String },
    #[error("no home folder: set `--home` or `HOME`")]
    NoHome,
    #[error(
        "`{addr}` is reachable from other machines and no API key is set\n\nhint: set `HAETAE_API_KEYS`, or pass `--allow-anonymous`"
    )]
    OpenWithoutKey { addr: SocketAddr },
    #[error("settings file: a key has the role `{role}`, and `[server.roles]` has {known}")]
    UnknownRole { role: String, known: String },
    #[error("`{}` is `{value}`, and must be one of `portable`, `avx2` and `avx512`", Isa::LIMIT)]
    UnknownIsa { value: String },
    #[error("`mcp.servers.{name}`: {reason}")]
    McpServer { name: String, reason: String },
    #[error("the collector's URL is `{url}`, and must begin with `http://` or `https://`")]
    Collector { url: String },
    #[error(
        "`datasets.url`: {reason}\n\nhint: `postgres://USER:PASSWORD@HOST/DATABASE`, or `postgres:///DATABASE?host=FOLDER` for a socket"
    )]
    DatabaseUrl { reason: String },
}

/// A value that is never printed.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<redacted>")
    }
}

/// The settings file, as typed. Every key may be left out.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConfigFile {
    pub server: ServerFile,
    pub engine: EngineFile,
    pub index: IndexFile,
    pub models: ModelsFile,
    pub mcp: McpFile,
    pub telemetry: TelemetryFile,
    pub datasets: DatasetsFile,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerFile {
    /// Address to listen on.
    pub addr: Option<SocketAddr>,
    /// Keys that clients may present as `Authorization: Bearer`: a text, or `{ key, role }`.
    pub api_keys: Vec<KeyFile>,
    /// What the keys of a role may; a key without a role may everything.
    pub roles: BTreeMap<String, Role>,
    /// Serve other machines without keys.
    pub allow_anonymous: bool,
    pub demo: Option<bool>,
}

/// A key as typed.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "a key must be a text, or `{ key = \"…\", role = \"…\" }`")]
pub enum KeyFile {
    Plain(Secret),
    Of { key: Secret, role: String },
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// `public`, `officer` or `audit`.
    pub access: Access,
    /// Tools of the agent; all that the access allows where absent.
    pub tools: Option<Vec<String>>,
    /// Corpora; all where absent.
    pub corpora: Option<Vec<String>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EngineFile {
    /// Name of the chat model in the catalogue, or a path to a GGUF file or a safetensors folder.
    pub model: Option<String>,
    /// Base URL of an OpenAI-compatible engine, with its `/v1`; replaces the local one.
    pub remote_url: Option<String>,
    /// Key for the remote engine.
    pub remote_key: Option<Secret>,
    /// Requests that may wait; one more is refused.
    pub max_waiting: Option<usize>,
    /// Sequences decoded together.
    pub max_running: Option<usize>,
    /// Tokens of prompt and answer together; at most the model's own.
    pub context_len: Option<usize>,
    /// Tokens the KV cache holds over all sequences.
    pub kv_tokens: Option<usize>,
    /// Tokens processed in one step.
    pub step_tokens: Option<usize>,
    /// How the KV cache keeps its numbers: `f32`, `f16` or `q8`.
    pub kv_type: Option<KvType>,
    /// Tokens of prompts in a step that also goes on with answers; by the machine's speed where absent.
    pub mixed_tokens: Option<usize>,
    /// Guess what comes next from what was said before, and check several tokens at once.
    pub prompt_lookup: Option<bool>,
    /// Beginnings of prompts that the prefix cache keeps as long as it can.
    pub max_pins: Option<usize>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IndexFile {
    /// gRPC URL of a Qdrant server; the vectors live in this process where absent.
    pub qdrant_url: Option<String>,
    pub qdrant_key: Option<Secret>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelsFile {
    /// Name of the embedding model in the catalogue.
    pub embedder: Option<String>,
    /// Never open a connection to fetch anything.
    pub offline: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct McpFile {
    /// Servers whose tools the agent may call, by the name that their tools begin with.
    pub servers: BTreeMap<String, McpServerFile>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct McpServerFile {
    /// Program and arguments of a server that speaks on standard input and output.
    pub command: Vec<String>,
    /// The program's environment, beside `PATH`, `HOME` and the language.
    pub env: BTreeMap<String, Secret>,
    /// URL of a server that speaks streamable HTTP, instead of a program.
    pub url: Option<String>,
    /// Key for that URL, sent as `Authorization: Bearer`.
    pub key: Option<Secret>,
    /// Whose eyes its results are for.
    pub access: Option<Access>,
    /// What its tools are for, said before each tool's own description.
    pub purpose_ko: Option<String>,
    pub purpose_en: Option<String>,
    /// Its tools that change nothing, by the administration's word: they are called at once. All others wait for a person.
    pub trusted_read_only: Vec<String>,
    /// Longest that a call may take.
    pub timeout_s: Option<u64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetryFile {
    /// Base URL of an OpenTelemetry collector that takes spans by OTLP over HTTP; none are sent where absent.
    pub otlp_url: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatasetsFile {
    /// URL of a PostgreSQL database that keeps the datasets; a file of the home folder does where absent.
    pub url: Option<Secret>,
}

/// A key, and what whoever presents it may.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiKey {
    pub key: Secret,
    pub grant: Grant,
}

impl ApiKey {
    /// A key that may everything.
    pub fn plain(key: Secret) -> Self {
        Self { key, grant: Grant::everything() }
    }
}

/// Where the language model runs.
#[derive(Clone, Debug, PartialEq)]
pub enum EngineChoice {
    /// In this process.
    Local { model: String },
    /// Elsewhere, by the OpenAI API.
    Remote { url: String, key: Option<Secret>, model: Option<String> },
}

/// By which names browsers may reach the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerNames {
    /// Any: the network is trusted, or a key is asked for.
    Any,
    /// This machine's own only: nothing else protects a server without keys from a page that has its name resolve here.
    Loopback,
}

/// A server of foreign tools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct McpServer {
    pub name: String,
    pub place: McpPlace,
    pub access: Access,
    pub purpose_ko: Option<String>,
    pub purpose_en: Option<String>,
    pub trusted_read_only: Vec<String>,
    pub timeout: Duration,
}

/// How a server of foreign tools is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum McpPlace {
    /// A child process, on its standard input and output.
    Program { command: Vec<String>, env: BTreeMap<String, Secret> },
    /// Streamable HTTP.
    Url { url: String, key: Option<Secret> },
}

/// Characters of a server's name: its tools' names, which begin with it, must stay short.
const MAX_MCP_NAME: usize = 24;
const DEFAULT_MCP_TIMEOUT_S: u64 = 30;
/// One call may take no longer than all calls of a run together.
const MAX_MCP_TIMEOUT_S: u64 = 120;

impl McpServer {
    fn read(name: String, file: McpServerFile) -> Result<Self, Error> {
        let wrong = |reason: String| Err(Error::McpServer { name: name.clone(), reason });
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || name.len() > MAX_MCP_NAME || !name.chars().all(is_plain) {
            return wrong(format!("a name is 1 to {MAX_MCP_NAME} letters, digits and `_`"));
        }
        let place = match (file.command.is_empty(), file.url) {
            (true, None) => return wrong("either `command` or `url` must be given".into()),
            (false, Some(_)) => return wrong("`command` and `url` exclude each other".into()),
            (false, None) if file.key.is_some() => return wrong("`key` goes with `url`, not with `command`".into()),
            (true, Some(_)) if !file.env.is_empty() => {
                return wrong("`env` goes with `command`, not with `url`".into());
            }
            (true, Some(url)) if !url.starts_with("http://") && !url.starts_with("https://") => {
                return wrong(format!("`url` is `{url}`, and must begin with `http://` or `https://`"));
            }
            (false, None) => McpPlace::Program { command: file.command, env: file.env },
            (true, Some(url)) => McpPlace::Url { url, key: file.key },
        };
        let timeout_s = file.timeout_s.unwrap_or(DEFAULT_MCP_TIMEOUT_S);
        if !(1..=MAX_MCP_TIMEOUT_S).contains(&timeout_s) {
            return wrong(format!("`timeout_s` is {timeout_s}, and must be from 1 to {MAX_MCP_TIMEOUT_S}"));
        }
        Ok(Self {
            name,
            place,
            access: file.access.unwrap_or(Access::Audit),
            purpose_ko: file.purpose_ko,
            purpose_en: file.purpose_en,
            trusted_read_only: file.trusted_read_only,
            timeout: Duration::from_secs(timeout_s),
        })
    }

    /// Reads them all; of two names none may begin as the other's tools do, or a tool's name would not say whose it is.
    fn read_all(files: BTreeMap<String, McpServerFile>) -> Result<Vec<Self>, Error> {
        let servers: Vec<Self> =
            files.into_iter().map(|(name, file)| Self::read(name, file)).collect::<Result<_, _>>()?;
        for server in &servers {
            let prefix = format!("{}_", server.name);
            if let Some(other) = servers.iter().find(|other| other.name.starts_with(&prefix)) {
                let reason = format!("the name begins as the tools of `mcp.servers.{}` do", server.name);
                return Err(Error::McpServer { name: other.name.clone(), reason });
            }
        }
        Ok(servers)
    }
}

/// Resolved settings.
#[derive(Clone, Debug)]
pub struct Config {
    pub home: PathBuf,
    pub addr: SocketAddr,
    pub api_keys: Vec<ApiKey>,
    pub names: ServerNames,
    /// Whether a home without tables gets an invented world to try things on.
    pub demo: bool,
    pub offline: bool,
    pub engine: EngineChoice,
    pub limits: EngineLimits,
    pub embedder: String,
    pub qdrant: Option<(String, Option<Secret>)>,
    /// Servers of foreign tools, by name.
    pub mcp_servers: Vec<McpServer>,
    /// The collector of spans.
    pub otlp_url: Option<String>,
    /// The database of the datasets, where it is not a file.
    pub datasets_url: Option<DatabaseUrl>,
}

/// Sizes of the local engine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EngineLimits {
    pub max_waiting: usize,
    pub max_running: usize,
    pub context_len: usize,
    pub kv_tokens: usize,
    pub step_tokens: usize,
    pub kv_type: KvType,
    /// As many as a step of a quarter of a second holds where absent.
    pub mixed_tokens: Option<usize>,
    pub prompt_lookup: bool,
    pub max_pins: usize,
}

impl Default for EngineLimits {
    fn default() -> Self {
        Self {
            max_waiting: 64,
            max_running: 16,
            context_len: 8192,
            kv_tokens: 32_768,
            step_tokens: 512,
            kv_type: KvType::F16,
            mixed_tokens: None,
            prompt_lookup: true,
            max_pins: 8,
        }
    }
}

/// The chat model used where none is named.
pub const DEFAULT_MODEL: &str = "qwen2.5-coder-1.5b-instruct";
/// The embedding model used where none is named.
pub const DEFAULT_EMBEDDER: &str = "multilingual-e5-small";

/// What flags and environment say; `None` leaves the file's word or the default.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    pub home: Option<PathBuf>,
    pub addr: Option<SocketAddr>,
    pub api_keys: Vec<Secret>,
    pub allow_anonymous: bool,
    pub no_demo: bool,
    pub offline: bool,
    pub model: Option<String>,
    pub remote_url: Option<String>,
    pub remote_key: Option<Secret>,
    pub qdrant_url: Option<String>,
    pub otlp_url: Option<String>,
    pub datasets_url: Option<Secret>,
}

impl Config {
    /// Reads the file of the home folder and lays `overrides` over it.
    ///
    /// # Errors
    /// A file that cannot be read or holds an unknown key; no home folder.
    pub fn resolve(overrides: Overrides) -> Result<Self, Error> {
        Isa::limit().map_err(|value| Error::UnknownIsa { value })?;
        let home = match overrides.home {
            Some(home) => home,
            None => PathBuf::from(std::env::var_os("HOME").ok_or(Error::NoHome)?).join(".haetae"),
        };
        let file = read_file(&home.join("haetae.toml"))?;
        let defaults = EngineLimits::default();
        let engine = match overrides.remote_url.or(file.engine.remote_url) {
            Some(url) => EngineChoice::Remote {
                url,
                key: overrides.remote_key.or(file.engine.remote_key),
                model: overrides.model.or(file.engine.model),
            },
            None => EngineChoice::Local {
                model: overrides.model.or(file.engine.model).unwrap_or_else(|| DEFAULT_MODEL.into()),
            },
        };
        let mut api_keys: Vec<ApiKey> = overrides.api_keys.into_iter().map(ApiKey::plain).collect();
        for key in file.server.api_keys {
            api_keys.push(key.resolve(&file.server.roles)?);
        }
        let addr = overrides.addr.or(file.server.addr).unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080)));
        let anonymous_allowed = overrides.allow_anonymous || file.server.allow_anonymous;
        if !addr.ip().is_loopback() && api_keys.is_empty() && !anonymous_allowed {
            return Err(Error::OpenWithoutKey { addr });
        }
        let is_guarded = api_keys.is_empty() && !anonymous_allowed;
        Ok(Self {
            home,
            addr,
            api_keys,
            demo: !overrides.no_demo && file.server.demo.unwrap_or(true),
            names: if is_guarded { ServerNames::Loopback } else { ServerNames::Any },
            offline: overrides.offline || file.models.offline,
            engine,
            limits: EngineLimits {
                max_waiting: file.engine.max_waiting.unwrap_or(defaults.max_waiting),
                max_running: file.engine.max_running.unwrap_or(defaults.max_running),
                context_len: file.engine.context_len.unwrap_or(defaults.context_len),
                kv_tokens: file.engine.kv_tokens.unwrap_or(defaults.kv_tokens),
                step_tokens: file.engine.step_tokens.unwrap_or(defaults.step_tokens),
                kv_type: file.engine.kv_type.unwrap_or(defaults.kv_type),
                mixed_tokens: file.engine.mixed_tokens.or(defaults.mixed_tokens),
                prompt_lookup: file.engine.prompt_lookup.unwrap_or(defaults.prompt_lookup),
                max_pins: file.engine.max_pins.unwrap_or(defaults.max_pins),
            },
            embedder: file.models.embedder.unwrap_or_else(|| DEFAULT_EMBEDDER.into()),
            qdrant: overrides.qdrant_url.or(file.index.qdrant_url).map(|url| (url, file.index.qdrant_key)),
            mcp_servers: McpServer::read_all(file.mcp.servers)?,
            otlp_url: collector(overrides.otlp_url.or(file.telemetry.otlp_url))?,
            datasets_url: database(overrides.datasets_url.or(file.datasets.url))?,
        })
    }
}

/// The URL of a collector; an empty one is none, as OpenTelemetry has it.
fn collector(url: Option<String>) -> Result<Option<String>, Error> {
    match url.filter(|url| !url.is_empty()) {
        Some(url) if !url.starts_with("http://") && !url.starts_with("https://") => Err(Error::Collector { url }),
        url => Ok(url),
    }
}

/// The URL of a database; an empty one is none.
fn database(url: Option<Secret>) -> Result<Option<DatabaseUrl>, Error> {
    url.filter(|url| !url.reveal().is_empty()).map(|url| url.reveal().parse()).transpose()
}

/// A PostgreSQL database that is spoken to over TCP or a Unix socket, in the clear. Its password is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(tokio_postgres::Config);

impl DatabaseUrl {
    /// What the driver takes.
    pub fn settings(&self) -> &tokio_postgres::Config {
        &self.0
    }
}

impl FromStr for DatabaseUrl {
    type Err = Error;

    fn from_str(url: &str) -> Result<Self, Error> {
        let wrong = |reason: String| Error::DatabaseUrl { reason };
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(wrong("it must begin with `postgres://`".into()));
        }
        let no_tls = || wrong("TLS is not built in: leave `sslmode` out, or set it to `disable`".into());
        let config: tokio_postgres::Config = url.parse().map_err(|error: tokio_postgres::Error| {
            let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            if source.contains("sslmode") { no_tls() } else { wrong(source) }
        })?;
        if config.get_ssl_mode() == SslMode::Require { Err(no_tls()) } else { Ok(Self(config)) }
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = match self.0.get_hosts().first() {
            Some(Host::Tcp(host)) => host.clone(),
            #[cfg(unix)]
            Some(Host::Unix(folder)) => folder.display().to_string(),
            None => self.0.get_hostaddrs().first().map(ToString::to_string).unwrap_or_default(),
        };
        let port = self.0.get_ports().first().copied().unwrap_or(5432);
        let database = self.0.get_dbname().or(self.0.get_user()).unwrap_or_default();
        write!(f, "postgres://{host}:{port}/{database}")
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl KeyFile {
    fn resolve(self, roles: &BTreeMap<String, Role>) -> Result<ApiKey, Error> {
        let (key, role) = match self {
            Self::Plain(key) => return Ok(ApiKey::plain(key)),
            Self::Of { key, role } => (key, role),
        };
        let Some(Role { access, tools, corpora }) = roles.get(&role).cloned() else {
            let known: Vec<String> = roles.keys().map(|name| format!("`{name}`")).collect();
            let known = if known.is_empty() { "none".into() } else { known.join(", ") };
            return Err(Error::UnknownRole { role, known });
        };
        Ok(ApiKey { key, grant: Grant::new(access, tools, corpora) })
    }
}

fn read_file(path: &Path) -> Result<ConfigFile, Error> {
    let text = match fs_err::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(ConfigFile::default()),
        Err(error) => return Err(Error::File { path: path.into(), reason: error.to_string() }),
    };
    toml::from_str(&text).map_err(|error| Error::File { path: path.into(), reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(file: &str, overrides: Overrides) -> Result<Config, Error> {
        let home = tempfile::tempdir().unwrap();
        fs_err::write(home.path().join("haetae.toml"), file).unwrap();
        Config::resolve(Overrides { home: Some(home.path().into()), ..overrides })
    }

    #[test]
    fn a_flag_wins_over_the_file() {
        let overrides = Overrides { model: Some("b".into()), ..Overrides::default() };
        let config = resolve("[engine]\nmodel = \"a\"", overrides).unwrap();
        assert_eq!(config.engine, EngineChoice::Local { model: "b".into() });
    }

    #[test]
    fn an_unknown_key_is_named() {
        let error = resolve("[engine]\nmodell = \"a\"", Overrides::default()).unwrap_err();
        assert!(error.to_string().contains("modell"), "{error}");
    }

    #[test]
    fn an_open_address_needs_a_key_or_a_word() {
        let addr = Some("0.0.0.0:80".parse().unwrap());
        let open = Overrides { addr, ..Overrides::default() };
        assert!(matches!(resolve("", open.clone()), Err(Error::OpenWithoutKey { .. })));
        assert!(resolve("", Overrides { allow_anonymous: true, ..open.clone() }).is_ok());
        assert!(resolve("", Overrides { api_keys: vec![Secret::new("k")], ..open }).is_ok());
    }

    #[test]
    fn a_key_of_a_role_may_what_the_role_says_and_an_unknown_role_is_named() {
        let roles = "roles.clerk = { access = \"officer\", tools = [\"tariff_rate\"] }";
        let file = format!("[server]\napi_keys = [\"a\", {{ key = \"b\", role = \"clerk\" }}]\n{roles}");
        let keys = resolve(&file, Overrides::default()).unwrap().api_keys;
        assert_eq!(keys[0].grant, Grant::everything());
        assert!(keys[1].grant.may_call("tariff_rate", Access::Public));
        assert!(!keys[1].grant.may_call("risk_score", Access::Officer));
        let file = format!("[server]\napi_keys = [{{ key = \"b\", role = \"clark\" }}]\n{roles}");
        let error = resolve(&file, Overrides::default()).unwrap_err().to_string();
        assert!(error.contains("`clark`") && error.contains("`clerk`"), "{error}");
        let error = resolve("[server]\napi_keys = [3]", Overrides::default()).unwrap_err().to_string();
        assert!(error.contains("a key must be a text"), "{error}");
    }

    #[test]
    fn only_a_server_that_nothing_else_protects_goes_by_its_own_names() {
        let names = |file, overrides| resolve(file, overrides).unwrap().names;
        assert_eq!(names("", Overrides::default()), ServerNames::Loopback);
        assert_eq!(names("[server]\napi_keys = [\"k\"]", Overrides::default()), ServerNames::Any);
        let trusted = Overrides { allow_anonymous: true, ..Overrides::default() };
        assert_eq!(names("", trusted), ServerNames::Any);
    }

    #[test]
    fn a_server_of_foreign_tools_is_for_auditors_and_trusted_in_nothing_unless_it_is_said() {
        let file = "[mcp.servers.lab]\ncommand = [\"lab\"]\nenv = { TOKEN = \"t\" }";
        let [server] = &resolve(file, Overrides::default()).unwrap().mcp_servers[..] else { panic!("one server") };
        assert_eq!((server.access, server.trusted_read_only.len()), (Access::Audit, 0));
        assert!(!format!("{server:?}").contains("\"t\""), "{server:?}");
    }

    #[test]
    fn a_database_is_told_without_its_password_and_one_that_cannot_be_with_the_reason() {
        let of = |url: &str| resolve(&format!("[datasets]\nurl = \"{url}\""), Overrides::default());
        let shown = |url: &str| format!("{:?}", of(url).unwrap().datasets_url.unwrap());
        assert_eq!(shown("postgres://kim:secret@db.local:6000/sets"), "postgres://db.local:6000/sets");
        assert_eq!(shown("postgres:///sets?host=/run/postgresql&user=kim"), "postgres:///run/postgresql:5432/sets");
        assert_eq!(of("").unwrap().datasets_url, None);
        for (url, reason) in [
            ("mysql://kim:secret@db.local/sets", "begin with `postgres://`"),
            ("postgres://kim:secret@db.local/sets?sslmode=require", "TLS is not built in"),
            ("postgres://kim:secret@db.local/sets?sslmode=verify-full", "TLS is not built in"),
            ("postgres://kim:secret@db.local:port/sets", "port"),
            ("postgres://kim:secret@db.local/sets?colour=red", "colour"),
        ] {
            let error = of(url).unwrap_err().to_string();
            assert!(error.contains(reason) && !error.contains("secret"), "{url}: {error}");
        }
    }

    #[test]
    fn a_server_of_foreign_tools_that_cannot_be_is_named() {
        for (file, reason) in [
            ("[mcp.servers.lab]", "either `command` or `url`"),
            ("[mcp.servers.lab]\ncommand = [\"a\"]\nurl = \"http://a\"", "exclude each other"),
            ("[mcp.servers.lab]\nurl = \"a:80\"", "`a:80`"),
            ("[mcp.servers.\"l-ab\"]\nurl = \"http://a\"", "letters, digits"),
            ("[mcp.servers.lab]\nurl = \"http://a\"\ntimeout_s = 0", "from 1 to 120"),
            (
                "[mcp.servers.lab]\nurl = \"http://a\"\n[mcp.servers.lab_b]\nurl = \"http://b\"",
                "lab_b`: the name begins",
            ),
        ] {
            let error = resolve(file, Overrides::default()).unwrap_err().to_string();
            assert!(error.starts_with("`mcp.servers.") && error.contains(reason), "{file}: {error}");
        }
    }
}
