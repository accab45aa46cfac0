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
        let mut running = command.spawn();
        let url = eventually(Duration::from_secs(60), "the server listens", || {
            if let Some(code) = running.ended() {
                panic!("the server ended with {code}:\n{}", running.stderr());
            }
            listening_on(&running.stdout())
        });
        Self { running: Mutex::new(running), url }
    }

    /// The address without its scheme, for raw sockets.
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    pub fn stdout(&self) -> String {
        self.running.lock().unwrap().stdout()
    }

    pub fn log(&self) -> String {
        self.running.lock().unwrap().stderr()
    }

    /// Asks it to stop and gives its exit code.
    pub fn stop(&self) -> i32 {
        self.running.lock().unwrap().terminate()
    }

    /// Ends it without warning.
    pub fn crash(&self) {
        self.running.lock().unwrap().kill();
    }
}

fn listening_on(stdout: &str) -> Option<String> {
    let complete = &stdout[..stdout.rfind('\n')? + 1];
    let line = complete.lines().find_map(|line| line.strip_prefix("listening on "))?;
    Some(line.trim().trim_end_matches('/').to_owned())
}
