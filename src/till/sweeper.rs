//! The sweeper: takes back the copies of holds that ran out. Every instance has one, and none needs
//! to know of the others: rows that another one has locked are left to it.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::domain::OrderId;
use crate::store::orders::HoldMark;
use crate::store::{Error, Store, life, orders};

/// How often it looks. Copies are on sale again within two seconds after a hold ran out, also when a
/// look just missed it and the transaction has to wait for a flash sale.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Most holds that run out in one transaction. It has the rows of their books as long as a batch of
/// the till has: buyers wait for one batch more, not for thousands of holds.
const AT_ONCE: usize = 256;

/// A thread that sweeps until it is stopped or dropped.
pub struct Sweeper {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

impl Sweeper {
    /// Starts to sweep.
    ///
    /// # Errors
    /// If the operating system gives no thread.
    pub fn start(store: Store) -> std::io::Result<Self> {
        let stop = Arc::new(Stop::default());
        let heard = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("sweeper".to_owned()).spawn(move || {
            while !heard.within(LOOK_EVERY) {
                if let Err(error) = sweep(&store, &heard) {
                    tracing::warn!(%error, "holds that ran out are not taken back");
                }
            }
        })?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Sweeper {
    /// Ends after the transaction that runs, if one does. What is left, another instance takes, or
    /// this one when it starts again.
    fn drop(&mut self) {
        self.stop.now();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the sweeper had died");
        }
    }
}

/// Takes back everything that is overdue, some at a time.
fn sweep(store: &Store, stop: &Stop) -> Result<(), Error> {
    let mut after: Option<HoldMark> = None;
    loop {
        // A plain read first: where nothing is due, nothing is locked.
        let due = store
            .read(store.deadline(), |connection| orders::overdue(connection, after, AT_ONCE))?;
        // Past those that another instance has, and those that cannot come back.
        after = due.last().copied();
        if due.is_empty() {
            return Ok(());
        }
        let ids: Vec<OrderId> = due.iter().map(|mark| mark.order_id).collect();
        let began = Instant::now();
        let expired = store.transaction(|connection| life::expire(connection, &ids))?;
        tracing::debug!(expired, due = due.len(), "took back holds that ran out");
        // As long as that took, the till has the books for itself.
        if due.len() < AT_ONCE || stop.within(began.elapsed()) {
            return Ok(());
        }
    }
}

/// The word to stop, for a thread that waits.
#[derive(Default)]
struct Stop {
    is_said: Mutex<bool>,
    said: Condvar,
}

impl Stop {
    fn now(&self) {
        *self.is_said.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.said.notify_all();
    }

    /// Waits for so long, and tells whether the word came.
    fn within(&self, time: Duration) -> bool {
        let is_said = self.is_said.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.said.wait_timeout_while(is_said, time, |is_said| !*is_said);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}
