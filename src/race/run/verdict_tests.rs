//! A verdict is only worth something if it can be bad.

use std::time::Duration;

use super::super::Heat;
use super::super::load::Load;
use super::super::tally::Tally;
use super::judge;
use crate::race::conflict::{Conflict, Failure};
use crate::race::outcome::Outcome;
use crate::race::strategy::{Answer, Promise};

const LOAD: Load = Load {
    buyers: 32,
    purchases: 400,
    copies: 50,
    time_limit: Duration::from_secs(10),
    think: Duration::ZERO,
    restock_every: None,
};

/// So many buyers were told so.
fn told(counts: &[(Result<Answer, Failure>, u32)]) -> Tally {
    let mut tally = Tally::default();
    for (answer, count) in counts {
        for _ in 0..*count {
            tally.count(answer.clone(), Duration::from_millis(1));
        }
    }
    tally
}

fn verdict(promise: Promise, tally: Tally, final_quantity: i64) -> Outcome {
    let heat = Heat { tally, elapsed: Duration::from_secs(1), final_quantity };
    judge("a strategy", promise, &LOAD, false, &heat)
}

fn sold(sold: u32) -> Tally {
    told(&[(Ok(Answer::Sold), sold), (Ok(Answer::SoldOut), 400 - sold)])
}

#[test]
fn each_copy_once_is_as_it_should_be() {
    let outcome = verdict(Promise::Exact, sold(50), 0);
    assert!(outcome.as_expected, "{}", outcome.verdict);
    assert_eq!((outcome.lost_updates, outcome.oversold), (Some(0), Some(0)));
}

#[test]
fn a_cure_that_loses_oversells_or_sells_less_is_not_as_it_should_be() {
    // Lost and oversold, oversold alone, a copy that nobody sold, a copy that nobody has.
    for (copies, left, lost, oversold) in
        [(60, 0, 10, 10), (60, -10, 0, 10), (49, 1, 0, 0), (49, 0, 0, 0)]
    {
        let outcome = verdict(Promise::Exact, sold(copies), left);
        assert!(!outcome.as_expected, "{}", outcome.verdict);
        assert!(outcome.verdict.starts_with("NOT AS IT SHOULD"), "{}", outcome.verdict);
        assert_eq!((outcome.lost_updates, outcome.oversold), (Some(lost), Some(oversold)));
    }
    for promise in [Promise::Fails, Promise::TurnsAway] {
        assert!(!verdict(promise, sold(60), 0).as_expected);
    }
    assert!(!verdict(Promise::Oversells, sold(60), 0).as_expected, "it may not lose");
    assert!(verdict(Promise::Oversells, sold(60), -10).as_expected);
}

#[test]
fn the_naive_ones_must_lose_where_many_meet() {
    assert!(verdict(Promise::Loses, sold(60), 20).as_expected);
    assert!(!verdict(Promise::Loses, sold(50), 0).as_expected);
    let few = Load { buyers: 2, ..LOAD };
    let heat = Heat { tally: sold(50), elapsed: Duration::from_secs(1), final_quantity: 0 };
    let outcome = judge("naive", Promise::Loses, &few, false, &heat);
    assert!(outcome.as_expected && outcome.verdict.contains("by chance"), "{}", outcome.verdict);
}

#[test]
fn an_error_is_forgiven_only_where_it_is_part_of_the_story() {
    let busy = Failure { said: "SQLITE_BUSY".to_owned(), conflict: Some(Conflict::Busy) };
    let full = Failure::other("the disk is full".to_owned());
    let with = |failure: &Failure| {
        told(&[(Ok(Answer::Sold), 50), (Err(failure.clone()), 1), (Ok(Answer::SoldOut), 349)])
    };
    assert!(verdict(Promise::Fails, with(&busy), 0).as_expected);
    for promise in [Promise::Exact, Promise::TurnsAway, Promise::Loses, Promise::Oversells] {
        assert!(!verdict(promise, with(&busy), 0).as_expected, "{promise:?}");
    }
    let outcome = verdict(Promise::Fails, with(&full), 0);
    assert!(!outcome.as_expected && outcome.verdict.contains("disk"), "{}", outcome.verdict);
}

#[test]
fn who_gave_up_is_not_missing() {
    let tally = told(&[(Ok(Answer::Sold), 40), (Ok(Answer::GaveUp), 10)]);
    let outcome = verdict(Promise::Exact, tally, 10);
    assert!(outcome.as_expected, "{}", outcome.verdict);
    assert!(outcome.verdict.contains("after 50 of 400"), "{}", outcome.verdict);
}
