//! The shop on databases that are more than one server: PostgreSQL with a standby that takes over, MariaDB
//! with Galera, and a connection pooler in between. Machines are lost while it sells; then everything that
//! the clients were told is held against the database, by the storm's own checker.
//!
//! `scripts/clusters --help` says how to run it, and starts the servers.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![allow(unreachable_pub, reason = "a test binary has no crate-private parts worth telling apart")]

#[path = "../storm/checker/mod.rs"]
mod checker;
#[path = "../storm/clients.rs"]
mod clients;
#[path = "../storm/dice.rs"]
mod dice;
#[path = "../storm/facts.rs"]
mod facts;
mod failover;
mod fleet;
mod galera;
#[path = "../storm/history.rs"]
mod history;
#[allow(dead_code, unused_imports, reason = "the suite uses what is left over here")]
#[path = "../suite/kit/mod.rs"]
mod kit;
mod machine;
mod pooler;
mod report;
mod settings;
mod watch;
#[path = "../storm/wire.rs"]
mod wire;

use std::process::ExitCode;

use clap::Parser;

use settings::{Cluster, Settings};

fn main() -> ExitCode {
    let settings = match Settings::try_parse() {
        Ok(settings) => settings,
        Err(error) => error.exit(),
    };
    if kit::variable("BOOKSTORE_MACHINES").is_none() {
        eprintln!("no machines; scripts/clusters makes them");
        return ExitCode::from(2);
    }
    let is_good = match settings.cluster {
        Cluster::Failover => failover::run(&settings),
        Cluster::Galera => galera::run(&settings),
        Cluster::Pooler => pooler::run(),
    };
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
