//! The worker: takes what waits, serves it, and comes back for more.

use std::time::{Duration, Instant};

use super::batch;
use super::queue::{Job, Jobs};
use super::trade::Trade;
use crate::metrics::TurnedAway;
use crate::store::Store;

/// Refusals are told together, once in this time: one line for each would only add to the overload.
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// Serves `jobs` until the queue is closed, at most `batch_limit` together.
pub(super) fn run<T: Trade>(store: &Store, mut jobs: Jobs<T>, batch_limit: usize) {
    let mut reported = Instant::now();
    let meter = T::meter(store.metrics());
    while let Some(mut taken) = jobs.take(batch_limit) {
        meter.leave(taken.len());
        let came = taken.len();
        taken.retain(Job::begin);
        let (size, began) = (taken.len(), Instant::now());
        meter.turned_away(TurnedAway::Late, came - size);
        tracing::trace!(size, "a batch");
        batch::serve::<T>(store, taken);
        meter.oldest_came(None);
        meter.served_together(size, began);
        if reported.elapsed() >= REPORT_EVERY {
            reported = Instant::now();
            let refused = jobs.refused();
            if refused > 0 {
                tracing::warn!(refused, "the queue is full; see --queue-limit");
            }
        }
    }
}
