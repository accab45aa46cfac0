//! The real server on a port of its own.

use std::sync::Mutex;
use std::time::Duration;

use super::{Bookstore, Running, eventually};

pub struct Server {
    running: Mutex<Running>,
    pub url: String,
}

impl Server {
    /// Starts `bookstore serve` with more `arguments` and waits until it says where it listens.
    pub fn start(database_url: &str, arguments: &[&str]) -> Self {
        let defaults = ["serve", "--listen", "127.0.0.1:0"];
        let arguments = defaults.iter().chain(arguments).copied();
        Self::from(Bookstore::new(arguments).env("DATABASE_URL", database_url))
    }

    /// Starts `command`, which must serve, and waits until it says where it listens.
    pub fn from(command: Bookstore) -> Self {
        Self::try_from(command).unwrap_or_else(|why| panic!("{why}"))
    }

    /// The same of one that may find its database gone, and then ends. Why, if it did.
    pub fn try_from(command: Bookstore) -> Result<Self, String> {
        let mut running = command.spawn();
        let url = eventually(Duration::from_secs(60), "the server listens", || {
            let ended = running.ended();
            let ended =
                ended.map(|code| format!("the server ended with {code}:\n{}", running.stderr()));
            ended.map(Err).or_else(|| said(&running.stdout(), "listening on ").map(Ok))
        })?;
        Ok(Self { running: Mutex::new(running), url })
    }

    /// The address without its scheme, for raw sockets.
    pub fn address(&self) -> &str {
        self.url.split_once("://").expect("a scheme").1
    }

    /// Where its metrics are, if it was started with `--metrics-listen`.
    pub fn metrics_url(&self) -> String {
        eventually(Duration::from_secs(10), "the server says where its metrics are", || {
            said(&self.stdout(), "metrics on ")
        })
    }

    pub fn pid(&self) -> u32 {
        self.running.lock().unwrap().pid()
    }

    pub fn stdout(&self) -> String {
        self.running.lock().unwrap().stdout()
    }

    pub fn log(&self) -> String {
        self.running.lock().unwrap().stderr()
    }

    /// Waits until its log has `words`, at least so many times: what it says may come a moment after its answer.
    #[allow(dead_code, reason = "the storm has no need of it")]
    pub fn logs(&self, words: &str, times: usize) {
        let what = format!("{words:?} in the log, {times} times");
        eventually(Duration::from_secs(10), &what, || {
            (self.log().matches(words).count() >= times).then_some(())
        });
    }

    /// Tells it to take up new files (SIGHUP).
    pub fn hang_up(&self) {
        self.running.lock().unwrap().send("HUP");
    }

    /// Asks it to stop and gives its exit code.
    pub fn stop(&self) -> i32 {
        self.running.lock().unwrap().terminate()
    }

    /// Sends it a signal that it does not end by.
    pub fn signal(&self, name: &str) {
        self.running.lock().unwrap().send(name);
    }

    /// Ends it without warning.
    pub fn crash(&self) {
        self.running.lock().unwrap().kill();
    }
}

/// The rest of the complete line that begins with `words`.
fn said(stdout: &str, words: &str) -> Option<String> {
    let complete = &stdout[..stdout.rfind('\n')? + 1];
    let line = complete.lines().find_map(|line| line.strip_prefix(words))?;
    Some(line.trim().trim_end_matches('/').to_owned())
}
