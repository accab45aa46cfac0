//! The siding: whoever needs a row that somebody keeps locked stands here, so that nobody else waits for
//! them.
//!
//! A person with an open transaction in a console, or an instance that hangs in the middle of one, would
//! otherwise stop the line for all titles. Those who stand aside are served by the same transactions as all
//! others, on a thread of their own: to the database it is one more instance. That one waits for a row with
//! nothing else in its hands, and serves whoever lacks none: else it would keep from others what it has.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::Settings;
use super::batch;
use super::error::Error;
use super::lookout::Lookout;
use super::queue::{Job, oldest};
use super::trade::Trade;
use super::yard::{Sorted, Yard};
use crate::metrics::{Desk, TurnedAway};
use crate::store::kept::Row;
use crate::store::{self, Store};

/// How long somebody is tried before it is asked whether a row is kept locked.
const PATIENCE: Duration = store::LOCK_WAIT;

/// How often a row that nobody waits for is looked at, whether it is free again.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// After a round in vain others may have the connection, should there be few.
const PAUSE: Duration = Duration::from_millis(100);

pub(super) struct Siding<T: Trade> {
    /// Of the desk.
    name: String,
    store: Store,
    lookout: Lookout,
    batch_limit: usize,
    /// Where it is counted who was refused for want of room.
    refused: Arc<AtomicU64>,
    state: Mutex<State<T>>,
    news: Condvar,
}

struct State<T: Trade> {
    yard: Yard<T>,
    /// What the siding itself may have locked now.
    in_use: BTreeSet<Row>,
    is_closed: bool,
}

/// Jobs, each with the rows it needs.
type WithRows<T> = Vec<(Job<T>, Vec<Row>)>;

impl<T: Trade> Siding<T> {
    pub(super) fn new(
        name: &str,
        store: Store,
        settings: &Settings,
        refused: Arc<AtomicU64>,
    ) -> Self {
        let yard = Yard::new(settings.queue_limit);
        Self {
            name: name.to_owned(),
            lookout: Lookout::new(store.clone()),
            store,
            batch_limit: settings.batch_limit,
            refused,
            state: Mutex::new(State { yard, in_use: BTreeSet::new(), is_closed: false }),
            news: Condvar::new(),
        }
    }

    /// Serves those who stand aside until it is closed and nobody is left.
    pub(super) fn run(&self) {
        let _closing = Closing(self);
        let mut limit = self.batch_limit;
        let mut turn = None;
        while let Some(jobs) = self.next(limit) {
            if jobs.is_empty() {
                if !self.see_what_is_free() {
                    turn = self.wait_for_next(turn);
                    std::thread::sleep(PAUSE);
                }
            } else if self.serve(jobs) {
                limit = (limit * 2).min(self.batch_limit);
            } else {
                // One of them waits for what no look sees: each alone, until that one is past.
                limit = 1;
                self.see_what_is_free();
                std::thread::sleep(PAUSE);
            }
        }
    }

    /// Serves `jobs` in line, in their order, but for those who need what somebody keeps locked: they are put
    /// aside. Tells how many were served.
    fn serve_others(&self, jobs: Vec<Job<T>>) -> usize {
        if self.state.lock().yard.locked().is_empty() {
            return self.serve_in_line(jobs);
        }
        let jobs = self.with_rows(jobs);
        self.serve_in_line(self.divert(jobs))
    }

    fn serve_in_line(&self, mut jobs: Vec<Job<T>>) -> usize {
        let mut patience = PATIENCE;
        while !jobs.is_empty() {
            let count = jobs.len();
            self.meter().oldest_came(oldest(&jobs));
            let unserved = batch::serve(&self.store, jobs, Some(patience));
            if unserved.is_empty() {
                return count;
            }
            let unserved = self.with_rows(unserved);
            self.look_around(&unserved);
            let left = unserved.len();
            jobs = self.divert(unserved);
            if jobs.len() == left {
                // Nobody keeps anything: it only takes longer.
                patience *= 2;
            }
        }
        0
    }

    /// Serves those who lacked something, and lack nothing now. Tells whether they were.
    fn serve(&self, jobs: Vec<Job<T>>) -> bool {
        let (count, began) = (jobs.len(), Instant::now());
        let jobs = self.with_rows(jobs);
        self.state.lock().in_use = jobs.iter().flat_map(|(_, rows)| rows).copied().collect();
        let jobs = jobs.into_iter().map(|(job, _)| job).collect();
        let unserved = batch::serve(&self.store, jobs, Some(PATIENCE));
        self.state.lock().in_use.clear();
        let is_served = unserved.is_empty();
        if is_served {
            self.meter().served_together(count, began);
        }
        let unserved = self.with_rows(unserved);
        self.look_around(&unserved);
        let mut state = self.state.lock();
        state.yard.put_back(unserved);
        self.tell(&state.yard);
        is_served
    }

    fn meter(&self) -> &Desk {
        T::meter(self.store.metrics())
    }

    /// Waits for somebody to stand here, and takes those out who lack nothing: nobody, if it is time to look what
    /// is free. `None` when it is closed and nobody is left.
    fn next(&self, limit: usize) -> Option<Vec<Job<T>>> {
        let look_at = Instant::now() + LOOK_EVERY;
        let mut state = self.state.lock();
        loop {
            let late = state.yard.take_late(Instant::now());
            self.turn_away(late, TurnedAway::Late, || Error::Late);
            if state.yard.count() > 0 {
                let jobs = state.yard.take_free(limit);
                self.tell(&state.yard);
                return Some(jobs);
            }
            self.tell(&state.yard);
            if state.is_closed {
                return None;
            }
            if state.yard.locked().is_empty() {
                self.news.wait(&mut state);
            } else if self.news.wait_until(&mut state, look_at).timed_out() {
                return Some(Vec::new());
            }
        }
    }

    /// Puts aside those who need what is known to be locked. Gives back the others.
    fn divert(&self, jobs: WithRows<T>) -> Vec<Job<T>> {
        let mut state = self.state.lock();
        if state.is_closed {
            return jobs.into_iter().map(|(job, _)| job).collect();
        }
        let Sorted { free, too_many, late } = state.yard.sort(jobs, Instant::now());
        self.news.notify_all();
        self.tell(&state.yard);
        drop(state);
        self.turn_away(late, TurnedAway::Late, || Error::Late);
        self.refused.fetch_add(too_many.len() as u64, Ordering::Relaxed);
        self.turn_away(too_many, TurnedAway::Full, || Error::Full);
        free
    }

    fn with_rows(&self, jobs: Vec<Job<T>>) -> WithRows<T> {
        if jobs.is_empty() {
            return Vec::new();
        }
        let asks: Vec<_> = jobs.iter().map(|job| &job.ask).collect();
        let rows = T::rows(&self.store, Instant::now() + PATIENCE, &asks);
        jobs.into_iter().zip(rows).collect()
    }

    /// Takes down what somebody keeps locked and `jobs` need.
    fn look_around(&self, jobs: &WithRows<T>) {
        let rows: BTreeSet<Row> = jobs.iter().flat_map(|(_, rows)| rows).copied().collect();
        let used_before = self.state.lock().in_use.clone();
        let mut kept = self.lookout.kept(&rows);
        let mut state = self.state.lock();
        if state.is_closed && state.yard.count() == 0 {
            // Nobody would see that they are free again.
            return;
        }
        kept.retain(|row| !state.in_use.contains(row) && !used_before.contains(row));
        let new = state.yard.lock(kept);
        drop(state);
        for row in new {
            tracing::warn!(desk = self.name, %row, "somebody keeps it locked: who needs it stands aside");
        }
    }

    /// Whether anything that was locked is free again.
    fn see_what_is_free(&self) -> bool {
        let rows = self.state.lock().yard.locked().clone();
        let free = self.lookout.free(&rows);
        self.free(&free);
        !free.is_empty()
    }

    /// Waits for the next row that somebody here lacks: one after the other has its turn.
    fn wait_for_next(&self, turn: Option<Row>) -> Option<Row> {
        let lacked = self.state.lock().yard.lacked();
        let row = lacked.iter().find(|row| Some(**row) > turn).or(lacked.first()).copied()?;
        if self.lookout.wait_for(row) {
            self.free(&BTreeSet::from([row]));
        }
        Some(row)
    }

    fn free(&self, rows: &BTreeSet<Row>) {
        self.state.lock().yard.free(rows);
        for row in rows {
            tracing::info!(desk = self.name, %row, "nobody keeps it locked any more");
        }
    }

    /// Nothing was done for these, and nothing will be.
    fn turn_away(&self, jobs: Vec<Job<T>>, why: TurnedAway, error: fn() -> Error) {
        self.meter().turned_away(why, jobs.len());
        for job in jobs {
            job.receipt.answer(Err(error()));
        }
    }

    fn tell(&self, yard: &Yard<T>) {
        self.meter().stand_aside(yard.count(), yard.oldest_came());
    }

    /// Lets [`Siding::run`] end when nobody stands here any more.
    fn close(&self) {
        self.state.lock().is_closed = true;
        self.news.notify_all();
    }
}

/// Where people are put aside. The siding closes with it.
pub(super) struct Entrance<T: Trade>(Arc<Siding<T>>);

impl<T: Trade> Entrance<T> {
    pub(super) fn to(siding: &Arc<Siding<T>>) -> Self {
        Self(Arc::clone(siding))
    }

    /// Serves `jobs`, in their order, but for those who need what somebody keeps locked: they are put aside.
    /// Tells how many were served.
    pub(super) fn serve_others(&self, jobs: Vec<Job<T>>) -> usize {
        self.0.serve_others(jobs)
    }
}

impl<T: Trade> Drop for Entrance<T> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Closes a siding whose thread ends, also when it dies: nobody may be put aside then, and whoever stands there
/// is told that nobody knows.
struct Closing<'a, T: Trade>(&'a Siding<T>);

impl<T: Trade> Drop for Closing<'_, T> {
    fn drop(&mut self) {
        self.0.close();
        self.0.state.lock().yard = Yard::new(0);
        self.0.meter().stand_aside(0, None);
    }
}

#[cfg(test)]
#[path = "siding_tests.rs"]
mod tests;
