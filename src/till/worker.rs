//! The worker: takes what waits, serves it, and comes back for more.

use std::time::{Duration, Instant};

use super::batch;
use super::queue::{Job, Jobs};
use super::trade::Trade;
use crate::store::Store;

/// Refusals are told together, once in this time: one line for each would only add to the overload.
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// Serves `jobs` until the queue is closed, at most `batch_limit` together.
pub(super) fn run<T: Trade>(store: &Store, mut jobs: Jobs<T>, batch_limit: usize) {
    let mut reported = Instant::now();
    while let Some(mut taken) = jobs.take(batch_limit) {
        taken.retain(Job::begin);
        tracing::trace!(size = taken.len(), "a batch");
        batch::serve::<T>(store, taken);
        if reported.elapsed() >= REPORT_EVERY {
            reported = Instant::now();
            let refused = jobs.refused();
            if refused > 0 {
                tracing::warn!(refused, "the queue is full; see --queue-limit");
            }
        }
    }
}
