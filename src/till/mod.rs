//! The till: orders that wait at the same time share one transaction, so that a flash sale on one
//! title costs one row lock and one commit for hundreds of buyers. Knows no HTTP.
//!
//! A request becomes a job in a bounded [`queue`]; one [`worker`] takes what waits, in the order it
//! came, and serves it as a [`batch`]. Nobody waiting: a batch of one, which is the plain transaction
//! of one order. Nothing lingers to let a batch grow.

mod batch;
mod error;
mod queue;
mod worker;

use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;

pub use error::Error;
use queue::Queue;

use crate::domain::{NewOrder, Placement};
use crate::store::Store;

/// How long an answer may stay out after the deadline of a job that the worker has taken. Its
/// transaction ends at the deadline, unless the database hangs in the middle of a statement.
const GRACE: Duration = Duration::from_secs(5);

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

/// How a till is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Most orders in one transaction.
    pub batch_limit: usize,
    /// Most orders that wait; one more is refused at once.
    pub queue_limit: usize,
}

/// The one till of a process.
pub struct Till {
    queue: Queue,
    worker: Mutex<Option<JoinHandle<()>>>,
}

impl Till {
    /// Starts the worker.
    ///
    /// # Errors
    /// If the operating system gives no thread.
    pub fn open(store: Store, settings: &Settings) -> std::io::Result<Self> {
        let (queue, jobs) = queue::new(settings.queue_limit);
        let batch_limit = settings.batch_limit;
        let worker = std::thread::Builder::new()
            .name("till".to_owned())
            .spawn(move || worker::run(&store, &jobs, batch_limit))?;
        Ok(Self { queue, worker: Mutex::new(Some(worker)) })
    }

    /// Takes no more orders, and returns when all that were taken have been answered.
    pub fn close(&self) {
        self.queue.close();
        let worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if worker.is_some_and(|worker| worker.join().is_err()) {
            tracing::error!("the till's worker had died");
        }
    }
}

impl Checkout for Till {
    fn place(
        &self,
        order: NewOrder,
        deadline: Instant,
    ) -> BoxFuture<'static, Result<Placement, Error>> {
        let ticket = self.queue.push(order, deadline);
        Box::pin(async move {
            let mut ticket = ticket?;
            if let Some(answer) = ticket.answer_by(deadline).await {
                return answer;
            }
            if ticket.withdraw() {
                return Err(Error::Late);
            }
            // It is in a transaction: what becomes of it is not known before that ends.
            ticket.answer_by(deadline + GRACE).await.unwrap_or(Err(Error::Lost))
        })
    }

    fn is_open(&self) -> bool {
        self.queue.is_open()
    }
}
