//! A server on a loopback port that plays the hub and the package index, with faults to order.

use std::collections::HashMap;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri};
use futures::StreamExt;
use haetae::models::{Client, Endpoints, Network, Patience, Store};
use sha2::{Digest, Sha256};

/// What is served under one path.
#[derive(Clone, Default)]
pub struct Served {
    pub bytes: Vec<u8>,
    pub content_type: &'static str,
    /// Sent with every answer.
    pub headers: Vec<(&'static str, String)>,
    /// The first answer breaks off after so many bytes.
    pub cut_after: Option<usize>,
    /// Every answer stops after so many bytes and says no more.
    pub stall_after: Option<usize>,
    pub ignores_ranges: bool,
    /// Sends the client on.
    pub location: Option<String>,
}

/// A request as it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub range: Option<String>,
    pub authorization: Option<String>,
}

#[derive(Default)]
struct Shared {
    files: HashMap<String, Served>,
    seen: Vec<Seen>,
}

pub struct Server {
    pub addr: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    _runtime: tokio::runtime::Runtime,
}

impl Server {
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let shared = Arc::new(Mutex::new(Shared::default()));
        let app = Router::new().fallback(answer).with_state(shared.clone());
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let addr = listener.local_addr().unwrap();
        runtime.spawn(async move { axum::serve(listener, app).await });
        Self { addr, shared, _runtime: runtime }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    pub fn serve(&self, path: &str, served: Served) {
        self.shared.lock().unwrap().files.insert(path.into(), served);
    }

    pub fn serve_bytes(&self, path: &str, bytes: &[u8]) {
        self.serve(path, Served { bytes: bytes.into(), ..Served::default() });
    }

    /// Plays a package index that has `wheel`, in JSON.
    pub fn serve_wheel(&self, package: &str, version: &str, wheel: &[u8]) {
        let filename = format!("{}-{version}-py3-none-any.whl", package.replace('-', "_"));
        let file = serde_json::json!({
            "filename": filename, "url": format!("/files/{filename}"), "size": wheel.len(),
            "hashes": {"sha256": sha256(wheel)},
        });
        let page = serde_json::json!({"meta": {"api-version": "1.1"}, "name": package, "files": [file]});
        let content_type = "application/vnd.pypi.simple.v1+json";
        let page = Served { bytes: page.to_string().into_bytes(), content_type, ..Served::default() };
        self.serve(&format!("/simple/{package}/"), page);
        self.serve_bytes(&format!("/files/{filename}"), wheel);
    }

    /// Changes what is served under `path`.
    pub fn alter(&self, path: &str, change: impl FnOnce(&mut Served)) {
        change(self.shared.lock().unwrap().files.get_mut(path).unwrap());
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.shared.lock().unwrap().seen.clone()
    }

    /// The `Range` headers of the requests for `path`, in order.
    pub fn ranges(&self, path: &str) -> Vec<Option<String>> {
        self.seen().into_iter().filter(|seen| seen.path == path).map(|seen| seen.range).collect()
    }

    pub fn endpoints(&self) -> Endpoints {
        endpoints(&[("HF_ENDPOINT", &self.url("")), ("HAETAE_WHEEL_INDEX", &self.url("/simple"))])
    }
}

/// Endpoints from these variables alone, with an empty hub cache.
pub fn endpoints(vars: &[(&str, &str)]) -> Endpoints {
    let find = |name: &str| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    Endpoints::resolve(|name| find(name).or_else(|| (name == "HF_HOME").then(|| "/nonexistent".into()))).unwrap()
}

/// A network whose failures do not take long.
pub fn network() -> Network {
    let short = Duration::from_millis(10);
    let second = Duration::from_secs(2);
    Network::Allowed(
        Client::new(Patience { attempts: 3, first_wait: short, connect: second, silence: second }).unwrap(),
    )
}

/// A home whose catalogue has one more model, `tiny`, with the file `tiny.bin` of these bytes and sources.
pub fn home_with(folder: &Path, bytes: &[u8], sources: &str) {
    fs_err::write(folder.join("catalog.toml"), entry("tiny", bytes, sources)).unwrap();
}

pub fn entry(name: &str, bytes: &[u8], sources: &str) -> String {
    format!(
        "[[model]]\nname = \"{name}\"\nroles = [\"embed\"]\narchitecture = \"bert\"\nlicence = \"MIT\"\n\
         languages = [\"en\"]\nparameters = 1\ncontext_len = 1\nmemory_bytes = 1\n\n[[model.files]]\n\
         path = \"{name}.bin\"\nbytes = {}\nsha256 = \"{}\"\nsources = [{sources}]\n",
        bytes.len(),
        sha256(bytes)
    )
}

pub fn store(home: &Path, server: &Server) -> Store {
    Store::with(home, network(), server.endpoints()).unwrap()
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes without a pattern that a wrong offset could hide behind.
pub fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..len).map(|_| next()).collect()
}

/// A wheel that holds `member` beside code that must never matter.
pub fn wheel(member: &str, bytes: &[u8]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    for (name, content) in
        [("pkg/__init__.py", b"raise SystemExit" as &[u8]), (member, bytes), ("pkg.dist-info/RECORD", b"")]
    {
        zip.start_file(name, options).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

async fn answer(
    State(shared): State<Arc<Mutex<Shared>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response<Body> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let path = uri.path().to_owned();
    let seen = Seen {
        method: method.to_string(),
        path: path.clone(),
        range: text("range"),
        authorization: text("authorization"),
    };
    let served = {
        let mut shared = shared.lock().unwrap();
        shared.seen.push(seen);
        let served = shared.files.get(&path).cloned();
        if let Some(file) = shared.files.get_mut(&path) {
            file.cut_after = None;
        }
        served
    };
    let Some(served) = served else {
        return Response::builder().status(StatusCode::NOT_FOUND).body(Body::empty()).unwrap();
    };
    let mut response = Response::builder().header("content-type", served.content_type);
    for (name, value) in &served.headers {
        response = response.header(*name, value);
    }
    if let Some(location) = &served.location {
        return response.status(StatusCode::FOUND).header("location", location).body(Body::empty()).unwrap();
    }
    let start = text("range")
        .filter(|_| !served.ignores_ranges)
        .map_or(0, |range| range.trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap());
    if start > 0 {
        let range = format!("bytes {start}-{}/{}", served.bytes.len() - 1, served.bytes.len());
        response = response.status(StatusCode::PARTIAL_CONTENT).header("content-range", range);
    }
    let rest = served.bytes[start..].to_vec();
    response = response.header("content-length", rest.len());
    let body = match (served.cut_after, served.stall_after) {
        (Some(cut), _) => {
            let sent = Bytes::from(rest[..cut.min(rest.len())].to_vec());
            // The pause lets the sent bytes arrive before the connection breaks.
            let broken = futures::stream::once(async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                Err(std::io::Error::other("cut"))
            });
            Body::from_stream(futures::stream::iter([Ok(sent)]).chain(broken))
        }
        (None, Some(stall)) => {
            let sent = Bytes::from(rest[..stall.min(rest.len())].to_vec());
            Body::from_stream(futures::stream::iter([Ok::<_, std::io::Error>(sent)]).chain(futures::stream::pending()))
        }
        (None, None) => Body::from(rest),
    };
    response.body(body).unwrap()
}
