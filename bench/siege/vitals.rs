//! How the server is: its memory, its open files, its guests. From /proc, so that it needs not be asked.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::Serialize;

use crate::shopper::HONEST;

/// Between two looks.
const PACE: Duration = Duration::from_millis(200);

/// What /proc calls a socket that listens.
const LISTENING: &str = "0A";

/// A moment of the server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Vitals {
    /// Resident memory in bytes.
    pub(crate) memory: u64,
    /// Open files, connections among them.
    pub(crate) descriptors: usize,
}

/// Whom to look at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patient {
    pub(crate) pid: u32,
    pub(crate) address: SocketAddr,
}

impl Patient {
    /// How it is now; all zero if it is gone.
    pub(crate) fn vitals(self) -> Vitals {
        Vitals {
            memory: self.memory("VmRSS:"),
            descriptors: std::fs::read_dir(format!("/proc/{}/fd", self.pid))
                .map_or(0, Iterator::count),
        }
    }

    /// The most memory that it ever had, in bytes. The kernel keeps count: no peak is missed.
    pub(crate) fn peak_memory(self) -> u64 {
        self.memory("VmHWM:")
    }

    /// How many files it may have open.
    pub(crate) fn most_descriptors(self) -> Option<usize> {
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", self.pid)).ok()?;
        let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
        line.split_whitespace().next()?.parse().ok()
    }

    fn memory(self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().unwrap_or_default();
        kibibytes << 10
    }

    /// How it is now, but for the connections of the honest client: how many that keeps is for its pool to say,
    /// which has one for each request that ever waited beside others.
    pub(crate) fn vitals_at_rest(self) -> Vitals {
        let vitals = self.vitals();
        let descriptors = vitals.descriptors.saturating_sub(self.connections(true));
        Vitals { descriptors, ..vitals }
    }

    /// Connections of hostile clients that it has taken and not closed.
    pub(crate) fn hostile_connections(self) -> usize {
        self.connections(false)
    }

    /// Those of the honest client or of all others. Not for asking often: the kernel lists every connection of
    /// the machine for it, those that are over a minute long.
    fn connections(self, of_the_honest: bool) -> usize {
        let port = format!(":{:04X}", self.address.port());
        // In the order in which the machine keeps the bytes.
        let honest = format!("{:08X}:", u32::from_ne_bytes(HONEST.octets()));
        let sockets = std::fs::read_to_string(format!("/proc/{}/net/tcp", self.pid));
        let is_counted = |line: &&str| {
            let fields: Vec<_> = line.split_whitespace().collect();
            // Without an inode no process has it: it waits to be taken, or lingers after its end.
            matches!(fields.as_slice(), [_, local, remote, state, _, _, _, _, _, inode, ..]
                if local.ends_with(&port) && remote.starts_with(&honest) == of_the_honest
                    && *state != LISTENING && *inode != "0")
        };
        sockets.unwrap_or_default().lines().filter(is_counted).count()
    }
}

/// Looks again and again in a thread of its own, and keeps the worst.
pub(crate) struct Watch {
    thread: JoinHandle<()>,
    stop: Arc<AtomicBool>,
    worst: Arc<Mutex<Vitals>>,
}

impl Watch {
    pub(crate) fn over(patient: Patient) -> Self {
        let (stop, worst) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let (stopped, kept) = (Arc::clone(&stop), Arc::<Mutex<Vitals>>::clone(&worst));
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let now = patient.vitals();
                let mut worst = kept.lock().unwrap_or_else(PoisonError::into_inner);
                worst.memory = worst.memory.max(now.memory);
                worst.descriptors = worst.descriptors.max(now.descriptors);
                drop(worst);
                std::thread::sleep(PACE);
            }
        });
        Self { thread, stop, worst }
    }

    /// The worst that was seen, each figure for itself.
    pub(crate) fn end(self) -> Vitals {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.join();
        *self.worst.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
