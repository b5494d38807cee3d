//! A PostgreSQL server of the tests' own, in a temporary folder, reached by a socket there and at a port of this machine.
//! It runs as long as a test holds it. Where none is installed there is none, and a test says so and passes.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use haetae::config::DatabaseUrl;
use tempfile::TempDir;

/// Of the only user, who needs it at the port and not at the socket.
pub const PASSWORD: &str = "open sesame";

struct Server {
    process: Child,
    folder: TempDir,
    port: u16,
    num_databases: AtomicUsize,
}

/// An empty database.
pub struct Database {
    server: Arc<Server>,
    name: String,
}

impl Database {
    /// One of its own for a test; `None`, and a word on stderr, where PostgreSQL is not installed.
    pub fn new() -> Option<Self> {
        static SERVER: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        let mut running = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
        let server = match running.upgrade() {
            Some(server) => server,
            None => {
                let Some(programs) = programs() else {
                    eprintln!("SKIPPED: PostgreSQL is not installed (`initdb`, `postgres` and `createdb` are needed)");
                    return None;
                };
                let server = Arc::new(Server::start(&programs));
                *running = Arc::downgrade(&server);
                server
            }
        };
        let name = format!("test_{}", server.num_databases.fetch_add(1, Ordering::Relaxed));
        server.create(&name).unwrap();
        Some(Self { server, name })
    }

    /// By the socket.
    pub fn url(&self) -> String {
        let (folder, port) = (self.server.folder.path().display(), self.server.port);
        format!("postgres:///{}?host={folder}&port={port}&user=haetae", self.name)
    }

    /// By the port, with a password.
    pub fn url_with(&self, password: &str) -> String {
        let password = password.replace(' ', "%20");
        format!("postgres://haetae:{password}@127.0.0.1:{}/{}", self.server.port, self.name)
    }

    pub fn parsed(&self) -> DatabaseUrl {
        self.url().parse().unwrap()
    }
}

/// The folder of the server's programs: that of the path, or the newest of those where Debian puts them.
fn programs() -> Option<PathBuf> {
    let is_there = |folder: &PathBuf| ["initdb", "postgres", "createdb"].iter().all(|name| folder.join(name).exists());
    let on_path = std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    let mut debian: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.flatten().map(|version| version.path().join("bin")).collect())
        .unwrap_or_default();
    debian.sort();
    on_path.unwrap_or_default().into_iter().chain(debian.into_iter().rev()).find(is_there)
}

/// A program of the server, which refuses to be run by root and is then run by the user that Debian makes for it.
fn command(program: &Path) -> Command {
    // SAFETY: a call without arguments that cannot fail.
    if unsafe { libc::geteuid() } != 0 {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
    command
}

impl Server {
    fn start(programs: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let password = folder.path().join("password");
        fs_err::write(&password, PASSWORD).unwrap();
        // SAFETY: as above.
        if unsafe { libc::geteuid() } == 0 {
            let given = Command::new("chown").args(["-R", "postgres"]).arg(folder.path()).status().unwrap();
            assert!(given.success());
        }
        let data = folder.path().join("data");
        let made = command(&programs.join("initdb"))
            .args(["--username=haetae", "--auth-local=trust", "--auth-host=scram-sha-256", "--no-locale", "--no-sync"])
            .args(["--encoding=UTF8", "--pwfile"])
            .args([&password, Path::new("-D"), &data])
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = command(&programs.join("postgres"))
            .arg("-D")
            .arg(&data)
            .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"])
            .arg("-c")
            .arg(format!("unix_socket_directories={}", folder.path().display()))
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { process, folder, port, num_databases: AtomicUsize::new(0) };
        let begun = Instant::now();
        while let Err(error) = server.create("first") {
            assert!(begun.elapsed() < Duration::from_secs(60), "the server does not start: {error}");
            std::thread::sleep(Duration::from_millis(100));
        }
        server
    }

    fn create(&self, name: &str) -> Result<(), String> {
        let folder = self.folder.path();
        let programs = programs().expect("they were there a moment ago");
        let made = Command::new(programs.join("createdb"))
            .args(["-U", "haetae", "-p", &self.port.to_string(), "-h"])
            .arg(folder)
            .arg(name)
            .current_dir(folder)
            .output()
            .unwrap();
        if made.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&made.stderr).into_owned()) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SAFETY: a signal to a child that was not waited for yet.
        unsafe { libc::kill(self.process.id() as libc::pid_t, libc::SIGQUIT) };
        let _ = self.process.wait();
    }
}
