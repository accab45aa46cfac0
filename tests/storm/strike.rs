//! Two hands that do one fault after another, so that each of them comes alone and together with any
//! other. What both would do to the same thing, they do in turn.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::deck::{Card, Deck, Rhythm};
use crate::faults::{Count, Fault};
use crate::fleet::{Fleet, Ship};
use crate::kit::{Backend, Commit, Connection, Database, Proxy};
use crate::migration;
use crate::watch::Watch;

const HANDS: usize = 2;

/// So long a COMMIT may let wait for itself.
const COMMIT_COMES: Duration = Duration::from_secs(3);

/// More connections no database of a storm has.
const MOST_CONNECTIONS: usize = 200;

/// Does what is possible of `faults` until the storm is over; `weights` of each in one deck.
pub fn strike(fleet: &Fleet, watch: &Watch, seed: u64, weights: &Count, rhythm: Rhythm) {
    let deck = Mutex::new(Deck::new(seed, fleet.ships.len(), rhythm));
    deck.lock().unwrap().fill(weights);
    std::thread::scope(|scope| {
        for _ in 0..HANDS {
            scope.spawn(|| {
                while let Some(card) = next(&deck, watch, weights) {
                    watch.keep_pace();
                    if !watch.wait(card.quiet) {
                        return;
                    }
                    let disturb = || watch.disturb(card.fault, card.ship, || act(card, fleet));
                    // What was asked and answered until then must not be lost with it.
                    if catch_unwind(AssertUnwindSafe(disturb)).is_err() {
                        watch.break_off();
                        return;
                    }
                }
            });
        }
    });
}

/// The next card. When all were drawn: what is missing, or else all of them again.
fn next(deck: &Mutex<Deck>, watch: &Watch, weights: &Count) -> Option<Card> {
    let mut deck = deck.lock().unwrap();
    deck.draw().or_else(|| {
        let missing = watch.missing();
        deck.fill(if missing.is_empty() { weights } else { &missing });
        deck.draw()
    })
}

/// Does it, and tells whether it was done.
fn act(card: Card, fleet: &Fleet) -> bool {
    let ship = &fleet.ships[card.ship];
    match card.fault {
        Fault::Kill | Fault::Restart | Fault::Freeze | Fault::ClockSteps => {
            let _alone = alone(&ship.hull);
            to_server(card, ship);
            true
        }
        // It waits for nobody, and is done to nobody else.
        Fault::LockTitle => lock_title(card, fleet),
        Fault::Terminate
        | Fault::ConnectionLimit
        | Fault::KillDatabase
        | Fault::FullDisk
        | Fault::Migration => {
            let _alone = alone(&fleet.engine_room);
            to_database(card, fleet)
        }
        _ => {
            let _alone = alone(&ship.rigging);
            ship.proxy.as_ref().is_some_and(|line| to_line(card, line))
        }
    }
}

fn alone(room: &Mutex<()>) -> MutexGuard<'_, ()> {
    room.lock().unwrap_or_else(PoisonError::into_inner)
}

fn to_server(card: Card, ship: &Ship) {
    let meanwhile = || std::thread::sleep(card.lasts);
    match card.fault {
        Fault::Kill => {
            ship.crash();
            meanwhile();
            ship.relaunch();
        }
        Fault::Restart => {
            ship.terminate();
            ship.relaunch();
        }
        Fault::Freeze => {
            ship.freeze();
            meanwhile();
            ship.thaw();
        }
        Fault::ClockSteps => {
            ship.terminate();
            ship.relaunch_with_clock();
            for shift in ["+0", "+1d", "-1d"] {
                ship.set_clock(shift);
                meanwhile();
            }
            ship.crash();
            ship.relaunch();
        }
        other => unreachable!("{other:?} is of no server"),
    }
}

fn to_line(card: Card, line: &Proxy) -> bool {
    let meanwhile = || std::thread::sleep(card.lasts);
    match card.fault {
        Fault::Cut => {
            let is_cut = line.open() > 0;
            line.cut();
            meanwhile();
            line.mend();
            is_cut
        }
        Fault::Delay => {
            // Late by a twentieth of the time for which it lasts.
            line.delay(card.lasts / 20);
            meanwhile();
            line.delay(Duration::ZERO);
            true
        }
        Fault::Stall => {
            line.stall();
            meanwhile();
            line.resume();
            true
        }
        Fault::CutAfterCommit => cut_commit(line, Commit::Delivered),
        Fault::CutBeforeCommit => cut_commit(line, Commit::Lost),
        other => unreachable!("{other:?} is of no line"),
    }
}

fn cut_commit(line: &Proxy, fate: Commit) -> bool {
    line.strike(fate, 1);
    let end = Instant::now() + COMMIT_COMES;
    while line.commits_left() > 0 && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(5));
    }
    let is_struck = line.commits_left() == 0;
    line.strike(fate, 0);
    is_struck
}

fn to_database(card: Card, fleet: &Fleet) -> bool {
    let meanwhile = || std::thread::sleep(card.lasts);
    match (card.fault, &fleet.engine, &fleet.disk) {
        (Fault::Terminate, ..) => terminate_connections(fleet, &mut fleet.database.connect()),
        (Fault::ConnectionLimit, ..) => {
            let mut taken = take_connections(fleet);
            if let Some(first) = taken.first_mut() {
                terminate_connections(fleet, first);
            }
            taken.extend(take_connections(fleet));
            meanwhile();
        }
        (Fault::KillDatabase, Some(engine), _) => {
            engine.crash();
            meanwhile();
            engine.start_again(&fleet.database);
        }
        (Fault::FullDisk, engine, Some(disk)) => {
            disk.fill();
            meanwhile();
            disk.make_room();
            // It may have given up.
            engine.iter().for_each(|engine| engine.start_again(&fleet.database));
        }
        (Fault::Migration, ..) => return migration::run_again(&fleet.database),
        (other, ..) => unreachable!("{other:?} cannot be done here"),
    }
    true
}

/// As a person with an open transaction does, past the service. False if the row could not be had: the database
/// may be away.
fn lock_title(card: Card, fleet: &Fleet) -> bool {
    let book = fleet.books[card.quiet.as_millis() as usize % fleet.books.len()];
    let Database { backend, url, .. } = &fleet.database;
    let Ok(mut person) = Connection::try_open(*backend, url) else { return false };
    let row = format!("SELECT quantity FROM books WHERE id = {book} FOR UPDATE");
    if person.try_run("BEGIN").is_err() || person.try_number(&row).is_err() {
        return false;
    }
    std::thread::sleep(card.lasts);
    // The database may have ended it.
    let _ = person.try_run("ROLLBACK");
    true
}

/// All connections to the database's server that are left.
fn take_connections(fleet: &Fleet) -> Vec<Connection> {
    let backend = fleet.database.backend;
    let url = backend.server_url().unwrap_or_default();
    let open = || Connection::try_open(backend, &url).ok();
    std::iter::from_fn(open).take(MOST_CONNECTIONS).collect()
}

/// Ends all other connections to the shop's database.
fn terminate_connections(fleet: &Fleet, connection: &mut Connection) {
    let name = fleet.database.name();
    match fleet.database.backend {
        Backend::Sqlite => unreachable!("there are none"),
        Backend::Postgres => connection.run(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = '{name}' AND pid <> pg_backend_pid()"
        )),
        Backend::Mysql => {
            let others = "SELECT CAST(id AS CHAR) AS word FROM information_schema.processlist";
            let others = format!("{others} WHERE db = '{name}' AND id <> connection_id()");
            for id in connection.texts(&others) {
                // It may be gone already.
                let _ = connection.try_run(&format!("KILL {id}"));
            }
        }
    }
}
