//! The till: those who wait at the same time are served together, so that a flash sale on one title
//! costs one row lock and one commit for hundreds of buyers. Knows no HTTP.
//!
//! A request becomes a job in a bounded queue; one worker takes what waits, in the order it came, and
//! serves it as a batch. Nobody waiting: a batch of one, which is the plain transaction
//! of one order. Nothing lingers to let a batch grow. Whoever needs a row that somebody keeps locked stands
//! aside, and the others go on. What is asked for is a [`Trade`]: orders, what is
//! to become of them, and looks at single books. Beside it the [`Sweeper`] takes back what holds that
//! ran out had kept.

mod batch;
mod error;
mod indexer;
mod lookout;
mod queue;
mod siding;
mod sweeper;
mod tally;
#[cfg(test)]
#[cfg(feature = "sqlite")]
mod tests;
mod trade;
mod worker;
mod yard;

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;

pub use error::Error;
pub use indexer::Indexer;
use queue::Queue;
use siding::{Entrance, Siding};
pub use sweeper::Sweeper;
pub use trade::{Confirmations, Looks, Sales, Settlements, Trade};

use crate::domain::{NewOrder, Placement};
use crate::store::Store;

/// How long an answer may stay out after the deadline of what has begun by then. That ends at the
/// deadline, unless the database hangs in the middle of a statement. We promise five seconds at most; the last of
/// them is for the way and for a machine that has much to do.
pub const GRACE: Duration = Duration::from_secs(4);

/// Where an order goes to be placed. A shop has one, the [`Till`]; the benchmarks put others in its
/// place to compare it with.
pub trait Checkout: Send + Sync {
    /// Places `order`, or drops it at `deadline` if it could not be begun by then.
    fn place(
        &self,
        order: NewOrder,
        deadline: Instant,
    ) -> BoxFuture<'static, Result<Placement, Error>>;

    /// Whether orders are taken.
    fn is_open(&self) -> bool;
}

/// How a desk is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Most who are served together.
    pub batch_limit: usize,
    /// Most who wait; one more is refused at once. As many again may stand aside.
    pub queue_limit: usize,
}

/// A line of people, and the one who serves them.
pub struct Desk<T: Trade> {
    queue: Queue<T>,
    // Who serves those who stand aside, if any do, and who serves the others.
    workers: Mutex<Vec<JoinHandle<()>>>,
}

/// The one till of a process.
pub type Till = Desk<Sales>;

impl<T: Trade> Desk<T> {
    /// Starts the worker. It ends when the desk is closed or dropped.
    ///
    /// # Errors
    /// If the operating system gives no thread.
    pub fn open(name: &str, store: Store, settings: &Settings) -> std::io::Result<Self> {
        let (queue, jobs) = queue::new::<T>(store.metrics(), settings.queue_limit);
        let batch_limit = settings.batch_limit;
        let thread = |name: String| std::thread::Builder::new().name(name);
        let mut workers = Vec::new();
        let mut entrance = None;
        if T::HAS_SIDING && store.backend().has_row_locks() {
            let siding = Arc::new(Siding::<T>::new(name, store.clone(), settings, jobs.refusals()));
            entrance = Some(Entrance::to(&siding));
            let run = move || siding.run();
            workers.push(thread(format!("{name} aside")).spawn(run)?);
        }
        let run = move || worker::run(&store, jobs, batch_limit, entrance);
        workers.push(thread(name.to_owned()).spawn(run)?);
        Ok(Self { queue, workers: Mutex::new(workers) })
    }

    /// Gets in line with `ask` and waits for the answer.
    ///
    /// # Errors
    /// See [`Error`]. [`Error::Late`] if its turn did not come until `deadline`; it will then never
    /// come.
    pub fn ask(
        &self,
        ask: T::Ask,
        deadline: Instant,
    ) -> impl Future<Output = Result<T::Answer, Error>> + use<T> {
        let ticket = self.queue.push(ask, deadline);
        async move {
            let mut ticket = ticket?;
            if let Some(answer) = ticket.answer_by(deadline).await {
                return answer;
            }
            if ticket.withdraw() {
                return Err(Error::Late);
            }
            // It is being served: what becomes of it is not known before that ends.
            ticket.answer_by(deadline + GRACE).await.unwrap_or(Err(Error::Lost))
        }
    }

    /// Lets nobody in any more, and returns when all who were in line have been answered.
    pub fn close(&self) {
        self.queue.close();
        let workers =
            std::mem::take(&mut *self.workers.lock().unwrap_or_else(PoisonError::into_inner));
        for worker in workers {
            if worker.join().is_err() {
                tracing::error!("a worker had died");
            }
        }
    }
}

impl Checkout for Till {
    fn place(
        &self,
        order: NewOrder,
        deadline: Instant,
    ) -> BoxFuture<'static, Result<Placement, Error>> {
        Box::pin(self.ask(order, deadline))
    }

    fn is_open(&self) -> bool {
        self.queue.is_open()
    }
}
