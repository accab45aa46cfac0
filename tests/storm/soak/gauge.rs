//! What the first server has: memory, threads, files, connections to the database. Read past it.

use std::time::{Duration, Instant};

use crate::fleet::Fleet;
use crate::watch::Watch;

const READ_EVERY: Duration = Duration::from_secs(1);

/// What is at rest may take so long to let go of what it needs no more: idle threads, say.
const REST: Duration = Duration::from_secs(30);

/// What there was at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// Since the soak began.
    pub at: Duration,
    /// KiB.
    pub memory: u64,
    pub threads: u64,
    pub files: u64,
    /// Connections to the database of all servers; 0 if it could not be asked.
    pub connections: u64,
}

/// Reads every second until the clients have ended.
pub fn read_on(fleet: &Fleet, watch: &Watch) -> Vec<Reading> {
    let mut readings = Vec::new();
    while !watch.is_over() {
        std::thread::sleep(READ_EVERY);
        readings.extend(read(fleet, watch.start));
    }
    readings
}

/// The least of each within a rest: what stays although nobody needs it.
pub fn at_rest(fleet: &Fleet) -> Reading {
    let start = Instant::now();
    let readings = std::iter::from_fn(|| {
        std::thread::sleep(READ_EVERY);
        (start.elapsed() < REST).then(|| read(fleet, start))
    });
    let least = |one: Reading, other: Reading| Reading {
        at: one.at,
        memory: one.memory.min(other.memory),
        threads: one.threads.min(other.threads),
        files: one.files.min(other.files),
        connections: one.connections.min(other.connections),
    };
    readings.flatten().reduce(least).expect("the first server lives")
}

fn read(fleet: &Fleet, start: Instant) -> Option<Reading> {
    let vitals = fleet.ships[0].vitals()?;
    Some(Reading {
        at: start.elapsed(),
        memory: vitals.memory(),
        threads: vitals.threads(),
        files: vitals.files(),
        connections: fleet.connections().unwrap_or_default(),
    })
}
