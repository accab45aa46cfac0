//! The worker: takes what waits, serves it, and comes back for more.

use std::time::{Duration, Instant};

use super::batch;
use super::queue::{Job, Jobs, oldest};
use super::siding::Entrance;
use super::trade::Trade;
use crate::metrics::TurnedAway;
use crate::store::Store;

/// Refusals are told together, once in this time: one line for each would only add to the overload.
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// Serves `jobs` until the queue is closed, at most `batch_limit` together; with a siding, but for those who
/// are put aside there.
pub(super) fn run<T: Trade>(
    store: &Store,
    mut jobs: Jobs<T>,
    batch_limit: usize,
    siding: Option<Entrance<T>>,
) {
    let mut reported = Instant::now();
    let meter = T::meter(store.metrics());
    while let Some(mut taken) = jobs.take(batch_limit) {
        meter.leave(taken.len());
        let came = taken.len();
        taken.retain(Job::begin);
        let (size, began) = (taken.len(), Instant::now());
        meter.turned_away(TurnedAway::Late, came - size);
        tracing::trace!(size, "a batch");
        let served = match &siding {
            Some(siding) => siding.serve_others(taken),
            None => serve_all(store, taken),
        };
        meter.oldest_came(None);
        if served > 0 {
            meter.served_together(served, began);
        }
        if reported.elapsed() >= REPORT_EVERY {
            reported = Instant::now();
            let refused = jobs.refused();
            if refused > 0 {
                tracing::warn!(refused, "the queue is full; see --queue-limit");
            }
        }
    }
}

fn serve_all<T: Trade>(store: &Store, jobs: Vec<Job<T>>) -> usize {
    let count = jobs.len();
    T::meter(store.metrics()).oldest_came(oldest(&jobs));
    batch::serve(store, jobs, None);
    count
}
