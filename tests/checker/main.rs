//! Who checks the checker: a right history passes; each kind of wrong one is fed to it, and it names it.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![allow(dead_code, unreachable_pub, reason = "the storm uses what is left over here")]

#[path = "../storm/checker/mod.rs"]
mod checker;
#[path = "../storm/history.rs"]
mod history;

use std::collections::BTreeMap;

use checker::{Violation, check};
use history::{
    Ask, Attempt, Entry, Facts, History, Lines, Micros, Movement, Operation, Order, Outcome, Read,
};

const SHOP: i64 = 1;
const ADMIN: i64 = 2;
const BOOK: i64 = 7;
const PATIENCE: Micros = 1_000;

fn lines(copies: i64) -> Lines {
    [(BOOK, copies)].into()
}

fn granted(sent: Micros, ended: Micros, id: &str) -> Attempt {
    Attempt { sent, ended, outcome: Outcome::Granted { id: id.to_owned(), is_replay: false } }
}

fn unknown(sent: Micros, ended: Micros) -> Attempt {
    Attempt { sent, ended, outcome: Outcome::Unknown }
}

fn dropped(sent: Micros, ended: Micros) -> Attempt {
    Attempt { sent, ended, outcome: Outcome::Dropped }
}

fn refused(sent: Micros, ended: Micros) -> Attempt {
    Attempt { sent, ended, outcome: Outcome::Refused { slug: "out_of_stock".to_owned() } }
}

fn operation(client: i64, key: &str, ask: Ask, attempts: Vec<Attempt>) -> Operation {
    Operation { client, key: key.to_owned(), ask, attempts }
}

fn order(key: &str, copies: i64, attempts: Vec<Attempt>) -> Operation {
    operation(SHOP, key, Ask::Order { lines: lines(copies), hold_seconds: None }, attempts)
}

fn movement(seq: i64, delta: i64, quantity_after: i64, reason: &str, cause: &str) -> Movement {
    let [reason, cause] = [reason, cause].map(str::to_owned);
    Movement { seq, delta, quantity_after, reason, cause }
}

fn placed(id: &str, key: &str, status: &str) -> Order {
    let [id, key, status] = [id, key, status].map(str::to_owned);
    Order { id, client: SHOP, key, status }
}

/// Ten copies come; two are sold at once, three after a retry, one is held and cancelled, none of a
/// refused and none of an unknown order; one is counted away; one comes back. Others look.
fn right() -> (History, Facts) {
    let confirm = Ask::Confirm { order: "o2".to_owned() };
    let cancel = Ask::Cancel { order: "o3".to_owned() };
    let back = Ask::Return { order: "o2".to_owned(), lines: lines(1) };
    let count = Ask::Stocktake { book: BOOK, counted: 4 };
    let operations = vec![
        operation(ADMIN, "r", Ask::Restock { lines: lines(10) }, vec![granted(0, 10, "e1")]),
        order("k1", 2, vec![granted(20, 30, "o1")]),
        order("k2", 3, vec![unknown(40, 50), granted(60, 70, "o2")]),
        operation(SHOP, "", confirm, vec![granted(72, 75, "o2")]),
        order("k3", 1, vec![granted(80, 90, "o3")]),
        operation(SHOP, "", cancel, vec![granted(100, 110, "o3")]),
        order("k4", 9, vec![refused(120, 130)]),
        order("k5", 1, vec![unknown(140, 150), refused(900, 910)]),
        operation(ADMIN, "c", count, vec![granted(160, 170, "e2")]),
        operation(ADMIN, "b", back, vec![granted(180, 190, "e3")]),
    ];
    let look = |sent, ended, quantity| Read { book: BOOK, sent, ended, quantity };
    let reads = vec![look(15, 16, 10), look(25, 26, 10), look(25, 26, 8), look(55, 58, 5)];
    let entry =
        |id: &str, key: &str| Entry { id: id.to_owned(), client: ADMIN, key: key.to_owned() };
    let facts = Facts {
        orders: vec![
            placed("o1", "k1", "placed"),
            placed("o2", "k2", "placed"),
            placed("o3", "k3", "cancelled"),
        ],
        entries: vec![entry("e1", "r"), entry("e2", "c"), entry("e3", "b")],
        movements: BTreeMap::from([(
            BOOK,
            vec![
                movement(1, 10, 10, "restock", "e1"),
                movement(2, -2, 8, "sale", "o1"),
                movement(3, -3, 5, "sale", "o2"),
                movement(4, -1, 4, "sale", "o3"),
                movement(5, 1, 5, "release", "o3"),
                movement(6, -1, 4, "stocktake", "e2"),
                movement(7, 1, 5, "return", "e3"),
            ],
        )]),
        quantities: [(BOOK, 5)].into(),
    };
    (History { operations, reads, surprises: Vec::new() }, facts)
}

/// What is found after `spoil`.
fn found(spoil: impl FnOnce(&mut History, &mut Facts)) -> Vec<Violation> {
    let (mut history, mut facts) = right();
    spoil(&mut history, &mut facts);
    check(&history, &facts, PATIENCE)
}

#[track_caller]
fn names(violations: &[Violation], is_meant: impl Fn(&Violation) -> bool) {
    assert!(violations.iter().any(is_meant), "not among {violations:?}");
}

fn ledger(facts: &mut Facts) -> &mut Vec<Movement> {
    facts.movements.get_mut(&BOOK).unwrap()
}

#[test]
fn a_right_history_passes() {
    assert_eq!(found(|_, _| {}), []);
}

/// The order whose first sending was never answered is there after all.
fn comes_late(facts: &mut Facts) {
    facts.orders.push(placed("o5", "k5", "placed"));
    ledger(facts).push(movement(8, -1, 4, "sale", "o5"));
    facts.quantities.insert(BOOK, 4);
}

#[test]
fn an_order_of_unknown_outcome_may_be_there() {
    // Asked for at 140, it may well have come after the return of 180.
    let violations = found(|history, facts| {
        comes_late(facts);
        history.operations[7].attempts[1] = granted(900, 910, "o5");
    });
    assert_eq!(violations, []);
}

#[test]
fn a_refusal_after_a_doubt_must_be_true() {
    let violations = found(|_, facts| comes_late(facts));
    names(&violations, |one| matches!(one, Violation::RefusedAndDone { id, .. } if id == "o5"));
}

#[test]
fn a_promise_that_nothing_was_done_must_be_true() {
    let violations = found(|history, facts| {
        comes_late(facts);
        history.operations[7].attempts = vec![dropped(140, 150), dropped(160, 170)];
    });
    names(&violations, |one| matches!(one, Violation::DroppedAndDone { id, .. } if id == "o5"));
}

#[test]
fn a_replay_of_what_was_said_not_to_be_done_is_named() {
    let first_was_done = |first: Attempt| {
        found(|history, _| {
            let again = Outcome::Granted { id: "o2".to_owned(), is_replay: true };
            let again = Attempt { sent: 60, ended: 70, outcome: again };
            history.operations[2].attempts = vec![first, again];
        })
    };
    assert_eq!(first_was_done(unknown(40, 50)), []);
    let violations = first_was_done(dropped(40, 50));
    names(&violations, |one| matches!(one, Violation::DroppedAndDone { id, .. } if id == "o2"));
}

/// An order without a key for five copies, of which nobody knows what became of it, or what did.
fn walks_in(history: &mut History, facts: &mut Facts, outcome: Attempt) {
    history.operations.push(order("", 5, vec![outcome]));
    facts.orders.push(placed("o6", "", "placed"));
    ledger(facts).push(movement(8, -5, 0, "sale", "o6"));
    facts.quantities.insert(BOOK, 0);
}

#[test]
fn an_order_without_a_key_may_be_there_once() {
    let violations = found(|history, facts| walks_in(history, facts, granted(800, 810, "o6")));
    assert_eq!(violations, []);
    let violations = found(|history, facts| walks_in(history, facts, unknown(800, 810)));
    assert_eq!(violations, []);
    let doubled = found(|history, facts| {
        walks_in(history, facts, granted(800, 810, "o6"));
        facts.orders.push(placed("o7", "", "placed"));
    });
    names(&doubled, |one| matches!(one, Violation::Phantom { id } if id == "o7"));
}

#[test]
fn an_order_without_a_key_that_nobody_sent_is_named() {
    for (outcome, copies) in [(dropped(800, 810), 5), (unknown(800, 810), 4)] {
        let violations = found(|history, facts| {
            walks_in(history, facts, outcome);
            let walk_in = history.operations.last_mut().unwrap();
            walk_in.ask = Ask::Order { lines: lines(copies), hold_seconds: None };
        });
        names(&violations, |one| matches!(one, Violation::Phantom { id } if id == "o6"));
    }
}

#[test]
fn a_lost_order_without_a_key_is_named() {
    let violations = found(|history, facts| {
        walks_in(history, facts, granted(800, 810, "o6"));
        facts.orders.pop();
    });
    names(&violations, |one| matches!(one, Violation::Lost { id, .. } if id == "o6"));
}

#[test]
fn what_is_never_answered_is_named() {
    let violations = found(|history, _| {
        history.operations[7].attempts[1] = unknown(900, 910);
    });
    names(&violations, |one| matches!(one, Violation::Unsettled { key } if key == "k5"));
}

#[test]
fn a_lost_sale_is_named() {
    let violations = found(|_, facts| facts.orders.retain(|order| order.id != "o1"));
    names(&violations, |one| matches!(one, Violation::Lost { id, .. } if id == "o1"));
}

#[test]
fn a_lost_restock_is_named() {
    let violations = found(|_, facts| facts.entries.clear());
    names(&violations, |one| matches!(one, Violation::Lost { id, .. } if id == "e1"));
}

#[test]
fn an_order_with_other_lines_is_named() {
    let violations = found(|history, _| {
        history.operations[1].ask = Ask::Order { lines: lines(3), hold_seconds: None };
    });
    names(&violations, |one| matches!(one, Violation::Altered { id, .. } if id == "o1"));
}

#[test]
fn a_count_that_counted_otherwise_is_named() {
    let violations = found(|history, _| {
        history.operations[8].ask = Ask::Stocktake { book: BOOK, counted: 3 };
    });
    names(&violations, |one| matches!(one, Violation::Altered { id, .. } if id == "e2"));
}

#[test]
fn a_doubled_sale_is_named() {
    let violations = found(|_, facts| facts.orders.push(placed("o9", "k1", "placed")));
    names(&violations, |one| matches!(one, Violation::Doubled { key } if key == "k1"));
}

#[test]
fn two_answers_to_one_request_are_named() {
    let violations = found(|history, _| {
        history.operations[2].attempts.push(granted(75, 79, "o1"));
    });
    names(&violations, |one| matches!(one, Violation::TwoAnswers { key, .. } if key == "k2"));
}

#[test]
fn a_phantom_is_named() {
    let violations = found(|_, facts| facts.orders.push(placed("o9", "nobody's", "placed")));
    names(&violations, |one| matches!(one, Violation::Phantom { id } if id == "o9"));
}

#[test]
fn an_order_that_was_refused_and_is_there_is_named() {
    let violations = found(|_, facts| facts.orders.push(placed("o4", "k4", "placed")));
    names(&violations, |one| matches!(one, Violation::RefusedAndDone { id, .. } if id == "o4"));
}

#[test]
fn a_confirmed_order_that_expired_is_named() {
    let violations = found(|_, facts| facts.orders[1].status = "expired".to_owned());
    names(&violations, |one| matches!(one, Violation::WrongEnd { order, .. } if order == "o2"));
}

#[test]
fn a_cancelled_order_that_is_sold_is_named() {
    let violations = found(|_, facts| facts.orders[2].status = "placed".to_owned());
    names(&violations, |one| matches!(one, Violation::WrongEnd { order, .. } if order == "o3"));
}

#[test]
fn a_lost_update_is_named() {
    let violations = found(|_, facts| {
        ledger(facts)[2].quantity_after = 7;
    });
    names(&violations, |one| matches!(one, Violation::Ledger { seq: 3, .. }));
}

#[test]
fn a_missing_movement_is_named() {
    let violations = found(|_, facts| drop(ledger(facts).remove(3)));
    names(&violations, |one| matches!(one, Violation::Ledger { seq: 5, .. }));
}

#[test]
fn an_oversold_book_is_named() {
    let violations = found(|_, facts| {
        let ledger = ledger(facts);
        ledger[0] = movement(1, 1, 1, "restock", "e1");
        ledger[1].quantity_after = -1;
    });
    names(
        &violations,
        |one| matches!(one, Violation::Ledger { seq: 2, what, .. } if what.contains("more was sold")),
    );
}

#[test]
fn a_quantity_beside_the_ledger_is_named() {
    let violations = found(|_, facts| _ = facts.quantities.insert(BOOK, 6));
    names(&violations, |one| matches!(one, Violation::Ledger { seq: 7, .. }));
}

#[test]
fn a_ledger_against_the_clock_is_named() {
    // k1 was acknowledged before k2 was sent.
    let violations = found(|_, facts| {
        let ledger = ledger(facts);
        ledger[1] = movement(2, -3, 7, "sale", "o2");
        ledger[2] = movement(3, -2, 5, "sale", "o1");
    });
    names(&violations, |one| {
        matches!(one, Violation::AgainstTime { earlier_seq: 2, later_seq: 3, .. })
    });
}

#[test]
fn a_stale_read_is_named() {
    // Two were sold and answered at 30; at 35 somebody still reads ten.
    let read = Read { book: BOOK, sent: 35, ended: 36, quantity: 10 };
    let violations = found(|history, _| history.reads.push(read));
    names(&violations, |one| matches!(one, Violation::StaleRead { quantity: 10, sent: 35, .. }));
}

#[test]
fn a_read_of_the_future_is_named() {
    let read = Read { book: BOOK, sent: 11, ended: 19, quantity: 8 };
    let violations = found(|history, _| history.reads.push(read));
    names(&violations, |one| matches!(one, Violation::StaleRead { quantity: 8, sent: 11, .. }));
}

#[test]
fn a_read_of_what_was_never_there_is_named() {
    let read = Read { book: BOOK, sent: 0, ended: 500, quantity: 9 };
    let violations = found(|history, _| history.reads.push(read));
    names(&violations, |one| matches!(one, Violation::StaleRead { quantity: 9, .. }));
}

#[test]
fn a_client_left_waiting_is_named() {
    let violations = found(|history, _| {
        history.operations[7].attempts[0] = unknown(140, 141 + PATIENCE);
    });
    names(&violations, |one| matches!(one, Violation::NoAnswer { key, .. } if key == "k5"));
}
