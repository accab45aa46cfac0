//! What goes wrong, and when: a schedule out of a seed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rand::RngExt;

use crate::dice;
use crate::fleet::{Fleet, Ship};
use crate::kit::{Backend, Commit};

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// SIGKILL of a server.
    Kill,
    /// SIGTERM of a server under load, as in an upgrade.
    Restart,
    /// SIGSTOP of a server for a while.
    Freeze,
    /// All connections of a server to the database end, and new ones for a while.
    Cut,
    /// All connections of a server to the database carry nothing for a while.
    Stall,
    /// The database gets COMMIT, and the answer is lost.
    CutAfterCommit,
    /// COMMIT is lost.
    CutBeforeCommit,
    /// The database ends the connections of everybody.
    Terminate,
    /// SIGKILL of the database server.
    KillDatabase,
}

/// As often as they stand here.
const OF_SERVERS: &[Fault] = &[Fault::Kill, Fault::Kill, Fault::Restart, Fault::Freeze];
const OF_LINES: &[Fault] = &[
    Fault::Cut,
    Fault::Cut,
    Fault::Stall,
    Fault::CutAfterCommit,
    Fault::CutAfterCommit,
    Fault::CutBeforeCommit,
    Fault::CutBeforeCommit,
    Fault::Terminate,
];

const OF_ENGINES: &[Fault] = &[Fault::KillDatabase, Fault::KillDatabase];

/// COMMITs that are struck by one fault.
const STRIKES: usize = 2;

/// How often each fault was done.
pub type Count = BTreeMap<Fault, usize>;

/// Does one thing after another until `end`, and tells how often each.
pub fn strike(fleet: &Fleet, seed: u64, end: Instant) -> Count {
    let mut dice = dice::from_seed(seed, 0);
    let is_embedded = fleet.database.backend == Backend::Sqlite;
    let of_lines = if is_embedded { &[] } else { OF_LINES };
    let of_engine = if fleet.engine.is_some() { OF_ENGINES } else { &[] };
    let faults = OF_SERVERS.iter().chain(of_lines).chain(of_engine);
    let faults: Vec<Fault> = faults.copied().collect();
    let mut count = Count::new();
    loop {
        let fault = faults[dice.random_range(0..faults.len())];
        let ship = &fleet.ships[dice.random_range(0..fleet.ships.len())];
        let [quiet, lasts] = [50..600, 20..1_500].map(|of| dice.random_range(of));
        let quiet = Duration::from_millis(quiet);
        if Instant::now() + quiet >= end {
            return count;
        }
        std::thread::sleep(quiet);
        act(fault, fleet, ship, Duration::from_millis(lasts));
        *count.entry(fault).or_default() += 1;
    }
}

fn act(fault: Fault, fleet: &Fleet, ship: &Ship, lasts: Duration) {
    let meanwhile = || std::thread::sleep(lasts);
    match (fault, &ship.proxy) {
        (Fault::Kill, _) => {
            ship.crash();
            meanwhile();
            ship.relaunch();
        }
        (Fault::Restart, _) => {
            ship.terminate();
            ship.relaunch();
        }
        (Fault::Freeze, _) => {
            ship.freeze();
            meanwhile();
            ship.thaw();
        }
        (Fault::Cut, Some(line)) => {
            line.cut();
            meanwhile();
            line.mend();
        }
        (Fault::Stall, Some(line)) => {
            line.stall();
            meanwhile();
            line.resume();
        }
        (Fault::CutAfterCommit, Some(line)) => line.strike(Commit::Delivered, STRIKES),
        (Fault::CutBeforeCommit, Some(line)) => line.strike(Commit::Lost, STRIKES),
        (Fault::Terminate, _) => terminate_connections(fleet),
        (Fault::KillDatabase, _) => {
            if let Some(engine) = &fleet.engine {
                engine.crash();
                meanwhile();
                engine.start_again(&fleet.database);
            }
        }
        (_, None) => unreachable!("{fault:?} needs a line"),
    }
}

fn terminate_connections(fleet: &Fleet) {
    let database = &fleet.database;
    let mut connection = database.connect();
    match database.backend {
        Backend::Sqlite => unreachable!("there are none"),
        Backend::Postgres => connection.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        ),
        Backend::Mysql => {
            let others = "SELECT CAST(id AS CHAR) AS word FROM information_schema.processlist \
                          WHERE db = database() AND id <> connection_id()";
            for id in connection.texts(others) {
                // It may be gone already.
                let _ = connection.try_run(&format!("KILL {id}"));
            }
        }
    }
}
