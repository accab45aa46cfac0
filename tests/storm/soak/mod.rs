//! A soak: a shop in use for an hour and more at half of what it can do, with something going wrong now
//! and then. What grows, what is never given back, what gets slower?
//!
//! The first server lives through all of it and is the one that is measured. Such a history is too long
//! to be kept: it is counted, and the counts are held against the database.

mod gauge;
mod pace;
mod report;
mod tally;

use std::time::Duration;

use crate::clients;
use crate::deck::Rhythm;
use crate::fleet::Fleet;
use crate::history::History;
use crate::kit::Backend;
use crate::settings::Settings;
use crate::strike;
use crate::watch::{Goal, Watch};

use pace::Pace;
use report::Report;
use tally::Tally;

/// How long the best rate is looked for, with nothing going wrong.
const AT_ITS_BEST: Duration = Duration::from_secs(30);

/// How many servers a soak needs: one that lives through all of it, and one that is ended.
const FEWEST_SERVERS: usize = 2;

pub fn soak(backend: Backend, settings: &Settings, length: Duration) -> Report {
    let seed = settings.seed();
    let servers = settings.servers.max(FEWEST_SERVERS);
    println!("\n{backend}: {} clients, {servers} servers, seed {seed}", settings.clients);
    let fleet = Fleet::launch(backend, servers);
    let faults = crate::possible(&fleet, settings.faults(backend));
    let (weights, _) = settings.plan(&faults);

    let (best_rate, hurried) = at_its_best(&fleet, settings.clients, seed);
    let rest_before = gauge::at_rest(&fleet);

    let pace = Pace::new(best_rate / 2.0);
    println!("at its best {best_rate:.0} requests a second; now half of that");
    let watch = Watch::new(Goal::Time(length));
    let (steady, readings) = std::thread::scope(|scope| {
        scope.spawn(|| strike::strike(&fleet, &watch, seed, &weights, Rhythm::SOAK));
        scope.spawn(|| watch.tell());
        let gauge = scope.spawn(|| gauge::read_on(&fleet, &watch));
        let steady = act_at(&pace, &fleet, &watch, settings.clients, seed);
        watch.end();
        (steady, gauge.join().unwrap())
    });
    let mut steady = settled(steady, &fleet, &watch);
    let rest_after = gauge::at_rest(&fleet);
    fleet.land();
    let answers = std::mem::take(&mut steady.answers);
    println!("{backend}: {} answers, and now the check", answers.len());
    let tally = hurried.and(steady);
    Report {
        length,
        answers,
        readings,
        rests: [rest_before, rest_after],
        faults: watch.faults(),
        discrepancies: tally.discrepancies(&fleet.database),
        surprises: tally.surprises,
        audit: fleet.audit(),
        collisions: fleet.collisions(),
        is_stuck: watch.is_stuck(),
    }
}

/// What came of the requests that `count` clients made at `pace`: others than those who hurried, for theirs
/// are other keys.
fn act_at(pace: &Pace, fleet: &Fleet, watch: &Watch, count: usize, seed: u64) -> Tally {
    let numbers = count as u64 + 1..=2 * count as u64;
    let tallies = clients::crowd(fleet, watch, numbers, seed, |mut actor| {
        let mut tally = Tally::default();
        while !watch.is_over() {
            pace.wait();
            actor.act();
            tally.take(&mut actor.history, watch);
        }
        tally
    });
    tallies.into_iter().fold(Tally::default(), Tally::and)
}

/// How many requests a second these clients make when nobody holds them back and nothing goes wrong, and
/// what came of these.
fn at_its_best(fleet: &Fleet, count: usize, seed: u64) -> (f64, Tally) {
    let watch = Watch::new(Goal::Time(AT_ITS_BEST));
    let mut history = clients::act(fleet, &watch, count, seed);
    let asked = history.operations.len() + history.reads.len();
    let rate = asked as f64 / watch.start.elapsed().as_secs_f64();
    clients::settle(fleet, &watch, &mut history);
    let mut tally = Tally::default();
    tally.settle(history);
    (rate, tally)
}

/// `tally` after its open ends have been asked about.
fn settled(mut tally: Tally, fleet: &Fleet, watch: &Watch) -> Tally {
    let operations = std::mem::take(&mut tally.open);
    let mut history = History { operations, ..History::default() };
    clients::settle(fleet, watch, &mut history);
    tally.settle(history);
    tally
}
