//! The worker: takes what waits, serves it, and comes back for more.

use std::sync::mpsc::TryRecvError;

use super::batch;
use super::queue::{Job, Jobs};
use crate::store::Store;

/// Serves `jobs` until the queue is closed, at most `batch_limit` in one transaction.
pub(super) fn run(store: &Store, jobs: &Jobs, batch_limit: usize) {
    while let Ok(Some(first)) = jobs.recv() {
        let mut taken = vec![first];
        let mut is_closed = false;
        while taken.len() < batch_limit {
            match jobs.try_recv() {
                Ok(Some(job)) => taken.push(job),
                Ok(None) => {
                    is_closed = true;
                    break;
                }
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
            }
        }
        taken.retain(Job::begin);
        tracing::trace!(orders = taken.len(), "a batch");
        batch::serve(store, taken);
        if is_closed {
            return;
        }
    }
}
