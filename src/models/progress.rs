//! What happens while a model is fetched, told as [`Event`]s, and one teller of it: a bar on a terminal, plain lines
//! elsewhere. All of it goes to stderr; stdout belongs to what a command answers.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

/// A step in fetching or checking a file.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// Another process is fetching the same model; waits for it.
    Waiting { model: &'a str },
    /// Bytes start to come, from `done` on.
    Started { model: &'a str, file: &'a str, source: &'a str, done: u64, total: u64 },
    /// So many bytes of the file are here.
    Advanced { done: u64 },
    /// A request failed in a way that may pass; it is made again after `wait`.
    Retrying { reason: &'a str, wait: Duration },
    /// A source was given up.
    SourceFailed { source: &'a str, reason: &'a str },
    /// The sha256 is being computed.
    Checking { file: &'a str },
    /// The file is in place.
    Finished { model: &'a str, file: &'a str, bytes: u64 },
}

/// Who is told.
pub type Observer<'a> = &'a (dyn Fn(Event<'_>) + Sync);

/// The observer that says nothing.
pub fn silent(_: Event<'_>) {}

/// Tells a person at the terminal, or a log file.
pub struct TerminalProgress {
    state: Mutex<State>,
    is_terminal: bool,
}

#[derive(Default)]
struct State {
    bar: Option<ProgressBar>,
    total: u64,
    /// Tenths of the file already told in lines.
    tenths: u64,
}

impl TerminalProgress {
    pub fn new() -> Self {
        Self { state: Mutex::new(State::default()), is_terminal: std::io::stderr().is_terminal() }
    }

    /// Shows `event`; pass `&|event| progress.show(event)` as observer.
    pub fn show(&self, event: Event<'_>) {
        // A poisoned lock only means that another thread panicked between two updates of a bar.
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match event {
            Event::Waiting { model } => state.line(&format!("{model}: another process is fetching it, waiting")),
            Event::Started { model, file, source, done, total } => {
                state.line(&format!("{model}: fetching {file} ({}) from {source}", HumanBytes(total)));
                state.start(done, total, self.is_terminal);
            }
            Event::Advanced { done } => state.advance(done),
            Event::Retrying { reason, wait } => {
                state.line(&format!("  {reason}; again in {:.1} s", wait.as_secs_f64()));
            }
            Event::SourceFailed { source, reason } => {
                state.clear();
                state.line(&format!("  {source}: {reason}"));
            }
            Event::Checking { file } => {
                if let Some(bar) = &state.bar {
                    bar.set_message(format!("checking {file}"));
                }
            }
            Event::Finished { model, file, bytes } => {
                state.clear();
                state.line(&format!("{model}: {file} is in place ({})", HumanBytes(bytes)));
            }
        }
    }
}

impl Default for TerminalProgress {
    fn default() -> Self {
        Self::new()
    }
}

impl State {
    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => eprintln!("{text}"),
        }
    }

    fn start(&mut self, done: u64, total: u64, is_terminal: bool) {
        self.clear();
        self.total = total;
        self.tenths = (done * 10).checked_div(total).unwrap_or(0);
        if is_terminal {
            let style = ProgressStyle::with_template(
                "  {bar:30} {bytes:>11} / {total_bytes:<11} {bytes_per_sec:>13} {eta:>5} {msg}",
            );
            let bar = ProgressBar::new(total).with_style(style.expect("the template is constant"));
            bar.set_position(done);
            bar.reset_eta();
            self.bar = Some(bar);
        }
    }

    fn advance(&mut self, done: u64) {
        // A wheel may be larger than the file that is taken out of it.
        let done = done.min(self.total);
        if let Some(bar) = &self.bar {
            bar.set_position(done);
            return;
        }
        let tenths = (done * 10).checked_div(self.total).unwrap_or(0);
        if tenths > self.tenths {
            self.tenths = tenths;
            eprintln!("  {} of {}", HumanBytes(done), HumanBytes(self.total));
        }
    }

    fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}
