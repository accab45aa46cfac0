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
    Attempt { sent, ended, outcome: granted_as(id, false, Lines::new()) }
}

fn replayed(sent: Micros, ended: Micros, id: &str) -> Attempt {
    Attempt { sent, ended, outcome: granted_as(id, true, Lines::new()) }
}

fn granted_as(id: &str, is_replay: bool, lines: Lines) -> Outcome {
    Outcome::Granted { id: id.to_owned(), is_replay, lines }
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

/// Each answer that grants it has the lines that were asked for.
fn operation(client: i64, key: &str, ask: Ask, mut attempts: Vec<Attempt>) -> Operation {
    for attempt in &mut attempts {
        if let Outcome::Granted { lines, .. } = &mut attempt.outcome {
            *lines = asked_for(&ask);
        }
    }
    Operation { client, key: key.to_owned(), ask, attempts }
}

fn asked_for(ask: &Ask) -> Lines {
    match ask {
        Ask::Order { lines, .. } | Ask::Restock { lines } | Ask::Return { lines, .. } => {
            lines.clone()
        }
        Ask::Stocktake { book, counted } => [(*book, *counted)].into(),
        Ask::Confirm { .. } | Ask::Cancel { .. } => Lines::new(),
    }
}

fn order(key: &str, copies: i64, attempts: Vec<Attempt>) -> Operation {
    operation(SHOP, key, Ask::Order { lines: lines(copies), hold_seconds: None }, attempts)
}

fn hold(key: &str, copies: i64, attempts: Vec<Attempt>) -> Operation {
    operation(SHOP, key, Ask::Order { lines: lines(copies), hold_seconds: Some(60) }, attempts)
}

fn movement(seq: i64, delta: i64, quantity_after: i64, reason: &str, cause: &str) -> Movement {
    let [reason, cause] = [reason, cause].map(str::to_owned);
    Movement { seq, delta, quantity_after, reason, cause }
}

fn placed(id: &str, key: &str, status: &str) -> Order {
    let [id, key, status] = [id, key, status].map(str::to_owned);
    Order { id, client: SHOP, key, status, is_overdue: false }
}

/// Ten copies come; two are sold at once, three are held after a retry and confirmed, one is held and cancelled,
/// none of a refused and none of an unknown order; one is counted away; one comes back. Somebody asks again for
/// what was granted long before. Others look.
fn right() -> (History, Facts) {
    let confirm = Ask::Confirm { order: "o2".to_owned() };
    let cancel = Ask::Cancel { order: "o3".to_owned(), by_admin: false };
    let back = Ask::Return { order: "o2".to_owned(), lines: lines(1) };
    let count = Ask::Stocktake { book: BOOK, counted: 4 };
    let operations = vec![
        operation(ADMIN, "r", Ask::Restock { lines: lines(10) }, vec![granted(0, 10, "e1")]),
        order("k1", 2, vec![granted(20, 30, "o1")]),
        hold("k2", 3, vec![unknown(40, 50), granted(60, 70, "o2"), replayed(950, 960, "o2")]),
        operation(SHOP, "", confirm, vec![granted(72, 75, "o2")]),
        hold("k3", 1, vec![granted(80, 90, "o3")]),
        operation(SHOP, "", cancel, vec![granted(100, 110, "o3")]),
        order("k4", 9, vec![refused(120, 130)]),
        order("k5", 1, vec![unknown(140, 150), refused(900, 910)]),
        operation(ADMIN, "c", count, vec![granted(160, 170, "e2")]),
        operation(ADMIN, "b", back, vec![granted(180, 190, "e3")]),
    ];
    let look = |sent, ended, quantity| Read { book: BOOK, sent, ended, quantity: Some(quantity) };
    let reads = vec![look(15, 16, 10), look(25, 26, 10), look(25, 26, 8), look(55, 58, 5)];
    let entry = |id: &str, key: &str, order: Option<&str>| {
        let (id, key, order) = (id.to_owned(), key.to_owned(), order.map(str::to_owned));
        Entry { id, client: ADMIN, key, order }
    };
    let facts = Facts {
        orders: vec![
            placed("o1", "k1", "placed"),
            placed("o2", "k2", "placed"),
            placed("o3", "k3", "cancelled"),
        ],
        entries: vec![entry("e1", "r", None), entry("e2", "c", None), entry("e3", "b", Some("o2"))],
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
        history.operations[7] = order("k5", 1, vec![unknown(140, 150), granted(900, 910, "o5")]);
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
            history.operations[2] = hold("k2", 3, vec![first, replayed(60, 70, "o2")]);
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
        history.operations[1] = order("k1", 3, vec![granted(20, 30, "o1")]);
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
        history.operations[2].attempts.push(replayed(975, 979, "o1"));
    });
    names(&violations, |one| matches!(one, Violation::TwoAnswers { key, .. } if key == "k2"));
}

#[test]
fn a_refusal_of_what_was_granted_is_named() {
    let violations = found(|history, _| history.operations[2].attempts.push(refused(975, 979)));
    names(&violations, |one| matches!(one, Violation::TwoAnswers { key, .. } if key == "k2"));
}

#[test]
fn a_second_grant_that_says_it_is_the_first_is_named() {
    let violations = found(|history, _| {
        let attempts = vec![unknown(40, 50), granted(60, 70, "o2"), granted(950, 960, "o2")];
        history.operations[2] = hold("k2", 3, attempts);
    });
    names(&violations, |one| matches!(one, Violation::NoReplay { key } if key == "k2"));
}

#[test]
fn an_answer_with_other_lines_is_named() {
    let violations = found(|history, _| {
        history.operations[2].attempts[2].outcome = granted_as("o2", true, lines(2));
    });
    names(&violations, |one| matches!(one, Violation::ToldOtherwise { id } if id == "o2"));
}

#[test]
fn a_restock_that_nobody_asked_for_and_one_of_other_copies_are_named() {
    let phantom = found(|history, _| drop(history.operations.remove(0)));
    names(&phantom, |one| matches!(one, Violation::Phantom { id } if id == "e1"));
    let altered = found(|history, _| {
        let ask = Ask::Restock { lines: lines(9) };
        history.operations[0] = operation(ADMIN, "r", ask, vec![granted(0, 10, "e1")]);
    });
    names(&altered, |one| matches!(one, Violation::Altered { id, .. } if id == "e1"));
}

#[test]
fn a_return_of_other_copies_and_of_more_than_were_sold_are_named() {
    let violations = found(|_, facts| {
        ledger(facts)[6] = movement(7, 4, 8, "return", "e3");
        facts.quantities.insert(BOOK, 8);
    });
    names(&violations, |one| matches!(one, Violation::Altered { id, .. } if id == "e3"));
    names(&violations, |one| matches!(one, Violation::WrongReturn { order } if order == "o2"));
}

#[test]
fn a_return_of_what_was_never_sold_is_named() {
    let violations = found(|_, facts| facts.entries[2].order = Some("o3".to_owned()));
    names(&violations, |one| matches!(one, Violation::WrongReturn { order } if order == "o3"));
}

#[test]
fn copies_that_come_back_twice_or_never_are_named() {
    let twice = found(|_, facts| {
        ledger(facts).push(movement(8, 1, 6, "release", "o3"));
        facts.quantities.insert(BOOK, 6);
    });
    let never = found(|_, facts| {
        ledger(facts).retain(|one| one.reason != "release");
    });
    for violations in [twice, never] {
        names(&violations, |one| matches!(one, Violation::WrongRelease { order } if order == "o3"));
    }
}

#[test]
fn copies_of_a_sold_order_that_come_back_are_named() {
    let violations = found(|_, facts| {
        ledger(facts).push(movement(8, 2, 7, "release", "o1"));
        facts.quantities.insert(BOOK, 7);
    });
    names(&violations, |one| matches!(one, Violation::WrongRelease { order } if order == "o1"));
}

#[test]
fn an_order_that_ended_as_nobody_wanted_is_named() {
    for (at, status) in [(0, "cancelled"), (0, "expired"), (0, "held"), (1, "returned")] {
        let violations = found(|_, facts| facts.orders[at].status = status.to_owned());
        names(
            &violations,
            |one| matches!(one, Violation::Unwanted { status: is, .. } if is == status),
        );
    }
}

#[test]
fn a_hold_that_is_placed_though_nobody_confirmed_it_is_named() {
    let violations = found(|history, _| {
        history.operations.remove(3);
    });
    names(&violations, |one| matches!(one, Violation::Unwanted { order, .. } if order == "o2"));
}

#[test]
fn a_hold_that_keeps_its_copies_when_its_time_is_over_is_named() {
    let violations = found(|_, facts| facts.orders[2].is_overdue = true);
    names(&violations, |one| matches!(one, Violation::Overdue { order } if order == "o3"));
}

#[test]
fn only_an_admin_calls_off_what_is_sold() {
    let called_off = |by_admin: bool| {
        found(|history, facts| {
            let cancel = Ask::Cancel { order: "o1".to_owned(), by_admin };
            history.operations.push(operation(SHOP, "", cancel, vec![granted(800, 810, "o1")]));
            facts.orders[0].status = "cancelled".to_owned();
            ledger(facts).push(movement(8, 2, 7, "release", "o1"));
            facts.quantities.insert(BOOK, 7);
        })
    };
    assert_eq!(called_off(true), []);
    names(
        &called_off(false),
        |one| matches!(one, Violation::Unwanted { order, .. } if order == "o1"),
    );
}

#[test]
fn a_confirmed_order_that_is_gone_is_named() {
    let violations = found(|history, facts| {
        // Its own request is in doubt; that it was confirmed is not.
        history.operations[2].attempts = vec![unknown(40, 50)];
        facts.orders.retain(|order| order.id != "o2");
    });
    names(&violations, |one| matches!(one, Violation::Lost { id, .. } if id == "o2"));
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
fn a_number_that_is_there_twice_and_a_ledger_that_is_gone_are_named() {
    let twice = found(|_, facts| {
        let again = movement(4, 0, 4, "sale", "o3");
        ledger(facts).insert(4, again);
    });
    names(
        &twice,
        |one| matches!(one, Violation::Ledger { seq: 4, what, .. } if what.contains("twice")),
    );
    let gone = found(|_, facts| facts.movements.clear());
    names(&gone, |one| matches!(one, Violation::Ledger { seq: 0, .. }));
}

#[test]
fn a_release_before_anybody_asked_for_it_is_named() {
    // The wish was sent at 100; the count that comes behind in the ledger was answered before.
    let violations = found(|history, _| {
        let count = Ask::Stocktake { book: BOOK, counted: 4 };
        history.operations[8] = operation(ADMIN, "c", count, vec![granted(94, 96, "e2")]);
    });
    names(&violations, |one| {
        matches!(one, Violation::AgainstTime { earlier_seq: 5, later_seq: 6, .. })
    });
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
    let read = Read { book: BOOK, sent: 35, ended: 36, quantity: Some(10) };
    let violations = found(|history, _| history.reads.push(read));
    names(&violations, |one| matches!(one, Violation::StaleRead { quantity: 10, sent: 35, .. }));
}

#[test]
fn a_read_of_the_future_is_named() {
    let read = Read { book: BOOK, sent: 11, ended: 19, quantity: Some(8) };
    let violations = found(|history, _| history.reads.push(read));
    names(&violations, |one| matches!(one, Violation::StaleRead { quantity: 8, sent: 11, .. }));
}

#[test]
fn a_read_of_what_was_never_there_is_named() {
    let read = Read { book: BOOK, sent: 0, ended: 500, quantity: Some(9) };
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

#[test]
fn a_look_that_is_never_answered_is_named() {
    let read = Read { book: BOOK, sent: 500, ended: 501 + PATIENCE, quantity: None };
    let violations = found(|history, _| history.reads.push(read));
    names(
        &violations,
        |one| matches!(one, Violation::NoAnswer { key, .. } if key.contains("look")),
    );
}
