//! The built binary on a port of its own, over the home of the tests: models are fetched into it once.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use super::home;

/// Longest start: on a fresh home the model is fetched and the default index built.
const START_TIMEOUT: Duration = Duration::from_secs(900);

/// Small enough for a test machine.
const MODEL: &str = "smollm2-135m-instruct";

/// A running server; stopped when dropped.
pub struct Server {
    child: Child,
    pub url: String,
}

impl Server {
    /// Starts the server and waits for the address it prints.
    pub fn start(api_key: Option<&str>) -> Self {
        Self::with(|command| {
            command.args(["--model", MODEL]);
            if let Some(key) = api_key {
                command.env("HAETAE_API_KEYS", key);
            }
        })
    }

    /// The same with settings of the test's own.
    pub fn with(settings: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_haetae"));
        command.arg("--home").arg(home::home());
        settings(&mut command);
        command.args(["serve", "--addr", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the binary was just built");
        let stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let (sender, address) = mpsc::channel();
        // Reads on after the address: a full pipe would stop the server.
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if let Some(url) = line.strip_prefix("listening on ") {
                    let _ = sender.send(url.trim().to_owned());
                }
            }
        });
        match address.recv_timeout(START_TIMEOUT) {
            Ok(url) => Self { child, url },
            Err(error) => {
                let _ = child.kill();
                panic!("the server did not print its address: {error}");
            }
        }
    }
}

impl Server {
    /// Asks it to stop, as a supervisor does, and waits until it has.
    pub fn stop(mut self) -> Duration {
        let asked = std::time::Instant::now();
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.child.wait().unwrap();
        asked.elapsed()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
