//! Who stands aside, and which locked rows each of them lacks. Knows no database and no threads.

use std::collections::BTreeSet;
use std::time::Instant;

use super::queue::Job;
use super::trade::Trade;
use crate::store::kept::Row;

pub(super) struct Yard<T: Trade> {
    limit: usize,
    // In the order of their turns.
    waiting: Vec<Waiting<T>>,
    /// How many were taken out to be served, whose places are kept, and when the first of them came.
    being_served: usize,
    oldest_served: Option<Instant>,
    locked: BTreeSet<Row>,
}

struct Waiting<T: Trade> {
    job: Job<T>,
    lacks: BTreeSet<Row>,
}

/// What became of those who came to the yard.
pub(super) struct Sorted<T: Trade> {
    /// Nothing that they need is known to be locked.
    pub(super) free: Vec<Job<T>>,
    /// There was no room for them.
    pub(super) too_many: Vec<Job<T>>,
    /// Their time is over.
    pub(super) late: Vec<Job<T>>,
}

impl<T: Trade> Yard<T> {
    /// A yard for so many.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            waiting: Vec::new(),
            being_served: 0,
            oldest_served: None,
            locked: BTreeSet::new(),
        }
    }

    /// How many stand here, or stood here and are being served.
    pub(super) fn count(&self) -> usize {
        self.waiting.len() + self.being_served
    }

    /// When the first of them came.
    pub(super) fn oldest_came(&self) -> Option<Instant> {
        let waiting = self.waiting.iter().map(|it| it.job.receipt.came);
        waiting.chain(self.oldest_served).min()
    }

    /// What others had locked when it was last needed.
    pub(super) fn locked(&self) -> &BTreeSet<Row> {
        &self.locked
    }

    /// Which of that somebody here waits for.
    pub(super) fn lacked(&self) -> BTreeSet<Row> {
        self.waiting.iter().flat_map(|it| &it.lacks).copied().collect()
    }

    /// Puts aside those of `jobs`, each with the rows it needs, who lack one, in the places of those whose time is
    /// over. Until they are taken out again, whoever asked may take it back.
    pub(super) fn sort(&mut self, jobs: Vec<(Job<T>, Vec<Row>)>, now: Instant) -> Sorted<T> {
        let late = self.take_late(now);
        let mut sorted = Sorted { free: Vec::new(), too_many: Vec::new(), late };
        for (job, rows) in jobs {
            let lacks = self.lacked_of(rows);
            if lacks.is_empty() {
                sorted.free.push(job);
            } else if job.receipt.deadline <= now {
                sorted.late.push(job);
            } else if self.count() < self.limit {
                self.stand(job, lacks);
            } else {
                sorted.too_many.push(job);
            }
        }
        sorted
    }

    /// Takes those out who lack nothing any more, `limit` at most. Their places are kept until
    /// [`Yard::put_back`].
    pub(super) fn take_free(&mut self, limit: usize) -> Vec<Job<T>> {
        let mut taken = 0;
        let free = self.waiting.extract_if(.., |it| {
            let is_taken = it.lacks.is_empty() && taken < limit;
            taken += usize::from(is_taken);
            is_taken
        });
        let free: Vec<_> = free.map(|it| it.job).filter(Job::begin).collect();
        self.being_served += free.len();
        let came = free.iter().map(|job| job.receipt.came);
        self.oldest_served = came.chain(self.oldest_served).min();
        free
    }

    /// Of those who were taken out all leave but these, who stand here again, each with the rows it needs.
    pub(super) fn put_back(&mut self, unserved: Vec<(Job<T>, Vec<Row>)>) {
        (self.being_served, self.oldest_served) = (0, None);
        for (job, rows) in unserved {
            let lacks = self.lacked_of(rows);
            self.stand(job, lacks);
        }
    }

    fn stand(&mut self, job: Job<T>, lacks: BTreeSet<Row>) {
        job.pause();
        self.waiting.push(Waiting { job, lacks });
    }

    fn lacked_of(&self, rows: Vec<Row>) -> BTreeSet<Row> {
        rows.into_iter().filter(|row| self.locked.contains(row)).collect()
    }

    /// Takes those out for whom it is too late.
    pub(super) fn take_late(&mut self, now: Instant) -> Vec<Job<T>> {
        let late = self.waiting.extract_if(.., |it| it.job.receipt.deadline <= now);
        late.map(|it| it.job).collect()
    }

    /// These rows are locked; tells which of them were not before.
    pub(super) fn lock(&mut self, rows: BTreeSet<Row>) -> Vec<Row> {
        let new = rows.difference(&self.locked).copied().collect();
        self.locked.extend(rows);
        new
    }

    /// These rows are free again.
    pub(super) fn free(&mut self, rows: &BTreeSet<Row>) {
        self.locked.retain(|row| !rows.contains(row));
        for it in &mut self.waiting {
            it.lacks.retain(|row| !rows.contains(row));
        }
    }
}

#[cfg(test)]
#[path = "yard_tests.rs"]
mod tests;
