//! A machine that scripts/clusters made: a network namespace, in which a server runs.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::kit::{eventually, variable};

const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine(pub usize);

impl Machine {
    pub fn address(self) -> String {
        format!("10.86.0.{}", self.0)
    }

    fn name(self) -> String {
        format!("machine{}", self.0)
    }

    /// Ends all that runs on it, as a power cut does.
    pub fn crash(self) {
        eventually(PATIENCE, "nothing runs on the machine", || {
            let pids = self.processes();
            if pids.is_empty() {
                return Some(());
            }
            // Some may be gone already.
            let _ = Command::new("kill").arg("-KILL").args(&pids).stderr(Stdio::null()).status();
            None
        });
    }

    /// Starts its server again.
    pub fn start(self) {
        let machines = PathBuf::from(variable("BOOKSTORE_MACHINES").unwrap());
        let again = machines.join(self.0.to_string()).join("start");
        assert!(Command::new(again).status().unwrap().success());
    }

    /// Takes its network away: who speaks to it hears nothing any more.
    pub fn cut(self) {
        self.set_link("down");
    }

    pub fn mend(self) {
        self.set_link("up");
    }

    fn set_link(self, state: &str) {
        let set = Command::new("ip").args(["link", "set", &self.name(), state]).status();
        assert!(set.unwrap().success());
    }

    fn processes(self) -> Vec<String> {
        let output = Command::new("ip").args(["netns", "pids", &self.name()]).output().unwrap();
        let pids = String::from_utf8(output.stdout).unwrap();
        pids.split_whitespace().map(str::to_owned).collect()
    }
}
