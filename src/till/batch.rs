//! A batch: many orders, one transaction, and an answer to each after the commit.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use super::error::Error;
use super::queue::{Job, Receipt};
use crate::domain::NewOrder;
use crate::store::{self, Store, sale};

/// Orders that share a transaction, and where the answer to each goes.
#[derive(Default)]
struct Batch {
    orders: Vec<NewOrder>,
    receipts: Vec<Receipt>,
}

/// Why a transaction did not commit.
enum Failure {
    /// The database was away or busy until the deadline.
    Temporary(store::Error),
    /// Something that another run will not cure.
    Permanent(store::Error),
    /// A defect of ours.
    Panic,
}

/// Places the orders of `jobs`, in their order, and answers each.
///
/// Order ids are made before the transaction: should the answer to its commit be lost, the next run
/// finds the orders by their ids if they are there, and sells them if not.
pub(super) fn serve(store: &Store, jobs: Vec<Job>) {
    let mut batch = Batch::from_iter(jobs);
    batch.drop_late();
    while let Some(deadline) = batch.first_deadline() {
        match place(store, deadline, &batch.orders) {
            // Commit first, answer after: an acknowledged sale must survive a crash.
            Ok(outcomes) => {
                for (receipt, outcome) in batch.receipts.into_iter().zip(outcomes) {
                    receipt.answer(outcome.map_err(Error::Refused));
                }
                return;
            }
            Err(Failure::Temporary(error)) => {
                tracing::warn!(%error, orders = batch.orders.len(), "a batch waits in vain");
                batch.give_up(deadline.max(Instant::now()), &error);
            }
            Err(failure) => return batch.fail(store, failure),
        }
    }
}

fn place(
    store: &Store,
    deadline: Instant,
    orders: &[NewOrder],
) -> Result<Vec<sale::Outcome>, Failure> {
    // After a panic nothing of the transaction is left: its connection is closed.
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        store.transaction_until(deadline, |connection| sale::place(connection, orders))
    }));
    match outcome {
        Ok(Ok(outcomes)) => Ok(outcomes),
        Ok(Err(error @ (store::Error::Unavailable(_) | store::Error::Busy(_)))) => {
            Err(Failure::Temporary(error))
        }
        Ok(Err(error)) => Err(Failure::Permanent(error)),
        Err(_) => Err(Failure::Panic),
    }
}

impl Batch {
    fn first_deadline(&self) -> Option<Instant> {
        self.receipts.iter().map(|receipt| receipt.deadline).min()
    }

    /// Answers those whose time ran out while they waited for their turn.
    fn drop_late(&mut self) {
        let now = Instant::now();
        self.answer_some(|receipt| receipt.deadline <= now, || Error::Late);
    }

    /// Answers those whose time ran out with this error. For the others there is another run.
    fn give_up(&mut self, deadline: Instant, error: &store::Error) {
        let why = || match error {
            store::Error::Busy(reason) => Error::Store(store::Error::Busy(reason.clone())),
            other => Error::Store(store::Error::Unavailable(other.to_string())),
        };
        self.answer_some(|receipt| receipt.deadline <= deadline, why);
    }

    fn answer_some(&mut self, is_over: impl Fn(&Receipt) -> bool, error: impl Fn() -> Error) {
        let all = std::mem::take(self);
        for (order, receipt) in all.orders.into_iter().zip(all.receipts) {
            if is_over(&receipt) {
                receipt.answer(Err(error()));
            } else {
                self.orders.push(order);
                self.receipts.push(receipt);
            }
        }
    }

    /// One bad order must not hurt its neighbours: they go again, each in a transaction of its own.
    fn fail(self, store: &Store, failure: Failure) {
        let error = match failure {
            Failure::Temporary(error) | Failure::Permanent(error) => Error::Store(error),
            Failure::Panic => Error::Defect,
        };
        tracing::error!(%error, orders = self.orders.len(), "a batch failed");
        let jobs = self.orders.into_iter().zip(self.receipts);
        let mut jobs: Vec<_> = jobs.map(|(order, receipt)| Job { order, receipt }).collect();
        if jobs.len() > 1 {
            return jobs.into_iter().for_each(|job| serve(store, vec![job]));
        }
        if let Some(job) = jobs.pop() {
            job.receipt.answer(Err(error));
        }
    }
}

impl FromIterator<Job> for Batch {
    fn from_iter<I: IntoIterator<Item = Job>>(jobs: I) -> Self {
        let (orders, receipts) = jobs.into_iter().map(|job| (job.order, job.receipt)).unzip();
        Self { orders, receipts }
    }
}
