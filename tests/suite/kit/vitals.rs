//! What the operating system knows of a server, without asking it.

use std::fs;
use std::process::Command;
use std::time::Duration;

use super::Server;

/// The process of a server.
pub struct Vitals {
    pid: u32,
    port: String,
}

impl Vitals {
    pub fn of(server: &Server) -> Self {
        let (_, port) = server.address().rsplit_once(':').unwrap();
        Self { pid: server.pid(), port: format!(":{:04X}", port.parse::<u16>().unwrap()) }
    }

    /// The most memory that it ever had, in MiB.
    pub fn peak_memory(&self) -> u64 {
        self.status("VmHWM:").div_ceil(1024)
    }

    /// The memory that it has, in KiB.
    #[allow(dead_code, reason = "the storm needs it")]
    pub fn memory(&self) -> u64 {
        self.status("VmRSS:")
    }

    #[allow(dead_code, reason = "the storm needs it")]
    pub fn threads(&self) -> u64 {
        self.status("Threads:")
    }

    /// Files, sockets and whatever else it has open.
    #[allow(dead_code, reason = "the storm needs it")]
    pub fn files(&self) -> u64 {
        fs::read_dir(format!("/proc/{}/fd", self.pid)).unwrap().count() as u64
    }

    /// The processor's time that it has had: its own, and that of the kernel for it.
    pub fn worked(&self) -> Duration {
        let stat = self.read("stat");
        // The name, in parentheses, may have spaces in it.
        let (_, fields) = stat.rsplit_once(')').unwrap();
        let ticks = fields.split_whitespace().skip(11).take(2);
        // Linux has 100 a second for whoever reads this, whatever it counts by itself.
        Duration::from_millis(ticks.map(|ticks| ticks.parse::<u64>().unwrap() * 10).sum())
    }

    /// Connections of clients that it has taken and not closed.
    pub fn guests(&self) -> usize {
        let is_guest = |line: &&str| {
            let fields: Vec<_> = line.split_whitespace().collect();
            // 0A listens. Without an inode no process has it: it waits to be taken, or is closed.
            matches!(fields.as_slice(), [_, local, _, state, _, _, _, _, _, inode, ..]
                if local.ends_with(&self.port) && *state != "0A" && *inode != "0")
        };
        self.read("net/tcp").lines().filter(is_guest).count()
    }

    /// Lets it have so many files open from now on, and no more.
    pub fn limit_files(&self, most: u32) {
        let arguments = [format!("--pid={}", self.pid), format!("--nofile={most}:{most}")];
        assert!(Command::new("prlimit").args(arguments).status().unwrap().success());
    }

    fn status(&self, name: &str) -> u64 {
        let status = self.read("status");
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    fn read(&self, name: &str) -> String {
        let path = format!("/proc/{}/{name}", self.pid);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    }
}
