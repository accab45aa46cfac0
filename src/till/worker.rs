//! The worker: takes what waits, serves it, and comes back for more.

use std::sync::mpsc::TryRecvError;

use super::batch;
use super::queue::{Job, Jobs};
use super::trade::Trade;
use crate::store::Store;

/// Serves `jobs` until the queue is closed, at most `batch_limit` together.
pub(super) fn run<T: Trade>(store: &Store, jobs: &Jobs<T>, batch_limit: usize) {
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
        tracing::trace!(size = taken.len(), "a batch");
        batch::serve::<T>(store, taken);
        if is_closed {
            return;
        }
    }
}
