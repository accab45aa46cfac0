// They open a store, in a file.
#![cfg(feature = "sqlite")]

use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::Duration;

use super::*;
use crate::metrics::{Desk, Metrics};
use crate::store;
use crate::store::throwaway::Throwaway;
use crate::till::queue;

/// What the database does with each transaction that is to come, for those who then share it.
struct Scripted;

thread_local! {
    static SCRIPT: RefCell<VecDeque<Act>> = const { RefCell::new(VecDeque::new()) };
}

#[derive(Debug, Clone, Copy)]
enum Act {
    InDoubt,
    Unavailable,
    Database,
    Busy,
    Panic,
}

impl Trade for Scripted {
    type Ask = ();
    type Answer = ();

    fn meter(metrics: &Metrics) -> &Desk {
        &metrics.sales_desk
    }

    fn serve(_: &Store, _: Instant, _: &[()]) -> Result<Vec<Result<(), Refusal>>, store::Error> {
        let act = SCRIPT.with_borrow_mut(VecDeque::pop_front).expect("no run more than these");
        Err(match act {
            Act::InDoubt => store::Error::InDoubt("no answer to COMMIT".to_owned()),
            Act::Unavailable => store::Error::Unavailable("the line broke".to_owned()),
            Act::Database => store::Error::Database(diesel::NotFound),
            Act::Busy => store::Error::Busy("somebody has the book".to_owned()),
            Act::Panic => panic!("a defect"),
        })
    }
}

/// What each of those is told who ask in the same moment and whose time runs out after so many seconds.
fn told(script: &[Act], seconds: &[u64]) -> Vec<Error> {
    SCRIPT.set(script.iter().copied().collect());
    let Throwaway { store, .. } = &Throwaway::empty();
    let (queue, mut jobs) = queue::new::<Scripted>(store.metrics(), seconds.len());
    let now = Instant::now();
    let tickets: Vec<_> = seconds
        .iter()
        .map(|seconds| queue.push((), now + Duration::from_secs(*seconds)).unwrap())
        .collect();
    assert!(serve(store, jobs.take(seconds.len()).unwrap(), None).is_empty());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let answers = tickets.into_iter().map(|mut ticket| {
        let answer = runtime.block_on(ticket.answer_by(now + Duration::from_secs(60)));
        answer.expect("an answer").unwrap_err()
    });
    let answers = answers.collect();
    assert!(SCRIPT.with_borrow(VecDeque::is_empty), "a run less than these");
    answers
}

fn is_busy(error: &Error) -> bool {
    matches!(error, Error::Store(store::Error::Busy(_)))
}

fn is_unavailable(error: &Error) -> bool {
    matches!(error, Error::Store(store::Error::Unavailable(_)))
}

fn is_in_doubt(error: &Error) -> bool {
    matches!(error, Error::Store(store::Error::InDoubt(_)))
}

#[test]
fn who_was_never_near_a_commit_is_told_that_nothing_was_done() {
    assert!(told(&[Act::Busy], &[30, 30]).iter().all(is_busy));
}

/// The database was gone before anything was said of a commit.
#[test]
fn a_database_that_was_away_leaves_no_doubt() {
    let answers = told(&[Act::Unavailable, Act::Busy], &[30, 40]);
    assert!(is_unavailable(&answers[0]) && is_busy(&answers[1]), "{answers:?}");
}

#[test]
fn a_doubt_outlives_what_comes_after_it() {
    assert!(told(&[Act::InDoubt, Act::Busy], &[30, 40, 40]).iter().all(is_in_doubt));
}

/// The commit of the first run may have been carried out: of those who go again one by one nobody knows
/// that nothing was sold.
#[test]
fn a_doubt_outlives_the_batch_that_fails_for_good() {
    let script = [Act::InDoubt, Act::Database, Act::Busy, Act::Busy];
    let answers = told(&script, &[30, 40, 50]);
    assert!(answers.iter().all(is_in_doubt), "{answers:?}");
}

/// Before it failed for good it may have lost the answer to a COMMIT, of which it says nothing.
#[test]
fn who_goes_again_alone_is_in_doubt_from_the_start() {
    for first in [Act::Database, Act::Panic] {
        let answers = told(&[first, Act::Busy, Act::Busy], &[30, 30]);
        assert!(answers.iter().all(is_in_doubt), "{answers:?}");
    }
}
