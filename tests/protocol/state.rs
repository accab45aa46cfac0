//! What the world is like at one moment: buyers, two instances of the service, and the database.

use std::collections::BTreeSet;

use super::database::{Database, Transaction};

/// One sending of a buyer's request, and the order id that is made for it before any transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Job {
    /// Who wants a copy. A buyer with a key sends every request under the same one.
    pub buyer: usize,
    /// Which sending: 1, 2, ...
    pub attempt: u8,
    /// Always 0, except in a service that makes a new id for every run of a transaction.
    pub run: u8,
}

/// What a buyer is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    /// 201 with this order.
    Sold(Job),
    /// 409.
    OutOfStock,
    /// 503, and the service promises that this sending sold nothing and never will.
    NotSold,
}

/// How far a buyer is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Progress {
    /// Has nothing under way, and will send.
    Ready,
    /// Waits for this instance.
    Waiting(usize),
    /// Got this answer, and is done. `None`: knows nothing, and may not ask again.
    Done(Option<Answer>),
}

/// Somebody who wants one copy of the one title.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Buyer {
    /// Whether the requests carry an idempotency key. Without one a request is sent only once.
    pub has_key: bool,
    /// Sendings so far.
    pub attempts: u8,
    pub progress: Progress,
}

/// One process of the service.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Instance {
    pub is_up: bool,
    pub queue: Vec<Job>,
    /// Those who stand aside, because somebody keeps the row.
    pub aside: Vec<Job>,
    /// One serves the line, the other those who stand aside.
    pub workers: [Worker; 2],
}

impl Instance {
    pub fn new(is_up: bool) -> Self {
        let workers = [Worker::Idle, Worker::Idle];
        Self { is_up, queue: Vec::new(), aside: Vec::new(), workers }
    }
}

/// One of the workers of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    pub instance: usize,
    /// [`LINE`] or [`SIDING`].
    pub worker: usize,
}

pub const LINE: usize = 0;
pub const SIDING: usize = 1;

/// How far a worker is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Worker {
    Idle,
    /// Has a batch whose transaction waits for the row lock. `is_again`: it ran before, and what
    /// became of that is not known. `seen`: earlier orders, in a service that looks too early.
    Waiting {
        batch: Vec<Job>,
        is_again: bool,
        seen: Option<BTreeSet<Job>>,
    },
    /// Has the lock, and knows what to write and to answer. COMMIT was not sent yet.
    Decided {
        batch: Vec<Job>,
        writes: Transaction,
        answers: Vec<Answer>,
    },
}

/// All of it. `Hash` and `Eq`, for that is how states are told apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    pub buyers: Vec<Buyer>,
    pub instances: Vec<Instance>,
    pub database: Database,
    /// Sendings of which the service promised that they sell nothing.
    pub promised_unsold: BTreeSet<Job>,
    /// Crashes of instances that may still come.
    pub crashes_left: u8,
    /// Connections between an instance and the database that may still be cut during COMMIT.
    pub cuts_left: u8,
    /// How often a batch may still be put aside.
    pub asides_left: u8,
}

impl State {
    pub fn worker(&mut self, at: Place) -> &mut Worker {
        &mut self.instances[at.instance].workers[at.worker]
    }

    /// Tells the buyer of `job`, if that is what the buyer still waits for.
    pub fn answer(&mut self, job: Job, answer: Answer, attempts: u8) {
        if answer == Answer::NotSold {
            self.promised_unsold.insert(job);
            return self.lose_answer(job, attempts);
        }
        if self.waits_for(job) {
            self.buyers[job.buyer].progress = Progress::Done(Some(answer));
        }
    }

    /// The buyer of `job` gets no answer, or one that says to try again: sends once more under the same
    /// key, or stops.
    pub fn lose_answer(&mut self, job: Job, attempts: u8) {
        if self.waits_for(job) {
            let buyer = &mut self.buyers[job.buyer];
            let may_retry = buyer.has_key && buyer.attempts < attempts;
            buyer.progress = if may_retry { Progress::Ready } else { Progress::Done(None) };
        }
    }

    fn waits_for(&self, job: Job) -> bool {
        let buyer = &self.buyers[job.buyer];
        matches!(buyer.progress, Progress::Waiting(_)) && buyer.attempts == job.attempt
    }
}
