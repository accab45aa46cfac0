//! The bounded queue between those who ask and the one worker who serves them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::time::Instant;

use tokio::sync::oneshot;

use super::error::Error;
use super::trade::Trade;
use crate::metrics::{Metrics, TurnedAway};

/// What somebody asked for and waits for.
pub(super) struct Job<T: Trade> {
    pub(super) ask: T::Ask,
    pub(super) receipt: Receipt<T::Answer>,
}

impl<T: Trade> Job<T> {
    /// Begins it, unless whoever brought it has withdrawn it. From now on it will be answered.
    pub(super) fn begin(&self) -> bool {
        self.receipt.claim.take()
    }

    /// Until it begins again whoever brought it may withdraw it: nothing was done for it.
    pub(super) fn pause(&self) {
        self.receipt.claim.give_back();
    }
}

/// When the first of these came.
pub(super) fn oldest<T: Trade>(jobs: &[Job<T>]) -> Option<Instant> {
    jobs.iter().map(|job| job.receipt.came).min()
}

/// Where an answer goes, and until when it is wanted.
pub(super) struct Receipt<A> {
    pub(super) came: Instant,
    pub(super) deadline: Instant,
    answer: oneshot::Sender<Result<A, Error>>,
    claim: Claim,
}

impl<A> Receipt<A> {
    pub(super) fn answer(self, answer: Result<A, Error>) {
        // Nobody listens when the client went away. The order stands, and its key finds it.
        let _ = self.answer.send(answer);
    }
}

/// What decides between "begun" and "withdrawn": whoever takes it first.
#[derive(Clone, Default)]
struct Claim(Arc<AtomicBool>);

impl Claim {
    fn take(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }

    fn give_back(&self) {
        self.0.store(false, Ordering::Release);
    }
}

/// What is left in the hands of whoever asked.
pub(super) struct Ticket<A> {
    answer: oneshot::Receiver<Result<A, Error>>,
    claim: Claim,
}

impl<A> Ticket<A> {
    /// The answer, if it comes until `deadline`.
    pub(super) async fn answer_by(&mut self, deadline: Instant) -> Option<Result<A, Error>> {
        let answer = tokio::time::timeout_at(deadline.into(), &mut self.answer).await.ok()?;
        Some(answer.unwrap_or(Err(Error::Lost)))
    }

    /// Takes it back. Fails if it has begun.
    pub(super) fn withdraw(&self) -> bool {
        self.claim.take()
    }
}

/// The end where people come in.
pub(super) struct Queue<T: Trade> {
    // `None` closes the queue: the worker serves what came before it and goes.
    jobs: SyncSender<Option<Job<T>>>,
    is_open: AtomicBool,
    refused: Arc<AtomicU64>,
    metrics: Arc<Metrics>,
}

/// The end where the worker takes them out.
pub(super) struct Jobs<T: Trade> {
    jobs: Receiver<Option<Job<T>>>,
    is_closed: bool,
    refused: Arc<AtomicU64>,
}

/// A queue in which up to `limit` may wait.
pub(super) fn new<T: Trade>(metrics: &Arc<Metrics>, limit: usize) -> (Queue<T>, Jobs<T>) {
    let (sender, receiver) = mpsc::sync_channel(limit);
    let refused = Arc::new(AtomicU64::new(0));
    let queue = Queue {
        jobs: sender,
        is_open: AtomicBool::new(true),
        refused: Arc::clone(&refused),
        metrics: Arc::clone(metrics),
    };
    (queue, Jobs { jobs: receiver, is_closed: false, refused })
}

impl<T: Trade> Jobs<T> {
    /// Waits for somebody, and takes with them who else waits, up to `limit` in all, in the order in
    /// which they came. `None` when the queue is closed and everybody was taken.
    pub(super) fn take(&mut self, limit: usize) -> Option<Vec<Job<T>>> {
        if self.is_closed {
            return None;
        }
        let mut taken = vec![self.jobs.recv().ok().flatten()?];
        while taken.len() < limit {
            match self.jobs.try_recv() {
                Ok(Some(job)) => taken.push(job),
                Ok(None) => {
                    self.is_closed = true;
                    break;
                }
                Err(_) => break,
            }
        }
        Some(taken)
    }

    /// Where it is counted how many were refused for want of room.
    pub(super) fn refusals(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.refused)
    }

    /// How many were refused for want of room since this was last asked.
    pub(super) fn refused(&self) -> u64 {
        self.refused.swap(0, Ordering::Relaxed)
    }
}

impl<T: Trade> Queue<T> {
    /// Goes to the end of the line.
    ///
    /// # Errors
    /// [`Error::Full`] and [`Error::Closed`], at once.
    pub(super) fn push(&self, ask: T::Ask, deadline: Instant) -> Result<Ticket<T::Answer>, Error> {
        let meter = T::meter(&self.metrics);
        if !self.is_open() {
            meter.turned_away(TurnedAway::Closed, 1);
            return Err(Error::Closed);
        }
        let (sender, receiver) = oneshot::channel();
        let claim = Claim::default();
        let came = Instant::now();
        let receipt = Receipt { came, deadline, answer: sender, claim: claim.clone() };
        // Before it is there: the worker may take it at once, and nobody leaves who has not entered.
        meter.enter();
        match self.jobs.try_send(Some(Job { ask, receipt })) {
            Ok(()) => Ok(Ticket { answer: receiver, claim }),
            Err(TrySendError::Full(_)) => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                meter.leave(1);
                meter.turned_away(TurnedAway::Full, 1);
                Err(Error::Full)
            }
            Err(TrySendError::Disconnected(_)) => {
                // The worker is gone. /readyz asks the till.
                self.is_open.store(false, Ordering::Release);
                meter.leave(1);
                meter.turned_away(TurnedAway::Closed, 1);
                Err(Error::Closed)
            }
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Acquire)
    }

    /// Lets nobody in any more. Waits for room if the queue is full.
    pub(super) fn close(&self) {
        if self.is_open.swap(false, Ordering::AcqRel) {
            // It fails if the worker is gone, and then there is nothing to close.
            let _ = self.jobs.send(None);
        }
    }
}
