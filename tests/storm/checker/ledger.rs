//! Each book's ledger: by itself, and against the clock.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::Violation;
use crate::history::{Ask, Facts, History, Micros, Movement, Operation, Read};

/// Numbers without a gap, quantities that add up, none below zero, the last one the book's.
pub(super) fn adds_up(facts: &Facts) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (book, movements) in ledgers(facts) {
        let mut quantity = 0;
        for (number, movement) in (1..).zip(movements) {
            let seq = movement.seq;
            let mut wrong = |what| violations.push(Violation::Ledger { book, seq, what });
            if seq != number {
                wrong("a number is missing, or there twice");
            }
            if movement.quantity_after != quantity + movement.delta {
                wrong("a quantity is not the one before and the change");
            }
            if movement.quantity_after < 0 {
                wrong("more was sold than there was");
            }
            quantity = movement.quantity_after;
        }
        if facts.quantities.get(&book) != Some(&quantity) {
            let seq = movements.last().map_or(0, |last| last.seq);
            let what = "the book has another quantity than its last movement";
            violations.push(Violation::Ledger { book, seq, what });
        }
    }
    violations
}

/// Of each book that there is, and of each that only its ledger knows of.
fn ledgers(facts: &Facts) -> impl Iterator<Item = (i64, &[Movement])> {
    let books: BTreeSet<i64> =
        facts.quantities.keys().chain(facts.movements.keys()).copied().collect();
    books.into_iter().map(|book| (book, facts.movements.get(&book).map_or(&[][..], Vec::as_slice)))
}

/// Between these moments a movement was committed.
#[derive(Debug, Clone, Copy)]
struct Window {
    sent: Micros,
    answered: Micros,
}

/// Nobody knows.
const ANY_TIME: Window = Window { sent: 0, answered: Micros::MAX };

/// The order of each ledger against the clock of the clients, and every read against the ledger.
pub(super) fn agrees_with_time(history: &History, facts: &Facts) -> Vec<Violation> {
    let windows = windows(history, facts);
    let mut reads = HashMap::<i64, Vec<Seen>>::new();
    for read in &history.reads {
        reads.entry(read.book).or_default().extend(Seen::of(read));
    }
    let mut violations = Vec::new();
    for (book, movements) in ledgers(facts) {
        let of = |movement: &Movement| {
            // What nobody asked for by itself, the end of a hold, may come at any time.
            let kind = (movement.cause.as_str(), movement.reason == "release");
            windows.get(&kind).copied().unwrap_or(ANY_TIME)
        };
        let times: Vec<Window> = movements.iter().map(of).collect();
        violations.extend(against_time(book, movements, &times));
        let reads = reads.get(&book).map_or(&[][..], Vec::as_slice);
        violations.extend(stale_reads(book, movements, &times, reads));
    }
    violations
}

/// When each order, entry, and release of an order happened.
fn windows<'a>(history: &'a History, facts: &'a Facts) -> HashMap<(&'a str, bool), Window> {
    // Who was told an id named it; what else is there has a key, or nobody can tell whose it is.
    let by_key: HashMap<(i64, &str), &Operation> = history
        .operations
        .iter()
        .filter(|operation| !operation.key.is_empty() && operation.granted().is_none())
        .map(|operation| ((operation.client, operation.key.as_str()), operation))
        .collect();
    let orders = facts.orders.iter().map(|one| (&one.id, one.client, &one.key));
    let entries = facts.entries.iter().map(|one| (&one.id, one.client, &one.key));
    let mut windows: HashMap<(&str, bool), Window> = orders
        .chain(entries)
        .filter_map(|(id, client, key)| {
            let operation = by_key.get(&(client, key.as_str()))?;
            Some(((id.as_str(), false), window(operation)?))
        })
        .collect();
    let made = history.operations.iter().filter(|operation| operation.ask.makes_something());
    windows.extend(
        made.filter_map(|operation| Some(((operation.granted()?.1, false), window(operation)?))),
    );
    windows.extend(releases(history, facts));
    windows
}

/// When the copies of cancelled orders came back: after the first wish for it, and before the first
/// answer that grants it. Those of expired ones come back when nobody asked.
fn releases<'a>(history: &'a History, facts: &'a Facts) -> HashMap<(&'a str, bool), Window> {
    let cancelled = facts.orders.iter().filter(|order| order.status == "cancelled");
    let cancelled: HashSet<&str> = cancelled.map(|order| order.id.as_str()).collect();
    let mut releases = HashMap::<(&str, bool), Window>::new();
    for operation in &history.operations {
        let (Ask::Cancel { order, .. }, Some(wish)) = (&operation.ask, window(operation)) else {
            continue;
        };
        if cancelled.contains(order.as_str()) {
            let all = releases.entry((order, true)).or_insert(wish);
            all.sent = all.sent.min(wish.sent);
            all.answered = all.answered.min(wish.answered);
        }
    }
    releases
}

fn window(operation: &Operation) -> Option<Window> {
    let answered = operation.granted().map_or(Micros::MAX, |(answered, _)| answered);
    Some(Window { sent: operation.first_sent()?, answered })
}

/// If one was acknowledged before another was sent, it has the lower number.
fn against_time(book: i64, movements: &[Movement], times: &[Window]) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut last_sent = (0, 0);
    for (movement, window) in movements.iter().zip(times) {
        if window.answered < last_sent.0 {
            violations.push(Violation::AgainstTime {
                book,
                earlier_seq: last_sent.1,
                later_seq: movement.seq,
            });
        }
        last_sent = last_sent.max((window.sent, movement.seq));
    }
    violations
}

/// A quantity that somebody was told.
#[derive(Debug, Clone, Copy)]
struct Seen {
    quantity: i64,
    sent: Micros,
    ended: Micros,
}

impl Seen {
    fn of(read: &Read) -> Option<Self> {
        let Read { sent, ended, quantity, .. } = *read;
        quantity.map(|quantity| Self { quantity, sent, ended })
    }
}

/// A read between `sent` and `ended` saw the quantity after movement `s` only if `s` can have been
/// committed by `ended`, and the one after it not before `sent`.
fn stale_reads(
    book: i64,
    movements: &[Movement],
    times: &[Window],
    reads: &[Seen],
) -> Vec<Violation> {
    // Commits come in the order of their numbers: each one after all before it were sent, and before
    // any after it was answered.
    let mut earliest = Vec::with_capacity(times.len());
    let mut latest = vec![Micros::MAX; times.len() + 1];
    let mut sent = 0;
    for window in times {
        sent = sent.max(window.sent);
        earliest.push(sent);
    }
    for (at, window) in times.iter().enumerate().rev() {
        latest[at] = latest[at + 1].min(window.answered);
    }
    let is_possible = |read: &&Seen| {
        // The quantity before the first movement is 0; that state is at -1.
        let before = read.quantity == 0 && latest[0] >= read.sent;
        // `latest` and `earliest` only grow: the states a read can have seen are neighbours.
        let first = latest[1..].partition_point(|latest| *latest < read.sent);
        let end = earliest.partition_point(|earliest| *earliest <= read.ended);
        let seen = movements.get(first..end).unwrap_or(&[]);
        before || seen.iter().any(|movement| movement.quantity_after == read.quantity)
    };
    reads
        .iter()
        .filter(|read| !is_possible(read))
        .map(|read| Violation::StaleRead { book, quantity: read.quantity, sent: read.sent })
        .collect()
}
