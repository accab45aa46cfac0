//! The storm: many clients buy, hold, return and count, while servers die, freeze and restart and
//! connections are cut, most cruelly during COMMIT. Then everything that the clients were told is held
//! against the database.
//!
//! `scripts/storm --help` says how to run it. The schedule of the faults and what each client would like come
//! from a seed; how both meet does not, for the machine decides that, and what a client has decides what it
//! can ask for.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![allow(unreachable_pub, reason = "a test binary has no crate-private parts worth telling apart")]

mod checker;
mod clients;
mod deck;
mod dice;
mod disk;
mod engine;
mod facts;
mod faults;
mod fleet;
mod history;
#[allow(dead_code, unused_imports, reason = "the suite uses what is left over here")]
#[path = "../suite/kit/mod.rs"]
mod kit;
mod migration;
mod report;
mod settings;
mod soak;
mod strike;
mod watch;
mod wire;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use deck::Rhythm;
use faults::Fault;
use fleet::Fleet;
use history::History;
use kit::Backend;
use report::{Aftermath, Figures, Report};
use settings::Settings;
use watch::Watch;

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
    if let Some(length) = settings.soak() {
        return soak(&settings, length);
    }
    let storms: Vec<Figures> =
        settings.backends().into_iter().map(|backend| storm(backend, &settings).show()).collect();
    println!("\nseed {}\n{}", settings.seed(), report::table(&storms));
    let is_good = storms.iter().all(|storm| storm.is_good);
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn soak(settings: &Settings, length: Duration) -> ExitCode {
    let soak = |backend| soak::soak(backend, settings, length).show();
    // All of them, whatever comes of one.
    let are_good: Vec<bool> = settings.backends().into_iter().map(soak).collect();
    println!("\nseed {}", settings.seed());
    if are_good.iter().all(|good| *good) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn storm(backend: Backend, settings: &Settings) -> Report {
    let seed = settings.seed();
    println!(
        "\n{backend}: {} clients, {} servers, seed {seed}",
        settings.clients, settings.servers
    );
    let fleet = Fleet::launch(backend, settings.servers);
    let faults = possible(&fleet, settings.faults(backend));
    let (weights, goal) = settings.plan(&faults);
    let watch = Watch::new(goal);
    let mut history = std::thread::scope(|scope| {
        scope.spawn(|| strike::strike(&fleet, &watch, seed, &weights, Rhythm::STORM));
        scope.spawn(|| watch.tell());
        let history = clients::act(&fleet, &watch, settings.clients, seed);
        watch.end();
        history
    });
    let took = watch.start.elapsed();
    // A server or a database that does not come back must not take with it what the clients saw.
    let end = || aftermath(&fleet, &watch, &mut history);
    let aftermath = catch_unwind(AssertUnwindSafe(end));
    let is_broken = watch.is_broken() || aftermath.is_err();
    Report {
        backend,
        seed,
        again: settings.again(backend, &faults),
        took,
        history,
        strikes: watch.strikes(),
        faults: watch.faults(),
        aftermath: aftermath.unwrap_or_default(),
        is_stuck: watch.is_stuck(),
        is_broken,
    }
}

/// When it is over: what the database holds, and what is wrong with that.
fn aftermath(fleet: &Fleet, watch: &Watch, history: &mut History) -> Aftermath {
    clients::settle(fleet, watch, history);
    fleet.land();
    println!("{} requests, and now the check", history.operations.len());
    let facts = facts::gather(&fleet.database);
    let violations = checker::check(history, &facts, fleet::PATIENCE.as_micros() as u64);
    Aftermath { facts, violations, audit: fleet.audit(), collisions: fleet.collisions() }
}

/// Of `wanted`, what can be done here; tells what is left out, and why.
fn possible(fleet: &Fleet, wanted: impl Iterator<Item = Fault>) -> Vec<Fault> {
    let (has_engine, has_disk) = (fleet.engine.is_some(), fleet.disk.is_some());
    wanted
        .filter(|fault| match fault.missing(has_engine, has_disk) {
            Some(why) => {
                println!("left out: {}: {why}", fault.name());
                false
            }
            None => true,
        })
        .collect()
}
