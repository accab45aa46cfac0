//! The protocol of the till, model-checked: queue, batch, row lock, siding, COMMIT, doubt, retry, replay, two
//! instances, a crash at any step. Every interleaving up to a bound is tried, and the decision on a
//! batch is the service's own rule, not a model of it.
//!
//! What it cannot tell: whether the store does to the database what the model says it does. The
//! scenarios of the suite are for that.
#![allow(unreachable_pub, reason = "a test binary has no crate-private parts worth telling apart")]

mod database;
mod properties;
mod protocol;
mod state;

use stateright::{Checker, HasDiscoveries, Model};

use properties::{ANSWERED, COUNT, KEPT, ONCE, REFUSED};
use protocol::{Flaw, Protocol};

/// These buyers, each with a key or without, before so many copies. Whoever has a key sends twice.
fn service(copies: u8, buyers: &[bool]) -> Protocol {
    Protocol {
        flaw: None,
        copies,
        buyers: buyers.to_vec(),
        attempts: 2,
        queue_limit: 3,
        batch_limit: 2,
        crashes: 1,
        cuts: 1,
        asides: 1,
    }
}

/// Tries everything, and tells how many states that were.
fn check(protocol: Protocol) -> usize {
    let checker = protocol.checker().threads(2).spawn_bfs().join();
    checker.assert_properties();
    checker.unique_state_count()
}

/// Finds `property` broken, and shows the shortest way to it when the test fails or is asked to talk.
#[track_caller]
fn breaks(flaw: Flaw, copies: u8, property: &'static str) {
    let flawed = Protocol { flaw: Some(flaw), ..service(copies, &[true, true, false]) };
    let broken = HasDiscoveries::AnyOf([property].into());
    let checker = flawed.checker().threads(2).finish_when(broken).spawn_bfs().join();
    let way = checker.discovery(property);
    let Some(way) = way else { panic!("{flaw:?} goes unnoticed by: {property}") };
    println!("{flaw:?} breaks \"{property}\":");
    way.into_actions().iter().for_each(|step| println!("    {step:?}"));
}

#[test]
fn every_interleaving_of_a_buyer_who_retries_and_one_who_does_not_keeps_the_promise() {
    println!("{} states", check(service(1, &[true, false])));
    println!("{} states", check(service(2, &[true, false])));
}

#[test]
fn every_interleaving_of_two_buyers_who_retry_keeps_the_promise() {
    println!("{} states", check(service(1, &[true, true])));
}

#[test]
fn an_answer_before_the_commit_is_found() {
    breaks(Flaw::AnswersBeforeCommit, 1, KEPT);
}

#[test]
fn a_look_up_before_the_lock_is_found() {
    breaks(Flaw::LooksUpBeforeLock, 1, REFUSED);
}

#[test]
fn a_forgotten_doubt_is_found() {
    breaks(Flaw::ForgetsDoubt, 1, REFUSED);
}

#[test]
fn ids_made_in_the_transaction_are_found() {
    breaks(Flaw::MakesIdsInTransaction, 1, REFUSED);
    breaks(Flaw::MakesIdsInTransaction, 2, ONCE);
}

#[test]
fn a_job_dropped_after_it_began_is_found() {
    breaks(Flaw::DropsAfterBegin, 1, REFUSED);
}

#[test]
fn whoever_is_forgotten_is_found() {
    breaks(Flaw::ForgetsWhoIsInDoubt, 1, ANSWERED);
    breaks(Flaw::ForgetsWhoStandsAside, 1, ANSWERED);
}

#[test]
fn a_lost_lock_is_found_if_the_ledger_has_no_key() {
    breaks(Flaw::TakesNoLockAndHasNoLedgerKey, 2, COUNT);
}

#[test]
fn a_lost_lock_does_no_harm_as_long_as_the_ledger_has_its_key() {
    println!(
        "{} states",
        // Where nobody waits for a lock, nobody is put aside.
        check(Protocol { flaw: Some(Flaw::TakesNoLock), asides: 0, ..service(1, &[true, true]) })
    );
}
