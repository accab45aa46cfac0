//! A batch: many who asked are served together, and each is answered.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::error::Error;
use super::queue::{Job, Receipt};
use super::trade::Trade;
use crate::domain::Refusal;
use crate::metrics::TurnedAway;
use crate::store::{self, Store};

/// Those who are served together, and where the answer to each goes.
struct Batch<T: Trade> {
    asks: Vec<T::Ask>,
    receipts: Vec<Receipt<T::Answer>>,
}

/// Why nobody was served.
enum Failure {
    /// The database was away or busy until the deadline.
    Temporary(store::Error),
    /// Something that another run will not cure.
    Permanent(store::Error),
    /// A defect of ours.
    Panic,
}

/// Serves `jobs`, in their order, and answers each. With `patience`, gives back those for whom nothing was done
/// after that time, since others had what they need; without, they are tried until their deadlines.
pub(super) fn serve<T: Trade>(
    store: &Store,
    jobs: Vec<Job<T>>,
    patience: Option<Duration>,
) -> Vec<Job<T>> {
    let mut batch = Batch::<T>::from_iter(jobs);
    // Those whose time ran out while they waited for their turn: nothing was done for them.
    let late = batch.answer_late(Instant::now(), || Error::Late);
    T::meter(store.metrics()).turned_away(TurnedAway::Late, late);
    run(store, batch, patience, false)
}

/// Serves a batch. `is_in_doubt` if something may have been done for it before: it is then served here and
/// now, or not at all.
fn run<T: Trade>(
    store: &Store,
    mut batch: Batch<T>,
    patience: Option<Duration>,
    mut is_in_doubt: bool,
) -> Vec<Job<T>> {
    let meter = T::meter(store.metrics());
    while let Some(deadline) = batch.first_deadline() {
        let patience = patience.filter(|_| !is_in_doubt);
        let until = patience.map_or(deadline, |it| deadline.min(Instant::now() + it));
        match attempt::<T>(store, until, &batch.asks) {
            // Commit first, answer after: an acknowledged sale must survive a crash.
            Ok(outcomes) => {
                let now = Instant::now();
                for (receipt, outcome) in batch.receipts.into_iter().zip(outcomes) {
                    meter.answered(receipt.came, now);
                    receipt.answer(outcome.map_err(Error::Refused));
                }
                return Vec::new();
            }
            Err(Failure::Temporary(error)) => {
                is_in_doubt |= matches!(error, store::Error::InDoubt(_));
                let given_up = batch.give_up(until.max(Instant::now()), &error, is_in_doubt);
                // Only of a busy database it makes sense to ask what is locked there.
                let is_busy = matches!(error, store::Error::Busy(_));
                let goes_on = patience.is_none() || is_in_doubt || !is_busy;
                if goes_on || given_up > 0 {
                    tracing::warn!(%error, given_up, "a batch waits in vain");
                }
                if !goes_on {
                    return batch.into_jobs().collect();
                }
            }
            Err(failure) => {
                batch.fail(store, failure);
                return Vec::new();
            }
        }
    }
    Vec::new()
}

fn attempt<T: Trade>(
    store: &Store,
    deadline: Instant,
    asks: &[T::Ask],
) -> Result<Vec<Result<T::Answer, Refusal>>, Failure> {
    // After a panic nothing of the transaction is left: its connection is closed.
    match catch_unwind(AssertUnwindSafe(|| T::serve(store, deadline, asks))) {
        Ok(Ok(outcomes)) => Ok(outcomes),
        Ok(Err(
            error @ (store::Error::Unavailable(_)
            | store::Error::InDoubt(_)
            | store::Error::Busy(_)),
        )) => Err(Failure::Temporary(error)),
        Ok(Err(error)) => Err(Failure::Permanent(error)),
        Err(_) => Err(Failure::Panic),
    }
}

impl<T: Trade> Batch<T> {
    fn first_deadline(&self) -> Option<Instant> {
        self.receipts.iter().map(|receipt| receipt.deadline).min()
    }

    /// Answers those whose time ran out with this error, and tells how many they were. For the others there is
    /// another run. The commit of an earlier one may be in doubt.
    fn give_up(&mut self, deadline: Instant, error: &store::Error, is_in_doubt: bool) -> usize {
        self.answer_late(deadline, || {
            Error::Store(match error {
                other if is_in_doubt => store::Error::InDoubt(other.to_string()),
                store::Error::Busy(reason) => store::Error::Busy(reason.clone()),
                other => store::Error::Unavailable(other.to_string()),
            })
        })
    }

    /// Answers those whose deadline is over by `now`, and tells how many they were.
    fn answer_late(&mut self, now: Instant, error: impl Fn() -> Error) -> usize {
        let there = self.receipts.len();
        let asks = std::mem::take(&mut self.asks);
        let receipts = std::mem::take(&mut self.receipts);
        for (ask, receipt) in asks.into_iter().zip(receipts) {
            if receipt.deadline <= now {
                receipt.answer(Err(error()));
            } else {
                self.asks.push(ask);
                self.receipts.push(receipt);
            }
        }
        there - self.receipts.len()
    }

    /// A bad one must not hurt its neighbours: they go again, one by one. In doubt: the commit of an
    /// attempt before the one that failed may have been carried out.
    fn fail(self, store: &Store, failure: Failure) {
        let error = match failure {
            Failure::Temporary(error) | Failure::Permanent(error) => Error::Store(error),
            Failure::Panic => Error::Defect,
        };
        tracing::error!(%error, size = self.asks.len(), "a batch failed");
        let is_alone = self.asks.len() == 1;
        for job in self.into_jobs() {
            if is_alone {
                job.receipt.answer(Err(error));
                return;
            }
            let mut alone = Batch::from_iter([job]);
            alone.answer_late(Instant::now(), || Error::Lost);
            run(store, alone, None, true);
        }
    }

    fn into_jobs(self) -> impl Iterator<Item = Job<T>> {
        self.asks.into_iter().zip(self.receipts).map(|(ask, receipt)| Job { ask, receipt })
    }
}

impl<T: Trade> FromIterator<Job<T>> for Batch<T> {
    fn from_iter<I: IntoIterator<Item = Job<T>>>(jobs: I) -> Self {
        let (asks, receipts) = jobs.into_iter().map(|job| (job.ask, job.receipt)).unzip();
        Self { asks, receipts }
    }
}

#[cfg(test)]
#[path = "batch_tests.rs"]
mod tests;
