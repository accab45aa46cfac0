//! The storm: many clients buy, hold, return and count, while servers die, freeze and restart and
//! connections are cut, most cruelly during COMMIT. Then everything that the clients were told is held
//! against the database.
//!
//! `scripts/storm --help` says how to run it. The schedule of the faults and what the clients ask for
//! come from a seed; how both meet does not, for the machine decides that.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![allow(unreachable_pub, reason = "a test binary has no crate-private parts worth telling apart")]

mod checker;
mod clients;
mod dice;
mod engine;
mod facts;
mod faults;
mod fleet;
mod history;
#[allow(dead_code, unused_imports, reason = "the suite uses what is left over here")]
#[path = "../suite/kit/mod.rs"]
mod kit;
mod report;
mod settings;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;

use fleet::Fleet;
use kit::Backend;
use report::Report;
use settings::Settings;

fn main() -> ExitCode {
    let settings = match Settings::try_parse() {
        Ok(settings) => settings,
        Err(error) => error.exit(),
    };
    let missing: Vec<_> =
        settings.backends().iter().filter_map(|backend| backend.missing()).collect();
    if !missing.is_empty() {
        missing.iter().for_each(|missing| eprintln!("{}", missing.what));
        return ExitCode::from(2);
    }
    let mut is_good = true;
    for backend in settings.backends() {
        let report = storm(backend, &settings);
        is_good &= report.show(&settings);
    }
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn storm(backend: Backend, settings: &Settings) -> Report {
    let seed = settings.seed();
    println!("\n{backend}: {} s, {} clients, seed {seed}", settings.seconds, settings.clients);
    let start = Instant::now();
    let fleet = Fleet::launch(backend, settings.servers);
    let end = start + Duration::from_secs(settings.seconds);
    let (mut history, faults) = std::thread::scope(|scope| {
        let faults = scope.spawn(|| faults::strike(&fleet, seed, end));
        let history = clients::act(&fleet, settings.clients, seed, start, end);
        (history, faults.join().unwrap())
    });
    clients::settle(&fleet, &mut history, start);
    fleet.land();
    let facts = facts::gather(&fleet.database);
    let violations = checker::check(&history, &facts, clients::PATIENCE.as_micros() as u64);
    let audit = fleet.audit();
    Report { backend, seed, history, facts, faults, violations, audit }
}
